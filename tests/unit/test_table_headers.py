"""Numbers as names, columns that number rows, decimal commas, blanks: as pandas and NumPy write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grouplearn.domains.csv_layouts import is_numeric
from grouplearn.domains.tables import read_table
from grouplearn.errors import DataError, InputError
from tests.unit.examples import is_helpful

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((40, 6))
COUNTS = RNG.integers(0, 90, (40, 6))


def csv(
    rows: Any, names: Any = (), *, delimiter: str = ",", index: Any = None, corner: str = ""
) -> str:
    """A table as pandas' to_csv writes it."""
    lines = [[*([corner] if index is not None else []), *map(str, names)]] if len(names) else []
    for k, row in enumerate(np.asarray(rows).tolist()):
        lines.append([*([str(index[k])] if index is not None else []), *map(repr, row)])
    return "".join(delimiter.join(line) + "\n" for line in lines)


def write(folder: Path, text: str) -> Path:
    file = folder / "table.csv"
    file.write_text(text)
    return file


def rows_of(file: Path, **options: Any) -> Any:
    return np.concatenate(list(read_table(file, **options)))


@pytest.mark.parametrize("rows", [ROWS, COUNTS])
@pytest.mark.parametrize(
    "names", [range(2019, 2025), range(0, 360, 60), range(6), range(300, -60, -60)]
)
def test_evenly_spaced_numbers_are_names(tmp_path: Path, rows: Any, names: range) -> None:
    if rows is COUNTS and names == range(6):
        rows = COUNTS + 30
    table = read_table(write(tmp_path, csv(rows, names)))
    assert table.columns == tuple(map(str, names))
    assert f"{names[0]} to {names[-1]}, names the columns" in table.notes[0]
    np.testing.assert_array_equal(np.concatenate(list(table)), rows)
    first = rows_of(Path(table.path), header=False)
    assert first.shape == (41, 6)
    assert first[0].tolist() == list(names)


def test_two_columns_without_names_of_their_own(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, csv(ROWS[:, :2], range(2))))
    assert table.columns == ("0", "1")
    assert len(read_table(write(tmp_path, "5,6\n0.5,0.7\n")).notes) == 0


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]],
        [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        [[2, 2, 2], [1, 5, 4]],
        [[1, 2, 4], [7, 9, 9]],
        [[0.5, 0.25], [1.5, 0.5]],
    ],
)
def test_a_sample_stays_a_sample(tmp_path: Path, rows: list[list[float]]) -> None:
    file = write(tmp_path, csv(rows))
    assert rows_of(file).tolist() == rows
    named = read_table(file, header=True)
    assert named.columns == tuple(map(repr, rows[0]))
    assert np.concatenate(list(named)).tolist() == rows[1:]


def test_a_first_line_that_may_be_either_is_refused_or_noted(tmp_path: Path) -> None:
    rows = np.minimum(COUNTS, 45)
    rows[:2] = [[0] * 6, [45] * 6]
    file = write(tmp_path, csv(rows, range(0, 60, 10)))
    with pytest.raises(DataError) as problem:
        read_table(file)
    assert is_helpful(problem, "0 to 50, evenly spaced, which may be either", "--no-header")
    assert rows_of(file, header=True).shape == (40, 6)
    assert rows_of(file, header=False).shape == (41, 6)
    with pytest.raises(DataError, match="0 to 5, evenly spaced, which may be either"):
        read_table(write(tmp_path, csv(COUNTS, range(6))))
    table = read_table(write(tmp_path, csv(COUNTS, range(10, 70, 10))))
    assert table.notes == ("the first line, 10 to 60, is a sample; --header reads it as names",)


@pytest.mark.parametrize(
    ("corner", "names"),
    # Above numbers as names, a word in the corner would be the only one in the first line.
    [("", "uvwxyz"), ("Unnamed: 0", "uvwxyz"), ("__index_level_0__", "uvwxyz"), ("", range(6))],
)
@pytest.mark.parametrize("order", [range(40), range(1, 41), RNG.permutation(90)[:40]])
def test_the_index_that_pandas_writes_is_left_out(
    tmp_path: Path, corner: str, names: Any, order: Any
) -> None:
    file = write(tmp_path, csv(ROWS, names, index=list(order), corner=corner))
    table = read_table(file)
    assert table.columns == tuple(map(str, names))
    assert any("only numbers the rows" in note for note in table.notes)
    np.testing.assert_array_equal(np.concatenate(list(table)), ROWS)
    kept = read_table(file, index=False)
    assert len(kept.columns) == 7
    np.testing.assert_array_equal(np.concatenate(list(kept))[:, 0], order)


def test_an_unnamed_column_of_data_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path, csv(ROWS[:, 1:], "vwxyz", index=ROWS[:, 0].tolist()))
    assert read_table(file).columns == ("column 0", *"vwxyz")
    np.testing.assert_array_equal(rows_of(file), ROWS)


