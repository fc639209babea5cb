"""Groups that are cyclic or dihedral, whatever generators they were found with."""

from __future__ import annotations

import numpy as np

from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup
from grouplearn.groups.structure import inverted_turn
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.fixed import FixedRepresentation


def as_family(rep: LearnedRepresentation) -> LearnedRepresentation:
    """The same action as a representation of a CyclicGroup or DihedralGroup, where it is one.

    A group that was found in data has the generators that were found, and a Cayley table. If it is
    isomorphic to C_n or D_n, a turn, and a reflection that inverts it, are chosen among its
    elements. What knows irreps of those families alone then serves it too.

    Args:
        rep: of any finite group.

    Returns:
        rep itself where its group is of such a family already, or of none; else a fixed
        representation with the same matrices.

    Cost:
        O(n^2) time for a group of n elements.

    Example:
        >>> found = FixedRepresentation.from_permutations([[1, 0, 2], [0, 2, 1]])
        >>> found.group.name, as_family(found).group
        ('S3', DihedralGroup(3))
    """
    chosen = _as_generators(rep.group)
    if chosen is None:
        return rep
    group, elements = chosen
    return FixedRepresentation(group, rep.matrices().detach()[elements])


def _as_generators(group: FiniteGroup) -> tuple[FiniteGroup, list[int]] | None:
    """The family, and which elements generate it as the family's own generators do."""
    if isinstance(group, CyclicGroup | DihedralGroup):
        return None
    orders, order = group.element_orders, group.order
    if order in orders:
        turn = int(np.flatnonzero(orders == order)[0])
        return CyclicGroup(order), [turn] if order > 1 else []
    found = inverted_turn(group)
    if found is None or orders[found[1]] != 2:
        return None
    return DihedralGroup(order // 2), list(found)
