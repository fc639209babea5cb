"""Normalisation and dropout that treat all elements of the group alike."""

from __future__ import annotations

from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import finite_number, positive_int, refuse, shape_of
from grouplearn.layers.tracing import traced

Field = Float[Tensor, "batch channels n *space"]


@final
class GroupBatchNorm(nn.Module):
    """Batch normalisation with one mean and variance for each channel, over elements and space.

    Left multiplication permutes what they are taken over, so it commutes with this layer, which
    nn.BatchNorm2d on the merged axes would break. In data-parallel training, the statistics are
    those of the batches of all processes together, as one process would have them.

    Args:
        channels: C of inputs (B, C, n, ...).
        eps: added to the variance.
        momentum: of the running statistics.
        affine: learn a factor and a summand for each channel?

    Raises:
        InputError: an argument is out of its range, or an input has another shape.

    References:
        Ioffe and Szegedy, 2015, Batch normalization.

    Example:
        >>> GroupBatchNorm(8)(torch.zeros(5, 8, 4, 14, 14)).shape
        torch.Size([5, 8, 4, 14, 14])
    """

    def __init__(
        self, channels: int, *, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.channels = positive_int(who, "channels", channels)
        eps = finite_number(who, "eps", eps, positive=True)
        momentum = finite_number(who, "momentum", momentum)
        self.norm = nn.BatchNorm1d(self.channels, eps, momentum, affine)

    def forward(self, x: Field) -> Field:
        """Normalise."""
        return self.normalise(_check(self, x, self.channels))

    def normalise(self, x: Any) -> Any:
        """The same, unchecked."""
        flat = x.flatten(2)
        shared = self.training and dist.is_available() and dist.is_initialized()
        together = shared and dist.get_world_size() > 1
        return (self._with_others(flat) if together else self.norm(flat)).view(x.shape)

    def _with_others(self, x: Tensor) -> Tensor:
        """Statistics over all processes; their gradients flow between processes, too."""
        from torch.distributed.nn.functional import all_reduce

        norm: Any = self.norm
        wide = x.float() if x.dtype == torch.bfloat16 else x
        count = all_reduce(wide.new_tensor(wide.numel() / self.channels))
        mean = all_reduce(wide.sum((0, 2))) / count
        centred = wide - mean[:, None]
        variance = all_reduce(centred.square().sum((0, 2))) / count
        with torch.no_grad():
            unbiased = variance * count / (count - 1)
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(unbiased, norm.momentum)
            norm.num_batches_tracked += 1
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
        """A module of torch alone with the same outputs."""
        return traced(self, "normalise")


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
        centred = x - x.mean((1, 2), keepdim=True)
        y = centred * (centred.square().mean((1, 2), keepdim=True) + self.eps).rsqrt()
        if self.weight is None or self.bias is None:
            return y
        # Channels last, for a moment: so the graph does not depend on the number of axes.
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


def _check(module: Any, x: Any, channels: int) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim < 3 or x.shape[1] != channels:
        refuse(type(module).__name__, "x", f"of shape (batch, {channels}, n, ...)", shape_of(x),
               "pass the output of a layer of a group")  # fmt: skip
    return x
