"""Groups from sequences x, g x, g^2 x, ..., against planted steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.discovery.pairs.sequences import discover_from_sequences
from grouplearn.errors import InputError
from grouplearn.groups import CyclicGroup
from tests.unit.examples import is_helpful

Array = NDArray[np.float64]


def turn(angle: float) -> Array:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


BASIS = np.eye(5) + 0.3 * np.random.default_rng(0).standard_normal((5, 5))
FIFTH = (
    BASIS
    @ scipy.linalg.block_diag(turn(2 * math.pi / 5), turn(4 * math.pi / 5), np.eye(1))
    @ np.linalg.inv(BASIS)
)


def film(
    step: Array, count: int, length: int, *, frames: float = 0.0, steps: float = 0.0, seed: int = 0
) -> Tensor:
    rng = np.random.default_rng(seed)
    states = [rng.standard_normal((count, len(step)))]
    for _ in range(length - 1):
        noise = steps * rng.standard_normal(states[0].shape)
        states.append(states[-1] @ step.T + noise)
    clean = np.stack(states, 1)
    return torch.as_tensor(clean + frames * rng.standard_normal(clean.shape))


@pytest.mark.parametrize(
    ("count", "length", "noise", "kinds"),
    [
        (50, 8, {"frames": 0.05}, ["closure", "pairs", "period"]),
        (100, 3, {"frames": 0.05}, ["closure", "pairs"]),
        (1, 200, {"frames": 0.02}, ["closure", "pairs", "period"]),
        (50, 8, {"steps": 0.05}, ["closure", "pairs", "period"]),
        (30, 7, {}, ["closure", "pairs", "period"]),
        (2, 7, {}, ["closure", "period"]),
        (7, 3, {}, ["closure"]),
    ],
)
def test_planted_steps_are_found(
    count: int, length: int, noise: dict[str, Any], kinds: list[str]
) -> None:
    sequences = film(FIFTH, count, length, **noise)
    kind: Any = "steps" if "steps" in noise else "frames"
    found = discover_from_sequences(sequences, noise=kind)
    assert found.group == CyclicGroup(5)
    matrix = found.representation.generators().detach().numpy()[0]
    assert np.linalg.norm(matrix - FIFTH) / np.linalg.norm(FIFTH) < (0.15 if noise else 1e-8)
    assert [each.kind for each in found.ladder[0].evidence] == kinds
    assert found.gap > 1.5


@pytest.mark.slow
def test_noise_shared_by_neighbours_is_counted_once() -> None:
    shift = np.roll(np.eye(6), 1, axis=0)
    p_values = []
    for seed in range(8):
        found = discover_from_sequences(
            film(shift, 40, 13, frames=0.1, seed=seed), orthogonal=bool(seed % 2), seed=seed
        )
        assert found.group.order == 6
        assert found.action == "permutation"
        p_values.append([each.p_value for each in found.ladder[0].evidence])
    assert (np.array(p_values) < 0.1).mean(0).max() < 0.5


def test_steps_that_do_not_return_give_the_trivial_group() -> None:
    step = scipy.linalg.block_diag(turn(2 * math.pi / 7.3), np.eye(3))
    found = discover_from_sequences(film(step, 30, 9, frames=0.01))
    assert not found.found
    assert "does not close" in found.summary()


def test_a_period_that_fails_rejects_the_order() -> None:
    # The noise enters the dynamics and adds up, but is declared to be that of measurement.
    found = discover_from_sequences(film(FIFTH, 60, 12, steps=0.1), noise="frames")
    verdicts = {each.kind: each.verdict for each in found.ladder[0].evidence}
    assert not found.found
    assert verdicts["period"] == "rejected"
    assert "Order 5 fits A, but not all of the evidence." in found.notes


def test_an_end_that_moves_otherwise_rejects_the_order() -> None:
    start = film(FIFTH, 1, 150)
    end = 0.02 * film(FIFTH @ FIFTH, 1, 51, seed=1)
    found = discover_from_sequences(torch.cat([start, end], 1), noise="steps")
    verdicts = {each.kind: each.verdict for each in found.ladder[0].evidence}
    assert not found.found
    assert verdicts["pairs"] == "rejected"


FILM = film(FIFTH, 30, 4)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"sequences": FILM[0]}, ["sequences", "(any, any, any)"]),
        ({"sequences": FILM[:, :1]}, ["T >= 2", "one frame shows no step"]),
        ({"sequences": FILM * torch.inf}, ["finite"]),
        ({"sequences": FILM[:2, :2]}, ["span R^5", "2 of 5"]),
        ({"sequences": FILM[:0]}, ["span R^5", "0 of 5"]),
        ({"noise": "other"}, ["noise", '"frames" or "steps"']),
        ({"max_order": 0}, ["max_order"]),
        ({"level": 2}, ["level"]),
    ],
)
def test_bad_sequences_are_refused(arguments: dict[str, Any], parts: list[str]) -> None:
    given = {"sequences": FILM, **arguments}
    with pytest.raises(InputError) as problem:
        discover_from_sequences(given.pop("sequences"), **given)
    assert is_helpful(problem, "discover_from_sequences", *parts)
