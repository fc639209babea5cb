"""Pictures of tests: how large each deviation is, and where the data rank among their draws."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from grouplearn._checks import instance, positive_int, refuse
from grouplearn.discovery import Discovery, Evidence, Rung
from grouplearn.discovery.evidence.engine import FamilyEvidence
from grouplearn.discovery.evidence.given import InvarianceTest
from grouplearn.plots.drawing import (
    INK,
    MEMBER,
    NULL,
    PROPOSED,
    REJECTED,
    SOFT,
    UNDECIDED,
    new_axes,
    plain,
    wrapped,
)

_LOOKS = {  # Forms differ as well as colours.
    "exact": ("o", MEMBER),
    "approximate": ("s", PROPOSED),
    "loose": ("P", UNDECIDED),
    "undecided": ("D", UNDECIDED),
    "rejected": ("X", REJECTED),
}
_ROW = 0.42


def draw_evidence(
    found: Discovery, words: Sequence[str] | None = None, axes: Axes | None = None
) -> Axes:
    """The effect of every group that was tested, with its upper confidence bound.

    An effect is 0 for a symmetry and about 1 for an action of the same kind that is none. The
    p-value of each test stands beside it; where the data could not show an effect, it stands alone.

    Args:
        found: the finding.
        words: what each group of `found.ladder` does; None writes names alone.
        axes: where; None takes those of a new figure.

    Returns:
        The axes, one row for each group.

    Raises:
        InputError: no group was tested, or words are not as many as the groups of the ladder.
    """
    instance("draw_evidence", "found", found, Discovery, "pass what discover returns")
    said = list(words) if words is not None else [""] * len(found.ladder)
    if len(said) != len(found.ladder):
        refuse("draw_evidence", "words", f"one for each of the {len(found.ladder)} groups",
               len(said), "pass one for each")  # fmt: skip
    rows = [(rung, each) for rung, each in zip(found.ladder, said, strict=True) if rung.is_tested]
    if not rows:
        refuse("draw_evidence", "found", "a finding with tests", "none in its ladder",
               "draw its summary instead")  # fmt: skip
    axes = new_axes((8.4, _ROW * len(rows) + 1.5)) if axes is None else axes
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.axvline(1, color=NULL, linewidth=0.9, linestyle="--")
    for row, (rung, _) in enumerate(rows):
        _draw_effect(axes, rung.shown()[0], row)
    sizes = [size for rung, _ in rows for e in rung.shown()[:1] for size in (e.violation, e.noise)]
    reach = max([1.1, *filter(math.isfinite, sizes)])
    axes.set_yticks(range(len(rows)), [_label(*each) for each in rows], fontsize=9)
    for row, (rung, _) in enumerate(rows):
        axes.text(1.05 * reach, row, f"p = {rung.shown()[0].p_value:.2g}", va="center", fontsize=9)
    axes.set(xlim=(-0.03, 1.05 * reach), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xlabel("effect: 0 for a symmetry, about 1 for none; the bar ends at its upper bound",
                    fontsize=9, color=INK)  # fmt: skip
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
    _explain(axes, [rung.shown()[0].verdict for rung, _ in rows])
    return axes


def _draw_effect(axes: Axes, evidence: Evidence, row: int) -> None:
    form, colour = _LOOKS[evidence.verdict]
    if not math.isfinite(evidence.violation):
        axes.text(0.02, row, "these data could not show one", va="center", fontsize=8.5,
                  color=SOFT)  # fmt: skip
        return
    if math.isfinite(evidence.noise):
        axes.plot([evidence.violation, evidence.noise], [row, row], color=colour, linewidth=2)
        axes.plot(evidence.noise, row, marker="|", markersize=11, color=colour)
    axes.plot(evidence.violation, row, marker=form, markersize=9, color=colour, zorder=3,
              linestyle="none")  # fmt: skip


def _label(rung: Rung, words: str) -> str:
    claim = ", claimed" if rung.accepted else ""
    told = f": {words}" if words else ""
    return plain(wrapped(f"{rung.name} ({rung.order:,}){claim}{told}", 36))


def _explain(axes: Axes, verdicts: Sequence[str]) -> None:
    handles = [
        Line2D([], [], marker=form, color=colour, linestyle="none", label=verdict, markersize=8)
        for verdict, (form, colour) in _LOOKS.items()
        if verdict in verdicts
    ]
    axes.figure.legend(handles=handles, loc="outside upper right", ncols=5, frameon=False,
                       fontsize=9)  # fmt: skip


def draw_scores(test: InvarianceTest, most: int | None = None, axes: Axes | None = None) -> Axes:
    """Where the data stand among their random draws, for each family of features.

    Scores are standard deviations of the draws, and 0 is their mean: under a symmetry, the data are
    one of the draws.

    Args:
        test: the result of `invariance_test`.
        most: draw so many of the loudest families; None draws all.
        axes: where; None takes those of a new figure.

    Returns:
        The axes, one row for each family, the loudest on top.

    Raises:
        InputError: `test` is none, or `most` below 1.
    """
    instance("draw_scores", "test", test, InvarianceTest, "pass what invariance_test returns")
    if most is not None:
        positive_int("draw_scores", "most", most)
    families = sorted(test.families, key=lambda family: -family.score)[:most]
    axes = new_axes((8.4, 0.34 * len(families) + 1.2)) if axes is None else axes
    reach = max(3.0, *(abs(family.score) for family in families)) * 1.08
    axes.axvspan(-2, 2, color="0.93", linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.9)
    for row, family in enumerate(families):
        _draw_score(axes, family, row, test.level)
    names = [plain(f"{family.name}, p = {family.p_value:.2g}") for family in families]
    axes.set_yticks(range(len(families)), names, fontsize=9)
    axes.set(xlim=(min(-3.0, -1.08 * max(-f.score for f in families)), reach),
             ylim=(len(families) - 0.5, -0.5))  # fmt: skip
    axes.set_xlabel("score, in standard deviations of the draws (grey: within two of them)",
                    fontsize=9, color=INK)  # fmt: skip
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
    return axes


def _draw_score(axes: Axes, family: FamilyEvidence, row: int, level: float) -> None:
    """A cross where the family alone would reject, else a dot."""
    form, colour = _LOOKS["rejected" if family.p_value <= level else "exact"]
    axes.plot([0, family.score], [row, row], color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(family.score, row, marker=form, markersize=8, color=colour, linestyle="none")
