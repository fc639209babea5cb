"""Each command takes what the one before it wrote: from an array to escnn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grouplearn import Discovery
from grouplearn.domains.samples import sample_sky
from grouplearn.interop.escnn import to_escnn
from tests.e2e.running import Run


def _write_data() -> None:
    whole = sample_sky().numpy()[:300]
    np.save("sky.npy", whole[:, :12, :12])
    np.save("others.npy", whole[:, 16:28, 16:28])
    sky = whole[:240, 4:16, 4:16]
    smooth = (sky + np.roll(sky, 1, 1) + np.roll(sky, 1, 2)) / 3
    for name, images in (("sharp", sky[:120]), ("smooth", smooth[120:])):
        Path("pictures", name).mkdir(parents=True)
        for k, image in enumerate(images):
            Image.fromarray((255 * image).astype(np.uint8)).save(f"pictures/{name}/{k}.png")


def _inspect_finding(run: Run) -> None:
    for place in ("found", "found/weights/representation.safetensors"):
        (seen,) = run("inspect", place, "--json").json
        turn, other = seen["matrices"]
        assert (seen["group"], turn["order"], other["order"]) == ("D4", 4, 2)
        assert turn["name"] in {"a quarter turn", "a three-quarter turn"}
        assert other["name"].split()[1] in {"flip", "transpose", "antitranspose"}


def test_from_an_array_to_predictions_and_escnn(run: Run) -> None:
    """Two classes of pictures, as they are and smoothed; their patches have one symmetry."""
    _write_data()
    made = run("discover", "sky.npy", "--kind", "images", "--patch-size", "3", "--out", "found")
    assert made.status == 0, made.err
    (result,) = json.loads(Path("found/found.json").read_text())["results"]
    assert result["group"] == "D4"

    for action in ("found", "found/found.json", "found/weights/representation.safetensors"):
        options = ["--kind", "images", "--patch-size", "3", "--draws", "99", "--action", action]
        tested = run("test", "others.npy", *options, "--json", "--out", "tested", "--overwrite")
        assert tested.status == 0, tested.err
        assert tested.json["rejected"] is False

    small = ["--epochs", "2", "--batch-size", "32", "--parameters", "1500"]
    for seed in ("0", "1"):
        made = run("train", "pictures", "--action", "found", *small, "--seed", seed, "--out",
                   f"run{seed}")  # fmt: skip
        assert made.status == 0, made.err
    trained = json.loads(Path("run0/result.json").read_text())
    assert (trained["order"], len(trained["moves"])) == (8, 7)
    assert trained["defects"]["homomorphism"] == 0

    made = run("predict", "run0", "pictures", "--out", "classes.csv")
    assert made.status == 0, made.err
    with Path("classes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    assert {row["class"] for row in rows} <= {"sharp", "smooth"}

    _inspect_finding(run)
    layers = run("inspect", "run0", "--json").json
    assert {each["group"] for each in layers} == {"D4"}
    assert all(each["closure"] == 0 for each in layers)

    compared = run("compare", "run0", "run1", "--json")
    assert compared.status == 0, compared.err
    assert len(compared.json[0]["scores"]) == 2
    exported = run("export", "run0", "--to", "network.pt2")
    assert exported.status == 0, exported.err
    assert Path("network.pt2").stat().st_size > 1000

    pytest.importorskip("escnn")
    found = Discovery.load("found/weights/representation.safetensors")
    converted = to_escnn(found.representation)
    assert converted.group.name == "D4"
    assert converted.size == 9
    ours = {tuple(matrix.numpy().round(6).ravel()) for matrix in found.representation.matrices()}
    theirs = {tuple(np.asarray(converted(g)).round(6).ravel() + 0.0) for g in
              converted.group.elements}  # fmt: skip
    assert ours == theirs
