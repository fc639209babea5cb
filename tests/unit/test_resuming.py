"""Runs that are killed or ended and go on; and what they go on with."""

from __future__ import annotations

import copy
import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.domains.pixels import PixelMove
from grouplearn.errors import DataError, InputError
from grouplearn.losses import sample_moments
from grouplearn.models import LGCNN, Pattern, PlainCNN, Standardised
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    FixedRepresentation,
    SpectralRepresentation,
)
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
from grouplearn.training.fingerprints import fingerprint, same_run
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


class _EndedError(Exception):
    """What ends a run after an epoch."""


def learned(seed: int) -> LGCNN:
    rng = torch.Generator().manual_seed(seed)
    rep = DenseRepresentation(CyclicGroup(2), 9, rng=rng)
    return LGCNN(Pattern(1, 3, (2, 2, 2), dropout=0.2), rep, rng=rng)


@pytest.mark.parametrize("build", [lambda seed: plain(seed=seed), learned], ids=["plain", "group"])
@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_every_precision_goes_on_bit_for_bit(
    build: Callable[[int], nn.Module], precision: Any, tmp_path: Path
) -> None:
    """Networks are built in float32 each time, as a command would."""
    options = FitOptions(epochs=3, batch_size=12, precision=precision)
    train, augment = stripes(36), RandomShift(1)
    whole, other = build(0), build(0)
    fit(whole, train, augment=augment, options=options, folder=tmp_path / "whole")

    def end(epoch: Any) -> None:
        if epoch.epoch == 2:
            raise _EndedError

    with pytest.raises(_EndedError):
        fit(other, train, augment=augment, options=options, folder=tmp_path / "r", watch=end)
    resumed = build(1)
    assert (
        len(fit(resumed, train, augment=augment, options=options, folder=tmp_path / "r").history)
        == 3
    )
    assert same_state(whole, resumed)
    wanted = torch.float64 if precision == "float64" else torch.float32
    assert all(each.dtype == wanted for each in resumed.parameters())


