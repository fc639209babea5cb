"""Tables that people have: texts, arrays, frames, streams."""

from __future__ import annotations

import gzip
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from tests.unit.open_cases import CASES, Case, Make, case, written

ROWS = np.random.default_rng(0).normal(size=(40, 4))
CLASSES = np.array(["cat", "dog", "cow", "dog"] * 10)
NUMBERS = np.array([0, 2, 1, 2] * 10)


def lines(delimiter: str, decimal: str = ".", header: bool = True, beside: Any = None) -> str:
    rows = [delimiter.join(repr(x).replace(".", decimal) for x in row) for row in ROWS.tolist()]
    if beside is not None:
        rows = [f"{row}{delimiter}{each}" for row, each in zip(rows, beside, strict=True)]
    names = list("abcd") + ["species"] * (beside is not None)
    return "\n".join([delimiter.join(names)] * header + rows) + "\n"


TEXTS = {
    "csv": (",", ".", "comma-separated"),
    "tsv": ("\t", ".", "tab-separated"),
    "txt": ("  ", ".", "whitespace-separated"),
    "decimal commas": (";", ",", "commas are read as decimal points"),
}


def text_case(name: str, header: bool) -> Make:
    delimiter, decimal, words = TEXTS[name]
    first = "the first line names the columns" if header else "the first line is data"

    def make(folder: Path) -> Case:
        file = written(folder / "rows.txt", lines(delimiter, decimal, header))
        return Case(file, "table", ROWS, (f"40 x 4 table, {words}" if "de" not in name else words,
                    first))  # fmt: skip

    return make


for _name in TEXTS:
    CASES[f"{_name}, names"] = text_case(_name, header=True)
    CASES[f"{_name}, no names"] = text_case(_name, header=False)


@case("csv, gzip, no header told")
def _(folder: Path) -> Case:
    file = written(folder / "a.csv.gz", gzip.compress(lines(",", header=False).encode(), mtime=0))
    return Case(file, "table", ROWS, ("first line is data",), options={"header": False})


@case("decimal commas told")
def _(folder: Path) -> Case:
    return Case(written(folder / "a", lines(";", ",")), "table", ROWS, options={"decimal": ","})


@case("csv, some columns")
def _(folder: Path) -> Case:
    options = {"columns": "d,1"}
    return Case(written(folder / "a.csv", lines(",")), "table", ROWS[:, [3, 1]], options=options)


@case("csv, some columns in a list")
def _(folder: Path) -> Case:
    options = {"columns": ["d", 1]}
    return Case(written(folder / "a.csv", lines(",")), "table", ROWS[:, [3, 1]], options=options)


@case("csv, a column left out")
def _(folder: Path) -> Case:
    options = {"index_column": "b"}
    return Case(written(folder / "a.csv", lines(",")), "table", ROWS[:, [0, 2, 3]], options=options)


@case("csv, standardised")
def _(folder: Path) -> Case:
    expected = (ROWS - ROWS.mean(0)) / ROWS.std(0)
    return Case(written(folder / "a.csv", lines(",")), "table", expected, ("standardised",),
                tolerance=1e-12, options={"standardise": True})  # fmt: skip


@case("csv, classes in words")
def _(folder: Path) -> Case:
    file = written(folder / "a.csv", lines(",", beside=CLASSES))
    return Case(file, "table", ROWS, ("labels: species",), NUMBERS, ("cat", "cow", "dog"),
                options={"labels": "species"})  # fmt: skip


@case("tsv, classes in words, no names")
def _(folder: Path) -> Case:
    file = written(folder / "a.tsv", lines("\t", header=False, beside=CLASSES))
    return Case(file, "table", ROWS, ("first line is data",), NUMBERS, ("cat", "cow", "dog"),
                options={"labels": 4})  # fmt: skip


@case("csv, classes in a file")
def _(folder: Path) -> Case:
    words = written(folder / "words.txt", "\n".join(CLASSES))
    return Case(written(folder / "a.csv", lines(",")), "table", ROWS, (), NUMBERS,
                ("cat", "cow", "dog"), options={"labels": str(words)})  # fmt: skip


@case("csv, values as labels")
def _(folder: Path) -> Case:
    return Case(written(folder / "a.csv", lines(",")), "table", ROWS[:, :3], (), ROWS[:, 3],
                options={"labels": "d"})  # fmt: skip


