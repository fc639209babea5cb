"""The parts of linear discovery, each against an independent oracle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.continuous import Continuous
from grouplearn.discovery.linear.data import label_functions, rank_cosines, whitened, wild_p_value
from grouplearn.discovery.linear.fit import fitted
from grouplearn.discovery.linear.harmonics import Frame, group_harmonics, harmonics
from grouplearn.discovery.linear.ladder import chance, rivals, subgroups
from grouplearn.discovery.linear.lattice import Lattice, Turns, smith
from grouplearn.discovery.linear.refine import polished
from grouplearn.discovery.linear.reflect import reflected
from grouplearn.discovery.linear.search import finite_groups, remarks
from grouplearn.discovery.linear.tensors import (
    WeightedMoments,
    commuting,
    group_moments,
    mean_moments,
)
from grouplearn.discovery.reservoir import Sample


def rows_of(seed: int, count: int, dim: int) -> Sample:
    rng = np.random.default_rng(seed)
    rows = rng.exponential(size=(count, dim)) @ rng.standard_normal((dim, dim))
    return Sample(rows, np.ones(count), rng.integers(0, 16, count), None)


@pytest.mark.parametrize("seed", range(20))
def test_lattices_against_enumeration(seed: int) -> None:
    """The dual of Z^3 modulo a lattice, against all fractions with a small denominator."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-3, 4, (4, 3))
    while np.linalg.matrix_rank(rows) < 3:
        rows = rng.integers(-3, 4, (4, 3))
    lattice = Lattice(3, rows.tolist())
    turns = lattice.turns()
    order = round(abs(np.linalg.det([lattice.basis[c] for c in range(3)])))
    assert turns.order == order
    assert turns.free == ()
    for row in rows.tolist():
        assert row in lattice
        assert not lattice.add(row)
        np.testing.assert_allclose(turns.angles @ row, np.round(turns.angles @ row), atol=1e-9)
    found = set()
    for powers in itertools.product(*map(range, turns.orders)):
        angles = np.array(powers) @ turns.angles.reshape(-1, 3)
        found.add(tuple(np.round(angles * order).astype(int) % order))
    truth = {
        angles
        for angles in itertools.product(range(order), repeat=3)
        if not (rows @ np.array(angles) % order).any()
    } if order <= 40 else found  # fmt: skip
    assert found == truth
    for low, high in itertools.pairwise(turns.orders):
        assert high % low == 0


def test_lattices_that_leave_continuous_turns() -> None:
    assert Lattice(2).turns().free == (0, 1)
    assert Lattice(2).turns().order == 1
    seven = Lattice(3, [[7, 0, 0]]).turns()
    assert (seven.orders, seven.free) == ((7,), (1, 2))
    diagonal = Lattice(2, [[1, -1]]).turns()
    assert (diagonal.orders, diagonal.free) == ((), (0, 1))
    assert [1, 0] not in Lattice(2, [[2, 0]])
    assert [3, 0] not in Lattice(2, [[2, 0]])
    assert [0, 1] not in Lattice(2, [[2, 0]])


def test_smith_form() -> None:
    factors, right = smith(np.array([[2, 4, 4], [-6, 6, 12], [10, 4, 16]], dtype=object))
    assert factors == [2, 2, 156]
    assert round(abs(np.linalg.det(right.astype(float)))) == 1


