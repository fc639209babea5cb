"""Isomorphism and names of finite groups, from their Cayley tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product
from math import factorial, prod

import numpy as np

from grouplearn._checks import refuse
from grouplearn.errors import GroupError
from grouplearn.groups.base import MAX_TABLE_ORDER, Elements, FiniteGroup
from grouplearn.groups.presentation import presentation

# Names have to come soon: groups with more normal subgroups than this finds may keep their order as
# a name though they are direct products.
_MAX_JOINS = 500


def are_isomorphic(a: FiniteGroup, b: FiniteGroup) -> bool:
    """See `FiniteGroup.is_isomorphic`."""
    if a.order != b.order or a.is_abelian != b.is_abelian:
        return False
    if not a.is_abelian and a.order > MAX_TABLE_ORDER:
        refuse(
            "is_isomorphic", "order", f"<= {MAX_TABLE_ORDER} where the groups are not abelian",
            a.order, "compare what you need by hand", GroupError,
        )  # fmt: skip
    if _fingerprint(a) != _fingerprint(b):
        return False
    # A finite abelian group is determined by how many elements it has of each order.
    return a.is_abelian or _has_isomorphism(a, b)


def structure_name(group: FiniteGroup) -> str:
    """Name of a group's isomorphism class.

    Cyclic, abelian, symmetric, alternating, dihedral and quaternion groups and direct products of
    those are named as usual ("S3", not "D3"); any other group is named by its order.
    """
    if group.is_abelian:
        return " x ".join(f"C{factor}" for factor in abelian_invariants(group))
    return (
        _symmetric_or_alternating(group)
        or _dihedral_or_quaternion(group)
        or _direct_product(group)
        or f"group of order {group.order}"
    )


def abelian_invariants(group: FiniteGroup) -> list[int]:
    """Orders of the cyclic factors, each divisible by the next; [1] for the trivial group."""
    orders = group.element_orders
    by_prime: list[list[int]] = []
    for prime in _prime_factors(group.order):
        cyclic_factors: list[int] = []
        below, power = 0, prime
        while True:
            # Elements of order dividing p^k number p^(sum over factors of min(k, exponent)).
            total = round(np.log(np.count_nonzero(power % orders == 0)) / np.log(prime))
            at_least = total - below
            if not at_least:
                break
            cyclic_factors += [1] * (at_least - len(cyclic_factors))
            cyclic_factors[:at_least] = [f * prime for f in cyclic_factors[:at_least]]
            below, power = total, power * prime
        by_prime.append(cyclic_factors)
    return _invariant_factors(by_prime)


def _invariant_factors(by_prime: Sequence[list[int]]) -> list[int]:
    """Products over primes of their largest powers, of their second largest, and so on."""
    rank = max(map(len, by_prime), default=1)
    return [prod(f[i] for f in by_prime if i < len(f)) for i in range(rank)]


def _prime_factors(number: int) -> list[int]:
    return [p for p in range(2, number + 1) if number % p == 0 and all(p % q for q in range(2, p))]


def _fingerprint(group: FiniteGroup) -> Counter[tuple[int, int]]:
    return Counter((int(group.element_orders[c[0]]), len(c)) for c in group.conjugacy_classes)


def _has_isomorphism(a: FiniteGroup, b: FiniteGroup) -> bool:
    generators = small_generating_set(a)
    everything = np.arange(a.order)
    relators = presentation(np.stack([a.multiply(everything, g) for g in generators]))
    size_in_a, size_in_b = _class_sizes(a), _class_sizes(b)
    representatives = {int(c[0]) for c in b.conjugacy_classes}

    def extend(images: list[int]) -> bool:
        used = len(images)
        for word in relators:
            if all(g < used for g, _ in word) and b._evaluate(word, images) != 0:
                return False
        if used == len(generators):
            return len(b.generated(images)) == b.order
        wanted = generators[used]
        fits = (b.element_orders == a.element_orders[wanted]) & (size_in_b == size_in_a[wanted])
        candidates = [int(c) for c in np.flatnonzero(fits)]
        if not used:
            # Conjugation by b is free to move the first image within its class.
            candidates = [c for c in candidates if c in representatives]
        return any(extend([*images, c]) for c in candidates)

    return extend([])


def _class_sizes(group: FiniteGroup) -> Elements:
    sizes = np.empty(group.order, dtype=np.int64)
    for members in group.conjugacy_classes:
        sizes[members] = len(members)
    return sizes


def small_generating_set(group: FiniteGroup) -> list[int]:
    """A generating set found greedily: at each step the element that generates most."""
    chosen: list[int] = []
    size = 1
    candidates = [int(c[0]) for c in group.conjugacy_classes] + list(group.generators)
    while size < group.order:
        sizes = {c: len(group.generated([*chosen, c])) for c in candidates}
        best = max(candidates, key=lambda c: sizes[c])
        chosen.append(best)
        size = sizes[best]
    return chosen


def _symmetric_or_alternating(group: FiniteGroup) -> str | None:
    for degree in range(3, 8):
        for order, letter in ((factorial(degree), "S"), (factorial(degree) // 2, "A")):
            if group.order == order and are_isomorphic(group, _natural_group(degree, letter)):
                return f"{letter}{degree}"
    return None


def _natural_group(degree: int, letter: str) -> FiniteGroup:
    points = np.arange(degree)
    three_cycle = points.copy()
    three_cycle[:3] = [1, 2, 0]
    if letter == "S":
        swap = points.copy()
        swap[:2] = [1, 0]
        return FiniteGroup.from_permutations([np.roll(points, 1), swap])
    if degree % 2:
        return FiniteGroup.from_permutations([np.roll(points, 1), three_cycle])
    return FiniteGroup.from_permutations([np.r_[0, np.roll(points[1:], 1)], three_cycle])


def _dihedral_or_quaternion(group: FiniteGroup) -> str | None:
    if inverted_turn(group) is not None:
        if np.count_nonzero(group.element_orders == 2) > 1:
            return f"D{group.order // 2}"
        if group.order & (group.order - 1) == 0:
            return f"Q{group.order}"
    return None


def inverted_turn(group: FiniteGroup) -> tuple[int, int] | None:
    """An element that generates half of a group, and one outside that inverts it.

    Dihedral and generalised quaternion groups have them; in the former the second is of order 2,
    as are all outside. Either all elements outside invert the first, or none does.
    """
    for turn in np.flatnonzero(2 * group.element_orders == group.order)[:1].tolist():
        rotations = group.generated([turn])
        outside = int(np.setdiff1d(np.arange(group.order), rotations)[0])
        inverted = group.multiply(group.multiply(outside, turn), group.inverse(outside))
        if int(inverted) == int(group.inverse(turn)):
            return turn, outside
    return None


def _direct_product(group: FiniteGroup) -> str | None:
    normal = sorted(_normal_subgroups(group).items(), key=lambda item: len(item[0]))
    for (small, seeds), (large, more_seeds) in combinations(normal, 2):
        if len(small) > 1 and len(small) * len(large) == group.order and len(small & large) == 1:
            parts = [group.subgroup(more_seeds), group.subgroup(seeds)]
            names = [p.name if p.is_abelian else _direct_product(p) or p.name for p in parts]
            return _joined(" x ".join(names).split(" x "))
    return None


def _joined(names: list[str]) -> str:
    """Factors in order: those that are not abelian first, the cyclic ones as invariant factors."""
    others = sorted((n for n in names if not _is_cyclic(n)), key=_number, reverse=True)
    powers: dict[int, list[int]] = {}
    for order in (int(name[1:]) for name in names if _is_cyclic(name)):
        for prime in _prime_factors(order):
            part = prime
            while order % (part * prime) == 0:
                part *= prime
            powers.setdefault(prime, []).append(part)
    by_prime = [sorted(parts, reverse=True) for parts in powers.values()]
    cyclic = [f"C{factor}" for factor in _invariant_factors(by_prime) if factor > 1]
    return " x ".join([*others, *cyclic])


def _number(name: str) -> int:
    return int(name[1:]) if name[1:].isdigit() else 0


def _is_cyclic(name: str) -> bool:
    return name.startswith("C") and name[1:].isdigit()


def _normal_subgroups(group: FiniteGroup) -> dict[frozenset[int], list[int]]:
    """Normal subgroups, up to a limit, each with a few elements that generate it.

    They are the joins of the normal closures of single classes.
    """
    closures = {}
    for members in group.conjugacy_classes:
        seeds: list[int] = []
        closure = group.generated(seeds)
        for element in members.tolist():
            if element not in closure:
                seeds.append(element)
                closure = group.generated(seeds)
        closures[frozenset(closure.tolist())] = seeds
    found, frontier, tried = dict(closures), dict(closures), 0
    while frontier and tried < _MAX_JOINS:
        joins = {}
        for (a, a_seeds), (b, b_seeds) in product(frontier.items(), closures.items()):
            if not (a <= b or b <= a) and tried < _MAX_JOINS:
                seeds, tried = a_seeds + b_seeds, tried + 1
                joins[frozenset(group.generated(seeds).tolist())] = seeds
        frontier = {members: seeds for members, seeds in joins.items() if members not in found}
        found |= frontier
    return found
