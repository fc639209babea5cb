"""Which kind of data a file holds: decided by its first bytes, then by its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NoReturn

from grouplearn._checks import refuse
from grouplearn.domains.csv_layouts import is_numeric
from grouplearn.domains.files import refusing_broken_files, uncompressed
from grouplearn.domains.formats import (
    binary_format,
    looks_like_words,
    sequence_format,
    text_format,
)
from grouplearn.domains.numpy_files import NPY_MAGIC, numpy_array
from grouplearn.errors import DataError

WHO = "grouplearn discover"

_FIRST = 1 << 16
_TABLES = {".csv", ".tsv", ".npz", ".parquet"}
_EXPECTED = "a table, images (IDX or .npy), pictures, FASTA, FASTQ or GenBank, or a text of tokens"
_MOST_AXES = 32


def reject(path: str | Path, expected: str, got: object, remedy: str, who: str = WHO) -> NoReturn:
    """Refuse data, with the argument's name as the command line has it."""
    refuse(who, f"DATA {str(path)!r}", expected, got, remedy, DataError)


def recognise(path: Path, who: str = WHO) -> str:
    """Say which kind of data a file or folder holds.

    Args:
        path: that exists.
        who: the command, for the error.

    Returns:
        One of `grouplearn.commands.reading.KINDS`.

    Raises:
        DataError: the file is empty, unreadable or cut within its first bytes, or its content is of
            no known kind.
    """
    if path.is_dir():
        return "images"
    start = _start(path, who)
    if not start:
        reject(path, "a file with data", "an empty file", "pass another file", who)
    if start[:2] == b"\0\0" and len(start) > 3 and 1 <= start[3] <= _MOST_AXES:
        return "images"
    if start.startswith(NPY_MAGIC):
        return "table" if numpy_array(who, path).ndim == 2 else "images"
    if start.startswith((b"PK", b"PAR1")):
        return "table"
    return _text_kind(path, start, who)


def is_archive(path: Path) -> bool:
    """Is it an .npz file?"""
    return path.is_file() and zipfile.is_zipfile(path)


def _start(path: Path, who: str) -> bytes:
    """The first bytes behind gzip, if any."""
    with refusing_broken_files(who, path), uncompressed(path) as stream:
        return stream.read(_FIRST)


def _text_kind(path: Path, start: bytes, who: str) -> str:
    suffixes = {suffix.lower() for suffix in path.suffixes}
    try:
        # The last character may be cut in the middle.
        text = start.decode("utf-8-sig", "strict" if len(start) < _FIRST else "ignore")
    except UnicodeDecodeError:
        text = start.decode("latin-1") if start.startswith((b">", b"LOCUS", b"@")) else "\0"
    if "\0" in text:
        got = binary_format(start) or f"a file that begins with {start[:8]!r}"
        if got.endswith(" picture"):
            return "images"
        reject(path, _EXPECTED, got, "convert it, for example to .npy", who)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        reject(path, "a file with data", "blanks only", "pass another file", who)
    if len(start) == _FIRST and len(lines) > 1:
        lines.pop()  # cut
    if sequence_format(lines) is not None:
        return "sequence"
    known = text_format(lines)
    if known is not None:
        reject(path, _EXPECTED, known, "convert it, or pass --kind tokens if words are meant", who)
    if suffixes & _TABLES or is_numeric(lines):
        return "table"
    if not looks_like_words(lines):
        reject(path, _EXPECTED, f"a text that begins with {lines[0][:40]!r}",
               "pass --kind if it is one of these", who)  # fmt: skip
    return "tokens"
