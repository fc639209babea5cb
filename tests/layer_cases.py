"""Every layer once, with how it is built; the laws of layers run over these lists.

To add a layer, add one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grouplearn.groups import FiniteGroup
from grouplearn.layers import (
    GroupBatchNorm,
    GroupConv1d,
    GroupConv2d,
    GroupDropout,
    GroupLayerNorm,
    GroupPool,
    OrbitConv1d,
    OrbitConv2d,
    OrbitLinear,
    SpacePool,
)
from grouplearn.representations import LearnedRepresentation

IN, OUT = 2, 3
Moving = OrbitLinear | OrbitConv1d | OrbitConv2d | GroupConv1d | GroupConv2d


@dataclass(frozen=True, repr=False)
class MovingCase:
    """A layer whose filters a representation moves.

    Attributes:
        name: what the test is called.
        kind: the class.
        kernel: sizes of the kernel; of OrbitLinear, the dimension.
        lifts: are its inputs ordinary channels?
        joint: does the representation act on channels and places jointly?
    """

    name: str
    kind: type[Moving]
    kernel: tuple[int, ...]
    lifts: bool = True
    joint: bool = False

    @property
    def dim(self) -> int:
        """Of the representation."""
        places = 1
        for size in self.kernel:
            places *= size
        return places * (IN if self.joint else 1)

    def build(self, rep: LearnedRepresentation, rng: torch.Generator) -> Moving:
        if self.kind is OrbitLinear:
            return OrbitLinear(self.dim, OUT, rep, rng=rng, dtype=rep.dtype)
        kernel = self.kernel if len(self.kernel) > 1 else self.dim // (IN if self.joint else 1)
        kind: Callable[..., Moving] = self.kind
        return kind(IN, OUT, kernel, rep, rng=rng, dtype=rep.dtype)

    def shape(self, group: FiniteGroup, space: tuple[int, ...]) -> tuple[int, ...]:
        """Of one input over some space; OrbitLinear has none."""
        if self.kind is OrbitLinear:
            return (self.dim,)
        return (IN, *space) if self.lifts else (IN, group.order, *space)

    def __str__(self) -> str:
        return self.name


MOVING = (
    MovingCase("linear", OrbitLinear, (5,)),
    MovingCase("lifting-1d", OrbitConv1d, (4,)),
    MovingCase("lifting-1d-joint", OrbitConv1d, (3,), joint=True),
    MovingCase("lifting-2d", OrbitConv2d, (3, 3)),
    MovingCase("lifting-2d-oblong", OrbitConv2d, (2, 3)),
    MovingCase("lifting-2d-joint", OrbitConv2d, (2, 2), joint=True),
    MovingCase("regular-1d", GroupConv1d, (4,), lifts=False),
    MovingCase("regular-2d", GroupConv2d, (3, 3), lifts=False),
    MovingCase("regular-2d-single", GroupConv2d, (1, 1), lifts=False),
)


@dataclass(frozen=True, repr=False)
class FieldCase:
    """A layer of functions on a group, (B, C, n, ...), without filters.

    Attributes:
        name: what the test is called.
        build: makes one for so many channels.
        invariant: does it reduce the axis of elements?
        axes: numbers of axes of space that it takes.
    """

    name: str
    build: Callable[[int, FiniteGroup], nn.Module]
    invariant: bool = False
    axes: tuple[int, ...] = (0, 1, 2)

    def __str__(self) -> str:
        return self.name


FIELDS = (
    FieldCase("batch-norm", lambda channels, _: GroupBatchNorm(channels)),
    FieldCase("layer-norm", lambda channels, _: GroupLayerNorm(channels)),
    FieldCase("dropout", lambda *_: GroupDropout(0.5)),
    FieldCase("space-pool", lambda *_: SpacePool(2), axes=(2,)),
    FieldCase("space-pool-1d", lambda *_: SpacePool(2, axes=1), axes=(1,)),
    FieldCase("max", lambda *_: GroupPool("max"), invariant=True),
    FieldCase("mean", lambda *_: GroupPool("mean"), invariant=True),
    FieldCase(
        "triple-correlation",
        lambda _, group: GroupPool("triple-correlation", group),
        invariant=True,
    ),
)


def shaken(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """The module with other parameters and statistics than it starts with."""
    with torch.no_grad():
        for value in [*module.parameters(), *module.buffers()]:
            if value.is_floating_point() and value.ndim == 1:
                value.add_(torch.rand(value.shape, generator=rng, dtype=value.dtype))
    return module


def left_multiplied(field: Tensor, group: FiniteGroup, h: int) -> Tensor:
    """Entry g becomes entry h^-1 g, along axis 2."""
    table, inverse = group.cayley_table, int(group.inverses[h])
    return field[:, :, table[inverse].tolist()]