@case("Parquet, classes in words")
def _(folder: Path) -> Case:
    arrow = pytest.importorskip("pyarrow")
    columns = {**dict(zip("abcd", ROWS.T, strict=True)), "species": CLASSES}
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), folder / "a.parquet")
    return Case(folder / "a.parquet", "table", ROWS, ("40 x 4 table, Parquet",), NUMBERS,
                ("cat", "cow", "dog"), options={"labels": "species"})  # fmt: skip


@case("numpy.savetxt")
def _(folder: Path) -> Case:
    np.savetxt(folder / "a.txt", ROWS, header="made by hand")
    return Case(folder / "a.txt", "table", ROWS, ("whitespace-separated", "first line is data"))


def npy_case(dtype: str) -> Make:
    def make(folder: Path) -> Case:
        rows = (ROWS * 50).astype(dtype)
        np.save(folder / "a.npy", np.asfortranarray(rows))
        return Case(folder / "a.npy", "table", rows.astype(float), ("NumPy array",))

    return make


for _name in ("f2", "f4", ">f8", "i1", ">i2", "i8", "u2", "?"):
    CASES[f"npy of {_name}"] = npy_case(_name)


@case("npz")
def _(folder: Path) -> Case:
    np.savez(folder / "a.npz", x=ROWS, y=CLASSES)
    return Case(folder / "a.npz", "table", ROWS, ("'x'",), NUMBERS, ("cat", "cow", "dog"),
                options={"array": "x", "labels": "y"})  # fmt: skip


@case("array")
def _(_: Path) -> Case:
    return Case(ROWS[::-1], "table", ROWS[::-1], ("array of float64",))


@case("tensor")
def _(_: Path) -> Case:
    return Case(torch.tensor(ROWS, requires_grad=True), "table", ROWS)


@case("nested list")
def _(_: Path) -> Case:
    return Case(ROWS.tolist(), "table", ROWS, labels=NUMBERS, classes=("cat", "cow", "dog"),
                options={"labels": list(CLASSES)})  # fmt: skip


class Column:
    def __init__(self, values: Any) -> None:
        self.values = values

    def to_numpy(self) -> Any:
        return self.values


class Frame:
    """What pandas and polars have in common."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self.held = columns
        self.columns = list(columns)

    def __len__(self) -> int:
        return len(next(iter(self.held.values())))

    def __getitem__(self, name: str) -> Column:
        return Column(self.held[name])

    def to_numpy(self) -> Any:
        return np.stack(list(self.held.values()), 1)


def frame_case(build: Callable[[dict[str, Any]], Any]) -> Make:
    def make(_: Path) -> Case:
        columns: dict[str, Any] = dict(zip("abcd", ROWS.T, strict=True))
        frame = build({**columns, "species": CLASSES.astype(object)})
        return Case(frame, "table", ROWS, ("40 x 4 table", "frame"), NUMBERS,
                    ("cat", "cow", "dog"), options={"labels": "species"})  # fmt: skip

    return make


CASES["frame"] = frame_case(Frame)
CASES["pandas frame"] = frame_case(lambda held: pytest.importorskip("pandas").DataFrame(held))
CASES["polars frame"] = frame_case(lambda held: pytest.importorskip("polars").DataFrame(
    {name: values.tolist() for name, values in held.items()}))  # fmt: skip


@case("what pandas writes")
def _(folder: Path) -> Case:
    frame = pytest.importorskip("pandas").DataFrame(ROWS, columns=list("abcd"))
    frame.to_csv(folder / "a.csv")
    return Case(folder / "a.csv", "table", ROWS, ("only numbers the rows, is left out",))


@case("pipe")
def _(_: Path) -> Case:
    reader, writer = os.pipe()
    content = lines(",").encode()

    def write() -> None:
        with os.fdopen(writer, "wb") as stream:
            stream.write(content)

    threading.Thread(target=write).start()
    return Case(f"/dev/fd/{reader}", "table", ROWS, ("first line names the columns",))


@case("open file")
def _(_: Path) -> Case:
    return Case(io.BytesIO(gzip.compress(lines(" ").encode())), "table", ROWS, ("whitespace",))


@case("data set of rows")
def _(_: Path) -> Case:
    held = TensorDataset(torch.tensor(ROWS), torch.tensor(NUMBERS))
    return Case(held, "table", ROWS, ("TensorDataset of torch",), NUMBERS)
