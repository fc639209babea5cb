"""Continuous turns that functions do not see, on functions whose Lie algebra is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn.discovery.functions.entry import discover_from_function
from grouplearn.groups import CyclicGroup, DihedralGroup
from tests.unit.examples import seeded

Function = Callable[[Tensor], Tensor]
SKEWED = torch.eye(5) + 0.3 * torch.randn(5, 5, generator=seeded(1))


def normal(count: int, dim: int, seed: int = 0) -> Tensor:
    return torch.randn(count, dim, generator=seeded(seed))


def plane(x: Tensor, k: int) -> Tensor:
    return torch.complex(x[:, k], x[:, k + 1])


def petals(x: Tensor) -> Tensor:
    z = plane(x, 0)
    return (z**4).real / (1 + z.abs() ** 3)


CASES: list[tuple[str, Function, int, int]] = [
    ("O(5)", lambda x: x.square().sum(1).sqrt(), 5, 10),
    ("O(5) in a skewed basis", lambda x: (x @ SKEWED).square().sum(1).sqrt(), 5, 10),
    ("O(4) of another quadratic form", lambda x: plane(x, 0).abs() ** 2
     + 2 * plane(x, 2).abs() ** 2, 4, 6),
    ("O(3) x O(2)", lambda x: x[:, :3].square().sum(1) + plane(x, 3).abs().tanh(), 5, 4),
    ("one circle, two planes", lambda x: (plane(x, 0) ** 2 * plane(x, 2).conj()).real
     + plane(x, 0).abs() ** 2, 4, 1),
    ("rotations of two vectors together", lambda x: (x[:, :3] * x[:, 3:]).sum(1)
     + x[:, :3].square().sum(1) ** 1.5, 6, 3),
    ("the compact part of O(2, 1)", lambda x: plane(x, 0).abs() ** 2 - x[:, 2] ** 2, 3, 1),
    ("none, as hyperbolas are not compact", lambda x: x[:, 0] * x[:, 1], 2, 0),
    ("none, as ignored directions are kept", lambda x: (x @ torch.arange(4.0)).tanh(), 4, 0),
]  # fmt: skip


@pytest.mark.parametrize(("function", "dim", "size"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_all_continuous_turns_are_found(function: Function, dim: int, size: int) -> None:
    found = discover_from_function(function, normal(600, dim, 2))
    algebra = found.lie_algebra
    assert algebra is not None
    assert algebra.shape == (size, dim, dim)
    assert algebra.dtype == torch.float64
    if size == 0:
        return
    gram = torch.einsum("aij,bij->ab", algebra, algebra)
    assert torch.allclose(gram, torch.eye(size).double(), atol=1e-9)
    x = normal(400, dim, 3)
    for each in algebra:
        # Eigenvalues of a compact one are imaginary, and its turns leave the function alone.
        assert float(torch.linalg.eigvals(each).real.abs().max()) < 1e-6
        for angle in (0.3, 2.0, -5.0):
            moved = (x.double() @ torch.matrix_exp(angle * each).mT).float()
            assert torch.allclose(function(moved), function(x), rtol=1e-3, atol=1e-3)
    # A Lie algebra contains its commutators.
    flat = algebra.reshape(size, -1)
    for left in algebra:
        for right in algebra:
            bracket = (left @ right - right @ left).reshape(-1)
            assert torch.allclose(flat.mT @ (flat @ bracket), bracket, atol=1e-4)
    assert f"a continuous rotation ({size} generator" in found.summary()


def test_every_skew_matrix_for_a_round_function() -> None:
    found = discover_from_function(lambda x: x.square().sum(1), normal(500, 5).double())
    assert found.lie_algebra is not None
    flat = found.lie_algebra.reshape(10, 25)
    for i, j in zip(*np.triu_indices(5, 1), strict=True):
        turn = torch.zeros(5, 5).double()
        turn[i, j], turn[j, i] = 1, -1
        assert torch.allclose(flat.mT @ (flat @ turn.reshape(-1)), turn.reshape(-1), atol=1e-6)
    assert not found.found


def test_a_finite_group_beside_a_circle() -> None:
    found = discover_from_function(lambda x: petals(x) + plane(x, 2).abs(), normal(800, 4))
    assert found.group == DihedralGroup(4)
    assert found.exact
    assert found.lie_algebra is not None
    assert found.lie_algebra.shape == (1, 4, 4)
    still = found.members[:, 2:, 2:]
    assert torch.allclose(still, torch.eye(2).double().expand_as(still), atol=1e-5)
    assert float(found.lie_algebra[0, :2].abs().max()) < 1e-5


def test_nearly_round_functions_turn_nearly_continuously() -> None:
    def function(x: Tensor) -> Tensor:
        z = plane(x, 0)
        return z.abs() + 0.02 * z.real + x[:, 2] ** 3

    found = discover_from_function(function, normal(600, 3))
    assert found.lie_algebra is not None
    assert found.lie_algebra.shape == (1, 3, 3)
    assert "1 generator, in lie_algebra, violation 0.0" in found.summary()
    # Its one exact symmetry is the mirror.
    assert found.group == CyclicGroup(2)
    assert found.exact
    mirror = torch.diag(torch.tensor([1.0, -1.0, 1.0])).double()
    assert torch.allclose(found.members[1], mirror, atol=1e-4)


def test_permutations_have_no_continuous_turns() -> None:
    found = discover_from_function(
        lambda x: x.square().sum(1), normal(300, 3), action="permutation"
    )
    assert found.group.name == "S3"
    assert found.lie_algebra is not None
    assert found.lie_algebra.shape == (0, 3, 3)


@pytest.mark.slow
def test_many_directions() -> None:
    found = discover_from_function(lambda x: x.square().sum(1).sqrt(), normal(600, 24))
    assert found.lie_algebra is not None
    assert len(found.lie_algebra) == 24 * 23 // 2
    # Beyond 32 directions, skew matrices alone are tried.
    found = discover_from_function(lambda x: x.square().sum(1).sqrt(), normal(600, 36))
    assert found.lie_algebra is not None
    assert len(found.lie_algebra) == 36 * 35 // 2
