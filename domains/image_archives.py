"""Labelled images in an archive of arrays (.npz), under the names that data sets use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouplearn.domains.image_scales import scaled_images
from grouplearn.domains.image_sets import (
    WHO,
    ImageSets,
    LabelledImages,
    checked_images,
    reject,
    whole_labels,
)
from grouplearn.domains.numpy_files import archived_array, archived_names

_TRAIN = (
    ("x_train", "y_train"), ("train_images", "train_labels"), ("X_train", "y_train"),
    ("images", "labels"), ("x", "y"), ("X", "y"),
)  # fmt: skip
_TEST = (("x_test", "y_test"), ("test_images", "test_labels"), ("X_test", "y_test"))
_BYTE = 255


def archived_sets(file: Path, axes: str | None = None) -> ImageSets:
    """Read labelled images from an archive.

    Args:
        file: with x_train and y_train, train_images and train_labels, or images and labels, and
            with x_test and y_test, or test_images and test_labels, or neither.
        axes: of the images, see `scaled_images`; None takes "NHWC" where the last axis is short.

    Raises:
        DataError: it has no such arrays, or they do not fit one another.
    """
    names = archived_names(file)
    train, test = (
        next((pair for pair in some if set(pair) <= set(names)), None) for some in (_TRAIN, _TEST)
    )
    if train is None:
        reject(file, "an archive with x_train and y_train, or images and labels",
               f"arrays {list(names)}", "name them so")  # fmt: skip
    part, notes = _part(file, train, axes)
    others = sorted(set(names) - set(train) - set(test or ()))
    left = [f"not read: {', '.join(others)}"] if others else []
    return ImageSets(part, None if test is None else _part(file, test, axes)[0], (*notes, *left))


def has_image_names(file: Path) -> bool:
    """Has an archive arrays of images and of labels under the names that data sets use?

    Args:
        file: the archive.
    """
    names = set(archived_names(file))
    return any(set(pair) <= names for pair in _TRAIN)


def _part(
    file: Path, names: tuple[str, str], axes: str | None
) -> tuple[LabelledImages, tuple[str, ...]]:
    array, values = (archived_array(WHO, file, name) for name in names)
    if axes is None and array.ndim == 4 and array.shape[-1] in (1, 3) and array.shape[1] > 3:
        axes = "NHWC"
    images, notes, _ = scaled_images(WHO, f"array {names[0]!r}", array, axes)
    if images.dtype != np.uint8:
        images = np.round(images * _BYTE).astype(np.uint8)
        notes = (*notes, "pixels are rounded to 256 levels")
    labels = whole_labels(file, _flat(values))
    classes = tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    shaped = images[:, None] if images.ndim == 3 else images
    return checked_images(file, shaped, labels, classes), notes


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    """Labels (N, 1), as some archives have them, as (N,)."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
