"""The laws of groups on every kind of group, and names that are known beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from tests.counting import count_example
from tests.laws.groups import GROUP_LAWS
from tests.laws.trials import Recipe, make_group


def triangle(k: int) -> FiniteGroup:
    """Rotations of a solid: S3, A4, S4 and A5 for k = 2 to 5."""
    return FiniteGroup.from_relations(2, [((0, 2),), ((1, 3),), ((0, 1), (1, 1)) * k])


def dicyclic(n: int) -> FiniteGroup:
    """a^2n, a^n = b^2, b^-1 a b = a^-1; the quaternion group for n = 2."""
    words: list[Any] = [((0, 2 * n),), ((0, n), (1, -2)), ((1, -1), (0, 1), (1, 1), (0, 1))]
    return FiniteGroup.from_relations(2, words)


def frobenius(p: int, q: int, root: int) -> FiniteGroup:
    """C_p extended by C_q, whose generator raises to the power `root`."""
    words: list[Any] = [((0, p),), ((1, q),), ((1, -1), (0, 1), (1, 1), (0, -root))]
    return FiniteGroup.from_relations(2, words)


PRESENTED: dict[str, Callable[[], FiniteGroup]] = {
    "S3": lambda: triangle(2),
    "A4": lambda: triangle(3),
    "S4": lambda: triangle(4),
    "A5": lambda: triangle(5),
    "Q8": lambda: dicyclic(2),
    "group of order 12": lambda: dicyclic(3),
    "Q16": lambda: dicyclic(4),
    "group of order 21": lambda: frobenius(7, 3, 2),
    "group of order 20": lambda: frobenius(5, 4, 2),
}
BUILT = {name: build() for name, build in PRESENTED.items()}


def group_recipes() -> st.SearchStrategy[Recipe]:
    def of(family: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Recipe]:
        return st.tuples(st.just(family), numbers)

    small = st.lists(st.sampled_from([-4, -3, -2, -1, 1, 2, 3, 4, 5]), min_size=2, max_size=3)
    degrees = st.sampled_from([1, 2, 3, 4, 4, 5])
    row = degrees.flatmap(
        lambda d: st.lists(st.permutations(range(d)).map(tuple), min_size=1, max_size=3)
    )
    return st.one_of(
        of("cyclic", st.integers(1, 30).map(lambda n: (n,))),
        of("dihedral", st.integers(1, 12).map(lambda n: (n,))),
        of("product", small.filter(lambda p: order_of(p) <= 40).map(tuple)),
        of("permutation", row.map(tuple)),
        of("presented", st.sampled_from(sorted(BUILT)).map(lambda name: (name,))),
    )


def order_of(numbers: list[int]) -> int:
    return math.prod(-2 * n if n < 0 else n for n in numbers)


def group_from(recipe: Recipe) -> FiniteGroup:
    family, numbers = recipe
    return BUILT[numbers[0]] if family == "presented" else make_group(family, numbers)


@pytest.mark.parametrize("name", sorted(GROUP_LAWS))
def test_group_law(name: str) -> None:
    @settings(max_examples=max(2, settings().max_examples))
    @given(recipe=group_recipes(), seed=st.integers(0, 2**32 - 1))
    def holds(recipe: Recipe, seed: int) -> None:
        count_example()
        GROUP_LAWS[name](group_from(recipe), np.random.default_rng(seed))

    holds()


@pytest.mark.parametrize("name", sorted(BUILT))
def test_presented_groups_are_named(name: str) -> None:
    assert BUILT[name].name == name


def invariant_factors(orders: list[int]) -> str:
    """The name of a product of cyclic groups, from the prime powers of their orders."""
    factors = []
    powers: dict[int, list[int]] = {}
    for order in orders:
        for p in (p for p in range(2, order + 1) if order % p == 0 and is_prime(p)):
            powers.setdefault(p, []).append(p ** max(k for k in range(9) if order % p**k == 0))
    while any(powers.values()):
        factors.append(math.prod(max(each) for each in powers.values() if each))
        for each in powers.values():
            if each:
                each.remove(max(each))
    return " x ".join(f"C{f}" for f in factors) or "C1"


def is_prime(number: int) -> bool:
    return number > 1 and all(number % k for k in range(2, number))


def mixed_up(group: FiniteGroup, rng: np.random.Generator) -> FiniteGroup:
    """An isomorphic group of permutations, its points and generators in another order."""
    table, points = np.asarray(group.cayley_table), rng.permutation(group.order)
    moved = np.empty_like(table)
    moved[:, points] = points[table]
    generators = list(group.generators) or [0]
    return FiniteGroup.from_permutations(moved[rng.permutation(generators)])


@given(
    orders=st.lists(st.integers(1, 12), min_size=1, max_size=3).filter(lambda o: math.prod(o) < 80),
    seed=st.integers(0, 2**32 - 1),
)
def test_abelian_groups_are_named_by_invariant_factors(orders: list[int], seed: int) -> None:
    count_example()
    group = ProductGroup(*(CyclicGroup(n) for n in [*orders, 1]))
    assert mixed_up(group, np.random.default_rng(seed)).name == invariant_factors(orders)


@given(n=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_families_are_recognised(n: int, seed: int) -> None:
    count_example()
    rng = np.random.default_rng(seed)
    assert CyclicGroup(n).name == mixed_up(CyclicGroup(n), rng).name == f"C{n}"
    known = {1: "C2", 2: "C2 x C2", 3: "S3"}
    assert mixed_up(DihedralGroup(n), rng).name == known.get(n, f"D{n}")
    assert DihedralGroup(n).name == f"D{n}"


@pytest.mark.parametrize("degree", [3, 4, 5])
def test_symmetric_and_alternating_groups_are_named(degree: int) -> None:
    identity = list(range(degree))
    cycle, swap = [*identity[1:], 0], [1, 0, *identity[2:]]
    assert FiniteGroup.from_permutations([cycle, swap]).name == f"S{degree}"
    rows = [[*identity[:k], k + 1, k + 2, k, *identity[k + 3 :]] for k in range(degree - 2)]
    expected = "C3" if degree == 3 else f"A{degree}"
    assert FiniteGroup.from_permutations(rows).name == expected


SAME_ORDER = [
    [CyclicGroup(4), ProductGroup(CyclicGroup(2), CyclicGroup(2))],
    [CyclicGroup(6), DihedralGroup(3)],
    [
        CyclicGroup(8), DihedralGroup(4), BUILT["Q8"],
        ProductGroup(CyclicGroup(4), CyclicGroup(2)),
        ProductGroup(CyclicGroup(2), CyclicGroup(2), CyclicGroup(2)),
    ],
    [CyclicGroup(12), DihedralGroup(6), BUILT["A4"], BUILT["group of order 12"]],
    [
        DihedralGroup(8), BUILT["Q16"], ProductGroup(DihedralGroup(4), CyclicGroup(2)),
        ProductGroup(BUILT["Q8"], CyclicGroup(2)),
        # The two below and C4 x C2 x C2, or C4 x C4, have equally many elements of each order.
        FiniteGroup.from_relations(2, [((0, 8),), ((1, 2),), ((1, 1), (0, 1), (1, 1), (0, -5))]),
        FiniteGroup.from_relations(2, [((0, 4),), ((1, 4),), ((1, -1), (0, 1), (1, 1), (0, 1))]),
        ProductGroup(CyclicGroup(8), CyclicGroup(2)),
        ProductGroup(CyclicGroup(4), CyclicGroup(4)),
    ],
]  # fmt: skip


@pytest.mark.parametrize("groups", SAME_ORDER, ids=lambda groups: f"order-{groups[0].order}")
def test_different_groups_of_one_order_are_told_apart(groups: list[FiniteGroup]) -> None:
    for a, b in combinations(groups, 2):
        assert a.order == b.order
        assert not a.is_isomorphic(b), f"{a} and {b}"
        assert not b.is_isomorphic(a), f"{a} and {b}"
    for group in groups:
        assert group.is_isomorphic(mixed_up(group, np.random.default_rng(group.order)))
