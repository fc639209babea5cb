"""How likely chance alone makes rows symmetric, for exact symmetries of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from grouplearn.discovery.permutations.coding import classes
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import group_from_permutations

_TRIED = 200
_HUGE = 10**12

Points = NDArray[np.int64]


@final
class Element:
    """An element of prime order, by its cycles.

    Args:
        images: (k,), or (2 k,) on the points +i and -i.
        dim: k.
    """

    def __init__(self, images: Points, dim: int) -> None:
        self.images, self.dim = images, dim
        self.signed = len(images) > dim
        points = np.arange(len(images))
        self.order = 1
        moved = images
        while not np.array_equal(moved, points):
            moved, self.order = images[moved], self.order + 1
        self.turned = images[:dim] % dim != points[:dim]
        self.flipped = ~self.turned & (images[:dim] != points[:dim])

    def moves(self, rows: Points) -> NDArray[np.bool_]:
        """Which rows it moves."""
        target, sign = self.images[: self.dim] % self.dim, np.ones(self.dim, dtype=np.int64)
        sign[self.images[: self.dim] >= self.dim] = -1
        there = np.empty_like(rows)
        there[:, target] = rows * sign
        return np.asarray((there != rows).any(axis=1))

    def log_choices(self) -> float:
        """Log of the number of elements of prime order that it was chosen from, by type.

        All that are conjugate to it under relabelling, times the number of such classes.
        """
        cycles, flips = int(self.turned.sum()) // self.order, int(self.flipped.sum())
        rest = self.dim - self.order * cycles - flips
        size = math.lgamma(self.dim + 1) - sum(math.lgamma(n + 1) for n in (cycles, flips, rest))
        size -= cycles * math.log(self.order)
        types = sum(self.dim // p for p in range(2, self.dim + 1) if _is_prime(p))
        if self.signed:
            size += cycles * (self.order - 1) * math.log(2)
            types += (self.dim // 2 + 1) * (self.dim + 1)
        return size + math.log(max(types, 1))


def _is_prime(number: int) -> bool:
    return all(number % p for p in range(2, math.isqrt(number) + 1))


def prime_elements(generators: Sequence[Points], order: int, dim: int) -> list[Element]:
    """Elements of prime order, one of each class of conjugate ones.

    Of groups too large to be listed, powers of generators and of some products of them.
    """
    if not generators:
        return []
    if order <= MAX_TABLE_ORDER:
        group = group_from_permutations(np.stack(generators))
        if group.permutations is None:
            return []
        every = [group.permutations[int(each[0])] for each in group.conjugacy_classes[1:]]
        candidates = [Element(images, dim) for images in every]
        return [each for each in candidates if _is_prime(each.order)]
    rng = np.random.default_rng(0)
    walk = generators[0]
    chosen = {images.tobytes(): images for images in generators}
    for step in rng.integers(len(generators), size=_TRIED):
        walk = generators[step][walk]
        chosen[walk.tobytes()] = walk
    powers = {each.tobytes(): each for images in chosen.values() for each in _prime_powers(images)}
    return [Element(images, dim) for images in powers.values()]


def _prime_powers(images: Points) -> Iterator[Points]:
    """The powers of a permutation that are of prime order."""
    lengths, power = np.zeros(len(images), dtype=np.int64), images
    for step in range(1, len(images) + 1):
        lengths[(power == np.arange(len(images))) & (lengths == 0)] = step
        power = images[power]
    order = reduce(math.lcm, lengths.tolist(), 1)
    for prime in (p for p in range(2, len(images) + 1) if order % p == 0 and _is_prime(p)):
        yield _power(images, order // prime)


def _power(images: Points, exponent: int) -> Points:
    result = np.arange(len(images))
    while exponent:
        if exponent & 1:
            result = images[result]
        images, exponent = images[images], exponent >> 1
    return result


def repeats_chance(element: Element, rows: Points, counts: NDArray[np.float64]) -> float:
    """Log of a bound on the chance that rows drawn independently repeat symmetrically.

    Given how many of N draws fall into each cycle of p rows that g moves, the numbers of the rows
    are multinomial; that they are all n has at most the probability of equally likely rows,
    (p n)! / (n!^p p^(p n)), whatever the law of the rows is.

    Args:
        element: g, under which rows with their counts are symmetric.
        rows: (M, k), the distinct rows.
        counts: (M,), whole numbers, how often each occurs.
    """
    prime, times = element.order, counts[element.moves(rows)]
    each = gammaln(prime * times + 1) - prime * gammaln(times + 1) - prime * times * np.log(prime)
    return float(each.sum() / prime) + element.log_choices()


def rearrangement_chance(element: Element, rows: Points, strata: Points) -> float:
    """Log of the chance that rows of these values, differently arranged, would be symmetric.

    The null hypothesis takes, in each stratum, as many different rows at random from all those
    that have the same values in coordinates of the same marginal distribution (with signs, the
    same sizes, with any signs). If F of these S rows are fixed by g, of order p, then that p m
    others are whole cycles has probability C((S - F) / p, m) / C(S - F, p m). A table that has all
    S rows says nothing: that is 1.

    Args:
        element: g, under which the rows of each stratum are closed.
        rows: (M, k), different within each stratum.
        strata: (M,), the stratum of each row.
    """
    sizes = np.abs(rows) if element.signed else rows
    margins: dict[bytes, int] = {}
    marginal = np.array([margins.setdefault(np.sort(c).tobytes(), len(margins)) for c in sizes.T])
    moves, total = element.moves(rows), 0.0
    parts = [np.flatnonzero(marginal == m) for m in range(len(margins))]
    values = np.hstack([np.sort(sizes[:, part], axis=1) for part in parts])[moves]
    kinds = classes(strata[moves], *values.T)
    widths = np.cumsum([len(part) for part in parts])[:-1]
    for first, count in zip(*np.unique(kinds, return_index=True, return_counts=True)[1:],
                            strict=True):  # fmt: skip
        every, fixed = 1, 1
        for part, held in zip(parts, np.split(values[first], widths), strict=True):
            total_here, fixed_here = arrangements(element, part, held)
            every, fixed = every * total_here, fixed * fixed_here
        cycles = int(count) // element.order
        outside = every - fixed
        total += _log_binomial(outside // element.order, cycles)
        total -= _log_binomial(outside, int(count))
    return min(0.0, total) + element.log_choices()


def arrangements(element: Element, part: Points, held: Points) -> tuple[int, int]:
    """How many rows of given values there are on some coordinates, and how many of them g fixes.

    A row is fixed that is constant on cycles and 0 where the sign changes.

    Args:
        element: g.
        part: the coordinates, which g exchanges with one another.
        held: their values, in any order; with signs their sizes.
    """
    cycles = int(element.turned[part].sum()) // element.order
    flips = int(element.flipped[part].sum())
    free = len(part) - element.order * cycles - flips
    every, left = 1, len(part)
    ways = {(cycles, free): 1}
    for value, number in zip(*np.unique(held, return_counts=True), strict=True):
        count = int(number)
        signs = 2 if element.signed and value else 1
        every *= math.comb(left, count) * signs**count
        left -= count
        count -= 0 if value else flips
        after: dict[tuple[int, int], int] = {}
        for (turns, alone), found in ways.items():
            for turn in range(min(turns, count // element.order) + 1):
                single = count - element.order * turn
                if single <= alone:
                    size = (
                        math.comb(turns, turn) * math.comb(alone, single) * signs ** (turn + single)
                    )
                    key = turns - turn, alone - single
                    after[key] = after.get(key, 0) + found * size
        ways = after
    return every, ways.get((0, 0), 0)


def _log_binomial(total: int, chosen: int) -> float:
    if total > _HUGE:
        return chosen * math.log(total) - math.lgamma(chosen + 1)
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def shuffle_chance(element: Element, rows: Points, orbits: Points) -> float:
    """Log of the chance that shuffled labels would leave all orbits closed.

    Of the rows that g, of order p, moves, orbit o has p m_o. If labels are dealt to those at
    random, whole cycles have one label with probability (M! / prod m_o!) / ((p M)! / prod (p m_o)!)
    where M is the sum of the m_o.

    Args:
        element: g, under which each orbit is closed.
        rows: (N, k), different within each orbit.
        orbits: (N,), the label of each row.
    """
    moved = np.bincount(orbits[element.moves(rows)])
    cycles = moved / element.order
    whole = gammaln(cycles.sum() + 1) - gammaln(cycles + 1).sum()
    single = gammaln(moved.sum() + 1.0) - gammaln(moved + 1.0).sum()
    return min(0.0, float(whole - single)) + element.log_choices()
