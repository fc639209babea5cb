"""Learning from pairs against least squares, the losses' own values and known actions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grouplearn.errors import InputError, TrainingError
from grouplearn.groups import FiniteGroup
from grouplearn.losses import closure_loss, invertibility_loss, singular_value_loss
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from grouplearn.training import Epoch, PairsFit, Penalties, Schedule, fit_pairs, pair_error
from tests.unit.examples import C, D, cyclic_shift, is_one_line, quarter_turn, seeded

DOUBLE = torch.float64


def correlated(count: int, dim: int, seed: int = 0) -> Tensor:
    """Samples whose second moment has a condition number of about 10^4, as patches have."""
    scales = torch.logspace(0, -2, dim, dtype=DOUBLE)
    basis = torch.linalg.qr(torch.randn(dim, dim, generator=seeded(9), dtype=DOUBLE))[0]
    return torch.randn(count, dim, generator=seeded(seed), dtype=DOUBLE) * scales @ basis.mT


def dense(dim: int, order: int = 4, seed: int = 0) -> DenseRepresentation:
    return DenseRepresentation(C(order), dim, rng=seeded(seed), dtype=DOUBLE)


def error(rep: LearnedRepresentation, truth: Tensor) -> float:
    gap = rep.generators()[0].detach().numpy() - truth.numpy()
    return float(np.linalg.norm(gap) / np.linalg.norm(truth.numpy()))


@pytest.mark.slow
def test_a_free_matrix_becomes_the_least_squares_solution() -> None:
    x = correlated(300, 6)
    noise = torch.randn(300, 6, generator=seeded(1), dtype=DOUBLE)
    y = x @ torch.randn(6, 6, generator=seeded(2), dtype=DOUBLE) + 0.01 * noise
    rep = dense(6)
    fit = fit_pairs(rep, x, y, schedule=Schedule(epochs=600))
    solution, residual, rank, _ = np.linalg.lstsq(x.numpy(), y.numpy(), rcond=None)
    np.testing.assert_allclose(rep.generators()[0].detach().numpy(), solution.T, atol=1e-6)
    assert fit.rank == rank
    expected = math.sqrt(residual.sum() / float(y.square().sum()))
    assert fit.pair_error == pytest.approx(expected, rel=1e-6)
    assert fit.loss < 1e-12


@pytest.mark.slow
def test_combining_the_pairs_beats_bad_conditioning() -> None:
    x, truth = correlated(300, 9), quarter_turn(3)
    errors = {}
    for whiten in (True, False):
        rep = dense(9)
        fit_pairs(rep, x, x @ truth.mT, schedule=Schedule(epochs=400, whiten=whiten))
        errors[whiten] = error(rep, truth)
    assert errors[True] < 1e-5
    assert errors[False] > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_constrained_classes_find_the_turn_from_random_starts(seed: int) -> None:
    x, truth = correlated(200, 9), quarter_turn(3)
    skew = SkewRepresentation(C(4), 9, rng=seeded(seed), dtype=DOUBLE)
    spectral = SpectralRepresentation(C(4), 9, rng=seeded(seed), dtype=DOUBLE)
    for rep in (skew, spectral):
        fit = fit_pairs(rep, x, x @ truth.mT, schedule=Schedule(epochs=500))
        assert error(rep, truth) < 1e-3
        assert fit.pair_error < 1e-3


def test_single_precision_suffices() -> None:
    x, truth = correlated(200, 9).float(), quarter_turn(3).float()
    rep = DenseRepresentation(C(4), 9, rng=seeded())
    fit_pairs(rep, x, x @ truth.mT, schedule=Schedule(epochs=400))
    assert error(rep, truth) < 1e-3


def test_directions_without_data_are_left_alone() -> None:
    x = correlated(200, 6)
    x[:, 4:] = 0
    truth = cyclic_shift(6)
    rep = dense(6)
    before = rep.generators()[0].detach().clone()
    fit = fit_pairs(rep, x, x @ truth.mT, schedule=Schedule(epochs=400))
    after = rep.generators()[0].detach()
    assert fit.rank == np.linalg.matrix_rank(x.numpy()) == 4
    assert fit.pair_error < 1e-5
    np.testing.assert_allclose(after[:, 4:].numpy(), before[:, 4:].numpy(), atol=1e-12)


@pytest.mark.slow
def test_batches_follow_their_seed() -> None:
    x = torch.randn(64, 4, generator=seeded(), dtype=DOUBLE)
    truth = cyclic_shift(4)
    schedule = Schedule(epochs=60, batch_size=10, whiten=False)

    def fitted(seed: int) -> tuple[PairsFit, Tensor]:
        rep = dense(4)
        fit = fit_pairs(rep, x, x @ truth.mT, schedule=schedule, rng=seeded(seed))
        return fit, rep.generators().detach()

    (one, first), (again, second), (_, other) = fitted(1), fitted(1), fitted(2)
    assert one == again
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert one.pair_error < 1e-3


def test_history_records_every_epoch() -> None:
    x = correlated(50, 4)
    seen: list[Epoch] = []
    fit = fit_pairs(
        dense(4), x, x.roll(1, -1), schedule=Schedule(epochs=7, learning_rate=0.1),
        callback=seen.append,
    )  # fmt: skip
    assert tuple(seen) == fit.history
    assert [each.epoch for each in seen] == list(range(1, 8))
    expected = [0.05 * (1 + math.cos(math.pi * k / 7)) for k in range(7)]
    assert [each.learning_rate for each in seen] == pytest.approx(expected)
    assert fit.loss == seen[-1].loss == seen[-1].data
    assert seen[-1].invertibility == seen[-1].closure == seen[-1].singular_values == 0


def test_history_begins_with_the_losses_of_the_start() -> None:
    x = correlated(50, 4)
    y = x.roll(1, -1)
    rep = dense(4)
    with torch.no_grad():
        rep.weight.mul_(1.5)
    a = rep.generators()[0].detach().numpy()
    penalties = Penalties(invertibility=0.3, closure=0.2, singular_values=0.1)
    expected = [
        ((x.numpy() @ a.T - y.numpy()) ** 2).sum() / (y.numpy() ** 2).sum(),
        float(invertibility_loss(rep, 0.3).detach()),
        float(closure_loss(rep, 0.2).detach()),
        float(singular_value_loss(rep, 0.1).detach()),
    ]
    schedule = Schedule(epochs=1, whiten=False)
    first = fit_pairs(rep, x, y, penalties=penalties, schedule=schedule).history[0]
    found = [first.data, first.invertibility, first.closure, first.singular_values]
    assert found == pytest.approx(expected)
    assert first.loss == pytest.approx(sum(expected))


def test_whitened_data_term_is_the_distance_to_least_squares() -> None:
    x = correlated(50, 4)
    truth = cyclic_shift(4)
    rep = dense(4)
    expected = error(rep, truth) ** 2
    fit = fit_pairs(rep, x, x @ truth.mT, schedule=Schedule(epochs=1))
    assert fit.history[0].data == pytest.approx(expected)


@pytest.mark.slow
def test_penalties_teach_what_pairs_do_not_say() -> None:
    x, truth = correlated(200, 4), cyclic_shift(4)
    rep = dense(4)
    penalties = Penalties(invertibility=0.01)
    fit_pairs(rep, x, x @ truth.mT, penalties=penalties, schedule=Schedule(epochs=500))
    np.testing.assert_allclose(rep.inverse[0].detach().numpy(), truth.T.numpy(), atol=1e-4)


def test_long_gradients_are_clipped() -> None:
    x = correlated(50, 4)
    moved = {}
    for clip in (2.0, 1e-12):
        rep = dense(4)
        before = rep.generators().detach().clone()
        fit = fit_pairs(rep, x, x.roll(1, -1), schedule=Schedule(epochs=3, clip=clip))
        moved[clip] = float((rep.generators().detach() - before).norm())
        assert fit.history[0].gradient_norm > 0.1
    # Gradients far below Adam's epsilon of 1e-8 move nothing.
    assert moved[1e-12] < 1e-3 * moved[2.0]


def test_pair_error_is_relative() -> None:
    x = correlated(20, 4)
    y = x.roll(1, -1)
    fixed = FixedRepresentation(C(4), cyclic_shift(4)[None])
    assert pair_error(fixed, x, y) == 0
    expected = np.linalg.norm(y.numpy() - x.roll(2, -1).numpy()) / np.linalg.norm(x.numpy())
    assert pair_error(fixed, x, x.roll(2, -1)) == pytest.approx(expected)


class Poisoned(LearnedRepresentation):
    """Finite values whose gradient is not a number."""

    def __init__(self, group: FiniteGroup, dim: int) -> None:
        super().__init__(group, dim, DOUBLE)
        self.weight = nn.Parameter(torch.eye(dim, dtype=DOUBLE)[None])

    def generators(self) -> Tensor:
        return self.weight + (self.weight * 0).sqrt()


def exploding(term: str) -> Callable[[], PairsFit]:
    """A fit whose named term leaves the finite numbers."""
    x = correlated(20, 4)
    y, rep = x.roll(1, -1), dense(4, order=512)
    if term == "data":
        return lambda: fit_pairs(rep, x, y, schedule=Schedule(learning_rate=1e300))
    if term == "gradient":
        return lambda: fit_pairs(Poisoned(C(4), 4), x, y)
    with torch.no_grad():
        rep.weight.mul_(10.0)
    return lambda: fit_pairs(rep, x, y, penalties=Penalties(closure=1))


@pytest.mark.parametrize("term", ["data", "closure", "gradient"])
def test_infinite_terms_are_named(term: str) -> None:
    with pytest.raises(TrainingError, match=f"the {term} term must stay finite") as problem:
        exploding(term)()
    assert is_one_line(str(problem.value))


def test_singular_matrices_are_named() -> None:
    rep = SpectralRepresentation(C(4), 4, dtype=DOUBLE)
    with torch.no_grad():
        rep.basis.zero_()
    x = correlated(20, 4)
    with pytest.raises(TrainingError, match="the data term must stay defined") as problem:
        fit_pairs(rep, x, x.roll(1, -1))
    assert is_one_line(str(problem.value))


PAIRS = correlated(8, 4)
HOLED = PAIRS.clone()
HOLED[2, 1] = math.nan
BAD: dict[str, Callable[[], Any]] = {
    "no generator": lambda: fit_pairs(dense(4, order=1), PAIRS, PAIRS),
    "two generators": lambda: fit_pairs(DenseRepresentation(D(4), 4, dtype=DOUBLE), PAIRS, PAIRS),
    "no representation": lambda: fit_pairs(None, PAIRS, PAIRS),  # type: ignore[arg-type]
    "nothing to train": lambda: fit_pairs(
        FixedRepresentation(C(4), cyclic_shift(4)[None]), PAIRS, PAIRS
    ),
    "x is NaN": lambda: fit_pairs(dense(4), HOLED, PAIRS),
    "y is NaN": lambda: fit_pairs(dense(4), PAIRS, HOLED),
    "other dimension": lambda: fit_pairs(dense(5), PAIRS, PAIRS),
    "other dtype": lambda: fit_pairs(dense(4), PAIRS.float(), PAIRS),
    "integers": lambda: fit_pairs(dense(4), PAIRS.int(), PAIRS),
    "fewer y": lambda: fit_pairs(dense(4), PAIRS, PAIRS[:5]),
    "no pairs": lambda: fit_pairs(dense(4), PAIRS[:0], PAIRS[:0]),
    "zero x": lambda: fit_pairs(dense(4), PAIRS * 0, PAIRS),
    "zero y": lambda: pair_error(dense(4), PAIRS, PAIRS * 0),
    "negative weight": lambda: Penalties(closure=-1.0),
    "NaN weight": lambda: Penalties(invertibility=math.nan),
    "no epochs": lambda: Schedule(epochs=0),
    "no rate": lambda: Schedule(learning_rate=0.0),
    "infinite clip": lambda: Schedule(clip=math.inf),
    "no batch": lambda: Schedule(batch_size=0, whiten=False),
    "whitened batches": lambda: Schedule(batch_size=5),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    with pytest.raises(InputError) as problem:
        BAD[case]()
    assert is_one_line(str(problem.value))
