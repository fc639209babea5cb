"""Biological sequences as samples of R^d: one-hot windows, position-major."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import generator, last_axis, positive_int, refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.domains.base import permutations_of
from grouplearn.domains.choosing import PARAMETERS, NetworkDomain
from grouplearn.domains.letters import (
    ALPHABETS,
    Alphabet,
    AlphabetName,
    SequenceMove,
    factor,
)
from grouplearn.domains.sequence_files import Source, sequences_of
from grouplearn.domains.sequence_groups import factored, sequence_groups
from grouplearn.domains.sequence_pieces import wholes_of_sequences
from grouplearn.domains.sequence_tensors import Ambiguous, letters_of, one_hot_channels
from grouplearn.domains.wholes import Wholes
from grouplearn.domains.windows import batches, one_hot, window_moments
from grouplearn.errors import DataError
from grouplearn.models import SequenceNetwork, SequencePattern
from grouplearn.representations import FixedRepresentation, LearnedRepresentation
from grouplearn.training import Labelled

_WHO = "SequenceDomain"


@final
@dataclass(frozen=True)
class SequenceDomain(NetworkDomain):
    """DNA, RNA or protein sequences, seen through windows of w letters.

    A window is a vector of d = letters * w zeros and ones, position-major: letter a at position p
    is entry letters * p + a. DNA's letters are ACGT, RNA's ACGU, protein's the twenty one-letter
    codes in alphabetical order. Windows that hold an ambiguous letter, such as N, or a gap are left
    out. Case does not matter.

    A source is the path of a FASTA, FASTQ, GenBank or EMBL file, plain or gzip; one sequence as a
    str, or as Biopython's `Seq` or `SeqRecord`; or several as an iterable. A str that names an
    existing file, holds a slash, or ends like a file name is a path: put letters into a list to
    avoid that.

    Args:
        alphabet: "dna", "rna" or "protein".
        window: w >= 1.
        stretch: letters of one bootstrap block; windows that start in one block count as dependent.
            None takes a 64th of each sequence, between 1,000 and 10,000; shorter sequences are one
            block each.

    Raises:
        InputError: an argument is out of its range.

    Example:
        >>> domain = SequenceDomain(alphabet="dna", window=2)
        >>> domain.vectorize("ACG").tolist()
        [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]]
    """

    alphabet: AlphabetName = "dna"
    window: int = 6
    stretch: int | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.alphabet not in ALPHABETS:
            refuse(_WHO, "alphabet", "'dna', 'rna' or 'protein'", repr(self.alphabet), "pass one")
        positive_int(_WHO, "window", self.window)
        if self.stretch is not None:
            positive_int(_WHO, "stretch", self.stretch)

    @property
    def dim(self) -> int:
        """The dimension d = letters * window of the vectors."""
        return len(self.letters) * self.window

    @property
    def letters(self) -> str:
        """The letters, in the order of their coordinates."""
        return self._alphabet.letters

    @property
    def _alphabet(self) -> Alphabet:
        return ALPHABETS[self.alphabet]

    def vectorize(
        self, source: Source, count: int | None = None, rng: torch.Generator | None = None
    ) -> Float32[Tensor, "samples d"]:
        """Return windows as vectors: all, in order, or `count` drawn with replacement.

        Args:
            source: a path, letters, or several sequences.
            count: how many windows to draw; None takes all.
            rng: draws them; None uses torch's global generator.

        Returns:
            (N, d), float32, zeros and ones.

        Raises:
            InputError: the source is empty or no source, or an argument is out of its range.
            DataError: a broken file, a letter of another alphabet, or no window fits.
            MissingExtraError: a file, and Biopython is absent.

        Cost:
            O(N d) time and memory; every window's letters take N w bytes.

        Example:
            >>> SequenceDomain(window=4).vectorize("ACGTNACGT").shape
            torch.Size([2, 16])
        """
        generator(_WHO, rng)
        parts = [
            batch.codes[np.flatnonzero(batch.whole(self.window))[:, None] + np.arange(self.window)]
            for batch in batches(sequences_of(source), self._alphabet, self.window, self.stretch)
        ]
        words = np.concatenate(parts)
        if not len(words):
            self._refuse_windows()
        if count is not None:
            number = positive_int(f"{_WHO}.vectorize", "count", count)
            words = words[torch.randint(len(words), (number,), generator=rng).numpy()]
        return torch.from_numpy(one_hot(words, len(self.letters))).float()

    def unvectorize(
        self, vectors: Float[Tensor, "*batch d"]
    ) -> Float[Tensor, "*batch window letters"]:
        """Fold vectors back into one row per position.

        Args:
            vectors: (..., d), floating point.

        Returns:
            (..., w, letters), a view where torch can give one.

        Raises:
            InputError: not a floating-point tensor whose last axis has d entries.

        Example:
            >>> SequenceDomain(window=3).unvectorize(torch.zeros(5, 12)).shape
            torch.Size([5, 3, 4])
        """
        last_axis(f"{_WHO}.unvectorize", "vectors", vectors, self.dim)
        return vectors.reshape(*vectors.shape[:-1], self.window, len(self.letters))

    def moments(self, source: Source, *, seed: int = 0) -> MomentAccumulator:
        """Accumulate the moments of all windows, in one pass over the source.

        Args:
            source: a path, letters, or several sequences.
            seed: deals the blocks to bootstrap groups and draws the sample.

        Returns:
            The moments; a window's block is the stretch of `stretch` letters where it starts.

        Raises:
            InputError: the source is empty or no source.
            DataError: a broken file, a letter of another alphabet, or no window fits.
            MissingExtraError: a file, and Biopython is absent.

        Cost:
            Linear time; memory of the longest sequence, and of 32 letters^w counts while
            letters^w <= 65,536. 4.6 million bases at w = 6: about a second.

        Example:
            >>> SequenceDomain(window=1).moments("AACG").mean().tolist()
            [0.5, 0.25, 0.25, 0.0]
        """
        stream = batches(sequences_of(source), self._alphabet, self.window, self.stretch)
        moments = window_moments(stream, len(self.letters), self.window, seed)
        if not moments.count:
            self._refuse_windows()
        return moments

    def wholes(self, source: Source, /, *, seed: int = 0, apart: bool = False) -> Wholes:
        """Return pieces of sequences, each of `stretch` letters one whole object.

        A move is called on the letters of a piece, a str.

        Args:
            source: a path, letters, or several sequences.
            seed: draws pieces and windows, where there are very many.
            apart: cut windows that do not overlap.

        Raises:
            InputError: the source is empty or no source.
            DataError: a broken file, a letter of another alphabet, or no window fits.
            MissingExtraError: a file, and Biopython is absent.

        Cost:
            Linear time; memory of the longest sequence, and of 16,384 pieces.

        Example:
            >>> SequenceDomain(window=2).wholes(["ACGT", "GG"]).rows(np.arange(2)).shape
            (4, 8)
        """
        found = wholes_of_sequences(
            sequences_of(source), self._alphabet, self.window, self.stretch,
            np.random.default_rng(seed), apart=apart,
        )  # fmt: skip
        if not found.count:
            self._refuse_windows()
        return found

    def known_actions(self) -> dict[str, SequenceMove]:
        """Return reverse, and for DNA and RNA complement and reverse-complement, by name.

        Example:
            >>> list(SequenceDomain().known_actions())
            ['reverse', 'complement', 'reverse-complement']
        """
        same = tuple(range(len(self.letters)))
        moves = [self._move(same, True)] if self.window > 1 else []
        if self._alphabet.partners:
            partners = tuple(self.letters.index(letter) for letter in self._alphabet.partners)
            moves.append(self._move(partners, False))
            moves += [self._move(partners, True)] if self.window > 1 else []
        return {move.name: move for move in moves}

    def factor(
        self, permutation: Sequence[int] | NDArray[np.int64] | Int64[Tensor, " d"]
    ) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Split a permutation of coordinates into one of letters and one of positions.

        Args:
            permutation: (d,), where each coordinate moves, as an entry of `Discovery.members`.

        Returns:
            (where each letter moves, where each position moves), or None where it does not split.

        Raises:
            InputError: not a permutation of 0 to d - 1.

        Example:
            >>> domain = SequenceDomain(window=2)
            >>> domain.factor(domain.known_actions()["reverse-complement"].permutation)
            ((3, 2, 1, 0), (1, 0))
        """
        given = np.asarray(permutation)
        if given.shape != (self.dim,) or not np.array_equal(np.sort(given), np.arange(self.dim)):
            refuse(f"{_WHO}.factor", "permutation", f"a permutation of 0 to {self.dim - 1}",
                   given.tolist(), "pass one row of found.members")  # fmt: skip
        return factor(given, len(self.letters))

    def extend(self, representation: LearnedRepresentation) -> tuple[SequenceMove | None, ...]:
        """Say which elements of a representation on windows act on whole sequences.

        Those do that permute the letters, alike at every position, and keep or reverse the order.

        Args:
            representation: on R^d.

        Returns:
            For each group element the operation, which is called on a sequence, or None.

        Raises:
            InputError: `representation` is not one on R^d.

        Example:
            >>> from grouplearn.representations import FixedRepresentation
            >>> domain = SequenceDomain(window=3)
            >>> swap = domain.known_actions()["reverse-complement"].permutation
            >>> rep = FixedRepresentation.from_permutations(swap[None])
            >>> [str(move) for move in domain.extend(rep)], domain.extend(rep)[1]("AAC")
            (['identity', 'reverse-complement'], 'GTT')
        """
        return tuple(
            self._whole(permutation)
            for permutation in permutations_of(f"{_WHO}.extend", representation, self.dim)
        )

    def factored(
        self, representation: LearnedRepresentation
    ) -> tuple[FixedRepresentation, FixedRepresentation]:
        """Split a representation on windows into those on letters and on positions.

        Args:
            representation: on R^d, of elements that act on whole sequences.

        Returns:
            Of the same group, on R^letters and, as the identity or the reversal of two places, on
            R^2; float32, for `grouplearn.models.SequenceNetwork`.

        Raises:
            InputError: an element does not extend to whole sequences.

        Example:
            >>> from grouplearn.representations import FixedRepresentation
            >>> domain = SequenceDomain(window=3)
            >>> swap = domain.known_actions()["reverse-complement"].permutation
            >>> rep = FixedRepresentation.from_permutations(swap[None])
            >>> letters, positions = domain.factored(rep)
            >>> letters.act(torch.arange(4.0), 1), positions.act(torch.arange(2.0), 1)
            (tensor([3., 2., 1., 0.]), tensor([1., 0.]))
        """
        return factored(representation, self.extend(representation), len(self.letters))

    def network_groups(self, found: Discovery) -> list[FixedRepresentation]:
        """Return the groups that a network could have, for `grouplearn.training.choose`.

        Args:
            found: a discovery of permutations on R^d, for example with `max_moment=2`.

        Returns:
            On R^d: the subgroups of what in the groups of the ladder extends to whole sequences,
            the trivial group first, by order. Two that an element of the claimed group conjugates
            into one another, and that the data therefore treat alike, count once.

        Raises:
            InputError: signed or linear actions.
        """
        return sequence_groups(found, self.extend, self.dim)

    def network(
        self,
        data: Labelled,
        representation: LearnedRepresentation,
        rng: torch.Generator | None = None,
        *,
        parameters: int = PARAMETERS,
        pattern: SequencePattern | None = None,
    ) -> SequenceNetwork:
        """Return an untrained network for labelled sequences.

        Args:
            data: (N, letters, length), as of `one_hot`.
            representation: on R^d, of elements that act on whole sequences.
            rng: draws the weights; None uses torch's global generator.
            parameters: about how many it has.
            pattern: its sizes, but for the width; the usual ones when None.

        Raises:
            InputError: an element does not extend to whole sequences.
        """
        action = self.factored(representation)
        sizes = pattern or SequencePattern(len(self.letters), data.classes or 0)
        return SequenceNetwork(sizes.within(parameters, *action), *action, rng=rng)

    def unlabelled(self, data: Labelled) -> list[str]:
        """Return the sequences in labelled data, as of `one_hot`: "-" where they are blank."""
        return letters_of(data.x, self._alphabet)

    def one_hot(
        self, sequences: Iterable[str], *, ambiguous: Ambiguous = "refuse"
    ) -> Float32[Tensor, "count letters length"]:
        """Return sequences of one length as a network takes them: a channel for each letter.

        Args:
            sequences: letters of each.
            ambiguous: what becomes of a letter such as N, or a gap: "refuse" it, or leave its
                place "blank", with a zero in every channel.

        Returns:
            (N, letters, length), float32, zeros and ones.

        Raises:
            DataError: a letter of another alphabet, or an ambiguous one; lengths differ; or a
                sequence is empty.
            InputError: there is no sequence.

        Example:
            >>> SequenceDomain().one_hot(["AC", "NG"], ambiguous="blank")[1].mT.tolist()
            [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
        """
        return one_hot_channels(list(sequences), self._alphabet, ambiguous)

    def _move(self, letters: tuple[int, ...], backwards: bool) -> SequenceMove:
        return SequenceMove(self._alphabet, self.window, letters, backwards)

    def _whole(self, permutation: NDArray[np.int64] | None) -> SequenceMove | None:
        split = None if permutation is None else factor(permutation, len(self.letters))
        forward = tuple(range(self.window))
        if split is None or split[1] not in (forward, forward[::-1]):
            return None
        return self._move(split[0], split[1] != forward)

    def _refuse_windows(self) -> NoReturn:
        refuse(_WHO, "source", f"sequences with {self.window} letters in a row, none ambiguous",
               "no such window", "pass a smaller window or longer sequences",
               DataError)  # fmt: skip
