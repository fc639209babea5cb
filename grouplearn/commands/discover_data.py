"""Opening what `grouplearn discover` is pointed at: files, folders and built-in data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from grouplearn._checks import refuse
from grouplearn.commands.reading import Reading
from grouplearn.discovery.moments import GROUPS, MomentAccumulator
from grouplearn.domains.base import Domain
from grouplearn.domains.corpora import corpus_of_sequences
from grouplearn.domains.files import assert_small
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.readers.image_files import OpenedImages
from grouplearn.domains.readers.kinds import KINDS, reject
from grouplearn.domains.readers.sources import open_source
from grouplearn.domains.readers.streams import STANDARD_INPUT, is_once
from grouplearn.domains.readers.table_rows import TableRows
from grouplearn.domains.registered import Draw, Recognised, recognised
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

WHO = "grouplearn discover"


@final
@dataclass(frozen=True)
class Subject:
    """Data, opened but not yet read.

    Attributes:
        name: short, for headings and file names.
        kind: one of `KINDS`, or of those of other packages.
        words: what the data are, in a few words.
        domain: the adapter; None for tables.
        coordinates: called after `moments`: a name for each coordinate.
        moments: reads the data, for a seed.
        raw: what the methods of the domain take; of tables, a `TableRows`.
        draw: draws members of a group, where a domain of another package does that itself.
    """

    name: str
    kind: str
    words: str
    domain: Domain | None
    coordinates: Callable[[], tuple[str, ...]]
    moments: Callable[[int], MomentAccumulator] = field(repr=False)
    raw: Any = field(repr=False, default=None)
    draw: Draw | None = field(repr=False, default=None)


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
        data: a path, "-" for standard input, or one of `BUILT_IN`.
        reading: how it is read.
        name: what it is called in headings and file names.
        who: the command, for errors.

    Raises:
        InputError: --kind is not that of built-in data, or an option does not fit a table.
        DataError: nothing is there, or it is of no known kind.
    """
    if data in _BUILT_IN:
        kind, words = _BUILT_IN[data]
        if reading.kind not in (None, kind):
            refuse(who, "--kind", f"{kind} for {data!r}", reading.kind, "leave it out")
        for option, value in (("--array", reading.array), ("--axes", reading.axes)):
            if value is not None:
                refuse(who, option, f"left out for {data!r}", repr(value), "leave it out")
        raw: Any = _SAMPLES[data]()
        return _SUBJECTS[kind](name, words, raw, reading)
    path = Path(data)
    if data != STANDARD_INPUT and not path.exists():
        reject(
            data, f"a file, a folder, or one of {', '.join(BUILT_IN)}", "neither",
            "check the path", who,
        )  # fmt: skip
    if data != STANDARD_INPUT and (foreign := recognised(who, path, reading.kind)) is not None:
        return _foreign(name, data, *foreign)
    opened = open_source(who, path, reading.source_options())
    if isinstance(opened.raw, TableRows):
        return _table(who, name, f"{data}: {opened.said}", opened.raw)
    raw = opened.raw.images if isinstance(opened.raw, OpenedImages) else opened.raw
    return _SUBJECTS[opened.kind](name, f"{data}: {opened.said}", raw, reading)


def _table(who: str, name: str, words: str, rows: TableRows) -> Subject:
    def moments(seed: int) -> MomentAccumulator:
        assert_small(who, rows.table.path, _MOMENTS * len(rows.names) ** 2)
        found = MomentAccumulator(len(rows.names), seed=seed)
        for batch, labels, blocks in rows:
            found.add(batch, labels=labels, blocks=blocks)
        return found

    names = tuple(each.removeprefix("column ") for each in rows.names)
    return Subject(name, "table", words, None, lambda: names, moments, rows)


def _foreign(name: str, data: str, kind: str, found: Recognised) -> Subject:
    return Subject(
        name, kind, f"{data}: {found.said}", found.domain, lambda: found.coordinates,
        lambda seed: found.domain.moments(found.raw, seed=seed), found.raw, found.draw,
    )  # fmt: skip


def _images(name: str, words: str, images: Any, reading: Reading) -> Subject:
    k = reading.patch_size
    domain = ImageDomain(k, axes="NCHW")
    return Subject(
        name, "images", f"{words}, in patches of {k} x {k} pixels", domain,
        lambda: tuple(f"{i},{j}" for i in range(k) for j in range(k)),
        lambda seed: domain.moments(images, seed=seed), images,
    )  # fmt: skip


def _sequence(name: str, words: str, source: Any, reading: Reading) -> Subject:
    alphabet: Any = reading.alphabet
    domain = SequenceDomain(alphabet=alphabet, window=reading.window)
    names = tuple(f"{x}{p + 1}" for p in range(reading.window) for x in domain.letters)
    return Subject(
        name, "sequence", f"{words}, in windows of {reading.window} letters", domain,
        lambda: names, lambda seed: domain.moments(source, seed=seed), source,
    )  # fmt: skip


def _tokens(name: str, words: str, corpus: Any, _: Reading) -> Subject:
    domain = TokenDomain(corpus)
    return Subject(
        name, "tokens", words, domain, lambda: domain.vocabulary,
        lambda seed: domain.moments(seed=seed),
    )  # fmt: skip


_SUBJECTS: dict[str, Callable[[str, str, Any, Reading], Subject]] = {
    "images": _images, "sequence": _sequence, "tokens": _tokens,
}  # fmt: skip
_SAMPLES: dict[str, Callable[[], Any]] = {
    "sky": sample_sky,
    "digits": sample_digits,
    "photographs": sample_photographs,
    "lambda": lambda: [sample_genome()],
    "chloroplast": lambda: [sample_chloroplast()],
    "box-drawings": lambda: corpus_of_sequences(sample_box_drawings()),
}


def names_of(data: tuple[str, ...]) -> Iterator[str]:
    """Short names for several data, no two alike: "digits", "rows" for rows.npy, "rows-2"."""
    taken: set[str] = set()
    for each in data:
        stem = _stem(each)
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem) or "data"
        name, number = safe, 1
        while name in taken:
            number += 1
            name = f"{safe}-{number}"
        taken.add(name)
        yield name


def _stem(data: str) -> str:
    """A name without its suffix; streams have none."""
    if data == STANDARD_INPUT or is_once(Path(data)):
        return "stream"
    return data if data in _BUILT_IN else Path(data).resolve().name.split(".")[0]


__all__ = ["BUILT_IN", "KINDS", "Reading", "Subject", "TableRows", "names_of", "open_data"]
