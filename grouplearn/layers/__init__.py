"""Layers of equivariant networks: filters that a representation moves, and what goes between."""

from grouplearn.layers.convolution import (
    FilterBank,
    GroupConv1d,
    GroupConv2d,
    OrbitConv1d,
    OrbitConv2d,
)
from grouplearn.layers.equivariant import GroupLinear
from grouplearn.layers.field_activations import FieldActivation, FieldPool
from grouplearn.layers.fields import FieldConv1d, Fields
from grouplearn.layers.linear import OrbitLinear
from grouplearn.layers.normalisation import GroupBatchNorm, GroupDropout, GroupLayerNorm
from grouplearn.layers.pooling import GroupPool, SpacePool

__all__ = [
    "FieldActivation",
    "FieldConv1d",
    "FieldPool",
    "Fields",
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
