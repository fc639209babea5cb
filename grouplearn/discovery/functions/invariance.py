"""Linear actions that leave a function alone: planes from gradients, then a search of elements.

If f(g x) = f(x) then grad f(x) = g^T grad f(g x). Where the inputs' distribution is invariant, in
coordinates in which g is orthogonal, g commutes with E[u u^T], with E[w(f) u u^T], with E[x u^T]
and its transpose, and with E[w(f) x x^T], u = grad f(x). A generic sum of them has simple
eigenvalues where g is +1 or -1, and double ones on the planes that g turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.probes import Probe, Ruler

PASSING = 0.4
ROUND = 0.1
_MOST = 20_000
_FEW, _MANY = 32, 256
_AXES = 96
_INPUTS = 1 << 15
_PAIRS = 4
_ORDERS = (2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17, 19, 23)

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Frame:
    """Coordinates in which a commuting action would be a sum of planes and singles.

    Attributes:
        columns: (r, r), the new basis: pairs of columns for the planes first, then singles.
        planes: how many columns pairs make.
    """

    columns: Float[np.ndarray, "r r"]
    planes: int

    def matrix(self, inside: Float[np.ndarray, "r r"]) -> Float[np.ndarray, "r r"]:
        """A matrix of these coordinates in the original ones."""
        return np.asarray(self.columns @ inside @ np.linalg.inv(self.columns))


@final
@dataclass(frozen=True)
class Candidate:
    """An element that was tried.

    Attributes:
        order: least n with g^n = I.
        matrix: (r, r).
        moved: (r,), which columns of the frame it moves.
        violation: see `probes.Ruler`.
    """

    order: int
    matrix: Float[np.ndarray, "r r"]
    moved: Bool[np.ndarray, " r"]
    violation: float


def frames(probe: Probe, x: Float[np.ndarray, "N r"], seed: int) -> Iterator[list[Frame]]:
    """Propose frames: from the samples as they are, whitened, and from Gaussian inputs.

    Args:
        probe: the function.
        x: (N, r) samples.
        seed: of the Gaussian inputs and of the sums.

    Yields:
        For each kind of inputs, frames, each one set of planes and singles.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    gaussian = rng.standard_normal((_INPUTS, x.shape[1])) * np.sqrt(values.mean())
    eye = np.eye(x.shape[1])
    settings = [(gaussian, eye), (x, eye)]
    if values[0] > 1e-8 * values[-1]:
        root = vectors * np.sqrt(values) @ vectors.T
        settings += [(x, root), (rng.standard_normal((_INPUTS, x.shape[1])) @ root.T, root)]
    for rows, back in settings:
        gradients = probe.gradients(rows, seed) @ back
        inputs = np.linalg.solve(back, rows.T).T
        values = probe.values(rows)
        yield list(_split(inputs, gradients, back, values, rng))


def _split(
    z: Array, gradients: Array, back: Array, values: Array, rng: np.random.Generator
) -> Iterator[Frame]:
    """Eigenvectors of a random sum of commuting matrices, paired where eigenvalues agree."""
    score = (values - values.mean(0)) @ rng.standard_normal(values.shape[1])
    weight = np.tanh(score / score.std())
    # Lengths are kept by an orthogonal action; dividing by them tames heavy tails.
    length = (gradients**2).sum((1, 2))
    gradients = gradients / np.sqrt(length + np.median(length))[:, None, None]
    z = z / np.sqrt((z**2).sum(1) + z.shape[1])[:, None]
    factors = rng.uniform(0.5, 1.5, 5)

    def total(part: slice) -> Array:
        u, x, w = gradients[part], z[part], weight[part]
        matrices = [
            np.einsum("nki,nkj->ij", u, u),
            np.einsum("n,nki,nkj->ij", w, u, u),
            np.einsum("ni,nkj,n->ij", x, u, w),
            np.einsum("n,ni,nj->ij", w, x, x),
            np.einsum("ni,nkj->ij", x, u),
        ]
        return np.asarray(
            sum(c * (m + m.T) for c, m in zip(factors, matrices, strict=True)) / len(x)
        )

    eigenvalues, vectors = np.linalg.eigh(total(slice(None)))
    parts = [total(slice(k, None, 8)) for k in range(8)]
    seen = np.array([np.diagonal(vectors.T @ part @ vectors) for part in parts])
    error = seen.std(0, ddof=1) / np.sqrt(8) + 1e-9
    apart = np.diff(eigenvalues) / np.hypot(error[1:], error[:-1])
    # Planes one at a time, the most likely first, then all that are likely together.
    wanted = [[k] for k in np.argsort(apart)[:_PAIRS] if apart[k] < 8]
    wanted.extend(_disjoint(apart, limit) for limit in (2.0, 4.0, 8.0))
    yielded: list[list[int]] = []
    for pairs in wanted:
        if pairs in yielded:
            continue
        yielded.append(pairs)
        paired = [column for k in pairs for column in (k, k + 1)]
        singles = [k for k in range(len(eigenvalues)) if k not in paired]
        yield Frame(back @ vectors[:, paired + singles], len(pairs))


def _disjoint(apart: Array, limit: float) -> list[int]:
    """Neighbours that agree, the best first, each column used once."""
    chosen: list[int] = []
    for k in np.argsort(apart).tolist():
        if apart[k] < limit and not {k - 1, k, k + 1} & set(chosen):
            chosen.append(k)
    return sorted(chosen)


