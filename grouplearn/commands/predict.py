"""`grouplearn predict`: what a trained network says of new samples, as a table."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn._files import write_whole
from grouplearn._schema import rebuilding
from grouplearn.commands.folders import sweep
from grouplearn.commands.marks import RESULT, to_json
from grouplearn.commands.options import assert_new
from grouplearn.commands.predict_tokens import translations
from grouplearn.commands.results import Result, Sequences, TokenSides, read_result
from grouplearn.commands.train_data import BUILT_IN
from grouplearn.commands.train_output import NETWORK
from grouplearn.domains.labelled_sequences import load_sequences
from grouplearn.domains.samples import sample_labelled_digits
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.unlabelled_images import NamedImages, load_images
from grouplearn.errors import DataError
from grouplearn.layers.filters import input_like
from grouplearn.models.standardised import unwrapped
from grouplearn.training import load
from grouplearn.training.fitting import class_scores

WHO = "grouplearn predict"
_AT_ONCE = 500


class _Run(NamedTuple):
    """What a run says of its network."""

    network: nn.Module
    channels: int
    size: tuple[int, int] | None
    sequences: Sequences | None
    classes: tuple[str, ...]

    @property
    def noun(self) -> str:
        """What one sample is."""
        return "image" if self.sequences is None else "sequence"


class _Samples(NamedTuple):
    """Samples with names, made into tensors some at a time."""

    names: tuple[str, ...]
    tensors: Callable[[slice], Tensor]


class _Said(NamedTuple):
    """What a network says, as a table and as plain data."""

    noun: str
    head: list[str]
    rows: list[list[str]]
    plain: list[dict[str, object]]


def run_predict(
    run: Path, data: str, out: Path | None, *, overwrite: bool = False, as_json: bool = False
) -> int:
    """Classify samples and write a table: name, class, and the probability of each class.

    For a run on tokens, the table has inputs, outputs, and whether each output came to its end.

    Args:
        run: folder of a finished run of `grouplearn train`, for classification, or on tokens.
        data: images as `load_images` reads them, or "digits"; for a run on sequences, a file of
            them, of the same length, or cut and padded to it as those of the run were; for one on
            tokens, a text with an input on each line.
        out: a CSV file to write; None prints the table.
        overwrite: may the file be replaced?
        as_json: print JSON instead, one object for each sample.

    Returns:
        0.

    Raises:
        InputError: a file is in the way.
        DataError: the run is not finished or of another kind, or the samples do not fit it.
    """
    assert_new(WHO, "--out", out, overwrite=overwrite)
    sweep(run.parent)
    result = _result_of(run)
    said = (
        _translated(run, result.tokens, data) if result.tokens else _classified(run, result, data)
    )
    if as_json:
        text = to_json(said.plain, indent=2) + "\n"
    else:
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([said.head, *said.rows])
        text = table.getvalue()
    if out is None:
        sys.stdout.write(text)
    else:
        write_whole(out, text)
        sys.stdout.write(f"{len(said.rows):,} {said.noun}s, written to {out}.\n")
    return 0


def _classified(run: Path, result: Result, data: str) -> _Said:
    """Name and class of images or sequences, and the probability of each class."""
    found = _read_run(run, result)
    samples = _images(data, found) if found.size is not None else _letters(data, found)
    rows = _rows(found, samples)
    plain: list[dict[str, object]] = [
        {
            found.noun: name, "class": best,
            "probabilities": dict(zip(found.classes, each, strict=True)),
        }
        for name, best, each in rows
    ]  # fmt: skip
    lines = [[name, best, *(f"{value:.6f}" for value in each)] for name, best, each in rows]
    return _Said(found.noun, [found.noun, "class", *found.classes], lines, plain)


def _translated(run: Path, tokens: TokenSides, data: str) -> _Said:
    """Inputs and outputs of tokens; an output that is cut has not ended."""
    rows = translations(WHO, run, tokens, data)
    lines = [[" ".join(x), " ".join(y), "yes" if ended else "no"] for x, y, ended in rows]
    plain: list[dict[str, object]] = [
        {"input": x, "output": y, "ended": ended} for x, y, ended in rows
    ]
    return _Said("output", ["input", "output", "ended"], lines, plain)


def _result_of(run: Path) -> Result:
    """What a finished run came to."""
    expected = f"the folder of a finished run of grouplearn train, with a {RESULT}"
    try:
        return read_result(run)
    except (OSError, ValueError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else problem
        refuse(WHO, "RUN", expected, f"{str(run)!r} ({said})",
               "train a network, or finish the run with --resume", DataError)  # fmt: skip


def _read_run(run: Path, result: Result) -> _Run:
    if result.objective != "classification":
        refuse(WHO, "RUN", "a run for classification", result.objective,
               "use its network in Python", DataError)  # fmt: skip
    network, classes = load(run / NETWORK), result.classes
    inner: Any = unwrapped(network)
    shape: Any = getattr(inner, "pattern", getattr(inner, "shape", None))
    if not hasattr(shape, "classes"):
        refuse(WHO, "RUN", f"with a network in {NETWORK}", type(inner).__name__, "train it again",
               DataError)  # fmt: skip
    if shape.classes != len(classes):
        refuse(WHO, "RUN", f"with a network of {len(classes)} classes, as its {RESULT} says",
               shape.classes, "train it again", DataError)  # fmt: skip
    channels = getattr(shape, "in_channels", getattr(shape, "letters", 0))
    size = result.images or (result.sequences.length if result.sequences else 1,)
    blank = torch.zeros(1, channels, *size, dtype=_dtype(network))
    with rebuilding(WHO, run / NETWORK, "train it again"), torch.no_grad():
        network(blank)
    return _Run(network, channels, result.images, result.sequences, classes)


def _dtype(network: nn.Module) -> torch.dtype:
    like: Any = input_like(network)
    dtype: torch.dtype = like.dtype
    return dtype


def _images(data: str, run: _Run) -> _Samples:
    if data == BUILT_IN and not Path(data).exists():
        images = sample_labelled_digits().images
        named = NamedImages(images, tuple(map(str, range(len(images)))))
    else:
        named = load_images(data, run.channels, run.size or (1, 1))

    def tensors(which: slice) -> Tensor:
        some = named.images[which]
        return torch.as_tensor(some.copy()) / (255 if some.dtype == np.uint8 else 1)

    return _Samples(named.names, tensors)


def _letters(data: str, run: _Run) -> _Samples:
    asked = run.sequences
    if asked is None or not Path(data).is_file():
        refuse(WHO, "DATA", "a file of sequences, as those of the run are", repr(data),
               "pass FASTA, for example", DataError)  # fmt: skip
    alphabet: Any = asked.alphabet
    policy: Any = asked.ambiguous
    found = load_sequences(
        data, alphabet=alphabet, length=asked.length, ambiguous=policy,
        resize=asked.resized, who=WHO,
    )  # fmt: skip
    domain = SequenceDomain(alphabet)
    return _Samples(
        found.names, lambda which: domain.one_hot(found.letters[which], ambiguous="blank")
    )


def _rows(run: _Run, samples: _Samples) -> list[tuple[str, str, list[float]]]:
    """Name, class and probabilities of each sample."""
    starts = range(0, len(samples.names), _AT_ONCE)
    batches = (samples.tensors(slice(start, start + _AT_ONCE)) for start in starts)
    chances = class_scores(run.network, batches).softmax(1)
    return [
        (name, run.classes[int(each.argmax())], each.tolist())
        for name, each in zip(samples.names, chances, strict=True)
    ]
