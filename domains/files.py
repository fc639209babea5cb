"""Opening files of data, plain or gzip by content, with one kind of error for broken ones."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from grouplearn._checks import refuse
from grouplearn.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES = "GROUPLEARN_MOST_BYTES"
"""The environment variable that says how much memory one data set may take; default: 2 GiB."""
_MOST, _PART = 2 << 30, 8
_GROWTH, _SMALL = 250, 128
"""Times that a file may grow when it is unpacked, to more than that part of `most_bytes`."""
_BUFFER, _CHUNK = 1 << 17, 1 << 20


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
    most = max(1, most_bytes() // _PART)
    while line := text.readline(most + 1):
        if len(line) > most:
            refuse(who, f"path {str(file)!r}", f"of lines of at most {most:,} letters",
                   "a longer one", f"break its lines, or set {MOST_BYTES}", DataError)  # fmt: skip
        yield line


def assert_no_bomb(who: str, file: Path, packed: int, size: int) -> None:
    """Refuse what grows as only a file can that was made to fill the memory.

    Args:
        who: asks, for the error.
        file: that holds the data.
        packed: their size there, in bytes.
        size: when they are unpacked.

    Raises:
        DataError: they grow more than 250-fold, to more than 1/128 of `most_bytes`.
    """
    if size > most_bytes() // _SMALL and size > _GROWTH * packed:
        refuse(who, named(file), f"one that grows at most {_GROWTH}-fold when it is unpacked",
               f"more, from {packed:,} bytes", f"unpack it first, or set {MOST_BYTES}",
               DataError)  # fmt: skip


@contextmanager
def uncompressed(file: Path, who: str = "uncompressed") -> Iterator[io.BufferedReader[Any]]:
    """Open a file for reading bytes; its first bytes decide whether gzip stands between.

    Args:
        file: plain or gzip.
        who: asks, for the error of `assert_no_bomb`.
    """
    with file.open("rb") as raw:
        if raw.peek(2)[:2] == GZIP_MAGIC:
            with io.BufferedReader(_Unpacked(who, file, raw), _BUFFER) as stream:
                yield stream
        else:
            yield raw


def content_of(who: str, file: Path) -> bytearray:
    """Read a whole file, plain or gzip, which is refused where it is larger than data may be.

    Args:
        who: asks, for the error.
        file: that holds the data.

    Raises:
        DataError: it is unreadable, broken or too large.
    """
    taken = bytearray()
    with refusing_broken_files(who, file), uncompressed(file, who) as stream:
        while part := stream.read(_CHUNK):
            taken += part
            assert_small(who, file, len(taken))
    return taken


@final
class _Unpacked(io.RawIOBase):
    """What gzip holds, as long as it is no bomb."""

    def __init__(self, who: str, file: Path, raw: io.BufferedReader) -> None:
        self.who, self.file, self.raw = who, file, raw
        self.stream = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read again from its beginning."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go elsewhere."""
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        """How much has been read."""
        return self.stream.tell()

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer."""
        count = self.stream.readinto(buffer)
        assert_no_bomb(self.who, self.file, self.raw.tell(), self.stream.tell())
        return count


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
        uncompressed(file, who) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors=errors, newline="") as text,
    ):
        yield text
