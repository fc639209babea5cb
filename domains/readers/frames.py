"""Data frames and arrays in memory as tables, by the methods that pandas and polars share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.arrays import column_numbers, frame_column, frame_titles
from grouplearn.domains.csv_layouts import printable
from grouplearn.domains.csvs import Coded, code_of
from grouplearn.domains.numpy_files import array_slices, rows_at_once
from grouplearn.domains.tables import NumberTable
from grouplearn.errors import DataError


def table_of_array(who: str, array: NDArray[Any], form: str) -> NumberTable:
    """Return an array in memory as a table.

    Args:
        who: asks, for errors.
        array: (N, d), of real numbers.
        form: what it is, in words.

    Raises:
        DataError: it has another shape or type.
    """
    if array.dtype.kind not in "fiub" or array.ndim != 2 or 0 in array.shape:
        refuse(who, "source", "an array of real numbers of shape (samples, columns), neither empty",
               f"shape {array.shape} of {array.dtype}", "reshape or convert it",
               DataError)  # fmt: skip
    every = tuple(range(array.shape[1]))

    def batches(kept: Sequence[int], _: Coded) -> Iterator[Shaped[np.ndarray, "rows kept"]]:
        return (part if kept == every else part[:, list(kept)] for part in array_slices(array))

    names = tuple(f"column {k}" for k in every)
    return NumberTable("source", names, form, lambda: len(array), batches, every)


def table_of_frame(who: str, frame: Any) -> NumberTable:
    """Return a data frame of pandas or polars, or one with their methods, as a table.

    Args:
        who: asks, for errors.
        frame: with `columns`, and columns with `to_numpy`.

    Raises:
        DataError: it has no rows or no columns.
    """
    names = tuple(map(printable, frame_titles(frame)))
    count = len(frame)
    if not names or not count:
        refuse(who, "source", "a frame with rows and columns", f"{count} x {len(names)}",
               "pass one that is not empty", DataError)  # fmt: skip

    def batches(kept: Sequence[int], coded: Coded) -> Iterator[Shaped[np.ndarray, "rows kept"]]:
        columns = [
            _codes(who, names[k], frame_column(frame, k), coded[k])
            if k in coded
            else column_numbers(who, "source", names[k], frame_column(frame, k), DataError)
            for k in kept
        ]
        step = rows_at_once(len(kept))
        for start in range(0, count, step):
            yield np.stack([each[start : start + step] for each in columns], 1)

    words = tuple(k for k in range(len(names)) if _is_worded(frame_column(frame, k)))
    form = f"{type(frame).__module__.partition('.')[0]} frame"
    return NumberTable(
        "source", names, form, lambda: count, batches, tuple(range(len(names))), words
    )


def _is_worded(values: NDArray[Any]) -> bool:
    """Is there a word in a column?"""
    return values.dtype.kind in "UT" or (
        values.dtype.kind == "O" and any(isinstance(each, str) for each in values)
    )


def _codes(who: str, name: str, values: NDArray[Any], codes: dict[str, int]) -> NDArray[np.float64]:
    found = np.empty(len(values))
    for row, each in enumerate(values):
        code = code_of(each, codes)
        if code is None:
            refuse(who, "source", "a frame with a class in each row",
                   f"{each!r} in row {row}, {name!r}", "fill it in", DataError)  # fmt: skip
        found[row] = code
    return found
