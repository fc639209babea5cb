"""Matrix functions against SciPy and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from grouplearn.errors import InputError
from grouplearn.linalg import (
    haar_basis,
    polar_factor,
    random_orthogonal,
    skew_log,
    toeplitz_diagonals,
)
from tests.unit.examples import horizontal_flip, quarter_turn, seeded, turn

SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 11, 16]


def test_random_orthogonal_matrices_are_orthogonal_and_reproducible() -> None:
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-14)):
        drawn = random_orthogonal(5, 7, seeded(3), dtype)
        assert drawn.dtype == dtype
        gram = drawn.mT @ drawn
        torch.testing.assert_close(
            gram, torch.eye(7, dtype=dtype).expand(5, 7, 7), rtol=0, atol=tolerance * 10
        )
        assert torch.equal(drawn, random_orthogonal(5, 7, seeded(3), dtype))
        assert not torch.equal(drawn, random_orthogonal(5, 7, seeded(4), dtype))
    assert random_orthogonal(0, 3, None, torch.float64).shape == (0, 3, 3)


def test_random_orthogonal_matrices_follow_the_haar_measure() -> None:
    """In dimension two: uniform angles, and reflections as often as rotations."""
    drawn = random_orthogonal(4000, 2, seeded(), torch.float64).numpy()
    angles = np.arctan2(drawn[:, 1, 0], drawn[:, 0, 0])
    assert scipy.stats.kstest(angles, scipy.stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.01
    reflections = int((np.linalg.det(drawn) < 0).sum())
    assert scipy.stats.binomtest(reflections, len(drawn)).pvalue > 0.01


@pytest.mark.parametrize("dim", [1, 2, 5, 9])
def test_polar_factor_equals_scipys(dim: int) -> None:
    matrices = torch.randn(4, dim, dim, generator=seeded(dim), dtype=torch.float64)
    expected = np.stack([scipy.linalg.polar(matrix)[0] for matrix in matrices.numpy()])
    np.testing.assert_allclose(polar_factor(matrices).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 7, 12])
def test_skew_log_inverts_the_exponential(dim: int) -> None:
    random = np.random.default_rng(dim)
    for _ in range(5):
        rotation = scipy.stats.special_ortho_group(dim, seed=random).rvs() if dim > 1 else np.eye(1)
        skew = skew_log(torch.as_tensor(rotation)).numpy()
        np.testing.assert_allclose(skew, -skew.T, atol=1e-12)
        np.testing.assert_allclose(scipy.linalg.expm(skew), rotation, atol=1e-12)
        angles = np.angle(np.linalg.eigvals(rotation))
        np.testing.assert_allclose(np.linalg.norm(skew), np.linalg.norm(angles), atol=1e-10)


@pytest.mark.parametrize(
    "rotation",
    [
        torch.eye(3, dtype=torch.float64),
        -torch.eye(4, dtype=torch.float64),
        torch.diag(torch.tensor([1.0, -1, -1, 1, 1], dtype=torch.float64)),
        torch.block_diag(turn(np.pi), turn(0.3), turn(-2.5), turn(np.pi)),
        torch.block_diag(turn(1e-9), turn(np.pi - 1e-9)),
        quarter_turn(3),
        quarter_turn(4),
        horizontal_flip(4),
    ],
    ids=["identity", "minus identity", "half turn", "blocks", "nearly", "rot 3", "rot 4", "flip 4"],
)
def test_skew_log_of_half_turns_and_patch_symmetries(rotation: torch.Tensor) -> None:
    skew = skew_log(rotation)
    np.testing.assert_allclose(skew, -skew.mT, atol=1e-15)
    np.testing.assert_allclose(scipy.linalg.expm(skew.numpy()), rotation.numpy(), atol=2e-9)
    angles = np.angle(np.linalg.eigvals(rotation.numpy()))
    assert float(skew.norm()) == pytest.approx(np.linalg.norm(angles), abs=1e-6)


def test_skew_log_follows_dtype_and_refuses_reflections() -> None:
    assert skew_log(turn(0.5).float()).dtype == torch.float32
    for reflection in (torch.diag(torch.tensor([1.0, -1.0])), horizontal_flip(3), -torch.eye(3)):
        with pytest.raises(InputError) as problem:
            skew_log(reflection)
        assert str(problem.value) == (
            "skew_log: orthogonal must be a rotation (determinant +1), got determinant -1; "
            "exp of a skew-symmetric matrix is always a rotation; use DenseRepresentation"
        )


@pytest.mark.parametrize("size", [1, 2, 5])
def test_toeplitz_diagonals_of_a_line_equal_scipys(size: int) -> None:
    weights = np.arange(2 * size - 1)
    # The parameter at (p, q) is the one of shift p - q, the first column downwards.
    expected = scipy.linalg.toeplitz(weights[size - 1 :], weights[size - 1 :: -1])
    np.testing.assert_array_equal(toeplitz_diagonals((size,)), expected)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (5, 1)])
def test_toeplitz_diagonals_of_a_grid_tell_shifts_apart(shape: tuple[int, int]) -> None:
    numbers = toeplitz_diagonals(shape).numpy()
    places = list(np.ndindex(*shape))
    shifts: dict[int, set[tuple[int, int]]] = {}
    for i, p in enumerate(places):
        for j, q in enumerate(places):
            shifts.setdefault(int(numbers[i, j]), set()).add((p[0] - q[0], p[1] - q[1]))
    assert all(len(each) == 1 for each in shifts.values())
    assert sorted(shifts) == list(range((2 * shape[0] - 1) * (2 * shape[1] - 1)))


def haar(size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The textbook recursion, finest scale first."""
    if size == 1:
        return np.ones((1, 1))
    detail = np.kron(np.eye(size // 2), [1, -1]) / np.sqrt(2)
    return np.concatenate(
        [detail, haar(size // 2) @ np.kron(np.eye(size // 2), [1, 1]) / np.sqrt(2)]
    )


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16])
def test_haar_basis_of_powers_of_two_is_haars(size: int) -> None:
    basis, scales = haar_basis((size,))
    np.testing.assert_allclose(np.abs(basis @ haar(size).T), np.eye(size), atol=1e-12)
    assert scales == (*(size >> k for k in range(1, size.bit_length())), 1)


@pytest.mark.parametrize(
    "shape", [*((k,) for k in SIZES), *((k, k) for k in SIZES), (3, 5), (1, 4)]
)
def test_haar_basis_is_orthonormal_and_ends_with_the_mean(shape: tuple[int, ...]) -> None:
    basis, scales = haar_basis(shape)
    dim = int(np.prod(shape))
    assert basis.shape == (dim, dim)
    assert sum(scales) == dim
    assert scales[-1] == 1
    np.testing.assert_allclose(basis @ basis.T, np.eye(dim), atol=1e-12)
    np.testing.assert_allclose(np.abs(basis[-1]), dim**-0.5, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_scales_are_invariant_under_reversal_flips_and_quarter_turns(size: int) -> None:
    symmetries = {
        (size,): [np.eye(size)[::-1]],
        (size, size): [quarter_turn(size).numpy(), horizontal_flip(size).numpy()],
    }
    for shape, moves in symmetries.items():
        basis, scales = haar_basis(shape)
        scale = np.repeat(np.arange(len(scales)), scales)
        for move in moves:
            mixed = basis @ move @ basis.T
            assert np.abs(mixed[scale[:, None] != scale]).max(initial=0) < 1e-12


def test_coarse_scales_are_constant_on_growing_cells() -> None:
    """The number of distinct values shrinks from one scale to the next."""
    basis, scales = haar_basis((16,))
    ends = np.cumsum(scales)
    widths = [np.diff(np.flatnonzero(np.diff(row))).min(initial=16) for row in basis]
    for k in range(1, len(scales) - 1):
        assert min(widths[ends[k - 1] : ends[k]]) >= 2**k
