"""Finding a finite group that acts linearly, in any basis, on data with or without labels."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.evidence.actions import Matrices
from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.continuous import Continuous
from grouplearn.discovery.linear.data import Whitened, whitened
from grouplearn.discovery.linear.evidence import LinearJudge
from grouplearn.discovery.linear.jury import LinearJury
from grouplearn.discovery.linear.ladder import rivals
from grouplearn.discovery.linear.proposed import Proposed
from grouplearn.discovery.linear.search import Candidate, LinearSearch, remarks, search
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.result import Discovery, Rung
from grouplearn.discovery.rule import Rule
from grouplearn.groups import CyclicGroup, DihedralGroup, real_irreps
from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)

_WHO = "discover"
_FEWEST_GROUPS = 16
_FEWEST_ROWS = 4
_SAME = 0.05


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
    moments, then on fine structure of all rows, and the result is judged.

    Where columns are constant or depend on others, the group acts as the identity on the directions
    in which nothing varies. Subspaces that turn continuously come as generators in `lie_algebra`.

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
        InputError: fewer than two coordinates, not more samples than coordinates, or nothing that
            varies.

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
        return _nothing(data.space, (), (*_unvaried(data), refusal))
    jury = LinearJury.of(
        sample, data, Rule(level=level), max_moment=max_moment, seed=seed, deadline=start + budget
    )
    rng = np.random.default_rng(seed)
    found = search(data, jury, rng)
    found.notes += _unvaried(data)
    if data.isotropic:
        found.notes.append("The covariance is isotropic within noise; the action is orthogonal.")
    if max_moment == 2:
        found.notes.append("Means and covariances alone were asked: this is a proposal.")
    return _conclude(data, found, LinearJudge(data.half(1), max_moment, level, seed))


def check_linear_group(
    sample: Sample,
    representation: LearnedRepresentation,
    *,
    max_moment: int = 3,
    level: float = 0.01,
    seed: int = 0,
) -> Rung:
    """Hold a given action against data.

    The randomisation test of `grouplearn.discovery.invariance_test`, as in
    `discover_linear`.

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
    if representation.dim != data.space:
        refuse(
            "check_linear_group", "representation", f"of dimension {data.space}, as the rows are",
            representation.dim, "pass a representation on the rows' coordinates",
        )  # fmt: skip
    refusal = _too_little(data)
    if refusal is not None:
        refuse("check_linear_group", "sample", "large enough to test", refusal, "give more samples")
    there, back = data.completed, np.concatenate([data.colour, data.unvaried], axis=1)
    jury = LinearJury.of(
        sample, data, Rule(level=level), max_moment=max_moment, seed=seed, deadline=math.inf,
        coordinates=there,
    )  # fmt: skip
    members = representation.matrices().detach().double().cpu().numpy()
    group = representation.group
    if group.order == 1:
        return Rung(group.name, 1, representation.generators().detach().double().cpu(), (), True)
    found = jury.asked(jury.units, Matrices(there @ members @ back))
    generators = representation.generators().detach().double().cpu()
    accepted = jury.rule.verdict(found) in ("exact", "approximate")
    return Rung(group.name, group.order, generators, jury.rule.evidence(found), accepted)


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


def _unvaried(data: Whitened) -> list[str]:
    """A sentence on directions in which nothing varies."""
    lost = data.space - data.dim
    if not lost:
        return []
    which = "one direction" if lost == 1 else f"{lost} directions"
    return [
        f"Nothing varies in {which} of the {data.space}, as columns are constant or depend on "
        f"others: symmetries are sought in the other {data.dim}, and leave these as they are."
    ]


def _nothing(dim: int, ladder: tuple[Rung, ...], notes: Sequence[str]) -> Discovery:
    one = FixedRepresentation(CyclicGroup(1), torch.zeros(0, dim, dim, dtype=torch.float64))
    zero = torch.zeros(1, dtype=torch.float64)
    members = torch.eye(dim, dtype=torch.float64)[None]
    return Discovery(
        one, members, zero, zero.clone(), 1.0, 1.0, ladder, True, "linear", tuple(notes)
    )


