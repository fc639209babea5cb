"""Convolutions whose filters a group moves: lifting and group layers, in one or two dimensions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import positive_int, refuse, shape_of
from grouplearn.layers.filters import (
    MovingFilters,
    checked,
    filled,
    lifted_blocks,
    regular_blocks,
)
from grouplearn.layers.strides import Placing, fits, placed
from grouplearn.layers.tracing import traced
from grouplearn.representations import LearnedRepresentation

Sizes = int | Sequence[int]
_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d}
_PLAIN: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
_SPACE = {1: "length", 2: "H, W"}


class FilterBank(MovingFilters, ABC):
    """A convolution whose filters are the copies that a group makes of a few.

    Args:
        in_channels: of the input.
        out_channels: filters before the group multiplies them by its order n.
        kernel_size: k, or one size for each axis.
        rep: how the group acts on the kernel.
        stride: as in torch's convolutions; where it does not fit, what is left over is left out at
            both ends alike.
        padding: as in torch's convolutions, or "same" where the kernel has odd sizes.
        bias: add one number for each of `out_channels`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Attributes:
        weight: the filters of the identity, as torch stores those of a plain convolution from the
            same channels, merged with the elements of the group where the input has them.

    Raises:
        InputError: an argument has the wrong type or range, or `rep` does not fit the kernel.
    """

    axes: ClassVar[int]

    def __init__(  # noqa: PLR0913 (what torch's convolutions take, and a representation)
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        rep: LearnedRepresentation,
        *,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        bias: bool = True,
        rng: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        who = type(self).__name__
        super().__init__(checked(who, rep))
        self.in_channels = positive_int(who, "in_channels", in_channels)
        self.out_channels = positive_int(who, "out_channels", out_channels)
        self.kernel_size = _sizes(who, "kernel_size", kernel_size, self.axes)
        self.stride = _sizes(who, "stride", stride, self.axes)
        self.padding = self._checked_padding(padding)
        self._check_fit(rep)
        self._fill(self._weight_shape(), bias=bias, rng=rng, dtype=dtype)

    @abstractmethod
    def _weight_shape(self) -> tuple[int, ...]:
        """The shape of the filters of the identity."""

    @abstractmethod
    def _flat(self, x: Tensor) -> Tensor:
        """The input with its axis of elements, if any, merged into the channels."""

    @property
    def positions(self) -> int:
        """The number of places of the kernel."""
        return math.prod(self.kernel_size)

    def forward(self, x: Float[Tensor, "batch into *rest"]) -> Float[Tensor, "batch out n *space"]:
        """Convolve; the third axis of the result runs over the elements of the group."""
        x, bias = self._flat(x), self.repeated_bias()
        padding: Sizes = self.padding
        if not fits(x, self.kernel_size, self.stride, self.padding):
            x, padding = placed(x, self.kernel_size, self.stride, self.padding), 0
        y = _CONVOLVE[self.axes](x, self.filters(), bias, self.stride, padding)
        return y.unflatten(1, (self.out_channels, self.rep.group.order))

    def plain(self) -> nn.Conv1d | nn.Conv2d:
        """The same map as a convolution of torch, from merged channels and elements to the same.

        The same, that is, where the stride fits: (size + 2 padding - k) % stride == 0.
        """
        with torch.no_grad():
            weight, bias = self.filters(), self.repeated_bias()
        plain: nn.Conv1d | nn.Conv2d = _PLAIN[self.axes](
            weight.shape[1], weight.shape[0], self.kernel_size, self.stride, self.padding,
            bias=bias is not None, dtype=weight.dtype, device=weight.device,
        )  # fmt: skip
        return filled(plain, weight, bias, training=self.training)

    def export(self) -> nn.Sequential:
        """A module of torch alone with the same outputs: the filters are computed once, here.

        Returns:
            A plain convolution between changes of shape; trained further, its filters would part
            from one another.
        """
        fold = nn.Unflatten(1, (self.out_channels, self.rep.group.order))
        layers = [*self._flattening(), self.plain(), fold]
        if max(self.stride) > 1:
            convolution: Any = layers[-2]
            convolution.padding = (0,) * self.axes
            layers.insert(
                -2, traced(Placing(self.kernel_size, self.stride, self.padding), "forward")
            )
        return nn.Sequential(*layers).train(self.training)

    def _flattening(self) -> tuple[nn.Module, ...]:
        return ()

    def _check_fit(self, rep: LearnedRepresentation) -> None:
        if rep.dim != self.positions:
            self._refuse_dim(rep, f"{self._size_in_words()} = {self.positions}", self.positions)

    def _refuse_dim(self, rep: LearnedRepresentation, wanted: str, dim: int) -> None:
        remedy = f"build the representation with dim={dim}"
        if self.axes == 2:
            remedy += (
                "; ImageDomain.on_kernels makes one of a discovery's on patches of another size"
            )
        refuse(type(self).__name__, "rep.dim", f"equal to {wanted}", rep.dim, remedy)

    def _size_in_words(self) -> str:
        if len(set(self.kernel_size)) == 1:
            return "kernel_size" if self.axes == 1 else f"kernel_size**{self.axes}"
        return "the product of kernel_size"

    def _checked_padding(self, padding: Sizes | str) -> tuple[int, ...]:
        who = type(self).__name__
        if not isinstance(padding, str):
            return _sizes(who, "padding", padding, self.axes, minimum=0)
        if padding != "same":
            refuse(who, "padding", "a number, one for each axis, or 'same'", repr(padding),
                   "pass padding='same'")  # fmt: skip
        if any(size % 2 == 0 for size in self.kernel_size):
            refuse(who, "kernel_size", "odd for padding='same'", self.kernel_size,
                   "an even kernel has no middle, and would shift what a flip mirrors")  # fmt: skip
        if any(step > 1 for step in self.stride):
            refuse(
                who, "stride", "1 for padding='same'", self.stride, "pass the padding in numbers"
            )
        return tuple(size // 2 for size in self.kernel_size)

    def _check_input(self, x: Any, shape: tuple[int, ...], words: str) -> Tensor:
        good = isinstance(x, Tensor) and x.ndim == 1 + len(shape) + self.axes
        if not good or x.shape[1 : 1 + len(shape)] != shape:
            sizes = ", ".join(map(str, shape))
            refuse(type(self).__name__, "x", f"of shape (batch, {sizes}, {_SPACE[self.axes]}): "
                   f"{words}", shape_of(x), "check the layer before")  # fmt: skip
        return self._same_dtype(x)

    def extra_repr(self) -> str:
        """Channels and sizes, for print()."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, bias={self.bias is not None}"
        )


