"""Groups to plant: permutations by name, and the point groups of three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np

from sources.base import Array, closed, closed_matrices

Generators = list[list[int]]


def cycle(n: int) -> list[int]:
    return [*range(1, n), 0]


def reversal(n: int) -> list[int]:
    return list(range(n))[::-1]


def swap(n: int) -> list[int]:
    """The exchange of the first two of n points."""
    return [1, 0, *range(2, n)]


def alternating(n: int) -> Generators:
    """Three-cycles (0 1 k)."""
    rows = [list(range(n)) for _ in range(n - 2)]
    for k, row in enumerate(rows, 2):
        row[0], row[1], row[k] = 1, k, 0
    return rows


def on_tuples(generators: Generators, ordered: bool) -> Generators:
    """The action on pairs of different points, ordered or not."""
    n = len(generators[0])
    pairs = [p for p in permutations(range(n), 2) if ordered or p[0] < p[1]]
    place = {pair: k for k, pair in enumerate(pairs)}

    def image(step: list[int], pair: tuple[int, int]) -> int:
        first, second = step[pair[0]], step[pair[1]]
        return place[(first, second) if ordered else (min(first, second), max(first, second))]

    return [[image(step, pair) for pair in pairs] for step in generators]


def regular(generators: Generators) -> Generators:
    """Left multiplication on the group's own elements."""
    elements = [tuple(row) for row in closed(generators).tolist()]
    place = {element: k for k, element in enumerate(elements)}
    return [[place[tuple(step[i] for i in element)] for element in elements] for step in generators]


def product(left: Generators, right: Generators) -> Generators:
    """Both, on disjoint points."""
    n, m = len(left[0]), len(right[0])
    return [
        *([*step, *range(n, n + m)] for step in left),
        *([*range(n), *(n + i for i in step)] for step in right),
    ]


def wreath(base: Generators, top: Generators) -> Generators:
    """Copies of the points that `base` moves, exchanged by `top`: the imprimitive action."""
    n, m = len(base[0]), len(top[0])
    return [
        *([*step, *range(n, n * m)] for step in base),
        *([n * step[i // n] + i % n for i in range(n * m)] for step in top),
    ]


def quaternions() -> Generators:
    """Left multiplication by i and j on 1, i, j, k, -1, -i, -j, -k."""
    return [[1, 4, 3, 6, 5, 0, 7, 2], [2, 7, 4, 1, 6, 3, 0, 5]]


def copied(generators: Generators, copies: int, fixed: int) -> Generators:
    """The action on several copies of its points at once, beside points that do not move."""
    n = len(generators[0])
    still = list(range(n * copies, n * copies + fixed))
    return [[n * c + i for c in range(copies) for i in step] + still for step in generators]


PLANTED: dict[str, Generators] = {
    **{f"C{n}": [cycle(n)] for n in range(2, 13)},
    **{f"D{n}": [cycle(n), reversal(n)] for n in range(3, 7)},
    "S3": regular([cycle(3), swap(3)]),
    "S4": [cycle(4), swap(4)],
    "A4 on pairs": on_tuples(alternating(4), ordered=False),
    "A4 on ordered pairs": on_tuples(alternating(4), ordered=True),
    "S4 on pairs": on_tuples([cycle(4), swap(4)], ordered=False),
    "Q8": quaternions(),
    "C2 x C4": regular(product([cycle(2)], [cycle(4)])),
    "C3 x C3": regular(product([cycle(3)], [cycle(3)])),
    "C2 wr C2": wreath([cycle(2)], [cycle(2)]),
    "C3 wr C2": wreath([cycle(3)], [cycle(2)]),
    "C2 wr C3": wreath([cycle(2)], [cycle(3)]),
    "S3 wr C2": wreath([cycle(3), swap(3)], [cycle(2)]),
}


def turn(axis: Sequence[float], angle: float) -> Array:
    """The rotation of space by an angle about an axis."""
    x, y, z = np.asarray(axis, dtype=np.float64) / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


_THIRD = turn((1, 1, 1), 2 * np.pi / 3)
_HALF = np.diag([-1.0, -1.0, 1.0])
_QUARTER = turn((0, 0, 1), np.pi / 2)
_FIFTH = turn((0, 1, (1 + 5**0.5) / 2), 2 * np.pi / 5)
_EXCHANGE = np.eye(3)[[1, 0, 2]]

POINT: dict[str, Callable[[], Array]] = {
    "T": lambda: closed_matrices([_THIRD, _HALF]),
    "O": lambda: closed_matrices([_THIRD, _QUARTER]),
    "I": lambda: closed_matrices([_THIRD, _FIFTH]),
    "Td": lambda: closed_matrices([_THIRD, _HALF, _EXCHANGE]),
    "Th": lambda: closed_matrices([_THIRD, _HALF, -np.eye(3)]),
    "Oh": lambda: closed_matrices([_THIRD, _QUARTER, -np.eye(3)]),
    "Ih": lambda: closed_matrices([_THIRD, _FIFTH, -np.eye(3)]),
}
# The groups of turns and mirrors in which each has index 2.
ABOVE: dict[str, tuple[str, ...]] = {"T": ("Td", "Th", "O"), "O": ("Oh",), "I": ("Ih",)}


def plane(n: int, mirrors: bool = False) -> Array:
    """C_n, or D_n, acting on the plane; D_n keeps the first axis."""
    angle = 2 * np.pi / n
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return closed_matrices([turned, np.diag([1.0, -1.0])] if mirrors else [turned])
