"""Linear discovery on planted groups, on data without any, and on bad input."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.discovery.linear.entry import check_linear_group, discover_linear
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.result import Discovery
from grouplearn.errors import InputError
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import turn

Array = NDArray[np.float64]


def blocks(*parts: Array) -> Array:
    out = np.zeros((sum(map(len, parts)),) * 2)
    at = 0
    for part in parts:
        out[at : at + len(part), at : at + len(part)] = part
        at += len(part)
    return out


def spun(n: int, k: int) -> Array:
    return turn(2 * math.pi * k / n).numpy()


ONE, MINUS = np.eye(1), -np.eye(1)
FLIP = np.diag([1.0, -1.0])
PLANTS: dict[str, list[Array]] = {
    "C2": [blocks(ONE, MINUS, MINUS, ONE)],
    "C3": [blocks(spun(3, 1), spun(3, 1), ONE)],
    "C5": [blocks(spun(5, 1), spun(5, 2))],
    "C7": [blocks(spun(7, 3), ONE, spun(7, 2), ONE)],
    "C12": [blocks(spun(12, 4), spun(12, 3), MINUS)],
    "D3": [blocks(spun(3, 1), spun(3, 1), ONE), blocks(FLIP, FLIP, MINUS)],
    "D4": [blocks(spun(4, 1), MINUS, ONE, ONE), blocks(FLIP, ONE, MINUS, ONE)],
    "C2 x C2": [np.diag([1.0, -1, -1, 1]), np.diag([1.0, 1, -1, -1])],
}


def closed(generators: list[Array]) -> Array:
    members = [np.eye(len(generators[0]))]
    for member in members:
        for g in generators:
            if not any(np.allclose(g @ member, other) for other in members):
                members.append(g @ member)
    return np.stack(members)


@cache
def planted(name: str, count: int = 16_000) -> tuple[Sample, Array]:
    """Clusters moved over the orbits of a group, in a random basis; the group's elements."""
    rng = np.random.default_rng(len(name) + count)
    members = closed(PLANTS[name])
    dim = members.shape[1]
    centres = 2 * rng.standard_normal((2 * dim + 2, dim))
    rows = centres[rng.integers(0, len(centres), count)] + 0.1 * rng.standard_normal((count, dim))
    rows = np.einsum("nij,nj->ni", members[rng.integers(0, len(members), count)], rows)
    basis = np.eye(dim) + 0.4 * rng.standard_normal((dim, dim))
    sample = Sample(rows @ basis.T, np.ones(count), rng.integers(0, 32, count), None)
    return sample, basis @ members @ np.linalg.inv(basis)


@cache
def found_in(name: str) -> Discovery:
    """What is found in a planted set."""
    return discover_linear(planted(name)[0])


def furthest(found: Discovery, members: Array) -> float:
    """The distance of the found elements from the planted ones, relative."""
    mine = found.members.numpy()
    apart = np.linalg.norm(mine[:, None] - members[None], axis=(2, 3))
    return float((apart.min(1) / np.linalg.norm(mine, axis=(1, 2))).max())


LONG = {"C7", "C12", "D3", "D4"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in PLANTS]
)
def test_planted_groups_are_found(name: str) -> None:
    members, found = planted(name)[1], found_in(name)
    assert found.group.name == name
    assert furthest(found, members) < 0.06
    assert found.exact
    assert found.p_value > 0.01
    assert found.effect <= found.effect_bound < 0.45
    assert found.action == "linear"
    assert found.violations[0] == 0
    assert found.violations.shape == found.noise.shape == (len(members),)
    torch.testing.assert_close(found.members, found.representation.matrices().detach())
    for a in range(len(members)):
        product = int(found.group.multiply(a, 1))
        torch.testing.assert_close(found.members[a] @ found.members[1], found.members[product])
    assert found.ladder[0].name == "C1"
    accepted = [rung.order for rung in found.ladder if rung.accepted]
    assert accepted == sorted(accepted)
    assert accepted[-1] == len(members)


@pytest.mark.slow
def test_rivals_of_seven_are_rejected() -> None:
    """Order selection: C7, not a multiple, a divisor, or what one asks for."""
    sample, members = planted("C7")
    found = found_in("C7")
    rejected = {rung.name: rung for rung in found.ladder if not rung.accepted}
    assert {"C5", "C6", "C8", "C12"} <= set(rejected)
    assert any(each.verdict == "rejected" for each in rejected["C5"].evidence)
    seventh = torch.as_tensor(members[1])[None]
    assert check_linear_group(sample, FixedRepresentation(CyclicGroup(7), seventh)).accepted
    five = found_in("C5").members[1]
    grown = torch.eye(6, dtype=torch.float64)
    grown[:4, :4] = five
    asked = check_linear_group(sample, FixedRepresentation(CyclicGroup(5), grown[None]))
    assert not asked.accepted
    assert (asked.name, asked.order) == ("C5", 5)


@pytest.mark.slow
def test_reflections_are_judged() -> None:
    sample, _ = planted("D4")
    mirror = found_in("D4").members[[1, 4]]
    rung = check_linear_group(sample, FixedRepresentation(DihedralGroup(4), mirror), max_moment=4)
    assert rung.accepted
    assert rung.evidence[0].kind == "all"
    with pytest.raises(InputError, match="must be of dimension 5, as the rows are, got 2"):
        check_linear_group(sample, FixedRepresentation(CyclicGroup(4), turn(math.pi / 2)[None]))


def test_the_trivial_group_moves_nothing() -> None:
    sample, _ = planted("C3")
    one = FixedRepresentation(CyclicGroup(1), torch.zeros(0, 5, 5, dtype=torch.float64))
    assert check_linear_group(sample, one).accepted


