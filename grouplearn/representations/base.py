"""The abstract learned representation: everything that follows from its generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import finite_number, float_tensor, last_axis, positive_int, refuse
from grouplearn._checks import generator as check_generator
from grouplearn._frames import frame_of
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import autocasts, random_orthogonal, wide
from grouplearn.representations.tables import HoldsTables

MAX_ORDER = 100_000
"""Largest order of a group that is represented: its elements are spelled one by one."""


class LearnedRepresentation(HoldsTables, ABC):
    """A learned map rho from a finite group G of order n to invertible d x d matrices.

    A representation obeys rho(g h) = rho(g) rho(h). Here that is guaranteed only where
    `closes_exactly` is true; elsewhere it is approached by training and measured by
    `grouplearn.defects`. What always holds: `matrices()[0]` is the identity, and every other entry
    is the product of generator matrices spelled by the shortlex-least word of its element.

    Subclasses give `generators()`; those with structure also override the hooks `_matrices`,
    `_matrix`, `_act` and `_orbit` by cheaper or exact forms of the same values, and those whose
    action depends on numbers beside their tensors pass these to `_note`. A state is refused by a
    representation of another group, or of the same with other generators.

    Args:
        group: the group that is represented.
        dim: dimension d of the space it acts on.
        dtype: floating-point type of parameters and results; torch's default when None.
        device: of the tables that follow from the group; torch's default when None.

    Attributes:
        group: the finite group G.
        dim: the dimension d.

    Raises:
        InputError: the group is not a FiniteGroup or has more than 100,000 elements, dim < 1, or
            dtype is not float32 or float64.
    """

    _anchor: Tensor
    _rank: Tensor
    _inverses: Tensor
    _batches: Tensor

    def __init__(
        self,
        group: FiniteGroup,
        dim: int,
        dtype: torch.dtype | None = None,
        *,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if not isinstance(group, FiniteGroup):
            refuse(who, "group", "a FiniteGroup", repr(group), "for example CyclicGroup(4)")
        if group.order > MAX_ORDER:
            refuse(who, "group", f"of an order <= {MAX_ORDER:,}", f"{group.order:,}",
                   "every element has its word and its matrix: take a smaller group")  # fmt: skip
        self.group = group
        self.dim = positive_int(who, "dim", dim)
        dtype = torch.get_default_dtype() if dtype is None else dtype
        if dtype not in (torch.float32, torch.float64):
            refuse(
                who, "dtype", "torch.float32 or torch.float64", dtype, "convert with .to() later"
            )
        # Carries dtype and device where a class has no floating-point parameters.
        device = torch.get_default_device() if device is None else device
        self.register_buffer(
            "_anchor", torch.ones((), dtype=dtype, device=device), persistent=False
        )
        plan = group.word_plan
        splits = [np.stack(stage) for stage in plan.stages]
        self._first = list(plan.first)
        self._splits = [pair for stage in splits for pair in stage.T.tolist()]
        self._position = plan.rank.tolist()
        self._stages = [stage.shape[1] for stage in splits]
        indices = {
            "_rank": plan.rank,
            "_inverses": group.inverses,
            "_batches": np.concatenate([np.zeros((2, 0), dtype=np.int64), *splits], axis=1),
        }
        for name, index in indices.items():
            self._hold(name, torch.tensor(index, device="cpu"), device=device)
        self._mark_as(group, self.dim, device=device)

    def _note(self, *numbers: int) -> None:
        """Let the mark of the state tell apart what else the action depends on."""
        self._mark_as(self.group, self.dim, numbers, self.device)

    @abstractmethod
    def generators(self) -> Float[Tensor, "m d d"]:
        """Matrices of the group's generators, in their order."""

    @property
    def closes_exactly(self) -> bool:
        """Does the class obey every relation by construction, for any parameter values?"""
        return False

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of the matrices."""
        return self._anchor.dtype

    @property
    def device(self) -> torch.device:
        """Device of the matrices."""
        return self._anchor.device

    def inverse_generators(self) -> Float[Tensor, "m d d"]:
        """Inverses of the generators: the true ones, unless the class learns its own.

        Raises:
            InputError: a generator is singular.
        """
        return true_inverses(type(self).__name__, self.generators())

    def matrices(self) -> Float[Tensor, "n d d"]:
        """rho(g) for every element g; entry 0 is exactly the identity.

        Cost:
            O(n d^3) time in about log2(n) batched products, O(n d^2) memory, unless a subclass
            says better.
        """
        return torch.cat([self._eye().unsqueeze(0), self._matrices()[1:]])

    def dual_matrices(self) -> Float[Tensor, "n d d"]:
        """rho(g^-1)^T for every element g: the action on filters.

        With filters moved by the dual, the responses <rho*(g) w, x> permute when x is moved by rho,
        orthogonal or not.
        """
        return self.matrices()[self._inverses].mT

    def matrix(self, element: int) -> Float[Tensor, "d d"]:
        """rho(g) of one element, without computing the others.

        Args:
            element: index of g, 0 to n - 1.

        Raises:
            GroupError: no such element.

        Cost:
            O(d^3 log n) time.
        """
        element = self.group.check_element(element)
        return self._eye() if element == 0 else self._matrix(element)

    def act(self, x: Float[Tensor, "*batch d"], g: int) -> Float[Tensor, "*batch d"]:
        """rho(g) x, on the last axis.

        Args:
            x: (..., d) vectors of the representation's dtype.
            g: element index, 0 to n - 1.

        Returns:
            (..., d).

        Raises:
            InputError: x has another last axis or dtype.
            GroupError: no such element.
        """
        x, g = self._check_vectors(x), self.group.check_element(g)
        return x if g == 0 else self._act(x, g)

    def orbit(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch n d"]:
        """All rho(g) x, element by element.

        Args:
            x: (..., d) vectors of the representation's dtype.

        Returns:
            (..., n, d); entry 0 along the axis of elements is x.

        Raises:
            InputError: x has another last axis or dtype.

        Cost:
            O(n d^2) time per vector beside that of `matrices`, unless a subclass says better.

        Example:
            >>> from grouplearn import CyclicGroup
            >>> from grouplearn.representations import DenseRepresentation
            >>> rep = DenseRepresentation(CyclicGroup(4), 9, rng=torch.Generator().manual_seed(0))
            >>> rep.orbit(torch.ones(2, 9)).shape
            torch.Size([2, 4, 9])
        """
        return self._orbit(self._check_vectors(x))

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch n d"]:
        """The orbit of x."""
        return self.orbit(x)

    def _matrices(self) -> Tensor:
        """(n, d, d); entry 0 is replaced by the identity."""
        return self._spell(self.generators(), self._eye(), torch.matmul)

    def _spell(
        self, generators: Tensor, identity: Tensor, product: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Products along every element's word, stacked by element index."""
        here = generators.device == self.device
        batches = self._batches if here else self._tables["_batches"]
        spelled = torch.cat([identity.unsqueeze(0), generators[self._first]])
        for batch in batches.split(self._stages, 1):
            left, right = batch
            spelled = torch.cat([spelled, product(spelled[left], spelled[right])])
        return spelled[self._rank if here else self._tables["_rank"]]

    def _matrix(self, element: int) -> Tensor:
        generators = self.generators()
        spelled: dict[int, Tensor] = {}

        def spell(rank: int) -> Tensor:
            if rank not in spelled:
                if rank <= len(self._first):
                    spelled[rank] = generators[self._first[rank - 1]]
                else:
                    left, right = self._splits[rank - 1 - len(self._first)]
                    spelled[rank] = spell(left) @ spell(right)
            return spelled[rank]

        return spell(self._position[element])

    def _act(self, x: Tensor, g: int) -> Tensor:
        return x @ self._matrix(g).mT

    def _orbit(self, x: Tensor) -> Tensor:
        stacked = self.matrices().flatten(0, 1)
        return (x @ stacked.mT).unflatten(-1, (self.group.order, self.dim))

    def _eye(self) -> Tensor:
        return torch.eye(self.dim, dtype=self.dtype, device=self.device)

    def _follow(self, device: torch.device, dtype: torch.dtype | None) -> None:
        super()._follow(device, dtype)
        dtype = self.dtype if dtype is None else dtype
        if (self.device, self.dtype) != (device, dtype):
            self._anchor = torch.ones((), dtype=dtype, device=device)

    def _check_vectors(self, x: Any) -> Tensor:
        x = last_axis(type(self).__name__, "x", x, self.dim)
        if x.dtype != self.dtype and not autocasts(x.device):
            refuse(
                type(self).__name__, "x", f"of the representation's dtype {self.dtype}", x.dtype,
                "convert one with .to(dtype)",
            )  # fmt: skip
        return x

    def extra_repr(self) -> str:
        """Group and dimension, for print()."""
        return f"{self.group}, dim={self.dim}"

    def _repr_html_(self) -> str | None:
        return frame_of(self)


