"""Readers who leave, full disks, closed streams, narrow encodings; Ctrl-C from the beginning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Run

ROOT = Path(__file__).resolve().parents[2]
HELP = ["-m", "grouplearn", "--help"]
PRINT = """
import sys
from grouplearn.commands.streams import fail, standard_streams
try:
    with standard_streams():
        for _ in range(20_000):
            print("Größe")
        print("at last", file=sys.stderr)
        status = 1
except OSError as problem:
    status = fail(f"{problem.filename}: {problem.strerror}", 2)
sys.exit(status)
"""


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *arguments], stderr=subprocess.PIPE, text=True, check=False,
        env=environment, **options,
    )  # fmt: skip


@pytest.fixture
def nobody() -> Any:
    """The end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_reader_who_has_gone_is_no_error(nobody: int, encoding: str) -> None:
    result = python(*HELP, stdout=nobody, env={"PYTHONIOENCODING": encoding})
    assert (result.returncode, result.stderr) == (0, "")


def test_what_comes_after_the_reader_has_gone_is_done_all_the_same(nobody: int) -> None:
    """The status of a command, such as 1 for a symmetry that is rejected, stays."""
    result = python("-c", PRINT, stdout=nobody)
    assert (result.returncode, result.stderr) == (1, "at last\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_named() -> None:
    with Path("/dev/full").open("w") as full:
        result = python(*HELP, stdout=full)
        wanted = "error: cannot write 'standard output': No space left on device\n"
        assert (result.returncode, result.stderr) == (2, wanted)
        result = python("-c", PRINT, stdout=full)
    wanted = "at last\nerror: standard output: No space left on device\n"
    assert (result.returncode, result.stderr) == (2, wanted)


def test_closed_streams_swallow_all() -> None:
    for closed in (1, 2):
        program = f"import os, sys; os.close({closed}); os.execv(sys.executable, sys.argv[1:])"
        result = python("-c", program, sys.executable, "-c", PRINT, stdout=subprocess.DEVNULL)
        assert result.returncode == 1, result.stderr
        assert result.stderr == ("at last\n" if closed == 1 else "")


def test_letters_that_a_terminal_lacks_are_escaped() -> None:
    result = python("-c", PRINT, stdout=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"})
    assert result.stdout == "Gr\\xf6\\xdfe\n" * 20_000


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children do not ignore Ctrl-C, as they would where the tests themselves run in background."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("moment", ["typer", "torch"])
def test_an_interrupt_is_one_line_from_the_beginning(moment: str, tmp_path: Path) -> None:
    """Python tells what it imports, so that the moment is the same on every machine."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "grouplearn", "discover", "digits"],
        stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.split("|")[-1].strip().startswith(moment):
                break
        process.send_signal(signal.SIGINT)
        rest = [line for line in process.stderr if not line.startswith("import time:")]
    assert rest == ["error: interrupted\n"]
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("interruptible")
def test_a_module_that_swallows_an_interrupt_is_left_at_once(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(
        "import os, signal\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "except BaseException:\n"
        "    raise ImportError('mangled')\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    result = python("-m", "grouplearn", "learn", stdout=subprocess.PIPE, env={"PYTHONPATH": path})
    assert (result.returncode, result.stderr) == (130, "error: interrupted\n")


def test_errors_of_the_system_are_put_into_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [
        (OSError(28, "No space left on device", "a"), "cannot write 'a': No space left on device"),
        (OSError(5, "Input/output error"), "cannot read or write a file: Input/output error"),
        (OSError("cut short"), "cannot read or write a file: cut short"),
    ]
    for problem, words in cases:

        def fail(*_: Any, problem: OSError = problem, **__: Any) -> None:
            raise problem

        monkeypatch.setattr("grouplearn.commands.console.learn", fail)
        assert run("learn") == (2, "", f"error: {words}\n")
