"""Groups against SymPy, against matrices and tuples, and against brute force."""

from __future__ import annotations

import copy
import pickle
from itertools import product as pairs
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sympy.combinatorics import Permutation, PermutationGroup

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.errors import GroupError
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.table import TableGroup
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

Array = npt.NDArray[np.int64]

PERMUTATIONS = {
    "C5": [[1, 2, 3, 4, 0]],
    "C6 on 5 points": [[1, 0, 3, 4, 2]],
    "D4": [[1, 2, 3, 0], [3, 2, 1, 0]],
    "S4": [[1, 2, 3, 0], [1, 0, 2, 3]],
    "A5": [[1, 2, 3, 4, 0], [1, 2, 0, 3, 4]],
    "S3 x C2": [[1, 2, 0, 3, 4], [1, 0, 2, 3, 4], [0, 1, 2, 4, 3]],
    "trivial": [[0, 1, 2]],
    "repeated and identity generators": [[1, 0, 2], [0, 1, 2], [1, 0, 2], [1, 2, 0]],
}
GROUPS = {
    "C1": C(1),
    "C2": C(2),
    "C12": C(12),
    "D1": D(1),
    "D2": D(2),
    "D3": D(3),
    "D6": D(6),
    "C4 x C2": product(C(4), C(2)),
    "C1 x D3": product(C(1), D(3)),
    "D3 x C2 x C3": product(D(3), C(2), C(3)),
    "S4": symmetric(4),
    "A5": alternating(5),
    "Q8": dicyclic(2),
    "C7 by C3": semidirect(7, 3, 2),
    "trivial": presented("a"),
    "no generator": FiniteGroup.from_relations(0, []),
}
each_group = pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
each_permutations = pytest.mark.parametrize("rows", PERMUTATIONS.values(), ids=PERMUTATIONS.keys())


def compose(p: Array, q: Array) -> Array:
    """First q, then p, point by point."""
    return np.array([p[q[i]] for i in range(len(p))])


def shortlex(rows: list[list[int]]) -> list[tuple[int, ...]]:
    """Elements in shortlex order of their least words, by plain enumeration of all words."""
    identity = tuple(range(len(rows[0])))
    found, words = [identity], [identity]
    while words:
        longer = []
        for element in words:
            for row in rows:
                image = tuple(element[i] for i in row)
                if image not in found:
                    found.append(image)
                    longer.append(image)
        words = longer
    return found


@each_permutations
def test_products_of_permutations_compose_right_to_left(rows: list[list[int]]) -> None:
    group = FiniteGroup.from_permutations(rows)
    assert isinstance(group, TableGroup)
    p = group.permutations
    assert p is not None
    for a, b in pairs(range(group.order), repeat=2):
        np.testing.assert_array_equal(p[group.multiply(a, b)], compose(p[a], p[b]))
    np.testing.assert_array_equal(p[list(group.generators)], rows)


@each_permutations
def test_permutation_groups_equal_sympys(rows: list[list[int]]) -> None:
    group = FiniteGroup.from_permutations(np.array(rows))
    assert isinstance(group, TableGroup)
    assert group.permutations is not None
    oracle = PermutationGroup([Permutation(row) for row in rows])
    ours: list[Any] = [Permutation(row.tolist()) for row in group.permutations]
    assert set(ours) == set(oracle.elements)
    assert group.order == oracle.order()
    # SymPy multiplies left to right: b * a first applies b.
    table = [[ours.index(b * a) for b in ours] for a in ours]
    np.testing.assert_array_equal(group.cayley_table, table)
    np.testing.assert_array_equal(group.inverses, [ours.index(a**-1) for a in ours])
    np.testing.assert_array_equal(group.element_orders, [a.order() for a in ours])
    assert group.is_abelian == oracle.is_abelian
    assert group.exponent == lcm(*(int(a.order()) for a in ours))
    classes = {frozenset(map(ours.index, c)) for c in oracle.conjugacy_classes()}
    assert {frozenset(c.tolist()) for c in group.conjugacy_classes} == classes


