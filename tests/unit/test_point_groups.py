"""Point groups proposed from rows in space, against orbits of known groups."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from grouplearn.discovery.linear.placed import Ideal
from grouplearn.discovery.linear.point_groups import continuous, label, propose
from grouplearn.discovery.linear.point_templates import LONGEST, axial, polyhedral
from grouplearn.discovery.linear.proposals import abstract_group, contains, subgroups
from grouplearn.discovery.linear.spherical import (
    DEGREES,
    ORDERS,
    half_sphere,
    rotated,
    sphere,
    spherical_harmonics,
)
from grouplearn.discovery.linear.turning import skew_basis
from tests.unit.planted import (
    distance,
    homomorphism_error,
    nearest,
    planted,
    whitened,
)

EVERY = [*polyhedral().values(), *(g for n in range(1, LONGEST + 1) for g in axial(n).values())]
BY_LABEL = {each.label: each for each in EVERY}
# Moliens' series: the invariants of degree 1 to 16.
INVARIANTS = {"T": 24, "T_h": 14, "T_d": 16, "O": 12, "O_h": 9, "I": 5, "I_h": 4}


def test_harmonics_against_scipy() -> None:
    rows = np.random.default_rng(0).standard_normal((50, 3))
    polar = np.arccos(rows[:, 2] / np.linalg.norm(rows, axis=1))
    azimuth = np.arctan2(rows[:, 1], rows[:, 0])
    found = spherical_harmonics(rows)
    for column in range(0, len(DEGREES), 7):
        degree, order = int(DEGREES[column]), int(ORDERS[column])
        theirs = np.sqrt(4 * np.pi) * sph_harm_y(degree, abs(order), polar, azimuth)
        # SciPy's carry the sign (-1)^m of Condon and Shortley.
        plain = (-1) ** order * np.sqrt(2 if order else 1)
        expected = plain * (theirs.imag if order < 0 else theirs.real)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-10)


def test_rotated_harmonics() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((20, 3))
    turns = Rotation.random(4, rng=rng).as_matrix()
    special = np.array([np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, -1, 1])])
    for turn in [*turns, *special]:
        moved = rotated(spherical_harmonics(rows), turn[None])[0]
        np.testing.assert_allclose(moved, spherical_harmonics(rows @ turn.T), atol=1e-9)
        moved = sphere().rotate(spherical_harmonics(rows), -turn[None])[0]
        np.testing.assert_allclose(moved, spherical_harmonics(-rows @ turn.T), atol=1e-9)
    changes = sphere().turned(spherical_harmonics(rows))
    for change, turn in zip(changes, skew_basis(3), strict=True):
        there = spherical_harmonics(rows + 1e-6 * rows @ turn.T)
        back = spherical_harmonics(rows - 1e-6 * rows @ turn.T)
        np.testing.assert_allclose(change, (there - back) / 2e-6, atol=1e-6)
    assert np.linalg.norm(half_sphere(100), axis=1) == pytest.approx(np.ones(100))


@pytest.mark.parametrize("label_of", INVARIANTS)
def test_invariants_are_as_many_as_molien_counts(label_of: str) -> None:
    ideal = polyhedral()[label_of]
    assert ideal.invariants.shape[1] == INVARIANTS[label_of]
    rows = np.random.default_rng(0).standard_normal((30, 3))
    values = spherical_harmonics(rows) @ ideal.invariants
    for matrix in ideal.matrices:
        moved = spherical_harmonics(rows @ matrix.T) @ ideal.invariants
        np.testing.assert_allclose(values, moved, atol=1e-8)


def test_templates_are_all_the_point_groups() -> None:
    """Distinct up to conjugacy, closed, named, and with the orders that the tables give."""
    orders = {"T": 12, "T_h": 24, "T_d": 24, "O": 24, "O_h": 48, "I": 60, "I_h": 120}
    for n in range(2, LONGEST + 1):
        orders |= {f"C_{n}": n, f"S_{2 * n}": 2 * n, f"D_{n}d": 4 * n, f"D_{n}h": 4 * n}
        orders |= dict.fromkeys((f"C_{n}h", f"C_{n}v", f"D_{n}"), 2 * n)
    orders |= {"C_1": 1, "C_s": 2, "C_i": 2}
    for name, order in orders.items():
        matrices = BY_LABEL[name].matrices
        assert len(matrices) == order
        np.testing.assert_allclose(
            matrices @ matrices.swapaxes(1, 2), np.broadcast_to(np.eye(3), matrices.shape),
            atol=1e-12,
        )  # fmt: skip
        basis = Rotation.random(rng=np.random.default_rng(0)).as_matrix()
        assert label(basis @ matrices @ basis.T) == name


def test_subgroups_of_the_icosahedral_group() -> None:
    """The 20 classes of proper subgroups of I_h, by their symbols."""
    matrices = polyhedral()["I_h"].matrices
    found = sorted(label(matrices[each]) for each in subgroups(matrices))
    expected = "C_2 C_2h C_2v C_3 C_3v C_5 C_5v C_i C_s D_2 D_2h D_3 D_3d D_5 D_5d I S_10 S_6 T T_h"
    assert found == expected.split()
    assert abstract_group(matrices)[0].name == "A5 x C2"


def check(ideal: Ideal, seed: int, points: int = 1, noise: float = 0.05) -> None:
    data = planted(ideal.matrices, 5000, seed, points=points, noise=noise)
    found = propose(data.rows, np.random.default_rng(0))
    assert 0 < len(found) <= 30
    assert nearest(found, data.matrices) < 0.02
    best = min(found, key=lambda each: distance(each, data.matrices))
    assert best.label == ideal.label
    assert best.score > 0.97
    assert best.excess < 4
    assert found.index(best) < 5
    assert max(map(homomorphism_error, found)) < 1e-10
    assert max(np.abs(np.linalg.inv(p.matrices) - p.matrices.swapaxes(1, 2)).max()
               for p in found) < 1e-10  # fmt: skip


@pytest.mark.parametrize("name", [
    "T", "O", "I", "I_h",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("T_d", "T_h", "O_h")),
])  # fmt: skip
def test_polyhedral_orbits_of_one_point(name: str) -> None:
    check(polyhedral()[name], seed=3)


@pytest.mark.parametrize("name", ["C_4", "D_3d"])
def test_axial_orbits_of_three_points(name: str) -> None:
    check(BY_LABEL[name], seed=4, points=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "C_2", "C_2h", "S_8", "C_s", "C_i", "C_3", "C_5", "C_12", "D_2", "D_3", "D_6", "D_12",
    "C_3v", "C_6v", "C_5h", "S_4", "S_6", "S_12", "D_2d", "D_4d", "D_2h", "D_3h", "D_6h", "D_12h",
])  # fmt: skip
@pytest.mark.parametrize("seed", [5, 6])
def test_other_axial_orbits(name: str, seed: int) -> None:
    check(BY_LABEL[name], seed=seed, points=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["T", "O", "I", "T_d", "T_h", "O_h", "I_h"])
@pytest.mark.parametrize("rows", [1000, 20_000])
def test_polyhedral_orbits_at_other_sizes(name: str, rows: int) -> None:
    data = planted(polyhedral()[name].matrices, rows, 7, points=2)
    found = propose(data.rows, np.random.default_rng(0))
    assert nearest(found[:2], data.matrices) < (0.04 if rows == 1000 else 0.01)


@pytest.mark.parametrize("name", ["O", pytest.param("D_3d", marks=pytest.mark.slow)])
def test_the_stretch_takes_off_the_noise_of_whitening(name: str) -> None:
    data = planted(BY_LABEL[name].matrices, 5000, 8, points=2, whiten=True)
    best = propose(data.rows, np.random.default_rng(0))[0]
    assert best.label == name
    assert distance(best, data.matrices, acting=True) < 0.02
    assert distance(best, data.matrices, acting=True) < distance(best, data.matrices)
    np.testing.assert_allclose(best.stretch, best.stretch.T, atol=1e-12)
    products = best.stretch @ best.acting @ np.linalg.inv(best.stretch)
    np.testing.assert_allclose(products, best.matrices, atol=1e-10)


def test_larger_groups_come_along() -> None:
    """A chiral group is proposed with the achiral one that contains it, worse but there."""
    data = planted(polyhedral()["O"].matrices, 5000, 3)
    found = propose(data.rows, np.random.default_rng(0))
    larger = next(each for each in found if each.label == "O_h")
    assert larger.score < found[0].score
    assert larger.excess > 4
    assert contains(larger.matrices, found[0].matrices) < 0.1
    labels = [each.label for each in found]
    assert labels[0] == "O"
    assert {"T", "D_4", "D_3", "C_4", "C_3", "D_2", "C_2"} <= set(labels)


def test_round_rows_propose_nothing() -> None:
    rng = np.random.default_rng(0)
    for rows in (
        rng.standard_normal((3000, 3)),
        rng.standard_normal((3000, 3)) * rng.exponential(size=(3000, 1)),
    ):
        white = whitened(rows)
        assert propose(white, np.random.default_rng(0)) == []
        assert continuous(white, np.random.default_rng(0)).shape == (3, 3, 3)


def test_a_cylinder_turns_about_its_axis() -> None:
    rng = np.random.default_rng(1)
    rows = np.stack([*rng.standard_normal((2, 4000)), rng.exponential(size=4000)], axis=1)
    basis = Rotation.random(rng=rng).as_matrix()
    white = whitened(rows @ basis.T)
    found = continuous(white, np.random.default_rng(0))
    assert found.shape == (1, 3, 3)
    truth = basis @ skew_basis(3)[2] @ basis.T
    assert min(np.abs(found[0] - truth).max(), np.abs(found[0] + truth).max()) < 0.1
    assert [each for each in propose(white, np.random.default_rng(0)) if each.excess < 4] == []
    rows[:, 2] = rng.choice([-1, 1], 4000) * (1 + 0.3 * rng.standard_normal(4000))
    white = whitened(rows @ basis.T)
    assert [each.label for each in propose(white, np.random.default_rng(0))] == ["C_s"]


def test_unlike_sources_propose_little() -> None:
    rng = np.random.default_rng(2)
    rows = np.stack([rng.gamma(shape, size=5000) for shape in (0.4, 1.27, 3.0)], axis=1)
    found = propose(whitened(rows @ rng.standard_normal((3, 3))), np.random.default_rng(0))
    assert len(found) <= 8
    assert all(each.excess > 4 for each in found)


def test_seeds_decide() -> None:
    rows = planted(polyhedral()["T"].matrices, 1500, 0).rows
    one, other = (propose(rows, np.random.default_rng(5)) for _ in range(2))
    assert [each.label for each in one] == [each.label for each in other]
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.matrices, theirs.matrices)
        assert mine.group == theirs.group


@pytest.mark.slow
def test_weights_undo_a_choice_of_rows() -> None:
    """Half of the rows on one side are lost, and the others there count twice."""
    rng = np.random.default_rng(1)
    rows = rng.exponential(size=(6000, 3))
    side = rows[:, 0] > rows[:, 1]
    kept = ~side | (rng.uniform(size=6000) < 0.5)
    rows, weights = rows[kept], np.where(side, 2.0, 1.0)[kept]
    rows = rows - np.average(rows, axis=0, weights=weights)
    values, vectors = np.linalg.eigh(np.cov(rows.T, aweights=weights))
    rows = rows @ (vectors / np.sqrt(values)) @ vectors.T
    assert propose(rows, np.random.default_rng(0), weights)[0].label == "C_3v"
    found = propose(whitened(rows), np.random.default_rng(0))
    assert all(each.label != "C_3v" or each.excess > 4 for each in found)
