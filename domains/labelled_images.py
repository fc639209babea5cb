"""Reading labelled images: IDX, CIFAR's binary batches and sprites, folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouplearn.domains.files import (
    assert_small,
    checked_path,
    most_bytes,
    refusing_broken_files,
    uncompressed,
)
from grouplearn.domains.idx import read_idx
from grouplearn.domains.image_sets import (
    WHO,
    ImageSets,
    LabelledImages,
    checked_images,
    reject,
    whole_labels,
)
from grouplearn.domains.picture_folders import picture_folders
from grouplearn.domains.pictures import picture_pixels

_SIDE = 32
_PIXELS = 3 * _SIDE**2
_TEST_SPRITES = range(50, 60)


def load_labelled_images(path: str | Path) -> ImageSets:
    """Read a folder of labelled images, of a kind that its content decides.

    - IDX files as of MNIST, plain or gzip: train-images-idx3-ubyte, train-labels-idx1-ubyte and,
      if present, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte;
    - CIFAR10's binary version: data_batch_1.bin and others, test_batch.bin;
    - CIFAR100's binary version: train.bin and test.bin, of which the fine labels are read;
    - sprites of CIFAR10, cifar10_batch_0.png to ..._59.png of 1,000 images each, of which 50 and
      above are the test set, with cifar10_labels.json;
    - a folder for each class, with pictures in it, below train/ and test/ or directly. Pictures
      are turned upright as their EXIF orientation says, transparent ones are put on white, and
      hidden files are left out.

    Args:
        path: the folder.

    Returns:
        The images; those for testing are None where there are none.

    Raises:
        DataError: the folder is missing, of no known kind, a file is broken, the numbers of images
            and labels differ, pictures have several sizes, or the files are CIFAR10's pickled
            version, which could run code.
        MissingExtraError: Pillow is absent, and there are pictures; the extra `train` brings it.

    References:
        Krizhevsky, 2009, Learning multiple layers of features from tiny images.
        LeCun, Cortes and Burges, 1998, the MNIST database.
    """
    folder = checked_path(WHO, path)
    with refusing_broken_files(WHO, folder):
        if not folder.is_dir():
            reject(folder, "a folder", "a file" if folder.exists() else "nothing", "pass a folder")
        names = {entry.name for entry in folder.iterdir()}
    if any("-images-idx3-" in name or "-images.idx3-" in name for name in names):
        return _idx_sets(folder)
    if "cifar10_labels.json" in names:
        return _sprites(folder)
    if any(name.startswith("data_batch_") and name.endswith(".bin") for name in names):
        return _binary_batches(folder, sorted(folder.glob("data_batch_*.bin")), "test_batch.bin", 1)
    if "fine_label_names.txt" in names and "train.bin" in names:
        return _binary_batches(folder, [folder / "train.bin"], "test.bin", 2)
    if "data_batch_1" in names:
        reject(folder, "CIFAR10's binary version", "its pickled version, which could run code",
                "download cifar-10-binary.tar.gz")  # fmt: skip
    return picture_folders(folder)


def _idx_sets(folder: Path) -> ImageSets:
    train = _idx_pair(folder, "train")
    if train is None:
        reject(folder, "with train-images-idx3-ubyte", "none", "download the training images")
    return ImageSets(train, _idx_pair(folder, "t10k"))


def _idx_pair(folder: Path, part: str) -> LabelledImages | None:
    found: list[NDArray[Any]] = []
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{part}-{kind}-ubyte"
        known = (name, name.replace("-idx", ".idx"))  # Kaggle writes the point
        files = (folder / f"{each}{packed}" for each in known for packed in ("", ".gz"))
        file = next((each for each in files if each.is_file()), None)
        if file is None:
            if not found:
                return None
            reject(folder, f"with {name}, as it has the images", "none", "download the labels")
        values = read_idx(file)
        found.append(values if "images" in kind else whole_labels(file, values))
    images, labels = found
    if images.ndim != 3 or images.dtype != np.uint8:
        reject(folder, "with images of three axes, uint8",
               f"{images.ndim} axes of {images.dtype}", "download them again")  # fmt: skip
    names = tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    return checked_images(folder, images[:, None], labels, names)


def _binary_batches(folder: Path, train: Sequence[Path], test: str, labels: int) -> ImageSets:
    """CIFAR's batches; the last of the labels before each image is that of its class."""
    names = _names(folder / ("batches.meta.txt" if labels == 1 else "fine_label_names.txt"))

    def read(files: Sequence[Path]) -> LabelledImages:
        rows = np.concatenate([_records(file, labels + _PIXELS) for file in files])
        images = rows[:, labels:].reshape(-1, 3, _SIDE, _SIDE)
        return checked_images(folder, images, rows[:, labels - 1].astype(np.int64), names)

    return ImageSets(read(train), read([folder / test]) if (folder / test).is_file() else None)


def _records(file: Path, size: int) -> NDArray[np.uint8]:
    with refusing_broken_files(WHO, file), uncompressed(file) as stream:
        content = stream.read(most_bytes() + 1)
    assert_small(WHO, file, len(content))
    if not content or len(content) % size:
        reject(file, f"a multiple of {size} bytes", f"{len(content)}",
               "the file is truncated, download it again")  # fmt: skip
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def _names(file: Path) -> tuple[str, ...]:
    """The names of the classes, one a line; ten numbers where there is no such file."""
    if not file.is_file():
        return tuple(map(str, range(10)))
    text = file.read_text(encoding="utf-8", errors="replace")
    return tuple(line for line in text.splitlines() if line)


def _sprites(folder: Path) -> ImageSets:
    file = folder / "cifar10_labels.json"
    with refusing_broken_files(WHO, file):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            told = None
    if not isinstance(told, list):
        reject(file, "a JSON list of numbers", "something else", "download it again")
    every = whole_labels(file, told)
    parts: dict[bool, list[tuple[int, Any]]] = {False: [], True: []}
    for sprite in folder.glob("cifar10_batch_*.png"):
        part = sprite.stem.rpartition("_")[2]
        if not part.isdecimal():
            reject(sprite, "named cifar10_batch_ and a number", sprite.name, "rename it")
        number = int(part)
        parts[number in _TEST_SPRITES].append((number, sprite))
    if not parts[False]:
        reject(folder, "with cifar10_batch_0.png or others", "none", "download them")

    def read(batches: list[tuple[int, Any]]) -> LabelledImages:
        images, labels = [], []
        for number, sprite in sorted(batches):
            pixels = picture_pixels(WHO, sprite, "RGB")
            if pixels.size != 1000 * _PIXELS:
                reject(sprite, "a sprite of 1,000 images", f"{pixels.shape}", "download it again")
            images.append(pixels.reshape(1000, _SIDE, _SIDE, 3).transpose(0, 3, 1, 2))
            labels.append(every[1000 * number : 1000 * (number + 1)])
        names = tuple(map(str, range(10)))
        return checked_images(folder, np.concatenate(images), np.concatenate(labels), names)

    return ImageSets(read(parts[False]), read(parts[True]) if parts[True] else None)


__all__ = ["ImageSets", "LabelledImages", "load_labelled_images"]
