"""Rows of numbers as rows of whole numbers, and the columns that say nothing about symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

_SHOWN = 6
_CHAIN = 10

Points = NDArray[np.int64]


def encode(
    values: Float[np.ndarray, "N d"], tolerance: float, *, common: bool = False
) -> tuple[Int[np.ndarray, "N d"], bool]:
    """Whole numbers that are equal where values are equal, and opposite where they are opposite.

    Values of one scale, the largest size in their columns, are one value when a chain of values
    leads from one to the other in steps of at most tolerance times that scale. Columns of
    different scales share no code but 0, since no symmetry exchanges them; so the unit of a column
    changes nothing.

    Args:
        values: finite.
        tolerance: of rounding; whole numbers are compared as they stand.
        common: take one scale for all columns, so that columns of nearly equal values share codes.

    Returns:
        The codes, 0 for zero; and are there chains so long that they are no rounding?
    """
    if np.array_equal(values, np.rint(values)):
        tolerance = 0.0
    sizes = np.abs(values)
    scales = sizes.max(axis=0, initial=0.0)
    if common:
        scales = np.full(len(scales), scales.max())
    codes = np.zeros(values.shape, dtype=np.int64)
    offset, blurred = 0, False
    for columns in _chains(scales, tolerance * scales):
        room = tolerance * float(scales[columns].max())
        levels, inverse = np.unique(sizes[:, columns], return_inverse=True)
        starts = np.append(levels[:1] > room, np.diff(levels) > room)
        numbers = np.cumsum(starts)
        first = levels[np.searchsorted(numbers, numbers)]
        blurred = blurred or (room > 0 and bool((levels - first > _CHAIN * room).any()))
        numbers = np.where(numbers > 0, numbers + offset, 0)
        offset = int(numbers.max(initial=offset))
        shape = (len(values), len(columns))
        codes[:, columns] = numbers[inverse].reshape(shape) * np.sign(values[:, columns])
    return codes, blurred


def _chains(values: NDArray[np.float64], room: NDArray[np.float64]) -> list[Points]:
    """Positions of values, in groups that are connected by steps of at most `room`."""
    order = np.argsort(values, kind="stable")
    breaks = np.flatnonzero(np.diff(values[order]) > room[order][1:]) + 1
    return np.split(order, breaks)


def classes(*keys: NDArray[Any]) -> Points:
    """Numbers from 0 of the distinct tuples of keys."""
    order = np.lexsort(keys)
    changes = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        changes |= np.diff(key[order].astype(np.uint64)) != 0
    numbers = np.zeros(len(order), dtype=np.int64)
    numbers[order[1:]] = np.cumsum(changes)
    return numbers


@final
@dataclass(frozen=True, eq=False)
class Columns:
    """Which columns take part in a search: constant ones stay, copies follow what they copy.

    Exchanging equal columns changes nothing, which says nothing about the data.

    Attributes:
        still: is the column constant?
        copies: (d,), the first column that equals this one, or its negative.
        signs: (d,), -1 for the negative of the column it copies.
    """

    still: Bool[np.ndarray, " d"]
    copies: Int[np.ndarray, " d"]
    signs: Int[np.ndarray, " d"]

    @staticmethod
    def of(codes: Int[np.ndarray, "N d"], *, signed: bool) -> Columns:
        """Read off codes; negatives are copies too where signs may change."""
        dim = codes.shape[1]
        still = (codes == codes[:1]).all(axis=0)
        signs = np.ones(dim, dtype=np.int64)
        if signed:
            leading = codes[(codes != 0).argmax(axis=0), np.arange(dim)]
            signs = np.where((leading < 0) & ~still, -1, 1)
        copies, seen = np.arange(dim), dict[bytes, int]()
        for i in np.flatnonzero(~still).tolist():
            copies[i] = seen.setdefault((signs[i] * codes[:, i]).tobytes(), i)
        return Columns(still, copies, signs * signs[copies])

    @property
    def kept(self) -> Points:
        """The columns to search: those that vary, each once."""
        return np.flatnonzero(~self.still & (self.copies == np.arange(len(self.copies))))

    @property
    def followers(self) -> list[Points]:
        """For each kept column, itself and its copies."""
        return [np.flatnonzero(~self.still & (self.copies == i)) for i in self.kept]

    def widen(self, points: Points) -> Points:
        """Images of all columns from those of the kept ones; of signed points i and d + i too."""
        dim, followers = len(self.copies), self.followers
        kept = len(followers)
        if len(points) == kept:
            wide = np.arange(dim)
            for here, image in zip(followers, points, strict=True):
                wide[here] = followers[image]
            return wide
        wide = np.arange(2 * dim)
        for here, image in zip(followers, points[:kept], strict=True):
            there = followers[image % kept]
            sign = self.signs[here] * self.signs[there] * (1 if image < kept else -1)
            wide[here] = np.where(sign > 0, there, dim + there)
            wide[dim + here] = np.where(sign > 0, dim + there, there)
        return wide

    def notes(self) -> tuple[str, ...]:
        """What was set aside, in words."""
        found, still = [], np.flatnonzero(self.still)
        if still.size:
            found.append(f"{_named(still)} constant, left in place.")
        doubled = np.flatnonzero(self.copies != np.arange(len(self.copies)))
        if doubled.size:
            minus = ["" if sign > 0 else "-" for sign in self.signs[doubled]]
            pairs = [f"{i} = {s}{self.copies[i]}" for i, s in zip(doubled, minus, strict=True)]
            found.append(
                f"Equal in every row: {_some(pairs)}; exchanging equal coordinates is an exact but "
                "meaningless symmetry, so that copies only follow the coordinate they copy."
            )
        return tuple(found)


def _named(which: Points) -> str:
    numbers = _some([str(i) for i in which])
    if len(which) == 1:
        return f"Column {numbers} is"
    return f"Columns {numbers} ({len(which)} in all) are"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")
