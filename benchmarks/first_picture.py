"""A new user's path: from an empty environment to a picture of the group of their own array.

python benchmarks/first_picture.py [--constraints constraints.txt] [--out benchmarks/results]

Three commands in a folder that holds an array and nothing else, each timed: make an environment,
install this checkout without extras, ask. What pip downloads, and how fast, is part of the second.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from _measure import publish, table

ROOT = Path(__file__).resolve().parents[1]


def array() -> np.ndarray:
    """Six readings around a ring, each felt by the next."""
    rows = np.random.default_rng(0).exponential(size=(4000, 6)) ** 2
    return rows + 0.6 * np.roll(rows, 1, axis=1)


def timed(command: list[str], folder: Path) -> float:
    """Seconds of a command that must succeed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constraints", type=Path, help="versions that pip must take")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results")
    given = parser.parse_args()
    pinned = ["-c", str(given.constraints.resolve())] if given.constraints else []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "my.npy", array())
        steps = {
            "python3 -m venv env": ["python3", "-m", "venv", "env"],
            "env/bin/pip install .": ["env/bin/pip", "install", *pinned, str(ROOT)],
            "env/bin/grouplearn discover my.npy": ["env/bin/grouplearn", "discover", "my.npy"],
        }
        seconds = {name: timed(command, folder) for name, command in steps.items()}
        (page,) = folder.glob("runs/*/report.html")
        text = page.read_text(encoding="utf-8")
    pictures = len(re.findall(r"<(?:img|svg)\b", text))
    if "C6" not in text or not pictures:
        raise SystemExit("the page shows no picture of the group")
    rows = [[f"`{name}`", f"{value:.0f}"] for name, value in seconds.items()]
    rows.append([f"all, to a page with {pictures} pictures", f"{sum(seconds.values()):.0f}"])
    publish("first_picture", table(["command", "seconds"], rows), seconds, given.out)


if __name__ == "__main__":
    main()
