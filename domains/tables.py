"""Reading samples from tables: .npy, .npz, .csv and .parquet, a bounded batch at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, final

import numpy as np
from jaxtyping import Float64, Shaped

from grouplearn._checks import refuse
from grouplearn.domains.csv_layouts import Layout
from grouplearn.domains.csvs import Coded, csv_batches, csv_layout, csv_rows
from grouplearn.domains.files import checked_path, named, refusing_broken_files
from grouplearn.domains.numpy_files import (
    NPY_MAGIC,
    archived_shape,
    archived_slices,
    array_slices,
    numpy_array,
)
from grouplearn.domains.parquets import parquet_batches, parquet_head
from grouplearn.errors import DataError

_WHO = "read_table"
_MOST_COLUMNS = 1 << 20
_ZIP, _PARQUET = b"PK", b"PAR1"
_Batches: TypeAlias = Callable[[Sequence[int], Coded], Iterator[Shaped[np.ndarray, "rows kept"]]]


@final
@dataclass(frozen=True)
class NumberTable:
    """A table of numbers, read anew each time it is iterated.

    Attributes:
        path: the file; of data in memory, what to call them.
        columns: the name of each column; "column 0" and so on where the file names none.
        form: what holds the rows, in words.
        count: how many rows there are; of a text, the first call counts them.
        words: which columns hold words, as far as the beginning shows.
        notes: what was decided without being told, in words.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = file.write_text("x,y")
        >>> read_table(file).columns
        ('x', 'y')
    """

    path: Path | str
    columns: tuple[str, ...]
    form: str
    count: Callable[[], int]
    _batches: _Batches
    _kept: tuple[int, ...]
    words: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    _coded: Coded = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[Float64[np.ndarray, "rows columns"]]:
        """Yield the rows in batches of about a million numbers.

        Yields:
            (rows, columns), float64, finite.

        Raises:
            DataError: the file is cut or corrupt, has no rows, or holds something else than finite
                numbers; row and column are named.
        """
        row = 0
        for batch in self._batches(self._kept, self._coded):
            values = batch.astype(np.float64)
            bad = np.argwhere(~np.isfinite(values))
            if len(bad):
                first, column = (int(i) for i in bad[0])
                _reject(
                    self.path,
                    "finite numbers",
                    f"{values[first, column]} in row {row + first}, {self.columns[column]!r}",
                    "clean the data first",
                )
            row += len(values)
            yield values
        if not row:
            _reject(self.path, "a table with rows", "none", "pass a table that is not empty")

    def only(self, numbers: Sequence[int]) -> NumberTable:
        """Return the table of some columns; of a text or Parquet file, no others are read.

        Args:
            numbers: of the columns, from 0, in the order that is wanted.

        Example:
            >>> import tempfile
            >>> file = Path(tempfile.mkdtemp()) / "three.csv"
            >>> _ = file.write_text("x,y,z" + chr(10) + "1,cat,3")
            >>> next(iter(read_table(file).only([2, 0]))).tolist()
            [[3.0, 1.0]]
        """
        return replace(
            self,
            columns=tuple(self.columns[k] for k in numbers),
            _kept=tuple(self._kept[k] for k in numbers),
            words=tuple(new for new, k in enumerate(numbers) if k in self.words),
        )

    def coded(self, number: int, classes: dict[str, int]) -> NumberTable:
        """Return the table with a column of words read as classes.

        Args:
            number: of the column, from 0.
            classes: the code of each class, to which every new word is added when it is read.

        Example:
            >>> import tempfile
            >>> file = Path(tempfile.mkdtemp()) / "two.csv"
            >>> _ = file.write_text("x,y" + chr(10) + "1,cat" + chr(10) + "2,dog")
            >>> next(iter(read_table(file).coded(1, {}))).tolist()
            [[1.0, 0.0], [2.0, 1.0]]
        """
        return replace(self, _coded={**self._coded, self._kept[number]: classes})


def read_table(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    header: bool | None = None,
    decimal: str | None = None,
    index: bool | None = None,
) -> NumberTable:
    """Open a table of samples; what it holds decides how it is read, not its name.

    Args:
        path: a NumPy array of two axes (.npy), an archive of such (.npz), numbers between commas,
            semicolons, tabs or blanks, with or without a line of column names, plain or gzip
            (.csv, or as `numpy.savetxt` writes them), or Parquet. Rows are samples, columns
            coordinates. Pickled objects are never loaded.
        name: which array of an archive; None takes the only one.
        header: of a text, does its first line name the columns? None decides by what it holds:
            words are names, and so are evenly spaced numbers that do not fit the columns below.
        decimal: of a text, "." or ","; None decides by what it holds.
        index: False keeps the column in which pandas numbers rows: the first one if it is unnamed
            and holds different integers, or of Parquet what its metadata call index.

    Returns:
        The table: column names, and batches of rows when it is iterated.

    Raises:
        InputError: `path` is not a path, or an argument does not apply to such a file.
        DataError: the file is missing, unreadable, empty, cut or corrupt, is no table of numbers,
            has no such array, or a first line of numbers may be names or not.
        MissingExtraError: Parquet, and pyarrow is absent; the extra `tables` brings it.

    Cost:
        Linear time. Memory of one batch, for text and Parquet of one line or row group more;
        arrays in Fortran order within an archive are loaded whole.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = file.write_text("1,2" + chr(10) + "3,4")
        >>> next(iter(read_table(file))).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    file = checked_path(_WHO, path)
    with refusing_broken_files(_WHO, file), file.open("rb") as raw:
        magic = raw.read(6)
    if not magic:
        _reject(file, "a table of numbers", "an empty file", "pass .npy, .npz, .csv or .parquet")
    if name is not None and not magic.startswith(_ZIP):
        refuse(_WHO, "name", "None, as the file is no archive", repr(name), "leave it out")
    binary = magic.startswith((NPY_MAGIC, _ZIP, _PARQUET))
    for argument, value in (("header", header), ("decimal", decimal)):
        if binary and value is not None:
            refuse(_WHO, f"{argument} (--{argument})", "left out, as the file is no text",
                   repr(value), "leave it out")  # fmt: skip
    if decimal not in (None, ".", ","):
        refuse(_WHO, "decimal", "'.' or ','", repr(decimal), "pass one of these")
    if magic.startswith(_PARQUET):
        return _parquet(file, index)
    if binary:
        return _arrays(file, name, magic)
    return _text(file, csv_layout(file, header, decimal), index)


