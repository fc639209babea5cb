"""The finite groups of orthogonal matrices in space, each in a standard position."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.linear.placed import Ideal
from grouplearn.discovery.linear.spherical import sphere

LONGEST = 12
_FLIP, _MIRROR, _LEVEL = (np.diag(d) for d in ([1.0, -1, -1], [1.0, -1, 1], [1.0, 1, -1]))
_TURNING = ("C", "Ch", "S")
_INVERSION = -np.eye(3)
_CYCLE = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
_HALF = np.diag([-1.0, -1, 1])


def turn(angle: float) -> Float[np.ndarray, "3 3"]:
    """The rotation about z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


@lru_cache(maxsize=LONGEST)
def axial(n: int) -> dict[str, Ideal]:
    """The groups with one main axis, of order n along z, by their letters.

    A twofold axis is along x; a mirror holds x and z.

    Args:
        n: 1 to 12.
    """
    about, alternating = turn(2 * np.pi / n), _LEVEL @ turn(np.pi / n)
    labels = {"C": f"C_{n}", "Ch": f"C_{n}h" if n > 1 else "C_s", "Cv": f"C_{n}v", "D": f"D_{n}",
              "S": f"S_{2 * n}" if n > 1 else "C_i", "Dd": f"D_{n}d", "Dh": f"D_{n}h"}  # fmt: skip
    made = {
        "C": (about,), "Ch": (about, _LEVEL), "S": (alternating,), "Cv": (about, _MIRROR),
        "D": (about, _FLIP), "Dd": (alternating, _FLIP), "Dh": (about, _FLIP, _LEVEL),
    }  # fmt: skip
    return {
        key: Ideal(sphere(), labels[key], generators, 2 if key in _TURNING else None)
        for key, generators in made.items()
    }


@lru_cache(maxsize=1)
def polyhedral() -> dict[str, Ideal]:
    """The tetrahedral, octahedral and icosahedral groups; all hold the same tetrahedral one."""
    golden = (1 + np.sqrt(5)) / 2
    axis = np.array([0.0, 1, golden]) / np.sqrt(1 + golden**2)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = 2 * np.pi / 5
    fifth = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    quarter = turn(np.pi / 2)
    made = {
        "T": (_CYCLE, _HALF), "T_h": (_CYCLE, _HALF, _INVERSION),
        "T_d": (_CYCLE, _LEVEL @ quarter), "O": (_CYCLE, quarter),
        "O_h": (_CYCLE, quarter, _INVERSION), "I": (_CYCLE, _HALF, fifth),
        "I_h": (_CYCLE, _HALF, fifth, _INVERSION),
    }  # fmt: skip
    return {label: Ideal(sphere(), label, tuple(generators)) for label, generators in made.items()}


THREEFOLD = np.array([[1.0, 1, -2], [-1, 1, 0], [1, 1, 1]]) / np.sqrt([[6], [2], [3]])
"""The rotation that takes the threefold axis (1, 1, 1) of the polyhedral groups to z."""


@lru_cache(maxsize=1)
def tetrahedral_upright() -> Ideal:
    """The tetrahedral group with a threefold axis along z."""
    generators = polyhedral()["T"].generators
    return Ideal(sphere(), "T", tuple(THREEFOLD @ g @ THREEFOLD.T for g in generators))
