"""Linear maps of vectors to functions on the group."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import last_axis, positive_int, refuse
from grouplearn.layers.filters import MovingFilters, checked, lifted_blocks
from grouplearn.representations import LearnedRepresentation


@final
class OrbitLinear(MovingFilters):
    """Lifts vectors: y[..., c, g] = <rho(g^-1)^T w[c], x> + b[c].

    At rho(h) x, entry g is what entry h^-1 g was at x.

    Args:
        in_features: dimension d of the input.
        out_features: vectors w before the group multiplies them by its order n.
        rep: representation on R^d.
        bias: add one number for each of `out_features`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Attributes:
        rep: the representation, a submodule that several layers may share.
        weight: (out_features, d), the vectors of the identity.
        bias: (out_features,), or None.

    Raises:
        InputError: an argument has the wrong type or range, rep.dim is not in_features, or the
            input's last axis is not.

    Cost:
        Of a linear map to out_features * n numbers, and of moving its vectors: for permutations a
        gather, else O(n d) for each weight.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> rep = FixedRepresentation.from_permutations([[1, 2, 0]])
        >>> OrbitLinear(3, 5, rep)(torch.zeros(7, 3)).shape
        torch.Size([7, 5, 3])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rep: LearnedRepresentation,
        *,
        bias: bool = True,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        who = type(self).__name__
        size = positive_int(who, "in_features", in_features)
        super().__init__(checked(who, rep))
        if rep.dim != size:
            refuse(who, "rep.dim", f"equal to in_features = {size}", rep.dim,
                   f"build the representation with dim={size}")  # fmt: skip
        self.in_features = size
        self.out_features = positive_int(who, "out_features", out_features)
        self._fill((self.out_features, self.in_features), bias=bias, rng=rng, dtype=dtype)

    def _blocks(self) -> Int[Tensor, "n 1"]:
        return lifted_blocks(self.rep.group, 1)

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch out n"]:
        """The responses of all vectors."""
        self._same_dtype(last_axis(type(self).__name__, "x", x, self.in_features))
        y = F.linear(x, self.filters(), self.repeated_bias())
        return y.unflatten(-1, (self.out_features, self.rep.group.order))

    def export(self) -> nn.Sequential:
        """A module of torch alone with the same outputs: the vectors are moved once, here."""
        with torch.no_grad():
            weight, bias = self.filters().clone(), self.repeated_bias()
        plain = nn.Linear(
            weight.shape[1], weight.shape[0], bias is not None, weight.device, weight.dtype
        )
        plain.weight = nn.Parameter(weight)
        if bias is not None:
            plain.bias = nn.Parameter(bias.detach().clone())
        fold = nn.Unflatten(-1, (self.out_features, self.rep.group.order))
        return nn.Sequential(plain, fold).train(self.training)

    def extra_repr(self) -> str:
        """Sizes, for print()."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"
