"""The randomisation test, judged by going through all choices of slots, and what it ignores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chisquare

from grouplearn.discovery.evidence import engine
from grouplearn.discovery.evidence.actions import Action, Matrices, Permutations
from grouplearn.discovery.evidence.engine import evidence
from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.covariances import Covariances
from grouplearn.discovery.evidence.families.marginals import Marginals
from grouplearn.discovery.evidence.families.squares import Squares
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.randomisation import (
    Deviations,
    choices,
    rank_p_value,
    scores,
    sign_statistics,
    statistics,
)
from grouplearn.discovery.evidence.units import Units, slots, typical
from grouplearn.discovery.evidence.views import View, views_for
from tests.counting import count_example
from tests.unit.examples import elements_of

Array = NDArray[np.float64]

SWAP = Permutations(elements_of([[1, 0, 2]]))
SHIFT = Permutations(elements_of([[1, 2, 0]]))
ALL = Permutations(elements_of([[1, 2, 0], [1, 0, 2]]))
QUARTER = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
TURN = Matrices(np.stack([np.linalg.matrix_power(QUARTER, k) for k in range(4)]))
FEWER = settings(max_examples=3)
seeds = st.integers(0, 2**32 - 1)


def every(units: int, count: int) -> NDArray[np.int64]:
    """(count^units, units): all choices of a slot for each unit, the data's own first."""
    return np.array(list(product(range(count), repeat=units)))


def p_value(parts: Sequence[Array], taken: NDArray[np.int64]) -> float:
    """Over families, from the sums of each and the choices, as the engine does it."""
    found = [
        scores(column) for part in parts for column in statistics(Deviations.of(part), taken).T
    ]
    return rank_p_value(np.max(found, axis=0))


def sums_of(units: Units, action: Action, view: View) -> list[Array]:
    """For each family, the sums of its features over units, for every slot."""
    every_slot = [each.units for each in slots(units, action, np.random.default_rng(0))]
    return [
        np.stack([each.sums(family.features(view(each.rows))) for each in every_slot], axis=1)
        for family in view.families
    ]


def assert_valid(found: Sequence[float]) -> None:
    """At most floor(level * count) of equally likely p-values are up to a level, for every level.

    That is: the k-th smallest is at least k / count.
    """
    least = np.arange(1, len(found) + 1) / len(found)
    short = least - np.sort(found)
    assert short.max() < 1e-9, f"{short.argmax() + 1} of {len(found)} up to {min(found):.4g}"


def taken_for_data(sums: Array, slot: NDArray[np.int64]) -> Array:
    """The sums that would be had if another slot of each unit had been the data."""
    order = (np.arange(sums.shape[1]) + slot[:, None]) % sums.shape[1]
    return np.take_along_axis(sums, order[:, :, None], axis=1)


@st.composite
def sums_of_families(draw: st.DrawFn) -> list[Array]:
    """Up to three families; small integers, so that there are ties of all kinds."""
    units, count = draw(st.sampled_from([(6, 2), (4, 3), (3, 4), (2, 8)]))
    rng = np.random.default_rng(draw(seeds))
    parts = []
    for size in draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)):
        kind = draw(st.sampled_from(["normal", "few", "rare"]))
        shape = (units, count, size)
        if kind == "normal":
            parts.append(rng.standard_normal(shape))
        elif kind == "few":
            parts.append(rng.integers(-1, 2, shape).astype(float))
        else:
            parts.append((rng.random(shape) < 0.1).astype(float))
    return parts


def one_rare_slot() -> list[Array]:
    """All draws but one in eight tie, below the mean of all draws."""
    sums = np.zeros((2, 8, 1))
    sums[0, 3] = 1.0
    return [sums]


@settings(max_examples=15)
@given(parts=sums_of_families())
@example(parts=one_rare_slot())
def test_the_level_is_exact_whatever_the_sums(parts: list[Array]) -> None:
    count_example()
    units, count, _ = parts[0].shape
    taken = every(units, count)
    assert_valid([p_value([taken_for_data(p, slot) for p in parts], taken) for slot in taken])


