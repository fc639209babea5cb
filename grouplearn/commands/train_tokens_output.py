"""What `grouplearn train` leaves behind of pairs of token sequences, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grouplearn._files import write_whole
from grouplearn.commands.actions_in import REPRESENTATION
from grouplearn.commands.discover_words import arrows
from grouplearn.commands.marks import RESULT, to_json, write_mark
from grouplearn.commands.page import repeat_section, versions
from grouplearn.commands.train_output import NETWORK
from grouplearn.commands.train_tokens import Exchanges, TrainedTokens, Translation
from grouplearn.plots import plot_history, png
from grouplearn.report import (
    Alert,
    Column,
    Headline,
    Page,
    Picture,
    Section,
    Table,
    render_page,
)
from grouplearn.training import save

_SHOWN = 12
_UNKNOWN = "- (a token that is not known)"
_HYPOTHESES = [
    Column("hypothesis", "The tokens that may change places.", is_text=True),
    Column("group", "What it makes of the group that is claimed.", is_text=True),
    Column("agree", "Pairs of a sample and its image that agree."),
    Column("disagree", "Pairs of a sample and its image that do not."),
    Column("predicts", "Samples that it predicts, and that are not among the data."),
    Column("accepted", "Was it accepted?", is_text=True),
]  # fmt: skip


def write_run(folder: Path, trained: TrainedTokens, command: str) -> None:
    """Write a run into an empty folder.

    Args:
        folder: where.
        trained: the result.
        command: the command line that made it.
    """
    options = {"command": command, "options": asdict(trained.options), "versions": versions()}
    write_mark(folder, options)
    save(trained.network, folder / NETWORK)
    if trained.exchanges is not None:
        (folder / REPRESENTATION).parent.mkdir()
        trained.exchanges.found.save(folder / REPRESENTATION)
    (folder / "log").mkdir()
    rows = zip(_steps(trained), trained.losses, strict=True)
    lines = "".join(f"{step},{loss}\n" for step, loss in rows)
    write_whole(folder / "log" / "metrics.csv", f"step,loss\n{lines}")
    figure = plot_history({"loss": trained.losses}, "cross entropy of the tokens")
    figure.axes[0].set_xlabel("hundred steps")
    history = Picture(png(figure), "the loss by steps", "The mean loss of each hundred steps.")
    (folder / "history.png").write_bytes(history.png)
    write_whole(folder / "report.html", render_page(_page(trained, history, command)))
    # Last: a folder with a result is a finished run.
    write_whole(folder / RESULT, to_json(summary_of(trained), indent=2) + "\n")


def _steps(trained: TrainedTokens) -> list[int]:
    """The last step of each mean loss."""
    most = trained.options.fit(len(trained.data.train)).steps
    return [min(100 * (k + 1), most) for k in range(len(trained.losses))]


def network_words(trained: TrainedTokens) -> str:
    """The network in a few words.

    Args:
        trained: the result.
    """
    exchanges, kind = trained.exchanges, f"{trained.options.translator} encoder-decoder"
    if exchanges is None:
        return f"{kind}, plain"
    return f"{kind}, {'symmetric' if exchanges.found.found else 'no group found'}"


def summary_of(trained: TrainedTokens) -> dict[str, Any]:
    """The result as plain data.

    Args:
        trained: the result.
    """
    inputs, outputs = trained.longest
    found: dict[str, Any] = {
        "network": network_words(trained),
        "data": trained.data.words,
        "objective": "translation",
        "seed": trained.options.seed,
        "score": trained.score,
        "score_interval": trained.interval,
        "tested": len(trained.answers),
        "unknown": trained.unknown,
        "repeated": trained.repeated,
        "tokens": {
            "inputs": list(trained.numbers.inputs), "outputs": list(trained.numbers.outputs),
            "longest_input": inputs, "longest_output": outputs,
        },
        "classes": [],
        "parameters": trained.parameters,
        "steps": _steps(trained)[-1],
        "seconds": trained.seconds,
        "defects": {},
        "versions": versions(),
    }  # fmt: skip
    return found if trained.exchanges is None else found | _group_of(trained.exchanges)


def _group_of(exchanges: Exchanges) -> dict[str, Any]:
    """The group, what the data alone show, and the hypotheses."""
    found, claimed = exchanges.found, exchanges.claimed
    return {
        "group": found.group.name, "order": found.group.order, "moves": exchanges.moves,
        "action": found.summary(), "claimed": claimed.group.name,
        "coordinates": list(exchanges.domain.vocabulary),
        "hypotheses": [
            {"move": each.move, "name": each.name, "agree": each.agree,
             "disagree": each.disagree, "predicts": each.predicts,
             "accepted": each in exchanges.accepted}
            for each in claimed.hypotheses
        ],
    }  # fmt: skip


def sentences_of(trained: TrainedTokens) -> list[str]:
    """The result in sentences: the network first, then the score, then the rest.

    Args:
        trained: the result.
    """
    low, high = trained.interval
    lines = [
        f"{network_words(trained).capitalize()}, {trained.parameters:,} parameters, on "
        f"{trained.data.words}.",
        f"Right, token by token, on {100 * trained.score:.2f} % of {len(trained.answers):,} test "
        f"pairs (95 %: {100 * low:.2f} to {100 * high:.2f}, from their number alone).",
    ]
    if trained.unknown:
        lines.append(f"{trained.unknown:,} of them hold a token that no training input does, and "
                     "count as wrong.")  # fmt: skip
    if trained.repeated:
        lines.append(f"The inputs of {trained.repeated:,} of them are among those that it learned "
                     "from.")  # fmt: skip
    exchanges = trained.exchanges
    if exchanges is not None:
        if exchanges.found.found:
            moves = "; ".join(exchanges.moves)
            lines.append(f"Group: {exchanges.found.group.name}, generated by {moves}.")
        lines.append(exchanges.found.summary())
        if len(exchanges.accepted) < len(exchanges.claimed.hypotheses):
            lines.append("--accept takes a hypothesis: all of them, or one by a token that it "
                         "moves.")  # fmt: skip
    return lines


def _page(trained: TrainedTokens, history: Picture, command: str) -> Page:
    """The page of a run."""
    network, score, *rest = sentences_of(trained)
    right = [each for each in trained.answers if each.is_right]
    wrong = [each for each in trained.answers if not each.is_right]
    sections = [_hypotheses(trained), _answers("Where it errs", wrong, len(trained.answers)),
                _answers("Where it is right", right, len(trained.answers)), _training(trained),
                _use(), repeat_section(command, trained.options.seed)]  # fmt: skip
    alerts = []
    if trained.exchanges is not None and trained.exchanges.accepted:
        alerts.append(Alert(
            "It rests on a hypothesis",
            f"{arrows('; '.join(each.move for each in trained.exchanges.accepted))}: accepted, and "
            "not shown by the training pairs. Where it is wrong, so is the network.",
        ))  # fmt: skip
    return Page(
        f"A network for {trained.options.data}", list(map(arrows, rest)),
        [each for each in sections if each is not None],
        Headline(score, "Trained", "none", history, network), alerts, program="grouplearn train",
    )  # fmt: skip


def _hypotheses(trained: TrainedTokens) -> Section | None:
    exchanges = trained.exchanges
    if exchanges is None or not exchanges.claimed.hypotheses:
        return None
    rows = [
        [arrows(each.move), each.name, f"{each.agree:,}", f"{each.disagree:,}",
         f"{each.predicts:,}", "yes" if each in exchanges.accepted else "no"]
        for each in exchanges.claimed.hypotheses
    ]  # fmt: skip
    caption = (
        f"Extensions of {exchanges.claimed.group.name} that the training pairs suggest and cannot "
        "show."
    )
    return Section("What the pairs suggest", table=Table(_HYPOTHESES, rows, caption))


def _answers(heading: str, answers: Sequence[Translation], total: int) -> Section | None:
    """Some answers, drawn evenly; with what is expected where it is something else."""
    if not answers:
        return None
    few = answers[:: -(-len(answers) // _SHOWN)]
    names = ["input", "output"] if answers[0].is_right else ["input", "output", "expected"]
    rows = [
        [" ".join(each.pair[0]), _said(each), " ".join(each.pair[1])][: len(names)]
        for each in few
    ]  # fmt: skip
    head = [Column(name, is_text=True) for name in names]
    caption = f"{len(few)} of {len(answers):,} such answers to {total:,} test pairs."
    return Section(heading, table=Table(head, rows, caption))


def _said(answer: Translation) -> str:
    """What a network said, with three dots where it was cut off."""
    if answer.said is None:
        return _UNKNOWN
    return " ".join(answer.said if answer.ended else (*answer.said, "...")) or "-"


def _training(trained: TrainedTokens) -> Section:
    asked = trained.options.fit(len(trained.data.train))
    return Section("Training", [
        f"{asked.steps:,} steps of batches of {asked.batch_size}, AdamW with learning rate "
        f"{asked.learning_rate:g} in one cycle; {trained.seconds:.0f} s. The last mean loss is "
        f"{trained.losses[-1]:.2g}."
    ])  # fmt: skip


def _use() -> Section:
    lines = [
        "from grouplearn.training import load", "",
        'network = load("network.safetensors")  # inputs (batch, places), outputs so far',
    ]  # fmt: skip
    return Section("Use it", [
        "The command predict takes the folder. In Python, from the run's folder; result.json has "
        "the tokens by their numbers."
    ], code="\n".join(lines))  # fmt: skip
