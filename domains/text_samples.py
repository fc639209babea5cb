"""How a text holds samples of tokens: a line each, IN: and OUT:, tabs between pairs, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

from grouplearn.domains.csv_layouts import number
from grouplearn.domains.formats import looks_like_words

Words: TypeAlias = Sequence[str]
Sample: TypeAlias = tuple[Words, ...]

HEAD_LINES = 50
"""So many lines decide how a text holds samples."""
_INPUT, _OUTPUT, _TAB = "IN:", "OUT:", "\t"
_PAIRS = (
    ("input", "output"), ("inputs", "outputs"), ("in", "out"), ("source", "target"),
    ("src", "tgt"), ("src", "trg"), ("command", "actions"), ("commands", "actions"),
    ("question", "answer"), ("prompt", "completion"), ("instruction", "output"),
)  # fmt: skip
_ALONE = ("text", "tokens", "sentence", "sequence", "content")


@final
@dataclass(frozen=True)
class TextLayout:
    """How the lines of a text hold samples.

    Attributes:
        sides: 1 for sequences, 2 for pairs.
        words: what the text is, in words.
        form: what a line must be, for errors.
        titles: does the first line name the sides?
        sample: what a line holds; None where it has another form.
    """

    sides: int
    words: str
    form: str
    titles: bool
    sample: Callable[[str], Sample | None]


def text_layout(lines: Sequence[str]) -> TextLayout:
    """Say how a text holds samples.

    Args:
        lines: the first ones, without empty ones; at least one.
    """
    if lines[0].split()[0] == _INPUT:
        return TextLayout(2, "pairs IN: ... OUT: ...", "'IN: tokens OUT: tokens'", False, _marked)
    for sides, parse in ((2, json_pair), (1, json_sequence)):
        if all(parse(line) is not None for line in lines):
            words = f"{'pairs' if sides == 2 else 'sequences'} in lines of JSON"
            return TextLayout(sides, words, "of JSON, as the first is", False, parse)
    if are_tabbed(lines):
        titles = tuple(each.strip().lower() for each in lines[0].split(_TAB)) in _PAIRS
        return TextLayout(2, "pairs with a tab between", "'tokens TAB tokens'", titles, _tabbed)
    return TextLayout(1, "sequences of tokens, one on each line", "of tokens", False, _plain)


def are_pairs(lines: Sequence[str]) -> bool:
    """Do first lines hold pairs of texts in tabs, or samples in JSON, beyond doubt?

    Args:
        lines: the first ones, without empty ones; at least one.
    """
    few = lines[:HEAD_LINES]
    if any(all(parse(line) is not None for line in few) for parse in (json_pair, json_sequence)):
        return True
    return are_tabbed(few) and looks_like_words(few)


def are_tabbed(lines: Sequence[str]) -> bool:
    """Has each line one tab, and on both sides of it a text that is no number?"""
    pairs = [line.split(_TAB) for line in lines]
    return all(
        len(pair) == 2 and all(each.strip() and number(each, ".") is None for each in pair)
        for pair in pairs
    )


def json_pair(line: str) -> Sample | None:
    """Return the input and the output that a line of JSON holds; None where it holds no pair.

    Args:
        line: an object with two texts, or with an input and an output under usual names; or a list
            of two texts. A text is a str, or a list of tokens.
    """
    value = _json(line)
    if isinstance(value, dict):
        lowered = {str(key).lower(): each for key, each in value.items()}
        names = next((some for some in _PAIRS if set(some) <= set(lowered)), tuple(lowered))
        value = [lowered[name] for name in names]
    return _sample(value) if isinstance(value, list) and len(value) == 2 else None


def json_sequence(line: str) -> Sample | None:
    """Return the sequence that a line of JSON holds; None where it holds none.

    Args:
        line: a list of tokens, a str, or an object with one of these under a usual name or alone.
    """
    value = _json(line)
    if isinstance(value, dict):
        lowered = {str(key).lower(): each for key, each in value.items()}
        name = next((each for each in _ALONE if each in lowered), next(iter(lowered), ""))
        value = lowered.get(name) if name in _ALONE or len(lowered) == 1 else None
    return _sample([value])


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _sample(texts: Sequence[Any]) -> Sample | None:
    sides: list[Words] = []
    for text in texts:
        words = text.split() if isinstance(text, str) else text
        if not isinstance(words, list) or not words:
            return None
        if not all(isinstance(word, str) and word for word in words):
            return None
        sides.append(words)
    return tuple(sides)


def _marked(line: str) -> Sample | None:
    words = line.split()
    middle = words.index(_OUTPUT) if _OUTPUT in words else 0
    if words[0] != _INPUT or not 1 < middle < len(words) - 1:
        return None
    return words[1:middle], words[middle + 1 :]


def _tabbed(line: str) -> Sample | None:
    sides = tuple(each.split() for each in line.split(_TAB))
    return sides if len(sides) == 2 and all(sides) else None


def _plain(line: str) -> Sample | None:
    return (line.split(),)
