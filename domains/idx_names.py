"""Names of IDX files: which hold images, which their labels, and which are for testing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_LABELS = re.compile(r"labels?|idx[12](?!\d)", re.IGNORECASE)
_IMAGES = re.compile(r"images?|imgs?|idx[34](?!\d)", re.IGNORECASE)
_TRAIN = re.compile(r"train(ing)?", re.IGNORECASE)
_TEST = re.compile(r"t10k|test", re.IGNORECASE)
_IDX = re.compile(r"idx|ubyte", re.IGNORECASE)
_RAW = {"raw", "mnist", "fashionmnist", "kmnist", "emnist", "qmnist"}
_BINARY = {"cifar-10-batches-bin", "cifar-100-binary"}


class IdxFiles(NamedTuple):
    """The IDX files of one data set and one purpose.

    Attributes:
        images: those of images, the best first.
        labels: those of labels, the best first.
    """

    images: tuple[str, ...]
    labels: tuple[str, ...]


def is_images(name: str) -> bool:
    """Does a name say that an IDX file holds images?"""
    bare = _bare(name)
    return bool(_IDX.search(bare) and _IMAGES.search(bare)) and not _LABELS.search(bare)


def is_labels(name: str) -> bool:
    """Does a name say that an IDX file holds labels?"""
    return bool(_IDX.search(_bare(name)) and _LABELS.search(_bare(name)))


def idx_files(names: Iterable[str]) -> dict[str, dict[str, IdxFiles]]:
    """Sort the names of IDX files by data set, then by purpose.

    Args:
        names: of files; others than IDX are left out.

    Returns:
        For each data set, which is what names have in common, "" in most folders, a dict: "train"
        and, if there is one, "test". Files of neither are "train".
    """
    found: dict[str, dict[str, tuple[list[str], list[str]]]] = {}
    for name in sorted(names, key=_preference):
        if name.startswith(".") or not (is_images(name) or is_labels(name)):
            continue
        part = "test" if _TEST.search(name) and not _TRAIN.search(name) else "train"
        lists = found.setdefault(_set_of(name), {}).setdefault(part, ([], []))
        lists[is_labels(name)].append(name)
    return {
        one: {part: IdxFiles(tuple(i), tuple(k)) for part, (i, k) in parts.items()}
        for one, parts in found.items()
    }


def holding_folder(folder: Path) -> Path:
    """Return the folder that holds the files of a data set: itself, or one below.

    Downloads lie in folders such as MNIST/raw and cifar-10-batches-bin.

    Args:
        folder: that exists.
    """
    place = folder
    for _ in range(3):
        entries = [each for each in place.iterdir() if not each.name.startswith(".")]
        if any(is_images(each.name) for each in entries if each.is_file()):
            return place
        known = [each for each in entries if each.is_dir() and each.name.lower() in _RAW | _BINARY]
        if len(known) != 1:
            break
        (place,) = known
        if place.name.lower() in _BINARY:
            return place
    return folder


def _bare(name: str) -> str:
    return re.sub(r"\.gz$", "", name, flags=re.IGNORECASE)


def _set_of(name: str) -> str:
    """What stands in a name before its purpose and before what it holds."""
    cut = re.split(r"t10k|test|train(?:ing)?|images?|imgs?|labels?|\.?idx", _bare(name).lower())
    return cut[0].strip("-_.")


def _preference(name: str) -> tuple[bool, bool, str]:
    """The usual name first, plain before compressed."""
    usual = name.lower().startswith(("train-", "t10k-"))
    return not usual, name.lower().endswith(".gz"), name
