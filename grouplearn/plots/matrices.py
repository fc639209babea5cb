"""Pictures of matrices: heat maps, eigenvalues, and moments ordered by orbits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from grouplearn._checks import instance, positive_int, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.plots.drawing import INK, MEMBER, REJECTED, checked_array, new_axes, plain
from grouplearn.representations import LearnedRepresentation

_NEAR, _LABELLED, _NAMED, _LARGEST = 0.05, 12, 32, 64
_SPECTRUM = 4.2, 4.4  # inches
_RING = 420.0  # points along the unit circle: so many rings stand side by side on it


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
    values = [
        checked_array("plot_generator", "matrices", matrix, 2) for matrix in matrices.values()
    ]
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
        axes.set_xlabel("from coordinate")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("to coordinate")
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
    values = checked_array("plot_spectrum", "matrix", matrix, 2)
    if values.shape[0] != values.shape[1]:
        refuse("plot_spectrum", "matrix", "square", values.shape, "pass one (d, d) matrix")
    figure = Figure(figsize=_SPECTRUM, layout="constrained")
    axes = figure.subplots()
    _draw_eigenvalues(axes, values, positive_int("plot_spectrum", "order", order))
    axes.set_title(plain(title))
    return figure


def draw_spectrum(
    representation: LearnedRepresentation, element: int | None = None, axes: Axes | None = None
) -> Axes:
    """The eigenvalues of one element of a representation, as `plot_spectrum` draws them.

    Args:
        representation: of any finite group.
        element: of the group; None takes the first generator, or the identity of C1.
        axes: where; None takes those of a new figure.

    Returns:
        The axes, the order of the element marked as roots of unity.

    Raises:
        InputError: it is no representation, or the element is none of its group.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import SpectralRepresentation
        >>> draw_spectrum(SpectralRepresentation(CyclicGroup(4), 9)).get_title()
        'element 1 of C4, of order 4'
    """
    who = "draw_spectrum"
    instance(who, "representation", representation, LearnedRepresentation, "pass one")
    group = representation.group
    chosen = group.generators[0] if element is None and group.generators else element or 0
    order = int(group.element_orders[group.check_element(chosen)])
    values = checked_array(who, "representation", representation.matrix(chosen), 2)
    axes = new_axes(_SPECTRUM) if axes is None else axes
    _draw_eigenvalues(axes, values, order)
    axes.set_title(f"element {chosen} of {group.name}, of order {order}", fontsize=10, color=INK)
    return axes


def _draw_eigenvalues(axes: Axes, values: Float[np.ndarray, "d d"], order: int) -> None:
    eigenvalues = np.linalg.eigvals(values).astype(np.complex128)
    angles = 2 * np.pi * np.arange(order) / order
    roots = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    axes.add_patch(Circle((0, 0), 1, fill=False, color="0.6", linewidth=1))
    axes.axhline(0, color="0.88", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.88", linewidth=0.8, zorder=0)
    axes.scatter(
        roots[:, 0], roots[:, 1], s=min(130.0, (_RING / order) ** 2), facecolors="none",
        edgecolors=MEMBER, linewidths=1.4, label=f"{order} roots of unity",
    )  # fmt: skip
    axes.scatter(
        eigenvalues.real, eigenvalues.imag, s=26, color=REJECTED, alpha=0.55, linewidths=0,
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
    axes.set(xlabel="real part", ylabel="imaginary part")
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)


def draw_cayley(group: FiniteGroup, axes: Axes | None = None) -> Axes:
    """The Cayley table of a group: the colour at (a, b) is that of the product a b.

    Args:
        group: of 64 elements at most.
        axes: where; None takes those of a new figure.

    Returns:
        The axes.

    Raises:
        InputError: it is no group, or a larger one.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> draw_cayley(CyclicGroup(3)).images[0].get_array().tolist()
        [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    """
    instance("draw_cayley", "group", group, FiniteGroup, "pass one")
    if group.order > _LARGEST:
        refuse("draw_cayley", "group", f"of at most {_LARGEST} elements", group.order,
               "draw a subgroup")  # fmt: skip
    axes = new_axes((3.6, 3.6)) if axes is None else axes
    axes.imshow(group.cayley_table, cmap="viridis", interpolation="nearest")
    axes.set_title(f"Cayley table of {group.name}", fontsize=10, color=INK)
    axes.set(xlabel="b", ylabel="a")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return axes


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
        axes.set_title(heading, fontsize=11, color=INK)
        _name_axes(axes, [names[i] for i in which])
    end = -0.5
    for orbit, following in pairwise(orbits if title else []):
        end += len(orbit)
        if len(orbit) > 1 or len(following) > 1:
            panels[-1].axhline(end, color=INK, linewidth=0.8)
            panels[-1].axvline(end, color=INK, linewidth=0.8)
    figure.colorbar(colours, ax=list(panels), shrink=0.8, extend="max" if size > 1 else "neither")
    return figure


def _name_axes(axes: Axes, names: Sequence[str]) -> None:
    if len(names) > _NAMED:
        axes.set(xticks=[], yticks=[])
        return
    names = [plain(name) for name in names]
    size = 8 if len(names) <= 16 else 6.5
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)
