"""Where the actions that commands leave behind are found again, and matrices in arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

WEIGHTS = Path("weights")
REPRESENTATION = WEIGHTS / "representation.safetensors"
FOUND = "found.json"


def file_with_action(path: Path) -> Path | None:
    """The file itself, or the one with the action in a folder of a run; None where there is none.

    `grouplearn discover` leaves an action there for each data set, and `grouplearn learn` one for
    each representation; where there are several, the file has to be named.

    Args:
        path: of a file, of a folder of a run, or of the `found.json` in one.
    """
    if path.is_file() and path.name != FOUND:
        return path
    inside = files_with_actions(path.parent if path.name == FOUND else path)
    return inside[0] if len(inside) == 1 else None


def files_with_actions(run: Path) -> list[Path]:
    """All that `discover` or `learn` left in a folder.

    Args:
        run: the folder.
    """
    return sorted((run / WEIGHTS).glob("*.safetensors"))


def as_matrices(given: NDArray[Any]) -> Float[np.ndarray, "m d d"] | None:
    """One (d, d) matrix or several; None where an array holds something else."""
    stack = given[None] if given.ndim == 2 else given
    square = stack.ndim == 3 and stack.shape[1] == stack.shape[2] and stack.size > 0
    return stack.astype(np.float64) if square and stack.dtype.kind in "biuf" else None
