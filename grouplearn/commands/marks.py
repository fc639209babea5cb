"""The mark by which a run folder is known: its config.json says who wrote it, and which files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from grouplearn._files import whole_name, write_whole
from grouplearn._schema import parsed

CONFIG = "config.json"
"""Command, options and versions of a run, and the names of its files."""
RESULT = "result.json"
"""What a run came to; a training that has one is finished."""
_FILES = "files"
_KEYS = {"command", "options", "versions", _FILES}


def write_mark(folder: Path, config: dict[str, Any], files: Iterable[str] = ()) -> None:
    """Write what was asked for, and which files are the run's.

    Args:
        folder: of the run.
        config: command, options and versions.
        files: names and patterns of what the run will write; what is there counts as well.
    """
    listed = sorted({CONFIG, *files, *_files_in(folder)})
    write_whole(folder / CONFIG, to_json({**config, _FILES: listed}, indent=2) + "\n")


def list_files(folder: Path) -> None:
    """Add the names of all files to the mark of a finished run.

    Args:
        folder: of the run.
    """
    file = folder / CONFIG
    if file.is_file():
        write_mark(folder, json.loads(file.read_text(encoding="utf-8")))


def strangers(folder: Path) -> list[str] | None:
    """The files in a run folder that are not the run's.

    Args:
        folder: any.

    Returns:
        Their names; None where the folder is that of no run.
    """
    try:
        config = parsed((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or not config.keys() >= _KEYS:
        return None
    known, written_by = config[_FILES], config["versions"]
    if not isinstance(written_by, dict) or "grouplearn" not in written_by:
        return None
    if not isinstance(known, list) or not all(isinstance(each, str) for each in known):
        return None
    return [name for name in _files_in(folder) if not _is_known(name, known)]


def _is_known(name: str, known: list[str]) -> bool:
    path = Path(name)
    name = path.with_name(whole_name(path.name)).as_posix()
    return name in known or any(fnmatchcase(name, each) for each in known)


def _files_in(folder: Path) -> list[str]:
    return sorted(
        each.relative_to(folder).as_posix()
        for each in folder.rglob("*")
        if each.is_symlink() or not each.is_dir()
    )


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
