"""A finding in one file: the same when it is read, and the action that every reader takes."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn import Discovery, discover
from grouplearn.errors import DataError
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import load, save
from tests.unit.examples import turn


def _rows() -> np.ndarray:
    rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
    return rows + 0.5 * np.roll(rows, 1, axis=1)


def _turned() -> np.ndarray:
    """Points of the plane in three clouds, each a turn of the one before it."""
    rng = np.random.default_rng(0)
    points = rng.exponential(size=(4000, 2)) * [1, 0.3]
    turns = np.stack([turn(2 * math.pi * k / 3).numpy() for k in range(3)])
    return np.einsum("nij,nj->ni", turns[rng.integers(0, 3, len(points))], points)


@cache
def _found(action: Any) -> Discovery:
    """What is found, once for all tests."""
    if action == "linear":
        return discover(_turned(), action=action)
    if action == "nothing":
        rows = _rows()
        return discover(rows * [1.0, 1.3, 1.7, 2.9] + rows[:, [0, 0, 1, 0]])
    return discover(_rows(), action=action)


def _plain(value: Any) -> Any:
    """Tensors as lists and nan as a word, so that == compares."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _fields(found: Discovery) -> dict[str, Any]:
    names = [each.name for each in dataclasses.fields(found) if each.name != "representation"]
    return {name: _plain(getattr(found, name)) for name in names}


@pytest.mark.parametrize("action", ["permutation", "signed", "linear", "nothing"])
def test_a_finding_is_read_as_it_was(action: str, tmp_path: Path) -> None:
    found = _found(action)
    assert found.found is (action != "nothing")
    found.save(tmp_path / "found")
    read = Discovery.load(tmp_path / "found")
    assert _fields(read) == _fields(found)
    assert read.summary() == found.summary()
    assert read.group == found.group
    assert type(read.representation) is type(found.representation)
    assert torch.equal(read.representation.matrices(), found.representation.matrices())


def test_load_reads_the_action_of_a_finding(tmp_path: Path) -> None:
    found = _found("permutation")
    found.save(tmp_path / "found")
    read = load(tmp_path / "found")
    assert isinstance(read, FixedRepresentation)
    assert torch.equal(read.matrices(), found.representation.matrices())


def test_what_holds_no_finding_is_refused(tmp_path: Path) -> None:
    found = _found("permutation")
    save(found.representation, tmp_path / "action")
    with pytest.raises(DataError, match=r"Discovery\.load.*without a finding.*training\.load"):
        Discovery.load(tmp_path / "action")
    with pytest.raises(DataError, match=r"Discovery\.load.*readable file"):
        Discovery.load(tmp_path / "absent")
    found.save(tmp_path / "found")
    (tmp_path / "half").write_bytes((tmp_path / "found").read_bytes()[:-50])
    with pytest.raises(DataError, match=r"Discovery\.load.*save it again"):
        Discovery.load(tmp_path / "half")


def test_a_found_group_has_irreps_and_goes_to_the_exact_class() -> None:
    from grouplearn import nearest_exact

    found = _found("permutation")
    exact = nearest_exact(found.representation).representation
    assert isinstance(exact, SpectralRepresentation)
    assert exact.group.name == found.group.name == "C4"
    ours = {tuple(np.round(m, 6).ravel()) for m in exact.matrices().detach().numpy()}
    assert ours == {tuple(m.ravel()) for m in found.representation.matrices().numpy()}
