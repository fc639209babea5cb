"""Orbits of a few points under a known group of matrices, in a random orthonormal basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grouplearn.discovery.linear.proposals import Proposal

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Planted:
    """Rows of covariance near I, and the matrices that keep their law.

    Attributes:
        rows: (N, d).
        matrices: (n, d, d), as they act on the rows.
    """

    rows: Array
    matrices: Array


def planted(
    matrices: Array, rows: int, seed: int, *, noise: float = 0.05, points: int = 1,
    whiten: bool = False,
) -> Planted:  # fmt: skip
    """Turns of a few points of length 0.7 to 1.3 by random elements, with normal noise.

    Args:
        matrices: orthogonal.
        rows: N.
        seed: of everything.
        noise: standard deviation of each coordinate.
        points: how many; one has length 1.
        whiten: by the sample covariance, else only centred and scaled.
    """
    rng = np.random.default_rng(seed)
    dim = matrices.shape[1]
    basis = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    turned = basis @ matrices @ basis.T
    centres = rng.standard_normal((points, dim))
    lengths = rng.uniform(0.7, 1.3, (points, 1)) if points > 1 else 1.0
    centres *= lengths / np.linalg.norm(centres, axis=1, keepdims=True)
    moved = turned[rng.integers(0, len(turned), rows)]
    y = np.einsum("nij,nj->ni", moved, centres[rng.integers(0, points, rows)])
    y += noise * rng.standard_normal((rows, dim))
    y -= y.mean(0)
    values, vectors = np.linalg.eigh(y.T @ y / rows)
    values = values if whiten else np.full(dim, values.mean())
    white = vectors / np.sqrt(values) @ vectors.T
    return Planted(y @ white, white @ turned @ np.linalg.inv(white))


def distance(proposal: Proposal, truth: Array, *, acting: bool = False) -> float:
    """The largest entry of the difference of the sets of matrices; inf if their orders differ."""
    mine = proposal.acting if acting else proposal.matrices
    if len(mine) != len(truth):
        return float("inf")
    return float(np.abs(mine[:, None] - truth[None]).max((2, 3)).min(1).max())


def nearest(proposals: list[Proposal], truth: Array, *, acting: bool = False) -> float:
    """The distance of the nearest proposal."""
    return min((distance(each, truth, acting=acting) for each in proposals), default=float("inf"))


def homomorphism_error(proposal: Proposal) -> float:
    """How far the matrices are from multiplying as the group does."""
    everything = np.arange(proposal.group.order)
    table = proposal.group.multiply(everything[:, None], everything)
    products = proposal.matrices[:, None] @ proposal.matrices[None]
    return float(np.abs(proposal.matrices[table] - products).max())


def whitened(rows: Array) -> Array:
    """Centred, of covariance I."""
    centred = rows - rows.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(rows))
    return np.asarray(centred @ (vectors / np.sqrt(values)) @ vectors.T)


def generated(*generators: Array) -> Array:
    """All products of matrices, by brute force."""
    elements = [np.eye(len(generators[0]))]
    for element in elements:
        for generator in generators:
            product = generator @ element
            if min(np.abs(product - each).max() for each in elements) > 1e-6:
                elements.append(product)
    return np.array(elements)