class LiftingConvolution(FilterBank, ABC):
    """From ordinary channels to functions on the group."""

    def _blocks(self) -> Int[Tensor, "n blocks"]:
        count = self.in_channels * self.positions // self.rep.dim
        return lifted_blocks(self.rep.group, count)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels, *self.kernel_size)

    def _flat(self, x: Tensor) -> Tensor:
        return self._check_input(x, (self.in_channels,), "batch, channels and space")

    def _check_fit(self, rep: LearnedRepresentation) -> None:
        joint = self.in_channels * self.positions
        if rep.dim not in (self.positions, joint):
            wanted = f"{self._size_in_words()} = {self.positions}"
            if joint != self.positions:
                wanted += f", or in_channels times that = {joint}"
            self._refuse_dim(rep, wanted, self.positions)


class RegularConvolution(FilterBank, ABC):
    """Between functions on the group."""

    def _blocks(self) -> Int[Tensor, "n blocks"]:
        return regular_blocks(self.rep.group, self.in_channels)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels * self.rep.group.order, *self.kernel_size)

    def _flat(self, x: Tensor) -> Tensor:
        shape = (self.in_channels, self.rep.group.order)
        x = self._check_input(x, shape, "batch, channels, elements and space")
        if torch.compiler.is_dynamo_compiling():
            # torch's compiler cannot convolve merged axes of a size that it does not know.
            return torch.cat(x.unbind(1), 1)
        return x.flatten(1, 2)

    def _flattening(self) -> tuple[nn.Module, ...]:
        return (nn.Flatten(1, 2),)


@final
class OrbitConv1d(LiftingConvolution):
    """Lifts sequences: each filter acts with its whole orbit under the group.

    y[b, c, g] = sum_i rho(g^-1)^T w[c, i] * x[b, i], with * the cross-correlation of torch's
    convolutions. Where rho extends to whole sequences (a reversal does, a general matrix does not),
    moving the input moves y along its sequence and permutes g by left multiplication.

    Args:
        in_channels: of the input.
        out_channels: filters before the group multiplies them by its order n.
        kernel_size: k.
        rep: on the k positions, each channel alike, or on all in_channels * k entries jointly,
            channel-major: entry k * channel + position, such as the reverse complement.
        stride: as in nn.Conv1d. Where it does not fit, (length + 2 padding - k) % stride > 0, what
            is left over is left out symmetrically, for the equivariance of reversals.
        padding: as in nn.Conv1d; "same" needs an odd kernel.
        bias: add one number for each of `out_channels`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Raises:
        InputError: an argument has the wrong type or range, `rep` does not fit the kernel, or the
            input has another shape than (batch, in_channels, length).

    Cost:
        Of a convolution of out_channels * n filters, and of moving these: for permutations a
        gather, else O(n d) for each weight.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> rep = FixedRepresentation.from_permutations([[2, 1, 0]])  # reversal
        >>> OrbitConv1d(4, 8, 3, rep)(torch.zeros(5, 4, 20)).shape
        torch.Size([5, 8, 2, 18])
    """

    axes = 1


