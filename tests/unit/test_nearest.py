"""Rounding to an exactly closing representation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn import CyclicGroup, FiniteGroup, NearestExact, nearest_exact
from grouplearn.defects import closure_defect, distance, homomorphism_defect
from grouplearn.errors import ClosureError, GroupError, InputError
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from tests.unit.examples import (
    C,
    D,
    cyclic_shift,
    horizontal_flip,
    product,
    quarter_turn,
    seeded,
    symmetric,
    turn,
)

pytestmark = pytest.mark.usefixtures("without_gradients")
D4_ON_PATCH = torch.stack([quarter_turn(5), horizontal_flip(5)])


@pytest.fixture
def without_gradients() -> object:
    with torch.no_grad():
        yield


def dense(group: FiniteGroup, generators: Tensor) -> DenseRepresentation:
    """Any invertible generators, in their dtype."""
    return DenseRepresentation(group, generators.shape[-1], near=generators, dtype=generators.dtype)


def with_noise(truth: LearnedRepresentation, size: float, seed: int) -> DenseRepresentation:
    """Gaussian noise of exactly this Frobenius norm, relative to the generators."""
    given = truth.generators()
    noise = torch.randn(given.shape, generator=seeded(seed), dtype=given.dtype)
    return dense(truth.group, given + noise * (size * given.norm() / noise.norm()))


TRUTHS = [
    *(
        SpectralRepresentation(C(n), 12, rng=seeded(n), dtype=torch.float64)
        for n in (2, 3, 5, 8, 12)
    ),
    *(
        SpectralRepresentation(D(n), 12, rng=seeded(n), dtype=torch.float64)
        for n in (1, 2, 3, 4, 6)
    ),
    SpectralRepresentation(C(4), 64, rng=seeded(), dtype=torch.float64),
    SpectralRepresentation(D(4), 64, rng=seeded(), dtype=torch.float64),
    SpectralRepresentation(C(8), 6, multiplicities=(0, 1, 0, 2, 0), dtype=torch.float64),
    FixedRepresentation(C(4), quarter_turn(5)[None]),
    FixedRepresentation(C(2), horizontal_flip(5)[None]),
    FixedRepresentation(C(9), cyclic_shift(9)[None]),
    FixedRepresentation(D(4), D4_ON_PATCH),
]
each_truth = pytest.mark.parametrize("truth", TRUTHS, ids=lambda rep: f"{rep.group}-{rep.dim}")


@each_truth
@pytest.mark.parametrize("noise", [1e-4, 1e-2])
def test_noise_is_at_most_multiplied_by_five(truth: LearnedRepresentation, noise: float) -> None:
    for seed in range(5):
        noisy = with_noise(truth, noise, seed)
        exact, moved = nearest_exact(noisy)
        assert float(distance(exact, truth)) <= 5 * noise
        assert moved == pytest.approx(float(distance(exact, noisy)))
        assert moved <= noise * 1.001 if len(noisy.generators()) == 1 else moved <= 2 * noise
        assert float(homomorphism_defect(exact)) < 1e-11


@each_truth
def test_exact_representations_stay(truth: LearnedRepresentation) -> None:
    exact, moved = nearest_exact(truth)
    assert isinstance(nearest_exact(truth), NearestExact)
    assert moved < 1e-12
    torch.testing.assert_close(exact.generators(), truth.generators(), rtol=0, atol=1e-11)
    if isinstance(truth, SpectralRepresentation):
        assert exact.multiplicities == truth.multiplicities


@pytest.mark.parametrize("n", [2, 4, 7, 12])
def test_rounds_eigenvalues_to_roots_of_unity_and_keeps_eigenvectors(n: int) -> None:
    """Against NumPy's eigendecomposition of a matrix that is not normal."""
    basis = torch.randn(8, 8, generator=seeded(n), dtype=torch.float64)
    truth = SpectralRepresentation.from_basis(
        C(n), SpectralRepresentation(C(n), 8).multiplicities, basis
    )
    given = truth.generators()[0] + 1e-3 * torch.randn(8, 8, generator=seeded(1)).double()
    values, vectors = np.linalg.eig(given.numpy())
    roots = np.exp(2j * np.pi * np.round(np.angle(values) * n / (2 * np.pi)) / n)
    expected = vectors @ np.diag(roots) @ np.linalg.inv(vectors)
    exact, _ = nearest_exact(dense(C(n), given))
    np.testing.assert_allclose(exact.generators()[0], expected.real, atol=1e-8)


