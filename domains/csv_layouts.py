"""How a text holds a table of numbers: delimiters, decimal points, names, and rows' numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import final

import numpy as np

from grouplearn._checks import refuse
from grouplearn.errors import DataError

WHO = "read_table"
BLANKS = " "
"""Stands for any run of blanks between two fields."""
_DELIMITERS = ";\t," + BLANKS
_SEPARATED = {
    ",": "comma-separated", ";": "semicolon-separated", "\t": "tab-separated",
    BLANKS: "whitespace-separated", "": "one number on each line",
}  # fmt: skip
_LOOKED_AT = 20
_INDEX = re.compile(r"(Unnamed: 0|__index_level_\d+__)?")


@final
@dataclass(frozen=True)
class Layout:
    """How the lines of a file hold numbers.

    Attributes:
        delimiter: between fields; `BLANKS` for any run of blanks; "" where there is one column.
        decimal: the decimal point, which may be a comma.
        header: does the first line name the columns?
        names: of the columns; "column 0" and so on where the file names none.
        index: the column that only numbers the rows, if there is one; nothing is left out here.
        notes: what was decided without being told, in words.
        words: the columns in which one of the first lines holds something else than a number.
    """

    delimiter: str
    decimal: str
    header: bool
    names: tuple[str, ...]
    index: int | None
    notes: tuple[str, ...]
    words: tuple[int, ...] = ()

    @property
    def form(self) -> str:
        """What separates the fields, and what the first line is."""
        first = "the first line names the columns" if self.header else "the first line is data"
        told = any(note.startswith("the first line") for note in self.notes)
        return _SEPARATED[self.delimiter] + ("" if told else f"; {first}")


def layout_of(
    file: Path, comment: str, lines: Sequence[str], header: bool | None, decimal: str | None
) -> Layout:
    """Say how a file holds numbers, from its first lines.

    The first line names the columns when one of its fields is neither a number nor empty, or when
    its numbers are evenly spaced and do not fit the columns below: 2019 to 2024, or 0, 60, 120.

    Args:
        file: for errors.
        comment: the last line before the first that began with "#", without it; it may hold names.
        lines: the first lines, neither empty nor comments; at least one.
        header: does the first line name the columns? None decides by what it holds.
        decimal: "." or ","; None decides by what the lines hold.

    Raises:
        DataError: it cannot be told whether the first line names the columns.
    """
    found = _numeric(lines, decimal)
    delimiter, point = found or (likely_delimiter(lines[0]), decimal or ".")
    first, *below = (split(line, delimiter) for line in lines)
    notes = []
    if point == "," and decimal is None:
        notes.append("commas are read as decimal points")
    names = first
    if header is None:
        header = _has_names(file, first, below, point, notes)
        commented = split(comment, delimiter)
        if not header and len(commented) == len(first) and not _numbers(commented, point):
            names = commented
        elif not header:
            header = _evenly_spaced_names(file, first, below, point, notes)
    named = header or names is not first
    titles = [printable(each.strip()) if named else "" for each in names]
    index = 0 if named and _is_index(titles, below if header else [first, *below]) else None
    shown = tuple(title or f"column {k}" for k, title in enumerate(titles))
    rows = below if header else [first, *below]
    words = tuple(
        k
        for k in range(len(shown))
        if any(len(row) > k and _is_word(row[k], point) for row in rows)
    )
    return Layout(delimiter, point, header, shown, index, tuple(notes), words)


def is_numeric(lines: Sequence[str]) -> bool:
    """Are the first lines, the very first and comments left out, equally many numbers each?"""
    kept = [line for line in lines if not line.startswith("#")]
    return bool(kept) and _numeric(kept, None) is not None


def split(line: str, delimiter: str) -> list[str]:
    """The fields of a line; one where it cannot be split."""
    if delimiter == BLANKS:
        return line.split()
    try:
        if delimiter:
            return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        pass
    return [line.strip().strip('"')]


def number(field: str, decimal: str) -> float | None:
    """A field as a number; Python's underscores are no digits here."""
    if "_" in field or (decimal != "." and "." in field):
        return None
    try:
        return float(field.replace(decimal, "."))
    except ValueError:
        return None


