"""Groups proposed in the plane and in four and more dimensions."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import ortho_group

from grouplearn.discovery.linear.nearly import closed
from grouplearn.discovery.linear.plane_groups import circle, label
from grouplearn.discovery.linear.point_groups import propose as propose_in_space
from grouplearn.discovery.linear.polynomials import polynomials
from grouplearn.discovery.linear.proposals import abstract_group
from grouplearn.discovery.linear.propose import continuous, propose
from grouplearn.discovery.linear.spectrum import Rows, Spectrum, affine
from grouplearn.discovery.linear.turning import skew_basis
from tests.unit.planted import (
    Array,
    distance,
    generated,
    homomorphism_error,
    nearest,
    planted,
    whitened,
)


def turn(angle: float) -> Array:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def plane_group(n: int, mirrored: bool) -> Array:
    mirrors = [np.diag([1.0, -1.0])] if mirrored else []
    return generated(turn(2 * np.pi / n), *mirrors)


def block(*parts: Array) -> Array:
    out = np.zeros((sum(map(len, parts)),) * 2)
    start = 0
    for part in parts:
        out[start : start + len(part), start : start + len(part)] = part
        start += len(part)
    return out


def permuted(images: tuple[int, ...]) -> Array:
    out = np.zeros((len(images),) * 2)
    out[list(images), np.arange(len(images))] = 1
    return out


def symmetric(n: int) -> Array:
    """S_n on the vectors of sum 0."""
    basis = np.linalg.svd(np.ones((1, n)))[2][1:]
    return np.stack([basis @ permuted(each) @ basis.T for each in permutations(range(n))])


def quaternions() -> Array:
    i = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
    j = np.array([[0.0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    return generated(i, j)


def two_and_three() -> Array:
    """S4 on R^5: as the triangle's group on a plane, and as the cube's rotations."""
    three = symmetric(4)
    pairings = [frozenset({frozenset({0, k}), frozenset({1, 2, 3} - {k})}) for k in (1, 2, 3)]
    basis = np.linalg.svd(np.ones((1, 3)))[2][1:]
    out = []
    for each, matrix in zip(permutations(range(4)), three, strict=True):
        images = tuple(
            pairings.index(frozenset(frozenset(each[i] for i in pair) for pair in pairing))
            for pairing in pairings
        )
        out.append(block(basis @ permuted(images) @ basis.T, np.linalg.det(matrix) * matrix))
    return np.array(out)


FLIP = np.diag([1.0, -1.0])
GROUPS = {
    "A4": np.stack([block(np.eye(1), m) for m in symmetric(4) if np.linalg.det(m) > 0]),
    "S4": np.stack([block(np.eye(1), m) for m in symmetric(4)]),
    "S5": symmetric(5),
    "Q8": quaternions(),
    "S3 x C3": generated(
        block(turn(2 * np.pi / 3), np.eye(2)), block(FLIP, np.eye(2)),
        block(np.eye(2), turn(2 * np.pi / 3)),
    ),
    "C5": generated(block(turn(2 * np.pi / 5), turn(4 * np.pi / 5))),
    "S4 in five dimensions": two_and_three(),
}  # fmt: skip


@pytest.mark.parametrize("dim", [2, 4, 6])
def test_polynomials_turn_as_rows_do(dim: int) -> None:
    basis = polynomials(dim)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((6, dim))
    matrix = ortho_group.rvs(dim, random_state=0)
    values = basis.evaluate(rows)
    moved = basis.rotate(values, matrix[None])[0]
    np.testing.assert_allclose(moved, basis.evaluate(rows @ matrix.T), atol=1e-9)
    for change, skew in zip(basis.turned(values), skew_basis(dim), strict=True):
        there, back = (basis.evaluate(rows @ expm(t * skew).T) for t in (1e-5, -1e-5))
        np.testing.assert_allclose(change, (there - back) / 2e-5, atol=1e-6)
    many = basis.evaluate(rng.standard_normal((20_000, dim)))
    np.testing.assert_allclose((many**2).mean(0), 1, atol=0.15)


def test_waves_turn_as_rows_do() -> None:
    rows = np.random.default_rng(0).standard_normal((6, 2))
    for matrix in (turn(0.7), turn(0.7) @ FLIP):
        moved = circle().rotate(circle().evaluate(rows), matrix[None])[0]
        np.testing.assert_allclose(moved, circle().evaluate(rows @ matrix.T), atol=1e-9)


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_tangents_are_derivatives(dim: int) -> None:
    """Of the spectrum along shifts and shears, against differences of the spectrum itself."""
    rng = np.random.default_rng(0)
    data = rng.exponential(size=(2500, dim)) - 1
    # Away from the origin, where a direction is not a smooth function.
    data = whitened(data[np.linalg.norm(data, axis=1) > 0.5])
    basis = circle() if dim == 2 else polynomials(dim)

    def spectrum(rows: Array, like: Spectrum | None = None) -> Spectrum:
        own = Rows.of(rows, np.random.default_rng(1), None)
        return Spectrum.of(own, basis, like)

    base = spectrum(data)
    for position, tangent in enumerate(base.tangents):
        shift, shear = affine(1e-4 * np.eye(len(base.tangents))[position], dim)
        there = spectrum(data + data @ shear + shift, base).mean
        back = spectrum(data - data @ shear - shift, base).mean
        change = (there - back) / 2e-4
        assert np.linalg.norm(change - tangent) < 0.02 * np.linalg.norm(change)


def test_closing_finds_the_exact_group() -> None:
    rng = np.random.default_rng(0)
    for matrices in GROUPS.values():
        dim = matrices.shape[1]
        noisy = [
            m @ expm(0.005 * (n - n.T)) for m in matrices[1:6]
            for n in [rng.standard_normal((dim, dim))]
        ]  # fmt: skip
        found = closed(noisy, 0.15, 200)
        assert found is not None
        apart = np.abs(found[:, None] - matrices[None]).max((2, 3))
        assert apart.min(1).max() < 0.15
        products = found[:, None] @ found[None]
        assert np.abs(products[:, :, None] - found).max((3, 4)).min(2).max() < 1e-10
    assert closed([expm(0.5 * skew_basis(3)[0])], 0.15, 200) is None
    assert closed([turn(2 * np.pi / 7)], 0.15, 5) is None


@pytest.mark.parametrize("name", ["A4", pytest.param("Q8", marks=pytest.mark.slow)])
def test_groups_in_more_dimensions(name: str) -> None:
    check(name, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("seed", [2, 3])
def test_groups_in_more_dimensions_again(name: str, seed: int) -> None:
    check(name, seed)


def check(name: str, seed: int) -> None:
    data = planted(GROUPS[name], 5000, seed, points=2, noise=0.1)
    found = propose(data.rows, np.random.default_rng(0))
    assert 0 < len(found) <= 30
    best = min(found[:3], key=lambda each: distance(each, data.matrices))
    assert distance(best, data.matrices) < 0.05
    assert best.group.name == abstract_group(GROUPS[name])[0].name
    assert best.excess < 4
    assert max(map(homomorphism_error, found)) < 1e-10


@pytest.mark.parametrize(("n", "mirrored"), [
    (1, True), (2, False), (3, True), (7, False), (24, False),
])  # fmt: skip
def test_groups_of_the_plane(n: int, mirrored: bool) -> None:
    truth = plane_group(n, mirrored)
    data = planted(truth, 10_000, n, points=3, whiten=True)
    found = propose(data.rows, np.random.default_rng(0))
    assert nearest(found[:1], data.matrices, acting=True) < 0.03
    assert found[0].label == label(truth) == f"{'D' if mirrored else 'C'}_{n}"
    assert max(map(homomorphism_error, found)) < 1e-10


@pytest.mark.parametrize("dim", [2, 4, 5])
def test_round_rows_propose_nothing(dim: int) -> None:
    rows = whitened(np.random.default_rng(0).standard_normal((3000, dim)))
    assert propose(rows, np.random.default_rng(0)) == []
    assert len(continuous(rows, np.random.default_rng(0))) == dim * (dim - 1) // 2


def test_what_turns_continuously_is_left_out() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.exponential(size=(6000, 3)), rng.standard_normal((6000, 3))], axis=1)
    basis = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    white = whitened(rows) @ basis.T
    turning = continuous(white, np.random.default_rng(0))
    assert len(turning) == 3
    inside = basis.T @ turning @ basis
    assert np.abs(inside[:, :3]).max() < 0.15
    found = propose(white, np.random.default_rng(0))
    swaps = np.stack([block(permuted(p), np.eye(3)) for p in permutations(range(3))])
    assert nearest(found[:2], basis @ swaps @ basis.T, acting=True) < 0.15
    assert max(map(homomorphism_error, found)) < 1e-10


@pytest.mark.slow
def test_three_dimensions_are_space() -> None:
    rows = planted(symmetric(4), 1500, 0).rows
    one = propose(rows, np.random.default_rng(0))
    other = propose_in_space(rows, np.random.default_rng(0))
    assert [each.label for each in one] == [each.label for each in other]
    assert len(continuous(rows, np.random.default_rng(0))) == 0


@pytest.mark.slow
def test_unlike_sources_propose_little() -> None:
    """The two nearest of four are nearly exchangeable; nothing larger is."""
    rng = np.random.default_rng(0)
    shapes = (0.4, 1.27, 2.13, 3.0)
    rows = np.stack([rng.gamma(shape, size=10_000) for shape in shapes], axis=1)
    found = propose(whitened(rows @ rng.standard_normal((4, 4))), np.random.default_rng(0))
    assert len(found) <= 12
    assert all(each.excess > 4 or each.group.order == 2 for each in found)