def test_the_index_of_parquet_is_left_out(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "rows.parquet"
    for name, kept in (("__index_level_0__", ["a"]), ("day", ["a"]), ("a", ["a", "x"])):
        columns = arrow.table({"a": [1.0, 2.5], name if name != "a" else "x": ["p", "q"]})
        said = json.dumps({"index_columns": [name] if name != "a" else [{"kind": "range"}]})
        parquet.write_table(columns.replace_schema_metadata({"pandas": said}), file)
        table = read_table(file)
        assert table.columns == tuple(kept)
        if name == "a":
            table = table.only([0])
        else:
            assert table.notes == (f"{name}, which pandas calls index, is left out",)
            with pytest.raises(DataError, match="numeric columns"):
                rows_of(file, index=False)
        assert np.concatenate(list(table)).tolist() == [[1.0], [2.5]]


@pytest.mark.parametrize("delimiter", [";", "\t", " ", "   "])
@pytest.mark.parametrize("header", ["u v w x y z", ""])
def test_decimal_commas(tmp_path: Path, delimiter: str, header: str) -> None:
    text = csv(ROWS, header.split(), delimiter=delimiter).replace(".", ",")
    table = read_table(write(tmp_path, text))
    assert table.notes == ("commas are read as decimal points",)
    np.testing.assert_array_equal(np.concatenate(list(table)), ROWS)
    np.testing.assert_array_equal(rows_of(Path(table.path), decimal=","), ROWS)
    assert is_numeric(text.splitlines())


def test_decimal_commas_within_quotes_and_alone(tmp_path: Path) -> None:
    assert rows_of(write(tmp_path, 'a,b\n"1,5","2,25"\n')).tolist() == [[1.5, 2.25]]
    assert rows_of(write(tmp_path, "a\n1,5\n2,25\n")).tolist() == [[1.5], [2.25]]
    assert rows_of(write(tmp_path, "1,5\n2,25\n"), decimal=",").tolist() == [[1.5], [2.25]]


@pytest.mark.parametrize(
    ("text", "options", "part"),
    [
        ("a,b\n1,5,2,5\n", {}, "put semicolons between fields"),
        ("a;b\n1,5;2\n", {"decimal": "."}, "pass decimal=',' (--decimal ,)"),
        ("a;b\n" + "1;2\n" * 30 + "1,5;2\n", {}, "pass decimal=',' (--decimal ,)"),
        ("a;b\n1.5;2\n", {"decimal": ","}, "pass decimal='.' (--decimal .)"),
        ("a;b\n1.234,5;2,5\n", {}, "'1.234,5' in 'a' on line 2"),
    ],
)
def test_commas_that_cannot_be_read_are_refused(
    tmp_path: Path, text: str, options: dict[str, Any], part: str
) -> None:
    with pytest.raises(DataError) as problem:
        rows_of(write(tmp_path, text), **options)
    assert is_helpful(problem, part)


@pytest.mark.parametrize(
    "options",
    [{}, {"fmt": "%d"}, {"header": "u v w x y z"}, {"header": "made on a Monday", "footer": "end"},
     {"delimiter": "\t", "header": "u\tv\tw\tx\ty\tz"}, {"delimiter": ",", "comments": ""}],
)  # fmt: skip
def test_what_savetxt_writes(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = ROWS if "fmt" not in options else COUNTS
    file = tmp_path / "rows.txt"
    np.savetxt(file, rows, **options)
    table = read_table(file)
    np.testing.assert_array_equal(
        np.concatenate(list(table)), np.loadtxt(file, delimiter=options.get("delimiter"))
    )
    named = len(options.get("header", "").split()) == 6
    assert table.columns == tuple("uvwxyz" if named else (f"column {k}" for k in range(6)))
    assert is_numeric(file.read_text().splitlines())


def test_only_some_columns_are_read(tmp_path: Path) -> None:
    file = write(tmp_path, "x,class,y\n1,cat,2\n3,dog,4\n")
    with pytest.raises(DataError, match="--columns"):
        rows_of(file)
    table = read_table(file).only([2, 0])
    assert table.columns == ("y", "x")
    assert np.concatenate(list(table)).tolist() == [[2, 1], [4, 3]]
    np.save(tmp_path / "rows.npy", ROWS)
    assert next(iter(read_table(tmp_path / "rows.npy").only([3]))).tolist() == ROWS[:, 3:4].tolist()


def test_names_send_nothing_to_the_terminal(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a\x1b[31m,b\u202e\n1,2\n")).columns == (
        r"a\x1b[31m", r"b\u202e",
    )  # fmt: skip


def test_wide_tables_take_linear_time(tmp_path: Path) -> None:
    rows = RNG.random((3, 20_000))
    np.testing.assert_array_equal(rows_of(write(tmp_path, csv(rows))), rows)


def test_options_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    with pytest.raises(InputError, match="left out, as the file is no text"):
        read_table(tmp_path / "rows.npy", header=True)
    with pytest.raises(InputError, match="left out, as the file is no text"):
        read_table(tmp_path / "rows.npy", decimal=",")
    with pytest.raises(InputError, match="decimal must be"):
        read_table(write(tmp_path, "1;2\n"), decimal=";")


def test_long_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUPLEARN_MOST_BYTES", "800")
    with pytest.raises(DataError) as problem:
        rows_of(write(tmp_path, csv(RNG.random((3, 60)))))
    assert is_helpful(problem, "lines of at most 100 letters", "GROUPLEARN_MOST_BYTES")
    monkeypatch.setenv("GROUPLEARN_MOST_BYTES", "lots")
    with pytest.raises(InputError, match="a number of bytes, got 'lots'"):
        rows_of(write(tmp_path, "1,2\n"))
