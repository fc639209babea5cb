"""Integer lattices: the abelian group of turns that leave a set of harmonics fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray


@dataclass(frozen=True)
class Turns:
    """The turns alpha, in parts of a full one, with a . alpha an integer for all a of a lattice.

    Attributes:
        orders: of the cyclic factors, each dividing the next; none when there is no finite part.
        angles: (factors, components), a generator of each.
        free: components that turn continuously.
    """

    orders: tuple[int, ...]
    angles: Float[np.ndarray, "factors components"]
    free: tuple[int, ...]

    @property
    def order(self) -> int:
        """The order of the finite part."""
        return int(np.prod(self.orders)) if self.orders else 1


class Lattice:
    """A lattice of integer vectors, kept as an echelon basis."""

    def __init__(self, dim: int, rows: Sequence[Sequence[int]] = ()) -> None:
        self.dim = dim
        self.basis: dict[int, list[int]] = {}
        for row in rows:
            self.add(row)

    def add(self, vector: Sequence[int]) -> bool:
        """Take in a vector; was it new?"""
        changed = False
        row = [int(entry) for entry in vector]
        for column in range(self.dim):
            if row[column] == 0:
                continue
            if column not in self.basis:
                self.basis[column] = row if row[column] > 0 else [-entry for entry in row]
                return True
            while row[column]:
                pivot = self.basis[column]
                factor = row[column] // pivot[column]
                row = [a - factor * b for a, b in zip(row, pivot, strict=True)]
                if row[column]:
                    self.basis[column], row = row, pivot
                    changed = True
        return changed

    def __contains__(self, vector: Sequence[int]) -> bool:
        row = [int(entry) for entry in vector]
        for column in range(self.dim):
            if row[column]:
                pivot = self.basis.get(column)
                if pivot is None or row[column] % pivot[column]:
                    return False
                factor = row[column] // pivot[column]
                row = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        return True

    def turns(self) -> Turns:
        """The dual of Z^dim modulo the lattice."""
        used = [c for c in range(self.dim) if any(row[c] for row in self.basis.values())]
        matrix = np.array([[row[c] for c in used] for row in self.basis.values()], dtype=object)
        divisors, right = smith(matrix.reshape(len(self.basis), len(used)))
        rank = len(divisors)
        angles = np.zeros((rank, self.dim))
        for index, divisor in enumerate(divisors):
            angles[index, used] = [
                float(int(entry) % divisor) / divisor for entry in right[:, index]
            ]
        keep = [i for i, divisor in enumerate(divisors) if divisor > 1]
        loose = {used[i] for i in range(len(used)) if any(right[i, rank:])}
        free = sorted(loose | (set(range(self.dim)) - set(used)))
        return Turns(tuple(divisors[i] for i in keep), angles[keep], tuple(free))


def smith(matrix: NDArray[np.object_]) -> tuple[list[int], NDArray[np.object_]]:
    """Invariant factors of an integer matrix of full row rank, and V with U matrix V diagonal.

    Returns:
        The factors, each dividing the next, and V, (columns, columns), unimodular.
    """
    a = matrix.copy()
    rows, columns = a.shape
    v = np.array([[int(i == j) for j in range(columns)] for i in range(columns)], dtype=object)
    v = v.reshape(columns, columns)
    for k in range(rows):
        while True:
            _, i, j = min(
                (abs(a[i, j]), i, j) for i in range(k, rows) for j in range(k, columns) if a[i, j]
            )
            a[[k, i]] = a[[i, k]]
            a[:, [k, j]] = a[:, [j, k]]
            v[:, [k, j]] = v[:, [j, k]]
            for i in range(k + 1, rows):
                a[i] -= (a[i, k] // a[k, k]) * a[k]
            for j in range(k + 1, columns):
                factor = a[k, j] // a[k, k]
                a[:, j] -= factor * a[:, k]
                v[:, j] -= factor * v[:, k]
            if any(a[i, k] for i in range(k + 1, rows)) or any(
                a[k, j] for j in range(k + 1, columns)
            ):
                continue
            odd = [i for i in range(k + 1, rows) if any(e % a[k, k] for e in a[i, k + 1 :])]
            if not odd:
                break
            a[k] += a[odd[0]]
    return [abs(int(a[k, k])) for k in range(rows)], v
