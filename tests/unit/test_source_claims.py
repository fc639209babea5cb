"""The tests and distances behind the table of the source's claims."""

# pyright: reportMissingImports=false
# The benchmarks are no package; pyright looks for imports without running the line below.
from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group, permutation_test, ttest_1samp

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from _contrasts import DISTANCES, Measured, all_apart, flipped, holm, permuted

Array = NDArray[np.float64]


def networks(shift: float, seed: int, cells: int = 4) -> Measured:
    """Points in place of actions, three for each of four sets and some tasks; sets stand apart."""
    sets, tasks = (each.ravel() for each in np.meshgrid(list("abcd"), list("1234")[:cells]))
    sets, tasks = np.repeat(sets, 3), np.repeat(tasks, 3)
    before, after = np.random.default_rng(seed).standard_normal((2, len(sets), 3))
    after[sets == "a"] += shift
    return Measured(cdist(after, after), cdist(before, before), sets, tasks)


@pytest.mark.parametrize("delta", DISTANCES.values(), ids=DISTANCES)
def test_an_action_is_its_inverse_and_no_other(delta: Callable[[Array, Array], float]) -> None:
    a, b = ortho_group.rvs(6, 2, random_state=0)
    apart = all_apart([a, a.T, b], delta)
    assert apart[0, 1] == pytest.approx(0, abs=1e-7)
    assert apart[0, 2] == pytest.approx(min(delta(a, b), delta(a.T, b)))
    assert np.array_equal(apart, apart.T)


def test_permutations_are_those_of_all_ways_to_deal_labels() -> None:
    points = np.random.default_rng(3).standard_normal((6, 2))
    points[:3] += 1
    apart = cdist(points, points)

    def within(some: tuple[int, ...]) -> float:
        halves = (some, tuple(set(range(6)) - set(some)))
        return sum(apart[i, j] for half in halves for i, j in combinations(half, 2))

    exact = np.mean([within(c) <= within((0, 1, 2)) + 1e-9 for c in combinations(range(6), 3)])
    found = permuted(apart, np.array(list("aaabbb")), np.array(["one"] * 6), draws=20_000)
    assert found == pytest.approx(exact, abs=0.015)


def test_flips_are_scipys_of_paired_samples() -> None:
    each = networks(0, 1)
    cells = [each.part(cell) for cell in each.cells()]
    pairs = np.triu_indices(3, 1)
    before, after = (
        [getattr(c, name)[pairs].mean() for c in cells] for name in ("before", "after")
    )
    oracle = permutation_test(
        (before, after), lambda x, y, axis: np.mean(x - y, axis=axis), vectorized=True,
        permutation_type="samples", alternative="greater", n_resamples=1 << 20,
    )  # fmt: skip
    assert flipped(cells) == pytest.approx(oracle.pvalue)


def test_planted_differences_are_found_and_no_others() -> None:
    apart = networks(1.5, 0)
    assert apart.gap("sets") > apart.half("sets") > 0
    assert apart.p_value("sets") < 0.001
    assert apart.p_value("tasks") > 0.05
    chances = [networks(0, seed).p_value("sets") for seed in range(30)]
    assert sum(p <= 0.1 for p in chances) <= 8  # binomial: more in 1 of 500 times


def test_intervals_hold_the_gap_as_often_as_they_say() -> None:
    truth = float(np.mean([networks(1, seed, 2).gap("sets") for seed in range(1000, 2000)]))
    tries = [networks(1, seed, 2) for seed in range(60)]
    held = sum(abs(each.gap("sets") - truth) <= each.half("sets") for each in tries)
    assert held >= 53
    mean = float(np.mean([each.half("sets") for each in tries]))
    spread = float(np.std([each.gap("sets") for each in tries]))
    assert mean < 2 * 2.12 * spread  # t of 16 degrees; not twice too wide
    assert ttest_1samp([each.gap("sets") for each in tries], truth).pvalue > 0.001


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1, 1]
