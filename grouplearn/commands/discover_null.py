"""Random permutations to compare candidates with, among the coordinates that a search looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.commands.discover_words import as_matrix
from grouplearn.discovery import MomentAccumulator
from grouplearn.discovery.permutations.degenerate import restrict, still_and_copies
from grouplearn.discovery.permutations.judgement import Judge, relabelled

Points = NDArray[np.int64]


def distinct(moments: MomentAccumulator, *, signed: bool) -> tuple[MomentAccumulator, Points]:
    """Set aside coordinates that are constant or copies of others, as discovery does.

    Args:
        moments: of the data.
        signed: is the negative of a coordinate a copy too?

    Returns:
        The moments of the other coordinates, and which they are.
    """
    still, copies = still_and_copies(moments, signed=signed)
    kept = np.flatnonzero(~still & (copies == np.arange(moments.dim)))
    return (moments if len(kept) == moments.dim else restrict(moments, kept)), kept


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
        found.append(relabelled(points, _relabel(judge, rng)))
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
