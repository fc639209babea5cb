"""The rows of a table as they are asked for: coordinates, labels and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.csv_layouts import split
from grouplearn.domains.numpy_files import archived_names
from grouplearn.domains.readers.labels import as_codes, read_labels
from grouplearn.domains.readers.standard import Scale, scale_of
from grouplearn.domains.tables import NumberTable, read_table
from grouplearn.errors import DataError

_Batch: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.int64] | None]


@final
@dataclass(frozen=True)
class TableOptions:
    """How a table is read; see `grouplearn.domains.readers.open_data` for the meaning.

    Attributes:
        array: which one of an archive.
        labels: a column, a file, an array of the archive, or values.
        blocks: a column of integers.
        columns: names or numbers of those to read, with commas between or in a tuple.
        header: does the first line of a text name the columns?
        index_column: a column to leave out.
        decimal: "." or ",".
        standardise: are columns brought to mean 0 and standard deviation 1?
    """

    array: str | None = None
    labels: Any = None
    blocks: str | None = None
    columns: str | tuple[str | int, ...] | None = None
    header: bool | None = None
    index_column: str | None = None
    decimal: str | None = None
    standardise: bool = False


@final
@dataclass(frozen=True)
class TableRows:
    """The rows of a table, with labels and blocks beside them.

    Attributes:
        who: asks, for errors.
        table: the columns that are read: coordinates first, then labels and blocks, if any.
        names: of the coordinates.
        labels: the number of the column of labels.
        file: labels from elsewhere.
        blocks: the number of the column of blocks.
        options: as they were asked for.
        codes: of labels in words: the number of each class, complete once all rows were read.
        scale: what standardises the coordinates, if they are.
    """

    who: str
    table: NumberTable
    names: tuple[str, ...]
    labels: int | None
    file: NDArray[Any] | None
    blocks: int | None
    options: TableOptions
    codes: dict[str, int] = field(default_factory=dict)
    scale: Scale | None = None

    @classmethod
    def of(cls, who: str, source: Path | NumberTable, options: TableOptions) -> TableRows:
        """Open a file, or take a table that is open.

        Args:
            who: asks, for errors.
            source: that holds the rows.
            options: how.

        Raises:
            InputError: a column is unknown or named twice, or an option does not fit.
            DataError: the file is missing or broken, or no column is left.
        """
        table = _opened(source, options)
        codes: dict[str, int] = {}
        labels, values = _labels(who, table, options, codes)
        blocks = _maybe_column(who, table, "blocks", options.blocks)
        index = _maybe_column(who, table, "index-column", options.index_column)
        kept = _kept(who, table, options.columns, (labels, blocks, index))
        beside = list(dict.fromkeys(k for k in (labels, blocks) if k is not None))
        used = [*kept, *beside]
        places = [None if k is None else used.index(k) for k in (labels, blocks)]
        names = tuple(table.columns[k] for k in kept)
        scale = scale_of(table.only(kept)) if options.standardise else None
        if labels is not None and labels in table.words:
            table = table.coded(labels, codes)
        return cls(
            who, table.only(used), names, places[0], values, places[1], options, codes, scale
        )

    @property
    def has_labels(self) -> bool:
        """Are there labels?"""
        return self.labels is not None or self.file is not None

    @property
    def label_name(self) -> str:
        """What the labels are called; empty where there are none."""
        if self.labels is not None:
            return self.table.columns[self.labels]
        wanted = self.options.labels
        return "" if self.file is None else wanted if isinstance(wanted, str) else "as given"

    @property
    def said(self) -> str:
        """What the data were taken for, and why."""
        labels = f"labels: {self.label_name}"
        scaled = "columns are standardised"
        size = f"{self.table.count():,} x {len(self.names):,} table"
        return "; ".join([
            f"{size}, {self.table.form}", *self.table.notes, *[labels] * self.has_labels,
            *[scaled] * (self.scale is not None),
        ])  # fmt: skip

    def __iter__(self) -> Iterator[_Batch]:
        """Batches of rows, their labels if any, their blocks if any."""
        row = 0
        for batch in self.table:
            classes = None if self.labels is None else batch[:, self.labels]
            if self.file is not None:
                classes = self.file[row : row + len(batch)]
                self._enough_labels(row + len(batch), last=False)
            numbers = None if self.blocks is None else self._whole(batch[:, self.blocks], row)
            rows = batch[:, : len(self.names)]
            yield rows if self.scale is None else self.scale(rows), classes, numbers
            row += len(batch)
        self._enough_labels(row, last=True)

    def _enough_labels(self, rows: int, *, last: bool) -> None:
        labels = rows if self.file is None else len(self.file)
        if labels < rows or (last and labels > rows):
            where = f" in {self.options.labels!r}" * isinstance(self.options.labels, str)
            refuse(self.who, option(self.who, "labels"),
                   f"one for each row, {rows}{'' if last else ' or more'}", f"{labels}{where}",
                   "pass the labels of these rows")  # fmt: skip

    def _whole(self, values: NDArray[np.float64], row: int) -> NDArray[np.int64]:
        """Block numbers, which are integers."""
        wrong = np.flatnonzero(values != np.round(values))
        if wrong.size:
            place = f"row {row + int(wrong[0])} of {self.options.blocks!r}"
            refuse(self.who, option(self.who, "blocks"), "a column of integers",
                   f"{values[wrong[0]]} in {place}", "number the blocks")  # fmt: skip
        return values.astype(np.int64)


def option(who: str, name: str) -> str:
    """Return the name of an option as the caller knows it, typed or as an argument."""
    return f"--{name}" if who.startswith("grouplearn ") else name.replace("-", "_")


def _opened(source: Path | NumberTable, options: TableOptions) -> NumberTable:
    if isinstance(source, NumberTable):
        return source
    told = options.columns is not None or options.index_column is not None
    return read_table(
        source, options.array, header=options.header, decimal=options.decimal,
        index=False if told else None,
    )  # fmt: skip


def _kept(
    who: str,
    table: NumberTable,
    columns: str | tuple[str | int, ...] | None,
    beside: tuple[int | None, ...],
) -> list[int]:
    """The numbers of the coordinates."""
    kept = list(range(len(table.columns)))
    if columns is not None:
        name = option(who, "columns")
        wanted = split(columns, ",") if isinstance(columns, str) else map(str, columns)
        kept = [_column(who, table, name, each) for each in wanted]
        twice = [k for k in kept if kept.count(k) > 1 or k in beside]
        if twice:
            refuse(who, name, "each named once, and none for something else",
                   repr(table.columns[twice[0]]), "leave it out here or there")  # fmt: skip
    kept = [k for k in kept if k not in beside]
    if not kept:
        source = f"DATA {str(table.path)!r}" if isinstance(table.path, Path) else table.path
        refuse(who, source, "a table with columns beside labels and blocks", "none",
               "pass more columns", DataError)  # fmt: skip
    return kept


def _maybe_column(who: str, table: NumberTable, name: str, wanted: str | None) -> int | None:
    return None if wanted is None else _column(who, table, option(who, name), wanted)


def _column(who: str, table: NumberTable, name: str, wanted: str) -> int:
    """The number of a column, given by its name or its number."""
    if wanted in table.columns:
        return table.columns.index(wanted)
    if not wanted.isdecimal() or int(wanted) >= len(table.columns):
        shown = ", ".join(table.columns[:12]) + (", ..." if len(table.columns) > 12 else "")
        refuse(who, name, f"a column of the table ({shown}) or its number from 0", repr(wanted),
               "take one of these")  # fmt: skip
    return int(wanted)


def _labels(
    who: str, table: NumberTable, options: TableOptions, codes: dict[str, int]
) -> tuple[int | None, NDArray[Any] | None]:
    """Labels as a column of the table, or as values from elsewhere."""
    wanted = options.labels
    if wanted is None:
        return None, None
    name = option(who, "labels")
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        wanted = str(wanted)
    if not isinstance(wanted, str):
        return None, as_codes(who, name, wanted, codes)
    if wanted in table.columns:
        return table.columns.index(wanted), None
    if isinstance(table.path, Path) and wanted in archived_names(table.path):
        return None, read_labels(who, name, table.path, wanted, codes)
    if Path(wanted).is_file():
        return None, read_labels(who, name, Path(wanted), None, codes)
    return _column(who, table, name, wanted), None
