"""Linear group networks: convolutions whose filters one learned, found or known group moves."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import instance, refuse
from grouplearn.layers import (
    GroupBatchNorm,
    GroupConv2d,
    GroupDropout,
    GroupPool,
    OrbitConv2d,
    SpacePool,
)
from grouplearn.layers.filters import floating
from grouplearn.models.heads import linear_head
from grouplearn.models.pattern import HALVED_AFTER, LAYERS, Pattern
from grouplearn.representations import FixedRepresentation, LearnedRepresentation


@final
class LGCNN(nn.Module):
    """A convolutional network in which a representation moves all filters.

    An orbit layer lifts the images, group layers follow, in the places of `Pattern`; the maximum
    over the group and the mean over the image make what the last linear map sees. So its outputs do
    not change where the representation is an exact one that extends to whole images: flips and
    quarter turns, say, at any height and width: `SpacePool` halves odd ones symmetrically.

    Args:
        pattern: the sizes.
        rep: on kernels of k x k places, row-major; one that all layers share, or one for each of
            the seven layers with such kernels, of one group.
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Attributes:
        pattern: the sizes.
        body: from images (B, in_channels, H, W) to functions on the group, (B, width, n, h, w).
        pool: over the group.
        head: the linear map to `classes` numbers.

    Raises:
        InputError: the number of representations, their dimensions, groups or dtypes do not fit.

    References:
        Theodosis, Helwani and Ba, 2023, Learning Linear Groups in Neural Networks.
        Cohen and Welling, 2016, Group equivariant convolutional networks.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> turn = FixedRepresentation.from_permutations([[6, 3, 0, 7, 4, 1, 8, 5, 2]])
        >>> LGCNN(Pattern(1, 10), turn)(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 10])
    """

    def __init__(
        self,
        pattern: Pattern,
        rep: LearnedRepresentation | Sequence[LearnedRepresentation],
        *,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.pattern = pattern
        reps = self._checked(rep)
        self.group, dtype = reps[0].group, floating(type(self).__name__, dtype)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for layer, (into, out) in enumerate(pairwise(pattern.channels)):
            kind = OrbitConv2d if layer == 0 else GroupConv2d
            layers[f"conv{layer}"] = kind(
                into, out, pattern.kernel(layer), reps[layer], padding="same", bias=False, rng=rng,
                dtype=dtype,
            )  # fmt: skip
            layers[f"norm{layer}"] = GroupBatchNorm(out).to(dtype)
            layers[f"relu{layer}"] = nn.ReLU()
            if layer in HALVED_AFTER:
                layers[f"halve{layer}"] = SpacePool(2)
                layers[f"drop{layer}"] = GroupDropout(pattern.dropout)
        self.body = nn.Sequential(layers)
        self.pool = GroupPool("max")
        self.head = linear_head(pattern.widths[2], pattern.classes, rng).to(dtype)
        self.to(reps[0].device)

    def features(self, images: Float[Tensor, "batch into H W"]) -> Float[Tensor, "batch width"]:
        """What the linear map sees: one number for each of the last channels."""
        return self.pool(self.body(images)).mean((-2, -1))

    def forward(self, images: Float[Tensor, "batch into H W"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes."""
        return self.head(self.features(images))

    def layer_representations(self) -> list[LearnedRepresentation]:
        """The representation of each layer with k x k kernels; the same one where they share it."""
        found = [m.rep for m in self.body if isinstance(m, OrbitConv2d | GroupConv2d)]
        return found[: LAYERS - 1]

    def export(self) -> nn.Sequential:
        """A network of torch's own layers with the same outputs: all filters computed once, here.

        Returns:
            The network in evaluation mode. Its convolutions are as wide as here with the group, and
            nothing in it knows of a group.
        """
        order = self.group.order
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for name, layer in self.body.named_children():
            if isinstance(layer, OrbitConv2d | GroupConv2d):
                layers[name] = layer.plain()
            elif isinstance(layer, GroupBatchNorm):
                layers[name] = layer.plain(order)
            elif isinstance(layer, SpacePool):
                layers[name] = layer.plain()
            elif not isinstance(layer, GroupDropout):
                layers[name] = copy.deepcopy(layer)
        layers["unfold"] = nn.Unflatten(1, (self.pattern.widths[2], order))
        layers["pool"] = nn.MaxPool3d((order, 1, 1))
        layers["mean"] = nn.AdaptiveAvgPool3d(1)
        layers["flat"] = nn.Flatten()
        layers["head"] = copy.deepcopy(self.head)
        return nn.Sequential(layers).eval()

    def _checked(
        self, rep: LearnedRepresentation | Sequence[LearnedRepresentation]
    ) -> list[LearnedRepresentation]:
        """One representation for each layer, that of single places included."""
        who = type(self).__name__
        instance(who, "pattern", self.pattern, Pattern, "pass the pattern, then the representation")
        reps = list(rep) if isinstance(rep, Iterable) else [rep] * (LAYERS - 1)
        if len(reps) != LAYERS - 1:
            refuse(who, "rep", f"one representation, or {LAYERS - 1} of them", len(reps),
                   "pass one for each layer with k x k kernels")  # fmt: skip
        places = self.pattern.kernel_size**2
        for each in reps:
            given: Any = each
            if not isinstance(given, LearnedRepresentation) or given.dim != places:
                got = getattr(given, "dim", type(given).__name__)
                refuse(who, "rep", f"a representation on R^{places}, kernel_size**2", got,
                       "ImageDomain.on_kernels makes one of a discovery's")  # fmt: skip
            if each.group != reps[0].group or each.dtype != reps[0].dtype:
                refuse(who, "rep", f"all of {reps[0].group} and {reps[0].dtype}",
                       f"one of {each.group} and {each.dtype}", "build all alike")  # fmt: skip
        group = reps[0].group
        ones = torch.ones(len(group.generators), 1, 1, dtype=reps[0].dtype, device="cpu")
        single = FixedRepresentation(group, ones)
        return [*reps, single.to(reps[0].device)]
