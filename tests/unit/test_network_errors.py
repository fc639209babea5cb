"""What the check of a whole network refuses to call equivariant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

from grouplearn import CyclicGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import EquivarianceError, InputError
from grouplearn.layers import GroupConv2d, GroupPool, OrbitConv1d, OrbitConv2d
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation
from grouplearn.testing import (
    assert_equivariant,
    assert_network_equivariant,
    equivariance_error,
    network_errors,
)
from tests.unit.examples import is_helpful


def turn() -> FixedRepresentation:
    return FixedRepresentation(
        CyclicGroup(4), patch_actions(3)["quarter-turn"].matrix.float()[None]
    )


class _Spoiled(nn.Module):
    """A turn-invariant network whose output is spoiled."""

    def __init__(self, spoil: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.spoil = LGCNN(Pattern(1, 3, (2, 2, 2)), turn()), spoil

    def forward(self, x: Tensor) -> Any:
        return self.spoil(self.inner(x))


def test_what_cannot_be_compared_is_no_success() -> None:
    x, group = torch.rand(2, 1, 8, 8), CyclicGroup(4)
    moves = [move for move in ImageDomain(3).extend(turn()) if move is not None]
    errors = network_errors(_Spoiled(lambda y: y * float("nan")), group, x, moves)
    assert errors[-1].error == float("inf")
    for network, given, part in (
        (_Spoiled(lambda y: (y, y)), x, "network must be"),
        (_Spoiled(lambda y: y), x[:0], "x must be finite, and not empty"),
        (_Spoiled(lambda y: y), x * float("inf"), "x must be finite, and not empty"),
    ):
        with pytest.raises(InputError, match=part) as problem:
            network_errors(network, group, given, moves)
        assert is_helpful(problem, "network_errors")


Move = Callable[[Tensor], Tensor]
TURNS: list[Move] = [lambda y, k=k: y.rot90(k, (-2, -1)) for k in range(4)]  # type: ignore[misc]


def images(seed: int = 0) -> Tensor:
    return torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(seed))


def turns_of_arrays(layer: nn.Module, x: Tensor) -> float:
    """What an equivariant layer's outputs have to be, by NumPy: the oracle of the next test."""
    y = layer(x).detach().numpy()
    turned = layer(x.rot90(1, (-2, -1))).detach().numpy()
    wanted = np.rot90(np.roll(y, 1, 2), 1, (-2, -1))
    return float(np.abs(turned - wanted).max() / np.abs(y).max())


@pytest.mark.parametrize("made", [spectral_norm, weight_norm, orthogonal])
def test_weights_that_are_computed_are_no_outputs(made: Any) -> None:
    """The parametrised layer is equivariant; its weights, of four axes, turn with nothing."""
    torch.manual_seed(0)
    layer = made(OrbitConv2d(1, 2, 3, turn())).eval()
    inner = made(GroupConv2d(2, 2, 3, turn())).eval()
    assert turns_of_arrays(layer, images()) < 1e-5
    network = nn.Sequential(layer, inner, GroupPool("max"))
    found = network_errors(network, CyclicGroup(4), images(), TURNS)
    assert [each.name for each in found] == ["0", "1", "2", ""]
    assert max(each.error for each in found) < 1e-5
    assert_network_equivariant(network, CyclicGroup(4), images(), TURNS)


