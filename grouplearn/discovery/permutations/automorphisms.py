"""Permutations that keep a set of matrices, exactly or nearly, and the group they generate."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike, NDArray

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.arrays import as_array
from grouplearn.discovery.permutations.exact import EQUAL, Exact, exact_automorphisms
from grouplearn.discovery.permutations.search import contains, generated, search_automorphisms
from grouplearn.errors import GroupError
from grouplearn.groups import CyclicGroup, FiniteGroup
from grouplearn.groups.base import MAX_TABLE_ORDER

_WHO = "automorphisms"
_LARGE = 10**15

Points = NDArray[np.int64]
Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Automorphisms:
    """The group of permutations that keep some matrices, exactly or nearly.

    Attributes:
        generators: (m, d), int64: point i moves to generators[k, i]; none for the trivial group.
        order: of the group they generate.
        violation: the largest relative violation of a generator; where `complete`, the largest
            difference of two entries that it exchanges, relative to the largest entry.
        next_candidate: the least violation among the other permutations that were tried; inf where
            none were.
        candidates: every permutation that was tried, with its violation, best first.
        complete: True when the exact algorithm answered: the group is the group of all
            permutations that keep the matrices. False after a heuristic search, which may have
            missed some.
    """

    generators: Int[np.ndarray, "m d"]
    order: int
    violation: float
    next_candidate: float
    candidates: tuple[tuple[Points, float], ...] = field(repr=False)
    complete: bool = False

    @property
    def group(self) -> FiniteGroup:
        """The group itself; C1 when nothing but the identity keeps the matrices.

        Raises:
            GroupError: it has more than 4,096 elements.
        """
        if self.order == 1:
            return CyclicGroup(1)
        if self.order > MAX_TABLE_ORDER:
            # Here, since from_permutations would have SymPy count it again first, slowly.
            digits = f"about 10^{math.log10(self.order):.0f}"
            refuse(
                "Automorphisms.group", "order", f"<= {MAX_TABLE_ORDER}",
                self.order if self.order < _LARGE else digits,
                "use the generators, which need no table", GroupError,
            )  # fmt: skip
        return FiniteGroup.from_permutations(self.generators)


def automorphisms(
    matrices: Sequence[ArrayLike],
    *,
    tolerance: float = 0.05,
    seed: int = 0,
    time_budget: float | None = None,
) -> Automorphisms:
    """Find the permutations P with P M P^T = M for several matrices M at once, exactly or nearly.

    For example co-occurrence counts and ordered bigram counts of the same vocabulary.

    With `tolerance=0` the matrices are to be kept exactly, up to rounding: integers are compared as
    they stand; of floats, two entries are one value when they differ by at most 1e-9 of the larger
    or 1e-13 of the largest entry of their matrix. That is the automorphism problem of a graph with
    coloured edges, which igraph's BLISS solves: the answer is the whole group, and `complete`.

    With a larger tolerance a heuristic search is added, and the answer is never `complete`. For a
    base point i and each image j whose rows look alike, the best permutation that sends i to j is
    sought: an assignment of rows by their sorted profiles and by their entries at fixed points,
    then Frank-Wolfe steps on the quadratic assignment objective, each an assignment problem, then
    exchanges of pairs. Permutations found close to a group (Schreier-Sims); images that the group
    reaches already are skipped, and the search goes on among the permutations that fix the base
    point. The permutations that the exact algorithm finds are in the group, too. Without a time
    budget the result is deterministic.

    Args:
        matrices: (d, d) each, finite, not necessarily symmetric.
        tolerance: of the relative violation ||P M P^T - M||_F / ||M'||_F, with M' the entries in
            rows or columns of points that P moves, so that an exchange of two points in a thousand
            is judged by those two; the largest over the matrices. Up to 1e-9 it asks for the exact
            answer.
        seed: of the random restarts.
        time_budget: seconds, after which the best answer so far is returned; None for no limit.
            The exact algorithm has half of it, in a process of its own, the search the rest.
            Preparing either takes some seconds at d = 512 and is not cut short.

    Returns:
        The group, and all candidates. An exact question has an answer that is not `complete` when
        time ran out or when values form chains, each equal to the next and the ends unequal.

    Raises:
        InputError: no matrix, one that is not square or finite, different sizes, or d < 2.

    Cost:
        Exact: O(d^2 log d) time and memory to make the graph, then a search that is quick on nearly
        all graphs (seconds at d = 512) and exponential in d on a few that were built to defeat it.
        Heuristic: O(d^3) for each pair (i, j) that is tried, at most some hundreds of them; O(d^2)
        memory.

    References:
        Junttila and Kaski, 2007, Engineering an efficient canonical labeling tool for large and
        sparse graphs. McKay and Piperno, 2014, Practical graph isomorphism II.
        Vogelstein et al., 2015, Fast approximate quadratic programming for graph matching.
        Sims, 1970, Computational methods in the study of permutation groups.

    Example:
        >>> ring = np.roll(np.eye(5), 1, axis=0)
        >>> automorphisms([ring], tolerance=0).order
        5
        >>> automorphisms([ring + ring.T], tolerance=0).group.name
        'D5'
    """
    given, deadline = _square(matrices), math.inf
    finite_number(_WHO, "tolerance", tolerance)
    positive_int(_WHO, "seed", seed, minimum=0)
    if time_budget is not None:
        finite_number(_WHO, "time_budget", time_budget, positive=True)
        deadline = time.monotonic() + time_budget
    exact = exact_automorphisms(given, None if time_budget is None else time_budget / 2)
    if exact is not None and tolerance <= EQUAL:
        return _complete(exact, len(given[0]))
    left = None if time_budget is None else deadline - time.monotonic()
    return _nearly(
        given, max(tolerance, EQUAL), seed, left, () if exact is None else exact.generators
    )


def _complete(exact: Exact, dim: int) -> Automorphisms:
    generators = np.array(exact.generators, dtype=np.int64).reshape(-1, dim)
    candidates = tuple((points, exact.change) for points in exact.generators)
    return Automorphisms(
        generators, exact.order, exact.change, float("inf"), candidates, complete=True
    )


def _nearly(
    given: Sequence[NDArray[Any]],
    tolerance: float,
    seed: int,
    time_budget: float | None,
    known: Sequence[Points],
) -> Automorphisms:
    """The heuristic search; its group holds the permutations that are known already, too."""
    arrays = [matrix.astype(np.float64) for matrix in given]
    search = [matrix / np.linalg.norm(matrix) for matrix in arrays if matrix.any()] or arrays

    def violation(points: Points) -> float:
        return max(_local_violation(matrix, points) for matrix in search)

    found = search_automorphisms(search, violation, tolerance, seed, time_budget)
    tried = list(found.tried)
    group = generated([points for points, size in tried if size <= tolerance], len(arrays[0]))
    generators = list(found.generators)
    for points in known:
        if violation(points) <= tolerance and not contains(group, points):
            generators.append(points)
            tried.append((points, violation(points)))
            group = generated(generators, len(arrays[0]))
    outside = [size for points, size in tried if not contains(group, points)]
    inside = [size for points, size in tried if any((points == g).all() for g in generators)]
    return Automorphisms(
        np.array(generators, dtype=np.int64).reshape(-1, len(arrays[0])),
        int(group.order()),
        max(inside, default=0.0),
        min(outside, default=float("inf")),
        tuple(sorted(tried, key=lambda each: (each[1], each[0].tolist()))),
    )


def _local_violation(matrix: Array, points: Points) -> float:
    inverse = np.argsort(points)
    stays = points == np.arange(len(points))
    change = matrix[np.ix_(inverse, inverse)] - matrix
    scale = float((matrix[~stays] ** 2).sum() + (matrix[np.ix_(stays, ~stays)] ** 2).sum())
    size = float((change**2).sum())
    return (size / scale) ** 0.5 if size > 0 else 0.0


def _square(matrices: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    arrays = [as_array("matrices", matrix) for matrix in matrices]
    shape = arrays[0].shape if arrays else (0,)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        refuse(_WHO, "matrices", "a list of (d, d) arrays with d >= 2", shape, "pass [matrix, ...]")
    for array in arrays:
        if array.shape != shape:
            refuse(_WHO, "matrices", f"all of shape {shape}", array.shape, "pass equal sizes")
        if not np.isfinite(array).all():
            refuse(_WHO, "matrices", "finite", "NaN or infinity", "clean the matrices first")
    return arrays
