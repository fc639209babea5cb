"""Representations made of representations: sums, products, changes of basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import float_tensor, refuse
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.exactness import assert_holds


@final
class DirectSum(LearnedRepresentation):
    """rho_1 + ... + rho_s: block-diagonal matrices, each child acting on its own coordinates.

    Closes exactly if every child does.

    Args:
        children: one or more representations of the same group and dtype.

    Raises:
        InputError: no child, or children of different groups or dtypes.

    Cost:
        That of the children: O(n sum d_i^2) per vector.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import DenseRepresentation
        >>> G = CyclicGroup(3)
        >>> DirectSum([DenseRepresentation(G, 2), DenseRepresentation(G, 4)]).dim
        6
    """

    def __init__(self, children: Sequence[LearnedRepresentation]) -> None:
        first = _check_children("DirectSum", children)
        super().__init__(
            first.group, sum(child.dim for child in children), first.dtype, device=first.device
        )
        self.summands = nn.ModuleList(children)
        self._sizes = [child.dim for child in children]
        self._note(*self._sizes)

    @property
    def closes_exactly(self) -> bool:
        """Do all children?"""
        return all(child.closes_exactly for child in self.parts())

    def generators(self) -> Float[Tensor, "m d d"]:
        """Block-diagonal matrices of the children's generators."""
        return _block_diagonal([child.generators() for child in self.parts()])

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """Block-diagonal matrices of the children's inverses."""
        return _block_diagonal([child.inverse_generators() for child in self.parts()])

    def parts(self) -> list[LearnedRepresentation]:
        """The summands, in their order."""
        return [child for child in self.summands if isinstance(child, LearnedRepresentation)]

    def _matrices(self) -> Tensor:
        return _block_diagonal([child.matrices() for child in self.parts()])

    def _matrix(self, element: int) -> Tensor:
        return torch.block_diag(*(child.matrix(element) for child in self.parts()))

    def _act(self, x: Tensor, g: int) -> Tensor:
        parts = zip(self.parts(), x.split(self._sizes, -1), strict=True)
        return torch.cat([child.act(part, g) for child, part in parts], -1)

    def _orbit(self, x: Tensor) -> Tensor:
        parts = zip(self.parts(), x.split(self._sizes, -1), strict=True)
        return torch.cat([child.orbit(part) for child, part in parts], -1)


@final
class TensorProduct(LearnedRepresentation):
    """rho_1 (x) rho_2: Kronecker products, acting on row-major flattened d_1 x d_2 matrices.

    A matrix X moves to rho_1(g) X rho_2(g)^T. Closes exactly if both factors do.

    Args:
        left: representation of dimension d_1.
        right: representation of dimension d_2, of the same group and dtype.

    Raises:
        InputError: the groups or dtypes differ.

    Cost:
        O(n (d_1 + d_2) d_1 d_2) per vector.
    """

    def __init__(self, left: LearnedRepresentation, right: LearnedRepresentation) -> None:
        _check_children("TensorProduct", [left, right])
        super().__init__(left.group, left.dim * right.dim, left.dtype, device=left.device)
        self._note(left.dim, right.dim)
        self.left = left
        self.right = right

    @property
    def closes_exactly(self) -> bool:
        """Do both factors?"""
        return self.left.closes_exactly and self.right.closes_exactly

    def generators(self) -> Float[Tensor, "m d d"]:
        """Kronecker products of the factors' generators."""
        return _kronecker(self.left.generators(), self.right.generators())

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """Kronecker products of the factors' inverses."""
        return _kronecker(self.left.inverse_generators(), self.right.inverse_generators())

    def _matrices(self) -> Tensor:
        return _kronecker(self.left.matrices(), self.right.matrices())

    def _matrix(self, element: int) -> Tensor:
        # Not torch.kron: it fails on matrices that are not stored row by row.
        factors = (self.left.matrix(element), self.right.matrix(element))
        return _kronecker(*(factor.unsqueeze(0) for factor in factors)).squeeze(0)

    def _act(self, x: Tensor, g: int) -> Tensor:
        folded = x.unflatten(-1, (self.left.dim, self.right.dim))
        return (self.left.matrix(g) @ folded @ self.right.matrix(g).mT).flatten(-2)

    def _orbit(self, x: Tensor) -> Tensor:
        folded = x.unflatten(-1, (self.left.dim, self.right.dim)).unsqueeze(-3)
        return (self.left.matrices() @ folded @ self.right.matrices().mT).flatten(-2)


