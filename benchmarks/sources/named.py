"""Matrices made from operations that have a name, blurred by noise or a change of basis."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grouplearn.domains.pixels import GRID_MOVES, PixelMove

Array = NDArray[np.float64]
Random = np.random.Generator


class Named(NamedTuple):
    """One matrix and what it is.

    Attributes:
        kind: of the operation; "none" for a random matrix.
        size: k of the patches.
        noise: relative, in Frobenius norm.
        turned: was the basis changed?
        words: what a name has to begin with.
        matrix: (k^2, k^2).
    """

    kind: str
    size: int
    noise: float
    turned: bool
    words: tuple[str, ...]
    matrix: Array


def _grid(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    grid = str(rng.choice(list(GRID_MOVES)[1:]))
    move = PixelMove(grid, bool(rng.integers(2)))
    words = {
        "quarter-turn": "a quarter turn", "half-turn": "a half turn",
        "three-quarter-turn": "a three-quarter turn", "flip": "a left-right flip",
        "flip-up-down": "an up-down flip", "transpose": "a transpose",
        "antitranspose": "an antitranspose",
    }[grid] + " with reversed contrast" * move.negative  # fmt: skip
    return (words,), move.matrix(size).numpy()


def _matrix(size: int, operation: Callable[[Array], Array]) -> Array:
    """What SciPy's operation on images does to each pixel."""
    patches = np.eye(size**2).reshape(-1, size, size)
    return np.stack([operation(each).ravel() for each in patches], axis=1)


def _affine(size: int, inverse: Array) -> Array:
    """SciPy's map takes places of the result to places of the image."""
    centre = np.full(2, (size - 1) / 2)
    return _matrix(
        size, lambda image: ndimage.affine_transform(
            image, inverse, centre - inverse @ centre, order=1, mode="constant"
        ),
    )  # fmt: skip


def _turned(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    degrees = 90 * int(rng.integers(4)) + rng.uniform(15, 75)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    near = tuple(f"a turn by {round(degrees) + k} degrees" for k in range(-8, 9))
    return near, _affine(size, np.array([[c, s], [-s, c]]))


def _scaled(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    factor = rng.choice([rng.uniform(0.5, 0.75), rng.uniform(1.35, 2)])
    return ("a scaling by",), _affine(size, np.eye(2) / factor)


def _sheared(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    axis = int(rng.integers(2))
    inverse = np.eye(2)
    inverse[axis, 1 - axis] = rng.choice([-1, 1]) * rng.uniform(0.4, 1)
    return ("a shear by",), _affine(size, inverse)


def _blurred(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    width = rng.uniform(0.7, 1.2)
    return ("a blur of",), _matrix(
        size, lambda image: ndimage.gaussian_filter(image, width, mode="nearest")
    )


def _shift(size: int, rng: Random) -> tuple[tuple[str, ...], Array]:
    step, axis = int(rng.integers(1, size)), int(rng.integers(2))
    patches = np.eye(size**2).reshape(-1, size, size)
    matrix = np.roll(patches, step, axis=axis + 1).reshape(size**2, size**2).T
    shown = step if step <= size // 2 else step - size
    return (f"a cyclic shift by {shown} {('down', 'to the right')[axis]}",), matrix


KINDS: dict[str, Callable[[int, Random], tuple[tuple[str, ...], Array]]] = {
    "move of the grid": _grid,
    "cyclic shift": _shift,
    "turn": _turned,
    "scaling": _scaled,
    "shear": _sheared,
    "blur": _blurred,
}


def named(kind: str, noise: float, turned: bool, seed: int) -> Named:
    """Draw one.

    Args:
        kind: one of KINDS, or "none".
        noise: relative.
        turned: change the basis at random, by 0.05 of the identity's norm?
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    size = int(rng.choice([3, 5, 7]))
    dim = size**2
    if kind == "none":
        drawn = rng.standard_normal((dim, dim))
        matrix = drawn if rng.integers(2) else np.linalg.qr(drawn)[0]
        return Named(kind, size, noise, turned, (), matrix)
    words, matrix = KINDS[kind](size, rng)
    if turned:
        basis = np.eye(dim) + 0.05 * _unit(dim, rng) * np.sqrt(dim)
        matrix = basis @ matrix @ np.linalg.inv(basis)
    matrix = matrix + noise * np.linalg.norm(matrix) * _unit(dim, rng)
    return Named(kind, size, noise, turned, words, matrix)


def _unit(dim: int, rng: Random) -> Array:
    drawn = rng.standard_normal((dim, dim))
    return np.asarray(drawn / np.linalg.norm(drawn))
