"""Convolutional networks without a group: the controls of linear group networks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import generator, instance
from grouplearn.models.heads import linear_head
from grouplearn.models.pattern import HALVED_AFTER, Pattern
from grouplearn.representations.tables import on_default_device


@final
class PlainCNN(nn.Module):
    """A network of the pattern made of torch's own layers.

    With the widths of an `LGCNN` it has one channel for each of its base filters; with n times
    these, as many channels as the whole orbits; with `Pattern.within`, as many parameters.

    Args:
        pattern: the sizes.
        rng: draws the weights; torch's global generator when None.

    Attributes:
        pattern: the sizes.
        body: from images (B, in_channels, H, W) to (B, width, H // 4, W // 4).
        head: the linear map to `classes` numbers.

    Example:
        >>> PlainCNN(Pattern(1, 10))(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 10])
    """

    @on_default_device
    def __init__(self, pattern: Pattern, *, rng: torch.Generator | None = None) -> None:
        super().__init__()
        self.pattern = instance("PlainCNN", "pattern", pattern, Pattern, "pass its sizes")
        generator("PlainCNN", rng)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for layer, (into, out) in enumerate(pairwise(pattern.channels)):
            kernel = pattern.kernel(layer)
            conv = nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=False)
            bound = (into * kernel**2) ** -0.5
            with torch.no_grad():
                conv.weight.uniform_(-bound, bound, generator=rng)
            layers[f"conv{layer}"] = conv
            layers[f"norm{layer}"] = nn.BatchNorm2d(out)
            layers[f"relu{layer}"] = nn.ReLU()
            if layer in HALVED_AFTER:
                layers[f"halve{layer}"] = nn.MaxPool2d(2)
                layers[f"drop{layer}"] = nn.Dropout2d(pattern.dropout)
        self.body = nn.Sequential(layers)
        self.head = linear_head(pattern.widths[2], pattern.classes, rng)

    def forward(self, images: Float[Tensor, "batch into H W"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes."""
        return self.head(self.body(images).mean((-2, -1)))