@each_permutations
def test_elements_are_numbered_in_shortlex_order(rows: list[list[int]]) -> None:
    group = FiniteGroup.from_permutations(rows)
    assert isinstance(group, TableGroup)
    np.testing.assert_array_equal(group.permutations, shortlex(rows))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_dihedral_groups_move_a_polygon(n: int) -> None:
    angle = 2 * np.pi / n
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mirror = np.diag([1.0, -1.0])
    elements = [
        np.linalg.matrix_power(rotation, k) @ np.linalg.matrix_power(mirror, f)
        for f in range(2)
        for k in range(n)
    ]
    group = DihedralGroup(n)
    assert group.order == 2 * n == len(elements)
    for a, b in pairs(range(2 * n), repeat=2):
        expected = elements[a] @ elements[b]
        np.testing.assert_allclose(elements[int(group.multiply(a, b))], expected, atol=1e-12)
    for a in range(2 * n):
        product_ = elements[a] @ elements[int(group.inverse(a))]
        np.testing.assert_allclose(product_, np.eye(2), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_cyclic_groups_add_modulo_n(n: int) -> None:
    group = CyclicGroup(n)
    table = [[(a + b) % n for b in range(n)] for a in range(n)]
    np.testing.assert_array_equal(group.cayley_table, table)
    np.testing.assert_array_equal(group.inverses, [(n - a) % n for a in range(n)])
    smallest = [next(k for k in range(1, n + 1) if k * a % n == 0) for a in range(n)]
    np.testing.assert_array_equal(group.element_orders, smallest)
    assert group.exponent == n


def test_products_multiply_factor_by_factor() -> None:
    factors = (D(3), C(4), C(2))
    group = ProductGroup(*factors)
    elements = list(pairs(*(range(f.order) for f in factors)))
    for a, b in pairs(range(group.order), repeat=2):
        parts = zip(factors, elements[a], elements[b], strict=True)
        assert elements[int(group.multiply(a, b))] == tuple(
            int(f.multiply(x, y)) for f, x, y in parts
        )
    np.testing.assert_array_equal(group.element_orders, renumbered_orders(group))


def renumbered_orders(group: FiniteGroup) -> list[int]:
    """Order of every element, by repeated multiplication."""
    orders = []
    for a in range(group.order):
        power, count = a, 1
        while power:
            power, count = int(group.multiply(power, a)), count + 1
        orders.append(count)
    return orders


@each_group
def test_axioms(group: FiniteGroup) -> None:
    table = group.cayley_table
    n = group.order
    assert table.shape == (n, n)
    assert table.dtype == np.int64
    np.testing.assert_array_equal(table[0], np.arange(n))
    np.testing.assert_array_equal(table[:, 0], np.arange(n))
    np.testing.assert_array_equal(table[np.arange(n), group.inverses], 0)
    np.testing.assert_array_equal(table[group.inverses, np.arange(n)], 0)
    np.testing.assert_array_equal(table[table], table[:, table])


@each_group
def test_structure_equals_brute_force(group: FiniteGroup) -> None:
    table, n = group.cayley_table, group.order
    assert group.element_orders.tolist() == renumbered_orders(group)
    assert group.is_abelian == bool((table == table.T).all())
    inverses = np.argmin(table, axis=1)
    classes = {frozenset(table[table[s, a], inverses[s]] for s in range(n)) for a in range(n)}
    assert {frozenset(c.tolist()) for c in group.conjugacy_classes} == classes
    smallest = [int(c[0]) for c in group.conjugacy_classes]
    assert smallest == sorted(smallest)
    assert all((np.diff(c) > 0).all() for c in group.conjugacy_classes)


@each_group
def test_relators_hold_and_generators_generate(group: FiniteGroup) -> None:
    assert [group.element(relator) for relator in group.relators] == [0] * len(group.relators)
    assert group.generated(group.generators).tolist() == list(range(group.order))


@each_group
def test_words_are_evaluated_letter_by_letter(group: FiniteGroup) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        length = rng.integers(0, 5) if group.generators else 0
        letters = [int(k) for k in rng.integers(0, max(len(group.generators), 1), length)]
        exponents = [int(e) for e in rng.integers(-7, 8, length)]
        expected = 0
        for k, e in zip(letters, exponents, strict=True):
            g = group.generators[k] if e > 0 else int(group.inverse(group.generators[k]))
            for _ in range(abs(e)):
                expected = int(group.multiply(expected, g))
        assert group.element(tuple(zip(letters, exponents, strict=True))) == expected


@each_group
def test_word_plan_spells_shortlex_least_words(group: FiniteGroup) -> None:
    plan = group.word_plan
    words: list[tuple[int, ...]] = [(), *((k,) for k in plan.first)]
    for left, right in plan.stages:
        # All of a batch exist before it, as its products are taken at once.
        words += [words[a] + words[b] for a, b in zip(left, right, strict=True)]
    least: dict[int, tuple[int, ...]] = {0: ()}
    for length in range(1, max(map(len, words)) + 1):
        for letters in pairs(range(len(group.generators)), repeat=length):
            if len(least) < group.order and (letters[:-1] in least.values()):
                spelled = group.element(tuple((k, 1) for k in letters))
                least.setdefault(spelled, letters)
    assert words == list(least.values())
    assert plan.elements.tolist() == list(least)
    assert plan.elements[plan.rank].tolist() == list(range(group.order))
    longest = max(map(len, words))
    assert len(plan.stages) == (int(np.ceil(np.log2(longest))) if longest > 1 else 0)


def test_multiplication_broadcasts() -> None:
    for group in (C(6), D(3), product(C(3), C(2)), symmetric(3)):
        a, b = np.arange(6)[:, None], np.arange(3)[None, :]
        assert group.multiply(a, b).shape == (6, 3)
        np.testing.assert_array_equal(group.multiply(a, b), group.cayley_table[:, :3])
        assert group.multiply([1, 2], 3).dtype == np.int64
        np.testing.assert_array_equal(group.inverse([[1], [2]]), group.inverses[[[1], [2]]])


def test_subgroups() -> None:
    group = symmetric(4)
    assert isinstance(group, TableGroup)
    assert group.permutations is not None
    numbers = {tuple(row): k for k, row in enumerate(group.permutations.tolist())}
    klein = [numbers[p] for p in [(0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)]]
    swap, square = numbers[1, 0, 2, 3], numbers[1, 2, 3, 0]
    assert group.is_subgroup(klein)
    assert group.is_normal(klein)
    assert group.is_subgroup([0, swap])
    assert not group.is_normal([0, swap])
    assert not group.is_subgroup(klein[1:])
    assert not group.is_normal(klein[1:])
    assert not group.is_subgroup([])
    dihedral = group.subgroup([square, klein[1]])
    assert (dihedral.order, dihedral.name) == (8, "D4")
    assert group.subgroup([]).order == 1
    assert group.subgroup([0, 0]).generators == ()
    # An element that earlier ones generate is no generator.
    assert len(group.subgroup([square, klein[2], 0, klein[1]]).generators) == 2
    assert group.subgroup(range(24)).is_isomorphic(group)


def test_equality_and_hash_follow_structure_and_generators() -> None:
    groups: list[FiniteGroup] = [C(4), C(8), D(4), D(2), product(C(2), C(4)), product(C(4), C(2))]
    groups += [
        renumbered(C(4)),
        symmetric(3),
        FiniteGroup.from_permutations([[1, 0, 2], [1, 2, 0]]),
    ]
    again = [C(4), C(8), D(4), D(2), product(C(2), C(4)), product(C(4), C(2))]
    again += [renumbered(C(4)), symmetric(3), FiniteGroup.from_permutations([[1, 0, 2], [1, 2, 0]])]
    for i, j in pairs(range(len(groups)), repeat=2):
        assert (groups[i] == again[j]) == (i == j)
    assert list(map(hash, groups)) == list(map(hash, again))
    assert C(4) != 4
    assert D(4) != "D4"


def test_texts() -> None:
    assert [str(C(4)), repr(C(4))] == ["C4", "CyclicGroup(4)"]
    assert [str(D(4)), repr(D(4))] == ["D4", "DihedralGroup(4)"]
    both = product(C(2), D(3))
    assert [str(both), repr(both)] == ["C2 x D3", "ProductGroup(CyclicGroup(2), DihedralGroup(3))"]
    assert repr(symmetric(3)) == "<S3: FiniteGroup of order 6>"


def test_tables_cannot_be_changed() -> None:
    for group in (C(4), symmetric(3)):
        with pytest.raises(ValueError, match="read-only"):
            group.cayley_table[0, 0] = 1


def test_orders_without_a_table_are_unlimited() -> None:
    group = CyclicGroup(10**6)
    assert group.multiply(999_999, 2) == 1
    assert group.inverse(1) == 999_999
    assert group.element_orders[400_000] == 5
    assert ProductGroup(group, DihedralGroup(5000)).multiply(3, 10_000) == 10_003
    for large in (group, CyclicGroup(MAX_TABLE_ORDER + 1), D(2049), product(C(4096), C(2))):
        with pytest.raises(GroupError, match=r"order must be <= 4096, got \d+; use multiply"):
            _ = large.cayley_table
    assert CyclicGroup(MAX_TABLE_ORDER).cayley_table.shape == (4096, 4096)


def test_orders_above_the_limit_are_refused() -> None:
    with pytest.raises(GroupError, match="order must be <= 4096, got 40320; use CyclicGroup"):
        symmetric(8)
    with pytest.raises(GroupError, match="order must be <= 4096, got 5000; use CyclicGroup"):
        C(5000).subgroup([1])


def test_pickles_hold_what_generators_do_and_copies_share_the_table() -> None:
    """S6 has a table of 720 x 720 numbers, four MiB of int64."""
    group = FiniteGroup.from_permutations([[1, 2, 3, 4, 5, 0], [1, 0, 2, 3, 4, 5]])
    relators, name = group.relators, group.name
    content = pickle.dumps(group)
    assert len(content) < 20_000
    again: Any = pickle.loads(content)
    assert again == group
    assert (again.relators, again.name) == (relators, name)
    whole: Any = group
    np.testing.assert_array_equal(again.permutations, whole.permutations)
    part = group.subgroup([3, 7])
    assert pickle.loads(pickle.dumps(part)) == part
    assert copy.deepcopy(group) is group
