"""Words of one-hot windows."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.families.base import Family

_MOST = 1024


@final
class Words(Family):
    """Which word of so many letters stands at each place of a one-hot window.

    Args:
        letters: size of the alphabet; coordinate `letters * place + letter` is 1.
        places: length of the window.
        length: of the words.
    """

    def __init__(self, letters: int, places: int, length: int) -> None:
        self.name = f"words of {length}"
        self._shape = (places, letters)
        self._length = length
        self._count = letters**length

    @staticmethod
    def lengths(letters: int, places: int) -> list[int]:
        """Lengths of which the words are not too many to be counted."""
        return [k for k in range(2, places + 1) if letters**k * (places - k + 1) <= _MOST or k == 2]

    def features(self, rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N m"]:
        """The features of every row."""
        places, letters = self._shape
        read = rows.reshape(len(rows), places, letters).argmax(2)
        starts = places - self._length + 1
        code = np.zeros((len(rows), starts), dtype=np.int64)
        for k in range(self._length):
            code = code * letters + read[:, k : k + starts]
        out = np.zeros((len(rows), starts * self._count), dtype=np.float32)
        out[np.arange(len(rows))[:, None], np.arange(starts) * self._count + code] = 1
        return out
