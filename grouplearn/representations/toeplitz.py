"""Matrices constant along diagonals: linear filters."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import positive_int, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import toeplitz_diagonals
from grouplearn.representations.base import LearnedRepresentation, initial_generators
from grouplearn.representations.tables import on_default_device


@final
class ToeplitzRepresentation(LearnedRepresentation):
    """One Toeplitz matrix per generator; on a 2-D shape, block Toeplitz with Toeplitz blocks.

    Such a matrix is a linear filter with zero padding: entry (p, q) depends only on the difference
    of the positions p and q. It can express a (cyclic) shift, the identity and a blur exactly, and
    no rotation or flip of a patch; its defects say so.

    Args:
        group: the group that is represented.
        dim: dimension d.
        shape: axis sizes of what a vector is flattened from, row-major: (d,), the default, or
            (height, width) with height * width = d.
        near: (m, d, d) matrices to start near, averaged along their diagonals; when None, the
            identity plus half of random orthogonal matrices, so averaged.
        noise: relative size of the Gaussian noise added to `near`.
        rng: source of randomness.
        dtype: float32 or float64; torch's default when None.

    Raises:
        InputError: an argument has the wrong shape, type or range.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> rep = ToeplitzRepresentation(CyclicGroup(4), 25, shape=(5, 5))
        >>> rep.weight.shape
        torch.Size([1, 81])
    """

    @on_default_device
    def __init__(
        self,
        group: FiniteGroup,
        dim: int,
        *,
        shape: tuple[int, ...] | None = None,
        near: Float[Tensor, "*shape"] | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(group, dim, dtype)
        who = type(self).__name__
        self.shape = check_shape(who, shape, self.dim)
        start = initial_generators(who, group, self.dim, near, noise, rng)
        if near is None:
            start = torch.eye(self.dim, dtype=start.dtype) + start / 2
        diagonals = toeplitz_diagonals(self.shape).flatten()
        self._hold("_diagonals", diagonals)
        self._note(*self.shape)
        sums = torch.zeros(len(start), int(diagonals.max()) + 1, dtype=start.dtype)
        sums.index_add_(1, diagonals, start.flatten(1))
        self.weight = nn.Parameter((sums / torch.bincount(diagonals)).to(self.dtype))

    _diagonals: Tensor

    def generators(self) -> Float[Tensor, "m d d"]:
        """The Toeplitz matrices."""
        return self.weight.index_select(1, self._diagonals).unflatten(1, (self.dim, self.dim))


def check_shape(who: str, shape: tuple[int, ...] | None, dim: int) -> tuple[int, ...]:
    """Return a 1-D or 2-D shape of `dim` positions; (dim,) for None."""
    if shape is None:
        return (dim,)
    if not isinstance(shape, Sequence):
        refuse(who, "shape", "one or two sizes", repr(shape), "pass the patch's (height, width)")
    sizes = tuple(positive_int(who, "shape entry", size) for size in shape)
    if len(sizes) not in (1, 2) or prod(sizes) != dim:
        refuse(
            who, "shape", f"one or two sizes whose product is dim = {dim}", sizes,
            "pass the patch's (height, width)",
        )  # fmt: skip
    return sizes
