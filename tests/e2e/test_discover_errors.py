"""`grouplearn discover` refuses with one line and a status, and leaves nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from grouplearn.cli import main
from grouplearn.commands import discover, discover_console, discover_output, progress
from tests.e2e.running import earlier_run

ROWS = np.random.default_rng(0).exponential(size=(300, 3)) * [1.0, 2.0, 4.0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def everything() -> dict[str, bytes | None]:
    """All that lies below the current folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


@pytest.mark.parametrize("where", ["run_all", "write_run"])
def test_an_interrupt_leaves_nothing(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    np.save("rows.npy", ROWS)
    before = everything()
    monkeypatch.setattr(discover_console, where, stop)
    assert main(["discover", "rows.npy"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert everything() == before


def test_a_failing_picture_leaves_the_earlier_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device", "report.html")

    np.save("rows.npy", ROWS)
    earlier_run(Path("earlier"))
    before = everything()
    monkeypatch.setattr(discover_output, "pictures_of", fail)
    assert main(["discover", "rows.npy", "--out", "earlier", "--overwrite"]) == 2
    assert everything() == before


def test_progress_is_told_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("rows.npy", ROWS)

    def console(**options: Any) -> Any:
        return Console(**{**options, "force_terminal": True} if options.get("stderr") else options)

    told: list[tuple[str, str]] = []
    monkeypatch.setattr(progress, "Console", console)
    monkeypatch.setattr(discover_output, "pictures_of", lambda *_: {})
    assert main(["discover", "rows.npy"]) == 0
    assert "No symmetry found." in capsys.readouterr().out
    options = discover.DiscoverOptions(("rows.npy",))
    discover.run_all(options, lambda name, step: told.append((name, step)))
    assert told[:2] == [("rows", "reading"), ("rows", "searching")]