@settings(max_examples=10)
@given(parts=sums_of_families())
def test_the_level_stays_exact_with_what_cosets_share(parts: list[Array]) -> None:
    """Slots are elements of a cyclic group of even order, those of odd number the coset."""
    units, count, _ = parts[0].shape
    assume(count % 2 == 0)
    count_example()
    taken = every(units, count)
    signs = np.tile((-1.0) ** np.arange(count)[:, None], units)

    def both(sums: Sequence[Array]) -> float:
        kinds = [Deviations.of(each) for each in sums]
        columns = [statistics(each, taken) for each in kinds]
        columns += [sign_statistics(each, signs, taken) for each in kinds]
        return rank_p_value(np.max([scores(c) for c in np.hstack(columns).T], axis=0))

    assert_valid([both([taken_for_data(p, slot) for p in parts]) for slot in taken])


@pytest.mark.parametrize("symmetric_too", [False, True])
def test_a_coset_that_is_no_symmetry_shows(symmetric_too: bool) -> None:
    """C6 holds exactly; its mirrors change the sign of one weak feature, or nothing."""
    action = Permutations(elements_of([[1, 2, 3, 4, 5, 0], [5, 4, 3, 2, 1, 0]]))
    rng = np.random.default_rng(0)
    bursts = rng.exponential(size=(1500, 6))
    ahead = 0.3 if symmetric_too else 0.4
    rows = bursts + ahead * np.roll(bursts, 1, axis=1) + 0.3 * np.roll(bursts, -1, axis=1)
    found = evidence(Units.of(rows, rng=rng), action, draws=499, seed=0, effects=False)
    assert (found.p_value > 0.05) == symmetric_too


@given(parts=sums_of_families())
def test_ties_count_as_reaching_the_data(parts: list[Array]) -> None:
    """Against plain arithmetic in double precision, of one family and the sum of squares."""
    count_example()
    sums = parts[0]
    taken = every(*sums.shape[:2])
    found = statistics(Deviations.of(sums), taken)[:, 0]
    moved = sums - sums.mean(1, keepdims=True)
    spread = np.sqrt(np.square(moved).mean((0, 1)))
    moved = moved[:, :, spread > 1e-9] / spread[spread > 1e-9]
    wanted = np.array(
        [np.square(sum(moved[u, k] for u, k in enumerate(row))).sum() for row in taken]
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    reach = np.count_nonzero(wanted >= wanted[0] - 1e-6 * (1 + wanted[0]))
    assert rank_p_value(scores(found)) == reach / len(taken)


@pytest.mark.parametrize("seed", range(3))
def test_the_level_is_exact_with_few_random_draws(seed: int) -> None:
    """Every data set with every pair of draws: 8 x 64 p-values of 1/3, 2/3 or 1."""
    sums = np.random.default_rng(seed).integers(-2, 3, (3, 2, 2)).astype(float)
    slot = every(3, 2)
    found = []
    for data in slot:
        own = taken_for_data(sums, data)
        pairs = product(slot, repeat=2)
        found += [p_value([own], np.stack([slot[0], *pair])) for pair in pairs]
    for level in (1 / 3, 2 / 3):
        assert np.mean(np.array(found) <= level + 1e-9) <= level + 1e-9


@pytest.mark.parametrize(
    ("action", "count"), [(SWAP, 6), (SHIFT, 3), (TURN, 3), (ALL, 2)], ids=["C2", "C3", "C4", "S3"]
)
@pytest.mark.parametrize("kind", ["normal", "integers", "labels", "blocks"])
def test_the_level_is_exact_from_rows_to_p_value(action: Action, count: int, kind: str) -> None:
    """Families know typical rows alone, so that any choice of slots might have been the data."""
    rng = np.random.default_rng([count, len(kind)])
    rows = rng.exponential(size=(3 * count if kind == "blocks" else count, 3))
    if kind == "integers":
        rows = rows.round()
    blocks = np.arange(len(rows)) // (3 if kind == "blocks" else 1)
    labels = np.arange(len(rows)) % 2.0 if kind == "labels" else None
    units = Units.of(rows, blocks, label_factors("test", labels, len(rows)))
    elements = action.elements()
    assert elements is not None
    views = views_for(typical(units, action, rng).rows, rng)
    taken = every(count, len(elements))
    found = []
    for slot in taken:
        data = np.concatenate(
            [elements[g](units.rows[units.starts[u] : units.starts[u + 1]])
             for u, g in enumerate(slot)]
        )  # fmt: skip
        parts = [sums_of(replace(units, rows=data), action, view) for view in views]
        found.append(p_value([part for own in parts for part in own], taken))
    assert_valid(found)


@FEWER
@given(seed=seeds, draws=st.integers(1, 40))
def test_the_data_count_among_their_draws(seed: int, draws: int) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, (12, 3)).astype(float)
    found = evidence(Units.of(rows), SHIFT, draws=draws, seed=seed, effects=False)
    for p in (found.p_value, *(family.p_value for family in found.families)):
        assert 1 / (draws + 1) - 1e-12 <= p <= 1
        assert p * (draws + 1) == pytest.approx(round(p * (draws + 1)), abs=1e-6)


