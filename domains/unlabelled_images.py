"""Images to look at without labels: a picture, a folder of pictures, an array, an IDX file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from jaxtyping import UInt8

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small, checked_path
from grouplearn.domains.idx import read_idx
from grouplearn.domains.numpy_files import numpy_array
from grouplearn.domains.pictures import is_picture, picture_pixels, picture_size
from grouplearn.errors import DataError

_WHO = "load_images"
_SIZES = 2


class NamedImages(NamedTuple):
    """Images of one size, each with a name.

    Attributes:
        images: (N, C, H, W), uint8.
        names: path of a picture below the folder, or number of an image in an array.
    """

    images: UInt8[np.ndarray, "N C H W"]
    names: tuple[str, ...]


def load_images(path: str | Path, channels: int, size: tuple[int, int]) -> NamedImages:
    """Read images for a network that is trained.

    Args:
        path: a picture; a folder with pictures in it, or in folders in it; a .npy file of uint8
            images (N, H, W) or (N, C, H, W); or an IDX file of images, plain or gzip.
        channels: C: 1 reads pictures as grey, 3 in colour.
        size: H and W.

    Raises:
        DataError: nothing is there, a file is broken or of another kind, or images have another
            size or number of channels; the first is named.
        MissingExtraError: Pillow is absent, and there are pictures; the extra `train` brings it.
    """
    place = checked_path(_WHO, path)
    if place.is_dir():
        files = sorted(
            each for each in place.rglob("*")
            if is_picture(each) and not any(
                part.startswith(".") for part in each.relative_to(place).parts
            )
        )  # fmt: skip
        if not files:
            _reject(place, "a folder with pictures in it", "none", "see load_images")
        names = tuple(each.relative_to(place).as_posix() for each in files)
        return NamedImages(_pictures(place, files, channels, size), names)
    if is_picture(place):
        return NamedImages(_pictures(place, [place], channels, size), (place.name,))
    images = _array(place)
    if images.ndim == _SIZES + 1:
        images = images[:, None]
    if images.ndim != _SIZES + 2 or images.dtype != np.uint8:
        _reject(place, "images (N, H, W) or (N, C, H, W), uint8",
                f"shape {images.shape} of {images.dtype}", "convert them")  # fmt: skip
    if images.shape[1:] != (channels, *size):
        _reject(place, f"images of {_words(channels, size)}", f"shape {images.shape}",
                "resize or convert them")  # fmt: skip
    return NamedImages(images, tuple(map(str, range(len(images)))))


def _array(place: Path) -> np.ndarray:
    if not place.is_file():
        _reject(place, "a picture, a folder, a .npy or an IDX file", "nothing", "check the path")
    with place.open("rb") as stream:
        is_numpy = stream.read(6) == b"\x93NUMPY"
    return np.asarray(numpy_array(_WHO, place) if is_numpy else read_idx(place))


def _pictures(
    place: Path, files: list[Path], channels: int, size: tuple[int, int]
) -> UInt8[np.ndarray, "N C H W"]:
    for file in files:
        found = picture_size(_WHO, file)
        if (found.height, found.width) != size:
            _reject(file, f"of {size[0]} x {size[1]} pixels", f"{found.height} x {found.width}",
                    "resize it")  # fmt: skip
    assert_small(_WHO, place, len(files) * channels * size[0] * size[1])
    mode = "L" if channels == 1 else "RGB"
    pixels = [picture_pixels(_WHO, file, mode).reshape(*size, -1) for file in files]
    return np.stack(pixels).transpose(0, 3, 1, 2)


def _words(channels: int, size: tuple[int, int]) -> str:
    return f"{channels} channel{'s' * (channels > 1)} and {size[0]} x {size[1]} pixels"


def _reject(path: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(path)!r}", expected, got, remedy, DataError)
