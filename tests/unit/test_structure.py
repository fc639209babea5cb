"""Names and isomorphism, against the classification of small groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise
from math import gcd, prod

import numpy as np
import pytest

from grouplearn import FiniteGroup
from grouplearn.errors import GroupError
from grouplearn.groups.structure import abelian_invariants, small_generating_set
from tests.unit.examples import (
    C,
    D,
    alternating,
    dicyclic,
    presented,
    product,
    renumbered,
    semidirect,
    symmetric,
)

Build = Callable[[], FiniteGroup]

# Groups given without their structure: as tables, from permutations or from relations.
NAMED: dict[str, Build] = {
    "C1": lambda: renumbered(C(1)),
    "C6": lambda: FiniteGroup.from_permutations([[1, 0, 3, 4, 2]]),
    "C2 x C2": lambda: FiniteGroup.from_permutations([[1, 0, 3, 2], [2, 3, 0, 1]]),
    "C4 x C2": lambda: presented("aaaa", "bb", "abAB"),
    "C6 x C2": lambda: renumbered(product(C(2), C(2), C(3))),
    "C3 x C3": lambda: FiniteGroup.from_permutations([[1, 2, 0, 3, 4, 5], [0, 1, 2, 4, 5, 3]]),
    "C60": lambda: renumbered(product(C(3), C(4), C(5))),
    "C12 x C2 x C2": lambda: renumbered(product(C(2), C(6), C(4))),
    "S3": lambda: renumbered(D(3)),
    "S4": lambda: symmetric(4),
    "S5": lambda: symmetric(5),
    "S6": lambda: symmetric(6),
    "A4": lambda: alternating(4),
    "A5": lambda: presented("aa", "bbb", "ab" * 5),
    "A6": lambda: alternating(6),
    "D4": lambda: presented("aaaa", "bb", "abab"),
    "D5": lambda: renumbered(D(5)),
    "D6": lambda: renumbered(product(D(3), C(2))),
    "D8": lambda: renumbered(D(8)),
    "D50": lambda: presented("a" * 50, "bb", "abab"),
    "Q8": lambda: dicyclic(2),
    "Q16": lambda: dicyclic(4),
    "Q32": lambda: dicyclic(8),
    "D4 x C2": lambda: renumbered(product(C(2), D(4))),
    "D4 x C4": lambda: renumbered(product(D(4), C(4))),
    "Q8 x C3": lambda: renumbered(product(C(3), dicyclic(2))),
    "S3 x C2 x C2": lambda: renumbered(product(D(6), C(2))),
    "S3 x C3": lambda: renumbered(product(D(3), C(3))),
    "S3 x S3": lambda: renumbered(product(D(3), D(3))),
    "D4 x S3": lambda: renumbered(product(D(3), D(4))),
    "S4 x C2": lambda: renumbered(product(C(2), symmetric(4))),
    "S4 x C2 x C2": lambda: renumbered(product(C(2), symmetric(4), C(2))),
    "A4 x C2": lambda: renumbered(product(C(2), alternating(4))),
    "A5 x C2": lambda: renumbered(product(alternating(5), C(2))),
}
UNNAMED: dict[str, Build] = {
    "dicyclic of order 12": lambda: dicyclic(3),
    "C7 by C3": lambda: semidirect(7, 3, 2),
    "affine group of 5 points": lambda: semidirect(5, 4, 2),
    "semidihedral of order 16": lambda: semidirect(8, 2, 3),
    "modular of order 16": lambda: semidirect(8, 2, 5),
    "Heisenberg modulo 3": lambda: presented("aaa", "bbb", "ccc", "abABC", "acAC", "bcBC"),
}
ORDER_16: dict[str, Build] = {
    "C4 by C4": lambda: semidirect(4, 4, 3),
    "Q8 x C2": lambda: renumbered(product(dicyclic(2), C(2))),
    "D4 x C2": lambda: renumbered(product(D(4), C(2))),
    "C2 x C2 by C4": lambda: presented("aaaa", "bb", "cc", "abABC", "acAC", "bcBC"),
    "Pauli": lambda: presented("aaaa", "bb", "cc", "abAB", "acAC", "bcbcaa"),
    "modular": lambda: semidirect(8, 2, 5),
    "semidihedral": lambda: semidirect(8, 2, 3),
    "D8": lambda: renumbered(D(8)),
    "Q16": lambda: dicyclic(4),
    "C8 x C2": lambda: renumbered(product(C(8), C(2))),
    "C4 x C4": lambda: renumbered(product(C(4), C(4))),
    "C4 x C2 x C2": lambda: renumbered(product(C(4), C(2), C(2))),
}
ORDER_27: dict[str, Build] = {
    "Heisenberg": UNNAMED["Heisenberg modulo 3"],
    "exponent 9": lambda: semidirect(9, 3, 4),
    "C3 x C3 x C3": lambda: renumbered(product(C(3), C(3), C(3))),
    "C9 x C3": lambda: renumbered(product(C(9), C(3))),
}


def statistics(group: FiniteGroup) -> Counter[int]:
    return Counter(group.element_orders.tolist())


def class_statistics(group: FiniteGroup) -> Counter[tuple[int, int]]:
    return Counter((int(group.element_orders[c[0]]), len(c)) for c in group.conjugacy_classes)


def differently_generated(group: FiniteGroup, seed: int) -> FiniteGroup:
    """The same group, numbered by words in random generators."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    while len(group.generated(chosen)) < group.order:
        chosen.append(int(rng.integers(group.order)))
    return group.subgroup(chosen)


