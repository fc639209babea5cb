"""The most general linear layer between two representations."""

from __future__ import annotations

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import generator, last_axis, refuse
from grouplearn.layers.filters import checked, filled, floating, normal_parameter
from grouplearn.linalg import autocasts
from grouplearn.representations import LearnedRepresentation, intertwiners, trivial
from grouplearn.representations.tables import HoldsTables, on_default_device


@final
class GroupLinear(HoldsTables):
    """Every linear map from one representation to another that commutes with the group.

        y = W x + b,  rho_out(g) W = W rho_in(g),  rho_out(g) b = b

    W and b are what is trained, as coefficients in a basis of such maps, so that the layer is
    equivariant whatever its weights are. Fields of any kind come out of `DirectSum`: values that
    stay, values that change sign, functions on the group, and mixtures of them.

    Args:
        rep_in: on R^d_in; the action is taken as it is, and does not train with the layer.
        rep_out: on R^d_out, of the same group.
        bias: add a vector that stays?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None.

    Attributes:
        weight: (k,), coefficients of W, for the k maps that there are.
        bias: (k0,), coefficients of b in the vectors that stay; None without.

    Raises:
        InputError: an argument has the wrong type, the groups differ, no map but 0 commutes, or
            the input's last axis is not d_in.

    Cost:
        Of a linear layer, and of k d_out d_in multiplications for its matrix. `export()` computes
        that once.

    References:
        Cohen and Welling, Steerable CNNs (2017), section 3; Finzi, Welling and Wilson, A practical
        method for constructing equivariant multilayer perceptrons (2021).

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import FixedRepresentation
        >>> swap = FixedRepresentation(CyclicGroup(2), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]))
        >>> sign = FixedRepresentation(CyclicGroup(2), torch.tensor([[[-1.0]]]))
        >>> layer = GroupLinear(swap, sign)
        >>> layer.matrix().shape, layer.weight.shape, layer.bias.shape  # w (x1 - x2)
        (torch.Size([1, 2]), torch.Size([1]), torch.Size([0]))
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    _maps: Tensor
    _stays: Tensor

    @on_default_device
    def __init__(
        self,
        rep_in: LearnedRepresentation,
        rep_out: LearnedRepresentation,
        *,
        bias: bool = True,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.in_features = checked(who, rep_in).dim
        self.out_features = checked(who, rep_out).dim
        self.group = rep_in.group
        self._mark_as(self.group, self.out_features)
        generator(who, rng)
        like = torch.empty((), dtype=floating(who, dtype), device="cpu")
        maps = intertwiners(rep_in, rep_out)
        if not len(maps):
            refuse(who, "rep_out", "one that a map other than 0 leads to",
                   "no irreducible part in common with rep_in",
                   "add functions on the group to either, by DirectSum")  # fmt: skip
        self._define("_maps", maps, like)
        stays = intertwiners(trivial(self.group), rep_out)[..., 0]
        self._define("_stays", stays if bias else stays[:0], like)
        # As torch.nn.Linear: entries of W, and of b, of variance 1 / (3 d_in).
        size = math.sqrt(self.out_features / len(maps))
        self.weight = normal_parameter((len(maps),), size / math.sqrt(3), rng, like)
        self.bias = (
            normal_parameter((len(stays),), 1 / math.sqrt(3 * self.in_features), rng, like)
            if bias
            else None
        )

    def matrix(self) -> Float[Tensor, "d_out d_in"]:
        """W."""
        return torch.einsum("k,kij->ij", self.weight, self._maps)

    def offset(self) -> Float[Tensor, " d_out"] | None:
        """The vector b."""
        return None if self.bias is None else self.bias @ self._stays

    def forward(self, x: Float[Tensor, "*batch d_in"]) -> Float[Tensor, "*batch d_out"]:
        """W x + b."""
        x = last_axis(type(self).__name__, "x", x, self.in_features)
        if x.dtype != self.weight.dtype and not autocasts(x.device):
            refuse(type(self).__name__, "x", f"of the layer's dtype {self.weight.dtype}", x.dtype,
                   f"call x.to({self.weight.dtype})")  # fmt: skip
        return F.linear(x, self.matrix(), self.offset())

    def export(self) -> nn.Linear:
        """A plain layer with the same outputs."""
        with torch.no_grad():
            matrix, offset = self.matrix(), self.offset()
        plain = nn.Linear(
            self.in_features, self.out_features, offset is not None, matrix.device, matrix.dtype
        )
        return filled(plain, matrix, offset, training=self.training)

    def extra_repr(self) -> str:
        """Sizes, for print()."""
        return (
            f"{self.in_features}, {self.out_features}, maps={len(self.weight)}, "
            f"bias={self.bias is not None}"
        )
