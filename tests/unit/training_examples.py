"""A small task and small networks that tests train on."""

from __future__ import annotations

import torch
from torch import nn

from grouplearn.models import Pattern, PlainCNN
from grouplearn.training import Labelled

SMALL = Pattern(1, 3, (2, 2, 2), dropout=0.2)


def stripes(count: int, seed: int = 0) -> Labelled:
    """Three kinds of noisy stripes."""
    rng = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 3
    steps = torch.arange(8.0)
    across, down = torch.meshgrid(steps, steps, indexing="ij")
    kinds = torch.stack([torch.sin(across), torch.sin(down), torch.sin(across + down)])
    noise = torch.randn(count, 8, 8, generator=rng)
    return Labelled((kinds[y] + 0.3 * noise).unsqueeze(1), y)


def plain(seed: int = 0) -> PlainCNN:
    return PlainCNN(SMALL, rng=torch.Generator().manual_seed(seed))


def same_state(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
