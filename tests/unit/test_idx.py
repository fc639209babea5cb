"""IDX files: what `struct` and `gzip` write comes back, and every broken file is refused."""

from __future__ import annotations

import gzip
import math
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grouplearn.domains.idx import load_idx_images, read_idx
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful

# type code, struct letter, NumPy type, values
TYPES: list[tuple[int, str, str, st.SearchStrategy[Any]]] = [
    (0x08, "B", "uint8", st.integers(0, 2**8 - 1)),
    (0x09, "b", "int8", st.integers(-(2**7), 2**7 - 1)),
    (0x0B, "h", "int16", st.integers(-(2**15), 2**15 - 1)),
    (0x0C, "i", "int32", st.integers(-(2**31), 2**31 - 1)),
    (0x0D, "f", "float32", st.floats(width=32)),
    (0x0E, "d", "float64", st.floats()),
]


def idx_bytes(values: list[Any], shape: tuple[int, ...], code: int, letter: str) -> bytes:
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{letter}", *values)


def image_bytes(*shape: int) -> bytes:
    return idx_bytes([n % 256 for n in range(math.prod(shape))], shape, 0x08, "B")


def ramp(*shape: int) -> npt.NDArray[np.uint8]:
    return (np.arange(math.prod(shape)) % 256).astype(np.uint8).reshape(shape)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


@given(st.data())
def test_reads_what_struct_writes(scratch: Path, data: st.DataObject) -> None:
    code, letter, name, values = data.draw(st.sampled_from(TYPES))
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    size = math.prod(shape)
    written = data.draw(st.lists(values, min_size=size, max_size=size))
    raw = idx_bytes(written, shape, code, letter)
    scratch.write_bytes(gzip.compress(raw) if data.draw(st.booleans()) else raw)
    read = read_idx(scratch)
    assert read.shape == shape
    assert read.dtype == np.dtype(name)
    assert read.dtype.isnative
    assert read.flags.writeable
    np.testing.assert_array_equal(read.ravel(), np.array(written, name))


@given(st.data())
def test_refuses_every_truncation(scratch: Path, data: st.DataObject) -> None:
    raw = image_bytes(3, 4, 5)
    if data.draw(st.booleans()):
        raw = gzip.compress(raw)
    scratch.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(DataError) as problem:
        read_idx(scratch)
    assert is_helpful(problem, "read_idx: path ", str(scratch))


@given(st.data())
def test_refuses_every_corrupt_header_or_reads_it(scratch: Path, data: st.DataObject) -> None:
    raw = bytearray(image_bytes(3, 4, 5))
    place = data.draw(st.integers(0, 15))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda value: value != raw[place]))
    scratch.write_bytes(bytes(raw))
    if place == 2 and raw[2] == 0x09:  # a valid type of the same width
        assert read_idx(scratch).dtype == np.int8
        return
    with pytest.raises(DataError) as problem:
        read_idx(scratch)
    assert is_helpful(problem, str(scratch))


@pytest.mark.parametrize("place", range(30, 60))
def test_refuses_corrupt_gzip(tmp_path: Path, place: int) -> None:
    raw = bytearray(gzip.compress(np.random.default_rng(0).bytes(4000), mtime=0))
    content = bytes(raw[:place]) + bytes([raw[place] ^ 0xFF]) + bytes(raw[place + 1 :])
    file = tmp_path / "images"
    file.write_bytes(content)
    with pytest.raises(DataError) as problem:
        read_idx(file)
    assert is_helpful(problem, str(file))


def test_verifies_the_gzip_checksum(tmp_path: Path) -> None:
    raw = bytearray(gzip.compress(image_bytes(2, 3, 4)))
    raw[-8] ^= 1
    file = tmp_path / "images"
    file.write_bytes(bytes(raw))
    with pytest.raises(DataError) as problem:
        read_idx(file)
    assert is_helpful(problem, "an intact gzip file", "CRC", "download it again")


