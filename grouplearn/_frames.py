"""The frames in which notebooks show groups, representations, findings and choices.

Objects of the lower layers ask here for their HTML; what draws it stands above them and is named by
the package itself, so that no layer imports one above it. See docs/explanation/decisions.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_drawn_by: list[Callable[[Any], str]] = []


def draw_frames_with(draw: Callable[[Any], str]) -> None:
    """Say what makes HTML of an object.

    Args:
        draw: called with the object when a notebook shows it.
    """
    _drawn_by[:] = [draw]


def frame_of(shown: object) -> str | None:
    """The HTML of an object, or None where nothing draws it: a notebook then shows its text.

    Args:
        shown: the object.
    """
    return _drawn_by[0](shown) if _drawn_by else None
