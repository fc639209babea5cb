"""Runs that are killed or ended and go on; and what they go on with."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from grouplearn import CyclicGroup
from grouplearn.domains.pixels import PixelMove
from grouplearn.errors import DataError, InputError
from grouplearn.losses import sample_moments
from grouplearn.models import LGCNN, Pattern, PlainCNN
from grouplearn.representations import FixedRepresentation
from grouplearn.training import (
    Classification,
    FitOptions,
    RandomElement,
    RandomShift,
    Similarity,
    WithLaws,
    fit,
    load,
    save,
)
from tests.unit.examples import is_helpful
from tests.unit.training_examples import SMALL, plain, same_state, stripes

ROOT = Path(__file__).resolve().parents[2]
ONCE = FitOptions(epochs=1, batch_size=24)


def test_a_run_that_patience_ended_is_not_trained_on(tmp_path: Path) -> None:
    train, test = stripes(48), stripes(30, seed=1)
    options = FitOptions(epochs=50, batch_size=24, patience=2, learning_rate=1e-12)
    first, again = plain(), plain(seed=1)
    ended = fit(first, train, test, options=options, folder=tmp_path)
    same = fit(again, train, test, options=options, folder=tmp_path)
    assert same.history == ended.history
    assert same_state(first, again)
    longer = replace(options, patience=4)
    assert len(fit(plain(), train, test, options=longer, folder=tmp_path).history) == 5


RUN = """
import sys
from pathlib import Path
import torch
from tests.unit.training_examples import plain, stripes
from grouplearn.training import FitOptions, RandomShift, fit
folder = Path(sys.argv[1])
network = plain(seed=int(sys.argv[2]))
def tell(epoch):
    print(epoch.epoch, flush=True)
fit(network, stripes(120), stripes(30, seed=1), augment=RandomShift(1), folder=folder,
    options=FitOptions(epochs=6, batch_size=24), watch=tell)
