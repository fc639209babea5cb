"""Layers of equivariant networks: filters that a representation moves, and what goes between."""

from grouplearn.layers.convolution import (
    FilterBank,
    GroupConv1d,
    GroupConv2d,
    OrbitConv1d,
    OrbitConv2d,
)
from grouplearn.layers.equivariant import GroupLinear
from grouplearn.layers.linear import OrbitLinear
from grouplearn.layers.normalisation import GroupBatchNorm, GroupDropout, GroupLayerNorm
from grouplearn.layers.pooling import GroupPool, SpacePool

__all__ = [
    "FilterBank",
    "GroupBatchNorm",
    "GroupConv1d",
    "GroupConv2d",
    "GroupDropout",
    "GroupLayerNorm",
    "GroupLinear",
    "GroupPool",
    "OrbitConv1d",
    "OrbitConv2d",
    "OrbitLinear",
    "SpacePool",
]
