"""Choosing the group of a network; and the groups that a discovery on patches offers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grouplearn import CyclicGroup, Discovery, discover
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.pixels import PixelMove
from grouplearn.errors import InputError
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
)
from grouplearn.training import FitOptions, Labelled, Tried, choose, short_runs
from tests.unit.examples import is_helpful


def textures(count: int, seed: int = 0) -> torch.Tensor:
    """Skewed smooth noise with no preferred direction: each picture is a random element of D4."""
    rng = np.random.default_rng(seed)
    noise = rng.exponential(size=(count, 14, 14))
    kernel = np.array([[0.2, 1.0, 0.5], [0.1, 2.0, 0.3], [0.0, 0.4, 0.1]])
    images = np.zeros((count, 12, 12))
    for i in range(3):
        for j in range(3):
            images += kernel[i, j] * noise[:, i : i + 12, j : j + 12]
    for k in range(count):
        images[k] = np.rot90(images[k], int(rng.integers(4)))
        images[k] = images[k].T if rng.random() < 0.5 else images[k]
    return torch.tensor(images / images.max(), dtype=torch.float32)


def names(domain: ImageDomain, rep: LearnedRepresentation) -> set[str]:
    return {str(move) for move in domain.extend(rep)}


@pytest.mark.slow
def test_groups_of_the_ladder_act_on_kernels_of_any_size() -> None:
    domain = ImageDomain(4)
    found = domain.discover(textures(1500))
    assert found.group.name == "D4", found.summary()
    kernels = domain.on_kernels(found.representation, 3)
    assert kernels.group == found.group
    assert names(ImageDomain(3), kernels) == names(domain, found.representation)
    groups = domain.network_groups(found, 5)
    assert [rep.group.order for rep in groups] == [1, 2, 2, 2, 4, 4, 4, 8]
    assert {rep.dim for rep in groups} == {25}
    assert all(rep.dtype == torch.float32 for rep in groups)


def test_flips_that_the_data_tell_apart_are_both_offered() -> None:
    """Conjugate in D4, but no quarter turn is a symmetry of a gradient from top to bottom."""
    images = textures(600)
    images = images * torch.linspace(0.2, 1, 12)[:, None]
    domain = ImageDomain(3)
    found = domain.discover(images, max_moment=2)
    assert found.group.order < 8
    offered = [names(domain, rep) - {"identity"} for rep in domain.network_groups(found)]
    assert set() in offered
    flips = [each for each in offered if each in ({"flip"}, {"flip-up-down"})]
    assert len(flips) in (0, 2)


@pytest.mark.usefixtures("as_in_production")
def test_what_does_not_extend_is_refused() -> None:
    domain = ImageDomain(3)
    cyclic = FixedRepresentation.from_permutations([[*range(1, 9), 0]])
    negative = PixelMove("half-turn", negative=True).matrix(3)
    signed = FixedRepresentation(CyclicGroup(2), negative.unsqueeze(0))
    for rep, got in ((cyclic, "no extension"), (signed, "negative half-turn")):
        with pytest.raises(InputError) as problem:
            domain.on_kernels(rep, 3)
        assert is_helpful(problem, "whose elements extend to whole images", got)
    with pytest.raises(InputError, match="kernel_size must be an integer >= 1"):
        domain.on_kernels(cyclic, 0)
    rows = np.random.default_rng(0).exponential(size=(500, 9)) * np.arange(1, 10)
    other: Discovery = discover(rows, action="signed")
    with pytest.raises(InputError, match="found must be of permutations"):
        domain.network_groups(other)


def test_nothing_found_offers_the_trivial_group() -> None:
    rng = np.random.default_rng(0)
    rows = rng.gamma(np.arange(1, 10), size=(3000, 9)) @ rng.normal(size=(9, 9))
    found = discover(rows)
    (only,) = ImageDomain(3).network_groups(found)
    assert only.group == CyclicGroup(1)
    assert only.matrices().shape == (1, 9, 9)


def moves(*grid: str) -> FixedRepresentation:
    matrices = [PixelMove(name).matrix(3).float() for name in grid]
    group = {0: CyclicGroup(1), 1: CyclicGroup(4 if grid[:1] == ("quarter-turn",) else 2)}[
        len(grid)
    ]
    return FixedRepresentation(group, torch.stack(matrices) if grid else torch.empty(0, 9, 9))


def bars(count: int, seed: int) -> Labelled:
    """Bars on the left or the right half, any height: the flip exchanges the classes."""
    rng = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 2
    x = 0.3 * torch.randn(count, 1, 8, 8, generator=rng)
    for k in range(count):
        row = int(torch.randint(8, (), generator=rng))
        x[k, 0, row, 4 * int(y[k]) : 4 * int(y[k]) + 4] += 2 * torch.tensor([1.0, 2.0, 3.0, 4.0])
        x[k, 0, row] *= 1 if y[k] else -1
    return Labelled(x, y)


def build(rep: LearnedRepresentation, rng: torch.Generator) -> nn.Module:
    return LGCNN(Pattern(1, 2, (2, 4, 4)), rep, rng=rng)


@pytest.mark.slow
def test_short_runs_choose_and_leave_evidence() -> None:
    train, held = bars(120, 0), bars(60, 1)
    told: list[Tried] = []
    candidates = [moves("quarter-turn"), moves("half-turn"), moves("flip"), moves()]
    options = FitOptions(epochs=3, batch_size=20)
    choice = choose(candidates, build, train, held, options=options, watch=told.append)
    assert [each.rep.group.order for each in told[:4]] == [1, 2, 2, 4], "smallest first"
    assert [each.rep for each in choice.tried] == [each.rep for each in told[:4]]
    last = {each.rep: each for each in told}
    assert tuple(last[each.rep] for each in choice.tried) == choice.tried
    scores = {each.rep: each.score for each in choice.tried}
    assert scores[choice.rep] == max(score for score in scores.values() if score is not None)
    assert "<- chosen" in choice.summary()
    again = choose(candidates, build, train, held, options=options)
    assert [each.scores for each in again.tried] == [each.scores for each in choice.tried]


def test_short_runs_are_short() -> None:
    """Of much data 3,000 samples and 1,500 steps of 32; of little, half of what training sees."""
    wide = FitOptions(epochs=20, batch_size=128, patience=3, seed=7, precision="bfloat16")
    many = Labelled(torch.zeros(50_000, 1), torch.arange(50_000) % 10)
    train, held_out, short = short_runs(many, wide)
    assert (len(train), len(held_out)) == (3_000, 10_000)
    assert short == replace(wide, epochs=16, batch_size=32, patience=None)
    few = Labelled(torch.arange(100.0)[:, None], torch.arange(100) % 2)
    train, held_out, short = short_runs(few, replace(wide, epochs=6, batch_size=16))
    assert (len(train), len(held_out)) == (75, 25)
    assert (short.epochs, short.batch_size) == (4, 16), "300 samples, which are 4 times 75"
    assert sorted([*train.x[:, 0].tolist(), *held_out.x[:, 0].tolist()]) == list(range(100))
    assert not torch.equal(short_runs(few, replace(wide, seed=8))[1].x, held_out.x)


@pytest.mark.usefixtures("as_in_production")
def test_short_runs_of_what_is_none_are_refused() -> None:
    options: Any = FitOptions()
    seven: Any = Labelled(torch.zeros(7, 1), torch.arange(7) % 2)
    with pytest.raises(InputError, match="data must be 8 samples or more, got 7"):
        short_runs(seven, options)
    seven = torch.zeros(7, 1)
    with pytest.raises(InputError, match="data must be a Labelled, got Tensor"):
        short_runs(seven, options)
    options = None
    with pytest.raises(InputError, match="options must be a FitOptions, got NoneType"):
        short_runs(bars(20, 0), options)


def test_candidates_stay_as_they_are() -> None:
    """So every run starts from the same; `Choice.rep` is what was offered."""
    rep = DenseRepresentation(CyclicGroup(2), 9, rng=torch.Generator().manual_seed(0))
    before, fixed = rep.generators().detach().clone(), moves()
    options = FitOptions(epochs=1, precision="float64")
    choice = choose([fixed, rep], build, bars(40, 0), bars(60, 1), options=options)
    assert [each.rep for each in choice.tried] == [fixed, rep]
    assert torch.equal(rep.generators(), before)
    assert {rep.dtype, fixed.dtype} == {torch.float32}


@pytest.mark.usefixtures("as_in_production")
def test_what_cannot_be_chosen_among_is_refused() -> None:
    untyped: Any = choose
    data = bars(20, 0)
    for candidates, train, held, part in (
        ([CyclicGroup(4)], data, data, "candidates must be a LearnedRepresentation, got CyclicGr"),
        ([moves()], (data.x, data.y), data, "train must be a Labelled, got tuple"),
        ([moves()], data, data.x, "held_out must be a Labelled, got Tensor"),
        ([], data, data, "candidates must be one representation or more"),
    ):
        with pytest.raises(InputError) as problem:
            untyped(candidates, build, train, held)
        assert is_helpful(problem, "choose: ", part)


def test_another_run_has_another_seed() -> None:
    train, held = bars(40, 0), bars(60, 1)
    twins = [moves("flip"), moves("flip")]
    choice = choose(twins, build, train, held, options=FitOptions(epochs=1, seed=4))
    first, second = (each.scores for each in choice.tried)
    assert first == second, "the same group and seeds"
    fresh = choose(twins[:1], build, train, held, options=FitOptions(epochs=1, seed=6))
    assert (first[2],) == fresh.tried[0].scores
    assert choice.rep is twins[0], "equal: the first goes before"


def test_groups_above_a_failure_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """With scores set by hand: the half turn fails, so its quarter turns are passed over."""
    script(monkeypatch, [0.9, 0.95, 0.5])
    candidates = [moves(), moves("flip"), moves("half-turn"), moves("quarter-turn")]
    choice = choose(candidates, build, bars(40, 0), bars(400, 1), options=FitOptions(epochs=1))
    assert [each.score for each in choice.tried] == [0.9, 0.95, 0.5, None]
    assert choice.rep is candidates[1]
    assert "not run: its subgroups fail" in choice.summary()


def script(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """The shares of right answers of the runs are set by hand: the first samples are right."""
    from grouplearn.training import choosing

    left = iter(scores)

    def given(_: Any, data: Labelled, *__: Any, **___: Any) -> torch.Tensor:
        share = next(left)
        if math.isnan(share):
            return torch.full((len(data),), share, dtype=torch.float64)
        return (torch.arange(len(data)) < round(share * len(data))).double()

    monkeypatch.setattr(choosing, "scores", given)


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[FixedRepresentation]:
    """Three candidates; the scores of the runs are set by hand."""
    script(monkeypatch, scores)
    return [moves(), moves("flip"), moves("flip-up-down")]


def test_groups_within_the_error_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.95 +- 0.02 against 0.94 settles nothing; the third, 0.80, is out of the race."""
    candidates = scripted(monkeypatch, [0.94, 0.95, 0.80, 0.96, 0.90])
    told: list[Tried] = []
    choice = choose(candidates, build, bars(40, 0), bars(100, 1), options=FitOptions(epochs=1),
                    watch=told.append)  # fmt: skip
    assert [each.scores for each in choice.tried] == [(0.94, 0.96), (0.95, 0.90), (0.80,)]
    assert [each.rep for each in told] == [*candidates, *candidates[:2]]
    assert choice.rep is candidates[0], "0.95 against 0.925: no third run"
    assert "C1: 95.0 +- 2.2 % in 2 runs <- chosen" in choice.summary()