def test_rows_are_whitened_by_group() -> None:
    data = whitened("test", rows_of(0, 4000, 3), 0.01)
    assert not data.isotropic
    assert data.count == 16
    for group, (start, end) in enumerate(itertools.pairwise(data.starts)):
        own = data.rows[start:end]
        np.testing.assert_allclose(own.mean(0), 0, atol=1e-10)
        np.testing.assert_allclose(own.T @ own / len(own), np.eye(3), atol=1e-10)
        assert np.abs(data.spreads[group] - np.eye(3)).max() < 0.5
    np.testing.assert_allclose(data.whiten @ data.colour, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(
        data.centres.mean(0), data.whiten @ rows_of(0, 4000, 3).rows.mean(0), atol=0.05
    )
    half = data.half(1)
    assert half.count == 8
    np.testing.assert_array_equal(np.unique(half.groups), np.arange(8))
    np.testing.assert_array_equal(half.spreads[0], data.spreads[1])


def test_isotropic_covariances_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    rows = 3 * rng.standard_normal((4000, 3)) + 5
    data = whitened("test", Sample(rows, np.ones(4000), rng.integers(0, 16, 4000), None), 0.01)
    assert data.isotropic
    np.testing.assert_allclose(data.whiten, np.eye(3) / 3, rtol=0.05)


def test_sign_flips_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    values = [wild_p_value(rng.standard_normal((16, 5)), rng) for _ in range(200)]
    assert 0.3 < np.mean(np.array(values) < 0.5) < 0.7
    assert np.mean(np.array(values) < 0.01) < 0.05
    assert wild_p_value(1 + 0.1 * rng.standard_normal((16, 5)), rng) == pytest.approx(
        0.001, abs=1e-9
    )


def test_functions_of_labels() -> None:
    assert label_functions(None, 5).shape == (5, 0)
    assert label_functions(np.ones(5), 5).shape == (5, 0)
    classes = label_functions(np.array([0.0, 1, 2, 0]), 4)
    np.testing.assert_allclose(classes, [[0.5, -0.25], [-0.5, 0.75], [-0.5, -0.25], [0.5, -0.25]])
    cosines = rank_cosines(np.random.default_rng(0).standard_normal(500), 4)
    np.testing.assert_allclose(cosines.T @ cosines / 500, np.eye(4), atol=1e-10)
    assert label_functions(np.random.default_rng(0).standard_normal(500), 500).shape == (500, 5)


def quarter_turns(count: int) -> Sample:
    """Data that C4 keeps: turns of two planes, one by 90 degrees, one by 180, and a fixed line."""
    rng = np.random.default_rng(1)
    turn = np.zeros((5, 5))
    turn[:2, :2] = [[0, -1], [1, 0]]
    turn[2:, 2:] = np.diag([-1, -1, 1])
    centres = rng.standard_normal((12, 5))
    rows = centres[rng.integers(0, 12, count)] + 0.1 * rng.standard_normal((count, 5))
    powers = np.stack([np.linalg.matrix_power(turn, k) for k in range(4)])
    rows = np.einsum("nij,nj->ni", powers[rng.integers(0, 4, count)], rows)
    return Sample(rows, np.ones(count), rng.integers(0, 16, count), None)


def test_commuting_moments_commute() -> None:
    """Exactly, for moments averaged over a group; to noise, for data."""
    data = whitened("test", quarter_turns(20_000), 0.01)
    turn = np.zeros((5, 5))
    turn[:2, :2] = [[0, -1], [1, 0]]
    turn[2:, 2:] = np.diag([-1, -1, 1])
    rho = data.whiten @ turn @ data.colour
    mean = mean_moments(group_moments(data))
    matrices = commuting(mean)
    errors = np.linalg.norm(rho @ matrices - matrices @ rho, axis=(1, 2))
    assert errors[0] < 0.1 * np.linalg.norm(matrices[0])
    left, _, right = np.linalg.svd(rho)
    orthogonal = left @ right
    # The polar factor of a matrix of order 4 in a noisy metric has order 4 to first order.
    total, power = mean * 0.0, np.eye(5)
    for _ in range(4):
        total, power = total + mean.turned(power), power @ orthogonal
    averaged = commuting(total * 0.25)
    rest = np.linalg.norm(orthogonal @ averaged - averaged @ orthogonal, axis=(1, 2))
    assert (rest <= 1e-2 * (1e-6 + np.linalg.norm(averaged, axis=(1, 2)))).all()


def test_moments_against_loops() -> None:
    """The unweighted tensors, entry by entry."""
    data = whitened("test", rows_of(3, 400, 3), 0.01)
    moments = group_moments(data)[0]
    own = data.rows[: data.starts[1]]
    y = own * np.sqrt(2 / (1 + (own**2).sum(1) / 3))[:, None]
    np.testing.assert_allclose(moments.second[0], np.einsum("ni,nj->ij", y, y) / len(y))
    np.testing.assert_allclose(moments.third[0], np.einsum("ni,nj,nk->ijk", y, y, y) / len(y))
    np.testing.assert_allclose(
        moments.fourth[0], np.einsum("ni,nj,nk,nl->ijkl", y, y, y, y) / len(y)
    )
    np.testing.assert_allclose(moments.first[0], data.centres[0])
    matrix = np.random.default_rng(0).standard_normal((3, 3))
    np.testing.assert_allclose(
        moments.turned(matrix).third[0],
        np.einsum("ia,jb,kc,abc->ijk", matrix, matrix, matrix, moments.third[0]),
    )
    assert isinstance(moments + moments * -1.0, WeightedMoments)


def test_harmonics_against_loops() -> None:
    data = whitened("test", quarter_turns(8000), 0.01)
    turn = np.diag([0.0, 0, -1, -1, 1])
    turn[:2, :2] = [[0, -1], [1, 0]]
    action = fitted(CyclicGroup(4), (data.whiten @ turn @ data.colour)[None])
    assert action is not None
    assert (action.planes, action.lines) == (1, 3)
    frame = action.frame()
    lines = [int(np.flatnonzero(action.turns.angles[0] == angle)[0]) for angle in (0.0, 0.5)]
    fixed, moved = ([int(c == line) for c in range(4)] for line in lines)
    key = (3, *moved[1:])
    values = group_harmonics(data, frame, [key]).mean(0)[0]
    z = (data.rows @ frame.planes[0]) @ np.array([1, 1j])
    s = data.rows @ frame.lines[moved.index(1) - 1][:, 0]
    odd = s / np.sqrt(0.25 + s**2)
    mean = ((z / np.abs(z)) ** 3 * odd).mean() / np.sqrt((odd**2).mean())
    assert values[0] == pytest.approx(mean, abs=2e-3)
    found = {each.exponents: each for each in harmonics(data, frame)}
    assert tuple(fixed) in found
    assert (4, 0, 0, 0) in found
    assert tuple(moved) not in found
    np.testing.assert_allclose(
        abs(found[4, 0, 0, 0].values[0]), abs(((z / abs(z)) ** 4).mean()) * np.sqrt(8000), rtol=0.2
    )
    assert harmonics(data, Frame((), (), (np.eye(5),))) == []


def dihedral_action(seed: int, n: int, signs: tuple[int, ...]) -> WhitenedAction:
    rng = np.random.default_rng(seed)
    lines = len(signs)
    basis = np.linalg.qr(rng.standard_normal((4 + lines, 4 + lines)))[0]
    angles = np.array([[1 / n, (n - 1) / n, *([0.0] * lines)]])
    return WhitenedAction(basis, 2, lines, Turns((n,), angles, ()), signs)


@pytest.mark.parametrize("signs", [None, (1, -1)])
def test_actions_represent_their_groups(signs: tuple[int, ...] | None) -> None:
    action = dihedral_action(0, 5, (1, -1))
    if signs is None:
        action = WhitenedAction(action.basis, 2, 2, action.turns)
    assert action.group == (CyclicGroup(5) if signs is None else DihedralGroup(5))
    members, group = action.members(), action.group
    for a in range(group.order):
        for b in range(group.order):
            product = int(group.multiply(a, b))
            np.testing.assert_allclose(members[a] @ members[b], members[product], atol=1e-12)
    assert action.frame().components == 4


def test_products_list_their_elements_in_order() -> None:
    turns = Turns((2, 4), np.array([[0.5, 0.0, 0.5], [0.25, 0.25, 0.0]]), ())
    action = WhitenedAction(np.eye(6), 2, 1, turns)
    assert action.group == ProductGroup(CyclicGroup(2), CyclicGroup(4))
    members = action.members()
    for a, b in itertools.product(range(8), repeat=2):
        product = int(action.group.multiply(a, b))
        np.testing.assert_allclose(members[a] @ members[b], members[product], atol=1e-12)


@pytest.mark.parametrize("n", [3, 4, 6])
def test_actions_are_read_off_their_matrices(n: int) -> None:
    action = dihedral_action(n, n, (1, -1, 1))
    again = fitted(action.group, action.generators())
    assert again is not None
    np.testing.assert_allclose(again.generators(), action.generators(), atol=1e-8)
    turns = fitted(CyclicGroup(n), action.generators()[:1])
    assert turns is not None
    np.testing.assert_allclose(turns.generators(), action.generators()[:1], atol=1e-8)
    half = fitted(CyclicGroup(2), np.diag([1.0, -1.0, -1.0])[None])
    assert half is not None
    assert half.lines == 3


def test_other_groups_are_not_read() -> None:
    klein = FiniteGroup.from_permutations([[1, 0, 2, 3], [0, 1, 3, 2]])
    assert fitted(klein, np.stack([np.eye(4), np.eye(4)])) is None
    assert fitted(CyclicGroup(1), np.zeros((0, 3, 3))) is None
    assert fitted(DihedralGroup(1), np.eye(3)[None]) is None
    assert fitted(CyclicGroup(3), np.diag([-1.0, 1.0, 1.0])[None]) is None


def test_refinement_finds_the_basis_of_exact_moments() -> None:
    """Moments made exactly invariant under a dihedral action; the start is turned away from it."""
    truth = dihedral_action(3, 3, (1, -1))
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((14, 6))[rng.integers(0, 14, 8000)]
    rows = rows + 0.1 * rng.standard_normal(rows.shape)
    data = whitened("test", Sample(rows, np.ones(8000), rng.integers(0, 16, 8000), None), 0.01)
    groups = []
    for moments in group_moments(data):
        total = moments * 0.0
        for member in truth.members():
            total = total + moments.turned(member)
        groups.append(total * (1 / 6))
    skew = 0.05 * np.random.default_rng(0).standard_normal((6, 6))
    away = np.linalg.solve(np.eye(6) - skew + skew.T, np.eye(6) + skew - skew.T)
    start = WhitenedAction(away @ truth.basis, 2, 2, truth.turns, truth.signs)
    before = np.linalg.norm(start.generators() - truth.generators())
    after = np.linalg.norm(polished(start, groups).generators() - truth.generators())
    assert before > 0.2
    assert after < 1e-3
    nothing = WhitenedAction(np.eye(6), 0, 6, Turns((), np.zeros((0, 6)), ()))
    assert polished(nothing, groups) is nothing


def test_reflections_need_turns() -> None:
    flips = WhitenedAction(np.eye(2), 0, 2, Turns((2,), np.array([[0.5, 0.0]]), ()))
    assert reflected(flips, [], 0.1) is None
    turns = WhitenedAction(np.eye(2), 1, 0, Turns((3,), np.array([[1 / 3]]), ()))
    assert reflected(turns, [], 0.1) is None


def test_rivals_have_other_orders() -> None:
    action = dihedral_action(0, 4, (1, -1))
    orders = {rival.group.order for rival in rivals(action)}
    assert orders == {3, 5, 6, 7, 8, 9, 10, 11, 12}
    eighth = next(rival for rival in rivals(action) if rival.group.order == 8).generators()[0]
    np.testing.assert_allclose(eighth @ eighth, action.generators()[0], atol=1e-12)
    assert [sub.group.name for sub in subgroups(action)] == ["C2", "C4"]
    for sub in subgroups(action):
        power = np.linalg.matrix_power(action.generators()[0], 4 // sub.group.order)
        np.testing.assert_allclose(sub.generators()[0], power, atol=1e-12)
    line = WhitenedAction(np.eye(2), 0, 1, Turns((2,), np.array([[0.5]]), ()))
    assert rivals(line) == []
    two = WhitenedAction(np.eye(2), 0, 2, Turns((2,), np.array([[0.5, 0.0]]), ()))
    assert [rival.turns.angles.tolist() for rival in rivals(two)] == [[[0.5, 0.5]]]
    several = Turns((2, 2), np.array([[0.5, 0.0], [0.0, 0.5]]), ())
    assert subgroups(WhitenedAction(np.eye(2), 0, 2, several)) == []


def test_chance_against_all_assignments() -> None:
    """One plane: of the turns by k / m that are not in C3, none keeps a third harmonic as well."""
    rng = np.random.default_rng(0)
    action = WhitenedAction(np.eye(2), 1, 0, Turns((3,), np.array([[1 / 3]]), ()))
    assert chance(action, np.array([[3], [6]]), np.array([1.0, 0.5]), rng) < 0.002
    # A harmonic that nearly every turn keeps says nothing: the identity is not drawn against it.
    assert chance(action, np.array([[0]]), np.array([1.0]), rng) == 1.0
    assert chance(action, np.zeros((0, 1), dtype=np.int64), np.zeros(0), rng) == 1.0
    flip = WhitenedAction(np.eye(2), 0, 1, Turns((2,), np.array([[0.5]]), ()))
    assert chance(flip, np.array([[1]]), np.array([1.0]), rng) == 1.0


def test_turns_of_high_order_are_named() -> None:
    frame = Frame((np.eye(2),), (), ())
    nothing, still = Continuous(np.zeros((0, 2, 2))), np.eye(2)[None]
    notes = remarks(frame, Turns((13,), np.array([[1 / 13]]), ()), nothing, still)
    assert notes == ["The harmonics allow turns of order 13, above 12."]
    assert finite_groups([Turns((13,), np.array([[1 / 13]]), ())]) == []


def test_a_subspace_is_not_called_round_where_a_claimed_group_moves_it() -> None:
    """Lines and planes are not found among the corners of a cube; its group is all the same."""
    cube = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    frame, none = Frame((), (), (np.eye(3),)), Turns((), np.zeros((0, 0)), ())
    turning = Continuous(np.zeros((0, 3, 3)))
    (note,) = remarks(frame, none, turning, np.eye(3)[None])
    assert "no finite group is claimed from it" in note
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert {tuple(each) for each in cube @ quarter.T} == {tuple(each) for each in cube}
    assert remarks(frame, none, turning, np.stack([np.eye(3), quarter])) == []
