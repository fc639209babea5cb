"""How alike the points of matrices are: what a search for automorphisms starts from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_FARTHEST = 64


def profile_distances(matrices: Sequence[Float[np.ndarray, "d d"]]) -> Float[np.ndarray, "d d"]:
    """Squared distances of sorted rows, of sorted columns and of diagonal entries."""
    dim = len(matrices[0])
    total = np.zeros((dim, dim))
    for matrix in matrices:
        for lines in (np.sort(matrix, axis=1), np.sort(matrix.T, axis=1), np.diag(matrix)[:, None]):
            total += squared_distances(lines.T, lines.T)
    return total


def squared_distances(
    first: Float[np.ndarray, "k a"], second: Float[np.ndarray, "k b"]
) -> Float[np.ndarray, "a b"]:
    """Between all columns of two arrays."""
    squares = np.square(first).sum(0)[:, None] + np.square(second).sum(0)
    return np.asarray((squares - 2 * first.T @ second).clip(0))


def waves(matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "k d d"]:
    """Chebyshev polynomials T_1, T_2, ... of the symmetric part, its spectrum scaled to [-1, 1].

    Every automorphism of the matrix keeps them. Where the matrix ties neighbours on a ring, T_k
    ties points k steps apart, so that they tell apart what the matrix itself does not.
    """
    dim = len(matrix)
    symmetric = (matrix + matrix.T) / 2
    values = np.linalg.eigvalsh(symmetric)
    middle, half = (values[-1] + values[0]) / 2, (values[-1] - values[0]) / 2
    scaled = (symmetric - middle * np.eye(dim)) / (half or 1.0)
    found = [np.eye(dim), scaled]
    while len(found) <= min(_FARTHEST, dim // 2):
        found.append(2 * scaled @ found[-1] - found[-2])
    return np.stack(found[1:])
