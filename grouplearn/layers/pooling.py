"""From functions on the group to invariants."""

from __future__ import annotations

from functools import reduce
from itertools import combinations_with_replacement
from typing import Any, Literal, final, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import positive_int, refuse, shape_of
from grouplearn.groups import FiniteGroup
from grouplearn.layers.tracing import traced
from grouplearn.representations.tables import HoldsTables

Reduction = Literal["max", "mean", "triple-correlation"]
_SPACE_REDUCTIONS = ("max", "mean")


@final
class SpacePool(nn.Module):
    """Maximum or mean over blocks of neighbouring places, which a reversal or turn maps to blocks.

    An axis of L places becomes one of ceil(L / s). Where s does not divide L, the blocks stand
    symmetrically about the middle of the axis: those at both ends reach beyond it by the same
    number of places, and blocks of s + 1 places overlap by one where that number were no whole one.

    Args:
        size: side s of the blocks.
        axes: of space: 1 for sequences, 2 for images.
        reduction: "max", or "mean", of the places within the axis: it commutes also with changes of
            sign.

    Raises:
        InputError: the size is below 1, `axes` no 1 or 2, another reduction; an input has other
            axes.

    Example:
        >>> SpacePool(2)(torch.zeros(5, 8, 4, 14, 13)).shape
        torch.Size([5, 8, 4, 7, 7])
    """

    def __init__(
        self, size: int = 2, *, axes: int = 2, reduction: Literal["max", "mean"] = "max"
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.size = positive_int(who, "size", size)
        self.axes = positive_int(who, "axes", axes)
        if self.axes > 2:
            refuse(who, "axes", "1 or 2", axes, "2 is for images")
        if reduction not in _SPACE_REDUCTIONS:
            refuse(who, "reduction", "max or mean", repr(reduction), "take one of these")
        self.reduction = reduction

    def forward(
        self, x: Float[Tensor, "batch channels n *space"]
    ) -> Float[Tensor, "batch channels n *smaller"]:
        """Pool every axis behind that of elements."""
        given: Any = x
        if not isinstance(given, Tensor) or given.ndim != 3 + self.axes:
            space = "length" if self.axes == 1 else "H, W"
            refuse(type(self).__name__, "x", f"of shape (batch, channels, n, {space})", shape_of(x),
                   "pass the output of a layer of a group")  # fmt: skip
        return self.reduce(x)

    def reduce(self, x: Any) -> Any:
        """The same, unchecked."""
        return self.reduce_merged(x.flatten(1, 2)).unflatten(1, x.shape[1:3])

    def reduce_merged(self, x: Any) -> Any:
        """The same of merged channels and elements, (B, C n, ...)."""
        lengths = [x.shape[-axis] for axis in range(self.axes, 0, -1)]
        beyond = [-length % self.size for length in lengths]
        odd = [each % 2 for each in beyond]
        kernel = [self.size + each for each in odd]
        padding = [(each + more) // 2 for each, more in zip(beyond, odd, strict=True)]
        if self.reduction == "max":
            pool = F.max_pool1d if self.axes == 1 else F.max_pool2d
            return pool(x, kernel, self.size, padding)
        mean = F.avg_pool1d if self.axes == 1 else F.avg_pool2d
        return mean(x, kernel, self.size, padding, count_include_pad=False)

    def plain(self) -> nn.Module:
        """The same map of merged channels and elements, as a module of torch alone."""
        return traced(self, "reduce_merged")

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs."""
        return traced(self, "reduce")

    def extra_repr(self) -> str:
        """The size, for print()."""
        mean = "" if self.reduction == "max" else f", {self.reduction}"
        return f"{self.size}, axes={self.axes}{mean}"


@final
class GroupPool(HoldsTables):
    """Reduces the axis of group elements to numbers that no left multiplication changes.

    "max" and "mean" give one number for each channel. "triple-correlation" gives k of them,

        T[g1, g2, g3] = sum over h of f(h g1) f(h g2) f(h g3) / n,

    one for each set {g1, g2, g3}, repetitions allowed, up to left multiplication. They are
    complete: two functions with invertible Fourier transforms that agree in all of them differ by a
    left multiplication only, where "max" and "mean" forget much more. They grow with the cube of
    the input: normalise it before.

    Args:
        reduction: "max", "mean" or "triple-correlation".
        group: needed for "triple-correlation" alone.

    Raises:
        InputError: another reduction, a missing group, or an input without an axis of elements, or
            with another number of them than the group.

    Cost:
        "triple-correlation" makes k of about n^2 / 6 numbers out of n, with n products for each.

    References:
        Kakarala, 1992, Triple correlation on groups (completeness).
        Sanborn and Miolane, 2023, A general framework for robust G-invariance.

    Example:
        >>> GroupPool("max")(torch.tensor([[[1.0, 3.0, 2.0]]]))
        tensor([[3.]])
        >>> from grouplearn import CyclicGroup
        >>> GroupPool("triple-correlation", CyclicGroup(4))(torch.ones(2, 3, 4, 28, 28)).shape
        torch.Size([2, 15, 28, 28])
    """

    _triples: Tensor | None

    def __init__(self, reduction: Reduction, group: FiniteGroup | None = None) -> None:
        super().__init__()
        who = type(self).__name__
        if reduction not in get_args(Reduction):
            refuse(who, "reduction", f"one of {', '.join(get_args(Reduction))}", repr(reduction),
                   "take one of these")  # fmt: skip
        needed = reduction == "triple-correlation" or group is not None
        if needed and not isinstance(group, FiniteGroup):
            refuse(who, "group", "the FiniteGroup whose elements the input's third axis lists",
                   repr(group), "pass group=rep.group")  # fmt: skip
        self.reduction, self.group = reduction, group
        if reduction == "triple-correlation" and group is not None:
            self._hold("_triples", _triples_of(group), device=torch.get_default_device())
        else:
            self.register_buffer("_triples", None, persistent=False)

    @property
    def numbers(self) -> int:
        """How many numbers each channel becomes."""
        return 1 if self._triples is None else self._triples.shape[1]

    def forward(self, x: Float[Tensor, "batch channels n *space"]) -> Float[Tensor, "*shape"]:
        """Reduce axis 2: (B, C, n, ...) to (B, C, ...), or to (B, C k, ...) for triples."""
        self._check(x)
        return self.reduce(x)

    def reduce(self, x: Any) -> Any:
        """The same, unchecked."""
        if self.reduction == "max":
            return x.amax(2)
        if self.reduction == "mean" or self._triples is None:
            return x.mean(2)
        first, second, third = self._triples.unbind(-1)
        # One product at a time is held: each is as large as the answer.
        products = (
            x.index_select(2, a) * x.index_select(2, b) * x.index_select(2, c)
            for a, b, c in zip(first.unbind(), second.unbind(), third.unbind(), strict=True)
        )
        return (reduce(torch.add, products) / len(self._triples)).flatten(1, 2)

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs."""
        return traced(self, "reduce")

    def _check(self, x: Any) -> None:
        order = None if self.group is None else self.group.order
        if not isinstance(x, Tensor) or x.ndim < 3 or (order is not None and x.shape[2] != order):
            wanted = "n" if order is None else str(order)
            refuse(type(self).__name__, "x", f"of shape (batch, channels, {wanted}, ...)",
                   shape_of(x), "pass the output of a layer of this group")  # fmt: skip

    def extra_repr(self) -> str:
        """The reduction, for print()."""
        return self.reduction


def _triples_of(group: FiniteGroup) -> Int[Tensor, "n k 3"]:
    """h g1, h g2, h g3 for every h and one triple of each class under left multiplication."""
    elements, seen, kept = np.arange(group.order), set(), []
    # Every class has a triple that holds the identity.
    for pair in combinations_with_replacement(range(group.order), 2):
        moved = group.multiply(elements[:, None], np.array((0, *pair)))
        name = min(tuple(sorted(row)) for row in moved.tolist())
        if name not in seen:
            seen.add(name)
            kept.append(moved)
    return torch.as_tensor(np.stack(kept, 1), device="cpu")
