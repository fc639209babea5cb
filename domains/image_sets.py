"""Labelled images in memory: what every reader of them returns, and the checks they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Int, UInt8
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.errors import DataError

WHO = "load_labelled_images"
_MOST_CLASSES = 1 << 16


class LabelledImages(NamedTuple):
    """Images of one size, with the number of the class of each.

    Attributes:
        images: (N, C, H, W), uint8.
        labels: (N,), int64, from 0.
        names: of the classes, by number.
    """

    images: UInt8[np.ndarray, "N C H W"]
    labels: Int[np.ndarray, " N"]
    names: tuple[str, ...]


class ImageSets(NamedTuple):
    """What a folder holds: images to train on, and others to test with.

    Attributes:
        train: to learn from.
        test: to judge by; None where the folder has none.
        notes: what was left out or changed, in words.
    """

    train: LabelledImages
    test: LabelledImages | None
    notes: tuple[str, ...] = ()


def whole_labels(path: Path, values: Any) -> NDArray[np.int64]:
    """Return labels as integers, if that is what they are.

    Args:
        path: that holds them, for the error.
        values: as they were read.

    Raises:
        DataError: one is no integer from 0 to 65,535; it is named.
    """
    try:
        labels = np.asarray(values)
    except ValueError:  # lists of several lengths
        labels = np.asarray(None)
    if labels.ndim != 1 or labels.dtype.kind not in "iuf":
        reject(path, "with labels of one axis", f"shape {labels.shape} of {labels.dtype}",
               "number the classes from 0")  # fmt: skip
    wrong = ~((labels >= 0) & (labels < _MOST_CLASSES))
    if labels.dtype.kind == "f":
        wrong |= np.floor(labels) != labels
    if wrong.any():
        place = int(np.argmax(wrong))
        reject(path, f"with labels that are integers from 0 to {_MOST_CLASSES - 1}",
               f"{labels[place]} as label {place}", "number the classes from 0")  # fmt: skip
    return labels.astype(np.int64)


def checked_images(
    path: Path, images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]
) -> LabelledImages:
    """Return images with their labels, if they fit one another.

    Args:
        path: that holds them, for the error.
        images: (N, C, H, W).
        labels: (N,).
        names: of the classes.

    Raises:
        DataError: their numbers differ, or a label has no name; it is named.
    """
    if len(images) != len(labels):
        reject(path, f"a label for each of {len(images)} images", f"{len(labels)} labels",
               "download it again")  # fmt: skip
    wrong = labels[(labels < 0) | (labels >= len(names))]
    if len(wrong):
        reject(path, f"with labels from 0 to {len(names) - 1}", f"{wrong[0]}", "renumber them")
    return LabelledImages(np.ascontiguousarray(images), labels, names)


def reject(path: Path, expected: str, got: str, remedy: str) -> NoReturn:
    """Refuse a file or folder of labelled images."""
    refuse(WHO, f"path {str(path)!r}", expected, got, remedy, DataError)
