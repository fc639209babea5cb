"""Finite groups from the elements that frame after frame offers; the best one is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.closing import close_matrices
from grouplearn.discovery.functions.continuous import ROUND
from grouplearn.discovery.functions.elements import TriedElement, mirrors_of, roundness, turns_of
from grouplearn.discovery.functions.found import other_levels, trivial
from grouplearn.discovery.functions.frames import PlaneFrame
from grouplearn.discovery.functions.probes import EXACT, LEAST_GAP, TOLERANCE, Ruler, range_of
from grouplearn.discovery.functions.refine import refine
from grouplearn.representations import LearnedRepresentation

_PASSING, _CORE, _UNRELATED = 0.5, 0.8, 0.8
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23)
_FIRST, _MORE, _ROUNDS = 20, 100, 6
_WORTH = 1.5
_BEST, _ALIKE = 12, 3
_LEVELS, _STEP = 5, 1.15
_SAME, _ALREADY = 1e-3, 0.05
_TURNS = 24
_JOINED = 12
_NEAR = 0.1

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Best:
    """The group that a search ends with.

    Attributes:
        representation: of the group.
        outside: candidates that are no elements, best first.
        notes: sentences on other groups that stand apart.
    """

    representation: LearnedRepresentation
    outside: tuple[TriedElement, ...]
    notes: tuple[str, ...] = ()


@final
class FrameSearch:
    """Groups of elements from one frame after another, the best of them kept.

    Args:
        ruler: the function on the rows of the search.

    Attributes:
        circles: subspaces in which the function is round, and how nearly.
        tried: how many candidates there were.
    """

    circles: list[tuple[Array, float]]
    tried: int

    def __init__(self, ruler: Ruler) -> None:
        size = ruler.x.shape[1]
        self._ruler, self._eye = ruler, np.eye(size)
        self._known: list[tuple[TriedElement, TriedElement]] = []
        self._closed: list[Array] = []
        self._groups: list[tuple[LearnedRepresentation, float]] = []
        self.circles, self.tried = [], 1

    def look(self, family: Sequence[PlaneFrame]) -> None:
        """Try all frames of one kind of inputs, then join the exact elements found in all."""
        for frame in family:
            for k, planes in enumerate(frame.turning):
                columns = [column for p in planes for column in (2 * p, 2 * p + 1)]
                self.add_circle(frame.columns[:, columns], roundness(self._ruler, frame, k))
            candidates = [*turns_of(self._ruler, frame), *mirrors_of(self._ruler, frame)]
            self.tried = max(self.tried, len(candidates))
            refined = [(each, self._refined(each)) for each in self._promising(candidates)]
            for level in _levels(refined):
                self._close([each.matrix for each in level], _SAME)
        known = [rep for rep, worst in self._groups if worst <= EXACT]
        if known:
            exact = [each.matrix for _, each in self._known if each.violation <= EXACT]
            self._join(max(known, key=lambda rep: rep.group.order), exact)

    def _join(self, rep: LearnedRepresentation, more: Sequence[Array]) -> None:
        """Larger groups, by one exact element after another, as long as they are finite."""
        generators = list(rep.generators().detach().numpy())
        tries = 0
        for each in more:
            if tries < _JOINED and _apart(each, rep.matrices().detach().numpy()) > _ALREADY:
                tries += 1
                larger = close_matrices([*generators, each], self._eye, 10 * _SAME)
                if larger is not None:
                    generators, rep = [*generators, each], larger
        self._close(generators, 10 * _SAME)

    def add_circle(self, columns: Float[np.ndarray, "r p"], violation: float) -> None:
        """Remember that turns of these directions change the function no more than this."""
        if violation < ROUND:
            self.circles.append((columns, violation))

    @property
    def done(self) -> bool:
        """Is there an exact symmetry, finite or continuous, yet?"""
        sizes = [worst for _, worst in [*self._groups, *self.circles]]
        return min(sizes, default=np.inf) <= EXACT

    def best(self) -> Best:
        """Exact groups before large ones before those of small violation, if they stand apart."""
        apart = []
        for rep, worst in sorted(self._groups, key=_rank, reverse=True):
            # What a circle contains is no finding, if the circle is as good.
            level = EXACT if worst <= EXACT else LEAST_GAP * worst
            if _moves(rep, [columns for columns, size in self.circles if size <= level]):
                continue
            others = self._outside(rep)
            if worst <= EXACT or not others or others[0].violation >= LEAST_GAP * worst:
                apart.append((rep, worst, others))
        if not apart:
            nothing = trivial(len(self._eye))
            return Best(nothing, self._outside(nothing))
        rep, worst, others = apart[0]
        levels = [(each.group.name, each.group.order, size) for each, size, _ in apart]
        return Best(rep, others, other_levels(levels))

    def _promising(self, candidates: Sequence[TriedElement]) -> list[TriedElement]:
        """The best candidates of each order, then the best of these, judged by all their powers."""
        chosen: list[TriedElement] = []
        for each in sorted(candidates, key=lambda each: each.violation):
            if sum(other.order == each.order for other in chosen) < _ALIKE:
                chosen.append(each)
        judged = [
            self._judged(each, each.matrix) if each.violation < _UNRELATED else each
            for each in chosen
        ]
        return sorted(judged, key=lambda each: each.violation)[:_BEST]

    def _judged(self, candidate: TriedElement, matrix: Array) -> TriedElement:
        """A small turn changes little, and is told from a symmetry by its powers."""
        powers = [np.linalg.matrix_power(matrix, k + 1) for k in range(candidate.order // 2)]
        if candidate.order in _PRIMES:
            # All powers move the same directions.
            moved, frame = range_of(matrix)
            sizes = self._ruler.violations(np.stack(powers), [moved] * len(powers), frame)
            return replace(candidate, matrix=matrix, violation=float(sizes.max()))
        worst = max((self._ruler.violation(each) for each in powers), default=1.0)
        return replace(candidate, matrix=matrix, violation=worst)

    def _refined(self, candidate: TriedElement) -> TriedElement:
        """The candidate in a better basis, if it is good enough for that."""
        for rough, fine in self._known:
            alike = rough.order == candidate.order
            if alike and _apart(candidate.matrix, rough.matrix[None]) < _ALREADY:
                return fine
        found = candidate
        if self._core(candidate.matrix) < _PASSING:
            better = refine(self._ruler, candidate.matrix[None], _FIRST)[0]
            found = self._judged(candidate, better)
        self._known.append((candidate, found))
        return found

    def _core(self, matrix: Array) -> float:
        """The violation without the rows that change most: those that cross a jump, if any."""
        kept = slice(int(_CORE * len(self._ruler.x)))
        changes, units = (np.sort(each)[kept].mean() for each in self._ruler.by_row(matrix))
        return float(np.sqrt(changes / units))

    def _close(self, matrices: list[Array], tolerance: float) -> None:
        """Close elements to a group, refine it, and keep it if it is the best so far."""
        rep = close_matrices(matrices, self._eye, tolerance)
        if rep is None or rep.group.order == 1 or self._seen(rep.matrices().detach().numpy()):
            return
        # The element of largest order first: it alone may be enough.
        first = rep.matrices().detach().numpy()[int(rep.group.element_orders.argmax())]
        rep = close_matrices([first, *rep.generators().detach().numpy()], self._eye, tolerance)
        if rep is None:
            return
        last = np.inf
        for _ in range(_ROUNDS):
            generators = refine(self._ruler, rep.generators().detach().numpy(), _MORE)
            rep = close_matrices(list(generators), self._eye, 10 * _SAME)
            size = max(map(self._ruler.violation, generators)) if rep is not None else 0.0
            if rep is None or size <= EXACT / 10 or size > last / _WORTH:
                break
            last = size
        if rep is not None:
            self._keep(rep)

    def _seen(self, elements: Array) -> bool:
        """Was a group with nearly these elements tried before?"""
        for each in self._closed:
            if len(each) == len(elements) and all(_apart(g, each) < _ALREADY for g in elements):
                return True
        self._closed.append(elements)
        return False

    def _keep(self, rep: LearnedRepresentation) -> None:
        elements = rep.matrices().detach().numpy()
        between = _between(self._ruler, elements)
        if between:
            self.add_circle(_moved(rep), between[-1].violation)
        worst = max(self._ruler.violation(each) for each in elements)
        if worst <= TOLERANCE:
            self._groups.append((rep, worst))

    def _outside(self, rep: LearnedRepresentation) -> tuple[TriedElement, ...]:
        """Candidates that are no elements."""
        elements = rep.matrices().detach().numpy()
        found = [each for _, each in self._known if _apart(each.matrix, elements) > _NEAR]
        found += _between(self._ruler, elements)[:1]
        return tuple(sorted(found, key=lambda each: each.violation))


def _rank(group: tuple[LearnedRepresentation, float]) -> tuple[bool, int, float]:
    rep, worst = group
    return worst <= EXACT, rep.group.order, -worst


def _levels(refined: Sequence[tuple[TriedElement, TriedElement]]) -> list[list[TriedElement]]:
    """The best elements, as they were in their frame, and more of them up to each jump."""
    order = sorted(refined, key=lambda pair: pair[1].violation)
    sizes = [max(fine.violation, EXACT) for _, fine in order]
    levels = []
    for k, size in enumerate(sizes):
        if size <= TOLERANCE and (k + 1 == len(sizes) or sizes[k + 1] > _STEP * size):
            levels.append([rough for rough, _ in order[: k + 1]])
    return levels[:_LEVELS]


def _moved(rep: LearnedRepresentation) -> Array:
    """Orthonormal basis of what the generators move."""
    gaps = rep.generators().detach().numpy() - np.eye(rep.dim)
    vectors, sizes, _ = np.linalg.svd(np.concatenate(list(gaps), 1))
    return np.asarray(vectors[:, sizes > _SAME * sizes[0]])


def _moves(rep: LearnedRepresentation, planes: Sequence[Array]) -> bool:
    """Does a group move any of these subspaces, in which the function is round?"""
    elements = rep.matrices().detach().numpy()
    return any(np.abs(elements @ plane - plane).max() > 0.1 for plane in planes)


def _between(ruler: Ruler, elements: Array) -> list[TriedElement]:
    """Turns half-way between the powers of the element of largest order, best first.

    They lie on the circle of a continuous rotation, if there is one, and outside a finite group.
    """
    values, vectors = np.linalg.eig(elements)
    angles = np.angle(values)
    turning = (np.abs(np.imag(values)) > 1e-6).any(1)
    found = []
    for g in np.flatnonzero(turning)[:_TURNS]:
        for step in (0.5, 1.5, 2.5, 3.5):
            power = np.where(
                np.abs(np.imag(values[g])) > 1e-6, np.exp(1j * step * angles[g]), values[g]
            )
            matrix = np.real(vectors[g] * power @ np.linalg.inv(vectors[g]))
            if _apart(matrix, elements) > _SAME:
                moved = np.ones(len(matrix), dtype=bool)
                found.append(TriedElement(0, matrix, moved, ruler.violation(matrix)))
    return sorted(found, key=lambda each: each.violation)


def _apart(matrix: Array, elements: Array) -> float:
    """Relative distance to the nearest element."""
    gaps = np.linalg.norm(elements - matrix, axis=(1, 2))
    return float(gaps.min() / np.linalg.norm(matrix))
