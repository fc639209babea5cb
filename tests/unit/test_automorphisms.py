"""Permutations that keep matrices, against brute force, theorems and planted groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn import CyclicGroup
from grouplearn.discovery import Automorphisms, automorphisms
from grouplearn.discovery.permutations import automorphisms as module
from grouplearn.errors import GroupError, InputError
from tests.unit.examples import elements_of, is_helpful

Edges = Sequence[tuple[int, int]]
Matrix = NDArray[Any]


def adjacency(edges: Edges) -> Matrix:
    graph = np.zeros((1 + max(map(max, edges)),) * 2, dtype=np.int64)
    graph[tuple(np.transpose(edges))] = 1
    return graph + graph.T


def cfi(edges: Edges) -> Matrix:
    """The graph of Cai, Furer and Immerman over a base graph.

    Each end of a base edge becomes a pair of vertices, tied to the pair at its other end. Each
    base vertex becomes its even sets of edges; such a set is tied to one vertex of each pair, by
    whether it holds the edge.
    """
    number: dict[Any, int] = {}
    ties: list[tuple[Any, Any]] = []
    for edge in edges:
        ties += [((edge[0], edge, side), (edge[1], edge, side)) for side in (0, 1)]
    for point in {point for edge in edges for point in edge}:
        there = [edge for edge in edges if point in edge]
        for size in range(0, len(there) + 1, 2):
            for inside in combinations(there, size):
                ties += [((point, inside), (point, edge, edge in inside)) for edge in there]
    for tie in ties:
        for end in tie:
            number.setdefault(end, len(number))
    return adjacency([(number[a], number[b]) for a, b in ties])


K33 = [(i, j) for i in range(3) for j in range(3, 6)]
LADDER = [
    *((i, (i + 1) % 5) for i in range(5)),
    *((5 + i, 5 + (i + 1) % 5) for i in range(5)),
    *((i, 5 + i) for i in range(5)),
]
PETERSEN = [
    *((i, (i + 1) % 5) for i in range(5)),
    *((5 + i, 5 + (i + 2) % 5) for i in range(5)),
    *((i, 5 + i) for i in range(5)),
]
CUBE = [(i, i ^ 1 << k) for i in range(16) for k in range(4) if not i >> k & 1]
RING8 = [(i, (i + 1) % 8) for i in range(8)]
# The least graph without symmetry that is a tree: a path with a twig.
TWIG = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (2, 6)]


def keeps(found: Automorphisms, matrices: Sequence[Matrix], room: float = 0.0) -> bool:
    """Does each generator keep each matrix?"""
    return all(
        np.abs(matrix[np.ix_(points, points)] - matrix).max() <= room
        for points in found.generators
        for matrix in matrices
    )


def shuffled(matrix: Matrix, seed: int = 0) -> Matrix:
    order = np.random.default_rng(seed).permutation(len(matrix))
    return matrix[np.ix_(order, order)]


def averaged(matrix: Matrix, points: Matrix) -> Matrix:
    """The sum of a matrix moved by the powers of a permutation, each of which keeps it."""
    return np.sum([matrix[np.ix_(q, q)] for q in elements_of([points])], axis=0)


def brute(matrices: Sequence[Matrix]) -> int:
    """Order of the automorphism group, by trying every permutation."""
    return sum(
        all(np.array_equal(matrix[np.ix_(p, p)], matrix) for matrix in matrices)
        for p in permutations(range(len(matrices[0])))
    )


@pytest.mark.parametrize(
    ("graph", "order"),
    [
        # CFI: 2^(edges - vertices + 1) for the cycles, times the symmetries of the base.
        pytest.param(cfi(K33), 2**4 * 72, id="CFI of K3,3"),
        pytest.param(cfi(LADDER), 2**6 * 20, id="CFI of the 5-ladder"),
        pytest.param(adjacency(PETERSEN), 120, id="Petersen"),
        pytest.param(adjacency(CUBE), 384, id="Q4"),
        pytest.param(adjacency(TWIG), 1, id="path with a twig"),
        # Turns by one place exchange the two kinds.
        pytest.param(
            adjacency(RING8) + adjacency(RING8[::2]), 8, id="ring of 8, ties of two kinds in turn"
        ),
        *(
            pytest.param(adjacency([(i, (i + 1) % n) for i in range(n)]), 2 * n, id=f"ring of {n}")
            for n in (3, 4, 7, 30)
        ),
    ],
)
def test_graphs_have_the_orders_of_theorems(graph: Matrix, order: int) -> None:
    matrix = shuffled(graph)
    found = automorphisms([matrix], tolerance=0)
    assert found.complete
    assert found.order == order
    assert keeps(found, [matrix])
    assert found.group.order == order
    assert found.violation == 0


@given(st.data())
def test_orders_are_those_of_brute_force(data: st.DataObject) -> None:
    dim = data.draw(st.integers(2, 6))
    count = data.draw(st.integers(1, 3))
    entries = st.integers(-1, data.draw(st.integers(-1, 2)))
    matrices = []
    for _ in range(count):
        values = data.draw(st.lists(entries, min_size=dim**2, max_size=dim**2))
        matrix = np.array(values).reshape(dim, dim)
        matrices.append(matrix + matrix.T if data.draw(st.booleans()) else matrix)
    if data.draw(st.booleans()):
        # Few random matrices have a symmetry: average over one of them.
        p = np.array(data.draw(st.permutations(range(dim))))
        matrices = [averaged(each, p) for each in matrices]
    found = automorphisms(matrices, tolerance=0)
    assert found.complete
    assert found.order == brute(matrices)
    assert keeps(found, matrices)
    assert found.group.order == found.order == len(elements_of([range(dim), *found.generators]))


@given(st.data())
def test_rounding_changes_nothing(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    p = np.array(data.draw(st.permutations(range(6))))
    table = rng.integers(-1, 3, (6, 6)) / 7
    matrix = averaged(table, p)
    noisy = matrix + 1e-15 * rng.normal(size=(6, 6)) * np.abs(matrix).max()
    found = automorphisms([noisy], tolerance=0)
    assert found.complete
    assert found.order == brute([matrix.round(9)])
    assert keeps(found, [noisy], 1e-14 * np.abs(matrix).max())
    assert found.violation < 1e-14


def test_a_complete_table_has_the_symmetries_of_what_it_lists() -> None:
    """The moments of all permutation matrices: rows, columns and the transpose, 2 (4!)^2."""
    rows = np.array([np.eye(4)[list(p)].ravel() for p in permutations(range(4))])
    for moment in (rows.T @ rows / 24, np.cov(rows.T)):
        found = automorphisms([shuffled(moment)], tolerance=0)
        assert found.complete
        assert found.order == 1152
        assert found.violation < 1e-14


def test_values_differ_from_a_billionth_on() -> None:
    """Relative to the larger value, and for integers from one on, however large."""
    for small in (1.0, 1e-5, 1e-300):
        pairs = [np.diag([small, small * (1 + step)]) for step in (1e-8, 1e-10)]
        assert [automorphisms([each], tolerance=0).order for each in pairs] == [1, 2]
    assert automorphisms([np.diag([1.0, 0.0, 1e-12])], tolerance=0).order == 1
    assert automorphisms([np.diag([1.0, 0.0, 1e-14])], tolerance=0).order == 2
    assert automorphisms([np.diag([10**18, 10**18 + 1])], tolerance=0).order == 1
    assert automorphisms([np.diag([10**18, 10**18])], tolerance=0).order == 2


def test_a_chain_of_nearly_equal_values_is_not_called_complete() -> None:
    chain = automorphisms([np.diag(1 + 0.8e-9 * np.arange(3))], tolerance=0)
    assert not chain.complete
    # As long as what is found leaves the chain alone, the answer is complete.
    values = np.r_[1 + 0.8e-9 * np.arange(3), 5, 5]
    told_apart = np.add.outer(np.r_[:3, 9, 9], np.r_[:3, 9, 9])
    found = automorphisms([np.diag(values), told_apart], tolerance=0)
    assert found.complete
    assert found.order == 2


@pytest.mark.parametrize(
    "dim", [8, 30, 200, pytest.param(1600, marks=pytest.mark.slow, id="4434 digits")]
)
def test_large_orders_are_exact(dim: int) -> None:
    found = automorphisms([np.ones((dim, dim))], tolerance=0)
    assert type(found.order) is int
    assert found.order == math.factorial(dim)
    with pytest.raises(GroupError) as caught:
        _ = found.group
    assert is_helpful(caught, "Automorphisms.group", "generators")


def test_the_trivial_group_is_a_group() -> None:
    for tolerance in (0, 0.05):
        found = automorphisms([np.arange(9.0).reshape(3, 3)], tolerance=tolerance)
        assert found.order == 1
        assert found.group == CyclicGroup(1)
        assert found.generators.shape == (0, 3)


def test_a_heuristic_answer_is_never_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = adjacency(PETERSEN)
    assert not automorphisms([graph]).complete
    assert not automorphisms([graph], tolerance=1e-8).complete
    assert automorphisms([graph], tolerance=1e-9).complete
    monkeypatch.setattr(module, "exact_automorphisms", lambda *_: None)
    assert not automorphisms([graph], tolerance=0).complete


def test_exact_symmetries_are_among_the_approximate_ones() -> None:
    """The search alone takes this graph for one without symmetry."""
    graph = shuffled(cfi(K33))
    found = automorphisms([graph])
    assert found.order == 1152
    assert keeps(found, [graph])
    assert not found.complete
    noise = 0.001 * np.random.default_rng(0).normal(size=graph.shape)
    assert automorphisms([graph + noise], tolerance=0).order == 1


def test_limited_time_is_enough_or_not() -> None:
    graph = adjacency(PETERSEN)
    found = automorphisms([graph], tolerance=0, time_budget=60)
    assert found.complete
    assert found.order == 120
    assert keeps(found, [graph])
    large = automorphisms([np.ones((100, 100))], tolerance=0, time_budget=60)
    assert large.order == math.factorial(100)
    early = automorphisms([graph], tolerance=0, time_budget=1e-9)
    assert not early.complete
    assert keeps(early, [graph])


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
    for tolerance in (0, 0.05):
        found = [
            automorphisms(matrices, tolerance=tolerance).order
            for matrices in (
                [ring + ring.T],
                [ring + ring.T, -ring - ring.T],
                [ring + ring.T, ring],
                [ring, colours],
            )
        ]
        assert found == [12, 12, 6, 3]


def test_large_groups_are_found_from_few_generators() -> None:
    found = automorphisms([np.ones((8, 8))])
    assert found.order == 40320
    assert type(found.order) is int


def test_the_answer_is_deterministic_and_comes_in_time() -> None:
    matrix, _ = planted([np.roll(np.arange(12), 1).tolist()], 0.02, 3)
    one, two = (automorphisms([matrix], tolerance=0.15, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.generators, two.generators)
    early = automorphisms([matrix], tolerance=0.15, time_budget=1e-9)
    assert early.order <= one.order
    assert len(early.candidates) < len(one.candidates)


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
@pytest.mark.parametrize("tolerance", [0, 0.05])
def test_bad_matrices_are_refused(matrices: list[np.ndarray], tolerance: float) -> None:
    with pytest.raises(InputError) as caught:
        automorphisms(matrices, tolerance=tolerance)
    assert is_helpful(caught, "matrices")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tolerance", -1),
        ("tolerance", float("nan")),
        ("seed", -1),
        ("time_budget", 0),
        ("time_budget", float("inf")),
    ],
)
def test_bad_numbers_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError) as caught:
        automorphisms([np.eye(3)], **{name: value})  # type: ignore[arg-type]
    assert is_helpful(caught, name)
