"""What `grouplearn train` learns from: labelled images or sequences, some of them held out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from grouplearn._checks import refuse
from grouplearn.commands.train_kinds import WHO, SequenceOptions, TrainOptions
from grouplearn.domains.image_sets import ImageSets, LabelledImages
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.labelled_sequences import LabelledSequences, load_labelled_sequences
from grouplearn.domains.readers.kinds import recognise
from grouplearn.domains.readers.sources import SourceOptions, open_source
from grouplearn.domains.rebuilt import rotated_sets
from grouplearn.domains.samples import sample_labelled_digits
from grouplearn.domains.sequence_files import holds_sequences
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import DataError
from grouplearn.training import Labelled, as_labelled

BUILT_IN = "digits"
_HELD_OUT = 0.2
LEAST_SIDE = 4
KERNEL = 3
"""Side of the kernels of networks for images."""


@final
@dataclass(frozen=True)
class TrainData:
    """What a network learns from and is tested with.

    Attributes:
        train: samples to learn from.
        test: others to judge it by.
        words: what they are, in a few words.
        names: of the classes, by number.
        positive: of two classes of sequences, the number of the one that is looked for.
    """

    train: Labelled
    test: Labelled
    words: str
    names: tuple[str, ...]
    positive: int | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """Height and width of images, length of sequences."""
        return tuple(self.test.x.shape[2:])


def domain_of(options: TrainOptions) -> ImageDomain | SequenceDomain:
    """The domain in which the action of a network is given."""
    if options.kind == "images":
        return ImageDomain(patch_size=KERNEL)
    alphabet: Any = options.sequences.alphabet
    return SequenceDomain(alphabet, window=2 if alphabet == "protein" else 4)


def kind_of(data: str, given: str | None, sequences: SequenceOptions) -> str:
    """Whether to read images, sequences or pairs of token sequences.

    Args:
        data: as it was typed.
        given: the kind that was asked for, if it was.
        sequences: options that only sequences have.

    Raises:
        DataError: the file is unreadable.
    """
    if given is not None:
        return given
    file, got = Path(data), "images"
    if sequences.labels or sequences.negatives or (file.is_file() and holds_sequences(file)):
        return "sequence"
    with suppress(DataError):  # which the readers of the other kinds put in their own words
        got = recognise(file, WHO) if file.is_file() else got
    if got == "tokens":
        return "tokens"
    if got == "table" and not sequences.others:
        refuse(WHO, f"DATA {data!r}", "labelled images, sequences or pairs of tokens", "a table",
               "for a table of sequences, pass --labels COLUMN; others are for discover and test",
               DataError)  # fmt: skip
    return "sequence" if sequences.others else "images"


def load_data(options: TrainOptions) -> TrainData:
    """Read the samples that the options name.

    Args:
        options: what was asked for.

    Raises:
        DataError: nothing is there, or it is broken.
        InputError: the data do not fit a network, or an option does not fit them.
    """
    seed = options.fit.seed
    if options.kind == "sequence":
        return load_sequences(options)
    return read_images(options.data, rotated=options.rotated, classes=options.classes, seed=seed)


def load_sequences(options: TrainOptions) -> TrainData:
    """Read labelled sequences, and hold a fifth of them out.

    Args:
        options: what was asked for.

    Raises:
        DataError: a file is missing or broken, or its records do not fit one another.
        InputError: an option does not fit them, or there is one class.
    """
    asked, seed, given = options.sequences, options.fit.seed, [options.data]
    alphabet: Any = asked.alphabet
    ambiguous: Any = asked.ambiguous
    for name in (options.data, *asked.others):
        if not Path(name).is_file():
            refuse(WHO, "DATA", "a file of sequences", f"{name!r}, which is none",
                   "check the name", DataError)  # fmt: skip
    found = load_labelled_sequences(
        [*given, *asked.others], labels=asked.labels, alphabet=alphabet, length=asked.length,
        ambiguous=ambiguous, who=WHO,
    )  # fmt: skip
    if asked.negatives is not None:
        if len(found.classes) > 1:
            refuse(WHO, "--negatives", "left out where there are classes", "it", "leave it out")
        found = found.with_shuffled(seed)
    if len(set(found.labels.tolist())) < 2:
        refuse(WHO, "DATA", "sequences of two classes or more", f"{found.classes[0]!r} alone",
               "pass another file, --labels, or --negatives shuffled", DataError)  # fmt: skip
    positive = _positive(found, asked.positive)
    parts = found.split(_HELD_OUT, seed)
    if min(len(set(part.labels.tolist())) for part in parts) < 2:
        refuse(WHO, "DATA", "enough sequences that the fifth held out for testing has two classes",
               f"{len(found)}", "add sequences", DataError)  # fmt: skip
    domain = SequenceDomain(alphabet)
    train, test = (
        Labelled(
            domain.one_hot(part.letters, ambiguous="blank"), torch.as_tensor(part.labels),
            len(part.classes),
        )
        for part in parts
    )  # fmt: skip
    notes = "".join(f"; {note}" for note in found.notes)
    words = f"{len(found):,} sequences of {train.x.shape[2]} letters, {_class_words(found)}{notes}"
    return TrainData(train, test, words, found.classes, positive)


def _positive(found: LabelledSequences, asked: str | None) -> int | None:
    """The number of the class that is looked for; None where there are more than two."""
    two = len(found.classes) == 2
    if asked is None:
        return found.positive if two else None
    if not two or asked not in found.classes:
        refuse(WHO, "--positive", f"one of two classes, here {', '.join(found.classes)}",
               repr(asked), "name one of two, or leave it out")  # fmt: skip
    return found.classes.index(asked)


def _class_words(found: LabelledSequences) -> str:
    """How many of each class."""
    counts = np.bincount(found.labels, minlength=len(found.classes))
    return ", ".join(f"{n:,} {name}" for n, name in zip(counts, found.classes, strict=True))


def read_images(
    data: str, *, rotated: bool, classes: tuple[int, ...] | None, seed: int
) -> TrainData:
    """Read labelled images, and hold a fifth of them out where there are none to test with.

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