def true_inverses(who: str, generators: Float[Tensor, "m d d"]) -> Float[Tensor, "m d d"]:
    """Inverses of matrices, computed.

    Raises:
        InputError: a matrix is singular.
    """
    inverses, info = torch.linalg.inv_ex(generators.to(wide(generators.dtype)))
    if bool(info.any()):
        refuse(
            who, "generators()", "invertible matrices", "a singular one",
            "start elsewhere, or train with invertibility_loss",
        )  # fmt: skip
    return inverses.to(generators.dtype)


def relator_matrices(
    group: FiniteGroup, generators: Float[Tensor, "m d d"], inverses: Float[Tensor, "m d d"]
) -> Float[Tensor, "r d d"]:
    """The matrix product that each relator spells; the identity, if the relation holds.

    Args:
        group: group with m generators and r relators.
        generators: their matrices.
        inverses: what to use for negative exponents.
    """
    eye = torch.eye(generators.shape[-1], dtype=generators.dtype, device=generators.device)
    products = [eye.expand(0, -1, -1)]
    for word in group.relators:
        factors = [
            torch.linalg.matrix_power((generators if e > 0 else inverses)[g], abs(e))
            for g, e in word
        ]
        products.append(reduce(torch.matmul, factors).unsqueeze(0))
    return torch.cat(products)


def initial_generators(
    who: str,
    group: FiniteGroup,
    dim: int,
    near: Float[Tensor, "*shape"] | None,
    noise: float,
    rng: torch.Generator | None,
) -> Float[Tensor, "m d d"]:
    """Starting matrices in float64: near given ones, or random orthogonal ones.

    Args:
        who: name of the caller, for the error.
        group: group with m generators.
        dim: d.
        near: (m, d, d) matrices of a known action; (d, d) where there is one generator.
        noise: standard deviation, times sqrt(d), of the Gaussian noise added to every entry of
            `near`; thus about its Frobenius norm relative to an orthogonal matrix.
        rng: source of randomness; torch's global one when None.

    Raises:
        InputError: `near` has another shape or is not finite, or noise < 0.
    """
    count = len(group.generators)
    noise, rng = finite_number(who, "noise", noise), check_generator(who, rng)
    if near is None:
        return random_orthogonal(count, dim, rng, torch.float64)
    given = float_tensor(who, "near", near)
    if count == 1 and given.ndim == 2:
        given = given.unsqueeze(0)
    start = float_tensor(who, "near", given, (count, dim, dim)).detach().cpu().double()
    return start + noise / dim**0.5 * torch.randn(start.shape, generator=rng, dtype=torch.float64)
