"""Normalisation and dropout that treat all elements of the group alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import finite_number, positive_int, refuse, shape_of
from grouplearn.layers.tracing import traced
from grouplearn.linalg import wide

Field = Float[Tensor, "batch channels n *space"]


@final
class GroupBatchNorm(nn.Module):
    """Batch normalisation with one mean and variance for each channel, over elements and space.

    Left multiplication permutes what they are taken over, so it commutes with this layer, which
    nn.BatchNorm2d on the merged axes would break. Sums are taken in float32 at least.

    Args:
        channels: C of inputs (B, C, n, ...).
        eps: added to the variance.
        momentum: of the running statistics; None takes their plain mean over all batches.
        affine: learn a factor and a summand for each channel?
        synchronise: in training, take the statistics over the batches of all processes together, as
            one process would have them? All have to call the layer then. `fit` switches this on
            while it trains with several processes.
        process_group: those processes; all when None. A group switches `synchronise` on.

    Raises:
        InputError: an argument is out of its range, or an input has another shape.

    References:
        Ioffe and Szegedy, 2015, Batch normalization.

    Example:
        >>> GroupBatchNorm(8)(torch.zeros(5, 8, 4, 14, 14)).shape
        torch.Size([5, 8, 4, 14, 14])
    """

    def __init__(
        self,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        synchronise: bool = False,
        process_group: Any = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.channels = positive_int(who, "channels", channels)
        eps = finite_number(who, "eps", eps, positive=True)
        momentum = None if momentum is None else finite_number(who, "momentum", momentum)
        self.norm = nn.BatchNorm1d(self.channels, eps, momentum, affine)
        self.synchronise = synchronise or process_group is not None
        self.process_group = process_group

    def forward(self, x: Field) -> Field:
        """Normalise."""
        return self.normalise(_check(self, x, self.channels))

    def normalise(self, x: Any) -> Any:
        """The same, unchecked."""
        flat = x.flatten(2)
        asked = self.training and self.synchronise
        together = asked and dist.is_available() and dist.is_initialized()
        return (self._with_others(flat) if together else self.norm(flat)).view(x.shape)

    def _with_others(self, x: Tensor) -> Tensor:
        """Statistics over all processes; their gradients flow between processes, too."""

        def total(part: Tensor) -> Tensor:
            summed: Tensor = _Total.apply(part, self.process_group)  # type: ignore[no-untyped-call]
            return summed

        norm: Any = self.norm
        values = x.to(wide(x.dtype))
        count = total(values.new_tensor(values.numel() / self.channels))
        mean = total(values.sum((0, 2))) / count
        centred = values - mean[:, None]
        variance = total(centred.square().sum((0, 2))) / count
        with torch.no_grad():
            norm.num_batches_tracked += 1
            share = norm.momentum
            if share is None:  # the mean over all batches, as torch has it
                share = 1 / float(norm.num_batches_tracked)
            unbiased = variance * count / (count - 1).clamp(min=1)
            norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share)
            norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), share)
        y = centred * (variance[:, None] + norm.eps).rsqrt()
        if norm.affine:
            y = y * norm.weight[:, None] + norm.bias[:, None]
        return y.to(x.dtype)

    def plain(self, order: int) -> nn.BatchNorm2d:
        """The same map of images as a normalisation of torch, of merged channels and elements."""
        norm: Any = self.norm
        plain = nn.BatchNorm2d(self.channels * order, norm.eps, norm.momentum, norm.affine)
        plain = plain.to(norm.running_mean)
        state = {
            name: value.repeat_interleave(order) if value.ndim else value
            for name, value in norm.state_dict().items()
        }
        plain.load_state_dict(state)
        return plain.train(self.training)

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs; it does not synchronise."""
        group, asked = self.process_group, self.synchronise
        self.process_group, self.synchronise = None, False
        try:
            return traced(self, "normalise")
        finally:
            self.process_group, self.synchronise = group, asked

    def extra_repr(self) -> str:
        """Whether it synchronises, for print()."""
        return "synchronise=True" if self.synchronise else ""


