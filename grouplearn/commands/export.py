"""`grouplearn export`: a trained network as a file that needs nothing of this library."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from grouplearn._checks import optional_import, refuse
from grouplearn._files import write_whole
from grouplearn._schema import rebuilding
from grouplearn.commands.folders import sweep
from grouplearn.commands.marks import RESULT, to_json
from grouplearn.commands.options import assert_new
from grouplearn.commands.results import is_possible, read_result
from grouplearn.commands.train_data import assert_fits
from grouplearn.commands.train_output import NETWORK
from grouplearn.errors import DataError
from grouplearn.layers.filters import input_like
from grouplearn.models import LGN, Pattern, SequenceNetwork, Translator
from grouplearn.models.standardised import unwrapped
from grouplearn.training import load

WHO = "grouplearn export"
_SUFFIXES = (".onnx", ".pt2")
_TOLERANCE = 1e-3
_MOST_LETTERS = 1 << 20


def run_export(
    run: Path,
    to: Path,
    *,
    size: Sequence[int] | None,
    overwrite: bool = False,
    as_json: bool = False,
) -> int:
    """Export the network of a run, filters computed once, and check the file's outputs.

    Args:
        run: folder of a run of `grouplearn train`, or a file of a network.
        to: a file, .onnx or .pt2 (torch.export).
        size: height and width of the images, or length of the sequences, which the file fixes;
            None takes those of the run.
        overwrite: may the file be replaced?
        as_json: print JSON instead of a sentence.

    Returns:
        0.

    Raises:
        InputError: another suffix, a file in the way, a network that has no export, or no size
            where there is no run to take it from.
        DataError: the file's outputs are not those of the network.
        MissingExtraError: onnx is absent; the extra `onnx` brings it.
    """
    if to.suffix not in _SUFFIXES:
        refuse(WHO, "--to", f"a file that ends in {' or '.join(_SUFFIXES)}", repr(str(to)),
               "choose one of these")  # fmt: skip
    assert_new(WHO, "--to", to, overwrite=overwrite)
    if not to.absolute().parent.is_dir():
        refuse(WHO, "--to", "in a folder that exists", repr(str(to)), "make the folder")
    sweep(run.parent)
    network: Any = load(run / NETWORK if run.is_dir() else run)
    inner = unwrapped(network)
    if isinstance(inner, Translator):
        refuse(WHO, "RUN", "a run on images or sequences",
               f"one on tokens, {type(inner).__name__}, which is asked token by token",
               "load its network in Python")  # fmt: skip
    if isinstance(inner, LGN) or not hasattr(inner, "pattern"):
        refuse(WHO, "RUN", "a run of an LGCNN, a plain CNN or a network for sequences",
               type(inner).__name__, "use its filters as they are")  # fmt: skip
    shape = _shape(run, inner, size)
    like: Any = input_like(network)
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(2, *shape, generator=rng, dtype=like.dtype)
    with rebuilding(WHO, run, "train it again"), torch.no_grad():
        wanted = network(x)
        plain: nn.Module = network.export() if hasattr(network, "export") else network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content, got = _onnx(plain, x) if to.suffix == ".onnx" else _program(plain, x)
    gap = float((got - wanted).abs().max())
    if not gap <= _TOLERANCE * float(wanted.abs().max()):
        refuse(WHO, "--to", "a file with the network's outputs", f"a difference of {gap:.1e}",
               "try the other suffix", DataError)  # fmt: skip
    write_whole(to, content)
    found = {"file": to, "bytes": len(content), "largest_difference": gap}
    if as_json:
        sys.stdout.write(to_json(found, indent=2) + "\n")
    else:
        sys.stdout.write(f"Written to {to}: {found['bytes']:,} bytes; outputs differ from the "
                         f"network's by {gap:.1e} at most.\n")  # fmt: skip
    return 0


def _shape(run: Path, inner: Any, size: Sequence[int] | None) -> tuple[int, ...]:
    """The shape of one sample: channels, and height and width or length."""
    takes_letters = isinstance(inner, SequenceNetwork)
    how = "--size L" if takes_letters else "--size HxW"
    sides = _size_of(run, how) if size is None else tuple(size)
    if len(sides) != (1 if takes_letters else 2):
        refuse(WHO, "--size", "one length" if takes_letters else "numbers such as 28x28",
               "x".join(map(str, sides)), f"pass {how}")  # fmt: skip
    if takes_letters:
        if not 1 <= sides[0] <= _MOST_LETTERS:
            refuse(WHO, "--size", f"from 1 to {_MOST_LETTERS:,} letters", sides[0], "pass fewer")
        return inner.pattern.letters, *sides
    assert_fits(WHO, "--size", *sides)
    if not is_possible(*sides):
        refuse(WHO, "--size", "of at most 16,777,216 pixels", f"{sides[0]} x {sides[1]}",
               "export it for smaller images")  # fmt: skip
    return cast("Pattern", inner.pattern).in_channels, *sides


def _size_of(run: Path, how: str) -> tuple[int, ...]:
    """Height and width of the images, or length of the sequences, that a run learned from."""
    try:
        found = read_result(run)
    except OSError as problem:
        refuse(WHO, "--size", "given where there is no finished run to take it from", None,
               f"pass {how} ({problem.strerror})")  # fmt: skip
    except ValueError as problem:
        refuse(WHO, "RUN", f"with a whole {RESULT}", str(problem), f"pass {how}", DataError)
    return found.images or (() if found.sequences is None else (found.sequences.length,))


def _onnx(module: nn.Module, x: torch.Tensor) -> tuple[bytes, torch.Tensor]:
    """The content of a file, and the outputs that a reader of it computes."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        optional_import(package, "onnx")
    import onnxruntime

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    batch = {0: torch.export.Dim("batch")}
    program = torch.onnx.export(module, (x,), dynamo=True, verbose=False, dynamic_shapes=(batch,))
    if program is None:
        refuse(WHO, "--to", "a file that torch.onnx can write", ".onnx", "export to .pt2")
    content: bytes = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return content, torch.as_tensor(found)


def _program(module: nn.Module, x: torch.Tensor) -> tuple[bytes, torch.Tensor]:
    """The file of torch.export, and what the program in it returns for x."""
    batch = {0: torch.export.Dim("batch")}
    file = io.BytesIO()
    torch.export.save(torch.export.export(module, (x,), dynamic_shapes=(batch,)), file)
    file.seek(0)
    with torch.no_grad():
        found: torch.Tensor = torch.export.load(file).module()(x)
    return file.getvalue(), found
