"""From what a search found to a finding: violations on held-out rows, effect, verdict."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn.discovery.functions.elements import TriedElement
from grouplearn.discovery.functions.found import Invariance, random_basis, trivial
from grouplearn.discovery.functions.probes import EXACT, LEAST_GAP, TOLERANCE, Ruler
from grouplearn.discovery.result import Discovery, Evidence, Rung, Verdict
from grouplearn.groups.table import TableGroup

_SHOWN = 3
_STRANGERS, _LEAST_STRANGERS, _APART = 64, 8, 0.3
_DRAWS, _CONFIDENCE = 200, 0.95

Array = NDArray[np.float64]


def conclude(found: Invariance, ruler: Ruler, level: float, action: str) -> Discovery:
    """The finding that held-out rows allow.

    Args:
        found: what the search found.
        ruler: the function on the rows held out.
        level: of the p-value.
        action: "linear" or "permutation".

    Returns:
        The group if it is exact or approximate, else C1 with the group as a rejected rung.
    """
    rep = found.representation
    matrices = rep.matrices().detach()
    violations, bound = _violations(ruler, matrices.double().numpy())
    worst = float(violations.max())
    outside = found.outside[0].violation if found.outside else math.inf
    others = _unrelated(found, ruler, action, worst)
    p_value = _p_value(worst, others, found.tried)
    gap = outside / max(worst, EXACT)
    verdict = judge(worst, bound, gap) if p_value <= level else "rejected"
    accepted = verdict in ("exact", "approximate") and rep.group.order > 1
    ladder = [_rung_of(each) for each in found.outside[:_SHOWN]]
    if rep.group.order > 1:
        entry = Evidence("function", worst, EXACT, p_value, outside, verdict)
        moves = rep.generators().detach()
        ladder.insert(0, Rung(rep.group.name, rep.group.order, moves, (entry,), accepted))
    usual = float(np.median(others)) if len(others) else math.nan
    effect, effect_bound = worst / usual, bound / usual
    if not accepted:
        rep = trivial(rep.dim)
        matrices, violations = rep.matrices(), np.zeros(1)
        gap, p_value, effect, effect_bound = math.inf, 1.0, math.nan, math.nan
    permuted = action == "permutation" and accepted and isinstance(rep.group, TableGroup)
    members = rep.group.permutations if permuted and isinstance(rep.group, TableGroup) else None
    return Discovery(
        rep, matrices if members is None else torch.as_tensor(members),
        torch.as_tensor(violations), torch.full((rep.group.order,), EXACT, dtype=torch.float64),
        gap=gap, p_value=p_value, ladder=tuple(ladder), exact=verdict == "exact" or not accepted,
        action=action, notes=found.notes, effect=effect, effect_bound=effect_bound,
        lie_algebra=None if found.turns is None else torch.as_tensor(found.turns),
    )  # fmt: skip


def judge(violation: float, bound: float, gap: float) -> Verdict:
    """The word for a violation, its upper confidence bound, and its gap to what is outside.

    Exact and rejected are sure; approximate needs a small bound, and nothing outside that comes
    near; undecided is what would be approximate, if more rows made the bound smaller.
    """
    if violation <= EXACT:
        return "exact"
    if violation > TOLERANCE or gap < LEAST_GAP:
        return "rejected"
    return "approximate" if bound <= TOLERANCE else "undecided"


def _violations(ruler: Ruler, members: Array) -> tuple[Array, float]:
    """The violation of each member, and an upper bound of the largest, by bootstrap over rows."""
    rows = [ruler.by_row(each) for each in members]
    changes, units = (np.stack(each) for each in zip(*rows, strict=True))
    count = changes.shape[1]
    rng = np.random.default_rng(count)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS).astype(np.float64)
    drawn = np.sqrt((weights @ changes.T) / (weights @ units.T)).max(1)
    violations = np.sqrt(changes.mean(1) / units.mean(1))
    return violations, max(float(np.quantile(drawn, _CONFIDENCE)), float(violations.max()))


def _unrelated(found: Invariance, ruler: Ruler, action: str, worst: float) -> Array:
    """Violations of actions of the same kind that are no symmetry.

    Members in a random basis, where these are no members again: of permuted coordinates, or of
    turned ones where permutations run out. Else the candidates outside.
    """
    members = found.representation.matrices().detach().double().numpy()
    rng = np.random.default_rng(len(members))
    for kind in dict.fromkeys((action, "linear")) if len(members) > 1 else ():
        sizes = []
        for k in range(_STRANGERS):
            member = members[1 + k % (len(members) - 1)]
            basis = random_basis(found, rng, kind)
            stranger = basis @ member @ np.linalg.inv(basis)
            # What lies near a member is nearly a symmetry.
            least = _APART * np.linalg.norm(member - np.eye(len(member)))
            if np.linalg.norm(members - stranger, axis=(1, 2)).min() > least:
                sizes.append(ruler.violation(stranger))
        # Turned permutations may be symmetries themselves.
        if len(sizes) >= _LEAST_STRANGERS and np.median(sizes) > LEAST_GAP * max(worst, EXACT):
            return np.array(sizes)
    return np.array([each.violation for each in found.outside])


def _rung_of(candidate: TriedElement) -> Rung:
    entry = Evidence("function", candidate.violation, EXACT, 0.0, math.inf, "rejected")
    matrix = torch.as_tensor(candidate.matrix[None].copy())
    return Rung(f"C{candidate.order}", candidate.order, matrix, (entry,), accepted=False)


def _p_value(violation: float, others: Array, tried: int) -> float:
    """Chance that the best of all candidates comes that low, their logarithms being normal."""
    if len(others) < 2:
        return 0.0
    logs = np.log(np.maximum(others, EXACT))
    spread = max(float(logs.std(ddof=1)), 0.1)
    score = (float(logs.mean()) - math.log(max(violation, EXACT))) / spread
    return min(1.0, tried * 0.5 * math.erfc(score / math.sqrt(2)))
