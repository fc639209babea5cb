"""Training terms against the source's formulas in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.errors import InputError
from grouplearn.losses import (
    SampleMoments,
    closure_loss,
    invertibility_loss,
    moment_loss,
    sample_moments,
    singular_value_loss,
)
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from tests.unit.examples import C, D, cyclic_shift, is_helpful, seeded, turn, value

LOSSES: list[Callable[[LearnedRepresentation, float], Tensor]] = [
    invertibility_loss,
    singular_value_loss,
    closure_loss,
]


@pytest.fixture
def rep() -> DenseRepresentation:
    """Two free generators of D3 and two matrices that are far from their inverses."""
    rep = DenseRepresentation(D(3), 4, rng=seeded(), dtype=torch.float64)
    with torch.no_grad():
        rep.weight.copy_(torch.randn(2, 4, 4, generator=seeded(1)))
        rep.inverse.copy_(torch.randn(2, 4, 4, generator=seeded(2)))
    return rep


@pytest.mark.parametrize("mu", [1e-4, 1e-2, 1.0])
def test_losses_equal_their_formulas(rep: DenseRepresentation, mu: float) -> None:
    a, b = rep.weight.detach().numpy(), rep.inverse.detach().numpy()
    eye = np.eye(4)
    # The source: mu ||A A~ - I||_F, not squared and not divided by the dimension.
    expected = mu * (np.linalg.norm(a[0] @ b[0] - eye) + np.linalg.norm(a[1] @ b[1] - eye))
    assert value(invertibility_loss(rep, mu)) == pytest.approx(expected)
    singular = np.concatenate([np.linalg.svd(m)[1] for m in a])
    assert value(singular_value_loss(rep, mu)) == pytest.approx(mu * np.abs(1 - singular).sum())
    r, s = a
    relators = [r @ r @ r, s @ s, r @ s @ r @ s]
    expected = mu * sum(np.sum((m - eye) ** 2) / 4 for m in relators)
    assert value(closure_loss(rep, mu)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_can_be_differentiated(
    rep: DenseRepresentation, loss: Callable[[LearnedRepresentation, float], Tensor]
) -> None:
    direction = torch.randn(2, 4, 4, generator=seeded(3), dtype=torch.float64)
    loss(rep, 0.5).backward()
    assert rep.weight.grad is not None
    slope = float((rep.weight.grad * direction).sum())
    values = []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            rep.weight.add_(direction, alpha=step)
            values.append(value(loss(rep, 0.5)))
    assert slope == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4)


def test_losses_vanish_where_their_law_holds() -> None:
    exact = SpectralRepresentation(D(5), 7, rng=seeded(), dtype=torch.float64)
    for loss in LOSSES:
        assert value(loss(exact, 1.0)) < 1e-12
    wrong = SkewRepresentation(C(4), 2, near=turn(0.3), dtype=torch.float64)
    assert value(invertibility_loss(wrong, 1.0)) < 1e-14
    assert value(singular_value_loss(wrong, 1.0)) < 1e-14
    assert value(closure_loss(wrong, 1.0)) == pytest.approx(4 * np.sin(0.6) ** 2)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_the_trivial_group_are_zero(
    loss: Callable[[LearnedRepresentation, float], Tensor],
) -> None:
    assert float(loss(DenseRepresentation(C(1), 3), 1.0).detach()) == 0


def test_gradient_descent_on_the_losses_reaches_a_representation() -> None:
    rep = DenseRepresentation(
        C(3), 4, near=torch.eye(4), noise=0.5, rng=seeded(4), dtype=torch.float64
    )
    with torch.no_grad():
        rep.inverse.add_(0.3 * torch.randn(4, 4, generator=seeded(5)))
    optimizer = torch.optim.Adam(rep.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        (closure_loss(rep, 1.0) + invertibility_loss(rep, 0.1)).backward()
        optimizer.step()
    a, b = rep.weight.detach()[0].numpy(), rep.inverse.detach()[0].numpy()
    assert np.linalg.norm(a @ a @ a - np.eye(4)) < 0.05
    assert np.linalg.norm(a @ b - np.eye(4)) < 0.05


def brute_moment_loss(generators: Tensor, x: NDArray[np.float64], orders: tuple[int, ...]) -> float:
    total = 0.0
    for a in generators.detach().numpy():
        moved = x @ a.T
        for order in orders:
            spelled = {1: "ni->i", 2: "ni,nj->ij", 3: "ni,nj,nk->ijk", 4: "ni,nj,nk,nl->ijkl"}
            before = np.einsum(spelled[order], *[x] * order) / len(x)
            after = np.einsum(spelled[order], *[moved] * order) / len(x)
            total += ((after - before) ** 2).sum() / (before**2).sum()
    return total


@pytest.mark.parametrize("orders", [(2, 3), (1,), (3,), (4, 2), (1, 2, 3, 4)])
def test_moment_loss_equals_sums_over_the_samples(
    rep: DenseRepresentation, orders: tuple[int, ...]
) -> None:
    x = torch.randn(50, 4, generator=seeded(6), dtype=torch.float64) + 1
    expected = 0.3 * brute_moment_loss(rep.generators(), x.numpy(), orders)
    assert value(moment_loss(rep, x, 0.3, orders=orders)) == pytest.approx(expected, rel=1e-12)
    made = sample_moments(x, orders)
    assert value(moment_loss(rep, made, 0.3)) == pytest.approx(expected, rel=1e-12)


def test_moment_loss_vanishes_at_symmetries_of_the_samples_alone() -> None:
    shift = FixedRepresentation(C(5), cyclic_shift(5).unsqueeze(0))
    x = torch.randn(20, 5, generator=seeded(7), dtype=torch.float64)
    orbit = torch.cat([x.roll(k, 1) for k in range(5)])
    assert value(moment_loss(shift, orbit, orders=(1, 2, 3, 4))) < 1e-25
    assert value(moment_loss(shift, x)) > 0.1
    flip = FixedRepresentation(C(2), torch.eye(5, dtype=torch.float64).flip(0).unsqueeze(0))
    assert value(moment_loss(flip, orbit, orders=(2,))) < 1e-25  # stationary fields have it
    assert value(moment_loss(flip, orbit, orders=(3,))) > 0.01


@pytest.mark.parametrize("dim", [3, 24])
def test_moment_loss_can_be_differentiated(dim: int) -> None:
    x = torch.randn(40, dim, generator=seeded(8), dtype=torch.float64) + 0.5
    rep = DenseRepresentation(C(3), dim, rng=seeded(9), dtype=torch.float64)
    made = sample_moments(x, (2, 4))
    assert set(made.projected) == (set() if dim == 3 else {4})

    def loss(weight: Tensor) -> Tensor:
        return torch.func.functional_call(Loss(rep, made), {"rep.weight": weight}, ())

    weight = rep.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (weight,), atol=1e-4, fast_mode=True)


class Loss(torch.nn.Module):
    def __init__(self, rep: LearnedRepresentation, made: SampleMoments) -> None:
        super().__init__()
        self.rep, self.made = rep, made

    def forward(self) -> Tensor:
        return moment_loss(self.rep, self.made)


def test_moments_too_large_to_hold_are_seen_along_directions() -> None:
    shift = FixedRepresentation(C(70), cyclic_shift(70).unsqueeze(0))
    x = torch.rand(30, 70, generator=seeded(10), dtype=torch.float64) ** 3
    orbit = torch.cat([x.roll(k, 1) for k in range(70)])
    made = sample_moments(orbit, (2, 3))
    assert list(made.full) == [2]
    assert value(moment_loss(shift, made)) < 1e-24
    direction = made.directions.numpy()
    moved = x.numpy() @ cyclic_shift(70).numpy().T
    before, after = ((rows @ direction.T) ** 3 for rows in (x.numpy(), moved))
    expected = ((after.mean(0) - before.mean(0)) ** 2).sum() / (before.mean(0) ** 2).sum()
    assert value(moment_loss(shift, x, orders=(3,))) == pytest.approx(expected)
    assert value(moment_loss(shift, x, orders=(3,), seed=1)) != pytest.approx(expected)


def test_moments_that_are_zero_add_nothing() -> None:
    x = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    turned = FixedRepresentation(C(4), turn(np.pi / 2).float().unsqueeze(0))
    assert value(moment_loss(turned, x, orders=(1, 3))) == 0
    assert value(moment_loss(DenseRepresentation(C(1), 2), x)) == 0


@pytest.mark.parametrize(
    ("samples", "options", "parts"),
    [
        (torch.zeros(3, 2), {}, ["at least one other than zero"]),
        (torch.zeros(0, 2), {}, ["at least one other than zero"]),
        (torch.tensor([[1.0, torch.nan]]), {}, ["finite", "(0, 1)"]),
        (torch.ones(3, 2), {"orders": ()}, ["from 1 to 4"]),
        (torch.ones(3, 2), {"orders": (2, 5)}, ["from 1 to 4"]),
        (torch.ones(3, 2), {"orders": (0,)}, ["an integer >= 1"]),
        (torch.ones(3, 2), {"seed": -1}, ["seed"]),
        (torch.ones(3, 3), {}, ["dimension 2"]),
        (torch.ones(3, 2, dtype=torch.float64), {}, ["float32", "float64"]),
    ],
)
def test_moment_loss_refuses(samples: Tensor, options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(InputError) as problem:
        moment_loss(DenseRepresentation(C(2), 2), samples, **options)
    assert is_helpful(problem, "moment_loss", *parts)
