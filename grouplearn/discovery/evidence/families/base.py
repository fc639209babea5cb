"""What a family of features is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float


class Family(ABC):
    """Features of rows, the means of which a symmetry keeps.

    A family is built from typical rows (scales, centres, bandwidths), and then only computes. Its
    features need not be permuted by the action: they are computed anew for the rows moved.
    """

    name: str
    """What reports call it."""

    @abstractmethod
    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """m features of every row, in single or double precision."""
