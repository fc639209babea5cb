"""What `grouplearn test` leaves behind: JSON and the report page."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np

from grouplearn.commands.discover_orbits import orbit_of_action
from grouplearn.commands.invariance import InvarianceOptions, Tested
from grouplearn.commands.invariance_actions import read_representation
from grouplearn.commands.marks import CONFIG, RESULT, to_json
from grouplearn.commands.output import number
from grouplearn.commands.page import repeat_section, versions
from grouplearn.domains.naming import in_words
from grouplearn.domains.readers.table_rows import TableRows
from grouplearn.groups import CyclicGroup
from grouplearn.plots import draw_scores, png
from grouplearn.report import (
    Alert,
    Column,
    Headline,
    Orbit,
    Page,
    Picture,
    Section,
    Table,
    render_page,
)
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

_HEAD = (
    Column("family", "What the features are that were looked at.", is_text=True),
    Column("score", "How far the statistic stands out from its own draws, in their standard "
           "deviations."),
    Column("p-value", "The share of draws that stand out as far, of this family alone."),
    Column("effect", "The deviation, as a part of what an action of the same kind that is no "
           "symmetry shows; a dash where a family cannot see such an action."),
    Column("bound", "The upper confidence bound of the effect."),
)  # fmt: skip
_CAPTION = (
    "Scores are standard deviations of the draws. Effects are deviations as a part of what an "
    "action of the same kind that is no symmetry shows, with their upper confidence bounds; a dash "
    "where a family cannot see such an action."
)
_LOUDEST = 8  # families in the picture; the table has all
_METHOD = (
    "If the action is a symmetry then each independent block of the data might as well have been "
    "moved by a random element, so that the rank of any statistic among such draws is a p-value, "
    "exact at every number of samples. The p-value of the test is that of all families together."
)


def table_of(tested: Tested) -> Table:
    """What each family of features said.

    Args:
        tested: the answer.
    """
    rows = []
    for family in tested.result.families:
        effect, bound = ("-", "-")
        if family.sees:
            effect, bound = (
                number(value) if math.isfinite(value) else "-"
                for value in (family.effect, family.effect_bound)
            )
        rows.append([family.name, f"{family.score:.1f}", f"{family.p_value:.2g}", effect, bound])
    return Table(_HEAD, rows, _CAPTION)


def summary_of(tested: Tested, options: InvarianceOptions) -> dict[str, object]:
    """The result as plain data.

    Args:
        tested: the answer.
        options: what was asked for.
    """
    subject, result = tested.subject, tested.result
    return {
        "data": subject.name,
        "source": subject.words,
        "kind": subject.kind,
        "action": options.action,
        "order": tested.order,
        "p_value": result.p_value,
        "level": result.level,
        "rejected": result.rejected,
        "effect": result.effect,
        "effect_bound": result.effect_bound,
        "blocks": result.blocks,
        "draws": options.draws,
        "seed": options.seed,
        "seconds": tested.seconds,
        "summary": result.summary(),
        "families": [asdict(family) for family in result.families],
        "versions": versions(),
    }


def heading_of(tested: Tested, options: InvarianceOptions) -> str:
    """The data and the action, in a line.

    Args:
        tested: the answer.
        options: what was asked for.
    """
    return f"{tested.subject.name}: {tested.subject.words}; action: {in_words(options.action)}"


def method_of(tested: Tested, options: InvarianceOptions) -> str:
    """How it was tested, in a sentence.

    Args:
        tested: the answer.
        options: what was asked for.
    """
    return (
        f"A group of order {tested.order}, {tested.result.blocks} independent blocks, "
        f"{options.draws:,} draws, level {options.level:g}, {tested.seconds:.1f} s"
    )


def write_run(folder: Path, tested: Tested, options: InvarianceOptions, command: str) -> None:
    """Write a run into an empty folder.

    Args:
        folder: where.
        tested: the answer.
        options: what was asked for.
        command: the command line that made it.
    """
    used = versions()
    config = {"command": command, "options": asdict(options), "versions": used}
    files = {
        CONFIG: to_json(config, indent=2) + "\n",
        RESULT: to_json(summary_of(tested, options), indent=2) + "\n",
        "report.html": render_page(_page(tested, options, command)),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _page(tested: Tested, options: InvarianceOptions, command: str) -> Page:
    result = tested.result
    sections = [
        *(
            [Section("Move your own data", orbit=orbit)]
            if (orbit := _orbit(tested, options))
            else []
        ),
        Section("What each family of features says", [], table_of(tested)),
        Section("How it was tested", [_METHOD, f"{method_of(tested, options)}."]),
        repeat_section(command, options.seed),
    ]
    drawn = png(draw_scores(result, _LOUDEST).figure)
    picture = Picture(
        drawn, "scores of the loudest families of features among their draws",
        "How far the data stand out from draws in which each block was moved at random, in the "
        "families of features that say most.",
    )  # fmt: skip
    status = "Rejected" if result.rejected else "Nothing speaks against it"
    answer = Headline(result.summary(), status, "open" if result.rejected else "good", picture)
    return Page(
        f"Is {in_words(options.action)} a symmetry of {tested.subject.name}?",
        [f"Data: {heading_of(tested, options)}."], sections, answer, _alerts(tested),
        program="grouplearn test",
    )  # fmt: skip


def _alerts(tested: Tested) -> list[Alert]:
    """What a p-value alone does not say."""
    result = tested.result
    if not result.rejected and not math.isfinite(result.effect_bound):
        return [Alert("Not rejected is not shown", "The data can hardly show a deviation, so that "
                      "the test says little. More of them would tell.")]  # fmt: skip
    return []


def _orbit(tested: Tested, options: InvarianceOptions) -> Orbit | None:
    """What the action makes of some of the data; None where none of them can be shown."""
    subject, raw = tested.subject, tested.subject.raw
    domain = subject.domain
    known = {} if domain is None else domain.known_actions()
    action = known.get(options.action)
    if action is not None and action.order is not None:
        rep: LearnedRepresentation = FixedRepresentation(
            CyclicGroup(action.order), action.matrix.double()[None]
        )
    else:
        dim = len(subject.coordinates())
        rep = read_representation(options.action, dim, ())
    rows = next(iter(raw))[0] if isinstance(raw, TableRows) else np.empty((0, rep.dim))
    return orbit_of_action(subject, rep, "", rows, options.seed)
