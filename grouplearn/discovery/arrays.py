"""What users pass as samples and labels, as arrays: tensors, data frames, classes in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.errors import InputError

_WHO = "MomentAccumulator"
_LARGEST = 1e75
"""Fourth powers of it, and of its inverse, are numbers that float64 can hold."""


def as_array(argument: str, value: Any) -> NDArray[Any]:
    """Return numbers as an array, without a copy where there is none to make.

    Args:
        argument: its name, for errors.
        value: an array, a tensor, a data frame, or nested lists.

    Raises:
        InputError: they are no real numbers, or some are masked.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.double().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    if np.ma.is_masked(value):
        refuse(_WHO, argument, "an array without a mask", "a masked array", "fill it in")
    if is_frame(value):
        return frame_rows(_WHO, argument, value)
    try:
        array = np.asarray(value)
    except ValueError:
        refuse(_WHO, argument, "an array of numbers", "rows of different lengths", "pad them")
    if array.dtype.kind not in "fiub":
        refuse(_WHO, argument, "an array of real numbers", f"dtype {array.dtype}", "convert it")
    return array


def assert_moderate(who: str, rows: NDArray[np.float64], *, all_rows: bool = True) -> None:
    """Refuse samples whose fourth powers are out of the range of float64.

    Args:
        who: asks, for the error.
        rows: finite.
        all_rows: are these all? Of some, none is too small, as others may be larger.

    Raises:
        InputError: the largest entry is too large, or too small and not 0.
    """
    largest = float(np.abs(rows).max(initial=0.0))
    if largest > _LARGEST or (all_rows and 0 < largest < 1 / _LARGEST):
        refuse(who, "samples", f"of moderate size, the largest entry within 1/{_LARGEST:g} and "
               f"{_LARGEST:g}", f"{largest:.2g}", "rescale them")  # fmt: skip


def as_labels(labels: Any) -> Any:
    """Return classes in words as numbers, in alphabetical order; other labels as they are.

    Args:
        labels: (N,), all of them: another part may have other classes.
    """
    if labels is None or isinstance(labels, Tensor):
        return labels
    array = np.asarray(labels)
    worded = array.dtype.kind in "UT" or (
        array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat)
    )
    if not worded:
        return labels
    return np.unique(array.astype(str), return_inverse=True)[1].reshape(array.shape)


def is_frame(source: Any) -> bool:
    """Is it a data frame: columns with names, each of which becomes an array?"""
    return hasattr(source, "columns") and hasattr(source, "to_numpy")


def frame_titles(frame: Any) -> tuple[str, ...]:
    """The names of the columns."""
    return tuple(
        " ".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in frame.columns
    )


def frame_column(frame: Any, number: int) -> NDArray[Any]:
    """A column of a data frame of pandas or polars, or of one with their methods."""
    # Of pandas, by place: titles may occur twice.
    by_place = hasattr(frame, "iloc")
    held = frame.iloc[:, number] if by_place else frame[list(frame.columns)[number]]
    return np.asarray(held.to_numpy())


def without_column(frame: Any, number: int) -> Any:
    """A data frame without one of its columns, by place: titles may occur twice."""
    if hasattr(frame, "iloc"):
        return frame.iloc[:, [k for k in range(len(frame.columns)) if k != number]]
    return frame[[each for k, each in enumerate(frame.columns) if k != number]]


def frame_rows(who: str, argument: str, frame: Any) -> NDArray[np.float64]:
    """A data frame of numbers as rows.

    Raises:
        InputError: a column holds something else.
    """
    titles = frame_titles(frame)
    if not titles:
        return np.empty((len(frame), 0))
    columns = [
        column_numbers(who, argument, title, frame_column(frame, number))
        for number, title in enumerate(titles)
    ]
    return np.stack(columns, 1)


def column_numbers(
    who: str,
    argument: str,
    name: str,
    values: NDArray[Any],
    error: type[InputError] = InputError,
) -> NDArray[np.float64]:
    """Numbers of a column.

    Raises:
        InputError: a value is a date, a word, or missing.
    """
    got = f"{name!r} of type {values.dtype}"
    if values.dtype.kind == "O":
        wrong = next((row for row, each in enumerate(values) if not _is_number(each)), None)
        got = f"{values[wrong]!r} in row {wrong}, {name!r}"
        good = wrong is None
    else:
        good = values.dtype.kind in "fiub"
    if not good:
        refuse(who, argument, "a frame of numeric columns", got,
               "drop or encode that column, or name it as labels", error)  # fmt: skip
    return values.astype(np.float64)


def _is_number(value: Any) -> bool:
    """Is it a number, of Python or of NumPy, and no date, word or missing value?"""
    try:
        return not isinstance(value, (str, bytes)) and float(value) is not None
    except (TypeError, ValueError, OverflowError):
        return False
