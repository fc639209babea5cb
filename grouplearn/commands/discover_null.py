"""Random permutations to compare candidates with, among the coordinates that a search looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.commands.discover_words import as_matrix
from grouplearn.discovery import MomentAccumulator
from grouplearn.discovery.judgement import Judge
from grouplearn.discovery.reservoir import Sample

Points = NDArray[np.int64]
_SAME = 1e-12


def distinct(moments: MomentAccumulator) -> tuple[MomentAccumulator, Points]:
    """Set aside coordinates that are constant or copies of others, as discovery does.

    Args:
        moments: of the data.

    Returns:
        The moments of the other coordinates, and which they are.
    """
    dim, channels = moments.dim, moments.channels
    products, covariance = moments.products.sum(0), moments.covariance()
    squares = np.diag(products)
    tiny = np.finfo(float).tiny
    varies = np.diag(covariance) > _SAME * np.maximum(squares / moments.count, tiny)
    apart = squares[:, None] + squares - 2 * products
    equal = (apart <= _SAME * (squares[:, None] + squares)).reshape(channels, dim, channels, dim)
    copies = np.all([equal[c, :, c] for c in range(channels)], axis=0)
    moving = varies.reshape(channels, dim).any(0)
    copied = np.tril(copies & moving, -1).any(1)
    kept = np.flatnonzero(moving & ~copied)
    return (moments if len(kept) == dim else _restricted(moments, kept)), kept


def _restricted(moments: MomentAccumulator, kept: Points) -> MomentAccumulator:
    columns = np.concatenate([kept + c * moments.dim for c in range(moments.channels)])
    part = MomentAccumulator(
        len(kept), channels=moments.channels, groups=moments.groups, keep=moments.keep,
        seed=moments.seed,
    )  # fmt: skip
    square = np.ix_(columns, columns)
    for group, weight in enumerate(moments.weights.tolist()):
        part.add_moments(
            group, weight, moments.sums[group][columns], moments.products[group][square],
            moments.cubes[group][square],
        )  # fmt: skip
    rows = moments.sample()
    return part.offer(Sample(rows.rows[:, columns], rows.weights, rows.groups, rows.labels))


def points_of(member: Tensor, kept: Points, *, signed: bool) -> Points:
    """A member as a permutation of the coordinates kept, or of +i and -i where there are signs.

    Args:
        member: (d,) or (d, d), as in `Discovery.members`; it moves none but those kept.
        kept: which coordinates.
        signed: are there signs?

    Returns:
        (k,), or (2 k,) with i + k for -i.
    """
    matrix = as_matrix(member).numpy()[np.ix_(kept, kept)]
    images = np.abs(matrix).argmax(0)
    if not signed:
        return images
    dim = len(kept)
    upper = images + dim * (matrix[images, np.arange(dim)] < 0)
    return np.concatenate([upper, (upper + dim) % (2 * dim)])


def random_points(
    judge: Judge, models: Sequence[Points], count: int, rng: np.random.Generator
) -> list[Points]:
    """Random permutations of the cycle types of some models; of one swap where there is none.

    Args:
        judge: of the data.
        models: permutations of the judge's points.
        count: how many.
        rng: draws them.
    """
    dim, found = judge.moments.dim, []
    signs = 2 if judge.signed else 1
    swap = np.tile(np.concatenate([[1, 0], np.arange(2, dim)]), signs)
    swap += dim * np.repeat(np.arange(signs), dim)
    for number in range(count):
        points = models[number % len(models)] if models else swap
        relabel = _relabel(judge, rng)
        if judge.signed:
            relabel = np.concatenate([relabel, relabel + dim])
        other = np.empty_like(points)
        other[relabel] = relabel[points]
        found.append(other)
    return found


def _relabel(judge: Judge, rng: np.random.Generator) -> Points:
    """A random permutation of the coordinates; one-hot blocks stay blocks."""
    dim, exclusive = judge.moments.dim, judge.moments.exclusive
    if exclusive is None or judge.moments.channels > 1:
        return rng.permutation(dim)
    relabel, first = np.arange(dim), exclusive.argmax(1)
    blocks = [np.flatnonzero(first == k) for k in np.unique(first)]
    for size in sorted({len(block) for block in blocks}):
        alike = [block for block in blocks if len(block) == size]
        for place, target in enumerate(rng.permutation(len(alike)).tolist()):
            relabel[alike[place]] = rng.permutation(alike[target])
    return relabel
