"""Operations on patches that have a name: moves of the grid, and families with parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.domains.naming import in_words, with_article
from grouplearn.domains.pixels import GRID_MOVES, PixelMove
from grouplearn.interpret.operations import Operation, OperationFamily

Array: TypeAlias = NDArray[np.float64]

_DEGREES = 10


@lru_cache(maxsize=16)
def patch_operations(size: int) -> tuple[Operation | OperationFamily, ...]:
    """What patches of k x k pixels know by name.

    The eight symmetries of the grid, as they are and with reversed contrast; cyclic shifts by whole
    pixels, and the mean of the patch; and as families: turns by any angle, shifts by parts of
    pixels, scaling, shear, blurs of any width, and means over squares. Between pixels, values are
    interpolated bilinearly; what comes from outside is 0.

    Args:
        size: k.
    """
    found: list[Operation | OperationFamily] = []
    for negative in (False, True):
        for grid in GRID_MOVES:
            matrix = PixelMove(grid, negative).matrix(size).numpy()
            found.append(Operation(_named(grid, negative), matrix))
    found.append(Operation("the mean of the patch", np.full((size**2, size**2), size**-2.0)))
    for step in range(1, size):
        shown = step if step <= size // 2 else step - size
        found += [
            Operation(f"a cyclic shift by {shown} {way}", _cyclic(size, step, axis))
            for axis, way in ((1, "to the right"), (0, "down"))
        ]
    return (*found, *_families(size))


def _named(grid: str, negative: bool) -> str:
    if negative and grid == "identity":
        return "the negative"
    return with_article(in_words(f"negative {grid}" if negative else grid))


def _families(size: int) -> list[OperationFamily]:
    reach = min(2.0, (size - 1) / 2)
    steps = np.arange(-reach, reach + 0.25, 0.5)

    def moved(matrix: Array) -> Array:
        return _resampled(size, matrix, np.zeros(2))

    turns = OperationFamily(
        lambda p: f"a turn by {p[0] % 360:.0f} degrees",
        lambda p: moved(_turn(np.radians(p[0]))),
        [(float(a),) for a in range(_DEGREES, 360, _DEGREES) if a % 90], [(0.0, 360.0)],
    )  # fmt: skip
    shifts = OperationFamily(
        lambda p: f"a shift by {p[1]:+.1f} to the right and {p[0]:+.1f} down",
        lambda p: _resampled(size, np.eye(2), np.array(p)),
        [(float(a), float(b)) for a in steps for b in steps if a or b],
        [(-reach - 0.5, reach + 0.5)] * 2,
    )
    scalings = OperationFamily(
        lambda p: f"a scaling by {p[0]:.2f}", lambda p: moved(np.eye(2) * p[0]),
        [(float(s),) for s in (0.5, 0.6, 0.7, 0.8, 1.25, 1.5, 1.75, 2.0)], [(0.4, 2.5)],
    )  # fmt: skip
    shears = [
        OperationFamily(
            lambda p, way=way: f"a shear by {p[0]:+.2f} along {way}",  # type: ignore[misc]
            lambda p, axis=axis: moved(_sheared(p[0], axis)),  # type: ignore[misc]
            [(float(s),) for s in (-1.0, -0.6, -0.3, 0.3, 0.6, 1.0)], [(-1.5, 1.5)],
        )
        for axis, way in ((1, "rows"), (0, "columns"))
    ]  # fmt: skip
    blurs = OperationFamily(
        lambda p: f"a blur of width {p[0]:.1f} pixels", lambda p: _blur(size, p[0]),
        [(float(s),) for s in (0.5, 0.7, 1.0, 1.5, 2.0)], [(0.4, float(size))],
    )  # fmt: skip
    means = [
        OperationFamily(
            lambda _, width=width: f"a mean over {width} x {width} pixels",  # type: ignore[misc]
            lambda _, width=width: _mean(size, width),  # type: ignore[misc]
            [(0.0,)], [(0.0, 0.0)],
        )
        for width in range(3, size + 1, 2)
    ]  # fmt: skip
    return [turns, shifts, scalings, *shears, blurs, *means]


def _turn(angle: float) -> Array:
    """Rows down, columns to the right: against the clock, as `torch.rot90`."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def _sheared(amount: float, axis: int) -> Array:
    matrix = np.eye(2)
    matrix[axis, 1 - axis] = amount
    return matrix


def _cyclic(size: int, step: int, axis: int) -> Array:
    patches = np.eye(size**2).reshape(-1, size, size)
    return np.roll(patches, step, axis=axis + 1).reshape(size**2, size**2).T


def _resampled(size: int, matrix: Array, shift: Array) -> Float[np.ndarray, "d d"]:
    """Pixels moved by x -> matrix x + shift about the centre, values interpolated bilinearly."""
    centre = (size - 1) / 2
    grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), -1)
    places = grid.reshape(-1, 2) - centre
    sources = (places - shift) @ np.linalg.inv(matrix).T + centre
    found = np.zeros((size**2, size**2))
    low = np.floor(sources).astype(np.int64)
    part = sources - low
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at = low + corner
        weight = np.where(corner, part, 1 - part).prod(1)
        inside = ((at >= 0) & (at < size)).all(1) & (weight > 0)
        rows = np.flatnonzero(inside)
        np.add.at(found, (rows, at[inside] @ np.array([size, 1])), weight[inside])
    return found


def _blur(size: int, width: float) -> Array:
    """Normal weights of a standard deviation, normalised within the patch."""
    places = np.arange(size)
    line = np.exp(-0.5 * (np.subtract.outer(places, places) / width) ** 2)
    line /= line.sum(1, keepdims=True)
    return np.asarray(np.kron(line, line), dtype=np.float64)


def _mean(size: int, width: int) -> Array:
    places = np.arange(size)
    line = (np.abs(np.subtract.outer(places, places)) <= width // 2).astype(np.float64)
    line /= line.sum(1, keepdims=True)
    return np.asarray(np.kron(line, line), dtype=np.float64)
