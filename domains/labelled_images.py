"""Reading labelled images: IDX, CIFAR's batches and sprites, pictures, archives of arrays."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grouplearn.domains.cifar import CLASSES, PIXELS, SIDE
from grouplearn.domains.files import (
    checked_path,
    content_of,
    refusing_broken_files,
)
from grouplearn.domains.idx import read_idx
from grouplearn.domains.idx_names import IdxFiles, holding_folder, idx_files, is_images
from grouplearn.domains.image_archives import archived_sets
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

_TEST_SPRITES = range(50, 60)


def load_labelled_images(path: str | Path) -> ImageSets:
    """Read labelled images, of a kind that the content decides.

    - IDX files as of MNIST, plain or gzip: train-images-idx3-ubyte, train-labels-idx1-ubyte and,
      if present, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte; with a point for a hyphen, a
      name before as EMNIST and QMNIST have it, or below MNIST/raw; or one file of images, with
      that of its labels beside it;
    - CIFAR10's binary version: data_batch_1.bin and others, test_batch.bin;
    - CIFAR100's binary version: train.bin and test.bin, of which the fine labels are read;
    - an archive (.npz) with x_train and y_train, train_images and train_labels, or images and
      labels, and with those for testing or without;
    - sprites of CIFAR10, cifar10_batch_0.png to ..._59.png of 1,000 images each, of which 50 and
      above are the test set, with cifar10_labels.json;
    - a folder for each class, with pictures in it, below train/ and test/ or directly. Pictures
      are turned upright as their EXIF orientation says, transparent ones are put on white, and
      hidden files are left out.

    Args:
        path: the folder, the archive, or a file of images.

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
            return _of_file(folder)
        folder = holding_folder(folder)
        names = {entry.name for entry in folder.iterdir()}
    if any(map(is_images, names)):
        return _idx_sets(folder, names)
    if "cifar10_labels.json" in names:
        return _sprites(folder)
    if any(name.startswith("data_batch_") and name.endswith(".bin") for name in names):
        return _binary_batches(folder, sorted(folder.glob("data_batch_*.bin")), "test_batch.bin", 1)
    if _is_cifar100(names):
        return _binary_batches(folder, [folder / "train.bin"], "test.bin", 2)
    if "data_batch_1" in names:
        reject(folder, "CIFAR10's binary version", "its pickled version, which could run code",
                "download cifar-10-binary.tar.gz")  # fmt: skip
    return picture_folders(folder)


def data_set_form(folder: Path) -> str | None:
    """Say which labelled data set a folder holds by the names in it; None of others, and pictures.

    Args:
        folder: that exists.
    """
    place = holding_folder(folder)
    names = {entry.name for entry in place.iterdir()}
    sets = list(idx_files(names).values())
    if len(sets) == 1 and "train" in sets[0] and all(sets[0]["train"]):
        return "IDX by the names in the folder"
    if "cifar10_labels.json" in names:
        return "sprites of CIFAR-10"
    if _is_cifar100(names):
        return "CIFAR-100's binary version"
    batches = any(name.startswith("data_batch_") for name in names)
    return "CIFAR-10's binary version" if batches else None


def _is_cifar100(names: Set[str]) -> bool:
    """Are these names of the files of CIFAR-100's binary version?"""
    return "train.bin" in names and not names.isdisjoint(("fine_label_names.txt", "test.bin"))


def _of_file(file: Path) -> ImageSets:
    """An archive of arrays, or a file of images with that of its labels beside it."""
    if not file.exists():
        reject(file, "a folder or a file of labelled images", "nothing", "check the path")
    if zipfile.is_zipfile(file):
        return archived_sets(file)
    if not is_images(file.name):
        reject(file, "a folder of labelled images, an archive (.npz) or a file of images in IDX",
               "another file", "see load_labelled_images")  # fmt: skip
    part, files = _beside(file)
    return ImageSets(_idx_pair(file.parent, files, part), None)


