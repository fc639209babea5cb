"""Tables in every format and in every state of repair."""

from __future__ import annotations

import gzip
import io
import math
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from grouplearn.domains import csvs, numpy_files
from grouplearn.domains.tables import read_table
from grouplearn.errors import DataError, InputError, MissingExtraError
from tests.unit.examples import is_helpful

ROWS = np.random.default_rng(0).standard_normal((57, 3))
FORMATS = ["npy", "npz", "fortran.npz", "csv", "csv.gz", "semicolons.csv", "parquet"]


def csv_text(rows: NDArray[Any], header: str = "x,y,z\n", delimiter: str = ",") -> str:
    lines = (delimiter.join(map(repr, row)) for row in rows.tolist())
    return header.replace(",", delimiter) + "\n".join(lines) + "\n"


def save(folder: Path, kind: str, rows: NDArray[Any] = ROWS) -> Path:
    """The rows as a file whose name does not tell its format."""
    file = folder / f"{kind.replace('.', '-')}.data"
    packed = io.BytesIO()
    if kind == "npy":
        np.save(packed, rows)
    elif kind == "npz":
        np.savez_compressed(packed, rows=rows)
    elif kind == "fortran.npz":
        np.savez(packed, rows=np.asfortranarray(rows))
    elif kind == "parquet":
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = {name: rows[:, k] for k, name in enumerate("xyz")}
        parquet.write_table(arrow.table(columns), packed, row_group_size=10)
    else:
        text = csv_text(rows, delimiter=";" if "semi" in kind else ",").encode()
        packed.write(gzip.compress(text) if kind.endswith("gz") else text)
    file.write_bytes(packed.getvalue())
    return file


def read(file: Path, name: str | None = None) -> NDArray[np.float64]:
    return np.concatenate(list(read_table(file, name)))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(numpy_files, "_ENTRIES", 30)
    monkeypatch.setattr(csvs, "_ENTRIES", 30)
    table = read_table(save(tmp_path, kind))
    named = kind in ("parquet", "csv", "csv.gz", "semicolons.csv")
    assert table.columns == (("x", "y", "z") if named else ("column 0", "column 1", "column 2"))
    for _ in range(2):
        batches = list(table)
        assert len(batches) == 6
        assert all(batch.dtype == np.float64 for batch in batches)
        np.testing.assert_array_equal(np.concatenate(batches), ROWS)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", ">f8", "bool"])
def test_every_real_type_is_read(tmp_path: Path, dtype: str) -> None:
    rows = (ROWS * 50 + 100).astype(dtype)
    np.testing.assert_array_equal(read(save(tmp_path, "npy", rows)), rows.astype(np.float64))


def test_archives_of_several_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=ROWS, b=ROWS[:5])
    np.testing.assert_array_equal(read(tmp_path / "two.npz", "b"), ROWS[:5])
    for name, part in ((None, "an archive of one array"), ("c", "an archive with an array 'c'")):
        with pytest.raises(DataError) as problem:
            read_table(tmp_path / "two.npz", name)
        assert is_helpful(problem, part, "['a', 'b']")
    with pytest.raises(InputError) as refusal:
        read_table(save(tmp_path, "npy"), "a")
    assert is_helpful(refusal, "name must be None, as the file is no archive, got 'a'")


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("1,2\n3,4", ("column 0", "column 1"), [[1, 2], [3, 4]]),
        ("a\tb\n1\t2\n\n\n", ("a", "b"), [[1, 2]]),
        ("\ufeffa,,c\n 1 ,2e3,-.5\n", ("a", "column 1", "c"), [[1, 2000, -0.5]]),
        ('"a, b",c\r\n"1",2\r\n', ("a, b", "c"), [[1, 2]]),
        ("column 0\n5\n", ("column 0",), [[5]]),
    ],
)
def test_flavours_of_text(
    tmp_path: Path, text: str, columns: tuple[str, ...], rows: list[list[float]]
) -> None:
    file = tmp_path / "some.csv"
    file.write_bytes(text.encode())
    assert read_table(file).columns == columns
    assert read(file).tolist() == rows


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", ["an empty file"]),
        (b"\n\n", ["a table of numbers, got no line"]),
        (b"a,b\n", ["a table with rows, got none"]),
        (b"a,b\n1,2\n3\n", ["lines of 2 fields, got 1 on line 3", "cut"]),
        (b"a,b\n1,2\n3,4,5\n", ["got 3 on line 3"]),
        (b"a,b\n1,cat\n", ["'cat' in 'b' on line 2", "drop or encode"]),
        (b"1,2\n3,cat\n", ["'cat' in 'column 1' on line 2"]),
        (b"a,b\n1,\n", ["an empty field in 'b' on line 2", "fill it in"]),
        (b"a,b\n1,nan\n", ["'nan' in 'b' on line 2"]),
        (b"a,b\n1,-inf\n", ["'-inf' in 'b' on line 2"]),
        (b"a,b\n1,1_000\n", ["'1_000' in 'b' on line 2"]),
        (b"a,b\n1,2\n\n3,4\n", ["line 3 empty"]),
        (b'a,b\n1,"2\n', ["comma-separated values", "on line"]),
        (b"a,\xff\n1,2\n", ["no UTF-8"]),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:-9], ["an intact gzip file"]),
    ],
)
def test_broken_text_is_refused(tmp_path: Path, text: bytes, parts: list[str]) -> None:
    file = tmp_path / "broken.csv"
    file.write_bytes(text)
    with pytest.raises(DataError) as problem:
        read(file)
    assert is_helpful(problem, "read_table: path", "broken.csv", *parts)


