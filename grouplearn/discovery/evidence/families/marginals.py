"""Laws of single coordinates."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import rounding

LEVELS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)
"""Quantiles at which distribution functions are compared: more of them towards the ends."""
_MOST = 512


@final
class Marginals(Family):
    """Is x_i below a quantile? Ends of supports tell laws apart that moments take for one.

    Args:
        rows: (N, D), typical ones.
        rng: chooses among the coordinates where there are very many.
    """

    name = "marginals"

    def __init__(self, rows: Float[np.ndarray, "N D"], rng: np.random.Generator) -> None:
        most = max(1, _MOST // len(LEVELS))
        dim = rows.shape[1]
        self._columns = (
            np.arange(dim) if dim <= most else np.sort(rng.choice(dim, most, replace=False))
        )
        kept = rows[:, self._columns]
        # Values that are equal but for the rounding of a move stand on the same side.
        slack = rounding(rows)[self._columns]
        self._quantiles = np.quantile(kept, LEVELS, axis=0) + slack

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        below = rows[:, None, self._columns] <= self._quantiles
        return below.reshape(len(rows), -1).astype(np.float32)
