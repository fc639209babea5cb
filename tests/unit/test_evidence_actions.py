"""Actions, slots, scores and effects of the evidence engine, against plain loops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

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
from grouplearn.discovery.evidence.engine import FamilyEvidence, JointEvidence, evidence
from grouplearn.discovery.evidence.randomisation import choices, rank_p_value, scores
from grouplearn.discovery.evidence.units import Units, slots
from grouplearn.representations import FixedRepresentation
from tests.counting import count_example
from tests.unit.examples import elements_of, turn

Array = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def rows() -> Array:
    return np.random.default_rng(0).gamma(2.0, size=(40, 4)) * [1, 2, 3, 100] - 5


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
        assert each.units.starts is units.starts
        assert each.units.factors is units.factors


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
    assert np.isnan(JointEvidence(1.0, ()).effect)
    assert JointEvidence(1.0, ()).effect_bound == np.inf
    blind = FamilyEvidence("triples", 0.0, 1.0, 0.9, 0.95, 2.9)
    assert not blind.sees
    assert np.isnan(JointEvidence(1.0, (blind,)).effect)
    sharp = FamilyEvidence("covariances", 0.0, 1.0, 0.1, 0.2, 50.0)
    found = JointEvidence(1.0, (blind, sharp))
    assert (found.effect, found.effect_bound) == (0.1, 0.2)


def test_all_permutations_have_no_other_of_their_kind() -> None:
    """A conjugate of them is one of them, so that effects are measured in turned coordinates."""
    action = Permutations(np.array(list(permutations(range(3)))))
    assert action.elsewhere(np.random.default_rng(0)) is None
    rows = np.random.default_rng(0).exponential(size=(400, 3))
    found = evidence(Units.of(rows, rng=np.random.default_rng(0)), action, draws=99, seed=0)
    assert np.isfinite(found.effect_bound)


def test_what_is_kept_and_what_is_moved() -> None:
    """Of oblique matrices: c . g x is c . x for the former, 0 on average for the latter."""
    basis = np.random.default_rng(0).standard_normal((5, 5))
    turn = np.eye(5)[[1, 2, 0, 4, 3]]
    powers = np.stack([np.linalg.matrix_power(turn, k) for k in range(6)])
    action = Matrices(basis @ powers @ np.linalg.inv(basis))
    rng = np.random.default_rng(1)
    kept, moved = action.kept(rng), action.moved(rng)
    assert kept.shape[1] == 2
    assert moved.shape[1] == 3
    rows = rng.standard_normal((20, 5))
    images = np.stack([action.element(g)(rows) for g in range(6)])
    np.testing.assert_allclose(images @ kept, np.tile(rows @ kept, (6, 1, 1)), atol=1e-9)
    np.testing.assert_allclose((images @ moved).mean(0), 0, atol=1e-9)
