"""CIFAR's binary batches: records of one or two labels and an image of 3 x 32 x 32 bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grouplearn.domains.files import assert_small

SIDE = 32
PIXELS = 3 * SIDE**2
CLASSES = {1: (10,), 2: (20, 100)}
"""How many classes each label of a record has, by the number of labels; the last one counts."""


def cifar_labels(file: Path) -> int | None:
    """Return how many labels a record has: 1 of CIFAR-10, 2 of CIFAR-100; None of other files.

    A file is one of these when it holds whole records, all labels of which are classes.

    Args:
        file: that exists.
    """
    size = file.stat().st_size
    for labels, classes in CLASSES.items():
        if size and size % (labels + PIXELS) == 0:
            records = np.memmap(file, np.uint8, "r").reshape(-1, labels + PIXELS)
            if all(int(records[:, k].max()) < count for k, count in enumerate(classes)):
                return labels
    return None


def cifar_file(
    file: Path,
) -> tuple[UInt8[np.ndarray, "N 3 32 32"], UInt8[np.ndarray, "N labels"]] | None:
    """Return the images and the labels of a binary batch; None of other files.

    Args:
        file: that exists.

    Raises:
        DataError: it holds more than one data set may.
    """
    labels = cifar_labels(file)
    if labels is None:
        return None
    assert_small("load_labelled_images", file, file.stat().st_size)
    records = np.fromfile(file, np.uint8).reshape(-1, labels + PIXELS)
    return records[:, labels:].reshape(-1, 3, SIDE, SIDE), records[:, :labels]
