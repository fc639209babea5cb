"""Representations that every finite group has: numbers that stay or change sign, functions."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

from grouplearn.groups import FiniteGroup
from grouplearn.representations.fixed import FixedRepresentation


def trivial(group: FiniteGroup) -> FixedRepresentation:
    """The representation on R^1 in which every element is the number 1.

    Args:
        group: any.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> trivial(CyclicGroup(3)).matrices().flatten().tolist()
        [1.0, 1.0, 1.0]
    """
    ones = torch.ones(len(group.generators), 1, 1, dtype=torch.float32, device="cpu")
    return FixedRepresentation(group, ones)


def signs(group: FiniteGroup) -> tuple[FixedRepresentation, ...]:
    """All representations on R^1 in which some elements are 1 and the others -1.

    Each is a choice of a sign for every generator in which all relators come out as 1; those of the
    trivial representation are left out.

    Args:
        group: of m generators.

    Returns:
        2^k - 1 of them; none of a group of odd order.

    Cost:
        O(2^m) relators are looked at.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> [each.matrices().flatten().tolist() for each in signs(CyclicGroup(2))]
        [[1.0, -1.0]]
    """
    found = []
    for values in list(product((1.0, -1.0), repeat=len(group.generators)))[1:]:
        kept = all(
            np.prod([values[letter] ** exponent for letter, exponent in relator]) == 1
            for relator in group.relators
        )
        if kept:
            matrices = torch.tensor(values, dtype=torch.float32, device="cpu").view(-1, 1, 1)
            found.append(FixedRepresentation(group, matrices))
    return tuple(found)


def regular(group: FiniteGroup) -> FixedRepresentation:
    """The representation on functions on the group, moved by left multiplication.

    Args:
        group: of order n.

    Returns:
        On R^n, permutations: entry g of f becomes entry h g under h.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> regular(CyclicGroup(3)).act(torch.tensor([5.0, 6.0, 7.0]), 1)
        tensor([7., 5., 6.])
    """
    n = group.order
    matrices = torch.zeros(len(group.generators), n, n, dtype=torch.float32, device="cpu")
    elements = np.arange(n)
    for number, generator in enumerate(group.generators):
        matrices[number, group.multiply(generator, elements), elements] = 1.0
    return FixedRepresentation(group, matrices)
