"""Discovery of permutation and signed permutation actions."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn.discovery.evidence.engine import JointEvidence
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.permutations.closed import (
    Closed,
    as_action,
    as_representation,
    exceeds,
)
from grouplearn.discovery.permutations.judgement import FARTHEST, TOLERANCE, Judge
from grouplearn.discovery.permutations.jury import Jury, cyclic, generating, order_of
from grouplearn.discovery.permutations.search import search_automorphisms
from grouplearn.discovery.permutations.tensors import Moments, moments_of
from grouplearn.discovery.result import Discovery, Rung, Verdict
from grouplearn.discovery.rule import Rule
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.representations import FixedRepresentation

_CANDIDATES = 64
_LISTED = 400
_ABOVE, _BESIDE, _LOOKED_AT = 4, 2, 16
_SEARCHING = 0.4
_CHAINS, _STEPS = 3, 48

Points = NDArray[np.int64]


def discover_permutations(
    accumulated: MomentAccumulator,
    *,
    signed: bool = False,
    copies: tuple[int, ...] = (),
    max_moment: int = 3,
    level: float = 0.01,
    seed: int = 0,
    time_budget: float | None = None,
) -> Discovery:
    """Find the group of coordinate permutations, perhaps with signs, that keeps a distribution.

    Automorphisms of the second moment are proposed. The evidence decides: a group is claimed if
    the randomisation test does not reject it and its effect is small beyond doubt. See
    `grouplearn.discover`.

    Args:
        accumulated: the data.
        signed: may coordinates change sign?
        copies: how many copies of each coordinate were set aside; empty for none anywhere.
        max_moment: 2 asks means and covariances alone.
        level: of the test.
        seed: of the search and of the tests.
        time_budget: in seconds, for all of it; None for no limit.

    Raises:
        InputError: the data vary in no coordinate.
    """
    start = time.monotonic()
    deadline = math.inf if time_budget is None else start + time_budget
    moments = moments_of(accumulated, max_moment, signed=signed)
    judge = Judge(moments, signed, copies)
    search = search_automorphisms(
        _lift(moments) if signed else moments.search,
        judge.distance,
        TOLERANCE["order 2"],
        seed,
        None if time_budget is None else _SEARCHING * time_budget,
    )
    tried = [points for points, size in search.tried if math.isfinite(size)]
    jury = Jury.of(
        accumulated, Rule(level=level), signed=signed, max_moment=max_moment, seed=seed,
        deadline=deadline,
    )  # fmt: skip
    return _Chooser(judge, jury, tried, complete=search.complete).discovery()


def _lift(moments: Moments) -> list[NDArray[np.float64]]:
    """Matrices on the points +i and -i: the sign of an entry flips with that of either point."""
    signs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return [np.kron(signs, matrix) / 2 for matrix in moments.search]


class _Chooser:
    """Builds the ladder of nested groups and claims the largest that the evidence bears out."""

    def __init__(
        self, judge: Judge, jury: Jury, tried: Sequence[Points], *, complete: bool
    ) -> None:
        self.judge, self.jury, self.tried = judge, jury, tried
        self.notes: list[str] = []
        if not complete:
            self.notes.append("The time budget ended the search early.")

    def discovery(self) -> Discovery:
        """The claim, with the ladder around it and the region above it."""
        candidates = self._candidates()
        judged = self._ladder(candidates)
        claimed = self._claim(judged)
        judged = self._with_nearest(claimed, candidates, judged)
        if self.jury.expired:
            self.notes.append("The time budget ended before every candidate was tested.")
        return self._result(claimed, judged)

    def _candidates(self) -> list[Points]:
        """What moments propose, nearest first, with all elements of groups small enough to list.

        Products of what is none may be symmetries: two mirrors of a ring make a turn.
        """
        near = [p for p in self.tried if self._is_moved(p) and self.judge.distance(p) <= FARTHEST]
        near = near[:_CANDIDATES]
        known = {points.tobytes() for points in near}
        kept: list[Points] = []
        whole: Closed | None = None
        for points in near:
            if whole is not None and points.tobytes() in whole.keys:
                continue
            if exceeds([*kept, points], _LISTED):
                break
            kept.append(points)
            whole = Closed.of(kept)
        more = [] if whole is None else [e for e in whole.elements if e.tobytes() not in known]
        return [*near, *(points for points in more if self._is_moved(points))]

    def _is_moved(self, points: Points) -> bool:
        return not np.array_equal(points, np.arange(len(points)))

    def _passes(self, points: Points) -> bool:
        """Might a permutation be a symmetry? Counts of tokens have to keep their moments besides.

        They are many, and mostly 0: the features that a test draws seldom meet two rare tokens.
        """
        if self.judge.is_hopeless(points):
            return False
        if self.judge.moments.channels > 1 and not (
            self.judge.is_proposed(points) and self.judge.is_certified(points)
        ):
            return False
        return self.jury.passes(points)

    def _ladder(self, candidates: Sequence[Points]) -> list[tuple[Closed, JointEvidence]]:
        """All that passes, if it makes a group that holds; else chains of groups, one by one."""
        whole = self._together(candidates)
        if whole is None:
            return []
        found = self.jury.finding(whole.elements)
        if self._verdict(found) in ("exact", "approximate"):
            return [(whole, found)]
        judged: dict[frozenset[bytes], tuple[Closed, JointEvidence]] = {}
        for start in self._starts(candidates):
            rungs: list[tuple[Closed, JointEvidence]] = []
            steps = [start, *_one_of_each_cycle(candidates)[:_STEPS]]
            waiting = self._climb(rungs, steps, ("exact", "approximate"))
            self._climb(rungs, waiting, ("exact", "approximate", "undecided"))
            judged |= {group.keys: (group, found) for group, found in rungs}
        return sorted(judged.values(), key=lambda each: (each[0].order, each[1].p_value))

    def _starts(self, candidates: Sequence[Points]) -> list[Points]:
        """Where chains begin, as one chain may bar another: elements of the highest orders."""
        apart = _one_of_each_cycle(candidates)[:_STEPS]
        passing = [(points, cyclic(points)) for points in apart if self._passes(points)]
        passing.sort(key=lambda each: -len(each[1]))
        starts: list[Points] = []
        seen: set[bytes] = set()
        for points, powers in passing:
            if points.tobytes() not in seen:
                starts.append(points)
                seen |= {power.tobytes() for power in powers}
        return starts[:_CHAINS]

    def _together(self, candidates: Sequence[Points]) -> Closed | None:
        """The group that all candidates generate that pass; None for none, or too large a one."""
        whole: Closed | None = None
        for points in candidates:
            if whole is not None and points.tobytes() in whole.keys:
                continue
            if not self._passes(points):
                continue
            chosen = [*(whole.generators if whole else []), points]
            if exceeds(chosen, MAX_TABLE_ORDER):
                self.notes.append(
                    "Nothing speaks against a group of more than "
                    f"{MAX_TABLE_ORDER:,} elements, too many to be claimed."
                )
                return None
            whole = Closed.of(chosen)
        return whole

    def _climb(
        self,
        rungs: list[tuple[Closed, JointEvidence]],
        candidates: Sequence[Points],
        welcome: Sequence[Verdict],
    ) -> list[Points]:
        """Add the groups that candidates generate with those before; return who must wait."""
        waiting = []
        for points in candidates:
            below = rungs[-1][0] if rungs else None
            if below is not None and points.tobytes() in below.keys:
                continue
            if self.jury.expired or not self._passes(points):
                continue
            chosen = [*(below.generators if below else []), points]
            if exceeds(chosen, MAX_TABLE_ORDER):
                break
            group = Closed.of(chosen)
            found = self.jury.finding(group.elements)
            verdict = self._verdict(found)
            if verdict in welcome:
                rungs.append((group, found))
            elif verdict == "undecided":
                waiting.append(points)
        return waiting

    def _claim(self, judged: Sequence[tuple[Closed, JointEvidence]]) -> Closed | None:
        """The largest exact group; where none is exact, the largest approximate one."""
        for wanted in ("exact", "approximate"):
            fitting = [group for group, found in judged if self._verdict(found) == wanted]
            if fitting:
                return fitting[-1]
        return None

    def _verdict(self, found: JointEvidence) -> Verdict:
        return self.jury.rule.verdict(found)

    def _with_nearest(
        self,
        claimed: Closed | None,
        candidates: Sequence[Points],
        judged: Sequence[tuple[Closed, JointEvidence]],
    ) -> list[tuple[Closed, JointEvidence]]:
        """Add what the nearest candidates outside generate: with the claim if nothing bars them."""
        out = list(judged)
        known = {group.keys for group, _ in judged}
        inside: frozenset[bytes] = frozenset() if claimed is None else claimed.keys
        generators = [] if claimed is None else claimed.generators
        left = {True: _ABOVE, False: _BESIDE}
        outside = [points for points in candidates if points.tobytes() not in inside]
        for points in outside[:_LOOKED_AT]:
            if not any(left.values()) or self.jury.expired:
                break
            passes = self._passes(points)
            chosen = [*generators, points] if passes else [points]
            if not left[passes]:
                continue
            if exceeds(chosen, MAX_TABLE_ORDER):
                continue
            group = Closed.of(chosen)
            if group.keys not in known:
                known.add(group.keys)
                left[passes] -= 1
                out.append((group, self.jury.finding(group.elements)))
        return sorted(out, key=lambda each: each[0].order)

    def _result(
        self,
        claimed: Closed | None,
        every: Sequence[tuple[Closed, JointEvidence]],
    ) -> Discovery:
        size = len(self.judge.moments.search[0]) * (2 if self.judge.signed else 1)
        group = Closed.of([np.arange(size)]) if claimed is None else claimed
        finding = None if claimed is None else self.jury.finding(claimed.elements)
        outside = [f.effect for g, f in every if not g.keys <= group.keys]
        worst = [self.judge.worst(points) for points in group.elements]
        if self.jury.max_moment == 2:
            self.notes.append("Means and covariances alone were asked: this is a proposal.")
        return Discovery(
            representation=self._representation(group),
            members=self._tensor(np.stack(group.elements)),
            violations=torch.tensor([m.violation for m in worst], dtype=torch.float64),
            noise=torch.tensor([m.noise for m in worst], dtype=torch.float64),
            gap=_gap(finding, outside),
            p_value=1.0 if finding is None else finding.p_value,
            ladder=tuple(self._rung(g, f, accepted=g is claimed) for g, f in every),
            exact=finding is not None and self._verdict(finding) == "exact",
            action="signed" if self.judge.signed else "permutation",
            notes=tuple(dict.fromkeys([*self.notes, *self._wanted(claimed, every)])),
            effect=math.nan if finding is None else finding.effect,
            effect_bound=math.nan if finding is None else finding.effect_bound,
            region=self._region(group, every),
        )

    def _wanted(
        self, claimed: Closed | None, every: Sequence[tuple[Closed, JointEvidence]]
    ) -> list[str]:
        """How many rows would decide the largest group that is undecided, where none is claimed."""
        undecided = [(g, f) for g, f in every if self._verdict(f) == "undecided"]
        if claimed is not None or not undecided:
            return []
        group, found = undecided[-1]
        needed = self.jury.rule.rows_needed(found, self.jury.rows)
        number = "" if needed is None else f" About {needed:,} rows would tell."
        return [
            f"Nothing speaks against {group.group.name} (order {group.order}), but these data "
            f"could hardly show it.{number}"
        ]

    def _region(
        self, claimed: Closed, every: Sequence[tuple[Closed, JointEvidence]]
    ) -> tuple[str, ...]:
        """Groups above the claimed one that nothing rejects."""
        names = [
            group.group.name
            for group, found in every
            if claimed.keys < group.keys and found.p_value > self.jury.rule.level
        ]
        return tuple(dict.fromkeys(names))

    def _rung(self, group: Closed, found: JointEvidence, *, accepted: bool) -> Rung:
        generators = self._tensor(np.stack(group.generators))
        evidence = self.jury.rule.evidence(found)
        return Rung(group.group.name, group.order, generators, evidence, accepted)

    def _tensor(self, points: Points) -> torch.Tensor:
        return as_action(points, self.judge.moments.dim)

    def _representation(self, group: Closed) -> FixedRepresentation:
        return as_representation(group.group, self._tensor(np.stack(group.generators)))


def _one_of_each_cycle(candidates: Sequence[Points]) -> list[Points]:
    """The first of the permutations that generate one cyclic group small enough to list."""
    kept: list[Points] = []
    seen: set[bytes] = set()
    for points in candidates:
        if points.tobytes() not in seen and order_of(points) <= MAX_TABLE_ORDER:
            kept.append(points)
            seen.update(generating(cyclic(points)))
    return kept


def _gap(finding: JointEvidence | None, outside: Sequence[float]) -> float:
    """The least effect outside over the bound of the effect inside."""
    if finding is None:
        return math.nan
    seen = [effect for effect in outside if not math.isnan(effect)]
    return min(seen, default=math.inf) / max(finding.effect_bound, 1e-300)
