"""Todd-Coxeter coset enumeration over the trivial subgroup (HLT strategy).

SymPy's enumeration gives the same tables and is the tests' oracle; at order 2,000 it takes minutes
where a group has to be built in two seconds, hence this one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.errors import GroupError
from grouplearn.groups.base import Word

_UNKNOWN = -1


def enumerate_cosets(
    generators: int, relators: Sequence[Word], max_cosets: int
) -> NDArray[np.int64]:
    """Right multiplication by each generator on the elements of a presented group.

    Args:
        generators: number m of generators.
        relators: words over them.
        max_cosets: cosets that may be defined before giving up.

    Returns:
        int64 (m, n): entry [k, g] is the number of the element g times generator k; 0 is the
        identity.

    Raises:
        GroupError: more than max_cosets cosets were defined.
    """
    table = _CosetTable(generators, max_cosets)
    words = [letters(word) for word in relators]
    coset = 0
    while coset < len(table.rows):
        for word in words:
            if not table.is_live(coset):
                break
            table.scan_and_fill(coset, word)
        if table.is_live(coset):
            for letter in range(2 * generators):
                if table.rows[coset][letter] == _UNKNOWN:
                    table.define(coset, letter)
        coset += 1
    return table.compressed()


def letters(word: Word) -> list[int]:
    """Spell a word letter by letter: 2 k for generator k, 2 k + 1 for its inverse."""
    return [2 * g + (e < 0) for g, e in word for _ in range(abs(e))]


class _CosetTable:
    """Rows of images under every letter; dead cosets point to the one they coincide with."""

    def __init__(self, generators: int, limit: int) -> None:
        self.rows: list[list[int]] = [[_UNKNOWN] * (2 * generators)]
        self._same = [0]
        self._limit = limit
        self._merged: list[int] = []

    def is_live(self, coset: int) -> bool:
        return self._same[coset] == coset

    def define(self, coset: int, letter: int) -> int:
        new = len(self.rows)
        if new >= self._limit:
            refuse(
                "FiniteGroup.from_relations", "relators",
                f"a presentation whose enumeration closes within max_cosets={self._limit} cosets",
                "one that does not", "the group may be infinite: add a relator or raise max_cosets",
                GroupError,
            )  # fmt: skip
        self.rows.append([_UNKNOWN] * len(self.rows[0]))
        self._same.append(new)
        self._link(coset, letter, new)
        return new

    def scan_and_fill(self, coset: int, word: list[int]) -> None:
        """Trace a relator from both ends of its cycle, defining cosets until it closes."""
        rows = self.rows
        forward, i, backward, j = coset, 0, coset, len(word) - 1
        while True:
            while i <= j and (step := rows[forward][word[i]]) != _UNKNOWN:
                forward, i = step, i + 1
            if i > j:
                if forward != backward:
                    self._coincide(forward, backward)
                return
            while j >= i and (step := rows[backward][word[j] ^ 1]) != _UNKNOWN:
                backward, j = step, j - 1
            if j < i:
                self._coincide(forward, backward)
                return
            if j == i:
                self._link(forward, word[i], backward)
                return
            self.define(forward, word[i])

    def compressed(self) -> NDArray[np.int64]:
        """Live rows, renumbered, one column per generator."""
        live = [c for c in range(len(self.rows)) if self.is_live(c)]
        number = {c: k for k, c in enumerate(live)}
        images = [[number[step] for step in self.rows[c][::2]] for c in live]
        return np.array(images, dtype=np.int64).reshape(len(live), -1).T

    def _link(self, coset: int, letter: int, image: int) -> None:
        self.rows[coset][letter] = image
        self.rows[image][letter ^ 1] = coset

    def _representative(self, coset: int) -> int:
        root = coset
        while self._same[root] != root:
            root = self._same[root]
        while self._same[coset] != root:
            self._same[coset], coset = root, self._same[coset]
        return root

    def _merge(self, a: int, b: int) -> None:
        a, b = self._representative(a), self._representative(b)
        if a != b:
            self._same[max(a, b)] = min(a, b)
            self._merged.append(max(a, b))

    def _coincide(self, a: int, b: int) -> None:
        """Identify two cosets and everything that follows from it."""
        self._merge(a, b)
        while self._merged:
            dead = self._merged.pop()
            for letter, image in enumerate(self.rows[dead]):
                if image == _UNKNOWN:
                    continue
                self.rows[dead][letter] = _UNKNOWN
                self.rows[image][letter ^ 1] = _UNKNOWN
                here, there = self._representative(dead), self._representative(image)
                if (known := self.rows[here][letter]) != _UNKNOWN:
                    self._merge(there, known)
                elif (known := self.rows[there][letter ^ 1]) != _UNKNOWN:
                    self._merge(here, known)
                else:
                    self._link(here, letter, there)
