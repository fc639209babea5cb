"""Folders of labelled images in every format and state of repair; data sets made of others."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grouplearn.domains import rebuilt
from grouplearn.domains.downloads import download
from grouplearn.domains.labelled_images import ImageSets, LabelledImages, load_labelled_images
from grouplearn.domains.rebuilt import rotated
from grouplearn.errors import DataError, InputError, MissingExtraError
from tests.unit.examples import idx, is_helpful

RNG = np.random.default_rng(0)


def mnist_like(folder: Path, *, test: bool = True) -> dict[str, np.ndarray]:
    """A folder as of MNIST, the training files compressed."""
    folder.mkdir(exist_ok=True)
    data = {}
    for part, count in (("train", 6), ("t10k", 4)):
        images = RNG.integers(0, 256, (count, 5, 7), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 3
        data[part], data[f"{part} labels"] = images, labels
        if part == "t10k" and not test:
            continue
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(values)
            if part == "train":
                (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
            else:
                (folder / f"{part}-{name}-ubyte").write_bytes(content)
    return data


def test_idx_folders(tmp_path: Path) -> None:
    data = mnist_like(tmp_path)
    sets = load_labelled_images(tmp_path)
    assert sets.test is not None
    np.testing.assert_array_equal(sets.train.images[:, 0], data["train"])
    np.testing.assert_array_equal(sets.test.images[:, 0], data["t10k"])
    assert sets.train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert sets.train.labels.dtype == np.int64
    assert sets.train.names == ("0", "1", "2")
    mnist_like(tmp_path / "alone", test=False)
    assert load_labelled_images(tmp_path / "alone").test is None


def test_cifars_binary_version(tmp_path: Path) -> None:
    rows = RNG.integers(0, 256, (8, 3073), dtype=np.uint8)
    rows[:, 0] %= 10
    for number in (1, 2):
        part = rows[3 * (number - 1) : 3 * number]
        (tmp_path / f"data_batch_{number}.bin").write_bytes(part.tobytes())
    (tmp_path / "test_batch.bin").write_bytes(rows[6:].tobytes())
    (tmp_path / "batches.meta.txt").write_text("\n".join("abcdefghij") + "\n\n")
    sets = load_labelled_images(tmp_path)
    assert sets.test is not None
    assert sets.train.images.shape == (6, 3, 32, 32)
    assert sets.train.labels.tolist() == rows[:6, 0].tolist()
    np.testing.assert_array_equal(sets.train.images[4, 2].ravel(), rows[4, 2049:])
    assert sets.train.names == tuple("abcdefghij")
    assert len(sets.test.labels) == 2


def test_cifar_100s_binary_version(tmp_path: Path) -> None:
    rows = RNG.integers(0, 256, (8, 3074), dtype=np.uint8)
    rows[:, 1] %= 3
    (tmp_path / "train.bin").write_bytes(rows[:5].tobytes())
    (tmp_path / "test.bin").write_bytes(rows[5:].tobytes())
    (tmp_path / "fine_label_names.txt").write_text("apple\nbear\ncup\n")
    sets = load_labelled_images(tmp_path)
    assert sets.test is not None
    assert sets.train.labels.tolist() == rows[:5, 1].tolist()
    assert sets.train.names == ("apple", "bear", "cup")
    np.testing.assert_array_equal(sets.test.images[2, 2].ravel(), rows[7, 2050:])


def test_sprites_of_cifar(tmp_path: Path) -> None:
    labels = RNG.integers(0, 10, 60_000)
    (tmp_path / "cifar10_labels.json").write_text(json.dumps(labels.tolist()))
    pixels = RNG.integers(0, 256, (1000, 1024, 3), dtype=np.uint8)
    for number in (1, 50):
        Image.fromarray(pixels).save(tmp_path / f"cifar10_batch_{number}.png")
    sets = load_labelled_images(tmp_path)
    assert sets.test is not None
    assert sets.train.labels.tolist() == labels[1000:2000].tolist()
    assert sets.test.labels.tolist() == labels[50_000:51_000].tolist()
    np.testing.assert_array_equal(
        sets.train.images[7].transpose(1, 2, 0), pixels[7].reshape(32, 32, 3)
    )


def pictures(folder: Path, mode: str, size: tuple[int, int] = (6, 4)) -> None:
    for name, value in (("cats", 10), ("dogs", 200)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            Image.new(mode, size, value if mode == "L" else (value, 0, number)).save(
                folder / name / f"{number}.png"
            )


def test_folders_of_pictures(tmp_path: Path) -> None:
    pictures(tmp_path / "grey", "L")
    (tmp_path / "grey" / "cats" / "notes.txt").write_text("no picture")
    sets = load_labelled_images(tmp_path / "grey")
    assert sets.train.images.shape == (4, 1, 4, 6)
    assert sets.train.names == ("cats", "dogs")
    assert sets.train.labels.tolist() == [0, 0, 1, 1]
    assert sets.test is None
    pictures(tmp_path / "both" / "train", "RGB")
    pictures(tmp_path / "both" / "test", "RGB")
    sets = load_labelled_images(tmp_path / "both")
    assert sets.test is not None
    assert sets.train.images.shape == sets.test.images.shape == (4, 3, 4, 6)
    for name in (".cache", "empty"):
        (tmp_path / "grey" / name).mkdir()
    Image.new("L", (6, 4)).save(tmp_path / "grey" / ".cache" / "0.png")
    assert load_labelled_images(tmp_path / "grey").train.names == ("cats", "dogs")
    pictures(tmp_path / "mixed" / "train", "RGB")
    pictures(tmp_path / "mixed" / "test", "L")
    sets = load_labelled_images(tmp_path / "mixed")
    assert sets.test is not None
    assert sets.test.images.shape[1] == 3, "as in train"


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_broken_folders_of_pictures_are_refused(tmp_path: Path) -> None:
    cases: list[tuple[Path, str]] = []
    pictures(tmp_path / "sizes", "L")
    Image.new("L", (9, 9)).save(tmp_path / "sizes" / "dogs" / "z.png")
    cases.append((tmp_path / "sizes", "of the common size, (4, 6), got (9, 9)"))

    pictures(tmp_path / "broken", "L")
    (tmp_path / "broken" / "dogs" / "z.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    cases.append((tmp_path / "broken", "a whole picture"))

    pictures(tmp_path / "deep", "L")
    Image.fromarray(np.full((4, 6), 1000, np.uint16)).save(tmp_path / "deep" / "dogs" / "z.png")
    cases.append((tmp_path / "deep", "of 8 bits for each channel, got mode I;16"))

    pictures(tmp_path / "apart" / "train", "L")
    pictures(tmp_path / "apart" / "test", "L", (8, 4))
    cases.append((tmp_path / "apart", "of the common size, (4, 6), got (4, 8)"))

    pictures(tmp_path / "classes" / "train", "L")
    pictures(tmp_path / "classes" / "test", "L")
    (tmp_path / "classes" / "test" / "dogs").rename(tmp_path / "classes" / "test" / "wolves")
    cases.append((tmp_path / "classes", "of the classes cats, dogs, got cats, wolves"))
    for path, part in cases:
        with pytest.raises(DataError) as problem:
            load_labelled_images(path)
        assert is_helpful(problem, part)


def test_what_is_broken_is_refused(tmp_path: Path) -> None:
    cases: list[tuple[Path, str]] = [(tmp_path / "none", "of labelled images, got nothing")]
    file = tmp_path / "file"
    file.write_text("x")
    cases.append((file, "images in IDX, got another file"))
    cases.append((made(tmp_path / "empty"), "a folder of pictures for each class"))

    pickled = made(tmp_path / "pickled")
    (pickled / "data_batch_1").write_bytes(b"\x80\x02")
    cases.append((pickled, "its pickled version, which could run code"))

    cut = made(tmp_path / "cut")
    (cut / "data_batch_1.bin").write_bytes(bytes(5000))
    cases.append((cut, "a multiple of 3073 bytes, got 5000"))

    large = made(tmp_path / "large")
    (large / "data_batch_1.bin").write_bytes(bytes([99]) + bytes(3072))
    cases.append((large, "labels from 0 to 9, got 99"))

    mnist_like(tmp_path / "no-labels")
    (tmp_path / "no-labels" / "train-labels-idx1-ubyte.gz").unlink()
    cases.append((tmp_path / "no-labels", "with train-labels-idx1-ubyte"))

    mnist_like(tmp_path / "no-train")
    for each in (tmp_path / "no-train").glob("train-*"):
        each.unlink()
    cases.append((tmp_path / "no-train", "with train-images-idx3-ubyte"))

    mnist_like(tmp_path / "fewer")
    (tmp_path / "fewer" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    cases.append((tmp_path / "fewer", "a label for each of 4 images, got 3 labels"))

    mnist_like(tmp_path / "swapped")
    (tmp_path / "swapped" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros((4, 2), np.uint8)))
    cases.append((tmp_path / "swapped", "labels of one"))

    sprites = made(tmp_path / "sprites")
    (sprites / "cifar10_labels.json").write_text("[0, 1]")
    cases.append((sprites, "with cifar10_batch_0.png or others"))
    wrong = made(tmp_path / "wrong")
    (wrong / "cifar10_labels.json").write_text('{"a": 1}')
    cases.append((wrong, "a JSON list of numbers"))
    small = made(tmp_path / "small")
    (small / "cifar10_labels.json").write_text(json.dumps([0] * 60_000))
    Image.new("RGB", (10, 10)).save(small / "cifar10_batch_0.png")
    cases.append((small, "a sprite of 1,000 images"))

    for path, part in cases:
        with pytest.raises(DataError) as problem:
            load_labelled_images(path)
        assert is_helpful(problem, "load_labelled_images: path", part)


def test_digits_are_turned_by_every_angle() -> None:
    image = np.zeros((1, 21, 21), np.uint8)
    image[0, 9:12, 2:19] = 200
    turned = rotated(np.repeat(image, 400, 0), seed=1)
    assert turned.dtype == np.uint8
    rows, columns = np.mgrid[-10:11, -10:11]
    angles = []
    for each in turned.astype(float):
        total = each.sum()
        xx, yy, xy = ((each * m).sum() / total for m in (columns**2, rows**2, rows * columns))
        angles.append(np.arctan2(2 * xy, xx - yy) / 2)
    counts, _ = np.histogram(angles, bins=6, range=(-np.pi / 2, np.pi / 2))
    assert counts.min() > 35, "uniform over all directions"
    np.testing.assert_array_equal(rotated(image, seed=1), rotated(image, seed=1))


def test_rebuilt_sets_are_disjoint_and_of_all_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilt, "_TRAIN", 24)
    monkeypatch.setattr(rebuilt, "_TEST", 100)
    count = 124
    images = np.zeros((count, 1, 9, 9), np.uint8)
    images[:, 0, 4, 4] = np.arange(count) + 100
    labels = np.arange(count) % 2
    half = LabelledImages(images[:100], labels[:100], ("a", "b"))
    rest = LabelledImages(images[100:], labels[100:], ("a", "b"))
    sets = rebuilt.rotated_sets(ImageSets(half, rest), seed=2)
    assert sets.test is not None
    assert (len(sets.train.labels), len(sets.test.labels)) == (24, 100)
    middles = np.concatenate([sets.train.images, sets.test.images])[:, 0, 4, 4]
    assert sorted(middles.tolist()) == sorted(images[:, 0, 4, 4].tolist())
    found = np.concatenate([sets.train.labels, sets.test.labels])
    assert all((middle - 100) % 2 == label for middle, label in zip(middles, found, strict=True))
    few = rebuilt.rotated_sets(ImageSets(rest, None))
    assert few.test is None
    assert few.train.labels.tolist() == rest.labels.tolist(), "fewer stay where they are"


@pytest.mark.usefixtures("as_in_production")
def test_downloads_are_checked_and_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def retrieve(address: str, known_hash: str, **options: Any) -> None:
        asked.append((address, known_hash))
        assert options["path"] == tmp_path
        if "cifar" in address:
            raise ValueError("SHA256 hash of downloaded file does not match")

    stand_in: Any = ModuleType("pooch")
    stand_in.retrieve, stand_in.Untar = retrieve, lambda **_: None
    monkeypatch.setitem(sys.modules, "pooch", stand_in)
    assert download("mnist", tmp_path) == tmp_path
    assert len(asked) == 4
    for address, known_hash in asked:
        assert address.startswith("https://")
        assert known_hash.startswith("sha256:")
        assert len(known_hash) == 7 + 64
    with pytest.raises(DataError) as problem:
        download("cifar10", tmp_path)
    assert is_helpful(problem, "cifar-10-binary.tar.gz must be at its address", "does not match")
    other: Any = "imagenet"
    with pytest.raises(InputError, match="name must be one of mnist"):
        download(other, tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"grouplearn\[train\]"):
        download("mnist", tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("mnist", (60_000, 1, 28, 28), 10_000),
        ("fashion-mnist", (60_000, 1, 28, 28), 10_000),
        ("cifar10", (20_000, 3, 32, 32), 1_000),
    ],
)
def test_real_sets(data_dir: Path, name: str, train: tuple[int, ...], test: int) -> None:
    sets = load_labelled_images(data_dir / name)
    assert sets.test is not None
    assert sets.train.images.shape == train
    assert len(sets.test.labels) == test
    assert np.bincount(sets.train.labels).min() > 1_000
