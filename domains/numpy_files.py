"""NumPy's files, .npy and .npz: headers checked, nothing unpickled, a bounded part at a time."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Shaped
from numpy.lib import format as npy
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_no_bomb, assert_small
from grouplearn.errors import DataError

NPY_MAGIC = b"\x93NUMPY"
"""What a .npy file begins with."""
_ENTRIES = 1 << 20


def is_npy(file: Path) -> bool:
    """Does a file begin as .npy files do?"""
    with file.open("rb") as stream:
        return stream.read(len(NPY_MAGIC)) == NPY_MAGIC


def numpy_array(who: str, file: Path) -> Any:
    """Open a .npy file as a memory map, never unpickled.

    Args:
        who: asks, for the error.
        file: that exists.

    Raises:
        DataError: it is cut or corrupt, or holds pickled objects.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as problem:  # a header is Python, and fails in as many ways as Python does
        return _broken(who, file, ".npy file of numbers", problem)


def array_slices(
    array: Shaped[np.ndarray, "rows columns"],
) -> Iterator[Shaped[np.ndarray, "some columns"]]:
    """Yield the rows of an array, about a million numbers at once."""
    step = rows_at_once(array.shape[1])
    for start in range(0, len(array), step):
        yield array[start : start + step]


def rows_at_once(columns: int) -> int:
    """How many rows have about a million numbers."""
    return max(1, _ENTRIES // max(columns, 1))


def archived_shape(
    who: str, file: Path, name: str | None
) -> tuple[str, tuple[int, ...], np.dtype[Any]]:
    """Return name, shape and type of an array in an .npz archive.

    Args:
        who: asks, for the error.
        file: the archive.
        name: of the array; None takes the only one.

    Raises:
        DataError: the archive is broken, or has no such array.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
            if not any(each.endswith(".npy") for each in members):
                _reject(
                    who, file, "a whole .npz file", _zip_kind(members), "save arrays with np.savez"
                )
            names = [each.removesuffix(".npy") for each in members]
            if name is None and len(names) != 1:
                _reject(who, file, "an archive of one array", f"arrays {names}",
                        "pass name= (--array), one of these")  # fmt: skip
            chosen = names[0] if name is None else name
            if chosen not in names:
                _reject(who, file, f"an archive with an array {chosen!r}", names,
                        "pass one of these")  # fmt: skip
            told = archive.getinfo(f"{chosen}.npy")
            assert_no_bomb(who, file, told.compress_size, told.file_size)
            with archive.open(told) as member:
                shape, _, dtype = _header(member)
    except DataError:
        raise
    except Exception as problem:
        _broken(who, file, ".npz file", problem)
    return chosen, shape, dtype


def archived_slices(
    who: str, file: Path, name: str
) -> Iterator[Shaped[np.ndarray, "rows columns"]]:
    """Yield the rows of an array with two axes in an .npz archive; its checksum is verified.

    Args:
        who: asks, for the error.
        file: the archive.
        name: of the array.

    Raises:
        DataError: the archive is cut or corrupt, or an array in Fortran order, which is taken
            whole, is larger than one data set may be.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{name}.npy") as stream:
            (rows, columns), fortran, dtype = _header(stream)
            size = columns * dtype.itemsize
            step = rows if fortran else rows_at_once(columns)
            assert_small(who, file, step * size)
            for start in range(0, rows, step):
                count = min(step, rows - start)
                part = np.frombuffer(_exactly(stream, count * size), dtype)
                turned = part.reshape(columns, rows).T if fortran else part.reshape(count, columns)
                yield from array_slices(turned)
            if stream.read(1):
                raise EOFError("bytes behind the last row")
    except DataError:
        raise
    except Exception as problem:
        _broken(who, file, ".npz file", problem)


def archived_names(file: Path) -> tuple[str, ...]:
    """Return the names of the arrays of an .npz archive; none of any other file.

    Args:
        file: that exists.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            return tuple(
                each.removesuffix(".npy") for each in archive.namelist() if each.endswith(".npy")
            )
    except (OSError, ValueError, zipfile.BadZipFile):
        return ()


def archived_array(who: str, file: Path, name: str | None) -> NDArray[Any]:
    """Read a whole array from an .npz archive; its checksum is verified.

    Args:
        who: asks, for the error.
        file: the archive.
        name: of the array; None takes the only one.

    Raises:
        DataError: the archive is broken, has no such array, or it is larger than one data set may
            be, or holds pickled objects.
    """
    chosen, shape, dtype = archived_shape(who, file, name)
    assert_small(who, file, math.prod(shape) * dtype.itemsize)
    try:
        with zipfile.ZipFile(file) as archive, archive.open(f"{chosen}.npy") as stream:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
            if stream.read(1):
                raise EOFError("bytes behind the array")
    except Exception as problem:
        _broken(who, file, ".npz file", problem)
    return array


def _zip_kind(members: Sequence[str]) -> str:
    """What a zip archive without arrays is, in words."""
    if any(each.startswith("xl/") for each in members):
        return "an Excel workbook"
    if any(each.endswith("/data.pkl") for each in members):
        return "a file of torch.save, which could run code"
    return "a zip archive of other files"


def _header(member: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array in an archive; the stream is left at its data."""
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if math.prod(shape) * dtype.itemsize >= 1 << 62 or any(size < 0 for size in shape):
        raise ValueError(f"shape {shape}")
    return shape, fortran, dtype


def _exactly(stream: Any, size: int) -> bytes:
    data = io.BytesIO()
    while data.tell() < size and (part := stream.read(min(size - data.tell(), _ENTRIES))):
        data.write(part)
    if data.tell() < size:
        raise EOFError(f"{data.tell()} of {size} bytes")
    return data.getvalue()


def _broken(who: str, file: Path, what: str, problem: Exception) -> NoReturn:
    said = str(problem) or type(problem).__name__
    _reject(who, file, f"a whole {what}", f"a broken one ({said})", "save it again")


def _reject(who: str, file: Path, expected: str, got: object, remedy: str) -> NoReturn:
    refuse(who, f"path {str(file)!r}", expected, got, remedy, DataError)
