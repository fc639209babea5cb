"""Seconds to build groups of order up to 2,000, against SymPy where it ends in time, and to import.

python benchmarks/construction.py [--repetitions 5] [--sympy 100] [--out benchmarks/results]

--sympy N enumerates the cosets of D_N by SymPy, once; N = 1000 takes minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _measure import interleaved, median, publish, table

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup

IMPORTS = {
    "torch": "import torch",
    "torch and grouplearn": "import torch, grouplearn",
}


def everything(build: Callable[[], FiniteGroup]) -> Callable[[], object]:
    """A task that builds a group and asks for all it can tell."""

    def task() -> object:
        group = build()
        return (
            group.name, group.relators, group.cayley_table, group.element_orders,
            group.conjugacy_classes, group.word_plan,
        )  # fmt: skip

    return task


def symmetric(degree: int) -> list[list[int]]:
    """Generators of the symmetric group: an n-cycle and a swap."""
    points = np.arange(degree)
    return [np.roll(points, 1).tolist(), [1, 0, *range(2, degree)]]


def sympy_enumeration(n: int) -> object:
    """D_n from its relations by SymPy's coset enumeration."""
    from sympy.combinatorics.fp_groups import FpGroup
    from sympy.combinatorics.free_groups import free_group

    free, r, s = free_group("r, s")
    return FpGroup(free, [r**n, s**2, (r * s) ** 2]).coset_enumeration([])


def importing(code: str) -> None:
    """Run an import in a fresh interpreter."""
    subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--sympy", type=int, default=100, metavar="N")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    turn = np.roll(np.arange(1000), 1)
    product = ProductGroup(CyclicGroup(40), CyclicGroup(50))
    relations = FiniteGroup.from_relations
    groups: dict[str, Callable[[], FiniteGroup]] = {
        "CyclicGroup(2000)": partial(CyclicGroup, 2000),
        "DihedralGroup(1000)": partial(DihedralGroup, 1000),
        "D1000 from permutations": partial(
            FiniteGroup.from_permutations, [turn, -np.arange(1000) % 1000]
        ),
        "S6 from permutations": partial(FiniteGroup.from_permutations, symmetric(6)),
        "D100 from relations": partial(relations, 2, DihedralGroup(100).relators),
        "D1000 from relations": partial(relations, 2, DihedralGroup(1000).relators),
        "C40 x C50 from relations": partial(relations, 2, product.relators),
    }
    tasks: dict[str, Callable[[], Any]] = {f: everything(b) for f, b in groups.items()}
    tasks |= {f"import {name}": partial(importing, code) for name, code in IMPORTS.items()}
    seconds = interleaved(tasks, options.repetitions)
    start = time.perf_counter()
    sympy_enumeration(options.sympy)
    seconds[f"D{options.sympy} from relations, SymPy, table only"] = [time.perf_counter() - start]
    rows = [
        [name, f"{median(values):.3f}", f"{max(values):.3f}"] for name, values in seconds.items()
    ]
    text = table(["task", "median, s", "slowest, s"], rows)
    extra = median(seconds["import torch and grouplearn"]) - median(seconds["import torch"])
    text += f"\n\n`import grouplearn` adds {extra:.3f} s to torch's own import; target 0.3 s."
    publish("construction", text, seconds, options.out)


if __name__ == "__main__":
    main()
