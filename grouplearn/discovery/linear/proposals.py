"""Proposed groups: exact orthogonal matrices, the abstract group, and its subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup
from grouplearn.groups.subgroups import generating_elements, subgroups_up_to_conjugacy
from grouplearn.groups.table import TableGroup

MOST = 30
_SAME = 1e-6
_LARGEST_LATTICE = 60


@final
@dataclass(frozen=True, eq=False)
class Proposal:
    """A finite group of matrices that whitened rows may have as a symmetry.

    Attributes:
        group: the abstract group.
        matrices: (n, d, d) orthogonal, one for each element of the group in its order; a
            homomorphism to rounding.
        score: the share of the energy of the moments that the group keeps, noise taken off; about
            1 for a symmetry.
        excess: of the energy lost over what noise alone loses, in standard deviations; no more
            than a few for a symmetry.
        stretch: (d, d) symmetric S near I: the rows S y have the matrices as a symmetry more
            nearly than the rows y, whose covariance is known only up to noise. I where no better
            is known.
        centre: (d,), near 0: the point that the group keeps; the mean of the rows up to noise.
        label: Schoenflies' symbol of a point group, such as "T_d"; else the group's name.
    """

    group: FiniteGroup
    matrices: Float[np.ndarray, "n d d"]
    score: float
    excess: float
    stretch: Float[np.ndarray, "d d"]
    centre: Float[np.ndarray, " d"]
    label: str

    @cached_property
    def acting(self) -> Float[np.ndarray, "n d d"]:
        """S^-1 rho(g) S: the action on the rows y - centre, as exactly as the data tell."""
        return np.asarray(np.linalg.solve(self.stretch, self.matrices @ self.stretch))


def closure(generators: Sequence[Float[np.ndarray, "d d"]], most: int) -> NDArray[np.float64]:
    """(n, d, d), all products of exact generators, the identity first.

    Args:
        generators: matrices that generate a finite group, exact to rounding.
        most: the largest order expected.

    Raises:
        ValueError: more elements come up.
    """
    dim = len(generators[0])
    elements = np.empty((most, dim, dim))
    elements[0] = np.eye(dim)
    count, position = 1, 0
    while position < count:
        for generator in generators:
            product = generator @ elements[position]
            if np.abs(elements[:count] - product).max((1, 2)).min() > _SAME:
                if count == most:
                    raise ValueError(f"more than {most} elements")
                elements[count] = product
                count += 1
        position += 1
    return elements[:count].copy()


def abstract_group(
    matrices: Float[np.ndarray, "n d d"],
) -> tuple[FiniteGroup, Int[np.ndarray, " n"]]:
    """The abstract group of an exact finite group of matrices.

    Args:
        matrices: distinct and closed under multiplication, the identity first.

    Returns:
        The group, cyclic, dihedral or given by its table, and for each of its elements the
        position of its matrix.
    """
    table = cayley_table(matrices)
    group = TableGroup(table, ())
    orders = group.element_orders
    count = len(matrices)
    longest = int(orders.argmax())
    powers = _powers(table, longest, int(orders[longest]))
    if len(powers) == count:
        return CyclicGroup(count), powers
    if 2 < len(powers) == count // 2:
        outside = np.setdiff1d(np.arange(count), powers)
        if (orders[outside] == 2).all():
            return DihedralGroup(len(powers)), np.r_[powers, table[powers, outside[0]]]
    return TableGroup(table, generating_elements(group, np.arange(count))), np.arange(count)


def cayley_table(matrices: Float[np.ndarray, "n d d"]) -> NDArray[np.int64]:
    """(n, n) positions of the products, told apart by one random projection."""
    direction = np.random.default_rng(0).standard_normal(matrices.shape[1:])
    keys = np.tensordot(matrices, direction, 2)
    order = np.argsort(keys)
    # <a b, w> = <b, a^T w>.
    found = np.tensordot(matrices.swapaxes(1, 2) @ direction, matrices, ((1, 2), (1, 2)))
    middles = (keys[order][1:] + keys[order][:-1]) / 2
    return np.asarray(order[np.searchsorted(middles, found)], dtype=np.int64)


def subgroups(matrices: Float[np.ndarray, "n d d"]) -> list[NDArray[np.int64]]:
    """Proper subgroups up to conjugacy, the largest first, the trivial one left out.

    For orders up to 60 all of them. A larger group is looked at through its subgroups of index 2
    and theirs, and, where it contains -I, through the subgroups H of its rotations: H, H x {I, -I},
    and K + -(H - K) for K of index 2 in H.

    Args:
        matrices: as in `abstract_group`.

    Returns:
        Sorted positions of the elements of each.
    """
    table = cayley_table(matrices)
    whole = TableGroup(table, ())
    whole = TableGroup(table, generating_elements(whole, np.arange(len(table))))
    if len(matrices) <= _LARGEST_LATTICE:
        found = list(subgroups_up_to_conjugacy(whole))
    else:
        found = _large(matrices, whole)
    proper = [each for each in found if 1 < len(each) < len(matrices)]
    return sorted(proper, key=lambda each: -len(each))


def contains(large: Float[np.ndarray, "n d d"], small: Float[np.ndarray, "m d d"]) -> float:
    """The largest distance, as a matrix norm, of an element of one set from the other set."""
    flat, other = large.reshape(len(large), -1), small.reshape(len(small), -1)
    square = (flat**2).sum(1) + (other**2).sum(1)[:, None] - 2 * other @ flat.T
    return float(np.sqrt(max(0.0, float(square.min(1).max()))))


def _powers(table: NDArray[np.int64], element: int, order: int) -> NDArray[np.int64]:
    out = [0]
    for _ in range(order - 1):
        out.append(int(table[out[-1], element]))
    return np.array(out)


def _large(matrices: NDArray[np.float64], whole: FiniteGroup) -> list[NDArray[np.int64]]:
    found: dict[bytes, NDArray[np.int64]] = {}
    waiting = _halves(whole, np.arange(whole.order))
    rotations = np.flatnonzero(np.linalg.det(matrices) > 0)
    inversion = np.flatnonzero(np.abs(matrices + np.eye(matrices.shape[-1])).max((1, 2)) < _SAME)
    if len(inversion) and 2 * len(rotations) == whole.order and len(rotations) <= _LARGEST_LATTICE:
        inner = whole.subgroup(rotations.tolist())
        # The subgroup numbers its elements anew: match them by their words in the generators.
        place = _embedding(whole, inner, rotations)
        negative = whole.multiply(np.arange(whole.order), int(inversion[0]))
        for members in subgroups_up_to_conjugacy(inner):
            own = np.sort(place[members])
            waiting += [own, np.sort(np.r_[own, negative[own]])]
            for half in _halves(whole, own):
                waiting.append(np.sort(np.r_[half, negative[np.setdiff1d(own, half)]]))
        return list({_conjugates(whole, each): each for each in waiting}.values())
    while waiting:
        members = waiting.pop()
        if members.tobytes() not in found:
            found[members.tobytes()] = members
            waiting += _halves(whole, members)
    return list(found.values())


def _conjugates(whole: FiniteGroup, members: NDArray[np.int64]) -> bytes:
    """The least of the conjugates of a subgroup, as a key."""
    everything = np.arange(whole.order)
    moved = whole.multiply(everything[:, None], members)
    moved = np.sort(whole.multiply(moved, whole.inverses[:, None]), axis=1)
    return min(row.tobytes() for row in moved)


def _embedding(
    whole: FiniteGroup, inner: FiniteGroup, seeds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where the elements of a subgroup made by `FiniteGroup.subgroup` stand in the group."""
    kept: list[int] = []
    members = whole.generated(kept)
    for seed in seeds.tolist():
        if seed not in members:
            kept.append(seed)
            members = whole.generated(kept)
    place = np.full(inner.order, -1, dtype=np.int64)
    place[0], frontier = 0, [0]
    for element in frontier:
        for own, there in zip(inner.generators, kept, strict=True):
            product = int(inner.multiply(element, own))
            if place[product] < 0:
                place[product] = int(whole.multiply(int(place[element]), there))
                frontier.append(product)
    return place


def _halves(whole: FiniteGroup, members: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Subgroups of index 2: they contain all squares, so they are few cosets of those."""
    squares = whole.generated(np.unique(whole.multiply(members, members)).tolist())
    cosets: list[NDArray[np.int64]] = []
    rest = members
    while len(rest):
        coset = np.unique(whole.multiply(int(rest[0]), squares))
        cosets.append(coset)
        rest = np.setdiff1d(rest, coset)
    rank = len(cosets).bit_length() - 1
    if not 1 <= rank <= 4:
        return []
    # Coordinates of the cosets over the field of two elements.
    number = {int(c[0]): 0 for c in cosets[:1]}
    basis: list[NDArray[np.int64]] = []
    for coset in cosets:
        if int(coset[0]) not in number:
            bit = 1 << len(basis)
            basis.append(coset)
            for known, value in list(number.items()):
                moved = int(np.min(whole.multiply(int(coset[0]), whole.multiply(known, squares))))
                number[moved] = value | bit
    out = []
    for mask in range(1, 1 << rank):
        own = [c for c in cosets if bin(number[int(c[0])] & mask).count("1") % 2 == 0]
        out.append(np.sort(np.concatenate(own)))
    return out
