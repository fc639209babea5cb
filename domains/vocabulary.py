"""Tokens as coordinates: their numbers, their positions, and changes of vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, final

import numpy as np
from jaxtyping import Float64, Int, Int64
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.text_samples import Sample, Words
from grouplearn.groups.cycles import cycles

CHANNELS = 2
_ENTRIES = 1 << 21
_PREFIXES = (("",), ("in:", "out:"))
# Where the middle of a side lies: inputs and outputs differ, so that a word which only ever stands
# alone, such as SCAN's jump in the split that holds it out, is not mistaken for its own output.
_MIDDLES = ((0.0,), (0.5, -0.5))


@final
@dataclass(frozen=True)
class TokenMove:
    """A change of vocabulary, applied to whole sequences token by token.

    Args:
        changes: for each side, the token that each changed token becomes.

    Example:
        >>> move = TokenMove(({"left": "right", "right": "left"},))
        >>> move.name, move(["turn", "left"])
        ('left <-> right', ['turn', 'right'])
    """

    changes: tuple[Mapping[str, str], ...]

    @property
    def name(self) -> str:
        """Its cycles, such as "left <-> right, a -> b -> c -> a"; "identity" for no change."""
        cycles = [
            cycle
            for prefix, change in zip(_PREFIXES[len(self.changes) - 1], self.changes, strict=True)
            for cycle in _cycles(change, prefix)
        ]
        return ", ".join(cycles) or "identity"

    def __call__(self, sample: Words | Sequence[Words]) -> list[str] | tuple[list[str], ...]:
        """Apply the change to a sequence, or to an (input, output) pair, as the domain has them."""
        if len(self.changes) == 1:
            return [self.changes[0].get(str(word), str(word)) for word in sample]
        return tuple(
            [change.get(word, word) for word in words]
            for change, words in zip(self.changes, sample, strict=True)
        )

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True)
class Tokens:
    """Tokens of some samples, one after the other; those without a coordinate have number -1.

    Attributes:
        numbers: (T,), the coordinate of each.
        samples: (T,), the sample of each.
        sides: (T,), which (sample, side) each stands on, numbered on.
        positions: (T,), from -1 to 1 along a side, shifted by the side's middle.
        count: how many samples there are.
    """

    numbers: Int[np.ndarray, " tokens"]
    samples: Int[np.ndarray, " tokens"]
    sides: Int[np.ndarray, " tokens"]
    positions: Float64[np.ndarray, " tokens"]
    count: int


@final
@dataclass(frozen=True)
class Vocabulary:
    """The tokens that have a coordinate.

    Attributes:
        tokens: (side, token) of each coordinate.
        sides: 1 or 2.
        left_out: how many tokens have none.
        most: how many might have had one.
    """

    tokens: tuple[tuple[int, str], ...]
    sides: int
    left_out: int
    most: int
    _numbers: tuple[dict[str, int], ...] = field(repr=False)

    @classmethod
    def of(cls, counts: Counter[tuple[int, str]], sides: int, most: int) -> Vocabulary:
        """Take the most frequent tokens, those of one frequency all or none.

        Args:
            counts: how often each (side, token) occurs.
            sides: 1 or 2.
            most: the most tokens taken.

        Returns:
            The vocabulary, sorted by side and token.

        Raises:
            InputError: more than `most` tokens share the highest frequency.
        """
        ranked = counts.most_common(most + 1)
        least = ranked[most][1] if len(ranked) > most else 0
        tokens = tuple(sorted(token for token, count in ranked[:most] if count > least))
        if not tokens:
            refuse(
                "TokenDomain",
                "max_vocabulary",
                "as large as the number of most frequent tokens",
                f"{most}, while more than that occur {least} times each",
                "pass a larger max_vocabulary",
            )
        numbers: tuple[dict[str, int], ...] = tuple({} for _ in range(sides))
        for number, (side, token) in enumerate(tokens):
            numbers[side][token] = number
        return cls(tokens, sides, len(counts) - len(tokens), most, numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The token of each coordinate; those of pairs begin with "in:" or "out:"."""
        return tuple(_PREFIXES[self.sides - 1][side] + token for side, token in self.tokens)

    def number(self, samples: Iterable[Sample], at_once: int) -> Iterator[Tokens]:
        """Yield the tokens of samples, a bounded number of samples at once.

        Args:
            samples: each with the vocabulary's sides.
            at_once: how many.

        Yields:
            Their tokens.
        """
        stream = iter(samples)
        while batch := list(islice(stream, at_once)):
            numbers = [
                numbers.get(word, -1)
                for sample in batch
                for numbers, words in zip(self._numbers, sample, strict=True)
                for word in words
            ]
            lengths = np.array([len(words) for sample in batch for words in sample])
            side = np.repeat(np.arange(len(lengths)), lengths)
            place = np.arange(len(side)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            middle = np.array(_MIDDLES[self.sides - 1])[side % self.sides]
            last = np.maximum(lengths - 1, 1)[side]
            centred = np.where(lengths[side] > 1, 2 * place / last - 1, 0.0)
            yield Tokens(np.array(numbers), side // self.sides, side, centred + middle, len(batch))

    def rows(self, samples: Iterable[Sample]) -> Iterator[Float64[np.ndarray, "samples d2"]]:
        """Yield samples as vectors, a bounded number at once.

        Args:
            samples: each with the vocabulary's sides.

        Yields:
            (N, 2 d): log2(1 + n) for each token, then its mean position.
        """
        d = len(self.tokens)
        for tokens in self.number(samples, max(1, _ENTRIES // (CHANNELS * d))):
            known = tokens.numbers >= 0
            entry = tokens.samples[known] * d + tokens.numbers[known]
            shape, size = (tokens.count, d), tokens.count * d
            often = np.bincount(entry, minlength=size).reshape(shape)
            where = np.bincount(entry, tokens.positions[known], minlength=size).reshape(shape)
            yield np.hstack([np.log2(1.0 + often), where / np.maximum(often, 1)])

    def counts(
        self, samples: Iterable[Sample]
    ) -> tuple[Float64[np.ndarray, "d d"], Float64[np.ndarray, "d d"]]:
        """Count co-occurrences and ordered bigrams.

        Args:
            samples: each with the vocabulary's sides.

        Returns:
            Two (d, d) matrices, as `TokenDomain.matrices`.
        """
        from scipy.sparse import coo_array

        d = len(self.tokens)
        together, after = np.zeros((d, d)), np.zeros(d * d)
        for tokens in self.number(samples, 1 << 12):
            known = tokens.numbers >= 0
            entries = (tokens.samples[known], tokens.numbers[known])
            often = coo_array((np.ones(int(known.sum())), entries), shape=(tokens.count, d)).tocsr()
            meet = (often.T @ often).tocoo()
            together[meet.coords] += meet.data
            pairs = known[:-1] & known[1:] & (tokens.sides[:-1] == tokens.sides[1:])
            first, second = tokens.numbers[:-1][pairs], tokens.numbers[1:][pairs]
            after += np.bincount(first * d + second, minlength=d * d)
        return together, after.reshape(d, d)

    def notes(self) -> tuple[str, ...]:
        """A sentence that says how many tokens have no coordinate, if any."""
        if not self.left_out:
            return ()
        return (f"The {len(self.tokens)} most frequent tokens were looked at, {self.left_out} left "
                f"out (max_vocabulary={self.most}).",)  # fmt: skip

    def checked_move(self, who: str, given: NDArray[Any]) -> TokenMove:
        """Return a permutation of coordinates as a change of tokens, if it is one.

        Args:
            who: asks, for the error message.
            given: (d,), as an entry of `Discovery.members`.

        Raises:
            InputError: it is no permutation of the vocabulary, or mixes inputs with outputs.
        """
        dim = len(self.tokens)
        valid = given.shape == (dim,) and np.array_equal(np.sort(given), np.arange(dim))
        move = self.move(given) if valid else None
        if move is None:
            refuse(who, "member",
                   f"a permutation of 0 to {dim - 1} that keeps inputs and outputs apart",
                   given.tolist(), "pass one row of found.members")  # fmt: skip
        return move

    def numbers_of(self, move: TokenMove) -> list[tuple[int, int]] | None:
        """Return which coordinates a change of tokens changes to which; None where one has none."""
        pairs = []
        for numbers, changes in zip(self._numbers, move.changes, strict=True):
            for word, becomes in changes.items():
                if word not in numbers or becomes not in numbers:
                    return None
                pairs.append((numbers[word], numbers[becomes]))
        return pairs

    def move(self, permutation: NDArray[np.int64] | Int64[np.ndarray, " d"]) -> TokenMove | None:
        """Return a permutation of coordinates as a change of tokens, None where it mixes sides."""
        changes: tuple[dict[str, str], ...] = tuple({} for _ in range(self.sides))
        for number, image in enumerate(permutation.tolist()):
            (side, token), (other, becomes) = self.tokens[number], self.tokens[image]
            if side != other:
                return None
            if token != becomes:
                changes[side][token] = becomes
        return TokenMove(changes)


def _cycles(change: Mapping[str, str], prefix: str) -> Iterator[str]:
    """The cycles of a permutation, in the order of their first tokens."""
    for cycle in cycles(change):
        names = [prefix + word for word in cycle]
        yield " <-> ".join(names) if len(names) == 2 else " -> ".join([*names, names[0]])
