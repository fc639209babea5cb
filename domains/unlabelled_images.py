"""Images to look at without labels: a picture, a folder of pictures, an array, an IDX file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from jaxtyping import UInt8

from grouplearn._checks import refuse
from grouplearn.domains.files import checked_path
from grouplearn.domains.idx import read_idx
from grouplearn.domains.numpy_files import NPY_MAGIC, numpy_array
from grouplearn.domains.picture_folders import decoded, pictures_below
from grouplearn.domains.pictures import is_picture
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
    if place.is_dir() or is_picture(place):
        files = pictures_below(place)
        if not files:
            _reject(place, "a folder with pictures in it", "none", "see load_images")
        images, _ = decoded(_WHO, place, files, (channels, *size))
        below = place if place.is_dir() else place.parent
        return NamedImages(images, tuple(each.relative_to(below).as_posix() for each in files))
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
        is_numpy = stream.read(6) == NPY_MAGIC
    return np.asarray(numpy_array(_WHO, place) if is_numpy else read_idx(place))


def _words(channels: int, size: tuple[int, int]) -> str:
    return f"{channels} channel{'s' * (channels > 1)} and {size[0]} x {size[1]} pixels"


def _reject(path: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(path)!r}", expected, got, remedy, DataError)
