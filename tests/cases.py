"""Every representation class once, with what it promises; the laws run over this list.

To add a representation, add one line to CASES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import torch

from grouplearn.groups import FiniteGroup, real_irreps
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)
from tests.laws import structures
from tests.laws.oracles import (
    conditioning,
    exact,
    known_permutations,
    permutation_matrices,
    shortlex_words,
    spell,
)

Builder = Callable[[FiniteGroup, int, torch.Generator, torch.dtype], LearnedRepresentation]

ANY_GROUP = ("cyclic", "dihedral", "product", "permutation")
WITH_IRREPS = ("cyclic", "dihedral")


@dataclass(frozen=True, repr=False)
class Case:
    """One representation class, or one way to use it.

    Attributes:
        name: what the test is called.
        kind: the class.
        build: makes one from a group, a dimension, randomness and a dtype.
        structure: asserts what holds for any parameter values.
        families: kinds of groups it can represent.
        dims: dimensions to try.
        closes: the relations hold to rounding, for any parameter values.
        closes_exactly: the class says so; False where only the given matrices happen to close.
        orthogonal: the generators are orthogonal, for any parameter values.
        learned_inverse: `inverse_generators` are parameters of their own.
        learns: it has parameters.
        ulps: tolerance in units of the machine precision, before scaling by norms.
    """

    name: str
    kind: type[LearnedRepresentation]
    build: Builder
    structure: Callable[[LearnedRepresentation], None]
    families: tuple[str, ...] = ANY_GROUP
    dims: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    closes: bool = False
    closes_exactly: bool = False
    orthogonal: bool = False
    learned_inverse: bool = False
    learns: bool = True
    ulps: float = 200.0

    def tolerance(self, dtype: torch.dtype) -> float:
        return self.ulps * float(torch.finfo(dtype).eps)

    def __repr__(self) -> str:
        return self.name

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For Hypothesis's reports."""
        printer.text(self.name)


def learned(kind: Callable[..., LearnedRepresentation], **options: Any) -> Builder:
    """A class with the constructor (group, dim, *, rng, dtype)."""

    def build(
        group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
    ) -> LearnedRepresentation:
        return kind(group, dim, rng=rng, dtype=dtype, **options)

    return build


def on_a_grid(kind: Callable[..., LearnedRepresentation], **options: Any) -> Builder:
    """The same on a two-dimensional shape, as square as the dimension allows."""

    def build(
        group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
    ) -> LearnedRepresentation:
        return learned(kind, shape=factors(dim), **options)(group, dim, rng, dtype)

    return build


def factors(dim: int) -> tuple[int, int]:
    side = next(k for k in range(isqrt(dim), 0, -1) if dim % k == 0)
    return side, dim // side


def well_conditioned(build: Builder) -> Builder:
    """Draw again while a generator is close to singular: random filters may be."""

    def redraw(
        group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
    ) -> LearnedRepresentation:
        while True:
            rep = build(group, dim, rng, dtype)
            if conditioning(exact(rep.generators())) < 30:
                return rep

    return redraw


def build_uneven_spectral(
    group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
) -> SpectralRepresentation:
    """Multiplicities as far from regular as they come: the last irreps take most."""
    irreps = real_irreps(group)
    counts, left = [0] * len(irreps), dim
    for i, irrep in reversed(list(enumerate(irreps))):
        counts[i] = (left + 1) // 2 // irrep.dim if i else left
        left -= counts[i] * irrep.dim
    return SpectralRepresentation(group, dim, multiplicities=counts, rng=rng, dtype=dtype)


def build_permutations(
    group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
) -> FixedRepresentation:
    images = known_permutations(group, dim, rng)
    return FixedRepresentation(group, torch.tensor(permutation_matrices(images), dtype=dtype))


def build_integers(
    group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
) -> FixedRepresentation:
    """Integer matrices that are no permutations: an action on points in a sheared basis."""
    basis = np.eye(dim) + np.diag(torch.randint(-1, 2, (dim - 1,), generator=rng).numpy(), 1)
    known = permutation_matrices(known_permutations(group, dim, rng))
    return FixedRepresentation(
        group, torch.tensor(np.round(basis @ known @ np.linalg.inv(basis)), dtype=dtype)
    )


def build_rotated(
    group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
) -> FixedRepresentation:
    """Real matrices that close only up to their rounding: points in a general basis."""
    basis = skewed_basis(dim, rng, torch.float64).numpy()
    known = permutation_matrices(known_permutations(group, dim, rng))
    # Equal elements get equal matrices, and the identity I, although other words round otherwise.
    table = [basis @ spell(known, word) @ np.linalg.inv(basis) for word in shortlex_words(group)]
    table[0] = np.eye(dim)
    chosen = np.array([table[g] for g in group.generators]).reshape(-1, dim, dim)
    return FixedRepresentation(group, torch.tensor(chosen, dtype=dtype))


