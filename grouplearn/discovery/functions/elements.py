"""Elements of finite order that turn planes, flip singles and mirror, tried on a function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.frames import PlaneFrame
from grouplearn.discovery.functions.probes import EXACT, Ruler

_MOST = 20_000
_FEW, _MANY = 32, 256
_AXES, _AXES_OF_TWO = 96, 24
_SIGNS = 4
_KEPT = 64
_ORDERS = (2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23)

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class TriedElement:
    """An element that was tried.

    Attributes:
        order: least n with g^n = I; 0 where there is none.
        matrix: (r, r).
        moved: (r,), which columns of the frame it moves.
        violation: see `probes.Ruler`.
    """

    order: int
    matrix: Float[np.ndarray, "r r"]
    moved: Bool[np.ndarray, " r"]
    violation: float


def turns_of(ruler: Ruler, frame: PlaneFrame) -> list[TriedElement]:
    """Try the elements of prime-power order that turn the planes and flip the singles.

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.

    Returns:
        Candidates that were measured well, best first.
    """
    free = [k for k in range(len(frame.turning)) if roundness(ruler, frame, k) > EXACT]
    tried: list[TriedElement] = []
    for order in _ORDERS:
        elements = list(_elements(order, free, frame))
        if not elements or len(elements) > _MOST:
            continue
        inside = np.stack([each for each, _ in elements])
        matrices = frame.columns @ inside @ np.linalg.inv(frame.columns)
        moved = [each for _, each in elements]
        best = _best(ruler, matrices, moved, frame)
        tried += [TriedElement(order, matrices[k], moved[k], size) for k, size in best]
    return sorted(tried, key=lambda each: each.violation)


def _best(
    ruler: Ruler, matrices: Array, moved: list[NDArray[np.bool_]], frame: PlaneFrame
) -> list[tuple[int, float]]:
    """The best of many, measured well."""
    rough = ruler.violations(matrices, moved, frame.columns, _FEW)
    best = np.argsort(rough)[:_KEPT].tolist()
    fine = ruler.violations(matrices[best], [moved[k] for k in best], frame.columns, _MANY)
    return [(k, float(size)) for k, size in zip(best, fine, strict=True)]


def mirrors_of(ruler: Ruler, frame: PlaneFrame) -> list[TriedElement]:
    """Try reflections of one or two sets of planes, with every set of singles flipped.

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.

    Returns:
        The best one, its axes improved without gradients; none for other numbers of planes.
    """
    sets = len(frame.turning)
    if not 1 <= sets <= 2:
        return []
    from scipy.optimize import minimize

    count = _AXES if sets == 1 else _AXES_OF_TWO
    axes = np.linspace(0, np.pi, count, endpoint=False)
    signs = list(product([1.0, -1.0], repeat=min(len(frame.flipping), _SIGNS - sets + 1)))
    choices = [(*each, flips) for each in product(axes, repeat=sets) for flips in signs]
    inside = [_mirror(frame, np.array(each[:-1]), each[-1]) for each in choices]
    matrices = frame.columns @ np.stack(inside) @ np.linalg.inv(frame.columns)
    moved = [np.abs(each - np.eye(len(each))).sum(0) > 0 for each in inside]
    chosen = choices[min(_best(ruler, matrices, moved, frame), key=lambda each: each[1])[0]]
    everything = _mirror(frame, axes[1] + np.zeros(sets), chosen[-1])
    moves = np.abs(everything - np.eye(len(everything))).sum(0) > 0

    def violation(angles: Array) -> float:
        matrix = frame.matrix(_mirror(frame, angles, chosen[-1]))
        return float(ruler.violations(matrix[None], [moves], frame.columns, _MANY)[0])

    start = np.array(chosen[:-1])
    simplex = np.concatenate([start[None], start + 0.5 * axes[1] * np.eye(sets)])
    options: Any = {"initial_simplex": simplex, "maxiter": 60 * sets, "xatol": 1e-7}
    end = minimize(violation, start, method="Nelder-Mead", options=options)
    matrix = frame.matrix(_mirror(frame, end.x, chosen[-1]))
    return [TriedElement(2, matrix, moves, float(end.fun))]


def _mirror(frame: PlaneFrame, axes: Array, signs: tuple[float, ...]) -> Array:
    """Each set of planes mirrored at its axis, the first sets of singles with signs."""
    inside = np.eye(len(frame.columns))
    for planes, angle in zip(frame.turning, axes, strict=True):
        c, s = np.cos(2 * angle), np.sin(2 * angle)
        for k in planes:
            inside[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[c, s], [s, -c]]
    _flip(inside, frame, signs)
    return inside


def roundness(ruler: Ruler, frame: PlaneFrame, turning: int) -> float:
    """How much turns of a set of planes change the function: the largest violation of some.

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.
        turning: number of the set.
    """
    angles = (0.4, 1.0, 1.7, 2.3, 2.9)
    matrices = []
    for angle in angles:
        inside = np.eye(len(frame.columns))
        _turn(inside, frame.turning[turning], angle)
        matrices.append(frame.matrix(inside))
    moved = np.zeros(len(frame.columns), dtype=bool)
    for k in frame.turning[turning]:
        moved[2 * k : 2 * k + 2] = True
    found = ruler.violations(np.stack(matrices), [moved] * len(angles), frame.columns, _MANY)
    return float(found.max())


def _elements(
    order: int, free: list[int], frame: PlaneFrame
) -> Iterator[tuple[Array, NDArray[np.bool_]]]:
    """The elements of exactly a prime-power order, each up to its inverse."""
    singles = len(frame.flipping) if order % 2 == 0 else 0
    if order ** len(free) * 2**singles > 4 * _MOST:
        return
    prime = next(p for p in (2, 3, 5, 7, 11, 13, 17, 19, 23) if order % p == 0)
    for steps in product(range(order), repeat=len(free)):
        first = next((k for k in steps if k), 0)
        generates = any(k % prime for k in steps)
        if 2 * first > order or not (generates or order == 2):
            continue
        for signs in product([1.0, -1.0], repeat=singles):
            if not generates and min(signs, default=1.0) > 0:
                continue
            inside = np.eye(len(frame.columns))
            for turning, k in zip(free, steps, strict=True):
                _turn(inside, frame.turning[turning], 2 * np.pi * k / order)
            _flip(inside, frame, signs)
            yield inside, np.abs(inside - np.eye(len(inside))).sum(0) > 1e-9


def _turn(inside: Array, planes: tuple[int, ...], angle: float) -> None:
    c, s = np.cos(angle), np.sin(angle)
    for k in planes:
        inside[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[c, -s], [s, c]]


def _flip(inside: Array, frame: PlaneFrame, signs: tuple[float, ...]) -> None:
    for columns, sign in zip(frame.flipping, signs, strict=False):
        inside[list(columns), list(columns)] = sign
