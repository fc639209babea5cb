"""Linear discovery where columns are constant, dependent, rare or in units of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn.discovery.linear.data import whitened
from grouplearn.discovery.linear.entry import check_linear_group, discover_linear
from grouplearn.discovery.reservoir import Sample
from grouplearn.representations import FixedRepresentation

Array = NDArray[np.float64]
SHIFT = np.roll(np.eye(3), 1, axis=0)


def sample(rows: Array) -> Sample:
    return Sample(rows, np.ones(len(rows)), np.arange(len(rows)) % 32, None)


def chiral(count: int) -> Array:
    """Rows that the shifts of three columns keep, and nothing else: four points, turned."""
    rng = np.random.default_rng(0)
    points = np.array([[1.0, 0.2, -0.4], [0.3, 1.5, 0.9], [-0.8, 0.1, 0.2], [0.5, -1.2, 1.1]])
    rows = points[rng.integers(0, 4, count)] + 0.05 * rng.standard_normal((count, 3))
    powers = np.stack([np.linalg.matrix_power(SHIFT, k) for k in range(3)])
    return np.asarray(np.einsum("nij,nj->ni", powers[rng.integers(0, 3, count)], rows))


def test_dependent_columns_are_kept_as_they_are() -> None:
    """The fourth column is the sum of the others: the group acts on all four."""
    rows = chiral(6000)
    found = discover_linear(sample(np.c_[rows, rows.sum(1)]))
    assert found.group.name == "C3"
    assert found.members.shape == (3, 4, 4)
    assert any("Nothing varies in one direction of the 4" in note for note in found.notes)
    unvaried = torch.tensor([1.0, 1.0, 1.0, -1.0], dtype=torch.float64)
    for member in found.members:
        torch.testing.assert_close(member @ unvaried, unvaried, atol=1e-7, rtol=0)
    moved = rows @ SHIFT.T
    wide, there = (np.c_[each, each.sum(1)] for each in (rows, moved))
    apart = [np.linalg.norm(wide @ m.numpy().T - there) for m in found.members]
    assert min(apart) < 0.02 * np.linalg.norm(wide)


def test_constant_columns_are_kept_as_they_are() -> None:
    rows = np.c_[np.full(6000, 3.0), chiral(6000)]
    found = discover_linear(sample(rows))
    assert found.group.name == "C3"
    torch.testing.assert_close(found.members[:, 0, 0], torch.ones(3, dtype=torch.float64))
    assert float(found.members[:, 0, 1:].abs().max()) < 1e-9


def test_a_given_action_may_not_leave_the_span() -> None:
    rows = np.c_[chiral(2000), np.zeros(2000)]
    inside, outside = np.eye(4), np.eye(4)
    inside[:3, :3] = SHIFT
    outside[2:, 2:] = [[0, 1], [1, 0]]
    kept = FixedRepresentation.from_permutations([[2, 0, 1, 3]])
    lost = FixedRepresentation.from_permutations([[0, 1, 3, 2]])
    assert check_linear_group(sample(rows), kept).order == 3
    assert not check_linear_group(sample(rows), lost).accepted


def test_one_direction_alone() -> None:
    column = np.random.default_rng(0).exponential(size=2000)
    found = discover_linear(sample(np.c_[column, 2 * column, np.ones(2000)]))
    assert not found.found
    assert found.members.shape == (1, 3, 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6]), min_size=4, max_size=4))
def test_units_change_no_coordinates(units: list[float]) -> None:
    """Whitened rows are the same whatever the units of columns, dependent ones too."""
    rows = chiral(400)
    rows = np.c_[rows, rows[:, 0] - rows[:, 1]]
    plain = whitened("test", sample(rows), 0.01)
    other = whitened("test", sample(rows * units), 0.01)
    assert other.dim == plain.dim == 3
    np.testing.assert_allclose(other.plain - other.plain.mean(0), plain.plain - plain.plain.mean(0),
                               atol=1e-5)  # fmt: skip
    np.testing.assert_allclose(other.whiten @ other.colour, np.eye(3), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("units", [[1e6, 1.0, 1.0], [1.0, 1.0, 1e-6]])
def test_units_change_no_claim(units: list[float]) -> None:
    mixing = np.array([[1.0, 0.3, -0.2], [0.1, 0.8, 0.4], [-0.5, 0.2, 1.1]])
    rows = chiral(6000) @ mixing
    plain, other = discover_linear(sample(rows)), discover_linear(sample(rows * units))
    assert plain.group.name == other.group.name == "C3"
    back = np.asarray(units)[:, None] * plain.members.numpy() / np.asarray(units)
    near = [np.abs((member.numpy() - back) / np.abs(back).max()).max((1, 2)).min()
            for member in other.members]  # fmt: skip
    assert max(near) < 1e-3


RARE = {
    "one row": lambda rng, n: np.arange(n) == 7,
    "a few rows": lambda rng, n: rng.random(n) < 0.002,
    "binary": lambda rng, n: rng.random(n) < 0.3,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RARE)
def test_rare_and_rounded_columns_never_crash(kind: str) -> None:
    rng = np.random.default_rng(1)
    rare = RARE[kind](rng, 2000).astype(np.float64)
    for rows in (
        np.c_[chiral(2000), rare],
        np.c_[np.round(chiral(2000)), rare],
        np.c_[rare, rng.permutation(rare)],
    ):
        found = discover_linear(sample(rows))
        assert found.members.shape[1:] == (rows.shape[1],) * 2