def _reject(file: Path | str, expected: str, got: object, remedy: str) -> NoReturn:
    refuse(_WHO, named(file), expected, got, remedy, DataError)


def _text(file: Path, layout: Layout, index: bool | None) -> NumberTable:
    kept = tuple(range(len(layout.names)))
    table = NumberTable(
        file, layout.names, layout.form, cache(lambda: csv_rows(file, layout)),
        lambda some, coded: csv_batches(file, layout, some, coded), kept, layout.words,
    )  # fmt: skip
    if layout.index is None or index is False:
        return replace(table, notes=layout.notes)
    others = [k for k in kept if k != layout.index]
    note = "the first column, which only numbers the rows, is left out"
    return replace(table.only(others), notes=(*layout.notes, note))


def _parquet(file: Path, index: bool | None) -> NumberTable:
    head = parquet_head(_WHO, file)
    kept = tuple(range(len(head.names)))
    table = NumberTable(
        file, head.names, "Parquet", lambda: head.rows,
        lambda some, coded: parquet_batches(_WHO, file, some, coded), kept, head.words,
    )  # fmt: skip
    others = [k for k in kept if k not in head.indices]
    if not head.indices or not others or index is False:
        return table
    said = ", ".join(head.names[k] for k in head.indices)
    return replace(table.only(others), notes=(f"{said}, which pandas calls index, is left out",))


def _arrays(file: Path, name: str | None, magic: bytes) -> NumberTable:
    """The table in a .npy or .npz file."""
    if magic == NPY_MAGIC:
        array = numpy_array(_WHO, file)
        shape, dtype, form = array.shape, array.dtype, "NumPy array"
    else:
        chosen, shape, dtype = archived_shape(_WHO, file, name)
        form = f"array {chosen!r} in an archive of NumPy,"
    _check_array(file, shape, dtype)
    every = tuple(range(shape[1]))

    def batches(kept: Sequence[int], _: Coded) -> Iterator[Shaped[np.ndarray, "rows kept"]]:
        slices = array_slices(array) if magic == NPY_MAGIC else archived_slices(_WHO, file, chosen)
        return (batch if kept == every else batch[:, list(kept)] for batch in slices)

    names = tuple(f"column {k}" for k in every)
    return NumberTable(file, names, f"{form} of {dtype}", lambda: int(shape[0]), batches, every)


def _check_array(file: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "fiub" or len(shape) != 2 or 0 in shape:
        _reject(
            file,
            "an array of real numbers of shape (samples, columns), neither empty",
            f"shape {shape} of {dtype}",
            "reshape or convert it; for images use ImageDomain",
        )
    if shape[1] > _MOST_COLUMNS:
        _reject(file, f"an array of at most {_MOST_COLUMNS:,} columns", f"{shape[1]:,}",
                "take some of them")  # fmt: skip
