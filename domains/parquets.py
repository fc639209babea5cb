"""Parquet files as a stream of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float64

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.csv_layouts import printable
from grouplearn.domains.numpy_files import rows_at_once
from grouplearn.errors import DataError


def parquet_columns(who: str, file: Path) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of the columns, and the numbers of those that pandas calls index.

    Args:
        who: asks, for the error.
        file: that exists.

    Raises:
        DataError: the file is broken, or has no columns.
        MissingExtraError: pyarrow is absent; the extra `tables` brings it.
    """
    schema = _opened(who, file).schema_arrow
    if not len(schema):
        _reject(who, file, "a table with columns", "none", "pass a table that is not empty")
    try:
        index = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, ValueError, TypeError):
        index = []
    return tuple(map(printable, schema.names)), [
        k for k, name in enumerate(schema.names) if name in index
    ]


def parquet_batches(
    who: str, file: Path, kept: Sequence[int]
) -> Iterator[Float64[np.ndarray, "rows kept"]]:
    """Yield the numbers of some columns, a batch of rows at once.

    Args:
        who: asks, for the error.
        file: that exists.
        kept: the numbers of the columns.

    Raises:
        DataError: the file is broken, a column is not numeric, or a value is missing.
    """
    table = _opened(who, file)
    names = [table.schema_arrow.names[k] for k in kept]
    _assert_numeric(who, file, [table.schema_arrow.field(k) for k in kept])
    row = 0
    batches = table.iter_batches(rows_at_once(len(names)), columns=names)
    while (batch := _guarded(who, file, lambda: next(batches, None))) is not None:
        _refuse_nulls(who, file, batch, row)
        row += batch.num_rows
        yield np.stack(
            [batch.column(n).to_numpy(zero_copy_only=False).astype(np.float64) for n in names], 1
        )


def _opened(who: str, file: Path) -> Any:
    parquet = optional_import("pyarrow.parquet", "tables")
    return _guarded(who, file, lambda: parquet.ParquetFile(file))


def _guarded(who: str, file: Path, read: Any) -> Any:
    """What `read` returns; what pyarrow raises becomes a DataError."""
    arrow = optional_import("pyarrow", "tables")
    try:
        return read()
    except (arrow.ArrowException, OSError, ValueError) as problem:
        _reject(who, file, "a whole Parquet file", f"a broken one ({problem})", "download it again")


def _assert_numeric(who: str, file: Path, fields: Sequence[Any]) -> None:
    kinds = optional_import("pyarrow", "tables").types
    numeric = (kinds.is_integer, kinds.is_floating, kinds.is_boolean)
    for each in fields:
        if not any(kind(each.type) for kind in numeric):
            _reject(who, file, "a table of numeric columns", f"{each.name!r} of type {each.type}",
                    "drop or encode that column, or read others only (--columns)")  # fmt: skip


def _refuse_nulls(who: str, file: Path, batch: Any, row: int) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.null_count:
            first = column.is_null().to_pylist().index(True)
            _reject(who, file, "finite numbers", f"an empty value in row {row + first}, {name!r}",
                    "clean the data first")  # fmt: skip


def _reject(who: str, file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(who, f"path {str(file)!r}", expected, got, remedy, DataError)
