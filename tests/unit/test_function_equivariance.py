"""Groups that functions answer, on functions whose equivariance is known by construction."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn.discovery.functions.equivariance import Equivariance, discover_equivariance
from grouplearn.errors import InputError
from grouplearn.groups import CyclicGroup
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import is_helpful, seeded

Function = Callable[[Tensor], Tensor]
LOPSIDED = [1.0, 0.6, -0.3, 0.2, 0.1, -0.5]
EVEN = [1.0, 0.6, -0.3, 0.2, -0.3, 0.6]


def normal(count: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=seeded(seed))


def convolution(kernel: list[float]) -> Function:
    weights = torch.stack([torch.tensor(kernel).roll(k) for k in range(len(kernel))])
    return lambda x: torch.tanh(x @ weights + 0.3)


def two_layers(x: Tensor) -> Tensor:
    again = convolution([0.8, -0.5, 0.3, 0.0, 0.4, 0.1])
    return again(1.5 * convolution(LOPSIDED)(x))


def network(dim: int, outputs: int, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(
        torch.nn.Linear(dim, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32), torch.nn.Tanh(),
        torch.nn.Linear(32, outputs),
    )  # fmt: skip
    with torch.no_grad():
        for weight in layers.parameters():
            weight.mul_(2)
    return layers.requires_grad_(False)


def averaged(layers: Function, turn: Tensor, answer: Tensor) -> Function:
    """The mean of rho'(g)^-1 f(rho(g) x) over C4, for orthogonal actions."""

    def function(x: Tensor) -> Tensor:
        powers = range(4)
        turns, answers = ([torch.linalg.matrix_power(a, k) for k in powers] for a in (turn, answer))
        parts = [layers(x @ g.mT) @ h for g, h in zip(turns, answers, strict=True)]
        return torch.stack(parts).mean(0)

    return function


QUARTER = torch.tensor([[0.0, -1.0], [1.0, 0.0]])


def answers(found: Equivariance, function: Function, x: Tensor, tolerance: float) -> bool:
    """Is f(g x) = rho'(g) f(x) for every g, and rho' a homomorphism, by their definitions?"""
    assert found.output.group == found.group
    spread = float(function(x).std())
    inputs, outputs = found.input.representation.matrices(), found.output.matrices().detach()
    for g in range(found.group.order):
        moved = function((x.double() @ inputs[g].detach().mT).to(x))
        gap = moved - (function(x).double() @ outputs[g].mT).to(x)
        assert float(gap.square().mean().sqrt()) < tolerance * spread
        for h in range(found.group.order):
            product = outputs[int(found.group.multiply(g, h))]
            assert torch.allclose(outputs[g] @ outputs[h], product, atol=1e-5)
    return True


@pytest.mark.parametrize(("kernel", "name"), [(LOPSIDED, "C6"), (EVEN, "D6")])
def test_circular_convolutions(kernel: list[float], name: str) -> None:
    function, x = convolution(kernel), normal(500, 6)
    found = discover_equivariance(function, x, action="permutation")
    assert found.group.name == name
    assert found.input.exact
    assert found.violation < 1e-5
    assert found.output.is_permutation
    assert answers(found, function, normal(300, 6, 1), 1e-4)
    # By brute force: which of all permutations of the input does a linear map answer?
    values = function(x).double().numpy()
    kept = []
    for images in permutations(range(6)):
        moved = function(x[:, list(images)]).double().numpy()
        left = moved - values @ np.linalg.lstsq(values, moved, rcond=None)[0]
        if np.linalg.norm(left) < 1e-4 * np.linalg.norm(moved):
            kept.append(images)
    assert len(kept) == found.group.order


