"""Sequences of tokens, and pairs of them, as samples of R^(2 d): how often, and where."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import generator, instance, last_axis, positive_int
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.domains.base import Domain, KnownAction, discovered, permutations_of
from grouplearn.domains.corpora import (
    Corpus,
    corpus_of_pairs,
    corpus_of_samples,
    corpus_of_sequences,
    corpus_of_two_files,
    count_tokens,
)
from grouplearn.domains.exchanges import PairTable
from grouplearn.domains.extensions import ExchangeClasses, accepted_on, exchange_classes
from grouplearn.domains.extensions import with_exchanges as _with_exchanges
from grouplearn.domains.source_folders import corpus_of_path
from grouplearn.domains.text_samples import Words
from grouplearn.domains.token_wholes import wholes_of_samples
from grouplearn.domains.vocabulary import CHANNELS, TokenMove, Vocabulary
from grouplearn.domains.wholes import Wholes
from grouplearn.representations import LearnedRepresentation

Texts: TypeAlias = Iterable[Words]
File: TypeAlias = str | os.PathLike[str]

_WHO = "TokenDomain"


@final
@dataclass(frozen=True, eq=False)
class TokenDomain(Domain):
    """Sequences of tokens, or pairs of an input and an output, over one joint vocabulary.

    Built by `from_sequences`, `from_pairs`, `from_file` or `from_files`; it keeps the samples, or
    the names of the files, and is what `discover()` looks at. A group acts by permuting the
    vocabulary of d tokens; a token of the inputs and the same token of the outputs are two.

    A sample is a vector of two channels of d entries. For a token that occurs n times in a sample,
    the first is log2(1 + n), the second the mean of its positions, where positions run from -1 at
    the start of a side to 1 at its end (from -1/2 to 3/2 for inputs of pairs and from -3/2 to 1/2
    for outputs, which tells the sides apart). Both are 0 for a token that does not occur. Products
    of three such entries see order: "x and y" becomes X Y, "x after y" becomes Y X, and only
    E[and * position of x * position of X] is of another sign than for "after".

    Args:
        corpus: the samples.
        max_vocabulary: the most tokens that get a coordinate; the most frequent are taken, and
            tokens of one frequency all or none, so that no symmetry is cut.

    Raises:
        InputError: no samples, or too many tokens of one frequency.

    Example:
        >>> domain = TokenDomain.from_pairs([["walk"], ["run"]], [["W"], ["R"]])
        >>> domain.vocabulary
        ('in:run', 'in:walk', 'out:R', 'out:W')
    """

    corpus: Corpus
    max_vocabulary: int = 256

    def __post_init__(self) -> None:
        """Check the arguments."""
        instance(_WHO, "corpus", self.corpus, Corpus, "use from_pairs, from_sequences or from_file")
        positive_int(_WHO, "max_vocabulary", self.max_vocabulary)

    @classmethod
    def from_sequences(cls, sequences: Texts, *, max_vocabulary: int = 256) -> TokenDomain:
        """Build the domain of sequences, each a list of tokens.

        Example:
            >>> TokenDomain.from_sequences([["a", "b"], ["b"]]).dim
            2
        """
        return cls(corpus_of_sequences(sequences), max_vocabulary)

    @classmethod
    def from_pairs(cls, inputs: Texts, outputs: Texts, *, max_vocabulary: int = 256) -> TokenDomain:
        """Build the domain of pairs; input i belongs to output i.

        Example:
            >>> TokenDomain.from_pairs([["a"]], [["a"]]).vocabulary
            ('in:a', 'out:a')
        """
        return cls(corpus_of_pairs(inputs, outputs), max_vocabulary)

    @classmethod
    def from_file(cls, path: File, *, max_vocabulary: int = 256) -> TokenDomain:
        """Build the domain of a text file, or of a folder of source code.

        One sample on each line, tokens between blanks. Lines "IN: ... OUT: ...", lines with one tab
        and lines of JSON hold pairs, see `grouplearn.domains.corpora.corpus_of_file`. The file may
        be compressed by gzip; it is read anew in each pass, never held in memory.

        Raises:
            DataError: the file is missing, unreadable, empty or cut.
        """
        return cls(corpus_of_path(path), max_vocabulary)

    @classmethod
    def from_files(cls, inputs: File, outputs: File, *, max_vocabulary: int = 256) -> TokenDomain:
        """Build the domain of two text files; line i of the one pairs with line i of the other.

        Raises:
            DataError: as `from_file`, or when the files have not as many lines.
        """
        return cls(corpus_of_two_files(inputs, outputs), max_vocabulary)

    @property
    def dim(self) -> int:
        """The number d of tokens; vectors have 2 d entries."""
        return len(self._words.tokens)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The token of each coordinate; those of pairs begin with "in:" or "out:"."""
        return self._words.names

    @property
    def left_out(self) -> int:
        """How many tokens have no coordinate, as `max_vocabulary` bids."""
        return self._words.left_out

    def vectorize(
        self,
        samples: Iterable[Words] | Iterable[Sequence[Words]] | None = None,
        count: int | None = None,
        rng: torch.Generator | None = None,
    ) -> Float32[Tensor, "samples d2"]:
        """Return samples as vectors: all, in order, or `count` drawn with replacement.

        Args:
            samples: sequences, or (input, output) pairs; None takes the domain's own. Tokens
                without a coordinate leave no trace.
            count: how many to draw; None takes all.
            rng: draws them; None uses torch's global generator.

        Returns:
            (N, 2 d), float32, channel-major.

        Raises:
            InputError: no samples, or an argument is out of its range.

        Cost:
            Linear in the number of tokens; O(N d) memory.

        Example:
            >>> TokenDomain.from_sequences([["a", "b", "a", "c"]]).vectorize().tolist()[0][:3]
            [1.5849..., 1.0, 1.0]
        """
        generator(_WHO, rng)
        parts = [
            torch.from_numpy(rows).float() for rows in self._words.rows(self._own(samples).read())
        ]
        rows = torch.cat(parts)
        if count is None:
            return rows
        number = positive_int(f"{_WHO}.vectorize", "count", count)
        return rows[torch.randint(len(rows), (number,), generator=rng)]

    def unvectorize(
        self, vectors: Float[Tensor, "*batch d2"]
    ) -> Float[Tensor, "*batch channels d"]:
        """Fold vectors back into one row per channel; the sequence itself cannot be rebuilt.

        Args:
            vectors: (..., 2 d), floating point.

        Returns:
            (..., 2, d), a view where torch can give one.

        Raises:
            InputError: not a floating-point tensor whose last axis has 2 d entries.
        """
        last_axis(f"{_WHO}.unvectorize", "vectors", vectors, CHANNELS * self.dim)
        return vectors.reshape(*vectors.shape[:-1], CHANNELS, self.dim)

    def moments(
        self,
        samples: Iterable[Words] | Iterable[Sequence[Words]] | None = None,
        *,
        seed: int = 0,
    ) -> MomentAccumulator:
        """Accumulate the moments of the two channels, each sample a block.

        Args:
            samples: as `vectorize` takes them.
            seed: deals the blocks to bootstrap groups and draws the sample.

        Returns:
            The moments, of dimension d and two channels.

        Raises:
            InputError: no samples.
            DataError: the file has changed into a broken one.

        Cost:
            Linear in the number of tokens, O(d^2) for each sample; 32 matrices of (2 d)^2.

        Example:
            >>> TokenDomain.from_sequences([["a", "b"], ["b", "a"]]).moments().mean().tolist()
            [1.0, 1.0, 0.0, 0.0]
        """
        moments = MomentAccumulator(self.dim, channels=CHANNELS, seed=seed)
        for rows in self._words.rows(self._own(samples).read()):
            moments.add(rows)
        return moments

    def wholes(
        self,
        samples: Iterable[Words] | Iterable[Sequence[Words]] | None = None,
        /,
        *,
        seed: int = 0,
        apart: bool = False,  # noqa: ARG002
    ) -> Wholes:
        """Return samples, each one whole object. A move is called on a sequence or on a pair.

        Args:
            samples: as `vectorize` takes them.
            seed: draws samples, where there are very many.
            apart: of no use, as each sample is one vector.

        Raises:
            InputError: no samples.
            DataError: the file has changed into a broken one.

        Example:
            >>> domain = TokenDomain.from_sequences([["a", "b"], ["b"]])
            >>> domain.wholes().rows(np.arange(2), lambda words: words[::-1]).tolist()
            [[1.0, 1.0, 1.0, -1.0], [0.0, 1.0, 0.0, 0.0]]
        """
        return wholes_of_samples(self._own(samples), self._words, np.random.default_rng(seed))

    def matrices(self) -> tuple[Float64[np.ndarray, "d d"], Float64[np.ndarray, "d d"]]:
        """Count co-occurrences and ordered bigrams.

        Returns:
            Two (d, d) matrices: the sum over samples of n_i n_j, with n_i how often token i occurs
            in the sample; and how often token j stands right after token i on the same side.

        Cost:
            Linear in the number of tokens and in the pairs of distinct tokens that meet in a
            sample; two dense matrices are returned.

        Example:
            >>> together, after = TokenDomain.from_sequences([["a", "b"], ["a"]]).matrices()
            >>> together.tolist(), after.tolist()
            ([[2.0, 1.0], [1.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]])
        """
        return self._words.counts(self.corpus.read())

    def known_actions(self) -> dict[str, KnownAction]:
        """Return an empty dict: no permutation of words is known beforehand."""
        return {}

    def discover(
        self,
        samples: Iterable[Words] | Iterable[Sequence[Words]] | None = None,
        /,
        **options: Any,
    ) -> Discovery:
        """Find the group that acts on the vocabulary.

        Args:
            samples: as `vectorize` takes them.
            options: of `grouplearn.discover`.

        Returns:
            As `grouplearn.discover`, with what exchanges of tokens of pairs add: see `exchanges`.

        Raises:
            InputError: as `moments` and `grouplearn.discover`.
        """
        found = discovered(self.moments(samples, seed=options.get("seed", 0)), **options)
        found = self.with_exchanges(found, samples, seed=options.get("seed", 0))
        return dataclasses.replace(found, notes=(*found.notes, *self._words.notes()))

    def with_exchanges(
        self, found: Discovery, samples: Iterable[Sequence[Words]] | None = None, *, seed: int = 0
    ) -> Discovery:
        """Add what exchanges of two tokens with their translations show, or suggest.

        Args:
            found: in this vocabulary; returned as it is if samples are no pairs.
            samples: pairs; None takes the domain's own.
            seed: of the tests.
        """
        if self.corpus.sides == 1 or found.action != "permutation":
            return found
        return _with_exchanges(found, PairTable(self._own(samples), seed), self._words)

    def exchanges(self) -> ExchangeClasses:
        """Weigh exchanges of two tokens of the inputs, each with its translations.

        Returns:
            Classes of exchangeable tokens, and the exchanges that hold or are suggested.

        Raises:
            InputError: samples are sequences, which have no outputs that could disagree.

        Cost:
            At most 8 exchanges for each token, each linear in the samples that it moves.
        """
        return exchange_classes(PairTable(self.corpus))

    def accept(self, found: Discovery, held_out: Iterable[Sequence[Words]]) -> Discovery:
        """Accept the hypotheses of a finding that held-out samples bear out.

        A held-out sample counts if the extended group takes its input to that of a sample of the
        domain, and the claimed group does not. A hypothesis is accepted if the share of outputs
        that come out otherwise is small beyond doubt, by the rule that claims obey.

        Args:
            found: in this vocabulary.
            held_out: (input, output) pairs.

        Returns:
            The finding with what was accepted, and a note that says on how many samples.

        Raises:
            InputError: no samples, or the domain is not of pairs.
        """
        return accepted_on(found, PairTable(self.corpus), self._words, self._own(held_out))

    def extend(self, representation: LearnedRepresentation) -> tuple[TokenMove | None, ...]:
        """Say which elements of a representation act on whole sequences.

        Every permutation of the vocabulary does, token by token, unless it takes a token of the
        inputs to one of the outputs. Tokens without a coordinate stay as they are.

        Args:
            representation: on R^d.

        Returns:
            For each group element the operation, which is called on a sequence or pair, or None.

        Raises:
            InputError: `representation` is not one on R^d.

        Example:
            >>> from grouplearn.representations import FixedRepresentation
            >>> domain = TokenDomain.from_sequences([["a", "b"], ["b", "a"]])
            >>> rep = FixedRepresentation.from_permutations([[1, 0]])
            >>> domain.extend(rep)[1](["a", "a", "b"])
            ['b', 'b', 'a']
        """
        moves = permutations_of(f"{_WHO}.extend", representation, self.dim)
        return tuple(None if move is None else self._words.move(move) for move in moves)

    def apply(
        self,
        member: Sequence[int] | NDArray[np.int64] | Int64[Tensor, " d"],
        sample: Words | Sequence[Words],
    ) -> list[str] | tuple[list[str], ...]:
        """Apply a permutation of the vocabulary to a whole sequence or pair.

        Args:
            member: (d,), where each coordinate moves, as an entry of `Discovery.members`.
            sample: a sequence, or an (input, output) pair.

        Returns:
            The sample with each token replaced.

        Raises:
            InputError: `member` is no permutation of the vocabulary, or mixes inputs with outputs.

        Example:
            >>> TokenDomain.from_sequences([["a", "b"]]).apply([1, 0], ["b", "b"])
            ['a', 'a']
        """
        return self._words.checked_move(f"{_WHO}.apply", np.asarray(member))(sample)

    @cached_property
    def _words(self) -> Vocabulary:
        counts = count_tokens(self.corpus)
        return Vocabulary.of(counts, self.corpus.sides, self.max_vocabulary)

    def _own(self, samples: Iterable[Any] | None) -> Corpus:
        """The samples as a corpus of as many sides as the domain's own."""
        return self.corpus if samples is None else corpus_of_samples(samples, self.corpus.sides)
