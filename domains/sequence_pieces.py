"""Sequences in pieces that are moved whole, and only then cut into windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.letters import BREAK, Alphabet
from grouplearn.domains.wholes import WholeMove, Wholes, most_rows
from grouplearn.domains.windows import one_hot, stretch_of

_PIECES = 1 << 14
_LETTERS = 1 << 27
_LEAST = 128


def pieces_of(
    sequences: Iterable[str], alphabet: Alphabet, window: int, stretch: int | None
) -> Iterator[tuple[int, str]]:
    """Cut sequences into pieces, one for each block of `SequenceDomain.moments`.

    Args:
        sequences: letters of each.
        alphabet: of the letters.
        window: w; a piece ends w - 1 letters after the last window that starts in its block.
        stretch: the letters of a block; None as in `batches`.

    Yields:
        The number of the sequence, and a piece with room for a window.

    Raises:
        DataError: a letter is not of the alphabet.
    """
    for number, text in enumerate(sequences):
        alphabet.codes(text, before=number)
        length = stretch_of(len(text), stretch)
        for start in range(0, len(text) - window + 1, length):
            yield number, text[start : start + length + window - 1]


@final
@dataclass(frozen=True)
class WindowCut:
    """Cuts moved pieces into windows, at places of each piece that are drawn beforehand.

    The places of a piece are closed under its reversal.

    Attributes:
        texts: the pieces.
        alphabet: of the letters.
        window: w.
        places: for each piece, where windows start.
    """

    texts: list[str]
    alphabet: Alphabet
    window: int
    places: list[NDArray[np.int64]]

    def __call__(
        self, objects: NDArray[np.int64], move: WholeMove
    ) -> tuple[Float[np.ndarray, "N d"], Int[np.ndarray, " N"]]:
        """The windows of some pieces after a move, with the piece of each."""
        words = [self._words(piece, move) for piece in objects.tolist()]
        owners = np.repeat(objects, [len(each) for each in words])
        return one_hot(np.concatenate(words), len(self.alphabet.letters)), owners

    def _words(self, piece: int, move: WholeMove) -> NDArray[np.uint8]:
        text = self.texts[piece]
        moved = move(text)
        if not isinstance(moved, str) or len(moved) != len(text):
            got = f"{len(moved)} letters" if isinstance(moved, str) else type(moved).__name__
            refuse("SequenceDomain.invariance_test", "action",
                   f"a move of sequences that keeps their length, {len(text)}", got,
                   "return as many letters as were given")  # fmt: skip
        codes = self.alphabet.codes(moved)
        words = codes[self.places[piece][:, None] + np.arange(self.window)]
        return words[(words != BREAK).all(1)]


def wholes_of_sequences(
    sequences: Iterable[str],
    alphabet: Alphabet,
    window: int,
    stretch: int | None,
    rng: np.random.Generator,
    *,
    apart: bool,
) -> Wholes:
    """Pieces of sequences as whole objects: at most 16,384 of them, each as likely as any other.

    All windows are taken where they are not too many; of more, each piece gets some of its own.

    Args:
        sequences: letters of each.
        alphabet: of the letters.
        window: w.
        stretch: as for `pieces_of`.
        rng: draws pieces and places.
        apart: must windows not overlap?

    Raises:
        DataError: a letter is not of the alphabet.
    """
    most = min(_PIECES, max(_LEAST, _LETTERS // stretch)) if stretch else _PIECES
    kept: list[tuple[int, str]] = []
    items = seen = 0

    def counted() -> Iterator[str]:
        nonlocal items
        for text in sequences:
            items += 1
            yield text

    for seen, piece in enumerate(pieces_of(counted(), alphabet, window, stretch), 1):
        if len(kept) < most:
            kept.append(piece)
        elif (place := int(rng.integers(seen))) < most:
            kept[place] = piece
    room = most_rows(len(alphabet.letters) * window) // max(len(kept), 1)
    places = [
        _places(len(text) - window + 1, room, window if apart else 1, rng) for _, text in kept
    ]
    cut = WindowCut([text for _, text in kept], alphabet, window, places)
    parents = np.array([number for number, _ in kept], dtype=np.int64)
    return Wholes(parents, items, cut, letters=len(alphabet.letters))


def _places(starts: int, room: int, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Where windows start: everywhere, or at so many places, with those mirrored to them.

    Places further apart than 1 need not be closed under reversal.
    """
    if step > 1:
        every = np.arange(rng.integers((starts - 1) % step + 1), starts, step)
        return every if len(every) <= room else rng.choice(every, max(1, room), replace=False)
    if starts <= room:
        return np.arange(starts)
    some = rng.choice(starts // 2, max(1, room // 2), replace=False)
    return np.concatenate([some, starts - 1 - some])
