"""Running `grouplearn test` at a terminal: progress, the run folder, and what is printed."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from grouplearn.commands.discover_data import names_of
from grouplearn.commands.folders import reserve, whole
from grouplearn.commands.invariance import InvarianceOptions, Tested, run
from grouplearn.commands.invariance_actions import WHO
from grouplearn.commands.invariance_output import (
    heading_of,
    method_of,
    summary_of,
    table_of,
    write_run,
)
from grouplearn.commands.marks import to_json
from grouplearn.commands.progress import told
from grouplearn.commands.terminal import print_place, print_table, terminal


def run_test(
    options: InvarianceOptions,
    out: Path | None,
    *,
    command: str,
    overwrite: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Test, write the run folder and print the result.

    Args:
        options: what to test.
        out: folder to write; None takes a new one below runs/.
        command: the command line, to be recorded.
        overwrite: may an earlier run at `out` be replaced?
        as_json: print the result as JSON instead of sentences and a table.
        quiet: print neither.

    Returns:
        0, or 1 if the symmetry is rejected.
    """
    (name,) = names_of((options.data,))
    with reserve(WHO, out, f"test-{name}", overwrite) as place:
        with told(hidden=quiet or as_json) as watch:
            tested = run(options, watch)
        with whole(place) as folder:
            write_run(folder, tested, options, command)
    if as_json:
        summary = {**summary_of(tested, options), "folder": place.shown}
        sys.stdout.write(to_json(summary, indent=2) + "\n")
    elif not quiet:
        _show(tested, options, place.shown)
    return int(tested.result.rejected)


def _show(tested: Tested, options: InvarianceOptions, folder: Path) -> None:
    """The sentence, then what each family says, on standard output."""
    console = terminal()
    console.print(Text(tested.result.summary(), style="bold"))
    console.print(Text(heading_of(tested, options)))
    console.print(Text(method_of(tested, options)))
    table = table_of(tested)
    print_table(console, table)
    console.print(Text(table.caption))
    print_place(console, folder)
