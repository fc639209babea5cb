"""Reading IDX files, the format of MNIST and Fashion-MNIST, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from jaxtyping import UInt8

from grouplearn._checks import refuse
from grouplearn.domains.files import assert_small, checked_path, most_bytes, uncompressed
from grouplearn.domains.idx_names import holding_folder, is_images
from grouplearn.errors import DataError

_TYPES = {
    0x08: "uint8",
    0x09: "int8",
    0x0B: "int16",
    0x0C: "int32",
    0x0D: "float32",
    0x0E: "float64",
}
_MAX_DIMS = 32  # the most axes an array of NumPy 1.26 can have
_CHUNK = 1 << 20
_PREFERRED = "train-images-idx3-ubyte"


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an IDX file into an array.

    The format is: two zero bytes, one byte for the type, one for the number of axes, each axis as
    a big-endian 32-bit size, then the values, big-endian and row-major. Whether the file is
    compressed is decided by its first bytes, not by its name. The sizes that the header declares
    are compared with the bytes that follow; memory grows with the bytes read, never with the sizes
    declared. A gzip checksum is verified.

    Args:
        path: an IDX file; uint8, int8, int16, int32, float32 or float64; 1 to 32 axes.

    Returns:
        A writable array of the declared shape and type, in native byte order.

    Raises:
        InputError: `path` is not a path.
        DataError: the file is missing, unreadable, empty, not IDX, truncated, longer than
            declared, a broken gzip file, or holds more than one data set may.

    Cost:
        Time and memory linear in the size of the uncompressed data.

    References:
        LeCun, Cortes, Burges, 1998, the MNIST database, "file formats".

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "three"
        >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
        >>> read_idx(file).tolist()
        [7, 8, 9]
    """
    file = checked_path("read_idx", path)
    try:
        with uncompressed(file, "read_idx") as stream:
            dtype, shape = _header(file, stream)
            data = _payload(file, stream, dtype, shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
        _reject(file, "an intact gzip file", f"a broken one ({problem})", "download it again")
    except OSError as problem:
        _reject(
            file,
            "a readable file",
            problem.strerror or type(problem).__name__,
            "pass an existing file (load_idx_images accepts a folder too)",
        )
    return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def load_idx_images(path: str | os.PathLike[str]) -> UInt8[np.ndarray, "count height width"]:
    """Load the images of an MNIST-like data set from an IDX file or from the folder that holds it.

    In a folder the training images come first: train-images-idx3-ubyte, then the same with .gz,
    then any other file whose name says images and IDX, those that begin with "train" first,
    otherwise in alphabetical order.

    Args:
        path: a file, or a folder.

    Returns:
        The images, (N, H, W), uint8.

    Raises:
        InputError: `path` is not a path.
        DataError: `path` is missing, the folder has no such file, the file holds something other
            than grey 8-bit images, or `read_idx` refuses it.

    Cost:
        As `read_idx`.

    Example:
        >>> load_idx_images("no-such-folder")
        Traceback (most recent call last):
        grouplearn.errors.DataError: load_idx_images: path 'no-such-folder' must be ...
    """
    given = checked_path("load_idx_images", path)
    file = _images_file(given)
    images = read_idx(file)
    if images.ndim != 3 or images.dtype != np.uint8:
        refuse(
            "load_idx_images",
            f"path {str(file)!r}",
            "an IDX file of images (three axes, uint8)",
            f"{images.ndim} axes of {images.dtype}",
            "pass the file of images, not of labels",
            DataError,
        )
    return images


def _images_file(path: Path) -> Path:
    """Choose the file of images in a folder, the training images first; a file chooses itself."""
    try:
        folder = holding_folder(path)
        names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except NotADirectoryError:
        return path
    except OSError as problem:
        _refuse_folder(path, problem.strerror or type(problem).__name__)
    matching = [name for name in names if is_images(name) and not name.startswith(".")]
    if not matching:
        _refuse_folder(path, f"a folder of {len(names)} other files")
    return folder / min(matching, key=_preference)


def _preference(name: str) -> tuple[bool, bool, bool, str]:
    """The sort key of file names in a folder, the best first."""
    return name != _PREFERRED, name != f"{_PREFERRED}.gz", not name.startswith("train"), name


def _refuse_folder(path: Path, found: str) -> NoReturn:
    refuse(
        "load_idx_images",
        f"path {str(path)!r}",
        f"an IDX file, or a folder with {_PREFERRED}(.gz) or other images in IDX",
        found,
        "download the data set there or pass another path",
        DataError,
    )


def _reject(file: Path, expected: str, got: str, remedy: str) -> NoReturn:
    refuse("read_idx", f"path {str(file)!r}", expected, got, remedy, DataError)


def _take(stream: io.BufferedIOBase, size: int) -> bytearray:
    """Read `size` bytes, or fewer at the end; a size that the stream lacks is never allocated."""
    taken = bytearray()
    while len(taken) < size and (chunk := stream.read(min(size - len(taken), _CHUNK))):
        taken += chunk
    return taken


def _count(stream: io.BufferedIOBase, most: int) -> int:
    """How many bytes follow, or `most`; none is kept."""
    count = 0
    while count < most and (chunk := stream.read(min(most - count, _CHUNK))):
        count += len(chunk)
    return count


def _header(file: Path, stream: io.BufferedIOBase) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = _take(stream, 4)
    if (
        len(magic) < 4
        or magic[:2] != b"\0\0"
        or magic[2] not in _TYPES
        or not 1 <= magic[3] <= _MAX_DIMS
    ):
        codes = " ".join(f"{code:02x}" for code in _TYPES)
        _reject(
            file,
            f"an IDX file (bytes 00 00, a type of {codes}, 1 to {_MAX_DIMS} axes)",
            f"first bytes {magic.hex(' ')}" if magic else "an empty file",
            "pass an IDX file, plain or gzip",
        )
    sizes = _take(stream, 4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        _reject(
            file,
            f"an IDX file with a header of {4 + 4 * magic[3]} bytes",
            f"{4 + len(sizes)} bytes",
            "the file is truncated, download it again",
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if 0 in shape:
        _reject(file, "an IDX file with data", f"shape {shape}", "pass a file that is not empty")
    return np.dtype(_TYPES[magic[2]]).newbyteorder(">"), shape


def _payload(
    file: Path, stream: io.BufferedIOBase, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> bytearray:
    expected = math.prod(shape) * dtype.itemsize
    # One byte more than declared shows trailing bytes, and makes gzip verify its checksum.
    data = _take(stream, expected + 1) if expected <= most_bytes() else bytearray()
    count = len(data) if expected <= most_bytes() else _count(stream, most_bytes() + 1)
    if count > most_bytes():
        assert_small("read_idx", file, expected)
    if count != expected:
        truncated = count < expected
        _reject(
            file,
            f"an IDX file with {expected} bytes of data, as its shape {shape} declares",
            f"{count} bytes" if truncated else "more bytes",
            f"the file is {'truncated' if truncated else 'corrupt'}, download it again",
        )
    return data
