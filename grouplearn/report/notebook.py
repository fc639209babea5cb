"""What a notebook shows of a group, a representation, a finding or a choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from grouplearn.discovery import Discovery
from grouplearn.groups import FiniteGroup
from grouplearn.groups.cycles import in_cycles
from grouplearn.plots import draw_cayley, draw_choice, draw_lattice, draw_spectrum, png
from grouplearn.report.actions import defects_of
from grouplearn.report.alerts import alerts_of
from grouplearn.report.page import Alert, Table
from grouplearn.report.pictures import Picture
from grouplearn.report.render import render
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import Choice

_MEMBERS, _CYCLES, _LISTED, _DIM = 12, 8, 64, 512
_Tables = list[tuple[str, Table]]


@final
@dataclass(frozen=True)
class NotebookFrame:
    """An object in a notebook.

    Attributes:
        title: what it is.
        sentence: what there is to say of it.
        alerts: what qualifies that.
        tables: each with its caption.
        picture: that shows it.
    """

    title: str
    sentence: str = ""
    alerts: Sequence[Alert] = ()
    tables: Sequence[tuple[str, Table]] = ()
    picture: Picture | None = None


def html_of(shown: object) -> str:
    """HTML without a script, for a notebook.

    Args:
        shown: a `Discovery`, a `Choice`, a representation or a group.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> html = html_of(CyclicGroup(4))
        >>> "<strong>C4</strong>" in html, "data:image/png" in html
        (True, True)
    """
    if isinstance(shown, Discovery):
        frame = _of_finding(shown)
    elif isinstance(shown, Choice):
        frame = _of_choice(shown)
    elif isinstance(shown, LearnedRepresentation):
        frame = _of_representation(shown)
    elif isinstance(shown, FiniteGroup):
        frame = _of_group(shown)
    else:
        frame = NotebookFrame(type(shown).__name__, str(shown))
    return render("frame.html", frame=frame)


def _of_finding(found: Discovery) -> NotebookFrame:
    text = found.summary()
    for note in found.notes:
        text = text.replace(note, "")
    tables: _Tables = []
    if found.found:
        shown = found.members[:_MEMBERS]
        rows = [[str(g), cycles_of(member, found.names)] for g, member in enumerate(shown)]
        more = f", {_MEMBERS} of {len(found.members):,}" * (len(found.members) > _MEMBERS)
        tables.append((f"Members{more}", Table(["element", "moves"], rows)))
    evidence = [
        [f"{rung.name} ({rung.order:,})", each.measured(), each.verdict,
         "claimed" if rung.accepted else ""]
        for rung in found.ladder for each in rung.shown()
    ]  # fmt: skip
    if evidence:
        head = ["group", "measured", "verdict", ""]
        tables.append(("Evidence", Table(head, evidence)))
    picture = None
    if found.found or found.ladder:
        picture = Picture(png(draw_lattice(found).figure), "the groups that were tested")
    return NotebookFrame("Finding", " ".join(text.split()), alerts_of(found), tables, picture)


def cycles_of(member: Tensor, names: Sequence[str] = ()) -> str:
    """A permutation in cycles; other members in a few words.

    Args:
        member: (d,), where each coordinate moves, or a (d, d) matrix.
        names: of the coordinates; numbers where there are none.

    Example:
        >>> cycles_of(torch.tensor([1, 0, 2, 3]))
        '(0 1)'
    """
    if member.ndim != 1:
        trace = float(torch.as_tensor(member).trace())
        return f"a matrix of trace {trace:.3g}"
    return in_cycles(member.tolist(), names, _CYCLES)


def _of_choice(choice: Choice) -> NotebookFrame:
    rows = [
        [str(each.rep.group), each.words, "chosen" if each.rep is choice.rep else ""]
        for each in choice.tried
    ]
    table = Table(["group", "held out", ""], rows)
    ran = any(each.score is not None for each in choice.tried)
    picture = Picture(png(draw_choice(choice).figure), "scores of the groups") if ran else None
    return NotebookFrame(
        f"Choice of {choice.rep.group}", choice.reason, (), [("Tried", table)], picture
    )


def _of_representation(rep: LearnedRepresentation) -> NotebookFrame:
    kind = type(rep).__name__
    closes = "closes exactly" if rep.closes_exactly else "closes as far as it was learned to"
    said = f"{rep.group} on R^{rep.dim}; {closes}"
    if rep.dim > _DIM or not rep.group.generators:
        return NotebookFrame(kind, said)
    picture = Picture(png(draw_spectrum(rep).figure), "eigenvalues of the first generator")
    return NotebookFrame(kind, said, (), [("Laws", defects_of(rep))], picture)


def _of_group(group: FiniteGroup) -> NotebookFrame:
    said = f"order {group.order:,}, {len(group.generators)} generators, " \
        f"{len(group.relators)} relators"  # fmt: skip
    if group.order > _LISTED:
        return NotebookFrame(str(group), said)
    abelian = "abelian" if group.is_abelian else f"{len(group.conjugacy_classes)} classes"
    orders = group.element_orders.tolist()
    rows = [[str(order), str(orders.count(order))] for order in sorted(set(orders))]
    table = Table(["order", "elements"], rows)
    picture = Picture(png(draw_cayley(group).figure), f"the Cayley table of {group}")
    return NotebookFrame(str(group), f"{said}, {abelian}", (), [("Elements", table)], picture)
