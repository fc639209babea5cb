"""Labelled images as pictures: a folder for each class, below train/ and test/ or directly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grouplearn.domains.files import assert_small
from grouplearn.domains.image_sets import (
    WHO,
    ImageSets,
    LabelledImages,
    checked_images,
    reject,
)
from grouplearn.domains.pictures import PictureSize, is_picture, picture_pixels, picture_size

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
    sizes = [picture_size(WHO, file) for file in files]
    grey = all(each.grey for each in sizes) if like is None else like.images.shape[1] == 1
    channels = 1 if grey else 3
    shape = _common_size(files, sizes, None if like is None else like.images.shape[2:])
    assert_small(WHO, folder, len(files) * channels * shape[0] * shape[1])
    images = np.empty((len(files), *shape, channels), np.uint8)
    for place, file in enumerate(files):
        pixels = picture_pixels(WHO, file, "L" if grey else "RGB")
        _assert_size(file, pixels.shape[:2], shape)
        images[place] = pixels.reshape(*shape, channels)
    labels = np.repeat([known.index(name) for name in names], [len(held[n]) for n in names])
    notes = _left_out(folder, held)
    clear = sum(each.transparent for each in sizes)
    if clear:
        notes.append(f"transparent pictures of {folder.name}/, {clear:,}, are put on white")
    found = checked_images(folder, images.transpose(0, 3, 1, 2), labels.astype(np.int64), known)
    return found, notes


def _common_size(
    files: Sequence[Path], sizes: Sequence[PictureSize], wanted: tuple[int, ...] | None
) -> tuple[int, int]:
    """The size of all pictures, found before any is decoded."""
    height, width = wanted or (sizes[0].height, sizes[0].width)
    for file, size in zip(files, sizes, strict=True):
        _assert_size(file, (size.height, size.width), (height, width))
    return height, width


def _assert_size(file: Path, size: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if size != wanted:
        reject(
            file, f"of the size of the first picture, {wanted}", f"{size}", "resize the pictures"
        )


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
