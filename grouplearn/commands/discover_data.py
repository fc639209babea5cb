"""Opening what `grouplearn discover` is pointed at: files, folders and built-in data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from grouplearn._checks import refuse
from grouplearn.commands.discover_kinds import (
    WHO,
    is_archive,
    recognise,
    reject,
)
from grouplearn.commands.reading import KINDS, Reading
from grouplearn.commands.table_rows import TableRows
from grouplearn.discovery.moments import GROUPS, MomentAccumulator
from grouplearn.domains.base import Domain
from grouplearn.domains.files import assert_small
from grouplearn.domains.formats import binary_format
from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.numpy_files import NPY_MAGIC, numpy_array
from grouplearn.domains.picture_folders import decoded, pictures_below
from grouplearn.domains.samples import (
    sample_box_drawings,
    sample_chloroplast,
    sample_digits,
    sample_genome,
    sample_photographs,
    sample_sky,
)
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain


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


_MOMENTS = 2 * 8 * GROUPS  # bytes of second and third moments for each pair of columns
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
        InputError: --kind is not that of built-in data, or an option does not fit a table.
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
    words = _BUILT_IN[data][1] if built_in else os.fspath(path)
    build = {"table": _table, "images": _images, "sequence": _sequence, "tokens": _tokens}[kind]
    return build(who, name, words, data, reading)


def _table(who: str, name: str, words: str, data: str, reading: Reading) -> Subject:
    rows = TableRows.of(who, data, reading)

    def moments(seed: int) -> MomentAccumulator:
        assert_small(who, rows.table.path, _MOMENTS * len(rows.names) ** 2)
        found = MomentAccumulator(len(rows.names), seed=seed)
        for batch, labels, blocks in rows:
            found.add(batch, labels=labels, blocks=blocks)
        return found

    names = tuple(each.removeprefix("column ") for each in rows.names)
    said = "; ".join([f"{words}, {len(names)} columns", *rows.table.notes])
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
        images, notes = _image_array(who, Path(data))
        words = "; ".join([words, *notes])
    k = reading.patch_size
    return Subject(
        name, "images", f"{words}, in patches of {k} x {k} pixels", domain,
        lambda: tuple(f"{i},{j}" for i in range(k) for j in range(k)),
        lambda seed: domain.moments(images, seed=seed), images,
    )  # fmt: skip


def _image_array(who: str, path: Path) -> tuple[Any, list[str]]:
    """Images in an array, in IDX files or in pictures, and notes of what was changed."""
    start = b""
    if path.is_file():
        with path.open("rb") as stream:
            start = stream.read(12)
    if start.startswith(NPY_MAGIC):
        array = numpy_array(who, path)
        if array.ndim not in (3, 4):
            reject(path, "images (N, H, W) or (N, C, H, W)", f"shape {array.shape}",
                   "reshape them, or pass --kind table", who)  # fmt: skip
        return array, []
    is_picture = (binary_format(start) or "").endswith(" picture")
    files = pictures_below(path) if path.is_dir() or is_picture else []
    if files and not any(path.glob("*idx3*")):
        return decoded(who, path, files)
    return load_idx_images(path), []


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
