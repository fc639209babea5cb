"""Training terms made of defects."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn.defects import relator_defects
from grouplearn.representations.base import LearnedRepresentation

Scalar = Float[Tensor, ""]


def invertibility_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over generators of ||A A~ - I||_F, the source's invertibility loss.

    A~ is the learned inverse of a `DenseRepresentation`; for classes without one it is the true
    inverse and the loss is zero up to rounding.

    Args:
        rep: a representation.
        mu: weight; the source takes 1e-4 for classification, 1e-2 for reconstruction.

    Returns:
        Scalar tensor.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.
    """
    product = rep.generators() @ rep.inverse_generators()
    eye = torch.eye(rep.dim).to(product)
    return mu * torch.linalg.matrix_norm(product - eye).sum()


def singular_value_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over generators and singular values of abs(1 - sigma_i): pulls A to orthogonal.

    Args:
        rep: a representation.
        mu: weight.

    Returns:
        Scalar tensor.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.
    """
    return mu * (1 - torch.linalg.svdvals(rep.generators())).abs().sum()


def closure_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over relators w of ||rho(w) - I||_F^2 / d: pulls towards the group's relations.

    Args:
        rep: representation of dimension d.
        mu: weight.

    Returns:
        Scalar tensor; zero exactly for representations.
    """
    return mu * relator_defects(rep).square().sum()
