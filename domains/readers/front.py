"""`open_data`: whatever holds data, read, with a sentence of what it was taken for and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small
from grouplearn.domains.image_sets import LabelledImages
from grouplearn.domains.readers.image_files import OpenedImages
from grouplearn.domains.readers.kinds import WHO
from grouplearn.domains.readers.labels import in_order
from grouplearn.domains.readers.opened import Opened
from grouplearn.domains.readers.sources import SourceOptions, open_source
from grouplearn.domains.readers.table_rows import TableOptions, TableRows

_NUMBER = 8  # bytes of a float64


def open_data(  # noqa: PLR0913
    source: Any,
    labels: Any = None,
    *,
    kind: str | None = None,
    columns: str | Sequence[str | int] | None = None,
    header: bool | None = None,
    index_column: str | int | None = None,
    decimal: str | None = None,
    standardise: bool = False,
    array: str | None = None,
    axes: str | None = None,
) -> Opened:
    """Open whatever holds data, and say what it was taken for and why.

    Tables: .csv and others between commas, semicolons, tabs or blanks; Parquet; .npy and .npz;
    arrays, tensors and nested lists of two axes; data frames of pandas and polars.
    Images: .npy, .npz and arrays in any order of axes and any numeric type, standardised or not;
    IDX; CIFAR's binary batches; pictures in files, in folders, in folders for classes, or opened by
    Pillow. Sequences: FASTA, FASTQ, GenBank, EMBL and bare letters; `Seq` and `SeqRecord` of
    Biopython. Tokens: texts, pairs in lines IN: OUT:, in tabs or in JSON, folders of source code,
    and lists of tokens. A data set or a loader of torch is a table or images, with the labels that
    it yields. Files may be plain or gzip, pipes are read to their end, and `-` is standard input.
    The content decides, not the name; known formats that are not read are refused by their name.

    Args:
        source: a path, a file that is open, or the data themselves.
        labels: of a table a column by its name or number, which may hold words, a file of one
            column, or an array of the same archive; or one value for each sample.
        kind: "table", "images", "sequence" or "tokens"; None decides by the content.
        columns: of a table, the only ones to read: names or numbers from 0, with commas between
            or in a list.
        header: of a text, does its first line name the columns? None decides by what it holds.
        index_column: of a table, a column to leave out; None leaves out the index of pandas.
        decimal: of a text, "." or ","; None decides by what it holds.
        standardise: bring the columns of a table to mean 0 and standard deviation 1.
        array: which one of an archive.
        axes: the order of the axes of images, such as "NHWC" or "HWN"; None takes "NCHW" or "NHW".

    Returns:
        The data; `str` of it is the sentence.

    Raises:
        InputError: an option is out of its range or does not apply, or `source` is nothing known.
        DataError: the data are missing, broken, of no known kind, or too large.
        MissingExtraError: they need a package that is absent.

    Cost:
        Linear time; the memory of the data, but sequences and tokens of files are read as streams.

    Example:
        >>> data = open_data([[1, 2], [3, 5], [4, 4]], labels=["b", "a", "b"])
        >>> print(data)
        3 x 2 table, array of int64; labels: as given
        >>> data.data.shape, data.labels.tolist(), data.classes
        ((3, 2), [1.0, 0.0, 1.0], ('a', 'b'))
    """
    table = TableOptions(
        array=array, labels=labels, header=header, decimal=decimal,
        index_column=None if index_column is None else str(index_column),
        columns=columns if columns is None or isinstance(columns, str) else tuple(columns),
        standardise=standardise,
    )  # fmt: skip
    opened = open_source(WHO, source, SourceOptions(kind, axes, table))
    raw = opened.raw
    _assert_applying(opened.kind, axes, table)
    if isinstance(raw, TableRows):
        return _table(raw, opened.said)
    if isinstance(raw, OpenedImages):
        return _images(raw, opened.said)
    return Opened(opened.kind, raw, opened.said)


def _table(rows: TableRows, said: str) -> Opened:
    count = rows.table.count()
    assert_small(WHO, rows.table.path, count * (len(rows.names) + 1) * _NUMBER)
    batches = list(rows)
    labels, classes = None, tuple[str, ...]()
    if rows.has_labels:
        values = np.concatenate([each for _, each, _ in batches if each is not None])
        labels, classes = in_order(values, rows.codes)
    data = np.concatenate([batch for batch, _, _ in batches])
    return Opened("table", data, said, labels, classes, rows.names)


def _images(found: OpenedImages, said: str) -> Opened:
    return Opened(
        "images", found.images, said, found.labels, found.classes,
        test=None if found.test is None else _test(found.test),
    )  # fmt: skip


def _test(part: LabelledImages) -> Opened:
    shape = " x ".join(map(str, part.images.shape[1:]))
    said = f"{len(part.labels):,} images of {shape}, to test with"
    return Opened("images", part.images, said, part.labels, part.names)


def _assert_applying(kind: str, axes: str | None, options: TableOptions) -> None:
    """Refuse options that would be ignored."""
    others = {
        "labels": options.labels is not None and kind not in ("table", "images"),
        "array": options.array is not None and kind not in ("table", "images"),
        "axes": axes is not None and kind != "images",
        **{
            name: kind != "table" and getattr(options, name) != getattr(TableOptions(), name)
            for name in ("columns", "header", "index_column", "decimal", "standardise")
        },
    }
    for name, is_ignored in others.items():
        if is_ignored:
            refuse(WHO, name, "left out for data of this kind", f"it for {kind}", "leave it out")
