"""Training: runs that learn, are killed and go on, and what stops them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn.errors import InputError, TrainingError
from grouplearn.models import LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.training import (
    Classification,
    FitEpoch,
    FitOptions,
    Labelled,
    Objective,
    RandomElement,
    RandomShift,
    Reconstruction,
    Similarity,
    WithLaws,
    as_labelled,
    computes_in_bfloat16,
    evaluate,
    fit,
    seeds_interval,
)
from grouplearn.training.labelled import Batches
from tests.unit.examples import is_helpful
from tests.unit.training_examples import plain, same_state, stripes

ROOT = Path(__file__).resolve().parents[2]


def test_training_learns_and_tells_of_every_epoch() -> None:
    told: list[FitEpoch] = []
    train, test = stripes(240), stripes(90, seed=1)
    rng = torch.Generator().manual_seed(0)
    network = Standardised.of(PlainCNN(Pattern(1, 3, (4, 8, 8)), rng=rng), train.x)
    found = fit(
        network, train, test, options=FitOptions(epochs=6, batch_size=24), watch=told.append
    )
    assert evaluate(network, test) > 0.9
    assert found.score == pytest.approx(evaluate(network, test))
    assert [each.epoch for each in told] == [1, 2, 3, 4, 5, 6]
    assert tuple(told) == found.history
    assert told[-1].loss == sum(told[-1].terms.values()) < told[0].loss
    assert not found.stopped_early
    assert found.seconds > 0


def test_one_step_is_adamw() -> None:
    train, network = stripes(12), plain()
    network.eval()
    twin = plain()
    options = FitOptions(epochs=1, batch_size=12, schedule="constant", learning_rate=0.01, clip=0.5)
    fit(network, train, options=options)
    torch.manual_seed(0)
    optimiser = torch.optim.AdamW(twin.parameters(), lr=0.01, weight_decay=0.01)
    batches = Batches(train, 12)
    ((x, y),) = list(batches)
    from grouplearn.training.labelled import mixed

    torch.manual_seed(mixed(0, 0, 0, 1))
    F.cross_entropy(twin(x), y, label_smoothing=0.05).backward()
    nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
    optimiser.step()
    for a, b in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-7)


@pytest.mark.parametrize("schedule", ["one-cycle", "halving", "constant"])
def test_every_schedule_and_precision_trains(schedule: Any) -> None:
    train = stripes(48)
    for precision in ("float32", "bfloat16", "float64"):
        network = plain().double() if precision == "float64" else plain()
        chosen: Any = precision
        options = FitOptions(epochs=2, batch_size=24, schedule=schedule, precision=chosen)
        found = fit(network, train, options=options)
        assert len(found.history) == 2
        assert next(network.parameters()).dtype == (
            torch.float64 if precision == "float64" else torch.float32
        )


@pytest.mark.parametrize(
    ("capabilities", "fast"),
    [({"avx2": True, "avx512_bf16": False}, False), ({"amx_bf16": True}, True),
     ({"architecture": "aarch64", "bf16": True}, True), ({}, True)],
)  # fmt: skip
def test_a_processor_without_bfloat16_is_told(
    capabilities: dict[str, Any], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert computes_in_bfloat16() is fast
    options = FitOptions(epochs=1, precision="bfloat16")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(plain(), stripes(24), options=options)
        fit(plain(), stripes(24), options=replace(options, precision="float32"))
    said = [str(each.message) for each in told if "bfloat16" in str(each.message)]
    assert len(said) == (0 if fast else 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_an_absent_gpu_is_refused() -> None:
    with pytest.raises(InputError, match="accelerator must be one that is here, got 'gpu'"):
        fit(plain(), stripes(24), options=FitOptions(accelerator="gpu"))


def test_patience_ends_training() -> None:
    train, test = stripes(48), stripes(30, seed=1)
    options = FitOptions(epochs=50, batch_size=24, patience=2, learning_rate=1e-12)
    found = fit(plain(), train, test, options=options)
    assert found.stopped_early
    assert len(found.history) == 3


def test_scores_leave_the_network_as_it_was() -> None:
    network = plain()
    network.train()
    next(m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)).eval()
    modes = [module.training for module in network.modules()]
    evaluate(network, stripes(30))
    assert [module.training for module in network.modules()] == modes
    assert evaluate(nn.Flatten(), Labelled(torch.eye(4), torch.arange(4))) == 1


def test_samples_take_the_dtype_of_the_network() -> None:
    """NumPy's arrays are double, networks single."""
    double = Labelled(stripes(24).x.double(), stripes(24).y)
    one, two = plain(), plain()
    found = [
        fit(network, data, data, options=FitOptions(epochs=1, batch_size=12))
        for network, data in ((one, double), (two, stripes(24)))
    ]
    assert found[0].score == found[1].score
    assert same_state(one, two)


