"""Accuracy of linear group networks and their controls: the source's tables, run again.

python benchmarks/accuracy.py --data FOLDER [--set NAME ...] [--row PART ...] [--first 0]
    [--seeds 3] [--out benchmarks/results]

All networks have the places of one pattern, about 40,000 parameters, and one training recipe for
each data set. Convolutions are in bfloat16 where the processor computes in it, else in float32.
Every run is kept in a JSON file as soon as it is done, and what is there already is not run again;
the tables are made of all that is there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import _networks as nets
import torch
from _measure import machine, table

from grouplearn import CyclicGroup
from grouplearn.domains.labelled_images import load_labelled_images
from grouplearn.domains.rebuilt import rotated_sets
from grouplearn.representations import FixedRepresentation, LearnedRepresentation
from grouplearn.training import seeds_interval

Record = dict[str, Any]
SETS = {
    "rotated-mnist": ("mnist", nets.Recipe(20, 0, ("quarter-turn",))),
    "fashion-mnist": ("fashion-mnist", nets.Recipe(8, 2, ("flip",))),
    "mnist": ("mnist", nets.Recipe(6, 2, ())),
    "cifar10": ("cifar10", nets.Recipe(20, 4, ("flip",))),
}
AUTO, FIXED, ESCNN = "LGCNN, group found", "LGCNN, C4", "escnn, C4"
PUBLISHED = {
    "rotated-mnist": ("93.75", "92.96"), "fashion-mnist": ("91.46", "91.44"),
    "mnist": ("99.27", "99.35"), "cifar10": ("79.03", "75.26"),
}  # fmt: skip
PUBLISHED_TRANSFER = {"mnist": ("98.86", "98.68"), "fashion-mnist": ("89.23", "88.57")}
GIVERS = {"mnist": "fashion-mnist", "fashion-mnist": "cifar10"}
TRANSFER = "LGCNN, group found on {}"


def rows(task: nets.Task, results: Record, seed: int) -> dict[str, Callable[[int], Record]]:
    """How each row of a data set's table is run, for a seed; those that can be run for this one."""
    train = partial(nets.trained, task)
    known: dict[str, Callable[[int], Record]] = {
        AUTO: partial(nets.automatic, task),
        **{name: partial(train, build) for name, build in nets.networks(task).items()},
        FIXED: partial(given_action, task, nets.turns(("quarter-turn",)), results),
    }
    if task.recipe.augment:
        moves = task.recipe.augment
        known[f"plain, equal parameters, random {moves[0]}s"] = partial(
            train, partial(nets.plain, task), augment=moves
        )
    giver = GIVERS.get(task.name)
    found = results.get(giver or "", {}).get(AUTO, [])
    if giver is not None and any(each["seed"] <= seed for each in found):
        known[TRANSFER.format(giver)] = partial(transferred, task, giver, results)
    return known


def given_action(task: nets.Task, rep: LearnedRepresentation, results: Record, seed: int) -> Record:
    """A network with a given action; if the search found it too, the network that was trained then.

    It would be the same to the last bit.
    """
    kernel, epochs = rep.generators().tolist(), task.recipe.epochs
    for found in results.get(task.name, {}).get(AUTO, []):
        same = found["kernel"] == kernel and found.get("epochs", epochs) == epochs
        if same and found["seed"] == seed and found["precision"] == nets.precision():
            searched = ("searched", "discovered", "kernel", "choice")
            known = {k: v for k, v in found.items() if k not in searched}
            return known | {"seconds": found["seconds"] - found["searched"]}
    record = nets.trained(task, partial(nets.lgcnn, task, rep), seed)
    return record | {"group": str(rep.group), "moves": nets.names_of(rep)}


def transferred(task: nets.Task, giver: str, results: Record, seed: int) -> Record:
    """A network with the action that this seed, or an earlier one, found on another data set."""
    found = max((r for r in results[giver][AUTO] if r["seed"] <= seed), key=lambda r: r["seed"])
    kernel = torch.tensor(found["kernel"]).reshape(-1, nets.KERNEL**2, nets.KERNEL**2)
    rep = (
        FixedRepresentation.from_permutations(kernel.argmax(-2), torch.float32)
        if len(kernel)
        else FixedRepresentation(CyclicGroup(1), kernel)
    )
    return given_action(task, rep, results, seed) | {"from": giver}


