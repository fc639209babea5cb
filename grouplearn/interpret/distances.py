"""How far actions are apart, whatever basis each is written in."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor

from grouplearn._checks import float_tensor, instance, refuse
from grouplearn.defects import character
from grouplearn.interpret.operations import real_numbers
from grouplearn.representations import LearnedRepresentation, intertwiners

_SEED = 0
_NOTHING = 1e-6
"""Singular values of an intertwiner below this part of the largest are rounding."""


def spectral_distance(
    first: ArrayLike | Float[Tensor, "d d"], second: ArrayLike | Float[Tensor, "d d"]
) -> float:
    """How far the eigenvalues of two matrices are apart, paired as well as can be.

    min over permutations s of sqrt(1/d sum over i of abs(lambda_i - mu_s(i))^2). No change of
    basis of either matrix matters. For normal matrices A and B, orthogonal ones among them, it is
    the least ||U A U* - B||_F / sqrt(d) over unitary U.

    Args:
        first: (d, d), real.
        second: (d, d), real.

    Returns:
        From 0, where the spectra agree, to 2 for orthogonal matrices.

    Raises:
        InputError: the matrices are not square, of one size, and finite.

    Cost:
        O(d^3) time.

    References:
        Hoffman and Wielandt, The variation of the spectrum of a normal matrix (1953), theorem 1.

    Example:
        >>> round(spectral_distance(np.eye(2), [[0.0, -1.0], [1.0, 0.0]]), 4)  # |1 - i|
        1.4142
    """
    from scipy.optimize import linear_sum_assignment

    who = "spectral_distance"
    a, b = (
        torch.as_tensor(real_numbers(who, name, given, "a matrix of real numbers"))
        for name, given in (("first", first), ("second", second))
    )
    a = float_tensor(who, "first", a, (None, None))
    b = float_tensor(who, "second", b, tuple(a.shape))
    if a.shape[0] != a.shape[1] or not len(a):
        refuse(who, "first", "a square matrix", tuple(a.shape), "pass one (d, d) matrix")
    values = [np.linalg.eigvals(each.detach().cpu().numpy()) for each in (a, b)]
    apart = np.abs(values[0][:, None] - values[1]) ** 2
    return float(np.sqrt(apart[linear_sum_assignment(apart)].mean()))


def character_distance(first: LearnedRepresentation, second: LearnedRepresentation) -> float:
    """How far the characters of two representations are apart, in units of the dimension.

    sqrt(1/n sum over g of (tr rho1(g) - tr rho2(g))^2) / d. No change of basis matters, and where
    both close, it is 0 exactly if one is the other in another basis: it is then
    sqrt(sum over real irreps of c (m1 - m2)^2) / d, with multiplicities m and c the dimension of
    what commutes with the irrep.

    Args:
        first: on R^d.
        second: on R^d, of the same group.

    Returns:
        A number that obeys the triangle inequality.

    Raises:
        InputError: group or dimension differ.

    Cost:
        That of `matrices()`.

    References:
        Serre, Linear representations of finite groups (1977), section 2.3.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> swap = FixedRepresentation.from_permutations([[1, 0]])
        >>> character_distance(swap, swap)
        0.0
    """
    _check("character_distance", first, second)
    with torch.no_grad():
        gaps = character(first).double().cpu() - character(second).double().cpu()
    return float(gaps.square().mean().sqrt()) / first.dim


def intertwiner_distance(first: LearnedRepresentation, second: LearnedRepresentation) -> float:
    """How far two representations are apart in the best bases, those that make them orthogonal.

    The least sqrt(1/(n d) sum over g of ||Q rho1(g) Q^T - rho2(g)||_F^2) over orthogonal Q, of
    representations that have been made orthogonal. The sum over g is 2 n (d - ||P Q||_F^2), P the
    projection on the maps that commute with the group, so that the least is sqrt(2 (1 - r / d)):
    r, the largest rank of an intertwiner, is the dimension of what both have in common.

    Args:
        first: on R^d.
        second: on R^d, of the same group.

    Returns:
        From 0, one is the other in another basis, to sqrt(2), they share no irrep.

    Raises:
        InputError: group or dimension differ, or a representation does not close;
            `nearest_exact` makes one that does.

    Cost:
        That of `intertwiners`.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> swap = FixedRepresentation.from_permutations([[1, 0, 2]])
        >>> intertwiner_distance(swap, swap)
        0.0
    """
    _check("intertwiner_distance", first, second)
    maps = intertwiners(first, second)
    rng = torch.Generator().manual_seed(_SEED)
    weights = torch.randn(len(maps), generator=rng, dtype=torch.float64, device="cpu")
    # Of almost every combination, the rank is the largest one.
    values = torch.linalg.svdvals(torch.einsum("k,kij->ij", weights, maps))
    shared = int((values > _NOTHING * values.max().clamp(min=_NOTHING)).sum())
    return (2 * (1 - shared / first.dim)) ** 0.5


def _check(who: str, first: LearnedRepresentation, second: LearnedRepresentation) -> None:
    for name, given in (("first", first), ("second", second)):
        instance(who, name, given, LearnedRepresentation, "pass found.representation, for example")
    if first.group != second.group or first.dim != second.dim:
        refuse(who, "second", f"a representation of {first.group} in dimension {first.dim}",
               f"one of {second.group} in dimension {second.dim}",
               "compare like with like")  # fmt: skip