def deterministic(rows: Array) -> list[Family]:
    """Families of few columns, in which nothing is random."""
    rng = np.random.default_rng(0)
    return [Marginals(rows, rng), Covariances(rows, rng), Squares(rows, rng)]


def found_in(units: Units, action: Action, rows: Array, taken: NDArray[np.int64]) -> float:
    """The p-value by families without randomness that are fitted to given rows."""
    return p_value(sums_of(units, action, View(deterministic(rows))), taken)


def skewed(seed: int, rows: int = 60) -> Array:
    """Rows whose first column is the widest, so that p-values are of every size."""
    wide = 1 + np.random.default_rng([seed, 7]).random() * np.array([1.0, 0.0, 0.0])
    return np.random.default_rng(seed).exponential(size=(rows, 3)) * wide


@FEWER
@given(seed=seeds, action=st.sampled_from([SWAP, SHIFT, TURN, ALL]))
def test_order_of_rows_and_of_units_does_not_matter(seed: int, action: Action) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    rows, blocks = skewed(seed), np.repeat(np.arange(12), 5)
    units = Units.of(rows, blocks)
    taken = choices(12, len(action.elements() or ()), 199, rng)
    fit = typical(units, action, rng).rows
    wanted = found_in(units, action, fit, taken)
    within = np.concatenate([5 * u + rng.permutation(5) for u in range(12)])
    shuffled = replace(units, rows=units.rows[within])
    assert found_in(shuffled, action, fit, taken) == pytest.approx(wanted, abs=0.011)
    order = rng.permutation(12)
    other = Units.of(rows, np.argsort(order)[blocks])
    assert found_in(other, action, fit, taken[:, order]) == pytest.approx(wanted, abs=0.011)


@FEWER
@given(seed=seeds, action=st.sampled_from([SWAP, SHIFT, TURN, ALL]))
def test_coordinates_may_be_relabelled_together_with_the_group(seed: int, action: Action) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    relabel = rng.permutation(3)
    matrices = np.stack([move(np.eye(3)).T for move in action.elements() or ()])
    other = np.eye(3)[relabel] @ matrices @ np.eye(3)[relabel].T
    units = Units.of(skewed(seed, 20))
    taken = choices(20, len(matrices), 199, rng)
    fit = typical(units, action, rng).rows
    wanted = found_in(units, action, fit, taken)
    renamed = replace(units, rows=units.rows[:, relabel])
    assert found_in(renamed, Matrices(other), fit[:, relabel], taken) == pytest.approx(
        wanted, abs=0.011
    )


@FEWER
@given(seed=seeds, action=st.sampled_from([SWAP, SHIFT, TURN]))
def test_a_common_unit_of_measurement_does_not_matter(seed: int, action: Action) -> None:
    """A power of two changes no digit of anything; 1,000 changes the last ones."""
    count_example()
    rows = skewed(seed)
    wanted = evidence(Units.of(rows), action, draws=99, seed=seed)
    found = evidence(Units.of(rows * 1024), action, draws=99, seed=seed)
    assert repr(found) == repr(wanted)  # An effect may be nan.
    found = evidence(Units.of(rows * 1000), action, draws=99, seed=seed, effects=False)
    assert found.p_value == pytest.approx(wanted.p_value, abs=0.031)


