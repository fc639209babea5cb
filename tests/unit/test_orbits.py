"""Orbit-labelled data: groups as sets of permutations, against brute force and known actions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn.discovery import Discovery
from grouplearn.discovery.permutations.orbits import discover_from_orbits
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful

Array = NDArray[Any]
Images = set[tuple[int, ...]]
VALUES: list[list[float]] = [[0, 1], [0, 1, 2], [0.1, 0.3, -5.0, 2.0]]
C3 = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]


def members(found: Discovery) -> Images:
    return {tuple(images) for images in found.members.tolist()}


def orbits_of(seeds: Array, group: Sequence[Any]) -> tuple[Array, Array]:
    """All images of each row, and the number of its seed: coordinate i goes to images[i]."""
    rows = np.concatenate([seeds[:, np.argsort(images)] for images in group])
    return rows, np.tile(np.arange(len(seeds)), len(group))


def brute(rows: Array, orbits: Array) -> Images:
    sets = [set(map(tuple, rows[orbits == o].tolist())) for o in np.unique(orbits)]
    dim = rows.shape[1]

    def closes(images: tuple[int, ...]) -> bool:
        source = np.argsort(images).tolist()
        return all({tuple(row[i] for i in source) for row in each} == each for each in sets)

    return {images for images in permutations(range(dim)) if closes(images)}


def generated(generators: Sequence[tuple[int, ...]], dim: int) -> list[tuple[int, ...]]:
    seen = [tuple(range(dim))]
    for images in seen:
        for generator in generators:
            there = tuple(generator[i] for i in images)
            if there not in seen:
                seen.append(there)
    return seen


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Array, Array]:
    """Orbits of a random group, perhaps with some rows lost."""
    dim = draw(st.integers(2, 5))
    generators = draw(st.lists(st.permutations(range(dim)).map(tuple), min_size=1, max_size=2))
    values: list[float] = draw(st.sampled_from(VALUES))
    row = st.lists(st.sampled_from(values), min_size=dim, max_size=dim)
    seeds = np.array(draw(st.lists(row, min_size=1, max_size=4)), dtype=np.float64)
    rows, orbits = orbits_of(seeds, generated(generators, dim))
    lost = draw(st.lists(st.integers(0, len(rows) - 1), max_size=2))
    kept = np.setdiff1d(np.arange(len(rows)), lost)
    assume(len(kept) > 0)
    return rows[kept], orbits[kept]


@given(labelled())
def test_the_group_is_that_of_brute_force(data: tuple[Array, Array]) -> None:
    rows, orbits = data
    assume(len({tuple(column) for column in rows.T}) == rows.shape[1])
    assume((np.ptp(rows, axis=0) > 0).all())
    assume(any((np.ptp(rows[orbits == o], axis=0) > 0).any() for o in np.unique(orbits)))
    found = discover_from_orbits(rows, orbits)
    assert members(found) == brute(rows, orbits)
    assert found.found == (found.group.order > 1)
    assert found.exact == found.found


@given(labelled(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_how_the_data_are_written_changes_nothing(
    data: tuple[Array, Array], random: Any, seed: int
) -> None:
    rows, orbits = data
    try:
        expected = discover_from_orbits(rows, orbits)
    except InputError:
        assume(False)
    order = np.array(random.choices(range(len(rows)), k=len(rows)) + list(range(len(rows))))
    noise = 1 + 1e-13 * np.array([random.uniform(-1, 1) for _ in range(rows[order].size)])
    written = rows[order] * noise.reshape(-1, rows.shape[1])
    found = discover_from_orbits(1e4 * written, 7 - 3 * orbits[order], seed=seed)
    assert members(found) == members(expected)


def shifts(size: int) -> list[Array]:
    cells = np.arange(size * size).reshape(size, size)
    return [np.roll(cells, (a, b), (0, 1)).ravel() for a in range(size) for b in range(size)]


def turns(size: int, *, flips: bool) -> list[Array]:
    cells = np.arange(size * size).reshape(size, size)
    return [
        np.rot90(each, k).ravel()
        for each in ([cells, cells.T] if flips else [cells])
        for k in range(4)
    ]


RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (40, 64)).astype(np.float64)
KNOWN: dict[str, tuple[Array, Any, str]] = {
    "shifts": (RNG.standard_normal((150, 64)), shifts(8), "C8 x C8"),
    "quarter turns": (GREY, turns(8, flips=False), "C4"),
    "turns and flips": (GREY, turns(8, flips=True), "D4"),
    "three of one kind": (RNG.standard_normal((30, 3)), list(permutations(range(3))), "S3"),
    "three alike, two columns each": (
        RNG.integers(0, 4, (60, 6)).astype(np.float64),
        [[*(2 * p[k // 2] + k % 2 for k in range(6))] for p in permutations(range(3))],
        "S3",
    ),
    "binary strings": (RNG.integers(0, 2, (30, 12)).astype(np.float64),
                       [np.roll(np.arange(12), k) for k in range(12)], "C12"),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_actions_are_found(name: str) -> None:
    seeds, group, expected = KNOWN[name]
    rows, orbits = orbits_of(seeds, group)
    found = discover_from_orbits(rows, orbits)
    assert members(found) == {tuple(int(i) for i in images) for images in group}
    assert found.group.name == expected
    assert found.exact
    assert (found.effect, found.effect_bound, found.gap) == (0.0, 0.0, math.inf)
    assert 0 < found.p_value < 1e-6
    assert "closed under every element, exactly" in found.summary()


def test_members_act_as_the_representation_does() -> None:
    seeds, group, _ = KNOWN["turns and flips"]
    found = discover_from_orbits(*orbits_of(seeds, group))
    x = torch.arange(64.0, dtype=torch.float64)
    for g, images in enumerate(found.members):
        assert torch.equal(found.representation.act(x, g)[images], x)


def test_symmetric_rows_and_small_orbits_are_no_obstacle() -> None:
    seeds, group, _ = KNOWN["quarter turns"]
    even = (seeds + seeds[:, ::-1])[:5]
    still = np.ones((2, 64)) * [[3.0], [4.0]]
    parts = [orbits_of(part, group) for part in (seeds[:5], even, still)]
    rows = np.concatenate([part[0] for part in parts])
    orbits = np.concatenate([part[1] + 100 * k for k, part in enumerate(parts)])
    assert members(discover_from_orbits(rows, orbits)) == {tuple(p.tolist()) for p in group}


@pytest.mark.parametrize("lost", [False, True])
def test_a_wrong_orbit_is_named(lost: bool) -> None:
    seeds, group, _ = KNOWN["shifts"]
    rows, orbits = orbits_of(seeds[:20], group)
    orbits += 100
    if lost:
        rows, orbits = np.delete(rows, 27, axis=0), np.delete(orbits, 27)
    else:
        orbits[27] = 103
    found = discover_from_orbits(rows, orbits)
    assert not found.found
    assert found.p_value == 1.0
    (rung,) = found.ladder
    assert (rung.name, rung.order, rung.accepted) == ("C8 x C8", 64, False)
    words = found.summary()
    expected = "all but 1 of 20" if lost else "all but 2 of 20"
    assert expected in words
    assert ("open orbit 107:" if lost else "open orbits 103, 107:") in words


def test_part_of_the_group_is_claimed_and_the_rest_is_named() -> None:
    """One orbit has lost every other row: the even shifts remain."""
    seeds = RNG.standard_normal((12, 8))
    rows, orbits = orbits_of(seeds, [np.roll(np.arange(8), k) for k in range(8)])
    kept = (orbits != 4) | (np.arange(len(rows)) // 12 % 2 == 0)
    found = discover_from_orbits(rows[kept], orbits[kept])
    assert found.group.name == "C4"
    assert [rung.name for rung in found.ladder] == ["C4", "C8"]
    assert "orbit 4:" in found.summary()


def test_columns_that_hardly_vary_suggest_nothing() -> None:
    """Corners that are zero in all orbits but one may be exchanged in the others, for nothing."""
    seeds, group, _ = KNOWN["quarter turns"]
    seeds = seeds.copy()
    seeds[1:, [0, 7, 56, 63]] = 0.0
    found = discover_from_orbits(*orbits_of(seeds, group))
    assert [rung.name for rung in found.ladder] == ["C4"]
    assert "open" not in found.summary()
    rows, orbits = orbits_of(seeds, group)
    found = discover_from_orbits(rows[3:], orbits[3:])
    assert [(rung.name, rung.accepted) for rung in found.ladder] == [("C4", False)]
    assert "open orbits 0, 1, 2:" in found.summary()


def test_random_labels_have_no_group() -> None:
    rows = RNG.standard_normal((60, 5))
    found = discover_from_orbits(rows, np.arange(60) % 20)
    assert not found.found
    assert found.group.order == 1
    assert "No symmetry found" in found.summary()


def test_a_single_orbit_may_be_chance() -> None:
    rows = np.array(list(permutations([1.0, 2.0, 3.0])))
    found = discover_from_orbits(rows, np.zeros(6, dtype=int))
    assert (found.group.name, found.p_value) == ("S3", 1.0)
    row = RNG.standard_normal((1, 12))
    found = discover_from_orbits(*orbits_of(row, [np.roll(np.arange(12), k) for k in range(12)]))
    assert found.group.name == "C12"
    assert found.p_value < 1e-6


def test_a_group_too_large_to_list_stands_in_the_ladder() -> None:
    rows = RNG.standard_normal((1, 7))
    found = discover_from_orbits(*orbits_of(rows, list(permutations(range(7)))))
    assert not found.found
    assert found.ladder[0].order == 5040
    assert "5,040" in found.summary()


def test_constant_columns_stay_and_copies_follow() -> None:
    rows, orbits = orbits_of(RNG.standard_normal((20, 3)), C3)
    wide = np.column_stack([rows, np.full(60, 2.0), rows])
    found = discover_from_orbits(wide, orbits)
    assert members(found) == {(*p, 3, *(i + 4 for i in p)) for p in C3}
    assert "Column 3 is constant" in found.summary()
    assert "4 = 0" in found.summary()


def test_rounding_within_the_tolerance_is_forgiven() -> None:
    rows, orbits = orbits_of(RNG.standard_normal((20, 3)).astype(np.float32), C3)
    noisy = rows * (1 + 1e-6 * RNG.uniform(-1, 1, rows.shape))
    assert not discover_from_orbits(noisy, orbits).found
    assert members(discover_from_orbits(noisy, orbits, tolerance=1e-5)) == set(C3)
    found = discover_from_orbits(torch.as_tensor(rows), torch.as_tensor(orbits))
    assert members(found) == set(C3)


def test_the_time_budget_ends_the_search() -> None:
    seeds, group, _ = KNOWN["turns and flips"]
    rows, orbits = orbits_of(seeds, group)
    found = discover_from_orbits(rows, orbits, time_budget=1e-6)
    assert not found.found
    assert "time budget" in found.summary()
    assert discover_from_orbits(rows, orbits, time_budget=60).group.name == "D4"


ROWS, NUMBERS = orbits_of(np.random.default_rng(1).standard_normal((9, 3)), C3)
NAN = np.where(np.arange(81).reshape(27, 3) == 31, math.nan, ROWS)
BAD: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "one axis": (ROWS[0], NUMBERS, {}, "samples"),
    "one column": (ROWS[:, :1], NUMBERS, {}, "samples"),
    "no rows": (ROWS[:0], NUMBERS[:0], {}, "samples"),
    "nan": (NAN, NUMBERS, {}, "nan at (10, 1)"),
    "one column varies": (ROWS * [1, 0, 0], NUMBERS, {}, "different columns"),
    "words": ([["a", "b"]], [0], {}, "samples"),
    "orbits of another length": (ROWS, NUMBERS[:5], {}, "orbits"),
    "orbits as floats": (ROWS, NUMBERS * 1.0, {}, "orbits must be integers"),
    "one row": (ROWS[:1], NUMBERS[:1], {}, "samples"),
    "one row each": (ROWS, np.arange(27), {}, "one row each"),
    "repeated rows": (ROWS[[0, 0, 1, 1]], [0, 0, 1, 1], {}, "one row each"),
    "a tolerance below 0": (ROWS, NUMBERS, {"tolerance": -1.0}, "tolerance"),
    "a tolerance of everything": (
        np.random.default_rng(0).random((900, 3)), np.arange(900) % 9, {"tolerance": 1e-2},
        "tolerance"),
    "a seed of words": (ROWS, NUMBERS, {"seed": "x"}, "seed"),
    "no time": (ROWS, NUMBERS, {"time_budget": 0}, "time_budget"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(as_in_production: None, name: str) -> None:
    samples, orbits, options, words = BAD[name]
    with pytest.raises(InputError) as caught:
        discover_from_orbits(samples, orbits, **options)
    assert is_helpful(caught, words)
