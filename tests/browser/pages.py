"""A report page of every command, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from grouplearn import CyclicGroup
from grouplearn._files import write_whole
from grouplearn.cli import main
from grouplearn.discovery import Discovery
from grouplearn.report import Page, render_page, section_of_finding, section_of_representation
from grouplearn.representations import DenseRepresentation
from tests.e2e.running import SMALL, same_environment

NASTY = "<script>alert(1)</script>"
COLUMNS = (NASTY, "a$b", "$x", "north & south", 'east "quoted"', "west")
_FAST = ("--epochs", "60", "--patches", "400", "--restarts", "0", "--patch-size", "3")


def run(folder: Path, *arguments: str) -> Path:
    """Run a command that must succeed, and return its page."""
    with same_environment():
        assert main([*arguments, "--out", str(folder / "run"), "--quiet"]) in (0, 1)
    return folder / "run" / "report.html"


def table(folder: Path) -> Path:
    """Six columns in a ring, with markup in the names of file and columns."""
    rows = np.random.default_rng(0).exponential(size=(4000, 6)) ** 2
    rows = rows + 0.6 * np.roll(rows, 1, axis=1) + 0.6 * np.roll(rows, -1, axis=1)
    file = folder / f"{NASTY.replace('/', '-')}.csv"
    names = ",".join('"' + name.replace('"', '""') + '"' for name in COLUMNS)
    np.savetxt(file, rows, delimiter=",", fmt="%.6g", header=names, comments="", encoding="utf-8")
    return file


def several(folder: Path) -> Path:
    """Images, a sequence and tokens on one page; digits are proposed and not certified."""
    data = ("chloroplast", "box-drawings", "digits")
    return run(folder, "discover", *data, "--patch-size", "3", "--window", "2")


def trained(folder: Path) -> Path:
    """A network, its group chosen by short runs and followed epoch by epoch."""
    return run(folder, "train", "digits", "--rotated", "--patience", "2", *SMALL)


def compared(folder: Path) -> Path:
    """Four networks."""
    runs = []
    for seed, action in ((0, "none"), (1, "none"), (0, "half-turn"), (1, "half-turn")):
        place = folder / f"{action}-{seed}"
        place.mkdir()
        line = ("train", "digits", "--action", action, "--seed", str(seed), *SMALL)
        runs.append(str(run(place, *line).parent))
    page = folder / "compared.html"
    assert main(["compare", *runs, "--out", str(page)]) == 0
    return page


def acting(folder: Path) -> Path:
    """A finding and a representation without their data."""
    run(folder, "discover", "sky", "--patch-size", "3")
    found = Discovery.load(folder / "run" / "weights" / "representation.safetensors")
    rep = DenseRepresentation(CyclicGroup(4), 9)
    sections = [
        section_of_finding("sky", found, is_grid=True),
        section_of_representation("dense", rep, ["Nothing is known of it."], is_grid=True),
        section_of_representation("as a table", rep, []),
    ]
    write_whole(folder / "acting.html", render_page(Page("What acts", [], sections)))
    return folder / "acting.html"


PAGES: dict[str, Callable[[Path], Path]] = {
    "discover a table": lambda folder: run(folder, "discover", str(table(folder))),
    "discover several": several,
    "learn": lambda folder: run(
        folder, "learn", "--representation", "dense", "--representation", "toeplitz", *_FAST
    ),
    "test images": lambda folder: run(
        folder, "test", "digits", "--action", "half-turn", "--patch-size", "3", "--draws", "99"
    ),
    "test a table": lambda folder: run(
        folder, "test", str(table(folder)), "--action", "1,2,3,4,5,0", "--draws", "99"
    ),
    "train": trained,
    "compare": compared,
    "what acts": acting,
}
SLIDERS = {name for name in PAGES if name not in ("train", "compare")}