def printable(text: str) -> str:
    """A name as a terminal may show it: control characters are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _numeric(lines: Sequence[str], decimal: str | None) -> tuple[str, str] | None:
    """Delimiter and decimal point by which the first lines are numbers; the first may be names."""
    below = lines[1 : _LOOKED_AT + 1] or lines
    for delimiter, point in product((*_DELIMITERS, ""), decimal or ".,"):
        first, *rows = (split(line, delimiter) for line in (lines[0], *below))
        fits = len(first) > 1 if delimiter else _is_alone(lines[0], point)
        if not fits or any(len(row) != len(first) for row in rows):
            continue
        commas = any("," in each for row in rows for each in row)
        if point == "," and not commas and (decimal is None or delimiter == ","):
            continue
        if all(_numbers(row, point) for row in rows):
            return delimiter, point
    return None


def _is_alone(line: str, decimal: str) -> bool:
    """Has a line one field, a number or a name, in which blanks may stand?"""
    return number(line, decimal) is not None or not set(_DELIMITERS[:-1]) & set(line.strip())


def _numbers(fields: Sequence[str], decimal: str) -> bool:
    """Are they numbers or empty, and not all empty?"""
    kept = [each for each in fields if each.strip()]
    return bool(kept) and all(number(each, decimal) is not None for each in kept)


def likely_delimiter(line: str) -> str:
    """The most frequent delimiter of a line; blanks count where there is no other.

    Args:
        line: of a table.

    Returns:
        One of ";", tab, "," and `BLANKS`; "" where there is one field.
    """
    delimiter = max(_DELIMITERS[:-1], key=line.count)
    return delimiter if delimiter in line else BLANKS * (len(line.split()) > 1)


def _has_names(
    file: Path, first: list[str], below: list[list[str]], decimal: str, notes: list[str]
) -> bool:
    """Does a word in the first line name a column? Not one among classes, above which it stands."""
    rows = [row for row in below if len(row) == len(first)]
    words = [k for k, each in enumerate(first) if _is_word(each, decimal)]
    rest = [k for k in range(len(first)) if k not in words]
    if not words or not rows or not rest:
        return bool(words)
    if not all(any(_is_word(row[k], decimal) for row in rows) for k in words):
        return True
    fields, others = [first[k] for k in rest], [[row[k] for k in rest] for row in rows]
    if _evenly_spaced(fields, decimal):
        return _evenly_spaced_names(file, fields, others, decimal, notes)
    return len(rest) > 1 and all(
        _is_whole(each) and _misfits(each, [row[k] for row in others], decimal)
        for k, each in enumerate(fields)
    )


def _is_word(field: str, decimal: str) -> bool:
    return bool(field.strip()) and number(field, decimal) is None


def _evenly_spaced_names(
    file: Path, first: list[str], below: list[list[str]], decimal: str, notes: list[str]
) -> bool:
    """Does a first line of numbers name the columns? Notes say what was decided."""
    unnamed = not first[0].strip()
    fields = first[unnamed:]
    if not _evenly_spaced(fields, decimal) or not below:
        return False
    alike = _evenly_spaced(below[0], decimal) or sorted(first) == sorted(below[0])
    if alike and not unnamed:
        return False
    rows = [row for row in below if len(row) == len(first)]
    misfits = sum(
        _misfits(field, [row[k] for row in rows], decimal)
        for k, field in enumerate(fields, start=unnamed)
    )
    said = f"{fields[0].strip()} to {fields[-1].strip()}"
    if unnamed or 2 * misfits > len(fields):
        notes.append(f"the first line, {said}, names the columns; --no-header reads it as a sample")
        return True
    if misfits or [number(each, decimal) for each in fields] == list(range(len(fields))):
        refuse(WHO, f"path {str(file)!r}", "a table whose first line is plainly names or a sample",
               f"{said}, evenly spaced, which may be either",
               "pass header=True or False (--header, --no-header)", DataError)  # fmt: skip
    notes.append(f"the first line, {said}, is a sample; --header reads it as names")
    return False


def _evenly_spaced(fields: Sequence[str], decimal: str) -> bool:
    """Are there three evenly spaced numbers or more? Of two, 0 and 1 are."""
    values = [number(each, decimal) for each in fields]
    if None in values or len(values) < 2 or not np.isfinite(np.array(values, float)).all():
        return False
    steps = np.diff(np.array(values, float))
    same = bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-9, atol=0))
    return same and (len(values) > 2 or values == [0.0, 1.0])


def _misfits(field: str, below: Sequence[str], decimal: str) -> bool:
    """Is a number out of the range of those below it, or alone in being written as an integer?"""
    values = [x for x in (number(each, decimal) for each in below) if x is not None]
    own = number(field, decimal)
    if own is None or not values:
        return False
    alone = _is_whole(field) and not any(map(_is_whole, below))
    return alone or not min(values) <= own <= max(values)


def _is_whole(field: str) -> bool:
    return field.strip().lstrip("+-").isdecimal()


def _is_index(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Does the first column number the rows? It is unnamed, and holds integers, all different."""
    column = [row[0].strip() for row in rows if row]
    return (
        len(titles) > 1
        and _INDEX.fullmatch(titles[0]) is not None
        and any(titles[1:])
        and all(each.isdecimal() for each in column)
        and len(set(column)) == len(column)
    )
