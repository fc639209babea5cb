"""Waves of the angle, where an action moves a plane and nothing else."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import Standard

WAVES = 24
"""The highest wave number: of n-fold turns only waves of n, 2 n, ... tell mirrors and finer turns
apart."""


@final
class Harmonics(Family):
    """cos(m theta) and sin(m theta), m = 1 to 24, of the angle in a plane, whatever the radius.

    Args:
        rows: (N, D), typical ones; they set centre and units.
        plane: (D, 2), orthonormal.
    """

    name = "waves of the angle"

    def __init__(self, rows: Float[np.ndarray, "N D"], plane: Float[np.ndarray, "D 2"]) -> None:
        self._standard = Standard(rows)
        self._plane = plane.astype(np.float32)

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        x, y = (self._standard(rows) @ self._plane).T
        angles = np.arctan2(y, x)[:, None] * np.arange(1, WAVES + 1, dtype=np.float32)
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
