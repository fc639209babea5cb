"""The source's three claims about learned actions, as measurements.

python benchmarks/source_claims.py --data FOLDER [--sets 3] [--starts random identity]
    [--epochs 4] [--tasks TASK ...] [--checkpoints FOLDER] [--out benchmarks/results]

Are actions that networks learn consistent within a data set, different between data sets, and
dependent on the task? Of every data set, structure, task and seed, a small unfolded network (LGN)
of one action learns: its filters are orbits {X, A X, A^2 X, A^3 X} of base filters of d = 25 pixels
under one matrix A, trained by backpropagation with the invertibility loss. Every network draws its
start, base filters, images and their order from a seed of its own, so that the networks are
independent. Matrices start as their class draws them ("random"), or all at the identity, which
takes the differences of starts away.

Distances. A is scaled to the norm sqrt(d). The filters {X, A X, ..., A^3 X} are those of A^-1 from
A^3 X on, so which of both generates is arbitrary: two actions are apart by the least
delta(A^e, B^f) over e, f in {1, -1}. Delta is

- matrix: ||A - B||_F / sqrt(d), about sqrt(2) for independent random orthogonal matrices;
- spectrum: `grouplearn.interpret.spectral_distance`, which no change of basis moves.

Neither depends on the order of base filters, which A does not know.

Measures, for each structure and start, of 4 sets x 4 tasks (cells) x seeds:

- between starts: the mean distance of the matrices of a cell before training, the null;
- within: the mean distance of those of a cell after training;
- between sets: of those of one task and different sets;
- between tasks: of those of one set and different tasks.

Claims.

1. Consistent: between starts - within > 0. The test flips the signs of the differences of the 16
   cells, in all 2^16 ways; exact where exchanging starts and results would change nothing. Starts
   at the identity are equal, so nothing can come nearer: no test.
2. Different between sets: between sets - within > 0. The test permutes the sets of the networks of
   each task, 9,999 times; exact, as networks are independent.
3. Dependent on the task: between tasks - within > 0. Likewise, with sets and tasks exchanged.

P-values are one-sided and corrected together by Holm. Intervals of 95 % are of Student's t with the
jackknife's variance over seeds, one network left out at a time, in its cell; in the mean too
wide rather than too narrow (Efron and Stein, 1981). Sizes were chosen with seeds from 100 on.
"""

from __future__ import annotations

import argparse
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _contrasts import CLAIMS, DISTANCES, Measured, all_apart, holm, same
from _learned_actions import (
    MU,
    SETS,
    STARTS,
    STRUCTURES,
    Array,
    action_at_start,
    learned,
    matrix_of,
)
from _measure import publish, table
from _runs import Job, Result, parser, run
from PIL import Image

from grouplearn.plots import png
from grouplearn.plots.drawing import INK, SOFT, grid_of_panels
from grouplearn.training import seeds_interval

SIZES = {"layers": 2, "images": 1_600, "batch": 32}
EPOCHS = 4


def measured(results: Sequence[Result], delta: Callable[[Array, Array], float]) -> Measured:
    """The distances of networks of one structure and start."""
    names = (np.array([each[key] for each in results]) for key in ("set", "task"))
    starts = [matrix_of(action_at_start(each)) for each in results]
    return Measured(
        all_apart([np.array(each["action"]) for each in results], delta),
        all_apart(starts, delta), *names,
    )  # fmt: skip


Found = dict[tuple[str, str, str], Measured]
"""By start, structure and distance."""


def tested(found: Found) -> list[dict[str, Any]]:
    """Every claim for every structure, start and distance, corrected together."""
    tests: list[dict[str, Any]] = [
        {"start": start, "structure": structure, "distance": distance, "claim": claim,
         "gap": each.gap(claim), "half": each.half(claim), "p": each.p_value(claim)}
        for (start, structure, distance), each in found.items() for claim in CLAIMS
        if claim != "consistent" or start == "random"
    ]  # fmt: skip
    for each, corrected in zip(tests, holm([each["p"] for each in tests]), strict=True):
        each["p_holm"] = corrected
    return tests


