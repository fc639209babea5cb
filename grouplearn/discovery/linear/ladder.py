"""Groups beside the one that was found: its subgroups, and rivals of other orders."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.lattice import Turns

_DRAWS = 999
_LARGEST = 12


def subgroups(action: WhitenedAction) -> list[WhitenedAction]:
    """Proper subgroups of turns, from small to large: C_m for the divisors m of the first order."""
    if len(action.turns.orders) != 1:
        return []
    n = action.turns.orders[0]
    proper = [m for m in range(2, n + (action.signs is not None)) if n % m == 0]
    return [_turned(action, m, action.turns.angles * (n // m) % 1) for m in proper]


def rivals(action: WhitenedAction) -> list[WhitenedAction]:
    """Turns of the same planes and lines by other orders m = 2 to 12.

    For a multiple of the order, a root of the turn; for divisors nothing, they are subgroups; else
    each angle is moved to the nearest k / m. Where lines alone are moved, there is no other order,
    and the rivals change one sign each.
    """
    angles = action.turns.angles[-1]
    n = action.turns.orders[-1]
    out = []
    if angles[: action.planes].any():
        for m in range(2, _LARGEST + 1):
            nearest = np.round(angles * m) / m
            if m % n == 0:
                nearest = (angles - np.round(angles)) * n / m
                nearest[action.planes :] = angles[action.planes :] if m // n % 2 else 0
            elif m % 2:
                nearest[action.planes :] = 0
            if n % m and nearest.any():
                out.append(_turned(action, m, nearest[None] % 1))
        return out
    for line in range(action.planes, len(angles)):
        other = angles.copy()
        other[line] = 0.5 - other[line]
        if other.any():
            out.append(_turned(action, 2, other[None]))
    return out


def _turned(action: WhitenedAction, order: int, angles: NDArray[np.float64]) -> WhitenedAction:
    return replace(action, turns=Turns((order,), angles, action.turns.free), signs=None)


def chance(
    action: WhitenedAction,
    keys: Int[np.ndarray, "keys components"],
    energies: Float[np.ndarray, " keys"],
    rng: np.random.Generator,
) -> float:
    """How often random turns by multiples of 1 / m, m = 2 to 12, keep the harmonics as well.

    Planes and lines stay; an order and the angles of all planes and lines are drawn anew. That is a
    null distribution over the assignments among which the search chose.

    Args:
        action: what was found.
        keys: exponents of harmonics.
        energies: of their means.
        rng: source of the draws.
    """
    if not len(keys):
        return 1.0
    own = action.turns.angles[-1]
    orders = rng.integers(2, _LARGEST + 1, (_DRAWS, 1))
    drawn = rng.integers(0, orders, (_DRAWS, action.planes)) / orders
    other = np.concatenate([drawn, rng.integers(0, 2, (_DRAWS, action.lines)) / 2], axis=1)
    counts = [np.arange(order) for order in action.turns.orders]
    steps = np.stack(np.meshgrid(*counts, indexing="ij"), axis=-1).reshape(-1, len(counts))
    powers = steps @ action.turns.angles
    apart = np.exp(2j * np.pi * other)[:, None] - np.exp(2j * np.pi * powers)
    other = other[np.abs(apart).max(2).min(1) > 1e-6]
    if not len(other):
        return 1.0
    as_good = _violation(other, keys, energies) <= _violation(own[None], keys, energies)
    return float((1 + as_good.sum()) / (1 + len(other)))


def _violation(
    angles: Float[np.ndarray, "c components"], keys: NDArray[np.int64], energy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """|rho M - M|^2 over the square of the part of M that touches what moves."""
    touched = ((angles != 0).astype(np.float64) @ np.abs(keys).T > 0) @ energy
    change = np.abs(np.exp(2j * np.pi * angles @ keys.T) - 1) ** 2 @ energy
    return np.asarray(np.where(touched > 0, change / np.where(touched > 0, touched, 1), math.inf))
