"""How near a matrix is to matrices of some structure, on a scale set by random matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.linalg import svdvals

from grouplearn.interpret.operations import nearest_permutation, similarity

Array: TypeAlias = NDArray[np.float64]
_DRAWS, _SEED = 50, 0


def structure_scores(matrix: Float[np.ndarray, "d d"]) -> dict[str, float]:
    """Scores from 0, as far from a structure as random matrices are, to 1, of that structure.

    The distance is the relative one in Frobenius norm to the nearest matrix of the structure, of
    any size; random matrices have independent normal entries.

    - permutation, signed permutation: one entry in each row and column, 1 or of either sign;
    - orthogonal: all singular values are equal;
    - symmetric, skew: equal to the transpose, or to its negative;
    - Toeplitz, circulant: constant along diagonals, or along those that wrap around;
    - low rank: one singular value alone;
    - averaging: all rows are equal.

    Args:
        matrix: (d, d), not 0.

    Returns:
        By name.

    Example:
        >>> scores = structure_scores(np.roll(np.eye(8), 1, axis=0))
        >>> [name for name, score in scores.items() if score > 0.99]
        ['permutation', 'signed permutation', 'orthogonal', 'Toeplitz', 'circulant']
    """
    usual = _usual(len(matrix))
    return {
        name: float(np.clip(1 - distance(matrix) / max(usual[name], 1e-12), 0, 1))
        for name, distance in _DISTANCES.items()
    }


@lru_cache(maxsize=64)
def _usual(dim: int) -> dict[str, float]:
    """The mean distance of random matrices."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.standard_normal((_DRAWS, dim, dim))
    return {
        name: float(np.mean([distance(each) for each in drawn]))
        for name, distance in _DISTANCES.items()
    }


def _to(nearest: Callable[[Array], Array]) -> Callable[[Array], float]:
    """The relative distance to the nearest multiple of what `nearest` returns."""

    def distance(matrix: Array) -> float:
        cosine = similarity(matrix, nearest(matrix))
        return float(np.sqrt(max(1 - cosine**2, 0.0)))

    return distance


def _polar(matrix: Array) -> Array:
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def _diagonals(matrix: Array) -> Array:
    dim = len(matrix)
    offsets = np.subtract.outer(np.arange(dim), np.arange(dim))
    return _meaned(matrix, offsets + dim - 1)


def _wrapped(matrix: Array) -> Array:
    dim = len(matrix)
    return _meaned(matrix, np.subtract.outer(np.arange(dim), np.arange(dim)) % dim)


def _meaned(matrix: Array, classes: NDArray[np.int64]) -> Array:
    """Every entry replaced by the mean of its class."""
    sums = np.bincount(classes.ravel(), matrix.ravel())
    return np.asarray((sums / np.bincount(classes.ravel()).clip(1))[classes])


def _rank(matrix: Array) -> float:
    values = svdvals(matrix)
    return float(np.sqrt(max(1 - values[0] ** 2 / np.square(values).sum(), 0.0)))


_DISTANCES: dict[str, Callable[[Array], float]] = {
    "permutation": _to(lambda matrix: nearest_permutation(matrix).matrix),
    "signed permutation": _to(lambda matrix: nearest_permutation(matrix, signed=True).matrix),
    "orthogonal": _to(_polar),
    "symmetric": _to(lambda matrix: (matrix + matrix.T) / 2),
    "skew": _to(lambda matrix: (matrix - matrix.T) / 2),
    "Toeplitz": _to(_diagonals),
    "circulant": _to(_wrapped),
    "low rank": _rank,
    "averaging": _to(lambda matrix: np.tile(matrix.mean(0), (len(matrix), 1))),
}
