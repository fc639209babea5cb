"""Filter banks: the copies of a filter that a group makes, in the layout of convolutions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grouplearn._checks import generator, instance, refuse
from grouplearn.groups import FiniteGroup
from grouplearn.linalg import autocasts, full_precision
from grouplearn.representations import FixedRepresentation, LearnedRepresentation
from grouplearn.representations.tables import HoldsTables

Plain = TypeVar("Plain", bound=nn.Module)


def checked(who: str, rep: Any) -> LearnedRepresentation:
    """Return `rep` if it is a representation."""
    found: LearnedRepresentation = instance(
        who, "rep", rep, LearnedRepresentation, "pass found.representation, for example"
    )
    return found


def lifted_blocks(group: FiniteGroup, count: int) -> Int[Tensor, "n blocks"]:
    """Which block of a filter of ordinary channels stands at each place for g: all stay.

    Args:
        group: of order n.
        count: of the blocks.

    Returns:
        (n, count), int64.
    """
    return torch.arange(count, device="cpu").repeat(group.order, 1)


def regular_blocks(group: FiniteGroup, into: int) -> Int[Tensor, "n blocks"]:
    """Which block of a filter between functions on the group stands at (i, h) for g: (i, g^-1 h).

    Args:
        group: of order n.
        into: number of channels i.

    Returns:
        (n, into * n), int64; h runs fastest.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 11.
    """
    quotients = group.multiply(group.inverses[:, None], np.arange(group.order))
    channels = np.arange(into)[:, None] * group.order
    return torch.as_tensor(quotients[:, None] + channels, device="cpu").flatten(1)


class MovingFilters(HoldsTables, ABC):
    """What all layers with moved filters share: a representation, filters, and a bias.

    A filter w[c] is a row of blocks w[c, b], each a vector on which the representation acts. For
    element g of the group, blocks change places, too, where the input is a function on the group.

    Args:
        rep: how the group acts on blocks.

    Attributes:
        rep: the representation, a submodule: its parameters, if it has any, are trained with the
            layer's, and several layers may share it.
        weight: (out, ...), the filters of the identity; of torch's default dtype, or as asked for,
            whatever that of the representation is.
        bias: (out,), or None.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    _starts: Tensor
    _places: Tensor

    def __init__(self, rep: LearnedRepresentation) -> None:
        super().__init__()
        self.rep = rep

    @abstractmethod
    def _blocks(self) -> Int[Tensor, "n blocks"]:
        """Which block of w[c] comes to each place of the filter of g."""

    def _fill(
        self,
        shape: tuple[int, ...],
        *,
        bias: bool,
        rng: torch.Generator | None,
        dtype: torch.dtype | None,
    ) -> None:
        """Draw weight and bias as torch's layers do, and note where their blocks come to stand.

        Args:
            shape: of the weight.
            bias: is there one?
            rng: torch's global generator when None.
            dtype: of weight and bias; torch's default when None.
        """
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        generator(type(self).__name__, rng)
        dtype, device = floating(type(self).__name__, dtype), self.rep.device
        self.weight = _uniform(shape, bound, rng, dtype, device)
        self.bias = _uniform(shape[:1], bound, rng, dtype, device) if bias else None
        order, blocks = self.rep.group.order, self._blocks()
        elements = torch.arange(order, device="cpu").unsqueeze(1)
        starts, places = (self.rep.dim * blocks).unsqueeze(2), (order * blocks + elements).flatten()
        self._hold("_starts", starts, device=self.rep.device)
        self._hold("_places", places, device=self.rep.device)

    def filters(self) -> Float[Tensor, "outputs inputs *rest"]:
        """The filters of all elements, as torch stores the weights of a plain layer.

        Block m of the filter of (c, g) is rho(g^-1)^T w[c, b]. Of layers that lift, b is m; between
        functions on the group, b is (i, g^-1 h) for m = (i, h). So the responses permute when x
        moves by rho, orthogonal or not.

        Returns:
            (out * n, ...), the elements of the group running fastest.

        Cost:
            Of permutations one gather; else O(n d) multiplications for each entry of `weight`, and
            a gather of the result.
        """
        rep, weight = self.rep, self.weight
        sources = rep.sources if isinstance(rep, FixedRepresentation) else None
        if sources is not None:  # a permutation is its own dual
            places = (self._starts + sources.unsqueeze(1)).view(-1)
            moved = weight.flatten(1)
        else:
            places = self._places
            duals = self.duals().to(weight.dtype)
            moved = weight.reshape(-1, rep.dim).mm(duals.flatten(0, 1).mT)
            moved = moved.view(len(weight), -1, rep.dim)
        return moved.index_select(1, places).view(-1, *weight.shape[1:])

    def _same_dtype(self, x: Tensor) -> Tensor:
        """Return an input if the filters can be applied to it."""
        if x.dtype != self.weight.dtype and not autocasts(x.device):
            or_layer = f", or layer.to({x.dtype})" if x.is_floating_point() else ""
            refuse(type(self).__name__, "x", f"of the layer's dtype {self.weight.dtype}", x.dtype,
                   f"call x.to({self.weight.dtype}){or_layer}")  # fmt: skip
        return x

    def duals(self) -> Float[Tensor, "n d d"]:
        """rho(g^-1)^T for every element g."""
        with full_precision(self.rep.device):
            return self.rep.dual_matrices()

    def repeated_bias(self) -> Float[Tensor, " filters"] | None:
        """The bias of every filter, the same for all elements."""
        return None if self.bias is None else self.bias.repeat_interleave(self.rep.group.order)


