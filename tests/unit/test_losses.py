"""Training terms against the source's formulas in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn.losses import closure_loss, invertibility_loss, singular_value_loss
from grouplearn.representations import (
    DenseRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from tests.unit.examples import C, D, seeded, turn, value

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