@pytest.mark.parametrize("kind", ["npy", "npz", "fortran.npz", "parquet"])
@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_cut_files_are_refused(tmp_path: Path, kind: str, left: float) -> None:
    file = save(tmp_path, kind, np.tile(ROWS, (20, 1)))
    content = file.read_bytes()
    file.write_bytes(content[: int(left * len(content))])
    with pytest.raises(DataError) as problem:
        read(file)
    assert is_helpful(problem, "read_table: path", "a broken one")


def test_corrupt_archives_are_refused(tmp_path: Path) -> None:
    for kind in ("npz", "fortran.npz"):
        file = save(tmp_path, kind, np.tile(ROWS, (200, 1)))
        content = bytearray(file.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 40] = bytes(40)
        file.write_bytes(content)
        with pytest.raises(DataError, match="a broken one"):
            read(file)
    short = io.BytesIO()
    np.save(short, ROWS)
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as archive:
        archive.writestr("rows.npy", short.getvalue()[:-8])
    with pytest.raises(DataError, match="1360 of 1368 bytes"):
        read(tmp_path / "short.npz")
    with zipfile.ZipFile(tmp_path / "text.zip", "w") as archive:
        archive.writestr("notes.txt", "no array")
    with pytest.raises(DataError, match=r"a whole \.npz file"):
        read_table(tmp_path / "text.zip")


@pytest.mark.parametrize("kind", ["npy", "npz"])
@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (np.zeros(3), "shape (3,) of float64"),
        (np.zeros((2, 3, 4)), "shape (2, 3, 4) of float64"),
        (np.zeros((0, 3)), "shape (0, 3) of float64"),
        (np.zeros((3, 2), complex), "of complex128"),
        (np.array([["a", "b"]]), "of <U1"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, kind: str, rows: Any, part: str) -> None:
    with pytest.raises(DataError) as problem:
        read_table(save(tmp_path, kind, rows))
    assert is_helpful(problem, "an array of real numbers of shape (samples, columns)", part)


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_pickles_are_never_loaded(tmp_path: Path, kind: str) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)  # type: ignore[return-value]

    with pytest.raises(DataError):
        read(save(tmp_path, kind, np.array([[Trap()]], dtype=object)))
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("kind", ["npy", "npz", "fortran.npz", "parquet"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_place_of_what_is_not_finite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: float
) -> None:
    monkeypatch.setattr(numpy_files, "_ENTRIES", 30)
    rows = ROWS.copy()
    rows[33, 2] = value
    with pytest.raises(DataError) as problem:
        read(save(tmp_path, kind, rows))
    name = "'z'" if kind == "parquet" else "'column 2'"
    assert is_helpful(problem, f"finite numbers, got {value} in row 33, {name}")


def test_parquet_of_other_types_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "some.parquet"
    for columns, part in (
        ({"x": [1.0], "word": ["cat"]}, "'word' of type string"),
        ({"x": [1, 2, None]}, "an empty value in row 2, 'x'"),
        ({}, "a table with columns"),
        ({"x": arrow.array([], arrow.float64())}, "a table with rows"),
    ):
        parquet.write_table(arrow.table(columns), file)
        with pytest.raises(DataError) as problem:
            read(file)
        assert is_helpful(problem, part)
    parquet.write_table(arrow.table({"n": [1, 2], "yes": [True, False]}), file)
    assert read(file).tolist() == [[1, 1], [2, 0]]
    parquet.write_table(arrow.table({"x": np.arange(9000.0), "y": np.arange(9000.0)}), file)
    content = bytearray(file.read_bytes())
    content[200:5000] = bytes(4800)
    file.write_bytes(content)
    with pytest.raises(DataError, match="a broken one"):
        read(file)


def test_pyarrow_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "some").write_bytes(b"PAR1 and so on")
    with pytest.raises(MissingExtraError, match=r"grouplearn\[tables\]"):
        read_table(tmp_path / "some")


@pytest.mark.usefixtures("as_in_production")
def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, part in ((tmp_path / "none", "No such file"), (tmp_path, "directory")):
        with pytest.raises(DataError) as problem:
            read_table(path)
        assert is_helpful(problem, "a readable file", part)
    bad: Any = 3
    with pytest.raises(InputError, match="path must be a non-empty str"):
        read_table(bad)
