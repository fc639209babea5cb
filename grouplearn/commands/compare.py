"""`grouplearn compare`: trained networks side by side, seeds put together, with intervals."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rich.text import Text

from grouplearn._checks import refuse
from grouplearn._files import write_whole
from grouplearn.commands.folders import sweep
from grouplearn.commands.marks import to_json
from grouplearn.commands.options import assert_page
from grouplearn.commands.output import number
from grouplearn.commands.results import Result, read_options, read_result
from grouplearn.commands.terminal import print_table, terminal
from grouplearn.commands.train_kinds import flat
from grouplearn.errors import DataError
from grouplearn.plots import Bar, draw_bars, png
from grouplearn.report import (
    Alert,
    Column,
    Headline,
    Page,
    Picture,
    Section,
    Table,
    render_page,
)
from grouplearn.training import seeds_interval

WHO = "grouplearn compare"
_OF_DATA = ("data", "rotated", "classes", "objective")
"""Options that say what a network learned from, and for what."""
_FURTHER = {
    "sequence": ("others", "negatives", "labels", "alphabet", "length", "ambiguous"),
    "tokens": ("test",),
}
_NAMED = (*_OF_DATA, *(name for names in _FURTHER.values() for name in names))
_HEAD = [
    Column("network", "What was trained, and the options in which runs differ.", is_text=True),
    Column("group", "The groups that were used.", is_text=True),
    Column("parameters", "Numbers that were trained."),
    Column("score, %", "On the test samples: mean over seeds, with half the width of its 95 % "
           "interval (Student's t)."),
    Column("difference", "From the first row, seed by seed."),
    Column("seeds", "Of the runs that were put together."),
    Column("closure defect", "The largest; 0 for a group that is exact."),
    Column("minutes", "Of a run, on average."),
]  # fmt: skip


@final
@dataclass(frozen=True)
class Row:
    """Runs that differ in their seed alone.

    Attributes:
        network: what was trained, in words.
        groups: the groups that were used.
        parameters: of the first run.
        scores: by seed.
        difference: mean difference from the first row, over the seeds that both have, and half the
            width of its interval; None for the first row and where no seed is common.
        closure: the largest closure defect, None where there is no action.
        minutes: mean.
    """

    network: str
    groups: tuple[str, ...]
    parameters: int
    scores: dict[int, float]
    difference: tuple[float, float] | None
    closure: float | None
    minutes: float


def rows_of(folders: Sequence[Path]) -> list[Row]:
    """Read runs and put those together that differ in their seed alone.

    Args:
        folders: of finished runs of `grouplearn train`.

    Returns:
        One row for each kind of run, in the order in which they come.

    Raises:
        DataError: a folder holds no finished run.
        InputError: two runs of one kind have the same seed, or runs are of different data.
    """
    kinds: dict[str, list[Result]] = {}
    data: dict[str, Path] = {}
    for folder in folders:
        options, result = _read_run(folder)
        further = _FURTHER.get(str(options.get("kind")), ())
        same = {name: options.get(name) for name in (*_OF_DATA, *further)}
        data.setdefault(json.dumps(same), folder)
        options = {name: value for name, value in options.items() if name != "seed"}
        earlier = kinds.setdefault(json.dumps(options, sort_keys=True), [])
        if any(each.seed == result.seed for each in earlier):
            refuse(WHO, "RUN", "one run for each seed", f"seed {result.seed} twice, again in "
                   f"{str(folder)!r}", "leave one out")  # fmt: skip
        earlier.append(result)
    if len(data) > 1:
        few = [json.loads(each) for each in data]
        names = [name for name in _NAMED if len({json.dumps(each.get(name)) for each in few}) > 1]
        refuse(WHO, "RUN", "runs on the same data, of one objective",
               f"{', '.join(map(str, data.values()))}, which differ in {', '.join(names)}",
               "compare them apart")  # fmt: skip
    first: dict[int, float] = {}
    found = []
    told = _differences([json.loads(kind) for kind in kinds])
    for results, more in zip(kinds.values(), told, strict=True):
        scores = {each.seed: each.score for each in results}
        common = [scores[seed] - first[seed] for seed in scores if seed in first]
        found.append(Row(
            ", ".join([results[0].network, *more]),
            tuple(sorted({_group(each) for each in results if each.group})),
            results[0].parameters, scores, seeds_interval(common) if common else None,
            max((e.defects["closure"] for e in results if "closure" in e.defects),
                default=None),
            sum(each.seconds for each in results) / len(results) / 60,
        ))  # fmt: skip
        first = first or scores
    return found


def table_of(rows: Sequence[Row]) -> Table:
    """The comparison as a table.

    Args:
        rows: one for each kind of run.
    """
    lines = [
        [
            row.network, "; ".join(row.groups) or "-", f"{row.parameters:,}",
            _interval(*seeds_interval(list(row.scores.values()))),
            "-" if row.difference is None else _interval(*row.difference),
            ", ".join(map(str, sorted(row.scores))),
            "-" if row.closure is None else number(row.closure), f"{row.minutes:.1f}",
        ]
        for row in rows
    ]  # fmt: skip
    caption = (
        "Scores on the test samples: mean over seeds, and half the width of its 95 % interval "
        "(Student's t). Differences are from the first row, seed by seed."
    )
    return Table(_HEAD, lines, caption)


def run_compare(
    folders: Sequence[Path], out: Path | None, *, overwrite: bool = False, as_json: bool = False
) -> int:
    """Compare runs, print the table, and write a page where asked to.

    Args:
        folders: of finished runs.
        out: an HTML file to write, or None.
        overwrite: may the file be replaced?
        as_json: print rows as JSON instead of the table.

    Returns:
        0.
    """
    assert_page(WHO, out, overwrite=overwrite)
    rows = rows_of(folders)
    table = table_of(rows)
    if out is not None:
        write_whole(out, render_page(_page(folders, rows, table)))
    if as_json:
        plain = [vars(row) | {"mean": seeds_interval(list(row.scores.values()))} for row in rows]
        sys.stdout.write(to_json(plain, indent=2) + "\n")
        return 0
    console = terminal(120)
    print_table(console, table)
    console.print(Text(table.caption or ""))
    return 0


def _page(folders: Sequence[Path], rows: Sequence[Row], table: Table) -> Page:
    means = [seeds_interval(list(row.scores.values())) for row in rows]
    best = max(range(len(rows)), key=lambda k: means[k][0])
    bars = [
        Bar(f"{row.network}{f' ({row.groups[0]})' if row.groups else ''}", 100 * mean, 100 * half,
            k == best)
        for k, (row, (mean, half)) in enumerate(zip(rows, means, strict=True))
    ]  # fmt: skip
    alone = sum(math.isnan(half) for _, half in means)
    alerts = [Alert("One seed is no interval", f"{alone} of {len(rows)} kinds were run with one "
                    "seed: how much another seed would change is unknown.")]  # fmt: skip
    drawn = png(draw_bars(bars, "score on the test samples, %, with its 95 % interval").figure)
    picture = Picture(drawn, "; ".join(f"{bar.name}: {bar.value:.2f}" for bar in bars))
    answer = Headline(
        f"The best mean is that of {bars[best].name}: {_interval(*means[best])} %.",
        f"{len(folders)} runs of {len(rows)} kinds", "none", picture,
    )  # fmt: skip
    return Page(
        "Networks side by side", [], [Section("Scores", [], table)], answer,
        alerts if alone else [], program="grouplearn compare",
    )  # fmt: skip


def _differences(kinds: Sequence[dict[str, Any]]) -> list[list[str]]:
    """For each kind of run, the options in which kinds differ, those named anyway left out."""
    names = sorted({name for kind in kinds for name in kind} - {"network", "action", "closure"})
    differ = [name for name in names if len({json.dumps(kind.get(name)) for kind in kinds}) > 1]
    return [[f"{name} {_plain(kind.get(name))}" for name in differ] for kind in kinds]


def _plain(value: Any) -> Any:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else value


def _read_run(folder: Path) -> tuple[dict[str, Any], Result]:
    """The options of a run, side by side, and its result."""
    sweep(folder.parent)
    expected = f"RUN {str(folder)!r}", "a finished run of grouplearn train"
    try:
        return flat(read_options(folder)), read_result(folder)
    except OSError as problem:
        name = Path(str(problem.filename)).name
        refuse(WHO, *expected, f"no readable {name} ({problem})", "finish it with --resume",
               DataError)  # fmt: skip
    except ValueError as problem:
        refuse(WHO, *expected, f"other content ({problem})", "train it anew", DataError)


def _group(result: Result) -> str:
    named = result.moves and result.tokens is None  # words of tokens are long
    return f"{result.group} ({result.moves[0]})" if named else result.group


def _interval(mean: float, half: float) -> str:
    shown = f"{100 * mean:.2f}"
    return shown if math.isnan(half) else f"{shown} ± {100 * half:.2f}"
