"""The pattern that linear group networks and their controls share: where layers stand, how wide.

It follows ALL-CNN: three convolutions, a halving of the resolution, three more, another halving,
two last ones, of which the second looks at single places, and a mean over all places. A maximum
over blocks of 2 x 2 takes the place of ALL-CNN's strides, which no flip or turn maps to themselves.

References:
    Springenberg, Dosovitskiy, Brox and Riedmiller, 2015, Striving for simplicity: the all
    convolutional net.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import final

from grouplearn._checks import finite_number, positive_int, refuse

LAYERS = 8
"""Convolutions of the pattern; the last one has kernels of one place."""
HALVED_AFTER = (2, 5)
"""The layers, from 0, after which the resolution is halved."""


@final
@dataclass(frozen=True)
class Pattern:
    """Sizes of a network.

    Args:
        in_channels: of the images.
        classes: numbers that the network returns.
        widths: channels of the first three convolutions, of the next three, and of the last two,
            before a group multiplies them by its order.
        kernel_size: k of all convolutions but the last; odd.
        dropout: probability with which whole channels are dropped, in training, after each halving.

    Raises:
        InputError: an argument is out of its range.

    Example:
        >>> Pattern(1, 10, (8, 16, 16)).channels
        (1, 8, 8, 8, 16, 16, 16, 16, 16)
    """

    in_channels: int
    classes: int
    widths: tuple[int, int, int] = (8, 16, 16)
    kernel_size: int = 3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check the sizes."""
        who = type(self).__name__
        for name in ("in_channels", "classes", "kernel_size"):
            positive_int(who, name, getattr(self, name))
        if len(self.widths) != 3:
            refuse(who, "widths", "three numbers", self.widths, "for example (8, 16, 16)")
        for width in self.widths:
            positive_int(who, "widths", width)
        if self.kernel_size % 2 == 0:
            refuse(who, "kernel_size", "odd", self.kernel_size, "3 is usual")
        if finite_number(who, "dropout", self.dropout) >= 1:
            refuse(who, "dropout", "below 1", self.dropout, "0.1, for example")

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels before the first convolution and after each of them."""
        first, second, third = self.widths
        return (self.in_channels, *(first,) * 3, *(second,) * 3, *(third,) * 2)

    def kernel(self, layer: int) -> int:
        """Side of the kernels of a layer, counted from 0."""
        return self.kernel_size if layer < LAYERS - 1 else 1

    def parameters(self, order: int = 1) -> int:
        """Parameters of a network of a group of this order, those of its representation left out.

        Normalisations have two for each channel, convolutions no bias.

        Args:
            order: n; 1 for a plain network.
        """
        total = (self.widths[2] + 1) * self.classes
        for layer, (into, out) in enumerate(pairwise(self.channels)):
            elements = 1 if layer == 0 else order
            total += out * (into * elements * self.kernel(layer) ** 2 + 2)
        return total

    def within(self, budget: int, order: int = 1) -> Pattern:
        """The same pattern with widths for a number of parameters: about w, 2 w and 2 w.

        Args:
            budget: wanted number of parameters.
            order: of the group.

        Returns:
            The widths whose number comes nearest to the budget.

        Raises:
            InputError: one channel, doubled twice, takes more than one and a half budgets.

        Example:
            >>> Pattern(1, 10).within(40_000, order=4).widths
            (8, 17, 14)
        """
        positive_int("Pattern.within", "order", order)
        best, least = self, float("inf")
        width = 0
        while width == 0 or self._wide(width, -2, -2).parameters(order) <= budget:
            width += 1
            for second in range(-2, 3):
                for third in range(-2, 3):
                    tried = self._wide(width, second, third)
                    miss = abs(tried.parameters(order) - budget) + abs(second) + abs(third)
                    if miss < least:
                        best, least = tried, miss
        if best.parameters(order) > 1.5 * budget:
            enough = f"{best.parameters(order)} or more for a group of order {order}"
            refuse("Pattern.within", "budget", enough, budget,
                   "take more parameters, or a smaller group")  # fmt: skip
        return best

    def _wide(self, width: int, second: int, third: int) -> Pattern:
        widths = (width, max(2 * width + second, 1), max(2 * width + third, 1))
        return Pattern(self.in_channels, self.classes, widths, self.kernel_size, self.dropout)
