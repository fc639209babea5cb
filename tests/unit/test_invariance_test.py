"""`invariance_test`: its level, what it sees, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.stats import binom

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.discovery import InvarianceTest, invariance_test
from grouplearn.discovery.evidence.actions import Matrices, Permutations, RandomElements
from grouplearn.errors import InputError
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import elements_of, is_helpful, turn

Array = NDArray[np.float64]
Case = tuple[Array, FixedRepresentation, dict[str, Any]]

SHIFT = FixedRepresentation.from_permutations([[1, 2, 0]])
CUBE = Rotation.create_group("O").as_matrix().round()


def ring(seed: int, rows: int) -> Array:
    """Skewed windows around a ring of six, each coordinate like its neighbours."""
    noise = np.random.default_rng(seed).exponential(size=(rows, 6))
    return np.asarray(noise + 0.6 * np.roll(noise, 1, axis=1))


def sawtooth(seed: int, rows: int, teeth: int = 5) -> tuple[Array, Array]:
    """Points of a plane, and a label that rises with the angle and falls at once."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, rows), rng.uniform(0.5, 1.5, rows)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points, (teeth * angle / (2 * np.pi)) % 1


def planar(order: int, *, mirrored: bool = False) -> FixedRepresentation:
    rotation = turn(2 * np.pi / order)
    if not mirrored:
        return FixedRepresentation(CyclicGroup(order), rotation[None])
    mirror = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    return FixedRepresentation(DihedralGroup(order), torch.stack([rotation, mirror]))


def exchangeable(seed: int) -> Case:
    return np.random.default_rng(seed).exponential(size=(150, 3)), SHIFT, {}


