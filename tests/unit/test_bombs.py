"""Small files that would take gigabytes are refused early, and large real ones are not."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest

from grouplearn.domains.files import MOST_BYTES, content_of, text_of, uncompressed
from grouplearn.domains.idx import read_idx
from grouplearn.domains.sequence_files import read_sequences
from grouplearn.domains.tables import read_table
from grouplearn.errors import DataError

MIB = 1 << 20


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MOST_BYTES, str(8 * MIB))


def test_what_grows_much_is_refused_unless_it_is_small(tmp_path: Path) -> None:
    file = tmp_path / "x.gz"
    file.write_bytes(gzip.compress(bytes(MIB)))  # a thousandfold
    with pytest.raises(DataError, match="grows at most 250-fold"):
        content_of("who", file)
    with pytest.raises(DataError, match="grows"), text_of("who", file) as text:
        text.read()
    file.write_bytes(gzip.compress(bytes(MIB // 20)))
    assert content_of("who", file) == bytes(MIB // 20)
    noise = np.random.default_rng(0).bytes(MIB)
    file.write_bytes(gzip.compress(noise))
    assert content_of("who", file) == noise


def test_what_is_unpacked_can_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "x.gz"
    content = np.random.default_rng(0).bytes(300_000)
    file.write_bytes(gzip.compress(content))
    with uncompressed(file) as stream:
        assert stream.read(10) == content[:10]
        stream.seek(200_000)
        assert (stream.tell(), stream.read(5)) == (200_000, content[200_000:200_005])
        stream.seek(0)
        assert stream.read() == content


def test_what_is_larger_than_data_may_be(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(np.random.default_rng(0).bytes(9 * MIB))
    with pytest.raises(DataError, match=MOST_BYTES):
        content_of("who", file)
    head = struct.pack(">4B2I", 0, 0, 8, 2, 9, MIB)
    file.write_bytes(head + bytes(9 * MIB))
    with pytest.raises(DataError, match="GiB in memory"):
        read_idx(file)
    file.write_bytes(head + bytes(5))
    with pytest.raises(DataError, match="got 5 bytes"):
        read_idx(file)


@pytest.mark.parametrize("pack", [False, True])
def test_an_archive_that_grows(tmp_path: Path, pack: bool) -> None:
    values, file = np.zeros((3 * MIB // 8, 1)), tmp_path / "x.npz"
    (np.savez_compressed if pack else np.savez)(file, values)
    if pack:
        with pytest.raises(DataError, match="grows"):
            read_table(file)
    else:
        assert sum(len(batch) for batch in read_table(file)) == len(values)


def test_an_array_of_very_many_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 2 * MIB), np.uint8))
    with pytest.raises(DataError, match="at most 1,048,576 columns, got 2,097,152"):
        read_table(tmp_path / "x.npy")


GENBANK = "LOCUS       X 60 bp    DNA     linear   BCT 01-JAN-2000\n"


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (">x\n", "ACGT\n"), ("@x\nACGT\n+\nIIII\n@y\n", "ACGT\n"),
        (f"{GENBANK}ORIGIN\n", "        1 acgtacgtac\n"), (GENBANK, "COMMENT     x\n"),
    ],
)  # fmt: skip
def test_a_record_that_never_ends(head: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text(head + line * 100_000)
    with pytest.raises(DataError, match="of records of at most 2,097,152 bytes"):
        list(read_sequences(file))


@pytest.mark.parametrize("record", [">x\nACGT\n", "@x\nACGT\n+\nIIII\n"])
def test_many_records_are_read(record: str, tmp_path: Path) -> None:
    """As many lines as above, but not in one record."""
    file = tmp_path / "x"
    file.write_text(record * 50_000)
    assert list(read_sequences(file)) == ["ACGT"] * 50_000


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    content = io.BytesIO()
    columns = [pa.array([1.0, 2.0]), pa.array([3.0, 4.0]), pa.array([5.0, 6.0])]
    parquet.write_table(pa.Table.from_arrays(columns, ["x", "x", "y"]), content)
    (tmp_path / "x.parquet").write_bytes(content.getvalue())
    table = read_table(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="'x' more than once"):
        list(table)
    assert [batch.tolist() for batch in table.only([2])] == [[[5.0], [6.0]]]
