"""Whole objects in independent blocks, and the vectors that are cut out of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

WholeMove: TypeAlias = Callable[[Any], Any]
"""What an action does to a whole object, as an `Extension` does."""
Cut: TypeAlias = Callable[
    [NDArray[np.int64], WholeMove], tuple[NDArray[np.float64], NDArray[np.int64]]
]

_ROWS = 1 << 16
_ENTRIES = 1 << 22


def most_rows(width: int) -> int:
    """How many vectors of so many entries a test looks at: 65,536, or 4 million numbers."""
    return min(_ROWS, max(1, _ENTRIES // width))


def unmoved(whole: Any) -> Any:
    """The identity."""
    return whole


@final
@dataclass(frozen=True)
class Wholes:
    """Independent whole objects: images, pieces of genomes, sentences.

    Attributes:
        parents: (count,), which item of the raw data each object is, or is a piece of.
        items: how many items the raw data have.
        cut: takes the numbers of some objects, and a move. Returns vectors (N, D), cut out of these
            objects after they have been moved, and (N,) the number of the object that each comes
            from. Which places of an object vectors are cut from does not depend on the move.
        channels: of the vectors, in which a group acts alike.
        letters: size of the alphabet where vectors are one-hot windows, position-major; else 0.
    """

    parents: Int[np.ndarray, " count"]
    items: int
    cut: Cut
    channels: int = 1
    letters: int = 0

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.parents)

    def rows(
        self, objects: Int[np.ndarray, " some"], move: WholeMove = unmoved
    ) -> Float[np.ndarray, "N D"]:
        """The vectors of some objects after a move."""
        return self.cut(objects, move)[0]