@final
class ChangeOfBasis(LearnedRepresentation):
    """B rho B^-1: the child seen in another basis. Closes exactly if the child does.

    Matrices are computed in float64 and rounded once.

    Args:
        child: the representation.
        basis: B, an invertible (d, d) matrix of the child's dtype; held fixed.
        measured: where the child closes exactly, measure whether numbers of its dtype hold the
            relations in this basis; False trusts the caller.

    Raises:
        InputError: B has another shape or dtype, is not finite or is singular, or the relations are
            measured and missed; the error has the condition number.

    Cost:
        The child's, and O(d^3) for the inverse; orbits also O(n d^2) per vector.
    """

    basis: Tensor

    def __init__(
        self, child: LearnedRepresentation, basis: Float[Tensor, "d d"], *, measured: bool = True
    ) -> None:
        who = type(self).__name__
        _check_children(who, [child])
        super().__init__(child.group, child.dim, child.dtype, device=child.device)
        given: Any = basis
        hollow = isinstance(given, Tensor) and given.is_meta
        if not hollow:
            basis = float_tensor(who, "basis", basis, (child.dim, child.dim))
        if basis.dtype != child.dtype:
            refuse(
                who, "basis", f"of the child's dtype {child.dtype}", basis.dtype,
                "convert it with .to(dtype)",
            )  # fmt: skip
        if not hollow and torch.linalg.matrix_rank(basis) < child.dim:
            refuse(
                who, "basis", "invertible", "a singular matrix",
                "its columns must be linearly independent",
            )  # fmt: skip
        self.child = child
        definition = basis.detach() if hollow else basis.detach().cpu()
        self._define("basis", definition.double().clone(), basis)
        if measured and child.closes_exactly and not hollow and child.device.type != "meta":
            assert_holds(who, "basis", self, basis)

    @property
    def closes_exactly(self) -> bool:
        """Does the child?"""
        return self.child.closes_exactly

    def generators(self) -> Float[Tensor, "m d d"]:
        """The child's generators in the new basis."""
        return self._conjugate(self.child.generators())

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """The child's inverses in the new basis."""
        return self._conjugate(self.child.inverse_generators())

    def _conjugate(self, matrices: Tensor) -> Tensor:
        basis = self.basis.double()
        return (basis @ matrices.double() @ torch.linalg.inv(basis)).to(self.dtype)

    def _inverse_basis(self) -> Tensor:
        # Computed when needed, so that it fits the basis after a change of dtype.
        return torch.linalg.inv(self.basis.double()).to(self.dtype)

    def _matrices(self) -> Tensor:
        return self._conjugate(self.child.matrices())

    def _matrix(self, element: int) -> Tensor:
        return self._conjugate(self.child.matrix(element))

    def _act(self, x: Tensor, g: int) -> Tensor:
        return self.child.act(x @ self._inverse_basis().mT, g) @ self.basis.mT

    def _orbit(self, x: Tensor) -> Tensor:
        return self.child.orbit(x @ self._inverse_basis().mT) @ self.basis.mT


def _check_children(who: str, children: Any) -> LearnedRepresentation:
    if not (
        isinstance(children, Sequence)
        and children
        and all(isinstance(child, LearnedRepresentation) for child in children)
    ):
        refuse(who, "children", "representations", repr(children), "pass a list of at least one")
    first: LearnedRepresentation = children[0]
    for child in children:
        if child.group != first.group:
            refuse(
                who, "children", f"representations of one group, here {first.group}", child.group,
                "build all of them with the same group",
            )  # fmt: skip
        if child.dtype != first.dtype:
            refuse(
                who, "children", f"of one dtype, here {first.dtype}", child.dtype,
                "convert them with .to(dtype)",
            )  # fmt: skip
    return first


def _block_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    total = sum(block.shape[-1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        size = block.shape[-1]
        rows.append(nn.functional.pad(block, (start, total - start - size)))
        start += size
    return torch.cat(rows, -2)


def _kronecker(a: Tensor, b: Tensor) -> Tensor:
    products = a[:, :, None, :, None] * b[:, None, :, None, :]
    return products.flatten(3, 4).flatten(1, 2)
