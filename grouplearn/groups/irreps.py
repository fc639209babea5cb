"""Real irreducible representations of cyclic and dihedral groups, described by a few integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import positive_int, refuse
from grouplearn.errors import GroupError
from grouplearn.groups.base import FiniteGroup
from grouplearn.groups.families import CyclicGroup, DihedralGroup


@dataclass(frozen=True)
class Irrep:
    """A real irreducible representation of C_n or D_n.

    The turn acts by the rotation through 2 pi frequency / n (by +1 or -1 in dimension one); the
    reflection of D_n acts by `reflection` in dimension one and by diag(1, -1) in dimension two.

    Attributes:
        frequency: 0 to n // 2.
        reflection: +1 or -1; always +1 for cyclic groups and in dimension two.
        dim: 1 or 2.
        endomorphisms: dimension of the algebra of matrices commuting with it: 2 (the complex
            numbers) for the rotations of a cyclic group, else 1.
    """

    frequency: int
    reflection: int
    dim: int
    endomorphisms: int


def turns(who: str, group: FiniteGroup) -> int:
    """The n of C_n or D_n.

    Raises:
        GroupError: the group is neither.
    """
    if not isinstance(group, CyclicGroup | DihedralGroup):
        refuse(
            who, "group", "a CyclicGroup or DihedralGroup", repr(group),
            "build one of those if the group is isomorphic to it", GroupError,
        )  # fmt: skip
    return group.n if isinstance(group, DihedralGroup) else group.order


def real_irreps(group: FiniteGroup) -> tuple[Irrep, ...]:
    """All real irreps, by frequency, then reflection +1 before -1.

    Args:
        group: cyclic or dihedral.

    Raises:
        GroupError: any other group.

    Example:
        >>> [(i.frequency, i.reflection, i.dim) for i in real_irreps(DihedralGroup(3))]
        [(0, 1, 1), (0, -1, 1), (1, 1, 2)]
    """
    n = turns("real_irreps", group)
    dihedral = isinstance(group, DihedralGroup)
    found = []
    for frequency in range(n // 2 + 1):
        if 0 < 2 * frequency < n:
            found.append(Irrep(frequency, 1, 2, 1 if dihedral else 2))
        else:
            found.extend(Irrep(frequency, sign, 1, 1) for sign in ((1, -1) if dihedral else (1,)))
    return tuple(found)


def irrep_characters(group: FiniteGroup) -> NDArray[np.float64]:
    """Characters of `real_irreps(group)`, float64 (irreps, order).

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
    """
    n = turns("irrep_characters", group)
    turn, reflected = np.arange(group.order) % n, np.arange(group.order) >= n
    rows = []
    for irrep in real_irreps(group):
        cosine = np.cos(2 * np.pi * (irrep.frequency * turn % n) / n)
        at_reflection = cosine * irrep.reflection if irrep.dim == 1 else 0.0
        rows.append(np.where(reflected, at_reflection, irrep.dim * cosine))
    return np.stack(rows)


def regular_multiplicities(group: FiniteGroup, dim: int) -> tuple[int, ...]:
    """Multiplicities of the real irreps in dimension `dim`, as regular as the dimension allows.

    Whole copies of the regular representation come first. What is left is filled with irreps in
    their order (an irrep of dimension two only where two dimensions are left), each at most as
    often as the regular representation holds it, and a last odd dimension with the trivial one.

    Args:
        group: cyclic or dihedral.
        dim: dimension >= 1.

    Returns:
        One number per irrep of `real_irreps(group)`.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
        InputError: dim < 1.

    Example:
        >>> regular_multiplicities(CyclicGroup(4), 9)
        (3, 2, 2)
    """
    irreps = real_irreps(group)
    copies, left = divmod(positive_int("regular_multiplicities", "dim", dim), group.order)
    regular = [irrep.dim // irrep.endomorphisms for irrep in irreps]
    counts = [copies * r for r in regular]
    for i, irrep in enumerate(irreps):
        extra = min(regular[i], left // irrep.dim)
        counts[i] += extra
        left -= extra * irrep.dim
    counts[0] += left
    return tuple(counts)
