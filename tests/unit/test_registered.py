"""A domain of another package, installed: `grouplearn discover` knows its data, names, picture."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grouplearn.commands.discover_data import Reading, open_data
from grouplearn.domains import registered
from grouplearn.errors import DataError
from tests.e2e.running import run_in
from tests.test_architecture import ROOT


def readings(folder: Path) -> Path:
    """Six sensors round a ring, each of which hears a skewed source and, half, its neighbour's."""
    rng = np.random.default_rng(0)
    sources = rng.exponential(size=(4000, 6))
    file = folder / "lab.ring.csv"
    np.savetxt(file, sources + 0.5 * np.roll(sources, 1, 1), delimiter=",", fmt="%.4f")
    return file


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds ring-sensors, put there by pip from its sources."""
    folder = tmp_path_factory.mktemp("installed")
    sources = shutil.copytree(ROOT / "tests" / "ring_sensors", folder / "sources")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    where = ["--target", str(folder / "packages"), str(sources)]
    command = [sys.executable, "-m", "pip", "install", *options, *where]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "packages"


def test_discover_takes_data_of_an_installed_domain(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    run, file = run_in(tmp_path), readings(tmp_path)
    made = run("discover", file.name, "--out", "a", "--json")
    assert made.status == 0, made.err
    (found,) = made.json["results"]
    assert (found["kind"], found["group"]) == ("ring", "C6"), found["summary"]
    assert found["source"] == "lab.ring.csv: 4,000 readings of 6 sensors round a ring"
    assert found["generators"] in (["turn-by-1"], ["turn-by-5"])
    assert "What each member of C6 does." in (tmp_path / "a" / "report.html").read_text()
    tested = run("test", file.name, "--action", "turn-by-1", "--draws", "99")
    assert tested.status == 0, tested.err
    assert run("test", file.name, "--action", "mirror-0", "--draws", "99").status == 1
    assert open_data(str(file), Reading(kind="table"), "x").domain is None


@pytest.mark.parametrize(
    ("names", "part"),
    [(["ring"], "TypeError .it returned str."), (["table"], "'table' must be a kind that has no"),
     (["ring", "ring"], "'ring' must be a kind that has no domain yet")],
)  # fmt: skip
def test_packages_that_keep_no_promise_are_named(
    names: list[str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        registered,
        "entry_points",
        lambda group: [EntryPoint(name, "builtins:str", group) for name in names],
    )
    with pytest.raises(DataError, match=part):
        registered.recognised("discover", tmp_path, None)


def test_other_data_are_left_to_others(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed))
    readings(tmp_path).rename(tmp_path / "plain.csv")
    assert open_data(str(tmp_path / "plain.csv"), Reading(), "x").kind == "table"
    refused = run_in(tmp_path)("discover", "plain.csv", "--kind", "ring")
    assert refused.status == 2
    assert "'plain.csv' must be of the kind 'ring', got something else" in refused.err


def test_a_domain_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Broken:
        name, dist = "rings", None

        def load(self) -> Any:
            raise ImportError("no module named rings")

    monkeypatch.setattr(registered, "registered", lambda: {"rings": Broken()})
    file = readings(tmp_path)
    failed = run_in(tmp_path)("discover", file.name)
    assert failed.status == 2
    assert "the domain 'rings' of an installed package must be one that opens data" in failed.err
    assert "no module named rings" in failed.err


@pytest.mark.usefixtures("installed")
def test_kinds_that_are_not_installed_are_unknown(tmp_path: Path) -> None:
    refused = run_in(tmp_path)("discover", "digits", "--kind", "ring")
    assert refused.status == 2
    assert "--kind must be one of table, images, sequence, tokens" in refused.err
