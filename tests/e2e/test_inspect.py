"""`grouplearn inspect`: runs, files and matrices, described as they were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from grouplearn import CyclicGroup
from grouplearn.defects import closure_defect
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation, SkewRepresentation
from grouplearn.training import save
from tests.e2e.running import Run

TURN = np.rot90(np.eye(9).reshape(9, 3, 3), axes=(1, 2)).reshape(9, 9).T


def test_a_matrix_is_named_and_drawn(run: Run) -> None:
    np.save("turn.npy", TURN)
    plain = run("inspect", "turn.npy")
    assert (plain.status, plain.err) == (0, "")
    assert "coordinates 0 -> " in plain.out
    assert "Structure of turn: permutation 1.00." in plain.out
    known = run("inspect", "turn.npy", "--patch-size", "3", "--out", "page.html")
    assert "a quarter turn (1.000" in known.out
    assert "a quarter turn" in Path("page.html").read_text(encoding="utf-8")


def test_several_matrices_are_a_table(run: Run) -> None:
    powers = [np.linalg.matrix_power(TURN, k) for k in range(1, 4)]
    np.save("turns.npy", np.stack(powers))
    table = run("inspect", "turns.npy", "--patch-size", "3").out
    rows = [line.split() for line in table.splitlines() if line.strip().startswith("turns")]
    assert [" ".join(row[2:-4]) for row in rows] == [
        "a quarter turn", "a half turn", "a three-quarter turn",
    ]  # fmt: skip
    assert [row[-3] for row in rows] == ["4", "2", "4"]


@pytest.mark.parametrize("name", ["a run", "<script>"])
def test_what_learn_left_is_read(run: Run, name: str) -> None:
    made = run("learn", "--representation", "dense", "--representation", "skew", "--patch-size",
               "3", "--epochs", "100", "--restarts", "0", "--out", name)  # fmt: skip
    assert made.status == 0, made.err
    dense, skew = run("inspect", name, "--json").json
    assert (dense["name"], skew["name"]) == ("dense", "skew")
    assert dense["matrices"][0]["name"] == "a quarter turn"
    assert skew["matrices"][0]["structure"]["orthogonal"] > 0.99
    assert run("inspect", name, "--out", "page.html").status == 0
    assert Path("page.html").read_text(encoding="utf-8").count("<script>") == 1  # its own


def test_every_layer_of_a_network_has_its_own_line(run: Run) -> None:
    group = CyclicGroup(4)
    turn = FixedRepresentation(group, torch.tensor(TURN.copy(), dtype=torch.float32)[None])
    reps = [SkewRepresentation(group, 9, rng=torch.Generator().manual_seed(k)) for k in range(6)]
    save(LGCNN(Pattern(1, 3), [turn, *reps]), "network")
    first, *others = run("inspect", "network", "--json").json
    assert first["matrices"][0]["name"] == "a quarter turn"
    assert len(others) == len(reps)
    defects = [float(closure_defect(rep).detach()) for rep in reps]
    assert [each["closure"] for each in others] == pytest.approx(defects, rel=1e-5)


def test_what_is_too_large_to_compare_is_said_by_its_group(run: Run) -> None:
    save(FixedRepresentation.from_permutations([np.roll(np.arange(300), 150)]), "large")
    (seen,) = run("inspect", "large", "--json").json
    assert (seen["group"], seen["matrices"]) == ("C2", [])
    assert "closure defect 0." in run("inspect", "large").out


def test_a_finding_about_letters_is_said_in_their_words(run: Run) -> None:
    made = run("discover", "chloroplast", "--window", "2", "--out", "found", "--quiet")
    assert made.status == 0, made.err
    (seen,) = run("inspect", "found", "--json").json
    assert seen["matrices"][0]["name"] == "reverse-complement"
