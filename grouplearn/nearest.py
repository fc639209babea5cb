"""The exactly closing representation near an approximate one."""

from __future__ import annotations

from typing import NamedTuple

import torch

from grouplearn._checks import finite
from grouplearn.defects import distance
from grouplearn.errors import ClosureError, InputError
from grouplearn.representations.base import LearnedRepresentation
from grouplearn.representations.exactness import assert_holds
from grouplearn.representations.families import as_family
from grouplearn.representations.spectral import SpectralRepresentation


class NearestExact(NamedTuple):
    """Result of `nearest_exact`.

    Attributes:
        representation: closes exactly.
        distance: Frobenius distance that the generators moved, relative to their norm.
    """

    representation: SpectralRepresentation
    distance: float


def nearest_exact(rep: LearnedRepresentation) -> NearestExact:
    """The exactly closing representation near an approximate one of a cyclic or dihedral group.

    The eigenvalues of the turn are rounded to roots of unity, by its spectral projectors; for a
    dihedral group, the part of the reflection that inverts the rounded turn is then rounded to an
    involution by the matrix sign. Both commute with every change of basis, so that the result is
    the same whether the input is made orthogonal first or not, and need not be orthogonal. For
    noise of relative size e on the generators of an orthogonal representation (d <= 64) the result
    lies within 5 e of the truth. How well the result closes in rep's dtype is measured before it is
    returned.

    Args:
        rep: any representation of dimension d of a group isomorphic to C_n or D_n. The result is
            of a `CyclicGroup` or `DihedralGroup`, by the generators that `as_family` chooses.

    Returns:
        The exact representation, in rep's dtype and device, and how far the generators moved.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
        InputError: a generator is not finite.
        ClosureError: an eigenvalue is nearer to zero than to the unit circle, or is real and lies
            between two roots of unity, or the reflection does not invert the turn; or the result
            lies in a basis in which numbers of rep's dtype cannot hold the relations: the error has
            its condition number.

    Cost:
        O(n d^3) time.

    References:
        Higham, Functions of Matrices (2008), sections 1.5 and 5.1.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import DenseRepresentation
        >>> quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        >>> noisy = DenseRepresentation(CyclicGroup(4), 2, near=quarter + 0.01)
        >>> exact, moved = nearest_exact(noisy)
        >>> torch.allclose(exact.generators()[0], quarter, atol=0.02), moved < 0.02
        (True, True)
    """
    from grouplearn.representations.rounding import round_generators

    who = "nearest_exact"
    rep = as_family(rep)
    approximate = finite(who, "rep.generators()", rep.generators().detach())
    counts, columns = round_generators(who, rep.group, approximate.cpu().double().numpy())
    exact = SpectralRepresentation(
        rep.group, rep.dim, multiplicities=counts, rng=torch.Generator(), dtype=torch.float64
    )
    exact.basis = torch.nn.Parameter(torch.as_tensor(columns))
    exact.to(rep.device).to(rep.dtype)
    try:
        assert_holds(who, "rep", exact, torch.as_tensor(columns))
    except InputError as problem:
        raise ClosureError(str(problem)) from None
    if not rep.group.generators:
        return NearestExact(exact, 0.0)
    with torch.no_grad():
        return NearestExact(exact, float(distance(exact, rep)))
