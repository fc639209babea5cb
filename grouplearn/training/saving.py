"""Saving and loading representations and networks: safetensors and JSON, never pickle."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from torch import nn

from grouplearn._checks import refuse
from grouplearn._schema import rebuilding
from grouplearn.errors import DataError, InputError
from grouplearn.representations import LearnedRepresentation
from grouplearn.representations.descriptions import REMEDY, restored, stored
from grouplearn.tensorfile import read_tensors, write_tensors
from grouplearn.training.descriptions import Classes, build, describe


def save(module: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a representation or a network to a file that holds all it takes to build it again.

    Args:
        module: a representation; an `LGCNN`, `LGN` or `PlainCNN`, or one of these in
            `Standardised`; a `SequenceNetwork`; or a `RecurrentTranslator` or
            `TransformerTranslator`, or one of these in `SlotTranslator`. A representation of a
            class of your own has to keep every argument of its constructor, but for `group`,
            `dim`, `dtype` and `rng`, as an attribute of that name: a number, text, or a list of
            these.
        path: the file; replaced if it exists. Usual suffix: .safetensors.

    Raises:
        InputError: a network of another class, or of a dtype that it cannot be built in, such as
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
    if not isinstance(module, nn.Module):
        refuse("save", "module", "a representation or a network of this library",
               type(module).__name__, "a finding has its own method: found.save(path)")  # fmt: skip
    tensors, info = stored(module, describe)
    try:
        held = {name: value.detach().cpu() for name, value in tensors.items()}
        classes = {type(m) for m in module.modules() if isinstance(m, LearnedRepresentation)}
        restored(info, held, partial(build, classes=classes))
    except (KeyError, TypeError, RuntimeError, InputError) as problem:
        refuse("save", "module", "one that can be built again from its description",
               f"{type(module).__name__} ({problem})", REMEDY)  # fmt: skip
    write_tensors(path, tensors, info)


def load(path: str | os.PathLike[str], *, classes: Classes = ()) -> nn.Module:
    """Build what `save` wrote, on the CPU, in evaluation mode.

    Args:
        path: the file.
        classes: of representations that are not this library's, which the file may hold. They are
            known by module and name; nothing is imported because a file names it.

    Returns:
        A module with outputs equal to the last bit, as trained or frozen as it was.

    Raises:
        DataError: the file is missing, truncated, changed, of another kind or of a later version,
            or holds a class that is not named.
        MissingExtraError: safetensors is absent.
    """
    found = read_tensors(path)
    if "checkpoint" in found.info:
        raise DataError(
            f"load: path {os.fspath(path)!r} must be a file that save wrote, got a checkpoint of a "
            "training run; call fit with its folder to go on, then save"
        )
    got = "one whose description does not fit its tensors"
    with rebuilding("load", Path(path), "save it again", got):
        return restored(found.info, found.tensors, partial(build, classes=tuple(classes))).eval()
