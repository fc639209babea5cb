"""What all pictures share: colours, panels of one size, files, and the check of arrays."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import imsave
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse

Array = NDArray[np.float64]

MEMBER, REJECTED, PROPOSED, UNDECIDED = "#1d4ed8", "#c2410c", "#0f766e", "#a16207"
NULL, INK, SOFT = "#a8a29e", "#1c1917", "#57534e"
HUES = ("#2a78b5", "#d9822b", "#3d9970", "#b5446e", "#7a5bb5", "#8a8d3f")
_COLUMNS = 4


def png(figure: Figure | SubFigure) -> bytes:
    """The figure as a PNG file of 150 dots per inch."""
    buffer = io.BytesIO()
    figure.figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def pixels_png(pixels: NDArray[np.float64]) -> bytes:
    """Pixels as a PNG file that has as many.

    Args:
        pixels: (H, W) or (H, W, 3), in [0, 1]; what lies outside is cut off.
    """
    buffer = io.BytesIO()
    bytes_ = np.round(255 * np.clip(pixels, 0.0, 1.0)).astype(np.uint8)
    whole = bytes_ if bytes_.ndim == 3 else np.repeat(bytes_[..., None], 3, axis=-1)
    imsave(buffer, whole, format="png")
    return buffer.getvalue()


def checked_array(who: str, argument: str, value: Any, axes: int) -> NDArray[np.float64]:
    """An array as float64, or an error.

    Args:
        who: asks, for the error.
        argument: its name, for the error.
        value: a tensor or array.
        axes: how many it must have.

    Raises:
        InputError: no numbers, another number of axes, an empty axis, or values that are not
            finite.
    """
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    wanted = f"numbers with {axes} axes, none empty"
    if array.ndim != axes or 0 in array.shape or array.dtype.kind not in "fiu":
        refuse(who, argument, wanted, f"{array.dtype} of shape {array.shape}", "reshape it")
    if not np.isfinite(array).all():
        refuse(who, argument, "finite", "NaN or infinity", "clean the data first")
    return array.astype(np.float64)


def check_titles(who: str, argument: str, count: int, titles: Sequence[str]) -> None:
    """Refuse titles that are not one for each panel.

    Args:
        who: asks, for the error.
        argument: what there is one title for, for the error.
        count: how many there are.
        titles: of them.

    Raises:
        InputError: there is nothing, or another number of titles.
    """
    if not count or len(titles) != count:
        refuse(who, argument, "at least one, with as many names", f"{count}, {len(titles)} names",
               "pass one name for each")  # fmt: skip


def new_axes(size: tuple[float, float]) -> Axes:
    """The axes of a new figure.

    Args:
        size: width and height in inches.
    """
    return Figure(figsize=size, layout="constrained").subplots()


def plain(text: str) -> str:
    """Text in which a dollar sign is one, and does not begin mathematics."""
    return text.replace("$", r"\$")


def grid_of_panels(
    count: int, width: float, height: float, columns: int = _COLUMNS
) -> tuple[Figure, Any]:
    """A figure of so many panels of one size, in rows."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes in panels[count:]:
        axes.remove()
    return figure, panels[:count]


def wrapped(text: str, width: int) -> str:
    """Text in at most three lines.

    Args:
        text: plain.
        width: letters in a line.
    """
    lines = textwrap.wrap(text, width) or [""]
    return "\n".join(lines[:3]) + ("..." if len(lines) > 3 else "")
