"""Images that people have: arrays, IDX, CIFAR, pictures, data sets of torch."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tests.unit.examples import idx
from tests.unit.open_cases import CASES, Case, Make, case

BYTES = np.random.default_rng(0).integers(0, 256, (7, 3, 9, 8), dtype=np.uint8)
GREY = BYTES[:, 0]
OF_IMAGES = np.array([0, 1, 2, 0, 1, 2, 1], dtype=np.uint8)


@case("images npy")
def _(folder: Path) -> Case:
    np.save(folder / "a.npy", BYTES)
    return Case(folder / "a.npy", "images", BYTES, ("7 images of 3 x 9 x 8", "uint8"))


def order_case(axes: str) -> Make:
    def make(folder: Path) -> Case:
        whole = BYTES if "C" in axes else GREY
        np.save(folder / "a.npy", whole.transpose(["NCHW".replace("C" * ("C" not in axes), "")
                                                   .index(each) for each in axes]))  # fmt: skip
        return Case(folder / "a.npy", "images", whole, options={"axes": axes})

    return make


for _name in ("NHWC", "HWCN", "CHWN", "HWN", "NWH"):
    CASES[f"images {_name}"] = order_case(_name)


@case("one image HWC")
def _(_: Path) -> Case:
    return Case(BYTES[0].transpose(1, 2, 0), "images", BYTES[:1], options={"axes": "HWC"})


SCALED: dict[str, tuple[Any, Any]] = {
    "floats": (BYTES / 255, BYTES / 255),
    "float16": ((BYTES / 255).astype(np.float16), (BYTES / 255).astype(np.float16)),
    "floats to 255": (BYTES.astype(np.float64), BYTES / 255),
    "standardised": ((BYTES - 100.0) / 50, (BYTES - BYTES.min()) / float(np.ptp(BYTES))),
    "int64": (BYTES.astype(np.int64), BYTES),
    "uint16": (BYTES.astype(np.uint16) * 257, BYTES / 255),
    "int16": (BYTES.astype(">i2") - 128, (BYTES - BYTES.min()) / float(np.ptp(BYTES))),
    "bool": (BYTES > 99, BYTES > 99),
}


def scale_case(name: str) -> Make:
    given, expected = SCALED[name]
    return lambda _: Case(given, "images", expected, tolerance=1e-6)


for _name in SCALED:
    CASES[f"images of {_name}"] = scale_case(_name)


@case("tensor of images")
def _(_: Path) -> Case:
    return Case(torch.tensor(BYTES), "images", BYTES, labels=OF_IMAGES,
                options={"labels": torch.tensor(OF_IMAGES)})  # fmt: skip


@case("images npz of Keras")
def _(folder: Path) -> Case:
    last = BYTES.transpose(0, 2, 3, 1)
    np.savez(folder / "a.npz", x_train=last, y_train=OF_IMAGES[:, None], x_test=last[:2],
             y_test=OF_IMAGES[:2, None])  # fmt: skip
    return Case(folder / "a.npz", "images", BYTES, ("3 classes", "2 more to test with"), OF_IMAGES,
                ("0", "1", "2"))  # fmt: skip


@case("images npz")
def _(folder: Path) -> Case:
    np.savez_compressed(folder / "a.npz", GREY)
    return Case(folder / "a.npz", "images", GREY)


IDX = (
    "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte",
    "emnist-letters-train-images-idx3-ubyte.gz", "k49-train-imgs-idx3", "images.idx",
)  # fmt: skip


def idx_case(name: str, folder_of: str, whole: bool) -> Make:
    def make(folder: Path) -> Case:
        place = folder / folder_of
        place.mkdir(parents=True, exist_ok=True)
        labels = name.replace("images", "labels").replace("imgs", "labels").replace("idx3", "idx1")
        for each, values in ((name, GREY), (labels, OF_IMAGES)):
            packed = gzip.compress(idx(values)) if each.endswith(".gz") else idx(values)
            (place / each).write_bytes(packed)
        source = folder if whole else place / name
        return Case(source, "images", GREY[:, None], ("IDX", "3 classes"), OF_IMAGES,
                    ("0", "1", "2"))  # fmt: skip

    return make


for _name in IDX:
    CASES[f"IDX folder {_name}"] = idx_case(_name, "", whole=True)
    CASES[f"IDX file {_name}"] = idx_case(_name, "", whole=False)
CASES["IDX as torchvision lays it down"] = idx_case(IDX[0], "MNIST/raw", whole=True)


def cifar_case(labels: int, whole: bool) -> Make:
    def make(folder: Path) -> Case:
        rows = np.random.default_rng(labels).integers(0, 256, (6, 3072 + labels), dtype=np.uint8)
        rows[:, :labels] %= 10
        names = ("data_batch_1.bin", "test_batch.bin") if labels == 1 else ("train.bin", "test.bin")
        for name, part in zip(names, (rows[:4], rows[4:]), strict=True):
            (folder / name).write_bytes(part.tobytes())
        classes = tuple(map(str, range(10 if labels == 1 else 100)))
        expected = rows[:4, labels:].reshape(-1, 3, 32, 32)
        return Case(folder if whole else folder / names[0], "images", expected,
                    (f"CIFAR-{len(classes)}",), rows[:4, labels - 1], classes)  # fmt: skip

    return make


for _labels in (1, 2):
    CASES[f"CIFAR folder, {_labels} labels"] = cifar_case(_labels, whole=True)
    CASES[f"CIFAR file, {_labels} labels"] = cifar_case(_labels, whole=False)


def picture_case(suffix: str) -> Make:
    def make(folder: Path) -> Case:
        options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
        form = "JPEG" if suffix in {"jpg", "jpeg", "jfif"} else None
        for number, each in enumerate(GREY):
            Image.fromarray(each).save(folder / f"{number}.{suffix}", form, **options)
        if form == "JPEG":
            files = sorted(folder.iterdir())
            pixels = np.stack([np.asarray(Image.open(io.BytesIO(f.read_bytes()))) for f in files])
            return Case(folder, "images", pixels[:, None], ("pictures in a folder",))
        return Case(folder, "images", GREY[:, None] if suffix != "webp" else
                    np.repeat(GREY[:, None], 3, 1), ("pictures in a folder",))  # fmt: skip

    return make


for _name in ("png", "jpg", "jpeg", "jfif", "tif", "bmp", "webp"):
    CASES[f"pictures {_name}"] = picture_case(_name)


@case("pictures by class")
def _(folder: Path) -> Case:
    names = ("ants", "bees")
    for number, each in enumerate(BYTES[:6]):
        place = folder / names[number % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(each.transpose(1, 2, 0)).save(place / f"{number}.PNG")
    return Case(folder, "images", BYTES[[0, 2, 4, 1, 3, 5]], ("folder for each class",),
                [0, 0, 0, 1, 1, 1], names)  # fmt: skip


@case("picture with an orientation")
def _(folder: Path) -> Case:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY[0]).save(folder / "a.png", exif=exif)
    return Case(folder / "a.png", "images", np.rot90(GREY[0], -1)[None, None], ("one picture",))


@case("transparent picture")
def _(folder: Path) -> Case:
    alpha = np.where(GREY[0] > 99, 255, 0).astype(np.uint8)
    both = np.dstack([GREY[0], alpha])
    Image.fromarray(both, "LA" if both.ndim == 2 else None).save(folder / "a.png")
    return Case(folder / "a.png", "images", np.where(alpha, GREY[0], 255)[None, None], ("white",))


@case("list of pictures of Pillow")
def _(_: Path) -> Case:
    pictures = [Image.fromarray(each.transpose(1, 2, 0)) for each in BYTES]
    return Case(pictures, "images", BYTES, ("pictures of Pillow",), OF_IMAGES,
                options={"labels": OF_IMAGES})  # fmt: skip


class Pictures(Dataset[Any]):
    """As torchvision's: pictures of Pillow, labels and names of classes."""

    classes = ("ants", "bees", "wasps")

    def __len__(self) -> int:
        return len(BYTES)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        return Image.fromarray(BYTES[place].transpose(1, 2, 0)), int(OF_IMAGES[place])


@case("data set of pictures")
def _(_: Path) -> Case:
    return Case(Pictures(), "images", BYTES, ("Pictures of torch",), OF_IMAGES, Pictures.classes)


@case("loader")
def _(_: Path) -> Case:
    held = TensorDataset(torch.tensor(BYTES / 255), torch.tensor(OF_IMAGES))
    return Case(DataLoader(held, batch_size=3), "images", BYTES / 255, ("DataLoader of torch",),
                OF_IMAGES)  # fmt: skip
