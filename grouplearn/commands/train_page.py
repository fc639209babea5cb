"""The report page of `grouplearn train`: how good a network is and where it errs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grouplearn.commands.page import repeat_section
from grouplearn.commands.train import Trained
from grouplearn.plots import draw_confusion, plot_samples, png
from grouplearn.report import Alert, Headline, Page, Picture, Section, Table
from grouplearn.training import Labelled
from grouplearn.training.fitting import class_scores

_LOOKED_AT, _AT_ONCE, _MISTAKES = 2_000, 250, 12
_LEAST_EPOCHS = 2


@final
@dataclass(frozen=True)
class Predictions:
    """What a network makes of test samples.

    Attributes:
        samples: those that were looked at.
        scores: (N, classes), probabilities.
        total: how many test samples there are.
    """

    samples: Labelled
    scores: Float[Tensor, "N classes"]
    total: int

    @property
    def taken_for(self) -> Int[Tensor, " N"]:
        """The class that each sample was taken for."""
        return self.scores.argmax(1)


def predictions(network: nn.Module, test: Labelled, seed: int) -> Predictions:
    """Classify test samples; of more than 2,000 some that are drawn.

    Args:
        network: a classifier.
        test: samples with labels.
        seed: draws them.
    """
    kept = test
    if len(test) > _LOOKED_AT:
        rng = torch.Generator().manual_seed(seed)
        kept = test.take(torch.randperm(len(test), generator=rng)[:_LOOKED_AT].sort().values)
    scores = class_scores(network, kept.x.split(_AT_ONCE))
    return Predictions(kept, scores.softmax(1), len(test))


def page_of(
    trained: Trained,
    sentences: Sequence[str],
    pictures: Mapping[str, Picture],
    choice: Table | None,
    command: str,
) -> Page:
    """The page of a run.

    Args:
        trained: the result.
        sentences: the result in words: the network first, then the score, then the rest.
        pictures: by name: history, accuracy, filters, confusion, mistakes, choice; some may lack.
        choice: the short runs, where there were any.
        command: the command line that made it.
    """
    network, score, *rest = sentences
    first = next(name for name in ("confusion", "history") if name in pictures)
    answer = Headline(score, "Trained", "none", pictures[first], network)
    sections = [_errors(pictures), *_choice(pictures, choice), _training(trained, pictures, first)]
    last = repeat_section(command, trained.options.fit.seed)
    return Page(
        f"A network for {trained.data}", rest,
        [*(section for section in sections if section is not None), _use(trained), last],
        answer, _alerts(trained), program="grouplearn train",
    )  # fmt: skip


def _errors(pictures: Mapping[str, Picture]) -> Section | None:
    shown = [pictures[name] for name in ("mistakes",) if name in pictures]
    return Section("Where it errs", pictures=shown) if shown else None


def _choice(pictures: Mapping[str, Picture], table: Table | None) -> list[Section]:
    if table is None:
        return []
    drawn = [pictures["choice"]] if "choice" in pictures else []
    return [Section("The choice of the group", [], table, drawn)]


def _training(trained: Trained, pictures: Mapping[str, Picture], first: str) -> Section:
    options, history = trained.options.fit, trained.fit.history
    wanted = ("history", "accuracy", "filters")
    drawn = [pictures[name] for name in wanted if name in pictures and name != first]
    lines = [
        f"{len(history)} epochs of batches of {options.batch_size}, AdamW with learning rate "
        f"{options.learning_rate:g}, {options.schedule}, {options.precision}; "
        f"{trained.seconds:.0f} s."
    ]
    if "accuracy" not in pictures:
        lines.append(f"The score was not measured epoch by epoch: --patience holds "
                     f"{trained.options.noun} out and follows it.")  # fmt: skip
    return Section("Training", lines, pictures=drawn)


def _alerts(trained: Trained) -> list[Alert]:
    """What the result itself says that it cannot bear."""
    alerts = []
    if trained.fit.stopped_early:
        alerts.append(Alert(
            "Stopped early",
            f"The score on {trained.options.noun} held out no longer rose; "
            f"{len(trained.fit.history)} epochs were run.",
            "note",
        ))  # fmt: skip
    if trained.only is not None:
        alerts.append(Alert("One answer to all", f"Every test sample is taken for "
                            f"{trained.only}: the network tells nothing apart."))  # fmt: skip
    history = trained.fit.history
    if len(history) >= _LEAST_EPOCHS and history[-1].loss > history[0].loss:
        alerts.append(Alert("The loss rose", "It is larger in the last epoch than in the first: "
                            "try a smaller --learning-rate."))  # fmt: skip
    return alerts


def _use(trained: Trained) -> Section:
    called = {
        "images": "images)  # (batch, channels, height, width), in [0, 1]",
        "sequences": "one_hot)  # (batch, letters, length)",
    }[trained.options.noun]
    lines = [
        "from grouplearn.training import load", "",
        'network = load("network.safetensors").eval()', f"scores = network({called}",
    ]  # fmt: skip
    more = "The commands predict and export take the folder."
    shown = more if trained.options.objective == "classification" else ""
    return Section("Use it", [f"In Python, from the run's folder. {shown}"], code="\n".join(lines))


def confusion_picture(made: Predictions, names: Sequence[str], noun: str) -> Picture:
    """How often each class was taken for each other.

    Args:
        made: of a classifier.
        names: of the classes.
        noun: "images" or "sequences".
    """
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (made.samples.y.numpy(), made.taken_for.numpy()), 1)
    drawn = f", {len(made.samples):,} of {made.total:,}, drawn at random" * (
        len(made.samples) < made.total
    )
    wrong = int(counts.sum() - np.trace(counts))
    return Picture(
        png(draw_confusion(counts, names).figure),
        f"confusion of {len(names)} classes: {wrong:,} of {counts.sum():,} test {noun} wrong",
        f"What test {noun} were taken for{drawn}.",
    )  # fmt: skip


def mistakes_picture(made: Predictions, names: Sequence[str]) -> Picture | None:
    """The wrong answers of which the network was surest; None where there are none.

    Args:
        made: of a classifier of images.
        names: of the classes.
    """
    taken, truth = made.taken_for, made.samples.y
    wrong = (taken != truth).nonzero().flatten()
    if made.samples.x.ndim != 4 or not len(wrong):
        return None
    sure = made.scores.amax(1)
    chosen = wrong[sure[wrong].argsort(descending=True, stable=True)[:_MISTAKES]]
    titles = [
        f"{names[int(truth[k])]}, taken for {names[int(taken[k])]} ({sure[k]:.2f})" for k in chosen
    ]
    return Picture(
        png(plot_samples(made.samples.x[chosen].numpy(), titles)),
        f"mistakes: {'; '.join(titles)}",
        f"Of {len(wrong):,} mistakes on {len(truth):,} test images, those of which the network was "
        "surest.",
    )  # fmt: skip
