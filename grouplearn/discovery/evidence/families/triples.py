"""Products of three."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import Standard, shortened, some

_MOST = 384


@final
class Triples(Family):
    """x_i x_j x_k for i <= j <= k, of rows of unit norm.

    Args:
        rows: (N, D), typical ones.
        rng: chooses among the triples where there are very many; those of two coordinates first.
    """

    name = "triples"

    def __init__(self, rows: Float[np.ndarray, "N D"], rng: np.random.Generator) -> None:
        self._standard = Standard(rows)
        dim = rows.shape[1]
        first, second = (index.ravel() for index in np.indices((dim, dim)))
        kept = some(dim**2, _MOST // 2, rng)
        triples = np.stack([first, first, second], axis=1)[kept]
        if dim > 2:
            several = rng.integers(0, dim, (4 * _MOST, 3))
            several.sort(1)
            apart = (np.diff(several, axis=1) > 0).all(1)
            distinct = np.unique(several[apart], axis=0)
            triples = np.concatenate([triples, distinct[some(len(distinct), _MOST // 2, rng)]])
        self._triples = triples.T

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        x = shortened(self._standard(rows))
        i, j, k = self._triples
        return np.asarray(x[:, i] * x[:, j] * x[:, k])
