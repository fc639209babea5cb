"""Groups of permutations that are too large to be listed."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from sympy import factorint
from sympy.combinatorics import Permutation, PermutationGroup

from grouplearn import discover
from grouplearn.discovery import MomentAccumulator
from grouplearn.discovery.permutations.closed import exceeds
from grouplearn.discovery.permutations.jury import Jury, order_of, primary_parts
from grouplearn.discovery.rule import Rule


@pytest.mark.parametrize("seed", range(12))
def test_orders_are_bounded_as_sympy_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, 8))
    points = [rng.permutation(dim) for _ in range(rng.integers(1, 4))]
    order = int(PermutationGroup([Permutation(p.tolist()) for p in points]).order())
    for most in {0, 1, order - 1, order, order + 1, 100}:
        assert exceeds(points, most) == (order > most)


@pytest.mark.parametrize("seed", range(12))
def test_cyclic_groups_are_products_of_their_primary_parts(seed: int) -> None:
    """Sums of 2 + 3 + 5 + 7 + 11 + 13 = 41 points have an order of 30,030."""
    rng = np.random.default_rng(seed)
    relabel, points, start = rng.permutation(60), np.arange(60), 0
    for size in (2, 9, 5, 7, 11, 13) if seed % 2 else (4, 8, 3, 3, 25):
        points[start : start + size] = np.roll(points[start : start + size], 1)
        start += size
    points = relabel[points][np.argsort(relabel)]
    order = order_of(points)
    assert str(order) == str(Permutation(points.tolist()).order())
    parts = primary_parts(points, order)
    sizes = [int(str(Permutation(part.tolist()).order())) for part in parts]
    assert [len(factorint(size)) for size in sizes] == [1] * len(parts)
    assert np.prod(sizes) == order
    group = PermutationGroup([Permutation(part.tolist()) for part in parts])
    assert group.order() == order
    assert group.contains(Permutation(points.tolist()))


@pytest.mark.slow
def test_a_proposal_of_a_huge_order_takes_no_longer() -> None:
    """A permutation of 97 points with 232,792,560 powers is screened."""
    sizes = (16, 9, 5, 7, 11, 13, 17, 19)
    points = np.concatenate([
        sum(sizes[:k]) + np.roll(np.arange(size), 1) for k, size in enumerate(sizes)
    ])  # fmt: skip
    assert order_of(points) == 232_792_560
    rows = np.random.default_rng(0).standard_normal((400, len(points)))
    accumulated = MomentAccumulator(len(points)).add(rows)
    jury = Jury.of(accumulated, Rule(), signed=False, max_moment=3, seed=0, deadline=math.inf)
    start = time.process_time()
    assert jury.passes(points)
    rows[:, 3] *= 3
    other = MomentAccumulator(len(points)).add(rows)
    assert not Jury.of(other, Rule(), signed=False, max_moment=3, seed=0, deadline=math.inf).passes(
        points
    )
    assert time.process_time() - start < 20


@pytest.mark.slow
def test_a_huge_proposal_does_not_outlast_the_budget() -> None:
    """All 100! permutations keep normal data; a stabiliser chain of them took two minutes."""
    rows = np.random.default_rng(0).standard_normal((1000, 100))
    start = time.perf_counter()
    found = discover(rows, time_budget=4)
    assert time.perf_counter() - start < 30
    assert found.group.order == 1
    assert "The time budget ended" in found.summary()
