"""Real data from the folder that a benchmark is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grouplearn.domains.idx import load_idx_images

Images = NDArray[np.uint8]


def digits(folder: Path, name: str = "mnist") -> Images:
    """The 60,000 training images of MNIST or Fashion-MNIST."""
    return np.asarray(load_idx_images(folder / name / "train-images-idx3-ubyte.gz"))


def cifar(folder: Path) -> NDArray[np.float32]:
    """The first 20,000 training images of CIFAR10 in grey (ITU-R BT.601), in [0, 1]."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32) / 255
    parts = [
        np.asarray(Image.open(folder / "cifar10" / f"cifar10_batch_{k}.png"))
        .reshape(1000, 32, 32, 3) @ weights
        for k in range(20)
    ]  # fmt: skip
    return np.asarray(np.concatenate(parts), dtype=np.float32)
