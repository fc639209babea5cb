"""Pictures in folders: upright, on white, in every raster format, and nothing left out unsaid."""

from __future__ import annotations

import gzip
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grouplearn.domains.idx import load_idx_images, read_idx
from grouplearn.domains.labelled_images import load_labelled_images
from grouplearn.errors import DataError
from tests.unit.examples import is_helpful

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 4), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
ORIENTATION = 0x0112
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}


def save(file: Path, pixels: Any = GREY, **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    image.save(file, **options)
    return file


def idx(values: Any) -> bytes:
    array = np.asarray(values)
    codes = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, codes[array.dtype.name], array.ndim])
        + sizes
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def exif(orientation: int) -> Any:
    told = Image.Exif()
    told[ORIENTATION] = orientation
    return told


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_pictures_are_turned_upright(tmp_path: Path, orientation: int, kind: str) -> None:
    options = {"lossless": True} if kind == "webp" else {}
    for name in ("a", "b"):
        save(tmp_path / name / f"0.{kind}", COLOUR, exif=exif(orientation), **options)
    images = load_labelled_images(tmp_path).train.images
    np.testing.assert_array_equal(images[0], UPRIGHT[orientation](COLOUR).transpose(2, 0, 1))


def test_a_jpeg_is_turned_upright(tmp_path: Path) -> None:
    save(tmp_path / "a" / "0.jpg", GREY, exif=exif(6))
    with Image.open(tmp_path / "a" / "0.jpg") as picture:
        stored = np.asarray(picture)
    np.testing.assert_array_equal(
        load_labelled_images(tmp_path).train.images[0, 0], np.rot90(stored, -1)
    )


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "webp", "tif", "tiff", "TIF"])
def test_raster_formats_are_exact(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    save(tmp_path / "a" / f"0.{suffix}", COLOUR if suffix == "webp" else GREY, **options)
    images = load_labelled_images(tmp_path).train.images
    expected = COLOUR.transpose(2, 0, 1) if suffix == "webp" else GREY[None]
    if suffix == "gif":  # has a palette of colours
        expected = np.repeat(GREY[None], images.shape[1], 0)
    np.testing.assert_array_equal(images[0], expected)


def test_jfif_is_a_picture(tmp_path: Path) -> None:
    save(tmp_path / "a" / "0.jfif", GREY, format="JPEG")
    save(tmp_path / "b" / "0.png", GREY)
    assert load_labelled_images(tmp_path).train.names == ("a", "b")


@pytest.mark.parametrize("grey", [True, False])
def test_transparent_pictures_are_on_white(tmp_path: Path, grey: bool) -> None:
    colour = np.zeros((6, 4, 3), np.uint8) if grey else COLOUR
    alpha = RNG.integers(0, 256, (6, 4, 1), dtype=np.uint8)
    alpha[0], alpha[1] = 0, 255
    if grey:
        save(tmp_path / "icons" / "0.png", np.concatenate([colour[..., :1], alpha], 2))
    else:
        save(tmp_path / "icons" / "0.png", np.concatenate([colour, alpha], 2))
    sets = load_labelled_images(tmp_path)
    expected = (colour * (alpha / 255.0) + 255 * (1 - alpha / 255.0)).transpose(2, 0, 1)
    assert sets.train.images.shape == (1, 1 if grey else 3, 6, 4)
    np.testing.assert_allclose(sets.train.images[0], expected[: 1 if grey else 3], atol=1)
    assert sets.notes == (f"transparent pictures of {tmp_path.name}, 1, are put on white",)


def test_one_colour_may_be_transparent(tmp_path: Path) -> None:
    save(tmp_path / "a" / "0.png", GREY, transparency=int(GREY[0, 0]))
    image = load_labelled_images(tmp_path).train.images[0, 0]
    np.testing.assert_array_equal(image, np.where(GREY[0, 0] == GREY, 255, GREY))


def test_hidden_files_are_no_pictures(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png")
    (tmp_path / "a" / "._x.png").write_bytes(b"\0\5\x16\7 of a Mac")
    sets = load_labelled_images(tmp_path)
    assert len(sets.train.labels) == 1
    assert sets.notes == ()


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    for part in ("train", "test", "val"):
        save(tmp_path / part / "a" / "0.png")
    assert load_labelled_images(tmp_path).notes == ("not read, beside train/: val/",)
    save(tmp_path / "train" / "0.png")
    save(tmp_path / "train" / "a" / "deep" / "1.png")
    for number in range(4):
        (tmp_path / "train" / "a" / f"{number}.heic").write_bytes(b"x")
    (note,) = (note for note in load_labelled_images(tmp_path).notes if "val" not in note)
    assert note == (
        "not read, as no pictures of a class: a/0.heic, a/1.heic, a/2.heic, a/3.heic and 2 more"
    )


def test_only_raster_formats_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("Ghostscript")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", never)
    save(tmp_path / "a" / "0.eps", COLOUR)
    (tmp_path / "a" / "0.eps").rename(tmp_path / "a" / "1.png")
    with pytest.raises(DataError) as problem:
        load_labelled_images(tmp_path)
    assert is_helpful(problem, "1.png", "a whole picture (PNG, JPEG", "another format")


def test_sizes_are_looked_at_before_anything_is_decoded(tmp_path: Path) -> None:
    blank = np.zeros((3000, 3000), np.uint8)
    for number in range(3):
        save(tmp_path / "a" / f"{number}.png", blank)
    save(tmp_path / "a" / "3.png", blank[:2999])
    tracemalloc.start()
    with pytest.raises(DataError, match=r"common size, \(3000, 3000\), got \(2999, 3000\)"):
        load_labelled_images(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 3e6
    tracemalloc.stop()


def test_large_data_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUPLEARN_MOST_BYTES", str(100))
    for number in range(5):
        save(tmp_path / "a" / f"{number}.png")
    with pytest.raises(DataError) as problem:
        load_labelled_images(tmp_path)
    assert is_helpful(problem, "GiB in memory", "GROUPLEARN_MOST_BYTES")
    (tmp_path / "x").write_bytes(gzip.compress(idx(np.zeros(101, np.uint8))))
    with pytest.raises(DataError, match="GROUPLEARN_MOST_BYTES"):
        read_idx(tmp_path / "x")
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 10)
    with pytest.raises(DataError, match="at most 20 pixels"):
        load_labelled_images(tmp_path)


def idx_folder(folder: Path, labels: Any, point: str = "-") -> Path:
    (folder / f"train-images{point}idx3-ubyte").write_bytes(idx(np.zeros((3, 4, 4), np.uint8)))
    (folder / f"train-labels{point}idx1-ubyte").write_bytes(idx(labels))
    return folder


def test_idx_labels_of_every_type(tmp_path: Path) -> None:
    for dtype in ("uint8", "int16", "int32", "float32", "float64"):
        sets = load_labelled_images(idx_folder(tmp_path, np.array([0, 2, 1], dtype)))
        assert sets.train.labels.tolist() == [0, 2, 1]


def test_kaggles_names_are_known(tmp_path: Path) -> None:
    assert (
        len(
            load_labelled_images(
                idx_folder(tmp_path, np.array([0, 1, 0], "uint8"), ".")
            ).train.labels
        )
        == 3
    )


def test_hidden_files_are_no_images(tmp_path: Path) -> None:
    idx_folder(tmp_path, np.array([0, 1, 0], "uint8"), ".")
    (tmp_path / "._train-images.idx3-ubyte").write_bytes(b"\0\5\x16\7 of a Mac")
    assert load_idx_images(tmp_path).shape == (3, 4, 4)
    assert len(load_labelled_images(tmp_path).train.labels) == 3


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        (np.array([0, 1.5, 1], "float32"), "1.5 as label 1"),
        (np.array([0, 1, -1], "int8"), "-1 as label 2"),
        (np.array([np.nan, 1, 1], "float64"), "nan as label 0"),
        (np.array([0, np.inf, 1], "float64"), "inf as label 1"),
        (np.array([0, 2**31 - 1, 1], "int32"), "2147483647 as label 1"),
    ],
)
def test_labels_that_are_none_are_named(tmp_path: Path, labels: Any, part: str) -> None:
    with pytest.raises(DataError) as problem:
        load_labelled_images(idx_folder(tmp_path, labels))
    assert is_helpful(problem, "train-labels-idx1-ubyte", "integers from 0 to 65535", part)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ([0, 1.5], "1.5 as label 1"),
        ([0, -1], "-1 as label 1"),
        ([0, float("inf")], "inf as label 1"),
        ([0, 10**30], "labels of one axis"),
        ([0, "cat"], "labels of one axis"),
        ([[0], [1, 2]], "labels of one axis"),
        ("[" * 100_000, "a JSON list of numbers"),
    ],
)
def test_labels_of_sprites_are_checked(tmp_path: Path, content: Any, part: str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "cifar10_labels.json").write_text(text)
    with pytest.raises(DataError) as problem:
        load_labelled_images(tmp_path)
    assert is_helpful(problem, "cifar10_labels.json", part)


def test_a_path_that_no_system_allows_is_refused() -> None:
    with pytest.raises(DataError, match="a readable file, got File name too long"):
        load_labelled_images("a" * 5000)
