"""The linear group that a function does not see: elements found, closed and refined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.discovery.closing import close_matrices
from grouplearn.discovery.functions.invariance import (
    PASSING,
    ROUND,
    Candidate,
    Frame,
    frames,
    is_round,
    mirrors_of,
    turns_of,
)
from grouplearn.discovery.functions.probes import EXACT, LEAST_GAP, TOLERANCE, Probe, Ruler
from grouplearn.groups import CyclicGroup
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

_ROWS = 512
_FIRST, _MORE = 20, 100
_BEST = 12
_ALIKE = 6
_IGNORED = 1e-6
_SAME = 1e-3
_TURNS = 24

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Invariance:
    """What a search found.

    Attributes:
        representation: of the group; of C1 when nothing was found.
        outside: candidates outside the group, best first.
        tried: how many candidates there were.
        notes: sentences.
    """

    representation: LearnedRepresentation
    outside: tuple[Candidate, ...]
    tried: int
    notes: tuple[str, ...]


def search_linear(probe: Probe, x: Float[np.ndarray, "N d"], seed: int) -> Invariance:
    """Find the linear group that a function does not see.

    Args:
        probe: the function.
        x: (N, d) samples to learn from.
        seed: of the random inputs.

    Returns:
        The group and what else was tried.
    """
    seen = _seen(probe, x, seed)
    notes = []
    dim, rank = seen.shape
    inner = Probe(probe.call, torch.zeros(0, dim).to(probe.tensor(x[:1])), seen)
    z = x @ seen
    ruler = Ruler(inner, z[:_ROWS], seed)
    if rank < dim:
        notes.append(f"The function ignores {dim - rank} of {dim} directions; they are kept fixed.")
    best = _Best(_trivial(rank), (False, 1, 0.0), ())
    tried, round_planes = 1, []
    for family in frames(inner, z, seed):
        round_planes += [
            frame.columns[:, 2 * k : 2 * k + 2]
            for frame in family
            for k in range(frame.planes)
            if is_round(ruler, frame, k)
        ]
        for frame in family:
            candidates = turns_of(ruler, frame)
            tried = max(tried, len(candidates))
            rep = _group_in(inner, ruler, frame, candidates)
            if rep is None:
                best = best if best.outside else replace(best, outside=tuple(candidates))
                continue
            between = _between(ruler, rep.matrices().detach().numpy())
            if between and between[-1].violation < ROUND:
                round_planes.append(_moved(rep))
                continue
            best = _better(best, ruler, rep, candidates, between, round_planes)
        if best.rank[0] or round_planes:
            break
    if _moves(best.representation, round_planes):
        best = _Best(_trivial(rank), (False, 1, 0.0), best.outside)
    if round_planes:
        notes.append(
            "The function does not change under any turn of a plane: a continuous rotation, which "
            "is reported as no finite group."
        )
    rep = _lifted(best.representation, seen)
    lifted = [
        Candidate(each.order, _lift(each.matrix, seen), np.ones(dim, dtype=bool), each.violation)
        for each in best.outside
    ]
    return Invariance(rep, tuple(lifted), tried, tuple(notes))


@final
@dataclass(frozen=True)
class _Best:
    """The best group so far; exact ones before large ones before those of small violation."""

    representation: LearnedRepresentation
    rank: tuple[bool, int, float]
    outside: tuple[Candidate, ...]


def _better(
    best: _Best,
    ruler: Ruler,
    rep: LearnedRepresentation,
    candidates: Sequence[Candidate],
    between: Sequence[Candidate],
    round_planes: Sequence[Array],
) -> _Best:
    """The better of the best so far and a new group, if that one holds."""
    elements = rep.matrices().detach().numpy()
    worst = max(ruler.violation(each) for each in elements)
    rank = (worst <= EXACT, rep.group.order, -worst)
    if worst > TOLERANCE or rank <= best.rank:
        return best
    if _moves(rep, round_planes):
        return best
    others = [each for each in candidates if _apart(each.matrix, elements) > 0.1]
    others = sorted([*others, *between[:1]], key=lambda each: each.violation)
    if worst > EXACT and others and others[0].violation < LEAST_GAP * worst:
        return best
    return _Best(rep, rank, tuple(others))


def _moved(rep: LearnedRepresentation) -> Array:
    """Orthonormal basis of what the generators move."""
    gaps = rep.generators().detach().numpy() - np.eye(rep.dim)
    vectors, sizes, _ = np.linalg.svd(np.concatenate(list(gaps), 1))
    return np.asarray(vectors[:, sizes > _SAME * sizes[0]])


def _moves(rep: LearnedRepresentation, planes: Sequence[Array]) -> bool:
    """Does a group move any of these subspaces, in which the function is round?"""
    elements = rep.matrices().detach().numpy()
    return any(np.abs(elements @ plane - plane).max() > 0.1 for plane in planes)


def _seen(probe: Probe, x: Array, seed: int) -> Array:
    """Orthonormal basis of the directions along which the function varies."""
    gradients = probe.gradients(x, seed).reshape(-1, x.shape[1])
    values, vectors = np.linalg.eigh(gradients.T @ gradients / len(gradients))
    return np.asarray(vectors[:, values > _IGNORED * values[-1]])


def _group_in(
    probe: Probe, ruler: Ruler, frame: Frame, candidates: Sequence[Candidate]
) -> LearnedRepresentation | None:
    """The group of the candidates of one frame that can be refined to symmetries."""
    chosen: list[Candidate] = []
    for each in candidates:
        alike = sum(other.order == each.order for other in chosen)
        if each.violation < PASSING and alike < _ALIKE and len(chosen) < _BEST:
            chosen.append(each)

    def refined(candidate: Candidate) -> float:
        return ruler.violation(_refine(probe, ruler, candidate.matrix[None], _FIRST)[0])

    sizes = [refined(each) for each in chosen]
    # Exact symmetries are not to be mixed with approximate ones.
    limit = max(EXACT, min(TOLERANCE, 2 * min(sizes, default=TOLERANCE)))
    good = [each for each, size in zip(chosen, sizes, strict=True) if size <= limit]
    kept = [each.matrix for each in good]
    # Too many to close lie on a circle, which the one of largest order shows best.
    alone = [max(good, key=lambda each: each.order).matrix] if good else []
    kept = _cyclic(kept, len(frame.columns))
    attempts = [kept, alone]
    mirror = next(iter(mirrors_of(ruler, frame)), None)
    if mirror is not None and mirror.violation < PASSING and refined(mirror) <= limit:
        attempts.insert(0, [*kept, mirror.matrix])
    eye = np.eye(len(frame.columns))
    for attempt in attempts:
        rep = close_matrices(attempt, eye, _SAME) if attempt else None
        if rep is None:
            continue
        generators = _refine(probe, ruler, rep.generators().detach().numpy(), _MORE)
        rep = close_matrices(list(generators), eye, 10 * _SAME)
        # Symmetries one by one need not be symmetries together.
        if rep and max(map(ruler.violation, rep.matrices().detach().numpy())) <= 2 * limit:
            return rep
    return None


def _cyclic(matrices: list[Array], dim: int) -> list[Array]:
    """One generator of the group of commuting matrices, where one is enough."""
    rep = close_matrices(matrices, np.eye(dim), _SAME) if len(matrices) > 1 else None
    if rep is None:
        return matrices
    orders = rep.group.element_orders
    if orders.max() < rep.group.order:
        return matrices
    return [rep.matrices().detach().numpy()[int(orders.argmax())]]


def _refine(probe: Probe, ruler: Ruler, generators: Array, steps: int) -> Array:
    """Change the basis of generators so that the function changes least, by L-BFGS."""
    x = torch.as_tensor(ruler.x)
    targets = torch.as_tensor(ruler.values)
    exact = torch.as_tensor(generators)
    scale = targets.var(0).sum()
    change = torch.zeros(exact.shape[1:], dtype=torch.float64, requires_grad=True)
    back = torch.as_tensor(probe.basis)
    optimiser = torch.optim.LBFGS([change], max_iter=steps, line_search_fn="strong_wolfe")

    def conjugated() -> Tensor:
        basis = torch.eye(len(change), dtype=torch.float64) + change
        return basis @ exact @ torch.linalg.inv(basis)

    def loss() -> Tensor:
        moved = (x @ conjugated().mT).flatten(0, 1) @ back.mT
        values = probe.call(moved.to(probe.tensor(ruler.x[:1]))).double().cpu()
        return (values.reshape(len(exact), *targets.shape) - targets).square().mean(
            (0, 1)
        ).sum() / scale

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    with torch.enable_grad():
        start = loss()
        if not start.requires_grad:
            return generators
        optimiser.step(closure)
        end = loss()
    better = bool(torch.isfinite(change).all()) and float(end.detach()) < float(start.detach())
    return conjugated().detach().numpy() if better else generators


def _between(ruler: Ruler, elements: Array) -> list[Candidate]:
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
                found.append(Candidate(0, matrix, moved, ruler.violation(matrix)))
    return sorted(found, key=lambda each: each.violation)


def _apart(matrix: Array, elements: Array) -> float:
    """Relative distance to the nearest element."""
    gaps = np.linalg.norm(elements - matrix, axis=(1, 2))
    return float(gaps.min() / np.linalg.norm(matrix))


def _lift(matrix: Array, seen: Array) -> Array:
    return np.asarray(seen @ matrix @ seen.T + np.eye(len(seen)) - seen @ seen.T)


def _lifted(rep: LearnedRepresentation, seen: Array) -> LearnedRepresentation:
    generators = [_lift(each, seen) for each in rep.generators().detach().numpy()]
    lifted = close_matrices(generators, np.eye(len(seen)), _SAME / 10) if generators else None
    return _trivial(len(seen)) if lifted is None else lifted


def _trivial(dim: int) -> LearnedRepresentation:
    return FixedRepresentation(CyclicGroup(1), torch.empty(0, dim, dim, dtype=torch.float64))
