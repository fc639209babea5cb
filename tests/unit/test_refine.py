"""Refinement: nearer to planted truths, and refusals."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from grouplearn.discovery.result import Discovery
from grouplearn.errors import InputError, TrainingError
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from grouplearn.training.refine import RefineTerms, refine
from tests.unit.examples import C, D, is_helpful, seeded, turn


class Plant(NamedTuple):
    truth: Tensor
    samples: Tensor
    near: Tensor


def plant(order: int, dim: int, seed: int, dtype: torch.dtype = torch.float64) -> Plant:
    """Clusters moved over the orbit of an action in a random basis; its generator with noise."""
    rng = seeded(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    blocks = [turn(2 * torch.pi * k / order) for k in range(1, dim // 2)]
    signs = torch.tensor([[1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    basis = torch.eye(dim) + 0.3 * normal(dim, dim)
    truth = basis @ torch.block_diag(signs, *blocks) @ torch.linalg.inv(basis)
    centres = 2 * normal(2 * dim + 2, dim)
    samples = centres[torch.randint(len(centres), (20_000,), generator=rng)]
    samples = samples + 0.1 * normal(20_000, dim)
    powers = torch.stack([torch.linalg.matrix_power(truth, k) for k in range(order)])
    turned = torch.randint(order, (20_000,), generator=rng)
    samples = torch.einsum("nij,nj->ni", powers[turned], samples)
    noise = normal(dim, dim)
    near = truth + 0.05 * truth.norm() * noise / noise.norm()
    return Plant(truth.to(dtype), samples.to(dtype), near.to(dtype))


def error(rep: LearnedRepresentation, truth: Tensor) -> float:
    return float((rep.generators().detach()[0] - truth).norm() / truth.norm())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DenseRepresentation, SpectralRepresentation])
@pytest.mark.parametrize(("order", "dim"), [(4, 6), (6, 8)])
def test_planted_actions_are_approached(
    kind: type[DenseRepresentation | SpectralRepresentation], order: int, dim: int
) -> None:
    for seed in range(3):
        planted = plant(order, dim, seed)
        start = kind(C(order), dim, near=planted.near, dtype=torch.float64)
        before = start.generators().detach().clone()
        found = refine(start, planted.samples, steps=60)
        assert isinstance(found.representation, kind)
        assert error(found.representation, planted.truth) < 0.95 * error(start, planted.truth)
        assert found.history[-1].loss < 0.5 * found.history[0].loss
        assert [step.step for step in found.history] == list(range(61))
        assert torch.equal(start.generators(), before)
        moved = (found.representation.generators() - before).norm() / before.norm()
        assert found.moved == pytest.approx(float(moved.detach()))


@pytest.mark.slow
def test_rotations_by_adam_in_float32() -> None:
    points = 2 * torch.randn(40, 2, generator=seeded(1))
    samples = torch.cat([points @ turn(k * torch.pi / 2).float().T for k in range(4)])
    start = SkewRepresentation(C(4), 2, near=turn(1.4).float())
    found = refine(
        start,
        samples,
        terms=RefineTerms(orders=(2, 4), whiten=False),
        steps=200,
        learning_rate=0.01,
    )
    assert error(start, turn(torch.pi / 2).float()) > 0.1
    assert error(found.representation, turn(torch.pi / 2).float()) < 0.01
    anchored = refine(start, samples, terms=RefineTerms(anchor=1e4), steps=200, learning_rate=0.01)
    assert anchored.moved < 0.001
    assert found.moved > 0.1
    assert anchored.history[-1].anchor > 0


def test_discoveries_and_fixed_actions_become_trainable() -> None:
    planted = plant(4, 6, 0)
    fixed = FixedRepresentation(C(4), planted.near.unsqueeze(0))
    nothing = torch.zeros(4)
    found = Discovery(
        fixed, fixed.matrices(), nothing, nothing, 1.0, 1.0, (), exact=True, action="linear"
    )
    dense = refine(found, planted.samples, steps=2).representation
    assert isinstance(dense, DenseRepresentation)
    learned = refine(fixed, planted.samples, steps=2, into=SpectralRepresentation).representation
    assert isinstance(learned, SpectralRepresentation)
    assert learned.closes_exactly


def test_directions_come_from_the_generator() -> None:
    many = torch.rand(40, 24, generator=seeded(3)) ** 2
    wide = DenseRepresentation(D(2), 24, rng=seeded())
    ends = [
        refine(
            wide, many, terms=RefineTerms(orders=(4, 2)), steps=3, rng=rng
        ).representation.generators()
        for rng in (seeded(5), seeded(5), None)
    ]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_terms_that_leave_the_numbers_are_named() -> None:
    samples = torch.randn(30, 3, generator=seeded(4))
    start = DenseRepresentation(C(9), 3, near=torch.eye(3), noise=0.1, rng=seeded())
    with pytest.raises(TrainingError, match=r"refine: the \w+ term must stay finite, got \w+ in"):
        refine(start, samples, learning_rate=1e20, steps=5)


class Collapsing(LearnedRepresentation):
    """Its inverse exists as often as it was told."""

    def __init__(self, calls: int) -> None:
        super().__init__(C(2), 2)
        self.angle = torch.nn.Parameter(torch.ones(()))
        self.calls = calls

    def generators(self) -> Tensor:
        return self.angle * torch.eye(2).unsqueeze(0)

    def inverse_generators(self) -> Tensor:
        self.calls -= 1
        if self.calls < 0:
            raise InputError("Collapsing: generators() must be invertible, got 0; start elsewhere")
        return self.generators()


def test_singular_matrices_are_the_starts_or_trainings_fault() -> None:
    samples = torch.randn(30, 2, generator=seeded(4))
    with pytest.raises(InputError, match="Collapsing"):
        refine(Collapsing(0), samples)
    with pytest.raises(TrainingError, match="the invertibility term must stay defined, got a sin"):
        refine(Collapsing(2), samples)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"start": 3}, ["start", "a Discovery"]),
        ({"start": DenseRepresentation(C(1), 2)}, ["the trivial group"]),
        ({"into": lambda group, dim, near, dtype: FixedRepresentation(group, near)}, ["into"]),
        ({"samples": torch.ones(4, 3)}, ["samples", "(any, 2)"]),
        ({"samples": torch.full((4, 2), torch.inf)}, ["finite"]),
        ({"samples": torch.zeros(4, 2)}, ["not all zero"]),
        ({"samples": torch.ones(4, 2).double()}, ["samples", "float32"]),
        ({"steps": 0}, ["steps"]),
        ({"learning_rate": -1.0}, ["learning_rate"]),
        ({"terms": RefineTerms(orders=(7,))}, ["orders"]),
        ({"rng": 0}, ["rng"]),
    ],
)
def test_refusals(arguments: dict[str, Any], parts: list[str]) -> None:
    given = {"start": DenseRepresentation(C(2), 2), "samples": torch.ones(4, 2), **arguments}
    with pytest.raises(InputError) as problem:
        refine(given.pop("start"), given.pop("samples"), **given)
    assert is_helpful(problem, *parts)


@pytest.mark.parametrize("weights", [{"closure": -1.0}, {"moments": float("nan")}])
def test_weights_are_checked(weights: dict[str, Any]) -> None:
    with pytest.raises(InputError) as problem:
        RefineTerms(**weights)
    assert is_helpful(problem, next(iter(weights)))
    with pytest.raises(InputError, match="only zeros"):
        RefineTerms(moments=0, closure=0, invertibility=0)