def of_distances(found: Found, tests: Sequence[dict[str, Any]], distance: str) -> str:
    """Mean distances, and the gaps that are the claims."""
    lines = []
    for (start, structure, kind), each in found.items():
        if kind == distance:
            own = {row["claim"]: row for row in tests
                   if (row["start"], row["structure"], row["distance"]) == (start, structure, kind)
                   }  # fmt: skip
            means = [f"{value:.3f}" for value in each.means().values()]
            gaps = [gap(own[claim]) if claim in own else "" for claim in CLAIMS]
            lines.append([start, structure, *means, *gaps])
    header = ["start", "structure", "between starts", "within", "between sets", "between tasks",
              "starts - within", "sets - within", "tasks - within"]  # fmt: skip
    return table(header, lines)


def gap(test: dict[str, Any]) -> str:
    """A difference with its interval and corrected p-value, in bold where that is below 0.05."""
    p = test["p_holm"]
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.9995 else "p = 1"
    text = f"{test['gap']:+.3f} ± {test['half']:.3f} ({shown})"
    return f"**{text}**" if p < 0.05 else text


def family(name: str) -> str:
    """The name of an operation without its numbers."""
    if "coordinates" in name and "coordinates in reverse" not in name:
        return "a permutation"
    return re.sub(r" (by|over|about) .*", "", name)


def of_names(results: Sequence[Result]) -> str:
    """What `describe` calls the actions, how far they moved, and what laws they obey."""
    lines = []
    for start in STARTS:
        for structure in STRUCTURES:
            own = [r for r in results if (r["start"], r["structure"]) == (start, structure)]
            cells = []
            for name in SETS:
                said = Counter(
                    family(r["name"]) if r["name"] else "none of these"
                    for r in own if r["set"] == name
                )  # fmt: skip
                cells.append(", ".join(f"{what} {count}" for what, count in said.most_common()))
            if own:
                numbers = [np.median([r[key] for r in own])
                           for key in ("moved", "closure", "condition")]  # fmt: skip
                lines.append([start, structure, *cells, *(f"{each:.2f}" for each in numbers)])
    header = ["start", "structure", *SETS, "moved by", "closure defect", "condition number"]
    return table(header, lines)


def of_tasks(results: Sequence[Result], found: Found) -> str:
    """How far actions moved for each task, and whether it is reconstruction alone that differs."""
    lines, gaps = [], {}
    for key, each in found.items():
        others = each.part(np.flatnonzero(each.tasks != "reconstruction"))
        gaps[key] = {"gap": others.gap("tasks"), "half": others.half("tasks"),
                     "p": others.p_value("tasks")}  # fmt: skip
    for row, corrected in zip(gaps.values(), holm([g["p"] for g in gaps.values()]), strict=True):
        row["p_holm"] = corrected
    for start, structure in dict.fromkeys(key[:2] for key in found):
        own = [r for r in results if (r["start"], r["structure"]) == (start, structure)]
        moved = [f"{np.mean([r['moved'] for r in own if r['task'] == task]):.2f}" for task in MU]
        cells = [gap(gaps[start, structure, distance]) for distance in DISTANCES]
        lines.append([start, structure, *moved, *cells])
    header = ["start", "structure", *MU, *(f"tasks - within, {each}" for each in DISTANCES)]
    return table(header, lines)


def of_scores(results: Sequence[Result]) -> str:
    """How well the networks do their tasks, over structures, starts and seeds."""
    lines = []
    for task in dict.fromkeys(r["task"] for r in results):
        cells = []
        for name in SETS:
            scores = [r["score"] for r in results if (r["task"], r["set"]) == (task, name)]
            mean, half = seeds_interval(scores)
            cells.append(f"{mean:.3f} ± {half:.3f}")
        lines.append([task, *cells])
    return table(["task", *SETS], lines)


def of_everything(results: Sequence[Result], found: Found, tests: Sequence[dict[str, Any]]) -> str:
    """All tables."""
    parts = [
        f"Distances of matrices; p-values are corrected by Holm for all {len(tests)} tests:",
        of_distances(found, tests, "matrix"), "Distances of spectra:",
        of_distances(found, tests, "spectrum"), "What `describe` calls the actions:",
        of_names(results), "Scores on images that did not train:", of_scores(results),
    ]  # fmt: skip
    if {each["task"] for each in results} == set(MU):
        parts += ["How far they moved from their starts, by task, and, looked at afterwards, tasks "
                  "without reconstruction:", of_tasks(results, found)]  # fmt: skip
    return "\n\n".join(parts)


