"""Moment tensors of whitened samples, and the matrices that commute with every action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.data import Whitened, rank_cosines

_RADIAL = 4


@dataclass(frozen=True)
class WeightedMoments:
    """Moments of shortened rows y, weighted by functions f that every action keeps.

    Attributes:
        first: (f + l, d), E[f y], the first of them replaced by the mean of the data; then the
            slopes of the functions of the label on the rows.
        second: (f, d, d), E[f y y^T].
        third: (g, d, d, d), the first g of the functions.
        fourth: (h, d, d, d, d), of h of them.
    """

    first: NDArray[Any]
    second: NDArray[Any]
    third: NDArray[Any]
    fourth: NDArray[Any]

    def __add__(self, other: WeightedMoments) -> WeightedMoments:
        return WeightedMoments(
            self.first + other.first, self.second + other.second,
            self.third + other.third, self.fourth + other.fourth,
        )  # fmt: skip

    def __mul__(self, factor: float) -> WeightedMoments:
        return WeightedMoments(
            self.first * factor, self.second * factor, self.third * factor, self.fourth * factor
        )

    def turned(self, matrix: NDArray[Any]) -> WeightedMoments:
        """The moments of matrix @ y."""
        return WeightedMoments(*(turn(each, matrix) for each in (
            self.first, self.second, self.third, self.fourth
        )))  # fmt: skip


def turn(tensors: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Apply a (k, d) matrix to every axis but the first."""
    for _ in range(tensors.ndim - 1):
        tensors = np.moveaxis(np.tensordot(tensors, matrix, (1, 1)), -1, tensors.ndim - 1)
    return tensors


def group_moments(data: Whitened) -> list[WeightedMoments]:
    """The moments of every group of rows."""
    starts = data.starts
    return [_moments(data, g, slice(starts[g], starts[g + 1])) for g in range(data.count)]


def _moments(data: Whitened, group: int, own: slice) -> WeightedMoments:
    dim, rows, weights, labels = data.dim, data.rows[own], data.weights[own], data.labels[own]
    radius = np.sqrt((rows**2).sum(1))
    y = rows * np.sqrt(2 / (1 + radius**2 / dim))[:, None]
    cosines = rank_cosines(radius, _RADIAL)
    crossed = [labels * cosines[:, k : k + 1] for k in range(2) if labels.size]
    functions = np.concatenate(
        [np.ones((len(y), 1)), cosines[:, :2], labels, cosines[:, 2:], *crossed], axis=1
    )
    functions *= weights[:, None] / len(y)
    row, column = np.triu_indices(dim)
    products = y[:, row] * y[:, column]
    place = np.zeros((dim, dim), dtype=np.int64)
    place[row, column] = place[column, row] = np.arange(len(row))
    # Least-squares coefficients: less noisy than E[label x] where the covariance is known.
    square = (rows * weights[:, None]).T @ rows
    slopes = np.linalg.pinv(square, hermitian=True) @ ((rows * weights[:, None]).T @ labels)
    first = np.concatenate([functions.T @ y, slopes.T])
    first[0] = data.centres[group]
    third = [(products * functions[:, k : k + 1]).T @ y for k in range(3 + labels.shape[1])]
    fourth = [(products * functions[:, k : k + 1]).T @ products for k in range(2)]
    return WeightedMoments(
        first, (functions.T @ products)[:, place], np.array(third)[:, place],
        np.array([m[place][:, :, place] for m in fourth]),
    )  # fmt: skip


def mean_moments(groups: list[WeightedMoments]) -> WeightedMoments:
    """Their mean."""
    total = groups[0]
    for each in groups[1:]:
        total = total + each
    return total * (1 / len(groups))


def commuting(moments: WeightedMoments) -> Float[np.ndarray, "t d d"]:
    """Symmetric matrices, polynomials in the moments, that commute with every action.

    E[f y y^T]; outer products of the fixed vectors E[f y]; contractions of pairs of third and of
    fourth moments, plain and with a commuting matrix in between.
    """
    dim = moments.first.shape[1]
    second, third = moments.second, moments.third
    plain = second[0]
    fourth = moments.fourth.copy()
    pairs = np.einsum("ij,kl->ijkl", plain, plain)
    fourth[0] -= pairs + pairs.transpose(0, 2, 1, 3) + pairs.transpose(0, 3, 2, 1)
    out = [*second]
    few = len(third)
    out += [np.outer(moments.first[i], moments.first[j]) for i in range(few) for j in range(i + 1)]
    flat = third.reshape(few, dim, -1)
    out += [flat[i] @ flat[j].T for i in range(few) for j in range(i + 1)]
    four = fourth.reshape(len(fourth), dim, -1)
    out += [four[i] @ four[j].T for i in range(len(four)) for j in range(i + 1)]
    inserted = [
        second[1],
        second[2],
        *second[3 : 3 + few - 3],
        flat[0] @ flat[0].T,
        four[0] @ four[0].T,
    ]
    for between in inserted:
        size = max(float(np.linalg.norm(between)), 1e-300)
        inner = (third[0] @ between).reshape(dim, -1)
        out.append(inner @ flat[0].T / size)
        inner = (fourth[0] @ between).reshape(dim, -1)
        out.append(inner @ four[0].T / size)
    stacked = np.array(out)
    return (stacked + stacked.swapaxes(1, 2)) / 2


def pseudo_values(groups: list[WeightedMoments]) -> Float[np.ndarray, "groups t d d"]:
    """Jackknife pseudo-values of the commuting matrices: their mean has no bias of order 1 / R."""
    count = len(groups)
    whole = mean_moments(groups)
    every = commuting(whole)
    without = [commuting((whole * count + each * -1.0) * (1 / (count - 1))) for each in groups]
    return np.asarray(count * every - (count - 1) * np.array(without))
