"""Rows in independent units, and what every element of an action makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.evidence.actions import Action, Move
from grouplearn.discovery.evidence.labels import unexplained

Array: TypeAlias = NDArray[np.float64]

UNITS = 128
"""The most units that blocks are dealt to; the law of a unit is that of its blocks together."""
FEW = 8
"""The number of elements drawn of large groups."""
LISTED = 12
"""Groups up to this order are gone through whole."""


@final
@dataclass(frozen=True)
class Units:
    """Rows sorted by the independent unit to which they belong.

    Attributes:
        rows: (N, D).
        starts: (U + 1,), where each unit begins; no unit is empty.
        factors: (N, 1 + k): the weight of every row, then that times functions of its label.
    """

    rows: Float[np.ndarray, "N D"]
    starts: Int[np.ndarray, " bounds"]
    factors: Float[np.ndarray, "N k"]

    @property
    def count(self) -> int:
        """U, the number of units."""
        return len(self.starts) - 1

    @property
    def labelled(self) -> bool:
        """Have rows labels?"""
        return self.factors.shape[1] > 1

    def less_explained(self, kept: Float[np.ndarray, "N m"]) -> Units:
        """The same, functions of the label less what coordinates tell of them that are kept."""
        weights, functions = self.factors[:, :1], self.factors[:, 1:]
        rest = unexplained(functions / weights, kept)[0] * weights
        return replace(self, factors=np.concatenate([weights, rest], axis=1))

    @classmethod
    def of(
        cls,
        rows: Float[np.ndarray, "N D"],
        blocks: Int[np.ndarray, " N"] | None = None,
        factors: Float[np.ndarray, "N k"] | None = None,
        rng: np.random.Generator | None = None,
        most: int = UNITS,
    ) -> Units:
        """Deal blocks at random to at most so many units.

        Args:
            rows: (N, D).
            blocks: (N,), rows that depend on one another share a number; None for none.
            factors: (N, 1 + k), see the class; None for weights of 1 and no labels.
            rng: source of the dealing; None keeps blocks as they are.
            most: the largest number of units.
        """
        which = (
            np.arange(len(rows)) if blocks is None else np.unique(blocks, return_inverse=True)[1]
        )
        count = int(which.max()) + 1
        if rng is not None and count > most:
            which = (rng.permutation(count) % most)[which]
        order = np.argsort(which, kind="stable")
        sizes = np.bincount(which)
        starts = np.concatenate([[0], np.cumsum(sizes[sizes > 0])])
        beside = np.ones((len(rows), 1)) if factors is None else factors
        return cls(np.ascontiguousarray(rows[order]), starts, beside[order])

    def thinned(self, most: int) -> Units:
        """At most about so many rows, evenly from all units."""
        step = -(-len(self.rows) // most)
        if step <= 1:
            return self
        sizes = np.diff(self.starts)
        within = np.arange(len(self.rows)) - np.repeat(self.starts[:-1], sizes)
        kept = within % step == 0
        starts = np.concatenate([[0], np.cumsum(-(-sizes // step))])
        return Units(self.rows[kept], starts, self.factors[kept])

    def half(self, parity: int) -> Units:
        """The units of even or of odd number."""
        which = np.repeat(np.arange(self.count), np.diff(self.starts))
        kept = which % 2 == parity
        sizes = np.diff(self.starts)[parity::2]
        return Units(self.rows[kept], np.concatenate([[0], np.cumsum(sizes)]), self.factors[kept])

    def moved(self, move: Move) -> Units:
        """The same units after every row has been moved by one element."""
        return replace(self, rows=move(self.rows))

    def sums(self, features: Float[np.ndarray, "N m"]) -> Float[np.ndarray, "U n"]:
        """The sums of features over each unit, times weights and functions of the label."""
        out = np.empty((self.count, self.factors.shape[1] * features.shape[1]))
        factors = self.factors.astype(features.dtype)
        for unit, (start, end) in enumerate(pairwise(self.starts)):
            out[unit] = (factors[start:end].T @ features[start:end]).ravel()
        return out


@final
@dataclass(frozen=True)
class Slot:
    """What the data might have been.

    Attributes:
        units: moved ones, or the data.
        elements: (U,), the number of the element that moved each unit; -1 where they have none.
    """

    units: Units
    elements: Int[np.ndarray, " U"]


def slots(
    units: Units,
    action: Action,
    rng: np.random.Generator,
    *,
    listed: int = LISTED,
    few: int = FEW,
) -> Iterator[Slot]:
    """The data, then what elements make of them: any of these might have been the data.

    If the law of a unit is invariant then x and g_1 x, ..., g_K x, for independent uniform g, are
    exchangeable; for a small group the whole orbit is taken.

    Args:
        units: the data.
        action: whose elements move them.
        rng: draws elements where the group is large.
        listed: the largest order of a small group.
        few: the number of slots for a large one.

    Yields:
        The units as they are, then moved ones.

    References:
        Hemerik, Goeman, 2018, Exact testing with random permutations.
    """
    yield Slot(units, np.full(units.count, 0 if action.order else -1))
    if 0 < action.order <= listed:
        for number in range(1, action.order):
            yield Slot(units.moved(action.element(number)), np.full(units.count, number))
        return
    for _ in range(few - 1):
        yield _scattered(units, action, rng)


def _scattered(units: Units, action: Action, rng: np.random.Generator) -> Slot:
    """Every unit moved by an element of its own."""
    rows = np.empty_like(units.rows)
    numbers = np.empty(units.count, dtype=np.int64)
    for unit, (start, end) in enumerate(pairwise(units.starts)):
        move, numbers[unit] = action.pick(rng)
        rows[start:end] = move(units.rows[start:end])
    return Slot(replace(units, rows=rows), numbers)


def typical(units: Units, action: Action, rng: np.random.Generator) -> Units:
    """The data with every unit moved by a random element.

    Features fitted to these do not know which of the slots was the data, so that the level of the
    test stays exact.
    """
    return _scattered(units, action, rng).units


def mixed(whole: Sequence[Units], rng: np.random.Generator) -> Units:
    """Every unit from a random one of the slots: what is typical where whole objects are moved.

    Args:
        whole: the slots, each with the same units.
        rng: draws them.
    """
    chosen = [whole[int(s)] for s in rng.integers(0, len(whole), whole[0].count)]
    parts = [slice(*each.starts[unit : unit + 2]) for unit, each in enumerate(chosen)]
    return Units(
        np.concatenate([each.rows[part] for each, part in zip(chosen, parts, strict=True)]),
        np.concatenate([[0], np.cumsum([part.stop - part.start for part in parts])]),
        np.concatenate([each.factors[part] for each, part in zip(chosen, parts, strict=True)]),
    )
