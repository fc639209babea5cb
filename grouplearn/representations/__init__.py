"""Learned and fixed representations of finite groups."""

from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.compose import ChangeOfBasis, DirectSum, TensorProduct
from grouplearn.representations.dense import DenseRepresentation
from grouplearn.representations.elementary import regular, signs, trivial
from grouplearn.representations.families import as_family
from grouplearn.representations.fixed import FixedRepresentation
from grouplearn.representations.intertwiners import intertwiner_count, intertwiners
from grouplearn.representations.multiscale import MultiScaleRepresentation
from grouplearn.representations.restrict import restricted
from grouplearn.representations.skew import SkewRepresentation
from grouplearn.representations.spectral import SpectralRepresentation
from grouplearn.representations.toeplitz import ToeplitzRepresentation

__all__ = [
    "ChangeOfBasis",
    "DenseRepresentation",
    "DirectSum",
    "FixedRepresentation",
    "LearnedRepresentation",
    "MultiScaleRepresentation",
    "SkewRepresentation",
    "SpectralRepresentation",
    "TensorProduct",
    "ToeplitzRepresentation",
    "as_family",
    "intertwiner_count",
    "intertwiners",
    "regular",
    "restricted",
    "signs",
    "trivial",
]
