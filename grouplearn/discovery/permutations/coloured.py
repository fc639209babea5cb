"""The permutations of coordinates that keep a set of coloured rows, exactly."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from grouplearn.discovery.permutations.coding import classes
from grouplearn.discovery.permutations.exact import solve, solve_in_time

Points = NDArray[np.int64]
Words = NDArray[np.uint64]


@final
@dataclass(frozen=True, eq=False)
class RowGroup:
    """A group of permutations of coordinates.

    Attributes:
        generators: (k,) each: coordinate i moves to generators[m][i]; of signed ones (2 k,), where
            k + i stands for the negative of coordinate i.
        order: of the group.
    """

    generators: tuple[Points, ...]
    order: int


def row_automorphisms(
    rows: Int[np.ndarray, "N k"],
    colours: Int[np.ndarray, " N"],
    coordinates: Int[np.ndarray, " k"],
    *,
    signed: bool = False,
    deadline: float | None = None,
) -> RowGroup | None:
    """Find all permutations of coordinates under which the rows of each colour stay a set.

    Colours of rows and coordinates are refined until rows of one colour have the same values at
    coordinates of one colour, and the other way round. What is left goes to BLISS as a graph: a
    vertex for each coordinate, for each value that occurs at it, coloured by the value, and for
    each row, joined to its values. For signs the coordinates are doubled, x and -x, and joined in
    pairs. The graph begins with the rows of the smallest colour; as long as a generator moves the
    rows of some colour to others, those join too. So the answer is exact for all rows, and most of
    them are only looked at.

    Args:
        rows: codes, opposite for opposite values; different within each colour.
        colours: of the rows, which are kept.
        coordinates: colours of the coordinates, which are kept.
        signed: may coordinates change sign?
        deadline: on the clock of `time.monotonic`; None for none.

    Returns:
        The group; None when time ran out.

    Cost:
        O(N k log N) for each round of refinement and each generator, and BLISS.

    References:
        Junttila, Kaski, 2007, Engineering an efficient canonical labeling tool for large and
        sparse graphs.
    """
    lifted = np.hstack([rows, -rows]) if signed else rows
    points = np.tile(coordinates, 2) if signed else coordinates
    colours, points = _refined(lifted, classes(colours), classes(points), signed=signed)
    if len(np.unique(points)) == len(points):
        return RowGroup((), 1)
    sizes = np.bincount(colours)
    order = np.argsort(np.where(sizes > 1, sizes, len(rows) + 1), kind="stable")
    taken = np.isin(colours, order[:1])
    checker = RowChecker(lifted, colours)
    while deadline is None or time.monotonic() < deadline:
        edges, vertices = _graph(lifted[taken], colours[taken], points, signed=signed)
        answer = _automorphisms(edges, vertices, deadline)
        if answer is None:
            return None
        images, size = answer
        generators = [np.array(each[: len(points)]) for each in images]
        if taken.all():
            return RowGroup(tuple(generators), size)
        moved = checker.moved(generators, deadline)
        if moved is None:
            return None
        if not moved.size:
            return RowGroup(tuple(generators), size)
        moved = moved[np.argsort(sizes[moved], kind="stable")]
        most = np.searchsorted(np.cumsum(sizes[moved]), max(taken.sum(), 1)) + 1
        taken |= np.isin(colours, moved[:most])
    return None


def _refined(
    rows: Points, colours: Points, points: Points, *, signed: bool
) -> tuple[Points, Points]:
    """Colours of rows and coordinates that tell apart what their entries tell apart.

    Hashes that collide leave colours coarser than they could be, never wrong.
    """
    while True:
        before = colours.max() + points.max()
        colours = classes(colours, _mixed(rows, points[None]).sum(axis=1))
        points = classes(points, _mixed(rows, colours[:, None]).sum(axis=0))
        if signed:
            points = classes(points, np.roll(points, len(points) // 2))
        if colours.max() + points.max() == before:
            return colours, points


def _mixed(rows: Points, colours: Points) -> Words:
    """Random-looking words for pairs of an entry and a colour: the finaliser of splitmix64."""
    z = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z += colours.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03) + np.uint64(0x8CB92BA72F3D8DD7)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _graph(
    rows: Points, colours: Points, points: Points, *, signed: bool
) -> tuple[Points, list[int]]:
    """Edges and colours of the vertices: coordinates, values at coordinates, rows.

    One value may be left out, since a row that has no other value at a coordinate has that one:
    the commonest, or with signs all that are not positive, since -x is positive there.
    """
    if signed:
        row, point = np.nonzero(rows > 0)
    else:
        values, counts = np.unique(rows, return_counts=True)
        row, point = np.nonzero(rows != values[counts.argmax()])
    held = rows[row, point]
    number = classes(held, point)
    first = np.unique(number, return_index=True)[1]
    kinds = np.unique(held[first], return_inverse=True)[1]
    count, most = len(points), int(points.max()) + 1
    edges = [
        np.stack([point[first], count + np.arange(len(first))], axis=1),
        np.stack([count + number, count + len(first) + row], axis=1),
    ]
    if signed:
        edges.append(np.arange(count).reshape(2, -1).T)
    last = most + int(kinds.max(initial=0)) + 1
    vertices = np.concatenate([points, most + kinds, last + colours])
    return np.concatenate(edges), vertices.tolist()


def _automorphisms(
    edges: Points, vertices: list[int], deadline: float | None
) -> tuple[list[list[int]], int] | None:
    """Generators and order; None when time ran out."""
    if deadline is None:
        return solve(edges, vertices, directed=False)
    left = deadline - time.monotonic()
    return solve_in_time((edges, vertices, False), left) if left > 0 else None


@final
class RowChecker:
    """Tells which colours' rows a permutation moves to other rows."""

    def __init__(self, rows: Points, colours: Points) -> None:
        self._rows, self._colours = rows, colours
        self._hashes = self._hash(rows)
        self._order = np.lexsort((self._hashes, colours))

    def moved(self, generators: Sequence[Points], deadline: float | None = None) -> Points | None:
        """Colours whose rows are not kept by all generators; None when time ran out."""
        found: set[int] = set()
        for images in generators:
            if deadline is not None and time.monotonic() > deadline:
                return None
            found.update(self.moved_by(images).tolist())
        return np.array(sorted(found), dtype=np.int64)

    def moved_by(self, images: Points) -> Points:
        """Colours whose rows one permutation does not keep: rows are compared, not their hashes."""
        there = self._rows[:, np.argsort(images)]
        hashes = self._hash(there)
        order = np.lexsort((hashes, self._colours))
        same = hashes[order] == self._hashes[self._order]
        same[same] = (there[order[same]] == self._rows[self._order[same]]).all(axis=1)
        return np.unique(self._colours[self._order[~same]])

    def _hash(self, rows: Points) -> Words:
        return np.asarray(_mixed(rows, np.arange(rows.shape[1])[None]).sum(axis=1))