def test_dictionaries_are_put_right_after_every_step() -> None:
    network = LGN(LGNShape(1, 3, layers=1, kernel_size=3))
    objective = WithLaws(Reconstruction(), invertibility=1e-2)
    fit(network, stripes(24), objective=objective, options=FitOptions(epochs=1, batch_size=12))
    assert torch.allclose(network.weight.norm(dim=-1), torch.ones(1, 5, 1), atol=1e-6)


class _Explodes(Objective):
    """An objective one of whose terms leaves the numbers in the second epoch."""

    good: ClassVar[int] = 3

    def terms(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        type(self).good -= 1
        bad = math.nan if self.good < 0 else 0.0
        return {**Classification().terms(model, batch), "own": torch.tensor(bad)}

    def score(self, model: nn.Module, batch: Any) -> Tensor:
        return Classification().score(model, batch)


def test_a_term_that_is_no_number_stops_training_and_is_named(tmp_path: Path) -> None:
    options = FitOptions(epochs=4, batch_size=24)
    with pytest.raises(TrainingError, match=r"the own term must stay finite, got nan in epoch 2"):
        fit(plain(), stripes(48), objective=_Explodes(), options=options, folder=tmp_path)
    kept = tmp_path / "last.safetensors"
    assert kept.exists()
    _Explodes.good = 1000
    found = fit(plain(seed=5), stripes(48), objective=_Explodes(), options=options, folder=tmp_path)
    assert [each.epoch for each in found.history] == [1, 2, 3, 4]


class _Cracks(Objective):
    """A finite loss whose gradient is not: that of a square root at zero."""

    def terms(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        return {"own": (0 * model(batch[0])).square().sum().sqrt() + 1}

    def score(self, model: nn.Module, batch: Any) -> Tensor:
        return Classification().score(model, batch)


def test_weights_that_are_no_numbers_are_never_kept(tmp_path: Path) -> None:
    options = FitOptions(epochs=1, batch_size=24)
    with pytest.raises(TrainingError, match="the weights must stay finite"):
        fit(plain(), stripes(24), objective=_Cracks(), options=options, folder=tmp_path)
    assert not (tmp_path / "last.safetensors").exists()


DISTRIBUTED = """
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from tests.unit.test_training import stripes
from grouplearn import CyclicGroup
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import DenseRepresentation
from grouplearn.training import FitOptions, RandomShift, WithLaws, Classification, fit
torch.set_num_threads(1)
processes = int(sys.argv[2])
rng = torch.Generator().manual_seed(0)
rep = DenseRepresentation(CyclicGroup(3), 9, rng=rng, dtype=torch.float64)
network = LGCNN(Pattern(1, 3, (2, 2, 2)), rep, rng=rng)
data = stripes(48)
found = fit(
    network, data, stripes(20, seed=1), augment=RandomShift(1),
    objective=WithLaws(Classification(), invertibility=0.1, closure=0.1),
    options=FitOptions(epochs=3, batch_size=12, precision="float64", processes=processes),
)
if processes == 1 or dist.get_rank() == 0:
    Path(sys.argv[1]).write_text(json.dumps([[e.terms, e.score] for e in found.history]))
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """gloo, in float64, with normalisation over both: the same losses to 1e-6."""
    script = tmp_path / "run.py"
    script.write_text(DISTRIBUTED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    results = []
    for processes in (1, 2):
        out = tmp_path / f"{processes}.json"
        launcher = [sys.executable]
        if processes == 2:
            launcher += ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
        result = subprocess.run(
            [*launcher, str(script), str(out), str(processes)],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr[-3000:]
        results.append(json.loads(out.read_text()))
    for (one, score), (two, other) in zip(*results, strict=True):
        assert set(one) == {"cross-entropy", "invertibility", "closure"}
        assert one == pytest.approx(two, abs=1e-6)
        assert score == pytest.approx(other, abs=1e-6)


def test_intervals_are_students() -> None:
    mean, half = seeds_interval([1.0, 2.0, 3.0])
    assert (mean, round(half, 3)) == (2.0, 2.484)
    assert math.isnan(seeds_interval([4.0])[1])


@pytest.mark.usefixtures("as_in_production")
def test_wrong_samples_are_refused() -> None:
    x, y = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 1])
    nan = x.clone()
    nan[2, 0, 1, 1] = math.nan
    labelled: Any = Labelled
    calls: list[tuple[Any, str]] = [
        (lambda: as_labelled(x[:, 0], ["a", "b", "c", "d"]), "got list of str; number"),
        (lambda: as_labelled(x[:, 0], None), "labels must be integers, got NoneType"),
        (lambda: as_labelled(x[:, 0], np.array(["a"] * 4)), "labels must be integers, got <U1"),
        (lambda: as_labelled(torch.rand(4, 8, 8, 3), y), "images must be (N, C, H, W), got (4, 8"),
        (lambda: as_labelled(x, y / 2), "labels must be integers, got torch.float32"),
        (lambda: labelled(x[:0], y[:0]), "x must be one sample or more"),
        (lambda: labelled(x, y[:3]), "y must be one label for each of 4 samples, got 3"),
        (lambda: labelled(x, y.float()), "y must be an int64 tensor (N,)"),
        (lambda: labelled(x, [0, 1, 2, 1]), "y must be an int64 tensor (N,)"),
        (lambda: labelled(x, y, 2), "y must be from 0 to 1, as there are 2 classes, got 2 at 2"),
        (lambda: labelled(x, y - 1), "got -1 at 0"),
        (lambda: labelled(x, y * 0), "y must be of two classes or more, got 0 only"),
        (lambda: labelled(nan, y), "x must be finite, got nan at (2, 0, 1, 1)"),
        (lambda: labelled(x, y).split(4), "held_out must be from 1 to 3"),
        (lambda: Batches(Labelled(x, y), 3, world=2), "size must be a multiple of the 2 processes"),
        (lambda: Labelled(x, y).only([0, 3]), "classes must be different ones from 0 to 2"),
        (lambda: Labelled(x, y).only([0, -1]), "classes must be different ones from 0 to 2"),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_refused() -> None:
    x, y = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 1])
    options: Any = FitOptions
    untrained: Any = fit
    scored: Any = evaluate
    data = Labelled(x, y)
    frozen = plain().requires_grad_(False)
    few = PlainCNN(Pattern(1, 2, (2, 2, 2)))
    calls: list[tuple[Any, str]] = [
        (lambda: untrained(plain(), (x, y)), "train must be a Labelled, got tuple"),
        (lambda: untrained(plain(), data, options={}), "options must be a FitOptions, got dict"),
        (lambda: untrained(plain(), data, objective="own"), "objective must be an Objective"),
        (lambda: untrained(plain(), data, augment="flip"), "augment must be a function of a batch"),
        (lambda: untrained(plain(), data, []), "validation must be a Labelled, got list"),
        (lambda: untrained(fit, data), "model must be a Module, got function"),
        (lambda: scored(plain(), data, "own"), "objective must be an Objective, got str"),
        (lambda: scored(plain(), (x, y)), "data must be a Labelled, got tuple"),
        (lambda: evaluate(few, data), "y must be below 2, the network's outputs, got 2"),
        (lambda: fit(frozen, data), "model must be a network with parameters to train"),
        (lambda: fit(few, data), "y must be below 2, the network's outputs, got 2"),
        (lambda: options(seed=2**63), "seed must be below 2**63"),
        (lambda: options(epochs=0), "epochs must be an integer >= 1"),
        (lambda: options(learning_rate=0), "learning_rate must be a finite number > 0"),
        (lambda: options(schedule="linear"), "schedule must be one of one-cycle, halving"),
        (lambda: options(precision="half"), "precision must be one of float32, bfloat16"),
        (lambda: options(clip=-1), "clip must be a finite number > 0"),
        (lambda: options(patience=0), "patience must be an integer >= 1"),
        (lambda: options(accelerator="tpu"), "accelerator must be one of cpu, gpu, auto"),
        (lambda: Classification(1.0), "smoothing must be below 1"),
        (lambda: Similarity(0), "temperature must be a finite number > 0"),
        (lambda: WithLaws(Classification(), moments=1.0), "samples must be the moments"),
        (lambda: RandomElement([None]), "moves must be a function for each element"),
        (lambda: RandomShift(0), "pixels must be an integer >= 1"),
        (
            lambda: fit(plain(), data, options=options(patience=1)),
            "validation must be samples, for a patience",
        ),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)
