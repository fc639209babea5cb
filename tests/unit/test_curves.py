"""Areas under curves: against scikit-learn, and intervals against many samples of one law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from grouplearn.errors import InputError
from grouplearn.training import Ranking, ranking
from tests.unit.examples import is_helpful


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 30), st.integers(0, 999))
def test_areas_are_those_of_scikit_learn(m: int, n: int, values: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1, 0], [m, n]))
    scores = rng.integers(values, size=m + n) + 0.0  # with ties
    found = ranking(scores, labels)
    assert found.auroc == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert found.auprc == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    for area, (low, high) in ((found.auroc, found.auroc_interval),
                              (found.auprc, found.auprc_interval)):  # fmt: skip
        assert 0 <= low <= area <= high <= 1


def test_the_variance_is_delongs() -> None:
    """By its definition: the variances of the shares of pairs that each sample wins."""
    rng = np.random.default_rng(0)
    above, below = rng.normal(0.8, size=30), rng.normal(size=50)
    wins = (above[:, None] > below).astype(float)
    error = np.sqrt(wins.mean(1).var(ddof=1) / 30 + wins.mean(0).var(ddof=1) / 50)
    found = ranking([*above, *below], np.repeat([1, 0], [30, 50]))
    low, high = found.auroc_interval
    assert high - low == pytest.approx(2 * 1.959964 * error, rel=1e-6)


@pytest.mark.parametrize("shift", [0.5, 1.5])
def test_intervals_cover_as_often_as_they_say(shift: float) -> None:
    """Both true areas are those of a million samples of the law; each of 400 sets has 100 of it."""
    rng = np.random.default_rng(1)

    def drawn(count: int) -> Ranking:
        labels = np.repeat([1, 0], count // 2)
        return ranking(rng.normal(size=count) + shift * labels, labels)

    truth = drawn(1_000_000)
    sets = [drawn(200) for _ in range(400)]
    for area in ("auroc", "auprc"):
        ends = np.array([getattr(each, f"{area}_interval") for each in sets])
        value = getattr(truth, area)
        covered = np.mean((ends[:, 0] <= value) & (value <= ends[:, 1]))
        assert 0.91 <= covered <= 0.99, (area, covered)


def test_perfect_and_reversed_scores_keep_an_interval() -> None:
    labels = np.repeat([1, 0], 20)
    right, wrong = ranking(labels + 0.0, labels), ranking(-labels + 0.0, labels)
    assert right.auroc == right.auprc == 1
    assert 0.7 < right.auroc_interval[0] < 0.9
    assert wrong.auroc == 0
    assert 0.1 < wrong.auroc_interval[1] < 0.3
    assert 0.7 < right.auprc_interval[0] < 0.9


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_explained() -> None:
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: ranking([1, 2, 3], [0, 1]), "one for each score", "(2,)"),
        (lambda: ranking([1, np.nan, 3, 4], [0, 1, 0, 1]), "finite", "nan"),
        (lambda: ranking([1, 2, 3, 4], [0, 1, 2, 1]), "0 or 1", "2"),
        (lambda: ranking([1, 2, 3, 4], [0, 1, 1, 1]), "two positives and two negatives", "3 and 1"),
        (lambda: ranking([1, 2, 3, 4], [0, 1, 0, 1], level=1), "between 0 and 1", "1"),
    ]
    for call, expected, got in cases:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, expected, got)


def test_one_mistake_among_very_many() -> None:
    scores = np.r_[np.ones(200_000), 0.0, np.full(50, 0.5)]
    found = ranking(scores, np.r_[np.ones(200_001), np.zeros(50)])
    low, high = found.auprc_interval
    assert 0 <= low <= found.auprc <= high <= 1
    assert found.auprc > 0.99
