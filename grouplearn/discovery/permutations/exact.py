"""Permutations that keep matrices exactly, as automorphisms of a coloured graph.

`_answer` runs in a process of its own where time is limited, so this module imports nothing of the
library's.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import NDArray

EQUAL = 1e-9
_ZERO = 1e-13
_CHILD = "import runpy, sys; runpy.run_path(sys.argv[1])['_answer']()"

Points = NDArray[np.int64]
Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Exact:
    """Generators of the group of all permutations that keep matrices, and its order.

    Attributes:
        generators: each (d,): point i moves to generators[k][i].
        order: of the group.
        change: the largest difference of two entries that a generator exchanges, relative to the
            largest entry of the matrix.
    """

    generators: tuple[Points, ...]
    order: int
    change: float


def exact_automorphisms(
    matrices: Sequence[NDArray[Any]], time_budget: float | None = None
) -> Exact | None:
    """Find all permutations P with P M P^T = M for several matrices M at once.

    Entries become classes of equal values; the classes of a pair in all matrices together are its
    colour. Points whose rows and columns hold the same colours form a cell. Each point becomes a
    path of vertices, coloured by their place in it and by the point's cell; two points are joined
    at the places of the ones in the binary number of their colour. Numbers count the colours
    between two cells; frequent ones have few ones, the most frequent none. Automorphisms of that
    graph permute the paths as P permutes the points.

    Args:
        matrices: (d, d) each, finite. Integers are compared as they stand; of floats, two are one
            value when they differ by at most 1e-9 of the larger or 1e-13 of the largest entry.
        time_budget: seconds, or None for no limit.

    Returns:
        The group; None when time ran out, or when values form a chain, each equal to the next and
        the ends unequal, and a generator moves an entry of it to another value.

    Cost:
        O(d^2 log d) and the search, which is quick on nearly all graphs and exponential in d on a
        few that were built to defeat it; O(d^2 log d) memory.

    References:
        Junttila and Kaski, 2007, Engineering an efficient canonical labeling tool for large and
        sparse graphs. McKay and Piperno, 2014, Practical graph isomorphism II.
    """
    scaled = [_scaled(matrix) for matrix in matrices]
    classes, chained = zip(*map(_classes, matrices), strict=True)
    pairs = _merged(classes)
    cells = _cells(pairs)
    if cells.max() == len(pairs) - 1:
        return Exact((), 1, 0.0)  # The commonest case, noise, needs no graph.
    graph = _layers(pairs, cells)
    answer = solve(*graph) if time_budget is None else solve_in_time(graph, time_budget)
    if answer is None:
        return None
    layers = len(graph[1]) // len(pairs)
    generators = tuple(np.array(images[::layers], dtype=np.int64) // layers for images in answer[0])
    for matrix, chain in zip(scaled, chained, strict=True):
        for points in generators if chain.any() else ():
            if (matrix[np.ix_(points, points)] != matrix)[chain].any():
                return None
    changes = [_change(matrix, points) for matrix in scaled for points in generators]
    return Exact(generators, answer[1], max(changes, default=0.0))


def _scaled(matrix: NDArray[Any]) -> Array:
    """The matrix divided by its largest entry."""
    floats = matrix.astype(np.float64)
    return floats / (np.abs(floats).max() or 1.0)


def _room(values: Array) -> Array:
    """By how much another value may differ from these and still be the same."""
    return np.maximum(EQUAL * np.abs(values), _ZERO)


def _classes(matrix: NDArray[Any]) -> tuple[Int[np.ndarray, "d d"], Bool[np.ndarray, "d d"]]:
    """Numbers of the distinct values, rising, and which are of chains with unequal ends."""
    if matrix.dtype.kind in "iub":
        whole = np.unique(matrix, return_inverse=True)[1].reshape(matrix.shape)
        return whole, np.zeros(matrix.shape, dtype=bool)
    values = _scaled(matrix).ravel()
    order = np.argsort(values, kind="stable")
    rising = values[order]
    room = _room(rising)
    starts = np.diff(rising) > np.maximum(room[1:], room[:-1])
    first = np.flatnonzero(np.append(True, starts))
    last = np.append(first[1:], len(values)) - 1
    chains = rising[last] - rising[first] > np.maximum(room[last], room[first])
    numbers = np.empty(len(values), dtype=np.int64)
    numbers[order] = np.append(0, np.cumsum(starts))
    return numbers.reshape(matrix.shape), chains[numbers].reshape(matrix.shape)


def _merged(classes: Sequence[Points]) -> Int[np.ndarray, "d d"]:
    """One number for the classes of a pair in all matrices."""
    merged = classes[0]
    for each in classes[1:]:
        joint = merged * (each.max() + 1) + each
        merged = np.unique(joint, return_inverse=True)[1].reshape(joint.shape)
    return merged


def _cells(pairs: Points) -> Int[np.ndarray, " d"]:
    """Numbers of the points: the same where diagonal, row and column hold the same colours."""
    lines = np.column_stack([np.diag(pairs), np.sort(pairs, 1), np.sort(pairs, 0).T])
    return np.unique(lines, axis=0, return_inverse=True)[1].reshape(-1)


def _layers(pairs: Points, cells: Points) -> tuple[Points, list[int], bool]:
    """The graph: its edges, the colours of its vertices, and whether edges have a direction."""
    dim = len(pairs)
    directed = not np.array_equal(pairs, pairs.T)
    apart = ~np.eye(dim, dtype=bool) if directed else np.triu(np.ones_like(pairs, dtype=bool), 1)
    codes = np.zeros_like(pairs)
    codes[apart] = _codes(pairs, cells)[apart]
    layers = max(1, int(codes.max()).bit_length())
    places = [np.argwhere(codes >> layer & 1) * layers + layer for layer in range(layers)]
    steps = np.arange(dim * layers).reshape(dim, layers)
    path = np.stack([steps[:, :-1].ravel(), steps[:, 1:].ravel()], axis=1)
    vertices = cells[:, None] * layers + np.arange(layers)
    return np.concatenate([*places, path]), vertices.ravel().tolist(), directed


def _codes(pairs: Points, cells: Points) -> Int[np.ndarray, "d d"]:
    """Numbers of the colours between each two cells; the more frequent, the fewer ones in it."""
    colours = int(pairs.max()) + 1
    joint = (cells[:, None] * len(cells) + cells) * colours + pairs
    values, places, counts = np.unique(joint, return_inverse=True, return_counts=True)
    order = np.lexsort([-counts, values // colours])
    blocks = values[order] // colours
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order)) - np.searchsorted(blocks, blocks)
    bits = int(ranks.max()).bit_length()
    numbers = np.array(sorted(range(2**bits), key=lambda each: (each.bit_count(), each)))
    return numbers[ranks[places]].reshape(pairs.shape)


def solve(edges: Points, colours: list[int], directed: bool) -> tuple[list[list[int]], int]:
    """Generators and order of the automorphism group of a graph with coloured vertices."""
    import igraph

    graph = igraph.Graph(len(colours), edges, directed=directed)
    generators = graph.automorphism_group(color=colours)
    try:
        return generators, int(graph.count_automorphisms(color=colours))
    except ValueError:  # Python refuses to read a number of more than 4,300 decimal digits.
        limit = sys.get_int_max_str_digits()
        sys.set_int_max_str_digits(0)
        try:
            return generators, int(graph.count_automorphisms(color=colours))
        finally:
            sys.set_int_max_str_digits(limit)


def solve_in_time(
    graph: tuple[Points, list[int], bool], time_budget: float
) -> tuple[list[list[int]], int] | None:
    """The same in a process of its own, since nothing else ends a search inside the library."""
    edges, colours, directed = graph
    question = io.BytesIO()
    np.savez(question, edges=edges, colours=colours, directed=directed)
    command = [sys.executable, "-c", _CHILD, __file__]
    try:
        child = subprocess.run(  # noqa: S603 - this Python, this file
            command,
            input=question.getvalue(),
            stdout=subprocess.PIPE,
            timeout=time_budget,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return None
    generators, order = json.loads(child.stdout)
    return generators, int(order, 16)


def _answer() -> None:
    """Read a graph from standard input, write its group to standard output."""
    graph = np.load(io.BytesIO(sys.stdin.buffer.read()))
    generators, order = solve(graph["edges"], graph["colours"].tolist(), bool(graph["directed"]))
    sys.stdout.write(json.dumps([generators, hex(order)]))  # hex: long decimals are refused


def _change(matrix: Array, points: Points) -> float:
    """The largest change of an entry."""
    moved = np.flatnonzero(points != np.arange(len(points)))
    rows = matrix[points[moved]][:, points] - matrix[moved]
    columns = matrix[points][:, points[moved]] - matrix[:, moved]
    return float(max(np.abs(rows).max(initial=0.0), np.abs(columns).max(initial=0.0)))
