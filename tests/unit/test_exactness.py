"""What is called exact holds in numbers, or is refused with the condition number."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn import FiniteGroup, nearest_exact
from grouplearn.errors import ClosureError, InputError
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SpectralRepresentation,
    TensorProduct,
)
from tests.unit.examples import C, D, seeded

LIMITS = {torch.float32: 3.5e-4, torch.float64: 1e-6}
CONDITIONS = [1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e8, 1e10]


def basis(dim: int, condition: float, seed: int) -> np.ndarray:
    """Of this condition number, its singular values evenly spread."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(dim, dim)))[0] for _ in range(2))
    return np.asarray(left * np.geomspace(1, 1 / condition, dim) @ right)


def permuted(group: FiniteGroup, dim: int) -> np.ndarray:
    """Generators as permutations: a cycle of the first n points, and its reversal."""
    n = int(group.element_orders[group.generators[0]])
    cycle, mirror = np.eye(dim), np.eye(dim)
    cycle[:n] = np.roll(np.eye(dim)[:n], 1, 0)
    mirror[:n, :n] = np.eye(n)[::-1]
    return np.stack([cycle, mirror][: len(group.generators)])


def misses(rep: LearnedRepresentation) -> float:
    """By how much the multiplication table is missed, by NumPy in float64 on the numbers held."""
    matrices = rep.matrices().detach().double().numpy()
    products = np.einsum("gij,hjk->ghik", matrices, matrices)
    gaps = np.linalg.norm(products - matrices[rep.group.cayley_table], axis=(-2, -1))
    return float(gaps.max() / rep.dim**0.5)


@pytest.mark.parametrize("group", [C(3), C(5), C(8), D(3), D(4)], ids=str)
@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_rounded_actions_close_or_are_refused(group: FiniteGroup, dtype: torch.dtype) -> None:
    accepted = []
    for condition in CONDITIONS:
        for seed in range(2):
            change = basis(9, condition, seed)
            known = change @ permuted(group, 9) @ np.linalg.inv(change)
            try:
                rep = DenseRepresentation(group, 9, near=torch.tensor(known), dtype=dtype)
            except InputError as problem:
                singular = str(problem)
                assert "a singular one" in singular
                continue
            try:
                exact = nearest_exact(rep)
            except ClosureError:
                continue
            accepted.append(condition)
            assert exact.representation.dtype == dtype
            assert misses(exact.representation) <= 10 * LIMITS[dtype]
            assert np.isfinite(exact.distance)
    assert max(accepted) >= (10 if dtype == torch.float32 else 1e3)
    assert max(accepted) <= (1e3 if dtype == torch.float32 else 1e6)


CLOSED: dict[str, Callable[[torch.dtype], LearnedRepresentation]] = {
    "spectral": lambda dtype: SpectralRepresentation(D(4), 6, rng=seeded(), dtype=dtype),
    "permutations": lambda dtype: FixedRepresentation.from_permutations(
        [[1, 2, 3, 4, 5, 0]], dtype=dtype
    ),
    "sums": lambda dtype: DirectSum(
        [SpectralRepresentation(C(5), k, rng=seeded(), dtype=dtype) for k in (2, 4)]
    ),
    "products": lambda dtype: TensorProduct(
        *[SpectralRepresentation(C(3), k, rng=seeded(), dtype=dtype) for k in (2, 3)]
    ),
    "scales": lambda dtype: MultiScaleRepresentation(
        C(4), 6, shape=(2, 3), child=SpectralRepresentation, rng=seeded(), dtype=dtype
    ),
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("dtype", LIMITS, ids=str)
def test_bases_in_which_the_relations_are_lost_are_refused(name: str, dtype: torch.dtype) -> None:
    refused = []
    for condition in CONDITIONS:
        change = torch.tensor(basis(6, condition, 1), dtype=dtype)
        try:
            rep = ChangeOfBasis(CLOSED[name](dtype), change)
        except InputError as problem:
            if "singular" not in str(problem):
                refused.append(condition)
                found = re.search(r"condition number ([\d.e+]+)", str(problem))
                assert found is not None
                assert float(found[1]) == pytest.approx(condition, rel=0.1)
        else:
            assert rep.closes_exactly
            assert misses(rep) <= 10 * LIMITS[dtype]
    assert 10.0 not in refused
    assert 1e5 in refused if dtype == torch.float32 else 1e8 in refused


def test_a_trusted_or_approximate_child_is_not_measured() -> None:
    change = torch.tensor(basis(6, 1e5, 0), dtype=torch.float32)
    learned = DenseRepresentation(C(3), 6, rng=seeded(), dtype=torch.float32)
    assert not ChangeOfBasis(learned, change).closes_exactly
    known = SpectralRepresentation(C(3), 6, rng=seeded(), dtype=torch.float32)
    assert torch.equal(ChangeOfBasis(known, change, measured=False).basis, change)


def test_given_columns_and_starts_are_measured() -> None:
    change = torch.tensor(basis(6, 1e5, 0), dtype=torch.float32)
    with pytest.raises(InputError, match=r"SpectralRepresentation: basis must be .*number 1e\+05"):
        SpectralRepresentation.from_basis(C(4), (2, 1, 2), change)
    wide = torch.tensor(basis(6, 1e3, 0))
    assert misses(SpectralRepresentation.from_basis(C(4), (2, 1, 2), wide)) < 1e-6
    near = wide @ torch.tensor(permuted(C(3), 6)) @ torch.linalg.inv(wide)
    with pytest.raises(InputError, match=r"near must be in a basis in which torch\.float32 holds"):
        SpectralRepresentation(C(3), 6, near=near, dtype=torch.float32)
    SpectralRepresentation(C(3), 6, near=near, dtype=torch.float64)


@pytest.mark.parametrize("matrix", [[[0.0, -1.0], [1.0, 0.0]], [[0.0, -1.0], [1.0, -1.0]]])
@pytest.mark.parametrize("power", [-60, -50, -3, 3, 50, 100])
def test_units_of_coordinates(power: int, matrix: list[list[float]]) -> None:
    """A quarter and a third of a turn in other units: every digit, or a refusal."""
    turn, order = torch.tensor(matrix, dtype=torch.float64), 4 if matrix[1][1] == 0 else 3
    scale = torch.diag(torch.tensor([2.0**power, 1.0], dtype=torch.float64))
    near = scale @ turn @ torch.linalg.inv(scale)
    rep = DenseRepresentation(C(order), 2, near=near, dtype=torch.float64)
    try:
        exact = nearest_exact(rep).representation
    except ClosureError as problem:
        refusal = str(problem)
    else:
        back = torch.linalg.inv(scale) @ exact.matrices().detach() @ scale
        assert torch.allclose(back[1], turn, atol=1e-13)
        refusal = "condition number"
        assert abs(power) == 3 or order == 4
    assert "condition number" in refusal


@pytest.mark.parametrize("size", [1e19, 1e30, 1e-3])
def test_distances_of_large_and_small_matrices_are_numbers(size: float) -> None:
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    given: Tensor = size * quarter
    rep = DenseRepresentation(C(4), 2, near=given)
    if size < 1:
        with pytest.raises(ClosureError, match="nearer to the unit circle than to zero"):
            nearest_exact(rep)
        return
    exact, moved = nearest_exact(rep)
    want = np.linalg.norm((quarter - given).double()) / np.linalg.norm(given.double())
    assert moved == pytest.approx(float(want))
    assert misses(exact) < 1e-6
