"""A finding for a group that was not estimated but proved."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn.discovery.permutations.closed import Closed, as_action, as_representation
from grouplearn.discovery.result import Discovery, Evidence, Rung, Verdict
from grouplearn.groups import CyclicGroup, FiniteGroup
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import TableGroup

Points = NDArray[np.int64]


def proven_discovery(
    generators: Sequence[Points],
    order: int,
    dim: int,
    *,
    nearest: Rung | None = None,
    p_value: float = 0.0,
    notes: tuple[str, ...] = (),
) -> Discovery:
    """The finding, with no violation and no noise.

    A group of more elements than a table holds stands in the ladder, unclaimed.

    Args:
        generators: (d,) each, or (2 d,) on the points i and d + i, the negative of i.
        order: of the group.
        dim: d.
        nearest: a larger group that was not claimed.
        p_value: chance of as much by accident, where something is claimed.
        notes: sentences for the finding.
    """
    signed = any(len(images) > dim for images in generators)
    claimed = 1 < order <= MAX_TABLE_ORDER
    group: FiniteGroup = CyclicGroup(1)
    elements = np.arange(dim)[None]
    rungs: list[Rung] = []
    if claimed:
        closed = Closed.of(generators)
        group, elements = closed.group, np.stack(closed.elements)
        generators = [elements[g] for g in group.generators]
    if order > 1:
        beyond = math.inf if nearest is None else nearest.evidence[0].violation
        rungs.append(closure_rung(group if claimed else None, order, generators, dim, beyond))
    if order > MAX_TABLE_ORDER:
        notes = (
            *notes,
            f"A group of order {order:,} keeps the rows, exactly: more than {MAX_TABLE_ORDER:,} "
            "elements, so that it is not listed; its generators stand in the ladder.",
        )
    count = len(elements)
    members = as_action(elements, dim)
    return Discovery(
        representation=as_representation(group, members[list(group.generators)]),
        members=members,
        violations=torch.zeros(count, dtype=torch.float64),
        noise=torch.zeros(count, dtype=torch.float64),
        gap=math.inf if claimed else math.nan,
        p_value=p_value if claimed else 1.0,
        ladder=tuple(rungs if nearest is None else [*rungs, nearest]),
        exact=claimed,
        action="signed" if signed else "permutation",
        notes=notes,
        effect=0.0 if claimed else math.nan,
        effect_bound=0.0 if claimed else math.nan,
    )


def closure_rung(
    group: FiniteGroup | None,
    order: int,
    generators: Sequence[Points],
    dim: int,
    beyond: float = math.inf,
    violation: float = 0.0,
) -> Rung:
    """A rung of the ladder, claimed where the group is listed and nothing violates it.

    Args:
        group: the group, or None where it has too many elements.
        order: its order.
        generators: as for `proven_discovery`.
        dim: d.
        beyond: violation of the nearest group that is not claimed.
        violation: the part of the orbits that are not closed.
    """
    name = f"group of order {order:,}" if group is None else group.name
    verdict: Verdict = "rejected" if violation else "exact"
    evidence = Evidence("closure", violation, 0.0, math.nan, beyond, verdict)
    images = as_action(np.stack(generators), dim)
    return Rung(name, order, images, (evidence,), group is not None and not violation)


def group_of(generators: Sequence[Points], order: int) -> TableGroup | None:
    """The group itself, if it can be listed."""
    return Closed.of(generators).group if order <= MAX_TABLE_ORDER else None
