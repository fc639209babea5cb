"""The exact finite group near matrices that nearly generate one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

_ROUNDS = 8
_SETTLED = 1e-13


def closed(
    generators: Sequence[Float[np.ndarray, "d d"]], tolerance: float, most: int
) -> Float[np.ndarray, "n d d"] | None:
    """All elements of the finite group of orthogonal matrices that approximate ones generate.

    Products are spelled breadth first; two that differ by less than the tolerance are one element,
    and two that differ by less than twice as much are a sign that there is no such group. Then

        rho'(g) = polar factor of the sum over h of rho(g h) rho(h)^T

    is repeated, which converges quadratically to a homomorphism.

    Args:
        generators: (d, d) nearly orthogonal each.
        tolerance: of the root mean square over the d directions.
        most: the largest order.

    Returns:
        The elements, the identity first; None where there is no such group.

    References:
        Grove, Karcher, Ruh, 1974, Group actions and curvature (averaging almost homomorphisms).
    """
    spelled = _spelled(generators, tolerance * np.sqrt(len(generators[0])), most)
    if spelled is None:
        return None
    elements, moves, words = spelled
    table = np.empty((len(elements), len(elements)), dtype=np.int64)
    table[0] = np.arange(len(elements))
    for element, (letter, parent) in enumerate(words, start=1):
        table[element] = moves[letter, table[parent]]
    heads = moves[:, 0]
    if any((table[table[:, s]] != table[:, table[s]]).any() for s in heads):
        return None
    for _ in range(_ROUNDS):
        sums = np.stack([np.tensordot(elements[row], elements, ((0, 2), (0, 2))) for row in table])
        left, _, right = np.linalg.svd(sums)
        change = float(np.abs(left @ right - elements).max())
        elements = left @ right
        if change < _SETTLED:
            break
    return elements


def _spelled(
    generators: Sequence[NDArray[np.float64]], same: float, most: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[tuple[int, int]]] | None:
    """Elements, what each generator makes of them, and each as a generator times an earlier one."""
    dim = len(generators[0])
    flat = np.empty((most, dim * dim))
    flat[0] = np.eye(dim).ravel()
    moves = np.empty((len(generators), most), dtype=np.int64)
    words: list[tuple[int, int]] = []
    count, position = 1, 0
    while position < count:
        for letter, generator in enumerate(generators):
            product = (generator @ flat[position].reshape(dim, dim)).ravel()
            apart = np.linalg.norm(flat[:count] - product, axis=1)
            nearest = int(apart.argmin())
            if apart[nearest] > same:
                if count == most or apart[nearest] < 2 * same:
                    return None
                nearest = count
                flat[count] = product
                words.append((letter, position))
                count += 1
            moves[letter, position] = nearest
        position += 1
    moves = moves[:, :count]
    if (np.sort(moves, axis=1) != np.arange(count)).any():
        return None
    return flat[:count].reshape(count, dim, dim), moves, words
