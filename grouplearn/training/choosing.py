"""Choosing the group of a network: short runs, up the lattice of subgroups, ties run again.

A group is chosen only where its runs are better than chance and than those of the trivial group.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import nn

from grouplearn._checks import instance, refuse
from grouplearn.representations import LearnedRepresentation
from grouplearn.training.choices import Choice, Tried
from grouplearn.training.fitting import FitOptions, fit, scores
from grouplearn.training.labelled import Augmentation, Labelled
from grouplearn.training.objectives import Classification, Objective

_WHO = "choose"
_MOST_RUNS = 3
_CLEAR = 2.0  # standard errors
_STEPS, _BATCH, _SAMPLES, _HELD_OUT = 1_500, 32, 3_000, 10_000
Build = Callable[[LearnedRepresentation, torch.Generator], nn.Module]


def short_runs(data: Labelled, options: FitOptions) -> tuple[Labelled, Labelled, FitOptions]:
    """Samples and options for the runs of `choose`: few samples, and many small steps.

    Few samples, since that is where a symmetry tells most; many steps, since networks far from
    converged show how fast they learn, not what.

    Args:
        data: the samples of the training that will follow.
        options: of that training.

    Returns:
        Up to 3,000 samples to train on; others to judge by, a quarter of all or 10,000; and the
        options with batches of 32 or fewer, and epochs for 1,500 steps of 32, or for half of the
        samples that the training goes through where these are fewer; without patience, in one
        process.

    Raises:
        InputError: an argument has the wrong type, there are fewer than 8 samples, or a part is of
            one class.

    Example:
        >>> data = Labelled(torch.rand(80, 3), torch.arange(80) % 4)
        >>> train, held_out, short = short_runs(data, FitOptions(epochs=12))
        >>> len(train), len(held_out), short.epochs, short.batch_size
        (60, 20, 8, 32)
    """
    for name, given, kind in (("data", data, Labelled), ("options", options, FitOptions)):
        instance("short_runs", name, given, kind, "pass one")
    if len(data) < 8:
        refuse("short_runs", "data", "8 samples or more", len(data), "pass more samples")
    rest, held_out = data.split(min(_HELD_OUT, len(data) // 4), options.seed)
    train = rest.take(slice(0, _SAMPLES))
    batch_size = min(options.batch_size, _BATCH)
    seen = min(_STEPS * batch_size, options.epochs * len(data) // 2)
    epochs = math.ceil(seen / len(train))
    short = replace(options, epochs=epochs, batch_size=batch_size, patience=None, processes=1)
    return train, held_out, short


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
    standard errors below it is worse. A symmetry that costs accuracy is not helped by more
    symmetry, so that most of a lattice need not be run. While several are within one standard error
    of the best, or the best is not told apart from the smallest, these run again with another seed,
    until each has run three times.

    Then the best mean is chosen, of equal ones the smallest group, if two things hold, else the
    smallest candidate: the best is better than chance, where the objective knows what that is, and
    it is better than the smallest candidate, each by two standard errors. The latter is that of
    the mean difference over the samples, which both were judged by.

    Args:
        candidates: one representation of each group, on one space; subgroups are recognised by
            their matrices. `ImageDomain.network_groups` makes them of a discovery. They stay
            as they are: each run has copies.
        build: makes a network for a representation, its weights drawn by the generator; of about as
            many parameters for each, or the comparison says little.
        train: samples of the short runs.
        held_out: others to judge them by, which the final test must not hold.
        options: of the runs; 4 epochs when None. `short_runs` has those that proved their worth.
        objective: as for `fit`.
        augment: as for `fit`.
        watch: told of every candidate, and again when it has run again.

    Returns:
        The choice, with its evidence.

    Raises:
        InputError: no candidate, or a score that is not finite.

    Cost:
        One run for each candidate at most, and three for those that the first does not tell apart.
    """
    if not candidates:
        refuse(_WHO, "candidates", "one representation or more", "none", "pass the trivial group's")
    for rep in candidates:
        instance(_WHO, "candidates", rep, LearnedRepresentation, "pass one for each group")
    for name, part in (("train", train), ("held_out", held_out)):
        instance(_WHO, name, part, Labelled, "pass Labelled(x, y)")
    options = FitOptions(epochs=4) if options is None else options
    instance(_WHO, "options", options, FitOptions, "pass FitOptions(epochs=4), for example")
    ordered = sorted(candidates, key=lambda rep: rep.group.order)
    run = _ShortRun(build, train, held_out, options, objective, augment)
    tried = _all_tried(ordered, run, watch or (lambda _: None))
    return _chosen(tried, (objective or Classification()).chance(held_out.y))


