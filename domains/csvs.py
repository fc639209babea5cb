"""Numbers separated by commas, semicolons or tabs, as a stream."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Float64

from grouplearn._checks import refuse
from grouplearn.domains.files import text_of
from grouplearn.errors import DataError

_WHO = "read_table"
_ENTRIES = 1 << 20
_DELIMITERS = ",;\t"


def csv_columns(file: Path) -> tuple[str, ...]:
    """Return the names of a file's columns, "column 0" and so on where the first line has none.

    The first line names the columns when one of its fields is neither a number nor empty.

    Args:
        file: plain or gzip.

    Returns:
        One name for each column.

    Raises:
        DataError: the file is missing, unreadable, cut, no text or has no first line.
    """
    _, fields = next(_records(file), (0, []))
    if not fields:
        _reject(file, "a table of numbers", "no line", "pass a file that is not empty")
    names = [field.strip() * _is_header(fields) for field in fields]
    return tuple(name or f"column {k}" for k, name in enumerate(names))


def csv_batches(file: Path) -> Iterator[Float64[np.ndarray, "rows columns"]]:
    """Yield the numbers of a file, a batch of lines at once.

    Args:
        file: plain or gzip.

    Yields:
        (rows, columns), float64.

    Raises:
        DataError: a line has more or fewer fields than the first, or a field is no finite number;
            line and column are named.
    """
    names, rows = csv_columns(file), []
    for number, (line, fields) in enumerate(_records(file)):
        if number == 0 and _is_header(fields):
            continue
        if len(fields) != len(names):
            _reject(
                file, f"lines of {len(names)} fields", f"{len(fields)} on line {line}",
                "the file may be cut; complete the line",
            )  # fmt: skip
        rows.append([_value(file, line, *each) for each in zip(names, fields, strict=True)])
        if len(rows) * len(names) >= _ENTRIES:
            yield np.array(rows)
            rows = []
    if rows:
        yield np.array(rows)


def _records(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of each line; empty lines may stand at the end only."""
    with text_of(_WHO, file) as text:
        first = text.readline()
        text.seek(0)
        delimiter = max(_DELIMITERS, key=first.count)
        reader, empty = csv.reader(text, delimiter=delimiter, strict=True), 0
        try:
            for fields in reader:
                if not fields:
                    empty = empty or reader.line_num
                    continue
                if empty:
                    _reject(file, "lines of numbers", f"line {empty} empty", "delete that line")
                yield reader.line_num, fields
        except csv.Error as problem:
            got = f"{problem} on line {reader.line_num}"
            _reject(file, "comma-separated values", got, "save it again")


def _is_header(fields: list[str]) -> bool:
    """Has a field that is neither a number nor empty?"""
    return any(field.strip() and _number(field) is None for field in fields)


def _value(file: Path, line: int, name: str, field: str) -> float:
    number = _number(field)
    if number is None or not math.isfinite(number):
        got = repr(field.strip()) if field.strip() else "an empty field"
        _reject(
            file, "a table of finite numbers", f"{got} in {name!r} on line {line}",
            "drop or encode that column" if number is None and field.strip() else "fill it in",
        )  # fmt: skip
    return number


def _number(field: str) -> float | None:
    """A field as a number; Python's underscores are no digits here."""
    try:
        return None if "_" in field else float(field)
    except ValueError:
        return None


def _reject(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(file)!r}", expected, got, remedy, DataError)
