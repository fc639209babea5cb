"""Crafted files: small ones that would take gigabytes, or run code, or never end."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import torch
from PIL import Image
from pyarrow import parquet
from safetensors.torch import save

from tests.robustness.tensors import as_bytes

GIB = 1 << 30
RAN = "code-ran"
"""A folder that code in a file would make."""
_CHUNK = 1 << 20


class _Runs:
    """What makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (RAN,)


def bombs() -> dict[str, tuple[str, Callable[[Path], object]]]:
    """Of each crafted input: how it is read, the name of a target, and what writes it to a file."""
    return {**_inflating(), **_declaring(), **_endless(), **_wide(), **_running(), **_odd()}


def _gz(head: bytes, part: bytes, size: int = 3 * GIB) -> Callable[[Path], object]:
    """A file of members, all but the first alike, so that it is quickly made."""
    chunk = part * (_CHUNK // len(part))
    members = gzip.compress(head, mtime=0) + gzip.compress(chunk, mtime=0) * (size // len(chunk))
    return lambda file: file.write_bytes(members)


def _npz(header: str, size: int) -> Callable[[Path], object]:
    """An archive of one array of zeros, whose blocks are all alike."""

    def write(file: Path) -> None:
        head = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header.encode()
        packer = zlib.compressobj(wbits=-15)
        first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(bytes(_CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
        packed = first + block * (size // _CHUNK) + packer.flush()
        checksum = zlib.crc32(head)
        for _ in range(size // _CHUNK):
            checksum = zlib.crc32(bytes(_CHUNK), checksum)
        sizes = struct.pack("<3I", checksum, len(packed), len(head) + size)
        local = struct.pack("<4s5H", b"PK\3\4", 20, 0, 8, 0, 33) + sizes + b"\5\0\0\0a.npy"
        entry = struct.pack("<4s6H", b"PK\1\2", 20, 20, 0, 8, 0, 33) + sizes + b"\5\0"
        entry += bytes(16) + b"a.npy"
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local + packed), 0)
        file.write_bytes(local + packed + entry + end)

    return write


def _header(shape: str, kind: str = "<f8", fortran: bool = False) -> str:
    return f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


def _npy(header: str, body: bytes = b"") -> Callable[[Path], object]:
    head = header.encode()
    return lambda file: file.write_bytes(
        b"\x93NUMPY\x02\0" + len(head).to_bytes(4, "little") + head + body
    )


def _inflating() -> dict[str, tuple[str, Callable[[Path], object]]]:
    idx, less = (struct.pack(">4B3I", 0, 0, 8, 3, n, 64, 64) for n in (1 << 20, 475_000))
    genbank = b"LOCUS       X 60 bp DNA linear BCT 01-JAN-2000\nORIGIN\n"
    rows = 3 * GIB // 8
    return {
        "IDX of 3 GiB, gzip": ("idx", _gz(idx, b"\0")),
        "IDX of 1.9 GiB, gzip": ("idx", _gz(less, b"\0")),
        "npz of 3 GiB, one row": ("npz", _npz(_header(f"(1, {rows})"), 3 * GIB)),
        "npz of 3 GiB, Fortran": (
            "npz", _npz(_header(f"({rows // 16}, 16)", fortran=True), 3 * GIB)),
        "npz of 3 GiB, one column": ("npz", _npz(_header(f"({rows}, 1)"), 3 * GIB)),
        "labels of 3 GiB, gzip": ("mnist", _gz(idx, b"\0")),
        "CIFAR10 of 3 GiB, gzip": ("cifar10", _gz(b"", b"\0")),
        "numbers of 3 GiB, gzip": ("table", _gz(b"x,y\n", b"1,0\n")),
        "picture of 400 M pixels": ("picture", _picture(20_000, 20_000)),
        "picture of 170 M pixels": ("picture", _picture(13_000, 13_000)),
        "picture with a text of 1 GiB": ("picture", _texted),
        "FASTA record of 3 GiB, gzip": ("sequence", _gz(b">x\n", b"ACGT" * 16_000 + b"\n")),
        "FASTA records of 3 GiB, gzip": ("sequence", _gz(b"", b">x\nACGT\n")),
        "GenBank record of 3 GiB, gzip": ("sequence", _gz(genbank, b"        1 acgtacgtac\n")),
        "FASTA record of 700 MB": ("sequence", _plain(b">x\n", b"ACGT" * 15 + b"\n", 700)),
        "GenBank record of 700 MB": ("sequence", _plain(genbank, b"        1 acgtacgtac\n", 700)),
        "FASTQ line of 700 MB": ("sequence", _plain(b"@x\nACGT\n+\nIIII\n@y\n", b"A", 700)),
        "tokens of 700 MB on one line": ("tokens", _plain(b"a b a b\n", b"a b c ", 700)),
    }  # fmt: skip


def _plain(head: bytes, part: bytes, mib: int) -> Callable[[Path], object]:
    def write(file: Path) -> None:
        with file.open("wb") as stream:
            stream.write(head)
            for _ in range(mib):
                stream.write(part * (_CHUNK // len(part)))

    return write


def _declaring() -> dict[str, tuple[str, Callable[[Path], object]]]:
    ten = 10**40
    return {
        "npy of 10^40 rows": ("npy", _npy(_header(f"({ten}, 3)"))),
        "npy of 2^62 columns": ("npy", _npy(_header(f"(1, {2**62})"))),
        "npy of 0 x 10^18": ("npy", _npy(_header(f"(0, {10**18})"))),
        "npz of 10^40 rows": ("npz", _npz(_header(f"({ten}, 3)"), 0)),
        "npz of 1 x 2^40": ("npz", _npz(_header(f"(1, {2**40})"), 0)),
        "IDX of 2^32 axes": ("idx", lambda f: f.write_bytes(b"\0\0\x0e\x04" + b"\xff" * 16)),
        "safetensors of 10^18": ("saved", _declared_tensor),
        "group of order 10^9": ("saved", _described({
            "class": "FixedRepresentation", "group": {"class": "CyclicGroup", "n": 10**9}, "dim": 1,
            "dtype": "float32", "permutation": True, "tensor": "x", "parts": []})),
        "product of 60 groups": ("saved", _described({
            "class": "DirectSum", "dim": 1, "dtype": "float32", "parts": [],
            "group": {
                "class": "ProductGroup", "factors": [{"class": "CyclicGroup", "n": 9}] * 60}})),
        "network of 10^12 layers": ("saved", _described({
            "class": "LGN", "shape": {"in_channels": 1, "classes": 2, "layers": 10**12}})),
    }  # fmt: skip


def _endless() -> dict[str, tuple[str, Callable[[Path], object]]]:
    return {
        "one line of numbers, 3 GiB": ("table", _gz(b"", b"1,")),
        "one line of letters, 3 GiB": ("sequence", _gz(b">x\n", b"A")),
        "one line of FASTQ, 3 GiB": ("sequence", _gz(b"@x\nACGT\n+\nIIII\n@y\n", b"A")),
        "one line of GenBank, 3 GiB": ("sequence", _gz(b"LOCUS       X ", b"A")),
        "one token of 3 GiB": ("tokens", _gz(b"a b a b\n", b"A")),
        "one line of tokens, 3 GiB": ("tokens", _gz(b"a b a b\n", b"a b c ")),
        "line ends of 3 GiB": ("any", _gz(b"", b"\n")),
        "NUL of 3 GiB": ("any", _gz(b"", b"\0")),
        "a quote that never ends": ("table", _gz(b'x,y\n1,2\n1,"', b"3,4\n")),
        "a quote of 100 MB": ("table", _plain(b'x,y\n1,2\n1,"', b"3,4\n", 100)),
        "a comment that never ends": ("table", _gz(b"x,y\n1,2\n#", b"#")),
        "a GenBank head that never ends": (
            "sequence", _gz(b"LOCUS       X 60 bp DNA linear BCT\n", b"COMMENT     x\n")),
        "a GenBank head of 100 MB": (
            "sequence",
            _plain(b"LOCUS       X 60 bp DNA linear BCT 01-JAN-2000\n", b"COMMENT     x\n", 100)),
    }  # fmt: skip


def _wide() -> dict[str, tuple[str, Callable[[Path], object]]]:
    rng = random.Random(0)

    def csv(rows: int, columns: int) -> Callable[[Path], object]:
        return lambda file: file.write_text(
            "".join(
                ",".join(f"{rng.random():.3f}" for _ in range(columns)) + "\n" for _ in range(rows)
            )
        )

    names = pa.table({f"c{k}": pa.array([0.0, 1.0]) for k in range(20_000)})
    return {
        "50 rows of 40,000 columns": ("table", csv(50, 40_000)),
        "3 rows of 20,000 columns": ("table", csv(3, 20_000)),
        "2 rows of 1,000,000 columns": ("table", csv(2, 1_000_000)),
        "Parquet of 20,000 columns": ("table", lambda file: parquet.write_table(names, file)),
        "npy of 2 x 50,000,000": ("npy", lambda file: _sparse(file, "(2, 50000000)", 100_000_000)),
        "npy of 20 x 20,000": ("npy", lambda file: _sparse(file, "(20, 20000)", 400_000)),
        "vocabulary of 2,000,000": (
            "tokens", lambda file: file.write_text(
                "a b a b\n" + "".join(f"w{k} a w{k} b\n" for k in range(2_000_000)))),
    }  # fmt: skip


def _sparse(file: Path, shape: str, numbers: int) -> None:
    _npy(_header(shape))(file)
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size + 8 * numbers)


def _running() -> dict[str, tuple[str, Callable[[Path], object]]]:
    held = pickle.dumps(_Runs())
    objects = _header("(2, 2)", "|O")
    eps = (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
           b"(code-ran) (w) file closefile showpage\n")  # fmt: skip

    def zipped(name: str, content: bytes) -> Callable[[Path], object]:
        def write(file: Path) -> None:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(name, content)

        return write

    inner = as_bytes(lambda f: f.write(b"\x93NUMPY\x01\0" + len(objects).to_bytes(2, "little")
                                       + objects.encode() + held))  # fmt: skip
    code = _header("(2, 2)").replace("(2, 2)", f"__import__('os').mkdir('{RAN}')")
    return {
        "a pickle": ("any", lambda file: file.write_bytes(held)),
        "npy of objects": ("npy", lambda file: file.write_bytes(inner)),
        "npz of objects": ("npz", zipped("a.npy", inner)),
        "npy with code for a shape": ("npy", _npy(code)),
        "file of torch.save": ("any", lambda file: torch.save({"x": _Runs()}, file)),
        "torch.save for a network": ("saved", lambda file: torch.save({"x": _Runs()}, file)),
        "pickle for a network": ("saved", lambda file: file.write_bytes(held)),
        "EPS named .png": ("picture", lambda file: file.write_bytes(eps)),
        "CIFAR10 pickled": ("cifar10 pickled", lambda file: file.write_bytes(held)),
    }  # fmt: skip


def _odd() -> dict[str, tuple[str, Callable[[Path], object]]]:
    deep = "[" * 100_000 + "]" * 100_000
    nested = pa.table({"x": pa.array([[1.0], [2.0]]), "y": pa.array([{"a": 1}, {"a": 2}])})
    twice = pa.Table.from_arrays([pa.array([1.0, 2.0]), pa.array([3.0, 4.0])], ["x", "x"])
    dates = pa.table(
        {"x": pa.array([0, 1], pa.timestamp("s")), "y": pa.array([1, 2], pa.decimal128(5, 1))}
    )
    empty = pa.table({"x": pa.array([], pa.float64())})
    halves = pa.table({"x": pa.array([1, 2], pa.float16()), "y": pa.array([True, False])})
    kinds = {"nested": nested, "two names": twice, "dates": dates, "empty": empty, "halves": halves}
    return {
        "deep JSON": ("any", lambda file: file.write_text(deep)),
        "empty": ("any", lambda file: file.write_bytes(b"")),
        "a path of 5,000 letters in a text": ("any", lambda file: file.write_text("A" * 5000)),
        **{
            f"Parquet, {name}": ("table", partial(parquet.write_table, each))
            for name, each in kinds.items()
        },
    }


def _picture(width: int, height: int) -> Callable[[Path], object]:
    return lambda file: Image.new("L", (width, height)).save(file, "png", compress_level=1)


def _texted(file: Path) -> None:
    """A picture with a compressed comment."""
    plain = as_bytes(lambda f: Image.new("L", (9, 9)).save(f, "png"))
    packer = zlib.compressobj()
    parts = [packer.compress(b" " * _CHUNK) for _ in range(GIB // _CHUNK)]
    body = b"Comment\0\0" + b"".join([*parts, packer.flush()])
    chunk = (
        len(body).to_bytes(4, "big")
        + b"zTXt"
        + body
        + zlib.crc32(b"zTXt" + body).to_bytes(4, "big")
    )
    file.write_bytes(plain[:33] + chunk + plain[33:])


def _declared_tensor(file: Path) -> None:
    head = json.dumps({"x": {"dtype": "F64", "shape": [10**18], "data_offsets": [0, 8]}}).encode()
    file.write_bytes(struct.pack("<Q", len(head)) + head + bytes(8))


def _described(module: dict[str, object]) -> Callable[[Path], object]:
    from grouplearn.tensorfile import VERSION, _digest

    tensors = {"x": torch.zeros(1)}
    info = json.dumps({"module": module, "frozen": []})
    head = {"format": "grouplearn", "version": str(VERSION), "info": info,
            "sha256": _digest(tensors, info)}  # fmt: skip
    return lambda file: file.write_bytes(save(tensors, head))
