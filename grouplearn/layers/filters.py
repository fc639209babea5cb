"""Filter banks: the copies of a filter that a group makes, in the layout of convolutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grouplearn._checks import generator, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import full_precision
from grouplearn.representations import LearnedRepresentation


def lifted_filters(
    weight: Float[Tensor, "*shape"], duals: Float[Tensor, "n d d"]
) -> Float[Tensor, "*filters"]:
    """The dual orbit rho(g^-1)^T w of every filter.

    The responses <rho(g^-1)^T w, x> then permute when x moves: at rho(h) x the response of element
    g is that of h^-1 g at x, orthogonal or not.

    Args:
        weight: (out, ...), whose trailing axes, flattened, are vectors of dimension d.
        duals: rho(g^-1)^T for every element of the group, as `rep.dual_matrices()` has them.

    Returns:
        (out * n, ...), the elements of the group running fastest.

    Cost:
        O(n d) multiplications for each entry of `weight`.
    """
    order, dim = duals.shape[:2]
    moved = weight.reshape(-1, dim).mm(duals.flatten(0, 1).mT)
    moved = moved.view(len(weight), -1, order, dim).transpose(1, 2)
    return moved.reshape(len(weight) * order, *weight.shape[1:])


def regular_filters(
    weight: Float[Tensor, "out inputs *kernel"],
    duals: Float[Tensor, "n d d"],
    places: Int[Tensor, " entries"],
) -> Float[Tensor, "outputs inputs *kernel"]:
    """Filters between functions on the group: entry (g, h) is rho(g^-1)^T w[g^-1 h].

    Args:
        weight: (out, into * n, ...), the elements of the group running fastest; the last axes,
            flattened, are vectors of dimension d.
        duals: rho(g^-1)^T for every element g of the group.
        places: `regular_places` of the group and `into`.

    Returns:
        (out * n, into * n, ...), the elements of the group running fastest.

    Cost:
        O(n d) multiplications for each entry of `weight`, and one gather of the result.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 11.
    """
    order, dim = duals.shape[:2]
    out, inputs = weight.shape[:2]
    moved = weight.reshape(-1, dim).mm(duals.flatten(0, 1).mT)
    moved = moved.view(out, -1, dim).index_select(1, places)
    return moved.view(out * order, inputs, *weight.shape[2:])


def regular_places(group: FiniteGroup, into: int) -> Int[Tensor, " entries"]:
    """For every (g, i, h), where (i, g^-1 h, g) stands: at n n i + n (g^-1 h) + g.

    Args:
        group: of order n.
        into: number of channels i.

    Returns:
        (n * into * n,), int64, a permutation.
    """
    elements = np.arange(group.order)
    quotients = group.multiply(group.inverses[:, None], elements)
    places = quotients * group.order + elements[:, None]
    channels = np.arange(into)[:, None] * group.order**2
    return torch.as_tensor(places[:, None] + channels).flatten()


def checked(who: str, rep: Any) -> LearnedRepresentation:
    """Return `rep` if it is a representation."""
    if not isinstance(rep, LearnedRepresentation):
        refuse(who, "rep", "a LearnedRepresentation", type(rep).__name__,
               "for example found.representation")  # fmt: skip
    return rep


class MovingFilters(nn.Module):
    """What all layers with moved filters share: a representation, filters, and a bias.

    Args:
        rep: how the group acts.

    Attributes:
        rep: the representation, a submodule: its parameters, if it has any, are trained with the
            layer's, and several layers may share it.
        weight: (out, ...), the filters of the identity.
        bias: (out,), or None.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, rep: LearnedRepresentation) -> None:
        super().__init__()
        self.rep = rep

    def _draw(self, shape: tuple[int, ...], *, bias: bool, rng: torch.Generator | None) -> None:
        """Draw weight and bias as torch's layers do, of the representation's dtype and device.

        Args:
            shape: of the weight.
            bias: is there one?
            rng: torch's global generator when None.
        """
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        generator(type(self).__name__, rng)
        self.weight = _uniform(shape, bound, self.rep, rng)
        self.bias = _uniform(shape[:1], bound, self.rep, rng) if bias else None

    def duals(self) -> Float[Tensor, "n d d"]:
        """rho(g^-1)^T for every element g."""
        with full_precision(self.rep.device):
            return self.rep.dual_matrices()

    def repeated_bias(self) -> Float[Tensor, " filters"] | None:
        """The bias of every filter, the same for all elements."""
        return None if self.bias is None else self.bias.repeat_interleave(self.rep.group.order)


def _uniform(
    shape: tuple[int, ...], bound: float, like: LearnedRepresentation, rng: torch.Generator | None
) -> nn.Parameter:
    """Random numbers between -bound and bound."""
    start = torch.empty(shape, dtype=like.dtype)
    start.uniform_(-bound, bound, generator=rng)
    return nn.Parameter(start.to(like.device))
