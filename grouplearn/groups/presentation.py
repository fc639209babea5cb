"""A short presentation of a finite group, read off its Cayley graph.

SymPy's presentations agree and take seconds to minutes at the orders met here.
"""

from __future__ import annotations

from collections import deque
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from grouplearn.groups.base import Word

_Letters = tuple[tuple[int, int], ...]


def presentation(right: NDArray[np.int64]) -> tuple[Word, ...]:
    """Relators that present a group on given generators.

    Cannon's method: the edges of a spanning tree of the Cayley graph are coloured; an edge gets
    coloured when a cycle spelled by a relator contains no other uncoloured edge. While uncoloured
    edges remain, the cycle that one of them closes with the tree becomes a new relator.

    Args:
        right: (m, n) images of the n elements under right multiplication by each generator; the
            identity is 0.

    Returns:
        Relators as words; short ones first, since edges are taken in shortlex order.

    Cost:
        O(n * total length of the relators) time and memory.

    References:
        Cannon, Construction of defining relators for finite groups, Discrete Mathematics 5 (1973).
    """
    graph = _Colouring(right)
    relators: list[Word] = []
    for vertex in graph.order:
        for generator in range(len(right)):
            if not graph.coloured[generator, vertex]:
                word = graph.closing_word(vertex, generator)
                relators.append(_syllables(word))
                graph.add_relator(word)
    return tuple(relators)


class _Colouring:
    """Colours of the Cayley graph's edges and the relator cycles that still wait for some."""

    def __init__(self, right: NDArray[np.int64]) -> None:
        self._right = right
        self._left = np.argsort(right, axis=1)
        self.coloured = np.zeros(right.shape, dtype=bool)
        self._words: dict[int, _Letters] = {0: ()}
        self.order = [0]
        for vertex in self.order:
            for generator, action in enumerate(right):
                child = int(action[vertex])
                if child not in self._words:
                    self._words[child] = (*self._words[vertex], (generator, 1))
                    self.order.append(child)
                    self.coloured[generator, vertex] = True
        self._waiting: list[int] = []
        self._cycles: list[list[int]] = []
        self._cycles_of: dict[int, list[int]] = {}

    def closing_word(self, vertex: int, generator: int) -> _Letters:
        end = int(self._right[generator, vertex])
        back = tuple((g, -sign) for g, sign in reversed(self._words[end]))
        return _cyclically_reduced((*self._words[vertex], (generator, 1), *back))

    def add_relator(self, word: _Letters) -> None:
        """Register the relator's cycle at every vertex and draw all conclusions."""
        n = self._right.shape[1]
        here = np.arange(n)
        edges = np.empty((n, len(word)), dtype=np.int64)
        for i, (generator, sign) in enumerate(word):
            after = (self._right if sign > 0 else self._left)[generator, here]
            edges[:, i] = generator * n + (here if sign > 0 else after)
            here = after
        if len(set(word)) == 1:
            # A power: rotations of one cycle say the same.
            edges = edges[np.unique(edges.min(axis=1), return_index=True)[1]]
        conclusions: deque[int] = deque()
        for cycle in edges.tolist():
            self._register(cycle, conclusions)
        while conclusions:
            self._colour(conclusions.popleft(), conclusions)

    def _register(self, cycle: list[int], conclusions: deque[int]) -> None:
        flat = self.coloured.reshape(-1)
        open_edges = [edge for edge in cycle if not flat[edge]]
        number = len(self._cycles)
        self._cycles.append(open_edges)
        self._waiting.append(len(open_edges))
        for edge in open_edges:
            self._cycles_of.setdefault(edge, []).append(number)
        if len(open_edges) == 1:
            conclusions.append(open_edges[0])

    def _colour(self, edge: int, conclusions: deque[int]) -> None:
        flat = self.coloured.reshape(-1)
        if flat[edge]:
            return
        flat[edge] = True
        for number in self._cycles_of.pop(edge, []):
            self._waiting[number] -= 1
            if self._waiting[number] == 1:
                conclusions.extend(e for e in self._cycles[number] if not flat[e])


def _cyclically_reduced(word: _Letters) -> _Letters:
    # Nothing cancels inside: the edge that closes the cycle is not in the tree.
    start, end = 0, len(word)
    while end - start > 1 and word[start] == (word[end - 1][0], -word[end - 1][1]):
        start, end = start + 1, end - 1
    return word[start:end]


def _syllables(word: _Letters) -> Word:
    return tuple((letter[0], letter[1] * len(list(run))) for letter, run in groupby(word))
