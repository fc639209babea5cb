"""Parameters that have no part in a loss, in data-parallel training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel


class _Joined(torch.autograd.Function):
    """A tensor, with gradients of zero for others."""

    @staticmethod
    def forward(ctx: Any, result: Tensor, *others: Tensor) -> Tensor:
        ctx.save_for_backward(*others)
        return result.view_as(result)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return gradients[0], *(torch.zeros_like(each) for each in ctx.saved_tensors)


def joined(result: Tensor, *others: Tensor) -> Tensor:
    """A tensor; within torch's data-parallel training, others have a gradient of zero from it.

    DistributedDataParallel waits for a gradient of every parameter, and fails where a loss leaves
    one out. Elsewhere, and where it looks for unused parameters itself, they have none, so that an
    optimiser passes them by.

    Args:
        result: what is returned.
        others: parameters that losses may leave out.
    """
    active: Any = getattr(DistributedDataParallel, "_active_ddp_module", None)
    if active is None or active.find_unused_parameters or not torch.is_grad_enabled():
        return result
    found: Tensor = _Joined.apply(result, *others)  # type: ignore[no-untyped-call]
    return found
