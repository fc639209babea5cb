"""`grouplearn test` through `main`: what it says, its exit status, and what it leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from grouplearn import CyclicGroup
from grouplearn.cli import main
from grouplearn.commands import invariance, invariance_console
from grouplearn.domains.samples import sample_digits, sample_sky
from grouplearn.models import Pattern, PlainCNN
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import save
from tests.e2e.running import Run, files

ROWS = np.random.default_rng(0).exponential(size=(300, 3))
FAST = ["--draws", "99"]


def everything() -> dict[str, bytes | None]:
    """All that lies below the current folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


def test_images_are_turned_whole(run: Run) -> None:
    np.save("sky.npy", sample_sky()[::2, :8, :8].numpy())
    np.save("digits.npy", sample_digits()[:200].numpy())
    for action in ("half-turn", "flip"):
        sky = run("test", "sky.npy", "--action", action, "--patch-size", "3", *FAST)
        assert (sky.status, sky.err) == (0, "")
        assert sky.out.startswith(f"Nothing speaks against {action} (p = ")
    digits = run("test", "digits.npy", "--action", "flip", "--patch-size", "3", *FAST)
    assert digits.status == 1
    assert digits.out.startswith("Flip is no exact symmetry of these data (p = 0.01)")
    for part in ("patches of 3 x 3 pixels; action: left-right flip", "of order 2, 128 independent"):
        assert part in " ".join(digits.out.split())
    for family in ("marginals", "covariances", "whitened triples", "Fourier, bandwidth 0.25"):
        assert re.search(rf"^ *{family} +-?\d", digits.out, re.MULTILINE)


def test_a_genome_has_two_strands(run: Run) -> None:
    strands = run("test", "chloroplast", "--action", "reverse-complement", "--json")
    assert strands.status == 0
    assert strands.json["p_value"] > 0.05
    assert strands.json["effect_bound"] < 0.2
    assert (strands.json["kind"], strands.json["blocks"]) == ("sequence", 65)
    complement = run("test", "chloroplast", "--action", "complement", "--json", "--window", "4")
    assert complement.status == 1
    assert complement.json["rejected"]
    assert complement.json["p_value"] == 0.001
    assert complement.json["families"][0]["name"] == "words of 2"


def test_a_table_is_tested_by_a_permutation(run: Run) -> None:
    np.save("rows.npy", ROWS)
    np.save("scaled.npy", ROWS * [1, 2, 3])
    cycle = run("test", "rows.npy", "--action", "1, 2, 0", "--level", "0.01")
    assert cycle.status == 0
    assert cycle.out.startswith("Nothing speaks against C3")
    assert "A group of order 3" in cycle.out
    assert run("test", "scaled.npy", "--action", "1,2,0", *FAST).status == 1
    assert run("test", "scaled.npy", "--action", "1,2,0", *FAST, "--quiet").out == ""


def test_the_run_folder_is_complete(run: Run) -> None:
    np.save("rows.npy", ROWS)
    line = ("test", "rows.npy", "--action", "1,0,2", *FAST)
    told = run(*line, "--json").json
    folder = Path("runs/test-rows")
    assert told.pop("folder") == str(folder)
    assert files(folder) == {"config.json", "result.json", "report.html"}
    assert json.loads((folder / "result.json").read_text(encoding="utf-8")) == told
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["command"].startswith("grouplearn test rows.npy")
    assert config["options"]["action"] == "1,0,2"
    page = (folder / "report.html").read_text(encoding="utf-8")
    for part in ("Is 1,0,2 a symmetry of rows?", told["summary"], "pairs of squares", "Seed 0"):
        assert part in page
    assert run(*line, "--out", "mine").status == 0
    assert "--overwrite" in run(*line, "--out", "mine").err
    assert run(*line, "--out", "mine", "--overwrite").status == 0
    assert json.loads(Path("mine/result.json").read_text(encoding="utf-8"))["seed"] == 0


