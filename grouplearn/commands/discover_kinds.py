"""Which kind of data a file holds: decided by its first bytes, then by its name."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NoReturn

from grouplearn._checks import refuse
from grouplearn.domains.files import refusing_broken_files, uncompressed
from grouplearn.errors import DataError

WHO = "grouplearn discover"

_FIRST = 1 << 16
_TABLES = {".csv", ".tsv", ".npz", ".parquet"}
_DELIMITERS = ",;\t"
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
    if start.startswith(b"\x93NUMPY"):
        return "table" if numpy_array(path, who).ndim == 2 else "images"
    if start.startswith((b"PK", b"PAR1")):
        return "table"
    return _text_kind(path, start, who)


def numpy_array(path: Path, who: str = WHO) -> Any:
    """A .npy file as a memory map, never unpickled."""
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as problem:
        reject(path, "a whole .npy file of numbers", f"a broken one ({problem})", "save it again",
               who)  # fmt: skip
    return array


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
        text = "\0"
    if "\0" in text:
        reject(
            path, "a table, images (IDX or .npy), FASTA or GenBank, or a text of tokens",
            f"a file that begins with {start[:8]!r}", "convert it, for example to .npy",
            who,
        )  # fmt: skip
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        reject(path, "a file with data", "blanks only", "pass another file", who)
    if lines[0].startswith((">", "LOCUS")):
        return "sequence"
    if suffixes & _TABLES or _is_numeric(lines[min(1, len(lines) - 1)]):
        return "table"
    return "tokens"


def _is_numeric(line: str) -> bool:
    """Is a line made of numbers between commas, semicolons or tabs?"""
    fields = line.split(max(_DELIMITERS, key=line.count))
    try:
        return all(float(field) is not None for field in fields)
    except ValueError:
        return False
