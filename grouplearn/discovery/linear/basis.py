"""Spherical harmonics in any dimension, seen by what the moments of rows need of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)
class Basis:
    """Functions of the direction of a row that turns and reflections mix within each degree.

    Attributes:
        dim: d.
        degrees: (K,), the degree of each function, ascending; degree 0 may be left out.
        evaluate: (N, d) rows to (N, K) values; the mean of each square over directions is 1.
        rotate: (k, K) coefficients for all, or (b, k, K), and (b, d, d) orthogonal matrices F to
            (b, k, K): the means of Y(F y) from those of Y(y).
        blocks: for each degree (k, s, s), how the turns of `skew_basis(d)` change its s functions:
            Y(exp(X_j) y) = exp(blocks_j) Y(y).
    """

    dim: int
    degrees: Int[np.ndarray, " k"]
    evaluate: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    rotate: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    blocks: tuple[NDArray[np.float64], ...]

    @cached_property
    def slices(self) -> list[slice]:
        """Where the functions of each degree stand."""
        ends = np.cumsum([block.shape[1] for block in self.blocks])
        return [slice(int(e) - b.shape[1], int(e)) for e, b in zip(ends, self.blocks, strict=True)]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """How many functions there are of each degree."""
        return np.array([block.shape[1] for block in self.blocks])

    def turned(self, coefficients: Float[np.ndarray, "*b k"]) -> Float[np.ndarray, "j *b k"]:
        """How coefficients change under each infinitesimal turn."""
        out = np.empty((len(self.blocks[0]), *coefficients.shape))
        for own, block in zip(self.slices, self.blocks, strict=True):
            flat = coefficients[..., own].reshape(-1, block.shape[1])
            moved = flat @ block.swapaxes(1, 2)
            out[..., own] = moved.reshape(len(block), *coefficients.shape[:-1], -1)
        return out

    def turned_each(self, coefficients: Float[np.ndarray, "j *b k"]) -> Float[np.ndarray, "*b k"]:
        """The sum over j of how the j-th coefficients change under the j-th turn."""
        out = np.empty(coefficients.shape[1:])
        for own, block in zip(self.slices, self.blocks, strict=True):
            flat = coefficients[..., own].reshape(len(block), -1, block.shape[1])
            total = np.zeros(flat.shape[1:])
            for each, matrix in zip(flat, block, strict=True):
                total += each @ matrix.T
            out[..., own] = total.reshape(*out.shape[:-1], -1)
        return out

    def by_degree(self, squares: Float[np.ndarray, "r k"]) -> Float[np.ndarray, "r degrees"]:
        """Sums over each degree."""
        return np.stack([squares[:, own].sum(1) for own in self.slices], axis=1)

    def spread(self, values: Float[np.ndarray, "r degrees"]) -> Float[np.ndarray, "r k"]:
        """One value of each degree for all its functions."""
        return np.repeat(values, self.sizes, axis=1)
