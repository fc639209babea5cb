"""Extensions of a group that data suggest and cannot show: stated, and accepted only when asked."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.permutations.closed import (
    Closed,
    as_action,
    as_representation,
    exceeds,
)
from grouplearn.discovery.result import Discovery, Evidence, Hypothesis, Rung
from grouplearn.groups.base import MAX_TABLE_ORDER

if TYPE_CHECKING:
    from collections.abc import Sequence

Points = NDArray[np.int64]


def generated_with(found: Discovery, moves: Sequence[Points]) -> Closed | None:
    """The group that a finding of permutations generates together with other permutations.

    Args:
        found: of permutations.
        moves: (d,) each, in the convention of `Discovery.members`.

    Returns:
        The group; None where it has more than 4,096 elements.
    """
    own = [found.members[g].numpy() for g in found.group.generators]
    every = [*own, *moves] or [np.arange(found.representation.dim)]
    return None if exceeds(every, MAX_TABLE_ORDER) else Closed.of(every)


def extended(
    found: Discovery, group: Closed, evidence: Sequence[Evidence], note: str, *, exact: bool
) -> Discovery:
    """A finding with a larger group.

    Violations are 0, and their noise too, in the group as it was; nan for what is new, as moments
    have not been asked.

    Args:
        found: of permutations.
        group: that contains the one found.
        evidence: for the larger one.
        note: a sentence that says why.
        exact: is the larger group believed to be exact?
    """
    dim = found.representation.dim
    members = as_action(np.stack(group.elements), dim)
    known = {row.numpy().tobytes(): k for k, row in enumerate(found.members)}
    old = [known.get(row.numpy().tobytes()) for row in members]
    generators = as_action(np.stack(group.generators), dim)
    rung = Rung(group.group.name, group.order, generators, tuple(evidence), accepted=True)
    whole = evidence[0]
    out = replace(
        found,
        representation=as_representation(group.group, generators),
        members=members,
        violations=_carried(found.violations, old),
        noise=_carried(found.noise, old),
        ladder=(*(replace(each, accepted=False) for each in found.ladder), rung),
        gap=math.nan,
        p_value=whole.p_value,
        effect=whole.violation,
        effect_bound=whole.noise,
        exact=exact,
        notes=(*found.notes, note),
        region=(),
    )
    return replace(out, hypotheses=_renewed(out, found.hypotheses))


def _carried(values: Tensor, old: Sequence[int | None]) -> Tensor:
    """Numbers of the old elements where they stand among the new ones; nan for others."""
    return torch.tensor(
        [math.nan if k is None else float(values[k]) for k in old], dtype=torch.float64
    )


def _renewed(found: Discovery, hypotheses: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Hypotheses as extensions of what is claimed now, without those that it contains."""
    inside = {row.numpy().tobytes() for row in found.members}
    out = []
    for each in hypotheses:
        move = each.member.numpy()
        group = None if move.tobytes() in inside else generated_with(found, [move])
        if group is not None:
            out.append(replace(each, name=group.group.name, order=group.order))
    return tuple(out)


def accepted(found: Discovery, hypotheses: Sequence[Hypothesis], by: str) -> Discovery:
    """See `Discovery.accept`."""
    who = "Discovery.accept"
    known = {each.move: each.member for each in found.hypotheses}
    for each in hypotheses:
        own = known.get(getattr(each, "move", ""))
        if own is None or not torch.equal(own, each.member):
            refuse(who, "hypotheses", "of found.hypotheses", getattr(each, "move", each),
                   f"pass some of: {'; '.join(known) or 'none, as there are none'}")  # fmt: skip
    if not hypotheses:
        return found
    group = generated_with(found, [each.member.numpy() for each in hypotheses])
    if group is None:
        refuse(who, "hypotheses", f"that make a group of at most {MAX_TABLE_ORDER:,} elements",
               f"{len(hypotheses)} that make more", "accept fewer")  # fmt: skip
    moves = "; ".join(each.move for each in hypotheses)
    shown = f"{found.group.name} (order {found.group.order})" if found.found else "no symmetry"
    note = f"Accepted by {by}, where these data alone show {shown}: {moves}."
    evidence = together([each.evidence for each in hypotheses])
    return extended(found, group, evidence, note, exact=False)


def together(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The evidence that says least, which speaks for all of it; then each.

    Args:
        evidence: of the moves that generate a group.
    """
    least = max(evidence, key=lambda each: each.noise)
    p_value = min(each.p_value for each in evidence)
    return replace(least, kind="all", p_value=p_value), *evidence


def as_member(dim: int, changes: Sequence[tuple[int, int]]) -> Int64[Tensor, " d"]:
    """The permutation that exchanges some coordinates with others.

    Args:
        dim: d.
        changes: pairs of coordinates.
    """
    move = torch.arange(dim)
    for one, other in changes:
        move[one], move[other] = other, one
    return move
