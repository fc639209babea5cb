"""`grouplearn learn` refuses with one line and a status, and leaves nothing half-written."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grouplearn.cli import main
from grouplearn.commands import console
from grouplearn.commands.folders import reserve, whole
from grouplearn.commands.marks import to_json
from grouplearn.errors import InputError
from tests.e2e.running import earlier_run

QUICK = ["learn", "--patch-size", "3", "--patches", "50", "--epochs", "2", "--restarts", "0"]
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
HEADER = struct.pack(">HBBIII", 0, 8, 3, *IMAGES.shape)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def everything() -> dict[str, bytes | None]:
    """All that lies below the current folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


def prepare() -> None:
    Path("images").write_bytes(HEADER + IMAGES.tobytes())
    Path("truncated-images-idx3").write_bytes(HEADER + IMAGES.tobytes()[:-1])
    Path("black").write_bytes(HEADER + bytes(IMAGES.size))
    Path("labels").write_bytes(struct.pack(">HBBI", 0, 8, 1, 3) + bytes(3))
    Path("empty").mkdir()
    earlier_run(Path("earlier"))
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("five years", encoding="utf-8")


BAD: dict[str, tuple[str, list[str]]] = {
    "lern": ("No such command 'lern'", ["learn"]),
    "--verbose": ("No such option: --verbose", ["--version"]),
    "learn --ordr 3": ("No such option: --ordr", ["--order", "--out", "--transform"]),
    "learn --order": ("'--order' requires an argument", ["--help"]),
    "learn --order four": ("'--order'", ["'four'", "--help"]),
    "learn --order=four": ("'--order'", ["'four'", "--help"]),
    "learn now": ("extra argument", ["now", "--help"]),
    "learn --transform trun": ("--transform must be one of", ["quarter-turn", "blur", "'trun'"]),
    "learn --transform quarterturn": ("--transform", ["did you mean 'quarter-turn'?"]),
    "learn --representation sparse": ("--representation must", ["dense", "spectral", "'sparse'"]),
    "learn --order 0": ("--order must be from 2", ["got 0"]),
    "learn --order 100000": ("--order must be from 2 to 1000", ["got 100000"]),
    "learn --patch-size 1": ("--patch-size must be from 2", ["got 1"]),
    "learn --patches 0": ("--patches must be from 1", ["got 0"]),
    "learn --restarts -1": ("--restarts must be from 0", ["got -1"]),
    "learn --seed -1": ("--seed must be from 0", ["got -1"]),
    "learn --seed 4294967296": ("--seed must be from 0", ["got 4294967296"]),
    "learn --epochs 0": ("epochs must be an integer >= 1", ["got 0"]),
    "learn --batch-size 0": ("batch_size must be an integer >= 1", ["got 0"]),
    "learn --learning-rate 0": ("learning_rate must be a finite number > 0", ["got 0"]),
    "learn --invertibility nan": ("invertibility must be a finite number", ["got nan"]),
    "learn --closure -1": ("closure must be a finite number", ["got -1"]),
    "learn --singular-values inf": ("singular_values must be a finite", ["got inf"]),
    "learn --multiplicities some": ("--multiplicities must be", ["regular", "'some'"]),
    "learn --multiplicities 1,2": ("multiplicities must be", ["dim = 25", "[1, 2]"]),
    "learn --data nowhere": ("path 'nowhere' must be", ["No such file"]),
    "learn --data empty": ("path 'empty' must be", ["a folder of 0 other files"]),
    "learn --data truncated-images-idx3": ("432 bytes of data", ["431 bytes", "truncated"]),
    "learn --data labels": ("an IDX file of images", ["1 axes of uint8"]),
    "learn --data black": ("--data must be images with pixels other than 0", ["black"]),
    "learn --data images --patch-size 7": ("at least 7 x 7 pixels", ["(10, 6, 6)"]),
    "learn --out earlier": ("--out must be a new folder", ["'earlier'", "--overwrite"]),
    "learn --out mine --overwrite": ("--out must be new, empty or", ["'mine'"]),
    "learn --out images": ("--out must be a folder", ["'images', a file"]),
    "learn --out images/below": ("--out must be below folders only", ["'images', a file"]),
}


@pytest.mark.parametrize("line", BAD)
def test_bad_usage_and_input(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare()
    before = everything()
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"error: .+; .+\n", captured.err)
    expected, parts = BAD[line]
    assert expected in captured.err
    assert [part for part in parts if part not in captured.err] == []
    assert everything() == before


def test_a_loss_that_explodes_gives_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--learning-rate", "1e300"]) == 1
    error = capsys.readouterr().err
    assert "the data term must stay finite, got inf in epoch 2; lower the learning rate" in error
    assert error.count("\n") == 1
    assert everything() == {}


def failing(problem: BaseException) -> Callable[..., None]:
    """A writer that leaves a file and then fails."""

    def write(folder: Path, *_: Any) -> None:
        (folder / "half").write_text("...", encoding="utf-8")
        raise problem

    return write


@pytest.mark.parametrize(
    ("problem", "status", "message"),
    [
        (
            OSError(28, "No space left on device", "half"),
            2,
            "cannot write 'half': No space",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_a_failed_write_leaves_everything_as_it_was(
    problem: BaseException,
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare()
    before = everything()
    monkeypatch.setattr(console, "write_run", failing(problem))
    for out in ("new/and/deep", "earlier"):
        assert main([*QUICK, "--out", out, "--overwrite"]) == status
        error = capsys.readouterr().err
        assert error.startswith(f"error: {message}")
        assert error.count("\n") == 1
        assert everything() == before


def test_interrupting_the_parser_counts_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grouplearn.commands.learn.LearnOptions", interrupted)
    assert main(["learn"]) == 130
    assert capsys.readouterr().err.strip() == "error: interrupted"


@pytest.mark.slow
def test_overwriting_replaces_an_earlier_run_whole() -> None:
    prepare()
    assert main([*QUICK, "--out", "earlier", "--overwrite", "--quiet"]) == 0
    assert Path("earlier/report.html").is_file()
    assert main([*QUICK, "--out", "empty", "--quiet"]) == 0
    assert Path("empty/report.html").is_file()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_a_failed_exchange_puts_the_earlier_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    before = everything()
    rename = Path.rename

    def once(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", once)
    for out in ("earlier", "new/run"):
        with (
            pytest.raises(OSError, match="Input/output"),
            reserve("who", Path(out), "name", overwrite=True) as place,
            whole(place) as folder,
        ):
            (folder / "file").touch()
        assert everything() == before


def test_a_folder_that_cannot_be_written_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with (
        pytest.raises(InputError, match="in a folder that can be written, got 'a/b'"),
        reserve("who", Path("a/b"), "name", overwrite=False),
    ):
        pass


def test_what_others_write_beside_a_failed_run_stays() -> None:
    def fail_beside(_: Path) -> None:
        Path("a/b/theirs").touch()
        raise OSError("stop")

    with (
        pytest.raises(OSError, match="stop"),
        reserve("who", Path("a/b/run"), "name", overwrite=False) as place,
        whole(place) as folder,
    ):
        fail_beside(folder)
    assert everything() == {"a": None, str(Path("a/b")): None, str(Path("a/b/theirs")): b""}


def test_json_has_no_infinities() -> None:
    value = {"a": [1.5, float("inf")], "b": (Path("c"), float("nan"), None, True)}
    assert to_json(value) == '{"a": [1.5, "inf"], "b": ["c", "nan", null, true]}'
