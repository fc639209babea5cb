"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch.distributed as dist
from jaxtyping import config
from torch._C._distributed_c10d import HashStore


@pytest.fixture
def as_in_production() -> Iterator[None]:
    """Shape annotations are not checked, so that our own checks see the bad input."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


@pytest.fixture
def alone() -> Iterator[None]:
    """A process group of one process: what some other part of a program may have started."""
    dist.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()