def draw(found: Found, file: Path) -> None:
    """Mean distances of matrices between every two sets, for each structure and start."""
    shown = {key: each for key, each in found.items() if key[2] == "matrix"}
    figure, panels = grid_of_panels(len(shown), 2.4, 2.5)
    for axes, ((start, structure, _), each) in zip(panels, shown.items(), strict=True):
        means = by_set(each)
        most = max(by_set(other).max() for key, other in shown.items() if key[0] == start)
        axes.imshow(means, cmap="Blues", vmin=0, vmax=most, interpolation="nearest")
        for (row, column), value in np.ndenumerate(means):
            ink = "white" if value > 0.55 * most else INK
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        short = [name.replace("rotated MNIST", "rotated").replace("-MNIST", "") for name in SETS]
        axes.set_xticks(range(len(SETS)), short, fontsize=7, rotation=30, color=INK)
        axes.set_yticks(range(len(SETS)), short, fontsize=7, color=INK)
        words = "random starts" if start == "random" else "from the identity"
        axes.set_title(f"{structure}, {words}", fontsize=9, color=INK)
        axes.tick_params(length=0, colors=SOFT)
    picture = Image.open(io.BytesIO(png(figure))).convert("RGB").quantize(64)
    picture.save(file, optimize=True)


def by_set(each: Measured) -> Array:
    """The mean distance of networks of one task, by their sets; within a cell on the diagonal."""
    pairs = same(each.tasks) & ~np.eye(len(each.tasks), dtype=bool)
    return np.array([
        [each.after[pairs & (each.sets[:, None] == a) & (each.sets == b)].mean() for b in SETS]
        for a in SETS
    ])  # fmt: skip


def jobs_of(given: argparse.Namespace, structures: Sequence[str]) -> list[Job]:
    """One network for each start, seed, set, structure and task."""
    return [
        {"data": str(Path(given.data).resolve()), "start": start, "seed": given.first_seed + k,
         "structure": structure, "task": task, "set": name, **SIZES,
         "epochs": given.epochs}
        for start in given.starts for k in range(given.sets) for name in SETS
        for structure in structures for task in given.tasks
    ]  # fmt: skip


def main() -> None:
    """Run what is missing, test the claims, and write tables and figure."""
    options = parser(__doc__, STRUCTURES, sets=3)
    options.set_defaults(first_seed=0)
    options.add_argument("--data", type=Path, default=os.environ.get("GROUPLEARN_DATA"))
    options.add_argument("--starts", nargs="+", choices=STARTS, default=list(STARTS))
    options.add_argument("--tasks", nargs="+", choices=list(MU), default=list(MU))
    options.add_argument("--epochs", type=int, default=EPOCHS)
    options.add_argument("--figure", type=Path, default=Path("docs/_static/source-claims.png"))
    given = options.parse_args()
    if given.data is None:
        options.error("name the folder of data by --data or GROUPLEARN_DATA")
    if given.sets < 3:
        options.error("the jackknife leaves one seed out of three or more: --sets 3")
    structures = given.kinds or list(STRUCTURES)
    jobs = jobs_of(given, structures)
    name = "source_claims" if given.epochs == EPOCHS else f"source_claims-{given.epochs}"
    results = run(name, learned, jobs, given)
    failed = [each for each in results if "error" in each]
    if failed:
        raise SystemExit(f"{len(failed)} networks failed, the first: {failed[0]['error']}")
    torch.set_num_threads(1)
    found = {
        (start, structure, distance): measured(
            [r for r in results if (r["start"], r["structure"]) == (start, structure)], delta
        )
        for start in given.starts for structure in structures
        for distance, delta in DISTANCES.items()
    }  # fmt: skip
    tests = tested(found)
    text = of_everything(results, found, tests)
    for each in results:
        del each["data"], each["action"]
    apart = {", ".join(key): each.after[np.triu_indices(len(each.sets), 1)].round(4).tolist()
             for key, each in found.items()}  # fmt: skip
    record = {"tests": tests, "distances": apart, "networks": results}
    publish(name, text, record, given.out)
    if len(found) == len(STARTS) * len(STRUCTURES) * len(DISTANCES):
        draw(found, given.figure)


if __name__ == "__main__":
    main()
