"""Pure functions of tensors: logarithms, Haar bases, diagonals of Toeplitz matrices."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse


def autocasts(device: torch.device) -> bool:
    """Is autocast on for tensors of a device? Never on "meta", which torch refuses to be asked of.

    Args:
        device: of the tensors.
    """
    return device.type != "meta" and torch.is_autocast_enabled(device.type)


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """A context without autocast: products of matrices of a group, and laws, need all their digits.

    Args:
        device: of the tensors.
    """
    if autocasts(device):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def wide(dtype: torch.dtype) -> torch.dtype:
    """The dtype to compute in: float32 for the short ones, which have no inverses.

    Args:
        dtype: of the result.
    """
    return torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype


def random_orthogonal(
    count: int, dim: int, rng: torch.Generator | None, dtype: torch.dtype
) -> Float[Tensor, "count dim dim"]:
    """Orthogonal matrices drawn from the Haar measure (QR of a Gaussian, signs fixed).

    References:
        Mezzadri, How to generate random matrices from the classical compact groups (2007).
    """
    gaussian = torch.randn(count, dim, dim, generator=rng, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    return (q * torch.sign(torch.diagonal(r, dim1=-2, dim2=-1)).unsqueeze(-2)).to(dtype)


def polar_factor(matrix: Float[Tensor, "... d d"]) -> Float[Tensor, "... d d"]:
    """The orthogonal matrix nearest to `matrix` in Frobenius norm.

    References:
        Higham, Functions of Matrices (2008), theorem 8.4.
    """
    u, _, vh = torch.linalg.svd(matrix)
    return u @ vh


def skew_log(orthogonal: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """The real skew-symmetric S of least norm with exp(S) = `orthogonal`.

    Args:
        orthogonal: matrix of determinant +1 (a rotation).

    Raises:
        InputError: the determinant is -1, so that no real logarithm exists.
    """
    from scipy.linalg import schur

    triangle, basis = schur(orthogonal.detach().cpu().double().numpy(), output="real")
    log = np.zeros_like(triangle)
    halves: list[int] = []
    i = 0
    while i < len(triangle):
        if i + 1 < len(triangle) and abs(triangle[i + 1, i]) > 1e-12:
            log[i + 1, i] = np.arctan2(triangle[i + 1, i], triangle[i, i])
            i += 2
        else:
            halves += [i] if triangle[i, i] < 0 else []
            i += 1
    if len(halves) % 2:
        refuse(
            "skew_log", "orthogonal", "a rotation (determinant +1)", "determinant -1",
            "exp of a skew-symmetric matrix is always a rotation; use DenseRepresentation",
        )  # fmt: skip
    log[halves[1::2], halves[::2]] = np.pi
    skew = basis @ (log - log.T) @ basis.T
    return torch.as_tensor(skew).to(orthogonal)


def rank_bound(eigenvalues: Float[Tensor, " d"]) -> Float[Tensor, ""]:
    """What an eigenvalue of a second moment E[x x^T] of float32 data must exceed to count.

    d (100 eps)^2 times the largest, eps = 2^-23: along a smaller one the rounding of the data is
    amplified beyond use (`domains.patches.identifiability` derives the bound).
    """
    return len(eigenvalues) * (100 * torch.finfo(torch.float32).eps) ** 2 * eigenvalues.max()


def toeplitz_diagonals(shape: tuple[int, ...]) -> Int[Tensor, "d d"]:
    """Which parameter stands at each entry of a Toeplitz matrix, block Toeplitz for 2-D shapes.

    Entry (p, q) depends on the difference p - q of positions alone, axis by axis.

    Args:
        shape: sizes of the axes that the vector was flattened from, row-major.

    Returns:
        int64 (d, d) with values 0 to prod(2 size - 1) - 1.
    """
    positions = np.stack(np.unravel_index(np.arange(prod(shape)), shape))
    spans = np.array(shape) - 1
    shifts = positions[:, :, None] - positions[:, None, :] + spans[:, None, None]
    return torch.as_tensor(np.ravel_multi_index(tuple(shifts), tuple(2 * np.array(shape) - 1)))


def haar_basis(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """An orthonormal multiresolution basis of piecewise constant functions on a 1-D or 2-D grid.

    For lengths that are powers of two this is the Haar basis. Other lengths merge three cells, or
    keep one, in the middle, so that every scale is symmetric under reversal; in 2-D a scale is
    invariant under the flips and, on squares, under quarter turns.

    Args:
        shape: one or two axis sizes.

    Returns:
        The matrix W (d, d), whose rows are the basis from the finest scale to the mean, and the
        number of rows of each scale.

    References:
        Mallat, A theory for multiresolution signal decomposition, IEEE PAMI 11 (1989).

    Example:
        >>> haar_basis((4,))[1], haar_basis((5, 5))[1]
        ((2, 1, 1), (16, 8, 1))
    """
    means = [np.eye(size) for size in shape]
    scales = []
    while any(len(mean) > 1 for mean in means):
        steps = [_coarsen(mean) for mean in means]
        # Every product of means and details but the one of means alone belongs to this scale.
        scales.append(np.concatenate([_kron(pick) for pick in product(*steps)][1:]))
        means = [mean for mean, _ in steps]
    scales.append(_kron(means))
    return np.concatenate(scales), tuple(map(len, scales))


def _kron(factors: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.ones((1, 1))
    for factor in factors:
        products = result[:, None, :, None] * factor[None, :, None, :]
        result = products.reshape(len(result) * len(factor), result.shape[1] * factor.shape[1])
    return result


def _coarsen(
    cells: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Merge neighbouring cells: orthonormal rows for the merged cells and for what they lose."""
    half, odd = divmod(len(cells), 2)
    middle = [] if not odd else [1] if half % 2 == 0 else [3]
    side = [2] * ((len(cells) - sum(middle)) // 4)
    blocks = side + middle + side if odd else [2] * half
    means, details = [], []
    for members in np.split(cells, np.cumsum(blocks)[:-1]):
        weights = np.sqrt(np.count_nonzero(members, axis=1, keepdims=True))
        mean = weights / np.linalg.norm(weights)
        means.append(mean.T @ members)
        details.append(np.linalg.qr(mean, mode="complete")[0][:, 1:].T @ members)
    return np.concatenate(means), np.concatenate(details)
