"""Pictures of evidence: candidates against random permutations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from grouplearn._checks import refuse
from grouplearn.plots.drawing import (
    INK,
    MEMBER,
    NULL,
    PROPOSED,
    REJECTED,
    SOFT,
    UNDECIDED,
    Array,
    plain,
)

_LEAST = 1e-4
_COLOURS = {
    "member": MEMBER, "proposed": PROPOSED, "undecided": UNDECIDED, "rejected": REJECTED,
}  # fmt: skip
_ROLES = {
    "member": "members of the group",
    "proposed": "proposed, not certified",
    "undecided": "undecided candidates",
    "rejected": "rejected candidates",
}


@final
@dataclass(frozen=True)
class Mark:
    """One candidate in a picture of violations.

    Args:
        name: what it is.
        violation: its relative violation, >= 0.
        role: "member" of the group found, "proposed" by second moments alone, "undecided", or
            "rejected".
    """

    name: str
    violation: float
    role: str


def plot_violations(
    panels: Mapping[str, tuple[Float[np.ndarray, " random"], Sequence[Mark]]],
) -> Figure:
    """Violations of candidates against those of random permutations, on a logarithmic axis.

    Args:
        panels: for each kind of evidence, the violations of random permutations that move as many
            coordinates, and the candidates. Violations below 1e-4 are drawn there.

    Returns:
        A figure with one panel for each kind of evidence.

    Raises:
        InputError: there is no panel.

    Example:
        >>> marks = [Mark("half turn", 0.01, "member")]
        >>> len(plot_violations({"order 2": (np.full(9, 1.3), marks)}).axes)
        1
    """
    if not panels:
        refuse("plot_violations", "panels", "at least one", "none", "pass {'order 2': (...)}")
    marks = [mark for _, each in panels.values() for mark in each]
    values = [max(mark.violation, _LEAST) for mark in marks]
    values += [max(float(x), _LEAST) for null, _ in panels.values() for x in null]
    ends = (0.5 * min([0.1, *values]), 1.4 * max([1.0, *values]))
    rows = max(len(each) for _, each in panels.values())
    figure = Figure(figsize=(9.6, len(panels) * (1.5 + 0.24 * rows) + 0.7), layout="constrained")
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    entries: dict[str, Any] = {}
    for axes, (kind, (null, each)) in zip(column, panels.items(), strict=True):
        _violations(axes, null, each, ends)
        axes.set_title(kind, fontsize=10, color=INK, loc="left")
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    column[-1].set_xlabel("relative violation (0 for a symmetry)", color=INK)
    figure.legend(
        list(entries.values()), list(entries), loc="outside upper right", ncols=4, frameon=False,
        fontsize=9,
    )  # fmt: skip
    return figure


def _violations(axes: Axes, null: Array, marks: Sequence[Mark], ends: tuple[float, float]) -> None:
    """A histogram above, the candidates in rows below it."""
    low, high = ends
    edges = np.geomspace(low, high, round(25 * math.log10(high / low)) + 1)
    counts, _ = np.histogram(null.clip(low, high), edges)
    top = max(3.0, 0.5 * len(marks))
    axes.bar(
        edges[:-1], counts / max(counts.max(), 1) * top, np.diff(edges), align="edge", color=NULL,
        linewidth=0, label="random permutations moving as many coordinates",
    )  # fmt: skip
    for row, mark in enumerate(sorted(marks, key=lambda m: m.violation)):
        place, colour = max(mark.violation, _LEAST), _COLOURS[mark.role]
        known = axes.get_legend_handles_labels()[1]
        label = None if _ROLES[mark.role] in known else _ROLES[mark.role]
        axes.plot([low, place], [-row - 1] * 2, color=colour, linewidth=0.8, alpha=0.35)
        axes.scatter(place, -row - 1, s=44, color=colour, zorder=3, linewidths=0, label=label)
        right = place > math.sqrt(low * high)
        zero = ": 0" if mark.violation < _LEAST else ""
        axes.annotate(
            plain(f"{mark.name}{zero}"), (place, -row - 1), (-8 if right else 8, 0),
            textcoords="offset points", fontsize=8.5, color=colour, va="center",
            ha="right" if right else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.set(xscale="log", xlim=ends, ylim=(-len(marks) - 1, top * 1.08), yticks=[])
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if low > 1e-3 else (1.0,)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=SOFT, labelsize=9)
