"""The ladder of a finding as tables of a page."""

from __future__ import annotations

from collections.abc import Sequence

from grouplearn.commands.discover import DataFinding
from grouplearn.commands.discover_words import Step, arrows, ladder_of
from grouplearn.report import Column, Section, Table

_P = Column("p-value", "How often sampling noise alone leaves as much of an exact symmetry. Small "
            "values speak against the symmetry.")  # fmt: skip
_EFFECT = Column("effect", "The deviation, as a part of what an action of the same kind that is no "
                 "symmetry shows: 0 for a symmetry, about 1 for none.")  # fmt: skip
_BOUND = Column("at most", "The upper confidence bound of the effect. A claim needs it to be "
                "small.")  # fmt: skip
_VERDICT = Column("verdict", "Exact: not rejected, and the bound is small. Approximate: rejected, "
                  "but the effect is small beyond doubt. Undecided: not rejected, by data that "
                  "could not tell. Rejected: no symmetry.", is_text=True)  # fmt: skip
_GROUP = Column("group", "The group, and its number of elements.", is_text=True)
_ADDS = Column("operations", "Operations that generate the group, those of the group above it left "
               "out.", is_text=True)  # fmt: skip
_STATUS = Column("claim", "Accepted: the group that is claimed. Within it: a part of that group.",
                 is_text=True)  # fmt: skip
_FAMILY = Column("evidence", "What the features are that were looked at: the families that speak "
                 "most are listed.", is_text=True)  # fmt: skip
_HEAD = (_GROUP, _ADDS, _P, _EFFECT, _BOUND, _VERDICT, _STATUS)
_FAMILIES = (_GROUP, _ADDS, _FAMILY, _P, _EFFECT, _BOUND, _VERDICT)


def evidence_section(finding: DataFinding) -> Section | None:
    """The groups that were tested, and below them what each family of features says.

    Args:
        finding: what was found.

    Returns:
        None where no group was tested.
    """
    steps = ladder_of(finding.found, finding.subject, finding.coordinates)
    if not any(step.evidence for step in steps):
        return None
    rows = [row for step in steps for row in _rows(step, step.evidence[:1])]
    families = [row for step in steps for row in _rows(step, step.evidence[1:])]
    table = Table(_HEAD, [[*row[:2], *row[3:], status] for row, status in rows])
    more = Section(
        "What each family of features says",
        table=Table(_FAMILIES, [row for row, _ in families]), folded=True,
    )  # fmt: skip
    text = "Every group that was tested. A p-value says whether a deviation is more than chance, " \
        "the effect how large it is; a claim needs both."  # fmt: skip
    return Section("The evidence", [text], table, sections=[more] if families else [])


def _rows(
    step: Step, evidence: Sequence[tuple[str, str, str, str, str]]
) -> list[tuple[list[str], str]]:
    """A row for each kind of evidence, and the status of the group beside it."""
    name = [step.group, arrows(step.operations)]
    return [([*name, *each], step.status) for each in evidence]
