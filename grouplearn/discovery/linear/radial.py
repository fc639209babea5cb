"""Functions of the length of a row, which every orthogonal action keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

_GRID = 257
_BLUR = 0.05
_INDEPENDENT = 0.5


@final
@dataclass(frozen=True)
class Radial:
    """Smooth functions of |y|, orthonormal on the rows they were made from; the first is 1.

    They are cosines of u(s), where s = |y|^2 / (|y|^2 + d) and u is the distribution function of
    s after a blur of 0.05. Where all rows are nearly of one length, u hardly varies, and no
    function but 1 is left; so the functions never magnify a small spread of lengths.

    Attributes:
        dim: d.
        ranks: (257,), u on an even grid over [0, 1].
        mixing: (cosines, functions), which makes the cosines orthonormal.
    """

    dim: int
    ranks: Float[np.ndarray, " grid"]
    mixing: Float[np.ndarray, "cosines functions"]

    @classmethod
    def of(
        cls,
        rows: Float[np.ndarray, "rows d"],
        weights: Float[np.ndarray, " rows"],
        most: int,
    ) -> Radial:
        """Functions fitted to rows.

        Args:
            rows: (N, d), whitened.
            weights: (N,), of mean 1.
            most: how many functions at most, the constant included.
        """
        dim = rows.shape[1]
        shortened = _shortened(rows)
        grid = np.linspace(0, 1, _GRID)
        density = np.histogram(shortened, _GRID - 1, (0, 1), weights=weights)[0] / len(rows)
        steps = (grid[:, None] - (grid[:-1] + grid[1:]) / 2) / _BLUR
        # A logistic blur: close to a Gaussian one, and needs no special function.
        ranks = (1 / (1 + np.exp(-1.7 * steps))) @ density
        cosines = _cosines(np.interp(shortened, grid, ranks), most)
        mixing = np.zeros((most, 0))
        for column in range(most):
            unit = np.eye(most)[:, column]
            for _ in range(2):
                overlap = (cosines @ mixing).T @ (weights * (cosines @ unit)) / len(rows)
                unit = unit - mixing @ overlap
            left = np.sqrt(np.average((cosines @ unit) ** 2, weights=weights))
            if left > _INDEPENDENT:
                mixing = np.concatenate([mixing, unit[:, None] / left], axis=1)
        return cls(dim, ranks, mixing)

    def __call__(self, rows: Float[np.ndarray, "rows d"]) -> Float[np.ndarray, "rows functions"]:
        """Values at rows."""
        ranks = np.interp(_shortened(rows), np.linspace(0, 1, _GRID), self.ranks)
        return np.asarray(_cosines(ranks, len(self.mixing)) @ self.mixing)


def _shortened(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    square = (rows**2).sum(1)
    return np.asarray(square / (square + rows.shape[1]))


def _cosines(ranks: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    return np.asarray(np.cos(np.pi * ranks[:, None] * np.arange(most)))
