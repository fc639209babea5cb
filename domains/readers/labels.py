"""Labels from outside the rows: values, a file of one column, an array of an archive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.csvs import code_of
from grouplearn.domains.numpy_files import archived_array
from grouplearn.domains.tables import read_table
from grouplearn.errors import DataError

_TITLES = {"class", "classes", "label", "labels", "target", "targets", "species", "y"}


def as_codes(who: str, name: str, values: Any, codes: dict[str, int]) -> NDArray[np.float64]:
    """Return labels as numbers: numbers as they are, words as the codes of their classes.

    Args:
        who: asks, for errors.
        name: what to call the labels.
        values: (N,) numbers or words; a series, a tensor and a list are taken, too.
        codes: of the classes, to which every new word is added.

    Raises:
        InputError: they have several axes, or are neither.
        DataError: one is missing, NaN or infinite; it is named.
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    array = np.asarray(values if hasattr(values, "__array__") else _listed(who, name, values))
    if array.ndim != 1 or array.dtype.kind not in "fiubUOT":
        refuse(who, name, "numbers or words, one for each row",
               f"shape {array.shape} of {array.dtype}", "pass one for each row")  # fmt: skip
    if array.dtype.kind in "fiub":
        numbers = array.astype(np.float64)
        wrong = np.flatnonzero(~np.isfinite(numbers))
        if wrong.size:
            _refuse_missing(who, name, int(wrong[0]), float(numbers[wrong[0]]))
        return numbers
    found = np.empty(len(array))
    for place, each in enumerate(array):
        code = code_of(each, codes)
        if code is None:
            _refuse_missing(who, name, place, each)
        found[place] = code
    return found


def in_order(
    values: NDArray[np.float64], codes: dict[str, int]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Number classes in alphabetical order instead of that in which they came.

    Args:
        values: (N,), codes; where there are none, numbers that stay as they are.
        codes: of the classes; empty where labels are numbers.

    Returns:
        The labels, and the names of the classes by number.
    """
    if not codes:
        return values, ()
    classes = tuple(sorted(codes))
    places = np.empty(len(classes))
    places[[codes[each] for each in classes]] = np.arange(len(classes))
    return places[values.astype(np.int64)], classes


def read_labels(
    who: str, name: str, file: Path, array: str | None, codes: dict[str, int]
) -> NDArray[np.float64]:
    """Read labels from a file of one column, or an array of an archive.

    Args:
        who: asks, for errors.
        name: of the option that names the file.
        file: a table, or an archive.
        array: of the archive; None is a table.
        codes: of the classes, to which every new word is added.

    Raises:
        InputError: they have several columns or axes.
        DataError: the file is broken.
    """
    if array is not None:
        return as_codes(who, name, archived_array(who, file, array), codes)
    table = read_table(file)
    if len(table.columns) != 1:
        refuse(who, name, "a file of one column", f"{len(table.columns)} in {str(file)!r}",
               "keep one column")  # fmt: skip
    named = table.form.endswith("the first line names the columns")
    if table.words and named and table.columns[0].lower() not in _TITLES:
        table = read_table(file, header=False)  # the first word is no title, but a class
    table = table.coded(0, codes) if table.words else table
    return np.concatenate([batch[:, 0] for batch in table])


def _listed(who: str, name: str, values: Any) -> list[Any]:
    if not isinstance(values, Iterable):
        refuse(who, name, "a column, a file, or values", type(values).__name__,
               "pass one for each row")  # fmt: skip
    return list(values)


def _refuse_missing(who: str, name: str, place: int, value: object) -> NoReturn:
    refuse(who, name, "a class or a finite number for each row", f"{value!r} in row {place}",
           "fill it in", DataError)  # fmt: skip
