"""Learned actions in torch's data-parallel training, by itself and by `fit`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from grouplearn import CyclicGroup
from grouplearn.layers import GroupPool, OrbitLinear
from grouplearn.losses import invertibility_loss
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern
from grouplearn.representations import (
    DenseRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
)

ROOT = Path(__file__).resolve().parents[2]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense() -> DenseRepresentation:
    return DenseRepresentation(CyclicGroup(3), 9, rng=seeded())


def lifted(rep: Any) -> nn.Module:
    return nn.Sequential(OrbitLinear(9, 4, rep, rng=seeded(1)), nn.ReLU(), GroupPool("mean"))


class _Part(nn.Module):
    """One part of what an unfolded network returns."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.inner = LGN(LGNShape(1, 3, layers=2, filters=2, kernel_size=3), rng=seeded())
        self.name = name

    def forward(self, x: Tensor) -> Any:
        return getattr(self.inner(x), self.name)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "vectors": (lambda: lifted(dense()), (6, 9)),
    "scales": (
        lambda: lifted(MultiScaleRepresentation(CyclicGroup(3), 9, shape=(3, 3), rng=seeded())),
        (6, 9),
    ),
    "rotations": (lambda: lifted(SkewRepresentation(CyclicGroup(3), 9, rng=seeded())), (6, 9)),
    "images": (lambda: LGCNN(Pattern(1, 3, (2, 2, 2)), dense(), rng=seeded()), (6, 1, 8, 8)),
    "scores": (lambda: _Part("scores"), (6, 1, 8, 8)),
    "decoded images": (lambda: _Part("images"), (6, 1, 8, 8)),
}


def steps(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Three steps without a loss that the learned inverses have a part in."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    x = torch.rand(3, *shape, generator=seeded(2))
    for batch in x:
        optimiser.zero_grad()
        network(batch).square().mean().backward()
        optimiser.step()


@pytest.mark.parametrize("unused", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_learned_actions_train_in_plain_data_parallelism(
    alone: None, name: str, unused: bool
) -> None:
    build, shape = NETWORKS[name]
    wanted, found = build(), build()
    steps(wanted, shape)
    steps(DistributedDataParallel(found, find_unused_parameters=unused), shape)
    for (key, one), other in zip(wanted.named_parameters(), found.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-6), key


def test_inverses_learn_where_a_loss_asks(alone: None) -> None:
    class Lawful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = lifted(dense())

        def forward(self, x: Tensor) -> Tensor:
            rep: Any = self.network[0].rep  # type: ignore[index]
            return self.network(x).square().mean() + invertibility_loss(rep, 1.0)

    plain, parallel = Lawful(), Lawful()
    with torch.no_grad():
        for each in (plain, parallel):
            each.network[0].rep.inverse.add_(0.1)  # type: ignore[index]
    x = torch.rand(5, 9, generator=seeded())
    for network in (plain, DistributedDataParallel(parallel)):
        network(x).backward()
    for one, other in zip(plain.parameters(), parallel.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, atol=1e-6)


def test_nothing_is_added_elsewhere() -> None:
    rep = dense()
    rep(torch.rand(2, 9)).sum().backward()
    assert rep.weight.grad is not None
    assert rep.inverse.grad is None
    assert rep.generators() is rep.weight


FIT = """
import json, sys, torch, torch.distributed as dist
from grouplearn import CyclicGroup
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import DenseRepresentation
from grouplearn.training import FitOptions, fit
from tests.unit.training_examples import stripes
processes, rng = int(sys.argv[2]), torch.Generator().manual_seed(0)
rep = DenseRepresentation(CyclicGroup(2), 9, rng=rng, dtype=torch.float64)
network = LGCNN(Pattern(1, 3, (2, 2, 2)), rep, rng=rng, dtype=torch.float64)
options = FitOptions(epochs=2, batch_size=12, precision="float64", processes=processes)
fit(network, stripes(36), options=options)
if processes == 1 or dist.get_rank() == 0:
    values = [parameter.flatten().tolist() for parameter in network.parameters()]
    open(sys.argv[1], "w").write(json.dumps(values))
"""


@pytest.mark.slow
def test_two_processes_train_a_learned_action_as_one(tmp_path: Path) -> None:
    found, script = [], tmp_path / "script.py"
    script.write_text(FIT)
    for processes in (1, 2):
        out, launcher = tmp_path / f"{processes}.json", [sys.executable, "-W", "ignore"]
        if processes == 2:
            launcher += ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
        environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
        subprocess.run(
            [*launcher, str(script), str(out), str(processes)],
            cwd=ROOT, check=True, capture_output=True, env=environment,
        )  # fmt: skip
        found.append(json.loads(out.read_text()))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(torch.tensor(one), torch.tensor(other), atol=1e-6)
