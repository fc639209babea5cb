"""Running `grouplearn learn` at a terminal: progress, the run folder, and what is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from grouplearn.commands.folders import reserve, whole
from grouplearn.commands.learn import WHO, LearnOptions, LearnResult, Watch, learn
from grouplearn.commands.learn_page import notes_of
from grouplearn.commands.marks import to_json
from grouplearn.commands.output import summary_of, table_of, write_run
from grouplearn.commands.terminal import terminal
from grouplearn.training import Epoch


def run_learn(
    options: LearnOptions,
    out: Path | None,
    *,
    command: str,
    overwrite: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Learn, write the run folder and print the results.

    Args:
        options: what to learn.
        out: folder to write; None takes a new one below runs/.
        command: the command line, to be recorded.
        overwrite: may an earlier run at `out` be replaced?
        as_json: print the results as JSON instead of a table.
        quiet: print neither.

    Returns:
        0, or 1 if a class that closes by construction does not.
    """
    with reserve(WHO, out, f"learn-{options.transform}", overwrite) as place:
        with _progress(options, hidden=quiet or as_json) as watch:
            result = learn(options, watch)
        with whole(place) as folder:
            write_run(folder, result, command)
    if as_json:
        sys.stdout.write(to_json({**summary_of(result), "folder": place.shown}, indent=2) + "\n")
    elif not quiet:
        _show(result, place.shown)
    broken = ", ".join(each.name for each in result.learned if not each.lawful)
    if broken:
        sys.stderr.write(f"{WHO}: {broken} must close by construction, and does not\n")
    return 1 if broken else 0


@contextmanager
def _progress(options: LearnOptions, *, hidden: bool) -> Iterator[Watch | None]:
    """Bars on standard error, one for each representation; none where it is not a terminal."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TextColumn("{task.fields[error]}"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def watch(name: str, start: int, epoch: Epoch) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=options.schedule.epochs, error="")
            bars.update(
                tasks[name],
                completed=epoch.epoch,
                description=name if start == 1 else f"{name}, start {start}",
                error=f"error {epoch.data**0.5:.1e}",
            )

        yield watch


def _show(result: LearnResult, folder: Path) -> None:
    """The table, the verdicts and the remarks, on standard output."""
    # The table is never cut: on narrower terminals its lines wrap.
    measured = table_of(result)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(measured.columns):
        shown.add_column(column.title, justify="right" if position else "left", no_wrap=True)
    for row in measured.rows:
        shown.add_row(*row)
    terminal().print(shown)
    prose = Console(highlight=False, soft_wrap=True)
    for each in result.learned:
        prose.print(Text(f"{each.name}: {' '.join([each.verdict, *notes_of(each)])}"))
    prose.print(Text("\n".join(["", *result.remarks, f"Written to {folder}"])))