@final
class OrbitConv2d(LiftingConvolution):
    """Lifts images: each filter acts with its whole orbit under the group.

    y[b, c, g] = sum_i rho(g^-1)^T w[c, i] * x[b, i], with * the cross-correlation of torch's
    convolutions. Where rho extends to whole images (flips and quarter turns do, a general matrix
    does not: ask `ImageDomain.extend`), moving the input moves y over the image and permutes g by
    left multiplication: y at h x is y[b, c, h^-1 g], moved by h.

    Args:
        in_channels: of the input.
        out_channels: filters before the group multiplies them by its order n.
        kernel_size: k, or (height, width).
        rep: on the k * k positions, row-major, each channel alike, or on all in_channels * k * k
            entries jointly, channel-major as torch stores weights.
        stride: as in nn.Conv2d. Where it does not fit, (size + 2 padding - k) % stride > 0, what is
            left over is left out symmetrically, for the equivariance of flips and turns.
        padding: as in nn.Conv2d; "same" needs an odd kernel.
        bias: add one number for each of `out_channels`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Raises:
        InputError: an argument has the wrong type or range, `rep` does not fit the kernel, or the
            input has another shape than (batch, in_channels, H, W).

    Cost:
        Of a convolution of out_channels * n filters, and of moving these: for permutations a
        gather, else O(n d) for each weight.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 10.
        Theodosis, Helwani and Ba, 2023, Learning Linear Groups in Neural Networks.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> rep = FixedRepresentation.from_permutations([[6, 3, 0, 7, 4, 1, 8, 5, 2]])
        >>> rep.group.name, OrbitConv2d(1, 8, 3, rep)(torch.zeros(5, 1, 28, 28)).shape
        ('C4', torch.Size([5, 8, 4, 26, 26]))
    """

    axes = 2


@final
class GroupConv1d(RegularConvolution):
    """Convolves functions on group and sequence: (B, in, n, L) to (B, out, n, L').

    y[b, c, g] = sum_i,h rho(g^-1)^T w[c, i, g^-1 h] * x[b, i, h].

    Args:
        in_channels: of the input, each with n elements.
        out_channels: of the output, each with n elements.
        kernel_size: k.
        rep: on the k positions.
        stride: as in nn.Conv1d; see `OrbitConv1d`.
        padding: as in nn.Conv1d; "same" needs an odd kernel.
        bias: add one number for each of `out_channels`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Attributes:
        weight: (out_channels, in_channels * n, kernel_size), as torch stores weights;
            `weight.unflatten(1, (in_channels, n))` is w.

    Raises:
        InputError: as `OrbitConv1d`; the input is (batch, in_channels, n, length).

    Cost:
        Of a convolution between in_channels * n and out_channels * n channels, and of moving its
        filters: for permutations a gather, else O(n d) for each weight.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 11.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> rep = FixedRepresentation.from_permutations([[2, 1, 0]])
        >>> GroupConv1d(8, 6, 3, rep)(torch.zeros(5, 8, 2, 18)).shape
        torch.Size([5, 6, 2, 16])
    """

    axes = 1


@final
class GroupConv2d(RegularConvolution):
    """Convolves functions on group and image: (B, in, n, H, W) to (B, out, n, H', W').

    y[b, c, g] = sum_i,h rho(g^-1)^T w[c, i, g^-1 h] * x[b, i, h].

    Args:
        in_channels: of the input, each with n elements.
        out_channels: of the output, each with n elements.
        kernel_size: k, or (height, width).
        rep: on the k * k positions, row-major.
        stride: as in nn.Conv2d; see `OrbitConv2d`.
        padding: as in nn.Conv2d; "same" needs an odd kernel.
        bias: add one number for each of `out_channels`?
        rng: draws the weights; torch's global generator when None.
        dtype: of the weights; torch's default when None, whatever that of `rep` is.

    Attributes:
        weight: (out_channels, in_channels * n, height, width), as torch stores weights;
            `weight.unflatten(1, (in_channels, n))` is w.

    Raises:
        InputError: as `OrbitConv2d`; the input is (batch, in_channels, n, H, W).

    Cost:
        Of a convolution between in_channels * n and out_channels * n channels, and of moving its
        filters: for permutations a gather, else O(n d) for each weight.

    References:
        Cohen and Welling, 2016, Group equivariant convolutional networks, equation 11.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> rep = FixedRepresentation.from_permutations([[6, 3, 0, 7, 4, 1, 8, 5, 2]])
        >>> GroupConv2d(8, 6, 3, rep, padding="same")(torch.zeros(5, 8, 4, 14, 14)).shape
        torch.Size([5, 6, 4, 14, 14])
    """

    axes = 2


def _sizes(who: str, name: str, value: Any, axes: int, minimum: int = 1) -> tuple[int, ...]:
    """One size for each axis."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != axes:
            refuse(who, name, f"one number or {axes}", tuple(value), f"pass {axes}")
        return tuple(positive_int(who, name, each, minimum) for each in value)
    return (positive_int(who, name, value, minimum),) * axes
