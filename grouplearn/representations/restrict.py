"""A representation seen as one of a subgroup."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int

from grouplearn.groups import CyclicGroup, FiniteGroup
from grouplearn.groups.subgroups import generating_elements
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.fixed import FixedRepresentation


def restricted(
    rep: LearnedRepresentation, elements: Int[np.ndarray, " k"] | list[int]
) -> FixedRepresentation:
    """The restriction of a representation to the subgroup that some elements generate.

    Args:
        rep: representation of a group G on R^d, taken as it is now.
        elements: indices of elements of G.

    Returns:
        A fixed representation on R^d of that subgroup; cyclic groups come as `CyclicGroup`.

    Raises:
        GroupError: an index is no element.

    Example:
        >>> from grouplearn import DihedralGroup
        >>> square = FixedRepresentation.from_permutations([[1, 2, 3, 0], [3, 2, 1, 0]])
        >>> restricted(square, [int(square.group.generators[0])]).group
        CyclicGroup(4)
    """
    parent = rep.group
    members = parent.generated(np.asarray(elements, dtype=np.int64).tolist())
    chosen = generating_elements(parent, members)
    group: FiniteGroup
    if len(chosen) < 2:
        group = CyclicGroup(int(parent.element_orders[chosen[0]]) if chosen else 1)
    else:
        group = parent.subgroup(chosen)
    matrices = rep.matrices().detach()
    return FixedRepresentation(group, matrices[torch.as_tensor(chosen, dtype=torch.long)])
