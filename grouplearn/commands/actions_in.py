"""Where the actions that commands leave behind are found again."""

from __future__ import annotations

from pathlib import Path

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
    run = path.parent if path.name == FOUND else path
    inside = sorted((run / WEIGHTS).glob("*.safetensors"))
    return inside[0] if len(inside) == 1 else None
