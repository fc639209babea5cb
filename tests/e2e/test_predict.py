"""`grouplearn predict`: new images of every kind, and what does not fit."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from grouplearn.tensorfile import read_tensors, write_tensors
from grouplearn.training import load
from tests.e2e.running import run_in

KINDS = ("bars", "stripes")


def picture(kind: str, seed: int) -> np.ndarray:
    """A rectangle of 9 x 11 pixels, bright along rows or along columns."""
    rng = np.random.default_rng(seed)
    waves = 127 + 100 * np.sin(np.arange(11) * 1.5 + rng.uniform(0, 6))
    rows = np.tile(waves[:11], (9, 1)) if kind == "bars" else np.tile(waves[:9, None], (1, 11))
    return (rows + rng.uniform(-20, 20, (9, 11))).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of two classes, 9 x 11, and a network trained on them."""
    folder = tmp_path_factory.mktemp("predict")
    for number, kind in enumerate(KINDS):
        (folder / "pictures" / kind).mkdir(parents=True)
        for k in range(30):
            image = Image.fromarray(picture(kind, 100 * number + k))
            image.save(folder / "pictures" / kind / f"{k}.png")
    run = run_in(folder)
    made = run("train", "pictures", "--action", "half-turn", "--epochs", "8", "--batch-size", "8",
               "--parameters", "2000", "--out", "run")  # fmt: skip
    assert made.status == 0, made.err
    return folder


def test_pictures_arrays_and_single_pictures_agree(trained: Path) -> None:
    run = run_in(trained)
    (trained / "new" / "deep").mkdir(parents=True, exist_ok=True)
    new = [picture("bars", 900), picture("stripes", 901), picture("stripes", 902)]
    for name, each in zip(("a.png", "b.png", "deep/c.png"), new, strict=True):
        Image.fromarray(each).save(trained / "new" / name)
    (trained / "new" / "._a.png").write_bytes(b"not a picture")
    np.save(trained / "new.npy", np.stack(new))
    np.save(trained / "floats-new.npy", np.stack(new) / 255)
    np.savez(trained / "new.npz", np.stack(new))
    found = run("predict", "run", "new", "--out", "new.csv", "--overwrite")
    assert (found.status, found.err) == (0, "")
    assert "3 images, written to new.csv" in found.out
    with (trained / "new.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["a.png", "b.png", "deep/c.png"]
    assert [row["class"] for row in rows] == ["bars", "stripes", "stripes"]
    network = load(trained / "run" / "network.safetensors")
    with torch.no_grad():
        chances = network(torch.as_tensor(np.stack(new))[:, None] / 255).softmax(1).numpy()
    ours = np.array([[float(row[name]) for name in ("bars", "stripes")] for row in rows])
    np.testing.assert_allclose(ours, chances, atol=2e-6)
    array = list(csv.DictReader(run("predict", "run", "new.npy").out.splitlines()))
    assert [row["image"] for row in array] == ["0", "1", "2"]
    assert [row["bars"] for row in array] == [row["bars"] for row in rows]
    for name in ("floats-new.npy", "new.npz"):
        assert list(csv.DictReader(run("predict", "run", name).out.splitlines())) == array
    (one,) = json.loads(run("predict", "run", "new/b.png", "--json").out)
    assert one["image"] == "b.png"
    assert one["class"] == "stripes"
    assert sum(one["probabilities"].values()) == pytest.approx(1)


CASES: dict[str, tuple[list[str], list[str]]] = {
    "no run": (["nothing", "new.png"], ["RUN must be the folder of a finished run"]),
    "not a run": (["pictures", "new.png"], ["RUN must be the folder of a finished run"]),
    "no data": (["run", "nothing"], ["a picture, a folder, a .npy or an IDX file"]),
    "other size": (["run", "large.png"], ["large.png", "(9, 11), got (11, 9)"]),
    "no pictures": (["run", "empty"], ["a folder with pictures in it, got none"]),
    "floats": (["run", "floats.npy"], ["floats in [0, 1]", "float64"]),
    "colours": (["run", "colours.npy"], ["1 channel and 9 x 11 pixels", "3"]),
    "no picture": (["run", "text.png"], ["a whole picture"]),
    "taken": (["run", "new.png", "--out", "taken.csv"], ["--out must be a new file"]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_one_line(trained: Path, case: str) -> None:
    Image.fromarray(picture("bars", 1)).save(trained / "new.png")
    Image.fromarray(picture("bars", 1).T).save(trained / "large.png")
    (trained / "empty").mkdir(exist_ok=True)
    np.save(trained / "floats.npy", np.linspace(-1, 1, 198).reshape(2, 9, 11))
    np.save(trained / "colours.npy", np.zeros((2, 3, 9, 11), np.uint8))
    (trained / "text.png").write_text("text")
    (trained / "taken.csv").write_text("mine")
    arguments, parts = CASES[case]
    result: Any = run_in(trained)("predict", *arguments)
    assert result.status == 2
    assert result.err.count("\n") == 1
    for part in parts:
        assert part in result.err
    assert not result.out
    assert (trained / "taken.csv").read_text() == "mine"


def test_a_network_that_cannot_run_is_one_line(trained: Path, tmp_path: Path) -> None:
    """Its file is whole, with a right checksum, but one tensor is of another floating type."""
    shutil.copytree(trained / "run", tmp_path / "run")
    file = tmp_path / "run" / "network.safetensors"
    tensors, info = read_tensors(file)
    name = next(each for each in tensors if each.endswith("running_var"))
    write_tensors(file, {**tensors, name: tensors[name].double()}, info)
    for line in (["predict", "run", "digits"], ["export", "run", "--to", "x.pt2"]):
        found = run_in(tmp_path)(*line)
        assert (found.status, found.out) == (2, "")
        assert len(found.err.splitlines()) == 1
        assert "one whose parts do not fit" in found.err
