"""Running the command line within a test."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from grouplearn.cli import main

SHORT = ["--epochs", "2", "--batch-size", "64"]
SMALL = ["--parameters", "1500", *SHORT]


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


def earlier_run(folder: Path) -> None:
    """What is known as an earlier run: the mark alone."""
    folder.mkdir(parents=True)
    mark = {"command": "grouplearn", "options": {}, "versions": {"grouplearn": "0"}}
    (folder / "config.json").write_text(json.dumps(mark | {"files": ["config.json"]}))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def call(*arguments: str) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    return Outcome(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def same_environment() -> Iterator[None]:
    """Lightning leaves variables of its own behind."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]


def run_in(folder: Path) -> Run:
    """Run command lines in a folder."""

    def run(*arguments: str) -> Outcome:
        before = Path.cwd()
        os.chdir(folder)
        try:
            with same_environment():
                return call(*arguments)
        finally:
            os.chdir(before)

    return run
