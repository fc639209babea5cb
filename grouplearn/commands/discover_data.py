"""Opening what `grouplearn discover` is pointed at: files, folders and built-in data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.commands.discover_kinds import (
    KINDS,
    WHO,
    is_archive,
    numpy_array,
    recognise,
    reject,
)
from grouplearn.commands.options import between, known_name
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.domains.base import Domain
from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.image_arrays import AXES
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.letters import ALPHABETS
from grouplearn.domains.samples import (
    sample_box_drawings,
    sample_chloroplast,
    sample_digits,
    sample_genome,
    sample_photographs,
    sample_sky,
)
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tables import Table, read_table
from grouplearn.domains.tokens import TokenDomain

_Batch: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.int64] | None]


@final
@dataclass(frozen=True)
class Reading:
    """How data are read; see the help of `grouplearn discover` for the meaning."""

    kind: str | None = None
    array: str | None = None
    labels: str | None = None
    blocks: str | None = None
    patch_size: int = 5
    axes: str | None = None
    window: int = 6
    alphabet: str = "dna"

    def check(self, who: str) -> None:
        """Refuse what can be refused without the data.

        Args:
            who: the command, for the error.

        Raises:
            InputError: an option is out of its range.
        """
        if self.kind is not None:
            known_name(who, "--kind", self.kind, KINDS)
        if self.axes is not None:
            known_name(who, "--axes", self.axes, AXES)
        known_name(who, "--alphabet", self.alphabet, tuple(ALPHABETS))
        between(who, "--patch-size", self.patch_size, 2, 16)
        between(who, "--window", self.window, 1, 64)


@final
@dataclass(frozen=True)
class Subject:
    """Data, opened but not yet read.

    Attributes:
        name: short, for headings and file names.
        kind: one of `KINDS`.
        words: what the data are, in a few words.
        domain: the adapter; None for tables.
        coordinates: called after `moments`: a name for each coordinate.
        moments: reads the data, for a seed.
        raw: what the methods of the domain take; of tables, a `TableRows`.
    """

    name: str
    kind: str
    words: str
    domain: Domain | None
    coordinates: Callable[[], tuple[str, ...]]
    moments: Callable[[int], MomentAccumulator] = field(repr=False)
    raw: Any = field(repr=False, default=None)


_BUILT_IN = {
    "sky": ("images", "the Hubble eXtreme Deep Field in 837 tiles of 32 x 32 pixels"),
    "digits": ("images", "scikit-learn's 1,797 hand-written digits of 8 x 8 pixels"),
    "photographs": ("images", "scikit-learn's two sample photographs"),
    "lambda": ("sequence", "the genome of bacteriophage lambda"),
    "chloroplast": ("sequence", "the chloroplast genome of Arabidopsis thaliana"),
    "box-drawings": ("tokens", "the names of Unicode's 128 box drawing characters"),
}
BUILT_IN = tuple(_BUILT_IN)
"""Names that stand for data which come with the package or with scikit-learn."""


def open_data(data: str, reading: Reading, name: str, who: str = WHO) -> Subject:
    """Open a file, a folder or built-in data, and find out which kind it is.

    Args:
        data: a path, or one of `BUILT_IN`.
        reading: how it is read.
        name: what it is called in headings and file names.
        who: the command, for errors.

    Raises:
        InputError: an option does not go with this kind of data, or is out of its range.
        DataError: nothing is there, or it is of no known kind.
    """
    path = Path(data)
    built_in = data in _BUILT_IN
    if not built_in and not path.exists():
        reject(
            data, f"a file, a folder, or one of {', '.join(BUILT_IN)}", "neither",
            "check the path", who,
        )  # fmt: skip
    kind = reading.kind or (_BUILT_IN[data][0] if built_in else recognise(path, who))
    if built_in and kind != _BUILT_IN[data][0]:
        refuse(who, "--kind", f"{_BUILT_IN[data][0]} for {data!r}", kind, "leave it out")
    for option in ("labels", "blocks", "array"):
        if getattr(reading, option) is not None and kind != "table":
            refuse(who, f"--{option}", "left out, as it is for tables", f"it for {kind} {data!r}",
                   "leave it out")  # fmt: skip
    words = _BUILT_IN[data][1] if built_in else os.fspath(path)
    build = {"table": _table, "images": _images, "sequence": _sequence, "tokens": _tokens}[kind]
    return build(who, name, words, data, reading)


@final
@dataclass(frozen=True)
class TableRows:
    """The rows of a table, with labels and blocks beside them.

    Attributes:
        who: the command, for errors.
        table: the file.
        kept: the numbers of the columns that are coordinates.
        labels: the number of the column of labels.
        file: labels from a file of their own.
        blocks: the number of the column of blocks.
        reading: as it was typed.
    """

    who: str
    table: Table
    kept: list[int]
    labels: int | None
    file: NDArray[Any] | None
    blocks: int | None
    reading: Reading

    @classmethod
    def of(cls, who: str, data: str, reading: Reading) -> TableRows:
        """Open a table."""
        table = read_table(Path(data), reading.array)
        labels, file = _label_column(who, table, reading.labels)
        blocks = None
        if reading.blocks is not None:
            blocks = _column(who, table, "--blocks", reading.blocks)
        kept = [k for k in range(len(table.columns)) if k not in (labels, blocks)]
        if not kept:
            reject(data, "a table with columns beside labels and blocks", "none",
                   "pass more columns", who)  # fmt: skip
        return cls(who, table, kept, labels, file, blocks, reading)

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
            yield batch[:, self.kept], classes, numbers
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


def _table(who: str, name: str, words: str, data: str, reading: Reading) -> Subject:
    rows = TableRows.of(who, data, reading)

    def moments(seed: int) -> MomentAccumulator:
        found = MomentAccumulator(len(rows.kept), seed=seed)
        for batch, labels, blocks in rows:
            found.add(batch, labels=labels, blocks=blocks)
        return found

    names = tuple(rows.table.columns[k].removeprefix("column ") for k in rows.kept)
    said = f"{words}, {len(names)} columns"
    return Subject(name, "table", said, None, lambda: names, moments, rows)


def _images(who: str, name: str, words: str, data: str, reading: Reading) -> Subject:
    axes: Any = reading.axes
    domain = ImageDomain(reading.patch_size, axes=axes)
    pictures = {"sky": sample_sky, "digits": sample_digits, "photographs": sample_photographs}
    if data in pictures:
        images: Any = pictures[data]()
    elif is_archive(Path(data)):
        reject(data, "IDX or .npy for images", "an archive", "save the array as .npy", who)
    else:
        images = _image_array(who, Path(data))
    k = reading.patch_size
    return Subject(
        name, "images", f"{words}, in patches of {k} x {k} pixels", domain,
        lambda: tuple(f"{i},{j}" for i in range(k) for j in range(k)),
        lambda seed: domain.moments(images, seed=seed), images,
    )  # fmt: skip


def _image_array(who: str, path: Path) -> Any:
    if path.is_file():
        with path.open("rb") as stream:
            if stream.read(6) == b"\x93NUMPY":
                array = numpy_array(path, who)
                if array.ndim not in (3, 4):
                    reject(path, "images (N, H, W) or (N, C, H, W)", f"shape {array.shape}",
                           "reshape them, or pass --kind table", who)  # fmt: skip
                return array
    return load_idx_images(path)


def _sequence(_: str, name: str, words: str, data: str, reading: Reading) -> Subject:
    alphabet: Any = reading.alphabet
    domain = SequenceDomain(alphabet=alphabet, window=reading.window)
    letters = {"lambda": sample_genome, "chloroplast": sample_chloroplast}
    source: Any = [letters[data]()] if data in letters else Path(data)
    names = tuple(f"{x}{p + 1}" for p in range(reading.window) for x in domain.letters)
    return Subject(
        name, "sequence", f"{words}, in windows of {reading.window} letters", domain,
        lambda: names, lambda seed: domain.moments(source, seed=seed), source,
    )  # fmt: skip


def _tokens(_: str, name: str, words: str, data: str, __: Reading) -> Subject:
    if data in BUILT_IN:
        domain = TokenDomain.from_sequences(sample_box_drawings())
    else:
        domain = TokenDomain.from_file(Path(data))
    return Subject(
        name, "tokens", words, domain, lambda: domain.vocabulary,
        lambda seed: domain.moments(seed=seed),
    )  # fmt: skip


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


def names_of(data: tuple[str, ...]) -> Iterator[str]:
    """Short names for several data, no two alike: "digits", "rows" for rows.npy, "rows-2"."""
    taken: set[str] = set()
    for each in data:
        stem = each if each in _BUILT_IN else Path(each).resolve().name.split(".")[0]
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem) or "data"
        name, number = safe, 1
        while name in taken:
            number += 1
            name = f"{safe}-{number}"
        taken.add(name)
        yield name


__all__ = ["BUILT_IN", "KINDS", "Reading", "Subject", "TableRows", "names_of", "open_data"]
