"""Numbers separated by commas, semicolons, tabs or blanks, as a stream."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from jaxtyping import Float64

from grouplearn._checks import refuse
from grouplearn.domains.csv_layouts import BLANKS, WHO, Layout, layout_of, number, split
from grouplearn.domains.files import lines_of, text_of
from grouplearn.errors import DataError

Coded: TypeAlias = Mapping[int, dict[str, int]]
"""The numbers of columns that are read as classes, each with those seen so far and their codes."""
_ENTRIES = 1 << 20
_HEAD_LINES, _HEAD_LETTERS = 1000, 1 << 22
_COMMENT = "#"


def csv_layout(file: Path, header: bool | None = None, decimal: str | None = None) -> Layout:
    """Find out how a file holds numbers, from its first 1,000 lines or four million letters.

    Args:
        file: plain or gzip.
        header: does the first line name the columns? None decides by what it holds.
        decimal: "." or ","; None decides by what the lines hold.

    Raises:
        DataError: the file is missing, unreadable, cut, no text or has no line, or it cannot be
            told whether the first line names the columns.
    """
    comment, letters = "", 0
    head: list[str] = []
    with text_of(WHO, file) as text:
        for _, line in _lines(file, text):
            if line.lstrip().startswith(_COMMENT):
                comment = comment if head else line.lstrip(" \t" + _COMMENT)
            elif line.strip():
                head.append(line)
                letters += len(line)
            if len(head) >= _HEAD_LINES or letters >= _HEAD_LETTERS:
                break
    if not head:
        _reject(file, "a table of numbers", "no line", "pass a file that is not empty")
    return layout_of(file, comment, head, header, decimal)


def csv_batches(
    file: Path, layout: Layout, kept: Sequence[int], coded: Coded
) -> Iterator[Float64[np.ndarray, "rows kept"]]:
    """Yield the numbers of some columns of a file, a batch of lines at once.

    Args:
        file: plain or gzip.
        layout: how it holds them.
        kept: the numbers of the columns to read.
        coded: of columns that are read as classes, the number of each class so far.

    Yields:
        (rows, kept), float64.

    Raises:
        DataError: a line has more or fewer fields than the first, or a field is no finite number;
            line and column are named.
    """
    names, rows = layout.names, []
    for count, (line, fields) in enumerate(_records(file, layout.delimiter)):
        if count == 0 and layout.header:
            continue
        if len(fields) != len(names):
            commas = layout.delimiter == "," and len(fields) == 2 * len(names)
            _reject(
                file, f"lines of {len(names)} fields", f"{len(fields)} on line {line}",
                "the file may be cut; complete the line" if not commas else
                "decimal commas between commas cannot be told apart; put semicolons between fields",
            )  # fmt: skip
        rows.append([
            _class(file, line, names[k], fields[k], coded[k]) if k in coded else
            _value(file, line, names[k], fields[k], layout.decimal) for k in kept
        ])  # fmt: skip
        if len(rows) * len(kept) >= _ENTRIES:
            yield np.array(rows)
            rows = []
    if rows:
        yield np.array(rows)


def csv_rows(file: Path, layout: Layout) -> int:
    """Count the rows of a file.

    Args:
        file: plain or gzip.
        layout: how it holds them.

    Raises:
        DataError: the file is unreadable, cut, or breaks off within quotes.
    """
    return sum(1 for _ in _records(file, layout.delimiter)) - layout.header


def _lines(file: Path, text: io.TextIOBase) -> Iterator[tuple[int, str]]:
    """The number and the text of each line; empty lines may stand at the end only."""
    empty = 0
    for count, line in enumerate(lines_of(WHO, file, text), 1):
        if not line.strip():
            empty = empty or count
        elif empty:
            _reject(file, "lines of numbers", f"line {empty} empty", "delete that line")
        yield count, line


def _records(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of each line, those without and comments left out."""
    with text_of(WHO, file) as text:
        kept = (
            "\n" if line.lstrip().startswith(_COMMENT) else line for _, line in _lines(file, text)
        )
        if delimiter in ("", BLANKS):
            for count, line in enumerate(kept, 1):
                if line.strip():
                    yield count, split(line, delimiter)
            return
        reader = csv.reader(kept, delimiter=delimiter, strict=True)
        try:
            yield from ((reader.line_num, fields) for fields in reader if fields)
        except csv.Error as problem:
            got = f"{problem} on line {reader.line_num}"
            _reject(file, "comma-separated values", got, "save it again")


def _class(file: Path, line: int, name: str, field: str, codes: dict[str, int]) -> int:
    """The number of a class."""
    code = code_of(field, codes)
    if code is None:
        _reject(file, "a table with a class in each row", f"an empty field in {name!r} on line "
                f"{line}", "fill it in")  # fmt: skip
    return code


def code_of(value: object, codes: dict[str, int]) -> int | None:
    """The code of a class, a new one if need be; None where the class is missing.

    Args:
        value: a word, or a whole number.
        codes: of the classes so far.
    """
    word = str(value).strip() if isinstance(value, str | int) else ""
    return codes.setdefault(word, len(codes)) if word else None


def _value(file: Path, line: int, name: str, field: str, decimal: str) -> float:
    found = number(field, decimal)
    if found is None or not math.isfinite(found):
        got = repr(field.strip()) if field.strip() else "an empty field"
        other = "," if decimal == "." else "."
        if number(field, other) is not None and other in field:
            remedy = f"pass decimal={other!r} (--decimal {other}) if it is the decimal point"
        elif found is None and field.strip():
            remedy = "drop or encode that column, or read others only (--columns)"
        else:
            remedy = "fill it in"
        _reject(file, "a table of finite numbers", f"{got} in {name!r} on line {line}", remedy)
    return found


def _reject(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(WHO, f"path {str(file)!r}", expected, got, remedy, DataError)
