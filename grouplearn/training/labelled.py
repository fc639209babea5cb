"""Samples with labels, and how they are cut into batches that a seed determines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grouplearn._checks import float_tensor, positive_int, refuse

Batch: TypeAlias = tuple[Tensor, Tensor]
Augmentation: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]
"""Changes a batch (B, ...) at random; the generator is the same for the whole batch everywhere."""


@final
@dataclass(frozen=True)
class Labelled:
    """Samples, each with the number of its class.

    Args:
        x: (N, ...), floating point, finite.
        y: (N,), int64, from 0 to classes - 1.
        classes: number of classes; the largest label and one when None.

    Raises:
        InputError: no samples, another number of labels, labels out of range, NaN, or one class.

    Example:
        >>> data = Labelled(torch.zeros(4, 1, 2, 2), torch.tensor([0, 1, 2, 1]))
        >>> len(data), data.classes, len(data.only([1, 2]))
        (4, 3, 3)
    """

    x: Float[Tensor, "*shape"]
    y: Int[Tensor, " samples"]
    classes: int | None = None

    def __post_init__(self) -> None:
        """Check what can be checked."""
        who = "Labelled"
        float_tensor(who, "x", self.x)
        if not len(self.x):
            refuse(who, "x", "one sample or more", tuple(self.x.shape), "pass samples")
        given: Any = self.y
        if not isinstance(given, Tensor) or given.dtype != torch.int64 or given.ndim != 1:
            got = f"{given.dtype} {tuple(given.shape)}" if isinstance(given, Tensor) else given
            refuse(who, "y", "an int64 tensor (N,)", got, "convert it with torch.as_tensor(y)")
        if len(self.y) != len(self.x):
            refuse(who, "y", f"one label for each of {len(self.x)} samples", len(self.y),
                   "pass as many")  # fmt: skip
        least, most = int(self.y.min()), int(self.y.max())
        count = most + 1 if self.classes is None else positive_int(who, "classes", self.classes)
        object.__setattr__(self, "classes", count)
        if least < 0 or most >= count:
            bad = int(((self.y < 0) | (self.y >= count)).nonzero()[0])
            refuse(who, "y", f"from 0 to {count - 1}, as there are {count} classes",
                   f"{int(self.y[bad])} at {bad}", "renumber the labels")  # fmt: skip
        if least == most:
            refuse(who, "y", "of two classes or more", f"{least} only",
                   "one class leaves nothing to tell apart")  # fmt: skip

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.x)

    def take(self, which: Int[Tensor, " some"] | slice) -> Labelled:
        """Some of the samples, of as many classes."""
        return Labelled(self.x[which], self.y[which], self.classes)

    def only(self, classes: Sequence[int]) -> Labelled:
        """The samples of some classes, renumbered in the order given."""
        known = range(self.classes or 0)
        if not set(classes) <= set(known) or len(set(classes)) != len(classes) or not classes:
            refuse("Labelled.only", "classes", f"different ones from 0 to {len(known) - 1}",
                   list(classes), "name classes that there are")  # fmt: skip
        number = torch.full((len(known),), -1)
        number[list(classes)] = torch.arange(len(classes))
        kept = number[self.y] >= 0
        return Labelled(self.x[kept], number[self.y[kept]], len(classes))

    def split(self, held_out: int, seed: int = 0) -> tuple[Labelled, Labelled]:
        """Two disjoint random parts: all but `held_out` samples, and these.

        Raises:
            InputError: a part would be empty, or of one class.
        """
        if not 0 < held_out < len(self):
            refuse("Labelled.split", "held_out", f"from 1 to {len(self) - 1}", held_out,
                   "hold out fewer")  # fmt: skip
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.take(order[held_out:]), self.take(order[:held_out])


@final
class Batches:
    """The batches of one epoch after another, in an order that the seed and the epoch determine.

    With several processes each takes its part of every batch, so that together they see what one
    would see, in the same order and with the same augmentation.

    Args:
        data: the samples.
        size: of a batch; a last, smaller one is left out, unless it is the only one.
        seed: of order and augmentation.
        augment: changes every batch, or None.
        rank: the number of this process.
        world: how many processes there are; has to divide `size`.

    Raises:
        InputError: `size` is below 1, or no multiple of `world`.
    """

    def __init__(
        self,
        data: Labelled,
        size: int,
        *,
        seed: int = 0,
        augment: Augmentation | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.size = min(positive_int("Batches", "size", size), len(data) // world * world)
        if self.size % world or not self.size:
            refuse("Batches", "size", f"a multiple of the {world} processes", size,
                   "choose another batch size")  # fmt: skip
        self.data, self.seed, self.augment = data, seed, augment
        self.rank, self.world = rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration goes through."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.data) // self.size

    def __iter__(self) -> Iterator[Batch]:
        """Go through one epoch."""
        rng = torch.Generator().manual_seed(mixed(self.seed, self.epoch))
        order = torch.randperm(len(self.data), generator=rng)
        part = self.size // self.world
        for batch in order.split(self.size)[: len(self)]:
            x, y = self.data.x[batch], self.data.y[batch]
            if self.augment is not None:
                x = self.augment(x, rng)
            mine = slice(self.rank * part, (self.rank + 1) * part)
            yield x[mine], y[mine]


@final
@dataclass(frozen=True)
class EachOnce:
    """All samples in batches, the last one perhaps smaller, always in the same random order.

    Files often come class by class, and a score that compares the samples of a batch, such as that
    of `Similarity`, would tell nothing.

    Args:
        data: the samples.
        size: of a batch.
    """

    data: Labelled
    size: int = 500

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self.data) / self.size)

    def __iter__(self) -> Iterator[Batch]:
        """Go through all samples."""
        order = torch.randperm(len(self.data), generator=torch.Generator().manual_seed(0))
        for part in order.split(self.size):
            yield self.data.x[part], self.data.y[part]


def mixed(*numbers: int) -> int:
    """One seed from several numbers, such as a seed and an epoch."""
    words = np.random.SeedSequence(numbers).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1


def as_labelled(images: Any, labels: Any, classes: int | None = None) -> Labelled:
    """Images and labels of any usual type as `Labelled`, the images in float32.

    Args:
        images: (N, H, W) or (N, C, H, W), tensor or array; uint8 is divided by 255.
        labels: (N,), integers.
        classes: as in `Labelled`.

    Raises:
        InputError: labels are no integers, channels stand last, or as for `Labelled`.
    """
    x = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images)
    x = x.float() / 255 if x.dtype == torch.uint8 else x.float()
    try:
        y = torch.as_tensor(np.array(labels) if isinstance(labels, np.ndarray) else labels)
    except (TypeError, ValueError, RuntimeError):
        listed = f" of {type(labels[0]).__name__}" if isinstance(labels, list | tuple) else ""
        got = getattr(labels, "dtype", f"{type(labels).__name__}{listed}")
        refuse("as_labelled", "labels", "integers", got, "number the classes from 0")
    if y.is_floating_point():
        refuse("as_labelled", "labels", "integers", y.dtype, "round them, if that is what you mean")
    if x.ndim == 4 and x.shape[-1] in (1, 3, 4) and min(x.shape[1:3]) > 4:
        refuse("as_labelled", "images", "(N, C, H, W)", tuple(x.shape),
               "move the channels by np.moveaxis(images, -1, 1)")  # fmt: skip
    return Labelled(x.unsqueeze(1) if x.ndim == 3 else x, y.long(), classes)
