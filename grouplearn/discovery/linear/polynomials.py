"""Harmonic polynomials in any number of coordinates, and how orthogonal matrices mix them."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.linear.basis import Basis
from grouplearn.discovery.linear.turning import skew_basis

LOW = 4
_HIGHEST = 10
_SIZE = 400


@lru_cache(maxsize=4)
def polynomials(dim: int) -> Basis:
    """Orthonormal harmonic polynomials of the direction, of degree 1 to at least 4.

    Higher degrees, up to 10, follow while there are no more than 400 functions in all.

    Args:
        dim: d, 2 or more.
    """
    highest = LOW
    while highest < _HIGHEST and _count(dim, highest + 1) <= _SIZE:
        highest += 1
    degrees = range(1, highest + 1)
    sizes = [harmonic(dim, degree).shape[1] for degree in degrees]
    blocks = tuple(_block(dim, degree) for degree in degrees)

    def evaluate(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        powers = _powers(rows / np.maximum(length, 1e-300), highest)
        return np.concatenate([_evaluated(powers, dim, degree) for degree in degrees], axis=1)

    points = np.random.default_rng(0).standard_normal((max(sizes) * 5 // 4 + 8, dim))
    values = evaluate(points)
    own = [slice(int(end) - k, int(end)) for k, end in zip(sizes, np.cumsum(sizes), strict=True)]
    inverses = [np.linalg.pinv(values[:, each]) for each in own]

    def rotate(
        coefficients: NDArray[np.float64], matrices: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        shape = (len(matrices), *coefficients.shape[-2:])
        coefficients = np.broadcast_to(coefficients, shape)
        out = np.empty(shape)
        for position, matrix in enumerate(matrices):
            there = evaluate(points @ matrix.T)
            for each, inverse in zip(own, inverses, strict=True):
                out[position][:, each] = coefficients[position][:, each] @ (
                    inverse @ there[:, each]
                )
        return out

    return Basis(dim, np.repeat(np.array(degrees), sizes), evaluate, rotate, blocks)


@lru_cache(maxsize=64)
def exponents(dim: int, degree: int) -> Int[np.ndarray, "m d"]:
    """Exponents of all monomials of a degree."""
    picks = combinations_with_replacement(range(dim), degree)
    return np.array([np.bincount(pick, minlength=dim) for pick in picks], dtype=np.int64)


@lru_cache(maxsize=64)
def harmonic(dim: int, degree: int) -> Float[np.ndarray, "m k"]:
    """Harmonic polynomials as orthonormal columns over monomials y^a sqrt(degree! / a!).

    Orthogonal matrices mix these monomials orthogonally, as they do symmetric tensors.
    """
    powers = exponents(dim, degree)
    if degree < 2:
        return np.eye(len(powers))
    place = {tuple(row): i for i, row in enumerate(exponents(dim, degree - 2).tolist())}
    laplacian = np.zeros((len(place), len(powers)))
    for column, row in enumerate(powers):
        for i in np.flatnonzero(row > 1):
            lower = row.copy()
            lower[i] -= 2
            laplacian[place[tuple(lower.tolist())], column] += row[i] * (row[i] - 1)
    laplacian *= _weights(dim, degree)
    return np.asarray(np.linalg.svd(laplacian)[2][np.linalg.matrix_rank(laplacian) :].T)


@lru_cache(maxsize=64)
def tensor_places(dim: int, degree: int) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """For each entry of a symmetric tensor, its monomial and the factor that keeps norms."""
    place = {tuple(row): i for i, row in enumerate(exponents(dim, degree).tolist())}
    entries = product(range(dim), repeat=degree)
    where = [place[tuple(np.bincount(e, minlength=dim).tolist())] for e in entries]
    return np.array(where), 1 / _weights(dim, degree)[where]


def _count(dim: int, highest: int) -> int:
    return sum(
        comb(dim + k - 1, k) - (comb(dim + k - 3, k - 2) if k > 1 else 0)
        for k in range(1, highest + 1)
    )


def _weights(dim: int, degree: int) -> NDArray[np.float64]:
    rows = exponents(dim, degree).tolist()
    return np.array([np.sqrt(factorial(degree) / prod(map(factorial, row))) for row in rows])


def _powers(unit: NDArray[np.float64], highest: int) -> list[NDArray[np.float64]]:
    """Monomials of each degree, each from one of the degree below."""
    dim = unit.shape[1]
    out = [np.ones((len(unit), 1)), unit]
    for degree in range(2, highest + 1):
        below, last = _parents(dim, degree)
        out.append(out[-1][:, below] * unit[:, last])
    return out


@lru_cache(maxsize=64)
def _parents(dim: int, degree: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place = {tuple(row): i for i, row in enumerate(exponents(dim, degree - 1).tolist())}
    last = np.array([np.flatnonzero(row)[-1] for row in exponents(dim, degree)])
    lower = exponents(dim, degree) - np.eye(dim, dtype=np.int64)[last]
    return np.array([place[tuple(row)] for row in lower.tolist()]), last


def _evaluated(powers: list[NDArray[np.float64]], dim: int, degree: int) -> NDArray[np.float64]:
    return np.asarray(powers[degree] @ _scaled(dim, degree))


@lru_cache(maxsize=64)
def _scaled(dim: int, degree: int) -> NDArray[np.float64]:
    """The harmonic polynomials over plain monomials, of mean square 1 over directions."""
    columns = _weights(dim, degree)[:, None] * harmonic(dim, degree)
    # The sum of the squares is the same in every direction: look along the first axis.
    return np.asarray(columns * np.sqrt(columns.shape[1] / (columns[0] ** 2).sum()))


def _block(dim: int, degree: int) -> NDArray[np.float64]:
    """How infinitesimal turns mix the harmonic polynomials of a degree."""
    powers, weights, columns = exponents(dim, degree), _weights(dim, degree), harmonic(dim, degree)
    place = {tuple(row): i for i, row in enumerate(powers.tolist())}
    out = []
    for turn in skew_basis(dim):
        change = np.zeros((len(powers), len(powers)))
        for i, j in np.argwhere(turn):
            # y_i grows by turn[i, j] y_j.
            for own in np.flatnonzero(powers[:, i]):
                moved = powers[own].copy()
                moved[i] -= 1
                moved[j] += 1
                there = place[tuple(moved.tolist())]
                change[own, there] += turn[i, j] * powers[own, i] * weights[own] / weights[there]
        out.append(columns.T @ change @ columns)
    return np.array(out)
