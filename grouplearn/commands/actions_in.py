"""Where the actions that commands leave behind are found again."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path("weights")
REPRESENTATION = WEIGHTS / "representation.safetensors"
FOUND = "found.json"


def file_with_action(path: Path) -> Path | None:
    """The file itself, or what `grouplearn discover` left in a folder; None where there is none.

    Args:
        path: of a file, of a folder of a run, or of the `found.json` in one.
    """
    inside = (path.parent if path.name == FOUND else path) / REPRESENTATION
    return next((file for file in (inside, path) if file.is_file()), None)
