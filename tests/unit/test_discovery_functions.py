"""Groups that functions do not see, on functions whose invariance is known by construction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn.discovery.functions.elements import TriedElement, _elements
from grouplearn.discovery.functions.entry import discover_from_function
from grouplearn.discovery.functions.found import Invariance
from grouplearn.discovery.functions.frames import PlaneFrame
from grouplearn.discovery.functions.judgement import conclude
from grouplearn.discovery.functions.probes import Probe, Ruler
from grouplearn.discovery.result import Discovery
from grouplearn.errors import InputError
from grouplearn.groups import CyclicGroup, DihedralGroup
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import is_helpful, seeded

Function = Callable[[Tensor], Tensor]


def normal(count: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=seeded(seed))


def polar(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.hypot(x[:, 0], x[:, 1]), torch.atan2(x[:, 1], x[:, 0])


def petals(order: int, phase: float = 0.3) -> Function:
    """D_n: mirrored at an axis that depends on the phase."""

    def function(x: Tensor) -> Tensor:
        r, angle = polar(x)
        return r * torch.cos(order * angle + phase)

    return function


def wheel(order: int) -> Function:
    """C_n but not D_n: the phase changes with the radius."""

    def function(x: Tensor) -> Tensor:
        r, angle = polar(x)
        return r * torch.cos(order * angle) + 0.7 * r**2 * torch.sin(order * angle) * torch.tanh(
            r - 1
        )

    return function


def keeps(function: Function, found: Discovery, x: Tensor, tolerance: float) -> bool:
    """Does every member leave the function alone, by its own definition?"""
    spread = float(function(x).std())
    for g in range(found.group.order):
        moved = found.representation.act(x.double(), g).detach().to(x)
        gap = (function(moved) - function(x)).square().mean().sqrt()
        assert float(gap) < tolerance * spread, (g, float(gap) / spread)
    return True


@pytest.mark.parametrize(
    ("function", "group"),
    [
        (petals(4), DihedralGroup(4)),
        (petals(7), DihedralGroup(7)),
        (wheel(7), CyclicGroup(7)),
        (wheel(6), CyclicGroup(6)),
    ],
)
def test_turns_and_mirrors_of_a_plane(function: Function, group: object) -> None:
    x = normal(1000, 2)
    found = discover_from_function(function, x)
    assert found.group == group
    assert found.exact
    assert found.p_value < 1e-6
    assert found.gap > 100
    assert keeps(function, found, normal(500, 2, 1), 0.003)
    assert found.ladder[0].accepted
    assert {rung.accepted for rung in found.ladder[1:]} == {False}
    assert [each.kind for each in found.ladder[0].evidence] == ["function"]
    assert found.members.shape == (found.group.order, 2, 2)


def test_samples_need_not_be_symmetric() -> None:
    x = normal(1000, 2) * torch.tensor([2.0, 1.0]) + torch.tensor([0.5, 0.0])
    assert discover_from_function(petals(4), x).group == DihedralGroup(4)


@pytest.mark.slow
def test_a_plane_among_other_directions_in_any_basis() -> None:
    basis = torch.eye(5).double() + 0.3 * torch.randn(5, 5, generator=seeded(2)).double()
    back = torch.linalg.inv(basis)
    third = wheel(3)

    def function(x: Tensor) -> Tensor:
        z = x @ back.mT
        return third(z[:, :2]) + z[:, 2] + z[:, 3] ** 3 + torch.sin(z[:, 4] + 0.5)

    found = discover_from_function(function, normal(1500, 5).double() @ basis.mT)
    assert found.group == CyclicGroup(3)
    turned = torch.eye(5).double()
    c, s = math.cos(2 * math.pi / 3), math.sin(2 * math.pi / 3)
    turned[:2, :2] = torch.tensor([[c, -s], [s, c]])
    truth = basis @ turned @ back
    ways = [found.members[1], found.members[2]]
    assert min(float((way - truth).norm() / truth.norm()) for way in ways) < 0.01


def test_two_planes_that_turn_together() -> None:
    def function(x: Tensor) -> Tensor:
        z, w = torch.complex(x[:, 0], x[:, 1]), torch.complex(x[:, 2], x[:, 3])
        return (z**2 * w.conj()).real + 0.5 * (w**2 * z).imag + 0.1 * w.abs() ** 2

    found = discover_from_function(function, normal(1500, 4, 3))
    assert found.group.order in (5, 10)
    angles = torch.angle(torch.linalg.eigvals(found.members[1])) * 5 / (2 * math.pi)
    assert sorted(angles.abs().round().tolist()) in ([1, 1, 2, 2], [2, 2, 1, 1])
    assert keeps(function, found, normal(500, 4, 1), 0.01)


def test_signs_ignored_directions_and_several_outputs() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.stack([petals(4)(x), x[:, 2] ** 2], 1)

    found = discover_from_function(function, normal(1000, 5))
    assert found.group.name == "D4 x C2"
    assert isinstance(found.representation, FixedRepresentation)
    assert "ignores 2 of 5 directions" in found.summary()
    untouched = found.members[:, 3:, 3:]
    assert torch.allclose(untouched, torch.eye(2).double().expand_as(untouched), atol=1e-5)
    many = discover_from_function(
        lambda x: petals(4)(x)[:, None] * torch.arange(1.0, 12.0), normal(500, 2)
    )
    assert many.group == DihedralGroup(4)


def test_a_round_plane_is_no_finite_group() -> None:
    found = discover_from_function(lambda x: polar(x)[0] + x[:, 2] ** 3 + x[:, 2], normal(800, 3))
    assert not found.found
    assert "a continuous rotation" in found.summary()


@pytest.mark.slow
def test_a_circle_that_turns_two_planes_together_is_no_finite_group() -> None:
    def function(x: Tensor) -> Tensor:
        z, w = torch.complex(x[:, 0], x[:, 1]), torch.complex(x[:, 2], x[:, 3])
        product = z * w.conj()
        return product.real + 0.7 * (product**2).imag / (1 + product.abs()) + 0.5 * z.abs() ** 2

    found = discover_from_function(function, normal(800, 4))
    assert not found.found
    assert "a continuous rotation" in found.summary()


def test_seven_sectors_with_jumps() -> None:
    def function(x: Tensor) -> Tensor:
        return x[:, 2] / (1 + torch.remainder(polar(x)[1], 2 * math.pi / 7))

    found = discover_from_function(function, normal(2000, 3, 5))
    assert found.group == CyclicGroup(7)
    assert float((torch.linalg.matrix_power(found.members[1], 7) - torch.eye(3)).norm()) < 1e-6


def test_functions_without_symmetry_or_gradient() -> None:
    def function(x: Tensor) -> Tensor:
        return torch.sin(x[:, 0]) + x[:, 1] * torch.tanh(x[:, 2]) + torch.exp(x[:, 1] / 2)

    x = normal(800, 3)
    actions: list[Any] = ["linear", "permutation"]
    for action in actions:
        found = discover_from_function(function, x, action=action)
        assert not found.found
        assert found.summary().startswith("No symmetry found.")
        assert found.members.shape == (1, 3, 3)
        assert found.ladder
    blind = discover_from_function(lambda x: petals(4)(x).detach(), x[:, :2].double())
    assert blind.group == DihedralGroup(4)
    apart = torch.zeros(3, requires_grad=True)
    unused = discover_from_function(
        lambda x: petals(4)(x).detach() + 0 * apart.sum(), x[:, :2].double()
    )
    assert unused.group == DihedralGroup(4)


@pytest.mark.slow
def test_trained_networks_are_nearly_invariant() -> None:
    rng = seeded(0)
    x = torch.randn(1500, 2, generator=rng)
    radius = polar(x)[0]
    y = petals(4, 0.0)(x) * torch.exp(-radius / 2) + 0.2 * radius
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(2, 48), torch.nn.Tanh(), torch.nn.Linear(48, 48), torch.nn.Tanh(),
        torch.nn.Linear(48, 1),
    )  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(700):
        optimiser.zero_grad()
        (network(x)[:, 0] - y).square().mean().backward()
        optimiser.step()
    found = discover_from_function(network, x)
    assert found.group == DihedralGroup(4)
    assert not found.exact
    assert "approximate" in found.summary()
    assert 0.001 < float(found.violations.max()) < 0.15


@pytest.mark.parametrize(
    ("function", "dim", "name"),
    [
        (lambda x: (x * x.roll(1, 1) ** 2).sum(1), 4, "C4"),
        (lambda x: (x * x.roll(1, 1) ** 2).sum(1), 8, "C8"),
        (lambda x: (x**3).sum(1) + x.prod(1), 4, "S4"),
        (lambda x: (x[:, :3] ** 3).sum(1), 8, "S3"),
        (lambda x: (x[:, 1:] * x[:, :-1]).sum(1) + (x**3).sum(1), 4, "C2"),
        (lambda x: x[:, 0] ** 3, 3, "C1"),
    ],
)
def test_permutations(function: Function, dim: int, name: str) -> None:
    found = discover_from_function(function, normal(800, dim, 3), action="permutation")
    assert found.group.name == name
    assert found.action == "permutation"
    assert keeps(function, found, normal(300, dim, 4), 0.003)
    if name != "C1":
        assert found.members.shape == (found.group.order, dim)
        assert isinstance(found.representation, FixedRepresentation)
        assert found.representation.is_permutation
    if dim == 8 and name == "S3":
        assert "ignores coordinates [3, 4, 5, 6, 7]" in found.summary()


@pytest.mark.slow
def test_too_many_permutations_are_not_listed() -> None:
    found = discover_from_function(lambda x: (x**3).sum(1), normal(400, 8), action="permutation")
    assert not found.found
    assert "More than 4096 permutations" in found.summary()


def test_samples_may_lie_on_a_line() -> None:
    along = normal(400, 1).double() * torch.tensor([1.0, 2.0]).double()
    assert discover_from_function(wheel(4), along).group.order in (1, 2, 4)


def test_searches_that_would_take_too_long_are_left_out() -> None:
    frame = PlaneFrame(np.eye(8), 4)
    assert list(_elements(23, [0, 1, 2, 3], frame)) == []
    assert len(list(_elements(2, [0, 1, 2, 3], frame))) == 2**4 - 1


def test_what_is_hardly_better_than_the_rest_is_rejected() -> None:
    x = normal(400, 2).double()
    swap = FixedRepresentation.from_permutations([[1, 0]], torch.float64)
    ruler = Ruler(Probe(lambda x: x[:, 0] + 1.15 * x[:, 1], x), x.numpy(), 0)
    outside = (TriedElement(2, -np.eye(2), np.ones(2, dtype=bool), 0.2),)
    found = conclude(Invariance(swap, outside, 9, ()), ruler, 0.01, "permutation")
    assert not found.found
    assert [rung.accepted for rung in found.ladder] == [False, False]
    assert found.ladder[0].evidence[0].verdict == "rejected"
    assert conclude(Invariance(swap, (), 9, ()), ruler, 0.01, "permutation").found


def test_one_seed_gives_one_answer() -> None:
    x = normal(400, 2)
    first, again = (discover_from_function(wheel(5), x, seed=3) for _ in range(2))
    assert torch.equal(first.members, again.members)
    assert first.summary() == again.summary()


X = normal(100, 2)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"samples": X[0]}, ["samples", "(any, any)"]),
        ({"samples": X.int()}, ["samples", "floating-point"]),
        ({"samples": X * torch.nan}, ["samples", "finite"]),
        ({"samples": X[:20]}, ["samples", "at least 32 rows"]),
        ({"samples": torch.zeros(50, 0)}, ["samples", "one or more numbers"]),
        ({"samples": 0 * X}, ["samples", "other than all zero"]),
        ({"function": 3}, ["function", "callable"]),
        ({"function": lambda x: x.sum()}, ["function", "a map of (100, 2) tensors"]),
        ({"function": lambda x: x[:5, 0]}, ["function", "a map of (100, 2) tensors"]),
        ({"function": lambda x: 1.0}, ["function", "got float"]),
        ({"function": lambda x: torch.log(x[:, 0])}, ["function", "finite", "nan"]),
        ({"function": lambda x: 0 * x[:, 0] + 7}, ["depends on x", "between 7 and 7", "constant"]),
        ({"action": "signed"}, ["action", '"linear" or "permutation"']),
        ({"level": 1.5}, ["level", "below 1"]),
        ({"seed": -1}, ["seed"]),
    ],
)
def test_bad_functions_are_refused(arguments: dict[str, Any], parts: list[str]) -> None:
    given: dict[str, Any] = {"function": petals(4), "samples": X, **arguments}
    with pytest.raises(InputError) as problem:
        discover_from_function(given.pop("function"), given.pop("samples"), **given)
    assert is_helpful(problem, "discover_from_function", *parts)
