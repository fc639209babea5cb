"""Labelled images as pictures: a folder for each class, below train/ and test/ or directly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small
from grouplearn.domains.image_sets import (
    WHO,
    ImageSets,
    LabelledImages,
    checked_images,
    reject,
)
from grouplearn.domains.pictures import is_picture, picture_pixels, picture_size
from grouplearn.errors import DataError

_SHOWN = 4


def picture_folders(folder: Path) -> ImageSets:
    """Read pictures below one folder for each class.

    Args:
        folder: of the classes, or of train/ and perhaps test/, which hold them.

    Returns:
        The images; notes name what was left out.

    Raises:
        DataError: there are no pictures, one is broken or has another size, or they are too large.
        MissingExtraError: Pillow is absent; the extra `train` brings it.
    """
    if not (folder / "train").is_dir():
        train, notes = _classes(folder, None)
        return ImageSets(train, None, tuple(notes))
    train, notes = _classes(folder / "train", None)
    test, more = None, list[str]()
    if (folder / "test").is_dir():
        test, more = _classes(folder / "test", train)
    beside = [f"{each.name}/" for each in _seen(folder) if each.is_dir()]
    others = [name for name in beside if name not in ("train/", "test/")]
    if others:
        notes.append(f"not read, beside train/: {', '.join(others)}")
    return ImageSets(train, test, (*notes, *more))


def _classes(folder: Path, like: LabelledImages | None) -> tuple[LabelledImages, list[str]]:
    """Pictures and notes; grey where all of them, or those of `like`, are."""
    held = {
        each.name: [file for file in _seen(each) if is_picture(file)]
        for each in _seen(folder)
        if each.is_dir()
    }
    names = tuple(name for name in held if held[name])
    files = [file for name in names for file in held[name]]
    known = names if like is None else like.names
    if not files:
        reject(folder, "with IDX files, CIFAR10 batches, or a folder of pictures for each class",
               "none of these", "see load_labelled_images")  # fmt: skip
    if not set(names) <= set(known):
        reject(folder, f"of the classes {', '.join(known)}", ", ".join(names),
               "name the folders as those in train")  # fmt: skip
    images, clear = decoded(WHO, folder, files, None if like is None else like.images.shape[1:])
    labels = np.repeat([known.index(name) for name in names], [len(held[n]) for n in names])
    found = checked_images(folder, images, labels.astype(np.int64), known)
    return found, [*_left_out(folder, held), *clear]


def is_classes(folder: Path) -> bool:
    """Has a folder pictures in folders for several classes, below train/ or directly?

    Args:
        folder: that exists.
    """
    place = folder / "train" if (folder / "train").is_dir() else folder
    entries = _seen(place)
    held = [each for each in entries if each.is_dir() and any(map(is_picture, _seen(each)))]
    return len(held) > 1 and not any(map(is_picture, entries))


def decoded(
    who: str, source: Path, files: Sequence[Path], like: tuple[int, ...] | None = None
) -> tuple[UInt8[np.ndarray, "N C H W"], list[str]]:
    """Decode pictures of one size, which is checked before any is decoded.

    Args:
        who: asks, for errors.
        source: where they are, for errors and notes.
        files: one picture each, at least one.
        like: channels, height and width; None takes the size of the first picture, and grey where
            all pictures are.

    Returns:
        The pictures, and notes of what was changed.

    Raises:
        DataError: one is broken or has another size, or they are too large together.
        MissingExtraError: Pillow is absent; the extra `train` brings it.
    """
    sizes = [picture_size(who, file) for file in files]
    grey = all(each.grey for each in sizes)
    channels, *shape = like or (1 if grey else 3, sizes[0].height, sizes[0].width)
    for file, size in zip(files, sizes, strict=True):
        _assert_size(who, file, (size.height, size.width), tuple(shape))
    assert_small(who, source, len(files) * channels * math.prod(shape))
    images = np.empty((len(files), *shape, channels), np.uint8)
    for place, file in enumerate(files):
        pixels = picture_pixels(who, file, "L" if channels == 1 else "RGB")
        _assert_size(who, file, pixels.shape[:2], tuple(shape))
        images[place] = pixels.reshape(*shape, channels)
    clear = sum(each.transparent for each in sizes)
    note = f"transparent pictures of {source.name}, {clear:,}, are put on white"
    return images.transpose(0, 3, 1, 2), [note] * bool(clear)


def pictures_below(path: Path) -> list[Path]:
    """Return a picture itself, or all that are not hidden in a folder and its folders, sorted."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if is_picture(file) and not any(p.startswith(".") for p in file.relative_to(path).parts)
    )


def _assert_size(who: str, file: Path, size: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if size != wanted:
        refuse(who, f"path {str(file)!r}", f"of the common size, {wanted}", size,
               "resize the pictures", DataError)  # fmt: skip


def _left_out(folder: Path, held: dict[str, list[Path]]) -> list[str]:
    """A note of what stands among pictures and is not read, if anything does."""
    others = [
        f"{name}/{each.name}"
        for name in held
        for each in _seen(folder / name)
        if not is_picture(each)
    ]
    others += [each.name for each in _seen(folder) if is_picture(each)]
    if not others:
        return []
    more = f" and {len(others) - _SHOWN:,} more" if len(others) > _SHOWN else ""
    return [f"not read, as no pictures of a class: {', '.join(others[:_SHOWN])}{more}"]


def _seen(folder: Path) -> list[Path]:
    """What is in a folder and not hidden, sorted."""
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))
