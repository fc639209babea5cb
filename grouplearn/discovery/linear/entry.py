"""Finding a finite group that acts linearly, in any basis, on data with or without labels."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.linear.action import Action
from grouplearn.discovery.linear.data import Whitened, whitened
from grouplearn.discovery.linear.evidence import Judge
from grouplearn.discovery.linear.fit import fitted
from grouplearn.discovery.linear.harmonics import group_harmonics, harmonics
from grouplearn.discovery.linear.ladder import chance, rivals, subgroups
from grouplearn.discovery.linear.search import ASKED, Candidate, Search, holds, remarks, search
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.result import Discovery, Evidence, Rung
from grouplearn.groups import CyclicGroup, DihedralGroup, real_irreps
from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)

_WHO = "discover"
_FEWEST_GROUPS = 16
_FEWEST_ROWS = 4


def discover_linear(
    sample: Sample,
    *,
    max_moment: int = 3,
    level: float = 0.01,
    seed: int = 0,
    time_budget: float | None = None,
) -> Discovery:
    """Find a cyclic, dihedral or small abelian group of matrices that keeps the distribution.

    Whitening makes every action that keeps the covariance orthogonal. Then E[f y y^T] and
    contractions of third and fourth moments commute with it, so that their eigenspaces, lines and
    planes, are kept: a line up to a sign, a plane up to a turn (or a reflection). A mean of a
    product of exponentials exp(i a . theta) that is surely not zero forbids every turn that moves
    it: the surviving exponents a span a lattice, whose dual is the group, with its order. Phases
    decide whether a reflection extends it. The basis is refined on second, third and fourth
    moments, and the result judged on the bootstrap groups that did not propose it.

    Found are groups of order 2 to 12 in each cyclic factor, and their dihedral extensions, if their
    commuting moments tell inequivalent irreps apart. Subspaces in which nothing tells directions
    apart are reported as round, and nothing is claimed from them.

    Args:
        sample: rows, with bootstrap groups and, where wanted, labels that the action keeps.
        max_moment: 2 proposes; 3 also asks third moments and the characteristic function, 4 also
            fourth moments.
        level: of the tests that accept, 0 to 1.
        seed: of every random choice.
        time_budget: seconds after which no further candidate is judged; None for no limit.

    Returns:
        What was found, in the basis of the data; the group C1 where nothing was.

    Raises:
        InputError: fewer than two coordinates, not more samples than coordinates, or constant or
            linearly dependent columns.

    Cost:
        O(R d^4 / 4) time for fourth moments of R rows; O(R d^2) memory.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.standard_normal((4000, 2)) @ np.array([[2.0, 1.0], [0.0, 1.0]])
        >>> groups = rng.integers(0, 32, 4000)
        >>> discover_linear(Sample(rows, np.ones(4000), groups, None)).group.name
        'C1'
    """
    start = time.monotonic()
    max_moment = positive_int(_WHO, "max_moment", max_moment, 2)
    level = finite_number(_WHO, "level", level, positive=True)
    budget = math.inf if time_budget is None else finite_number(_WHO, "time_budget", time_budget)
    data = whitened(_WHO, sample, level)
    refusal = _too_little(data)
    if refusal is not None:
        return _nothing(data.dim, (), (refusal,))
    judge = Judge(data.half(1), max_moment, level, seed)
    rng = np.random.default_rng(seed)
    found = search(data, judge, rng, lambda: time.monotonic() - start > budget)
    if data.isotropic:
        found.notes.append("The covariance is isotropic within noise; the action is orthogonal.")
    if max_moment == 2:
        found.notes.append("A proposal only: moments above the second were not asked.")
    return _conclude(data, found, rng)


def check_linear_group(
    sample: Sample,
    representation: LearnedRepresentation,
    *,
    max_moment: int = 3,
    level: float = 0.01,
    seed: int = 0,
) -> Rung:
    """Hold a given action against data.

    As in `discover_linear`, the rows of odd bootstrap groups judge. For cyclic and dihedral groups
    the rows of even groups tell which harmonics survive in the planes of the action; a turn that
    would move one of them is rejected by "kernel".

    Args:
        sample: rows, with bootstrap groups and, where wanted, labels that the action keeps.
        representation: of any group, on R^d in the basis of the rows.
        max_moment: 2, 3 (and the characteristic function) or 4.
        level: of the sign-flip test over the bootstrap groups.
        seed: of every random choice.

    Returns:
        The evidence, one entry per kind, and whether all of it speaks for the action.

    Raises:
        InputError: the dimensions differ, the sample is refused by `discover_linear`, or is too
            small to test.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.exponential(size=(4000, 2))
        >>> sample = Sample(rows, np.ones(4000), rng.integers(0, 32, 4000), None)
        >>> flip = FixedRepresentation(CyclicGroup(2), torch.tensor([[[-1.0, 0.0], [0.0, 1.0]]]))
        >>> check_linear_group(sample, flip).accepted
        False
    """
    data = whitened("check_linear_group", sample, level)
    if representation.dim != data.dim:
        refuse(
            "check_linear_group", "representation", f"of dimension {data.dim}, as the rows are",
            representation.dim, "pass a representation on the rows' coordinates",
        )  # fmt: skip
    refusal = _too_little(data)
    if refusal is not None:
        refuse("check_linear_group", "sample", "large enough to test", refusal, "give more samples")
    judge = Judge(data.half(1), max_moment, level, seed)
    generators = representation.generators().detach().double().cpu()
    members = data.whiten @ representation.matrices().detach().double().cpu().numpy() @ data.colour
    matrices = data.whiten @ generators.numpy() @ data.colour
    action = fitted(representation.group, matrices)
    if action is not None:
        known = harmonics(data.half(0), action.frame())
        judge.harmonics = [each.exponents for each in known[:ASKED]]
    evidence = judge.evidence(matrices, members.mean(0), action)
    group = representation.group
    return Rung(group.name, group.order, generators, evidence, holds(evidence))


def _too_little(data: Whitened) -> str | None:
    if data.count < _FEWEST_GROUPS:
        return (
            f"{data.count} independent groups of samples are too few: {_FEWEST_GROUPS} are needed."
        )
    size = int(np.bincount(data.groups).min())
    if size < _FEWEST_ROWS * data.dim:
        return (
            f"The smallest of {data.count} groups of samples has {size} samples; "
            f"{_FEWEST_ROWS * data.dim} are needed in {data.dim} dimensions."
        )
    return None


def _nothing(dim: int, ladder: tuple[Rung, ...], notes: Sequence[str]) -> Discovery:
    one = FixedRepresentation(CyclicGroup(1), torch.zeros(0, dim, dim, dtype=torch.float64))
    zero = torch.zeros(1, dtype=torch.float64)
    members = torch.eye(dim, dtype=torch.float64)[None]
    return Discovery(
        one, members, zero, zero.clone(), 1.0, 1.0, ladder, True, "linear", tuple(notes)
    )


def _conclude(data: Whitened, found: Search, rng: np.random.Generator) -> Discovery:
    """Choose the largest group that is accepted, and set it among its rivals."""
    identity = Rung("C1", 1, torch.zeros(0, data.dim, data.dim, dtype=torch.float64), (), True)
    accepted = [each for each in found.candidates if each.accepted]
    if not accepted:
        rejected = sorted(found.candidates, key=lambda c: max(e.violation for e in c.evidence))
        rungs = [_rung(data, each.action, each.evidence, False) for each in rejected]
        notes = [*remarks(found.frame, found.last), *found.notes]
        return _nothing(data.dim, (identity, *rungs), notes)
    best = _best(accepted)
    judged = [Candidate(a, found.judge.judge(a)) for a in rivals(best.action)]
    larger = [c for c in found.candidates if c.action.group.order > best.action.group.order]
    outside = [*larger, *judged]
    outside.sort(key=lambda each: max(e.violation for e in each.evidence))
    evidence = _beside(best.evidence, outside)
    inner = [(a, found.judge.judge(a)) for a in subgroups(best.action)]
    rungs = [
        identity,
        *(_rung(data, action, each, True) for action, each in inner),
        _rung(data, best.action, evidence, True),
        *(_rung(data, each.action, each.evidence, False) for each in outside),
    ]
    representation = _representation(data, best.action)
    gap, kind = _gap(best.evidence, outside)
    violations, noise = _of_members(found, best.action, kind)
    return Discovery(
        representation, representation.matrices().detach(), violations, noise, gap,
        _p_value(data, found, best.action, rng), tuple(rungs), best.exact, "linear",
        (*remarks(found.frame, best.action.turns), *found.notes),
    )  # fmt: skip


def _best(accepted: list[Candidate]) -> Candidate:
    """The largest; an exact group is not traded for a larger one that is only approximate.

    But for one within twice the noise, as the error of the refined basis may leave it, and for its
    own dihedral extension, whose phases have been asked besides.
    """
    best = ([each for each in accepted if each.close] or accepted)[-1]
    turns = best.action.turns
    wider = [c for c in accepted if c.action.signs is not None and c.action.turns is turns]
    return [best, *wider][-1]


def _beside(evidence: tuple[Evidence, ...], outside: list[Candidate]) -> tuple[Evidence, ...]:
    """The evidence, with the violation of the nearest rival that each kind rejects."""
    out = []
    for position, each in enumerate(evidence):
        beyond = [rival.evidence[position] for rival in outside]
        seen = [other.violation for other in beyond if other.verdict != "exact"]
        out.append(replace(each, next_candidate=min(seen, default=math.inf)))
    return tuple(out)


def _gap(evidence: tuple[Evidence, ...], outside: list[Candidate]) -> tuple[float, str]:
    """How much further the nearest rival is, by the kind of evidence that tells it best."""
    gap, kind = math.inf, evidence[-1].kind
    for rival in outside:
        ratios = [
            theirs.violation / max(own.violation, own.noise, 1e-300)
            for own, theirs in zip(evidence, rival.evidence, strict=True)
        ]
        if max(ratios) < gap:
            gap, kind = max(ratios), evidence[int(np.argmax(ratios))].kind
    return gap, kind


def _of_members(found: Search, action: Action, kind: str) -> tuple[Tensor, Tensor]:
    """Violation and noise of every element, by the kind of evidence that tells rivals best."""
    members = action.members()
    every = [found.judge.member(kind, matrix, members.mean(0)) for matrix in members[1:]]
    pair = torch.tensor([(0.0, 0.0), *((e.violation, e.noise) for e in every)], dtype=torch.float64)
    return pair[:, 0].clone(), pair[:, 1].clone()


def _p_value(data: Whitened, found: Search, action: Action, rng: np.random.Generator) -> float:
    keys = found.judge.harmonics
    values = group_harmonics(data.half(1), action.frame(), keys).mean(0)
    return chance(action, np.array(keys), (np.abs(values) ** 2).sum(1), rng)


def _rung(data: Whitened, action: Action, evidence: tuple[Evidence, ...], accepted: bool) -> Rung:
    generators = torch.as_tensor(data.colour @ action.generators() @ data.whiten)
    return Rung(action.group.name, action.group.order, generators, evidence, accepted)


def _representation(data: Whitened, action: Action) -> LearnedRepresentation:
    """The action in the basis of the data, closing exactly."""
    group = action.group
    basis = data.colour @ action.basis
    if not isinstance(group, CyclicGroup | DihedralGroup):
        generators = data.colour @ action.generators() @ data.whiten
        return FixedRepresentation(group, torch.as_tensor(generators))
    columns = _columns(action, basis)
    counts, ordered = [], []
    for irrep in real_irreps(group):
        own = columns.get((irrep.frequency, irrep.reflection, irrep.dim), [])
        counts.append(len(own))
        ordered += own
    return SpectralRepresentation.from_basis(
        group, counts, torch.as_tensor(np.concatenate(ordered, axis=1))
    )


def _columns(
    action: Action, basis: NDArray[np.float64]
) -> dict[tuple[int, int, int], list[NDArray[np.float64]]]:
    """Columns of the basis by frequency, reflection and dimension of their irrep."""
    n, dihedral = action.turns.orders[0], action.signs is not None
    cut = 2 * action.planes
    out: dict[tuple[int, int, int], list[NDArray[np.float64]]] = {}
    for j in range(action.planes):
        k = round(action.turns.angles[0, j] * n) % n
        pair = basis[:, 2 * j : 2 * j + 2]
        if 2 * k % n == 0:
            out.setdefault((k, 1, 1), []).append(pair[:, :1])
            out.setdefault((k, -1 if dihedral else 1, 1), []).append(pair[:, 1:])
        else:
            turned = pair if 2 * k < n else pair * np.array([1.0, -1.0])
            out.setdefault((min(k, n - k), 1, 2), []).append(turned)
    for j in range(cut, basis.shape[1]):
        line = j - cut
        inside = line < action.lines
        k = round(action.turns.angles[0, action.planes + line] * n) % n if inside else 0
        sign = action.signs[line] if action.signs is not None and inside else 1
        out.setdefault((k, sign, 1), []).append(basis[:, j : j + 1])
    return out
