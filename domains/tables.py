"""Reading samples from tables: .npy, .npz, .csv and .parquet, a bounded batch at a time."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, final

import numpy as np
from jaxtyping import Float64, Shaped
from numpy.lib import format as npy

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.csvs import csv_batches, csv_columns
from grouplearn.domains.files import checked_path, refusing_broken_files
from grouplearn.errors import DataError

_WHO = "read_table"
_ENTRIES = 1 << 20
# RuntimeError is how zipfile refuses encrypted members and unknown methods.
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, zlib.error, RuntimeError,
)  # fmt: skip
_NPY, _ZIP, _PARQUET = b"\x93NUMPY", b"PK", b"PAR1"


@final
@dataclass(frozen=True)
class Table:
    """A table of numbers, read anew each time it is iterated.

    Attributes:
        path: the file.
        columns: the name of each column; "column 0" and so on where the file names none.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = file.write_text("x,y")
        >>> read_table(file).columns
        ('x', 'y')
    """

    path: Path
    columns: tuple[str, ...]
    _batches: Callable[[], Iterator[Shaped[np.ndarray, "rows columns"]]]

    def __iter__(self) -> Iterator[Float64[np.ndarray, "rows columns"]]:
        """Yield the rows in batches of about a million numbers.

        Yields:
            (rows, columns), float64, finite.

        Raises:
            DataError: the file is cut or corrupt, has no rows, or holds something else than finite
                numbers; row and column are named.
        """
        row = 0
        for batch in self._batches():
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


def read_table(path: str | os.PathLike[str], name: str | None = None) -> Table:
    """Open a table of samples; what it holds decides how it is read, not its name.

    Args:
        path: a NumPy array of two axes (.npy), an archive of such (.npz), comma-, semicolon- or
            tab-separated values with or without a line of column names, plain or gzip (.csv), or
            Parquet. Rows are samples, columns coordinates. Pickled objects are never loaded.
        name: which array of an archive; None takes the only one.

    Returns:
        The table: column names, and batches of rows when it is iterated.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, cut or corrupt, is no table of numbers,
            or has no such array.
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
    if magic == _NPY:
        array = _array(file)
        return Table(file, _numbered(array.shape[1]), lambda: _slices(array))
    if magic.startswith(_ZIP):
        return _archive(file, name)
    if magic.startswith(_PARQUET):
        return _parquet(file)
    return Table(file, csv_columns(file), lambda: csv_batches(file))


def _reject(file: Path, expected: str, got: object, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(file)!r}", expected, got, remedy, DataError)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(count))


def _rows_at_once(columns: int) -> int:
    return max(1, _ENTRIES // max(columns, 1))


def _check_array(file: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "fiub" or len(shape) != 2 or 0 in shape:
        _reject(
            file,
            "an array of real numbers of shape (samples, columns), neither empty",
            f"shape {shape} of {dtype}",
            "reshape or convert it; for images use ImageDomain",
        )


def _array(file: Path) -> Shaped[np.ndarray, "rows columns"]:
    """A .npy file as a memory map."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as problem:
        _reject(file, "a whole .npy file of numbers", f"a broken one ({problem})", "save it again")
    _check_array(file, array.shape, array.dtype)
    return array


def _slices(
    array: Shaped[np.ndarray, "rows columns"],
) -> Iterator[Shaped[np.ndarray, "some columns"]]:
    step = _rows_at_once(array.shape[1])
    for start in range(0, len(array), step):
        yield array[start : start + step]


def _archive(file: Path, name: str | None) -> Table:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [each.removesuffix(".npy") for each in archive.namelist()]
            if name is None and len(names) != 1:
                _reject(
                    file, "an archive of one array", f"arrays {names}", "pass name=, one of these"
                )
            chosen = names[0] if name is None else name
            if chosen not in names:
                _reject(file, f"an archive with an array {chosen!r}", names, "pass one of these")
            with archive.open(f"{chosen}.npy") as member:
                shape, _, dtype = _header(member)
    except DataError:
        raise
    except _BROKEN_ARCHIVE as problem:
        _broken_archive(file, problem)
    _check_array(file, shape, dtype)
    return Table(file, _numbered(shape[1]), lambda: _members(file, f"{chosen}.npy"))


def _header(member: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array in an archive; the stream is left at its data."""
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    return read(member)


def _members(file: Path, member: str) -> Iterator[Shaped[np.ndarray, "rows columns"]]:
    try:
        with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
            (rows, columns), fortran, dtype = _header(stream)
            if fortran:
                data = _exactly(stream, rows * columns * dtype.itemsize)
                yield from _slices(np.frombuffer(data, dtype).reshape(columns, rows).T)
                return
            step = _rows_at_once(columns)
            for start in range(0, rows, step):
                count = min(step, rows - start)
                data = _exactly(stream, count * columns * dtype.itemsize)
                yield np.frombuffer(data, dtype).reshape(count, columns)
    except _BROKEN_ARCHIVE as problem:
        _broken_archive(file, problem)


def _exactly(stream: Any, size: int) -> bytes:
    data = io.BytesIO()
    while data.tell() < size and (part := stream.read(min(size - data.tell(), _ENTRIES))):
        data.write(part)
    if data.tell() < size:
        raise EOFError(f"{data.tell()} of {size} bytes")
    return data.getvalue()


def _broken_archive(file: Path, problem: Exception) -> NoReturn:
    _reject(file, "a whole .npz file", f"a broken one ({problem})", "save it again")


def _parquet(file: Path) -> Table:
    arrow = optional_import("pyarrow", "tables")
    parquet = optional_import("pyarrow.parquet", "tables")
    try:
        with parquet.ParquetFile(file) as table:
            schema = table.schema_arrow
    except (arrow.ArrowException, OSError) as problem:
        _reject(file, "a whole Parquet file", f"a broken one ({problem})", "download it again")
    if not len(schema):
        _reject(file, "a table with columns", "none", "pass a table that is not empty")
    for each in schema:
        kinds = arrow.types
        numeric = (kinds.is_integer, kinds.is_floating, kinds.is_boolean)
        if not any(kind(each.type) for kind in numeric):
            _reject(
                file, "a table of numeric columns", f"{each.name!r} of type {each.type}",
                "drop or encode that column",
            )  # fmt: skip

    def batches() -> Iterator[Shaped[np.ndarray, "rows columns"]]:
        row = 0
        try:
            with parquet.ParquetFile(file) as table:
                for batch in table.iter_batches(_rows_at_once(len(schema))):
                    _refuse_nulls(file, batch, row)
                    columns = [
                        column.to_numpy(zero_copy_only=False).astype(np.float64)
                        for column in batch.columns
                    ]
                    row += batch.num_rows
                    yield np.stack(columns, axis=1)
        except (arrow.ArrowException, OSError) as problem:
            _reject(file, "a whole Parquet file", f"a broken one ({problem})", "download it again")

    return Table(file, tuple(schema.names), batches)


def _refuse_nulls(file: Path, batch: Any, row: int) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            first = column.is_null().to_pylist().index(True)
            _reject(
                file, "finite numbers", f"an empty value in row {row + first}, {name!r}",
                "clean the data first",
            )  # fmt: skip
