"""Where a linear action moves the places of a grid."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.plots.drawing import INK, MEMBER, REJECTED, checked_array, new_axes

_STILL = 0.05
_SPREAD = 0.5  # of a place, beyond which it is called smeared


def draw_displacement(
    matrix: Float[Tensor, "d d"] | Float[np.ndarray, "d d"],
    shape: tuple[int, int],
    axes: Axes | None = None,
) -> Axes:
    """An arrow from each place of a grid to where a matrix moves what stands there.

    Place j goes to the centre of mass of column j, its entries taken without their signs. An
    arrow is broken where that mass lies about its centre by more than half a place, in the root
    mean square: such an action smears, as a blur does. Places that stay are dots.

    Args:
        matrix: (d, d), an action on a grid in row-major order.
        shape: (H, W) with H * W = d.
        axes: where; None takes those of a new figure.

    Returns:
        The axes, row 0 on top.

    Raises:
        InputError: the matrix is not square and finite, or the grid has another number of places.

    Example:
        >>> from grouplearn.domains.patches import patch_actions
        >>> axes = draw_displacement(patch_actions(3)["quarter-turn"].matrix, (3, 3))
        >>> len(axes.patches), len(axes.collections[0].get_offsets())  # arrows, and the centre
        (8, 1)
    """
    values = np.abs(checked_array("draw_displacement", "matrix", matrix, 2))
    height, width = shape
    if values.shape != (height * width,) * 2:
        refuse("draw_displacement", "shape", "of as many places as the square matrix has rows",
               f"{height} x {width} for {values.shape}", "pass its height and width")  # fmt: skip
    places = np.stack(np.divmod(np.arange(height * width), width), axis=1).astype(np.float64)
    mass = values.sum(0)
    share = np.divide(values, mass, out=np.zeros_like(values), where=mass > 0)
    ends = share.T @ places
    apart = np.square(places[:, None] - ends[None]).sum(-1)
    spread = np.sqrt((share * apart).sum(0))
    moved = (np.linalg.norm(ends - places, axis=1) > _STILL) & (mass > 0)
    if axes is None:
        axes = new_axes((0.62 * width + 0.8, 0.62 * height + 0.8))
    for place in np.flatnonzero(moved):
        _arrow(axes, places[place], ends[place], smears=bool(spread[place] > _SPREAD))
    still = places[~moved]
    axes.scatter(still[:, 1], still[:, 0], s=16, color=INK, zorder=3)
    axes.set(xlim=(-0.6, width - 0.4), ylim=(height - 0.4, -0.6), aspect="equal")
    axes.set_xticks(range(width), [""] * width)
    axes.set_yticks(range(height), [""] * height)
    axes.tick_params(length=0)
    axes.grid(color="0.9", zorder=0)
    axes.spines[:].set_color("0.8")
    return axes


def _arrow(
    axes: Axes, start: Float[np.ndarray, " 2"], end: Float[np.ndarray, " 2"], *, smears: bool
) -> None:
    axes.add_patch(FancyArrowPatch(
        (float(start[1]), float(start[0])), (float(end[1]), float(end[0])), arrowstyle="-|>",
        connectionstyle="arc3,rad=0.18", mutation_scale=9, linewidth=1.2, zorder=2,
        linestyle="--" if smears else "-", color=REJECTED if smears else MEMBER,
        shrinkA=1, shrinkB=2,
    ))  # fmt: skip
