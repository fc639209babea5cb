"""What commands print at a terminal: how wide, tables of a report page, and where a run lies."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grouplearn.report import Table as ReportTable

_WIDTH = 80


def terminal(least: int = _WIDTH) -> Console:
    """Standard output, as wide as the terminal.

    Args:
        least: columns, on narrower terminals too, whose lines wrap.
    """
    return Console(highlight=False, width=max(least, shutil.get_terminal_size().columns))


def print_place(console: Console, folder: Path) -> None:
    """Where a run lies, and what to open.

    Args:
        console: where to print it.
        folder: of the run.
    """
    console.print(Text(f"Written to {folder}: open {folder / 'report.html'}"))


def print_table(console: Console, table: ReportTable) -> None:
    """A table of a report page at a terminal.

    Args:
        console: where.
        table: what to print.
    """
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(table.columns):
        shown.add_column(column.title, justify="right" if position else "left")
    for row in table.rows:
        shown.add_row(*row)
    console.print(shown)
