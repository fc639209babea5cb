"""How `grouplearn discover` reads what it is pointed at: options, notes and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grouplearn.commands.discover_data import Reading, open_data
from grouplearn.domains.images import ImageDomain
from grouplearn.errors import InputError
from tests.e2e.running import call
from tests.unit.examples import is_helpful


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_axes_of_images_are_told() -> None:
    first = np.random.default_rng(0).integers(0, 256, (70, 3, 7, 8), dtype=np.uint8)
    np.save("last.npy", np.moveaxis(first, 1, -1))
    np.save("first.npy", first)
    with pytest.raises(InputError) as problem:
        open_data("last.npy", Reading(patch_size=3), "x").moments(0)
    assert is_helpful(problem, "channels seem to come last", "axes='NHWC'")
    moments = [
        open_data(name, Reading(patch_size=3, axes=axes), "x").moments(0)
        for name, axes in (("last.npy", "NHWC"), ("first.npy", None))
    ]
    np.testing.assert_allclose(moments[0].products, moments[1].products)
    with pytest.raises(InputError, match=r"--axes must be an order of H and W .*, got 'HWX'"):
        Reading(axes="HWX").check("grouplearn discover")


def rows(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).random((count, 4))


def text(name: str, header: str, lines: np.ndarray, index: bool = False) -> None:
    body = [
        ",".join([str(k)] * index + [repr(x) for x in line])
        for k, line in enumerate(lines.tolist())
    ]
    Path(name).write_text("\n".join([header, *body]) + "\n")


def read(name: str, **options: Any) -> tuple[str, tuple[str, ...], np.ndarray]:
    subject = open_data(name, Reading(**options), "x")
    batches = list(subject.raw)
    return subject.words, subject.coordinates(), np.concatenate([batch for batch, _, _ in batches])


def test_notes_of_a_table_are_told() -> None:
    text("years.csv", ",2019,2020,2021,2022", rows(), index=True)
    words, names, found = read("years.csv")
    assert names == ("2019", "2020", "2021", "2022")
    assert "60 x 4 table, comma-separated; the first line, 2019 to 2022, names the" in words
    assert "the first column, which only numbers the rows, is left out" in words
    np.testing.assert_array_equal(found, rows())


def test_options_of_tables() -> None:
    text("some.csv", "a,b,c,d", rows())
    assert read("some.csv", columns="d,1")[1] == ("d", "b")
    np.testing.assert_array_equal(read("some.csv", columns="d,1")[2], rows()[:, [3, 1]])
    assert read("some.csv", index_column="b")[1] == ("a", "c", "d")
    text("bare.csv", "1,2,3,4", rows())
    assert read("bare.csv")[2].shape == (60, 4)
    assert read("bare.csv", header=False)[2].shape == (61, 4)
    Path("commas.csv").write_text(Path("some.csv").read_text().replace(",", ";").replace(".", ","))
    np.testing.assert_array_equal(read("commas.csv", decimal=",")[2], rows())
    subject = open_data("some.csv", Reading(columns="d,b", labels="a"), "x")
    batch, labels, _ = next(iter(subject.raw))
    np.testing.assert_array_equal(batch, rows()[:, [3, 1]])
    np.testing.assert_array_equal(labels, rows()[:, 0])


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("some.csv --columns a,a", "--columns must be each named once"),
        ("some.csv --columns a,z", "--columns must be a column of the table (a, b, c, d)"),
        ("some.csv --columns a,b --labels a", "none for something else, got 'a'"),
        ("some.csv --decimal ;", "--decimal must be one of ., ,"),
        ("rows.npy --no-header", "header (--header) must be left out, as the file is no text"),
        ("some.csv --window 3", "--window must be left out, as it is for sequences"),
        ("some.csv --patch-size 3", "--patch-size must be left out, as it is for images"),
        ("some.csv --alphabet rna", "--alphabet must be left out, as it is for sequences"),
        ("digits --no-header", "--no-header must be left out, as it is for tables"),
        ("digits lambda --index-column x", "it for images and sequence"),
        ("digits --columns a", "--columns must be left out, as it is for tables"),
        ("some.csv --axes NHWC", "--axes must be left out, as it is for images"),
    ],
)
def test_options_that_do_not_apply_are_refused(line: str, part: str) -> None:
    text("some.csv", "a,b,c,d", rows())
    np.save("rows.npy", rows())
    result = call("discover", *line.split())
    assert result.status == 2
    assert part in result.err, result.err


def test_wide_tables_are_refused_before_memory_is_taken() -> None:
    np.save("wide.npy", np.random.default_rng(0).random((3, 20_000), dtype=np.float32))
    result = call("discover", "wide.npy")
    assert result.status == 2
    assert "at most 2 GiB in memory, got 191 GiB" in result.err
    assert "GROUPLEARN_MOST_BYTES" in result.err


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp", "gif"])
def test_pictures_are_read(suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 9, 8), dtype=np.uint8)
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    for name in ("flat", "classes/a", "classes/b", "classes/.hidden"):
        Path(name).mkdir(parents=True)
    for number, each in enumerate(pixels):
        for name in ("flat", "classes/a", "classes/b", "classes/.hidden"):
            Image.fromarray(each).save(Path(name, f"{number}.{suffix}"), **options)
    expected = ImageDomain(3).vectorize(pixels).double().numpy()
    for name, times in (("flat", 1), ("classes", 2)):
        images = open_data(name, Reading(patch_size=3), "x").raw
        found = ImageDomain(3).vectorize(images[:, :1]).double().numpy()
        np.testing.assert_array_equal(found, np.tile(expected, (times, 1)))
    Path("flat", f"0.{suffix}").rename("one")
    subject = open_data("one", Reading(patch_size=3), "x")
    np.testing.assert_array_equal(subject.raw[:, 0], pixels[:1])


def test_pictures_of_several_sizes_are_refused() -> None:
    Path("some").mkdir()
    for side in (7, 8):
        Image.new("L", (side, 9), 7).save(Path("some", f"{side}.png"))
    with pytest.raises(InputError) as problem:
        open_data("some", Reading(patch_size=3), "x", "grouplearn discover")
    assert is_helpful(problem, "8.png", "of the common size, (9, 7), got (9, 8)")
