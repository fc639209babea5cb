"""Groups of permutations that are too large to be listed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sympy.combinatorics import Permutation, PermutationGroup

from grouplearn import discover
from grouplearn.discovery.permutations.closed import exceeds


@pytest.mark.parametrize("seed", range(12))
def test_orders_are_bounded_as_sympy_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, 8))
    points = [rng.permutation(dim) for _ in range(rng.integers(1, 4))]
    order = int(PermutationGroup([Permutation(p.tolist()) for p in points]).order())
    for most in {0, 1, order - 1, order, order + 1, 100}:
        assert exceeds(points, most) == (order > most)


@pytest.mark.slow
def test_a_huge_proposal_does_not_outlast_the_budget() -> None:
    """All 100! permutations keep normal data; a stabiliser chain of them took two minutes."""
    rows = np.random.default_rng(0).standard_normal((1000, 100))
    start = time.perf_counter()
    found = discover(rows, time_budget=4)
    assert time.perf_counter() - start < 30
    assert found.group.order == 1
    assert "The time budget ended" in found.summary()
