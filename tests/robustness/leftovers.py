"""What a killed command has left: the same files, the same results, or parts of files."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load

_TIMES = {"seconds", "minutes", "command", "files"}
"""What two equal runs may differ in."""
_DRAWN = {".png", ".html", ".yaml"}
"""What holds times, or is drawn from what is compared."""
_EVENTS = re.compile(r"events\.out\.tfevents\..*")


def same_content(place: Path, other: Path) -> bool:
    """Are two files or folders the same, byte for byte?"""
    if place.is_file() or other.is_file():
        return place.is_file() and other.is_file() and place.read_bytes() == other.read_bytes()
    names = _names(place)
    return names == _names(other) and all(
        (place / name).read_bytes() == (other / name).read_bytes() for name in names
    )


def same_result(place: Path, other: Path) -> bool:
    """Have two runs the same files, whole, with the same numbers?"""
    if place.is_file() and other.is_file():
        return place.suffix == ".pt2" or place.read_bytes() == other.read_bytes()
    if not place.is_dir() or not other.is_dir():
        return False
    names = {_EVENTS.sub("events", name): name for name in _names(place)}
    others = {_EVENTS.sub("events", name): name for name in _names(other)}
    return names.keys() == others.keys() and all(
        _same(place / names[name], other / others[name]) for name in names
    )


def stray(folder: Path, allowed: Collection[str]) -> list[str]:
    """Names in a folder that are not allowed there, and parts of files at any depth."""
    found = [each.name for each in folder.iterdir() if each.name not in allowed]
    parts = [
        each.relative_to(folder).as_posix()
        for each in folder.rglob("*.part")
        if each.is_file() and each.name not in found
    ]
    return sorted(found + parts)


def _names(folder: Path) -> set[str]:
    return {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}


def _same(file: Path, other: Path) -> bool:
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        one, two = load(content), load(other.read_bytes())
        return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    if file.suffix in (".json", ".jsonl"):
        return _numbers(file) == _numbers(other)
    if file.suffix == ".png":
        return content[-8:-4] == b"IEND"
    if file.suffix == ".html":
        return content.rstrip().endswith(b"</html>")
    return file.suffix in _DRAWN or file.name.startswith("events") or (
        content == other.read_bytes()
    )  # fmt: skip


def _numbers(file: Path) -> Any:
    lines = file.read_text(encoding="utf-8")
    parts = lines.splitlines() if file.suffix == ".jsonl" else [lines]
    return [_timeless(json.loads(part)) for part in parts]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key not in _TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
