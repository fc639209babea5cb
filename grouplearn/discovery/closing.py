"""From a few approximate generators to the finite group they generate, acting exactly."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.errors import ClosureError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.nearest import nearest_exact
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
)

LARGEST = 384
_ROUNDS = 8
_LARGEST_NORM = 1e4

Array = NDArray[np.float64]


def close_matrices(
    generators: Sequence[Float[np.ndarray, "d d"]],
    root: Float[np.ndarray, "d d"],
    tolerance: float,
) -> LearnedRepresentation | None:
    """The exact representation of the finite group that approximate generators generate.

    Products are spelled breadth first; two that differ by less than the tolerance are one element.
    The table found so gives the group, and the generators are then averaged over it,

        rho'(s) = 1/|G| sum_h rho(s h) rho(h)^-1,

    which, repeated, converges quadratically to a homomorphism.

    Args:
        generators: (d, d) each, nearly closing.
        root: (d, d), in which distances are measured: ||(A - B) root|| / ||root||.
        tolerance: relative distance below which elements are the same.

    Returns:
        A representation of the group, its generators among the given ones, in their order (the
        turn before the reflection for dihedral groups); None when more than 384 elements come up,
        or when they are no group.

    References:
        Grove, Karcher, Ruh, 1974, Group actions and curvature (averaging almost homomorphisms).
    """
    spelled = _spell(generators, root, tolerance)
    if spelled is None:
        return None
    elements, moves = spelled
    if any(len(set(move)) < len(move) for move in moves):
        return None
    kept = _independent(moves)
    if not kept:
        return FixedRepresentation(CyclicGroup(1), torch.empty(0, *root.shape, dtype=torch.float64))
    table = FiniteGroup.from_permutations(np.array([moves[k] for k in kept]))
    if table.order != len(elements):
        return None
    return _represent(table, [generators[k] for k in kept])


def permutation_near(matrix: Float[np.ndarray, "d d"]) -> NDArray[np.int64]:
    """Images of coordinates under the permutation nearest to a matrix: i moves to images[i]."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(matrix, maximize=True)
    images = np.empty(len(matrix), dtype=np.int64)
    images[columns] = rows
    return images


def _spell(
    generators: Sequence[Array], root: Array, tolerance: float
) -> tuple[list[Array], list[list[int]]] | None:
    """All products, and for each generator s the index of s e for every element e."""
    elements = [np.eye(len(root))]
    seen = [root.ravel()]
    size = float(np.linalg.norm(root))
    moves: list[list[int]] = [[] for _ in generators]
    position = 0
    while position < len(elements):
        for move, generator in zip(moves, generators, strict=True):
            product = generator @ elements[position]
            flat = (product @ root).ravel()
            if np.linalg.norm(flat) > _LARGEST_NORM * size:
                return None
            apart = np.linalg.norm(np.stack(seen) - flat, axis=1) / size
            nearest = int(apart.argmin())
            if apart[nearest] > tolerance:
                nearest = len(elements)
                elements.append(product)
                seen.append(flat)
                if nearest == LARGEST:
                    return None
            move.append(nearest)
        position += 1
    return elements, moves


def _independent(moves: Sequence[list[int]]) -> list[int]:
    """Positions of the generators that are no product of earlier ones."""
    kept: list[int] = []
    for k, move in enumerate(moves):
        reached = {0}
        frontier = [0]
        while frontier:
            frontier = list({moves[j][e] for e in frontier for j in kept} - reached)
            reached.update(frontier)
        # The element s is where s moves the identity to.
        if move[0] not in reached:
            kept.append(k)
    return kept


def _represent(table: FiniteGroup, generators: Sequence[Array]) -> LearnedRepresentation | None:
    near = torch.as_tensor(np.stack(generators))
    orders = [int(table.element_orders[g]) for g in table.generators]
    group: FiniteGroup = table
    if len(orders) == 1:
        group = CyclicGroup(orders[0])
    elif len(orders) == 2 and _is_dihedral(table, *table.generators):
        group = DihedralGroup(orders[0])
    elif len(orders) == 2 and _is_dihedral(table, *table.generators[::-1]):
        group, near = DihedralGroup(orders[1]), near.flip(0)
    elif table.is_abelian and prod(orders) == table.order:
        group = ProductGroup(*map(CyclicGroup, orders))
    if isinstance(group, CyclicGroup | DihedralGroup):
        try:
            rep = DenseRepresentation(group, near.shape[-1], near=near, dtype=torch.float64)
            return nearest_exact(rep).representation
        except ClosureError:
            return None
    return _averaged(group, near)


def _is_dihedral(table: FiniteGroup, r: int, s: int) -> bool:
    turned = table.multiply(s, table.multiply(r, s))
    return bool(
        table.element_orders[r] > 2
        and table.element_orders[s] == 2
        and turned == table.inverse(r)
        and table.order == 2 * table.element_orders[r]
    )


def _averaged(group: FiniteGroup, near: torch.Tensor) -> FixedRepresentation:
    everything = np.arange(group.order)
    for _ in range(_ROUNDS):
        matrices = FixedRepresentation(group, near).matrices()
        inverses = torch.linalg.inv(matrices)
        near = torch.stack(
            [(matrices[group.multiply(s, everything)] @ inverses).mean(0) for s in group.generators]
        )
    return FixedRepresentation(group, near)
