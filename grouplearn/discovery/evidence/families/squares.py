"""Pairs of squares."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import Standard, shortened, some

_MOST = 256


@final
class Squares(Family):
    """x_i^2 x_j^2 for i <= j, of rows of unit norm: dependence to which E[x_i^3 x_j] is blind.

    Args:
        rows: (N, D), typical ones.
        rng: chooses among the pairs where there are very many.
    """

    name = "pairs of squares"

    def __init__(self, rows: Float[np.ndarray, "N D"], rng: np.random.Generator) -> None:
        self._standard = Standard(rows)
        first, second = np.triu_indices(rows.shape[1])
        kept = some(len(first), _MOST, rng)
        self._first, self._second = first[kept], second[kept]

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        squares = shortened(self._standard(rows)) ** 2
        return np.asarray(squares[:, self._first] * squares[:, self._second])
