"""The cycles of a permutation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


def in_cycles(images: Sequence[int], names: Sequence[str] = (), most: int = 8) -> str:
    """Write a permutation in cycles, as far as it moves points.

    Args:
        images: where each point goes.
        names: of the points; numbers where there are none.
        most: the cycles that are written; of others their number.

    Example:
        >>> in_cycles([1, 0, 2]), in_cycles([1, 2, 0], "abc"), in_cycles([0])
        ('(0 1)', '(a b c)', 'identity')
    """
    moved = [cycle for cycle in cycles(dict(enumerate(images))) if len(cycle) > 1]
    parts = [f"({' '.join(names[k] if names else str(k) for k in cycle)})" for cycle in moved]
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return "".join(parts[:most]) + more or "identity"
