"""Statistics: over which processes they are taken, in which precision, with which momentum."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from grouplearn.layers import GroupBatchNorm, GroupLayerNorm
from grouplearn.layers.normalisation import synchronised

ROOT = Path(__file__).resolve().parents[2]


def fields(mean: float, deviation: float, dtype: torch.dtype, size: int = 24) -> Tensor:
    rng = torch.Generator().manual_seed(3)
    x = torch.randn(6, 2, 4, size, size, generator=rng, dtype=torch.float64)
    return (mean + deviation * x).to(dtype)


def expected(x: Tensor) -> tuple[Any, Any, Any]:
    """Mean, unbiased variance and normalised numbers by NumPy, in float64."""
    values = x.double().numpy()
    mean, variance = values.mean((0, 2, 3, 4)), values.var((0, 2, 3, 4))
    shape = (1, 2, 1, 1, 1)
    normal = (values - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-5)
    return mean, values.var((0, 2, 3, 4), ddof=1), normal


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float16, 4e-3), (torch.bfloat16, 4e-2), (torch.float32, 2e-5), (torch.float64, 1e-12)],
    ids=str,
)
@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (250.0, 40.0), (-3000.0, 2000.0)])
def test_sums_keep_their_digits(
    alone: None, mean: float, deviation: float, dtype: torch.dtype, tolerance: float, together: bool
) -> None:
    """Sums of 14,000 numbers of this size are far beyond the range of float16."""
    x = fields(mean, deviation, dtype)
    layer = GroupBatchNorm(2, synchronise=together).to(dtype)
    got = layer(x).detach().double().numpy()
    average, variance, normal = expected(x)
    assert np.abs(got - normal).max() <= tolerance * (1 + np.abs(normal).max())
    running: Any = layer.norm
    assert np.allclose(running.running_mean.double(), 0.1 * average, rtol=tolerance, atol=tolerance)
    if deviation < 100 or dtype != torch.float16:  # larger variances are no numbers of float16
        wanted = 0.9 + 0.1 * variance
        assert np.allclose(running.running_var.double(), wanted, rtol=2 * tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_layers_normalise_large_numbers(dtype: torch.dtype) -> None:
    x = fields(-3000.0, 2000.0, dtype, 5)
    values = x.double().numpy()
    mean, variance = (f((1, 2), keepdims=True) for f in (values.mean, values.var))
    got = GroupLayerNorm(2).to(dtype)(x)
    tolerance = {torch.float16: 4e-3, torch.bfloat16: 4e-2, torch.float64: 1e-12}[dtype]
    assert got.dtype == dtype
    gap = got.detach().double().numpy() - (values - mean) / np.sqrt(variance + 1e-5)
    assert np.abs(gap).max() < 4 * tolerance


@pytest.mark.parametrize("together", [True, False])
def test_without_momentum_the_mean_over_all_batches_is_kept(alone: None, together: bool) -> None:
    network = nn.Sequential(GroupBatchNorm(2, momentum=None, synchronise=together))
    batches = [fields(k, 1.0 + k, torch.float64, 3 + k) for k in range(4)]
    for batch in batches:
        network(batch.float())
    found: Any = network[0].norm
    means, variances = zip(*[expected(batch)[:2] for batch in batches], strict=True)
    assert np.allclose(found.running_mean, np.mean(means, 0), atol=1e-5)
    assert np.allclose(found.running_var, np.mean(variances, 0), rtol=1e-5)
    usual = nn.Sequential(GroupBatchNorm(2, synchronise=together))
    update_bn([batch.float() for batch in batches], usual)
    again: Any = usual[0].norm
    assert torch.allclose(again.running_mean, found.running_mean)
    assert torch.allclose(again.running_var, found.running_var)
    assert again.momentum == 0.1


def test_nothing_is_exchanged_unless_asked(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    reduce = dist.all_reduce

    def counted(value: Tensor, *, group: Any) -> None:
        calls.append(group)
        reduce(value, group=group)

    monkeypatch.setattr(dist, "all_reduce", counted)
    x, layer = fields(0.0, 1.0, torch.float32, 3), GroupBatchNorm(2)
    layer(x)
    assert not calls
    with synchronised(nn.Sequential(layer)):
        layer(x)
        layer.eval()(x)
        layer.train()
    assert calls == [None] * 3
    layer(x)
    assert len(calls) == 3
    some = dist.new_group([0])
    grouped = GroupBatchNorm(2, process_group=some)
    grouped(x)
    assert calls[3:] == [some] * 3
    assert "synchronise=True" in repr(grouped)
    exported = grouped.export()
    exported(x)
    assert len(calls) == 6


TWO = """
import json, sys, torch, torch.distributed as dist
from grouplearn.layers import GroupBatchNorm
rank = int(sys.argv[1])
dist.init_process_group("gloo", store=dist.FileStore(sys.argv[2], 2), rank=rank, world_size=2)
pairs = [dist.new_group([each]) for each in (0, 1)]
x = torch.randn(5 + rank, 1, 4, 3, generator=torch.Generator().manual_seed(rank)) + 10 * rank
own = GroupBatchNorm(1, momentum=1.0)
small = GroupBatchNorm(1, momentum=1.0, process_group=pairs[rank])
both = GroupBatchNorm(1, momentum=1.0, synchronise=True)
if rank == 0:
    own(x)  # one process alone
found = [own(x), small(x), both(x)]
print(json.dumps([float(layer.norm.running_mean) for layer in (own, small, both)]
                 + [float(layer.norm.running_var) for layer in (own, small, both)]))
dist.barrier()
"""


@pytest.mark.slow
def test_two_processes_share_what_they_are_asked_to(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", TWO, str(rank), str(tmp_path / "store")],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    parts = [
        (torch.randn(5 + k, 1, 4, 3, generator=torch.Generator().manual_seed(k)) + 10 * k).numpy()
        for k in range(2)
    ]
    everything = np.concatenate(parts)
    for rank in range(2):
        own, whole = parts[rank], everything
        wanted = [own.mean()] * 2 + [whole.mean()] + [own.var(ddof=1)] * 2 + [whole.var(ddof=1)]
        assert np.allclose(found[rank], wanted, rtol=1e-5)
