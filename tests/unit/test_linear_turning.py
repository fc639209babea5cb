"""Continuous turns in linear discovery, and bases sharpened on fine structure."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.linear.continuous import Turning, moved_by
from grouplearn.discovery.linear.entry import discover_linear
from grouplearn.discovery.linear.plane_sharpen import plane_sharpened
from grouplearn.discovery.linear.sharpen import sharpened
from grouplearn.discovery.linear.turning import skew_basis
from grouplearn.discovery.reservoir import Sample
from tests.unit.examples import turn

Array = NDArray[np.float64]


def sample(rows: Array) -> Sample:
    return Sample(rows, np.ones(len(rows)), np.arange(len(rows)) % 32, None)


def round_plane(rng: np.random.Generator, count: int, shape: float) -> Array:
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.sqrt(rng.gamma(shape, size=count))[:, None] * np.c_[np.cos(angle), np.sin(angle)]


def planted(rng: np.random.Generator, count: int, order: int) -> tuple[Array, Array]:
    """Six clusters of a plane turned by a cyclic group, and the group."""
    powers = np.stack([turn(2 * np.pi * k / order).numpy() for k in range(order)])
    rows = 2 * rng.standard_normal((6, 2))[rng.integers(0, 6, count)]
    rows = rows + 0.1 * rng.standard_normal((count, 2))
    return np.einsum("nij,nj->ni", powers[rng.integers(0, order, count)], rows), powers


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_random_elements_are_uniform_turns(dim: int) -> None:
    action = Turning(skew_basis(dim))
    rng = np.random.default_rng(0)
    drawn = np.stack([action.drawn(rng) for _ in range(2000)])
    one = np.broadcast_to(np.eye(dim), drawn.shape)
    np.testing.assert_allclose(drawn @ drawn.swapaxes(1, 2), one, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(drawn), 1, atol=1e-9)
    assert np.abs(drawn.mean(0)).max() < 0.08
    # Of a uniform element, E[trace^2] counts the irreps: 1, of the plane 2.
    square = (np.trace(drawn, axis1=1, axis2=2) ** 2).mean()
    assert square == pytest.approx(2 if dim == 2 else 1, abs=0.15)
    rows = rng.standard_normal((50, dim))
    bent = action.elsewhere(rng)(rows)
    np.testing.assert_allclose(np.linalg.norm(bent, axis=1), np.linalg.norm(rows, axis=1))
    assert np.abs(bent - rows).max() > 0.1


def test_generators_are_in_the_basis_of_the_data() -> None:
    """Two round planes of different radii: each turns by itself."""
    rng = np.random.default_rng(1)
    rows = np.c_[round_plane(rng, 6000, 1.0), round_plane(rng, 6000, 3.0)]
    basis = rng.standard_normal((4, 4))
    found = discover_linear(sample(rows @ basis.T))
    assert found.group.name == "C1"
    assert found.lie_algebra is not None
    algebra = np.linalg.solve(basis, found.lie_algebra.numpy() @ basis)
    assert len(algebra) == 2
    assert np.abs(algebra[:, :2, 2:]).max() < 0.15
    assert np.abs(algebra[:, 2:, :2]).max() < 0.15
    assert "2 generators in lie_algebra" in found.summary()
    assert found.summary().startswith("Continuous turns, and no finite group beside them.")


def test_a_group_beside_a_plane_that_turns() -> None:
    rng = np.random.default_rng(0)
    rows, powers = planted(rng, 12_000, 7)
    found = discover_linear(sample(np.c_[rows, rng.standard_normal((12_000, 2))]))
    assert found.group.name == "C7"
    assert found.lie_algebra is not None
    assert len(found.lie_algebra) == 1
    assert float(found.lie_algebra[0, :2, :2].abs().max()) < 0.1
    own = found.members[:, :2, :2].numpy()
    assert np.abs(own[:, None] - powers).max((2, 3)).min(1).max() < 0.05


def test_a_square_does_not_turn() -> None:
    rows = np.random.default_rng(0).uniform(-1, 1, (4000, 2))
    found = discover_linear(sample(rows))
    assert found.lie_algebra is not None
    assert len(found.lie_algebra) == 0


def test_what_turns_is_told_from_what_stays() -> None:
    algebra = np.zeros((1, 4, 4))
    algebra[0, 1, 3], algebra[0, 3, 1] = 1, -1
    space = moved_by(algebra)
    np.testing.assert_allclose(space @ space.T, np.diag([0, 1, 0, 1]), atol=1e-12)


def test_a_basis_is_sharpened() -> None:
    """A basis off by a twentieth is found again far more finely; a wrong group is left alone."""
    rng = np.random.default_rng(2)
    rows, powers = planted(rng, 4000, 5)
    rows /= rows.std()
    off = np.eye(2) + np.array([[0.03, 0.04], [-0.02, -0.03]])
    start = np.linalg.solve(off, powers @ off)
    factors = np.ones((4000, 1))
    linear = sharpened(start, rows, factors, np.random.default_rng(0))
    before = np.abs(start - powers).max()
    after = np.abs(np.linalg.solve(linear, start @ linear) - powers).max()
    assert after < 0.1 * before
    wrong = planted(rng, 10, 4)[1]
    np.testing.assert_array_equal(sharpened(wrong, rows, factors, rng), np.eye(2))


def sawtooth(seed: int, count: int, order: int) -> tuple[Array, Array]:
    """(N, 3) normal rows, and labels that turns of the first two by 1 / order keep; mirrors not."""
    rows = np.random.default_rng(seed).standard_normal((count, 3))
    angle = np.arctan2(rows[:, 1], rows[:, 0]) % (2 * np.pi / order)
    return rows, rows[:, 2] / (1 + angle)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_plane_is_sharpened_on_waves_of_the_angle(mirrored: bool) -> None:
    """Of a basis that is off by a fiftieth, no more than a fifth of the error is left.

    Where half of the rows are mirrored, labels tell no more than what stays.
    """
    rows, labels = sawtooth(3, 16_000, 6)
    if mirrored:
        rows[:8000, 1] *= -1
    steps = 2 * np.pi * np.arange(6) / 6
    powers = np.tile(np.eye(3), (6, 1, 1))
    powers[:, 0, 0] = powers[:, 1, 1] = np.cos(steps)
    powers[:, 1, 0], powers[:, 0, 1] = np.sin(steps), -np.sin(steps)
    if mirrored:
        powers = np.concatenate([powers, powers @ np.diag([1, -1, 1])])
    off = np.eye(3) + 0.02 * np.array([[0, 0.5, 1], [0, 0, -1], [1, 1, 0]])
    start = np.linalg.solve(off, powers @ off)
    factors = label_factors("test", labels, len(rows))
    linear = plane_sharpened(start, rows, factors)
    found = np.linalg.solve(linear, start @ linear)
    stays = np.abs(start[:, 2] - powers[:, 2]).max()
    assert np.abs(found[:, 2] - powers[:, 2]).max() < 0.2 * stays
    if not mirrored:
        assert np.abs(found - powers).max() < 0.2 * np.abs(start - powers).max()
    np.testing.assert_array_equal(plane_sharpened(powers, rows, factors), np.eye(3))
    signs = np.stack([np.eye(3), -np.eye(3)])
    np.testing.assert_array_equal(plane_sharpened(signs, rows, factors), np.eye(3))


@pytest.mark.parametrize("order", [9, 15])
def test_a_sawtooth_has_no_mirror(order: int) -> None:
    """Mirrors, and turns by all angles, were once claimed of it."""
    rows, labels = sawtooth(order, 6000, order)
    found = discover_linear(Sample(rows, np.ones(6000), np.arange(6000) % 32, labels))
    assert found.group.name in {"C1", f"C{order}"}
    assert not len(found.lie_algebra if found.lie_algebra is not None else [])
