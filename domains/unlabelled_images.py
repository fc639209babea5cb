"""Images to look at without labels: a picture, a folder of pictures, an array, IDX, a stream."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from jaxtyping import Shaped

from grouplearn._checks import refuse
from grouplearn.domains.cifar import cifar_file
from grouplearn.domains.files import checked_path
from grouplearn.domains.formats import begins_picture
from grouplearn.domains.idx import read_idx
from grouplearn.domains.image_scales import scaled_images
from grouplearn.domains.numpy_files import archived_array, is_npy, numpy_array
from grouplearn.domains.picture_folders import decoded, pictures_below
from grouplearn.domains.pictures import is_picture
from grouplearn.domains.readers.streams import kept_path
from grouplearn.errors import DataError

_WHO = "load_images"
_SIZES = 2


class NamedImages(NamedTuple):
    """Images of one size, each with a name.

    Attributes:
        images: (N, C, H, W), uint8, or floats in [0, 1].
        names: path of a picture below the folder, or number of an image in an array.
    """

    images: Shaped[np.ndarray, "N C H W"]
    names: tuple[str, ...]


def load_images(path: str | Path, channels: int, size: tuple[int, int]) -> NamedImages:
    """Read images for a network that is trained.

    Args:
        path: a picture; a folder with pictures in it, or in folders in it; a .npy file or an
            archive of images (N, H, W) or (N, C, H, W), uint8, whole numbers from 0 to 255 or
            floats in [0, 1]; an IDX file of images, plain or gzip, or a batch of CIFAR; a stream of
            one of these files, or "-" for standard input.
        channels: C: 1 reads pictures as grey, 3 in colour.
        size: H and W.

    Raises:
        DataError: nothing is there, a file is broken or of another kind, or images have another
            size or number of channels; the first is named.
        MissingExtraError: Pillow is absent, and there are pictures; the extra `train` brings it.
    """
    place = kept_path(_WHO, checked_path(_WHO, path))
    if place.is_dir() or is_picture(place) or _is_picture_inside(place):
        files = pictures_below(place)
        if not files:
            _reject(place, "a folder with pictures in it", "none", "see load_images")
        images, _ = decoded(_WHO, place, files, (channels, *size))
        below = place if place.is_dir() else place.parent
        return NamedImages(images, tuple(each.relative_to(below).as_posix() for each in files))
    array = _array(place)
    images, _, moved = scaled_images(_WHO, f"path {str(place)!r}", array, None)
    if moved:
        _reject(place, "images of bytes, or of floats in [0, 1], as those for training are",
                f"others of {array.dtype}", "scale them so")  # fmt: skip
    if images.ndim == _SIZES + 1:
        images = images[:, None]
    if images.shape[1:] != (channels, *size):
        _reject(place, f"images of {_words(channels, size)}", f"shape {images.shape}",
                "resize or convert them")  # fmt: skip
    return NamedImages(images, tuple(map(str, range(len(images)))))


def _array(place: Path) -> np.ndarray:
    if not place.is_file():
        _reject(place, "a picture, a folder, a .npy or an IDX file", "nothing", "check the path")
    if zipfile.is_zipfile(place):
        return archived_array(_WHO, place, None)
    is_numpy = is_npy(place)
    batch = None if is_numpy else cifar_file(place)
    if batch is not None:
        return batch[0]
    return np.asarray(numpy_array(_WHO, place) if is_numpy else read_idx(place))


def _is_picture_inside(place: Path) -> bool:
    """Is a file a picture by its first bytes, whatever its name?"""
    if not place.is_file():
        return False
    with place.open("rb") as stream:
        return begins_picture(stream.read(12))


def _words(channels: int, size: tuple[int, int]) -> str:
    return f"{channels} channel{'s' * (channels > 1)} and {size[0]} x {size[1]} pixels"


def _reject(path: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(path)!r}", expected, got, remedy, DataError)
