"""Rows in common units, which most families begin with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_OWN, _OTHERS = 1e-10, 1e-13


def rounding(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, " D"]:
    """More than what the arithmetic of a move leaves in each column, its own and that of others.

    The data come as they are and moved rows come out of a product of matrices. What told them apart
    by the last digits would know which of the slots was the data.
    """
    size = np.sqrt(np.square(rows).mean(0))
    return np.maximum(_OWN * size, _OTHERS * size.max())


class Standard:
    """Columns about a centre, in units of their own spread, in single precision.

    Its rounding is far below the noise of sampling.

    Args:
        rows: (N, D), typical ones.
    """

    def __init__(self, rows: Float[np.ndarray, "N D"]) -> None:
        self.centre = rows.mean(0)
        spread = rows.std(0)
        varies = spread > rounding(rows)
        self.scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)

    def __call__(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
        """The rows in these units."""
        return ((rows - self.centre) * self.scale).astype(np.float32)


def shortened(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Rows divided by their norm, times sqrt(D): heavy tails are tamed."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.dtype.type(rows.shape[1] ** 0.5) * np.divide(
        rows, norms, out=np.zeros_like(rows), where=norms > 0
    )


def some(count: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of count numbers, in order."""
    return np.arange(count) if count <= most else np.sort(rng.choice(count, most, replace=False))
