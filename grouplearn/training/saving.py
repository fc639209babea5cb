"""Saving and loading representations and networks: safetensors and JSON, never pickle."""

from __future__ import annotations

import os

from torch import Tensor, nn

from grouplearn.errors import DataError, InputError
from grouplearn.training.descriptions import build, describe
from grouplearn.training.tensorfile import read_tensors, write_tensors


def save(module: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a representation or a network to a file that holds all it takes to build it again.

    Args:
        module: a representation of this library, an `LGCNN`, `LGN` or `PlainCNN`, or one of these
            in `Standardised`.
        path: the file; replaced if it exists. Usual suffix: .safetensors.

    Raises:
        InputError: a module of another class: save its `state_dict` with safetensors.
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
    description = describe(module, {id(value): name for name, value in tensors.items()})
    write_tensors(path, tensors, {"module": description})


def load(path: str | os.PathLike[str]) -> nn.Module:
    """Build what `save` wrote, on the CPU, in evaluation mode.

    Args:
        path: the file.

    Returns:
        A module with outputs equal to the last bit.

    Raises:
        DataError: the file is missing, truncated, changed, of another kind or of a later version.
        MissingExtraError: safetensors is absent.
    """
    found = read_tensors(path)
    try:
        module = build(found.info["module"], found.tensors)
        first = {id(value): name for name, value in reversed(_names(module).items())}
        full = {name: found.tensors[first[id(v)]] for name, v in _names(module).items()}
        module.load_state_dict(full)
    except (KeyError, TypeError, RuntimeError, InputError) as problem:
        raise DataError(
            f"load: path {os.fspath(path)!r} must be a file that save wrote, got one whose "
            f"description does not fit its tensors ({problem}); save it again"
        ) from problem
    return module.eval()


def _state(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers under the first name of each: layers may share a representation."""
    kept: dict[int, tuple[str, Tensor]] = {}
    for name, value in _names(module).items():
        kept.setdefault(id(value), (name, value))
    return dict(kept.values())


def _names(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.state_dict(keep_vars=True))
