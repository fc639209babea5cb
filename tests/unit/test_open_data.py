"""One front door: everything that people have is read as it was written, and said to be that."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import Dataset

from grouplearn.domains.files import MOST_BYTES
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.readers import open_data
from grouplearn.domains.sequence_files import sequences_of
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful
from tests.unit.open_cases import CASES
from tests.unit.open_images import BYTES
from tests.unit.open_tables import CLASSES, ROWS, Frame, lines
from tests.unit.open_texts import DNA


@pytest.mark.parametrize("name", CASES)
def test_what_people_have_is_read(name: str, tmp_path: Path) -> None:
    case = CASES[name](tmp_path)
    found = open_data(case.source, **case.options)
    assert found.kind == case.kind
    for part in case.words:
        assert part in str(found), str(found)
    if case.kind == "tokens":
        assert [tuple(map(list, sample)) for sample in found.data.read()] == [
            tuple(map(list, sample)) for sample in case.data
        ]
    elif case.kind == "sequence":
        for _ in range(2):
            assert tuple(found.data) == case.data
    else:
        np.testing.assert_allclose(found.data, case.data, rtol=0, atol=case.tolerance)
        assert found.data.dtype == np.float64 or case.kind == "images"
    if case.labels is None:
        assert found.labels is None
    else:
        assert found.labels is not None
        np.testing.assert_array_equal(found.labels, case.labels)
    assert found.classes == case.classes


def test_what_is_read_is_what_adapters_take(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("\n".join(DNA))
    letters = open_data(tmp_path / "a").data
    assert SequenceDomain(window=2).moments(letters).count == sum(len(each) - 1 for each in DNA)
    assert ImageDomain(3).vectorize(open_data(BYTES).data).shape[1] == 9
    assert TokenDomain(open_data(["a b", "b c"]).data).vocabulary == ("a", "b", "c")


@pytest.mark.parametrize("encoded", [True, False])
def test_standard_input_is_read(encoded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    content = lines(",")
    stream: Any = io.BytesIO(content.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream) if encoded else io.StringIO(content))
    found = open_data("-")
    np.testing.assert_array_equal(found.data, ROWS)
    assert found.columns == tuple("abcd")


def test_streams_end_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MOST_BYTES, "100")
    with pytest.raises(DataError) as problem:
        open_data(io.BytesIO(bytes(101)))
    assert is_helpful(problem, "at most 100 bytes")


def test_files_come_in_a_list_too(tmp_path: Path) -> None:
    for name, letters in (("a.fa", "ACGT"), ("b.fa", "GGTA")):
        (tmp_path / name).write_text(f">x\n{letters}\n")
    files = [tmp_path / "a.fa", str(tmp_path / "b.fa")]
    assert list(sequences_of([*files, "AC.G"])) == ["ACGT", "GGTA", "AC.G"]
    with pytest.raises(InputError, match="got bytes"):
        list(sequences_of(b"ACGT"))


class Odd(Dataset[Any]):
    """A data set of what a test wants."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Any:
        return self.items[place]


def words(**others: Any) -> Frame:
    return Frame({"a": np.arange(3.0), "b": np.arange(3), **others})


REFUSED: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "a number": (lambda: 7, {}, "a path, an array, a data frame"),
    "nothing": (lambda: [], {}, "got nothing in it"),
    "ragged": (lambda: [[1, 2], [3]], {}, "a list of arrays of several shapes"),
    "complex": (lambda: np.ones((3, 2)) * 1j, {}, "complex128"),
    "masked": (lambda: np.ma.masked_array(ROWS), {}, "without a mask"),
    "five axes": (lambda: np.ones((2, 2, 2, 2, 2)), {}, "shape (2, 2, 2, 2, 2)"),
    "channels last": (lambda: np.ones((2, 9, 9, 3)), {}, "channels seem to come last"),
    "too few axes": (lambda: BYTES, {"axes": "HWN"}, "a letter for each of the 4 axes"),
    "unknown axes": (lambda: BYTES, {"axes": "NXHW"}, "axes must be an order of H and W"),
    "NaN in images": (lambda: np.full((2, 3, 3), np.nan), {}, "nan at (0, 0, 0)"),
    "words": (lambda: words(c=np.array(["x", "y", "z"])), {}, "'c' of type <U1"),
    "objects": (lambda: words(c=np.array([1, "y", 2], object)), {}, "'y' in row 1, 'c'"),
    "missing": (lambda: words(c=np.array([1, None, 2], object)), {}, "None in row 1, 'c'"),
    "dates": (lambda: words(c=np.array(["2020-01-01"] * 3, "M8[D]")), {}, "'c' of type datetime64"),
    "no class": (lambda: words(c=np.array(["x", None, "z"], object)), {"labels": "c"},
                 "a class in each row, got None in row 1, 'c'"),
    "no column": (lambda: words(), {"labels": "z"}, "labels must be a column of the table (a, b)"),
    "no such columns": (lambda: words(), {"columns": "a,q"}, "columns must be a column"),
    "too few labels": (lambda: ROWS, {"labels": CLASSES[:9]}, "each row, 40 or more, got 9"),
    "labels of images": (lambda: BYTES, {"labels": [1, 2]}, "one for each image, 7, got 2"),
    "labels with NaN": (lambda: ROWS, {"labels": [np.nan] * 40}, "got nan in row 0"),
    "labels of rows": (lambda: ROWS, {"labels": ROWS}, "numbers or words, one for each row"),
    "labels of letters": (lambda: DNA[0], {"labels": "a"}, "labels must be left out"),
    "columns of images": (lambda: BYTES, {"columns": "a"}, "columns must be left out"),
    "axes of a table": (lambda: [["a", "b"]], {"axes": "NHW"}, "axes must be left out"),
    "another kind": (lambda: ROWS, {"kind": "sequence"}, "'table' or 'images'"),
    "no kind": (lambda: ROWS, {"kind": "sound"}, "kind must be one of table, images"),
    "an empty data set": (Odd, {}, "a data set with samples, got none"),
    "several shapes": (lambda: Odd(np.ones(2), np.ones(3)), {}, "(3,) as item 1"),
    "three parts": (lambda: Odd((1, 2, 3)), {}, "3 parts as item 0"),
    "a dict": (lambda: Odd({"x": 1}), {}, "a dict as item 0"),
    "some labels": (lambda: Odd(np.ones(2), (np.ones(2), 1)), {}, "some of both"),
    "no file": (lambda: "none.csv", {}, "a file or a folder that exists, got nothing"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    make, options, part = REFUSED[name]
    with pytest.raises(InputError) as problem:
        open_data(make(), **options)
    assert is_helpful(problem, part)
