"""Training a network: options, history, and runs that can be stopped and go on."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import (
    finite_number,
    folder_to_write,
    instance,
    optional_import,
    positive_int,
    refuse,
)
from grouplearn.layers.filters import input_like
from grouplearn.training.labelled import Augmentation, EachOnce, Labelled
from grouplearn.training.objectives import Classification, Objective, scores_in

Accelerator = Literal["cpu", "gpu", "auto"]
Precision = Literal["float32", "bfloat16", "float64"]
Schedule = Literal["one-cycle", "halving", "constant"]
LAST = "last.safetensors"
"""The checkpoint in a run's folder, that of the last finished epoch."""


@final
@dataclass(frozen=True)
class FitOptions:
    """How a network is trained.

    Args:
        epochs: passes over the samples.
        batch_size: of all processes together.
        learning_rate: the largest, for AdamW.
        weight_decay: of AdamW.
        schedule: "one-cycle" rises for a fifth of the steps and falls to nothing; "halving" halves
            at 1/2, 3/4 and 7/8, as the published networks do; "constant" stays.
        clip: largest norm of the gradient, or None.
        precision: "bfloat16" computes convolutions and products in it and keeps weights in float32;
            on a CPU, worth it only where `computes_in_bfloat16()`.
        patience: validations without a better score after which training ends, the network as it
            is then; None trains all epochs.
        validate_every: epochs between validations.
        processes: for data parallel training; more than one takes a launcher such as torchrun.
            `GroupBatchNorm` takes its statistics over all of them. Of torch's own batch
            normalisation, in `PlainCNN` and `LGN`, and of `Similarity` each sees its own part.
        accelerator: "cpu", "gpu" or "auto".
        seed: of the order of samples, augmentation and dropout.

    Raises:
        InputError: an option is out of its range.
    """

    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    schedule: Schedule = "one-cycle"
    clip: float | None = None
    precision: Precision = "float32"
    patience: int | None = None
    validate_every: int = 1
    processes: int = 1
    accelerator: Accelerator = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the options."""
        who = "FitOptions"
        for name in ("epochs", "batch_size", "validate_every", "processes"):
            positive_int(who, name, getattr(self, name))
        if positive_int(who, "seed", self.seed, minimum=0) >= 1 << 63:
            refuse(who, "seed", "below 2**63", self.seed, "0, for example")
        finite_number(who, "learning_rate", self.learning_rate, positive=True)
        finite_number(who, "weight_decay", self.weight_decay)
        if self.clip is not None:
            finite_number(who, "clip", self.clip, positive=True)
        if self.patience is not None:
            positive_int(who, "patience", self.patience)
        for name, known in (
            ("schedule", get_args(Schedule)),
            ("precision", get_args(Precision)),
            ("accelerator", get_args(Accelerator)),
        ):
            if getattr(self, name) not in known:
                refuse(who, name, f"one of {', '.join(known)}", repr(getattr(self, name)),
                       "take one of these")  # fmt: skip


@final
@dataclass(frozen=True)
class FitEpoch:
    """One epoch of training.

    Attributes:
        epoch: its number, from 1.
        terms: the mean of each term of the loss.
        score: the mean score on the validation samples, None where there was no validation.
        seconds: since the beginning of this process's part of the run.
    """

    epoch: int
    terms: dict[str, float]
    score: float | None
    seconds: float

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return sum(self.terms.values())


@final
@dataclass(frozen=True)
class Fit:
    """Result of `fit`; the network has been trained in place.

    Attributes:
        history: the epochs, those of an earlier part of a resumed run included.
        seconds: what this process took.
        stopped_early: did the patience end it?
    """

    history: tuple[FitEpoch, ...]
    seconds: float
    stopped_early: bool

    @property
    def score(self) -> float | None:
        """The last validation score."""
        scores = [each.score for each in self.history if each.score is not None]
        return scores[-1] if scores else None


def fit(
    model: nn.Module,
    train: Labelled,
    validation: Labelled | None = None,
    *,
    objective: Objective | None = None,
    augment: Augmentation | None = None,
    options: FitOptions | None = None,
    folder: str | os.PathLike[str] | None = None,
    watch: Callable[[FitEpoch], object] | None = None,
) -> Fit:
    """Train a network in place.

    With a folder, a checkpoint is written after every epoch, and a run that was ended by anything,
    `kill -9` included, goes on where its last finished epoch stood when `fit` is called with the
    same arguments: order of samples, augmentation and dropout depend on the seed and the epoch
    alone, so that the result is, bit for bit, that of a run that was never stopped; on a GPU, as
    far as torch's operations are deterministic there. The folder also holds the history for
    TensorBoard and as CSV. torch's global generator is seeded for this.

    Args:
        model: the network, float32 or, for that precision, float64; put into training mode. A
            method `after_step()` is called after every step.
        train: the samples to learn from, converted to the network's dtype.
        validation: samples to judge the epochs by, or None.
        objective: what is minimised; `Classification()` when None.
        augment: changes every batch of training samples.
        options: `FitOptions()` when None.
        folder: of checkpoints and logs, made where absent; None writes nothing.
        watch: called after every epoch.

    Returns:
        The history.

    Raises:
        KeyboardInterrupt: SIGINT or SIGTERM came; the checkpoint of the last finished epoch stays.
        InputError: an argument does not fit, there is no such accelerator, or the folder holds a
            run of another network, or with other options, samples, objective or augmentation.
        DataError: the folder's checkpoint is truncated or changed.
        TrainingError: a term of the loss or a weight became infinite or not a number; the
            checkpoint of the last good epoch stays.
        MissingExtraError: Lightning is absent; the extra `train` brings it.

    Warns:
        UserWarning: bfloat16 is asked for on a CPU that has no instructions for it.

    Example:
        >>> from grouplearn.models import Pattern, PlainCNN
        >>> data = Labelled(torch.rand(8, 1, 8, 8), torch.arange(8) % 2)
        >>> found = fit(PlainCNN(Pattern(1, 2, (2, 2, 2))), data, options=FitOptions(epochs=1))
        >>> [each.epoch for each in found.history]
        [1]
    """
    optional_import("lightning", "train")
    from grouplearn.training.running import run

    options = FitOptions() if options is None else options
    objective = _objective("fit", objective)
    instance("fit", "model", model, nn.Module, "pass a network")
    instance("fit", "train", train, Labelled, "pass Labelled(x, y)")
    if validation is not None:
        instance("fit", "validation", validation, Labelled, "pass Labelled(x, y)")
    if augment is not None and not callable(augment):
        refuse("fit", "augment", "a function of a batch and a generator", repr(augment),
               "pass RandomShift(2), for example")  # fmt: skip
    instance("fit", "options", options, FitOptions, "pass FitOptions(epochs=10), for example")
    if options.patience is not None and validation is None:
        refuse("fit", "validation", "samples, for a patience", None, "pass some, or no patience")
    if options.accelerator == "gpu" and not _gpu_is_here():
        refuse("fit", "accelerator", "one that is here", "'gpu'", "take 'cpu' or 'auto'")
    on_processor = options.accelerator == "cpu" or not _gpu_is_here()
    if options.precision == "bfloat16" and on_processor and not computes_in_bfloat16():
        warnings.warn(
            "fit: this processor has no instructions for bfloat16 and is several times slower in "
            "it; take precision='float32'", stacklevel=2,
        )  # fmt: skip
    folder = None if folder is None else folder_to_write("fit", folder)
    start = time.perf_counter()
    history = run(model, train, validation, objective, augment, options, folder, watch)
    seconds = time.perf_counter() - start
    return Fit(history, seconds, len(history) < options.epochs)


def computes_in_bfloat16() -> bool:
    """Has the processor instructions for bfloat16? Without, float32 is several times faster.

    Returns:
        True also where the installed torch cannot tell.
    """
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    names = ("avx512_bf16", "amx_bf16", "bf16")  # the last is ARM's
    return not capabilities or any(capabilities.get(name) for name in names)


def _objective(who: str, given: Objective | None) -> Objective:
    """The objective, that of classification when None."""
    remedy = "pass Classification(), for example"
    found: Objective = (
        Classification() if given is None else instance(who, "objective", given, Objective, remedy)
    )
    return found


def _gpu_is_here() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: Labelled,
    objective: Objective | None = None,
    *,
    batch_size: int = 500,
    precision: Precision = "float32",
) -> float:
    """The mean score of a network; for classification, the share of right answers.

    Args:
        model: the network; left in the mode it was in.
        data: samples and labels.
        objective: `Classification()` when None.
        batch_size: samples at once.
        precision: "bfloat16" computes as training with it does.

    Returns:
        A number.
    """
    found = scores(model, data, objective, batch_size=batch_size, precision=precision)
    return float(found.mean())


def scores(
    model: nn.Module,
    data: Labelled,
    objective: Objective | None = None,
    *,
    batch_size: int = 500,
    precision: Precision = "float32",
) -> Float[Tensor, " N"]:
    """The score of a network on every sample, of which `evaluate` is the mean.

    Args:
        model: as for `evaluate`, like all that follow.
        data: samples and labels.
        objective: what scores them.
        batch_size: samples at once.
        precision: of the network.

    Returns:
        float64, on the CPU.
    """
    objective = _objective("evaluate", objective)
    instance("evaluate", "data", data, Labelled, "pass Labelled(x, y)")
    found = input_like(model)
    like = data.x if found is None else found
    parts = []
    with (
        _judging(model),
        torch.autocast(like.device.type, torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        for x, y in EachOnce(data, batch_size):
            parts.append(objective.score(model, (x.to(like), y.to(like.device))).double().cpu())
    return torch.cat(parts)


def class_scores(model: nn.Module, batches: Iterable[Tensor]) -> Float[Tensor, "N classes"]:
    """What a classifier says of samples, before softmax.

    Args:
        model: left in the mode it was in; a network that returns `Codes` is asked for its scores.
        batches: of samples, some at once, in any floating type.

    Returns:
        float64, on the CPU.
    """
    found = input_like(model)
    with _judging(model):
        parts = [
            scores_in(model(x if found is None else x.to(found))).double().cpu() for x in batches
        ]
    return torch.cat(parts)


@contextmanager
def _judging(model: nn.Module) -> Iterator[None]:
    """Evaluation without gradients; each part of the network is left in the mode it was in."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in training.items():
            module.training = mode


def seeds_interval(scores: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Mean of the scores of several seeds, and half the width of its confidence interval.

    Args:
        scores: one for each seed.
        level: of Student's t interval.

    Returns:
        The mean, and nan beside it where there is one seed.
    """
    from statistics import mean, stdev

    from scipy.stats import t

    if len(scores) < 2:
        return mean(scores), float("nan")
    half = float(t.ppf((1 + level) / 2, len(scores) - 1)) * stdev(scores) / len(scores) ** 0.5
    return mean(scores), half