def has_labels_beside(file: Path) -> bool:
    """Does the file of labels stand beside one of images, as their names say?

    Args:
        file: that exists.
    """
    return is_images(file.name) and bool(_beside(file)[1].labels)


def _beside(file: Path) -> tuple[str, IdxFiles]:
    """The purpose of a file of images, and that file with those of its labels."""
    ((part,),) = idx_files([file.name]).values()
    every = idx_files(each.name for each in file.parent.iterdir())
    found = next(
        some[part] for some in every.values() if part in some and file.name in some[part].images
    )
    return part, IdxFiles((file.name,), found.labels)


def _idx_sets(folder: Path, names: Iterable[str]) -> ImageSets:
    every = idx_files(names)
    with_images = [one for one in every if any(files.images for files in every[one].values())]
    if len(with_images) > 1:
        shown = ", ".join(each or "one without a name" for each in with_images)
        reject(folder, "with one data set", shown, "pass the file of its images")
    parts = every[with_images[0]]
    if "train" not in parts or not parts["train"].images:
        reject(folder, "with train-images-idx3-ubyte", "none", "download the training images")
    test = parts.get("test", IdxFiles((), ()))
    return ImageSets(
        _idx_pair(folder, parts["train"], "train"),
        _idx_pair(folder, test, "t10k") if test.images else None,
    )


def _idx_pair(folder: Path, files: IdxFiles, part: str) -> LabelledImages:
    if not files.labels:
        reject(folder, f"with {part}-labels-idx1-ubyte, as it has the images", "none",
               "download the labels")  # fmt: skip
    images, values = (read_idx(folder / some[0]) for some in files)
    if values.ndim == 2 and "idx2" in files.labels[0]:
        values = values[:, 0]  # as QMNIST has it: the class, then who wrote it
    labels = whole_labels(folder / files.labels[0], values)
    if images.ndim not in (3, 4) or images.dtype != np.uint8:
        reject(folder, "with images of three axes, uint8",
               f"{images.ndim} axes of {images.dtype}", "download them again")  # fmt: skip
    names = tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    return checked_images(folder, images[:, None] if images.ndim == 3 else images, labels, names)


def _binary_batches(folder: Path, train: Sequence[Path], test: str, labels: int) -> ImageSets:
    """CIFAR's batches; the last of the labels before each image is that of its class."""
    known = "batches.meta.txt" if labels == 1 else "fine_label_names.txt"
    names = _names(folder / known, CLASSES[labels][-1])

    def read(files: Sequence[Path]) -> LabelledImages:
        rows = np.concatenate([_records(file, labels + PIXELS) for file in files])
        images = rows[:, labels:].reshape(-1, 3, SIDE, SIDE)
        return checked_images(folder, images, rows[:, labels - 1].astype(np.int64), names)

    return ImageSets(read(train), read([folder / test]) if (folder / test).is_file() else None)


def _records(file: Path, size: int) -> NDArray[np.uint8]:
    content = content_of(WHO, file)
    if not content or len(content) % size:
        reject(file, f"a multiple of {size} bytes", f"{len(content)}",
               "the file is truncated, download it again")  # fmt: skip
    return np.frombuffer(content, np.uint8).reshape(-1, size)


def _names(file: Path, count: int) -> tuple[str, ...]:
    """The names of the classes, one a line; numbers where there is no such file."""
    if not file.is_file():
        return tuple(map(str, range(count)))
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
            if pixels.size != 1000 * PIXELS:
                reject(sprite, "a sprite of 1,000 images", f"{pixels.shape}", "download it again")
            images.append(pixels.reshape(1000, SIDE, SIDE, 3).transpose(0, 3, 1, 2))
            labels.append(every[1000 * number : 1000 * (number + 1)])
        names = tuple(map(str, range(10)))
        return checked_images(folder, np.concatenate(images), np.concatenate(labels), names)

    return ImageSets(read(parts[False]), read(parts[True]) if parts[True] else None)


__all__ = ["ImageSets", "LabelledImages", "load_labelled_images"]
