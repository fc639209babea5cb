"""What `grouplearn train` leaves behind beside checkpoints and logs: result, weights and page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from grouplearn._files import write_whole
from grouplearn.commands.marks import CHOICE, RESULT, to_json, write_mark
from grouplearn.commands.output import number
from grouplearn.commands.page import versions
from grouplearn.commands.train import Trained
from grouplearn.commands.train_actions import DOMAIN, KERNEL
from grouplearn.commands.train_kinds import TrainOptions
from grouplearn.commands.train_page import confusion_picture, mistakes_picture, page_of, predictions
from grouplearn.models import LGCNN, LGN
from grouplearn.models.standardised import unwrapped
from grouplearn.plots import draw_choice, plot_history, plot_orbit, png
from grouplearn.report import Column, Picture, Table, render_page
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import Choice, Labelled, save
from grouplearn.training.fitting import LAST

NETWORK = "network.safetensors"
_FILES = (
    CHOICE, LAST, NETWORK, RESULT, "report.html", "history.png", "filters.png", "accuracy.png",
    "choice.png", "confusion.png", "mistakes.png", "log/metrics.csv",
    "log/hparams.yaml", "tensorboard/events.out.tfevents.*", "tensorboard/hparams.yaml",
)  # fmt: skip
"""All that a training may leave."""
_SHOWN = 4
_CHOICE = (
    Column("group", "The candidate.", is_text=True),
    Column("acts by", "What its elements do to whole images, the identity left out.", is_text=True),
    Column("held out", "Score on held-out training images, %, with its standard error."),
    Column("runs", "How many short runs; groups that are not told apart run again."),
    Column("choice", "The group that was taken.", is_text=True),
)  # fmt: skip


def begin_run(folder: Path, options: TrainOptions, command: str) -> None:
    """Write what was asked for.

    Args:
        folder: of the run.
        options: what was asked for.
        command: the command line that made it.
    """
    config = {"command": command, "options": options.plain(), "versions": versions()}
    write_mark(folder, config, _FILES)


def finish_run(folder: Path, trained: Trained, test: Labelled, command: str) -> None:
    """Write the result, the network and the page.

    Args:
        folder: as `begin_run` made it.
        trained: the result.
        test: what the network was tested with.
        command: the command line that made it.
    """
    save(trained.network, folder / NETWORK)
    pictures = _pictures(trained, test)
    for name, picture in pictures.items():
        (folder / f"{name}.png").write_bytes(picture.png)
    choice = None if trained.action is None else trained.action.choice
    table = None if choice is None else choice_table(choice)
    page = page_of(trained, sentences_of(trained), pictures, table, command)
    write_whole(folder / "report.html", render_page(page))
    # Last: a folder with a result is a finished run.
    write_whole(folder / RESULT, to_json(summary_of(trained), indent=2) + "\n")


def summary_of(trained: Trained) -> dict[str, Any]:
    """The result as plain data.

    Args:
        trained: the result.
    """
    options, action = trained.options, trained.action
    found: dict[str, Any] = {
        "network": options.kind,
        "data": trained.data,
        "objective": options.objective,
        "seed": options.fit.seed,
        "score": trained.score,
        "tested": trained.tested,
        "images": list(trained.size),
        "classes": list(trained.classes),
        "parameters": trained.parameters,
        "epochs": len(trained.fit.history),
        "stopped_early": trained.fit.stopped_early,
        "seconds": trained.seconds,
        "defects": trained.defects,
        "versions": versions(),
    }
    if action is not None:
        found |= {
            "group": str(action.rep.group), "order": action.rep.group.order,
            "moves": moves_of(action.rep), "action": action.words,
            "choice": None if action.choice is None else choice_rows(action.choice),
        }  # fmt: skip
    return found


def choice_rows(choice: Choice) -> list[dict[str, Any]]:
    """The short runs as plain data.

    Args:
        choice: what was tried.
    """
    return [
        {"group": str(each.rep.group), "moves": moves_of(each.rep), "score": each.score,
         "error": each.error, "runs": len(each.scores), "seconds": each.seconds,
         "chosen": each.rep is choice.rep}
        for each in choice.tried
    ]  # fmt: skip


def moves_of(rep: LearnedRepresentation) -> list[str]:
    """What the elements do to whole images, those left out that do not extend.

    Args:
        rep: on kernels.
    """
    return [str(move) for move in DOMAIN.extend(rep)[1:] if move is not None]


def sentences_of(trained: Trained) -> list[str]:
    """The result in sentences.

    Args:
        trained: the result.
    """
    lines = [f"{trained.options.kind}, {trained.parameters:,} parameters, on {trained.data}."]
    if trained.options.objective == "reconstruction":
        lines.append(f"Relative squared error on {trained.tested:,} test images: "
                     f"{-trained.score:.4f}.")  # fmt: skip
    else:
        error = math.sqrt(max(trained.score * (1 - trained.score), 0.0) / trained.tested)
        right = "Correct on" if trained.options.objective == "classification" else (
            "The nearest neighbour among some hundred others has the same class for"
        )  # fmt: skip
        lines.append(f"{right} {100 * trained.score:.2f} % of {trained.tested:,} test images "
                     f"(standard error {100 * error:.2f}, from their number alone).")  # fmt: skip
    if trained.action is not None:
        rep = trained.action.rep
        moves = ", ".join(moves_of(rep))
        acts = f", which acts by {moves}" if moves else ""
        lines += [f"Group: {rep.group}{acts}.", trained.action.words]
    if trained.defects:
        measured = ", ".join(f"{law} {number(value)}" for law, value in trained.defects.items())
        lines.append(f"Defects of the action: {measured}.")
    return lines


def choice_table(choice: Choice) -> Table:
    """The short runs, one row for each group.

    Args:
        choice: what was tried.
    """
    rows = [
        [
            str(each["group"]), ", ".join(each["moves"]) or "-",
            "not run" if each["score"] is None
            else f"{100 * each['score']:.1f} ± {100 * each['error']:.1f}",
            str(each["runs"]),
            "chosen" if each["chosen"] else "",
        ]
        for each in choice_rows(choice)
    ]  # fmt: skip
    caption = (
        "Scores on held-out training images after short runs, %, with the standard error that "
        "the number of images leaves; another seed may move a run by more. Groups that are not "
        "told apart run again, and the mean counts. A group is not run where its subgroups have "
        "failed."
    )
    return Table(_CHOICE, rows, caption)


def _pictures(trained: Trained, test: Labelled) -> dict[str, Picture]:
    history = trained.fit.history
    names = sorted({name for epoch in history for name in epoch.terms})
    curves = {name: [epoch.terms.get(name, math.nan) for epoch in history] for name in names}
    found = {
        "history": Picture(
            png(plot_history(curves, "terms of the loss")), "the terms of the loss by epoch",
            "Each term of the loss, mean over an epoch.",
        )
    }  # fmt: skip
    found |= _scores(trained)
    if trained.options.objective == "classification":
        made = predictions(trained.network, test, trained.options.fit.seed)
        found["confusion"] = confusion_picture(made, trained.classes)
        mistakes = mistakes_picture(made, trained.classes)
        found |= {} if mistakes is None else {"mistakes": mistakes}
    orbits = _filters(trained.network)
    if orbits is not None:
        labels = _labels(trained, orbits.shape[1])
        found["filters"] = Picture(
            png(plot_orbit(orbits, labels)), "filters of the first layer with their copies",
            "Filters of the first layer, one in each row, as each element of the group moves them.",
        )  # fmt: skip
    return found


def _scores(trained: Trained) -> dict[str, Picture]:
    """The scores on images held out by epoch, and those of the short runs, as far as there are."""
    found = {}
    scores = [math.nan if each.score is None else each.score for each in trained.fit.history]
    if not all(map(math.isnan, scores)):
        figure = plot_history({"held out": scores}, "score on images held out", logarithmic=False)
        found["accuracy"] = Picture(
            png(figure), "the score on images held out by epoch",
            f"The score on images held out; the last is {scores[-1]:.3f}.",
        )  # fmt: skip
    choice = None if trained.action is None else trained.action.choice
    if choice is not None:
        names = [
            ", ".join([str(each["group"]), *each["moves"][:1]]) for each in choice_rows(choice)
        ]
        found["choice"] = Picture(
            png(draw_choice(choice, names).figure), "scores of the short runs by group",
            "The short runs; the chosen group is a dot, others are squares.",
        )  # fmt: skip
    return found


def _labels(trained: Trained, count: int) -> list[str]:
    """What the elements do to whole images, or their numbers."""
    moves = [] if trained.action is None else DOMAIN.extend(trained.action.rep)
    named = [str(move) for move in moves if move is not None]
    return named if len(named) == count else [str(g) for g in range(count)]


@torch.no_grad()
def _filters(network: nn.Module) -> torch.Tensor | None:
    """The first filters of the first layer, (filters, n, k, k), for their first channel."""
    inner = unwrapped(network)
    if isinstance(inner, LGCNN):
        first: Any = inner.body[0]
        bank = first.filters().unflatten(0, (first.out_channels, -1))
        return bank[:_SHOWN, :, 0, :KERNEL, :KERNEL]
    if isinstance(inner, LGN):
        bank = inner.dictionary(0).unflatten(0, (inner.shape.filters, -1))
        return bank[:_SHOWN, :, 0]
    return None
