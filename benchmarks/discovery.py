"""What discovery finds in real data, on disjoint subsets, against what is expected.

python benchmarks/discovery.py --data FOLDER [--subsets 12] [--out benchmarks/results]

Subsets of 5,000 images: 12 of MNIST and Fashion-MNIST, 4 of CIFAR10 (of which FOLDER holds 20,000).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _data import cifar, digits
from _measure import median, publish, table
from numpy.typing import NDArray

from grouplearn.discovery import Discovery
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.rebuilt import rotated
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain

SIZE = 5000
# Data, patch size, options, expected group, and whether it is approximate (None: either).
CASES: list[tuple[str, int, dict[str, Any], str, bool | None]] = [
    *(("rotated MNIST (rebuilt)", k, {}, "D4", None) for k in (3, 5, 7)),
    ("MNIST", 5, {"max_moment": 2}, "C2", None),
    *(("CIFAR10", k, {"max_moment": 2}, "C2 x C2", None) for k in (3, 5, 7)),
    ("Fashion-MNIST", 3, {"max_moment": 2}, "C2 x C2", True),
    *(("MNIST", k, {}, "C1", None) for k in (3, 5, 7)),
    *(("Fashion-MNIST", k, {}, "C1", None) for k in (3, 5, 7)),
    *(("CIFAR10", k, {}, "C1", None) for k in (3, 5, 7)),
]


def measured(find: Callable[[], Discovery]) -> tuple[Discovery, dict[str, Any]]:
    start = time.perf_counter()
    found = find()
    return found, {
        "group": found.group.name, "exact": found.exact, "gap": found.gap,
        "p_value": found.p_value, "seconds": time.perf_counter() - start,
        "summary": found.summary(),
    }  # fmt: skip


def image_cases(folder: Path, subsets: int) -> Iterator[tuple[list[object], list[dict[str, Any]]]]:
    mnist = digits(folder)
    data: dict[str, NDArray[Any]] = {
        "MNIST": mnist, "rotated MNIST (rebuilt)": rotated(mnist),
        "Fashion-MNIST": digits(folder, "fashion-mnist"), "CIFAR10": cifar(folder),
    }  # fmt: skip
    for name, size, options, expected, approximate in CASES:
        results = []
        for k in range(min(subsets, len(data[name]) // SIZE)):
            part = data[name][k * SIZE : (k + 1) * SIZE]
            find = partial(ImageDomain(patch_size=size).discover, part, **options)
            found, result = measured(find)
            result["right"] = found.group.name == expected and (
                approximate is None or found.exact is not approximate
            )
            results.append(result)
        settings = ", ".join(f"{key}={value}" for key, value in options.items()) or "default"
        yield [name, f"patches {size}x{size}", settings, expected], results
    yield from signed_cases(data["CIFAR10"])


def signed_cases(images: NDArray[Any]) -> Iterator[tuple[list[object], list[dict[str, Any]]]]:
    """Is the half turn with reversed contrast in a group of the ladder that order 3 calls near?"""
    for size in (3, 5):
        turned = -torch.eye(size**2, dtype=torch.float64).flip(0)
        results = []
        for k in range(len(images) // SIZE):
            part = images[k * SIZE : (k + 1) * SIZE]
            find = partial(ImageDomain(patch_size=size).discover, part, action="signed")
            found, result = measured(find)
            third = [
                each.verdict
                for rung in found.ladder
                if any(torch.equal(g, turned) for g in generated(rung.generators))
                for each in rung.evidence
                if each.kind == "order 3"
            ]
            result["verdicts"] = third
            result["right"] = bool(third) and third[0] in ("approximate", "loose")
            results.append(result)
        expected = "half turn with reversed contrast, loosely approximate, in the ladder"
        yield ["CIFAR10", f"patches {size}x{size}", "action=signed", expected], results


def generated(generators: torch.Tensor) -> list[torch.Tensor]:
    """All products of a few matrices of integers."""
    found = [torch.eye(generators.shape[-1], dtype=generators.dtype)]
    for element in found:
        for product in generators @ element:
            if not any(torch.equal(product, other) for other in found):
                found.append(product)
    return found


def other_cases(folder: Path) -> Iterator[tuple[list[object], list[dict[str, Any]]]]:
    genome = folder / "genome-ecoli-k12" / "GCF_000005845.2_ASM584v2_genomic.fna.gz"
    for window in range(3, 9):
        domain = SequenceDomain("dna", window=window)
        reverse = domain.known_actions()["reverse-complement"].matrix.numpy()
        found, result = measured(partial(domain.discover, genome))
        moved = found.representation.matrices()[-1].numpy()
        result["right"] = found.group.order == 2 and bool(np.array_equal(moved, reverse))
        yield ["E. coli genome", f"windows of {window}", "default", "reverse complement"], [result]
    jump = folder / "scan" / "add_prim_split" / "tasks_train_addprim_jump.txt.gz"
    for name, file, expected, order in (
        ("SCAN, all commands", folder / "scan" / "tasks.txt.gz", "S4 x C2", 48),
        ("SCAN, add-jump training split", jump, "S3 x C2", 12),
    ):
        _, result = measured(TokenDomain.from_file(file).discover)
        # S3 x C2 and D6 are names of one group.
        result["right"] = result["group"] in (expected, {12: "D6"}.get(order))
        yield [name, "tokens and positions", "default", expected], [result]


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--subsets", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    rows, record = [], []
    cases = (case for part in (image_cases(options.data, options.subsets),
                               other_cases(options.data)) for case in part)  # fmt: skip
    for row, results in cases:
        gaps = [each["gap"] for each in results if each["gap"] == each["gap"]]
        rows.append([
            *row, f"{sum(each['right'] for each in results)} of {len(results)}",
            f"{min(gaps):.1f}" if gaps else "-",
            f"{median([each['seconds'] for each in results]):.1f}",
        ])  # fmt: skip
        record.append({"case": row, "results": results})
        print(rows[-1], flush=True)
    header = ["data", "seen as", "settings", "expected", "found", "least gap", "seconds (median)"]
    publish("discovery", table(header, rows), record, options.out)


if __name__ == "__main__":
    main()
