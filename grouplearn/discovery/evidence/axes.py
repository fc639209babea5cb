"""Axes of whitened rows along which laws differ most from the normal one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_ROWS = 4096
_STEPS = 60
_STILL = 1e-4


def independent_axes(
    white: Float[np.ndarray, "N D"], rng: np.random.Generator
) -> Float[np.ndarray, "D D"]:
    """An orthogonal matrix whose rows are directions of independent, non-normal components.

    Symmetric FastICA with the score tanh, from a random start. Whether it has converged does not
    matter: any axes will do for a test, and those of components show deviations best.

    Args:
        white: (N, D), rows of covariance I.
        rng: chooses rows and the start.

    References:
        Hyvarinen, 1999, Fast and robust fixed-point algorithms for independent component analysis.
    """
    count, dim = white.shape
    rows = white if count <= _ROWS else white[rng.choice(count, _ROWS, replace=False)]
    axes = _orthogonal(rng.standard_normal((dim, dim)))
    for _ in range(_STEPS):
        score = np.tanh(rows @ axes.T)
        moved = _orthogonal(score.T @ rows / len(rows) - (1 - score**2).mean(0)[:, None] * axes)
        still = np.abs(np.abs((moved * axes).sum(1)) - 1).max()
        axes = moved
        if still < _STILL:
            break
    return axes


def _orthogonal(matrix: Float[np.ndarray, "D D"]) -> Float[np.ndarray, "D D"]:
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)