@pytest.mark.parametrize("group", [C(3), C(4), D(3), D(4)], ids=str)
def test_commutes_with_changes_of_basis(group: FiniteGroup) -> None:
    noisy = with_noise(SpectralRepresentation(group, 7, rng=seeded(), dtype=torch.float64), 0.01, 0)
    basis = torch.randn(7, 7, generator=seeded(3), dtype=torch.float64)
    inverse = torch.linalg.inv(basis)
    there = nearest_exact(dense(group, basis @ noisy.generators() @ inverse)).representation
    expected = basis @ nearest_exact(noisy).representation.generators() @ inverse
    torch.testing.assert_close(there.generators(), expected, rtol=1e-8, atol=1e-8)


def test_result_is_of_the_same_type_and_can_be_trained() -> None:
    for dtype in (torch.float32, torch.float64):
        rep = SkewRepresentation(
            C(4), 9, near=quarter_turn(3), noise=0.01, rng=seeded(), dtype=dtype
        )
        exact = nearest_exact(rep).representation
        assert (type(exact), exact.dtype, exact.group) == (SpectralRepresentation, dtype, C(4))
        assert all(p.requires_grad and p.is_leaf for p in exact.parameters())
        assert float(closure_defect(exact)) < 100 * torch.finfo(dtype).eps


def test_the_trivial_group() -> None:
    exact, moved = nearest_exact(DenseRepresentation(C(1), 3))
    assert (exact.multiplicities, moved) == ((3,), 0.0)


def test_a_long_group() -> None:
    exact, moved = nearest_exact(dense(C(360), turn(2 * np.pi * 7.1 / 360)))
    torch.testing.assert_close(exact.generators()[0], turn(2 * np.pi * 7 / 360), rtol=0, atol=1e-12)
    assert moved == pytest.approx(2 * np.sin(np.pi * 0.1 / 360))


def test_the_size_of_eigenvalues_is_free_above_one_half() -> None:
    for size in (0.51, 20.0):
        exact, _ = nearest_exact(dense(C(4), size * quarter_turn(2)))
        torch.testing.assert_close(exact.generators()[0], quarter_turn(2), rtol=0, atol=1e-12)


REFUSED = {
    "small eigenvalue": (
        C(4),
        torch.diag(torch.tensor([1.0, 0.4])),
        "nearest_exact: every eigenvalue must be nearer to the unit circle than to zero, got 0.4",
    ),
    "small complex eigenvalues": (
        C(8),
        0.49 * turn(0.8),
        "every eigenvalue must be nearer to the unit circle than to zero, got 0.34",
    ),
    "minus one for an odd order": (
        C(5),
        -torch.eye(2),
        "nearest_exact: eigenvalues must lie near 5-th roots of unity, got -1, half-way between",
    ),
    "small reflection": (
        D(4),
        torch.stack([turn(np.pi / 2), 0.3 * torch.diag(torch.tensor([1.0, -1.0]))]),
        "nearest_exact: the reflection must invert the turn",
    ),
    "commuting reflection": (
        D(4),
        torch.stack([turn(np.pi / 2), turn(np.pi / 2)]),
        "nearest_exact: the reflection must invert the turn",
    ),
    "reflection that is a quarter turn": (
        D(1),
        torch.tensor([[[0.0, -1.0], [1.0, 0.0]]]),
        "nearest_exact: the reflection must invert the turn and be an involution",
    ),
}


@pytest.mark.parametrize(("group", "generators", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_is_not_near_a_representation(
    group: FiniteGroup, generators: Tensor, message: str
) -> None:
    with pytest.raises(ClosureError) as problem:
        nearest_exact(dense(group, generators))
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)


def test_refusals_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ClosureError):
        nearest_exact(dense(C(4), torch.diag(torch.tensor([1.0, 0.1]))))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize("group", [product(C(2), C(4)), symmetric(4)], ids=repr)
def test_refuses_other_groups(group: FiniteGroup) -> None:
    with pytest.raises(
        GroupError, match="nearest_exact: group must be a CyclicGroup or DihedralGroup"
    ):
        nearest_exact(DenseRepresentation(group, 3))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_weights_that_are_not_finite(value: float) -> None:
    for rep in (DenseRepresentation(C(4), 3), ToeplitzRepresentation(D(4), 3)):
        rep.weight[0, 0] = value
        with pytest.raises(InputError, match=r"nearest_exact: .* must be finite, got (nan|inf)"):
            nearest_exact(rep)


@pytest.mark.parametrize("seed", range(6))
def test_a_double_eigenvalue_half_way_between_roots_is_refused(seed: int) -> None:
    """Rounding splits it into a pair beside the axis, which must not pass for a plane."""
    basis = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    matrix = basis @ torch.diag(torch.tensor([-1.0, -1.0, 1.0]).double()) @ basis.inverse()
    rep = DenseRepresentation(CyclicGroup(5), 3, near=matrix)
    with pytest.raises(ClosureError, match="half-way"):
        nearest_exact(rep)
