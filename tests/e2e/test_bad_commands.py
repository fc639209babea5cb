"""Bad command lines: each is answered in one line, with status 2, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grouplearn.cli import main
from tests.e2e import bad_files
from tests.e2e.bad_lines import (
    DISCOVER,
    INSPECT,
    LEARN,
    OTHERS,
    READING,
    SEQUENCES,
    TEST,
    TOKENS,
    TRAIN,
)
from tests.e2e.running import same_environment

LINES: dict[str, tuple[Callable[[], None], dict[str, list[str]]]] = {
    "learn": (bad_files.prepare_learn, LEARN),
    "discover": (bad_files.prepare_discover, DISCOVER),
    "reading": (bad_files.prepare_reading, READING),
    "test": (bad_files.prepare_test, TEST),
    "train": (bad_files.prepare_train, TRAIN),
    "inspect": (bad_files.prepare_inspect, INSPECT),
    "sequences": (bad_files.prepare_sequences, SEQUENCES),
    "tokens": (bad_files.prepare_tokens, TOKENS),
    "others": (bad_files.prepare_reading, OTHERS),
}
Place = tuple[Path, dict[str, tuple[int, int]]]


def everything() -> dict[str, tuple[int, int]]:
    """All that lies below the current folder, with sizes and times of change."""
    found = {str(path): path.stat() for path in Path().rglob("*")}
    return {path: (each.st_size, each.st_mtime_ns) for path, each in found.items()}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """A folder for each table of lines, and what is in it."""
    found = {}
    with pytest.MonkeyPatch.context() as patched:
        for name, (prepare, _) in LINES.items():
            folder = tmp_path_factory.mktemp(name)
            patched.chdir(folder)
            prepare()
            found[name] = folder, everything()
    return found


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name, (_, table) in LINES.items() for line in table]
)
def test_a_bad_line_is_answered_with_one(
    name: str,
    line: str,
    places: dict[str, Place],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, before = places[name]
    monkeypatch.chdir(folder)
    with same_environment():
        assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"error: [^\n]+\n", captured.err), captured.err
    assert [part for part in LINES[name][1][line] if part not in captured.err] == [], captured.err
    assert everything() == before


def test_there_are_enough_lines() -> None:
    assert sum(len(table) for _, table in LINES.values()) >= 110
