"""How well numbers of finite precision hold the relations of a group, measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import wide
from grouplearn.representations.base import LearnedRepresentation, relator_matrices

_STEPS = 2


@torch.no_grad()
def relations_gap(rep: LearnedRepresentation, *, products: bool = False) -> float:
    """By how much the matrices that a representation has in its dtype miss the group's relations.

    The largest ||rho(s) rho(g) - rho(s g)||_F / sqrt(d) over generators s and elements g, and
    ||rho(w) - I||_F / sqrt(d) over relators w. Nan counts as infinite.

    Args:
        rep: representation of dimension d.
        products: of pairs alone: relators are long products, which amplify more.

    Cost:
        O(m n d^3) time for m generators.
    """
    group, matrices = rep.group, rep.matrices().to(wide(rep.dtype))
    elements = np.arange(group.order)
    gaps = [matrices.new_zeros(1)]
    for generator in group.generators:
        moved = torch.as_tensor(group.multiply(generator, elements), device=matrices.device)
        gap = matrices[generator] @ matrices - matrices[moved]
        gaps.append(torch.linalg.matrix_norm(gap).amax().reshape(1))
    if not products:
        chosen = list(group.generators)
        inverses = matrices[group.inverses[chosen].tolist()]
        spelled = relator_matrices(group, matrices[chosen], inverses)
        eye = torch.eye(rep.dim, dtype=matrices.dtype, device=matrices.device)
        gaps.append(torch.linalg.matrix_norm(spelled - eye))
    worst = torch.cat(gaps).double() / rep.dim**0.5
    return float(worst.nan_to_num(torch.inf).max())


def largest_gap(dtype: torch.dtype) -> float:
    """The largest gap of what counts as exact: half of the digits of short types, 3e-4 in float32.

    Args:
        dtype: of the matrices; float64 keeps six digits.
    """
    return max(float(torch.finfo(dtype).eps) ** 0.5, 1e-6)


def assert_holds(
    who: str,
    argument: str,
    rep: LearnedRepresentation,
    basis: Float[Tensor, "d d"],
    *,
    products: bool = False,
) -> None:
    """Refuse a basis in which numbers of the representation's dtype do not hold the relations.

    Args:
        who: the caller.
        argument: what the basis comes from.
        rep: what closes exactly in theory, in that basis.
        basis: its columns.
        products: as for `relations_gap`.

    Raises:
        InputError: the relations are missed by more than half of the digits; the error has the
            condition number of the basis.
    """
    gap, limit = relations_gap(rep, products=products), largest_gap(rep.dtype)
    if gap > limit:
        values = torch.linalg.svdvals(basis.detach().double())
        condition = float(values[0] / values[-1])
        short = torch.finfo(rep.dtype).bits < 64
        refuse(
            who, argument, f"in a basis in which {rep.dtype} holds the relations of {rep.group} to "
            f"{limit:.1g}", f"one of condition number {condition:.2g}, where they are missed by "
            f"{gap:.2g}", "take float64, or a basis nearer to orthogonal" if short else
            "take a basis nearer to orthogonal",
        )  # fmt: skip


def nearest_homomorphism(
    group: FiniteGroup,
    generators: Float[Tensor, "m d d"],
    spell: Callable[[Tensor], Tensor],
    gap: float,
) -> Float[Tensor, "n d d"] | None:
    """Matrices that close to the rounding of float64, near ones that close to that of another type.

    rho'(s) is the mean over h of rho(h)^-1 rho(h s): a gap of size e becomes one of size e^2.

    Args:
        group: of order n.
        generators: their matrices, float64.
        spell: makes the matrices of all elements from those of the generators.
        gap: the largest ||rho(h) rho(s) - rho(h s)|| that counts as rounding, relative to the
            largest norms.

    Returns:
        The matrices; None where the given ones miss the relations by more than the gap.

    Cost:
        O(m n d^3) time for m generators.

    References:
        Grove, Karcher and Ruh, 1974, Group actions and curvature, Inventiones 23, section 4.
    """
    elements = np.arange(group.order)
    moved = [torch.as_tensor(group.multiply(elements, s), device="cpu") for s in group.generators]
    table = spell(generators)
    limit = gap * float(torch.linalg.matrix_norm(table).amax()) ** 2
    for step in range(_STEPS):
        gaps = [
            torch.linalg.matrix_norm(table @ matrix - table[products]).amax()
            for matrix, products in zip(generators, moved, strict=True)
        ]
        if step == 0 and not all(float(each) <= limit for each in gaps):
            return None
        inverses = torch.linalg.inv(table)
        means = [(inverses @ table[products]).mean(0) for products in moved]
        generators = torch.stack(means) if means else generators
        table = spell(generators)
    return table
