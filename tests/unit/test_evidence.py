"""Families, units, actions and effects, each beside plain loops over rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.discovery.evidence.actions import (
    Action,
    Matrices,
    Permutations,
    RandomElements,
    action_of,
    random_orthogonal,
)
from grouplearn.discovery.evidence.effect import Grams, _energies, effect_of
from grouplearn.discovery.evidence.engine import FamilyEvidence, Finding, evidence
from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.choice import alphabet_of
from grouplearn.discovery.evidence.families.covariances import Covariances
from grouplearn.discovery.evidence.families.fourier import Fourier
from grouplearn.discovery.evidence.families.marginals import LEVELS, Marginals
from grouplearn.discovery.evidence.families.squares import Squares
from grouplearn.discovery.evidence.families.triples import Triples
from grouplearn.discovery.evidence.families.words import Words
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.randomisation import choices, rank_p_value, scores
from grouplearn.discovery.evidence.units import Units, slots
from grouplearn.discovery.evidence.views import views_for
from grouplearn.errors import InputError
from grouplearn.representations import FixedRepresentation
from tests.counting import count_example
from tests.unit.examples import elements_of, is_helpful, turn

Array = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def rows() -> Array:
    return np.random.default_rng(0).gamma(2.0, size=(40, 4)) * [1, 2, 3, 100] - 5


def standardised(rows: Array) -> Array:
    return np.asarray((rows - rows.mean(0)) / rows.std(0))


def naive_covariances(z: Array) -> list[float]:
    return [*z, *(z[i] * z[j] for i in range(len(z)) for j in range(i, len(z)))]


def naive_squares(z: Array) -> list[float]:
    x = z * (len(z) / sum(each**2 for each in z)) ** 0.5
    return [x[i] ** 2 * x[j] ** 2 for i in range(len(z)) for j in range(i, len(z))]


def naive_triples(z: Array) -> list[float]:
    x = z * (len(z) / sum(each**2 for each in z)) ** 0.5
    pairs = [x[i] ** 2 * x[j] for i in range(len(z)) for j in range(len(z))]
    return pairs + [x[i] * x[j] * x[k] for i, j, k in combinations(range(len(z)), 3)]


@pytest.mark.parametrize(
    ("kind", "naive"),
    [(Covariances, naive_covariances), (Squares, naive_squares), (Triples, naive_triples)],
)
def test_products_are_those_of_a_loop(
    kind: Callable[..., Family], naive: Callable[[Array], list[float]], rows: Array
) -> None:
    found = kind(rows, np.random.default_rng(0)).features(rows[:10])
    wanted = np.array([naive(z) for z in standardised(rows)[:10]])
    np.testing.assert_allclose(np.sort(found), np.sort(wanted), rtol=2e-5, atol=2e-5)


def test_marginals_count_rows_below_quantiles(rows: Array) -> None:
    found = Marginals(rows, np.random.default_rng(0)).features(rows)
    assert found.shape == (40, len(LEVELS) * 4)
    for place, level in enumerate(LEVELS):
        for column in range(4):
            threshold = np.quantile(rows[:, column], level)
            wanted = [float(row[column] <= threshold) for row in rows]
            assert found[:, 4 * place + column].tolist() == wanted


@pytest.mark.parametrize("bandwidth", [0.5, 1.0, 2.0])
def test_fourier_features_make_the_gaussian_kernel(bandwidth: float, rows: Array) -> None:
    z = standardised(rows)
    apart = np.linalg.norm(z[:, None] - z, axis=2)
    # The family takes the median over random pairs, a row with itself among them.
    width = bandwidth * np.median(apart)
    products = []
    for seed in range(60):
        found = Fourier(rows, np.random.default_rng(seed), bandwidth).features(rows)
        half = found.shape[1] // 2
        np.testing.assert_allclose(found[:, :half] ** 2 + found[:, half:] ** 2, 1, atol=1e-5)
        products.append(found @ found.T / half)
    wanted = np.exp(-(apart**2) / (2 * width**2))
    assert np.abs(np.mean(products, axis=0) - wanted).max() < 0.08


def test_words_are_those_of_a_loop() -> None:
    letters, places = 3, 5
    read = np.random.default_rng(0).integers(0, letters, (30, places))
    windows = np.eye(letters)[read].reshape(30, -1)
    assert alphabet_of(windows) == letters
    assert Words.lengths(letters, places) == [2, 3, 4, 5]
    for length in (2, 3):
        found = Words(letters, places, length).features(windows)
        assert found.shape == (30, (places - length + 1) * letters**length)
        for row, word in zip(found, read, strict=True):
            wanted = np.zeros((places - length + 1, *[letters] * length))
            for start in range(places - length + 1):
                wanted[(start, *word[start : start + length])] = 1
            np.testing.assert_array_equal(row, wanted.ravel())


@pytest.mark.parametrize(
    ("rows", "letters"),
    [
        (np.eye(4)[[0, 1, 2, 3]], 0),
        (np.eye(3)[[[0, 1], [2, 2], [1, 0]]].reshape(3, 6), 3),
        (np.tile([1.0, 0.0, 0.0, 1.0], (3, 1)), 2),
        (np.tile([1.0, 1.0, 0.0, 0.0], (3, 1)), 0),
        (np.tile([0.5, 0.5, 0.0, 1.0], (3, 1)), 0),
    ],
)
def test_one_hot_windows_are_recognised(rows: Array, letters: int) -> None:
    assert alphabet_of(rows) == letters


@pytest.mark.parametrize("kind", [Covariances, Squares, Triples, Marginals])
def test_many_columns_make_a_bounded_number_of_features(kind: Callable[..., Family]) -> None:
    wide = np.random.default_rng(0).normal(size=(20, 90))
    found = kind(wide, np.random.default_rng(0)).features(wide)
    assert found.shape[1] <= 512 + 90
    assert np.isfinite(found).all()


def test_a_constant_column_shows_nothing() -> None:
    """Nor does one that is constant but for rounding, which matrices leave behind."""
    rows = np.random.default_rng(0).normal(size=(50, 3))
    rows[:, 2] = 0.1
    rounded = rows.copy()
    rounded[::2, 2] = np.nextafter(0.1, 1)
    for kind in (Covariances, Squares, Triples):
        found = kind(rounded, np.random.default_rng(0))
        np.testing.assert_allclose(found.features(rows), found.features(rounded), atol=1e-6)


def test_marginals_do_not_see_rounding() -> None:
    """Many equal values are moved to values that differ in the last digit."""
    rows = np.random.default_rng(0).integers(-1, 2, (60, 3)).astype(float)
    family = Marginals(rows, np.random.default_rng(0))
    noise = np.random.default_rng(1).normal(size=rows.shape) * 1e-16
    np.testing.assert_array_equal(family.features(rows), family.features(rows + noise))


def test_the_whitened_view_has_no_covariance(rows: Array) -> None:
    many = np.random.default_rng(0).gamma(2.0, size=(2000, 4)) @ np.diag([1, 1, 1, 1e4])
    many[:, 1] += many[:, 0]
    views = views_for(many, np.random.default_rng(0))
    np.testing.assert_array_equal(views[0](many), many)
    np.testing.assert_allclose(np.cov(views[-1](many).T), np.eye(4), atol=0.01)
    assert not any(isinstance(family, Covariances) for family in views[-1].families)


@given(seed=seeds, kind=st.sampled_from(["none", "classes", "numbers"]))
@settings(max_examples=10)
def test_sums_are_those_of_a_loop(seed: int, kind: str) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    rows, blocks = rng.normal(size=(60, 2)), rng.integers(0, 7, 60)
    labels = {"none": None, "classes": rng.integers(0, 3, 60) * 1.0, "numbers": rng.normal(size=60)}
    factors = label_factors("test", labels[kind], 60)
    weights = rng.random(60)
    units = Units.of(rows, blocks, factors * weights[:, None])
    found = units.sums(units.rows**2)
    for unit, block in enumerate(np.unique(blocks)):
        wanted = sum(
            weights[k] * np.outer(factors[k], rows[k] ** 2).ravel()
            for k in range(60) if blocks[k] == block
        )  # fmt: skip
        np.testing.assert_allclose(found[unit], wanted, atol=1e-12)


def test_factors_of_labels_are_centred_and_tell_labels_apart() -> None:
    classes = np.array([3.0, 3, 5, 9, 9, 9])
    found = label_factors("test", classes, 6)
    assert found.shape == (6, 3)
    assert (found[:, 0] == 1).all()
    for column, value in ((1, 3.0), (2, 5.0)):
        wanted = [float(c == value) - float(np.mean(classes == value)) for c in classes]
        np.testing.assert_allclose(found[:, column], wanted)
    numbers = np.random.default_rng(0).normal(size=300) ** 3
    found = label_factors("test", numbers, 300)
    # Orthonormal functions of the rank, which no monotone change of the labels alters.
    np.testing.assert_allclose(found.T @ found / 300, np.eye(5), atol=1e-9)
    np.testing.assert_allclose(label_factors("test", np.exp(numbers), 300), found)
    assert (label_factors("test", None, 4) == np.ones((4, 1))).all()


def test_constant_labels_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        label_factors("discover", np.ones(5), 5)
    assert is_helpful(caught, "discover: labels", "1 throughout")


@given(seed=seeds, count=st.integers(1, 400), most=st.sampled_from([8, 128]))
@settings(max_examples=15)
def test_dealing_keeps_blocks_whole_and_loses_no_row(seed: int, count: int, most: int) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, count, 500) * 3
    rows = np.stack([np.arange(500.0), blocks], axis=1)
    units = Units.of(rows, blocks, rows, rng, most)
    assert sorted(units.rows[:, 0].tolist()) == rows[:, 0].tolist()
    np.testing.assert_array_equal(units.factors, units.rows)
    unit_of = np.repeat(np.arange(units.count), np.diff(units.starts))
    homes = {b: set(unit_of[units.rows[:, 1] == b].tolist()) for b in np.unique(blocks)}
    assert all(len(home) == 1 for home in homes.values())
    dealt = np.bincount([home.pop() for home in homes.values()])
    assert units.count == len(dealt) == min(len(homes), most)
    assert dealt.max() - dealt.min() <= 1
    even, odd = units.half(0), units.half(1)
    assert even.count + odd.count == units.count
    halves = np.concatenate([even.rows, odd.rows])
    assert sorted(halves[:, 0].tolist()) == rows[:, 0].tolist()
    for k, half in ((0, even), (1, odd)):
        for unit in range(half.count):
            there, here = units.starts[2 * unit + k :][:2], half.starts[unit:][:2]
            np.testing.assert_array_equal(half.rows[slice(*here)], units.rows[slice(*there)])


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=12), most=st.integers(1, 200))
@settings(max_examples=15)
def test_thinning_takes_rows_evenly_from_every_unit(sizes: list[int], most: int) -> None:
    count_example()
    blocks = np.repeat(np.arange(len(sizes)), sizes)
    units = Units.of(np.arange(float(sum(sizes)))[:, None], blocks)
    some = units.thinned(most)
    assert some.count == units.count
    assert len(some.rows) <= most + units.count
    step = -(-sum(sizes) // most)
    for unit, size in enumerate(sizes):
        own = some.rows[slice(*some.starts[unit:][:2]), 0]
        assert len(own) == -(-size // step)
        assert (blocks[own.astype(int)] == unit).all()
    np.testing.assert_array_equal(some.factors, np.ones((len(some.rows), 1)))


def matrix(move: Callable[[Array], Array], dim: int) -> Array:
    """What a move does, column by column."""
    return move(np.eye(dim)).T


def spectrum(matrix_: Array) -> Array:
    """The characteristic polynomial, which conjugates share."""
    return np.asarray(np.poly(matrix_), dtype=np.float64)


@pytest.mark.parametrize(
    "rep",
    [
        FixedRepresentation.from_permutations([[1, 2, 3, 4, 0]]),
        FixedRepresentation.from_permutations([[1, 2, 0, 3, 4], [1, 0, 2, 4, 3]]),
        FixedRepresentation(CyclicGroup(5), turn(2 * np.pi / 5)[None]),
        FixedRepresentation(
            DihedralGroup(4),
            torch.stack([turn(np.pi / 2), torch.diag(torch.tensor([1.0, -1.0]).double())]),
        ),
    ],
    ids=["C5", "S3", "turn", "D4"],
)
def test_moves_are_those_of_the_representation(rep: FixedRepresentation) -> None:
    rows = np.random.default_rng(0).normal(size=(20, rep.dim))
    action = action_of(rep.double())
    elements = action.elements()
    assert elements is not None
    assert len(elements) == rep.group.order
    for g, move in enumerate(elements):
        before = rows.copy()
        wanted = rep.act(torch.as_tensor(rows), g).numpy()
        np.testing.assert_allclose(move(rows), wanted, atol=1e-12)
        np.testing.assert_array_equal(rows, before)
    moved = [matrix(move, rep.dim) for move in elements]
    rng = np.random.default_rng(1)
    for _ in range(20):
        drawn = matrix(action.draw(rng), rep.dim)
        assert any(np.allclose(drawn, own) for own in moved)
        other = matrix(action.draw_other(rng), rep.dim)
        assert any(np.allclose(other, own) for own in moved[1:])


def test_every_element_is_drawn_equally_often() -> None:
    action, rng = Permutations(elements_of([[1, 2, 3, 0]])), np.random.default_rng(0)
    first = [int(action.draw(rng)(np.arange(4.0)[None])[0, 0]) for _ in range(200)]
    assert np.abs(np.bincount(first) - 50).max() < 25
    first = [int(action.draw_other(rng)(np.arange(4.0)[None])[0, 0]) for _ in range(150)]
    assert np.bincount(first, minlength=4)[0] == 0
    assert np.abs(np.bincount(first)[1:] - 50).max() < 25


def test_signs_and_channels() -> None:
    """x[i] moves to points[g, i], times signs[g, i]; every channel alike."""
    points = np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    signs = np.array([[1.0, 1, 1], [-1, 1, -1], [1, -1, -1]])
    elements = Permutations(points, signs, channels=2).elements()
    assert elements is not None
    row = np.array([2.0, 3, 5, 7, 11, 13])
    for g, move in enumerate(elements):
        wanted = np.empty(6)
        for channel in range(2):
            for i in range(3):
                wanted[3 * channel + points[g, i]] = signs[g, i] * row[3 * channel + i]
        np.testing.assert_array_equal(move(row[None])[0], wanted)


SIGNED = np.array([[0, 1, 2, 3], [1, 0, 3, 2]]), np.array([[1.0, 1, 1, 1], [1, 1, -1, -1]])
BASIS = np.random.default_rng(3).normal(size=(3, 3))
TURNED = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
QUARTERS = np.stack(
    [
        BASIS @ np.linalg.matrix_power(TURNED, k)
        @ np.linalg.inv(BASIS)
        for k in range(4)
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("action", "dim"),
    [
        (Permutations(elements_of([[1, 2, 0, 4, 3, 5]])), 6),
        (Permutations(*SIGNED), 4),
        (Permutations(np.arange(3)[None].repeat(2, 0), np.array([[1.0, 1, 1], [-1, 1, 1]])), 3),
        (Matrices(QUARTERS, np.linalg.cholesky(BASIS @ BASIS.T)), 3),
        (Matrices(QUARTERS), 3),
    ],
    ids=["cycles", "signed", "signs", "coloured", "white"],
)
def test_elsewhere_is_a_conjugate_that_is_no_element(action: Action, dim: int) -> None:
    rng = np.random.default_rng(0)
    elements = [matrix(move, dim) for move in action.elements() or ()]
    types = np.stack([spectrum(own) for own in elements[1:]])
    away = 0
    for _ in range(20):
        move = action.elsewhere(rng)
        assert move is not None
        other = matrix(move, dim)
        assert np.abs(types - spectrum(other)).max(1).min() < 1e-6
        away += not any(np.allclose(other, own) for own in elements)
    assert away >= 15


def test_elsewhere_keeps_the_covariance_where_the_action_does() -> None:
    """Matrices are turned in the whitened space of the rows."""
    root = np.linalg.cholesky(BASIS @ BASIS.T)
    action = Matrices(QUARTERS, BASIS)
    for seed in range(5):
        move = action.elsewhere(np.random.default_rng(seed))
        assert move is not None
        moved = matrix(move, 3) @ root
        np.testing.assert_allclose(moved @ moved.T, root @ root.T, atol=1e-8)


def test_random_elements_are_moved_by_what_the_sampler_gives() -> None:
    def turns(rng: np.random.Generator, count: int) -> Array:
        return np.stack([turn(rng.uniform(0, 2 * np.pi)).numpy() for _ in range(count)])

    action = RandomElements(2, turns)
    assert action.elements() is None
    for seed in range(5):
        own, rows = turns(np.random.default_rng(seed), 1)[0], np.eye(2)
        np.testing.assert_allclose(action.draw(np.random.default_rng(seed))(rows).T, own)
        move = action.elsewhere(np.random.default_rng(seed))
        assert move is not None
        np.testing.assert_allclose(spectrum(matrix(move, 2)), spectrum(own), atol=1e-9)


def test_random_orthogonal_matrices_are_orthogonal_and_uniform() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([random_orthogonal(3, rng) for _ in range(2000)])
    np.testing.assert_allclose(
        drawn @ drawn.swapaxes(1, 2), np.eye(3)[None].repeat(2000, 0), atol=1e-9
    )
    assert np.abs(drawn.mean(0)).max() < 0.06
    assert np.abs(np.square(drawn).mean(0) - 1 / 3).max() < 0.03
    assert abs(np.linalg.det(drawn).mean()) < 0.1


def test_slots_keep_factors_and_units() -> None:
    units = Units.of(np.arange(24.0).reshape(12, 2), np.arange(12) // 4, np.arange(12.0)[:, None])
    for each in slots(units, Permutations(elements_of([[1, 0]])), np.random.default_rng(0)):
        assert each.starts is units.starts
        assert each.factors is units.factors


def test_choices_begin_with_the_data() -> None:
    found = choices(50, 3, 400, np.random.default_rng(0))
    assert found.shape == (401, 50)
    assert not found[0].any()
    assert np.abs(np.bincount(found[1:].ravel()) / 20000 - 1 / 3).max() < 0.02


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([3.0, 1, 2], 1 / 3),
        ([1.0, 3, 2], 1.0),
        ([2.0, 2, 1, 3], 0.75),
        ([-1.0, -1, -1, -1, 4], 1.0),
        ([-1.0, -2, -3, 6], 0.5),
        ([0.0, 0, 0, 0], 1.0),
    ],
)
def test_the_rank_counts_the_data_and_ties(values: list[float], wanted: float) -> None:
    assert rank_p_value(np.array(values)) == wanted


def test_scores_of_equal_values_are_zero_and_of_others_standardised() -> None:
    assert not scores(np.full(5, 3.0)).any()
    found = scores(np.array([1.0, 8, 27, 64]))
    np.testing.assert_allclose(found, np.array([-1.5, -0.5, 0.5, 1.5]) / 1.25**0.5)


def naive_energy(deviations: Array, weights: Array) -> float:
    """Mean inner product over pairs of different units, each taken so often; one element."""
    total, pairs = 0.0, 0.0
    for u, x in enumerate(deviations):
        for v, y in enumerate(deviations):
            if u != v:
                total += weights[u] * weights[v] * float(x @ y)
                pairs += weights[u] * weights[v]
    return total / pairs


@given(seed=seeds)
@settings(max_examples=10)
def test_energies_are_those_of_a_double_loop(seed: int) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    here, weights = rng.normal(size=(2, 9, 3)), rng.integers(0, 3, (4, 9)) + 1.0
    grams = Grams.of(here, here[:1])
    found = _energies(grams.here, weights)
    wanted = [np.mean([naive_energy(each, w) for each in here]) for w in weights]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    found = _energies(grams.elsewhere, weights)
    np.testing.assert_allclose(found, [naive_energy(here[0], w) for w in weights], atol=1e-12)


@pytest.mark.parametrize("length", [0.0, 0.5])
def test_energies_are_unbiased(length: float) -> None:
    rng = np.random.default_rng(0)
    deviation = np.full(4, length / 2)
    ones = np.ones((1, 20))
    found = [
        float(_energies(Grams.of(each, each).here, ones)[0])
        for each in rng.normal(size=(2000, 1, 20, 4)) + deviation
    ]
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - length**2) < 4 * error
    assert error < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("truth", [0.0, 0.1, 0.3, 0.6, 1.0])
def test_the_bound_covers_the_true_effect(truth: float) -> None:
    rng = np.random.default_rng(int(10 * truth))
    covered = 0
    for _ in range(300):
        noise = rng.normal(size=(2, 1, 64, 12))
        grams = Grams.of(noise[0] + 0.8 * truth / 12**0.5, noise[1] + 0.8 / 12**0.5)
        covered += effect_of(grams, rng, 0.975).bound >= truth
    assert covered >= 0.93 * 300


def test_effects_are_ratios_of_lengths() -> None:
    rng = np.random.default_rng(0)
    noise = 1e-3 * rng.normal(size=(2, 3, 40, 6))
    grams = Grams.of(noise[0] + 0.2, noise[1] + 0.5)
    found = effect_of(grams, rng, 0.975)
    assert found.size == pytest.approx(0.4, abs=1e-2)
    assert found.size <= found.bound < 0.41
    assert found.power > 100
    silent = Grams.of(noise[0], np.zeros((1, 40, 6)))
    assert effect_of(silent, rng, 0.975).bound == np.inf


def test_a_true_symmetry_has_a_small_effect_and_a_false_one_a_large() -> None:
    rows = np.random.default_rng(0).exponential(size=(2000, 4))
    units = Units.of(rows * [1, 1, 1, 3], rng=np.random.default_rng(0))
    true = evidence(units, Permutations(elements_of([[1, 2, 0, 3]])), draws=99, seed=0)
    false = evidence(units, Permutations(elements_of([[1, 2, 3, 0]])), draws=99, seed=0)
    assert true.p_value > 0.01
    assert false.p_value == 0.01
    assert true.effect_bound < 0.4
    assert false.effect > 0.4


def test_what_cannot_be_seen_has_no_effect() -> None:
    assert np.isnan(Finding(1.0, ()).effect)
    assert Finding(1.0, ()).effect_bound == np.inf
    blind = FamilyEvidence("triples", 0.0, 1.0, 0.9, 0.95, 2.9)
    assert not blind.sees
    assert np.isnan(Finding(1.0, (blind,)).effect)
    sharp = FamilyEvidence("covariances", 0.0, 1.0, 0.1, 0.2, 50.0)
    found = Finding(1.0, (blind, sharp))
    assert (found.effect, found.effect_bound) == (0.1, 0.2)


def test_all_permutations_have_no_other_of_their_kind() -> None:
    """A conjugate of them is one of them, so that effects are measured in turned coordinates."""
    action = Permutations(np.array(list(permutations(range(3)))))
    assert action.elsewhere(np.random.default_rng(0)) is None
    rows = np.random.default_rng(0).exponential(size=(400, 3))
    found = evidence(Units.of(rows, rng=np.random.default_rng(0)), action, draws=99, seed=0)
    assert np.isfinite(found.effect_bound)
