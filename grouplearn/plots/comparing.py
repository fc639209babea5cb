"""Bars with intervals, and the confusion of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes

from grouplearn._checks import instance, refuse
from grouplearn.plots.drawing import INK, MEMBER, SOFT, new_axes, plain, wrapped
from grouplearn.training import Choice

_LOOSE, _NAMED = "#9db8ea", 16


@final
@dataclass(frozen=True)
class Bar:
    """A measured number.

    Args:
        name: of what was measured.
        value: the number.
        half: half the width of its interval, or its standard error; nan for none.
        is_chosen: is it to stand out?
    """

    name: str
    value: float
    half: float = math.nan
    is_chosen: bool = False


def draw_bars(bars: Sequence[Bar], label: str, axes: Axes | None = None) -> Axes:
    """Numbers as points with intervals, one row each, on an axis that need not begin at 0.

    Points and not bars of ink, as differences of scores are small beside the scores.

    Args:
        bars: what to draw, in rows from above.
        label: what the numbers are, with their unit.
        axes: where; None takes those of a new figure.

    Returns:
        The axes.

    Raises:
        InputError: there is no number, or one is not finite.

    Example:
        >>> axes = draw_bars([Bar("C4", 97.1, 0.4, True), Bar("none", 96.2)], "score, %")
        >>> [label.get_text() for label in axes.get_yticklabels()]
        ['C4', 'none']
    """
    if not bars or not all(math.isfinite(bar.value) for bar in bars):
        refuse("draw_bars", "bars", "one or more, with finite values",
               [bar.value for bar in bars], "leave out what was not measured")  # fmt: skip
    axes = new_axes((8.0, 0.5 * len(bars) + 1.0)) if axes is None else axes
    for row, bar in enumerate(bars):
        colour = MEMBER if bar.is_chosen else _LOOSE
        half = 0.0 if math.isnan(bar.half) else bar.half
        axes.errorbar(bar.value, row, xerr=half or None, fmt="o" if bar.is_chosen else "s",
                      markersize=8, color=colour, ecolor=colour, elinewidth=2.2, capsize=5,
                      markeredgecolor=INK)  # fmt: skip
    low = min(bar.value - (0 if math.isnan(bar.half) else bar.half) for bar in bars)
    high = max(bar.value + (0 if math.isnan(bar.half) else bar.half) for bar in bars)
    edge = 0.12 * (high - low) or 1.0
    for row, bar in enumerate(bars):
        axes.annotate(f"{bar.value:.2f}", (bar.value, row), (0, 8), textcoords="offset points",
                      ha="center", fontsize=8.5, color=INK)  # fmt: skip
    axes.set_yticks(range(len(bars)), [plain(wrapped(bar.name, 40)) for bar in bars], fontsize=9)
    axes.set(xlim=(low - edge, high + edge), ylim=(len(bars) - 0.5, -0.7))
    axes.set_xlabel(label, fontsize=9, color=INK)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
    return axes


def draw_choice(
    choice: Choice, names: Sequence[str] | None = None, axes: Axes | None = None
) -> Axes:
    """The scores of the groups that `choose` ran, with the standard error of each.

    Args:
        choice: the result of `choose`.
        names: one for each entry of `choice.tried`; None takes those of the groups.
        axes: where; None takes those of a new figure.

    Returns:
        The axes; groups that were not run are left out.

    Raises:
        InputError: `choice` is none, names are not as many as were tried, or nothing was run.
    """
    instance("draw_choice", "choice", choice, Choice, "pass what choose returns")
    titles = [str(each.rep.group) for each in choice.tried] if names is None else list(names)
    if len(titles) != len(choice.tried):
        refuse("draw_choice", "names", f"one for each of the {len(choice.tried)} groups tried",
               len(titles), "pass one for each")  # fmt: skip
    bars = [
        Bar(title, 100 * each.score, 100 * each.error or math.nan, each.rep is choice.rep)
        for title, each in zip(titles, choice.tried, strict=True)
        if each.score is not None
    ]
    return draw_bars(bars, "score on samples held out, %, with the standard error", axes)


def draw_confusion(
    counts: Int[np.ndarray, "classes classes"], names: Sequence[str], axes: Axes | None = None
) -> Axes:
    """How often each class was taken for each other.

    Shades are shares of each row; numbers are counts, for up to 16 classes.

    Args:
        counts: entry (i, j) counts samples of class i that were taken for j.
        names: of the classes.
        axes: where; None takes those of a new figure.

    Returns:
        The axes.

    Raises:
        InputError: counts are not square, or names are not as many as classes.

    Example:
        >>> axes = draw_confusion(np.array([[8, 2], [1, 9]]), ["cat", "dog"])
        >>> [text.get_text() for text in axes.texts]
        ['8', '2', '1', '9']
    """
    size = len(counts)
    if counts.shape != (size, size) or len(names) != size or not size:
        refuse("draw_confusion", "names", f"one for each of {counts.shape} counts", len(names),
               "pass (classes, classes) counts")  # fmt: skip
    side = min(max(3.6, 0.42 * size + 1.4), 9.0)
    axes = new_axes((side, side)) if axes is None else axes
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if size <= _NAMED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                ink = "white" if share[row, column] > 0.55 else INK
                axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=ink)
        titles = [plain(wrapped(name, 14)) for name in names]
        axes.set_xticks(
            range(size), titles, fontsize=8, rotation=90 if max(map(len, titles)) > 2 else 0
        )
        axes.set_yticks(range(size), titles, fontsize=8)
    axes.set_xlabel("taken for", color=INK)
    axes.set_ylabel("class", color=INK)
    axes.tick_params(length=0, colors=SOFT)
    return axes
