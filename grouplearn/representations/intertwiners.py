"""All linear maps between two representations that commute with the group."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import instance, refuse
from grouplearn.representations.base import LearnedRepresentation

Moves: TypeAlias = tuple[Tensor, Tensor]
"""Where each element takes coordinates, and their signs, both (n, d)."""
_WHO = "intertwiners"
_MOST_NUMBERS = 1 << 27
_NEARLY = 1e-2
_SEED = 0


def intertwiners(
    first: LearnedRepresentation, second: LearnedRepresentation
) -> Float[Tensor, "k d2 d1"]:
    """A basis of the maps W with rho2(g) W = W rho1(g) for every element g.

    There are as many as the mean of tr rho2(g) tr rho1(g^-1) over the group says, by the
    orthogonality of characters. The mean of rho2(g) X rho1(g)^-1 over the group is such a map for
    every X, so that as many random X span them all. Where both permute coordinates, perhaps with
    changes of sign, X is one entry, and a map is an orbit of entries: exact, and mostly zeros.

    Args:
        first: rho1, on R^d1.
        second: rho2, on R^d2, of the same group.

    Returns:
        float64, orthonormal as vectors of d2 d1 numbers; the same for the same representations.

    Raises:
        InputError: the groups differ, the representations do not close well enough that the number
            of maps is a whole one, or there would be more than 2^27 numbers.

    Cost:
        O(n k d^3) time, and O((n + k d2) d1) numbers, for a group of order n.

    References:
        Serre, Linear representations of finite groups (1977), chapter 2.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> turn = FixedRepresentation.from_permutations([[1, 2, 3, 0]])
        >>> intertwiners(turn, turn).shape  # circulant matrices
        torch.Size([4, 4, 4])
    """
    inverses, matrices = _checked_matrices(first, second)
    count = _whole_number(inverses, matrices)
    size = first.dim * second.dim
    if count * size > _MOST_NUMBERS:
        refuse(_WHO, "first and second", f"of a basis of at most {_MOST_NUMBERS:,} numbers",
               f"{count:,} maps of {size:,} numbers", "use smaller representations")  # fmt: skip
    moved = [_moves(each) for each in (inverses.mT, matrices)]
    if moved[0] is not None and moved[1] is not None:
        return _orbits(moved[0], moved[1])
    rng = torch.Generator().manual_seed(_SEED)
    found = torch.zeros(count, second.dim, first.dim, dtype=torch.float64)
    drawn = torch.randn(found.shape, generator=rng, dtype=torch.float64, device="cpu")
    for matrix, inverse in zip(matrices, inverses, strict=True):
        found += matrix @ drawn @ inverse
    flat = torch.linalg.qr(found.reshape(count, size).mT).Q.mT
    return flat.reshape(count, second.dim, first.dim)


def intertwiner_count(first: LearnedRepresentation, second: LearnedRepresentation) -> int:
    """The number of maps that `intertwiners` returns, without making them.

    Args:
        first: as for `intertwiners`.
        second: as for `intertwiners`.

    Raises:
        InputError: the groups differ, or the representations do not close.

    Example:
        >>> from grouplearn.representations import FixedRepresentation
        >>> turn = FixedRepresentation.from_permutations([[1, 2, 3, 0]])
        >>> intertwiner_count(turn, turn)
        4
    """
    return _whole_number(*_checked_matrices(first, second))


def _checked_matrices(
    first: LearnedRepresentation, second: LearnedRepresentation
) -> tuple[Float[Tensor, "n d1 d1"], Float[Tensor, "n d2 d2"]]:
    """rho1(g)^-1 and rho2(g) of all elements, float64 on the CPU."""
    for name, given in (("first", first), ("second", second)):
        instance(_WHO, name, given, LearnedRepresentation, "pass found.representation, for example")
        if given.device.type == "meta":
            refuse(_WHO, name, "a representation that holds numbers", "one on the device 'meta'",
                   "build it on the CPU")  # fmt: skip
    if first.group != second.group:
        refuse(_WHO, "second", f"of the group of the first, {first.group!r}", repr(second.group),
               "use one group object for both")  # fmt: skip
    with torch.no_grad():
        inverses = first.dual_matrices().detach().double().cpu().mT
        return inverses, second.matrices().detach().double().cpu()


def _whole_number(inverses: Float[Tensor, "n d1 d1"], matrices: Float[Tensor, "n d2 d2"]) -> int:
    """The mean product of traces, which counts the maps."""
    trace: Any = torch.einsum("gii,gjj->", matrices, inverses) / len(matrices)
    count = round(float(trace))
    if abs(float(trace) - count) > _NEARLY:
        refuse(_WHO, "first and second", "representations that close",
               f"{float(trace):.3f} maps in place of a whole number",
               "pass nearest_exact(rep).representation")  # fmt: skip
    return count


def _moves(matrices: Float[Tensor, "n d d"]) -> Moves | None:
    """Where each element takes coordinates, and with which sign; None where it does otherwise."""
    places = matrices.abs().argmax(1)
    signs = matrices.gather(1, places[:, None])[:, 0]
    exact = torch.zeros_like(matrices).scatter_(1, places[:, None], signs[:, None])
    if not torch.equal(exact, matrices) or not bool((signs.abs() == 1).all()):
        return None
    return places, signs


def _orbits(first: Moves, second: Moves) -> Float[Tensor, "k d2 d1"]:
    """The sums of entries over the group, those left out that cancel, in the order of places."""
    d1, d2 = first[0].shape[1], second[0].shape[1]
    entries = torch.arange(d1 * d2)
    least, cancels = entries.clone(), torch.zeros(d1 * d2, dtype=torch.bool)
    images, signs = [], []
    for places1, signs1, places2, signs2 in zip(*first, *second, strict=True):
        images.append((places2[:, None] * d1 + places1).flatten())
        signs.append((signs2[:, None] * signs1).flatten())
        least = torch.minimum(least, images[-1])
        cancels |= (images[-1] == entries) & (signs[-1] < 0)
    chosen = entries[(least == entries) & ~cancels]
    found = torch.zeros(len(chosen), d1 * d2, dtype=torch.float64)
    for image, sign in zip(images, signs, strict=True):
        found[torch.arange(len(chosen)), image[chosen]] = sign[chosen]
    found /= found.norm(dim=1, keepdim=True)
    return found.reshape(-1, d2, d1)
