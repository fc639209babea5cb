"""Free invertible matrices with a learned inverse."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn.groups import FiniteGroup
from grouplearn.representations.base import (
    LearnedRepresentation,
    initial_generators,
    true_inverses,
)
from grouplearn.representations.parallel import joined
from grouplearn.representations.tables import on_default_device


@final
class DenseRepresentation(LearnedRepresentation):
    """One free d x d matrix A per generator, and a second one, A~, that learns to be its inverse.

    Nothing holds by construction: invertibility is learned through `losses.invertibility_loss`,
    closure through `losses.closure_loss`. A loss without the first leaves A~ as it is.

    Args:
        group: the group that is represented.
        dim: dimension d.
        near: (m, d, d) matrices to start near; random orthogonal matrices when None.
        noise: relative size of the Gaussian noise added to `near`.
        rng: source of randomness.
        dtype: float32 or float64; torch's default when None.

    Raises:
        InputError: an argument has the wrong shape, type or range, or `near` is singular.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> rep = DenseRepresentation(CyclicGroup(4), 25, rng=torch.Generator().manual_seed(0))
        >>> rep.matrices().shape
        torch.Size([4, 25, 25])
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
        self.weight = nn.Parameter(start.to(self.dtype).contiguous())
        inverses = true_inverses(type(self).__name__, self.weight.detach())
        self.inverse = nn.Parameter(inverses.contiguous())

    def generators(self) -> Float[Tensor, "m d d"]:
        """The matrices A."""
        return joined(self.weight, self.inverse)

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """The learned inverses A~."""
        return self.inverse
