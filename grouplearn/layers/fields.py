"""Fields: channels on which a group acts by any representation, and convolutions between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import generator, positive_int, refuse, shape_of
from grouplearn.groups import FiniteGroup
from grouplearn.layers.filters import checked, filled, floating, normal_parameter
from grouplearn.linalg import autocasts
from grouplearn.representations import (
    DirectSum,
    LearnedRepresentation,
    TensorProduct,
    intertwiners,
    trivial,
)
from grouplearn.representations.tables import HoldsTables, on_default_device


@final
@dataclass(frozen=True, eq=False)
class Fields:
    """Channels in which fields lie one after the other: some of one kind, then some of the next.

    A field of a representation on R^d takes d channels. At every place the group acts on them by
    it: functions on the group by the regular representation, numbers that change sign by a sign,
    the letters of a sequence by how they change into one another.

    Args:
        kinds: representations of one group, each with the number of its fields.

    Raises:
        InputError: there is no field, a count is below 1, or the groups differ.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import regular, signs
        >>> G = CyclicGroup(2)
        >>> Fields(((regular(G), 6), (signs(G)[0], 4))).dim
        16
    """

    kinds: tuple[tuple[LearnedRepresentation, int], ...]

    def __post_init__(self) -> None:
        """Check the kinds."""
        who = "Fields"
        if not self.kinds:
            refuse(who, "kinds", "one or more", "none", "pass ((representation, count), ...)")
        for rep, count in self.kinds:
            positive_int(who, "kinds: count", count)
            if checked(who, rep).group != self.group:
                refuse(who, "kinds", f"of one group, {self.group!r}", repr(rep.group),
                       "use one group object for all")  # fmt: skip

    @property
    def group(self) -> FiniteGroup:
        """The group."""
        return self.kinds[0][0].group

    @property
    def dim(self) -> int:
        """The number of channels."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The channels of each kind."""
        return tuple(rep.dim * count for rep, count in self.kinds)

    def representation(self) -> DirectSum:
        """How the group acts on all channels."""
        return DirectSum([rep for rep, count in self.kinds for _ in range(count)])

    def __str__(self) -> str:
        return ", ".join(f"{count} of dimension {rep.dim}" for rep, count in self.kinds)