def _conclude(data: Whitened, found: LinearSearch, judge: LinearJudge) -> Discovery:
    """Choose the largest group that is accepted, and set it among its rivals."""
    zero = torch.zeros(0, data.space, data.space, dtype=torch.float64)
    identity = Rung("C1", 1, zero, (), True)
    accepted = [each for each in found.candidates if each.accepted]
    rungs = [_rung(data, found, each, False) for each in found.candidates]
    if not accepted:
        still = np.eye(data.dim)[None]
        notes = [*remarks(found.frame, found.last, found.turning, still), *found.notes]
        nothing = _nothing(data.space, (identity, *rungs), notes)
        return _with_turns(nothing, data, found.turning)
    best = _best(accepted)
    outside = [each for each in found.candidates if not _within(each, best)]
    outside += (
        [] if found.jury.expired else [found.judge(a, effects=False) for a in _rivals(best.action)]
    )
    inside = [each for each in found.candidates if _within(each, best)]
    rungs = [identity, *(_rung(data, found, each, each.accepted) for each in inside)]
    rungs += [_rung(data, found, each, False) for each in outside]
    effects = [each.finding.effect for each in outside if not math.isnan(each.finding.effect)]
    members = best.action.members()
    measured = [judge.member(judge.kinds[-1], matrix, members.mean(0)) for matrix in members[1:]]
    representation = _representation(data, best.action)
    turns = best.action.turns if isinstance(best.action, WhitenedAction) else found.last
    whole = Discovery(
        representation, representation.matrices().detach(),
        torch.tensor([0.0, *(e.violation for e in measured)], dtype=torch.float64),
        torch.tensor([0.0, *(e.noise for e in measured)], dtype=torch.float64),
        min(effects, default=math.inf) / max(best.finding.effect_bound, 1e-300),
        best.finding.p_value, tuple(rungs), best.verdict == "exact", "linear",
        (*remarks(found.frame, turns, found.turning, members), *found.notes),
        effect=best.finding.effect, effect_bound=best.finding.effect_bound,
        region=_region(best, outside, found.jury.rule.level),
    )  # fmt: skip
    return _with_turns(whole, data, found.turning)


def _with_turns(found: Discovery, data: Whitened, turning: Continuous) -> Discovery:
    """What was found, with the generators of continuous turns in the basis of the data.

    Where there are such turns alone, the p-value and the effect are theirs.
    """
    if not len(turning.algebra):
        return found
    algebra = torch.as_tensor(data.generators(turning.algebra))
    if found.found:
        return replace(found, lie_algebra=algebra)
    return replace(
        found, lie_algebra=algebra, exact=turning.exact,
        p_value=min(each.p_value for each in turning.findings),
        effect=max(each.effect for each in turning.findings),
        effect_bound=max(each.effect_bound for each in turning.findings),
    )  # fmt: skip


def _best(accepted: list[Candidate]) -> Candidate:
    """The largest exact group; where none is exact, the largest approximate one.

    Of two of one order the one of turns and reflections, whose basis is refined on all rows.
    """
    exact = [each for each in accepted if each.verdict == "exact"]
    return max(
        exact or accepted,
        key=lambda each: (each.action.group.order, isinstance(each.action, WhitenedAction)),
    )


def _within(candidate: Candidate, best: Candidate) -> bool:
    """Are all its elements, nearly, elements of the best one?"""
    members = best.action.members()
    dim = members.shape[-1]
    return all(
        np.linalg.norm(members - matrix, axis=(1, 2)).min() < _SAME * math.sqrt(dim)
        for matrix in candidate.action.generators()
    )


def _region(best: Candidate, outside: list[Candidate], level: float) -> tuple[str, ...]:
    """Groups that contain the claimed one and that nothing rejects."""
    above = [
        each.action.group.name
        for each in outside
        if _within(best, each) and each.finding.p_value > level
    ]
    return tuple(dict.fromkeys(above))


def _rivals(action: WhitenedAction | Proposed) -> list[WhitenedAction]:
    return rivals(action) if isinstance(action, WhitenedAction) else []


def _rung(data: Whitened, found: LinearSearch, candidate: Candidate, accepted: bool) -> Rung:
    generators = torch.as_tensor(data.given(candidate.action.generators()))
    group = candidate.action.group
    evidence = found.jury.rule.evidence(candidate.finding)
    return Rung(group.name, group.order, generators, evidence, accepted)


def _representation(data: Whitened, action: WhitenedAction | Proposed) -> LearnedRepresentation:
    """The action in the basis of the data, closing exactly."""
    group = action.group
    if isinstance(action, Proposed) or not isinstance(group, CyclicGroup | DihedralGroup):
        return FixedRepresentation(group, torch.as_tensor(data.given(action.generators())))
    basis = np.concatenate([data.colour @ action.basis, data.unvaried], axis=1)
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
    action: WhitenedAction, basis: NDArray[np.float64]
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