@contextmanager
def synchronised(module: nn.Module) -> Iterator[None]:
    """A context in which all batch normalisation of a network takes statistics over all processes.

    Args:
        module: the network; every `GroupBatchNorm` in it is as before afterwards.
    """
    norms = [each for each in module.modules() if isinstance(each, GroupBatchNorm)]
    before = [each.synchronise for each in norms]
    try:
        for each in norms:
            each.synchronise = True
        yield
    finally:
        for each, asked in zip(norms, before, strict=True):
            each.synchronise = asked


@final
class GroupLayerNorm(nn.Module):
    """Layer normalisation over channels and elements, at every place on its own.

    Args:
        channels: C of inputs (B, C, n, ...).
        eps: added to the variance.
        affine: learn a factor and a summand for each channel?

    Raises:
        InputError: an argument is out of its range, or an input has another shape.

    References:
        Ba, Kiros and Hinton, 2016, Layer normalization.

    Example:
        >>> GroupLayerNorm(8)(torch.zeros(5, 8, 4, 14, 14)).shape
        torch.Size([5, 8, 4, 14, 14])
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        who = type(self).__name__
        self.channels = positive_int(who, "channels", channels)
        self.eps = finite_number(who, "eps", eps, positive=True)
        self.weight = nn.Parameter(torch.ones(self.channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(self.channels)) if affine else None

    def forward(self, x: Field) -> Field:
        """Normalise."""
        return self.normalise(_check(self, x, self.channels))

    def normalise(self, x: Any) -> Any:
        """The same, unchecked."""
        # Channels last, for a moment; torch's own normalisation has its sums in float32 at least.
        last = x.flatten(1, 2).transpose(1, -1)
        normal = F.layer_norm(last, (self.channels * x.shape[2],), eps=self.eps)
        y = normal.transpose(1, -1).unflatten(1, x.shape[1:3])
        if self.weight is None or self.bias is None:
            return y
        # So the graph does not depend on the number of axes.
        return (y.transpose(1, -1) * self.weight + self.bias).transpose(1, -1)

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs."""
        return traced(self, "normalise")

    def extra_repr(self) -> str:
        """Channels and what they are scaled by, for print()."""
        return f"{self.channels}, eps={self.eps}, affine={self.weight is not None}"


@final
class GroupDropout(nn.Module):
    """Drops whole channels, with all their elements and places, in training.

    A mask of its own for each element or place would not move with the input.

    Args:
        probability: of a channel being dropped, in [0, 1).

    Raises:
        InputError: the probability is out of its range, or an input has no axis of elements.

    References:
        Tompson et al., 2015, Efficient object localization (dropping whole channels).

    Example:
        >>> GroupDropout(0.5).eval()(torch.ones(1, 2, 4)).sum()
        tensor(8.)
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        who = type(self).__name__
        self.probability = finite_number(who, "probability", probability)
        if self.probability >= 1:
            refuse(who, "probability", "below 1", probability, "pass 0.5, for example")

    def forward(self, x: Field) -> Field:
        """Drop channels in training; leave all in evaluation."""
        if not self.training or self.probability == 0:
            return x
        kept = F.dropout(x.new_ones(x.shape[:2]), self.probability)
        return x * kept.view(*kept.shape, *[1] * (x.ndim - 2))

    def export(self) -> nn.Module:
        """A module of torch alone, which drops nothing."""
        return nn.Identity()

    def extra_repr(self) -> str:
        """The probability, for print()."""
        return f"{self.probability}"


class _Total(torch.autograd.Function):
    """The sum over processes of what each has; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, group: Any) -> Tensor:
        ctx.group = group
        total = part.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].clone()
        dist.all_reduce(total, group=ctx.group)
        return total, None


def _check(module: Any, x: Any, channels: int) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim < 3 or x.shape[1] != channels:
        refuse(type(module).__name__, "x", f"of shape (batch, {channels}, n, ...)", shape_of(x),
               "pass the output of a layer of a group")  # fmt: skip
    return x
