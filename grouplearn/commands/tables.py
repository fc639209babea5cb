"""Tables of a report page, printed at a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from grouplearn.report import Table as ReportTable


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
