"""`grouplearn train`: a network from labelled data, with an action from where the user says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import torch
from torch import nn

from grouplearn._checks import refuse
from grouplearn.commands.options import assert_batch
from grouplearn.commands.train_actions import (
    NetworkAction,
    chosen_action,
    find_action,
    network_moments,
)
from grouplearn.commands.train_data import TrainData, domain_of, load_data
from grouplearn.commands.train_kinds import WHO, TrainOptions
from grouplearn.commands.train_sequences import (
    find_sequence_action,
    sequence_networks,
    trivial_on_windows,
)
from grouplearn.defects import closure_defect, homomorphism_defect, invertibility_defect
from grouplearn.domains.choosing import NetworkBuilder
from grouplearn.models import LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.models.standardised import unwrapped
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import (
    Classification,
    Fit,
    FitEpoch,
    FitOptions,
    Objective,
    RandomShift,
    Ranking,
    Reconstruction,
    Similarity,
    Tried,
    WithLaws,
    evaluate,
    fit,
    ranking,
)
from grouplearn.training.fitting import class_scores

_AT_ONCE, _LEAST_BATCH = 500, 2


@final
@dataclass(frozen=True)
class Watch:
    """What is told while a command runs.

    Attributes:
        step: told what is being done.
        tried: told of every short run.
        epoch: told of every epoch.
    """

    step: Callable[[str], object]
    tried: Callable[[Tried], object]
    epoch: Callable[[FitEpoch], object]


@final
@dataclass(frozen=True)
class Trained:
    """A trained network and how good it is.

    Attributes:
        options: what was asked for.
        data: what it learned from, in words.
        network: the network.
        action: its action; None for networks without.
        fit: the history.
        score: on the test samples: the share of right answers, for classification.
        tested: number of test samples.
        size: height and width of images, length of sequences.
        classes: their names, by number.
        parameters: numbers that were trained.
        defects: of the laws of the action, at most, by name.
        seconds: from the search for the action to testing, in this process.
        ranking: of two classes of sequences, how well the network tells them apart.
        positive: name of the class that is looked for; empty where there is none.
        only: the class that a classifier takes all test samples for, where it does.
    """

    options: TrainOptions
    data: str
    network: nn.Module
    action: NetworkAction | None
    fit: Fit
    score: float
    tested: int
    size: tuple[int, ...]
    classes: tuple[str, ...]
    parameters: int
    defects: dict[str, float]
    seconds: float
    ranking: Ranking | None = None
    positive: str = ""
    only: str | None = None


def read_data(options: TrainOptions, watch: Watch) -> TrainData:
    """Read the data.

    Args:
        options: what was asked for.
        watch: told what happens.

    Raises:
        InputError: an option does not fit the data.
        DataError: data are missing or broken.
    """
    watch.step("reading")
    data = load_data(options)
    size, noun = options.fit.batch_size, f"training {options.noun}"
    assert_batch(WHO, size, FitOptions.batch_size, len(data.train), noun)
    if options.kind == "sequence" and size < _LEAST_BATCH:
        refuse(WHO, "--batch-size", f"at least {_LEAST_BATCH}, as means are taken over a batch",
               size, "pass a larger one")  # fmt: skip
    return data


def train(options: TrainOptions, data: TrainData, folder: Path, watch: Watch) -> Trained:
    """Find the action, train and test.

    Args:
        options: what was asked for.
        data: what `read_data` found.
        folder: of choice, checkpoints and logs; a run that was cut off there goes on.
        watch: told what happens.

    Raises:
        InputError: an option does not fit the data, or the folder holds another run.
        DataError: checkpoint or action are broken.
        TrainingError: a term of the loss left the numbers.
    """
    start = time.perf_counter()
    seed, objective = options.fit.seed, _objective(data, options)
    augment = RandomShift(options.shift) if options.shift else None
    domain, build, action = domain_of(options), _builder(data, options), None
    if options.network == "lgcnn":
        watch.step("looking for the action")
        if options.action.source == "auto":
            action = chosen_action(domain.choose_group(
                data.train, build, options=options.fit, objective=objective, augment=augment,
                folder=folder, watch=watch.tried,
            ))  # fmt: skip
        else:
            find = find_sequence_action if options.kind == "sequence" else find_action
            action = find(data, options)
    network = _network(data, options, action, build)
    watch.step("training")
    learned, judged = data.train, None
    if options.fit.patience is not None:
        learned, judged = data.train.split(max(len(data.train) // 10, 1), seed)
    found = fit(
        network, learned, judged,
        objective=objective, augment=augment, options=options.fit, folder=folder,
        watch=watch.epoch,
    )  # fmt: skip
    watch.step("testing")
    score = evaluate(network, data.test, objective, precision=options.fit.precision)
    return Trained(
        options, data.words, network, action, found, score, len(data.test),
        data.size, data.names,
        sum(each.numel() for each in network.parameters() if each.requires_grad),
        _defects(network, action), time.perf_counter() - start, *_answers(network, data, options),
    )  # fmt: skip


def _answers(
    network: nn.Module, data: TrainData, options: TrainOptions
) -> tuple[Ranking | None, str, str | None]:
    """How two classes of sequences are told apart, the one looked for, and the only answer."""
    if options.objective != "classification":
        return None, "", None
    scores = class_scores(network, data.test.x.split(_AT_ONCE))
    answers = scores.argmax(1).unique()
    only = data.names[int(answers[0])] if len(answers) == 1 else None
    count = torch.bincount(data.test.y, minlength=2)
    if data.positive is None or int(count.min()) < 2:
        return None, "", only
    other = 1 - data.positive
    margins = scores[:, data.positive] - scores[:, other]
    found = ranking(margins.numpy(), (data.test.y == data.positive).numpy())
    return found, data.names[data.positive], only


def _builder(data: TrainData, options: TrainOptions) -> NetworkBuilder:
    if options.kind == "sequence":
        return sequence_networks(options, data)
    return partial(domain_of(options).network, parameters=options.parameters)


def _network(
    data: TrainData, options: TrainOptions, action: NetworkAction | None, build: NetworkBuilder
) -> nn.Module:
    rng = torch.Generator().manual_seed(options.fit.seed)
    if action is not None:
        return build(data.train, action.rep, rng)
    if options.kind == "sequence":
        return build(data.train, trivial_on_windows(options), rng)
    pattern = Pattern(data.train.x.shape[1], data.train.classes or 0)
    if options.network == "lgn":
        sizes = LGNShape(pattern.in_channels, pattern.classes, order=options.action.order)
        network: nn.Module = LGN(sizes, rng=rng)
        if options.objective == "reconstruction":
            return network  # of the images as they are
    else:
        network = PlainCNN(pattern.within(options.parameters), rng=rng)
    return Standardised.of(network, data.train.x)


def _objective(data: TrainData, options: TrainOptions) -> Objective:
    if options.kind == "sequence" and options.objective == "classification":
        return Classification(options.smoothing)
    kinds: dict[str, Callable[[], Objective]] = {
        "classification": lambda: Classification(options.smoothing),
        "similarity": Similarity,
        "reconstruction": Reconstruction,
    }
    laws = options.action
    samples = network_moments(data.train, options.fit.seed) if laws.moments else None
    return WithLaws(
        kinds[options.objective](), invertibility=laws.invertibility,
        closure=1.0 if laws.closure == "soft" else 0.0, moments=laws.moments, samples=samples,
    )  # fmt: skip


@torch.no_grad()
def _defects(network: nn.Module, action: NetworkAction | None) -> dict[str, float]:
    reps: tuple[LearnedRepresentation, ...] = () if action is None else (action.rep,)
    inner = unwrapped(network)
    if isinstance(inner, LGN):
        reps = inner.representations()
    laws: dict[str, Callable[[Any], Any]] = {
        "closure": closure_defect, "homomorphism": homomorphism_defect,
        "invertibility": invertibility_defect,
    }  # fmt: skip
    return {name: max(float(law(rep)) for rep in reps) for name, law in laws.items() if reps}
