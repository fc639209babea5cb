"""Planted linear actions: data of which the group is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plant:
    name: str
    order: int
    turn: Array
    reflection: Array | None
    frequencies: tuple[int, ...]
    rows: Array


def rotation(angle: float) -> Array:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def frequencies(n: int, dihedral: bool, dim: int, rng: np.random.Generator) -> tuple[int, ...]:
    """A faithful choice: a frequency 1 to (n - 1) // 2 is a plane, 0 and n / 2 are lines."""
    while True:
        left, chosen = dim, []
        while left:
            k = int(rng.integers(0, n // 2 + 1))
            size = 1 if 2 * k % n == 0 else 2
            if size <= left:
                chosen.append(k)
                left -= size
        faithful = math.gcd(n, *chosen) == 1
        if faithful and not (dihedral and all(2 * k % n == 0 for k in chosen)):
            return tuple(chosen)


def blocks(parts: list[Array]) -> Array:
    dim = sum(len(p) for p in parts)
    out, at = np.zeros((dim, dim)), 0
    for part in parts:
        out[at : at + len(part), at : at + len(part)] = part
        at += len(part)
    return out


def plant(name: str, dim: int, count: int, rng: np.random.Generator) -> Plant:
    """A mixture of 2 d + 2 clusters, each sample moved by a random element of the group."""
    n, dihedral = int(name[1:]), name[0] == "D"
    chosen = frequencies(n, dihedral, dim, rng)
    turn = blocks([
        np.array([[1.0 if k == 0 else -1.0]]) if 2 * k % n == 0 else rotation(2 * np.pi * k / n)
        for k in chosen
    ])  # fmt: skip
    mirror = blocks([
        np.array([[rng.choice([-1.0, 1.0])]]) if 2 * k % n == 0 else np.diag([1.0, -1.0])
        for k in chosen
    ])  # fmt: skip
    centres = 2 * rng.standard_normal((2 * dim + 2, dim))
    x = centres[rng.integers(0, len(centres), count)] + 0.1 * rng.standard_normal((count, dim))
    powers = np.stack([np.linalg.matrix_power(turn, k) for k in range(n)])
    x = np.einsum("nij,nj->ni", powers[rng.integers(0, n, count)], x)
    if dihedral:
        flip = rng.integers(0, 2, count).astype(bool)
        x[flip] = x[flip] @ mirror.T
    basis = rng.standard_normal((dim, dim))
    while np.linalg.cond(basis) > 100:
        basis = rng.standard_normal((dim, dim))
    inverse = np.linalg.inv(basis)
    return Plant(
        name, n * (1 + dihedral), basis @ turn @ inverse,
        basis @ mirror @ inverse if dihedral else None, chosen, x @ basis.T,
    )  # fmt: skip


def sources(dim: int, count: int, rng: np.random.Generator) -> Array:
    """Mixed independent gamma sources; their shapes differ by factors of 1.5 to 1.9.

    Two sources of one distribution could be exchanged, which would be a true symmetry.
    """
    shapes = 0.25 * 1.7 ** np.arange(dim) * rng.uniform(0.95, 1.05, dim)
    columns = rng.gamma(rng.permutation(shapes), size=(count, dim))
    return (columns - columns.mean(0)) / columns.std(0) @ rng.standard_normal((dim, dim)).T


def sawtooth(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """LieGAN's discrete task: a label that a turn of two coordinates by 2 pi / 7 keeps."""
    x = rng.standard_normal((count, 3))
    angle = np.arctan2(x[:, 1], x[:, 0]) % (2 * np.pi)
    return x, x[:, 2] / (1 + angle % (2 * np.pi / 7))
