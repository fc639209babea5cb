"""Opening files of data, plain or gzip by content, with one kind of error for broken ones."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grouplearn._checks import refuse
from grouplearn.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES = "GROUPLEARN_MOST_BYTES"
"""The environment variable that says how much memory one data set may take; default: 2 GiB."""
_MOST, _LINES = 2 << 30, 8


def checked_path(who: str, path: Any) -> Path:
    """Return a non-empty path without NUL as a Path."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str) or not text or "\0" in text:
        refuse(who, "path", "a non-empty str or os.PathLike", repr(path), "pass a path")
    return Path(text)


def most_bytes() -> int:
    """Return how many bytes of memory one data set may take."""
    given = os.environ.get(MOST_BYTES)
    if given is not None and not (given.isdecimal() and int(given)):
        refuse("grouplearn", MOST_BYTES, "a number of bytes", repr(given), "set it so, or unset it")
    return _MOST if given is None else int(given)


def assert_small(who: str, file: Path | str, size: int) -> None:
    """Refuse data that would take more memory than one data set may, before it is taken.

    Args:
        who: asks, for the error.
        file: that holds the data, or what else to call them.
        size: of the data in memory, in bytes.

    Raises:
        DataError: it is too large.
    """
    if size > most_bytes():
        most, got = (f"{each / (1 << 30):.3g} GiB" for each in (most_bytes(), size))
        refuse(who, named(file), f"of at most {most} in memory", got,
               f"pass a part of it, or set {MOST_BYTES}", DataError)  # fmt: skip


def named(file: Path | str) -> str:
    """Return what errors call a file, or other data that have a name."""
    return f"path {str(file)!r}" if isinstance(file, Path) else file


def lines_of(who: str, file: Path, text: io.TextIOBase) -> Iterator[str]:
    """Yield the lines of a text; one that is longer than an eighth of `most_bytes` is refused."""
    most = max(1, most_bytes() // _LINES)
    while line := text.readline(most + 1):
        if len(line) > most:
            refuse(who, f"path {str(file)!r}", f"of lines of at most {most:,} letters",
                   "a longer one", f"break its lines, or set {MOST_BYTES}", DataError)  # fmt: skip
        yield line


@contextmanager
def uncompressed(file: Path) -> Iterator[io.BufferedReader | gzip.GzipFile]:
    """Open a file for reading bytes; its first bytes decide whether gzip stands between."""
    with file.open("rb") as raw:
        if raw.peek(2)[:2] == GZIP_MAGIC:
            with gzip.open(raw) as stream:
                yield stream
        else:
            yield raw


@contextmanager
def refusing_broken_files(who: str, file: Path) -> Iterator[None]:
    """Turn what a missing, unreadable, truncated or undecodable file raises into a DataError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        got, wanted, remedy = (
            f"a broken one ({problem})",
            "an intact gzip file",
            "download it again",
        )
    except UnicodeDecodeError as problem:
        got, wanted = f"bytes that are no UTF-8 ({problem.reason})", "a text file"
        remedy = "pass a text file, plain or gzip"
    except OSError as problem:
        got, wanted = problem.strerror or type(problem).__name__, "a readable file"
        remedy = "pass an existing file"
    else:
        return
    refuse(who, f"path {str(file)!r}", wanted, got, remedy, DataError)


@contextmanager
def text_of(who: str, file: Path, errors: str = "strict") -> Iterator[io.TextIOBase]:
    """Open a text file, plain or gzip, UTF-8 with or without a byte order mark."""
    with (
        refusing_broken_files(who, file),
        uncompressed(file) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors=errors, newline="") as text,
    ):
        yield text
