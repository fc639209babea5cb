"""Pictures of training: curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from grouplearn._checks import refuse
from grouplearn.plots.drawing import plain

_STYLES = ("-", "--", "-.", ":")


def plot_history(
    curves: Mapping[str, Sequence[float]], ylabel: str = "loss", *, logarithmic: bool = True
) -> Figure:
    """Quantities against the epoch, on a logarithmic scale or one from 0 on.

    Args:
        curves: names to one value for each epoch; values <= 0 are left out of a logarithmic
            scale, and nan of any.
        ylabel: title of the vertical axis.
        logarithmic: which scale?

    Returns:
        A figure with one panel.

    Raises:
        InputError: there is no curve.

    Example:
        >>> len(plot_history({"dense": [1.0, 0.1], "skew": [1.0, 0.5]}).axes[0].lines)
        2
    """
    if not curves:
        refuse("plot_history", "curves", "one curve or more", "none", "pass {'dense': [...]}")
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, values), style in zip(curves.items(), cycle(_STYLES), strict=False):
        shown = [value if value > 0 or not logarithmic else math.nan for value in values]
        marker = "o" if len(shown) == 1 else None  # A line through one point draws nothing.
        axes.plot(
            range(1, len(shown) + 1),
            shown,
            label=plain(name),
            linewidth=1.4,
            marker=marker,
            linestyle=style,
        )
    axes.set(xlabel="epoch", ylabel=ylabel)
    if logarithmic:
        axes.set_yscale("log")
        _write_out(axes, [v for values in curves.values() for v in values if v > 0])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color="0.9")
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _write_out(axes: Axes, values: Sequence[float]) -> None:
    """Plain numbers on a logarithmic axis that spans less than a power of ten."""
    if values and max(values) < 10 * min(values):
        for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            which(FuncFormatter(lambda value, _: f"{value:.3g}"))
