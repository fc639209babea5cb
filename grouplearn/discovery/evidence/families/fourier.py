"""Random Fourier features: the characteristic function at random frequencies."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family
from grouplearn.discovery.evidence.families.standard import Standard

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths of the Gaussian kernels, in median distances of two rows."""
FINE = (0.1, 0.25)
"""Those in the few directions that an action moves, where what is fine can be seen."""
_FREQUENCIES = 32
_PAIRS = 2000


@final
class Fourier(Family):
    """cos(w . x) and sin(w . x) for Gaussian frequencies w: the kernel two-sample statistic.

    Args:
        rows: (N, D), typical ones; they set the median distance.
        rng: draws frequencies.
        bandwidth: of the kernel, in units of the median distance.
        directions: (D, m), orthonormal, outside which rows are not looked at; None for all.

    References:
        Rahimi, Recht, 2007, Random features for large-scale kernel machines.
        Gretton, Borgwardt, Rasch, Schoelkopf, Smola, 2012, A kernel two-sample test.
    """

    def __init__(
        self,
        rows: Float[np.ndarray, "N D"],
        rng: np.random.Generator,
        bandwidth: float,
        directions: Float[np.ndarray, "D m"] | None = None,
    ) -> None:
        where = "" if directions is None else " of what moves"
        self.name = f"Fourier{where}, bandwidth {bandwidth:g}"
        self._standard = Standard(rows)
        axes = np.eye(rows.shape[1]) if directions is None else directions
        z = self._standard(rows) @ axes
        first, second = rng.integers(0, len(z), (2, _PAIRS))
        distance = float(np.median(np.linalg.norm(z[first] - z[second], axis=1))) or 1.0
        normal = rng.standard_normal((axes.shape[1], _FREQUENCIES))
        self._frequencies = (axes @ normal / (bandwidth * distance)).astype(np.float32)

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        angles = self._standard(rows) @ self._frequencies
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
