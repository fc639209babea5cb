"""What a file holds is told by its content; known formats that are not read are refused by name."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grouplearn.domains.readers.kinds import recognise
from grouplearn.domains.sequence_files import read_sequences
from grouplearn.errors import DataError
from tests.unit.examples import is_helpful

RNG = np.random.default_rng(0)
DNA = ["".join(RNG.choice(list("ACGT"), 60)) for _ in range(5)]
WORDS = [" ".join(RNG.choice(["the", "cat", "sat", "on", "7"], 5)) for _ in range(9)]


def savetxt(rows: Any, **options: Any) -> str:
    packed = io.StringIO()
    np.savetxt(packed, rows, **options)
    return packed.getvalue()


def fastq(letters: list[str]) -> str:
    record = pytest.importorskip("Bio.SeqRecord").SeqRecord
    sequence = pytest.importorskip("Bio.Seq").Seq
    packed = io.StringIO()
    records = [
        record(sequence(each), id=f"r{k}", letter_annotations={"phred_quality": [31] * len(each)})
        for k, each in enumerate(letters)
    ]
    pytest.importorskip("Bio.SeqIO").write(records, packed, "fastq")
    return packed.getvalue()


KNOWN = {
    "table": [
        savetxt(RNG.random((9, 4))), savetxt(RNG.integers(0, 9, (9, 3)), fmt="%d"),
        savetxt(RNG.random((9, 2)), header="x y"), savetxt(RNG.random((5000, 4))), "1\n2\n3\n",
        "1,5;2,5\n2,5;1,5\n", "a b\n1 2\n3 4\n",
    ],
    "sequence": [
        fastq(DNA), "\n".join(DNA), "\n".join(each.lower() for each in DNA), ">a\nACGT\n",
        "; made by hand\n>a\nACGT\n", "LOCUS       X", ">caf\xe9\nACGT\n",
    ],
    "tokens": [
        "\n".join(WORDS), "IN: jump twice OUT: JUMP JUMP\nIN: jump OUT: JUMP\n",
        "<s> a b </s>\n<s> b a </s>\n", "if ( x ) { return y ; }\nreturn x ;\n",
        "[CLS] a b [SEP]\n[CLS] b [SEP]\n", "add 1 2\nadd 2 7\n", "track a\ntrack b\n",
    ],
}  # fmt: skip
OTHERS = {
    "GFF": ["##gff-version 3\nchr1\t.\tgene\t1\t9\t.\t+\t.\tID=a\n",
            "chr1\tx\tgene\t1\t9\t.\t+\t.\tID=a\nchr1\tx\texon\t3\t9\t0.5\t-\t0\tID=b\n"],
    "VCF": ["##fileformat=VCFv4.2\n#CHROM\tPOS\n", "1\t14\trs1\tA\tG\t50\tPASS\t.\n"],
    "SAM": ["@HD\tVN:1.6\n", "r1\t0\tchr1\t7\t60\t8M\t*\t0\t0\tACGTACGT\tIIIIIIII\n"],
    "BED": ["track name=genes\nchr1 1 9\n", "chr1\t1\t9\nchr2\t3\t8\n", "chrX 1 9 a 0 +\n"],
    "PDB": ["HEADER    OXYGEN TRANSPORT\n", "ATOM      1  N   MET A   1      38.0  13.1   2.6\n"],
    "CIF": ["data_1ABC\n#\n_entry.id 1ABC\n"],
    "JSON": ['{"a": 1}\n{"a": 2}\n', "[1, 2]\n[3, 4]\n", '{\n  "a": 1\n}\n',
             json.dumps([{"x": k} for k in range(9)], indent=1)],
    "XML or HTML": ["<?xml version='1.0'?>\n", "<!DOCTYPE html>\n", "<svg width='3'>\n"],
    "SVMlight": ["1 3:0.5 7:1\n-1 2:1\n"],
    "ARFF": ["@RELATION iris\n"],
    "Stockholm": ["# STOCKHOLM 1.0\n"],
}  # fmt: skip


def write(folder: Path, text: str, name: str = "data.txt") -> Path:
    file = folder / name
    file.write_bytes(text.encode("latin-1"))
    return file


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, some in KNOWN.items() for t in some])
def test_kinds_are_told_by_content(tmp_path: Path, kind: str, text: str) -> None:
    assert recognise(write(tmp_path, text)) == kind


@pytest.mark.parametrize(("name", "text"), [(k, t) for k, some in OTHERS.items() for t in some])
def test_known_formats_are_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    for suffix in ("data.txt", "data.csv"):
        with pytest.raises(DataError) as problem:
            recognise(write(tmp_path, text, suffix), "grouplearn discover")
        assert is_helpful(problem, f"got {name};", "--kind tokens")
    with pytest.raises(DataError, match=f"got {name};"):
        next(read_sequences(write(tmp_path, text)))


@pytest.mark.parametrize(
    "text", ["alone\nalone\n", "a,b\n1,cat\n", "1 2 3\n4 5\n", "+ - *\n* - -\n", "a b c\nd e f\n"]
)
def test_what_is_unknown_is_no_text_of_tokens(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError) as problem:
        recognise(write(tmp_path, text), "grouplearn discover")
    assert is_helpful(problem, f"a text that begins with '{text.splitlines()[0]}'", "--kind")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (pickle.dumps([1]), "a pickle, which could run code"),
        ("a b\n".encode("utf-16"), "a text in UTF-16"),
        (gzip.compress(b"BAM\1\0\0", mtime=0), "a BAM file"),
        (b"%PDF-1.7\n\xff\xff", "a PDF"),
    ],
)
def test_binary_formats_are_refused_by_name(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "data").write_bytes(content)
    with pytest.raises(DataError, match=f"got {part};"):
        recognise(tmp_path / "data")


@pytest.mark.parametrize("packed", [False, True])
def test_fastq_is_read(tmp_path: Path, packed: bool) -> None:
    file = write(tmp_path, fastq(DNA))
    if packed:
        file.write_bytes(gzip.compress(file.read_bytes()))
    assert list(read_sequences(file)) == DNA


def test_other_sequences_are_read(tmp_path: Path) -> None:
    assert list(read_sequences(write(tmp_path, "\n".join(DNA) + "\n\n"))) == DNA
    text = f"; first\n>caf\xe9\n{DNA[0]}\n; second\n{DNA[1]}\n"
    assert list(read_sequences(write(tmp_path, text))) == [DNA[0] + DNA[1]]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (fastq(DNA)[:-9], "a whole FASTQ file, got a broken record"),
        (">a\nAC\xe9T\n", "no UTF-8 or others in record 'a'"),
        ("LOCUS\tX\t20 bp\n", "in GenBank format"),
        ("LOCUS       X 20 bp DNA\nFEATURES             Location\n     gene  <<1..\n", "GenBank"),
    ],
)  # fmt: skip
def test_broken_sequences_are_refused(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(DataError) as problem:
        list(read_sequences(write(tmp_path, text)))
    assert is_helpful(problem, "read_sequences: path", part)
