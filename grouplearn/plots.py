"""Pictures of learned actions, as matplotlib figures.

Every function returns a `matplotlib.figure.Figure` of its own: nothing is shown and no global state
of pyplot is touched. `figure.savefig(...)` or `png(figure)` draws it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import positive_int, refuse

_LEARNED, _EXACT = "#c2410c", "#1d4ed8"
_NEAR, _LABELLED = 0.05, 12


def plot_generator(
    matrices: Mapping[str, Float[Tensor, "d d"] | Float[np.ndarray, "d d"]],
) -> Figure:
    """Matrices side by side as heat maps with one colour scale, symmetric about 0.

    Args:
        matrices: titles to (d, d) matrices of one size, for example learned and true.

    Returns:
        A figure with one square panel for each matrix.

    Raises:
        InputError: no matrix, one that is not square or not finite, or different sizes.
        MissingExtraError: matplotlib is absent (when this module is imported).

    Example:
        >>> figure = plot_generator({"A": np.eye(4), "T": np.fliplr(np.eye(4))})
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['A', 'T']
    """
    values = [_array("plot_generator", "matrices", matrix, 2) for matrix in matrices.values()]
    if not values or any(each.shape != (len(values[0]),) * 2 for each in values):
        refuse(
            "plot_generator", "matrices", "one or more square matrices of one size",
            [each.shape for each in values], "pass {'learned': A, 'true': T}",
        )  # fmt: skip
    limit = max(float(np.abs(each).max()) for each in values) or 1.0
    figure = Figure(figsize=(3.4 * len(values) + 0.6, 3.6), layout="constrained")
    panels = figure.subplots(1, len(values), squeeze=False)[0]
    colours = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    for axes, title, each in zip(panels, matrices, values, strict=True):
        axes.imshow(each, cmap=colours.cmap, norm=colours.norm, interpolation="nearest")
        axes.set_title(title)
        axes.set_xlabel("from pixel")
    panels[0].set_ylabel("to pixel")
    figure.colorbar(colours, ax=list(panels), shrink=0.85)
    return figure


def plot_spectrum(
    matrix: Float[Tensor, "d d"] | Float[np.ndarray, "d d"], order: int, title: str = ""
) -> Figure:
    """The eigenvalues of a matrix in the complex plane, with the unit circle and roots of unity.

    A matrix A closes as C_n, A^n = I, exactly when its eigenvalues are n-th roots of unity (and it
    can be diagonalised). Up to n = 12, each root is labelled by the number of eigenvalues within
    0.05 of it.

    Args:
        matrix: (d, d), finite.
        order: n >= 1; the n-th roots of unity are marked.
        title: of the figure.

    Returns:
        A figure with one panel of equal aspect.

    Raises:
        InputError: the matrix is not square or not finite, or order < 1.

    Example:
        >>> figure = plot_spectrum(np.diag([1.0, -1.0, -1.0]), 2)
        >>> [text.get_text()[1:] for text in figure.axes[0].texts]
        ['1', '2']
    """
    values = _array("plot_spectrum", "matrix", matrix, 2)
    if values.shape[0] != values.shape[1]:
        refuse("plot_spectrum", "matrix", "square", values.shape, "pass one (d, d) matrix")
    order = positive_int("plot_spectrum", "order", order)
    eigenvalues = np.linalg.eigvals(values).astype(np.complex128)
    angles = 2 * np.pi * np.arange(order) / order
    roots = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    figure = Figure(figsize=(4.2, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.add_patch(Circle((0, 0), 1, fill=False, color="0.6", linewidth=1))
    axes.axhline(0, color="0.88", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.88", linewidth=0.8, zorder=0)
    axes.scatter(
        roots[:, 0], roots[:, 1], s=130, facecolors="none", edgecolors=_EXACT, linewidths=1.4,
        label=f"{order} roots of unity",
    )  # fmt: skip
    axes.scatter(
        eigenvalues.real, eigenvalues.imag, s=26, color=_LEARNED, alpha=0.55, linewidths=0,
        label=f"{len(eigenvalues)} eigenvalues",
    )  # fmt: skip
    for across, up in roots if order <= _LABELLED else []:
        count = int((np.abs(eigenvalues - complex(across, up)) < _NEAR).sum())
        label = f"\N{MULTIPLICATION SIGN}{count}"
        axes.text(
            1.22 * across, 1.22 * up, label, ha="center", va="center", fontsize=9, color="0.25"
        )
    reach = max(1.5, 1.1 * float(np.abs(eigenvalues).max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set(xlabel="real part", ylabel="imaginary part", title=title)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def plot_orbit(orbit: ArrayLike | Tensor, labels: Sequence[str] | None = None) -> Figure:
    """Orbits of patches: one row for each patch, one column for each group element.

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
    values = _array("plot_orbit", "orbit", orbit, 4)
    rows, columns = values.shape[:2]
    if labels is None:
        labels = ["x", "A x", *(f"A$^{{{k}}}$ x" for k in range(2, columns))][:columns]
    if len(labels) != columns:
        refuse("plot_orbit", "labels", f"of {columns} titles", len(labels), "one for each column")
    shape = min(values.shape[2] / values.shape[3], 1.0)
    size = (1.15 * columns + 0.2, 1.15 * shape * rows + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for row, patches in zip(panels, values, strict=True):
        low, high = float(patches.min()), float(patches.max())
        for axes, patch in zip(row, patches, strict=True):
            axes.imshow(patch, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
    longest = max((len(label) for label in labels if "$" not in label), default=0)
    for axes, label in zip(panels[0], labels, strict=True):
        axes.set_title(label, fontsize=min(10, 130 / max(longest, 1)))
    return figure


def plot_history(curves: Mapping[str, Sequence[float]], ylabel: str = "loss") -> Figure:
    """Positive quantities against the epoch, on a logarithmic scale.

    Args:
        curves: names to one value for each epoch; values <= 0 are left out.
        ylabel: title of the vertical axis.

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
    for name, values in curves.items():
        shown = [value if value > 0 else math.nan for value in values]
        marker = "o" if len(shown) == 1 else None  # A line through one point draws nothing.
        axes.plot(range(1, len(shown) + 1), shown, label=name, linewidth=1.4, marker=marker)
    axes.set(yscale="log", xlabel="epoch", ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(color="0.9")
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file of 150 dots per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _array(who: str, argument: str, value: Any, axes: int) -> NDArray[np.float64]:
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    wanted = f"numbers with {axes} axes, none empty"
    if array.ndim != axes or 0 in array.shape or array.dtype.kind not in "fiu":
        refuse(who, argument, wanted, f"{array.dtype} of shape {array.shape}", "reshape it")
    if not np.isfinite(array).all():
        refuse(who, argument, "finite", "NaN or infinity", "clean the data first")
    return array.astype(np.float64)
