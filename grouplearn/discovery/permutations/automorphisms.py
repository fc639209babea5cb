"""Permutations that nearly keep a set of matrices, and the group that they generate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike, NDArray

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.moments import as_array
from grouplearn.discovery.permutations.search import contains, generated, search_automorphisms
from grouplearn.groups import FiniteGroup

_WHO = "automorphisms"

Points = NDArray[np.int64]
Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Automorphisms:
    """The group of permutations that nearly keep some matrices.

    Attributes:
        generators: (m, d), int64: point i moves to generators[k, i].
        order: of the group they generate.
        violation: the largest relative violation of a generator.
        next_candidate: the least violation among the other permutations that were tried.
        candidates: every permutation that was tried, with its violation, best first.
        complete: False when the time budget ended the search.
    """

    generators: Int[np.ndarray, "m d"]
    order: int
    violation: float
    next_candidate: float
    candidates: tuple[tuple[Points, float], ...] = field(repr=False)
    complete: bool = True

    @property
    def group(self) -> FiniteGroup:
        """The group itself.

        Raises:
            GroupError: it has more than 4,096 elements.
        """
        return FiniteGroup.from_permutations(self.generators)


def automorphisms(
    matrices: Sequence[ArrayLike],
    *,
    tolerance: float = 0.05,
    seed: int = 0,
    time_budget: float | None = None,
) -> Automorphisms:
    """Find the permutations P with P M P^T = M, nearly, for several matrices M at once.

    For example co-occurrence counts and ordered bigram counts of the same vocabulary. For a base
    point i and each image j whose rows look alike, the best permutation that sends i to j is
    sought: an assignment of rows by their sorted profiles and by their entries at fixed points,
    then Frank-Wolfe steps on the quadratic assignment objective, each an assignment problem, then
    exchanges of pairs. Permutations found close to a group (Schreier-Sims); images that the group
    reaches already are skipped, and the search goes on among the permutations that fix the base
    point. It is exact where profiles tell points apart, a heuristic elsewhere; deterministic.

    Args:
        matrices: (d, d) each, finite, not necessarily symmetric.
        tolerance: of the relative violation ||P M P^T - M||_F / ||M'||_F, with M' the entries in
            rows or columns of points that P moves, so that an exchange of two points in a thousand
            is judged by those two; the largest over the matrices.
        seed: of the random restarts.
        time_budget: seconds, after which the best answer so far is returned; None for no limit.

    Returns:
        The group, and all candidates.

    Raises:
        InputError: no matrix, one that is not square or finite, different sizes, or d < 2.

    Cost:
        O(d^3) for each pair (i, j) that is tried, at most some hundreds of them; O(d^2) memory.

    References:
        Vogelstein et al., 2015, Fast approximate quadratic programming for graph matching.
        Sims, 1970, Computational methods in the study of permutation groups.

    Example:
        >>> ring = np.roll(np.eye(5), 1, axis=0)
        >>> automorphisms([ring]).order, automorphisms([ring + ring.T]).order
        (5, 10)
    """
    arrays = _square(matrices)
    finite_number(_WHO, "tolerance", tolerance)
    positive_int(_WHO, "seed", seed, minimum=0)
    if time_budget is not None:
        finite_number(_WHO, "time_budget", time_budget, positive=True)
    search = [matrix / np.linalg.norm(matrix) for matrix in arrays if matrix.any()] or arrays

    def violation(points: Points) -> float:
        return max(_local_violation(matrix, points) for matrix in search)

    found = search_automorphisms(search, violation, tolerance, seed, time_budget)
    group = generated([points for points, size in found.tried if size <= tolerance], len(arrays[0]))
    outside = [size for points, size in found.tried if not contains(group, points)]
    generators = found.generators
    inside = [size for points, size in found.tried if any((points == g).all() for g in generators)]
    return Automorphisms(
        np.array(generators, dtype=np.int64).reshape(-1, len(arrays[0])),
        int(group.order()),
        max(inside, default=0.0),
        min(outside, default=float("inf")),
        found.tried,
        found.complete,
    )


def _local_violation(matrix: Array, points: Points) -> float:
    inverse = np.argsort(points)
    stays = points == np.arange(len(points))
    change = matrix[np.ix_(inverse, inverse)] - matrix
    scale = float((matrix[~stays] ** 2).sum() + (matrix[np.ix_(stays, ~stays)] ** 2).sum())
    size = float((change**2).sum())
    return (size / scale) ** 0.5 if size > 0 else 0.0


def _square(matrices: Sequence[ArrayLike]) -> list[Array]:
    arrays = [as_array("matrices", matrix) for matrix in matrices]
    shape = arrays[0].shape if arrays else (0,)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        refuse(_WHO, "matrices", "a list of (d, d) arrays with d >= 2", shape, "pass [matrix, ...]")
    for array in arrays:
        if array.shape != shape:
            refuse(_WHO, "matrices", f"all of shape {shape}", array.shape, "pass equal sizes")
        if not np.isfinite(array).all():
            refuse(_WHO, "matrices", "finite", "NaN or infinity", "clean the matrices first")
    return [array.astype(np.float64) for array in arrays]
