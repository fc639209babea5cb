"""The rows of a table as the command line asks for them: coordinates, labels and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.commands.discover_kinds import reject
from grouplearn.commands.reading import Reading
from grouplearn.domains.csv_layouts import split
from grouplearn.domains.tables import Table, read_table

_Batch: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.int64] | None]


@final
@dataclass(frozen=True)
class TableRows:
    """The rows of a table, with labels and blocks beside them.

    Attributes:
        who: the command, for errors.
        table: the columns that are read: coordinates first, then labels and blocks, if any.
        names: of the coordinates.
        labels: the number of the column of labels.
        file: labels from a file of their own.
        blocks: the number of the column of blocks.
        reading: as it was typed.
    """

    who: str
    table: Table
    names: tuple[str, ...]
    labels: int | None
    file: NDArray[Any] | None
    blocks: int | None
    reading: Reading

    @classmethod
    def of(cls, who: str, data: str, reading: Reading) -> TableRows:
        """Open a table."""
        told = reading.columns is not None or reading.index_column is not None
        table = read_table(
            Path(data), reading.array, header=reading.header, decimal=reading.decimal,
            index=False if told else None,
        )  # fmt: skip
        labels, file = _label_column(who, table, reading.labels)
        blocks, index = (
            None if wanted is None else _column(who, table, option, wanted)
            for option, wanted in (
                ("--blocks", reading.blocks),
                ("--index-column", reading.index_column),
            )
        )
        kept = list(range(len(table.columns)))
        if reading.columns is not None:
            kept = [_column(who, table, "--columns", each) for each in split(reading.columns, ",")]
            twice = [k for k in kept if kept.count(k) > 1 or k in (labels, blocks, index)]
            if twice:
                refuse(who, "--columns", "each named once, and none for something else",
                       repr(table.columns[twice[0]]), "leave it out here or there")  # fmt: skip
        kept = [k for k in kept if k not in (labels, blocks, index)]
        if not kept:
            reject(data, "a table with columns beside labels and blocks", "none",
                   "pass more columns", who)  # fmt: skip
        beside = list(dict.fromkeys(k for k in (labels, blocks) if k is not None))
        used = [*kept, *beside]
        places = (None if k is None else used.index(k) for k in (labels, blocks))
        names = tuple(table.columns[k] for k in kept)
        return cls(who, table.only(used), names, next(places), file, next(places), reading)

    @property
    def has_labels(self) -> bool:
        """Are there labels?"""
        return self.labels is not None or self.file is not None

    def __iter__(self) -> Iterator[_Batch]:
        """Batches of rows, their labels if any, their blocks if any."""
        row = 0
        for batch in self.table:
            classes = None if self.labels is None else batch[:, self.labels]
            if self.file is not None:
                classes = self.file[row : row + len(batch)]
                self._enough_labels(row + len(batch), last=False)
            numbers = None if self.blocks is None else self._whole(batch[:, self.blocks], row)
            yield batch[:, : len(self.names)], classes, numbers
            row += len(batch)
        self._enough_labels(row, last=True)

    def _enough_labels(self, rows: int, *, last: bool) -> None:
        labels = rows if self.file is None else len(self.file)
        if labels < rows or (last and labels > rows):
            refuse(self.who, "--labels", f"one for each row, {rows}{'' if last else ' or more'}",
                   f"{labels} in {self.reading.labels!r}",
                   "pass the labels of these rows")  # fmt: skip

    def _whole(self, values: NDArray[np.float64], row: int) -> NDArray[np.int64]:
        """Block numbers, which are integers."""
        wrong = np.flatnonzero(values != np.round(values))
        if wrong.size:
            place = f"row {row + int(wrong[0])} of {self.reading.blocks!r}"
            refuse(self.who, "--blocks", "a column of integers", f"{values[wrong[0]]} in {place}",
                   "number the blocks")  # fmt: skip
        return values.astype(np.int64)


def _column(who: str, table: Table, option: str, wanted: str) -> int:
    """The number of a column, given by its name or its number."""
    if wanted in table.columns:
        return table.columns.index(wanted)
    if not wanted.isdecimal() or int(wanted) >= len(table.columns):
        shown = ", ".join(table.columns[:12]) + (", ..." if len(table.columns) > 12 else "")
        refuse(who, option, f"a column of the table ({shown}) or its number from 0", repr(wanted),
               "take one of these")  # fmt: skip
    return int(wanted)


def _label_column(
    who: str, table: Table, wanted: str | None
) -> tuple[int | None, NDArray[Any] | None]:
    """Labels as a column of the table, or read from a file of their own."""
    if wanted is None:
        return None, None
    if wanted in table.columns or not Path(wanted).is_file():
        return _column(who, table, "--labels", wanted), None
    others = read_table(Path(wanted))
    if len(others.columns) != 1:
        refuse(who, "--labels", "a file of one column", f"{len(others.columns)} in {wanted!r}",
               "keep one column")  # fmt: skip
    return None, np.concatenate([batch[:, 0] for batch in others])