def liegan(seed: int, count: int = 20_000) -> Sample:
    """A label that turning two of three coordinates by 2 pi / 7 keeps."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, 3))
    angle = np.arctan2(x[:, 1], x[:, 0]) % (2 * np.pi)
    y = x[:, 2] / (1 + angle % (2 * np.pi / 7))
    return Sample(x, np.ones(count), rng.integers(0, 32, count), y)


@pytest.mark.parametrize("seed", [0, 1])
def test_labels_that_a_turn_keeps(seed: int) -> None:
    found = discover_linear(liegan(seed))
    assert found.group.name == "C7"
    truth = blocks(spun(7, 1), ONE)
    powers = [np.linalg.matrix_power(found.members[1].numpy(), k) for k in range(1, 7)]
    assert min(np.linalg.norm(power - truth) for power in powers) < 0.01
    assert np.linalg.norm(powers[5] @ powers[0] - np.eye(3)) < 1e-5
    assert any("isotropic" in note for note in found.notes)


@pytest.mark.parametrize("dim", [2, 5])
def test_gaussian_data_are_round(dim: int) -> None:
    rng = np.random.default_rng(dim)
    rows = rng.standard_normal((10_000, dim)) @ rng.standard_normal((dim, dim))
    found = discover_linear(Sample(rows, np.ones(10_000), rng.integers(0, 32, 10_000), None))
    assert found.group.name == "C1"
    assert any("continuous rotation" in note for note in found.notes)
    assert found.summary().startswith("Continuous turns, and no finite group beside them.")
    assert found.lie_algebra is not None
    assert len(found.lie_algebra) == dim * (dim - 1) // 2


def test_a_round_plane_beside_a_group() -> None:
    """C7 in one plane; the other is Gaussian, round, and left alone."""
    rng = np.random.default_rng(0)
    count = 16_000
    centres = 2 * rng.standard_normal((6, 2))
    rows = centres[rng.integers(0, 6, count)] + 0.1 * rng.standard_normal((count, 2))
    powers = np.stack([spun(7, k) for k in range(7)])
    rows = np.einsum("nij,nj->ni", powers[rng.integers(0, 7, count)], rows)
    rows = np.concatenate([rows, rng.standard_normal((count, 2))], axis=1)
    found = discover_linear(Sample(rows, np.ones(count), rng.integers(0, 32, count), None))
    assert found.group.name == "C7"
    assert any("continuous rotation" in note for note in found.notes)
    truth = np.stack([blocks(power, np.eye(2)) for power in powers])
    assert furthest(found, truth) < 0.06


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))]
)
def test_mixed_sources_have_no_symmetry(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sources = rng.gamma([0.3, 0.7, 1.6, 4.0], size=(20_000, 4))
    rows = sources / sources.std(0) @ rng.standard_normal((4, 4))
    found = discover_linear(Sample(rows, np.ones(20_000), rng.integers(0, 32, 20_000), None))
    assert not found.found
    assert len(found.members) == 1
    assert not any(rung.accepted for rung in found.ladder[1:])


def test_second_moments_only_propose() -> None:
    found = discover_linear(planted("C3")[0], max_moment=2)
    assert any("this is a proposal" in note for note in found.notes)
    assert [each.kind for each in found.ladder[-1].evidence] == ["all", "covariances"]


def test_an_expired_budget_claims_nothing() -> None:
    found = discover_linear(planted("C3")[0], time_budget=0.0)
    assert not found.found
    assert any("time budget" in note for note in found.notes)


def small(rows: Array, groups: int = 32) -> Sample:
    count = len(rows)
    return Sample(rows, np.ones(count), np.arange(count) % groups, None)


def test_too_little_data_are_not_judged() -> None:
    rng = np.random.default_rng(0)
    few = discover_linear(small(rng.standard_normal((4000, 3)), groups=8))
    assert not few.found
    assert "8 independent groups" in few.notes[0]
    short = discover_linear(small(rng.standard_normal((100, 3))))
    assert not short.found
    assert "12 are needed in 3 dimensions" in short.notes[0]
    one = FixedRepresentation(CyclicGroup(1), torch.zeros(0, 3, 3, dtype=torch.float64))
    with pytest.raises(InputError, match="large enough to test"):
        check_linear_group(small(rng.standard_normal((100, 3))), one)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.random.default_rng(0).standard_normal((50, 1)), "at least 2 coordinates, got 1"),
        (np.random.default_rng(0).standard_normal((5, 5)), "more than their 5 coordinates, got 5"),
        (np.tile([1.0, 2.0], (50, 1)) * [[1.0, 1.0]], "different from one another"),
        (np.full((50, 2), np.nan), r"finite, got nan at \(0, 0\)"),
    ],
)
def test_bad_data_are_refused(rows: Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover_linear(small(rows))


def test_bad_arguments_are_refused() -> None:
    sample, _ = planted("C3")
    with pytest.raises(InputError, match="max_moment must be an integer >= 2"):
        discover_linear(sample, max_moment=1)
    with pytest.raises(InputError, match="level must be a finite number > 0"):
        discover_linear(sample, level=0.0)
    weightless = Sample(sample.rows, np.zeros(len(sample.rows)), sample.groups, None)
    with pytest.raises(InputError, match="weights must be > 0"):
        discover_linear(weightless)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_answer() -> None:
    sample, _ = planted("C5", 6000)
    first, second = discover_linear(sample, seed=3), discover_linear(sample, seed=3)
    assert torch.equal(first.members, second.members)
    assert first.ladder[1].evidence == second.ladder[1].evidence
