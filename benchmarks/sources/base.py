"""What every source shares: the record, its two streams of random numbers, and closing a group."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
# Permutations as int64 (order, d), or matrices (order, d, d).
Members = NDArray[Any]
Random = np.random.Generator


@dataclass(frozen=True)
class Source:
    """Rows of one law, and the symmetries that the law has.

    `truth` holds every linear map of the kind named by `action` that keeps the law, the identity
    included: int64 (order, d) with (rho(g) x)[truth[g][i]] = x[i] where the action is a
    permutation, else (order, d, d) matrices. `over` holds, where there is one, a larger group that
    low moments cannot tell from it. `root` is a matrix in which the action is orthogonal:
    root^-1 rho(g) root is.
    """

    name: str
    rows: Array
    action: str
    truth: Members
    blocks: Ints | None = None
    labels: Array | None = None
    over: Members | None = None
    root: Array | None = field(default=None, repr=False)

    @property
    def dim(self) -> int:
        return self.rows.shape[1]


# (law, rng, rows): `law` chooses the law, `rng` draws rows from it, so that one law can be drawn
# from again.
Maker = Callable[[Random, Random, int], Source]


def drawn(makers: Mapping[str, Maker], kind: str, seed: int, rows: int, again: int = 0) -> Source:
    """Rows of one kind: a seed is a law, and `again` numbers independent draws from it."""
    stamp = zlib.crc32(kind.encode())
    law = np.random.default_rng([seed, stamp, 0])
    rng = np.random.default_rng([seed, stamp, 1 + again])
    return makers[kind](law, rng, rows)


def identity(dim: int, action: str) -> Members:
    """The trivial group as a `truth`."""
    return np.arange(dim)[None] if action == "permutation" else np.eye(dim)[None]


def nothing(
    name: str, rows: Array, action: str, blocks: Ints | None = None, labels: Array | None = None
) -> Source:
    """A source without symmetry."""
    return Source(name, rows, action, identity(rows.shape[1], action), blocks, labels)


def closed(generators: Sequence[Sequence[int]] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Every element of a permutation group as rows of images, the identity first."""
    steps = np.asarray(generators, dtype=np.int64)
    start = tuple(range(steps.shape[1]))
    elements, seen = [start], {start}
    for element in elements:
        for step in steps:
            product = tuple(step[list(element)].tolist())
            if product not in seen:
                seen.add(product)
                elements.append(product)
    return np.array(elements, dtype=np.int64)


def closed_matrices(generators: Sequence[Array]) -> Array:
    """Every element of a finite group of matrices, the identity first."""
    dim = len(generators[0])
    elements, seen = [np.eye(dim)], {_key(np.eye(dim))}
    for element in elements:
        for step in generators:
            product = step @ element
            if (key := _key(product)) not in seen:
                seen.add(key)
                elements.append(product)
    return np.stack(elements)


def _key(matrix: Array) -> bytes:
    return (np.round(matrix, 6) + 0.0).tobytes()


def as_matrices(members: Members) -> Array:
    """Members as (order, d, d) matrices."""
    if members.ndim == 3:
        return np.asarray(members, dtype=np.float64)
    return np.eye(members.shape[1])[:, members].transpose(1, 0, 2)


def conjugated(members: Array, basis: Array) -> Array:
    """The same matrices in another basis, the identity exactly."""
    out = np.asarray(basis @ members @ np.linalg.inv(basis))
    out[0] = np.eye(len(basis))
    return out


def moved(members: Members, chosen: Ints, rows: Array) -> Array:
    """Row i moved by element chosen[i]."""
    if members.ndim == 3:
        return np.einsum("nij,nj->ni", members[chosen], rows)
    out = np.empty_like(rows)
    np.put_along_axis(out, members[chosen], rows, axis=1)
    return out


def random_basis(rng: Random, dim: int, worst: float = 20.0) -> Array:
    """A random invertible matrix whose condition number is at most `worst`."""
    while np.linalg.cond(basis := rng.standard_normal((dim, dim))) > worst:
        pass
    return basis


def spaced(rng: Random, low: float, high: float, count: int) -> Array:
    """Distinct values in random order: evenly spaced, each shifted by up to a fifth of a step."""
    steps = np.linspace(low, high, count)
    gap = (high - low) / max(count - 1, 1)
    return rng.permutation(steps + gap * rng.uniform(-0.2, 0.2, count))


def skewed(rng: Random, shape: float, size: int | tuple[int, ...]) -> Array:
    """Gamma values with mean 0 and variance 1; their skewness is 2 / sqrt(shape)."""
    return (rng.gamma(shape, size=size) - shape) / np.sqrt(shape)
