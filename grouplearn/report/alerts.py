"""What to know before one relies on a finding: only what the finding itself says."""

from __future__ import annotations

from grouplearn.discovery import Discovery
from grouplearn.report.page import Alert

_TITLES = (
    ("Means and covariances alone", "Second moments only"),
    ("The time budget ended", "The search ended early"),
    ("Nothing speaks against", "Too few data to decide"),
    ("Equal in every sample", "Copies among the columns"),
    ("frequent tokens were looked at", "Rare tokens were left out"),
)
_CONSTANT = "constant, left in place."
_NAMED = 3


def alerts_of(found: Discovery) -> list[Alert]:
    """What qualifies a finding, the gravest first.

    Args:
        found: the finding; its notes, its region and its verdict are what is looked at.

    Example:
        >>> import numpy as np
        >>> from grouplearn import discover
        >>> rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
        >>> found = discover(rows + 0.5 * np.roll(rows, 1, axis=1), max_moment=2)
        >>> [alert.title for alert in alerts_of(found)]
        ['Second moments only']
    """
    alerts = [_alert_of_note(note) for note in found.notes]
    if found.region:
        names = ", ".join(found.region[:_NAMED])
        more = len(found.region) - _NAMED
        alerts.append(Alert(
            "A larger group is not excluded",
            f"These data do not reject {names}{f' and {more} more' if more > 0 else ''} either. "
            "More samples would tell.",
        ))  # fmt: skip
    if found.found and not found.exact:
        alerts.append(Alert(
            "Approximate",
            "The data deviate from this symmetry by more than sampling noise, though by little.",
        ))  # fmt: skip
    alerts += [_alert_of_hypothesis(str(each)) for each in found.hypotheses]
    return sorted(alerts, key=lambda alert: alert.kind)


def _alert_of_hypothesis(said: str) -> Alert:
    title, _, text = said.partition(": ")
    return Alert(title, text[:1].upper() + text[1:])


def _alert_of_note(note: str) -> Alert:
    title = next((title for part, title in _TITLES if part in note), "")
    if title:
        return Alert(title, note)
    return Alert("Constant columns" if note.endswith(_CONSTANT) else "Note", note, "note")
