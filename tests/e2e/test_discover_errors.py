"""`grouplearn discover` refuses with one line and a status, and leaves nothing half-written."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from grouplearn.cli import main
from grouplearn.commands import discover, discover_console, discover_output
from tests.e2e.running import earlier_run

ROWS = np.random.default_rng(0).exponential(size=(300, 3)) * [1.0, 2.0, 4.0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def everything() -> dict[str, bytes | None]:
    """All that lies below the current folder."""
    return {str(p): p.read_bytes() if p.is_file() else None for p in Path().rglob("*")}


def text(name: str, content: str) -> None:
    Path(name).write_text(content, encoding="utf-8")


def prepare_arrays() -> None:
    np.save("rows.npy", ROWS)
    np.save("few.npy", ROWS[:3])
    np.save("one.npy", ROWS[:1])
    np.save("narrow.npy", ROWS[:, :1])
    np.save("still.npy", np.ones((300, 3)))
    np.save("zeros.npy", np.zeros((300, 3)))
    np.save("line.npy", ROWS[:, 0])
    np.save("words.npy", np.array([["a", "b"], ["c", "d"]]))
    np.savez("two.npz", a=ROWS, b=ROWS)
    bad = ROWS.copy()
    bad[7, 2] = np.nan
    np.save("nan.npy", bad)
    images = np.random.default_rng(0).random((20, 6, 6)).astype(np.float32)
    np.save("images.npy", images)
    images[3, 2, 1] = np.nan
    np.save("nan-images.npy", images)
    np.save("flat.npy", np.zeros((20, 6, 6), dtype=np.uint8))
    Path("cut.npy").write_bytes(Path("rows.npy").read_bytes()[:-9])
    Path("cut.npz").write_bytes(Path("two.npz").read_bytes()[:200])


def prepare_texts() -> None:
    text("rows.csv", "x,y,z,block,half\n" + "\n".join(
        f"{a},{b},{c},{k},{k / 2}" for k, (a, b, c) in enumerate(ROWS)))  # fmt: skip
    text("names.csv", "x,y\n1,2\n3,four\n")
    text("ragged.csv", "x,y\n1,2\n3\n")
    text("head.csv", "x,y\n")
    text("blank.txt", " \n\n")
    text("one.txt", "alone\nalone\n")
    text("proteins.fa", ">p\nMKVLWAALLVTF\n")
    text("empty.fa", ">p\n>q\nACGT\n")
    text("short.fa", ">p\nACG\n")
    text("labels.csv", "1\n2\n3\n")
    text("pair.csv", "1,2\n2,3\n")
    Path("empty").write_bytes(b"")
    Path("noise.bin").write_bytes(bytes([7, 0, 255, 254] * 50))
    Path("late.bin").write_bytes(b"plain text then \0 more")
    fasta = gzip.compress(b">p\n" + b"ACGTTGCA" * 4000)
    Path("cut.fa.gz").write_bytes(fasta[: len(fasta) // 2])
    Path("cut-images").write_bytes(struct.pack(">HBBIII", 0, 8, 3, 9, 9, 9) + bytes(80))
    for folder in ("void", "mine"):
        Path(folder).mkdir()
    earlier_run(Path("earlier"))
    text("mine/thesis.txt", "five years")


BAD: dict[str, list[str]] = {
    "": ["Missing argument 'DATA...'", "see grouplearn discover --help"],
    "no-such.npy": ["'no-such.npy' must be a file", "digits, photographs, lambda"],
    "void": ["a folder of 0 other files"],
    "empty": ["got an empty file"],
    "blank.txt": ["got blanks only"],
    "noise.bin": ["a table, images (IDX or .npy)"],
    "late.bin": ["a table, images (IDX or .npy)"],
    "rows.npy --kind picture": ["--kind must be one of table, images, sequence, tokens"],
    "rows.npy --action permutations": ["--action", "did you mean 'permutation'?"],
    "rows.npy --alphabet latin": ["--alphabet must be one of dna, rna, protein"],
    "rows.npy --max-moment 5": ["--max-moment must be from 2 to 4, got 5"],
    "rows.npy --level 1": ["--level must be between 0 and 1, got 1"],
    "rows.npy --time-budget 0": ["--time-budget must be a positive number of seconds, got 0"],
    "rows.npy --seed -1": ["--seed must be from 0", "got -1"],
    "rows.npy --window 0": ["--window must be from 1 to 64"],
    "images.npy --patch-size 1": ["--patch-size must be from 2 to 16"],
    "images.npy --patch-size 7": ["at least 7 x 7 pixels"],
    "digits --kind tokens": ["--kind must be images for 'digits', got tokens"],
    "digits --labels x": ["--labels must be left out, as it is for tables"],
    "lambda --blocks x": ["--blocks must be left out"],
    "box-drawings --array x": ["--array must be left out"],
    "few.npy": ["more than their dimension, 3, got 3 samples"],
    "one.npy": ["more than their dimension"],
    "narrow.npy": ["d >= 2"],
    "still.npy": ["different from one another", "the same sample every time"],
    "zeros.npy": ["zeros only"],
    "line.npy --kind table": ["of shape (samples, columns)", "(300,)"],
    "line.npy": ["images (N, H, W)", "(300,)", "--kind table"],
    "words.npy": ["an array of real numbers"],
    "nan.npy": ["finite", "nan in row 7, 'column 2'"],
    "nan-images.npy --patch-size 3": ["finite", "nan at (3, 2, 1)"],
    "flat.npy --patch-size 3": ["images with detail"],
    "two.npz": ["an archive of one array", "['a', 'b']"],
    "two.npz --array c": ["an archive with an array 'c'"],
    "two.npz --kind images": ["an archive of one array, got arrays ['a', 'b']", "--array"],
    "cut.npy": ["a whole .npy file"],
    "cut.npz": ["a whole .npz file"],
    "cut.fa.gz": ["an intact gzip file"],
    "cut-images": ["truncated"],
    "names.csv": ["finite numbers", "'four' in 'y' on line 3"],
    "ragged.csv": ["2 fields", "1 on line 3"],
    "head.csv": ["a table with rows"],
    "rows.csv --labels class": ["--labels must be a column of the table (x, y, z, block, half)"],
    "rows.csv --blocks 9": ["--blocks must be a column", "got '9'"],
    "rows.csv --blocks half": ["--blocks must be a column of integers", "0.5 in row 1 of 'half'"],
    "rows.npy --labels labels.csv": ["--labels must be one for each row, 300", "3 in 'labels.csv'"],
    "few.npy rows.npy --labels rows.npy": ["a file of one column, got 3"],
    "pair.csv --labels x.csv": ["--labels must be a column of the table"],
    "pair.csv --labels labels.csv": ["one for each row, 2", "3 in 'labels.csv'"],
    "pair.csv --labels 0 --blocks 1": ["columns beside labels and blocks"],
    "proteins.fa": ["dna letters", "'L'"],
    "empty.fa": ["record 'p' without a sequence"],
    "short.fa": ["6 letters in a row"],
    "one.txt": ["a text that begins with 'alone'", "--kind"],
    "one.txt --kind tokens": ["samples must be"],
    "rows.npy --out earlier": ["--overwrite"],
    "rows.npy --out mine --overwrite": ["new, empty or an earlier run"],
    "rows.npy --overwite": ["No such option: --overwite", "--overwrite"],
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_answered_with_one_line(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare_arrays()
    prepare_texts()
    before = everything()
    status = main(["discover", *line.split()])
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert re.fullmatch(r"error: [^\n]+\n", captured.err)
    for part in BAD[line]:
        assert part in captured.err
    assert everything() == before


@pytest.mark.parametrize("where", ["run_all", "write_run"])
def test_an_interrupt_leaves_nothing(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    np.save("rows.npy", ROWS)
    before = everything()
    monkeypatch.setattr(discover_console, where, stop)
    assert main(["discover", "rows.npy"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    assert everything() == before


def test_a_failing_picture_leaves_the_earlier_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device", "report.html")

    np.save("rows.npy", ROWS)
    earlier_run(Path("earlier"))
    before = everything()
    monkeypatch.setattr(discover_output, "pictures_of", fail)
    assert main(["discover", "rows.npy", "--out", "earlier", "--overwrite"]) == 2
    assert everything() == before


def test_progress_is_told_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("rows.npy", ROWS)

    def console(**options: Any) -> Any:
        return Console(**{**options, "force_terminal": True} if options.get("stderr") else options)

    told: list[tuple[str, str]] = []
    monkeypatch.setattr(discover_console, "Console", console)
    monkeypatch.setattr(discover_output, "pictures_of", lambda *_: {})
    assert main(["discover", "rows.npy"]) == 0
    assert "No symmetry found." in capsys.readouterr().out
    options = discover.DiscoverOptions(("rows.npy",))
    discover.run_all(options, lambda name, step: told.append((name, step)))
    assert told[:2] == [("rows", "reading"), ("rows", "searching")]
