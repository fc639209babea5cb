"""One representation per resolution of a Haar basis."""

from __future__ import annotations

from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import positive_int
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import haar_basis
from grouplearn.representations.base import LearnedRepresentation, initial_generators
from grouplearn.representations.compose import ChangeOfBasis, DirectSum
from grouplearn.representations.dense import DenseRepresentation
from grouplearn.representations.tables import on_default_device
from grouplearn.representations.toeplitz import check_shape


@runtime_checkable
class ChildClass(Protocol):
    """What builds the representation of one scale: any learnable class of this package."""

    def __call__(
        self,
        group: FiniteGroup,
        dim: int,
        *,
        near: Float[Tensor, "*shape"] | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> LearnedRepresentation:
        """Build a representation of `group` in dimension `dim`."""
        ...


@final
class MultiScaleRepresentation(LearnedRepresentation):
    """rho = W^T (rho_1 + ... + rho_s) W: a separate representation on every scale of a signal.

    The rows of W are an orthonormal Haar basis (`linalg.haar_basis`), the finest scale first; no
    scale mixes with another. Closes exactly if the children do. Flips and quarter turns keep the
    scales apart and can be expressed; cyclic shifts
    cannot, unless the mean and one finer scale are all there is (up to 3 x 3).

    Args:
        group: the group that is represented.
        dim: dimension d.
        shape: axis sizes of what a vector is flattened from: (d,), the default, or (height, width).
        child: class of the representation of each scale.
        near: (m, d, d) matrices to start near; each child starts near its scale's diagonal block.
        noise: relative size of the Gaussian noise added to `near`.
        rng: source of randomness.
        dtype: float32 or float64; torch's default when None.

    Raises:
        InputError: an argument has the wrong shape, type or range.

    Cost:
        The children's, and O(d^3) for the change of basis.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552;
        Mallat, A theory for multiresolution signal decomposition, IEEE PAMI 11 (1989).

    Example:
        >>> from grouplearn import CyclicGroup
        >>> rep = MultiScaleRepresentation(CyclicGroup(4), 16, shape=(4, 4))
        >>> rep.scales
        (12, 3, 1)
    """

    @on_default_device
    def __init__(
        self,
        group: FiniteGroup,
        dim: int,
        *,
        shape: tuple[int, ...] | None = None,
        child: ChildClass = DenseRepresentation,
        near: Float[Tensor, "*shape"] | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        who = type(self).__name__
        super().__init__(group, dim, dtype)
        self.shape = check_shape(who, shape, positive_int(who, "dim", dim))
        self._note(*self.shape)
        rows, self.scales = haar_basis(self.shape)
        haar = torch.as_tensor(rows)
        if near is not None:
            near = haar @ initial_generators(who, group, self.dim, near, noise, rng) @ haar.mT
        children, start = [], 0
        for size in self.scales:
            block = None if near is None else near[:, start : start + size, start : start + size]
            children.append(child(group, size, near=block, rng=rng, dtype=self.dtype))
            start += size
        self.scaled = ChangeOfBasis(DirectSum(children), haar.mT.to(self.dtype))
        self.scaled._define("basis", haar.mT.contiguous(), self._anchor)

    @property
    def closes_exactly(self) -> bool:
        """Do all children?"""
        return self.scaled.closes_exactly

    def children_by_scale(self) -> list[LearnedRepresentation]:
        """The representation of each scale, in the order of `scales`."""
        summed = self.scaled.child
        return summed.parts() if isinstance(summed, DirectSum) else [summed]

    def generators(self) -> Float[Tensor, "m d d"]:
        """The children's generators, in the coordinates of the signal."""
        return self.scaled.generators()

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """The children's inverses, in the coordinates of the signal."""
        return self.scaled.inverse_generators()

    def _matrices(self) -> Tensor:
        return self.scaled.matrices()

    def _matrix(self, element: int) -> Tensor:
        return self.scaled.matrix(element)

    def _act(self, x: Tensor, g: int) -> Tensor:
        return self.scaled.act(x, g)

    def _orbit(self, x: Tensor) -> Tensor:
        return self.scaled.orbit(x)
