"""The lattice of subgroups of a small group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grouplearn._checks import refuse
from grouplearn.errors import GroupError
from grouplearn.groups.base import Elements, FiniteGroup

_LARGEST = 96
_MOST = 500


def subgroups_up_to_conjugacy(
    group: FiniteGroup, by: Sequence[int] | Elements | None = None
) -> tuple[Elements, ...]:
    """One subgroup of every conjugacy class of subgroups, smallest first.

    Conjugate subgroups H and g H g^-1 act alike, seen from g's side. To data the two are the same
    only where g is a symmetry of the data: for photographs, a left-right flip is one thing, and the
    up-down flip, its conjugate by a quarter turn, another.

    Args:
        group: of order 96 at most.
        by: indices of the elements to conjugate with; those they generate count. None takes all,
            and an empty list keeps every subgroup.

    Returns:
        Sorted element indices of each, by order, the trivial subgroup first, the whole group last.

    Raises:
        GroupError: the group is too large, or has more than 500 subgroups.

    Cost:
        O(s^2 n) for s subgroups.

    Example:
        >>> from grouplearn import DihedralGroup
        >>> [len(each) for each in subgroups_up_to_conjugacy(DihedralGroup(4))]
        [1, 2, 2, 2, 4, 4, 4, 8]
    """
    if group.order > _LARGEST:
        refuse("subgroups_up_to_conjugacy", "order", f"<= {_LARGEST}", group.order,
               "choose subgroups by hand", GroupError)  # fmt: skip
    cyclic = {tuple(group.generated([g]).tolist()) for g in range(group.order)}
    found, frontier = set(cyclic), set(cyclic)
    while frontier:
        joins = set()
        for one in frontier:
            for other in cyclic:
                if not set(other) <= set(one):
                    joins.add(tuple(group.generated(sorted({*one, *other})).tolist()))
            if len(found | joins) > _MOST:
                refuse("subgroups_up_to_conjugacy", "group", f"one of <= {_MOST} subgroups",
                       "one of more", "choose subgroups by hand", GroupError)  # fmt: skip
        frontier = joins - found
        found |= frontier
    conjugators = group.generated(range(group.order) if by is None else list(by))
    classes = {min(_conjugates(group, members, conjugators)) for members in found}
    ordered = sorted(classes, key=lambda members: (len(members), members))
    return tuple(np.array(members, dtype=np.int64) for members in ordered)


def generating_elements(group: FiniteGroup, members: Elements) -> list[int]:
    """A few elements that generate a subgroup: those of largest order that add something.

    Args:
        group: the group.
        members: indices of the subgroup's elements.
    """
    orders = group.element_orders
    chosen: list[int] = []
    reached = {0}
    for element in sorted(members.tolist(), key=lambda g: (-int(orders[g]), g)):
        if element not in reached:
            chosen.append(element)
            reached = set(group.generated(chosen).tolist())
    return chosen


def _conjugates(group: FiniteGroup, members: tuple[int, ...], by: Elements) -> set[tuple[int, ...]]:
    moved = group.multiply(by[:, None], np.array(members))
    moved = group.multiply(moved, group.inverses[by][:, None])
    return {tuple(sorted(row)) for row in moved.tolist()}
