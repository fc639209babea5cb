"""Pictures of what the elements of a group do: to patches, windows and coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from numpy.typing import ArrayLike
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.plots.drawing import (
    HUES,
    INK,
    NULL,
    SOFT,
    check_titles,
    checked_array,
    grid_of_panels,
    plain,
    wrapped,
)

_ACROSS = 16


def plot_orbit(orbit: ArrayLike | Tensor, labels: Sequence[str] | None = None) -> Figure:
    """Orbits of patches: one row for each patch, one column for each group element.

    More than 16 elements take several rows for each patch.

    Args:
        orbit: (patches, elements, height, width) finite grey values; every row has its own scale,
            from its smallest to its largest value.
        labels: titles of the columns; "x" and "A^k x" when None.

    Returns:
        A figure with patches x elements panels.

    Raises:
        InputError: not four axes, an empty axis, values that are not finite, or another number of
            labels than of columns.

    Example:
        >>> len(plot_orbit(np.random.rand(2, 4, 5, 5)).axes)
        8
    """
    values = checked_array("plot_orbit", "orbit", orbit, 4)
    rows, columns = values.shape[:2]
    if labels is None:
        labels = ["x", "A x", *(f"A$^{{{k}}}$ x" for k in range(2, columns))][:columns]
    else:
        labels = [plain(label) for label in labels]
    if len(labels) != columns:
        refuse("plot_orbit", "labels", f"of {columns} titles", len(labels), "one for each column")
    across = min(columns, _ACROSS)
    lines = -(-columns // across)
    shape = min(values.shape[2] / values.shape[3], 1.0)
    size = 1.15 * across + 0.2, 1.15 * shape * rows * lines + 0.35 * lines
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows * lines, across, squeeze=False).reshape(rows, lines * across)
    longest = max((len(label) for label in labels if "$" not in label), default=0)
    for number, (row, patches) in enumerate(zip(panels, values, strict=True)):
        low, high = float(patches.min()), float(patches.max())
        for axes, patch, label in zip(row[:columns], patches, labels, strict=True):
            axes.imshow(patch, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if number == 0 or lines > 1:
                axes.set_title(label, fontsize=min(10, 130 / max(longest, 1)))
        for axes in row[columns:]:
            axes.remove()
    return figure


def letter_f(size: int) -> Float[np.ndarray, "size size"]:
    """A patch like the letter F, in shades, so that no turn or flip leaves it as it is.

    Args:
        size: its side, >= 2.
    """
    patch = np.full((size, size), 0.06)
    patch[0] = np.linspace(1.0, 0.55, size)
    patch[:, 0] = np.linspace(1.0, 0.8, size)
    patch[(size - 1) // 2 if size > 3 else 1, 1 : max(2, size - 1)] = 0.4
    return patch


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
    check_titles("plot_patches", "patches", len(patches), titles)
    limit = float(np.abs(patches).max()) or 1.0
    figure, panels = grid_of_panels(len(patches), 1.5, 1.75)
    for axes, patch, title in zip(panels, patches, titles, strict=True):
        axes.imshow(patch, cmap="PuOr_r", vmin=-limit, vmax=limit, interpolation="nearest")
        edges = np.arange(len(patch) + 1) - 0.5
        axes.hlines(edges, -0.5, len(patch) - 0.5, color="white", linewidth=1.2)
        axes.vlines(edges, -0.5, len(patch) - 0.5, color="white", linewidth=1.2)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_title(plain(wrapped(title, 20)), fontsize=10, color=INK)
    return figure


def plot_samples(
    images: Float[np.ndarray, "images channels height width"], titles: Sequence[str]
) -> Figure:
    """Images side by side, each in grey from its smallest to its largest value, or in colours.

    Args:
        images: of three channels, in [0, 1], for colours; else the first channel is shown.
        titles: one for each.

    Returns:
        A figure with one panel for each image, at most six in a row.

    Raises:
        InputError: no image, or another number of titles.

    Example:
        >>> len(plot_samples(np.random.rand(2, 1, 8, 8), ["seven", "one"]).axes)
        2
    """
    check_titles("plot_samples", "images", len(images), titles)
    figure, panels = grid_of_panels(len(images), 1.6, 1.95, 6)
    for axes, image, title in zip(panels, images, titles, strict=True):
        in_colour = len(image) == 3
        shown = np.moveaxis(image.clip(0, 1), 0, -1) if in_colour else image[0]
        axes.imshow(shown, cmap="gray", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_title(plain(wrapped(title, 18)), fontsize=8.5, color=INK)
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
    check_titles("plot_windows", "members", len(members), titles)
    if count * window != members.shape[1] or not window:
        refuse("plot_windows", "letters", f"dividing d = {members.shape[1]}", letters, "check them")
    columns = 2 if len(members) > 1 else 1
    figure, panels = grid_of_panels(len(members), 0.52 * window + 0.7, 0.36 * count + 0.6, columns)
    for axes, member, title in zip(panels, members, titles, strict=True):
        sources = np.argsort(member)
        for place, source in enumerate(sources.tolist()):
            (column, row), (start, letter) = divmod(place, count), divmod(source, count)
            shade = 0.35 + 0.6 * start / max(window - 1, 1)
            face = 1 - shade * (1 - np.array(to_rgb(HUES[letter % len(HUES)])))
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, color=tuple(face), ec="white", lw=1.5)
            )
            ink = "white" if shade > 0.7 else INK
            text = f"{letters[letter]}{start + 1}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
        axes.set(xlim=(-0.5, window - 0.5), ylim=(count - 0.5, -0.5))
        axes.set_xticks(range(window), [str(p + 1) for p in range(window)], fontsize=8)
        axes.set_yticks(range(count), list(letters), fontsize=8)
        axes.tick_params(length=0, colors=SOFT)
        axes.spines[:].set_visible(False)
        axes.set_title(plain(title), fontsize=10, color=INK)
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
    check_titles("plot_arcs", "members", len(members), titles)
    check_titles("plot_arcs", "coordinates", members.shape[1], names)
    moved = np.flatnonzero((members != np.arange(members.shape[1])).any(0)).tolist() or [0]
    widest = max(len(names[i]) for i in moved)
    height = 0.27 * len(moved) + 0.7
    figure, panels = grid_of_panels(len(members), 0.075 * widest + 2.0, height)
    places = {coordinate: row for row, coordinate in enumerate(moved)}
    for axes, member, title in zip(panels, members, titles, strict=True):
        _arcs(axes, {i: int(member[i]) for i in moved}, places)
        for coordinate, row in places.items():
            colour = INK if member[coordinate] != coordinate else NULL
            axes.text(-0.12, row, plain(names[coordinate]), ha="right", va="center", fontsize=8.5,
                      color=colour)  # fmt: skip
        axes.scatter([0] * len(moved), range(len(moved)), s=12, color=INK, zorder=3)
        axes.set(xlim=(-0.09 * widest - 0.2, 1.6), ylim=(len(moved) - 0.4, -0.6))
        axes.axis("off")
        axes.set_title(plain(wrapped(title, 34)), fontsize=9, color=INK)
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
        colour = HUES[drawn % len(HUES)]
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
