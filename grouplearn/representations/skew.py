"""Orthogonal matrices as exponentials of skew-symmetric ones."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn.groups import FiniteGroup
from grouplearn.linalg import polar_factor, skew_log
from grouplearn.representations.base import LearnedRepresentation, initial_generators
from grouplearn.representations.tables import on_default_device


@final
class SkewRepresentation(LearnedRepresentation):
    """One rotation A = exp(S), S = -S^T, per generator.

    Orthogonality and determinant +1 hold by construction; closure is learned. Reflections, such as
    the flip of a 3 x 3 patch (determinant -1), cannot be expressed.

    Args:
        group: the group that is represented.
        dim: dimension d.
        near: (m, d, d) matrices to start near, replaced by the nearest orthogonal ones; a random S
            with angles of order 1 when None.
        noise: relative size of the Gaussian noise added to `near`.
        rng: source of randomness.
        dtype: float32 or float64; torch's default when None.

    Raises:
        InputError: an argument has the wrong shape, type or range, or the orthogonal matrix nearest
            to `near` has determinant -1.

    Cost:
        One matrix exponential, O(d^3), per generator beside the base class's cost.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552;
        Lezcano-Casado and Martinez-Rubio, Cheap orthogonal constraints, ICML 2019.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> A = SkewRepresentation(CyclicGroup(4), 9).generators()[0]
        >>> torch.allclose(A @ A.mT, torch.eye(9), atol=1e-5)
        True
    """

    @on_default_device
    def __init__(
        self,
        group: FiniteGroup,
        dim: int,
        *,
        near: Float[Tensor, "*shape"] | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(group, dim, dtype)
        start = initial_generators(type(self).__name__, group, self.dim, near, noise, rng)
        if near is None:
            start = torch.randn(start.shape, generator=rng, dtype=start.dtype) / self.dim**0.5
            skew = torch.tril(start, -1) - torch.tril(start, -1).mT
        else:
            skew = torch.stack([skew_log(polar_factor(matrix)) for matrix in start])
        self._row, self._column = torch.tril_indices(self.dim, self.dim, -1).tolist()
        self.angles = nn.Parameter(skew[:, self._row, self._column].to(self.dtype))

    def skew_matrices(self) -> Float[Tensor, "m d d"]:
        """The skew-symmetric S, one per generator."""
        lower = self.angles.new_zeros(len(self.angles), self.dim, self.dim)
        lower[:, self._row, self._column] = self.angles
        return lower - lower.mT

    def generators(self) -> Float[Tensor, "m d d"]:
        """The rotations exp(S)."""
        # In float64: torch's float32 exponential is off by up to 5e-5 at angles near 0.6.
        return torch.linalg.matrix_exp(self.skew_matrices().double()).to(self.dtype)

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """Transposes of the generators."""
        return self.generators().mT