from grouplearn.training import save
save(network, folder / "end.safetensors")
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """`kill -9` at a random moment; another start value shows that the checkpoint is used."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-W", "ignore", "-c", RUN]
    subprocess.run([*command, str(whole), "0"], cwd=ROOT, check=True, capture_output=True)
    with subprocess.Popen(
        [*command, str(killed), "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "3":
            pass
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not (killed / "end.safetensors").exists()
    result = subprocess.run(
        [*command, str(killed), "7"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert result.stdout.split()[-1] == "6"
    assert int(result.stdout.split()[0]) >= 3
    assert same_state(load(whole / "end.safetensors"), load(killed / "end.safetensors"))
    histories = [
        [
            (row["step"], row["loss"], row["score"])
            for row in csv.DictReader(file.read_text().splitlines())
        ]
        for file in (whole / "log" / "metrics.csv", killed / "log" / "metrics.csv")
    ]
    assert histories[0] == histories[1]
    assert len(histories[0]) == 6
    assert list((whole / "tensorboard").glob("events.*"))


def test_a_run_goes_on_with_the_same_options_only(tmp_path: Path) -> None:
    train = stripes(48)
    fit(plain(), train, options=FitOptions(epochs=2, batch_size=24), folder=tmp_path)
    done = fit(plain(), train, options=FitOptions(epochs=2, batch_size=24), folder=tmp_path)
    assert len(done.history) == 2, "what is finished is not trained again"
    others = [
        (train, FitOptions(epochs=3, batch_size=24), "epochs must be 2"),
        (train, FitOptions(epochs=2, batch_size=12), "batch_size must be 24"),
        (stripes(60), FitOptions(epochs=2, batch_size=24), "samples must be [48, 1, 8, 8, "),
        (
            stripes(48, seed=2),
            FitOptions(epochs=2, batch_size=24),
            "samples must be [48, 1, 8, 8, ",
        ),
    ]
    for data, options, part in others:
        with pytest.raises(InputError) as problem:
            fit(plain(), data, options=options, folder=tmp_path)
        assert is_helpful(problem, "fit: ", part)


def moved(move: str, *, dropout: float = 0.0) -> LGCNN:
    matrix = PixelMove(move).matrix(3).float()
    rep = FixedRepresentation(CyclicGroup(2), matrix.unsqueeze(0))
    return LGCNN(Pattern(1, 3, (2, 2, 2), dropout=dropout), rep)


def frozen() -> nn.Module:
    network = moved("flip")
    network.head.requires_grad_(False)
    return network


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (partial(moved, "flip-up-down"), "network.frozen"),
        (partial(moved, "flip", dropout=0.5), "network.layers"),
        (partial(PlainCNN, SMALL), "network.kind must be LGCNN, as the run"),
        (frozen, "network.layers"),
    ],
    ids=["action", "dropout", "kind", "frozen"],
)
def test_a_run_goes_on_with_the_same_network_only(
    other: Callable[[], nn.Module], part: str, tmp_path: Path
) -> None:
    """The action of a network is no weight, and would come from the checkpoint in silence."""
    first = moved("flip")
    fit(first, stripes(24), options=ONCE, folder=tmp_path)
    with pytest.raises(InputError) as problem:
        fit(other(), stripes(24), options=ONCE, folder=tmp_path)
    assert is_helpful(problem, part)
    again = moved("flip")
    fit(again, stripes(24), options=ONCE, folder=tmp_path)
    assert same_state(first, again)


def test_a_run_goes_on_with_the_same_objective_and_augmentation_only(tmp_path: Path) -> None:
    train, rng = stripes(24), torch.Generator().manual_seed(0)
    one, two = (sample_moments(torch.rand(20, 9, generator=rng)) for _ in range(2))
    began: dict[str, Any] = {
        "objective": WithLaws(Classification(0.1), moments=1.0, samples=one),
        "augment": RandomElement([PixelMove("identity"), PixelMove("flip")]),
        "validation": stripes(9, seed=1),
    }
    fit(plain(), train, options=ONCE, folder=tmp_path, **began)
    laws = partial(WithLaws, moments=1.0)
    others: list[tuple[str, Any, str]] = [
        ("objective", Similarity(), "objective.kind must be WithLaws"),
        ("objective", laws(Classification(), samples=one), "objective.objective.smoothing must be"),
        ("objective", laws(Classification(0.1), samples=two), "objective.samples.full.2 must be "),
        ("augment", RandomShift(1), "augment.kind must be RandomElement"),
        ("augment", RandomElement([PixelMove("flip")]), "augment.moves must be [{'kind'"),
        ("augment", None, "augment must be {'kind': 'RandomElement'"),
        ("validation", stripes(9, seed=2), "validation must be [9, 1, 8, 8, "),
        ("validation", None, "validation must be [9, 1, 8, 8, "),
    ]
    for name, other, part in others:
        with pytest.raises(InputError) as problem:
            fit(plain(), train, options=ONCE, folder=tmp_path, **{**began, name: other})
        assert is_helpful(problem, f"fit: {part}")
    assert len(fit(plain(), train, options=ONCE, folder=tmp_path, **began).history) == 1


def test_checkpoints_and_saved_networks_are_told_apart(tmp_path: Path) -> None:
    fit(plain(), stripes(24), options=ONCE, folder=tmp_path)
    checkpoint = tmp_path / "last.safetensors"
    with pytest.raises(DataError, match="got a checkpoint of a training run; call fit"):
        load(checkpoint)
    save(plain(), checkpoint)
    with pytest.raises(DataError, match="must be a checkpoint that fit wrote, got a module"):
        fit(plain(), stripes(24), options=ONCE, folder=tmp_path)
    broken = checkpoint.read_bytes()[:-3]
    checkpoint.write_bytes(broken)
    with pytest.raises(DataError, match="resume: path"):
        fit(plain(), stripes(24), options=ONCE, folder=tmp_path)
    with pytest.raises(InputError, match=r"fit: folder must be a folder, got .* a file"):
        fit(plain(), stripes(24), options=ONCE, folder=checkpoint)
    with pytest.raises(InputError, match=r"path must be a file, got .* a folder"):
        save(plain(), tmp_path)
