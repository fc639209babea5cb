"""A picture as it stands in a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import ClassVar, final

from grouplearn._checks import refuse

_START = b"\x89PNG\r\n\x1a\n"
_DOTS = 150 / 96  # of a PNG that `grouplearn.plots.png` draws, for each pixel of a page


@final
@dataclass(frozen=True)
class Picture:
    """A PNG picture.

    Args:
        png: the file's bytes.
        alt: what it shows, for those who cannot see it.
        caption: a sentence below it.

    Raises:
        InputError: the bytes are not those of a PNG file.
    """

    png: bytes
    alt: str
    caption: str = ""

    kind: ClassVar[str] = "picture"

    def __post_init__(self) -> None:
        """Check the file's first bytes."""
        if not self.png.startswith(_START):
            refuse(
                "Picture", "png", "the bytes of a PNG file", f"{self.png[:8]!r}...",
                "draw it with grouplearn.plots.png(figure)",
            )  # fmt: skip

    @property
    def base64(self) -> str:
        """The file's bytes as text."""
        return base64.b64encode(self.png).decode("ascii")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on a page, in pixels of the page."""
        width, height = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return max(1, round(width / _DOTS)), max(1, round(height / _DOTS))
