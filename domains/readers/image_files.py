"""Images in files and folders: arrays, IDX, CIFAR's batches, pictures; with labels, if any."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.cifar import CLASSES, cifar_file
from grouplearn.domains.files import refusing_broken_files
from grouplearn.domains.formats import begins_picture
from grouplearn.domains.idx import load_idx_images, read_idx
from grouplearn.domains.idx_names import is_images
from grouplearn.domains.image_archives import archived_sets, has_image_names
from grouplearn.domains.image_scales import scaled_images
from grouplearn.domains.image_sets import ImageSets, LabelledImages
from grouplearn.domains.labelled_images import (
    data_set_form,
    has_labels_beside,
    load_labelled_images,
)
from grouplearn.domains.numpy_files import NPY_MAGIC, archived_array, numpy_array
from grouplearn.domains.picture_folders import decoded, is_classes, pictures_below
from grouplearn.errors import DataError

_FIRST = 12


class OpenedImages(NamedTuple):
    """Images, and labels where there are some.

    Attributes:
        images: (N, H, W) or (N, C, H, W), uint8 or floats in [0, 1].
        form: what holds them, in words.
        notes: what was changed or left out, in words.
        labels: (N,), or None.
        classes: names of the classes, by number.
        test: others with labels, to test with.
    """

    images: NDArray[Any]
    form: str
    notes: tuple[str, ...] = ()
    labels: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    test: LabelledImages | None = None

    @property
    def said(self) -> str:
        """What they were taken for, and why."""
        count, *shape = self.images.shape
        size = f"{count:,} image{'s' * (count != 1)} of {' x '.join(map(str, shape))}"
        classes = [f"{len(self.classes):,} classes"] if self.labels is not None else []
        test = [f"{len(self.test.labels):,} more to test with"] if self.test is not None else []
        return "; ".join([f"{size}, {self.form}", *classes, *test, *self.notes])


def open_images(
    who: str, path: Path, *, array: str | None = None, axes: str | None = None
) -> OpenedImages:
    """Open images, of a kind that the content decides.

    Args:
        who: asks, for errors.
        path: a folder or a file that exists.
        array: which one of an archive.
        axes: of an array, see `scaled_images`.

    Raises:
        InputError: `axes` does not fit, or is needed.
        DataError: there are no images, or some are broken.
        MissingExtraError: Pillow is absent, and there are pictures; the extra `train` brings it.
    """
    start = b""
    if path.is_file():
        with refusing_broken_files(who, path), path.open("rb") as stream:
            start = stream.read(_FIRST)
    if start.startswith((NPY_MAGIC, b"PK")):
        return _array(who, path, array, axes, is_numpy=start.startswith(NPY_MAGIC))
    for name, value in (("array", array), ("axes", axes)):
        if value is not None:
            refuse(who, f"{name} (--{name})", "left out, as the images are no array", repr(value),
                   "leave it out")  # fmt: skip
    if path.is_dir():
        return _folder(who, path)
    if begins_picture(start):
        images, notes = decoded(who, path, [path])
        return OpenedImages(images, "one picture", tuple(notes))
    batch = cifar_file(path)
    if batch is not None:
        images, labels = batch
        count = CLASSES[labels.shape[1]][-1]
        form, names = f"a binary batch of CIFAR-{count}", tuple(map(str, range(count)))
        return OpenedImages(images, form, (), labels[:, -1].astype(np.int64), names)
    return _idx(who, path)


def _array(
    who: str, path: Path, name: str | None, axes: str | None, *, is_numpy: bool
) -> OpenedImages:
    if is_numpy:
        array, form = numpy_array(who, path), "NumPy array"
    elif name is None and has_image_names(path):
        return _labelled(archived_sets(path, axes), "archive of NumPy arrays")
    else:
        array, form = archived_array(who, path, name), "array in an archive of NumPy,"
    scaled = scaled_images(who, f"path {str(path)!r}", array, axes)
    return OpenedImages(scaled.images, f"{form} of {array.dtype}", scaled.notes)


def _idx(who: str, path: Path) -> OpenedImages:
    """An IDX file, with its labels where they are beside it."""
    form = "IDX by its first bytes"
    if has_labels_beside(path):
        return _labelled(load_labelled_images(path), form)
    scaled = scaled_images(who, f"path {str(path)!r}", read_idx(path), None)
    return OpenedImages(scaled.images, form, scaled.notes)


def _folder(who: str, folder: Path) -> OpenedImages:
    form = data_set_form(folder)
    if form is not None:
        return _labelled(load_labelled_images(folder), form)
    if any(is_images(each.name) for each in folder.iterdir()):
        return OpenedImages(load_idx_images(folder), "IDX by the names in the folder")
    if is_classes(folder):
        return _labelled(load_labelled_images(folder), "pictures in a folder for each class")
    files = pictures_below(folder)
    if not files:
        refuse(who, f"path {str(folder)!r}", "a folder with pictures, IDX files or CIFAR's batches",
               f"a folder of {sum(1 for _ in folder.iterdir())} other files",
               "pass another folder", DataError)  # fmt: skip
    images, notes = decoded(who, folder, files)
    return OpenedImages(images, "pictures in a folder", tuple(notes))


def _labelled(sets: ImageSets, form: str) -> OpenedImages:
    train = sets.train
    return OpenedImages(train.images, form, sets.notes, train.labels, train.names, sets.test)
