"""Pictures of discovered groups, as matplotlib figures.

Every function returns a `matplotlib.figure.Figure` of its own, as those of `grouplearn.plots` do.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from grouplearn._checks import refuse

Array = NDArray[np.float64]

_MEMBER, _REJECTED, _PROPOSED, _NULL = "#1d4ed8", "#c2410c", "#0f766e", "#a8a29e"
_INK, _SOFT = "#1c1917", "#78716c"
_HUES = ("#2a78b5", "#d9822b", "#3d9970", "#b5446e", "#7a5bb5", "#8a8d3f")
_LABELLED, _LEAST, _COLUMNS = 32, 1e-4, 4
_COLOURS = {
    "member": _MEMBER, "proposed": _PROPOSED, "undecided": "#a16207", "rejected": _REJECTED,
}  # fmt: skip
_ROLES = {
    "member": "members of the group",
    "proposed": "proposed, not certified",
    "undecided": "undecided candidates",
    "rejected": "rejected candidates",
}


def orbits_of(members: Int[np.ndarray, "order d"]) -> list[list[int]]:
    """The orbits of coordinates under a group of permutations.

    Args:
        members: int (order, d), where each coordinate moves.

    Returns:
        Lists of coordinates: each orbit sorted, in order of their first one, those of a single
        coordinate last.

    Example:
        >>> orbits_of(np.array([[0, 1, 2], [2, 1, 0]]))
        [[0, 2], [1]]
    """
    seen: set[int] = set()
    orbits = []
    for start in range(members.shape[1]):
        if start not in seen:
            orbits.append(sorted({int(i) for i in members[:, start]}))
            seen.update(orbits[-1])
    return sorted(orbits, key=lambda orbit: len(orbit) == 1)


def plot_moments(
    matrix: Float[np.ndarray, "d d"],
    orbits: Sequence[Sequence[int]],
    names: Sequence[str],
    title: str = "by orbits of the group",
) -> Figure:
    """A moment matrix in its own order, and with coordinates ordered by the orbits of a group.

    A symmetry makes the blocks between orbits regular; lines stand around orbits of more than one
    coordinate. The colours end at the largest entry off the diagonal.

    Args:
        matrix: (d, d), finite, such as a correlation matrix.
        orbits: lists of coordinates, each coordinate in one of them.
        names: one for each coordinate; written at the axes up to d = 32.
        title: of the right panel; empty for none, where no group orders the coordinates.

    Returns:
        A figure with one or two square panels and a colour bar.

    Raises:
        InputError: the matrix is not square and finite, or orbits or names do not fit it.

    Example:
        >>> figure = plot_moments(np.eye(3), [[0, 2], [1]], ["a", "b", "c"])
        >>> [text.get_text() for text in figure.axes[1].get_xticklabels()]
        ['a', 'c', 'b']
    """
    size = len(matrix)
    order = [i for orbit in orbits for i in orbit]
    if matrix.shape != (size, size) or not size or not np.isfinite(matrix).all():
        refuse("plot_moments", "matrix", "square and finite", matrix.shape, "pass (d, d) numbers")
    if sorted(order) != list(range(size)) or len(names) != size:
        refuse("plot_moments", "orbits and names", f"of the {size} coordinates, each once",
               f"{len(order)} and {len(names)}", "pass orbits_of(members)")  # fmt: skip
    outside = np.abs(matrix[~np.eye(size, dtype=bool)])
    limit = float(outside.max(initial=0.0)) or float(np.abs(matrix).max()) or 1.0
    colours = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    shown = [("as it came", list(range(size))), (title, order)][: 2 if title else 1]
    figure = Figure(figsize=(4.9 * len(shown) + 0.6, 5.1), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (heading, which) in zip(panels, shown, strict=True):
        axes.imshow(
            matrix[np.ix_(which, which)], cmap=colours.cmap, norm=colours.norm,
            interpolation="nearest",
        )  # fmt: skip
        axes.set_title(heading, fontsize=11, color=_INK)
        _name_axes(axes, [names[i] for i in which])
    end = -0.5
    for orbit, following in pairwise(orbits if title else []):
        end += len(orbit)
        if len(orbit) > 1 or len(following) > 1:
            panels[-1].axhline(end, color=_INK, linewidth=0.8)
            panels[-1].axvline(end, color=_INK, linewidth=0.8)
    figure.colorbar(colours, ax=list(panels), shrink=0.8, extend="max" if size > 1 else "neither")
    return figure


def _name_axes(axes: Axes, names: Sequence[str]) -> None:
    if len(names) > _LABELLED:
        axes.set(xticks=[], yticks=[])
        return
    size = 8 if len(names) <= 16 else 6.5
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)


def plot_patches(patches: Float[np.ndarray, "members k k"], titles: Sequence[str]) -> Figure:
    """What each member of a group makes of one test patch.

    Args:
        patches: (members, k, k), finite.
        titles: one for each.

    Returns:
        A figure with one panel for each member, at most four in a row.

    Raises:
        InputError: no patch, or another number of titles.

    Example:
        >>> len(plot_patches(np.ones((2, 3, 3)), ["identity", "flip"]).axes)
        2
    """
    _fits("plot_patches", "patches", len(patches), titles)
    limit = float(np.abs(patches).max()) or 1.0
    figure, panels = _grid(len(patches), 1.5, 1.75)
    for axes, patch, title in zip(panels, patches, titles, strict=True):
        axes.imshow(patch, cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest")
        edges = np.arange(len(patch) + 1) - 0.5
        axes.hlines(edges, -0.5, len(patch) - 0.5, color="white", linewidth=1.2)
        axes.vlines(edges, -0.5, len(patch) - 0.5, color="white", linewidth=1.2)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_title(_wrapped(title, 20), fontsize=10, color=_INK)
    return figure


def plot_windows(
    members: Int[np.ndarray, "members d"], letters: str, titles: Sequence[str]
) -> Figure:
    """What each member of a group makes of a window: which letter and position ends up where.

    Rows are letters, columns positions. A cell names the coordinate that arrives in it; its colour
    is that of the letter, darker for later positions.

    Args:
        members: int (members, d), where each coordinate moves, position-major.
        letters: of the alphabet.
        titles: one for each member.

    Returns:
        A figure with one panel for each member.

    Raises:
        InputError: no member, another number of titles, or d is no multiple of the letters.

    Example:
        >>> figure = plot_windows(np.array([[3, 2, 1, 0]]), "AB", ["turned"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['B2', 'A2', 'B1', 'A1']
    """
    count, window = len(letters), members.shape[1] // max(len(letters), 1)
    _fits("plot_windows", "members", len(members), titles)
    if count * window != members.shape[1] or not window:
        refuse("plot_windows", "letters", f"dividing d = {members.shape[1]}", letters, "check them")
    columns = 2 if len(members) > 1 else 1
    figure, panels = _grid(len(members), 0.52 * window + 0.7, 0.36 * count + 0.6, columns)
    for axes, member, title in zip(panels, members, titles, strict=True):
        sources = np.argsort(member)
        for place, source in enumerate(sources.tolist()):
            (column, row), (start, letter) = divmod(place, count), divmod(source, count)
            shade = 0.35 + 0.6 * start / max(window - 1, 1)
            face = 1 - shade * (1 - np.array(to_rgb(_HUES[letter % len(_HUES)])))
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, color=tuple(face), ec="white", lw=1.5)
            )
            ink = "white" if shade > 0.7 else _INK
            text = f"{letters[letter]}{start + 1}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
        axes.set(xlim=(-0.5, window - 0.5), ylim=(count - 0.5, -0.5))
        axes.set_xticks(range(window), [str(p + 1) for p in range(window)], fontsize=8)
        axes.set_yticks(range(count), list(letters), fontsize=8)
        axes.tick_params(length=0, colors=_SOFT)
        axes.spines[:].set_visible(False)
        axes.set_title(title, fontsize=10, color=_INK)
    return figure


def plot_arcs(
    members: Int[np.ndarray, "members d"], names: Sequence[str], titles: Sequence[str]
) -> Figure:
    """Where each member of a group moves the coordinates: an arc from each to its image.

    Coordinates that no member moves are left out. Arcs without a head go both ways.

    Args:
        members: int (members, d), where each coordinate moves.
        names: one for each coordinate.
        titles: one for each member.

    Returns:
        A figure with one panel for each member.

    Raises:
        InputError: no member, or another number of titles or names.

    Example:
        >>> figure = plot_arcs(np.array([[1, 0, 2]]), ["left", "right", "and"], ["swap"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['left', 'right']
    """
    _fits("plot_arcs", "members", len(members), titles)
    _fits("plot_arcs", "coordinates", members.shape[1], names)
    moved = np.flatnonzero((members != np.arange(members.shape[1])).any(0)).tolist() or [0]
    widest = max(len(names[i]) for i in moved)
    height = 0.27 * len(moved) + 0.7
    figure, panels = _grid(len(members), 0.075 * widest + 2.0, height)
    places = {coordinate: row for row, coordinate in enumerate(moved)}
    for axes, member, title in zip(panels, members, titles, strict=True):
        _arcs(axes, {i: int(member[i]) for i in moved}, places)
        for coordinate, row in places.items():
            colour = _INK if member[coordinate] != coordinate else _NULL
            axes.text(-0.12, row, names[coordinate], ha="right", va="center", fontsize=8.5,
                      color=colour)  # fmt: skip
        axes.scatter([0] * len(moved), range(len(moved)), s=12, color=_INK, zorder=3)
        axes.set(xlim=(-0.09 * widest - 0.2, 1.6), ylim=(len(moved) - 0.4, -0.6))
        axes.axis("off")
        axes.set_title(_wrapped(title, 34), fontsize=9, color=_INK)
    return figure


def _arcs(axes: Axes, images: Mapping[int, int], places: Mapping[int, int]) -> None:
    """Half ellipses to the right of the names, wider for longer ways."""
    longest = max(1, *(abs(places[j] - places[i]) for i, j in images.items()))
    drawn = 0
    for start, end in images.items():
        exchange = images[end] == start
        if start == end or (exchange and end < start):
            continue
        low, high = places[start], places[end]
        width = 0.25 + 1.2 * abs(high - low) / longest
        angle = np.linspace(-math.pi / 2, math.pi / 2, 60)
        colour = _HUES[drawn % len(_HUES)]
        across = 0.06 + width * np.cos(angle)
        down = (low + high) / 2 + (high - low) / 2 * np.sin(angle)
        axes.plot(across, down, color=colour, linewidth=1.7, solid_capstyle="round")
        if not exchange:
            head = FancyArrowPatch(
                (float(across[-6]), float(down[-6])), (0.05, high), arrowstyle="-|>", color=colour,
                mutation_scale=10, linewidth=0,
            )  # fmt: skip
            axes.add_patch(head)
        drawn += 1


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
        axes.set_title(kind, fontsize=10, color=_INK, loc="left")
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    column[-1].set_xlabel("relative violation (0 for a symmetry)", color=_INK)
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
        edges[:-1], counts / max(counts.max(), 1) * top, np.diff(edges), align="edge", color=_NULL,
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
            f"{mark.name}{zero}", (place, -row - 1), (-8 if right else 8, 0),
            textcoords="offset points", fontsize=8.5, color=colour, va="center",
            ha="right" if right else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    axes.axhline(0, color=_SOFT, linewidth=0.8)
    axes.set(xscale="log", xlim=ends, ylim=(-len(marks) - 1, top * 1.08), yticks=[])
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if low > 1e-3 else (1.0,)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=_SOFT, labelsize=9)


def _fits(who: str, argument: str, count: int, titles: Sequence[str]) -> None:
    if not count or len(titles) != count:
        refuse(who, argument, "at least one, with as many names", f"{count}, {len(titles)} names",
               "pass one name for each")  # fmt: skip


def _grid(count: int, width: float, height: float, columns: int = _COLUMNS) -> tuple[Figure, Any]:
    """A figure of so many panels of one size, in rows."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def _wrapped(text: str, width: int) -> str:
    lines = textwrap.wrap(text, width) or [""]
    return "\n".join(lines[:3]) + ("..." if len(lines) > 3 else "")
