"""How often discovery claims a symmetry where there is none.

python benchmarks/controls.py --data FOLDER [--sets 200] [--out benchmarks/results]

A third each: mixed independent skewed sources of distinct shapes; oriented textures with skewed
pixels, seen through patches of 3, 4 and 5; windows of 6 letters at one place of real splice sites
(FOLDER/dna-uci-splice). Default settings.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _measure import median, publish, table
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from grouplearn.discovery import Discovery, discover
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.sequences import SequenceDomain

Array = NDArray[np.float64]


def mixed(seed: int) -> Discovery:
    """x = A s with gamma sources of distinct shapes and a random A."""
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(4, 13))
    shapes = rng.uniform(0.5, 6, dim)
    sources = np.stack([rng.gamma(shape, size=20_000) / shape**0.5 for shape in shapes], 1)
    return discover(sources @ rng.standard_normal((dim, dim)))


def textures(seed: int) -> NDArray[np.float32]:
    """Skewed noise through an oriented filter that no flip or turn keeps."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[-2:3, -2:3]
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    bump = np.exp(-(along**2) / 6 - across**2) * (1 + 0.8 * np.tanh(along))
    kernel = (bump + 0.15 * rng.standard_normal((5, 5)))[None]
    images = fftconvolve(rng.exponential(size=(400, 28, 28)) ** 1.5, kernel, "valid", axes=(1, 2))
    images -= images.min()
    return (images / images.max()).astype(np.float32)


def texture(seed: int) -> Discovery:
    return ImageDomain(patch_size=3 + seed % 3).discover(textures(seed))


def splice_sites(folder: Path) -> list[list[str]]:
    """Distinct sequences of 60 letters about a junction, without ambiguous letters, by kind."""
    kinds: dict[str, set[str]] = {"EI": set(), "IE": set()}
    for line in (folder / "dna-uci-splice" / "splice.data").read_text().splitlines():
        kind, _, letters = (part.strip() for part in line.split(","))
        if kind in kinds and set(letters) <= set("ACGT"):
            kinds[kind].add(letters)
    return [sorted(kinds[kind]) for kind in sorted(kinds)]


def splice(seed: int, sites: list[list[str]]) -> Discovery:
    """Every sequence cut at one place: position counts, so nothing is stationary."""
    place = (seed // 2) * 54 // 34 % 55
    texts = [text[place : place + 6] for text in sites[seed % 2]]
    return SequenceDomain("dna", window=6).discover(texts)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    sites = splice_sites(options.data)
    kinds: dict[str, Callable[[int], Discovery]] = {
        "mixed skewed sources": mixed,
        "oriented textures": texture,
        "splice sites": partial(splice, sites=sites),
    }
    results: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for number in range(options.sets):
        kind = list(kinds)[number % 3]
        start = time.perf_counter()
        found = kinds[kind](number // 3)
        results[kind].append({
            "seed": number // 3, "group": found.group.name, "seconds": time.perf_counter() - start,
            "summary": found.summary(),
        })  # fmt: skip
    rows = []
    for kind, each in results.items():
        claims = [one["group"] for one in each if one["group"] != "C1"]
        rows.append([kind, len(each), len(claims), ", ".join(claims) or "-",
                     f"{median([one['seconds'] for one in each]):.1f}"])  # fmt: skip
    every = [one for each in results.values() for one in each]
    total = sum(one["group"] != "C1" for one in every)
    rows.append(["all", len(every), total, "", ""])
    text = table(["data without symmetry", "sets", "claims", "groups", "seconds (median)"], rows)
    publish("controls", text, results, options.out)


if __name__ == "__main__":
    main()
