"""Groups beside the one that was found: its subgroups, and rivals of other orders."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear_action import Action
from grouplearn.discovery.linear_lattice import Turns
from grouplearn.discovery.linear_tensors import Moments

_DRAWS = 999
_LARGEST = 12


def subgroups(action: Action) -> list[Action]:
    """Proper subgroups of turns, from small to large: C_m for the divisors m of the first order."""
    if len(action.turns.orders) != 1:
        return []
    n = action.turns.orders[0]
    proper = [m for m in range(2, n + (action.signs is not None)) if n % m == 0]
    return [_turned(action, m, action.turns.angles * (n // m) % 1) for m in proper]


def rivals(action: Action) -> list[Action]:
    """Turns of the same planes and lines by other orders m, each angle moved to the nearest k / m.

    Where lines alone are moved, there is no other order, and the rivals change one sign each.
    """
    angles = action.turns.angles[-1]
    n = action.turns.orders[-1]
    out = []
    if angles[: action.planes].any():
        for m in range(2, _LARGEST + 1):
            nearest = np.round(angles * m) / m % 1
            if m % 2:
                nearest[action.planes :] = 0
            if n % m and nearest.any():
                out.append(_turned(action, m, nearest[None]))
        return out
    for line in range(action.planes, len(angles)):
        other = angles.copy()
        other[line] = 0.5 - other[line]
        if other.any():
            out.append(_turned(action, 2, other[None]))
    return out


def _turned(action: Action, order: int, angles: NDArray[np.float64]) -> Action:
    return replace(action, turns=Turns((order,), angles, action.turns.free), signs=None)


def chance(action: Action, moments: Moments, rng: np.random.Generator) -> float:
    """How often random turns by multiples of 1 / m, m = 2 to 12, keep third and fourth moments as well.

    Planes and lines stay; an order and the angles of all planes and lines are drawn anew. That is a
    null distribution over the assignments among which the search chose.

    Args:
        action: what was found.
        moments: of all rows.
        rng: source of the draws.
    """
    if not action.turns.orders:
        return 1.0
    turned = moments.turned(action.complex_rows @ action.basis.T)
    dim = len(action.basis)
    energies, indices = [], []
    for tensor in (turned.third[0], turned.fourth[0]):
        index = np.array(list(combinations_with_replacement(range(dim), tensor.ndim)))
        energy = np.abs(tensor[tuple(index.T)]) ** 2
        energies.append(energy / energy.sum())
        indices.append(_content(index, dim))
    energy, content = np.concatenate(energies), np.concatenate(indices)
    charges = action.charges()[-1]
    own = _violation(charges[None], content, energy)[0]
    n = action.turns.orders[-1]
    orders = rng.integers(2, _LARGEST + 1, (_DRAWS, 1))
    drawn = rng.integers(0, orders, (_DRAWS, action.planes)) / orders
    half = rng.integers(0, 2, (_DRAWS, action.lines)) / 2
    other = np.zeros((_DRAWS, dim))
    cut = 2 * action.planes
    other[:, 0:cut:2], other[:, 1:cut:2] = drawn, -drawn
    other[:, cut : cut + action.lines] = half
    powers = np.stack([charges * k for k in range(n)])
    same = (np.abs(np.exp(2j * np.pi * other)[:, None] - np.exp(2j * np.pi * powers)) < 1e-6).all(2)
    other = other[~same.any(1)]
    if not len(other):
        return 1.0
    return float((1 + (_violation(other, content, energy) <= own).sum()) / (1 + len(other)))


def _content(index: NDArray[np.int64], dim: int) -> NDArray[np.float64]:
    """How often each coordinate stands in each entry of a tensor."""
    out = np.zeros((len(index), dim))
    for slot in range(index.shape[1]):
        out[np.arange(len(index)), index[:, slot]] += 1
    return out


def _violation(
    charges: Float[np.ndarray, "c d"], content: NDArray[np.float64], energy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """|rho M - M|^2 over the square of the part of M that touches what moves."""
    moved = (np.abs(charges - np.round(charges)) > 1e-6).astype(np.float64)
    touched = (moved @ content.T > 0) @ energy
    change = (np.abs(np.exp(2j * np.pi * charges @ content.T) - 1) ** 2) @ energy
    return np.asarray(np.where(touched > 0, change / np.where(touched > 0, touched, 1), math.inf))
