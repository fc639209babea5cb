"""Representations of cyclic and dihedral groups that close exactly in any learned basis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import float_tensor, positive_int, refuse
from grouplearn._checks import generator as check_generator
from grouplearn.groups import FiniteGroup, real_irreps, regular_multiplicities
from grouplearn.groups.irreps import turns
from grouplearn.linalg import random_orthogonal
from grouplearn.representations.base import LearnedRepresentation, initial_generators
from grouplearn.representations.exactness import assert_holds
from grouplearn.representations.tables import on_default_device


@final
class SpectralRepresentation(LearnedRepresentation):
    """rho(g) = P D(g) P^-1 with a learned basis P and D(g) a fixed sum of real irreps.

    For C_n, D(g^k) turns the plane of an irrep of frequency f by 2 pi f k / n; for D_n, the
    reflection acts on it by diag(1, -1). Every relation holds for every invertible P, and every
    matrix comes in closed form, so that long groups lose no accuracy. What cannot be learned by
    gradient, the multiplicity of each irrep, is given or regular.

    Args:
        group: cyclic or dihedral.
        dim: dimension d.
        multiplicities: one number per irrep of `groups.real_irreps(group)`, whose dimensions add up
            to d; `groups.regular_multiplicities` when None.
        near: (m, d, d) matrices to start near; they fix the multiplicities and the basis.
        noise: relative size of the Gaussian noise added to `near`.
        rng: source of randomness; without `near`, P is random orthogonal.
        dtype: float32 or float64; torch's default when None.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
        InputError: an argument has the wrong shape, type or range.
        ClosureError: `near` has an eigenvalue nearer to zero than to the unit circle.

    Cost:
        `act` takes O(d^2) per vector and `orbit` O(d^2 + n f d), f <= min(n, d) being the number of
        distinct cosines and sines over the turns, beside one O(d^3) inverse.

    References:
        Serre, Linear Representations of Finite Groups (1977), sections 5.1 and 5.3.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> rep = SpectralRepresentation(CyclicGroup(4), 9)
        >>> rep.multiplicities, rep.closes_exactly
        ((3, 2, 2), True)
    """

    _phase: Tensor
    _sign: Tensor
    _partner: Tensor
    _orientation: Tensor

    @on_default_device
    def __init__(
        self,
        group: FiniteGroup,
        dim: int,
        *,
        multiplicities: Sequence[int] | None = None,
        near: Float[Tensor, "*shape"] | None = None,
        noise: float = 0.0,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(group, dim, dtype)
        who = type(self).__name__
        if near is None:
            counts = _check_multiplicities(group, self.dim, multiplicities)
            rng = check_generator(who, rng)
            basis = random_orthogonal(1, self.dim, rng, torch.float64)[0]
        elif multiplicities is None:
            from grouplearn.representations.rounding import round_generators

            start = initial_generators(who, group, self.dim, near, noise, rng)
            counts, columns = round_generators(who, group, start.numpy())
            basis = torch.as_tensor(columns)
        else:
            refuse(
                who, "multiplicities", "None when near is given", multiplicities,
                "`near` fixes them: pass one of the two",
            )  # fmt: skip
        self.multiplicities = counts
        self._note(*counts)
        self.basis = nn.Parameter(basis.to(self.dtype).contiguous())
        self._set_columns(turns(who, group))
        if near is not None:
            assert_holds(who, "near", self, self.basis)

    @classmethod
    def from_basis(
        cls,
        group: FiniteGroup,
        multiplicities: Sequence[int],
        basis: Float[Tensor, "d d"],
    ) -> SpectralRepresentation:
        """The representation with a given P.

        Args:
            group: cyclic or dihedral.
            multiplicities: one number per irrep of `groups.real_irreps(group)`.
            basis: P, invertible (d, d); columns ordered by irrep, pairs side by side.

        Raises:
            InputError: P has another shape, is not finite or is singular, or numbers of its dtype
                cannot hold the relations in it; the error has the condition number.
        """
        basis = float_tensor(cls.__name__, "basis", basis, (None, None))
        if basis.dtype not in (torch.float32, torch.float64):
            refuse(cls.__name__, "basis", "float32 or float64", basis.dtype, "call basis.float()")
        if torch.linalg.matrix_rank(basis) < max(basis.shape):
            refuse(
                cls.__name__, "basis", "square and invertible", f"rank below {max(basis.shape)}",
                "its columns must be linearly independent",
            )  # fmt: skip
        # Its own generator: the random basis is not used, and must not move the global one.
        rng = torch.Generator()
        rep = cls(group, len(basis), multiplicities=multiplicities, rng=rng, dtype=basis.dtype)
        start = basis.detach().clone(memory_format=torch.contiguous_format)
        rep.to(basis.device).basis = nn.Parameter(start)
        assert_holds(cls.__name__, "basis", rep, start, products=True)
        return rep

    @property
    def closes_exactly(self) -> bool:
        """True."""
        return True

    def generators(self) -> Float[Tensor, "m d d"]:
        """P D P^-1 of the group's generators."""
        return self._matrices_of(list(self.group.generators))

    def _set_columns(self, n: int) -> None:
        """Tabulate how every element moves the columns of P."""
        irreps = real_irreps(self.group)
        frequency, orientation, reflection = [], [], []
        self._slices: list[tuple[int, int, int]] = []
        for irrep, count in zip(irreps, self.multiplicities, strict=True):
            frequency += [irrep.frequency] * (irrep.dim * count)
            orientation += [0] * count if irrep.dim == 1 else [1, -1] * count
            reflection += [irrep.reflection] * count if irrep.dim == 1 else [1, -1] * count
        for f in sorted(set(frequency)):
            start = frequency.index(f)
            self._slices.append((f, start, start + frequency.count(f)))
        element = torch.arange(self.group.order).unsqueeze(1)
        phase = torch.tensor(frequency) * (element % n) % n
        sign = torch.where(element >= n, torch.tensor(reflection), 1)
        partner = torch.arange(self.dim) + torch.tensor(orientation)
        self._hold("_phase", phase)
        self._hold("_sign", sign)
        self._hold("_partner", partner)
        self._hold("_orientation", torch.tensor(orientation))
        self._turns = n

    def _angles(self, elements: list[int] | slice) -> tuple[Tensor, Tensor]:
        """Cosine and oriented sine of every column's angle, in float64."""
        cosine, sine = _cosine_and_sine(self._phase[elements], self._turns)
        return cosine, sine * self._orientation

    def _matrices_of(self, elements: list[int] | slice) -> Tensor:
        # In float64, and rounded once: an error of P comes in times its condition number.
        cosine, sine = self._angles(elements)
        basis = self.basis.double()
        turned = basis * cosine.unsqueeze(1)
        turned = turned + basis[:, self._partner] * sine.unsqueeze(1)
        found = turned * self._sign[elements].unsqueeze(1) @ torch.linalg.inv(basis)
        return found.to(self.dtype)

    def _matrices(self) -> Tensor:
        return self._matrices_of(slice(None))

    def _matrix(self, element: int) -> Tensor:
        return self._matrices_of([element])[0]

    def _coordinates(self, x: Tensor) -> Tensor:
        return x @ torch.linalg.inv(self.basis.double()).to(self.dtype).mT

    def _act(self, x: Tensor, g: int) -> Tensor:
        cosine, sine = (each.to(self.dtype) for each in self._angles([g]))
        y = self._coordinates(x) * self._sign[g]
        return (y * cosine[0] - y[..., self._partner] * sine[0]) @ self.basis.mT

    def _orbit(self, x: Tensor) -> Tensor:
        y = self._coordinates(x)
        turned = self._turn_orbit(y)
        if self.group.order == self._turns:
            return turned
        return torch.cat([turned, self._turn_orbit(y * self._sign[-1])], -2)

    def _turn_orbit(self, y: Tensor) -> Tensor:
        """P R^k y for all k: every frequency is projected once, then mixed by its waves over k."""
        quarter = y[..., self._partner] * self._orientation
        parts = []
        for frequency, start, end in self._slices:
            columns = self.basis[:, start:end].mT
            parts.append(y[..., start:end] @ columns)
            if not self._is_real(frequency):
                parts.append(quarter[..., start:end] @ columns)
        return self._waves() @ torch.stack(parts, -2)

    def _waves(self) -> Tensor:
        """(n, parts): cosine and negative sine of each frequency over the turns."""
        turns = torch.arange(self._turns, device=self.device)
        waves = []
        for frequency, _, _ in self._slices:
            cosine, sine = _cosine_and_sine(turns * frequency % self._turns, self._turns)
            waves.append(cosine)
            if not self._is_real(frequency):
                waves.append(-sine)
        return torch.stack(waves, -1).to(self.dtype)

    def _is_real(self, frequency: int) -> bool:
        return 2 * frequency % self._turns == 0


