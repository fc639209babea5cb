"""Samples of tokens as whole objects that are moved first, and only then made vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.corpora import Corpus
from grouplearn.domains.text_samples import Sample
from grouplearn.domains.vocabulary import CHANNELS, Vocabulary
from grouplearn.domains.wholes import WholeMove, Wholes, most_rows


@final
@dataclass(frozen=True)
class TokenCut:
    """Makes vectors of moved samples, one of each.

    Attributes:
        samples: each with the vocabulary's sides.
        vocabulary: the tokens that have a coordinate.
    """

    samples: list[Sample]
    vocabulary: Vocabulary

    def __call__(
        self, objects: NDArray[np.int64], move: WholeMove
    ) -> tuple[Float[np.ndarray, "N d2"], Int[np.ndarray, " N"]]:
        """The vectors of some samples after a move, with the sample of each."""
        moved = [self._moved(self.samples[number], move) for number in objects.tolist()]
        return np.concatenate(list(self.vocabulary.rows(moved))), objects

    def _moved(self, sample: Sample, move: WholeMove) -> Sample:
        single = self.vocabulary.sides == 1
        # Copies: a move may turn the list that it is given.
        found: Any = move(list(sample[0]) if single else tuple(list(side) for side in sample))
        sides = (found,) if single else found
        good = isinstance(sides, tuple | list) and len(sides) == self.vocabulary.sides
        if not good or not all(isinstance(side, tuple | list) and side for side in sides):
            refuse("TokenDomain.invariance_test", "action",
                   f"a move that returns {'tokens' if single else 'a pair of lists of tokens'}",
                   repr(found), "return what it is given, moved")  # fmt: skip
        return tuple(sides)


def wholes_of_samples(corpus: Corpus, vocabulary: Vocabulary, rng: np.random.Generator) -> Wholes:
    """Samples as whole objects, each as likely as any other where there are very many.

    Args:
        corpus: the samples.
        vocabulary: the tokens that have a coordinate.
        rng: draws samples.
    """
    most = most_rows(CHANNELS * len(vocabulary.tokens))
    kept: list[tuple[int, Sample]] = []
    seen = 0
    for seen, sample in enumerate(corpus.read(), 1):
        if len(kept) < most:
            kept.append((seen - 1, sample))
        elif (place := int(rng.integers(seen))) < most:
            kept[place] = (seen - 1, sample)
    parents = np.array([number for number, _ in kept], dtype=np.int64)
    cut = TokenCut([sample for _, sample in kept], vocabulary)
    return Wholes(parents, seen, cut, channels=CHANNELS)
