"""Files that appear whole or not at all, locks that die with their process, errors that name files.

On Windows nothing is locked.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

_ATTEMPTS = 20
_PART = re.compile(r"\.(.+)-[0-9a-f]{8}\.part", re.DOTALL)


def lock(file: Path) -> IO[bytes] | None:
    """A lock, held until what is returned is closed or the process ends, however it ends.

    Args:
        file: made where absent, with its folders. Whoever holds the lock may remove it.

    Returns:
        The open file; None where another process holds the lock.
    """
    for attempt in range(_ATTEMPTS):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            held = file.open("ab")
        except FileNotFoundError:  # its folder has just been removed by whoever held the lock
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        if not _is_free(held):
            held.close()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(held.fileno()), file.stat()):
                return held
        held.close()  # the file was removed before it was locked
    return None


def _is_free(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file that appears whole or not at all, and sweep what killed writers of it left.

    Args:
        path: the file; replaced if it exists, while a symbolic link stays one.
        content: text, written as UTF-8, or bytes.

    Raises:
        OSError: it names `path`.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}-{secrets.token_hex(4)}.part")
    with naming(path, instead_of=part):
        held = lock(part)
        if held is None:  # swept by another process before it was locked
            return write_whole(path, content)
        with held:
            try:
                held.write(content.encode() if isinstance(content, str) else content)
                held.flush()
                os.fsync(held.fileno())
                if sys.platform == "win32":
                    held.close()  # open files cannot be renamed there
                part.replace(target)
            except BaseException:
                with suppress(OSError):
                    held.close()
                part.unlink(missing_ok=True)
                raise
    sweep_parts(target.parent, target.name)
    return None


def whole_name(name: str) -> str:
    """The name of a file, also where it is given that of an unfinished part of it.

    Args:
        name: without its folder.
    """
    found = _PART.fullmatch(name)
    return found[1] if found else name


def sweep_parts(folder: Path, name: str | None = None) -> None:
    """Remove unfinished parts of files that no living process writes.

    Args:
        folder: that holds the files.
        name: of the only file whose parts are looked at; None looks at all.
    """
    with suppress(OSError):
        for part in folder.iterdir():
            whole = whole_name(part.name)
            if part.name != whole and name in (None, whole):
                held = lock(part)
                if held is not None:
                    with held:
                        part.unlink(missing_ok=True)


@contextmanager
def naming(
    path: str | os.PathLike[str], instead_of: str | os.PathLike[str] | None = None
) -> Iterator[None]:
    """Let errors of the operating system name a file where they name none.

    Args:
        path: what they are to name.
        instead_of: errors about this, and about what lies below, are to name `path` as well.
    """
    try:
        yield
    except OSError as problem:
        named = problem.filename
        if problem.errno is None or not (named is None or _lies_in(named, instead_of)):
            raise
        raise OSError(problem.errno, problem.strerror, os.fspath(path)) from problem


def _lies_in(named: object, folder: str | os.PathLike[str] | None) -> bool:
    if folder is None or not isinstance(named, str | bytes | os.PathLike):
        return False
    path = Path(os.fsdecode(named))
    return Path(folder) in (path, *path.parents)
