"""Time and memory of discovery, each case in a process of its own.

python benchmarks/discovery_cost.py [--data FOLDER] [--out benchmarks/results]

Seconds include reading, the bootstrap and the search, but not the start of Python.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _measure import median, publish, table
from numpy.typing import NDArray

from grouplearn.discovery import MomentAccumulator, automorphisms, discover
from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.sequences import SequenceDomain

REPETITIONS = 1


def mnist(folder: Path) -> str:
    images = load_idx_images(folder / "mnist" / "train-images-idx3-ubyte.gz")
    return ImageDomain(patch_size=5).discover(images).group.name


def genome(folder: Path) -> str:
    file = folder / "genome-ecoli-k12" / "GCF_000005845.2_ASM584v2_genomic.fna.gz"
    return SequenceDomain("dna", window=6).discover(file).group.name


def planted_matrix(kind: str) -> str:
    """A random symmetric matrix of 256 points, averaged over a group, with 2 % noise."""
    rng = np.random.default_rng(0)
    grid = np.arange(256).reshape(16, 16)
    generators = {
        "C256": [np.roll(np.arange(256), 1)], "C4": [np.rot90(grid).ravel()],
        "D4": [np.rot90(grid).ravel(), grid.T.ravel()],
    }[kind]  # fmt: skip
    matrix = rng.standard_normal((256, 256))
    for points in generators:
        moved = matrix
        total = matrix.copy()
        for _ in range(255):
            moved = moved[np.ix_(points, points)]
            total += moved
        matrix = total / 16
    noise = 0.02 * matrix.std() * rng.standard_normal((256, 256))
    matrix = matrix + matrix.T + noise + noise.T
    shuffle = rng.permutation(256)
    return str(automorphisms([matrix[np.ix_(shuffle, shuffle)]], tolerance=0.15).order)


def ring(count: int, dim: int) -> Iterator[NDArray[np.float64]]:
    """Skewed samples on a ring, which turns but does not flip; in batches."""
    rng = np.random.default_rng(0)
    for _ in range(0, count, 10_000):
        noise = rng.exponential(size=(min(count, 10_000), dim))
        yield noise + 0.8 * np.roll(noise, 1, 1) + 0.4 * np.roll(noise, 2, 1)


def stream(count: int, dim: int) -> str:
    moments = MomentAccumulator(dim)
    for batch in ring(count, dim):
        moments.add(batch)
    return discover(moments).group.name


def cases(folder: Path | None) -> dict[str, tuple[Callable[[], str], str]]:
    """What is measured, and the limit in seconds where there is one."""
    found: dict[str, tuple[Callable[[], str], str]] = {}
    if folder is not None:
        found["5x5 patches of 60,000 MNIST images"] = (partial(mnist, folder), "10")
        found["E. coli genome, windows of 6"] = (partial(genome, folder), "10")
    for kind in ("C4", "D4", "C256"):
        found[f"planted {kind}, d = 256"] = (partial(planted_matrix, kind), "60")
    for dim in (8, 16, 32, 64):
        found[f"ring of {dim}, 50,000 samples"] = (partial(stream, 50_000, dim), "")
    for count in (200_000, 1_000_000):
        found[f"ring of 16, {count:,} samples"] = (partial(stream, count, 16), "")
    return found


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--case")
    options = parser.parse_args()
    known = cases(options.data)
    if options.case:
        start = time.perf_counter()
        answer = known[options.case][0]()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"found": answer, "seconds": seconds, "MiB": peak}))
        return
    record: dict[str, list[dict[str, Any]]] = {}
    rows = []
    for name, (_, limit) in known.items():
        command = [sys.executable, __file__, "--case", name]
        command += ["--data", str(options.data)] if options.data else []
        record[name] = [
            json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            for _ in range(REPETITIONS)
        ]
        times = [each["seconds"] for each in record[name]]
        memory = max(each["MiB"] for each in record[name])
        rows.append([name, record[name][0]["found"], f"{median(times):.1f}",
                     f"{max(times):.1f}", limit, f"{memory:.0f}"])  # fmt: skip
        print(rows[-1], flush=True)
    header = ["data", "found", "seconds (median)", "most", "limit", "peak memory, MiB"]
    publish("discovery_cost", table(header, rows), record, options.out)


if __name__ == "__main__":
    main()
