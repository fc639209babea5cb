"""The homomorphisms of a finite group onto {1, -1}: what tells its subgroups of index 2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

_ORDER = 256
_BITS = 4


def sign_characters(
    order: int, times: Callable[[int], Int[np.ndarray, " n"]]
) -> Float[np.ndarray, "characters n"]:
    """All characters with values 1 and -1 but the trivial one; none where they are more than 15.

    They are those of the quotient by the subgroup that all squares generate, which is C2^r.

    Args:
        order: n, of the group; above 256 nothing is sought.
        times: from k, the numbers of the products g k for all g; element 0 is the identity.

    Returns:
        (2^r - 1, n); the rows are distinct. None where the products are those of no group, as of
        matrices that do not close.

    Example:
        >>> sign_characters(4, lambda k: (np.arange(4) + k) % 4)
        array([[ 1., -1.,  1., -1.]])
    """
    if not 1 < order <= _ORDER:
        return np.zeros((0, order))
    table = np.stack([times(k) for k in range(order)], axis=1)
    if (np.sort(table, axis=0) != np.arange(order)[:, None]).any():
        return np.zeros((0, order))
    kernel = _generated(table, np.diagonal(table))
    # The coset of each element as a string of bits, one for each generator of the quotient.
    coset = np.where(kernel, 0, -1)
    bit = 1
    while (coset < 0).any() and bit < 1 << _BITS:
        known, other = np.flatnonzero(coset >= 0), np.flatnonzero(coset < 0)[0]
        coset[table[known, other]] = coset[known] | bit
        bit <<= 1
    if (coset < 0).any():
        return np.zeros((0, order))
    both = np.arange(1, bit)[:, None] & coset
    return np.array([(-1.0) ** int(each).bit_count() for each in both.flat]).reshape(both.shape)


def _generated(
    table: Int[np.ndarray, "n n"], generators: Int[np.ndarray, " m"]
) -> NDArray[np.bool_]:
    """The subgroup that some elements generate, as a mask."""
    inside = np.arange(len(table)) == 0
    for generator in generators:
        if inside[generator]:
            continue
        inside[generator] = True
        while True:
            members = np.flatnonzero(inside)
            reached = np.unique(table[np.ix_(members, members)])
            if inside[reached].all():
                break
            inside[reached] = True
    return inside