@final
@dataclass(frozen=True)
class _ShortRun:
    """One more run of a candidate, with a seed that it has not had."""

    build: Build
    train: Labelled
    held_out: Labelled
    options: FitOptions
    objective: Objective | None
    augment: Augmentation | None

    def __call__(self, before: Tried) -> Tried:
        count = len(before.scores)
        options = replace(self.options, seed=self.options.seed + count)
        rep = copy.deepcopy(before.rep)  # training may change its weights, and its dtype
        network = self.build(rep, torch.Generator().manual_seed(options.seed))
        run = fit(network, self.train, objective=self.objective, augment=self.augment,
                  options=options)  # fmt: skip
        each = scores(network, self.held_out, self.objective, precision=options.precision)
        score = float(each.mean())
        if not math.isfinite(score):
            refuse(_WHO, "held_out", "samples with a finite score", score,
                   "look for numbers that are not finite in them")  # fmt: skip
        if before.samples is not None:
            each = (count * before.samples + each) / (count + 1)
        return replace(
            before, scores=(*before.scores, score), seconds=before.seconds + run.seconds,
            samples=each,
        )  # fmt: skip


def _all_tried(
    ordered: Sequence[LearnedRepresentation], run: _ShortRun, watch: Callable[[Tried], object]
) -> list[Tried]:
    """Every candidate with its runs: up the lattice, then those again that are not told apart."""
    matrices = [_matrices(rep) for rep in ordered]
    tried: list[Tried] = []
    for number, rep in enumerate(ordered):
        below = [
            k for k in range(number) if len(matrices[k]) > 1 and matrices[k] < matrices[number]
        ]
        hopeful = not below or any(_holds(tried[k], tried[0]) for k in below)
        untried = Tried(rep, (), len(run.held_out), 0.0)
        tried.append(run(untried) if hopeful else untried)
        watch(tried[-1])
    while tied := _tied(tried):
        for k in tied:
            tried[k] = run(tried[k])
            watch(tried[k])
    return tried


def _chosen(tried: Sequence[Tried], chance: float | None) -> Choice:
    """The best, or the smallest where something speaks against it."""
    best = max(tried, key=_score)
    doubt = _doubt(best, tried[0], chance)
    if doubt:
        return Choice(tried[0].rep, tuple(tried), f"{tried[0].rep.group} was taken, since {doubt}.")
    gain = "" if best is tried[0] else f", by {_Gain.of(best, tried[0]).words}"
    return Choice(best.rep, tuple(tried), f"{best.rep.group} is the best{gain}.")


def _tied(tried: Sequence[Tried]) -> list[int]:
    """Those with runs left that are not told apart; none if all are.

    Within one standard error of the best, or the best and the smallest where it is no better.
    """
    best = max(tried, key=_score)
    near = {k for k, each in enumerate(tried) if _score(each) >= _score(best) - best.error}
    if best is not tried[0] and not _Gain.of(best, tried[0]).is_clear:
        near.add(0)
    return [k for k in sorted(near) if len(near) > 1 and len(tried[k].scores) < _MOST_RUNS]


def _doubt(best: Tried, smallest: Tried, chance: float | None) -> str:
    """Why the best is not to be chosen; empty where nothing speaks against it."""
    if chance is not None and _score(best) <= chance + _CLEAR * best.error:
        return (
            f"no run is better than chance ({100 * _score(best):.1f} % at best, and a network that "
            f"has learned nothing is right on {100 * chance:.1f} %)"
        )
    if best is smallest:
        return ""
    gain = _Gain.of(best, smallest)
    if gain.is_clear:
        return ""
    needed = gain.samples_needed
    more = "" if needed is None else f"; about {needed:,} samples held out would tell"
    return f"{best.rep.group}, the best, is not clearly better ({gain.words}{more})"


@final
@dataclass(frozen=True)
class _Gain:
    """How much better one candidate is than another, on the same samples.

    Attributes:
        mean: of the difference of scores.
        error: its standard error.
        count: of samples.
    """

    mean: float
    error: float
    count: int

    @classmethod
    def of(cls, one: Tried, other: Tried) -> _Gain:
        """From runs of both."""
        if one.samples is None or other.samples is None:
            return cls(0.0, math.inf, one.held_out)
        apart = one.samples - other.samples
        count = len(apart)
        error = float(apart.std()) / math.sqrt(count) if count > 1 else math.inf
        return cls(float(apart.mean()), error, count)

    @property
    def is_clear(self) -> bool:
        return self.mean > _CLEAR * self.error

    @property
    def words(self) -> str:
        return f"{100 * self.mean:.1f} +- {100 * self.error:.1f} %"

    @property
    def samples_needed(self) -> int | None:
        """With how many samples the difference would be clear, if it is as it was measured."""
        if not self.mean > 0 or not math.isfinite(self.error):
            return None
        return math.ceil(self.count * (_CLEAR * self.error / self.mean) ** 2)


def _score(candidate: Tried) -> float:
    """The score, below all others where there was no run."""
    return -math.inf if candidate.score is None else candidate.score


def _holds(candidate: Tried, trivial: Tried) -> bool:
    """Is a candidate that ran no worse than the trivial group, by two standard errors?"""
    if candidate.score is None or trivial.score is None:
        return False
    return candidate.score >= trivial.score - _CLEAR * math.hypot(candidate.error, trivial.error)


def _matrices(rep: LearnedRepresentation) -> frozenset[bytes]:
    """The matrices of all elements, to three decimals."""
    rounded = (1000 * rep.matrices().detach()).round().long().cpu()
    return frozenset(matrix.numpy().tobytes() for matrix in rounded)
