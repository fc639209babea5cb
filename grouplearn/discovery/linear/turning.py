"""Continuous symmetries: the Lie algebra of turns under which moments stay put."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.linear.data import wild_p_value

PARTS = 32
_LEVEL = 0.01
_OPEN = 0.3


def skew_basis(dim: int) -> Float[np.ndarray, "k d d"]:
    """The skew matrices e_j e_i^T - e_i e_j^T, i < j; in space, turns about the axes x, y, z."""
    pairs = list(combinations(range(dim), 2))
    if dim == 3:
        pairs = [(1, 2), (2, 0), (0, 1)]
    out = np.zeros((len(pairs), dim, dim))
    for position, (i, j) in enumerate(pairs):
        out[position, j, i], out[position, i, j] = 1.0, -1.0
    return out


def still_turns(
    moved: Float[np.ndarray, "parts k m"],
    nuisance: Float[np.ndarray, "k s m"],
    ridge: Float[np.ndarray, " s"],
    basis: Float[np.ndarray, "k d d"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "j d d"]:
    """The largest Lie algebra of turns that move the moments by no more than noise.

    The matrix with entries E<X_i a, X_j a>, estimated without bias from pairs of different parts
    of the rows, is nearly zero on such turns. Its eigenvectors are tested one by one, from the
    stillest, by random signs of the parts; of those that pass, as many are taken as are closed
    under the bracket.

    Args:
        moved: X_i a for the moments a of each part of the rows.
        nuisance: the same for the tangents, along which the noise of whitening moves a.
        ridge: the noise of a moment over the variance of each coordinate along the tangents.
        basis: the turns X_i, orthogonal and of equal norm.
        rng: source of the random signs.

    Returns:
        Generators of norm sqrt 2, of which none is a combination of others.
    """
    parts = len(moved)
    total = moved.sum(0)
    gram = total @ total.T - np.einsum("pim,pjm->ij", moved, moved)
    vectors = np.linalg.eigh(gram / (parts * (parts - 1)))[1]
    still = 0
    for vector in vectors.T:
        change = np.tensordot(moved, vector, (1, 0))
        along = np.tensordot(nuisance, vector, (0, 0))
        fit = np.linalg.solve(along @ along.T + np.diag(ridge), along @ change.T)
        if wild_p_value(change - fit.T @ along, rng) < _LEVEL:
            break
        still += 1
    found = basis[:0]
    while still and not _is_closed(found := np.tensordot(vectors[:, :still].T, basis, 1)):
        still -= 1
    return found if still else basis[:0]


def _is_closed(generators: Float[np.ndarray, "j d d"]) -> bool:
    flat = generators.reshape(len(generators), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    brackets = [(x @ y - y @ x).ravel() for x, y in combinations(generators, 2)]
    if not brackets:
        return True
    outside = brackets - np.array(brackets) @ flat.T @ flat
    size = max(np.linalg.norm(brackets), np.sqrt(len(brackets)))
    return bool(np.linalg.norm(outside) < _OPEN * size)
