"""What a claim does not depend on: names, units and order of what is measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn import discover
from grouplearn.discovery import Discovery
from tests.counting import count_example

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Change = Callable[[Array, np.random.Generator], Array]

COUNT, RING, DIM = 1500, 3, 5


@cache
def rows() -> Array:
    """(1500, 5): a ring of three skewed columns that feel their neighbours, and two more."""
    rng = np.random.default_rng(0)
    bursts = rng.exponential(size=(COUNT, DIM))
    ring = bursts[:, :RING]
    bursts[:, :RING] = ring + 0.6 * np.roll(ring, 1, axis=1)
    return bursts * [1, 1, 1, 1, 2]


def elements(found: Discovery) -> set[tuple[int, ...]]:
    return {tuple(element) for element in found.members.tolist()}


@cache
def claimed() -> frozenset[tuple[int, ...]]:
    return frozenset(elements(discover(rows())))


def test_the_ring_is_found() -> None:
    ring = [0, 1, 2, 3, 4], [1, 2, 0, 3, 4], [2, 0, 1, 3, 4]
    assert claimed() == {tuple(element) for element in ring}


def common_unit(given: Array, rng: np.random.Generator) -> Array:
    return np.asarray(given * 10.0 ** rng.uniform(-6, 6))


def common_origin(given: Array, rng: np.random.Generator) -> Array:
    return np.asarray(given + rng.choice([-1, 1]) * 10.0 ** rng.uniform(0, 4))


def unit_of_what_stays(given: Array, rng: np.random.Generator) -> Array:
    return np.asarray(given * np.r_[np.ones(RING), 10.0 ** rng.uniform(-4, 4, DIM - RING)])


def other_order(given: Array, rng: np.random.Generator) -> Array:
    return rng.permutation(given)


@pytest.mark.parametrize("change", [common_unit, common_origin, unit_of_what_stays, other_order])
@settings(max_examples=2)
@given(seed=st.integers(0, 2**32 - 1))
def test_units_origin_and_order_do_not_matter(change: Change, seed: int) -> None:
    count_example()
    changed = change(rows(), np.random.default_rng(seed))
    assert elements(discover(changed)) == claimed()


@settings(max_examples=2)
@given(names=st.permutations(range(DIM)))
def test_names_of_columns_do_not_matter(names: list[int]) -> None:
    count_example()
    found = discover(rows()[:, names])
    place = np.argsort(names)
    # Column k is at place[k]: an element g takes place[k] to place[g(k)].
    wanted = {tuple(place[np.asarray(element)[names]].tolist()) for element in claimed()}
    assert elements(found) == wanted


@settings(max_examples=2)
@given(cuts=st.lists(st.integers(1, COUNT - 1), max_size=5, unique=True))
def test_batches_do_not_matter(cuts: list[int]) -> None:
    count_example()
    batches = np.split(rows(), sorted(cuts))
    assert elements(discover(iter(batches))) == claimed()
