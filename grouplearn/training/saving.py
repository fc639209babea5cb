"""Saving and loading representations and networks: safetensors and JSON, never pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.errors import DataError, InputError
from grouplearn.representations.tables import MARK
from grouplearn.training.descriptions import REMEDY, build, describe
from grouplearn.training.tensorfile import read_tensors, write_tensors


def save(module: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a representation or a network to a file that holds all it takes to build it again.

    Args:
        module: a representation of this library, an `LGCNN`, `LGN` or `PlainCNN`, or one of these
            in `Standardised`.
        path: the file; replaced if it exists. Usual suffix: .safetensors.

    Raises:
        InputError: a module of another class, or of a dtype that it cannot be built in, such as
            bfloat16: save its `state_dict` with safetensors. Or the folder does not exist.
        MissingExtraError: safetensors is absent; the extra `train` brings it.

    Example:
        >>> import tempfile, torch
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import SkewRepresentation
        >>> rep, file = SkewRepresentation(CyclicGroup(4), 9), tempfile.mkdtemp() + "/rep"
        >>> save(rep, file)
        >>> torch.equal(load(file).generators(), rep.generators())
        True
    """
    tensors = _state(module)
    info = {
        "module": describe(module, {id(value): name for name, value in tensors.items()}),
        "frozen": [name for name, value in module.named_parameters() if not value.requires_grad],
    }
    try:
        _built(info, {name: value.detach().cpu() for name, value in tensors.items()})
    except (KeyError, TypeError, RuntimeError, InputError) as problem:
        refuse("save", "module", "one that can be built again from its description",
               f"{type(module).__name__} ({problem})", REMEDY)  # fmt: skip
    write_tensors(path, tensors, info)


def load(path: str | os.PathLike[str]) -> nn.Module:
    """Build what `save` wrote, on the CPU, in evaluation mode.

    Args:
        path: the file.

    Returns:
        A module with outputs equal to the last bit, as trained or frozen as it was.

    Raises:
        DataError: the file is missing, truncated, changed, of another kind or of a later version.
        MissingExtraError: safetensors is absent.
    """
    found = read_tensors(path)
    if "checkpoint" in found.info:
        raise DataError(
            f"load: path {os.fspath(path)!r} must be a file that save wrote, got a checkpoint of a "
            "training run; call fit with its folder to go on, then save"
        )
    try:
        module = _built(found.info, found.tensors)
    except (KeyError, TypeError, RuntimeError, InputError) as problem:
        raise DataError(
            f"load: path {os.fspath(path)!r} must be a file that save wrote, got one whose "
            f"description does not fit its tensors ({problem}); save it again"
        ) from problem
    return module.eval()


def _built(info: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """The module that was described, with these tensors, their dtypes and what of it is trained."""
    module = build(info["module"], tensors)
    names = _names(module)
    first = {id(value): name for name, value in reversed(names.items())}
    full = {
        name: tensors[first[id(value)]] for name, value in names.items()
        if first[id(value)] in tensors or not name.endswith(MARK)  # which older files lack
    }  # fmt: skip
    with torch.no_grad():
        for name, value in full.items():
            names[name].data = names[name].data.to(value.dtype)
    module.load_state_dict(full)
    frozen = set(info.get("frozen", ()))
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return module


def _state(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers under the first name of each: layers may share a representation."""
    kept: dict[int, tuple[str, Tensor]] = {}
    for name, value in _names(module).items():
        kept.setdefault(id(value), (name, value))
    return dict(kept.values())


def _names(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.state_dict(keep_vars=True))
