"""Networks, functions with jumps and point groups: what is known by construction is found."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations, product

import pytest
import torch
from torch import Tensor

from grouplearn.discovery.functions.entry import discover_from_function
from grouplearn.discovery.functions.found import other_levels
from grouplearn.discovery.functions.judgement import judge
from grouplearn.discovery.result import Discovery
from grouplearn.groups import CyclicGroup
from tests.unit.examples import seeded

Function = Callable[[Tensor], Tensor]


def normal(count: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=seeded(seed))


def polar(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.hypot(x[:, 0], x[:, 1]), torch.atan2(x[:, 1], x[:, 0])


def quarter_turn(side: int) -> Tensor:
    """Of square patches."""
    pixels = torch.arange(side**2).reshape(side, side)
    return torch.eye(side**2)[pixels.rot90().reshape(-1)]


def network(dim: int, width: int, scale: float, seed: int) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(
        torch.nn.Linear(dim, width), torch.nn.Tanh(), torch.nn.Linear(width, width),
        torch.nn.Tanh(), torch.nn.Linear(width, 1),
    )  # fmt: skip
    with torch.no_grad():
        for weight in layers.parameters():
            weight.mul_(scale)
    return layers


def averaged(dim: int, turn: Tensor, seed: int) -> Function:
    layers = network(dim, 32, 2.0, seed).requires_grad_(False)
    turns = [torch.linalg.matrix_power(turn, k) for k in range(4)]
    return lambda x: torch.stack([layers(x @ each.mT) for each in turns]).mean(0)


def is_turn(found: Discovery, turn: Tensor, tolerance: float) -> bool:
    """Is the generator the known turn, or its inverse?"""
    member = found.members[1].double()
    return any(float((member - way).norm()) < tolerance for way in (turn.double(), turn.mT))


def sectors(x: Tensor) -> Tensor:
    return x[:, 2] / (1 + torch.remainder(polar(x)[1], 2 * math.pi / 7))


@pytest.mark.slow
def test_a_network_averaged_over_quarter_turns_of_patches() -> None:
    turn = quarter_turn(2)
    found = discover_from_function(averaged(4, turn, 7), normal(1200, 4, 7))
    assert found.group == CyclicGroup(4)
    assert found.exact
    assert is_turn(found, turn, 0.01)
    assert found.effect <= found.effect_bound < 0.001


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_quarter_turns_of_larger_patches(seed: int) -> None:
    turn = quarter_turn(3)
    found = discover_from_function(averaged(9, turn, seed), normal(2000, 9, seed))
    assert found.group == CyclicGroup(4)
    assert is_turn(found, turn, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_network_trained_on_a_function_with_quarter_turns(seed: int) -> None:
    basis = torch.linalg.qr(torch.randn(3, 3, generator=seeded(seed)))[0]

    def target(x: Tensor) -> Tensor:
        y = x @ basis
        r, angle = polar(y)
        wave = torch.cos(4 * angle) + 0.7 * r * torch.sin(4 * angle) * torch.tanh(r - 1)
        return r * wave + torch.exp(y[:, 2] / 1.5) + 0.3 * y[:, 2] * r

    layers = network(3, 64, 1.0, seed)
    optimiser = torch.optim.Adam(layers.parameters(), lr=4e-3)
    rng = seeded(seed)
    for _ in range(2500):
        x = torch.randn(256, 3, generator=rng)
        optimiser.zero_grad()
        (layers(x)[:, 0] - target(x)).square().mean().backward()
        optimiser.step()
    found = discover_from_function(layers.requires_grad_(False), normal(2000, 3, seed))
    turn = torch.block_diag(torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.ones(1, 1))
    assert found.group == CyclicGroup(4)
    assert is_turn(found, basis @ turn @ basis.mT, 0.1)
    assert not found.exact
    assert 0.001 < found.effect < found.effect_bound < 0.15


@pytest.mark.parametrize("seed", [0, 1])
def test_jumps_do_not_hide_seven_sectors(seed: int) -> None:
    found = discover_from_function(sectors, normal(2000, 3, seed))
    assert found.group == CyclicGroup(7)
    assert found.exact
    c, s = math.cos(2 * math.pi / 7), math.sin(2 * math.pi / 7)
    turn = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    powers = [torch.linalg.matrix_power(turn, k) for k in range(1, 7)]
    assert any(is_turn(found, each, 1e-3) for each in powers)


def test_steps_without_any_gradient() -> None:
    def function(x: Tensor) -> Tensor:
        turn = torch.remainder(polar(x)[1], 2 * math.pi / 3)
        return (turn > 0.4).float() + 2 * (turn > 1.1).float()

    found = discover_from_function(function, normal(2000, 2))
    assert found.group == CyclicGroup(3)


@pytest.mark.slow
def test_all_symmetries_of_a_tetrahedron() -> None:
    found = discover_from_function(lambda x: x.prod(1) + x.square().sum(1), normal(800, 3))
    # By brute force, among signed permutations: those that keep the sign of x y z.
    signed = [
        (images, signs)
        for images in permutations(range(3))
        for signs in product([1, -1], repeat=3)
        if math.prod(signs) > 0
    ]
    assert found.group.order == len(signed) == 24
    assert found.group.name == "S4"
    assert found.exact
    for images, signs in signed:
        matrix = torch.eye(3)[list(images)].double() * torch.tensor(signs)
        assert float((found.members - matrix).norm(dim=(1, 2)).min()) < 0.01


@pytest.mark.slow
def test_all_symmetries_of_a_cube_in_a_skewed_basis() -> None:
    basis = torch.eye(3) + 0.3 * torch.randn(3, 3, generator=seeded(1))
    found = discover_from_function(lambda x: (x @ basis).pow(4).sum(1), normal(1000, 3, 3))
    assert found.group.order == 48
    assert found.group.name == "S4 x C2"


def test_an_even_function_of_one_direction() -> None:
    found = discover_from_function(lambda x: torch.cos(x[:, 0] + x[:, 1]), normal(200, 3))
    assert found.group == CyclicGroup(2)
    assert "ignores 2 of 3 directions" in found.summary()


def test_what_holds_less_closely_is_told() -> None:
    def function(x: Tensor) -> Tensor:
        r, angle = polar(x)
        quarter = r * torch.cos(4 * angle) + r**2 * torch.sin(4 * angle) * torch.tanh(r - 1)
        return quarter + 0.05 * r**2 * torch.cos(2 * angle)

    found = discover_from_function(function, normal(1000, 2))
    assert found.group == CyclicGroup(2)
    assert found.exact
    assert "Less closely: C4 (order 4), violation 0.0" in found.summary()


def test_levels_in_words() -> None:
    assert other_levels([("C4", 4, 0.01)]) == ()
    better = other_levels([("D4", 8, 0.09), ("C2", 2, 0.001), ("C4", 4, 0.02), ("D2", 4, 0.06)])
    assert better == ("Closer still: C4 (order 4), violation 0.02.",)
    assert other_levels([("C2", 2, 0.0), ("C4", 4, 0.02), ("C4", 4, 0.03)]) == (
        "Less closely: C4 (order 4), violation 0.02.",
    )


def test_verdicts() -> None:
    assert judge(0.0005, 0.2, 1.0) == "exact"
    assert judge(0.05, 0.06, 5.0) == "approximate"
    assert judge(0.14, 0.17, 5.0) == "undecided"
    assert judge(0.05, 0.06, 2.0) == "rejected"
    assert judge(0.2, 0.3, 9.0) == "rejected"


def test_effects_are_measured_by_unrelated_actions() -> None:
    exact = discover_from_function(lambda x: x.pow(3).sum(1), normal(400, 3), action="permutation")
    assert exact.effect <= exact.effect_bound < 1e-5

    def nearly(x: Tensor) -> Tensor:
        return x.pow(3).sum(1) + 0.1 * x[:, 0] + 0.06 * x[:, 1]

    found = discover_from_function(nearly, normal(2000, 3), action="permutation")
    assert not found.exact
    assert found.group.name == "S3"
    # 0.1 (x_0 - x_2) over what other values of x_0 and x_2 change, by the moments of normals.
    expected = math.sqrt(0.02 / (2 * 2 * 15))
    assert float(found.violations.max()) == pytest.approx(expected, rel=0.3)
    assert 0 < found.effect < found.effect_bound < 0.1
    nothing = discover_from_function(lambda x: x[:, 0].exp(), normal(200, 2), action="permutation")
    assert math.isnan(nothing.effect)
    assert math.isnan(nothing.effect_bound)
