"""Families, units, actions and effects, each beside plain loops over rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.choice import alphabet_of
from grouplearn.discovery.evidence.families.covariances import Covariances
from grouplearn.discovery.evidence.families.fourier import Fourier
from grouplearn.discovery.evidence.families.harmonics import WAVES, Harmonics
from grouplearn.discovery.evidence.families.marginals import LEVELS, Marginals
from grouplearn.discovery.evidence.families.squares import Squares
from grouplearn.discovery.evidence.families.triples import Triples
from grouplearn.discovery.evidence.families.words import Words
from grouplearn.discovery.evidence.labels import label_factors, unexplained
from grouplearn.discovery.evidence.units import Units
from grouplearn.discovery.evidence.views import views_for
from grouplearn.errors import InputError
from tests.counting import count_example
from tests.unit.examples import is_helpful

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


def test_waves_of_the_angle_are_those_of_a_loop(rows: Array) -> None:
    plane = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 2)))[0]
    found = Harmonics(rows, plane).features(rows)
    for row, own in zip(found, standardised(rows), strict=True):
        angle = np.angle(own @ plane[:, 0] + 1j * (own @ plane[:, 1]))
        for m in range(1, WAVES + 1):
            wanted = np.cos(m * angle), np.sin(m * angle)
            np.testing.assert_allclose(row[[m - 1, WAVES + m - 1]], wanted, atol=1e-4)


def test_what_is_kept_explains_labels() -> None:
    """Beside a known regression: the noise is left, and slopes are its derivatives."""
    rng = np.random.default_rng(0)
    kept, noise = rng.normal(3, 2, (4000, 2)), 0.3 * rng.standard_normal((4000, 2))
    inner = np.abs(kept - 3).max(1) < 3
    x, y = kept.T
    told = np.stack([np.sin(x / 2), x * y / 8], axis=1)
    left, slopes_of = unexplained(told + noise, kept)
    slopes = slopes_of()
    assert np.abs(left - noise)[inner].max() < 0.2
    assert np.square(left - noise)[inner].mean() < 0.1 * 0.3**2
    wanted = np.stack([np.c_[np.cos(x / 2) / 2, 0 * x], np.c_[y / 8, x / 8]], axis=1)
    assert np.sqrt(np.square(slopes - wanted)[inner].mean()) < 0.06
    for nothing in (np.zeros((4000, 0)), np.ones((4000, 1))):
        np.testing.assert_array_equal(unexplained(noise, nothing)[0], noise)


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
