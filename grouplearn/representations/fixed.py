"""Known representations: given matrices, or permutations that act by a gather."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from torch import Tensor

from grouplearn._checks import float_tensor, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.groups.table import check_permutations
from grouplearn.representations.base import LearnedRepresentation, relator_matrices
from grouplearn.representations.exactness import nearest_homomorphism

_ROUNDING = 16
"""Gaps of so many units of the last place count as rounding."""


@final
class FixedRepresentation(LearnedRepresentation):
    """A representation that is known and not trained.

    Where every generator is a permutation matrix, the group acts by a gather, at no arithmetic
    cost; otherwise all matrices are spelled once, in float64, when it is built. Matrices that obey
    the relations up to the rounding of their dtype do so in every other: `.double()` and the like
    go to the exact representation nearest to them, and back to the given numbers.

    Args:
        group: the group that is represented.
        generators: (m, d, d) floating-point matrices; their dtype becomes the representation's.

    Raises:
        InputError: the generators have another shape, dtype or number, or are not finite.

    Cost:
        Permutations: O(n d) per vector and O(n d) memory; else O(n d^2).

    Example:
        >>> from grouplearn import CyclicGroup
        >>> turn = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
        >>> FixedRepresentation(CyclicGroup(4), generators=turn).act(torch.tensor([1.0, 0.0]), 1)
        tensor([0., 1.])
    """

    _table: Tensor
    _sources: Tensor

    def __init__(self, group: FiniteGroup, generators: Float[Tensor, "m d d"]) -> None:
        who = type(self).__name__
        given = float_tensor(who, "generators", generators, (None, None, None)).detach()
        # On the CPU first: what kind of matrices they are has to be looked at.
        super().__init__(group, given.shape[-1], given.dtype, device=torch.device("cpu"))
        float_tensor(who, "generators", given, (len(group.generators), self.dim, self.dim))
        exact = given.double().cpu()
        self._closes = _is_exact(group, exact)
        self.is_permutation = _are_permutations(exact)
        if self.is_permutation:
            identity = torch.arange(self.dim, device=exact.device)
            images = self._spell(exact.argmax(-2), identity, _compose)
            self.register_buffer("_sources", images.argsort(-1))
        else:
            self._given_dtype = given.dtype
            self._define("_table", exact, torch.empty((), dtype=given.dtype, device="cpu"))
        self.to(given.device)
        if not torch.equal(self.generators(), given):
            refuse(
                who, "generators", "equal where the group's generators are, and I at its identity",
                "different matrices", "give the group independent generators",
            )  # fmt: skip

    @classmethod
    def from_permutations(
        cls, permutations: ArrayLike, dtype: torch.dtype | None = None
    ) -> FixedRepresentation:
        """The action of permutations on coordinates; the group is the one they generate.

        Args:
            permutations: int (m, d); coordinate i moves to row[i]: (rho x)[row[i]] = x[i].
            dtype: float32 or float64; torch's default when None.

        Raises:
            GroupError: a row is not a permutation, or the group has more than 4,096 elements.

        Example:
            >>> rep = FixedRepresentation.from_permutations([[1, 2, 3, 0], [3, 2, 1, 0]])
            >>> rep.group.name, rep.is_permutation
            ('D4', True)
        """
        images = check_permutations("FixedRepresentation", permutations)
        eye = torch.eye(images.shape[1], dtype=dtype, device="cpu")
        rows = eye[torch.as_tensor(images, device="cpu")].mT
        return cls(FiniteGroup.from_permutations(images), rows).to(torch.get_default_device())

    @property
    def closes_exactly(self) -> bool:
        """Are the generators integer matrices that obey every relator, in exact arithmetic?"""
        return self._closes

    @property
    def sources(self) -> Int[Tensor, "n d"] | None:
        """Where entries come from, (rho(g) x)[i] = x[sources[g, i]]; None for no permutations."""
        return self._sources if self.is_permutation else None

    def _rounded(self, name: str, dtype: torch.dtype) -> Tensor:
        """The matrices of all elements, from the generators that were given."""
        given = self._definitions[name]
        identity = torch.eye(self.dim, dtype=given.dtype, device=given.device)

        def spell(generators: Tensor) -> Tensor:
            return self._spell(generators, identity, torch.matmul)

        table = None
        if dtype != self._given_dtype != torch.float64:
            rounding = _ROUNDING * torch.finfo(self._given_dtype).eps
            table = nearest_homomorphism(self.group, given, spell, rounding)
        return (spell(given) if table is None else table).to(dtype)

    def _redefine(self, name: str, given: Tensor) -> None:
        """Take over the generators of a state."""
        found = given.detach().cpu()[list(self.group.generators)].double()
        same = torch.equal(self._rounded(name, given.dtype), given.cpu())
        if not same:
            self._definitions[name], self._given_dtype = found, given.dtype
            self._closes = _is_exact(self.group, found)

    def generators(self) -> Float[Tensor, "m d d"]:
        """The given matrices."""
        elements = list(self.group.generators)
        if self.is_permutation:
            return self._one_hot(self._sources[elements])
        return self._table[elements]

    def dual_matrices(self) -> Float[Tensor, "n d d"]:
        """rho(g^-1)^T for every element g; of permutations, rho(g) itself."""
        if self.is_permutation:
            return self._one_hot(self._sources)
        return self._table.index_select(0, self._inverses).mT

    def _matrices(self) -> Tensor:
        return self._one_hot(self._sources) if self.is_permutation else self._table

    def _matrix(self, element: int) -> Tensor:
        if self.is_permutation:
            return self._one_hot(self._sources[element])
        return self._table[element]

    def _act(self, x: Tensor, g: int) -> Tensor:
        if self.is_permutation:
            return x.index_select(-1, self._sources[g])
        return super()._act(x, g)

    def _orbit(self, x: Tensor) -> Tensor:
        if self.is_permutation:
            moved = x.index_select(-1, self._sources.flatten())
            return moved.unflatten(-1, (self.group.order, self.dim))
        return super()._orbit(x)

    def _one_hot(self, sources: Tensor) -> Tensor:
        # The identity's sources are 0, 1, ..., d - 1.
        return (sources.unsqueeze(-1) == self._sources[0]).to(self.dtype)


def _compose(left: Tensor, right: Tensor) -> Tensor:
    return torch.take_along_dim(left, right, -1)


def _are_permutations(matrices: Tensor) -> bool:
    return bool(
        ((matrices == 0) | (matrices == 1)).all()
        and (matrices.sum(-1) == 1).all()
        and (matrices.sum(-2) == 1).all()
    )


def _is_exact(group: FiniteGroup, generators: Tensor) -> bool:
    if not torch.equal(generators, generators.round()):
        return False
    inverses, info = torch.linalg.inv_ex(generators)
    relators = relator_matrices(group, generators, inverses.round())
    eye = torch.eye(generators.shape[-1], device=generators.device)
    return not bool(info.any()) and bool((relators == eye).all())
