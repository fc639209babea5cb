"""Renaming of variables: networks on functions of Python's standard library.

python benchmarks/renaming.py [--functions 1000] [--renamings 10] [--out benchmarks/results]

Functions are taken at random from the standard library of the interpreter that runs this. A network
(counts of words and of pairs of words, hashed, embedded and added up) learns which of twelve
modules a function is from, on three quarters of them; a twin reads canonical words instead, in
which variables are numbered by first occurrence. Both are asked for the other quarter as it is and
renamed at random, with names that other functions use.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sysconfig
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from _measure import publish, table
from torch import Tensor, nn

from grouplearn.domains.python_names import PythonNames, canonical_words, functions_in
from grouplearn.errors import DataError, InputError

MODULES = 12
SEEDS = 3
_BUCKETS, _WIDTH, _STEPS, _SLOTS = 1 << 15, 32, 300, 128

Read = Callable[[PythonNames], list[str]]


def raw_words(names: PythonNames) -> list[str]:
    """The tokens as they are."""
    return [each.string for each in names.tokens() if each.string.strip()]


def canonical(names: PythonNames) -> list[str]:
    """The tokens with variables numbered."""
    return canonical_words(names, _SLOTS)


READS: dict[str, Read] = {"plain": raw_words, "canonical names": canonical}


def functions() -> dict[str, list[PythonNames]]:
    """The functions with variables, by module, of the modules that have most."""
    found: dict[str, list[PythonNames]] = {}
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        try:
            sources = functions_in(file.read_text(encoding="utf-8"), file.name)
            names = [PythonNames(source, file.name) for source in sources]
        except (DataError, UnicodeDecodeError) as error:
            print(f"left out: {error}")
            continue
        found[file.stem] = [each for each in names if each.slots]
    return found


def renamed(names: PythonNames, pool: Sequence[str], rng: random.Random) -> PythonNames:
    """The function with variables named at random."""
    taken = names.taken()
    drawn = [name for name in rng.sample(pool, min(len(pool), 400)) if name not in taken]
    fresh = names.fresh()
    while len(drawn) < len(names.slots):
        drawn.append(next(fresh))
    return PythonNames(names.renamed(drawn[: len(names.slots)]), names.name)


def numbers(words: Sequence[str]) -> Tensor:
    """Words, and pairs of neighbours, as numbers of buckets."""
    pairs = [f"{one} {other}" for one, other in pairwise(words)]
    return torch.tensor([zlib.crc32(each.encode()) % _BUCKETS for each in [*words, *pairs]])


class Reader(nn.Module):
    """The mean of embeddings, and a layer on it."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(_BUCKETS, _WIDTH, mode="mean")
        self.last = nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, classes))

    def forward(self, texts: Sequence[Tensor]) -> Tensor:
        starts = torch.tensor([0, *(len(each) for each in texts[:-1])]).cumsum(0)
        found: Tensor = self.last(self.embedding(torch.cat(list(texts)), starts))
        return found


def trained(texts: Sequence[Tensor], labels: Tensor, classes: int, seed: int) -> Reader:
    """A network that tells modules apart."""
    torch.manual_seed(seed)
    network, rng = Reader(classes), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3, weight_decay=1e-5)
    for _ in range(_STEPS):
        chosen = torch.randint(len(texts), (64,), generator=rng)
        loss = nn.functional.cross_entropy(network([texts[int(k)] for k in chosen]), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def labelled(found: dict[str, list[PythonNames]], pool: Sequence[str]) -> list[dict[str, Any]]:
    """Accuracy on functions that were held out, as they are and renamed."""
    largest = sorted(found, key=lambda module: -len(found[module]))[:MODULES]
    every = [(each, k) for k, module in enumerate(largest) for each in found[module]]
    out = []
    for seed in range(SEEDS):
        rng = random.Random(seed)
        rng.shuffle(every)
        train, test = every[: 3 * len(every) // 4], every[3 * len(every) // 4 :]
        other = [(renamed(each, pool, rng), k) for each, k in test]
        for kind, read in READS.items():
            labels = torch.tensor([k for _, k in train])
            texts = [numbers(read(each)) for each, _ in train]
            network = trained(texts, labels, len(largest), seed)
            scores = {}
            for name, some in (("as they are", test), ("renamed", other)):
                with torch.no_grad():
                    said = network([numbers(read(each)) for each, _ in some]).argmax(1)
                right = said == torch.tensor([k for _, k in some])
                scores[name] = 100 * float(right.float().mean())
            out.append({"network": kind, "seed": seed, "functions": len(every), **scores})
            print(out[-1], flush=True)
    return out


def invariance(
    chosen: Sequence[PythonNames], pool: Sequence[str], renamings: int
) -> list[dict[str, Any]]:
    """The largest change of any output under renaming."""
    rng = random.Random(0)
    worst = dict.fromkeys(READS, 0.0)
    torch.manual_seed(0)
    network = Reader(MODULES).eval()
    failed = 0
    for names in chosen:
        try:
            others = [renamed(names, pool, rng) for _ in range(renamings)]
        except (InputError, DataError) as error:
            failed += 1
            print(f"not renamed: {error}")
            continue
        for kind, read in READS.items():
            with torch.no_grad():
                outputs = network([numbers(read(each)) for each in (names, *others)])
            worst[kind] = max(worst[kind], float((outputs - outputs[:1]).abs().max()))
    most = max(len(each.slots) for each in chosen)
    return [{"network": kind, "largest change": change, "functions": len(chosen),
             "most variables": most, "not renamed": failed}
            for kind, change in worst.items()]  # fmt: skip


def _mean(scores: list[dict[str, Any]], network: str, name: str) -> float:
    return statistics.mean(one[name] for one in scores if one["network"] == network)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--functions", type=int, default=1000)
    parser.add_argument("--renamings", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    found = functions()
    every = [each for some in found.values() for each in some]
    pool = sorted({slot.name for each in every for slot in each.slots})
    chosen = random.Random(0).sample(every, min(options.functions, len(every)))
    changes = invariance(chosen, pool, options.renamings)
    scores = labelled(found, pool)
    rows = [
        [each["network"], each["functions"], each["not renamed"], f"{each['largest change']:.1e}",
         *(f"{_mean(scores, each['network'], name):.1f}"
           for name in ("as they are", "renamed"))]
        for each in changes
    ]  # fmt: skip
    text = table(
        ["network", "functions", "not renamed", f"largest change, {options.renamings} renamings",
         f"accuracy, {MODULES} modules, {SEEDS} seeds (%)", "the same, renamed (%)"], rows,
    )  # fmt: skip
    publish("renaming", text, {"changes": changes, "labelled": scores}, options.out)


if __name__ == "__main__":
    main()
