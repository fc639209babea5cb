"""`grouplearn learn` refuses with one line and a status, and leaves nothing half-written."""

from __future__ import annotations

import os
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
from tests.e2e.bad_files import prepare_learn

QUICK = ["learn", "--patch-size", "3", "--patches", "50", "--epochs", "2", "--restarts", "0"]
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
HEADER = struct.pack(">HBBIII", 0, 8, 3, *IMAGES.shape)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def everything() -> dict[str, bytes | None]:
    """All that lies below the current folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


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
    prepare_learn()
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
    prepare_learn()
    assert main([*QUICK, "--out", "earlier", "--overwrite", "--quiet"]) == 0
    assert Path("earlier/report.html").is_file()
    assert main([*QUICK, "--out", "empty", "--quiet"]) == 0
    assert Path("empty/report.html").is_file()
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_a_failed_exchange_puts_the_earlier_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_learn()
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