@pytest.mark.parametrize("name", NAMED)
def test_names(name: str) -> None:
    group = NAMED[name]()
    assert group.name == name
    assert differently_generated(group, seed=1).name == name


@pytest.mark.parametrize("build", UNNAMED.values(), ids=UNNAMED.keys())
def test_other_groups_are_named_by_their_order(build: Build) -> None:
    group = build()
    assert group.name == f"group of order {group.order}"
    assert renumbered(product(group, D(3))).name == f"S3 x {group.name}"


@pytest.mark.parametrize("name", ["S3 x C6", "D5 x C6", "D4 x C15"])
def test_coprime_cyclic_factors_are_joined_as_in_abelian_groups(name: str) -> None:
    left, right = name.split(" x ")
    dihedral = D(3 if left == "S3" else int(left[1:]))
    assert renumbered(product(dihedral, C(int(right[1:])))).name == name


def test_families_are_named_by_their_parameters() -> None:
    assert [C(1).name, C(6).name, D(3).name, D(2).name] == ["C1", "C6", "D3", "D2"]
    assert product(D(3), C(2), C(4)).name == "D3 x C2 x C4"


@pytest.mark.parametrize("name", NAMED)
def test_isomorphic_to_itself_in_other_words(name: str) -> None:
    group = NAMED[name]()
    for seed in range(3):
        assert group.is_isomorphic(differently_generated(group, seed))


@pytest.mark.parametrize("builds", [ORDER_16, ORDER_27], ids=["order 16", "order 27"])
def test_groups_of_one_order_are_told_apart(builds: dict[str, Build]) -> None:
    groups = {name: build() for name, build in builds.items()}
    assert len({group.order for group in groups.values()}) == 1
    for a, b in combinations(groups, 2):
        assert not groups[a].is_isomorphic(groups[b]), (a, b)
        assert not groups[b].is_isomorphic(groups[a]), (b, a)


def test_the_examples_share_their_element_orders() -> None:
    """Else the tests above would show less than they seem to."""
    for groups, a, b in [
        (ORDER_16, "C4 by C4", "Q8 x C2"),
        (ORDER_16, "C2 x C2 by C4", "Pauli"),
        (ORDER_16, "modular", "C8 x C2"),
        (ORDER_16, "C4 by C4", "C4 x C4"),
        (ORDER_27, "Heisenberg", "C3 x C3 x C3"),
        (ORDER_27, "exponent 9", "C9 x C3"),
    ]:
        assert statistics(groups[a]()) == statistics(groups[b]()), (a, b)
    one, other = ORDER_16["C4 by C4"](), ORDER_16["Q8 x C2"]()
    assert class_statistics(one) == class_statistics(other)


def test_isomorphism_across_families() -> None:
    assert D(1).is_isomorphic(C(2))
    assert D(2).is_isomorphic(product(C(2), C(2)))
    assert D(3).is_isomorphic(symmetric(3))
    assert D(6).is_isomorphic(product(C(2), D(3)))
    assert product(C(4), C(9)).is_isomorphic(C(36))
    assert C(1).is_isomorphic(presented("a"))
    assert not C(4).is_isomorphic(D(2))
    assert not C(4).is_isomorphic(C(5))
    assert not D(4).is_isomorphic(C(8))
    assert not D(12).is_isomorphic(symmetric(4))
    assert not symmetric(5).is_isomorphic(product(alternating(5), C(2)))


def test_large_groups_are_not_compared() -> None:
    with pytest.raises(GroupError, match="order must be <= 4096"):
        D(3000).is_isomorphic(D(3000))
    assert C(4097).is_isomorphic(C(4097))
    assert not C(2).is_isomorphic(C(10**6))


def test_abelian_invariants_multiply_to_the_order_and_divide_one_another() -> None:
    for orders in [(1,), (8,), (2, 2), (4, 6), (2, 3, 5), (6, 10, 15), (4, 4, 2, 9, 3), (12, 18)]:
        factors = abelian_invariants(product(C(1), *map(C, orders)))
        assert prod(factors) == prod(orders)
        assert all(a % b == 0 for a, b in pairwise(factors))
        # The number of solutions of k x = 0, for every k, determines an abelian group.
        for k in range(1, max(factors) + 1):
            assert prod(gcd(k, f) for f in factors) == prod(gcd(k, o) for o in orders)


@pytest.mark.parametrize("name", NAMED)
def test_small_generating_sets_generate(name: str) -> None:
    group = NAMED[name]()
    chosen = small_generating_set(group)
    assert len(group.generated(chosen)) == group.order
    assert len(chosen) <= len(group.generators)
