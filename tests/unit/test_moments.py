"""Moments of a stream: sums, merging, the sample kept, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from grouplearn.discovery import MomentAccumulator
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(1.0, 2.0, (5000, 3))


def test_sums_are_those_of_numpy(rows: np.ndarray) -> None:
    moments = MomentAccumulator(3).add(rows)
    np.testing.assert_allclose(moments.mean(), rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(moments.covariance(), np.cov(rows.T, bias=True), atol=1e-12)
    np.testing.assert_allclose(moments.cubes.sum(0), (rows**2).T @ rows, rtol=1e-12)
    assert moments.count == moments.samples == len(rows)


def test_weights_count_rows_repeatedly() -> None:
    few = np.array([[1.0, 2.0], [3.0, 5.0]])
    weighted = MomentAccumulator(2).add(few, weights=[3, 1])
    plain = MomentAccumulator(2).add(few[[0, 0, 0, 1]])
    np.testing.assert_allclose(weighted.covariance(), plain.covariance(), atol=1e-12)
    assert weighted.count == plain.count


def test_merging_in_any_order_gives_the_same(rows: np.ndarray) -> None:
    def accumulate(part: np.ndarray, first: int) -> MomentAccumulator:
        blocks = np.arange(first, first + len(part)) // 10
        return MomentAccumulator(3, keep=500).add(part, blocks=blocks)

    parts = np.split(rows, [1000, 1700, 4000])
    starts = [0, 1000, 1700, 4000]
    forward, backward = (MomentAccumulator(3, keep=500) for _ in range(2))
    for part, start in zip(parts, starts, strict=True):
        forward.merge(accumulate(part, start))
    for part, start in list(zip(parts, starts, strict=True))[::-1]:
        backward.merge(accumulate(part, start))
    whole = accumulate(rows, 0)
    for other in (forward, backward):
        np.testing.assert_allclose(other.products, whole.products, rtol=1e-10)
        np.testing.assert_allclose(other.cubes, whole.cubes, rtol=1e-10, atol=1e-8)
    np.testing.assert_array_equal(forward.sample().rows, backward.sample().rows)
    assert len(forward.sample().rows) == 500


def test_rows_of_a_block_share_a_group_and_every_row_may_be_kept(rows: np.ndarray) -> None:
    blocks = np.arange(len(rows)) // 50
    moments = MomentAccumulator(3, keep=2000, seed=1).add(rows, blocks=blocks)
    sample = moments.sample()
    index = {tuple(row): k for k, row in enumerate(rows)}
    places = np.array([index[tuple(row)] for row in sample.rows])
    groups = {int(b): set(sample.groups[blocks[places] == b]) for b in np.unique(blocks[places])}
    assert all(len(each) == 1 for each in groups.values())
    # 2,000 of 5,000: in each tenth of the stream 200 are expected.
    tenths = np.bincount(places // 500, minlength=10)
    assert tenths.min() > 140
    assert tenths.max() < 260


def test_tensors_memory_maps_and_labels_are_taken(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", rows)
    mapped = MomentAccumulator(3).add(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    tensor = MomentAccumulator(3).add(torch.tensor(rows, requires_grad=True))
    np.testing.assert_array_equal(mapped.products, tensor.products)
    half = MomentAccumulator(3).add(torch.ones(2, 3, dtype=torch.bfloat16))
    assert half.mean().tolist() == [1, 1, 1]
    labelled = MomentAccumulator(3, keep=10).add(rows, labels=rows[:, 0])
    sample = labelled.sample()
    assert sample.labels is not None
    np.testing.assert_array_equal(sample.labels, sample.rows[:, 0])


def test_moments_of_groups_may_come_ready_made(rows: np.ndarray) -> None:
    moments = MomentAccumulator(3)
    moments.add_moments(2, len(rows), rows.sum(0), rows.T @ rows, (rows**2).T @ rows).keep_rows(
        rows[:10], np.zeros(10, dtype=np.int64)
    )
    np.testing.assert_allclose(moments.mean(), rows.mean(0))
    assert len(moments.sample().rows) == 10


def test_triples_are_dropped_when_samples_follow(rows: np.ndarray) -> None:
    triples = np.ones((32, 3, 3, 3))
    one, two = (MomentAccumulator(3).add(rows).add_triples(triples) for _ in range(2))
    merged = one.merge(two)
    assert merged.triples is not None
    np.testing.assert_array_equal(merged.triples, 2 * triples)
    assert merged.add(rows[:1]).triples is None
    assert MomentAccumulator(3).merge(two).triples is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"samples": np.zeros((2, 4))}, "of shape (N, 3)"),
        ({"samples": np.array([["a", "b", "c"]])}, "real numbers"),
        ({"samples": [[1.0, 2.0], [3.0]]}, "different lengths"),
        ({"samples": np.array([[0.0, 0.0, np.nan]])}, "(0, 2)"),
        ({"samples": np.zeros((2, 3)), "weights": [1, -1]}, ">= 0"),
        ({"samples": np.zeros((2, 3)), "weights": [1]}, "one per sample"),
        ({"samples": np.zeros((2, 3)), "blocks": [0.5, 1.5]}, "integers"),
        ({"samples": np.zeros((2, 3)), "labels": [0.0, np.inf]}, "finite"),
    ],
)
def test_bad_batches_are_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        MomentAccumulator(3).add(**arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert is_helpful(caught)


def test_accumulators_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="same dim"):
        MomentAccumulator(3).merge(MomentAccumulator(3, seed=1))
    with pytest.raises(InputError, match="call add first"):
        MomentAccumulator(3).mean()
    with pytest.raises(InputError, match="labels"):
        MomentAccumulator(1).add([[1.0]], labels=[1]).add([[1.0]])
    assert len(MomentAccumulator(3).sample().rows) == 0