@final
class FieldConv1d(HoldsTables):
    """Every convolution of sequences from some fields to others that commutes with the group.

        y = W * x + b,  W(s_g p) = rho_out(g) W(p) rho_in(g)^-1,  rho_out(g) b = b

    The group may move the places p of a kernel, by s_g, while it moves the channels: the reverse
    complement reverses them. W and b are trained as coefficients in a basis of such kernels, so
    that the layer is equivariant whatever its weights are.

    Args:
        into: the fields of the input.
        out: those of the output, of the same group.
        positions: how the group acts on the k places of a kernel.
        dilation: distance of neighbouring places of the kernel.
        padded: do places outside the sequence count as 0, so that its length stays? k is odd then.
            Else the kernel stays within: the length becomes length - dilation (k - 1).
        bias: add a vector that stays?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None.

    Attributes:
        weights: for each pair of kinds between which there are k maps, (fields out, fields in, k).
        biases: for each kind of the output with k vectors that stay, (fields, k).

    Raises:
        InputError: an argument has the wrong type or range, the groups differ, no map but 0
            commutes, or an input is not (batch, into.dim, length).

    Cost:
        Of a convolution between as many channels, and of putting its kernel together: k
        multiplications for each entry. `export()` does that once.

    References:
        Cohen and Welling, Steerable CNNs (2017); Weiler and Cesa, General E(2)-equivariant
        steerable CNNs (2019), section 2. Mallet and Vert, Reverse-complement equivariant networks
        for DNA sequences (2021), section 4.

    Example:
        >>> from grouplearn.representations import FixedRepresentation, signs
        >>> turn = FixedRepresentation.from_permutations([[2, 1, 0]])
        >>> stays, changes = trivial(turn.group), signs(turn.group)[0]
        >>> layer = FieldConv1d(Fields(((stays, 1),)), Fields(((changes, 1),)), turn, bias=False)
        >>> layer.kernel().shape, bool(layer.kernel()[0, 0, 1].abs() < 1e-7)  # odd, 0 in the middle
        (torch.Size([1, 1, 3]), True)
    """

    @on_default_device
    def __init__(
        self,
        into: Fields,
        out: Fields,
        positions: LearnedRepresentation,
        *,
        dilation: int = 1,
        padded: bool = True,
        bias: bool = True,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        self.into, self.out = checked_fields(who, "into", into), checked_fields(who, "out", out)
        self.kernel_size = checked(who, positions).dim
        self.padded = padded
        if padded and self.kernel_size % 2 == 0:
            refuse(who, "positions.dim", "odd", self.kernel_size,
                   "an even kernel has no middle, and shifts what a reversal mirrors")  # fmt: skip
        self.dilation = positive_int(who, "dilation", dilation)
        self._mark_as(into.group, out.dim)
        generator(who, rng)
        like = torch.empty((), dtype=floating(who, dtype), device="cpu")
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self._draw_weights(positions, rng, like)
        self._draw_biases(bias, rng, like)

    def _draw_weights(
        self, positions: LearnedRepresentation, rng: torch.Generator | None, like: Tensor
    ) -> None:
        self._pairs: list[tuple[int, int]] = []
        for row, (second, rows) in enumerate(self.out.kinds):
            for column, (first, columns) in enumerate(self.into.kinds):
                maps = intertwiners(TensorProduct(first, positions), second)
                if not len(maps):
                    continue
                # The largest entry of a map is 1, so that a step is one of entries of the kernel.
                maps /= maps.abs().amax((1, 2), keepdim=True)
                self._define(f"_maps{len(self._pairs)}", maps.unflatten(2, (first.dim, -1)), like)
                self._pairs.append((row, column))
                shape = (rows, columns, len(maps))
                spread = self._deviation * math.sqrt(maps[0].numel() / float(maps.square().sum()))
                self.weights.append(normal_parameter(shape, spread, rng, like))
        if not self._pairs:
            refuse(type(self).__name__, "out", "fields that a map other than 0 leads to",
                   "no irreducible part in common with the input",
                   "add functions on the group")  # fmt: skip

    def _draw_biases(self, bias: bool, rng: torch.Generator | None, like: Tensor) -> None:
        self._biased: list[int] = []
        for row, (rep, rows) in enumerate(self.out.kinds):
            stays = intertwiners(trivial(self.out.group), rep)[..., 0]
            if bias and len(stays):
                self._define(f"_stays{row}", stays, like)
                self._biased.append(row)
                shape = (rows, len(stays))
                self.biases.append(normal_parameter(shape, self._deviation, rng, like))

    @property
    def _deviation(self) -> float:
        """The standard deviation of W and b when they are drawn, as in torch's convolutions."""
        return 1 / math.sqrt(3 * self.into.dim * self.kernel_size)

    def kernel(self) -> Float[Tensor, "out into k"]:
        """W, as torch stores the weight of a plain convolution."""
        blocks = {}
        for number, pair in enumerate(self._pairs):
            maps = getattr(self, f"_maps{number}")
            block = torch.einsum("rcm,mijp->ricjp", self.weights[number], maps)
            blocks[pair] = block.flatten(0, 1).flatten(1, 2)
        like = self.weights[0]
        rows = []
        for row, height in enumerate(self.out.sizes):
            columns = [
                blocks[row, column] if (row, column) in blocks
                else like.new_zeros(height, width, self.kernel_size)
                for column, width in enumerate(self.into.sizes)
            ]  # fmt: skip
            rows.append(torch.cat(columns, 1))
        return torch.cat(rows)

    def offset(self) -> Float[Tensor, " out"] | None:
        """The vector b."""
        if not self._biased:
            return None
        known = {
            row: (self.biases[number] @ getattr(self, f"_stays{row}")).flatten()
            for number, row in enumerate(self._biased)
        }
        like = self.biases[0]
        return torch.cat(
            [known.get(row, like.new_zeros(size)) for row, size in enumerate(self.out.sizes)]
        )

    def forward(self, x: Float[Tensor, "batch into length"]) -> Float[Tensor, "batch out places"]:
        """W * x + b."""
        given: Any = x
        if not isinstance(given, Tensor) or given.ndim != 3 or given.shape[1] != self.into.dim:
            refuse(type(self).__name__, "x", f"of shape (batch, {self.into.dim}, length)",
                   shape_of(x), "check the layer before")  # fmt: skip
        if x.dtype != self.weights[0].dtype and not autocasts(x.device):
            refuse(type(self).__name__, "x", f"of the layer's dtype {self.weights[0].dtype}",
                   x.dtype, f"call x.to({self.weights[0].dtype})")  # fmt: skip
        return F.conv1d(
            x, self.kernel(), self.offset(), padding=self._reach, dilation=self.dilation
        )

    @property
    def _reach(self) -> int:
        return self.dilation * (self.kernel_size // 2) if self.padded else 0

    def export(self) -> nn.Conv1d:
        """A plain convolution with the same outputs."""
        with torch.no_grad():
            kernel, offset = self.kernel(), self.offset()
        plain = nn.Conv1d(
            self.into.dim, self.out.dim, self.kernel_size, padding=self._reach,
            dilation=self.dilation, bias=offset is not None, device=kernel.device,
            dtype=kernel.dtype,
        )  # fmt: skip
        return filled(plain, kernel, offset, training=self.training)

    def extra_repr(self) -> str:
        """Fields and sizes, for print()."""
        return (
            f"{self.into} to {self.out}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padded={self.padded}, bias={bool(self._biased)}"
        )


def checked_fields(who: str, name: str, given: Any) -> Fields:
    """Return `given` if it is Fields.

    Args:
        who: asks, for the error.
        name: of the argument.
        given: any.
    """
    if not isinstance(given, Fields):
        refuse(who, name, "Fields", type(given).__name__, "pass Fields(((representation, 8),))")
    return given
