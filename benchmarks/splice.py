"""Splice junctions (UCI): ten-fold cross-validation, and the group that the labels choose.

python benchmarks/splice.py --data FOLDER [--folds 10] [--seed 0]

Sequences that come again are left out before they are cut into folds, ambiguous letters are blank.
In each fold the groups that the training part proposes, and none, are tried in short runs, as
`grouplearn train` does; the network of the group chosen is judged by the fold. A junction is read
in one direction, so that no group should be chosen.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measure import publish, table

from grouplearn.domains.labelled_sequences import load_labelled_sequences
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.models import SequencePattern
from grouplearn.training import Classification, FitOptions, Labelled, evaluate, fit

DOMAIN = SequenceDomain(window=4)
OPTIONS = FitOptions(epochs=25, batch_size=64, learning_rate=0.003)
PATTERN = SequencePattern(4, 3, first=7, kernel_size=7, blocks=3, pool=1, dropout=0.3, length=60)
OBJECTIVE = Classification(0.0)
build = partial(DOMAIN.network, parameters=20_000, pattern=PATTERN)


def fold(x: torch.Tensor, y: torch.Tensor, held: Any, seed: int) -> dict[str, Any]:
    """One fold: the group chosen, and the share of right answers."""
    rest = np.setdiff1d(np.arange(len(y)), held)
    train, test = (Labelled(x[part], y[part], 3) for part in (rest, held))
    options = replace(OPTIONS, seed=seed)
    choice = DOMAIN.choose_group(train, build, options=options, objective=OBJECTIVE)
    network = build(train, choice.rep, torch.Generator().manual_seed(seed))
    fit(network, train, objective=OBJECTIVE, options=options)
    return {
        "accuracy": evaluate(network, test), "tested": len(test),
        "group": str(choice.rep.group), "reason": choice.summary(),
    }  # fmt: skip


def main() -> None:
    """Run all folds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=os.environ.get("GROUPLEARN_DATA"))
    options.add_argument("--folds", type=int, default=10)
    options.add_argument("--only", type=int, help="so many folds of these")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given = options.parse_args()
    if given.data is None:
        options.error("name the folder of data by --data or GROUPLEARN_DATA")
    torch.set_num_threads(1)
    found = load_labelled_sequences(
        [Path(given.data) / "dna-uci-splice" / "splice.data"], labels="0", ambiguous="blank"
    )
    x, y = DOMAIN.one_hot(found.letters, ambiguous="blank"), torch.as_tensor(found.labels)
    order = np.random.default_rng(given.seed).permutation(len(found))
    run = partial(fold, x, y, seed=given.seed)
    results = []
    for number, held in enumerate(np.array_split(order, given.folds)[: given.only]):
        start = time.process_time()
        results.append({"fold": number, **run(held), "cpu_seconds": time.process_time() - start})
        print(results[-1], flush=True)
    right = sum(each["accuracy"] * each["tested"] for each in results)
    tested = sum(each["tested"] for each in results)
    share = right / tested
    error = (share * (1 - share) / tested) ** 0.5
    groups = ", ".join(f"{name} {n}" for name, n in Counter(e["group"] for e in results).items())
    text = table(
        ["sequences", "folds", "right, %", "groups chosen"],
        [[f"{tested:,}", len(results), f"{100 * share:.2f} ± {196 * error:.2f}", groups]],
    )
    publish("splice", f"{text}\n\n{'; '.join(found.notes)}.", results, given.out)


if __name__ == "__main__":
    main()
