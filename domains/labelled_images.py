"""Reading labelled images: IDX, CIFAR's binary batches and sprites, folders of pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Int, UInt8
from numpy.typing import NDArray

from grouplearn._checks import optional_import, refuse
from grouplearn.domains.files import checked_path, refusing_broken_files, uncompressed
from grouplearn.domains.idx import read_idx
from grouplearn.errors import DataError

_WHO = "load_labelled_images"
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
_RECORD = 1 + 3 * 32 * 32
_SIDE = 32
_TEST_SPRITES = range(50, 60)


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
    """

    train: LabelledImages
    test: LabelledImages | None


def load_labelled_images(path: str | Path) -> ImageSets:
    """Read a folder of labelled images, of a kind that its content decides.

    - IDX files as of MNIST, plain or gzip: train-images-idx3-ubyte, train-labels-idx1-ubyte and,
      if present, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte;
    - CIFAR10's binary version: data_batch_1.bin and others, test_batch.bin;
    - sprites of CIFAR10, cifar10_batch_0.png to ..._59.png of 1,000 images each, of which 50 and
      above are the test set, with cifar10_labels.json;
    - a folder for each class, with pictures in it, below train/ and test/ or directly.

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
    folder = checked_path(_WHO, path)
    if not folder.is_dir():
        _reject(folder, "a folder", "a file" if folder.exists() else "nothing", "pass a folder")
    names = {entry.name for entry in folder.iterdir()}
    if any("-images-idx3-" in name for name in names):
        return _idx_sets(folder)
    if "cifar10_labels.json" in names:
        return _sprites(folder)
    if any(name.startswith("data_batch_") and name.endswith(".bin") for name in names):
        return _binary_batches(folder)
    if "data_batch_1" in names:
        _reject(folder, "CIFAR10's binary version", "its pickled version, which could run code",
                "download cifar-10-binary.tar.gz")  # fmt: skip
    return _picture_folders(folder)


def _idx_sets(folder: Path) -> ImageSets:
    train = _idx_pair(folder, "train")
    if train is None:
        _reject(folder, "with train-images-idx3-ubyte", "none", "download the training images")
    return ImageSets(train, _idx_pair(folder, "t10k"))


def _idx_pair(folder: Path, part: str) -> LabelledImages | None:
    found: list[NDArray[Any]] = []
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{part}-{kind}-ubyte"
        file = next((folder / f for f in (name, f"{name}.gz") if (folder / f).is_file()), None)
        if file is None:
            if not found:
                return None
            _reject(folder, f"with {name}, as it has the images", "none", "download the labels")
        found.append(read_idx(file))
    images, labels = found
    if images.ndim != 3 or images.dtype != np.uint8 or labels.ndim != 1:
        _reject(folder, "images of three axes and labels of one, uint8",
                f"{images.ndim} and {labels.ndim} axes", "download them again")  # fmt: skip
    names = tuple(map(str, range(int(labels.max(initial=0)) + 1)))
    return _checked(folder, images[:, None], labels.astype(np.int64), names)


def _binary_batches(folder: Path) -> ImageSets:
    def read(files: Iterable[Path]) -> LabelledImages:
        records = [_records(file) for file in files]
        rows = np.concatenate(records)
        images = rows[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
        return _checked(folder, images, rows[:, 0].astype(np.int64), _names(folder))

    train = read(sorted(folder.glob("data_batch_*.bin")))
    test = folder / "test_batch.bin"
    return ImageSets(train, read([test]) if test.is_file() else None)


def _records(file: Path) -> NDArray[np.uint8]:
    with refusing_broken_files(_WHO, file), uncompressed(file) as stream:
        content = stream.read()
    if not content or len(content) % _RECORD:
        _reject(file, f"a multiple of {_RECORD} bytes", f"{len(content)}",
                "the file is truncated, download it again")  # fmt: skip
    return np.frombuffer(content, np.uint8).reshape(-1, _RECORD)


def _names(folder: Path) -> tuple[str, ...]:
    file = folder / "batches.meta.txt"
    if file.is_file():
        text = file.read_text(encoding="utf-8", errors="replace")
        return tuple(line for line in text.splitlines() if line)
    return tuple(map(str, range(10)))


def _sprites(folder: Path) -> ImageSets:
    file = folder / "cifar10_labels.json"
    with refusing_broken_files(_WHO, file):
        try:
            every = np.array(json.loads(file.read_text(encoding="utf-8")), dtype=np.int64)
        except (ValueError, TypeError):
            _reject(file, "a JSON list of numbers", "something else", "download it again")
    parts: dict[bool, list[tuple[int, Any]]] = {False: [], True: []}
    for sprite in folder.glob("cifar10_batch_*.png"):
        part = sprite.stem.rpartition("_")[2]
        if not part.isdecimal():
            _reject(sprite, "named cifar10_batch_ and a number", sprite.name, "rename it")
        number = int(part)
        parts[number in _TEST_SPRITES].append((number, sprite))
    if not parts[False]:
        _reject(folder, "with cifar10_batch_0.png or others", "none", "download them")

    def read(batches: list[tuple[int, Any]]) -> LabelledImages:
        images, labels = [], []
        for number, sprite in sorted(batches):
            pixels = _picture(sprite, "RGB")
            if pixels.size != 1000 * 3 * _SIDE**2:
                _reject(sprite, "a sprite of 1,000 images", f"{pixels.shape}", "download it again")
            images.append(pixels.reshape(1000, _SIDE, _SIDE, 3).transpose(0, 3, 1, 2))
            labels.append(every[1000 * number : 1000 * (number + 1)])
        names = tuple(map(str, range(10)))
        return _checked(folder, np.concatenate(images), np.concatenate(labels), names)

    return ImageSets(read(parts[False]), read(parts[True]) if parts[True] else None)


def _picture_folders(folder: Path) -> ImageSets:
    if (folder / "train").is_dir():
        train = _classes(folder / "train", None)
        test = folder / "test"
        return ImageSets(train, _classes(test, train) if test.is_dir() else None)
    return ImageSets(_classes(folder, None), None)


def _classes(folder: Path, like: LabelledImages | None) -> LabelledImages:
    """Pictures below one folder for each class; grey where all of them, or those of `like`, are."""
    held = {
        each.name: [f for f in sorted(each.iterdir()) if f.suffix.lower() in _PICTURES]
        for each in sorted(folder.iterdir())
        if each.is_dir() and not each.name.startswith(".")
    }
    names = tuple(name for name in held if held[name])
    files = [(file, number) for number, name in enumerate(names) for file in held[name]]
    known = None if like is None else like.names
    if not files:
        _reject(folder, "with IDX files, CIFAR10 batches, or a folder of pictures for each class",
                "none of these", "see load_labelled_images")  # fmt: skip
    if known is not None and not set(names) <= set(known):
        _reject(folder, f"of the classes {', '.join(known)}", ", ".join(names),
                "name the folders as those in train")  # fmt: skip
    grey = {_is_grey(file) for file, _ in files} == {True}
    if like is not None:
        grey = like.images.shape[1] == 1
    pictures = [_picture(file, "L" if grey else "RGB") for file, _ in files]
    size = pictures[0].shape[:2] if like is None else like.images.shape[2:]
    for (file, _), picture in zip(files, pictures, strict=True):
        if picture.shape[:2] != size:
            _reject(file, f"of the size of the first picture, {size}", f"{picture.shape[:2]}",
                    "resize the pictures")  # fmt: skip
    images = np.stack(pictures)
    images = images[:, None] if grey else images.transpose(0, 3, 1, 2)
    numbers = [number for _, number in files]
    if known is not None:
        numbers = [known.index(names[number]) for number in numbers]
    return _checked(folder, images, np.array(numbers, dtype=np.int64), known or names)


def _opened(file: Path, use: Callable[[Any], Any]) -> Any:
    image = optional_import("PIL.Image", "train")
    with refusing_broken_files(_WHO, file):
        content = file.read_bytes()
    try:
        with image.open(io.BytesIO(content)) as picture:
            return use(picture)
    except (OSError, SyntaxError, ValueError) as problem:
        _reject(file, "a whole picture", f"a broken one ({problem})", "save it again")


def _is_grey(file: Path) -> bool:
    mode = str(_opened(file, lambda picture: picture.mode))
    if mode[0] in "IF":
        _reject(file, "of 8 bits for each channel", f"mode {mode}", "convert it")
    return mode in ("L", "1", "LA")


def _picture(file: Path, mode: str) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = _opened(file, lambda picture: np.asarray(picture.convert(mode)))
    return pixels


def _checked(
    folder: Path, images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]
) -> LabelledImages:
    if len(images) != len(labels):
        _reject(folder, f"a label for each of {len(images)} images", f"{len(labels)} labels",
                "download it again")  # fmt: skip
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        _reject(folder, f"with labels from 0 to {len(names) - 1}", f"{labels.max()}",
                "renumber them")  # fmt: skip
    return LabelledImages(np.ascontiguousarray(images), labels, names)


def _reject(path: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(_WHO, f"path {str(path)!r}", expected, got, remedy, DataError)
