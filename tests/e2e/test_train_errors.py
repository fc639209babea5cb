"""`grouplearn train`, `compare` and `export`: bad input, and runs that are ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grouplearn.representations import FixedRepresentation
from grouplearn.training import save
from tests.e2e.running import SHORT, SMALL, Outcome, Run, files

BAD: dict[str, list[str]] = {
    "nowhere": ["DATA must be a folder, or"],
    "digits --network lgccn": ["--network must be one of lgcnn, plain, lgn", "did you mean"],
    "digits --objective fun": ["--objective must be one of"],
    "digits --action sideways": ["--action must be one of auto", "a file"],
    "digits --action flip --closure soft": ["--closure must be left out"],
    "digits --action flip --order 3": ["--order must be left out, unless the action is random"],
    "digits --network plain --action flip": ["--action must be left out"],
    "digits --objective reconstruction": ["--objective must be reconstruction for --network lgn"],
    "digits --classes 0": ["--classes must be two or more of 0 to 9"],
    "digits --classes 3,11": ["--classes must be two or more of 0 to 9"],
    "digits --classes a,b": ["--classes must be numbers such as 0,1,2"],
    "digits --parameters 20": ["--parameters must be from 100"],
    "digits --parameters 150 --action square": ["budget must be"],
    "digits --network lgn --parameters 1500": ["--parameters must be left out, as --network lgn"],
    "digits --batch-size 100000": ["--batch-size must be at most 1,438"],
    "digits --epochs 0": ["epochs must be an integer >= 1"],
    "digits --learning-rate -1": ["learning_rate must be a finite number > 0"],
    "digits --schedule never": ["schedule must be one of"],
    "digits --action wrong.safetensors": ["one representation on R^9"],
    "digits --action broken.safetensors": ["load: path", "truncated"],
    "odd": ["images of at least 4 x 4 pixels, got 3 x 3"],
    "digits --config none.json": ["--config 'none.json' must be a JSON file"],
    "digits --config odd.json": ["--config must be of this command's options"],
    "digits --resume": ["--out must be the folder of a run"],
    "digits --config odd.json --epochs 3": ["--config must be without the options", "--epochs"],
    "digits --config five.json": ["--config must be an object of options, got 5"],
    "digits --config text.json": ["--config: rotated must be of type bool, got 'false'"],
    "digits --action quater-turn": ["did you mean 'quarter-turn'?"],
    "digit": ["DATA must be a folder, or 'digits'"],
    "few": ["DATA must be enough images that the fifth held out"],
    "digits --network lgn --moments 1": ["--moments must be left out"],
    "digits --seed 99999999999999999999": ["seed must be below 2**63"],
    "digits --accelerator tpu": ["--accelerator must be one of"],
    "digits --resume --out other": ["--out must be the folder of a run"],
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(run: Run, line: str) -> None:
    save(FixedRepresentation.from_permutations([[1, 0]]), "wrong.safetensors")
    Path("broken.safetensors").write_bytes(Path("wrong.safetensors").read_bytes()[:60])
    Path("odd.json").write_text('{"options": {"unheard": 1}}')
    Path("five.json").write_text('{"options": 5}')
    Path("text.json").write_text('{"options": {"rotated": "false"}}')
    for name in ("a", "b"):
        for folder, side in (("odd", 3), ("few", 8)):
            Path(folder, name).mkdir(parents=True)
            Image.new("L", (side, side), 9).save(Path(folder, name, "0.png"))
    result = run("train", *line.split())
    assert result.status == 2, result.out
    assert result.err.count("\n") == 1
    for part in BAD[line]:
        assert part in result.err, result.err
    assert result.out == ""
    assert not Path("runs").exists()


def test_a_loss_that_is_no_number_is_status_one(run: Run) -> None:
    result = run("train", "digits", "--action", "flip", *SMALL, "--learning-rate", "1e30",
                 "--schedule", "constant", "--out", "a")  # fmt: skip
    assert result.status == 1
    assert "the cross-entropy term must stay finite" in result.err
    assert "result.json" not in files(Path("a"))


@pytest.mark.slow
def test_other_commands_refuse_what_is_no_run(run: Run) -> None:
    Path("empty").mkdir()
    assert "a finished run of grouplearn train" in run("compare", "empty").err
    assert "ends in .onnx or .pt2" in run("export", "empty", "--to", "x.bin").err
    run("train", "digits", "--network", "lgn", *SHORT, "--out", "a")
    assert "an LGCNN or a plain CNN" in run("export", "a", "--to", "x.pt2").err
    Path("y.pt2").write_text("mine")
    assert "a new file" in run("export", "a", "--to", "y.pt2").err
    assert "numbers such as 28x28" in run("export", "a", "--to", "x.pt2", "--size", "8").err
    run("train", "digits", "--network", "plain", *SMALL, "--classes", "0,1", "--out", "b")
    mixed = run("compare", "a", "b")
    assert mixed.status == 2
    assert "runs on the same data" in mixed.err
    run("train", "digits", "--network", "lgn", "--objective", "similarity", *SHORT, "--out", "c")
    assert "of one objective" in run("compare", "a", "c").err
    assert "ends in .html" in run("compare", "a", "--out", "page.txt").err
    assert "in a folder that exists" in run("export", "b", "--to", "none/x.pt2").err
    assert "--size must be images of at least 4 x 4 pixels" in run(
        "export", "b", "--to", "x.pt2", "--size", "3x30"
    ).err  # fmt: skip
    Path("a/result.json").write_text("{}")
    assert "other content (KeyError('network'))" in run("compare", "a").err


def test_a_signal_ends_a_run_that_can_go_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from grouplearn.training import objectives

    score = objectives.Classification.terms

    def ends(self: Any, model: Any, batch: Any) -> Any:
        if Path("a/last.safetensors").exists():
            os.kill(os.getpid(), signal.SIGTERM)
        return score(self, model, batch)

    arguments = ["train", "digits", "--network", "plain", *SMALL, "--out", "a"]
    with monkeypatch.context() as patched:
        patched.setattr(objectives.Classification, "terms", ends)
        ended = run(*arguments)
    assert ended.status == 130
    assert "a keeps the last finished epoch: go on with --resume" in ended.err
    assert run(*arguments, "--resume").status == 0


@pytest.mark.slow
def test_an_earlier_run_is_replaced_only_when_asked(run: Run) -> None:
    arguments = ["train", "digits", "--network", "plain", *SMALL, "--out", "a"]
    assert run(*arguments).status == 0
    refused = run(*arguments)
    assert refused.status == 2
    assert "--overwrite" in refused.err
    assert run(*arguments, "--overwrite", "--quiet") == Outcome(0, "", "")
    before = {name: Path("a", name).read_bytes() for name in files(Path("a"))}
    for wrong in (["--learning-rate", "1e30"], ["--action", "none.safetensors"]):
        failed = [*arguments, "--network", "lgcnn", "--schedule", "constant", *wrong]
        assert run(*failed, "--overwrite").status in (1, 2)
        assert {name: Path("a", name).read_bytes() for name in files(Path("a"))} == before
    assert run("train", "nowhere", "--out", "a", "--overwrite").status == 2
    assert {name: Path("a", name).read_bytes() for name in files(Path("a"))} == before
    assert sorted(each.name for each in Path().iterdir()) == ["a"]