def _cosine_and_sine(phase: Tensor, turns: int) -> tuple[Tensor, Tensor]:
    """Both of 2 pi phase / turns, in float64; exactly 0 and 1 at quarter turns."""
    quarters = 4 * phase
    angle = phase.double() * (2 * math.pi / turns)
    even, odd = quarters % (2 * turns) == 0, (quarters + turns) % (2 * turns) == 0
    cosine, sine = angle.cos(), angle.sin()
    return torch.where(odd, 0.0, torch.where(even, cosine.round(), cosine)), torch.where(
        even, 0.0, torch.where(odd, sine.round(), sine)
    )


def _check_multiplicities(
    group: FiniteGroup, dim: int, multiplicities: Sequence[int] | None
) -> tuple[int, ...]:
    who = "SpectralRepresentation"
    dims = [irrep.dim for irrep in real_irreps(group)]
    if multiplicities is None:
        return regular_multiplicities(group, dim)
    if not isinstance(multiplicities, Sequence):
        refuse(
            who, "multiplicities", "a sequence of numbers", repr(multiplicities),
            "pass one number per irrep",
        )  # fmt: skip
    counts = tuple(positive_int(who, "multiplicity", m, minimum=0) for m in multiplicities)
    total = sum(d * m for d, m in zip(dims, counts, strict=False))
    if len(counts) != len(dims) or total != dim:
        refuse(
            who, "multiplicities",
            f"{len(dims)} numbers that, times the irreps' dimensions {dims}, add up to dim = {dim}",
            list(counts), "see groups.real_irreps(group) for their order",
        )  # fmt: skip
    return counts
