"""Sequences and tokens that people have: what Biopython writes, letters, pairs, source code."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.open_cases import CASES, Case, Make, case, written

RNG = np.random.default_rng(0)
DNA = tuple("".join(RNG.choice(list("ACGT"), 70)) for _ in range(4))
PAIRS = [("walk twice", "W W"), ("run", "R"), ("run twice", "R R"), ("walk", "W")] * 3
SPLIT = [(a.split(), b.split()) for a, b in PAIRS]


def biopython(form: str, packed: str) -> Make:
    def make(folder: Path) -> Case:
        records = records_of()
        file = folder / "a"
        pytest.importorskip("Bio.SeqIO").write(records, file, form.lower())
        if packed == "gzip":
            file.write_bytes(gzip.compress(file.read_bytes()))
        if packed == "bgzip":
            content = file.read_text()
            with pytest.importorskip("Bio.bgzf").BgzfWriter(str(file)) as writer:
                writer.write(content)
        return Case(file, "sequence", DNA, (form, packed))

    return make


def records_of() -> list[Any]:
    record = pytest.importorskip("Bio.SeqRecord").SeqRecord
    sequence = pytest.importorskip("Bio.Seq").Seq
    return [
        record(sequence(each), id=f"r{k}", annotations={"molecule_type": "DNA"},
               letter_annotations={"phred_quality": [31] * len(each)})
        for k, each in enumerate(DNA)
    ]  # fmt: skip


for _name in ("FASTA", "FASTQ", "GenBank", "EMBL"):
    for _packed in ("plain", "gzip", "bgzip"):
        CASES[f"{_name}, {_packed}"] = biopython(_name, _packed)


@case("records")
def _(_: Path) -> Case:
    return Case(records_of(), "sequence", DNA, ("4 sequences of 280 letters",))


@case("Seq")
def _(_: Path) -> Case:
    return Case(records_of()[0].seq, "sequence", DNA[:1], ("1 sequence of 70 letters",))


@case("letters")
def _(_: Path) -> Case:
    return Case(DNA[0], "sequence", DNA[:1], ("letters alone",))


@case("lines of letters")
def _(folder: Path) -> Case:
    return Case(written(folder / "a", "\n".join(DNA)), "sequence", DNA, ("letters alone",))


@case("lines of amino acids, told")
def _(folder: Path) -> Case:
    return Case(written(folder / "a", "MKVLWAAL\nLLVTFW\n"), "sequence", ("MKVLWAAL", "LLVTFW"),
                options={"kind": "sequence"})  # fmt: skip


TOKENS: dict[str, tuple[str, str]] = {
    "IN: OUT:": ("\n".join(f"IN: {a} OUT: {b}" for a, b in PAIRS), "pairs IN: ... OUT: ..."),
    "tabs": ("\n".join(f"{a}\t{b}" for a, b in PAIRS), "a tab between"),
    "tabs, titles": ("Source\tTarget\n" + "\n".join(f"{a}\t{b}" for a, b in PAIRS), "a tab"),
    "JSON objects": ("\n".join(json.dumps({"id": 1, "output": b, "input": a}) for a, b in PAIRS),
                     "pairs in lines of JSON"),
    "JSON lists": ("\n".join(json.dumps([a, b.split()]) for a, b in PAIRS), "lines of JSON"),
}  # fmt: skip


def token_case(name: str, suffix: str) -> Make:
    content, words = TOKENS[name]
    return lambda folder: Case(written(folder / f"a{suffix}", content), "tokens", SPLIT, (words,))


for _name in TOKENS:
    CASES[f"pairs {_name}"] = token_case(_name, ".tsv" if "tabs" in _name else ".txt")


@case("JSON texts")
def _(folder: Path) -> Case:
    file = written(folder / "a.jsonl", "\n".join(json.dumps({"text": a}) for a, _ in PAIRS))
    return Case(file, "tokens", [(a,) for a, _ in SPLIT], ("sequences in lines of JSON",))


@case("text")
def _(folder: Path) -> Case:
    file = written(folder / "a.txt", "the cat sat\non the mat\n")
    return Case(file, "tokens", [(["the", "cat", "sat"],), (["on", "the", "mat"],)], ("each line",))


@case("folder of source")
def _(folder: Path) -> Case:
    (folder / "deep").mkdir()
    written(folder / "deep" / "b.c", "int x=1;\n\n")
    written(folder / "a.py", "def f(x):\n    return x\n")
    written(folder / ".hidden.py", "secret")
    written(folder / "data.bin", b"\0\xff")
    expected = [["def", "f", "(", "x", ")", ":"], ["return", "x"], ["int", "x", "=", "1", ";"]]
    return Case(folder, "tokens", [(each,) for each in expected], ("lines of 2 files",))


@case("list of sentences")
def _(_: Path) -> Case:
    return Case([a for a, _ in PAIRS], "tokens", [(a,) for a, _ in SPLIT], ("12 sequences",))


@case("list of pairs")
def _(_: Path) -> Case:
    return Case(SPLIT, "tokens", SPLIT, ("12 pairs",))