def test_blocks_and_labels_are_columns(run: Run) -> None:
    rng = np.random.default_rng(1)
    rows = np.repeat(rng.exponential(size=(40, 2)), 10, axis=0)
    side = (rows[:, 0] > rows[:, 1]).astype(int)
    table = np.column_stack([rows, np.arange(400) // 10])
    lines = ["x,y,block", *(",".join(map(repr, row)) for row in table.tolist())]
    Path("rows.csv").write_text("\n".join(lines), encoding="utf-8")
    np.save("labels.npy", side[:, None])
    line = ("test", "rows.csv", "--action", "1,0", "--json", *FAST, "--blocks", "2")
    told = run(*line)
    assert (told.status, told.json["blocks"]) == (0, 40)
    labelled = run(*line, "--labels", "labels.npy")
    assert (labelled.status, labelled.json["p_value"]) == (1, 0.01)
    np.save("rows.npy", rows)  # ten copies of each row are no evidence, unless one is told so
    assert run("test", "rows.npy", "--action", "1,0", *FAST).status == 1


def test_of_a_long_table_some_rows_are_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariance, "most_rows", lambda _: 50)
    np.save("rows.npy", ROWS)
    assert run("test", "rows.npy", "--action", "1,2,0", "--json", *FAST).json["blocks"] == 50


def prepare_actions() -> None:
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    np.save("turn.npy", turn.numpy())
    np.save("both.npy", np.stack([turn.numpy(), np.diag([1.0, -1.0])]))
    np.save("swap.npy", np.eye(2)[::-1])
    np.save("stretch.npy", np.diag([2.0, 1.0]))
    save(FixedRepresentation(CyclicGroup(4), turn[None]), "turn.safetensors")
    save(PlainCNN(Pattern(1, 2)), "network.safetensors")
    save(SpectralRepresentation(CyclicGroup(5), 5), "five.safetensors")


ACTIONS = {
    "turn.npy": 4, "both.npy": 8, "swap.npy": 2, "turn.safetensors": 4,
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_may_be_a_file(name: str, run: Run) -> None:
    prepare_actions()
    np.save("round.npy", np.random.default_rng(3).normal(size=(300, 2)))
    tested = run("test", "round.npy", "--action", name, "--json", *FAST)
    assert (tested.status, tested.err) == (0, "")
    assert tested.json["order"] == ACTIONS[name]


@pytest.mark.slow
def test_what_was_discovered_is_tested_on_other_data(run: Run) -> None:
    rng = np.random.default_rng(0)
    rows = rng.exponential(size=(20_000, 4)) @ np.array(
        [np.roll([1, 0.8, 0, 0], k) for k in range(4)]
    )
    np.save("some.npy", rows[:10_000])
    np.save("others.npy", rows[10_000:])
    assert run("discover", "some.npy", "--out", "found").status == 0
    file = "found/weights/representation.safetensors"
    tested = run("test", "others.npy", "--action", file, "--json")
    assert (tested.status, tested.json["order"]) == (0, 4)
    sky = run("test", "sky", "--action", "half-turn", "--json")
    assert (sky.status, sky.json["blocks"]) == (0, 128)
    assert run("test", "digits", "--action", "half-turn", "--quiet").status == 1


def prepare() -> None:
    prepare_actions()
    np.save("rows.npy", ROWS)
    np.save("pairs.npy", ROWS[:, :2])
    np.save("seven.npy", ROWS[:7])
    np.save("same.npy", np.ones((20, 3)))
    nan = ROWS.copy()
    nan[7, 2] = np.nan
    np.save("nan.npy", nan)
    images = np.random.default_rng(0).random((20, 6, 6)).astype(np.float32)
    np.save("images.npy", images)
    images[3, 2, 1] = np.nan
    np.save("nan-images.npy", images)
    np.save("nan-matrix.npy", np.diag([1.0, np.nan]))
    np.save("line.npy", ROWS[:, 0])
    np.save("eye.npy", np.eye(2))
    labelled = [f"{x},{y},1,{k},{k / 2}" for k, (x, y, _) in enumerate(ROWS)]
    Path("rows.csv").write_text("\n".join(["x,y,one,n,half", *labelled]), encoding="utf-8")
    Path("short.fa").write_text(">p\nACGTTGCA\n", encoding="utf-8")
    Path("wrong.fa").write_text(">p\nMKVLWAALLVTF\n", encoding="utf-8")
    Path("broken.safetensors").write_bytes(b"not a tensor")
    Path("cut.npy").write_bytes(Path("turn.npy").read_bytes()[:-9])
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("five years", encoding="utf-8")


BAD: dict[str, list[str]] = {
    "": ["Missing argument 'DATA'"],
    "rows.npy": ["Missing option '--action'"],
    "rows.npy --action flip": ["--action must be a permutation such as 1,2,0, or a file, got 'fl"],
    "images.npy --action flop": ["one of quarter-turn, half-turn,", "did you mean 'flip'?"],
    "images.npy --action blur": ["--action must be one of quarter-turn"],
    "short.fa --action flip": ["one of reverse, complement, reverse-complement, a permutation"],
    "box-drawings --action reverse": ["--action must be a permutation"],
    "rows.npy --action 1,0": ["a permutation of 0 to 2, got '1,0', 2 numbers"],
    "rows.npy --action 1,1,0": ["a permutation of 0 to 2", "'1,1,0'"],
    "rows.npy --action 0,1,2": ["an action that changes something", "'0,1,2'"],
    "rows.npy --action none.npy": ["got 'none.npy'", "a file"],
    "rows.npy --action turn.npy": ["an action on 3 coordinates", "'turn.npy', on 2"],
    "rows.npy --action line.npy": ["a square matrix of real numbers", "(300,)"],
    "pairs.npy --action nan-matrix.npy": ["finite numbers", "(1, 1)"],
    "pairs.npy --action cut.npy": ["grouplearn test", "a whole .npy file"],
    "pairs.npy --action eye.npy": ["an action that changes something"],
    "pairs.npy --action stretch.npy": ["a group of at most 384 elements"],
    "pairs.npy --action broken.safetensors": ["a file that grouplearn wrote", "truncated"],
    "pairs.npy --action network.safetensors": ["a file with a representation", "PlainCNN"],
    "pairs.npy --action five.safetensors": ["an action on 2 coordinates", "on 5"],
    "no-such.npy --action flip": ["grouplearn test: DATA 'no-such.npy' must be a file"],
    "nan.npy --action 1,2,0": ["finite numbers", "nan in row 7, 'column 2'"],
    "nan-images.npy --action flip --patch-size 3": ["finite", "nan at (3, 2, 1)"],
    "seven.npy --action 1,2,0": ["at least 8 independent", "got 7"],
    "same.npy --action 1,2,0": ["different from one another"],
    "short.fa --action reverse": ["at least 8 independent blocks", "got 1"],
    "wrong.fa --action reverse": ["dna letters", "'L'"],
    "rows.csv --action 1,0 --labels one --blocks n": ["a permutation of 0 to 2", "2 numbers"],
    "rows.csv --action 1,0,2,3 --labels one": ["labels must be of at least two values"],
    "rows.csv --action 1,0,2,3 --blocks half": [
        "grouplearn test: --blocks must be a column of int"
    ],
    "rows.csv --action 1,0,2,3 --blocks one": ["at least 8 independent ones", "got 1"],
    "rows.csv --action 1,0 --labels class": ["grouplearn test: --labels must be a column"],
    "digits --action flip --labels x": ["--labels must be left out, as it is for tables"],
    "rows.npy --action 1,2,0 --level 2": ["--level must be between 0 and 1, got 2"],
    "rows.npy --action 1,2,0 --level nan": ["--level must be between 0 and 1, got nan"],
    "rows.npy --action 1,2,0 --draws 3": ["--draws must be at least 19 for a level of 0.05"],
    "rows.npy --action 1,2,0 --draws 1000000": ["--draws must be from 1 to"],
    "rows.npy --action 1,2,0 --seed -1": ["--seed must be from 0"],
    "rows.npy --action 1,2,0 --kind picture": ["grouplearn test: --kind must be one of table"],
    "rows.npy --action 1,2,0 --window 0": ["--window must be from 1 to 64"],
    "rows.npy --action 1,2,0 --out mine": ["new, empty or an earlier run"],
    "rows.npy --action 1,2,0 --drows 9": ["No such option: --drows", "--draws"],
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_answered_with_one_line(line: str, run: Run) -> None:
    prepare()
    before = everything()
    answer = run("test", *line.split())
    assert (answer.status, answer.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", answer.err)
    for part in BAD[line]:
        assert part in answer.err
    assert everything() == before


@pytest.mark.parametrize("where", ["run", "write_run"])
def test_an_interrupt_leaves_nothing(where: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    np.save("rows.npy", ROWS)
    before = everything()
    monkeypatch.setattr(invariance_console, where, stop)
    answer = run("test", "rows.npy", "--action", "1,2,0", *FAST)
    assert (answer.status, answer.err) == (130, "error: interrupted\n")
    assert everything() == before


@pytest.mark.usefixtures("run")
def test_progress_is_told_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def console(**options: Any) -> Any:
        return Console(**{**options, "force_terminal": True} if options.get("stderr") else options)

    np.save("rows.npy", ROWS)
    monkeypatch.setattr(invariance_console, "Console", console)
    assert main(["test", "rows.npy", "--action", "1,2,0", *FAST]) == 0
    assert "testing" in capsys.readouterr().err
    told: list[str] = []
    options = invariance.InvarianceOptions("rows.npy", "1,2,0", draws=99)
    assert invariance.run(options, told.append).order == 3
    assert told == ["reading", "testing"]