@FEWER
@given(seed=seeds, action=st.sampled_from([SWAP, TURN]))
def test_the_unit_of_a_column_that_nothing_moves_does_not_matter(seed: int, action: Action) -> None:
    count_example()
    rows = skewed(seed)
    wanted = evidence(Units.of(rows), action, draws=99, seed=seed, effects=False)
    for factor, digits in ((2.0**13, 1e-12), (1e4, 0.031), (1e-4, 0.031)):
        units = Units.of(rows * [1, 1, factor])
        found = evidence(units, action, draws=99, seed=seed, effects=False)
        assert found.p_value == pytest.approx(wanted.p_value, abs=digits)


@FEWER
@given(seed=seeds)
def test_measuring_effects_leaves_p_values_alone(seed: int) -> None:
    count_example()
    units = Units.of(skewed(seed))
    both = [evidence(units, SHIFT, draws=49, seed=seed, effects=e) for e in (True, False)]
    assert both[0].p_value == both[1].p_value
    assert [f.p_value for f in both[0].families] == [f.p_value for f in both[1].families]


def test_typical_rows_do_not_tell_which_slot_was_the_data() -> None:
    """Every element is equally likely for every unit, whatever the unit beside it takes."""
    rows = np.random.default_rng(1).normal(size=(900, 3))
    found = typical(Units.of(rows), ALL, np.random.default_rng(2)).rows
    moved = np.stack([move(rows) for move in ALL.elements() or ()])
    element = (moved == found).all(2).argmax(0)
    assert (moved[element, np.arange(len(rows))] == found).all()
    assert chisquare(np.bincount(element, minlength=6)).pvalue > 1e-4
    pairs = element[::2] * 6 + element[1::2]
    assert chisquare(np.bincount(pairs, minlength=36)).pvalue > 1e-4


def test_families_are_fitted_to_typical_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the data, each of their images is equally likely to be what families see."""
    seen: list[Array] = []

    def spying(rows: Array, *rest: Any) -> list[View]:
        seen.append(rows)
        return [View(deterministic(rows))]

    monkeypatch.setattr(engine, "views_for", spying)
    units = Units.of(np.random.default_rng(0).normal(size=(30, 3)))
    for seed in range(20):
        evidence(units, SHIFT, draws=1, seed=seed, effects=False)
    moved = np.stack([move(units.rows) for move in SHIFT.elements() or ()])
    element = np.array([(moved == rows).all(2).argmax(0) for rows in seen])
    assert (moved[element, np.arange(30)] == np.array(seen)).all()
    assert chisquare(np.bincount(element.ravel(), minlength=3)).pvalue > 1e-4


def test_slots_of_a_small_group_are_the_orbit_and_of_a_large_one_are_drawn() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    units, rng = Units.of(rows), np.random.default_rng(1)
    cyclic = Permutations(elements_of([[1, 2, 3, 0]]))
    want = [np.roll(rows, k, axis=1) for k in range(4)]
    found = [each.units.rows for each in slots(units, cyclic, rng)]
    assert (found[0] == rows).all()
    assert sorted(f.tobytes() for f in found) == sorted(w.tobytes() for w in want)
    every_order = Permutations(np.array(list(permutations(range(4)))))
    drawn = np.stack([each.units.rows for each in slots(units, every_order, rng)])
    assert drawn.shape == (8, 60, 4)
    assert (drawn[0] == rows).all()
    np.testing.assert_array_equal(np.sort(drawn, axis=2), np.sort(drawn[:1], axis=2).repeat(8, 0))
    # Units are moved by elements of their own.
    first = np.array([np.argmax(drawn[1, u] == rows[u, 0]) for u in range(60)])
    assert len(set(first.tolist())) == 4
