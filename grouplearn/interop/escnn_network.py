"""escnn's network in the pattern of an LGCNN: the fixed-group control of the comparisons."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import positive_int, refuse
from grouplearn.interop.escnn import load_escnn
from grouplearn.models.heads import linear_head
from grouplearn.models.pattern import HALVED_AFTER, Pattern


@final
class EscnnCNN(nn.Module):
    """Convolutions of escnn between regular fields, in the places of `Pattern`.

    Args:
        pattern: the sizes; widths count fields, each of as many channels as the group has elements.
        turns: n of the rotations by 360 / n degrees.
        flips: are reflections in the group too?

    Attributes:
        pattern: the sizes.
        order: of the group.

    Raises:
        MissingExtraError: escnn is absent.

    References:
        Weiler and Cesa, 2019, General E(2)-equivariant steerable CNNs.
    """

    def __init__(self, pattern: Pattern, turns: int = 4, *, flips: bool = False) -> None:
        super().__init__()
        self.pattern = pattern
        space = _space(turns, flips)
        self.order = turns * (2 if flips else 1)
        enn = load_escnn().nn
        self._fields = enn.FieldType(space, pattern.in_channels * [space.trivial_repr])
        layers: list[Any] = []
        into = self._fields
        for layer, width in enumerate(pattern.channels[1:]):
            kernel = pattern.kernel(layer)
            out = enn.FieldType(space, width * [space.regular_repr])
            layers.append(enn.R2Conv(into, out, kernel, padding=kernel // 2, bias=False))
            layers += [enn.InnerBatchNorm(out), enn.ReLU(out, inplace=True)]
            if layer in HALVED_AFTER:
                layers.append(enn.PointwiseMaxPool2D(out, 2, 2))
                layers.append(enn.FieldDropout(out, pattern.dropout))
            into = out
        self.body = enn.SequentialModule(*layers)
        self.pool = enn.GroupPooling(into)
        self.head = linear_head(pattern.widths[2], pattern.classes, None)

    def forward(self, images: Float[Tensor, "batch into H W"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes."""
        fields = load_escnn().nn.GeometricTensor(images, self._fields)
        return self.head(self.pool(self.body(fields)).tensor.mean((-2, -1)))


def escnn_pattern(pattern: Pattern, budget: int, turns: int = 4, *, flips: bool = False) -> Pattern:
    """The pattern whose network of escnn has about as many parameters as wanted.

    escnn's filters are combinations of a few smooth ones, so that it takes more channels than
    `Pattern.within` says.

    Args:
        pattern: the sizes; the widths are replaced.
        budget: wanted number of parameters.
        turns: as for `EscnnCNN`.
        flips: as for `EscnnCNN`.

    Returns:
        Widths w, 2 w and 2 w, the last two adjusted.

    Raises:
        InputError: the budget is below what one channel takes.
    """
    positive_int("escnn_pattern", "budget", budget)
    lift, group, single = _filters(pattern.kernel_size, turns, flips)

    def parameters(tried: Pattern) -> int:
        total = (tried.widths[2] + 1) * tried.classes
        for layer, (into, out) in enumerate(pairwise(tried.channels)):
            each = lift if layer == 0 else group if tried.kernel(layer) > 1 else single
            total += out * (into * each + 2)
        return total

    tried = [
        Pattern(pattern.in_channels, pattern.classes, (w, max(2 * w + a, 1), max(2 * w + b, 1)),
                pattern.kernel_size, pattern.dropout)
        for w in range(1, 200) for a in (-1, 0, 1) for b in (-1, 0, 1)
    ]  # fmt: skip
    best = min(tried, key=lambda each: abs(parameters(each) - budget))
    if parameters(best) > 1.5 * budget:
        refuse("escnn_pattern", "budget", f"{parameters(best)} or more", budget, "raise it")
    return best


def _space(turns: int, flips: bool) -> Any:
    spaces = load_escnn().gspaces
    return spaces.flipRot2dOnR2(turns) if flips else spaces.rot2dOnR2(turns)


def _filters(kernel: int, turns: int, flips: bool) -> tuple[int, int, int]:
    """Parameters for one pair of fields: lifting, between regular fields, and at single places."""
    space, enn = _space(turns, flips), load_escnn().nn
    plain, regular = (
        enn.FieldType(space, [each]) for each in (space.trivial_repr, space.regular_repr)
    )
    sizes = []
    for into, size in ((plain, kernel), (regular, kernel), (regular, 1)):
        layer = enn.R2Conv(into, regular, size, bias=False)
        sizes.append(sum(each.numel() for each in layer.parameters()))
    first, second, third = sizes
    return first, second, third
