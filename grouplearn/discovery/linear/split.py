"""Splitting whitened space into lines and planes that every symmetry keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.tensors import WeightedMoments, pseudo_values

SIGNIFICANT = 6.0


@dataclass(frozen=True)
class Split:
    """Orthogonal subspaces of whitened space.

    Attributes:
        blocks: (d, k) orthonormal columns each; k = 1 a line, 2 a plane, more where nothing in the
            moments tells directions apart.
        weakest: the least significance, in standard errors, of the splits that were made.
        strongest: the greatest significance of a split that was refused.
    """

    blocks: tuple[NDArray[np.float64], ...]
    weakest: float
    strongest: float


def split(
    groups: list[WeightedMoments], rng: np.random.Generator, significant: float = SIGNIFICANT
) -> Split:
    """Split whitened space as far as the data show, the surest cut first.

    The eigenspaces of every combination of commuting matrices are kept by every action. The
    combination with the best gap for its noise is cut, then its parts again. A cut counts when the
    gap, found on one half of the groups, is significant on the other.

    Args:
        groups: moments of the groups of rows.
        rng: source of randomness of the search.
        significant: standard errors that a cut needs.
    """
    halves = [pseudo_values(groups[half::2]) for half in (0, 1)]
    whole = pseudo_values(groups)
    transform = _standardising(whole)
    halves = [np.tensordot(half, transform, (1, 1)).transpose(0, 3, 1, 2) for half in halves]
    mean = np.tensordot(transform, whole.mean(0), 1)
    blocks, waiting = [], [np.eye(mean.shape[1])]
    weakest, strongest = np.inf, 0.0
    while waiting:
        block = waiting.pop()
        if block.shape[1] > 1:
            z = _significance([_within(half, block) for half in halves], rng)
            if z > significant:
                weakest = min(weakest, z)
                _, cut = _best_cut(_within(mean, block), rng)
                waiting += [block @ each for each in cut]
                continue
            strongest = max(strongest, z)
        blocks.append(block)
    return Split(tuple(blocks), float(weakest), float(strongest))


def _within(family: NDArray[np.float64], block: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(block.T @ family @ block)


def _standardising(family: Float[np.ndarray, "groups t d d"]) -> Float[np.ndarray, "s t"]:
    """Combinations of the matrices whose entries have independent noise of size 1."""
    count, size, dim, _ = family.shape
    deviation = (family - family.mean(0)).reshape(count, size, -1)
    flat = deviation.swapaxes(0, 1).reshape(size, -1)
    covariance = flat @ flat.T / (count * (count - 1) * dim**2)
    scale = np.sqrt(np.diagonal(covariance))
    # Matrices that are the same in all groups, as those of tensors that vanish, say nothing.
    scale = np.where(scale > 0, scale, np.inf)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    return (vectors / np.sqrt(values + 1e-2)).T / scale


def _significance(halves: list[NDArray[np.float64]], rng: np.random.Generator) -> float:
    """Standard errors of the gap of the cut found on one half, seen on the other; both ways."""
    total = 0.0
    for mine, other in (halves, halves[::-1]):
        combination, (low, high) = _best_cut(mine.mean(0), rng)
        seen = np.tensordot(other, combination, (1, 0))
        gaps = np.trace(_within(seen, high), axis1=1, axis2=2) / high.shape[1]
        gaps -= np.trace(_within(seen, low), axis1=1, axis2=2) / low.shape[1]
        error = gaps.std(ddof=1) / np.sqrt(len(gaps))
        # The rows of a half are half of all; a diagonal entry has about twice the variance.
        pooled = np.sqrt(2 * (1 / low.shape[1] + 1 / high.shape[1]))
        total += gaps.mean() / max(error, pooled)
    return float(total / np.sqrt(2))


def _best_cut(
    family: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The combination and the cut with the least expected error of the two subspaces."""
    size, dim, _ = family.shape
    family = family - np.trace(family, axis1=1, axis2=2)[:, None, None] / dim * np.eye(dim)
    principal = np.linalg.svd(family.reshape(size, -1), full_matrices=False)[0].T
    # Combinations of the strongest matrices, of few or of many.
    reach = rng.integers(2, 2 + len(principal), (192, 1))
    mixed = rng.standard_normal((192, len(principal))) * (np.arange(len(principal)) < reach)
    candidates = np.concatenate([np.eye(size), principal, mixed @ principal])
    best = candidates[:0]
    for spread in (0.0, 0.5, 0.25, 0.12, 0.06):
        if spread:
            steps = spread / np.sqrt(size) * rng.standard_normal((96, size))
            candidates = np.concatenate([best, np.repeat(best, 24, 0) + steps])
        candidates = candidates / np.linalg.norm(candidates, axis=1, keepdims=True)
        scores = _scores(np.linalg.eigvalsh(np.tensordot(candidates, family, 1))).max(1)
        best = candidates[np.argsort(-scores)[:4]]
    values, vectors = np.linalg.eigh(np.tensordot(best[0], family, 1))
    place = int(_scores(values[None])[0].argmax()) + 1
    return best[0], (vectors[:, :place], vectors[:, place:])


def _scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every place of a cut, the inverse error of the two subspaces, noise being 1."""
    gaps = values[:, None, :] - values[:, :, None]
    inverse = 1 / np.maximum(gaps, 1e-9) ** 2
    dim = values.shape[1]
    return np.stack([inverse[:, :p, p:].sum((1, 2)) ** -0.5 for p in range(1, dim)], axis=1)
