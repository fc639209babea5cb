"""What `open_data` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class Opened:
    """Data, and what they were taken for.

    Attributes:
        kind: "table", "images", "sequence" or "tokens".
        data: of a table an array (N, d), float64; of images an array (N, H, W) or (N, C, H, W),
            uint8 or floats in [0, 1]; of sequences an iterable of letters, which can be read again
            and again; of tokens a `Corpus`. Each is what the adapter of its kind takes.
        said: what the data were taken for and why, in words.
        labels: (N,), float64, or None; of classes in words the number of each.
        classes: the words that labels stand for, by number; empty where labels are numbers.
        columns: the names of the columns of a table.
        test: of labelled images that come in two parts, those for testing.

    Example:
        >>> Opened("sequence", ["ACGT"], "1 sequence")
        <sequence: 1 sequence>
    """

    kind: str
    data: Any
    said: str
    labels: Float64[np.ndarray, " N"] | NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    test: Opened | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"<{self.kind}: {self.said}>"

    def __str__(self) -> str:
        return self.said
