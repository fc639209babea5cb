"""Data that can be read once, such as a pipe, kept in a file until the program ends."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from grouplearn._checks import refuse
from grouplearn.domains.files import most_bytes, refusing_broken_files
from grouplearn.errors import DataError

STANDARD_INPUT = "-"
_CHUNK = 1 << 20


def is_once(path: Path) -> bool:
    """Can what is there be read once only, such as a pipe or a terminal?"""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def kept_file(who: str, name: str, stream: Any) -> Path:
    """Copy a stream into a file that is removed when the program ends.

    Args:
        who: asks, for errors.
        name: of the stream, for errors.
        stream: open for reading, of bytes or of text.

    Raises:
        DataError: it cannot be read, or holds more than one data set may.
    """
    handle, kept = tempfile.mkstemp(dir=_folder())
    taken = 0
    with os.fdopen(handle, "wb") as copy, refusing_broken_files(who, Path(name)):
        while part := stream.read(_CHUNK):
            data = part.encode() if isinstance(part, str) else part
            taken += len(data)
            if taken > most_bytes():
                most = f"at most {most_bytes():,} bytes, as a stream is kept whole"
                refuse(who, f"path {name!r}", most, "more", "pass a file", DataError)
            copy.write(data)
    return Path(kept)


def kept_path(who: str, path: Path) -> Path:
    """Return a path that can be read again and again: its own, or that of a copy of a stream.

    Args:
        who: asks, for errors.
        path: a file, a folder, a pipe, or "-" for standard input.

    Raises:
        DataError: as `kept_file`.
    """
    if str(path) == STANDARD_INPUT:
        given = sys.stdin
        if given is None:
            refuse(who, "path '-'", "standard input", "none, as it is closed", "pass a file",
                   DataError)  # fmt: skip
        return kept_file(who, STANDARD_INPUT, getattr(given, "buffer", given))
    if not is_once(path):
        return path
    with refusing_broken_files(who, path), path.open("rb") as stream:
        return kept_file(who, str(path), stream)


@cache
def _folder() -> str:
    """A folder of this process, removed when it ends."""
    folder = tempfile.mkdtemp(prefix="grouplearn-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
