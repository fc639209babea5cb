"""Data in memory that are no arrays yet: pictures of Pillow, data sets and loaders of torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small
from grouplearn.domains.pictures import GREY, is_transparent, upright_pixels
from grouplearn.errors import DataError

_LABEL = 2


class Stacked(NamedTuple):
    """Samples as one array.

    Attributes:
        samples: (N, ...).
        labels: (N,), or None.
        form: what held them, in words.
        classes: their names, by number, if the data set says them.
        notes: what was changed, in words.
    """

    samples: NDArray[Any]
    labels: NDArray[Any] | None
    form: str
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_picture(source: Any) -> bool:
    """Is it a picture that Pillow has opened?"""
    return hasattr(source, "convert") and hasattr(source, "getexif") and hasattr(source, "mode")


def stacked_pictures(who: str, pictures: Sequence[Any]) -> Stacked:
    """Return pictures of one size as an array: upright, on white, grey where all of them are.

    Args:
        who: asks, for errors.
        pictures: of Pillow; at least one.

    Raises:
        DataError: one has another size or more than 8 bits a channel, or is broken.
    """
    mode = "L" if all(each.mode in GREY for each in pictures) else "RGB"
    arrays: list[NDArray[Any]] = []
    for place, each in enumerate(pictures):
        if each.mode[0] in "IF":
            _reject(who, "pictures of 8 bits for each channel", f"mode {each.mode} as item {place}")
        try:
            arrays.append(upright_pixels(each, mode))
        except Exception as problem:  # decoders fail in many ways
            _reject(who, "whole pictures", f"a broken one as item {place} ({problem})")
        if arrays[-1].shape != arrays[0].shape:
            sizes = (each[::-1] for each in (arrays[0].shape[:2], arrays[-1].shape[:2]))
            wanted, got = (f"{width} x {height}" for width, height in sizes)
            _reject(who, f"pictures of one size, {wanted} pixels", f"{got} as item {place}")
    clear = sum(map(is_transparent, pictures))
    notes = (f"transparent pictures, {clear:,}, are put on white",) if clear else ()
    images = np.stack(arrays)
    shaped = images if mode == "L" else images.transpose(0, 3, 1, 2)
    return Stacked(shaped, None, "pictures of Pillow", (), notes)


def is_torch_data(source: Any) -> bool:
    """Is it a data set or a loader of torch?"""
    return isinstance(source, (Dataset, DataLoader))


def stacked_samples(who: str, source: Any) -> Stacked:
    """Read a data set or a loader of torch into arrays; what stands second is the label.

    Args:
        who: asks, for errors.
        source: a `Dataset` of samples or of (sample, label), or a `DataLoader` of batches of them.

    Raises:
        DataError: it is empty, or samples are no numbers, of several shapes, or too large.
    """
    batched = isinstance(source, DataLoader) and source.batch_size is not None
    named = getattr(source, "dataset", source)
    form = f"{type(source).__name__} of torch"
    parts: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    taken = 0
    for place, item in enumerate(_items(source)):
        sample, label = _split(who, item, place)
        part = _array(who, sample, place)
        parts.append(part if batched else part[None])
        if label is not None:
            labels.append(np.atleast_1d(np.asarray(label)))
        if parts[-1].shape[1:] != parts[0].shape[1:]:
            _reject(who, f"samples of one shape, {parts[0].shape[1:]}",
                    f"{parts[-1].shape[1:]} as item {place}")  # fmt: skip
        taken += parts[-1].nbytes
        assert_small(who, "source", taken)
    if not parts:
        _reject(who, "a data set with samples", "none")
    if labels and len(labels) != len(parts):
        _reject(who, "samples all with labels or all without", "some of both")
    classes = tuple(map(str, getattr(named, "classes", ())))
    joined = np.concatenate(labels) if labels else None
    return Stacked(np.concatenate(parts), joined, form, classes)


def _items(source: Any) -> Iterator[Any]:
    if isinstance(source, (DataLoader, IterableDataset)):
        yield from source
        return
    # A data set of torch need not end when it is iterated: its length says how long it is.
    for place in range(len(source)):
        yield source[place]


def _split(who: str, item: Any, place: int) -> tuple[Any, Any]:
    """The sample and the label of an item."""
    if isinstance(item, (tuple, list)):
        if not 1 <= len(item) <= _LABEL:
            _reject(who, "samples, or pairs of a sample and a label",
                    f"{len(item)} parts as item {place}")  # fmt: skip
        return item[0], item[1] if len(item) == _LABEL else None
    if isinstance(item, dict):
        _reject(who, "samples, or pairs of a sample and a label", f"a dict as item {place}")
    return item, None


def _array(who: str, sample: Any, place: int) -> NDArray[Any]:
    if is_picture(sample):
        return stacked_pictures(who, [sample]).samples[0]
    if isinstance(sample, Tensor):
        sample = plain_array(sample)
    array = np.asarray(sample)
    if array.dtype.kind not in "fiub":
        _reject(who, "samples of real numbers", f"{type(sample).__name__} as item {place}")
    return array


def plain_array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as an array, wherever it is; bfloat16, which NumPy lacks, as float32."""
    held = tensor.detach().cpu().resolve_conj().resolve_neg()
    found: NDArray[Any] = (held.float() if held.dtype == torch.bfloat16 else held).numpy()
    return found


def all_pictures(source: Any) -> bool:
    """Is it a list of pictures of Pillow?"""
    return isinstance(source, (list, tuple)) and bool(source) and all(map(is_picture, source))


def _reject(who: str, expected: str, got: str) -> NoReturn:
    refuse(who, "source", expected, got, "convert the samples before", DataError)
