"""Columns brought to mean 0 and standard deviation 1, in two passes over the rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray


class Scale(NamedTuple):
    """What is taken from each column, and what it is divided by.

    Attributes:
        mean: (d,).
        spread: (d,), 1 where a column is constant.
    """

    mean: Float64[np.ndarray, " d"]
    spread: Float64[np.ndarray, " d"]

    def __call__(self, rows: Float64[np.ndarray, "rows d"]) -> Float64[np.ndarray, "rows d"]:
        """Standardise rows.

        Args:
            rows: (N, d).
        """
        return (rows - self.mean) / self.spread


def scale_of(batches: Iterable[NDArray[np.float64]]) -> Scale:
    """Return the mean and the standard deviation of each column.

    Args:
        batches: of rows; at least one.

    References:
        Chan, Golub and LeVeque, 1983, Algorithms for computing the sample variance, equation 2.1.
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for rows in batches:
        own = rows.mean(0)
        step = own - mean
        total = count + len(rows)
        squares = squares + ((rows - own) ** 2).sum(0) + step**2 * (count * len(rows) / total)
        mean = mean + step * (len(rows) / total)
        count = total
    spread = np.sqrt(squares / max(count, 1))
    flat = spread <= 1e-12 * np.abs(mean)
    return Scale(mean, np.where(flat, 1.0, spread))
