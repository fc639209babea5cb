"""Choosing the group of a network: short runs, up the lattice of subgroups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from grouplearn._checks import refuse
from grouplearn.representations import LearnedRepresentation
from grouplearn.training.fitting import FitOptions, evaluate, fit
from grouplearn.training.labelled import Augmentation, Labelled
from grouplearn.training.objectives import Objective

_WHO = "choose"
Build = Callable[[LearnedRepresentation, torch.Generator], nn.Module]


@final
@dataclass(frozen=True)
class Tried:
    """One candidate and how its short run went.

    Attributes:
        rep: the representation.
        score: on the samples held out; None where a smaller group had failed already, so that none
            was run.
        error: standard error of the score from the number of samples held out alone; another seed
            of the short run may move the score by more.
        seconds: of the run.
    """

    rep: LearnedRepresentation
    score: float | None
    error: float
    seconds: float


@final
@dataclass(frozen=True)
class Choice:
    """Result of `choose`.

    Attributes:
        rep: the chosen representation.
        tried: all candidates, in the order in which they were considered.
    """

    rep: LearnedRepresentation
    tried: tuple[Tried, ...]

    def summary(self) -> str:
        """The choice and its evidence in words."""
        lines = []
        for number, each in enumerate(self.tried):
            how = "not run: its subgroups fail" if each.score is None else (
                f"{100 * each.score:.1f} +- {100 * each.error:.1f} %"
            )  # fmt: skip
            mark = " <- chosen" if each.rep is self.rep else ""
            lines.append(f"{number + 1}. {each.rep.group}: {how}{mark}")
        return "; ".join(lines)


def choose(
    candidates: Sequence[LearnedRepresentation],
    build: Build,
    train: Labelled,
    held_out: Labelled,
    *,
    options: FitOptions | None = None,
    objective: Objective | None = None,
    augment: Augmentation | None = None,
    watch: Callable[[Tried], object] | None = None,
) -> Choice:
    """Choose among groups by short training runs, smallest groups first.

    A group is run only if it has no proper subgroup among the candidates but the trivial one, or if
    one of those is no worse than the smallest candidate, which should be the trivial group: two
    standard errors below it is worse. A
    symmetry that costs accuracy is not helped by more symmetry, so that most of a lattice need not
    be run. Of those that ran the one of best score is chosen; a smaller group within one standard
    error of it goes before.

    Args:
        candidates: one representation of each group, on one space; subgroups are recognised by
            their matrices. `ImageDomain.network_groups` makes them of a discovery.
        build: makes a network for a representation, its weights drawn by the generator; of about as
            many parameters for each, or the comparison says little.
        train: samples of the short runs.
        held_out: others to judge them by, which the final test must not hold.
        options: of the runs; 4 epochs when None.
        objective: as for `fit`.
        augment: as for `fit`.
        watch: told of every candidate.

    Returns:
        The choice, with its evidence.

    Raises:
        InputError: no candidate.

    Cost:
        One run for each candidate at most.
    """
    if not candidates:
        refuse(_WHO, "candidates", "one representation or more", "none", "pass the trivial group's")
    options = options or FitOptions(epochs=4)
    ordered = sorted(candidates, key=lambda rep: rep.group.order)
    matrices = [_matrices(rep) for rep in ordered]
    tried: list[Tried] = []
    for number, rep in enumerate(ordered):
        below = [
            k for k in range(number) if len(matrices[k]) > 1 and matrices[k] < matrices[number]
        ]
        hopeful = not below or any(_holds(tried[k], tried[0]) for k in below)
        if hopeful:
            rng = torch.Generator().manual_seed(options.seed)
            network = build(rep, rng)
            run = fit(network, train, objective=objective, augment=augment, options=options)
            score = evaluate(network, held_out, objective, precision=options.precision)
            error = math.sqrt(max(score * (1 - score), 0.0) / len(held_out))
            tried.append(Tried(rep, score, error, run.seconds))
        else:
            tried.append(Tried(rep, None, math.nan, 0.0))
        if watch is not None:
            watch(tried[-1])
    ran: list[Any] = [each for each in tried if each.score is not None]
    best = max(ran, key=lambda each: each.score)
    good = [each for each in ran if each.score >= best.score - best.error]
    chosen = max(good, key=lambda each: (-each.rep.group.order, each.score))
    return Choice(chosen.rep, tuple(tried))


def _holds(candidate: Tried, trivial: Tried) -> bool:
    """Is a candidate that ran no worse than the trivial group, by two standard errors?"""
    if candidate.score is None or trivial.score is None:
        return False
    return candidate.score >= trivial.score - 2 * math.hypot(candidate.error, trivial.error)


def _matrices(rep: LearnedRepresentation) -> frozenset[bytes]:
    """The matrices of all elements, to three decimals."""
    rounded = (1000 * rep.matrices().detach()).round().long().cpu()
    return frozenset(matrix.numpy().tobytes() for matrix in rounded)
