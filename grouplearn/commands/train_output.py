"""What `grouplearn train` leaves behind beside checkpoints and logs: result, weights and page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from grouplearn._files import write_whole
from grouplearn.commands.marks import RESULT, to_json, write_mark
from grouplearn.commands.output import number
from grouplearn.commands.page import versions
from grouplearn.commands.train import Trained
from grouplearn.commands.train_data import KERNEL, domain_of
from grouplearn.commands.train_kinds import TrainOptions
from grouplearn.commands.train_page import confusion_picture, mistakes_picture, page_of, predictions
from grouplearn.models import LGCNN, LGN, SequenceNetwork
from grouplearn.models.standardised import unwrapped
from grouplearn.plots import draw_choice, plot_history, plot_orbit, png
from grouplearn.report import Column, Picture, Table, render_page
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import Choice, Labelled, save
from grouplearn.training.choices import CHOICE
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
    table = None if choice is None else choice_table(choice, trained.options)
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
        "network": options.network_words,
        "data": trained.data,
        "objective": options.objective,
        "seed": options.fit.seed,
        "score": trained.score,
        "tested": trained.tested,
        **_size_of(trained),
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
            "moves": moves_of(action.rep, options), "action": action.words,
            "choice": None if action.choice is None else choice_rows(action.choice, options),
        }  # fmt: skip
    if trained.ranking is not None:
        found |= {"positive": trained.positive, **trained.ranking._asdict()}
    return found


def _size_of(trained: Trained) -> dict[str, Any]:
    """What the network takes."""
    asked = trained.options.sequences
    if trained.options.kind == "images":
        return {"images": list(trained.size)}
    return {
        "sequences": {
            "alphabet": asked.alphabet, "length": trained.size[0], "ambiguous": asked.ambiguous,
            "resized": asked.length is not None,
        }
    }  # fmt: skip


def choice_rows(choice: Choice, options: TrainOptions) -> list[dict[str, Any]]:
    """The short runs as plain data.

    Args:
        choice: what was tried.
        options: of the run.
    """
    return [
        {"group": str(each.rep.group), "moves": moves_of(each.rep, options), "score": each.score,
         "error": each.error, "runs": len(each.scores), "seconds": each.seconds,
         "chosen": each.rep is choice.rep}
        for each in choice.tried
    ]  # fmt: skip


def moves_of(rep: LearnedRepresentation, options: TrainOptions) -> list[str]:
    """What the elements do to whole images or sequences, those left out that do not extend.

    Args:
        rep: on kernels or windows.
        options: of the run.
    """
    return [str(move) for move in domain_of(options).extend(rep)[1:] if move is not None]


def sentences_of(trained: Trained) -> list[str]:
    """The result in sentences.

    Args:
        trained: the result.
    """
    lines = [
        f"{trained.options.network_words}, {trained.parameters:,} parameters, on {trained.data}."
    ]
    if trained.options.objective == "reconstruction":
        lines.append(f"Relative squared error on {trained.tested:,} test images: "
                     f"{-trained.score:.4f}.")  # fmt: skip
    else:
        error = math.sqrt(max(trained.score * (1 - trained.score), 0.0) / trained.tested)
        right = "Correct on" if trained.options.objective == "classification" else (
            "The nearest neighbour among some hundred others has the same class for"
        )  # fmt: skip
        noun = trained.options.noun
        lines.append(f"{right} {100 * trained.score:.2f} % of {trained.tested:,} test {noun} "
                     f"(standard error {100 * error:.2f}, from their number alone).")  # fmt: skip
    if trained.only is not None:
        lines.append(f"It takes every test sample for {trained.only}: it tells nothing apart.")
    if trained.ranking is not None:
        areas = ", ".join(
            f"{name} {area:.4f} ({low:.4f} to {high:.4f})"
            for name, area, (low, high) in (
                ("AUROC", trained.ranking.auroc, trained.ranking.auroc_interval),
                ("AUPRC", trained.ranking.auprc, trained.ranking.auprc_interval),
            )
        )  # fmt: skip
        lines.append(f"Of {trained.positive} against the rest: {areas}; intervals of 95 %.")
    if trained.action is not None:
        rep = trained.action.rep
        moves = ", ".join(moves_of(rep, trained.options))
        acts = f", which acts by {moves}" if moves else ""
        lines += [f"Group: {rep.group}{acts}.", trained.action.words]
    if trained.defects:
        measured = ", ".join(f"{law} {number(value)}" for law, value in trained.defects.items())
        lines.append(f"Defects of the action: {measured}.")
    return lines


def choice_table(choice: Choice, options: TrainOptions) -> Table:
    """The short runs, one row for each group.

    Args:
        choice: what was tried.
        options: of the run.
    """
    rows = [
        [
            str(each["group"]), ", ".join(each["moves"]) or "-",
            "not run" if each["score"] is None
            else f"{100 * each['score']:.1f} ± {100 * each['error']:.1f}",
            str(each["runs"]),
            "chosen" if each["chosen"] else "",
        ]
        for each in choice_rows(choice, options)
    ]  # fmt: skip
    caption = (
        f"Scores on held-out training {options.noun} after short runs, %, with the standard error "
        "that their number leaves; another seed may move a run by more. Groups that are not "
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
        found["confusion"] = confusion_picture(made, trained.classes, trained.options.noun)
        mistakes = mistakes_picture(made, trained.classes)
        found |= {} if mistakes is None else {"mistakes": mistakes}
    orbits = _filters(trained.network)
    if orbits is not None:
        labels = _labels(trained, orbits.shape[1])
        found["filters"] = Picture(
            png(plot_orbit(orbits, labels)), "filters of the first layer with their copies",
            "Filters of the first layer, one in each row, as each element of the group moves them."
            + _letters_in_words(trained.options),
        )  # fmt: skip
    return found


def _scores(trained: Trained) -> dict[str, Picture]:
    """Scores by epoch of what is held out, and those of the short runs, as far as there are."""
    held_out = f"{trained.options.noun} held out"
    found = {}
    scores = [math.nan if each.score is None else each.score for each in trained.fit.history]
    if not all(map(math.isnan, scores)):
        figure = plot_history({"held out": scores}, f"score on {held_out}", logarithmic=False)
        found["accuracy"] = Picture(
            png(figure), f"the score on {held_out} by epoch",
            f"The score on {held_out}; the last is {scores[-1]:.3f}.",
        )  # fmt: skip
    choice = None if trained.action is None else trained.action.choice
    if choice is not None:
        names = [
            ", ".join([str(each["group"]), *each["moves"][:2]])
            for each in choice_rows(choice, trained.options)
        ]
        found["choice"] = Picture(
            png(draw_choice(choice, names).figure), "scores of the short runs by group",
            "The short runs; the chosen group is a dot, others are squares.",
        )  # fmt: skip
    return found


def _letters_in_words(options: TrainOptions) -> str:
    """What the rows and columns of a filter for sequences are."""
    if options.kind == "images":
        return ""
    letters = getattr(domain_of(options), "letters", "")
    return f" Within one, rows are the letters {letters}, columns places."


def _labels(trained: Trained, count: int) -> list[str]:
    """What the elements do to whole images, or their numbers."""
    moves: Sequence[object] = ()
    if trained.action is not None:
        moves = domain_of(trained.options).extend(trained.action.rep)
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
    if isinstance(inner, SequenceNetwork):
        return _letter_filters(inner)
    if isinstance(inner, LGN):
        bank = inner.dictionary(0).unflatten(0, (inner.shape.filters, -1))
        return bank[:_SHOWN, :, 0]
    return None


def _letter_filters(network: SequenceNetwork) -> torch.Tensor:
    """The first kernels that are functions on the group, (kernels, n, letters, places)."""
    first: Any = network.body[0]
    order, kernel = network.group.order, first.conv.kernel()
    shown = min(_SHOWN, first.conv.out.kinds[0][1])
    return kernel[: shown * order].unflatten(0, (shown, order))
