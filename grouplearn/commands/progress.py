"""A line at the terminal that says what a command is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def told(*, hidden: bool) -> Iterator[Callable[[str], object]]:
    """A function that says on standard error what is being done; silent where that is no terminal.

    Args:
        hidden: say nothing?
    """
    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("opening", total=None)
        yield lambda words: bars.update(task, description=words)
