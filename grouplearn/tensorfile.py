"""One file of named tensors and a JSON description, checked as a whole when it is read."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
from safetensors.torch import load, save
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn._files import write_whole
from grouplearn._schema import misfit, parsed
from grouplearn.errors import DataError

VERSION = 1
"""The version of the format; a file of a later one is refused."""
_FORMAT = "grouplearn"


class TensorFile(NamedTuple):
    """What such a file holds.

    Attributes:
        tensors: by name.
        info: what JSON can hold.
    """

    tensors: dict[str, Tensor]
    info: dict[str, Any]


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], info: Mapping[str, Any]
) -> None:
    """Write tensors and a description: whole, or not at all.

    The file is one of safetensors, whose own header holds the description, the version of the
    format and a SHA-256 of both tensors and description.

    Args:
        path: the file; replaced if it exists.
        tensors: by name; moved to the CPU.
        info: what JSON can hold.

    Raises:
        InputError: the folder does not exist.
        OSError: the disk is full, for example; it names `path`.
    """
    held = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    text = json.dumps(info, sort_keys=True, allow_nan=True)
    header = {
        "format": _FORMAT, "version": str(VERSION), "info": text, "sha256": _digest(held, text),
    }  # fmt: skip
    target = Path(path)
    if not target.parent.is_dir():
        refuse("write_tensors", "path", "in a folder that exists", repr(str(target)), "make it")
    if target.is_dir():
        refuse("write_tensors", "path", "a file", f"{str(target)!r}, a folder", "name a file in it")
    write_whole(target, _in_order(save(held, header)))


def _in_order(content: bytes) -> bytes:
    """The same file with its description in order, as safetensors leaves that to chance."""
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def read_tensors(path: str | os.PathLike[str], who: str = "load") -> TensorFile:
    """Read what `write_tensors` wrote.

    Args:
        path: the file.
        who: asks, for the error.

    Raises:
        DataError: the file is missing, truncated, changed, of another kind or of a later version.
    """
    file = Path(path)
    again = "start the run anew" if who == "resume" else "save it again"
    try:
        content = file.read_bytes()
    except OSError as problem:
        _reject(who, file, "a readable file", problem.strerror or "none", "check the path")
    header = _header(content)
    if header is None or header.get("format") != _FORMAT:
        _reject(who, file, "a file that grouplearn wrote", "another or a truncated one",
                again)  # fmt: skip
    if header.get("version") != str(VERSION):
        _reject(who, file, f"of format version {VERSION}", repr(header.get("version")),
                "use the release of grouplearn that wrote it")  # fmt: skip
    try:
        tensors = load(content)
    except Exception as problem:  # safetensors raises an exception of its own, derived from that
        _reject(who, file, "whole", f"a truncated or changed file ({problem})", again)
    text = header.get("info", "")
    if _digest(tensors, text) != header.get("sha256"):
        _reject(who, file, "as it was written", "other content: its checksum differs",
                again)  # fmt: skip
    try:
        info = parsed(text)
    except ValueError as problem:
        _reject(who, file, "with a description in JSON", str(problem), again)
    if not isinstance(info, dict):
        _reject(who, file, "with a description by names", type(info).__name__, again)
    return TensorFile(tensors, info)


def pack(value: Any, tensors: dict[str, Tensor], place: str = "") -> Any:
    """Nested containers as JSON, with every tensor moved to `tensors` under its place's name.

    Args:
        value: dictionaries, lists, tuples, tensors, numbers, texts, truth values and None.
        tensors: filled.
        place: prefix of the names.

    Raises:
        InputError: a value of another type.
    """
    if isinstance(value, Tensor):
        tensors[place] = value
        return {"tensor": place}
    if isinstance(value, Mapping):
        items = [
            [key, pack(each, tensors, f"{place}.{number}")]
            for number, (key, each) in enumerate(value.items())
        ]
        return {"map": items}
    if isinstance(value, list | tuple):
        listed = [pack(each, tensors, f"{place}.{number}") for number, each in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": listed}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    wanted = "made of containers, tensors, numbers and texts"
    return refuse("write_tensors", place or "value", wanted, type(value).__name__, "convert it")


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`.

    Raises:
        ValueError: it is nothing that `pack` returns.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    wanted: dict[str, Any] = {
        "tensor": str, "map": list[list[Any]], "list": list[Any], "tuple": list[Any],
    }  # fmt: skip
    kind = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
    if kind not in wanted or misfit(value[kind], wanted[kind]) is not None:
        raise ValueError(f"{str(value)[:60]!r} where something packed should be")
    content = value[kind]
    if kind == "tensor":
        if content not in tensors:
            raise ValueError(f"no tensor {content!r}")
        return tensors[content]
    if kind == "map":
        if any(len(pair) != 2 or isinstance(pair[0], list | dict) for pair in content):
            raise ValueError("a map of other things than pairs")
        return {key: unpack(each, tensors) for key, each in content}
    items = [unpack(each, tensors) for each in content]
    return items if kind == "list" else tuple(items)


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name}:{value.dtype}:{tuple(value.shape)};".encode())
        flat = value.contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()


def _header(content: bytes) -> dict[str, str] | None:
    """The description in a safetensors file, None where there is none."""
    if len(content) < 8:
        return None
    (size,) = struct.unpack("<Q", content[:8])
    try:
        found = parsed(content[8 : 8 + size]) if size <= len(content) - 8 else {}
    except ValueError:
        return None
    metadata = found.get("__metadata__") if isinstance(found, dict) else None
    return metadata if misfit(metadata, dict[str, str]) is None else None


def _reject(who: str, file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(who, f"path {str(file)!r}", expected, got, remedy, DataError)