def test_refuses_a_broken_deflate_stream(tmp_path: Path) -> None:
    raw = gzip.compress(image_bytes(2, 3, 4))
    file = tmp_path / "images"
    file.write_bytes(raw[:10] + b"\xff" * 20)
    with pytest.raises(DataError) as problem:
        read_idx(file)
    assert is_helpful(problem, "an intact gzip file", "broken")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["an empty file"]),
        (b"\0\0\x08", ["first bytes 00 00 08"]),
        (b"\x89PNG\r\n", ["00 00", "first bytes 89 50 4e 47"]),
        (b"\0\0\x0a\x01\0\0\0\x01\0", ["a type of 08 09 0b 0c 0d 0e", "first bytes 00 00 0a 01"]),
        (b"\0\0\x08\0\0", ["1 to 32 axes", "first bytes 00 00 08 00"]),
        (b"\0\0\x08\x21" + b"\0\0\0\x01" * 33 + b"\0", ["1 to 32 axes", "00 00 08 21"]),
        (b"\0\0\x08\x03\0\0\0\x01\0\0", ["a header of 16 bytes", "got 10 bytes", "truncated"]),
        (image_bytes(2, 3, 4)[:-1], ["24 bytes of data", "(2, 3, 4)", "got 23 bytes", "truncated"]),
        (image_bytes(2, 3, 4) + b"!", ["24 bytes of data", "got more bytes", "corrupt"]),
        (image_bytes(0, 28, 28), ["with data", "(0, 28, 28)"]),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_refuses_broken_files(
    tmp_path: Path, content: bytes, parts: list[str], compressed: bool
) -> None:
    file = tmp_path / "two\nlines"
    file.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(DataError) as problem:
        read_idx(file)
    assert is_helpful(problem, "read_idx: path ", "two\\nlines", *parts)


@pytest.mark.parametrize("compressed", [False, True])
def test_declared_size_is_not_allocated(tmp_path: Path, compressed: bool) -> None:
    content = struct.pack(">BBBB3I", 0, 0, 0x0E, 3, *[2**32 - 1] * 3) + bytes(5)
    file = tmp_path / "images"
    file.write_bytes(gzip.compress(content) if compressed else content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as problem:
            read_idx(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert is_helpful(problem, str(8 * (2**32 - 1) ** 3), "got 5 bytes")
    assert peak < 16 * 2**20


def test_refuses_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError) as problem:
        read_idx(tmp_path / "absent")
    assert is_helpful(problem, "absent", "a readable file", "No such file", "pass an existing file")
    with pytest.raises(DataError) as problem:
        read_idx(tmp_path)
    assert is_helpful(problem, str(tmp_path), "a readable file", "load_idx_images accepts a folder")


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("path", [3, None, b"bytes", "", "null\0byte"])
def test_refuses_what_is_no_path(path: Any) -> None:
    for function in (read_idx, load_idx_images):
        with pytest.raises(InputError) as problem:
            function(path)
        assert is_helpful(problem, f"{function.__name__}: path must be", repr(path))


def test_loads_a_file_of_images(tmp_path: Path) -> None:
    file = tmp_path / "anything"
    file.write_bytes(image_bytes(3, 4, 5))
    np.testing.assert_array_equal(load_idx_images(str(file)), ramp(3, 4, 5))


def test_prefers_training_images(tmp_path: Path) -> None:
    """The more preferred a name is, the later it is added; each addition must win."""
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(image_bytes(9))
    (tmp_path / "aaa-images-idx3-ubyte").mkdir()
    by_preference = [
        "t10k-images-idx3-ubyte",
        "more-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images-idx3-ubyte",
    ]
    for count, name in enumerate(by_preference, start=1):
        (tmp_path / name).write_bytes(image_bytes(count, 2, 2))
        assert load_idx_images(tmp_path).shape == (count, 2, 2)


def test_refuses_folders_without_images(tmp_path: Path) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(image_bytes(9))
    with pytest.raises(DataError) as problem:
        load_idx_images(tmp_path)
    assert is_helpful(
        problem,
        f"load_idx_images: path {str(tmp_path)!r}",
        "train-images-idx3-ubyte(.gz)",
        "other images in IDX",
        "a folder of 1 other files",
        "download",
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("absent", "No such file"), ("long" * 1000, "name too long")]
)
def test_refuses_missing_folders(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(DataError) as problem:
        load_idx_images(tmp_path / name)
    assert is_helpful(problem, "load_idx_images: path", name, "train-images-idx3-ubyte", reason)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (image_bytes(6), "1 axes of uint8"),
        (image_bytes(2, 2, 2, 2), "4 axes of uint8"),
        (idx_bytes([1] * 8, (2, 2, 2), 0x0B, "h"), "3 axes of int16"),
    ],
)
def test_refuses_what_is_no_image(tmp_path: Path, content: bytes, found: str) -> None:
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(content)
    with pytest.raises(DataError) as problem:
        load_idx_images(tmp_path)
    assert is_helpful(problem, str(file), "three axes, uint8", found, "not of labels")


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_reads_the_real_data(data_dir: Path, name: str) -> None:
    images = load_idx_images(data_dir / name)
    assert images.shape == (60000, 28, 28)
    assert images.dtype == np.uint8
    with gzip.open(data_dir / name / "train-images-idx3-ubyte.gz") as file:
        assert images.tobytes() == file.read()[16:]
