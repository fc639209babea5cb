"""Our own files of tensors, changed in their contents, with a checksum that is right again."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Callable
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from grouplearn.tensorfile import VERSION, _digest

_DEEP = 20_000


def mutated_tensors(content: bytes, rng: random.Random) -> bytes:
    """Another description, or other tensors, or both."""
    (size,) = struct.unpack("<Q", content[:8])
    info = json.loads(content[8 : 8 + size]).get("__metadata__", {}).get("info", "{}")
    tensors = load(content)
    if rng.random() < 0.7:
        info = _other_info(info, rng)
    else:
        _change_tensors(tensors, rng)
        if rng.random() < 0.2:
            info = _other_info(info, rng)
    head = {"format": "grouplearn", "version": str(VERSION), "info": info}
    return save(tensors, {**head, "sha256": _digest(tensors, info)})


def _other_info(info: str, rng: random.Random) -> str:
    from tests.robustness.mutations import replaced

    if rng.random() < 0.05:
        return "[" * _DEEP + "]" * _DEEP if rng.random() < 0.5 else info[: rng.randrange(len(info))]
    value = json.loads(info)
    for _ in range(rng.choice((1, 1, 3))):
        value = replaced(value, rng)
    if rng.random() < 0.1:
        value = _other_word(value, rng)
    return json.dumps(value, ensure_ascii=True)


def _other_word(value: Any, rng: random.Random) -> Any:
    """Names of classes and types that are there, in places where they do not belong."""
    words = ("CyclicGroup", "DihedralGroup", "ProductGroup", "TableGroup", "DirectSum", "LGN",
             "TensorProduct", "ChangeOfBasis", "FixedRepresentation", "LGCNN", "Standardised",
             "float16", "int64", "bool", "complex64", "nn", "load", "__class__",
             "save")  # fmt: skip
    said = json.dumps(value)
    known = [word for word in words if f'"{word}"' in said] + ["float32", "float64"]
    return json.loads(said.replace(f'"{rng.choice(known)}"', f'"{rng.choice(words)}"', 1))


def _change_tensors(tensors: dict[str, Tensor], rng: random.Random) -> None:
    if not tensors:
        tensors["x"] = torch.zeros(1)
        return
    name = rng.choice(list(tensors))
    value = tensors[name]
    fills = (float("nan"), float("inf"), -1, 0, 1e30, 2**31, 2**62, -(2**62), 0.5)
    types = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int8, torch.bool,
             torch.uint8, torch.float32)  # fmt: skip

    def filled() -> Tensor:
        fill = rng.choice(fills)
        whole = fill if abs(fill) < 2**63 else 2**62
        new = value.clone().reshape(-1)
        few = slice(None) if rng.random() < 0.5 else slice(0, 1)
        try:
            new[few] = fill if value.is_floating_point() else int(whole)
        except (RuntimeError, OverflowError):
            new[few] = 1
        return new.reshape(value.shape)

    changes: tuple[Callable[[], Tensor], ...] = (
        filled, filled,
        lambda: value.to(rng.choice(types)),
        lambda: value.reshape(-1).clone(),
        lambda: value[None].clone(),
        lambda: value.reshape(-1)[:-1].clone(),
        lambda: torch.zeros(0),
        lambda: torch.zeros((), dtype=value.dtype),
        lambda: value.flip(0) if value.ndim else value + 1,
    )  # fmt: skip
    if rng.random() < 0.15:
        del tensors[name]
    elif rng.random() < 0.15:
        tensors[f"{name}x"] = tensors.pop(name)
    else:
        tensors[name] = rng.choice(changes)().contiguous()


def as_bytes(write: Callable[[io.BytesIO], object]) -> bytes:
    """What a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()
