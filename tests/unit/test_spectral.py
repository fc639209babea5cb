"""Spectral representations against explicit sums of rotations and reflections."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import torch

from grouplearn import FiniteGroup
from grouplearn.errors import ClosureError, GroupError, InputError
from grouplearn.groups import real_irreps
from grouplearn.representations import SpectralRepresentation
from tests.unit.examples import C, D, product, seeded, symmetric, turn

Array = npt.NDArray[np.float64]
GROUPS = [C(1), C(2), C(3), C(6), C(9), D(1), D(2), D(3), D(4), D(7)]
each_group = pytest.mark.parametrize("group", GROUPS, ids=str)


def turns_of(group: FiniteGroup) -> int:
    return group.order // 2 if str(group).startswith("D") else group.order


def irreducible(group: FiniteGroup, k: int) -> list[Array]:
    """Matrices of irrep k, element by element."""
    n, irrep = turns_of(group), real_irreps(group)[k]
    angle = 2 * np.pi * irrep.frequency / n
    c, s = np.cos(angle), np.sin(angle)
    a, b = np.array([[c]]), np.array([[float(irrep.reflection)]])
    if irrep.dim == 2:
        a, b = np.array([[c, -s], [s, c]]), np.diag([1.0, -1.0])
    power = np.linalg.matrix_power
    return [power(a, g % n) @ power(b, g // n) for g in range(group.order)]


def random_multiplicities(group: FiniteGroup, seed: int) -> tuple[int, ...]:
    counts = np.random.default_rng(seed).integers(0, 3, len(real_irreps(group)))
    counts[seed % len(counts)] += 1
    return tuple(counts.tolist())


@torch.no_grad()
@each_group
@pytest.mark.parametrize("seed", range(3))
def test_matrices_are_sums_of_irreps_in_the_basis(group: FiniteGroup, seed: int) -> None:
    counts = random_multiplicities(group, seed)
    blocks = [irreducible(group, k) for k, count in enumerate(counts) for _ in range(count)]
    diagonal = [scipy.linalg.block_diag(*parts) for parts in zip(*blocks, strict=True)]
    dim = len(diagonal[0])
    basis = torch.randn(dim, dim, generator=seeded(seed), dtype=torch.float64)
    rep = SpectralRepresentation.from_basis(group, counts, basis)
    inverse = np.linalg.inv(basis.numpy())
    expected = np.stack([basis.numpy() @ d @ inverse for d in diagonal])
    tolerance = 1e-11 * float(np.linalg.cond(basis))
    close = partial(np.testing.assert_allclose, rtol=0, atol=tolerance)
    close(rep.matrices(), expected)
    close(rep.generators(), expected[list(group.generators)])
    x = torch.randn(4, 2, dim, generator=seeded(1), dtype=torch.float64)
    orbit = np.einsum("gij,...j->...gi", expected, x.numpy())
    close(rep.orbit(x), orbit)
    for g in range(group.order):
        close(rep.act(x, g), orbit[..., g, :])
        close(rep.matrix(g), expected[g])
    assert rep.multiplicities == counts


@each_group
def test_random_starts_are_orthogonal(group: FiniteGroup) -> None:
    for dim in range(1, 8):
        rep = SpectralRepresentation(group, dim, rng=seeded(dim), dtype=torch.float64)
        a = rep.generators().detach()
        np.testing.assert_allclose(a @ a.mT, np.eye(dim)[None].repeat(len(a), 0), atol=1e-12)


def test_multiplicities_are_kept_and_the_basis_is_learned() -> None:
    rep = SpectralRepresentation(C(5), 7, multiplicities=[1, 0, 3], dtype=torch.float64)
    assert rep.multiplicities == (1, 0, 3)
    assert [tuple(p.shape) for p in rep.parameters()] == [(7, 7)]
    eigenvalues = np.linalg.eigvals(rep.generators().detach()[0].numpy())
    degrees = np.sort(np.round(np.angle(eigenvalues) * 5 / (2 * np.pi)).astype(int))
    assert degrees.tolist() == [-2, -2, -2, 0, 2, 2, 2]


def test_the_basis_given_is_copied() -> None:
    basis = torch.eye(2, dtype=torch.float64, requires_grad=True)
    rep = SpectralRepresentation.from_basis(C(4), (0, 1, 0), basis)
    assert rep.basis.is_leaf
    assert rep.basis.requires_grad
    assert rep.dtype == torch.float64
    with torch.no_grad():
        rep.basis.mul_(2)
    assert torch.equal(basis, torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(rep.generators()[0], turn(np.pi / 2), rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    "multiplicities", [[1, 1], [1, 1, 1, 1], [1, 2, 2], [], [5, 0, 0], [4, 0, -1]]
)
def test_multiplicities_that_do_not_fit_are_refused(multiplicities: list[int]) -> None:
    with pytest.raises(InputError, match="SpectralRepresentation: multiplicit"):
        SpectralRepresentation(C(4), 4, multiplicities=multiplicities)


def test_the_message_says_what_fits() -> None:
    with pytest.raises(InputError) as problem:
        SpectralRepresentation(D(3), 4, multiplicities=[1, 1])
    assert str(problem.value) == (
        "SpectralRepresentation: multiplicities must be 3 numbers that, times the irreps' "
        "dimensions [1, 1, 2], add up to dim = 4, got [1, 1]; see groups.real_irreps(group) for "
        "their order"
    )
    with pytest.raises(
        InputError, match="None when near is given, got \\[2, 1, 0\\]; `near` fixes them"
    ):
        SpectralRepresentation(C(4), 4, multiplicities=[2, 1, 0], near=torch.eye(4))


@pytest.mark.parametrize("basis", [torch.ones(2, 2), torch.eye(3)[:2], torch.zeros(2, 2)])
def test_bases_that_are_singular_are_refused(basis: torch.Tensor, as_in_production: None) -> None:
    with pytest.raises(InputError, match="basis must be square and invertible, got rank below"):
        SpectralRepresentation.from_basis(C(4), (2, 0, 0), basis)


def test_other_groups_are_refused() -> None:
    for group in (product(C(2), C(2)), symmetric(3)):
        with pytest.raises(GroupError, match="must be a CyclicGroup or DihedralGroup, got"):
            SpectralRepresentation(group, 4)


def test_starts_that_are_not_near_a_representation_are_refused() -> None:
    with pytest.raises(
        ClosureError, match="SpectralRepresentation: every eigenvalue must be nearer"
    ):
        SpectralRepresentation(C(4), 2, near=0.1 * torch.eye(2))
