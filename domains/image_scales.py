"""Arrays of images in any order of axes and any numeric type, as (N, C, H, W) within [0, 1]."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Shaped

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small
from grouplearn.domains.image_arrays import channels_first
from grouplearn.errors import DataError

_AXES = "NCHW"
_AT_ONCE = 1 << 22
_BYTE = 255


class Scaled(NamedTuple):
    """Images as adapters take them.

    Attributes:
        images: (N, H, W) or (N, C, H, W), uint8, or floats in [0, 1].
        notes: what was changed, in words.
        moved: were grey values moved and scaled by what the images hold?
    """

    images: Shaped[np.ndarray, "N *C H W"]
    notes: tuple[str, ...]
    moved: bool = False


def assert_axes(who: str, argument: str, axes: str | None) -> None:
    """Refuse what is no order of the axes of images.

    Args:
        who: asks, for the error.
        argument: the name of the option.
        axes: H and W, and perhaps N and C, each once, in any order; None is none.

    Raises:
        InputError: it is something else.
    """
    if axes is None:
        return
    if not set("HW") <= set(axes) <= set(_AXES) or len(set(axes)) != len(axes):
        refuse(who, argument, "an order of H and W with N and C, such as NCHW, NHWC or HWN",
               repr(axes), "name each axis of the array once")  # fmt: skip


def scaled_images(who: str, source: str, array: Any, axes: str | None) -> Scaled:
    """Put images in the order (N, C, H, W) and, where they are not there, in [0, 1].

    Bytes, and floats in [0, 1], stay as they are, a view. Whole numbers from 0 to 255 become
    bytes. Floats from 0 to 255 are divided by 255, numbers of more bits by the largest of their
    type. Everything else, standardised images among them, is moved and scaled as a whole so that
    its least value becomes 0 and its largest 1; no symmetry of grey values changes with that.

    Args:
        who: asks, for errors.
        source: where the array is from, for errors.
        array: of numbers.
        axes: a name for each axis, such as "NHWC"; None takes "NHW" or "NCHW".

    Raises:
        InputError: `axes` does not fit the array, or is None and channels seem to come last.
        DataError: it has no numbers, other axes than images have, an axis is empty, a number is
            NaN or infinite, which is named, or the images would take too much memory.
    """
    assert_axes(who, "axes", axes)
    if array.dtype.kind not in "fiub":
        _reject(who, source, "an array of real numbers", f"one of {array.dtype}", "convert it")
    ordered = _ordered(who, source, array, axes)
    if 0 in ordered.shape:
        _reject(who, source, "images, no axis empty", f"shape {array.shape}", "pass some")
    return _within_one(who, source, ordered)


def _ordered(who: str, source: str, array: Any, axes: str | None) -> Any:
    """The array in the order N, C, H, W, as a view."""
    shape = array.shape
    if axes is None:
        if array.ndim not in (3, 4):
            _reject(who, source, "images (N, H, W) or (N, C, H, W)", f"shape {shape}",
                    "reshape them, pass axes (--axes), or kind='table' (--kind table)")  # fmt: skip
        return channels_first(array, None)
    if len(axes) != array.ndim:
        refuse(who, "axes (--axes)", f"a letter for each of the {array.ndim} axes of {source}",
               repr(axes), f"name the axes of an array of shape {shape}")  # fmt: skip
    found = array.transpose([axes.index(each) for each in _AXES if each in axes])
    return found if "N" in axes else found[None]


def _within_one(who: str, source: str, array: Any) -> Scaled:
    """Values as bytes or within [0, 1], and what was done."""
    if array.dtype == np.uint8:
        return Scaled(array, ())
    low, high = _range(who, source, array)
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return Scaled(array, ())
    assert_small(who, source, array.size * 4)
    if array.dtype.kind == "b":
        return Scaled(array.astype(np.float32), ())
    if array.dtype.kind in "iu" and low >= 0 and high <= _BYTE:
        return Scaled(array.astype(np.uint8), (f"{array.dtype} from 0 to 255 is read as bytes",))
    said = f"values from {low:g} to {high:g} are"
    if low >= 0 and (high <= _BYTE or array.dtype.kind == "u"):
        most = _BYTE if high <= _BYTE else np.iinfo(array.dtype).max
        return Scaled((array / most).astype(np.float32), (f"{said} divided by {most:,}",))
    spread = high - low
    if not np.isfinite(spread):
        _reject(who, source, "images of moderate values", said, "rescale them")
    found = ((array.astype(np.float64) - low) / (spread or 1)).astype(np.float32)
    return Scaled(found.clip(0, 1), (f"{said} moved and scaled to 0 and 1",), moved=True)


def _range(who: str, source: str, array: Any) -> tuple[float, float]:
    """The least and the largest value; NaN and infinity are refused with their place."""
    low, high = np.inf, -np.inf
    step = max(1, _AT_ONCE // max(1, array[0].size))
    for start in range(0, len(array), step):
        part = np.asarray(array[start : start + step])
        good = np.isfinite(part)
        if not good.all():
            first, *rest = (int(i) for i in np.argwhere(~good)[0])
            value = part[(first, *rest)]
            _reject(who, source, "finite", f"{value} at {(first + start, *rest)}",
                    "clean the data first")  # fmt: skip
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high


def _reject(who: str, source: str, expected: str, got: str, remedy: str) -> NoReturn:
    refuse(who, source, expected, got, remedy, DataError)
