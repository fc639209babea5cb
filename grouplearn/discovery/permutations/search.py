"""The search for permutations that keep matrices: assignment climbs, level by level."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from grouplearn.discovery.permutations.similarity import profile_distances, squared_distances, waves

_STEPS = 20
_RESTARTS = 100
_SINKHORN = 10
_STILL = 0.03
_PROMISING = 0.3
_HOPELESS = 0.1
_LEAPS = 4
_STRIDES = 32
_BASE_TRIES = 6
_REPAIR_DIM = 64
_TINY = 16
_IMAGES = 4

Points = NDArray[np.int64]
Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Search:
    """What a search has tried, best first, and small generators of what it kept."""

    tried: tuple[tuple[Points, float], ...]
    generators: tuple[Points, ...]
    complete: bool


def search_automorphisms(
    matrices: Sequence[Float[np.ndarray, "d d"]],
    violation: Callable[[Points], float],
    tolerance: float,
    seed: int = 0,
    time_budget: float | None = None,
) -> Search:
    """The search behind `automorphisms`, with a violation of the caller's choice.

    Args:
        matrices: that guide the search; all of norm about 1.
        violation: what a permutation is judged by; inf forbids it.
        tolerance: permutations up to this violation generate the group whose orbits are skipped.
        seed: of random restarts.
        time_budget: in seconds, or None.
    """
    searcher = _Searcher(matrices, violation, tolerance, seed)
    deadline = None if time_budget is None else time.monotonic() + time_budget
    complete = searcher.run(deadline)
    tried = sorted(searcher.tried.values(), key=lambda each: (each[1], each[0].tolist()))
    return Search(tuple(tried), tuple(searcher.kept), complete)


class _Searcher:
    def __init__(
        self,
        matrices: Sequence[Array],
        violation: Callable[[Points], float],
        tolerance: float,
        seed: int,
    ) -> None:
        self.matrices = list(matrices)
        self.dim = len(matrices[0])
        self.violation = violation
        self.tolerance = tolerance
        self.rng = np.random.default_rng(seed)
        self.tried: dict[bytes, tuple[Points, float]] = {}
        self.kept: list[Points] = []
        # Only images that a symmetry beyond doubt reaches are skipped: an approximate one may
        # hide it.
        self.sure = tolerance if self.dim > _REPAIR_DIM else tolerance / 4
        self._sure_ones: list[Points] = []
        self._all = self.group = generated([], self.dim)
        self._profiles = profile_distances(self.matrices)
        self._waves = np.concatenate([waves(matrix) for matrix in self.matrices])
        self._stabilized: tuple[int, int] | None = None
        self._symmetric = [np.array_equal(matrix, matrix.T) for matrix in self.matrices]
        self._best = float(sum((matrix**2).sum() for matrix in self.matrices))

    def run(self, deadline: float | None) -> bool:
        """Search level by level: all points, then those that leave one point fixed, and so on."""
        self._exchanges()
        fixed: list[int] = []
        while len(fixed) < self.dim - 1:
            distances = self._distances(fixed)
            grown = len(self.kept)
            for i, j in self._pairs(distances, fixed):
                if deadline is not None and time.monotonic() > deadline:
                    return False
                if j not in self._orbit(i, fixed):
                    self._try(i, j, fixed, distances)
            if not fixed:
                few = _RESTARTS if self.dim > _TINY else 4 * _RESTARTS
                for _ in range(few if self.dim <= _REPAIR_DIM else 0):
                    self._restart()
            # What is known may reach an image together with others that hide a symmetry of its own:
            # so go on until nothing known fixes these points.
            free = all(len(self._orbit(i, fixed)) == 1 for i in range(self.dim))
            if fixed and free and len(self.kept) == grown:
                return True
            fixed.append(self._next_base(fixed))
        return True

    def _pairs(self, distances: Array, fixed: list[int]) -> Iterator[tuple[int, int]]:
        """Pairs to try: every image of a few base points, then the likeliest of all pairs."""
        free = np.setdiff1d(np.arange(self.dim), fixed)
        apart = distances + np.where(np.eye(self.dim, dtype=bool), np.inf, 0)
        nearest = apart[np.ix_(free, free)].min(1, initial=np.inf)
        bases = free[np.argsort(nearest, kind="stable")]
        seen: set[tuple[int, int]] = set()
        small = self.dim <= _REPAIR_DIM
        budget = self.dim if fixed and small else max(3 * self.dim, 120) if small else 120
        every = _BASE_TRIES if small and not fixed else 1
        for i in (int(base) for base in bases[:every]):
            for j in free[np.argsort(apart[i][free], kind="stable")]:
                if i != j and np.isfinite(apart[i, j]) and len(seen) < every * self.dim:
                    seen.add((i, int(j)))
                    yield i, int(j)
        flat = np.argsort(apart[np.ix_(free, free)], axis=None, kind="stable")[: 4 * budget]
        for place in flat:
            i, j = (int(free[k]) for k in np.unravel_index(place, (len(free), len(free))))
            if i != j and (i, j) not in seen and np.isfinite(apart[i, j]):
                seen.add((i, j))
                yield i, j
                budget -= 1
            if budget <= 0:
                return

    def _next_base(self, fixed: list[int]) -> int:
        """A point that the group moves most, among those not fixed yet."""
        sizes = [(-len(self._orbit(i, fixed)), i) for i in range(self.dim) if i not in fixed]
        return min(sizes)[1]

    def _orbit(self, point: int, fixed: list[int]) -> set[int]:
        key = (len(self._sure_ones), len(fixed))
        if key != self._stabilized:
            self._stabilized = key
            self._stabilizer = self.group.pointwise_stabilizer(fixed) if fixed else self.group
            self._orbits: dict[int, set[int]] = {}
        if point not in self._orbits:
            orbit = set(self._stabilizer.orbit(point))
            self._orbits.update(dict.fromkeys(orbit, orbit))
        return self._orbits[point]

    def _distances(self, fixed: list[int]) -> Array:
        """How unlike the rows of two points are, entries at fixed points compared as they stand."""
        distances = self._profiles.copy()
        for matrix in self.matrices:
            for point in fixed:
                for line in (matrix[:, point], matrix[point]):
                    distances += np.subtract.outer(line, line) ** 2
        return distances

    def _try(self, i: int, j: int, fixed: list[int], distances: Array) -> None:
        """Seek the best permutation that sends i to j and keeps the fixed points."""
        if self._try_waves(i, j, fixed):
            return
        cost = distances.copy()
        for matrix in self.matrices:
            cost += np.subtract.outer(matrix[i], matrix[j]) ** 2
            cost += np.subtract.outer(matrix[:, i], matrix[:, j]) ** 2
        pins = {**{point: point for point in fixed}, i: j}
        start = _assign(_pin(cost, pins, np.inf))
        if start is None:
            return
        self._improve(start, (np.eye(self.dim)[start] + 1 / self.dim) / 2, pins)
        if self.dim <= _REPAIR_DIM:
            self._improve(start, np.full((self.dim, self.dim), 1 / self.dim), pins)

    def _try_waves(self, i: int, j: int, fixed: list[int]) -> bool:
        """Pin a neighbour of i too, and tell the other points by their ties to all that is pinned.

        On a ring or grid whose matrix ties neighbours only, one pinned point leaves a point and
        its mirror image alike, and far points without any tie.

        Returns:
            True if that found a symmetry beyond doubt.
        """
        ties = [self._waves[:, point] for point in (i, j)]
        free = np.setdiff1d(np.arange(self.dim), [*fixed, i, j])
        if not len(free):
            return False
        near = int(free[np.abs(ties[0][0][free]).argmax()])
        free = np.append(free, i)
        apart = np.square(ties[1][:, free] - ties[0][:, [near]]).sum(0)
        pins = {**{point: point for point in fixed}, i: j}
        starts = []
        for image in free[np.argsort(apart, kind="stable")[:_IMAGES]].tolist():
            both = {**pins, near: image}
            sources = self._waves[:, list(both)].reshape(-1, self.dim)
            targets = self._waves[:, list(both.values())].reshape(-1, self.dim)
            start = _assign(
                _pin(self._profiles + squared_distances(sources, targets), both, np.inf)
            )
            if start is not None:
                starts.append((self._objective(start), start))
        if not starts:
            return False
        start = max(starts, key=lambda each: each[0])[1]
        return self._record(self._ascend(start, pins, _STRIDES)) <= self.sure

    def _restart(self) -> None:
        """Climb from a random doubly stochastic matrix."""
        state = self.rng.random((self.dim, self.dim))
        for _ in range(_SINKHORN):
            state /= state.sum(1, keepdims=True)
            state /= state.sum(0)
        self._improve(np.arange(self.dim), (state + 1 / self.dim) / 2, {})

    def _improve(self, start: Points, state: Array, pins: dict[int, int]) -> None:
        if self.dim > _REPAIR_DIM:
            start = self._leap(start, pins)
            if self._objective(start) < self._best * _PROMISING:
                return
            state = (np.eye(self.dim)[start] + 1 / self.dim) / 2
        best = self._climb(start, state, pins)
        size = self._record(best)
        if size > self.tolerance and self.dim <= _REPAIR_DIM:
            self._record(self._repair(best, pins))

    def _leap(self, points: Points, pins: dict[int, int]) -> Points:
        """A few assignments by the gradient alone: quick, and enough to see whether a climb pays.

        Where several points are pinned, a true symmetry shows at once.
        """
        if len(pins) > 1 and self._objective(points) < self._best * _HOPELESS:
            return points
        for _ in range(_LEAPS):
            target = _assign(_pin(-self._gradient_at(points), pins, np.inf))
            if target is None:
                break
            points = target
        return points

    def _climb(self, start: Points, state: Array, pins: dict[int, int]) -> Points:
        """Frank-Wolfe from a doubly stochastic matrix, projected on the permutations at its end."""
        if pins and self._objective(start) >= self._best * (1 - 1e-9):
            return start
        for _ in range(_STEPS):
            gradient = self._gradient(state)
            target = _assign(_pin(-gradient, pins, np.inf))
            if target is None:
                return start
            direction = np.eye(self.dim)[target] - state
            slope = float((gradient * direction).sum())
            curve = float((self._gradient(direction) * direction).sum()) / 2
            if slope <= 0:
                break
            step = 1.0 if curve >= 0 else min(1.0, -slope / (2 * curve))
            state = state + step * direction
            if step * np.linalg.norm(direction) < _STILL * self.dim**0.5:
                break
        end = _assign(_pin(-state, pins, np.inf))
        if end is None:
            return start
        end = self._ascend(end, pins)
        return start if pins and self._objective(end) < self._objective(start) else end

    def _ascend(self, points: Points, pins: dict[int, int], leaps: int = _LEAPS) -> Points:
        """Assignments by the gradient, as long as they help: between two optima climbs end ill."""
        for _ in range(leaps):
            target = _assign(_pin(-self._gradient_at(points), pins, np.inf))
            if target is None or self._objective(target) <= self._objective(points):
                break
            points = target
        return points

    def _gradient(self, state: Array) -> Array:
        """Gradient of sum over matrices of <P^T M P, M> with P[i, j] = 1 where i moves to j."""
        total = np.zeros_like(state)
        for matrix, symmetric in zip(self.matrices, self._symmetric, strict=True):
            part = matrix @ state @ matrix.T
            total += 2 * part if symmetric else part + matrix.T @ state @ matrix
        return total

    def _gradient_at(self, points: Points) -> Array:
        """The gradient at a permutation, with half the products."""
        total = np.zeros((self.dim, self.dim))
        inverse = np.argsort(points)
        for matrix, symmetric in zip(self.matrices, self._symmetric, strict=True):
            part = matrix[:, inverse] @ matrix.T
            total += 2 * part if symmetric else part + matrix.T[:, inverse] @ matrix
        return total

    def _objective(self, points: Points) -> float:
        grid = np.ix_(points, points)
        return float(sum((matrix[grid] * matrix).sum() for matrix in self.matrices))

    def _repair(self, points: Points, pins: dict[int, int]) -> Points:
        """Exchange the images of two points as long as that helps the objective."""
        free = np.setdiff1d(np.arange(self.dim), list(pins))
        best, value = points, self._objective(points)
        for _ in range(4):
            gradient = self._gradient_at(best)
            here = gradient[np.arange(self.dim), best]
            gain = gradient[:, best] + gradient[:, best].T - here[:, None] - here
            gain = gain[np.ix_(free, free)]
            a, b = (int(free[k]) for k in np.unravel_index(np.argmax(gain), gain.shape))
            swapped = best.copy()
            swapped[[a, b]] = best[[b, a]]
            if (reached := self._objective(swapped)) <= value:
                break
            best, value = swapped, reached
        return best

    def _exchanges(self) -> None:
        """Try the exchanges of two points that look most alike: the commonest false symmetry."""
        apart = self._profiles + np.where(np.eye(self.dim, dtype=bool), np.inf, 0)
        for place in np.argsort(apart, axis=None, kind="stable")[: 4 * self.dim]:
            a, b = np.unravel_index(place, apart.shape)
            if a < b and np.isfinite(apart[a, b]):
                points = np.arange(self.dim)
                points[[a, b]] = b, a
                self._record(points)

    def _record(self, points: Points) -> float:
        key = points.tobytes()
        if key not in self.tried:
            size = self.violation(points)
            if self.dim > _REPAIR_DIM and self._is_new(points, size):
                # Among many coordinates a symmetry with two images exchanged may pass for one.
                repaired = self._repair(points, {})
                if repaired is not points:
                    return self._record(repaired)
            self.tried[key] = (points, size)
            if self._is_new(points, size):
                self.kept.append(points)
                self._all = generated(self.kept, self.dim)
            if size <= self.sure and not contains(self.group, points):
                self._sure_ones.append(points)
                self.group = generated(self._sure_ones, self.dim)
        return self.tried[key][1]

    def _is_new(self, points: Points, size: float) -> bool:
        return size <= self.tolerance and not contains(self._all, points)


def _pin(cost: Array, pins: dict[int, int], forbidden: float) -> Array:
    """Forbid all but the given images for some points."""
    pinned = cost.copy()
    rows, columns = list(pins), list(pins.values())
    pinned[rows] = forbidden
    pinned[:, columns] = forbidden
    pinned[rows, columns] = cost[rows, columns]
    return pinned


def _assign(cost: Array) -> Points | None:
    try:
        return np.asarray(linear_sum_assignment(cost)[1], dtype=np.int64)
    except ValueError:
        return None


def generated(permutations: Sequence[Points], degree: int) -> Any:
    """The SymPy group that permutations of so many points generate."""
    from sympy.combinatorics import Permutation, PermutationGroup

    rows = [points.tolist() for points in permutations] or [list(range(degree))]
    return PermutationGroup([Permutation(row) for row in rows])


def contains(group: Any, points: Points) -> bool:
    """Is a permutation in a SymPy group?"""
    from sympy.combinatorics import Permutation

    return bool(group.contains(Permutation(points.tolist())))
