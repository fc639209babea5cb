"""What a function's values may do while its input moves: nothing, any linear map, given ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

_KEPT = 1e-5

Residuals = Callable[[Float[Tensor, "... N k"]], Float[Tensor, "... N k"]]


class Answer(ABC):
    """How the values of a function are allowed to answer an action on its input."""

    @abstractmethod
    def residuals(self, values: Float[Tensor, "N k"]) -> Residuals:
        """What no allowed answer explains, as a differentiable map of the moved values.

        Args:
            values: (N, k), float64: f(x) for N rows.

        Returns:
            A map from f(g x), for any number of g at once, to f(g x) - rho'(g) f(x).
        """

    @abstractmethod
    def matrix(
        self, values: Float[Tensor, "N k"], moved: Float[Tensor, "N k"]
    ) -> Float[Tensor, "k k"]:
        """The allowed rho'(g) that explains f(g x) best."""


@final
class Unmoved(Answer):
    """Invariance: f(g x) = f(x)."""

    def residuals(self, values: Float[Tensor, "N k"]) -> Residuals:
        """Differences from the values."""
        return lambda moved: moved - values

    def matrix(
        self, values: Float[Tensor, "N k"], moved: Float[Tensor, "N k"]
    ) -> Float[Tensor, "k k"]:
        """The identity."""
        return torch.eye(moved.shape[-1], dtype=values.dtype)


@final
class Linear(Answer):
    """Equivariance: f(g x) = rho'(g) f(x), with rho'(g) found by least squares."""

    def residuals(self, values: Float[Tensor, "N k"]) -> Residuals:
        """What is left after regression on the values."""
        vectors, sizes, _ = torch.linalg.svd(values, full_matrices=False)
        span = vectors[:, sizes > _KEPT * sizes[0]]
        return lambda moved: moved - span @ (span.mT @ moved)

    def matrix(
        self, values: Float[Tensor, "N k"], moved: Float[Tensor, "N k"]
    ) -> Float[Tensor, "k k"]:
        """The coefficients; the identity on directions that the values never take."""
        inverse = torch.linalg.pinv(values, rtol=_KEPT)
        unseen = torch.eye(values.shape[1], dtype=values.dtype) - inverse @ values
        return (inverse @ moved + unseen).mT


@final
class Given(Answer):
    """Equivariance with rho'(g) among given matrices.

    Args:
        matrices: (n, k, k), float64.
    """

    def __init__(self, matrices: Float[Tensor, "n k k"]) -> None:
        self._matrices = matrices

    def residuals(self, values: Float[Tensor, "N k"]) -> Residuals:
        """Differences from the nearest of the answers."""
        answers = values @ self._matrices.mT

        def nearest(moved: Float[Tensor, "... N k"]) -> Float[Tensor, "... N k"]:
            batch = moved.reshape(-1, *moved.shape[-2:])
            best = [int((answers - each.detach()).square().sum((1, 2)).argmin()) for each in batch]
            return (batch - answers[best]).reshape(moved.shape)

        return nearest

    def matrix(
        self, values: Float[Tensor, "N k"], moved: Float[Tensor, "N k"]
    ) -> Float[Tensor, "k k"]:
        """The nearest of the given matrices."""
        gaps = (values @ self._matrices.mT - moved).square().sum((1, 2))
        return self._matrices[int(gaps.argmin())]
