"""Exact symmetries of tables against brute force, known groups, and counted probabilities."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn.discovery.permutations.tables import (
    CHANCE,
    ExactSymmetries,
    exact_symmetries,
    is_possibly_complete,
)
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful
from tests.unit.table_examples import (
    boards,
    lines_and_transpose,
    on_edges,
    relabelled,
    square,
    sudoku,
    tic_tac_toe,
    trees,
)

Array = NDArray[Any]
Images = set[tuple[int, ...]]
ROWS = np.random.default_rng(0).standard_normal((300, 4))
VALUES: list[list[float]] = [[0, 1], [-1, 1], [-1, 0, 1], [0.1, 0.2, 0.7], [-2.5, 2.5, 1]]
TIMES: list[list[float]] = [[1], [1, 2], [0.1, 0.3]]


def moved(rows: Array, images: Sequence[int]) -> Array:
    """Coordinate i goes to images[i]; d + i is the negative of i."""
    dim = rows.shape[1]
    there = np.empty_like(rows)
    for i in range(dim):
        there[:, images[i] % dim] = rows[:, i] if images[i] < dim else -rows[:, i]
    return there


def multiset(rows: Array, counts: Iterable[float]) -> dict[tuple[float, ...], float]:
    found: defaultdict[tuple[float, ...], float] = defaultdict(float)
    for row, count in zip(rows.tolist(), counts, strict=True):
        found[tuple(value + 0.0 for value in row)] += count
    return dict(found)


def every_permutation(dim: int, *, signed: bool) -> Iterable[tuple[int, ...]]:
    for images in permutations(range(dim)):
        for flips in product((0, dim), repeat=dim if signed else 0):
            half = [i + f for i, f in zip(images, flips or (0,) * dim, strict=True)]
            yield (*half, *((i + dim) % (2 * dim) for i in half if signed))


def brute(rows: Array, counts: Array, *, signed: bool = False) -> Images:
    """All permutations that keep the multiset of rows: each one is tried."""
    whole = multiset(rows, counts)
    every = every_permutation(rows.shape[1], signed=signed)
    return {p for p in every if multiset(moved(rows, p), counts) == whole}


def elements(found: ExactSymmetries) -> Images:
    """Products of the generators, until there are no more."""
    width = found.generators.shape[1]
    seen = {tuple(range(width))}
    fresh = list(seen)
    while fresh:
        images = fresh.pop()
        for generator in found.generators.tolist():
            there = tuple(generator[i] for i in images)
            if there not in seen:
                seen.add(there)
                fresh.append(there)
    return seen


def closed(generators: Any) -> Images:
    points = np.asarray(generators, dtype=np.int64)
    return elements(ExactSymmetries(points, 0, True, 0.0, points.shape[1]))


def stabiliser_chain_order(rows: Array) -> int:
    """The order by orbits and stabilisers, each image sought by backtracking over the columns.

    Cut to its first columns, the table must look like the table cut to their images: in the
    numbers of rows that have two values at two columns, and then as a whole.
    """
    dim = rows.shape[1]
    held = (rows[:, :, None] == np.unique(rows)).astype(np.int64)
    counts = np.einsum("nia,njb->ijab", held, held).reshape(dim * dim, -1)
    pairs: Array = np.unique(counts, axis=0, return_inverse=True)[1].reshape(dim, dim)
    profiles = [tuple(sorted(line)) for line in pairs.tolist()]
    weights = np.asarray(np.random.default_rng(0).integers(1 << 40, size=dim))
    times = np.ones(len(rows))
    codes = rows * weights
    sums = [np.sort(codes[:, : t + 1].sum(axis=1)) for t in range(dim)]

    def extends(images: list[int]) -> bool:
        last = len(images) - 1
        if (pairs[images[-1], images] != pairs[last, : last + 1]).any():
            return False
        there = rows[:, images]
        if (np.sort(there @ weights[: last + 1]) != sums[last]).any():
            return False
        if last + 1 == dim:
            return multiset(there, times) == multiset(rows, times)
        rest = set(range(dim)) - set(images)
        return any(extends([*images, j]) for j in rest if profiles[j] == profiles[last + 1])

    order = 1
    for fixed in range(dim):
        order *= sum(extends([*range(fixed), j]) for j in range(fixed, dim))
    return order


@st.composite
def tables(draw: st.DrawFn) -> tuple[Array, Array]:
    """Few different rows, perhaps closed under something, with columns that all differ."""
    dim = draw(st.integers(2, 4))
    values: list[float] = draw(st.sampled_from(VALUES))
    row = st.lists(st.sampled_from(values), min_size=dim, max_size=dim)
    rows = np.array(draw(st.lists(row, min_size=1, max_size=6)), dtype=np.float64)
    for images in draw(st.lists(st.permutations(range(dim)), max_size=2)):
        rows = np.concatenate([rows, rows[:, images]])
    times: list[float] = draw(st.sampled_from(TIMES))
    counts = draw(st.lists(st.sampled_from(times), min_size=len(rows), max_size=len(rows)))
    return rows, np.array(counts, dtype=np.float64)


@given(tables(), st.booleans())
def test_the_group_is_that_of_brute_force(table: tuple[Array, Array], signed: bool) -> None:
    rows, counts = table
    columns = [tuple(column) for column in rows.T]
    same = [*columns, *([tuple(-column) for column in rows.T] if signed else [])]
    assume(len(set(same)) == len(same))
    assume((np.ptp(rows, axis=0) > 0).all())
    found = exact_symmetries(rows, np.round(counts * 10), signed=signed)
    expected = brute(rows, np.round(counts * 10), signed=signed)
    assert elements(found) == expected
    assert found.order == len(expected)
    assert found.complete
    assert is_possibly_complete(rows, counts, signed) or len(expected) == 1


@given(tables(), st.randoms(use_true_random=False), st.booleans())
def test_how_the_table_is_written_changes_nothing(
    table: tuple[Array, Array], random: Any, signed: bool
) -> None:
    rows, counts = table
    expected = exact_symmetries(rows, counts, signed)
    order = np.array(random.sample(range(len(rows)), len(rows)))
    rounding = 1 + 1e-15 * np.array([random.uniform(-1, 1) for _ in range(rows.size)])
    halves = np.concatenate([rows[order] * rounding.reshape(rows.shape), rows])
    doubled = np.concatenate([counts[order], counts])
    for found in (
        exact_symmetries(rows[order], counts[order], signed),
        exact_symmetries(halves, doubled, signed),
        exact_symmetries(1e-3 * rows, counts, signed),
    ):
        assert elements(found) == elements(expected)


@given(tables(), st.permutations(range(4)))
def test_relabelling_conjugates(table: tuple[Array, Array], order: list[int]) -> None:
    rows, counts = table
    names = [i for i in order if i < rows.shape[1]]
    assume(len({tuple(column) for column in rows.T}) == rows.shape[1])
    found = elements(exact_symmetries(rows[:, names], counts))
    expected = elements(exact_symmetries(rows, counts))
    assert {tuple(names.index(p[i]) for i in names) for p in expected} == found


TABLES: dict[str, tuple[Array, Any, int]] = {
    "tic-tac-toe": (tic_tac_toe(), square(3), 8),
    "trees": (trees(), on_edges(), 120),
    "permutation matrices": (
        boards(4, queens=False),
        lines_and_transpose([[1, 2, 3, 0], [1, 0, 2, 3]]),
        1152,
    ),
    "queens": (boards(8, queens=True), square(8), 8),
    "sudoku, cells": (sudoku(), lines_and_transpose([[1, 0, 2, 3], [2, 3, 0, 1]]), 128),
    "sudoku, indicators": ((sudoku()[:, :, None] == range(4)).reshape(288, 64), relabelled(), 3072),
}


@pytest.mark.parametrize("name", TABLES)
def test_complete_tables_have_their_group(name: str) -> None:
    rows, generators, order = TABLES[name]
    assert is_possibly_complete(rows)
    found = exact_symmetries(rows)
    expected = closed(generators)
    assert found.order == len(expected) == order
    assert elements(found) == expected
    assert found.decides


@pytest.mark.parametrize("name", TABLES)
def test_known_groups_are_the_whole_group(name: str) -> None:
    rows, _, order = TABLES[name]
    # In random order few columns tell rows apart.
    columns = np.random.default_rng(0).permutation(rows.shape[1])
    assert stabiliser_chain_order(rows[:, columns].astype(np.int64)) == order


def rotations_of_the_cube() -> Array:
    """Signed permutation matrices of determinant 1."""
    every = [
        np.diag(signs)[list(p)]
        for p in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    return np.array([matrix for matrix in every if np.linalg.det(matrix) > 0])


def test_a_chiral_table_has_the_rotations_only() -> None:
    rows = rotations_of_the_cube() @ np.array([0.2, 0.5, 1.1])
    found = exact_symmetries(rows, signed=True)
    assert found.order == 24
    assert found.decides
    members = found.discovery().members.numpy()
    expected = {matrix.tobytes() for matrix in rotations_of_the_cube().astype(np.float64) + 0.0}
    assert {(matrix + 0.0).tobytes() for matrix in members} == expected


def test_a_column_of_another_unit_changes_nothing() -> None:
    rows = np.column_stack([tic_tac_toe(), np.abs(tic_tac_toe()).sum(axis=1)])
    for unit in (1.0, 1e-9, 1e9, 0.1):
        scaled = rows * np.r_[np.ones(9), unit]
        found = exact_symmetries(scaled)
        assert elements(found) == {(*p, 9) for p in closed(square(3))}


def test_constant_columns_stay_and_copies_follow() -> None:
    rows = trees()
    wide = np.column_stack([np.full(125, 7.0), rows, rows])
    found = exact_symmetries(wide)
    tree = {(0, *(i + 1 for i in p), *(i + 11 for i in p)) for p in closed(on_edges())}
    assert elements(found) == tree
    assert "Column 0 is constant" in found.notes[0]
    assert "11 = 1" in found.notes[1]
    assert elements(exact_symmetries(np.column_stack([rows, rows[:, 0]]))) == {
        (*p, 10) for p in closed(on_edges()) if p[0] == 0
    }


def test_copies_and_negatives_follow_with_their_sign() -> None:
    rows = rotations_of_the_cube() @ np.array([0.2, 0.5, 1.1])
    signs = np.diag([-1, 1, -1])
    found = exact_symmetries(np.hstack([rows, rows @ signs]), signed=True)
    assert found.order == len(elements(found)) == 24
    turns = {matrix.tobytes() for matrix in rotations_of_the_cube().astype(np.int64)}
    for images in elements(found):
        matrix = np.zeros((6, 6), dtype=np.int64)
        for i, image in enumerate(images[:6]):
            matrix[image % 6, i] = 1 if image < 6 else -1
        assert matrix[:3, :3].tobytes() in turns
        assert np.array_equal(matrix[3:, 3:], signs @ matrix[:3, :3] @ signs)


def test_counts_and_labels_have_to_agree() -> None:
    rows = trees()
    stars = rows[:, :4].all(axis=1)
    at_node = {p for p in closed(on_edges()) if {p[k] for k in range(4)} == set(range(4))}
    assert stars.sum() == 1
    for found in (
        exact_symmetries(rows, counts=1 + stars),
        exact_symmetries(rows, counts=0.1 + 0.2 * stars),
        exact_symmetries(rows, labels=stars),
        exact_symmetries(np.concatenate([rows, rows[stars]])),
    ):
        assert elements(found) == at_node
    absent = exact_symmetries(np.concatenate([rows, ROWS[:1, [0] * 10]]), counts=[1] * 125 + [0])
    assert absent.order == 120


def test_a_group_too_large_to_list_is_not_claimed() -> None:
    rows = np.array(list(combinations(range(9), 2)))
    pairs = np.array([np.isin(range(9), each) for each in rows], dtype=np.float64)
    found = exact_symmetries(pairs)
    assert found.order == math.factorial(9)
    discovery = found.discovery()
    assert not discovery.found
    assert discovery.ladder[0].order == found.order
    assert "362,880" in discovery.summary()


SAMPLES: dict[str, Array] = {
    "ring": ROWS + 0.6 * np.roll(ROWS, 1, axis=1),
    "rounded": np.round(ROWS, 1),
    "counts": np.random.default_rng(0).poisson(0.7, (3000, 5)),
    "one-hot": np.eye(4)[np.random.default_rng(0).integers(4, size=3001)],
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("signed", [False, True])
def test_samples_have_no_exact_symmetry(name: str, signed: bool) -> None:
    rows = SAMPLES[name] - SAMPLES[name].mean(axis=0) if signed else SAMPLES[name]
    assert not exact_symmetries(rows, signed=signed).decides
    if name == "ring":
        assert not is_possibly_complete(rows, signed=signed)


def test_time_runs_out() -> None:
    found = exact_symmetries(trees(), deadline=time.monotonic() - 1)
    assert (found.complete, found.order, found.decides) == (False, 1, False)
    assert exact_symmetries(trees(), deadline=time.monotonic() + 60).order == 120


def test_the_finding_has_every_number() -> None:
    found = exact_symmetries(tic_tac_toe()).discovery()
    assert (found.group.name, found.exact, found.action) == ("D4", True, "permutation")
    assert (found.effect, found.effect_bound) == (0.0, 0.0)
    assert 0 < found.p_value < CHANCE
    assert found.violations.tolist() == found.noise.tolist() == [0.0] * 8
    assert "complete table" in found.summary()


BAD: dict[str, tuple[Any, ...]] = {
    "one axis": ([1.0, 2.0],),
    "no rows": (np.empty((0, 3)),),
    "nan": ([[1.0, math.nan]],),
    "counts of another length": (ROWS, [1, 2]),
    "negative counts": (ROWS, np.full(300, -1)),
    "nothing counts": (ROWS, np.zeros(300)),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_refused(as_in_production: None, name: str) -> None:
    with pytest.raises(InputError) as caught:
        exact_symmetries(*BAD[name])
    assert is_helpful(caught)
    if name == "nan":
        assert "nan at (0, 1)" in str(caught.value)
