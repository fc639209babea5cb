"""Which families data are looked at with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.covariances import Covariances
from grouplearn.discovery.evidence.families.fourier import BANDWIDTHS, FINE, Fourier
from grouplearn.discovery.evidence.families.harmonics import Harmonics
from grouplearn.discovery.evidence.families.marginals import Marginals
from grouplearn.discovery.evidence.families.squares import Squares
from grouplearn.discovery.evidence.families.triples import Triples
from grouplearn.discovery.evidence.families.words import Words


def families_for_numbers(
    rows: Float[np.ndarray, "N D"],
    rng: np.random.Generator,
    *,
    white: bool,
    moved: Float[np.ndarray, "D m"] | None = None,
) -> Sequence[Family]:
    """The families for rows of numbers.

    A new family is a file of its own and a line here.

    Args:
        rows: (N, D), typical ones, in the coordinates of a view.
        rng: draws what is random in a family.
        white: is the covariance of the rows the identity, so that it shows nothing?
        moved: the directions in which the action moves rows, where they are few.
    """
    few = [] if moved is None or not moved.size else [moved]
    return [
        Marginals(rows, rng),
        *([] if white else [Covariances(rows, rng)]),
        Squares(rows, rng),
        Triples(rows, rng),
        *(Fourier(rows, rng, bandwidth) for bandwidth in BANDWIDTHS),
        *(Fourier(rows, rng, fine, space) for space in few for fine in FINE),
        *(Harmonics(rows, space) for space in few if space.shape[1] == 2),
    ]


def families_for_letters(places: int, letters: int, longest: int) -> Sequence[Family]:
    """The families for one-hot windows.

    Args:
        places: length of the windows.
        letters: size of the alphabet.
        longest: the most letters of a word.
    """
    return [Words(letters, places, k) for k in Words.lengths(letters, places) if k <= longest]


def alphabet_of(rows: Float[np.ndarray, "N D"]) -> int:
    """The size of the alphabet of one-hot windows of at least two places; 0 for other rows."""
    dim = rows.shape[1]
    if not np.isin(rows, (0.0, 1.0)).all():
        return 0
    for letters in range(2, dim // 2 + 1):
        if dim % letters == 0:
            wide = rows.reshape(len(rows), -1, letters)
            if (wide.sum(2) == 1).all():
                return letters
    return 0
