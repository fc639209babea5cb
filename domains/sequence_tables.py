"""Tables of sequences and classes, and of the classes of records by their names."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.csv_layouts import BLANKS, likely_delimiter
from grouplearn.domains.files import lines_of, text_of
from grouplearn.domains.sequence_files import Record
from grouplearn.errors import DataError

Row: TypeAlias = list[str]
_TITLES = ("class", "classes", "label", "labels", "target", "targets", "bound", "y")
_SEQUENCE_TITLES = ("sequence", "sequences", "seq")
_NAME_TITLES = ("name", "names", "id", "eventid", "record")
_LEAST_LETTERS = 6


def classes_by_name(
    who: str, file: Path, names: Sequence[str]
) -> tuple[Int64[np.ndarray, " N"], tuple[str, ...]]:
    """The classes of records, from a table of two columns, names and classes.

    Args:
        who: asks, for errors.
        file: the table, plain or gzip; a first line whose name is that of no record is a title.
        names: of the records.

    Returns:
        The number of each record's class, and the classes by name.

    Raises:
        DataError: the file is broken or no such table; a name is of no record, or comes twice in
            either; or a record has no class.
    """
    expected = "a table of two columns, names and classes"
    rows = _rows(who, file)
    known = set(names)
    if len(known) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        refuse(who, "DATA", "records with names of their own, for --labels",
               f"{twice!r} twice", "rename one", DataError)  # fmt: skip
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            _reject(who, file, expected, f"{len(row)} fields in row {number}", "keep two columns")
        name, label = row
        if name not in known and number == 1:
            continue
        if name not in known or name in found or not label:
            got = f"no class for {name!r}" if not label else (
                f"{name!r} twice" if name in found else f"{name!r}, the name of no record"
            )  # fmt: skip
            _reject(who, file, "the classes of the records, each once", f"{got} in row {number}",
                    "correct the name")  # fmt: skip
        found[name] = label
    missing = next((name for name in names if name not in found), None)
    if missing is not None:
        _reject(who, file, "a class for each record", f"none for {missing!r}", "add it")
    return _numbered([found[name] for name in names])


def classes_in_table(
    who: str, file: Path, labels: str | None
) -> tuple[list[Record], NDArray[np.int64], tuple[str, ...]]:
    """Records and classes of a table with a column of each.

    Args:
        who: asks, for errors.
        file: the table, plain or gzip.
        labels: name or number, from 0, of the column of classes; None takes one that is called so,
            or the only one beside sequences and names.

    Returns:
        The records, named by a column of names or by their line; the number of each one's class;
        the classes by name.

    Raises:
        DataError: the file is broken or no such table.
        InputError: there is no such column, or several may be meant.
    """
    rows = _rows(who, file)
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            _reject(who, file, f"lines of {width} fields", f"{len(row)} on line {number}",
                    "complete the line")  # fmt: skip
    titles = [field.lower() for field in rows[0]]
    named = any(title in (*_TITLES, *_SEQUENCE_TITLES, *_NAME_TITLES) for title in titles)
    body = rows[1:] if named else rows
    if not body:
        _reject(who, file, "a table with rows", "titles alone", "pass another file")
    letters = _sequence_column(who, file, titles if named else [], body)
    column = _class_column(who, file, rows[0] if named else [], letters, labels, body)
    names = next((k for k, title in enumerate(titles) if named and title in _NAME_TITLES), None)
    empty = next((k for k, row in enumerate(body) if not row[column] or not row[letters]), None)
    if empty is not None:
        _reject(who, file, "a sequence and a class in each row",
                f"none in row {empty + 1 + named}", "fill it in")  # fmt: skip
    records = [
        Record(row[names] if names is not None else f"on line {k}", row[letters])
        for k, row in enumerate(body, 1 + named)
    ]
    return records, *_numbered([row[column] for row in body])


def _rows(who: str, file: Path) -> list[Row]:
    """The fields of each line that is not empty, stripped."""
    with text_of(who, file) as text:
        lines = [line.rstrip("\r\n") for line in lines_of(who, file, text) if line.strip()]
    if not lines:
        _reject(who, file, "a table with rows", "an empty file", "pass another file")
    delimiter = likely_delimiter(lines[0])
    if delimiter in ("", BLANKS):
        return [line.split() for line in lines]
    try:
        split = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as problem:
        _reject(who, file, "a table", f"a broken line ({problem})", "close its quotes")
    return [[field.strip() for field in row] for row in split]


def _sequence_column(who: str, file: Path, titles: Sequence[str], body: Sequence[Row]) -> int:
    """The column called so, or the only one of nothing but letters, six or more."""
    for number, title in enumerate(titles):
        if title in _SEQUENCE_TITLES:
            return number
    found = [
        k for k in range(len(body[0]))
        if all(row[k].replace("-", "").isalpha() and len(row[k]) >= _LEAST_LETTERS for row in body)
    ]  # fmt: skip
    if len(found) != 1:
        _reject(who, file, "FASTA, or a table with one column of sequences", f"{len(found)}",
                "call the column sequence")  # fmt: skip
    return found[0]


def _class_column(
    who: str,
    file: Path,
    titles: Sequence[str],
    letters: int,
    given: str | None,
    body: Sequence[Row],
) -> int:
    others = [k for k in range(len(body[0])) if k != letters]
    if given is not None:
        known = {str(k): k for k in others} | {titles[k]: k for k in others if titles}
        if given not in known:
            refuse(who, "--labels", f"a column of {str(file)!r} ({', '.join(known)})", repr(given),
                   "name one of these")  # fmt: skip
        return known[given]
    called = [k for k in others if titles and titles[k].lower() in _TITLES]
    rest = [k for k in others if not titles or titles[k].lower() not in _NAME_TITLES]
    for few in (called, rest):
        if len(few) == 1:
            return few[0]
    return refuse(
        who, "--labels", f"given, as {str(file)!r} has {len(others)} columns beside sequences",
        None, "name the column of classes, or its number from 0",
    )  # fmt: skip


def _numbered(labels: Sequence[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    classes, numbers = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    return numbers.astype(np.int64), tuple(classes.tolist())


def _reject(who: str, file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(who, f"path {str(file)!r}", expected, got, remedy, DataError)
