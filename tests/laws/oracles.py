"""Independent answers: NumPy in float64, from Cayley tables and matrix products alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn.groups import FiniteGroup, Word

Array = NDArray[Any]


def exact(tensor: Tensor) -> Array:
    """The values as float64, whatever the dtype."""
    return tensor.detach().cpu().double().numpy()


def number(tensor: Tensor) -> float:
    """The value of a scalar tensor."""
    return float(tensor.detach())


def assert_near(got: ArrayLike | Tensor, want: ArrayLike | Tensor, tolerance: float) -> None:
    """Equal shapes and, entry by entry, values at most `tolerance` apart; NaN is far from all."""
    a, b = (exact(v) if isinstance(v, Tensor) else np.asarray(v) for v in (got, want))
    assert a.shape == b.shape, f"shape {a.shape}, want {b.shape}"
    gap = np.abs(a - b).max(initial=0.0)
    assert gap <= tolerance, f"off by {gap:.3g}, tolerance {tolerance:.3g}"


def assert_same(got: Tensor, want: Tensor) -> None:
    """Bitwise equal, dtype and shape included."""
    assert got.dtype == want.dtype, f"{got.dtype}, want {want.dtype}"
    assert got.shape == want.shape, f"shape {tuple(got.shape)}, want {tuple(want.shape)}"
    assert torch.equal(got, want), f"off by {np.abs(exact(got) - exact(want)).max():.3g}"


def table_of(group: FiniteGroup) -> Array:
    return np.asarray(group.cayley_table)


def inverses_in(table: Array) -> Array:
    return np.argmax(table == 0, axis=1)


def shortlex_words(group: FiniteGroup) -> list[tuple[int, ...]]:
    """The shortlex-least word of every element, as generator positions, by breadth-first search."""
    table = table_of(group)
    words: dict[int, tuple[int, ...]] = {0: ()}
    queue = [0]
    for element in queue:
        for position, generator in enumerate(group.generators):
            reached = int(table[element, generator])
            if reached not in words:
                words[reached] = (*words[element], position)
                queue.append(reached)
    assert len(words) == len(table), "the generators do not generate"
    return [words[element] for element in range(len(table))]


def spell(generators: Array, word: Sequence[int]) -> Array:
    """The product of generator matrices, letter by letter."""
    return reduce(np.matmul, (generators[k] for k in word), np.eye(generators.shape[-1]))


def spell_relator(generators: Array, inverses: Array, word: Word) -> Array:
    letters = [
        (generators if exponent > 0 else inverses)[k]
        for k, exponent in word
        for _ in range(abs(exponent))
    ]
    return reduce(np.matmul, letters, np.eye(generators.shape[-1]))


def frobenius(matrices: Array) -> float:
    """Largest ||.||_F / sqrt(d) of a stack; 0 for an empty one."""
    return float(np.linalg.norm(matrices, axis=(-2, -1)).max(initial=0) / matrices.shape[-1] ** 0.5)


def largest(matrices: Array) -> float:
    """Largest spectral norm of a stack, at least 1."""
    return max(1.0, float(np.linalg.norm(matrices, 2, axis=(-2, -1)).max(initial=0)))


def conditioning(generators: Array) -> float:
    """Largest condition number of a stack; infinite where one is singular, 1 for an empty one."""
    if not len(generators):
        return 1.0
    values = np.linalg.svd(generators, compute_uv=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = values[:, 0] / values[:, -1]
    return float(np.nan_to_num(ratio, nan=np.inf, posinf=np.inf).max())


def homomorphism_gaps(matrices: Array, table: Array) -> Array:
    """(n, n, d, d): rho(g) rho(h) - rho(g h)."""
    return np.asarray(matrices[:, None] @ matrices[None] - matrices[table])


def coset_action(group: FiniteGroup, element: int) -> Array:
    """int (m, k): how the generators permute the k left cosets of the subgroup of one element."""
    table = table_of(group)
    subgroup, power = [0], element
    while power != 0:
        subgroup.append(power)
        power = int(table[power, element])
    names = table[:, subgroup].min(axis=1)
    points = np.unique(names)
    generators = np.array(group.generators, dtype=np.int64)
    return np.searchsorted(points, names[table[generators][:, points]])


def known_permutations(group: FiniteGroup, dim: int, rng: torch.Generator) -> Array:
    """int (m, dim): an action on `dim` points: cosets of cyclic subgroups, randomly numbered."""
    orbits, left = [], dim
    while left:
        element = int(torch.randint(group.order, (), generator=rng))
        orbit = coset_action(group, element)
        if orbit.shape[1] > left:
            orbit = np.zeros((len(orbit), 1), dtype=np.int64)
        orbits.append(orbit + (dim - left))
        left -= orbit.shape[1]
    images, names = np.concatenate(orbits, axis=1), torch.randperm(dim, generator=rng).numpy()
    renamed = np.empty_like(images)
    renamed[:, names] = names[images]
    return renamed


def permutation_matrices(images: Array) -> Array:
    """(m, d, d) with entry [images[i], i] = 1."""
    return np.eye(images.shape[-1])[images].swapaxes(-1, -2)


# How neighbouring cells merge at each length, read off the documentation of the Haar basis.
_BLOCKS = {2: [2], 3: [3], 4: [2, 2], 5: [2, 1, 2], 6: [2] * 3, 7: [2, 3, 2], 8: [2] * 4}


def scale_projectors(shape: tuple[int, ...]) -> list[Array]:
    """Orthogonal projectors onto the scales of a grid, finest first, from block averages."""
    cells = [[[i] for i in range(size)] for size in shape]
    means, projectors = np.eye(int(np.prod(shape))), []
    while any(len(axis) > 1 for axis in cells):
        cells = [_merged(axis) for axis in cells]
        coarser = reduce(np.kron, [_averaging(axis) for axis in cells])
        projectors.append(means - coarser)
        means = coarser
    return [*projectors, means]


def _merged(cells: list[list[int]]) -> list[list[int]]:
    if len(cells) == 1:
        return cells
    ends = np.cumsum(_BLOCKS[len(cells)])
    starts = [0, *ends[:-1].tolist()]
    spans = zip(starts, ends.tolist(), strict=True)
    return [[point for cell in cells[a:b] for point in cell] for a, b in spans]


def _averaging(cells: list[list[int]]) -> Array:
    size = sum(map(len, cells))
    matrix = np.zeros((size, size))
    for cell in cells:
        matrix[np.ix_(cell, cell)] = 1 / len(cell)
    return matrix


def multiplicities_by_eigenvalues(group_turns: int, dihedral: bool, generators: Array) -> list[int]:
    """How often each real irrep of C_n or D_n occurs, by counting eigenvalues and fixed spaces."""
    n, dim = group_turns, generators.shape[-1]
    turn = generators[0] if n > 1 else np.eye(dim)
    eigenvalues = np.linalg.eigvals(turn)
    counts = []
    for frequency in range(n // 2 + 1):
        root = np.exp(2j * np.pi * frequency / n)
        if 0 < 2 * frequency < n:
            counts.append(int(np.count_nonzero(np.abs(eigenvalues - root) < np.pi / (2 * n))))
            continue
        signs = (1, -1) if dihedral else (None,)
        for sign in signs:
            conditions = [turn - root.real * np.eye(dim)]
            if sign is not None:
                conditions.append(generators[-1] - sign * np.eye(dim))
            rank = np.linalg.matrix_rank(np.concatenate(conditions), tol=0.05)
            counts.append(int(dim - rank))
    return counts
