"""Filter banks: the copies of a filter that a group makes, in the layout of convolutions."""

from __future__ import annotations

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
) -> Float[Tensor, "out n *rest"]:
    """The dual orbit rho(g^-1)^T w of every filter.

    The responses <rho(g^-1)^T w, x> then permute when x moves: at rho(h) x the response of element
    g is that of h^-1 g at x, orthogonal or not.

    Args:
        weight: (out, ...), whose trailing axes, flattened, are vectors of dimension d.
        duals: rho(g^-1)^T for every element of the group, as `rep.dual_matrices()` has them.

    Returns:
        (out, n, ...).

    Cost:
        O(n d) multiplications for each entry of `weight`.
    """
    order, dim = duals.shape[:2]
    moved = weight.reshape(len(weight), -1, dim) @ duals.flatten(0, 1).mT
    moved = moved.view(len(weight), -1, order, dim).transpose(1, 2)
    return moved.reshape(len(weight), order, *weight.shape[1:])


def regular_filters(
    weight: Float[Tensor, "out into n *kernel"],
    duals: Float[Tensor, "n d d"],
    places: Int[Tensor, " pairs"],
) -> Float[Tensor, "out n into n *kernel"]:
    """Filters between functions on the group: entry (g, h) is rho(g^-1)^T w[g^-1 h].

    Args:
        weight: (out, into, n, ...), whose last axes, flattened, are vectors of dimension d.
        duals: rho(g^-1)^T for every element g of the group.
        places: `regular_places` of the group.

    Returns:
        (out, n, into, n, ...).

    Cost:
        O(n d) multiplications for each entry of `weight`, and one gather of the result.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 11.
    """
    order, dim = duals.shape[:2]
    out, into = weight.shape[:2]
    moved = weight.reshape(out, into, order, dim) @ duals.flatten(0, 1).mT
    moved = moved.view(out, into, order * order, dim).index_select(2, places)
    moved = moved.view(out, into, order, order, dim).transpose(1, 2)
    return moved.reshape(out, order, into, order, *weight.shape[3:])


def regular_places(group: FiniteGroup) -> Int[Tensor, " pairs"]:
    """For every pair (g, h), where (g^-1 h, g) stands among the pairs: n (g^-1 h) + g.

    Args:
        group: of order n.

    Returns:
        (n * n,), int64, a permutation.
    """
    elements = np.arange(group.order)
    quotients = group.multiply(group.inverses[:, None], elements)
    return torch.as_tensor(quotients * group.order + elements[:, None]).flatten()


def checked(who: str, rep: Any) -> LearnedRepresentation:
    """Return `rep` if it is a representation."""
    if not isinstance(rep, LearnedRepresentation):
        refuse(who, "rep", "a LearnedRepresentation", type(rep).__name__,
               "for example found.representation")  # fmt: skip
    return rep


def uniform(
    who: str,
    shape: tuple[int, ...],
    bound: float,
    like: LearnedRepresentation,
    rng: torch.Generator | None,
) -> nn.Parameter:
    """Random numbers between -bound and bound, of the dtype and on the device of a representation.

    Args:
        who: asks, for the error.
        shape: of the parameter.
        bound: the largest size.
        like: the representation.
        rng: torch's global generator when None.
    """
    start = torch.empty(shape, dtype=like.dtype)
    start.uniform_(-bound, bound, generator=generator(who, rng))
    return nn.Parameter(start.to(like.device))


class MovingFilters(nn.Module):
    """What all layers with moved filters share: a representation, and its dual matrices.

    Args:
        rep: how the group acts.

    Attributes:
        rep: the representation, a submodule: its parameters, if it has any, are trained with the
            layer's, and several layers may share it.
        bias: (out,), or None.
    """

    bias: nn.Parameter | None

    def __init__(self, rep: LearnedRepresentation) -> None:
        super().__init__()
        self.rep = rep

    def duals(self) -> Float[Tensor, "n d d"]:
        """rho(g^-1)^T for every element g."""
        with full_precision(self.rep.device):
            return self.rep.dual_matrices()

    def repeated_bias(self) -> Float[Tensor, " filters"] | None:
        """The bias of every filter, the same for all elements."""
        if self.bias is None:
            return None
        return self.bias.unsqueeze(1).expand(-1, self.rep.group.order).reshape(-1)
