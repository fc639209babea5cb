"""What other libraries raise on broken files becomes an error of ours that names the file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grouplearn.domains.readers.kinds import recognise
from grouplearn.domains.sequence_files import read_sequences
from grouplearn.domains.tables import read_table
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful

ROWS = np.random.default_rng(0).standard_normal((20, 5))
HEADERS = [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (20, 5), ",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1" + b"0" * 40 + b", 5), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (-20, 5), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (20, '5'), }",
    b"{'descr': '<q9', 'fortran_order': False, 'shape': (20, 5), }",
    b"{'descr': [('a', '<f8'), 7], 'fortran_order': False, 'shape': (20, 5), }",
    b"{'shape': (20, 5)}",
    b"'" * 3 + b"(",
    b"\t  if",
    b"(" * 500,
    b"\xff\xfe",
]


def npy(header: bytes) -> bytes:
    """A .npy file with this header."""
    padded = header.ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + len(padded).to_bytes(2, "little") + padded + ROWS.tobytes()


def archive(file: Path, content: bytes, kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(file, "w", kind) as packed:
        packed.writestr("rows.npy", content)
    return file


def rows_of(file: Path) -> Any:
    return np.concatenate(list(read_table(file)))


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("packed", [False, True])
def test_headers_that_are_no_python(tmp_path: Path, header: bytes, packed: bool) -> None:
    file = tmp_path / "rows"
    if packed:
        archive(file, npy(header))
    else:
        file.write_bytes(npy(header))
        with pytest.raises(DataError, match="a broken one"):
            recognise(file)
    with pytest.raises(DataError) as problem:
        rows_of(file)
    assert is_helpful(problem, "read_table: path", "rows", "broken" if packed else "a broken one")


def test_a_good_header_is_read(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (20, 5), }"
    (tmp_path / "rows").write_bytes(npy(header))
    np.testing.assert_array_equal(rows_of(tmp_path / "rows"), ROWS)
    np.testing.assert_array_equal(rows_of(archive(tmp_path / "packed", npy(header))), ROWS)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("place", [0.5, 0.9, 0.99])
def test_a_flipped_bit_is_seen(tmp_path: Path, kind: int, place: float) -> None:
    packed = io.BytesIO()
    np.save(packed, ROWS)
    file = archive(tmp_path / "rows", packed.getvalue(), kind)
    np.testing.assert_array_equal(rows_of(file), ROWS)
    with zipfile.ZipFile(file) as found:
        size = found.getinfo("rows.npy").compress_size
    content = bytearray(file.read_bytes())
    content[38 + int(place * size)] ^= 4
    file.write_bytes(content)
    with pytest.raises(DataError, match="a broken one"):
        rows_of(file)


def test_more_rows_than_declared_are_seen(tmp_path: Path) -> None:
    packed = io.BytesIO()
    np.save(packed, ROWS)
    with pytest.raises(DataError, match="bytes behind the last row"):
        rows_of(archive(tmp_path / "rows", packed.getvalue() + b"more"))


@pytest.mark.parametrize(
    ("member", "part"),
    [
        ("xl/workbook.xml", "an Excel workbook"),
        ("model/data.pkl", "a file of torch.save, which could run code"),
        ("notes.txt", "a zip archive of other files"),
    ],
)
def test_other_archives_are_named(tmp_path: Path, member: str, part: str) -> None:
    with zipfile.ZipFile(tmp_path / "some", "w") as packed:
        packed.writestr(member, "x")
    with pytest.raises(DataError, match=rf"a whole \.npz file, got {part};"):
        read_table(tmp_path / "some")


@pytest.mark.parametrize(
    ("how", "part"),
    [(zipfile.ZIP_DEFLATED, "grows at most 250-fold"), (zipfile.ZIP_STORED, "GiB in memory")],
)
def test_a_bomb_is_refused(
    how: int, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    np.save(packed, np.asfortranarray(np.zeros((2000, 50))))
    file = archive(tmp_path / "rows", packed.getvalue(), how)
    monkeypatch.setenv("GROUPLEARN_MOST_BYTES", str(100_000))
    with pytest.raises(DataError) as problem:
        rows_of(file)
    assert is_helpful(problem, part, "GROUPLEARN_MOST_BYTES")


@pytest.mark.parametrize("error", [AssertionError, IndexError, KeyError, TypeError, ValueError])
def test_whatever_biopython_raises_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any) -> Iterator[Any]:
        yield from ()
        raise error("location")

    monkeypatch.setattr("Bio.SeqIO.parse", fail)
    (tmp_path / "one.gb").write_text("LOCUS       TINY          8 bp    DNA\n")
    with pytest.raises(DataError) as problem:
        list(read_sequences(tmp_path / "one.gb"))
    assert is_helpful(problem, "one.gb", "a whole GenBank file", "location")


@pytest.mark.usefixtures("as_in_production")
def test_paths_that_cannot_be(tmp_path: Path) -> None:
    for path in (tmp_path / ("a" * 5000), "a" * 5000):
        for read in (read_table, lambda each: next(read_sequences(each))):
            with pytest.raises(DataError, match="too long"):
                read(path)
    with pytest.raises(InputError, match="a non-empty str"):
        read_table("a\0b")
