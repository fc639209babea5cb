"""The lattice of subgroups, against brute force and known numbers; restrictions to subgroups."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.errors import GroupError
from grouplearn.groups import subgroups_up_to_conjugacy
from grouplearn.representations import DenseRepresentation, FixedRepresentation, restricted
from tests.unit.examples import is_helpful, symmetric

# Numbers of subgroups, and of classes of them: OEIS A005432 and A018216 give S3 and S4, Dickson the
# dihedral groups.
KNOWN: list[tuple[Any, int, int]] = [
    (CyclicGroup(1), 1, 1),
    (CyclicGroup(12), 6, 6),
    (DihedralGroup(4), 10, 8),
    (DihedralGroup(6), 16, 10),
    (ProductGroup(CyclicGroup(2), CyclicGroup(2), CyclicGroup(2)), 16, 16),
    (symmetric(3), 6, 4),
    (symmetric(4), 30, 11),
]


@pytest.mark.parametrize(("group", "number", "classes"), KNOWN, ids=str)
def test_numbers_are_those_known(group: FiniteGroup, number: int, classes: int) -> None:
    every = subgroups_up_to_conjugacy(group, [])
    assert len(every) == number
    chosen = subgroups_up_to_conjugacy(group)
    assert len(chosen) == classes
    assert [len(each) for each in chosen] == sorted(len(each) for each in chosen)
    assert chosen[0].tolist() == [0]
    assert len(chosen[-1]) == group.order
    assert all(group.is_subgroup(each.tolist()) for each in every)


@pytest.mark.parametrize("group", [DihedralGroup(3), CyclicGroup(6), DihedralGroup(4)], ids=str)
def test_all_are_those_of_brute_force(group: FiniteGroup) -> None:
    rest = range(1, group.order)
    sets = [(0, *some) for size in range(group.order) for some in combinations(rest, size)]
    wanted = {each for each in sets if group.is_subgroup(each)}
    assert {tuple(each.tolist()) for each in subgroups_up_to_conjugacy(group, [])} == wanted


def test_only_some_elements_may_conjugate() -> None:
    """Of the square's four flips, a half turn exchanges none; a quarter turn, two and two."""
    square = DihedralGroup(4)
    flips = [len(subgroups_up_to_conjugacy(square, by)) for by in ([], [2], [1])]
    assert flips == [10, 10, 8]


def test_too_large_groups_are_refused() -> None:
    with pytest.raises(GroupError) as problem:
        subgroups_up_to_conjugacy(symmetric(5))
    assert is_helpful(problem, "order must be <= 96, got 120")
    many = ProductGroup(*[CyclicGroup(2)] * 6)
    with pytest.raises(GroupError, match="one of <= 500 subgroups"):
        subgroups_up_to_conjugacy(many)


def test_restrictions_are_the_same_matrices() -> None:
    rep = FixedRepresentation.from_permutations([[1, 2, 3, 0], [3, 2, 1, 0]], torch.float64)
    matrices = rep.matrices()
    for members in subgroups_up_to_conjugacy(rep.group):
        part = restricted(rep, members)
        assert part.group.order == len(members)
        assert part.closes_exactly
        wanted = {matrix.numpy().tobytes() for matrix in matrices[members.tolist()]}
        assert {matrix.numpy().tobytes() for matrix in part.matrices()} == wanted
    whole = restricted(rep, list(rep.group.generators))
    assert whole.group.name == "D4"


def test_a_learned_representation_is_taken_as_it_is() -> None:
    rep = DenseRepresentation(CyclicGroup(6), 3, rng=torch.Generator().manual_seed(0))
    part = restricted(rep, [2])
    assert part.group == CyclicGroup(3)
    assert torch.allclose(part.generators()[0], rep.matrices()[2].detach())
    assert not list(part.parameters())
    with pytest.raises(GroupError):
        restricted(rep, np.array([7]))