def turns_of(ruler: Ruler, frame: Frame) -> list[Candidate]:
    """Try the elements of prime-power order that turn the planes and flip the singles.

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.

    Returns:
        Candidates that were measured well, best first.
    """
    free = [k for k in range(frame.planes) if not is_round(ruler, frame, k)]
    tried: list[Candidate] = []
    for order in _ORDERS:
        elements = list(_elements(order, free, frame))
        if not elements or len(elements) > _MOST:
            continue
        matrices = np.stack([frame.matrix(inside) for inside, _ in elements])
        moved = [each for _, each in elements]
        rough = ruler.violations(matrices, moved, frame.columns, _FEW)
        best = np.argsort(rough)[:64]
        fine = ruler.violations(matrices[best], [moved[k] for k in best], frame.columns, _MANY)
        tried += [
            Candidate(order, matrices[k], moved[k], float(violation))
            for k, violation in zip(best, fine, strict=True)
        ]
    return sorted(tried, key=lambda each: each.violation)


def mirrors_of(ruler: Ruler, frame: Frame) -> list[Candidate]:
    """Try reflections of one or two planes, with every set of singles flipped.

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.

    Returns:
        The best one, its axes improved without gradients; none for other numbers of planes.
    """
    if not 1 <= frame.planes <= 2:
        return []
    from scipy.optimize import minimize

    size = len(frame.columns)
    axes = np.linspace(0, np.pi, _AXES if frame.planes == 1 else _AXES // 2, endpoint=False)
    signs = list(product([1.0, -1.0], repeat=min(size - 2 * frame.planes, 4)))
    choices = [(*each, flips) for each in product(axes, repeat=frame.planes) for flips in signs]
    inside = [_mirror(size, np.array(each[:-1]), each[-1]) for each in choices]
    matrices = np.stack([frame.matrix(each) for each in inside])
    moved = [np.abs(each - np.eye(size)).sum(0) > 0 for each in inside]
    rough = ruler.violations(matrices, moved, frame.columns, _FEW)
    best = np.argsort(rough)[:64]
    fine = ruler.violations(matrices[best], [moved[k] for k in best], frame.columns, _MANY)
    chosen = choices[best[fine.argmin()]]

    def violation(angles: Array) -> float:
        matrix = frame.matrix(_mirror(size, angles, chosen[-1]))
        return float(ruler.violations(matrix[None], [everything], frame.columns, _MANY)[0])

    everything = np.abs(_mirror(size, axes[1] + np.zeros(frame.planes), chosen[-1]) - np.eye(size))
    everything = everything.sum(0) > 0
    start = np.array(chosen[:-1])
    simplex = np.concatenate([start[None], start + 0.5 * axes[1] * np.eye(frame.planes)])
    options: Any = {"initial_simplex": simplex, "maxiter": 60 * frame.planes, "xatol": 1e-7}
    end = minimize(violation, start, method="Nelder-Mead", options=options)
    matrix = frame.matrix(_mirror(size, end.x, chosen[-1]))
    return [Candidate(2, matrix, everything, float(end.fun))]


def _mirror(size: int, axes: Array, signs: tuple[float, ...]) -> Array:
    """Each of the first planes mirrored at its axis, the next singles with signs."""
    inside = np.eye(size)
    for k, angle in enumerate(axes):
        c, s = np.cos(2 * angle), np.sin(2 * angle)
        inside[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[c, s], [s, -c]]
    where = 2 * len(axes) + np.arange(len(signs))
    inside[where, where] = signs
    return inside


def is_round(ruler: Ruler, frame: Frame, plane: int) -> bool:
    """Does no turn of a plane change the function?

    Args:
        ruler: the function on the rows of the search.
        frame: the planes and singles.
        plane: number of the plane.
    """
    angles = (0.4, 1.0, 1.7, 2.3, 2.9)
    matrices = []
    for angle in angles:
        inside = np.eye(len(frame.columns))
        _turn(inside, plane, angle)
        matrices.append(frame.matrix(inside))
    moved = np.zeros(len(frame.columns), dtype=bool)
    moved[2 * plane : 2 * plane + 2] = True
    found = ruler.violations(np.stack(matrices), [moved] * len(angles), frame.columns, _MANY)
    return bool(found.max() < ROUND)


def _elements(
    order: int, free: list[int], frame: Frame
) -> Iterator[tuple[Array, NDArray[np.bool_]]]:
    """The elements of exactly a prime-power order, each up to its inverse."""
    size = len(frame.columns)
    singles = min(size - 2 * frame.planes, 8) if order % 2 == 0 else 0
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
            inside = np.eye(size)
            for plane, k in zip(free, steps, strict=True):
                _turn(inside, plane, 2 * np.pi * k / order)
            where = np.arange(2 * frame.planes, 2 * frame.planes + singles)
            inside[where, where] = signs
            yield inside, np.abs(inside - np.eye(size)).sum(0) > 1e-9


def _turn(inside: Array, plane: int, angle: float) -> None:
    c, s = np.cos(angle), np.sin(angle)
    inside[2 * plane : 2 * plane + 2, 2 * plane : 2 * plane + 2] = [[c, -s], [s, c]]
