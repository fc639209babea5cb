"""The laws of groups and of nearest_exact catch what is broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import grouplearn
from grouplearn.errors import ClosureError
from grouplearn.groups import FiniteGroup
from tests.laws.group_mutants import (
    GROUP_MUTANTS,
    NEAREST_MUTANTS,
    GroupMutant,
    Nearest,
    SameGroup,
)
from tests.laws.groups import GROUP_LAWS
from tests.laws.rounding import NEAREST_LAWS, Truth

TRIALS = 12


def judge_group(name: str, group: FiniteGroup) -> None:
    for seed in range(TRIALS):
        GROUP_LAWS[name](group, np.random.default_rng(seed))


def judge_nearest(name: str) -> None:
    for seed in range(TRIALS):
        NEAREST_LAWS[name](truth(seed), np.random.default_rng(seed))


@pytest.mark.parametrize("mutant", GROUP_MUTANTS, ids=str)
def test_group_laws_catch(mutant: GroupMutant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in mutant.laws:
        sound = getattr(mutant.group, "inner", mutant.group)
        judge_group(name, sound)
        with monkeypatch.context() as patched:
            for target, replacement in mutant.patches:
                patched.setattr(target, replacement)
            with pytest.raises(AssertionError):
                judge_group(name, mutant.group)


@pytest.mark.parametrize("name", sorted(GROUP_LAWS))
def test_wrapping_a_group_breaks_nothing(name: str) -> None:
    for mutant in GROUP_MUTANTS:
        inner = getattr(mutant.group, "inner", mutant.group)
        GROUP_LAWS[name](SameGroup(inner), np.random.default_rng(0))


def test_every_group_law_is_seen_to_fail() -> None:
    assert set(GROUP_LAWS) == {name for mutant in GROUP_MUTANTS for name in mutant.laws}


def truth(seed: int) -> Truth:
    rng = np.random.default_rng(seed)
    return Truth(
        dihedral=bool(seed % 2), n=int(rng.integers(2, 7)), dim=int(rng.integers(4, 9)),
        noise=1e-3, concentrated=bool(rng.integers(2)), dtype=torch.float64, seed=seed,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("nearest", "laws"), NEAREST_MUTANTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_nearest_laws_catch(
    nearest: Nearest, laws: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in laws:
        judge_nearest(name)
        with monkeypatch.context() as patched:
            patched.setattr(grouplearn, "nearest_exact", nearest)
            with pytest.raises((AssertionError, ClosureError)):
                judge_nearest(name)


def test_every_nearest_law_is_seen_to_fail() -> None:
    assert set(NEAREST_LAWS) == {name for _, laws in NEAREST_MUTANTS for name in laws}
