"""A network that standardises its own input, so that it takes images as they are."""

from __future__ import annotations

import copy
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import float_tensor, refuse


class AroundNetwork(nn.Module):
    """A network that asks another one.

    Args:
        network: the other.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def after_step(self) -> None:
        """Let the network put its weights right after a step of training."""
        after: Any = getattr(self.network, "after_step", None)
        if after is not None:
            after()


@final
class Standardised(AroundNetwork):
    """network((x - mean) / deviation).

    Mean and deviation of whole channels are moved by no action on positions, so an invariant
    network stays one.

    Args:
        network: any.
        mean: broadcast to the input, for example (1, C, 1, 1).
        deviation: broadcast to the input as the mean is; positive.

    Raises:
        InputError: a deviation is not positive, or the shapes differ.

    Example:
        >>> found = Standardised.of(nn.Flatten(), torch.tensor([[[[1.0, 3.0]]]]))
        >>> found(torch.tensor([[[[2.0, 3.0]]]])).tolist()
        [[0.0, 1.0]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, deviation: Tensor) -> None:
        super().__init__(network)
        float_tensor("Standardised", "mean", mean)
        float_tensor("Standardised", "deviation", deviation)
        if mean.shape != deviation.shape or not bool((deviation > 0).all()):
            refuse("Standardised", "deviation", f"positive, of shape {tuple(mean.shape)}",
                   f"least {float(deviation.min()):g}, shape {tuple(deviation.shape)}",
                   "leave constant channels out")  # fmt: skip
        self.register_buffer("mean", mean.detach().clone())
        self.register_buffer("deviation", deviation.detach().clone())

    @staticmethod
    def of(network: nn.Module, images: Float[Tensor, "batch channels *space"]) -> Standardised:
        """Standardise by the mean and deviation of each channel of some images."""
        axes = (0, *range(2, images.ndim))
        mean = images.mean(axes, keepdim=True)
        deviation = images.std(axes, keepdim=True, correction=0)
        return Standardised(network, mean, deviation)

    def forward(self, images: Float[Tensor, "batch channels *space"]) -> Any:
        """What the network makes of standardised images."""
        return self.network((images - self.mean) / self.deviation)

    def export(self) -> nn.Sequential:
        """A module of torch alone with the same outputs, in evaluation mode.

        Raises:
            InputError: mean and deviation are not of shape (1, C, 1) or (1, C, 1, 1).
        """
        shape = self.mean.shape
        if self.mean.ndim not in (3, 4) or shape != (1, shape[1], *(1,) * (self.mean.ndim - 2)):
            refuse("Standardised.export", "mean", "of shape (1, C, 1) or (1, C, 1, 1)",
                   tuple(shape), "build it by Standardised.of")  # fmt: skip
        network: Any = self.network
        inner = network.export() if hasattr(network, "export") else copy.deepcopy(network)
        kind = nn.BatchNorm1d if self.mean.ndim == 3 else nn.BatchNorm2d
        scale = kind(shape[1], eps=0.0, affine=False).to(self.mean)
        scale.running_mean = self.mean.flatten().clone()
        scale.running_var = self.deviation.flatten().square()
        return nn.Sequential(scale, inner).eval()


def unwrapped(network: nn.Module) -> nn.Module:
    """The network that a `Standardised` one holds; any other as it is.

    Args:
        network: any.
    """
    return network.network if isinstance(network, Standardised) else network
