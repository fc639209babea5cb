"""The permutations of coordinates that a function does not see."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.answers import Answer
from grouplearn.discovery.functions.elements import TriedElement
from grouplearn.discovery.functions.found import Invariance, other_levels, trivial
from grouplearn.discovery.functions.frames import AUDIBLE, commuting, look
from grouplearn.discovery.functions.probes import EXACT, LEAST_GAP, TOLERANCE, Probe, Ruler
from grouplearn.discovery.permutations.automorphisms import automorphisms
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

_ROWS = 512
_PER_OUTPUT = 8
_IGNORED = 1e-6
_LOOSE = 0.2
_INPUTS, _ENTRIES, _LEAST_INPUTS = 1 << 15, 1 << 22, 1 << 12
_ALL = 6
_CANDIDATES = 200
_SWAPS = 300
_LEVELS, _STEP = 8, 1.15

Array = NDArray[np.float64]
Points = NDArray[np.int64]


def search_permutations(
    probe: Probe, x: Float[np.ndarray, "N d"], seed: int, answer: Answer
) -> Invariance:
    """Find the permutations of coordinates that a function does not see.

    Args:
        probe: the function.
        x: (N, d) samples to learn from.
        seed: of the random inputs and of the search.
        answer: what the values may do.

    Returns:
        The group and what else was tried.
    """
    dim = x.shape[1]
    rng = np.random.default_rng(seed)
    outputs = probe.values(x[:1]).shape[1]
    count = min(_INPUTS, max(_LEAST_INPUTS, _ENTRIES // (dim * outputs)))
    # Entries drawn from all coordinates alike: every permutation keeps this distribution.
    pooled = rng.choice(x.ravel(), size=(count, dim))
    proposals: dict[bytes, Points] = {}
    seen = np.zeros(dim, dtype=bool)
    for rows in (pooled, x):
        gradients = probe.gradients(rows, seed)
        power = (gradients**2).sum(1).mean(0)
        seen |= power > _IGNORED * power.max()
    points = np.flatnonzero(seen)
    for rows in (pooled, x):
        for each in _proposals(probe, rows, points, seed, answer) if len(points) > 1 else []:
            images = np.arange(dim)
            images[points] = points[each]
            proposals[images.tobytes()] = images
    for i, j in list(zip(*np.triu_indices(len(points), 1), strict=True))[:_SWAPS]:
        images = np.arange(dim)
        images[points[[i, j]]] = points[[j, i]]
        proposals[images.tobytes()] = images
    ruler = Ruler(probe, x[: max(_ROWS, _PER_OUTPUT * outputs)], seed, answer)
    candidates = sorted(
        (_measure(ruler, images) for images in proposals.values()), key=lambda c: c.violation
    )
    notes = []
    if len(points) < dim:
        ignored = np.flatnonzero(~seen).tolist()
        notes.append(f"The function ignores coordinates {ignored}; they are kept fixed.")
    rep, outside, more = _best(candidates, dim)
    free = np.eye(dim)[:, points]
    return Invariance(rep, outside, max(len(candidates), 1), (*notes, *more), free=free)


def _proposals(
    probe: Probe, rows: Array, points: Points, seed: int, answer: Answer
) -> list[Points]:
    """Automorphisms of matrices of gradients and inputs."""
    if len(points) <= _ALL:
        return [np.array(each) for each in permutations(range(len(points)))][1:]
    seen = look(probe, rows, np.eye(rows.shape[1]), answer, seed)
    # A matrix that is nothing but noise would rule out every permutation.
    matrices = [
        matrix[np.ix_(points, points)]
        for matrix, noise in commuting(seen)
        if np.linalg.norm(matrix) > AUDIBLE * noise
    ]
    found = automorphisms(matrices or [np.eye(len(points))], tolerance=_LOOSE, seed=seed)
    return [*found.generators, *(points for points, _ in found.candidates[:_CANDIDATES])]


def _best(
    candidates: list[TriedElement], dim: int
) -> tuple[LearnedRepresentation, tuple[TriedElement, ...], tuple[str, ...]]:
    """The best group, what is outside it, and notes.

    Groups are of the best candidates, up to each jump of the violation: exact ones before the
    largest one that what is outside does not come near.
    """
    sizes = [max(each.violation, EXACT) for each in candidates] + [np.inf]
    jumps = [k for k in range(len(candidates)) if sizes[k + 1] > _STEP * sizes[k]]
    found: list[tuple[LearnedRepresentation, float, tuple[TriedElement, ...]]] = []
    for k in [k for k in jumps if sizes[k] <= TOLERANCE][:_LEVELS]:
        group = _generated([_images(each) for each in candidates[: k + 1]])
        outside = tuple(each for each in candidates if not _contains(group, _images(each)))
        if sizes[k] > EXACT and outside and outside[0].violation < LEAST_GAP * sizes[k]:
            continue
        if int(group.order()) > MAX_TABLE_ORDER:
            note = f"More than {MAX_TABLE_ORDER} permutations leave the function alone."
            return trivial(dim), (), (note,)
        generators = [np.array(each.array_form) for each in group.generators]
        rep = FixedRepresentation.from_permutations(generators, torch.float64)
        found.append((rep, sizes[k], outside))
    if not found:
        return trivial(dim), tuple(candidates), ()
    found.sort(key=lambda each: (each[1] <= EXACT, each[0].group.order), reverse=True)
    levels = [(rep.group.name, rep.group.order, size) for rep, size, _ in found]
    return found[0][0], found[0][2], other_levels(levels)


def _measure(ruler: Ruler, images: Points) -> TriedElement:
    matrix = np.eye(len(images))[images].T
    moved = images != np.arange(len(images))
    order, power = 1, images
    while (power != np.arange(len(images))).any():
        order, power = order + 1, images[power]
    violation = 1.0
    if moved.any():
        violation = float(ruler.violations(matrix[None], [moved], np.eye(len(images)))[0])
    return TriedElement(order, matrix, moved, violation)


def _images(candidate: TriedElement) -> Points:
    return np.asarray(candidate.matrix.argmax(0), dtype=np.int64)


def _generated(members: list[Points]) -> Any:
    """The group that permutations generate, by a few of them."""
    from sympy.combinatorics import Permutation, PermutationGroup

    group = PermutationGroup([Permutation(list(range(len(members[0]))))])
    kept: list[Points] = []
    for images in members:
        if not _contains(group, images):
            kept.append(images)
            group = PermutationGroup([Permutation(each.tolist()) for each in kept])
    return group


def _contains(group: Any, images: Points) -> bool:
    from sympy.combinatorics import Permutation

    return bool(group.contains(Permutation(images.tolist())))
