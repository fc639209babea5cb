"""Means and covariances."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import Standard, some

_MOST = 512


@final
class Covariances(Family):
    """x_i, and x_i x_j for i <= j, of standardised columns.

    Args:
        rows: (N, D), typical ones.
        rng: chooses among the products where there are very many.
    """

    name = "covariances"

    def __init__(self, rows: Float[np.ndarray, "N D"], rng: np.random.Generator) -> None:
        self._standard = Standard(rows)
        first, second = np.triu_indices(rows.shape[1])
        kept = some(len(first), _MOST, rng)
        self._first, self._second = first[kept], second[kept]

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        z = self._standard(rows)
        return np.concatenate([z, z[:, self._first] * z[:, self._second]], axis=1)
