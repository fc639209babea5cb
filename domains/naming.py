"""Operations in words: one name for one thing, in commands, reports and descriptions."""

from __future__ import annotations

_WORDS = {
    "flip": "left-right flip",
    "flip-up-down": "up-down flip",
    "half-turn": "half turn",
    "quarter-turn": "quarter turn",
    "three-quarter-turn": "three-quarter turn",
    "reverse-complement": "reverse complement",
}
_NEGATIVE = "negative "


def in_words(name: str) -> str:
    """A domain's name of an operation as plain text.

    Args:
        name: for example "quarter-turn" or "negative flip".

    Example:
        >>> in_words("negative flip")
        'left-right flip with reversed contrast'
    """
    plain = name.removeprefix(_NEGATIVE)
    words = _WORDS.get(plain, plain)
    return f"{words} with reversed contrast" if name.startswith(_NEGATIVE) else words


def with_article(words: str) -> str:
    """Words of an operation with an article before them.

    Args:
        words: for example "quarter turn".

    Example:
        >>> with_article("antitranspose"), with_article("identity")
        ('an antitranspose', 'the identity')
    """
    if words == "identity":
        return f"the {words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