def published(name: str, results: Record) -> str:
    """The table of one data set."""
    lines = []
    reference = {(r["seed"], r["precision"]): r["accuracy"] for r in results.get(ESCNN, [])}
    for row, records in results.items():
        mean, half = seeds_interval([r["accuracy"] for r in records])
        keyed = [((r["seed"], r["precision"]), r["accuracy"]) for r in records]
        gaps = [accuracy - reference[key] for key, accuracy in keyed if key in reference]
        gap, spread = seeds_interval(gaps) if gaps else (float("nan"),) * 2
        what = sorted({" ".join([r["group"], *r["moves"][:1]]) for r in records if "group" in r})
        timed = [r for r in records if r["precision"] == "bfloat16"] or records
        closure = [r["closure"] for r in records if "closure" in r]
        lines.append([
            row, ", ".join(what), f"{records[0]['parameters']:,}", number(mean, half),
            number(gap, spread), len(records), ", ".join(sorted({r["precision"] for r in records})),
            f"{max(closure):.1e}" if closure else "",
            f"{sum(r['seconds'] for r in timed) / len(timed) / 60:.1f}",
        ])  # fmt: skip
    networks = "LGCNN", "P4CNN", "LGN, group found elsewhere", "P4CNN, beside that LGN"
    figures = *PUBLISHED[name], *PUBLISHED_TRANSFER.get(name, ())
    for network, accuracy in zip(networks, figures, strict=False):
        lines.append([f"*published:* {network}", "", "", accuracy, *[""] * 5])
    header = ["network", "group", "parameters", "test accuracy, %", "minus escnn, C4", "seeds",
              "convolutions", "closure defect", "minutes"]  # fmt: skip
    return table(header, lines)


def number(mean: float, half: float) -> str:
    if math.isnan(mean):
        return ""
    return f"{mean:.2f}" if math.isnan(half) else f"{mean:.2f} ± {half:.2f}"


def load(name: str, data: Path) -> nets.Task:
    """A data set, from the folder of all."""
    folder, recipe = SETS[name]
    sets = load_labelled_images(data / folder)
    sets = rotated_sets(sets) if name == "rotated-mnist" else sets
    return nets.task_of(name, sets, recipe)


def main() -> None:
    """Run what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--set", choices=list(SETS), action="append")
    parser.add_argument("--row", action="append", help="only rows whose name contains this")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / "accuracy.json"
    record = json.loads(file.read_text()) if file.exists() else {}
    results: Record = record.get("measurements", {})
    data: Path | None = given.data
    names = given.set or list(SETS)
    tasks = {} if data is None else {name: load(name, data) for name in names}
    offered = set(map(TRANSFER.format, GIVERS.values()))
    offered |= {row for task in tasks.values() for row in rows(task, results, 0)}
    for part in given.row or []:
        if tasks and not any(part in row for row in offered):
            parser.error(f"no row contains {part!r}; there are: {'; '.join(sorted(offered))}")
    seeds = range(given.first, given.first + given.seeds)
    # What an action transfers to comes before what it is found on: so every seed goes round twice.
    for seed, _ in itertools.product(seeds, range(2)):
        for name, task in tasks.items():
            kept = results.setdefault(name, {})
            for row, run in rows(task, results, seed).items():
                wanted = not given.row or any(part in row for part in given.row)
                if not wanted or any(r["seed"] == seed for r in kept.get(row, [])):
                    continue
                kept.setdefault(row, []).append(run(seed))
                print(
                    name, row, {k: v for k, v in kept[row][-1].items() if k != "kernel"}, flush=True
                )
                text = json.dumps({"machine": machine(), "measurements": results}, indent=1)
                file.write_text(text + "\n")
    for name, each in results.items():
        text = published(name, each)
        print(name, text, sep="\n")
        (given.out / f"accuracy-{name}.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
