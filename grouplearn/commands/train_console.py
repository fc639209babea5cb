"""Running `grouplearn train` at a terminal: progress, the run folder, and what is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from grouplearn._checks import refuse
from grouplearn.commands.folders import can_go_on, growing, reopen, reserve
from grouplearn.commands.marks import CONFIG, RESULT, to_json
from grouplearn.commands.results import read_options
from grouplearn.commands.terminal import print_place, print_table, terminal
from grouplearn.commands.train import Trained, Watch, read_data, train
from grouplearn.commands.train_kinds import WHO, TrainOptions, flat
from grouplearn.commands.train_output import (
    begin_run,
    choice_table,
    finish_run,
    moves_of,
    sentences_of,
    summary_of,
)
from grouplearn.errors import DataError
from grouplearn.training import FitEpoch, Tried
from grouplearn.training.fingerprints import MAY_CHANGE


def run_train(
    options: TrainOptions,
    out: Path | None,
    *,
    command: str,
    overwrite: bool = False,
    resume: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Train, write the run folder and print the result.

    Args:
        options: what to train.
        out: folder to write; None takes a new one below runs/.
        command: the command line, to be recorded.
        overwrite: may an earlier run at `out` be replaced?
        resume: go on with a run at `out` that was cut off.
        as_json: print the result as JSON instead of sentences.
        quiet: print neither.

    Returns:
        0.
    """
    name = Path(options.data).resolve().name if Path(options.data).exists() else options.data
    if resume and out is not None:
        chosen = reopen(WHO, out)
    elif resume:
        refuse(WHO, "--out", "the folder of a run, for --resume", None, "name it")
    else:
        chosen = reserve(WHO, out, f"train-{name}", overwrite)
    with (
        _progress(options, hidden=quiet or as_json) as watch,
        chosen as place,
        growing(place, resume=resume) as folder,
    ):
        if resume:
            _assert_cut_off(folder, place.shown, options)
        data = read_data(options, watch)
        if not resume:
            begin_run(folder, options, command)
        try:
            trained = train(options, data, folder, watch)
        except KeyboardInterrupt:
            if kept := can_go_on(folder):
                sys.stderr.write(f"{place.shown} keeps the {kept}: go on with --resume\n")
            raise
        watch.step("drawing")
        finish_run(folder, trained, data.test, command)
    if as_json:
        sys.stdout.write(to_json({**summary_of(trained), "folder": place.shown}, indent=2) + "\n")
    elif not quiet:
        _show(trained, place.shown)
    return 0


def _assert_cut_off(folder: Path, shown: Path, options: TrainOptions) -> None:
    """Refuse a folder that holds no run that was cut off, or one with other options."""
    if not (folder / CONFIG).is_file():
        refuse(WHO, "--out", "the folder of a run, for --resume", repr(str(shown)), "name it")
    if (folder / RESULT).is_file():
        refuse(WHO, "--out", "the folder of a run that was cut off, for --resume",
               f"{str(shown)!r}, a finished one", "leave --resume out")  # fmt: skip
    try:
        earlier = read_options(folder)
    except ValueError as problem:
        refuse(WHO, "--out", f"the folder of a run, with a whole {CONFIG}", str(problem),
               "start a new run", DataError)  # fmt: skip
    before, now = flat(earlier), flat(json.loads(to_json(options.plain())))
    for name in sorted({*before, *now} - MAY_CHANGE):
        if before.get(name) != now.get(name):
            refuse(WHO, f"--{name.replace('_', '-')}", f"{before.get(name)}, as the run in "
                   f"{str(shown)!r} has it", now.get(name),
                   "pass the same options, or start a new run")  # fmt: skip


@contextmanager
def _progress(options: TrainOptions, *, hidden: bool) -> Iterator[Watch]:
    """A bar on standard error; none where it is not a terminal."""
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield Watch(lambda _: None, lambda _: None, lambda _: None)
        return
    columns = (
        TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("reading", total=options.fit.epochs, note="")

        def step(name: str) -> None:
            bars.update(task, description=name)

        def tried(each: Tried) -> None:
            moves = ", ".join(moves_of(each.rep, options)[:1])
            bars.console.print(Text(f"  {each.rep.group} {moves}: {each.words}"))

        def epoch(each: FitEpoch) -> None:
            bars.update(task, completed=each.epoch, note=f"loss {each.loss:.3f}")

        yield Watch(step, tried, epoch)


def _show(trained: Trained, folder: Path) -> None:
    console = terminal()
    for sentence in sentences_of(trained):
        console.print(Text(sentence))
    if trained.action is not None and trained.action.choice is not None:
        table = choice_table(trained.action.choice, trained.options)
        print_table(console, table)
        console.print(Text(table.caption))
    print_place(console, folder)