def test_what_stays_tied_with_the_trivial_group_is_not_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    candidates = scripted(monkeypatch, [0.94, 0.95, 0.80, 0.94, 0.95, 0.94, 0.95])
    choice = choose(candidates, build, bars(40, 0), bars(100, 1), options=FitOptions(epochs=1))
    assert [len(each.scores) for each in choice.tried] == [3, 3, 1]
    assert choice.rep is candidates[0]


def test_the_best_mean_is_chosen_of_what_stays_tied(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = scripted(monkeypatch, [0.70, 0.94, 0.95, 0.94, 0.95, 0.94, 0.95])
    choice = choose(candidates, build, bars(40, 0), bars(100, 1), options=FitOptions(epochs=1))
    assert [len(each.scores) for each in choice.tried] == [1, 3, 3]
    assert choice.rep is candidates[2]


def test_a_lucky_first_run_does_not_shut_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = scripted(monkeypatch, [0.95, 0.95, 0.91, 0.83, 0.83, 0.85, 0.85, 0.93])
    choice = choose(candidates, build, bars(40, 0), bars(100, 1), options=FitOptions(epochs=1))
    assert choice.rep is candidates[2]


def test_a_clear_lead_costs_one_run_each(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = scripted(monkeypatch, [0.70, 0.95, 0.80])
    choice = choose(candidates, build, bars(40, 0), bars(100, 1), options=FitOptions(epochs=1))
    assert choice.rep is candidates[1]
    assert "runs" not in choice.summary()


def test_a_score_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = scripted(monkeypatch, [float("nan")])
    with pytest.raises(InputError, match="held_out must be samples with a finite score, got nan"):
        choose(candidates, build, bars(4, 0), bars(4, 1), options=FitOptions(epochs=1))


def test_no_candidate_is_refused() -> None:
    nothing: Any = []
    with pytest.raises(InputError, match="candidates must be one representation or more"):
        choose(nothing, build, bars(4, 0), bars(4, 1))


class Told(nn.Module):
    """A network that is right on given samples: their column of x says so, whatever is trained."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        right = x[:, self.column] * x[:, 0]
        return torch.stack([-right, right], 1) + 0 * self.weight


def told(count: int, right: dict[int, list[tuple[int, int]]]) -> Labelled:
    """Two classes by turns, +-1 in column 0; column k is 1 in its ranges of samples, -1 outside."""
    x = -torch.ones(count, 1 + max(right))
    y = torch.arange(count) % 2
    x[:, 0] = 2 * y - 1
    for column, ranges in right.items():
        for start, end in ranges:
            x[start:end, column] = 1
    return Labelled(x, y)


@pytest.mark.parametrize(
    ("right", "chosen", "reason"),
    [
        # 500 against 500 of 1,000: no better than the share of the larger class.
        ({1: [(0, 490)], 2: [(0, 510)]}, 1, "no run is better than chance"),
        # 700 against 710, the same 690 among them: +1 % +- 0.5 %, just not clear.
        ({1: [(0, 700)], 2: [(0, 690), (700, 720)]}, 1, "not clearly better"),
        # 700 against 720, all of the 700 among them: +2 % +- 0.44 %.
        ({1: [(0, 700)], 2: [(0, 720)]}, 2, "is the best, by 2.0 +- 0.4 %"),
        # The same numbers, but on other samples: +2 % +- 2.4 %.
        ({1: [(0, 700)], 2: [(280, 1000)]}, 1, "not clearly better"),
    ],
)
def test_a_group_is_chosen_only_where_it_is_clearly_better(
    right: dict[int, list[tuple[int, int]]], chosen: int, reason: str
) -> None:
    held = told(1000, right)
    candidates = [moves(), moves("flip")]
    choice = choose(
        candidates, lambda rep, _: Told(rep.group.order), told(20, {1: [], 2: []}), held,
        options=FitOptions(epochs=1, batch_size=20),
    )  # fmt: skip
    assert choice.rep.group.order == chosen
    assert reason in choice.reason
    assert choice.reason in choice.summary()
    if "not clearly" in reason:
        assert [len(each.scores) for each in choice.tried] == [3, 3], "run again while in doubt"
        needed = int(choice.reason.split("about ")[1].split(" ")[0].replace(",", ""))
        apart = held.x[:, 2] - held.x[:, 1]
        error = float(apart.std()) / 1000**0.5
        assert needed == pytest.approx(1000 * (2 * error / float(apart.mean())) ** 2, abs=1.01)