def skewed_basis(dim: int, rng: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
    """Invertible, well conditioned, not orthogonal."""
    noise = torch.randn(dim, dim, generator=rng, dtype=torch.float64)
    return (torch.eye(dim, dtype=torch.float64) + 0.3 / dim**0.5 * noise).to(dtype)


def sum_of(*builders: Builder) -> Builder:
    def build(group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype) -> DirectSum:
        share, rest = divmod(dim, len(builders))
        sizes = [share + (i < rest) for i in range(len(builders))]
        parts = zip(builders, sizes, strict=True)
        return DirectSum([build(group, size, rng, dtype) for build, size in parts if size])

    return build


def product_of(left: Builder, right: Builder) -> Builder:
    def build(
        group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
    ) -> TensorProduct:
        a, b = factors(dim)
        return TensorProduct(left(group, a, rng, dtype), right(group, b, rng, dtype))

    return build


def rebased(child: Builder) -> Builder:
    def build(
        group: FiniteGroup, dim: int, rng: torch.Generator, dtype: torch.dtype
    ) -> ChangeOfBasis:
        return ChangeOfBasis(child(group, dim, rng, dtype), skewed_basis(dim, rng, dtype))

    return build


DENSE, SKEW = learned(DenseRepresentation), learned(SkewRepresentation)
SPECTRAL = learned(SpectralRepresentation)
EXACT: dict[str, Any] = {"closes": True, "closes_exactly": True}
GRIDS: dict[str, Any] = {"dims": (1, 4, 6, 9)}

CASES = (
    Case("dense", DenseRepresentation, DENSE, structures.anything, learned_inverse=True),
    Case("skew", SkewRepresentation, SKEW, structures.rotations, orthogonal=True),
    Case(
        "toeplitz-1d", ToeplitzRepresentation,
        well_conditioned(learned(ToeplitzRepresentation)), structures.constant_diagonals,
    ),
    Case(
        "toeplitz-2d", ToeplitzRepresentation,
        well_conditioned(on_a_grid(ToeplitzRepresentation)), structures.constant_diagonals, **GRIDS,
    ),
    Case(
        "multiscale-1d-dense", MultiScaleRepresentation,
        learned(MultiScaleRepresentation), structures.separate_scales, learned_inverse=True,
    ),
    Case(
        "multiscale-1d-toeplitz", MultiScaleRepresentation,
        well_conditioned(learned(MultiScaleRepresentation, child=ToeplitzRepresentation)),
        structures.separate_scales,
    ),
    Case(
        "multiscale-2d-skew", MultiScaleRepresentation,
        on_a_grid(MultiScaleRepresentation, child=SkewRepresentation),
        structures.separate_scales, orthogonal=True, **GRIDS,
    ),
    Case(
        "multiscale-2d-spectral", MultiScaleRepresentation,
        on_a_grid(MultiScaleRepresentation, child=SpectralRepresentation),
        structures.separate_scales, WITH_IRREPS, **GRIDS, **EXACT,
    ),
    Case("spectral", SpectralRepresentation, SPECTRAL, structures.closed, WITH_IRREPS, **EXACT),
    Case(
        "spectral-uneven", SpectralRepresentation, build_uneven_spectral, structures.closed,
        WITH_IRREPS, **EXACT,
    ),
    Case(
        "fixed-permutation", FixedRepresentation, build_permutations, structures.nothing_learned,
        orthogonal=True, learns=False, **EXACT,
    ),
    Case(
        "fixed-integer", FixedRepresentation, build_integers, structures.nothing_learned,
        learns=False, **EXACT,
    ),
    Case(
        "fixed-rotated", FixedRepresentation, build_rotated, structures.nothing_learned,
        learns=False, closes=True,
    ),
    Case(
        "sum", DirectSum, sum_of(DENSE, SKEW, build_permutations), structures.block_diagonal,
        learned_inverse=True,
    ),
    Case(
        "sum-exact", DirectSum, sum_of(SPECTRAL, build_permutations), structures.block_diagonal,
        WITH_IRREPS, **EXACT,
    ),
    Case(
        "product", TensorProduct, product_of(SKEW, DENSE), structures.kronecker,
        learned_inverse=True, **GRIDS,
    ),
    Case(
        "product-exact", TensorProduct, product_of(build_permutations, build_integers),
        structures.kronecker, learns=False, **GRIDS, **EXACT,
    ),
    Case("rebased", ChangeOfBasis, rebased(SKEW), structures.changed_basis),
    Case(
        "rebased-exact", ChangeOfBasis, rebased(SPECTRAL), structures.changed_basis, WITH_IRREPS,
        **EXACT,
    ),
)  # fmt: skip
