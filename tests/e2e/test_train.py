"""`grouplearn train`, `compare` and `export`, on embedded data and bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from grouplearn.models import LGCNN, LGN, PlainCNN, Standardised
from grouplearn.representations import DenseRepresentation
from grouplearn.training import load
from tests.e2e.running import SHORT, SMALL, Run, files

FILES = {"config.json", "result.json", "report.html", "network.safetensors", "last.safetensors",
         "history.png", "log/metrics.csv"}  # fmt: skip


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
    assert page.count('src="data:image/png') == 4  # confusion, mistakes, history, filters
    assert "taken for" in page
    assert "Correct on" in page
    rows = list(csv.DictReader(Path("a/log/metrics.csv").read_text().splitlines()))
    assert len(rows) == 2
    assert "grouplearn train digits" in json.loads(Path("a/config.json").read_text())["command"]


@pytest.mark.slow
def test_the_group_is_chosen_by_short_runs(run: Run) -> None:
    result = run("train", "digits", "--rotated", *SMALL, "--json", "--out", "a")
    assert result.status == 0, result.err
    found = result.json
    assert len(found["choice"]) == 8
    assert sum(each["chosen"] for each in found["choice"]) == 1
    chosen = next(each for each in found["choice"] if each["chosen"])
    assert chosen["group"] == found["group"]
    assert "The choice of the group" in Path("a/report.html").read_text()


@pytest.mark.slow
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
    size = SHORT if "lgn" in arguments else SMALL
    result = run("train", "digits", *size, *arguments, "--json", "--out", "a")
    assert result.status == 0, result.err
    assert isinstance(network_of(Path("a")), kind)
    if "exact" in arguments:
        assert result.json["defects"]["closure"] < 1e-5
    if "soft" in arguments:
        assert result.json["defects"]["closure"] > 1e-4


@pytest.mark.slow
def test_an_action_is_taken_from_another_run(run: Run) -> None:
    run("train", "digits", "--action", "random", *SMALL, "--out", "a")
    result = run("train", "digits", "--action", "a/network.safetensors", *SMALL, "--json",
                 "--out", "b")  # fmt: skip
    assert result.status == 0, result.err
    first, second = network_of(Path("a")), network_of(Path("b"))
    taken = second.layer_representations()[0]
    assert isinstance(taken, DenseRepresentation)
    assert torch.equal(taken.weight, first.layer_representations()[0].weight), "not trained again"


@pytest.mark.slow
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


@pytest.mark.slow
def test_exports_give_the_same_outputs(run: Run) -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    run("train", "digits", "--action", "quarter-turn", *SMALL, "--out", "a")
    for name in ("net.onnx", "net.pt2"):
        result = run("export", "a", "--to", name, "--size", "8x8", "--json")
        assert result.status == 0, result.err
        assert Path(name).stat().st_size == result.json["bytes"]
        assert result.json["largest_difference"] < 1e-4
    assert "outputs differ" in run("export", "a", "--to", "b.pt2").out
    file = "a/network.safetensors"
    assert "--size must be given where there is no finished run" in run(
        "export", file, "--to", "c.pt2"
    ).err  # fmt: skip


def test_a_file_with_other_outputs_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from grouplearn.commands import export

    run("train", "digits", "--action", "flip", *SMALL, "--out", "a")

    def wrong(_: Any, x: torch.Tensor) -> tuple[bytes, torch.Tensor]:
        return b"a file", x.new_full((2, 10), float("nan"))

    monkeypatch.setattr(export, "_program", wrong)
    result = run("export", "a", "--to", "b.pt2")
    assert result.status == 2
    assert "a file with the network's outputs, got a difference of nan" in result.err
    assert not list(Path().glob("*.pt2"))
    assert not list(Path().glob(".*.pt2"))


@pytest.mark.slow
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


def test_a_run_that_goes_on_does_not_search_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short runs are replaced by given scores; a search that was over leaves its evidence."""
    from grouplearn.commands import train
    from grouplearn.domains import choosing
    from grouplearn.training import Choice, Tried

    def given(candidates: Any, *_: Any, **__: Any) -> Choice:
        reps = sorted(candidates, key=lambda rep: rep.group.order)
        tried = tuple(Tried(rep, (0.25, 0.5), 100, 1.0) for rep in reps)
        return Choice(reps[1], tried, "It was given.")

    def cut(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    arguments = ["train", "digits", "--rotated", *SMALL, "--out", "a"]
    with monkeypatch.context() as patched:
        patched.setattr(choosing, "choose", given)
        patched.setattr(train, "fit", cut)
        cut_off = run(*arguments)
    assert cut_off.status == 130
    assert "a keeps the choice of the group: go on with --resume" in cut_off.err
    assert files(Path("a")) == {"config.json", "choice.json"}
    monkeypatch.setattr(choosing, "choose", cut)
    kept = Path("a/choice.json").read_text()
    for wrong, part in ((kept[:-9], "with a whole choice.json"), ("{}", "with a whole choice"),
                        (kept.replace("0.0", "1.0", 1), "others in choice.json")):  # fmt: skip
        Path("a/choice.json").write_text(wrong)
        refused = run(*arguments, "--resume")
        assert refused.status == 2
        assert part in refused.err
    Path("a/choice.json").write_text(kept)
    resumed = run(*arguments, "--resume", "--json")
    assert resumed.status == 0, resumed.err
    chosen = next(each for each in resumed.json["choice"] if each["chosen"])
    assert chosen["group"] == resumed.json["group"]
    assert (chosen["score"], chosen["runs"]) == (0.375, 2)
    assert {each["score"] for each in resumed.json["choice"]} == {0.375}


@pytest.mark.slow
def test_options_come_from_a_file(run: Run) -> None:
    run("train", "digits", "--action", "flip", *SMALL, "--seed", "3", "--out", "a")
    again = run("train", "digits", "--config", "a/config.json", "--out", "b", "--json")
    assert again.status == 0, again.err
    assert again.json["score"] == json.loads(Path("a/result.json").read_text())["score"]
    Path("own.json").write_text(json.dumps({"network": "plain", "parameters": 1500,
                                            "fit": {"epochs": 1}}))  # fmt: skip
    own = run("train", "digits", "--config", "own.json", "--seed", "5", "--json")
    assert own.json["network"] == "plain CNN"
    assert own.json["seed"] == 5


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


def test_one_answer_to_all_is_said(run: Run) -> None:
    """Of noise that is of one class nine times in ten, a network says that class alone."""
    rng = np.random.default_rng(0)
    for name, count in (("often", 90), ("seldom", 10)):
        Path("noise", name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(Path("noise", name, f"{number}.png"))
    options = ["--parameters", "1500", "--epochs", "10", "--batch-size", "20"]
    result = run("train", "noise", "--network", "plain", *options, "--out", "a")
    assert "It takes every test sample for often: it tells nothing apart." in result.out
    assert "One answer to all" in Path("a/report.html").read_text()
    # Of 20 pictures held out, whichever they are, the share that is of that class.
    assert json.loads(Path("a/result.json").read_text())["score"] * 20 in range(15, 21)


def test_rows_say_in_what_runs_differ(run: Run) -> None:
    for epochs in ("1", "2"):
        run("train", "digits", "--network", "plain", *SMALL, "--epochs", epochs, "--out", epochs)
    rows = run("compare", "1", "2", "--json").json
    assert [row["network"] for row in rows] == ["plain CNN, epochs 1", "plain CNN, epochs 2"]
    run("train", "digits", "--network", "plain", *SMALL, "--classes", "0,1", "--out", "two")
    refused = run("compare", "1", "two")
    assert refused.status == 2
    assert "got 1, two, which differ in classes; compare them apart" in refused.err


@pytest.mark.slow
def test_double_precision_goes_all_the_way(run: Run) -> None:
    result = run("train", "digits", "--action", "flip", *SMALL, "--precision", "float64",
                 "--out", "a")  # fmt: skip
    assert result.status == 0, result.err
    assert run("export", "a", "--to", "a.pt2").status == 0
    again = run("train", "digits", "--action", "a/network.safetensors", *SMALL)
    assert again.status == 0, again.err
    lgn = run("train", "digits", "--network", "lgn", *SHORT, "--precision", "float64")
    assert lgn.status == 0, lgn.err


@pytest.mark.slow
def test_a_terminal_sees_progress(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("train", "digits", "--rotated", *SMALL)
    assert "C4" in result.err
    assert "loss" in result.err
