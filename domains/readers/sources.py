"""Opening whatever holds data: a path, a stream, or something in memory; nothing is read yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, final

import numpy as np
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.arrays import is_frame
from grouplearn.domains.corpora import (
    Corpus,
    corpus_of_pairs,
    corpus_of_sequences,
)
from grouplearn.domains.files import checked_path
from grouplearn.domains.formats import sequence_format
from grouplearn.domains.image_scales import assert_axes, scaled_images
from grouplearn.domains.readers.frames import table_of_array, table_of_frame
from grouplearn.domains.readers.image_files import OpenedImages, open_images
from grouplearn.domains.readers.kinds import KINDS, recognise, reject
from grouplearn.domains.readers.labels import as_codes, in_order, read_labels
from grouplearn.domains.readers.objects import (
    Stacked,
    all_pictures,
    is_picture,
    is_torch_data,
    plain_array,
    stacked_pictures,
    stacked_samples,
)
from grouplearn.domains.readers.streams import STANDARD_INPUT, kept_file, kept_path
from grouplearn.domains.readers.table_rows import TableOptions, TableRows, option
from grouplearn.domains.sequence_files import SequenceFile, is_biopythons, sequences_of
from grouplearn.domains.source_folders import corpus_of_path
from grouplearn.errors import DataError

Raw: TypeAlias = TableRows | OpenedImages | Iterable[str] | Corpus


@final
@dataclass(frozen=True)
class SourceOptions:
    """How data are opened; see `grouplearn.domains.readers.open_data` for the meaning.

    Attributes:
        kind: one of `KINDS`; None decides by the content.
        axes: the order of the axes of images.
        table: what concerns tables; of images in an archive, `array` counts.
    """

    kind: str | None = None
    axes: str | None = None
    table: TableOptions = field(default_factory=TableOptions)


@final
@dataclass(frozen=True)
class Source:
    """Data that are open.

    Attributes:
        kind: one of `KINDS`.
        raw: of a table its rows, of images an `OpenedImages`, of sequences letters, which can be
            read again and again, of tokens a `Corpus`.
        said: what they were taken for and why, in words.
    """

    kind: str
    raw: Raw
    said: str


def open_source(who: str, source: Any, options: SourceOptions) -> Source:
    """Open data.

    Args:
        who: asks, for errors.
        source: as for `open_data`.
        options: how.

    Raises:
        InputError: an option is out of its range or does not fit, or `source` is nothing known.
        DataError: the data are missing, broken, or of no known kind.
        MissingExtraError: they need a package that is absent.
    """
    if options.kind not in (None, *KINDS):
        refuse(who, option(who, "kind"), f"one of {', '.join(KINDS)}", repr(options.kind),
               "take one of these")  # fmt: skip
    assert_axes(who, option(who, "axes"), options.axes)
    if hasattr(source, "read") and not isinstance(source, os.PathLike):
        return _of_path(who, kept_file(who, "source", source), options)
    if isinstance(source, str) and _are_letters([source]) and not Path(source[:255]).exists():
        return _sequences(who, [source], options)
    if isinstance(source, (str, os.PathLike)):
        return _of_path(who, checked_path(who, source), options)
    return _of_object(who, source, options)


def _of_path(who: str, given: Path, options: SourceOptions) -> Source:
    if str(given) != STANDARD_INPUT and not given.exists():
        reject(given, "a file or a folder that exists", "nothing", "check the path", who)
    path = kept_path(who, given)
    kind = options.kind or recognise(path, who, options.table.array)
    if kind == "table":
        rows = TableRows.of(who, path, options.table)
        return Source(kind, rows, rows.said)
    if kind == "images":
        images = open_images(who, path, array=options.table.array, axes=options.axes)
        return _images(who, images, options.table.labels)
    if kind == "sequence":
        letters = SequenceFile(path)
        return Source(kind, letters, letters.said)
    corpus = corpus_of_path(path)
    return Source(kind, corpus, corpus.words)


def _of_object(who: str, source: Any, options: SourceOptions) -> Source:
    """Something in memory: the first kind of object that it is."""
    known: tuple[tuple[Callable[[Any], bool], Callable[[str, Any, SourceOptions], Source]], ...] = (
        (lambda x: isinstance(x, Corpus), lambda _, x, __: Source("tokens", x, x.words)),
        (is_frame, _frame),
        (is_torch_data, lambda w, x, o: _numbers(w, stacked_samples(w, x), o)),
        (is_picture, lambda w, x, o: _numbers(w, stacked_pictures(w, [x]), o)),
        (all_pictures, lambda w, x, o: _numbers(w, stacked_pictures(w, x), o)),
        (is_biopythons, lambda w, x, o: _sequences(w, [x], o)),
        (_is_array, _array),
        (lambda x: isinstance(x, Iterable), _items),
    )
    opened = next((each for fits, each in known if fits(source)), None)
    if opened is None:
        _refuse(who, type(source).__name__)
    return opened(who, source, options)


def _is_array(source: Any) -> bool:
    return isinstance(source, (Tensor, np.ndarray)) or hasattr(source, "__array__")


def _frame(who: str, frame: Any, options: SourceOptions) -> Source:
    return _table(TableRows.of(who, table_of_frame(who, frame), options.table))


def _table(rows: TableRows) -> Source:
    return Source("table", rows, rows.said)


def _array(who: str, source: Any, options: SourceOptions) -> Source:
    if isinstance(source, np.ma.MaskedArray):
        refuse(who, "source", "an array without a mask", "a masked array", "fill it in")
    array = plain_array(source) if isinstance(source, Tensor) else np.asanyarray(source)
    return _numbers(who, Stacked(array, None, f"array of {array.dtype}"), options)


def _numbers(who: str, found: Stacked, options: SourceOptions) -> Source:
    """An array as a table if it has two axes, else as images."""
    array = found.samples
    given = options.table.labels
    labels = found.labels if given is None else given
    kind = options.kind or ("table" if array.ndim == 2 and options.axes is None else "images")
    if kind == "table":
        table = table_of_array(who, array, found.form)
        return _table(TableRows.of(who, table, replace(options.table, labels=labels)))
    if kind != "images":
        refuse(who, option(who, "kind"), "'table' or 'images' for an array of numbers", repr(kind),
               "leave it out")  # fmt: skip
    scaled = scaled_images(who, "source", array, options.axes)
    notes = (*found.notes, *scaled.notes)
    images = OpenedImages(scaled.images, found.form, notes, None, found.classes)
    return _images(who, images, labels)


def _images(who: str, images: OpenedImages, labels: Any) -> Source:
    """Images, with labels from elsewhere if there are some."""
    if labels is not None:
        name, codes = option(who, "labels"), dict[str, int]()
        given = isinstance(labels, str)
        values = (
            read_labels(who, name, Path(labels), None, codes)
            if given
            else as_codes(who, name, labels, codes)
        )
        if len(values) != len(images.images):
            refuse(who, name, f"one for each image, {len(images.images)}", len(values),
                   "pass the labels of these images")  # fmt: skip
        numbers, classes = in_order(values, codes)
        images = images._replace(labels=numbers, classes=classes or images.classes)
    return Source("images", images, images.said)


def _items(who: str, source: Iterable[Any], options: SourceOptions) -> Source:
    """A list, or what can be listed: of sequences, of texts, of tokens, of arrays or of numbers."""
    items = list(source)
    if not items:
        _refuse(who, "nothing in it")
    first = items[0]
    if all_pictures(items):
        return _numbers(who, stacked_pictures(who, items), options)
    if is_biopythons(first) or (options.kind == "sequence" and isinstance(first, str)):
        return _sequences(who, items, options)
    if all(isinstance(each, str) for each in items):
        letters = options.kind is None and _are_letters(items)
        return _sequences(who, items, options) if letters else _tokens(who, items, options)
    if isinstance(first, (list, tuple)) and _is_text(first[:1]):
        return _tokens(who, items, options)
    try:
        arrays = [plain_array(x) if isinstance(x, Tensor) else np.asarray(x) for x in items]
        array = np.stack(arrays)
    except ValueError:
        _refuse(who, "a list of arrays of several shapes")
    return _array(who, array, options)


def _is_text(some: Any) -> bool:
    """Is the first of some a text, or a list of them?"""
    first = some[0] if some else None
    return isinstance(first, str) or (
        isinstance(first, (list, tuple)) and bool(first) and isinstance(first[0], str)
    )


def _tokens(who: str, items: list[Any], options: SourceOptions) -> Source:
    """Texts, lists of tokens, or pairs of either."""
    _only(who, options, "tokens")
    if all(isinstance(each, str) for each in items):
        corpus = corpus_of_sequences([each.split() for each in items])
    elif all(_is_pair(each) for each in items):
        sides = [[x.split() if isinstance(x, str) else x for x in pair] for pair in items]
        corpus = corpus_of_pairs([pair[0] for pair in sides], [pair[1] for pair in sides])
    else:
        corpus = corpus_of_sequences(items)
    return Source("tokens", corpus, corpus.words)


def _is_pair(item: Any) -> bool:
    """Two lists of tokens, or a tuple of two texts; a list of two words is a sequence."""
    return len(item) == 2 and (
        not isinstance(item[0], str)
        or (isinstance(item, tuple) and any(" " in each for each in item))
    )


def _sequences(who: str, items: list[Any], options: SourceOptions) -> Source:
    _only(who, options, "sequence")
    letters = tuple(sequences_of(items))
    size = f"{len(letters):,} sequence{'s' * (len(letters) > 1)} of {sum(map(len, letters)):,}"
    return Source("sequence", letters, f"{size} letters, as these are letters alone")


def _are_letters(items: list[str]) -> bool:
    return sequence_format([each.strip() for each in items if each.strip()] or [""]) == "letters"


def _only(who: str, options: SourceOptions, kind: str) -> None:
    if options.kind not in (None, kind):
        refuse(who, option(who, "kind"), f"{kind!r} for these data", repr(options.kind),
               "leave it out")  # fmt: skip


def _refuse(who: str, got: str) -> NoReturn:
    known = (
        "a path, an array, a data frame, pictures, a data set or a loader of torch, sequences, or "
        "lists of tokens"
    )
    refuse(who, "source", known, got, "convert it, for example to a NumPy array", DataError)
