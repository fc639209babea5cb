"""Labelled images for `grouplearn train`: folders, built-in digits, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from grouplearn._checks import refuse
from grouplearn.commands.train_kinds import WHO
from grouplearn.domains.image_sets import ImageSets, LabelledImages
from grouplearn.domains.readers.sources import SourceOptions, open_source
from grouplearn.domains.rebuilt import rotated_sets
from grouplearn.domains.samples import sample_labelled_digits
from grouplearn.errors import DataError
from grouplearn.training import Labelled, as_labelled

BUILT_IN = "digits"
_HELD_OUT = 0.2
LEAST_SIDE = 4


@final
@dataclass(frozen=True)
class TrainData:
    """What a network learns from and is tested with.

    Attributes:
        train: images to learn from.
        test: others to judge it by.
        words: what they are, in a few words.
        names: of the classes, by number.
    """

    train: Labelled
    test: Labelled
    words: str
    names: tuple[str, ...]


def load_data(data: str, *, rotated: bool, classes: tuple[int, ...] | None, seed: int) -> TrainData:
    """Read labelled images.

    Args:
        data: a folder, an archive, a file of images, or "digits".
        rotated: turn each image by a random angle, as rotated MNIST does.
        classes: numbers of the classes to keep; None keeps all.
        seed: of angles, and of the part held out where there is no test set.

    Raises:
        DataError: nothing is there, or it is broken.
        InputError: the images do not fit a network, or a class is unknown.
    """
    if data == BUILT_IN:
        sets = ImageSets(sample_labelled_digits(), None)
        words = "scikit-learn's 1,797 hand-written digits"
    else:
        sets, words = _opened(data)
    if rotated:
        if sets.train.images.shape[1] != 1:
            refuse(WHO, "--rotated", "for grey images", f"{sets.train.images.shape[1]} channels",
                   "leave it out")  # fmt: skip
        words = f"{words}, each turned by a random angle"
    assert_fits(WHO, "DATA", *sets.train.images.shape[2:])
    if sets.test is None:
        sets = _split(sets.train, seed)
    if rotated:
        sets = rotated_sets(sets, seed)
    train, test = (_labelled(part) for part in (sets.train, sets.test) if part is not None)
    names = sets.train.names
    if classes is not None:
        known = range(len(names))
        if not set(classes) <= set(known) or len(set(classes)) < 2:
            refuse(WHO, "--classes", f"two or more of 0 to {known[-1]}",
                   ",".join(map(str, classes)), "choose among them")  # fmt: skip
        train, test = train.only(classes), test.only(classes)
        names = tuple(names[c] for c in classes)
        words += f", classes {', '.join(names)}"
    return TrainData(train, test, words, names)


def _opened(data: str) -> tuple[ImageSets, str]:
    """Labelled images, and what they were taken for."""
    if not Path(data).exists():
        refuse(WHO, "DATA", f"a folder, or {BUILT_IN!r}", f"{data!r}, which does not exist",
               "check the name", DataError)  # fmt: skip
    opened = open_source(WHO, Path(data), SourceOptions("images"))
    found: Any = opened.raw
    if found.labels is None:
        refuse(WHO, f"DATA {data!r}", "images with labels: a folder of pictures for each class, or "
               "IDX files, CIFAR's batches or arrays with labels beside them",
               f"{opened.said}, without", "see load_labelled_images", DataError)  # fmt: skip
    if found.images.dtype != np.uint8:
        refuse(WHO, f"DATA {data!r}", "images of bytes", f"some of {found.images.dtype}",
               "convert them", DataError)  # fmt: skip
    train = LabelledImages(found.images, found.labels, found.classes)
    return ImageSets(train, found.test, found.notes), f"{data}: {opened.said}"


def assert_fits(who: str, argument: str, height: int, width: int) -> None:
    """Refuse images that are smaller than the network's halvings take.

    Args:
        who: asks, for the error.
        argument: where they come from.
        height: in pixels.
        width: in pixels.
    """
    if min(height, width) < LEAST_SIDE:
        refuse(who, argument, f"images of at least {LEAST_SIDE} x {LEAST_SIDE} pixels",
               f"{height} x {width}", "pad or resize them")  # fmt: skip


def _split(part: LabelledImages, seed: int) -> ImageSets:
    """A fifth of the images held out, at random."""
    order = np.random.default_rng(seed).permutation(len(part.labels))
    edge = max(1, int(_HELD_OUT * len(order)))
    train, test = (
        LabelledImages(part.images[some], part.labels[some], part.names)
        for some in (order[edge:], order[:edge])
    )
    if min(len(set(each.labels.tolist())) for each in (train, test)) < 2:
        refuse(WHO, "DATA", "enough images that the fifth held out for testing has two classes",
               f"{len(order)} images", "add images, or a folder test beside train")  # fmt: skip
    return ImageSets(train, test)


def _labelled(part: LabelledImages) -> Labelled:
    return as_labelled(part.images, part.labels, len(part.names))
