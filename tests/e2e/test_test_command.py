"""`grouplearn test` through `main`: what it says, its exit status, and what it leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from grouplearn.cli import main
from grouplearn.commands import invariance, invariance_console, progress
from grouplearn.domains.samples import sample_digits, sample_sky
from tests.e2e.bad_files import prepare_actions
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
    monkeypatch.setattr(progress, "Console", console)
    assert main(["test", "rows.npy", "--action", "1,2,0", *FAST]) == 0
    assert "testing" in capsys.readouterr().err
    told: list[str] = []
    options = invariance.InvarianceOptions("rows.npy", "1,2,0", draws=99)
    assert invariance.run(options, told.append).order == 3
    assert told == ["reading", "testing"]