def turned(seed: int) -> Case:
    """Four-fold in a plane of three dimensions, in a basis of its own."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(3, 3)) + 2 * np.eye(3)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    rows = rng.exponential(size=(150, 3))
    moves = np.stack([np.linalg.matrix_power(quarter, k) for k in rng.integers(0, 4, 150)])
    rows = np.einsum("nij,nj->ni", moves, rows) @ basis.T
    matrix = torch.as_tensor(basis @ quarter @ np.linalg.inv(basis))
    return rows, FixedRepresentation(CyclicGroup(4), matrix[None]), {}


def dependent(seed: int) -> Case:
    """Five rows to a block, each block with a level of its own."""
    rng = np.random.default_rng(seed)
    blocks = np.repeat(np.arange(30), 5)
    rows = rng.exponential(size=(150, 3)) + 3 * rng.exponential(size=(30, 3))[blocks]
    return rows, SHIFT, {"blocks": blocks}


def labelled(seed: int) -> Case:
    """The label depends on what the shift keeps."""
    rows = np.random.default_rng(seed).exponential(size=(150, 3))
    return rows, SHIFT, {"labels": rows.max(1)}


def on_a_lattice(seed: int) -> Case:
    """Many equal values, and a quarter turn with a cosine of 6e-17 instead of 0."""
    rows = np.random.default_rng(seed).integers(-2, 3, (150, 2)).astype(float)
    return rows, planar(4), {}


def with_a_constant(seed: int) -> Case:
    """A third column of 0.1, and matrices that leave it alone but for rounding."""
    rng = np.random.default_rng(seed)
    rows = np.c_[rng.normal(size=(150, 2)), np.full(150, 0.1)]
    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    quarter = np.eye(3)
    quarter[:2, :2] = turn(np.pi / 2)
    matrix = torch.as_tensor(basis @ (basis.T @ quarter @ basis) @ basis.T)
    return rows, FixedRepresentation(CyclicGroup(4), matrix[None]), {}


CASES: list[Callable[[int], Case]] = [
    exchangeable,
    turned,
    dependent,
    labelled,
    on_a_lattice,
    with_a_constant,
]


def rejections(case: Callable[[int], Case], sets: int, draws: int) -> int:
    count = 0
    for seed in range(sets):
        rows, rep, options = case(seed)
        count += invariance_test(rows, rep, draws=draws, seed=seed + 1000, **options).rejected
    return count


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_true_symmetry_is_rejected_as_often_as_the_level_says(
    case: Callable[[int], Case],
) -> None:
    low, high = binom.interval(0.999, 200, 0.05)
    count = rejections(case, 200, draws=199)
    assert low <= count <= high, f"{count} of 200"


@pytest.mark.parametrize("case", CASES)
def test_a_true_symmetry_is_seldom_rejected(case: Callable[[int], Case]) -> None:
    """More than 1 of 3 happens once in 138 times; the seeds are fixed."""
    assert rejections(case, 3, draws=99) <= 1


def test_without_blocks_dependent_rows_are_taken_for_evidence() -> None:
    """What blocks are for."""
    rows, rep, _ = dependent(0)
    copied, blocks = np.repeat(rows, 10, axis=0), np.repeat(np.arange(150) // 5, 10)
    assert invariance_test(copied, rep, draws=99).rejected
    assert not invariance_test(copied, rep, blocks=blocks, draws=99).rejected


@pytest.mark.parametrize(
    "seeds", [range(1), pytest.param(range(10), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_an_exchange_of_neighbours_on_a_ring_is_seen(seeds: range) -> None:
    swap = FixedRepresentation.from_permutations([[1, 0, 2, 3, 4, 5]])
    shift = FixedRepresentation.from_permutations([[1, 2, 3, 4, 5, 0]])
    false = [invariance_test(ring(s, 400), swap, draws=99, seed=s).rejected for s in seeds]
    true = [invariance_test(ring(s, 400), shift, draws=99, seed=s).rejected for s in seeds]
    assert all(false)
    assert sum(true) <= 1 + len(seeds) // 5


def chiral(seed: int, rows: int) -> Array:
    """A point without mirrors, turned at random by the 24 rotations of a cube, with noise."""
    rng = np.random.default_rng(seed)
    point = np.array([1.0, 2.2, 3.7]) / np.linalg.norm([1.0, 2.2, 3.7])
    return CUBE[rng.integers(0, 24, rows)] @ point + rng.normal(0, 0.05, (rows, 3))


@pytest.mark.parametrize(
    "seeds", [range(1), pytest.param(range(10), marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_mirrors_are_told_from_rotations(seeds: range) -> None:
    rotations, all_of_them = Matrices(CUBE), Matrices(np.concatenate([CUBE, -CUBE]))
    true, false = 0, 0
    for seed in seeds:
        rows = chiral(seed, 5000)
        true += invariance_test(rows, rotations, draws=199, seed=seed).rejected
        false += invariance_test(rows, all_of_them, draws=199, seed=seed).rejected
    assert false == len(seeds)
    assert true <= 1 + len(seeds) // 5


def test_labels_tell_a_turn_from_a_mirror() -> None:
    points, label = sawtooth(0, 600)
    turns, mirrors = planar(5), planar(5, mirrored=True)
    assert not invariance_test(points, turns, labels=label, draws=99).rejected
    assert invariance_test(points, mirrors, labels=label, draws=99).rejected
    # The points alone are round.
    assert not invariance_test(points, mirrors, draws=99).rejected


def test_classes_may_be_what_an_action_does_not_keep() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 3))
    assert not invariance_test(rows, SHIFT, labels=rows.sum(1) > 0).rejected
    assert invariance_test(rows, SHIFT, labels=rows[:, 0] > 0).rejected


def test_a_compact_group_is_known_by_its_sampler() -> None:
    def turns(rng: np.random.Generator, count: int) -> Array:
        return np.stack([turn(rng.uniform(0, 2 * np.pi)).numpy() for _ in range(count)])

    rng = np.random.default_rng(1)
    normal = rng.normal(size=(500, 2))
    assert not invariance_test(normal, RandomElements(2, turns), level=0.01).rejected
    found = invariance_test(normal * [1, 2], RandomElements(2, turns))
    assert found.rejected
    assert found.name == "the group"


def test_one_column_is_enough() -> None:
    sign = FixedRepresentation(CyclicGroup(2), torch.tensor([[[-1.0]]]))
    rng = np.random.default_rng(0)
    assert not invariance_test(rng.normal(size=(300, 1)), sign).rejected
    assert invariance_test(rng.exponential(size=(300, 1)) - 1, sign).rejected


def test_the_seed_decides_everything() -> None:
    rows = np.random.default_rng(0).exponential(size=(300, 3))
    # As text, since an effect that cannot be seen is nan.
    found = [repr(invariance_test(rows, SHIFT, draws=99, seed=s)) for s in (3, 3, 4)]
    assert found[0] == found[1]
    assert found[0] != found[2]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        again = invariance_test(torch.as_tensor(rows), SHIFT, draws=99, seed=3)
    assert repr(again) == found[0]


def test_what_is_said() -> None:
    rows = np.random.default_rng(0).exponential(size=(500, 3))
    good = invariance_test(rows, SHIFT, draws=99)
    assert isinstance(good, InvarianceTest)
    assert (good.name, good.level, good.blocks) == ("C3", 0.05, 128)
    assert good.p_value * 100 == pytest.approx(round(good.p_value * 100))
    assert f"Nothing speaks against C3 (p = {good.p_value:.2g})." in str(good)
    assert f"at most {good.effect_bound:.2g}" in good.summary()
    bad = invariance_test(rows * [1, 2, 3], SHIFT, draws=99)
    assert (bad.p_value, bad.rejected) == (0.01, True)
    assert "C3 is no exact symmetry of these data (p = 0.01)" in bad.summary()
    assert max(bad.families, key=lambda family: family.score).name in bad.summary()
    blind = invariance_test(rows, FixedRepresentation(CyclicGroup(2), torch.eye(3)[None]), draws=99)
    assert blind.p_value == 1
    assert "not measured" in blind.summary()


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"level": 1.0}, "below 1"),
        ({"level": 0.0}, "> 0"),
        ({"level": "often"}, "finite number"),
        ({"draws": 0}, "an integer >= 1"),
        ({"draws": 18}, "at least 19 for level=0.05"),
        ({"draws": 32, "level": 0.03}, "at least 33 for level=0.03"),
        ({"draws": 10**9}, "at most"),
        ({"seed": -1}, "an integer >= 0"),
        ({"samples": np.zeros(9)}, "of shape (N, d)"),
        ({"samples": np.zeros((0, 3))}, "of shape (N, d)"),
        ({"samples": np.full((9, 3), np.nan)}, "nan at (0, 0)"),
        ({"samples": [[1.0, 2.0], [3.0]]}, "different lengths"),
        ({"samples": np.array([["a", "b", "c"]] * 9)}, "real numbers"),
        ({"samples": np.ones((20, 3))}, "the same row every time"),
        ({"samples": np.eye(3)[[0, 1, 2] * 2]}, "at least 8 independent ones"),
        ({"representation": np.eye(3)}, "a representation of the library"),
        ({"representation": planar(3)}, "the samples' 3"),
        ({"representation": FixedRepresentation(CyclicGroup(1), torch.zeros(0, 3, 3))}, "trivial"),
        ({"representation": Permutations(elements_of([[1, 0]]))}, "the samples' 3"),
        ({"representation": Matrices(np.eye(2)[None].repeat(2, 0))}, "the samples' 3"),
        ({"representation": Permutations(elements_of([[0, 1, 2]]))}, "trivial"),
        ({"blocks": np.zeros(60, dtype=int)}, "at least 8 independent ones"),
        ({"blocks": np.zeros(3, dtype=int)}, "of shape (60,)"),
        ({"blocks": np.full(60, 0.5)}, "integers"),
        ({"labels": np.ones(60)}, "at least two values"),
        ({"labels": np.ones((60, 2))}, "of shape (60,)"),
        ({"labels": np.r_[np.ones(59), np.inf]}, "inf at 59"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], part: str) -> None:
    given: dict[str, Any] = {
        "samples": np.random.default_rng(0).normal(size=(60, 3)),
        "representation": SHIFT,
        **change,
    }
    with pytest.raises(InputError) as caught:
        invariance_test(**given)
    assert is_helpful(caught, part)


@pytest.mark.parametrize("level", [0.05, 0.01, 0.03, 1 / 49, 0.3])
def test_the_draws_that_a_message_asks_for_are_enough(level: float) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(InputError) as caught:
        invariance_test(rows, SHIFT, level=level, draws=1)
    least = int(str(caught.value).partition("at least ")[2].partition(" ")[0])
    assert invariance_test(rows, SHIFT, level=level, draws=least).level == level
