"""Parquet files as a stream of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.csv_layouts import printable
from grouplearn.domains.csvs import Coded
from grouplearn.domains.numpy_files import rows_at_once
from grouplearn.errors import DataError


class ParquetHead(NamedTuple):
    """What the metadata of a Parquet file say.

    Attributes:
        names: of the columns.
        indices: the numbers of those that pandas calls index.
        words: the numbers of those that hold texts.
        rows: how many there are.
    """

    names: tuple[str, ...]
    indices: tuple[int, ...]
    words: tuple[int, ...]
    rows: int


def parquet_head(who: str, file: Path) -> ParquetHead:
    """Read the metadata of a file.

    Args:
        who: asks, for the error.
        file: that exists.

    Raises:
        DataError: the file is broken, or has no columns.
        MissingExtraError: pyarrow is absent; the extra `tables` brings it.
    """
    opened = _opened(who, file)
    schema = opened.schema_arrow
    if not len(schema):
        _reject(who, file, "a table with columns", "none", "pass a table that is not empty")
    try:
        index = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
    except (KeyError, ValueError, TypeError):
        index = []
    return ParquetHead(
        tuple(map(printable, schema.names)),
        tuple(k for k, name in enumerate(schema.names) if name in index),
        tuple(k for k, each in enumerate(schema) if _is_text(each.type)),
        opened.metadata.num_rows,
    )


def parquet_batches(
    who: str, file: Path, kept: Sequence[int], coded: Coded
) -> Iterator[Float64[np.ndarray, "rows kept"]]:
    """Yield the numbers of some columns, a batch of rows at once.

    Args:
        who: asks, for the error.
        file: that exists.
        kept: the numbers of the columns.
        coded: of columns that are read as classes, the number of each class so far.

    Raises:
        DataError: the file is broken, another column is not numeric, two have one name, or
            a value is missing.
    """
    table = _opened(who, file)
    names = [table.schema_arrow.names[k] for k in kept]
    twice = next((name for name in names if table.schema_arrow.names.count(name) > 1), None)
    if twice is not None:
        _reject(who, file, "of columns with names of their own", f"{twice!r} more than once",
                "rename them")  # fmt: skip
    fields = [table.schema_arrow.field(k) for k in kept]
    _assert_numeric(
        who, file, [each for k, each in zip(kept, fields, strict=True) if k not in coded]
    )
    row = 0
    batches = table.iter_batches(rows_at_once(len(names)), columns=names)
    while (batch := _guarded(who, file, lambda: next(batches, None))) is not None:
        _refuse_nulls(who, file, batch, row)
        row += batch.num_rows
        yield np.stack([
            _codes(batch.column(name).to_pylist(), coded[k]) if k in coded else
            batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
            for k, name in zip(kept, names, strict=True)
        ], 1)  # fmt: skip


def _codes(words: Sequence[Any], codes: dict[str, int]) -> NDArray[np.float64]:
    """The numbers of classes."""
    return np.array([codes.setdefault(str(each), len(codes)) for each in words], np.float64)


def _is_text(kind: Any) -> bool:
    types = optional_import("pyarrow", "tables").types
    held = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(held) or types.is_large_string(held))


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
