"""Windows of sequences as a stream of bounded batches: their letters, their words, their blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, permutations
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from grouplearn.discovery.moments import GROUPS, KEEP, MomentAccumulator
from grouplearn.domains.letters import BREAK, Alphabet

_BATCH = 1 << 20
_ROWS = 1 << 15
_MOST_WORDS = 1 << 16
_KEEP = 1 << 17
_MOST_TRIPLES = 64


@final
@dataclass(frozen=True)
class Batch:
    """Pieces of sequences one after the other, each followed by a break.

    Attributes:
        codes: the index of each letter, 255 where windows break.
        blocks: the block that a window belongs to which starts at the letter.
    """

    codes: UInt8[np.ndarray, " letters"]
    blocks: Int[np.ndarray, " letters"]

    def words(self, letters: int, window: int) -> Int[np.ndarray, " starts"]:
        """The word at each start as one number, -1 where a break is in the window."""
        starts = max(len(self.codes) - window + 1, 0)
        whole = self.whole(window)
        words = np.zeros(starts, dtype=np.int64)
        for place in range(window):
            words *= letters
            words += self.codes[place : place + starts]
        words[~whole] = -1
        return words

    def whole(self, window: int) -> Bool[np.ndarray, " starts"]:
        """At which starts no break is in the window."""
        starts = max(len(self.codes) - window + 1, 0)
        breaks = np.concatenate([[0], np.cumsum(self.codes == BREAK)])
        return breaks[window : window + starts] == breaks[:starts]


@dataclass
class _Pieces:
    """Pieces that are still to become a batch."""

    texts: list[str] = field(default_factory=list)
    numbers: list[tuple[int, int, int]] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, first_block: int, start: int, stretch: int) -> None:
        self.texts.append(text)
        self.numbers.append((first_block, start, stretch))
        self.length += len(text) + 1

    def batch(self, alphabet: Alphabet) -> Batch:
        lengths = np.array([len(text) + 1 for text in self.texts])
        first_block, start, stretch = np.repeat(np.array(self.numbers), lengths, axis=0).T
        within = np.arange(self.length) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        codes = alphabet.codes("\n".join(self.texts) + "\n")
        return Batch(codes, first_block + (start + within) // stretch)


def stretch_of(letters: int, stretch: int | None) -> int:
    """The letters of a block of a sequence: as asked for, or a 64th, between 1,000 and 10,000."""
    return stretch or min(max(letters // 64, 1000), 10_000)


def batches(
    sequences: Iterable[str], alphabet: Alphabet, window: int, stretch: int | None
) -> Iterator[Batch]:
    """Cut sequences into batches of about a million letters, no window lost or doubled.

    Args:
        sequences: letters of each.
        alphabet: of the letters.
        window: w; pieces of one sequence overlap by w - 1.
        stretch: the letters of a block; None takes a 64th of the sequence, between 1,000 and
            10,000. A sequence no longer than that is one block.

    Yields:
        The batches, in the order of the sequences.

    Raises:
        DataError: a letter is not of the alphabet.

    Cost:
        Linear time, constant memory beside the sequence at hand.
    """
    pieces, block = _Pieces(), 0
    for text in sequences:
        length = stretch_of(len(text), stretch)
        for start in range(0, max(len(text) - window + 1, 1), _BATCH):
            pieces.add(text[start : start + _BATCH + window - 1], block, start, length)
            if pieces.length >= _BATCH:
                yield pieces.batch(alphabet)
                pieces = _Pieces()
        block += len(text) // length + 1
    if pieces.length:
        yield pieces.batch(alphabet)


def window_moments(
    stream: Iterable[Batch], letters: int, window: int, seed: int
) -> MomentAccumulator:
    """Accumulate the moments of one-hot windows.

    Where the alphabet has at most 65,536 words of that length, each bootstrap group's words are
    counted first and each distinct word taken in once, with its count as weight; else window by
    window.

    Args:
        stream: the batches.
        letters: of the alphabet.
        window: the letters of a window.
        seed: deals the blocks to bootstrap groups and draws the sample.

    Returns:
        The moments, of dimension letters * window.

    Cost:
        Linear time. Counting takes 32 * letters^window integers.
    """
    dim, words = letters * window, letters**window
    if words > _MOST_WORDS:
        moments = MomentAccumulator(dim, seed=seed)
        for batch in stream:
            _add_windows(moments, batch, letters, window)
        return moments
    keep = min(max(KEEP, GROUPS * words), _KEEP)
    moments = MomentAccumulator(dim, keep=keep, seed=seed)
    counts = np.zeros(moments.groups * words, dtype=np.int64)
    first = np.full(moments.groups, -1)
    for batch in stream:
        found = batch.words(letters, window)
        blocks = batch.blocks[: len(found)]
        groups = moments.group_of(blocks)
        for group in np.flatnonzero(first < 0):
            here = np.flatnonzero(groups == group)
            first[group] = blocks[here[0]] if here.size else -1
        kept = found >= 0
        counts += np.bincount(groups[kept] * words + found[kept], minlength=len(counts))
    by_group = counts.reshape(moments.groups, words)
    _add_words(moments, by_group, first, letters, window)
    if dim <= _MOST_TRIPLES:
        triples = [triple_counts(each, letters, window) for each in by_group]
        moments.add_triples(np.stack(triples))
    return moments


def triple_counts(
    counts: Int[np.ndarray, " words"], letters: int, window: int
) -> Float[np.ndarray, "d d d"]:
    """Third moments of one-hot windows from the counts of their words.

    Args:
        counts: how often each word occurs, the first letter most significant.
        letters: of the alphabet.
        window: the letters of a word.

    Returns:
        (d, d, d) with d = letters * window: the sum over the windows of x_i x_j x_k.

    Cost:
        O(window^3 letters^window) time at most.
    """
    cube = counts.reshape((letters,) * window).astype(np.float64)
    shape = (window, letters) * 3
    found = np.zeros(shape)
    each = np.arange(letters)
    for places in combinations_with_replacement(range(window), 3):
        distinct = sorted(set(places))
        rest = tuple(k for k in range(window) if k not in distinct)
        marginal = cube.sum(rest)
        axes = [distinct.index(place) for place in places]
        grids = np.meshgrid(*[each] * len(distinct), indexing="ij")
        a, b, c = (grids[axis] for axis in axes)
        for p, q, r in set(permutations(range(3))):
            at = [(places[k], (a, b, c)[k]) for k in (p, q, r)]
            found[at[0][0], at[0][1], at[1][0], at[1][1], at[2][0], at[2][1]] = marginal
    return found.reshape((letters * window,) * 3)


def one_hot(
    words: Int[np.ndarray, "n w"] | UInt8[np.ndarray, "n w"], letters: int
) -> Float[np.ndarray, "n d"]:
    """Return windows as vectors, position-major.

    Args:
        words: (n, w), the index of each letter.
        letters: of the alphabet.

    Returns:
        (n, w * letters), float64.

    Example:
        >>> one_hot(np.array([[0, 2]]), letters=3).tolist()
        [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    rows = np.zeros((*words.shape, letters))
    np.put_along_axis(rows, words.astype(np.int64)[..., None], 1.0, axis=-1)
    return rows.reshape(len(words), words.shape[1] * letters)


def _add_windows(moments: MomentAccumulator, batch: Batch, letters: int, window: int) -> None:
    starts = np.flatnonzero(batch.whole(window))
    for first in range(0, len(starts), _ROWS):
        at = starts[first : first + _ROWS]
        words = batch.codes[at[:, None] + np.arange(window)]
        moments.add(one_hot(words, letters), blocks=batch.blocks[at])


def _add_words(
    moments: MomentAccumulator,
    counts: NDArray[np.int64],
    blocks: NDArray[np.int64],
    letters: int,
    window: int,
) -> None:
    """Take in each group's words, under the number of a block that is dealt to that group."""
    powers = letters ** np.arange(window)[::-1]
    for group, block in enumerate(blocks):
        words = np.flatnonzero(counts[group])
        rows = one_hot(words[:, None] // powers % letters, letters)
        moments.add(rows, weights=counts[group, words], blocks=np.full(len(words), block))
