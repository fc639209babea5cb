"""What stands between convolutions of fields: normalisation, nonlinearities, pooling."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import refuse, shape_of
from grouplearn.layers.fields import Fields, checked_fields
from grouplearn.layers.normalisation import GroupBatchNorm, GroupDropout
from grouplearn.layers.pooling import SpacePool
from grouplearn.layers.tracing import traced
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

_ORTHOGONAL = 1e-5


@final
class FieldActivation(nn.Module):
    """Batch normalisation and a nonlinearity that commute with the group, for each kind of field.

    Fields that the group permutes are normalised with one mean and variance for all their channels,
    and rectified. Others, on which it acts by orthogonal matrices, are divided by the root of their
    mean square, which no such matrix changes, and shortened: one of length r keeps its direction
    and gets the length tanh(r), so that numbers that change sign become tanh(x). Then whole fields
    are dropped, in training.

    Args:
        fields: of inputs (batch, fields.dim, ...).
        dropout: probability of a field being dropped.

    Raises:
        InputError: a kind acts by matrices that are not orthogonal, the probability is out of its
            range, or an input has another shape.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import regular
        >>> FieldActivation(Fields(((regular(CyclicGroup(2)), 3),)))(torch.zeros(5, 6, 9)).shape
        torch.Size([5, 6, 9])
    """

    def __init__(self, fields: Fields, *, dropout: float = 0.0) -> None:
        super().__init__()
        who = type(self).__name__
        self.fields = checked_fields(who, "fields", fields)
        self.kinds = nn.ModuleList(_nonlinearity(who, rep, count) for rep, count in fields.kinds)
        self.drop = GroupDropout(dropout)

    def forward(self, x: Float[Tensor, "batch channels *space"]) -> Tensor:
        """Normalise, bend and drop."""
        return self.bend(_checked_channels(self, self.fields, x))

    def bend(self, x: Any) -> Any:
        """The same, unchecked."""
        bent = _by_kind(self.fields, self.kinds, x)
        # In training alone, since a trace cannot look at its argument.
        return _by_kind(self.fields, [self.drop] * len(self.kinds), bent) if self.training else bent

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs, in evaluation mode."""
        return traced(copy.deepcopy(self).eval(), "bend")


@final
class FieldPool(nn.Module):
    """Shortens a sequence of fields to what stands out in each block.

    That is the maximum where the group permutes channels; the mean of maximum and minimum where it
    changes their sign; and the mean where it does something else.

    Args:
        fields: of inputs (batch, fields.dim, length).
        size: of the blocks, which stand symmetrically; see `SpacePool`. None makes the whole
            sequence one block.

    Raises:
        InputError: an argument is out of its range, or an input has another shape.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import regular
        >>> FieldPool(Fields(((regular(CyclicGroup(2)), 3),)))(torch.zeros(5, 6, 9)).shape
        torch.Size([5, 6, 5])
    """

    def __init__(self, fields: Fields, size: int | None = 2) -> None:
        super().__init__()
        self.fields = checked_fields(type(self).__name__, "fields", fields)
        self.kinds = nn.ModuleList(_pool(rep, size) for rep, _ in fields.kinds)

    def forward(self, x: Float[Tensor, "batch channels length"]) -> Tensor:
        """Pool."""
        return self.reduce(_checked_channels(self, self.fields, x))

    def reduce(self, x: Any) -> Any:
        """The same, unchecked."""
        return _by_kind(self.fields, list(map(_unchecked, self.kinds)), x)

    def export(self) -> nn.Module:
        """A module of torch alone with the same outputs."""
        return traced(self, "reduce")


@final
class _OddPool(nn.Module):
    """The mean of maximum and minimum over blocks."""

    def __init__(self, size: int | None) -> None:
        super().__init__()
        self.largest = _block("max", size)

    def reduce(self, x: Any) -> Any:
        largest = _unchecked(self.largest)
        return (largest(x) - largest(-x)) / 2


@final
class _Whole(nn.Module):
    """The maximum or mean over all places, which are one then."""

    def __init__(self, reduction: Literal["max", "mean"]) -> None:
        super().__init__()
        self.reduction = reduction

    def reduce(self, x: Any) -> Any:
        return x.amax(-1, keepdim=True) if self.reduction == "max" else x.mean(-1, keepdim=True)


@final
class _Rectified(nn.Module):
    """The positive part of fields (B, count, d, ...), of mean 0 and variance 1 before."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.norm = GroupBatchNorm(count)

    def forward(self, x: Any) -> Any:
        return F.relu(self.norm.normalise(x))


@final
class _Shortened(nn.Module):
    """x tanh(|x|) / |x| of fields (B, count, d, ...) with a mean square of 1."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.norm = GroupBatchNorm(count, affine=False)
        self.scale = nn.Parameter(torch.ones(count))

    def forward(self, x: Any) -> Any:
        # The mean of x and -x is 0, so that nothing is subtracted.
        both = self.norm.normalise(torch.cat([x, -x], 2))
        even = (both[:, :, : self.dim] - both[:, :, self.dim :]) / 2
        scaled = (even.transpose(1, -1) * self.scale).transpose(1, -1)
        if self.dim == 1:
            return scaled.tanh()
        length = scaled.square().sum(2, keepdim=True).add(_ORTHOGONAL).sqrt()
        return scaled * (length.tanh() / length)


def _pool(rep: LearnedRepresentation, size: int | None) -> nn.Module:
    permutes = _permutes(rep)
    if permutes or rep.dim > 1:
        return _block("max" if permutes else "mean", size)
    return _OddPool(size)


def _block(reduction: Literal["max", "mean"], size: int | None) -> nn.Module:
    return _Whole(reduction) if size is None else SpacePool(size, axes=1, reduction=reduction)


def _unchecked(pool: Any) -> Callable[[Any], Any]:
    reduce: Callable[[Any], Any] = pool.reduce
    return reduce


def _nonlinearity(who: str, rep: LearnedRepresentation, count: int) -> nn.Module:
    if _permutes(rep):
        return _Rectified(count)
    with torch.no_grad():
        matrices = rep.matrices().detach().double().cpu()
    gap = float((matrices @ matrices.mT - torch.eye(rep.dim, dtype=torch.float64)).abs().max())
    if gap > _ORTHOGONAL:
        refuse(who, "fields", "of orthogonal matrices", f"others, by {gap:.1e}",
               "take them in an orthonormal basis")  # fmt: skip
    return _Shortened(count, rep.dim)


def _permutes(rep: LearnedRepresentation) -> bool:
    return isinstance(rep, FixedRepresentation) and rep.is_permutation


def _by_kind(fields: Fields, layers: Iterable[Callable[[Any], Any]], x: Any) -> Any:
    """Each kind's layer applied to (B, count, d, ...)."""
    parts: list[Any] = []
    start = 0
    for layer, (rep, count) in zip(layers, fields.kinds, strict=True):
        part = x.narrow(1, start, count * rep.dim).unflatten(1, (count, rep.dim))
        parts.append(layer(part).flatten(1, 2))
        start += count * rep.dim
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def _checked_channels(module: nn.Module, fields: Fields, x: Any) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim < 3 or x.shape[1] != fields.dim:
        refuse(type(module).__name__, "x", f"of shape (batch, {fields.dim}, ...)", shape_of(x),
               "check the layer before")  # fmt: skip
    return x
