"""`grouplearn train`, `compare` and `export`, on embedded data and bad input."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from grouplearn.cli import main
from grouplearn.models import LGCNN, LGN, PlainCNN, Standardised
from grouplearn.representations import DenseRepresentation, FixedRepresentation
from grouplearn.training import load, save

SMALL = ["--parameters", "1500", "--epochs", "2", "--batch-size", "64"]
FILES = {"config.json", "result.json", "report.html", "network.safetensors", "last.safetensors",
         "history.png", "log/metrics.csv"}  # fmt: skip


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(arguments)
        return Outcome(status, out.getvalue(), err.getvalue())

    return call


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def network_of(folder: Path) -> Any:
    network = load(folder / "network.safetensors")
    return network.network if isinstance(network, Standardised) else network


def test_a_known_group_trains_and_leaves_a_whole_folder(run: Run) -> None:
    result = run("train", "digits", "--action", "quarter-turn", *SMALL, "--out", "a")
    assert result.status == 0, result.err
    assert files(Path("a")) >= FILES | {"filters.png"}
    assert "Group: C4, which acts by quarter-turn, half-turn, three-quarter-turn." in result.out
    found = json.loads(Path("a/result.json").read_text())
    assert 0 <= found["score"] <= 1
    assert found["tested"] == 359
    assert abs(found["parameters"] - 1500) < 200
    assert found["defects"] == {"closure": 0.0, "homomorphism": 0.0, "invertibility": 0.0}
    assert isinstance(network_of(Path("a")), LGCNN)
    page = Path("a/report.html").read_text()
    assert "quarter-turn" in page
    assert page.count("data:image/png") == 2
    rows = list(csv.DictReader(Path("a/log/metrics.csv").read_text().splitlines()))
    assert len(rows) == 2
    assert "grouplearn train digits" in json.loads(Path("a/config.json").read_text())["command"]


def test_the_group_is_chosen_by_short_runs(run: Run) -> None:
    result = run("train", "digits", "--rotated", *SMALL, "--json", "--out", "a")
    assert result.status == 0, result.err
    found = result.json
    assert len(found["choice"]) == 8
    assert sum(each["chosen"] for each in found["choice"]) == 1
    chosen = next(each for each in found["choice"] if each["chosen"])
    assert chosen["group"] == found["group"]
    assert "The choice of the group" in Path("a/report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--network", "plain"], PlainCNN),
        (["--action", "none"], LGCNN),
        (["--action", "square", "--shift", "1"], LGCNN),
        (["--action", "discovered"], LGCNN),
        (["--action", "random", "--order", "3", "--closure", "soft"], LGCNN),
        (["--action", "random", "--closure", "exact", "--moments", "0.1"], LGCNN),
        (["--action", "trained", "--closure", "exact", "--rotated"], LGCNN),
        (["--objective", "similarity", "--action", "flip", "--classes", "0,1,7"], LGCNN),
        (["--network", "lgn", "--objective", "reconstruction"], LGN),
        (["--network", "lgn", "--precision", "bfloat16", "--schedule", "halving"], LGN),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_every_way_to_train(run: Run, arguments: list[str], kind: type[Any]) -> None:
    result = run("train", "digits", *SMALL, *arguments, "--json", "--out", "a")
    assert result.status == 0, result.err
    assert isinstance(network_of(Path("a")), kind)
    if "exact" in arguments:
        assert result.json["defects"]["closure"] < 1e-5
    if "soft" in arguments:
        assert result.json["defects"]["closure"] > 1e-4


def test_an_action_is_taken_from_another_run(run: Run) -> None:
    run("train", "digits", "--action", "random", *SMALL, "--out", "a")
    result = run("train", "digits", "--action", "a/network.safetensors", *SMALL, "--json",
                 "--out", "b")  # fmt: skip
    assert result.status == 0, result.err
    first, second = network_of(Path("a")), network_of(Path("b"))
    taken = second.layer_representations()[0]
    assert isinstance(taken, DenseRepresentation)
    assert torch.equal(taken.weight, first.layer_representations()[0].weight), "not trained again"


def test_runs_are_compared_with_intervals(run: Run) -> None:
    folders = []
    for seed in ("0", "1"):
        for name, arguments in (("flip", ["--action", "flip"]), ("plain", ["--network", "plain"])):
            folders.append(f"{name}-{seed}")
            run("train", "digits", *SMALL, *arguments, "--seed", seed, "--out", folders[-1])
    order = sorted(folders)
    rows = run("compare", *order, "--json", "--out", "page.html").json
    scores = [[json.loads(Path(f, "result.json").read_text())["score"] for f in order[k : k + 2]]
              for k in (0, 2)]  # fmt: skip
    assert [row["network"] for row in rows] == ["LGCNN, flip", "plain CNN"]
    assert [row["mean"][0] for row in rows] == pytest.approx([np.mean(each) for each in scores])
    assert rows[0]["difference"] is None
    gap = np.mean(np.subtract(scores[1], scores[0]))
    assert rows[1]["difference"][0] == pytest.approx(gap)
    table = run("compare", *order).out
    assert "C2 (flip)" in table
    assert "±" in table
    assert "Networks side by side" in Path("page.html").read_text()
    again = run("compare", *order, order[0])
    assert again.status == 2
    assert "one run for each seed" in again.err


def test_exports_give_the_same_outputs(run: Run) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    run("train", "digits", "--action", "quarter-turn", *SMALL, "--out", "a")
    for name in ("net.onnx", "net.pt2"):
        result = run("export", "a", "--to", name, "--size", "8x8", "--json")
        assert result.status == 0, result.err
        assert Path(name).stat().st_size == result.json["bytes"]
        assert result.json["largest_difference"] < 1e-4
    assert "outputs differ" in run("export", "a", "--to", "b.pt2", "--size", "8x8").out


def test_a_cut_off_run_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["digits", "--action", "flip", *SMALL]
    whole = run("train", *arguments, "--out", "whole", "--json").json
    from grouplearn.commands import train_console

    def cut(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(train_console, "finish_run", cut)
        assert run("train", *arguments, "--out", "a").status == 130
    assert "result.json" not in files(Path("a"))
    other = run("train", "digits", "--action", "flip", *SMALL[:-2], "--out", "a", "--resume")
    assert other.status == 2
    assert "as the run in 'a' has it" in other.err
    resumed = run("train", *arguments, "--out", "a", "--resume", "--json")
    assert resumed.status == 0, resumed.err
    assert resumed.json["score"] == whole["score"]
    assert "a finished one" in run("train", *arguments, "--out", "a", "--resume").err


def test_options_come_from_a_file(run: Run) -> None:
    run("train", "digits", "--action", "flip", *SMALL, "--seed", "3", "--out", "a")
    again = run("train", "digits", "--config", "a/config.json", "--out", "b", "--json")
    assert again.status == 0, again.err
    assert again.json["score"] == json.loads(Path("a/result.json").read_text())["score"]
    Path("own.json").write_text(json.dumps({"network": "plain", "parameters": 1500,
                                            "fit": {"epochs": 1}}))  # fmt: skip
    own = run("train", "digits", "--config", "own.json", "--json")
    assert own.json["network"] == "plain CNN"


def test_pictures_in_folders_train(run: Run) -> None:
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 150)):
        Path("pictures", name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(low, low + 100, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path("pictures", name, f"{number}.png"))
    result = run("train", "pictures", "--action", "flip", *SMALL, "--json")
    assert result.status == 0, result.err
    assert result.json["tested"] == 4
    assert str(result.json["folder"]).startswith("runs")


BAD: dict[str, list[str]] = {
    "nowhere": ["must be a folder, got nothing"],
    "digits --network lgccn": ["--network must be one of lgcnn, plain, lgn", "did you mean"],
    "digits --objective fun": ["--objective must be one of"],
    "digits --action sideways": ["--action must be one of auto", "or a file"],
    "digits --action flip --closure soft": ["--closure must be left out"],
    "digits --network plain --action flip": ["--action must be left out"],
    "digits --objective reconstruction": ["--objective must be reconstruction for --network lgn"],
    "digits --classes 0": ["--classes must be two or more of 0 to 9"],
    "digits --classes 3,11": ["--classes must be two or more of 0 to 9"],
    "digits --classes a,b": ["--classes must be numbers such as 0,1,2"],
    "digits --parameters 20": ["--parameters must be from 100"],
    "digits --parameters 150 --action square": ["budget must be"],
    "digits --epochs 0": ["epochs must be an integer >= 1"],
    "digits --learning-rate -1": ["learning_rate must be a finite number > 0"],
    "digits --schedule never": ["schedule must be one of"],
    "digits --action wrong.safetensors": ["a representation on R^9"],
    "digits --action broken.safetensors": ["load: path", "truncated"],
    "odd": ["images whose height and width 4 divides, got 6 x 6"],
    "digits --config none.json": ["--config 'none.json' must be a JSON file"],
    "digits --config odd.json": ["--config must be of this command's options"],
    "digits --resume": ["--out must be the folder of a run"],
    "digits --resume --out other": ["--out must be the folder of a run"],
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(run: Run, line: str) -> None:
    save(FixedRepresentation.from_permutations([[1, 0]]), "wrong.safetensors")
    Path("broken.safetensors").write_bytes(Path("wrong.safetensors").read_bytes()[:60])
    Path("odd.json").write_text('{"options": {"unheard": 1}}')
    for name in ("a", "b"):
        Path("odd", name).mkdir(parents=True)
        Image.new("L", (6, 6), 9).save(Path("odd", name, "0.png"))
    result = run("train", *line.split())
    assert result.status == 2, result.out
    assert result.err.count("\n") == 1
    for part in BAD[line]:
        assert part in result.err, result.err
    assert result.out == ""


def test_a_loss_that_is_no_number_is_status_one(run: Run) -> None:
    result = run("train", "digits", "--action", "flip", *SMALL, "--learning-rate", "1e30",
                 "--schedule", "constant", "--out", "a")  # fmt: skip
    assert result.status == 1
    assert "the cross-entropy term must stay finite" in result.err
    assert "result.json" not in files(Path("a"))


def test_other_commands_refuse_what_is_no_run(run: Run) -> None:
    Path("empty").mkdir()
    assert "a finished run of grouplearn train" in run("compare", "empty").err
    assert "ends in .onnx or .pt2" in run("export", "empty", "--to", "x.bin").err
    run("train", "digits", "--network", "lgn", *SMALL, "--out", "a")
    assert "an LGCNN or a plain CNN" in run("export", "a", "--to", "x.pt2").err
    Path("y.pt2").write_text("mine")
    assert "a new file" in run("export", "a", "--to", "y.pt2").err
    assert "numbers such as 28x28" in run("export", "a", "--to", "x.pt2", "--size", "8").err
    run("train", "digits", "--network", "plain", *SMALL, "--classes", "0,1", "--out", "b")
    mixed = run("compare", "a", "b")
    assert mixed.status == 2
    assert "runs on the same data" in mixed.err


def test_an_earlier_run_is_replaced_only_when_asked(run: Run) -> None:
    arguments = ["train", "digits", "--network", "plain", *SMALL, "--out", "a"]
    assert run(*arguments).status == 0
    refused = run(*arguments)
    assert refused.status == 2
    assert "--overwrite" in refused.err
    assert run(*arguments, "--overwrite", "--quiet") == Outcome(0, "", "")


def test_a_terminal_sees_progress(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("train", "digits", "--rotated", *SMALL)
    assert "C4" in result.err
    assert "loss" in result.err


@pytest.fixture(autouse=True)
def quiet_environment() -> Iterator[None]:
    """Lightning leaves variables of its own behind."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