def test_a_run_goes_on_with_the_same_options_only(tmp_path: Path) -> None:
    train = stripes(48)
    fit(plain(), train, options=FitOptions(epochs=2, batch_size=24), folder=tmp_path)
    written = (tmp_path / "log/metrics.csv").read_bytes()
    done = fit(plain(), train, options=FitOptions(epochs=2, batch_size=24), folder=tmp_path)
    assert len(done.history) == 2, "what is finished is not trained again"
    assert (tmp_path / "log/metrics.csv").read_bytes() == written, "nor its history forgotten"
    others = [
        (train, FitOptions(epochs=3, batch_size=24), "epochs must be 2"),
        (train, FitOptions(epochs=2, batch_size=12), "batch_size must be 24"),
        (stripes(60), FitOptions(epochs=2, batch_size=24), "samples.shape.0 must be 48"),
        (
            stripes(48, seed=2),
            FitOptions(epochs=2, batch_size=24),
            "samples.content must be ",
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
        (partial(PlainCNN, SMALL), "network.class must be LGCNN, as the run"),
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
        ("objective", Similarity(), "objective.class must be WithLaws"),
        ("objective", laws(Classification(), samples=one), "objective.objective.smoothing must be"),
        ("objective", laws(Classification(0.1), samples=two), "objective.samples.full.2 must be "),
        ("augment", RandomShift(1), "augment.class must be RandomElement"),
        ("augment", RandomElement([PixelMove("flip")]), "augment.moves must be [{'class'"),
        ("augment", None, "augment must be {'class': 'RandomElement'"),
        ("validation", stripes(9, seed=2), "validation.content must be "),
        ("validation", None, "validation must be {'shape': [9, 1, 8, 8], "),
    ]
    for name, other, part in others:
        with pytest.raises(InputError) as problem:
            fit(plain(), train, options=ONCE, folder=tmp_path, **{**began, name: other})
        assert is_helpful(problem, f"fit: {part}")
    assert len(fit(plain(), train, options=ONCE, folder=tmp_path, **began).history) == 1


def spectral(seed: int, near: str) -> nn.Module:
    """Trained, but what it turns by is set by the matrix that it starts near."""
    rng = torch.Generator().manual_seed(seed)
    rep = SpectralRepresentation(CyclicGroup(2), 9, near=PixelMove(near).matrix(3)[None], rng=rng)
    return LGCNN(Pattern(1, 3, (2, 2, 2)), rep.float(), rng=rng)


def based(basis: torch.Tensor) -> nn.Module:
    rep = DenseRepresentation(CyclicGroup(2), 9, rng=torch.Generator().manual_seed(0))
    return LGCNN(Pattern(1, 3, (2, 2, 2)), ChangeOfBasis(rep, basis))


def standardised(mean: float) -> nn.Module:
    return Standardised(plain(), torch.full((1, 1, 1, 1), mean), torch.ones(1, 1, 1, 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (based(torch.eye(9)), based(torch.eye(9).flip(0))),
        (spectral(0, "flip"), spectral(0, "half-turn")),
        (standardised(0.0), standardised(9.0)),
    ],
    ids=["basis", "multiplicities", "mean"],
)
def test_what_is_set_within_what_is_trained_counts(one: nn.Module, other: nn.Module) -> None:
    assert difference(one, other) == "network.frozen"


def test_weights_to_train_and_their_dtype_do_not_count() -> None:
    one, other = spectral(0, "flip"), spectral(1, "flip")
    assert not same_state(one, other)
    assert difference(one, other) is None
    frozen = spectral(0, "flip").requires_grad_(False)
    frozen.head.requires_grad_()
    assert difference(frozen, copy.deepcopy(frozen).double()) is None
    assert difference(frozen, one) == "network.layers"


class Turned:
    """An augmentation with a group, which computes things when it is used."""

    def __init__(self, order: int, share: Any = None) -> None:
        self.group, self.share = DihedralGroup(order), share

    def __call__(self, images: torch.Tensor, _: torch.Generator) -> torch.Tensor:
        return images * (self.group.element_orders.max() > 1)

    def shift(self, images: torch.Tensor, _: torch.Generator, *, pixels: int) -> torch.Tensor:
        return images.roll(pixels)


@dataclass(slots=True)
class Slotted:
    share: float

    def __call__(self, images: torch.Tensor, _: torch.Generator) -> torch.Tensor:
        return images * self.share


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (Turned(4), Turned(4), Turned(3)),
        (partial(Turned(4).shift, pixels=1), partial(Turned(4).shift, pixels=1),
         partial(Turned(4).shift, pixels=2)),
        (Turned(4).shift, Turned(4).shift, Turned(5).shift),
        (Slotted(0.1), Slotted(0.1), Slotted(0.2)),
        (Turned(4, np.float32(0.5)), Turned(4, np.float64(0.5)), Turned(4, np.float32(0.1))),
        (Turned(4, np.arange(3)), Turned(4, np.arange(3)), Turned(4, np.arange(3)[::-1])),
        (Turned(4, np.array(["a"])), Turned(4, np.array(["a"])), Turned(4, np.array(["b"]))),
        (Turned(4, nn.Linear(2, 2)), None, Turned(4, nn.Linear(2, 2))),
        (partial(torch.add, alpha=1), partial(torch.add, alpha=1), torch.add),
        (math.floor, math.floor, math.ceil),
        (Turned(4, {"a": 1}), Turned(4, {"a": 1}), Turned(4, {"b": None})),
    ],
)  # fmt: skip
def test_augmentations_are_told_apart_by_what_they_were_given(
    one: Any, same: Any, other: Any
) -> None:
    before = fingerprint(plain(), stripes(9), None, Classification(), one, ONCE)
    if isinstance(one, Turned):
        one(torch.zeros(2), torch.Generator())
    for given in (one, same or one):
        now = fingerprint(plain(), stripes(9), None, Classification(), given, ONCE)
        same_run(before, json.loads(json.dumps(now)))
    now = fingerprint(plain(), stripes(9), None, Classification(), other, ONCE)
    with pytest.raises(InputError) as problem:
        same_run(before, now)
    assert is_helpful(problem, "fit: augment.")


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """The name of what two runs of these networks differ in."""
    before, now = (
        fingerprint(network, stripes(9), None, Classification(), None, ONCE)
        for network in (one, other)
    )
    try:
        same_run(before, now)
    except InputError as problem:
        return str(problem).split()[1]
    return None


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
