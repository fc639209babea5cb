"""`grouplearn train`, `compare` and `export`: bad input, and runs that are ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import SHORT, SMALL, Outcome, Run, files


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
    assert (
        "an LGCNN, a plain CNN or a network for sequences"
        in run("export", "a", "--to", "x.pt2").err
    )
    Path("y.pt2").write_text("mine")
    assert "a new file" in run("export", "a", "--to", "y.pt2").err
    run("train", "digits", "--network", "plain", *SMALL, "--classes", "0,1", "--out", "b")
    assert "numbers such as 28x28" in run("export", "b", "--to", "x.pt2", "--size", "8").err
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
    assert (
        "other content (result.json: all: nothing in place of 'classes')" in run("compare", "a").err
    )


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