def input_like(network: nn.Module) -> Tensor | None:
    """A tensor of the dtype and device that a network takes its input in.

    Args:
        network: any; the dtype of its representations does not count.

    Returns:
        A parameter, None where there is none.
    """
    actions = [each for each in network.modules() if isinstance(each, LearnedRepresentation)]
    own = {id(parameter) for each in actions for parameter in each.parameters()}
    rest = (each for each in network.parameters() if id(each) not in own)
    return next(rest, next(network.parameters(), None))


def floating(who: str, dtype: torch.dtype | None) -> torch.dtype:
    """A floating-point type; torch's default for None.

    Args:
        who: the caller.
        dtype: as given.
    """
    given: Any = torch.get_default_dtype() if dtype is None else dtype
    if not isinstance(given, torch.dtype) or not given.is_floating_point:
        refuse(who, "dtype", "a floating-point type of torch, or None", repr(dtype),
               "pass torch.float32, for example")  # fmt: skip
    return given


def normal_parameter(
    shape: tuple[int, ...], deviation: float, rng: torch.Generator | None, like: Tensor
) -> nn.Parameter:
    """Random numbers of mean 0, on the CPU.

    Args:
        shape: of the parameter.
        deviation: of each number.
        rng: torch's global generator when None.
        like: of the dtype.
    """
    drawn = torch.empty(shape, dtype=like.dtype, device="cpu")
    return nn.Parameter(drawn.normal_(0, deviation, generator=rng))


def filled(plain: Plain, weight: Tensor, bias: Tensor | None, *, training: bool) -> Plain:
    """A module of torch with copies of weights that were computed.

    Args:
        plain: with a weight, and a bias where there is one, of these shapes.
        weight: to copy.
        bias: to copy, or None.
        training: the mode that the module is put in.
    """
    plain.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        plain.bias = nn.Parameter(bias.detach().clone())
    return plain.train(training)


def _uniform(
    shape: tuple[int, ...],
    bound: float,
    rng: torch.Generator | None,
    dtype: torch.dtype,
    device: torch.device,
) -> nn.Parameter:
    """Random numbers between -bound and bound."""
    start = torch.empty(shape, dtype=dtype, device="cpu")
    start.uniform_(-bound, bound, generator=rng)
    return nn.Parameter(start.to(device))
