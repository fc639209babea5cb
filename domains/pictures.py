"""Opening pictures with Pillow: raster formats alone, upright, what is transparent on white."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.files import refusing_broken_files
from grouplearn.errors import DataError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
)
GREY = ("L", "1", "LA", "La")
"""Modes of one channel, transparency aside."""
_ORIENTATION = 0x0112
_TIFF_SIZE = (256, 257)
_LYING = range(5, 9)  # orientations in which rows and columns change places


@final
@dataclass(frozen=True)
class PictureSize:
    """What the head of a picture says, before it is decoded.

    Attributes:
        height: in pixels, when upright.
        width: in pixels, when upright.
        grey: has it one channel, transparency aside?
        transparent: may some of it be?
    """

    height: int
    width: int
    grey: bool
    transparent: bool


def is_picture(file: Path) -> bool:
    """Does its name say that a file is a picture? Hidden ones, such as `._x.png`, are none."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def picture_size(who: str, file: Path) -> PictureSize:
    """Read the head of a picture.

    Args:
        who: asks, for the error.
        file: the picture.

    Raises:
        DataError: it is missing, broken, of another format, or has more than 8 bits a channel.
        MissingExtraError: Pillow is absent; the extra `train` brings it.
    """

    def head(picture: Any) -> PictureSize:
        if picture.mode[0] in "IF":
            _reject(who, file, "of 8 bits for each channel", f"mode {picture.mode}", "convert it")
        width, height = picture.size
        if picture.format == "TIFF":  # some versions of Pillow say the upright size, some do not
            width, height = (picture.tag_v2[tag] for tag in _TIFF_SIZE)
        # The head of a PNG may lack it, and Pillow would decode all to look for it behind.
        told = picture.format != "PNG" or "exif" in picture.info
        lying = told and picture.getexif().get(_ORIENTATION) in _LYING
        grey = picture.mode in GREY
        size = (width, height) if lying else (height, width)
        return PictureSize(*size, grey, is_transparent(picture))

    return _opened(who, file, head)


def picture_pixels(who: str, file: Path, mode: str) -> NDArray[np.uint8]:
    """Decode a picture: upright as its EXIF orientation says, and on white.

    Args:
        who: asks, for the error.
        file: the picture.
        mode: "L" for grey, or "RGB".

    Returns:
        (H, W), or (H, W, 3).

    Raises:
        DataError: as `picture_size`, or it is cut.
        MissingExtraError: Pillow is absent; the extra `train` brings it.
    """
    return _opened(who, file, lambda picture: upright_pixels(picture, mode))


def upright_pixels(picture: Any, mode: str) -> NDArray[np.uint8]:
    """Return the pixels of a picture that Pillow has opened: upright and on white.

    Args:
        picture: a `PIL.Image.Image`.
        mode: "L" for grey, or "RGB".

    Returns:
        (H, W), or (H, W, 3).
    """
    image = optional_import("PIL.Image", "train")
    turned = optional_import("PIL.ImageOps", "train").exif_transpose(picture)
    if is_transparent(turned):
        seen = turned.convert("RGBA")
        turned = image.new("RGBA", seen.size, "white")
        turned.alpha_composite(seen)
    return np.asarray(turned.convert(mode))


def is_transparent(picture: Any) -> bool:
    """May some of a picture be transparent?"""
    return picture.mode[-1] in "Aa" or "transparency" in picture.info


def _opened(who: str, file: Path, use: Callable[[Any], Any]) -> Any:
    image = optional_import("PIL.Image", "train")
    known = ", ".join(FORMATS)
    with refusing_broken_files(who, file), file.open("rb") as stream:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with image.open(stream, formats=FORMATS) as picture:
                    return use(picture)
        except DataError:
            raise
        except image.DecompressionBombError:
            most = 2 * image.MAX_IMAGE_PIXELS
            _reject(who, file, f"a picture of at most {most:,} pixels", "a larger one", "shrink it")
        except image.UnidentifiedImageError:
            _reject(who, file, f"a whole picture ({known})", "another format, or a broken one",
                    "convert it")  # fmt: skip
        except Exception as problem:  # decoders fail in many ways
            _reject(who, file, "a whole picture", f"a broken one ({problem})", "save it again")


def _reject(who: str, file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(who, f"path {str(file)!r}", expected, got, remedy, DataError)
