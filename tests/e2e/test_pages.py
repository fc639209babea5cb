"""The programs that report pages show, run as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running import SMALL, Run
from tests.unit.test_report import Reader


def program(page: Path) -> str:
    """The snippet below "Use it"."""
    html = page.read_text(encoding="utf-8")
    section = html.partition(">Use it</h2>")[2].partition("</section>")[0]
    (code,) = Reader(section).of("code")
    return code


def output(page: Path, before: str, after: str) -> str:
    """What a program prints in the folder of its run."""
    lines = [before, program(page), after]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=page.parent, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.slow
def test_the_program_of_a_finding_runs(run: Run) -> None:
    rows = np.random.default_rng(0).exponential(size=(4000, 4)) ** 2
    np.save("rows.npy", rows + 0.6 * np.roll(rows, 1, axis=1))
    for line in (("sky", "--patch-size", "3"), ("chloroplast", "--window", "2"), ("rows.npy",)):
        assert run("discover", *line, "--out", line[0].partition(".")[0]).status == 0
    moved = "print(found.group, *moves)"
    assert output(Path("sky/report.html"), "", moved).startswith("D4 identity ")
    shown = output(Path("chloroplast/report.html"), "", moved)
    assert shown == "C2 identity reverse-complement"
    given = "import torch; x = torch.arange(4, dtype=torch.float64)"
    said = output(Path("rows/report.html"), given, "print(found.group, *orbit.shape)")
    assert said == "C4 4 4"


@pytest.mark.slow
def test_the_program_of_a_network_runs(run: Run) -> None:
    assert run("train", "digits", "--action", "none", *SMALL, "--out", "a").status == 0
    given = "import torch; images = torch.rand(3, 1, 8, 8)"
    assert output(Path("a/report.html"), given, "print(*scores.shape)") == "3 10"