def test_what_tests_nothing_is_no_success() -> None:
    torch.manual_seed(0)
    group, broken = CyclicGroup(4), nn.Conv2d(1, 2, 3)
    with pytest.raises(EquivarianceError):
        assert_network_equivariant(broken, group, images(), TURNS)
    round_about = (images() + sum(images().rot90(k, (-2, -1)) for k in range(1, 4))) / 4
    flat = torch.ones(2, 1, 9, 9)
    dead = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    with torch.no_grad():
        for each in dead.parameters():
            each.fill_(0.5 if each.ndim == 1 else 0.0)
    cases: list[tuple[nn.Module, Tensor, str]] = [
        (broken, flat, "x must be inputs that every element moves, got ones that element 1"),
        (broken, 0 * flat, "x must be inputs that every element moves"),
        (broken, round_about, "x must be inputs that every element moves"),
        (dead, images(), "network must be one whose outputs depend on its input"),
    ]
    for network, x, part in cases:
        with pytest.raises(InputError) as problem:
            assert_network_equivariant(network, group, x, TURNS)
        assert is_helpful(problem, part, "nothing was tested")
    half_way = (images() + images().rot90(2, (-2, -1))) / 2
    with pytest.raises(InputError, match="ones that element 2 leaves as they are"):
        assert_network_equivariant(broken, group, half_way, TURNS)


def test_a_dead_branch_is_left_out_and_the_rest_is_judged() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.inner(x)

    network = Residual()
    with torch.no_grad():
        for each in network.parameters():
            each.zero_()
    found = network_errors(network, CyclicGroup(4), images(), TURNS)
    assert [each.name for each in found] == [""]


def test_a_sequence_as_long_as_the_group_is_large_is_not_taken_for_its_elements() -> None:
    torch.manual_seed(0)
    smooth = nn.Conv1d(1, 1, 3, padding=1, bias=False)
    with torch.no_grad():
        smooth.weight.copy_(torch.tensor([[[0.3, 0.5, 0.3]]]))
    lift = OrbitConv1d(1, 2, 2, FixedRepresentation.from_permutations([[1, 0]]))
    moves: list[Move] = [lambda y: y, lambda y: y.flip(-1)]
    x = torch.rand(3, 1, 2, generator=torch.Generator().manual_seed(0))
    network = nn.Sequential(smooth, lift)
    assert_network_equivariant(network, CyclicGroup(2), x, moves)
    with torch.no_grad():
        smooth.weight.copy_(torch.tensor([[[0.1, 0.5, 0.3]]]))
    with pytest.raises(EquivarianceError, match=r"^0 \(Conv1d\)"):
        assert_network_equivariant(network, CyclicGroup(2), x, moves)


def test_networks_that_run_other_modules_for_other_inputs_are_refused() -> None:
    class Choosing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(x) if bool(x[0, 0, 0, 0] > images()[0, 0, 0, 0] - 1e-6) else x

    with pytest.raises(InputError, match="one that runs the same modules for every input"):
        network_errors(Choosing(), CyclicGroup(4), images(), TURNS)


def test_vectors_and_functions_that_test_nothing_are_refused() -> None:
    shift = FixedRepresentation.from_permutations([[1, 2, 3, 0]], torch.float64)
    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def first(v: Tensor) -> Tensor:
        return v[..., :1].expand(v.shape)

    cases: list[tuple[Move, Tensor, str]] = [
        (first, torch.ones_like(x), "inputs that every element moves"),
        (first, x.new_tensor([1.0, 0, 1, 0]), "ones that element 2 leaves"),
        (lambda v: 0 * v, x, "one whose outputs depend on its inputs"),
        (lambda v: torch.ones_like(v), x, "one whose outputs depend on its inputs"),
    ]
    for function, given, part in cases:
        assert equivariance_error(function, shift, shift, given) >= 0
        with pytest.raises((InputError, EquivarianceError)) as problem:
            assert_equivariant(function, shift, shift, given)
        if given.shape != (4,):
            assert is_helpful(problem, part, "nothing was tested")
    with pytest.raises(EquivarianceError):
        assert_equivariant(first, shift, shift, x)
    trivial = FixedRepresentation(shift.group, torch.ones(1, 1, 1, dtype=torch.float64))
    assert_equivariant(lambda v: v.sum(-1, keepdim=True), shift, trivial, x)
    assert_equivariant(lambda v: v**2, trivial, trivial, x[:, :1])
