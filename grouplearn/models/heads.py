"""Last layers of networks."""

from __future__ import annotations

import math

import torch
from torch import nn


def linear_head(features: int, outputs: int, rng: torch.Generator | None) -> nn.Linear:
    """A linear map whose weights a generator draws, from the range that torch's own would have.

    Args:
        features: of the input.
        outputs: of the result.
        rng: torch's global generator when None.
    """
    head = nn.Linear(features, outputs, device="cpu")
    bound = 1 / math.sqrt(features)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.uniform_(-bound, bound, generator=rng)
    return head.to(torch.get_default_device())
