"""Discovery of permutation and signed permutation actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.matching import search_automorphisms
from grouplearn.discovery.judgement import CLEAR_GAP, FARTHEST, LEAST_GAP, TOLERANCE, Judge, search_p_value
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery, Rung
from grouplearn.discovery.tensors import Moments, moments_of
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import TableGroup, group_from_permutations
from grouplearn.representations import FixedRepresentation

_MEASURED = 512
_OUTSIDE = 60
_SHOWN = 16

Points = NDArray[np.int64]


def discover_permutations(
    accumulated: MomentAccumulator,
    *,
    signed: bool = False,
    max_moment: int = 3,
    level: float = 0.01,
    seed: int = 0,
    time_budget: float | None = None,
) -> Discovery:
    """Find the group of coordinate permutations, perhaps with signs, that keeps a distribution.

    Automorphisms of the second moment are proposed; those that third moments (fourth, where third
    moments vanish) confirm make the group. See `grouplearn.discover`.

    Args:
        accumulated: the data.
        signed: may coordinates change sign?
        max_moment: 2 proposes only; 3 and 4 certify.
        level: of the p-value against chance.
        seed: of the search.
        time_budget: in seconds, for the search; None for no limit.

    Raises:
        InputError: the data vary in no coordinate.
    """
    moments = moments_of(accumulated, max_moment, signed=signed)
    judge = Judge(moments, signed)
    search = search_automorphisms(
        _lift(moments) if signed else moments.search,
        judge.distance,
        TOLERANCE["order 2"],
        seed,
        time_budget,
    )
    tried = [points for points, size in search.tried if math.isfinite(size)]
    chooser = _Chooser(judge, tried, level, seed, proposal_only=max_moment == 2)
    notes = () if search.complete else ("The time budget ended the search early.",)
    return chooser.discovery(notes)


def _lift(moments: Moments) -> list[NDArray[np.float64]]:
    """Matrices on the points +i and -i: the sign of an entry flips with that of either point."""
    signs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return [np.kron(signs, matrix) / 2 for matrix in moments.search]


class _Chooser:
    """Builds the ladder of nested groups and claims the rung that stands out."""

    def __init__(
        self, judge: Judge, tried: list[Points], level: float, seed: int, *, proposal_only: bool
    ) -> None:
        self.judge, self.tried, self.level, self.seed = judge, tried, level, seed
        self.proposal_only = proposal_only
        self.near = [p for p in tried if self.judge.distance(p) <= FARTHEST]

    def discovery(self, notes: tuple[str, ...]) -> Discovery:
        """The claim, with the ladder around it."""
        chain = self._chain([p for p in self.near if self._is_moved(p)], self.judge.distance)
        if not self.proposal_only:
            pool = [group for group in chain if self._allowed(group, self.judge.is_proposed)]
            doubtful = [] if not pool else _elements(pool[-1])[1:]
            known = {_key(group) for group in chain}
            finer = self._chain(doubtful, self.judge.doubt)
            chain += [group for group in finer if _key(group) not in known]
        chain.sort(key=lambda group: group.order)
        claimed = self._choose([group for group in chain if self._is_believed(group)])
        p_value = 1.0
        if claimed is not None:
            p_value = search_p_value(
                self.judge, _generators(claimed), len(self.tried), self.level, self.seed
            )
            if p_value > self.level:
                claimed = None
        ladder = tuple(self._rung(group, group is claimed) for group in chain)
        return self._result(claimed, ladder, 1.0 if claimed is None else p_value, notes)

    def _choose(self, groups: Sequence[TableGroup]) -> TableGroup | None:
        """The smallest group that stands clearly apart, or else the one that stands most apart."""
        gaps = [(self._gap(group), group) for group in groups]
        clear = [group for gap, group in gaps if gap >= CLEAR_GAP]
        best = max(gaps, key=lambda each: each[0], default=(0.0, None))
        if clear:
            return clear[0]
        return best[1] if best[0] >= LEAST_GAP else None

    def _is_moved(self, points: Points) -> bool:
        return not np.array_equal(points, np.arange(len(points)))

    def _chain(
        self, candidates: Sequence[Points], measure: Callable[[Points], float]
    ) -> list[TableGroup]:
        """Nested groups: candidates join in order of their violation, each closing to a group."""
        groups: list[TableGroup] = []
        kept: list[Points] = []
        for points in sorted(candidates, key=lambda p: (measure(p), p.tolist())):
            if groups and _contains(groups[-1], points):
                continue
            kept.append(points)
            if _order(kept) > MAX_TABLE_ORDER:
                break
            group = _group(kept)
            if max(map(measure, _elements(group)[:_MEASURED])) > FARTHEST:
                kept.pop()
                continue
            groups.append(group)
        return groups

    def _allowed(self, group: TableGroup, rule: Callable[[Points], bool]) -> bool:
        return all(rule(points) for points in _elements(group)[1:_MEASURED])

    def _is_believed(self, group: TableGroup) -> bool:
        return self._allowed(group, self.judge.is_proposed) and (
            self.proposal_only or self._allowed(group, self.judge.is_certified)
        )

    def _outside(self, group: TableGroup) -> list[Points]:
        inside = {p.tobytes() for p in _elements(group)}
        return [p for p in self.tried if p.tobytes() not in inside][:_OUTSIDE]

    def _gap(self, group: TableGroup) -> float:
        return self.judge.gap(_elements(group)[1:_MEASURED], self._outside(group))

    def _rung(self, group: TableGroup, claimed: bool) -> Rung:
        shown = _elements(group)[1:] if claimed or group.order <= _SHOWN else _generators(group)
        evidence = self.judge.evidence(shown[:_MEASURED], self._outside(group))
        return Rung(
            group.name, group.order, self._tensor(np.stack(_generators(group))), evidence, claimed
        )

    def _tensor(self, points: Points) -> torch.Tensor:
        """Permutations as they are, signed ones as matrices."""
        if not self.judge.signed:
            return torch.as_tensor(points)
        dim = self.judge.moments.dim
        columns = np.zeros((len(points), dim, dim))
        for matrix, images in zip(columns, points, strict=True):
            signs = np.where(images[:dim] < dim, 1.0, -1.0)
            matrix[images[:dim] % dim, np.arange(dim)] = signs
        return torch.as_tensor(columns)

    def _result(
        self,
        claimed: TableGroup | None,
        ladder: tuple[Rung, ...],
        p_value: float,
        notes: tuple[str, ...],
    ) -> Discovery:
        points = np.arange(len(self.judge.moments.search[0]) * (2 if self.judge.signed else 1))
        group = _group([points]) if claimed is None else claimed
        elements = _elements(group)
        worst = [self.judge.worst(p) for p in elements]
        members = self._tensor(np.stack(elements))
        if self.proposal_only:
            notes = (*notes, "A proposal of second moments; higher moments were not asked.")
        return Discovery(
            representation=self._representation(group),
            members=members,
            violations=torch.tensor([m.violation for m in worst], dtype=torch.float64),
            noise=torch.tensor([m.noise for m in worst], dtype=torch.float64),
            gap=self._gap(group) if claimed is not None else math.nan,
            p_value=p_value,
            ladder=ladder,
            exact=claimed is not None and self.judge.is_exact(elements[1:_MEASURED]),
            action="signed" if self.judge.signed else "permutation",
            notes=notes,
        )

    def _representation(self, group: TableGroup) -> FixedRepresentation:
        dim = self.judge.moments.dim
        images = self._tensor(np.stack(_generators(group)))
        if self.judge.signed:
            return FixedRepresentation(group, generators=images)
        return FixedRepresentation(group, generators=torch.eye(dim, dtype=torch.float64)[images].mT)


def _group(points: Sequence[Points]) -> TableGroup:
    return group_from_permutations(np.stack(points))


def _elements(group: TableGroup) -> list[Points]:
    found = group.permutations
    return [] if found is None else list(found)


def _generators(group: TableGroup) -> list[Points]:
    elements = _elements(group)
    return [elements[g] for g in group.generators]


def _contains(group: TableGroup, points: Points) -> bool:
    return any(np.array_equal(points, each) for each in _elements(group))


def _key(group: TableGroup) -> bytes:
    return np.stack(sorted(_elements(group), key=lambda p: p.tolist())).tobytes()


def _order(points: Sequence[Points]) -> int:
    from sympy.combinatorics import Permutation, PermutationGroup

    return int(PermutationGroup([Permutation(p.tolist()) for p in points]).order())


def check_dimension(dim: int, *, signed: bool) -> None:
    """Refuse what no permutation can move."""
    if dim < 2 and not signed:
        refuse(
            "discover", "samples", "of dimension >= 2 for action='permutation'", f"d = {dim}",
            "pass more coordinates, or action='signed'",
        )  # fmt: skip
