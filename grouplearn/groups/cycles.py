"""The cycles of a permutation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

Point = TypeVar("Point")


def cycles(images: Mapping[Point, Point]) -> Iterator[list[Point]]:
    """Yield the cycles of a permutation, fixed points too, in the order of their first points.

    Args:
        images: where each point goes.

    Example:
        >>> list(cycles({"a": "c", "b": "b", "c": "a"}))
        [['a', 'c'], ['b']]
    """
    seen: set[Point] = set()
    for start in images:
        if start in seen:
            continue
        cycle = [start]
        while (following := images[cycle[-1]]) != start:
            cycle.append(following)
        seen.update(cycle)
        yield cycle
