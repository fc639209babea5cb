"""What `grouplearn test` leaves behind: JSON and the report page."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

from grouplearn.commands.invariance import InvarianceOptions, Tested
from grouplearn.commands.marks import CONFIG, RESULT, to_json
from grouplearn.commands.output import number, versions
from grouplearn.domains.naming import in_words
from grouplearn.report import Page, Section, Table, render_page

_HEAD = ("family", "score", "p-value", "effect", "bound")
_CAPTION = (
    "Scores are standard deviations of the draws. Effects are deviations as a part of what an "
    "action of the same kind that is no symmetry shows, with their upper confidence bounds; a dash "
    "where a family cannot see such an action."
)
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
        "report.html": render_page(_page(tested, options, command, used)),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _page(tested: Tested, options: InvarianceOptions, command: str, used: dict[str, str]) -> Page:
    lead = [tested.result.summary(), f"Data: {heading_of(tested, options)}."]
    packages = ", ".join(f"{package} {found}" for package, found in used.items())
    return Page(
        f"Is {in_words(options.action)} a symmetry of {tested.subject.name}?",
        lead,
        [
            Section("What each family of features says", [], table_of(tested)),
            Section("How it was tested", [_METHOD, f"{method_of(tested, options)}."]),
            Section("To repeat it", [f"Seed {options.seed}. Versions: {packages}."], code=command),
        ],
    )
