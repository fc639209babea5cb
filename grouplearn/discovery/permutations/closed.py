"""Groups of permutations with all their elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.groups import FiniteGroup
from grouplearn.groups.structure import small_generating_set
from grouplearn.groups.table import TableGroup, group_from_permutations
from grouplearn.representations import FixedRepresentation

_MEASURED = 128

Points = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class Closed:
    """A group of permutations with all its elements, the identity first.

    Attributes:
        group: the group, named.
        elements: its permutations, in the order of the group.
        keys: the same as bytes.
    """

    group: TableGroup
    elements: tuple[Points, ...]
    keys: frozenset[bytes]

    @staticmethod
    def of(points: Sequence[Points]) -> Closed:
        """The group that permutations generate."""
        group = group_from_permutations(np.stack(points))
        if group.order <= _MEASURED and group.permutations is not None:
            few = small_generating_set(group)
            group = group_from_permutations(group.permutations[list(few) or [0]])
        elements = tuple(np.stack(points)[:1] if group.permutations is None else group.permutations)
        return Closed(group, elements, frozenset(each.tobytes() for each in elements))

    @property
    def order(self) -> int:
        """Number of elements."""
        return self.group.order

    @property
    def generators(self) -> list[Points]:
        """The elements that generate it."""
        return [self.elements[g] for g in self.group.generators]


def as_action(points: Int[np.ndarray, "n points"], dim: int) -> Tensor:
    """Permutations of d points as they are, those of points i and d + i as signed matrices.

    Args:
        points: (n, d), or (n, 2 d) with d + i for the negative of i.
        dim: d.

    Returns:
        int64 (n, d), or float64 (n, d, d).
    """
    if points.shape[1] == dim:
        return torch.as_tensor(points)
    columns = np.zeros((len(points), dim, dim))
    for matrix, images in zip(columns, points[:, :dim], strict=True):
        matrix[images % dim, np.arange(dim)] = np.where(images < dim, 1.0, -1.0)
    return torch.as_tensor(columns)


def as_representation(group: FiniteGroup, action: Tensor) -> FixedRepresentation:
    """The representation of a group whose generators act as `as_action` says."""
    eye = torch.eye(action.shape[-1], dtype=torch.float64)
    return FixedRepresentation(group, eye[action].mT if action.ndim == 2 else action)


def exceeds(points: Sequence[Points], most: int) -> bool:
    """Do permutations generate a group of more than so many elements?

    Cost:
        O(most m d) time for m permutations of d points, however large the group is.
    """
    generators = np.stack(points)
    latest = np.arange(generators.shape[1])[None]
    known = {latest[0].tobytes()}
    while len(latest) and len(known) <= most:
        images = {row.tobytes(): row for g in generators for row in g[latest]}
        latest = np.array([row for key, row in images.items() if key not in known])
        known |= images.keys()
    return len(known) > most
