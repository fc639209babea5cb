"""Permutations that nearly keep matrices, against brute force and planted groups."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from grouplearn.discovery import automorphisms
from grouplearn.errors import GroupError, InputError
from tests.unit.examples import elements_of, is_helpful


def brute(matrix: np.ndarray) -> int:
    """Order of the automorphism group, by trying every permutation."""
    return sum(
        np.array_equal(matrix[np.ix_(p, p)], matrix) for p in permutations(range(len(matrix)))
    )


@pytest.mark.parametrize("seed", range(8))
def test_orders_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = rng.integers(0, 2, (6, 6))
    graph = np.triu(graph, 1) + np.triu(graph, 1).T if seed % 2 else graph
    found = automorphisms([graph], tolerance=0)
    assert found.order == brute(graph)
    for points in found.generators:
        inverse = np.argsort(points)
        np.testing.assert_array_equal(graph[np.ix_(inverse, inverse)], graph)


@pytest.mark.parametrize("dim", [16, 40, pytest.param(100, marks=pytest.mark.slow)])
def test_rings_whose_matrix_ties_neighbours_only(dim: int) -> None:
    """One pinned point does not tell a point from its mirror image, and far points not at all."""
    rng = np.random.default_rng(dim)
    shift = np.roll(np.eye(dim), 1, axis=0)
    blur = np.eye(dim) + 0.8 * shift + 0.4 * shift @ shift
    noise = rng.normal(scale=0.01, size=(dim, dim))
    order = rng.permutation(dim)
    matrix = (blur @ blur.T + noise + noise.T)[np.ix_(order, order)]
    assert automorphisms([matrix], tolerance=0.1).order == 2 * dim


@pytest.mark.parametrize("seed", range(8))
def test_elements_that_move_two_orbits_together_hide_no_subgroup(seed: int) -> None:
    """Odd permutations of one orbit that exchange the other two points are only half the group."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat([0, 1, 2], [4, 2, 4])
    table = rng.normal(size=(3, 3))
    matrix = (table + table.T)[np.ix_(kinds, kinds)] + np.diag(kinds)
    matrix[:4, 6:] += np.eye(4)
    matrix[6:, :4] += np.eye(4)
    order = rng.permutation(10)
    assert automorphisms([matrix[np.ix_(order, order)]], seed=seed).order == 48


def planted(generators: list[list[int]], noise: float, seed: int) -> tuple[np.ndarray, int]:
    """A random symmetric matrix averaged over a group, in a random order of points."""
    rng = np.random.default_rng(seed)
    elements = elements_of(generators)
    dim = len(generators[0])
    matrix = rng.normal(size=(dim, dim))
    moved = np.stack([matrix[np.ix_(p, p)] for p in elements])
    matrix = moved.sum(0) / len(elements) ** 0.5
    matrix = matrix + matrix.T + noise * rng.normal(size=(dim, dim))
    shuffle = rng.permutation(dim)
    return matrix[np.ix_(shuffle, shuffle)], len(elements)


SQUARE = np.arange(16).reshape(4, 4)


@pytest.mark.parametrize(
    ("generators", "order"),
    [
        ([np.rot90(SQUARE).ravel().tolist()], 4),
        ([np.rot90(SQUARE).ravel().tolist(), SQUARE.T.ravel().tolist()], 8),
        ([[1, 2, 3, 0, *range(4, 12)], [1, 0, *range(2, 12)]], 24),
        ([[1, 0, 3, 2, *range(4, 10)], [*range(8), 9, 8]], 4),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_groups_are_found_in_noise(
    generators: list[list[int]], order: int, seed: int
) -> None:
    matrix, _ = planted(generators, 0.02, seed)
    found = automorphisms([matrix], tolerance=0.1)
    assert found.order == order
    assert found.next_candidate > 2 * found.violation
    assert found.group.order == order


def test_several_matrices_are_kept_at_once() -> None:
    ring = np.roll(np.eye(6), 1, axis=0)
    colours = np.diag([1.0, 2.0] * 3)
    assert automorphisms([ring + ring.T]).order == 12
    assert automorphisms([ring + ring.T, ring]).order == 6
    assert automorphisms([ring, colours]).order == 3


def test_large_groups_are_found_from_few_generators() -> None:
    found = automorphisms([np.ones((8, 8))])
    assert found.order == 40320
    with pytest.raises(GroupError):
        _ = found.group


def test_the_answer_is_deterministic_and_comes_in_time() -> None:
    matrix, _ = planted([np.roll(np.arange(12), 1).tolist()], 0.02, 3)
    one, two = (automorphisms([matrix], tolerance=0.15, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.generators, two.generators)
    early = automorphisms([matrix], tolerance=0.15, time_budget=1e-9)
    assert not early.complete
    assert one.complete


def test_an_exchange_of_two_points_is_judged_by_those_two() -> None:
    rng = np.random.default_rng(0)
    matrix = np.cov(rng.normal(size=(40, 4000)))
    found = automorphisms([matrix + np.diag(np.arange(40.0))], tolerance=0.02)
    assert found.order == 1
    assert found.violation == 0


@pytest.mark.parametrize(
    "matrices",
    [[], [np.ones((1, 1))], [np.ones((2, 3))], [np.eye(2), np.eye(3)], [np.full((2, 2), np.nan)]],
)
def test_bad_matrices_are_refused(matrices: list[np.ndarray]) -> None:
    with pytest.raises(InputError) as caught:
        automorphisms(matrices)
    assert is_helpful(caught)
