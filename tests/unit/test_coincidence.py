"""How likely accidents are: bounds against counting, and against sets without symmetry."""

from __future__ import annotations

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest

from grouplearn.discovery.permutations.coincidence import (
    Element,
    arrangements,
    rearrangement_chance,
    repeats_chance,
    shuffle_chance,
)
from grouplearn.discovery.permutations.tables import exact_symmetries

SWAP = Element(np.array([1, 0, 2, 3]), 4)


def test_an_accident_is_not_believed() -> None:
    """Three coins whose counts agree, as they do in one set of some dozens."""
    rng = np.random.default_rng(0)
    accidents = 0
    for _ in range(400):
        rows = rng.integers(0, 2, size=(60, 3))
        found = exact_symmetries(rows)
        if found.order > 1:
            accidents += 1
            assert found.chance > 0.05
    assert accidents > 3


def test_chances_hold() -> None:
    """Among sets without symmetry, chances below a level come at most that often."""
    rng = np.random.default_rng(1)
    level, below, sets = 0.2, 0, 800
    for _ in range(sets):
        dim = rng.integers(2, 5)
        law = rng.dirichlet(np.full(2**dim, rng.choice([0.1, 1.0, 1000.0])))
        cells = rng.choice(2**dim, size=rng.integers(2, 40), p=law)
        below += exact_symmetries(cells[:, None] >> np.arange(dim) & 1).chance <= level
    assert below <= level * sets


def test_a_full_factorial_design_is_no_evidence() -> None:
    found = exact_symmetries(list(product([0, 1], repeat=3)))
    assert (found.order, found.chance) == (6, 1.0)
    assert not found.decides


def test_the_chance_of_repeats_is_multinomial() -> None:
    rows, counts = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 1]]), np.array([3.0, 3.0, 8.0])
    draws = list(product(range(2), repeat=6))
    equal = sum(sum(draw) == 3 for draw in draws) / len(draws)
    assert repeats_chance(SWAP, rows, counts) == pytest.approx(math.log(equal) + SWAP.log_choices())
    # Six transpositions of four points, two types of elements of order two, one of order three.
    assert SWAP.log_choices() == pytest.approx(math.log(6 * 3))


def test_the_chance_of_rearranged_rows_is_counted() -> None:
    """All sets of as many rows with two ones of four, of which the swap moves four."""
    every = [row for row in product([0, 1], repeat=4) if sum(row) == 2]
    rows = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1]])[:2]
    rows = np.concatenate([rows, [[1, 1, 0, 0]], [[0, 0, 1, 1]]])
    margins = np.concatenate([rows, 1 - rows])
    assert (margins.mean(axis=0) == 0.5).all()
    others = np.ones(8, dtype=np.int64)
    others[:4] = 0
    sets = [set(chosen) for chosen in combinations(every, 4)]
    turned = [{(b, a, c, d) for a, b, c, d in chosen} for chosen in sets]
    moving = [sum(row[0] != row[1] for row in chosen) == 2 for chosen in sets]
    closed_ones = [a == b for a, b, two in zip(sets, turned, moving, strict=True) if two]
    expected = sum(closed_ones) / len(closed_ones)
    assert rearrangement_chance(SWAP, margins, others) == pytest.approx(
        2 * math.log(expected) + SWAP.log_choices()
    )


def test_signed_rearrangements_are_counted() -> None:
    """A change of the first sign, among rows of sizes 1 and 2 with any signs."""
    flip = Element(np.array([2, 1, 0, 3]), 2)
    rows = np.array([[1, 2], [-1, 2], [2, 1], [-2, 1]])
    every = [(a * s, b * t) for a, b in [(1, 2), (2, 1)] for s in (1, -1) for t in (1, -1)]
    sets = [set(chosen) for chosen in combinations(every, 4)]
    expected = sum({(-a, b) for a, b in chosen} == chosen for chosen in sets) / len(sets)
    chance = rearrangement_chance(flip, rows, np.zeros(4, dtype=np.int64))
    assert chance - flip.log_choices() == pytest.approx(math.log(expected))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "images", [(1, 0, 2, 3), (1, 0, 3, 2), (1, 2, 0, 3), (5, 4, 6, 3), (0, 5, 2, 7)]
)
@pytest.mark.parametrize("held", [(0, 0, 1, 1), (0, 0, 0, 2), (1, 1, 1, 2), (0, 1, 2, 3)])
def test_arrangements_are_counted(
    images: tuple[int, ...], held: tuple[int, ...], signed: bool
) -> None:
    """All rows with these values in any order, with signs any signs too."""
    if not signed and max(images) > 3:
        return
    both = (*images, *((i + 4) % 8 for i in images)) if signed else images
    rows = set(permutations(held))
    if signed:
        signs = list(product((1, -1), repeat=4))
        rows = {
            tuple(int(s * x) for s, x in zip(each, row, strict=True))
            for row in rows
            for each in signs
        }
    table = np.array(sorted(rows))
    there = np.empty_like(table)
    for i, image in enumerate(images):
        there[:, image % 4] = table[:, i] if image < 4 else -table[:, i]
    fixed = int((there == table).all(axis=1).sum())
    element = Element(np.array(both), 4)
    assert arrangements(element, np.arange(4), np.array(held)) == (len(table), fixed)


def test_the_chance_of_shuffled_labels_is_counted() -> None:
    rows = np.array([[0, 1, k, 0] for k in range(3)] + [[1, 0, k, 0] for k in range(3)])
    labels = np.array([0, 1, 1, 0, 1, 1])
    deals = set(permutations(labels.tolist()))
    expected = sum(deal[:3] == deal[3:] for deal in deals) / len(deals)
    chance = shuffle_chance(SWAP, rows, labels)
    assert chance - SWAP.log_choices() == pytest.approx(math.log(expected))
