"""Distances of actions against definitions tried out by brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch import Tensor

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup
from grouplearn.defects import isotypic_multiplicities
from grouplearn.errors import InputError
from grouplearn.groups import real_irreps
from grouplearn.interpret import character_distance, intertwiner_distance, spectral_distance
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)
from tests.unit.examples import is_helpful

C4 = CyclicGroup(4)


def spectral(multiplicities: list[int], seed: int = 0) -> SpectralRepresentation:
    """An orthogonal representation of C4 with so many of each frequency, in a random basis."""
    dim = multiplicities[0] + 2 * multiplicities[1] + multiplicities[2]
    rng = torch.Generator().manual_seed(seed)
    return SpectralRepresentation(
        C4, dim, multiplicities=multiplicities, rng=rng, dtype=torch.float64
    )


def oblique(rep: LearnedRepresentation, seed: int) -> ChangeOfBasis:
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(rep.dim, rep.dim, generator=rng, dtype=torch.float64)
    return ChangeOfBasis(rep, torch.eye(rep.dim, dtype=torch.float64) + 0.2 * noise)


@pytest.mark.parametrize("seed", range(4))
def test_spectra_are_paired_as_well_as_all_permutations_can(seed: int) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, 5, 5))
    values, others = np.linalg.eigvals(a), np.linalg.eigvals(b)
    best = min(
        float(np.square(np.abs(values - others[list(each)])).mean())
        for each in permutations(range(5))
    )
    assert spectral_distance(a, torch.as_tensor(b)) == pytest.approx(best**0.5)
    turned = np.eye(5) + 0.2 * np.random.default_rng(seed + 10).standard_normal((5, 5))
    assert spectral_distance(a, turned @ a @ np.linalg.inv(turned)) == pytest.approx(0, abs=1e-6)


def test_no_orthogonal_basis_brings_orthogonal_matrices_nearer_than_their_spectra() -> None:
    rng = np.random.default_rng(0)
    a, b = (expm(s - s.T) for s in rng.standard_normal((2, 3, 3)))
    bases = np.linalg.qr(rng.standard_normal((20_000, 3, 3)))[0]
    least = np.linalg.norm(bases @ a @ bases.transpose(0, 2, 1) - b, axis=(1, 2)).min() / 3**0.5
    assert spectral_distance(a, b) <= least < spectral_distance(a, b) + 0.05


@pytest.mark.parametrize(("some", "others"), [([2, 1, 1], [1, 2, 0]), ([3, 1, 0], [0, 1, 3])])
def test_characters_count_multiplicities_in_any_basis(some: list[int], others: list[int]) -> None:
    first, second = spectral(some), oblique(spectral(others, 1), 2)
    gaps = np.subtract(some, others)
    expected = float((np.square(gaps) @ [1, 2, 1]) ** 0.5) / first.dim
    assert character_distance(first, second) == pytest.approx(expected)
    assert character_distance(first, oblique(first, 3)) == pytest.approx(0, abs=1e-9)


def test_intertwiners_are_what_two_representations_share() -> None:
    """Dihedral and cyclic ones by multiplicities, which come from characters."""
    turn = torch.eye(4).double().roll(1, 0)
    square, sides = (  # corners and edges: mirrored in a diagonal, which keeps two corners
        FixedRepresentation(DihedralGroup(4), torch.stack([turn, turn.new_tensor(np.eye(4)[rows])]))
        for rows in ([0, 3, 2, 1], [3, 2, 1, 0])
    )
    for first, second in [(square, sides), (spectral([2, 1, 1]), oblique(spectral([1, 2, 0]), 1))]:
        assert first.group == second.group
        sizes = [irrep.dim for irrep in real_irreps(first.group)]
        counts = [isotypic_multiplicities(each).round().tolist() for each in (first, second)]
        shared = sum(min(a, b) * size for a, b, size in zip(*counts, sizes, strict=True))
        expected = (2 * (1 - shared / first.dim)) ** 0.5
        assert 0 < expected < 2**0.5
        assert intertwiner_distance(first, second) == pytest.approx(expected)
        assert intertwiner_distance(second, first) == pytest.approx(expected)


def test_no_basis_brings_representations_nearer_than_their_intertwiners() -> None:
    first, second = spectral([1, 1, 0]), spectral([0, 1, 1], 1)
    a, b = (each.matrices().detach().numpy() for each in (orthogonal(first), orthogonal(second)))
    bases = np.linalg.qr(np.random.default_rng(0).standard_normal((20_000, 3, 3)))[0]
    gaps = np.einsum("qij,gjk,qlk->qgil", bases, a, bases) - b
    least = float(np.square(gaps).sum((2, 3)).mean(1).min() / 3) ** 0.5
    found = intertwiner_distance(first, second)
    assert found <= least < found + 0.05


def orthogonal(rep: SpectralRepresentation) -> FixedRepresentation:
    """Its generator in the basis that makes it orthogonal: blocks of turns."""
    inner = torch.linalg.inv(rep.basis) @ rep.generators() @ rep.basis
    return FixedRepresentation(rep.group, inner.detach())


def test_groups_beyond_cyclic_ones_and_strangers() -> None:
    natural = FixedRepresentation.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])  # S4
    signs = FixedRepresentation(natural.group, -torch.ones(2, 1, 1).double())
    still = FixedRepresentation(natural.group, torch.ones(2, 1, 1).double())
    assert intertwiner_distance(signs, still) == pytest.approx(2**0.5)
    assert intertwiner_distance(natural, natural) == 0
    assert character_distance(signs, still) == pytest.approx(2**0.5)


@pytest.mark.parametrize("measure", [character_distance, intertwiner_distance])
def test_what_does_not_compare_is_refused(
    measure: Callable[[LearnedRepresentation, LearnedRepresentation], float],
) -> None:
    def rep(group: FiniteGroup, dim: int) -> DenseRepresentation:
        return DenseRepresentation(group, dim, rng=torch.Generator().manual_seed(0))

    for other in (rep(C4, 4), rep(DihedralGroup(4), 3)):
        with pytest.raises(InputError) as caught:
            measure(rep(C4, 3), other)
        assert is_helpful(caught)


def test_actions_that_do_not_close_have_no_intertwiners() -> None:
    loose = DenseRepresentation(C4, 3, rng=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="nearest_exact"):
        intertwiner_distance(loose, loose)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.eye(2), np.eye(3)),
        (np.ones((2, 3)), np.ones((2, 3))),
        (torch.full((2, 2), torch.nan), np.eye(2)),
        (np.zeros((0, 0)), np.zeros((0, 0))),
        (np.eye(2), 1j * np.eye(2)),
        (np.array([["a", "b"], ["c", "d"]]), np.eye(2)),
    ],
)
def test_matrices_without_comparable_spectra_are_refused(
    first: Tensor | np.ndarray, second: np.ndarray
) -> None:
    with pytest.raises(InputError) as caught:
        spectral_distance(first, second)
    assert is_helpful(caught)
