"""Measured violations of the laws of a representation, as differentiable scalars."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.groups import irrep_characters, real_irreps
from grouplearn.linalg import wide
from grouplearn.representations.base import LearnedRepresentation, relator_matrices, true_inverses

Scalar = Float[Tensor, ""]


def closure_defect(rep: LearnedRepresentation) -> Scalar:
    """How far the generators are from obeying the group's relations.

    max over relators w of ||rho(w) - I||_F / sqrt(d); zero exactly when the generators define a
    representation. For C_n: ||A^n - I||_F / sqrt(d).

    Args:
        rep: representation of dimension d.

    Returns:
        Scalar tensor, differentiable; 0 for the trivial group.

    Cost:
        O(d^3 log L) per relator of length L.
    """
    return _max(relator_defects(rep))


def relator_defects(rep: LearnedRepresentation) -> Float[Tensor, " r"]:
    """||rho(w) - I||_F / sqrt(d) of every relator w."""
    return torch.linalg.matrix_norm(relator_gaps(rep)) / rep.dim**0.5


def relator_gaps(rep: LearnedRepresentation) -> Float[Tensor, "r d d"]:
    """rho(w) - I of every relator w."""
    negative = any(e < 0 for word in rep.group.relators for _, e in word)
    generators = rep.generators()
    inverses = rep.inverse_generators() if negative else generators
    return _minus_identity(relator_matrices(rep.group, generators, inverses))


def homomorphism_defect(rep: LearnedRepresentation) -> Scalar:
    """How far rho(g) rho(h) is from rho(g h): max over all pairs of ||.||_F / sqrt(d).

    Args:
        rep: representation of dimension d of a group of order n.

    Returns:
        Scalar tensor, differentiable.

    Cost:
        O(n^2 d^3) time; O(n d^2) memory without gradients.
    """
    matrices = rep.matrices()
    worst = matrices.new_zeros(())
    for g in range(rep.group.order):
        row = rep.group.multiply(g, np.arange(rep.group.order)).tolist()
        gap = matrices[g] @ matrices - matrices[row]
        worst = torch.maximum(worst, torch.linalg.matrix_norm(gap).max())
    return worst / rep.dim**0.5


def orthogonality_defect(rep: LearnedRepresentation) -> Scalar:
    """How far the generators are from orthogonal: max of ||A^T A - I||_F / sqrt(d).

    Args:
        rep: representation of dimension d.

    Returns:
        Scalar tensor, differentiable; 0 for the trivial group.
    """
    generators = rep.generators()
    return _max(_distance_to_identity(generators.mT @ generators))


def invertibility_defect(rep: LearnedRepresentation, *, true_inverse: bool = False) -> Scalar:
    """How far the inverses are from inverting: max over generators of ||A A~ - I||_F / sqrt(d).

    Args:
        rep: representation of dimension d.
        true_inverse: use the computed inverse even where the class learns its own; what is left is
            then rounding, of the size of the condition number times the machine precision.

    Returns:
        Scalar tensor, differentiable; 0 for the trivial group.

    Raises:
        InputError: the true inverse is needed, and a generator is singular.
    """
    generators = rep.generators()
    inverses = (
        true_inverses("invertibility_defect", generators)
        if true_inverse
        else rep.inverse_generators()
    )
    return _max(_distance_to_identity(generators @ inverses))


def condition_number(rep: LearnedRepresentation) -> Scalar:
    """Largest ratio of the extreme singular values among the generators; 1 means orthogonal.

    Args:
        rep: a representation.

    Returns:
        Scalar tensor, differentiable; infinite for a singular generator, 1 for the trivial group.
    """
    generators = rep.generators()
    if not len(generators):
        return generators.new_ones(())
    values = torch.linalg.svdvals(generators.to(wide(generators.dtype))).to(generators.dtype)
    largest, smallest = values[:, 0], values[:, -1]
    return torch.where(smallest > 0, largest / smallest, torch.inf).max()


def character(rep: LearnedRepresentation) -> Float[Tensor, " n"]:
    """Traces of rho(g), element by element; constant on conjugacy classes if rho closes."""
    return torch.diagonal(rep.matrices(), dim1=-2, dim2=-1).sum(-1)


def isotypic_multiplicities(rep: LearnedRepresentation) -> Float[Tensor, " irreps"]:
    """How often each real irrep occurs: inner products of characters.

    Whole numbers exactly where rho closes; how far they are from whole says how far it does not.

    Args:
        rep: representation of a cyclic or dihedral group.

    Returns:
        One real number per irrep of `groups.real_irreps(rep.group)`.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.

    References:
        Serre, Linear Representations of Finite Groups (1977), section 2.3.
    """
    irreps = torch.as_tensor(irrep_characters(rep.group), dtype=rep.dtype, device=rep.device)
    endomorphisms = [irrep.endomorphisms for irrep in real_irreps(rep.group)]
    scale = rep.group.order * torch.tensor(endomorphisms, dtype=rep.dtype, device=rep.device)
    return irreps @ character(rep) / scale


def distance(rep: LearnedRepresentation, truth: LearnedRepresentation) -> Scalar:
    """||rho(s) - truth(s)||_F / ||truth(s)||_F, over all generators s together.

    Args:
        rep: a representation.
        truth: another of the same group and dimension; all distances in the trivial group are 0.

    Raises:
        InputError: group or dimension differ.
    """
    if rep.group != truth.group or rep.dim != truth.dim:
        refuse(
            "distance", "truth", f"a representation of {rep.group} in dimension {rep.dim}",
            f"one of {truth.group} in dimension {truth.dim}", "compare like with like",
        )  # fmt: skip
    target = truth.generators()
    if not len(target):
        return target.new_zeros(())
    size = target.detach().abs().max()  # whose square may be beyond the largest number
    size = torch.where(size > 0, size, 1.0)
    gap = torch.linalg.vector_norm((rep.generators() - target) / size)
    return gap / torch.linalg.vector_norm(target / size)


def _minus_identity(matrices: Tensor) -> Tensor:
    return matrices - torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)


def _distance_to_identity(matrices: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(_minus_identity(matrices)) / matrices.shape[-1] ** 0.5


def _max(values: Tensor) -> Tensor:
    return values.max() if len(values) else values.sum()