@pytest.mark.slow
def test_two_layers_of_convolutions_in_any_basis() -> None:
    basis = torch.eye(6) + 0.2 * torch.randn(6, 6, generator=seeded(4))

    def function(x: Tensor) -> Tensor:
        return two_layers(x @ torch.linalg.inv(basis).mT)

    found = discover_equivariance(function, normal(1500, 6) @ basis.mT)
    assert found.group == CyclicGroup(6)
    assert found.output.is_permutation
    assert answers(found, function, normal(300, 6, 1) @ basis.mT, 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_averaged_networks(seed: int) -> None:
    function = averaged(network(2, 2, seed), QUARTER, QUARTER)
    found = discover_equivariance(function, normal(800, 2, seed))
    assert found.group == CyclicGroup(4)
    assert answers(found, function, normal(300, 2, 9), 1e-3)
    assert found.input.effect < 1e-3
    assert found.input.effect <= found.input.effect_bound < 1e-3
    # The answer to a quarter turn is one, or the inverse.
    turn = found.output.matrices()[1]
    assert any(torch.allclose(turn, way.double(), atol=1e-4) for way in (QUARTER, QUARTER.mT))


@pytest.mark.slow
def test_inputs_and_outputs_of_different_size() -> None:
    cycle = torch.eye(4)[[3, 0, 1, 2]]
    function = averaged(network(4, 2), cycle, QUARTER)
    found = discover_equivariance(function, normal(1500, 4))
    assert found.group == CyclicGroup(4)
    assert answers(found, function, normal(300, 4, 1), 1e-3)


def test_given_answers() -> None:
    turn = FixedRepresentation.from_permutations([[1, 2, 3, 4, 5, 0]], torch.float64)
    half = FixedRepresentation.from_permutations([[3, 4, 5, 0, 1, 2]], torch.float32)
    function, x = convolution(EVEN), normal(500, 6)
    for output, order in ((turn, 6), (half, 2)):
        found = discover_equivariance(function, x, output=output, action="permutation")
        assert found.group.order == order
        assert answers(found, function, x, 1e-4)
        allowed = output.matrices().double()
        for each in found.output.matrices():
            assert float((allowed - each).abs().amax((1, 2)).min()) < 1e-6
    swap = FixedRepresentation.from_permutations([[1, 0, 2, 3, 4, 5]], torch.float64)
    nothing = discover_equivariance(function, x, output=swap, action="permutation")
    assert not nothing.found
    assert nothing.output.group.order == 1
    assert torch.equal(nothing.output.matrices()[0], torch.eye(6).double())


def test_invariance_is_a_special_case() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.stack([(x**3).sum(1), x.prod(1) + x.sum(1)], 1)

    found = discover_equivariance(function, normal(400, 3), action="permutation")
    assert found.group.name == "S3"
    assert torch.allclose(found.output.matrices(), torch.eye(2).double().expand(6, 2, 2))


def test_odd_functions_of_one_number() -> None:
    found = discover_equivariance(lambda x: torch.sin(x[:, 0]) + x[:, 0] ** 3, normal(200, 1))
    assert found.group == CyclicGroup(2)
    assert torch.allclose(found.output.matrices().flatten(), torch.tensor([1.0, -1.0]).double())


@pytest.mark.slow
def test_functions_without_equivariance() -> None:
    found = discover_equivariance(network(3, 3), normal(600, 3))
    assert not found.found
    assert str(found).startswith("No symmetry found.")
    assert found.violation == 0
    assert not discover_equivariance(network(4, 3), normal(400, 4), action="permutation").found


def test_linear_functions_answer_everything() -> None:
    mix = torch.randn(4, 4, generator=seeded(1))
    found = discover_equivariance(lambda x: x @ mix, normal(400, 4))
    assert not found.found
    assert found.input.lie_algebra is not None
    assert len(found.input.lie_algebra) == 6
    assert "answers a continuous rotation (6 generators" in found.summary()
    round_ = discover_equivariance(lambda x: x * x.norm(dim=1, keepdim=True), normal(400, 3))
    assert round_.input.lie_algebra is not None
    assert len(round_.input.lie_algebra) == 3


X = normal(100, 4)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"samples": X[0]}, ["samples", "(any, any)"]),
        ({"samples": X[:20]}, ["samples", "at least 32 rows"]),
        ({"function": 3}, ["function", "callable"]),
        ({"function": lambda x: x.repeat(1, 2)}, ["samples", "at least 128 rows", "each output"]),
        ({"function": lambda x: 0 * x}, ["depends on x"]),
        ({"action": "signed"}, ["action", '"linear" or "permutation"']),
        ({"output": "linear"}, ["output", "a representation or None", "str"]),
        ({"output": FixedRepresentation.from_permutations([[1, 0]])}, ["output", "of dim 4", "2"]),
        ({"level": 1.5}, ["level", "below 1"]),
        ({"seed": -1}, ["seed"]),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], parts: list[str]) -> None:
    given: dict[str, Any] = {"function": lambda x: x.tanh(), "samples": X, **arguments}
    with pytest.raises(InputError) as problem:
        discover_equivariance(given.pop("function"), given.pop("samples"), **given)
    assert is_helpful(problem, "discover_equivariance", *parts)
