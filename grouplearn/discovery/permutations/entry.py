"""Discovery of permutation and signed permutation actions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.permutations.judgement import (
    CLEAR_GAP,
    FARTHEST,
    LEAST_GAP,
    TOLERANCE,
    Judge,
    search_p_value,
)
from grouplearn.discovery.permutations.search import search_automorphisms
from grouplearn.discovery.permutations.tensors import Moments, moments_of
from grouplearn.discovery.result import Discovery, Rung
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.structure import small_generating_set
from grouplearn.groups.table import TableGroup, group_from_permutations
from grouplearn.representations import FixedRepresentation

_MEASURED = 128
_OUTSIDE = 60
_SHOWN = 64

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

    Automorphisms of the second moment are proposed; those that third moments (fourth, where third
    moments vanish) confirm make the group. See `grouplearn.discover`.

    Args:
        accumulated: the data.
        signed: may coordinates change sign?
        copies: how many copies of each coordinate were set aside; empty for none anywhere.
        max_moment: 2 proposes only; 3 and 4 certify.
        level: of the p-value against chance.
        seed: of the search.
        time_budget: in seconds, for the search; None for no limit.

    Raises:
        InputError: the data vary in no coordinate.
    """
    moments = moments_of(accumulated, max_moment, signed=signed)
    judge = Judge(moments, signed, copies)
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
        self.notes: list[str] = []
        self.near = [p for p in tried if self.judge.distance(p) <= FARTHEST]

    def discovery(self, notes: tuple[str, ...]) -> Discovery:
        """The claim, with the ladder around it."""
        chain = self._chain([p for p in self.near if self._is_moved(p)], self.judge.distance)
        if not self.proposal_only:
            pool = [group for group in chain if self._allowed(group, self.judge.is_proposed)]
            doubtful = [] if not pool else pool[-1].measured
            known = {group.keys for group in chain}
            finer = self._chain(doubtful, self.judge.doubt)
            chain += [group for group in finer if group.keys not in known]
        chain.sort(key=lambda group: group.order)
        claimed = self._choose([group for group in chain if self._is_believed(group)])
        p_value = 1.0
        if claimed is not None:
            p_value = search_p_value(
                self.judge, claimed.generators, claimed.keys, len(self.tried), self.level, self.seed
            )
            if p_value > self.level:
                claimed = None
        ladder = tuple(self._rung(group, group is claimed) for group in chain)
        notes = tuple(dict.fromkeys((*notes, *self.notes)))
        return self._result(claimed, ladder, 1.0 if claimed is None else p_value, notes)

    def _choose(self, groups: Sequence[_Closed]) -> _Closed | None:
        """The smallest group that stands clearly apart, or else the one that stands most apart."""
        gaps = [(self._gap(group), group) for group in groups]
        clear = [group for gap, group in gaps if gap >= CLEAR_GAP]
        best = max(gaps, key=lambda each: each[0], default=(0.0, None))
        if clear:
            return clear[0]
        if best[1] is not None and best[0] < LEAST_GAP:
            self.notes.append(
                f"{best[1].group.name} (order {best[1].order}) is within noise or near it, but no "
                f"group stands apart: gap {best[0]:.2g}, and {LEAST_GAP:g} is needed; more samples "
                "would tell."
            )
            return None
        return best[1]

    def _is_moved(self, points: Points) -> bool:
        return not np.array_equal(points, np.arange(len(points)))

    def _chain(
        self, candidates: Sequence[Points], measure: Callable[[Points], float]
    ) -> list[_Closed]:
        """Nested groups: candidates join in order of their violation, each closing to a group."""
        groups: list[_Closed] = []
        kept: list[Points] = []
        for points in sorted(candidates, key=lambda p: (measure(p), p.tolist())):
            if groups and points.tobytes() in groups[-1].keys:
                continue
            kept.append(points)
            if (order := _order(kept)) > MAX_TABLE_ORDER:
                if self.judge.is_proposed(points):
                    self.notes.append(
                        f"A group of order {order:,} was proposed: more than {MAX_TABLE_ORDER:,} "
                        "elements, so that it could not be claimed."
                    )
                break
            group = _Closed.of(kept)
            if max(map(measure, group.measured), default=0.0) > FARTHEST:
                kept.pop()
                continue
            groups.append(group)
        return groups

    def _allowed(self, group: _Closed, rule: Callable[[Points], bool]) -> bool:
        return all(rule(points) for points in group.measured)

    def _is_believed(self, group: _Closed) -> bool:
        return self._allowed(group, self.judge.is_proposed) and (
            self.proposal_only or self._allowed(group, self.judge.is_certified)
        )

    def _outside(self, group: _Closed) -> list[Points]:
        return [p for p in self.tried if p.tobytes() not in group.keys][:_OUTSIDE]

    def _gap(self, group: _Closed) -> float:
        return self.judge.gap(group.measured, self._outside(group))

    def _rung(self, group: _Closed, claimed: bool) -> Rung:
        shown = group.measured if claimed or group.order <= _SHOWN else group.generators
        evidence = self.judge.evidence(shown, self._outside(group))
        generators = self._tensor(np.stack(group.generators))
        return Rung(group.group.name, group.order, generators, evidence, claimed)

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
        claimed: _Closed | None,
        ladder: tuple[Rung, ...],
        p_value: float,
        notes: tuple[str, ...],
    ) -> Discovery:
        points = np.arange(len(self.judge.moments.search[0]) * (2 if self.judge.signed else 1))
        group = _Closed.of([points]) if claimed is None else claimed
        elements = group.elements
        worst = [self.judge.worst(p) for p in elements]
        members = self._tensor(np.stack(elements))
        if claimed is not None and self.judge.relies_on_fourth:
            notes = (*notes, "Third moments are no more than noise here; fourth moments decided.")
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
            exact=claimed is not None and self.judge.is_exact(group.measured),
            action="signed" if self.judge.signed else "permutation",
            notes=notes,
        )

    def _representation(self, group: _Closed) -> FixedRepresentation:
        dim = self.judge.moments.dim
        images = self._tensor(np.stack(group.generators))
        if self.judge.signed:
            return FixedRepresentation(group.group, generators=images)
        matrices = torch.eye(dim, dtype=torch.float64)[images].mT
        return FixedRepresentation(group.group, generators=matrices)


@final
@dataclass(frozen=True, eq=False)
class _Closed:
    """A group of permutations with all its elements, the identity first."""

    group: TableGroup
    elements: tuple[Points, ...]
    keys: frozenset[bytes]

    @staticmethod
    def of(points: Sequence[Points]) -> _Closed:
        group = group_from_permutations(np.stack(points))
        if group.order <= _MEASURED and group.permutations is not None:
            few = small_generating_set(group)
            group = group_from_permutations(group.permutations[list(few) or [0]])
        elements = tuple(np.stack(points)[:1] if group.permutations is None else group.permutations)
        return _Closed(group, elements, frozenset(each.tobytes() for each in elements))

    @property
    def order(self) -> int:
        return self.group.order

    @property
    def generators(self) -> list[Points]:
        return [self.elements[g] for g in self.group.generators]

    @property
    def measured(self) -> list[Points]:
        """The elements by which the group is judged: all but the identity, or some of very many."""
        if self.order <= _MEASURED:
            return list(self.elements[1:])
        step = self.order // _MEASURED
        return [*self.generators, *self.elements[step::step]]


def _order(points: Sequence[Points]) -> int:
    from sympy.combinatorics import Permutation, PermutationGroup

    return int(PermutationGroup([Permutation(p.tolist()) for p in points]).order())
