"""Run folders that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grouplearn._checks import refuse

CONFIG = "config.json"
"""The file by which a folder is known as one of ours."""


def choose_folder(who: str, out: Path | None, name: str, overwrite: bool) -> Path:
    """The folder that a run will write, checked before the work begins.

    Args:
        who: name of the command, for the error.
        out: the folder asked for; None takes the first free of runs/name, runs/name-2 and so on.
        name: what the run is called.
        overwrite: may an earlier run be replaced?

    Raises:
        InputError: something stands there that may not be replaced, or a file stands above it.
    """
    if out is None:
        out, number = Path("runs", name), 1
        while out.exists():
            number += 1
            out = Path("runs", f"{name}-{number}")
    blocking = next((each for each in out.parents if each.exists() and not each.is_dir()), None)
    if blocking is not None:
        refuse(who, "--out", "below folders only", f"{str(blocking)!r}, a file", "choose another")
    above = next(each for each in out.absolute().parents if each.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        refuse(who, "--out", "in a folder that can be written", f"{str(out)!r}", "choose another")
    if out.is_dir() and any(out.iterdir()):
        if not (out / CONFIG).is_file():
            refuse(who, "--out", "new, empty or an earlier run", f"{str(out)!r} with other files",
                   "choose another folder")  # fmt: skip
        if not overwrite:
            refuse(who, "--out", "a new folder", f"{str(out)!r}, an earlier run",
                   "pass --overwrite to replace it, or choose another folder")  # fmt: skip
    elif out.exists() and not out.is_dir():
        refuse(who, "--out", "a folder", f"{str(out)!r}, a file", "choose another name")
    return out


@contextmanager
def run_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, which replaces `target` when the block ends well.

    When it does not, what was written is removed, with the parents that were made for it, and what
    stood at `target` stays as it was.

    Args:
        target: as `choose_folder` returned it.
    """
    made = [each for each in target.absolute().parents if not each.exists()]
    scratch = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        new = scratch / "new"
        new.mkdir()
        yield new
        _replace(target, new, scratch / "old")
    except BaseException:
        _remove(scratch)
        _remove_empty(made)
        raise
    _remove(scratch)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all.

    Args:
        path: the file; replaced if it exists.
        content: text, written as UTF-8, or bytes.
    """
    part = path.with_name(f".{path.name}-part")
    part.write_bytes(content.encode() if isinstance(content, str) else content)
    part.replace(path)


@contextmanager
def growing_folder(
    who: str, target: Path, is_worth_keeping: Callable[[Path], object], *, replace: bool
) -> Iterator[None]:
    """A folder that a long run fills at `target` while it goes on.

    When the block fails before anything worth keeping is there, what was written is removed, and
    what stood at `target` comes back; otherwise the earlier content goes.

    Args:
        who: name of the command, for the error.
        target: as `choose_folder` returned it.
        is_worth_keeping: looks into the folder of a run that failed.
        replace: may an earlier run at `target` be replaced?

    Raises:
        InputError: something appeared at `target` since it was chosen.
    """
    earlier = target.with_name(f".{target.name}-replaced")
    made = [each for each in target.absolute().parents if not each.exists()]
    if replace and earlier.exists() and not is_worth_keeping(target):
        _remove(target)  # that run was killed before it got far
        earlier.rename(target)
    if replace and target.exists():
        _remove(earlier)
        target.rename(earlier)
    try:
        with suppress(FileNotFoundError):
            target.rmdir()  # an empty one
        target.mkdir(parents=True)
    except OSError:
        refuse(who, "--out", "a new folder", f"{str(target)!r}, where another run has just begun",
               "choose another folder")  # fmt: skip
    try:
        yield
    except BaseException:
        if not is_worth_keeping(target):
            _remove(target)
            if earlier.exists():
                earlier.rename(target)
            _remove_empty(made)
        raise
    finally:
        if target.exists():
            _remove(earlier)


def _replace(target: Path, new: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise


def _remove_empty(folders: list[Path]) -> None:
    for each in folders:
        if each.is_dir() and not any(each.iterdir()):
            each.rmdir()


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def to_json(value: object, indent: int | None = None) -> str:
    """JSON in which infinities and NaN, which it lacks, are strings."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return str(value) if isinstance(value, Path) else value
