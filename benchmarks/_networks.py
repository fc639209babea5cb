"""The networks of the accuracy tables, each trained in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup
from grouplearn.defects import closure_defect
from grouplearn.domains.choosing import PARAMETERS
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.labelled_images import ImageSets
from grouplearn.domains.pixels import PixelMove
from grouplearn.interop.escnn_network import EscnnCNN, escnn_pattern
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
)
from grouplearn.training import (
    Augmentation,
    Classification,
    FitOptions,
    Labelled,
    RandomElement,
    RandomShift,
    Several,
    WithLaws,
    as_labelled,
    computes_in_bfloat16,
    evaluate,
    fit,
)
from grouplearn.training.fitting import Precision

BUDGET = PARAMETERS
KERNEL = 3
DOMAIN = ImageDomain(patch_size=KERNEL)
MU = 1e-4


def precision() -> Precision:
    """Of the convolutions, on this processor the same for every network."""
    return "bfloat16" if computes_in_bfloat16() else "float32"


@dataclass(frozen=True)
class Recipe:
    """How a data set is trained on, the same for every network.

    Attributes:
        epochs: passes over all training images.
        shift: augmentation by random shifts of up to so many pixels; 0 for none.
        augment: the moves of the control with fixed augmentation; empty for none.
    """

    epochs: int
    shift: int
    augment: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """One data set, ready to train on."""

    name: str
    train: Labelled
    test: Labelled
    recipe: Recipe

    @property
    def pattern(self) -> Pattern:
        return Pattern(self.train.x.shape[1], self.train.classes or 0, kernel_size=KERNEL)


def task_of(name: str, sets: ImageSets, recipe: Recipe) -> Task:
    assert sets.test is not None
    classes = len(sets.train.names)
    train = as_labelled(sets.train.images, sets.train.labels, classes)
    test = as_labelled(sets.test.images, sets.test.labels, classes)
    return Task(name, train, test, recipe)


def turns(names: tuple[str, ...]) -> FixedRepresentation:
    """A known cyclic action on kernels."""
    order = {"quarter-turn": 4, "flip": 2}[names[0]]
    return FixedRepresentation(CyclicGroup(order), PixelMove(names[0]).matrix(KERNEL).float()[None])


def lgcnn(task: Task, rep: LearnedRepresentation, rng: torch.Generator) -> nn.Module:
    return LGCNN(task.pattern.within(BUDGET, rep.group.order), rep, rng=rng)


def plain(task: Task, rng: torch.Generator, times: int = 0) -> nn.Module:
    """Equal parameters, or some multiple of the widths of the base filters of C4."""
    if not times:
        return PlainCNN(task.pattern.within(BUDGET), rng=rng)
    base = task.pattern.within(BUDGET, 4)
    first, second, third = (times * width for width in base.widths)
    return PlainCNN(Pattern(base.in_channels, base.classes, (first, second, third)), rng=rng)


def escnn(task: Task, rng: torch.Generator, *, flips: bool) -> nn.Module:
    torch.manual_seed(rng.initial_seed())
    return EscnnCNN(escnn_pattern(task.pattern, BUDGET, flips=flips), flips=flips)


def from_labels(task: Task, rng: torch.Generator) -> nn.Module:
    """As published: the action is learned from the labels, from a random start."""
    return lgcnn(task, DenseRepresentation(CyclicGroup(4), KERNEL**2, rng=rng), rng)


def unfolded(task: Task, rng: torch.Generator) -> nn.Module:
    return LGN(LGNShape(task.pattern.in_channels, task.pattern.classes), rng=rng)


def networks(task: Task) -> dict[str, Callable[[torch.Generator], nn.Module]]:
    """The networks compared, but the one whose group is found, by their names in the tables."""
    return {
        "plain, equal parameters": partial(plain, task),
        "plain, single channel": partial(plain, task, times=1),
        "plain, same channels": partial(plain, task, times=4),
        "LGCNN, C4": partial(lgcnn, task, turns(("quarter-turn",))),
        "LGCNN, action from labels": partial(from_labels, task),
        "escnn, C4": partial(escnn, task, flips=False),
        "escnn, D4": partial(escnn, task, flips=True),
        "LGN, unfolded": partial(unfolded, task),
    }


def train(
    task: Task, network: nn.Module, options: FitOptions, augment: tuple[str, ...] = ()
) -> None:
    """Train a network by the recipe of all."""
    objective = WithLaws(Classification(), invertibility=MU)
    fit(network, task.train, objective=objective, augment=augmentation(task, augment),
        options=options)  # fmt: skip


def trained(
    task: Task,
    build: Callable[[torch.Generator], nn.Module],
    seed: int,
    *,
    augment: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Train one network and test it."""
    start = time.perf_counter()
    network = Standardised.of(build(torch.Generator().manual_seed(seed)), task.train.x)
    train(task, network, options(task.recipe.epochs, seed), augment)
    seconds = time.perf_counter() - start
    count = sum(each.numel() for each in network.parameters())
    record = {
        "seed": seed, "epochs": task.recipe.epochs, "parameters": count, "seconds": seconds,
        "accuracy": 100 * evaluate(network, task.test, precision=precision()),
        "precision": precision(), "threads": torch.get_num_threads(),
        "processor": torch.cpu.get_capabilities().get("cpu_name"),
    }  # fmt: skip
    inner: Any = network.network
    reps: list[Any] = list(inner.representations()) if isinstance(inner, LGN) else []
    reps = inner.layer_representations() if isinstance(inner, LGCNN) else reps
    if reps:
        record["closure"] = max(float(closure_defect(rep).detach()) for rep in dict.fromkeys(reps))
    return record


def automatic(task: Task, seed: int) -> dict[str, Any]:
    """Discover without labels, choose by short runs, train."""
    rep, found = searched(task, seed)
    record = trained(task, partial(lgcnn, task, rep), seed)
    record["seconds"] += found["searched"]
    return record | found


def searched(task: Task, seed: int) -> tuple[LearnedRepresentation, dict[str, Any]]:
    """Discover without labels, and choose by short runs, in which no image is shifted."""
    start = time.perf_counter()
    choice = DOMAIN.choose_group(
        task.train, options=options(task.recipe.epochs, seed),
        watch=lambda run: print("   ", run.rep.group, names_of(run.rep), run.scores, flush=True),
    )  # fmt: skip
    assert choice.found is not None
    return choice.rep, {
        "searched": time.perf_counter() - start, "discovered": choice.found.summary(),
        "group": str(choice.rep.group), "moves": names_of(choice.rep),
        "kernel": choice.rep.generators().tolist(),
        "choice": [
            {"group": str(each.rep.group), "moves": names_of(each.rep), "score": each.score,
             "error": each.error, "scores": each.scores, "seconds": each.seconds}
            for each in choice.tried
        ],
    }  # fmt: skip


def names_of(rep: LearnedRepresentation) -> list[str]:
    return [str(move) for move in DOMAIN.extend(rep)[1:]]


def augmentation(task: Task, names: tuple[str, ...] = ()) -> Augmentation | None:
    parts: list[Callable[[Tensor, torch.Generator], Tensor]] = []
    if task.recipe.shift:
        parts.append(RandomShift(task.recipe.shift))
    if names:
        parts.append(RandomElement(DOMAIN.extend(turns(names))))
    return Several(parts) if parts else None


def options(epochs: int, seed: int) -> FitOptions:
    return FitOptions(epochs=epochs, precision=precision(), seed=seed)
