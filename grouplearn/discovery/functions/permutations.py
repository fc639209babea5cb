"""The permutations of coordinates that a function does not see."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.invariance import Candidate
from grouplearn.discovery.functions.linear import Invariance
from grouplearn.discovery.functions.probes import EXACT, TOLERANCE, Probe, Ruler
from grouplearn.discovery.permutations.automorphisms import automorphisms
from grouplearn.groups import CyclicGroup
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.representations import FixedRepresentation

_ROWS = 512
_IGNORED = 1e-6
_LOOSE = 0.2
_INPUTS = 1 << 15
_ALL = 6
_CANDIDATES = 200
_SWAPS = 300

Array = NDArray[np.float64]
Points = NDArray[np.int64]


def search_permutations(probe: Probe, x: Float[np.ndarray, "N d"], seed: int) -> Invariance:
    """Find the permutations of coordinates that a function does not see.

    Args:
        probe: the function.
        x: (N, d) samples to learn from.
        seed: of the random inputs and of the search.

    Returns:
        The group and what else was tried.
    """
    dim = x.shape[1]
    rng = np.random.default_rng(seed)
    # Entries drawn from all coordinates alike: every permutation keeps this distribution.
    pooled = rng.choice(x.ravel(), size=(_INPUTS, dim))
    proposals: dict[bytes, Points] = {}
    seen = np.zeros(dim, dtype=bool)
    for rows in (pooled, x):
        gradients = probe.gradients(rows, seed)
        power = (gradients**2).sum(1).mean(0)
        seen |= power > _IGNORED * power.max()
    points = np.flatnonzero(seen)
    for rows in (pooled, x):
        for each in _proposals(probe, rows, points, seed) if len(points) > 1 else []:
            images = np.arange(dim)
            images[points] = points[each]
            proposals[images.tobytes()] = images
    for i, j in list(zip(*np.triu_indices(len(points), 1), strict=True))[:_SWAPS]:
        images = np.arange(dim)
        images[points[[i, j]]] = points[[j, i]]
        proposals[images.tobytes()] = images
    ruler = Ruler(probe, x[:_ROWS], seed)
    candidates = sorted(
        (_measure(ruler, images) for images in proposals.values()), key=lambda c: c.violation
    )
    notes = []
    if len(points) < dim:
        ignored = np.flatnonzero(~seen).tolist()
        notes.append(f"The function ignores coordinates {ignored}; they are kept fixed.")
    # Exact symmetries are not to be mixed with approximate ones.
    limit = max(EXACT, min(TOLERANCE, 2 * candidates[0].violation)) if candidates else 0.0
    passing = [each for each in candidates if each.violation <= limit]
    trivial = FixedRepresentation(CyclicGroup(1), torch.empty(0, dim, dim, dtype=torch.float64))
    if not passing:
        return Invariance(trivial, tuple(candidates), max(len(candidates), 1), tuple(notes))
    generators = _generators([_images(each) for each in passing])
    if generators is None:
        notes.append(f"More than {MAX_TABLE_ORDER} permutations leave the function alone.")
        return Invariance(trivial, (), len(candidates), tuple(notes))
    rep = FixedRepresentation.from_permutations(generators, torch.float64)
    members = {np.argmax(each, 0).tobytes() for each in rep.matrices().numpy()}
    outside = [each for each in candidates if _images(each).tobytes() not in members]
    return Invariance(rep, tuple(outside), len(candidates), tuple(notes))


def _proposals(probe: Probe, rows: Array, points: Points, seed: int) -> list[Points]:
    """Automorphisms of matrices of gradients and inputs."""
    if len(points) <= _ALL:
        return [np.array(each) for each in permutations(range(len(points)))][1:]
    u, x, values = probe.gradients(rows, seed)[:, :, points], rows[:, points], probe.values(rows)
    length = (u**2).sum((1, 2))
    u = u / np.sqrt(length + np.median(length))[:, None, None]
    weight = np.tanh((values - values.mean(0)).sum(1) / values.sum(1).std())
    square = np.tanh((x / np.median(np.abs(x))) ** 2)
    matrices = [
        np.einsum("nki,nkj->ij", u, u),
        np.einsum("n,nki,nkj->ij", weight, u, u),
        np.einsum("nki,nj->ij", u, x),
        np.einsum("nki,nj->ij", u, square - square.mean()),
        np.einsum("nki,nj->ij", u**2, x - x.mean()),
    ]
    # A matrix that is nothing but noise would rule out every permutation.
    halves = [np.einsum("nki,nkj->ij", u[k::2], u[k::2]) for k in range(2)]
    noise = float(np.linalg.norm(halves[0] - halves[1]))
    loud = [each for each in matrices if np.linalg.norm(each) > 4 * noise]
    found = automorphisms(loud or matrices[:1], tolerance=_LOOSE, seed=seed)
    return [*found.generators, *(points for points, _ in found.candidates[:_CANDIDATES])]


def _measure(ruler: Ruler, images: Points) -> Candidate:
    matrix = np.eye(len(images))[images].T
    moved = images != np.arange(len(images))
    order, power = 1, images
    while (power != np.arange(len(images))).any():
        order, power = order + 1, images[power]
    violation = 1.0
    if moved.any():
        violation = float(ruler.violations(matrix[None], [moved], np.eye(len(images)))[0])
    return Candidate(order, matrix, moved, violation)


def _images(candidate: Candidate) -> Points:
    return np.asarray(candidate.matrix.argmax(0), dtype=np.int64)


def _generators(members: list[Points]) -> list[Points] | None:
    """A few of the permutations that generate the same group; None when it is too large."""
    from sympy.combinatorics import Permutation, PermutationGroup

    group = PermutationGroup([Permutation(list(range(len(members[0]))))])
    kept: list[Points] = []
    for images in members:
        if not group.contains(Permutation(images.tolist())):
            kept.append(images)
            group = PermutationGroup([Permutation(each.tolist()) for each in kept])
    return kept if int(group.order()) <= MAX_TABLE_ORDER else None
