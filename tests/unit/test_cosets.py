"""Coset enumeration and presentations against SymPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sympy.combinatorics.coset_table import CosetTable, coset_enumeration_r
from sympy.combinatorics.fp_groups import FpGroup
from sympy.combinatorics.free_groups import free_group, letter_form_to_array_form

from grouplearn import FiniteGroup
from grouplearn.errors import GroupError
from grouplearn.groups import Word
from grouplearn.groups.cosets import enumerate_cosets, letters
from grouplearn.groups.presentation import presentation
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
    word,
)

Array = npt.NDArray[np.int64]

FINITE = {
    "trivial, by coincidences": ["aaab", "aab", "bbb"],
    "trivial, Higman-like": ["abAbb", "baBaa"],
    "trivial, long": ["abABA", "baBAB", "aaa"],
    "C3": ["aaa"],
    "A5": ["aa", "bbb", "ababababab"],
    "S4": ["aaaa", "bb", "ababab"],
    "PSL(2, 7)": ["aa", "bbb", "ab" * 7, "abAB" * 4],
    "Q8": ["abaB", "babA"],
    "binary tetrahedral": ["aaaBBB", "aaaBABA"],
    "Burnside (2, 3)": ["aaa", "bbb", "ababab", "aBaBaB"],
    "Fibonacci F(2, 5) = C11": ["abC", "bcab", "cabcab"],
    "S3 x S3 in three letters": ["aa", "bb", "ccc", "abab", "acaC", "bcbc"],
    "D7 with an empty relator": ["", "aa", "bb", "ab" * 7],
}
INFINITE = {
    "integers": (1, []),
    "free group": (2, []),
    "infinite dihedral": (2, [word("aa"), word("bb")]),
    "plane": (2, [word("abAB")]),
    "triangle group (2, 3, 6)": (2, [word("aa"), word("bbb"), word("ab" * 6)]),
    "triangle group (2, 3, 7)": (2, [word("aa"), word("bbb"), word("ab" * 7)]),
    "one relator short": (3, [word("aa"), word("bb")]),
}


def sympy_group(generators: int, relators: list[Word]) -> FpGroup:
    free: Any = free_group(["x", "y", "z"][:generators])[0]
    words = []
    for relator in relators:
        symbols = [(free.symbols[g], e) for g, e in relator]
        spelled = [symbol if e > 0 else -symbol for symbol, e in symbols for _ in range(abs(e))]
        array: Any = letter_form_to_array_form(spelled, free) if spelled else ()
        words.append(free.dtype(tuple(array)))
    return FpGroup(free, words)


def by_sympy(generators: int, relators: list[Word], limit: int) -> Array | None:
    """The same table from SymPy, or None where it gives up."""
    before, CosetTable.coset_table_max_limit = CosetTable.coset_table_max_limit, limit
    try:
        table = coset_enumeration_r(sympy_group(generators, relators), [])
    except ValueError:
        return None
    finally:
        CosetTable.coset_table_max_limit = before
    table.compress()
    return np.array(table.table, dtype=np.int64)[:, ::2].T


def standard(right: Array) -> Array:
    """Renumbered in the order in which a breadth-first search from 0 meets the points."""
    met = [0]
    for point in met:
        met += [c for c in dict.fromkeys(right[:, point].tolist()) if c not in met]
    number = np.argsort(met)
    return number[right[:, met]]


@pytest.mark.parametrize("relators", FINITE.values(), ids=FINITE.keys())
def test_enumeration_equals_sympys(relators: list[str]) -> None:
    words = [word(text) for text in relators]
    generators = len(set("".join(relators).lower()))
    expected = by_sympy(generators, words, limit=20_000)
    assert expected is not None
    right = enumerate_cosets(generators, words, 20_000)
    np.testing.assert_array_equal(standard(right), standard(expected))
    assert FiniteGroup.from_relations(generators, words).order == expected.shape[1]


def random_presentation(rng: np.random.Generator) -> list[Word]:
    """Orders of a, b and a b, and a power of another short word: often finite, some collapse."""
    texts = ["abAB", "abaB", "aabAB", "abAb", "aabb", "abab", "aabab", "aBBab"]
    powers = [word("a"), word("b"), word("ab"), word(texts[rng.integers(len(texts))])]
    return [base * int(rng.integers(2, 5)) for base in powers]


@pytest.mark.slow
def test_enumeration_of_random_presentations_equals_sympys() -> None:
    rng = np.random.default_rng(0)
    orders = []
    for _ in range(30):
        words = random_presentation(rng)
        expected = by_sympy(2, words, limit=120)
        if expected is not None:
            right = enumerate_cosets(2, words, 20_000)
            np.testing.assert_array_equal(standard(right), standard(expected))
            orders.append(right.shape[1])
    assert len(orders) >= 15
    assert len(set(orders)) >= 6


@pytest.mark.parametrize(("generators", "relators"), INFINITE.values(), ids=INFINITE.keys())
def test_infinite_groups_are_refused(generators: int, relators: list[Word]) -> None:
    with pytest.raises(GroupError) as problem:
        FiniteGroup.from_relations(generators, relators, max_cosets=2000)
    assert str(problem.value) == (
        "FiniteGroup.from_relations: relators must be a presentation whose enumeration closes "
        "within max_cosets=2000 cosets, got one that does not; the group may be infinite: add a "
        "relator or raise max_cosets"
    )


def test_the_limit_counts_cosets() -> None:
    assert FiniteGroup.from_relations(1, [((0, 30),)], max_cosets=30).order == 30
    with pytest.raises(GroupError, match="max_cosets=29"):
        FiniteGroup.from_relations(1, [((0, 30),)], max_cosets=29)


def test_words_are_spelled_letter_by_letter() -> None:
    assert letters(((0, 2), (1, -3), (0, 0), (2, 1))) == [0, 0, 3, 3, 3, 4]
    assert letters(()) == []


def test_trivial_presentations() -> None:
    assert FiniteGroup.from_relations(0, []).generators == ()
    assert FiniteGroup.from_relations(1, [((0, 1),)]).generators == (0,)
    assert FiniteGroup.from_relations(1, [((0, 1),)]).order == 1


def test_given_relators_and_generators_are_kept() -> None:
    relators = [word("aaaa"), word("bb"), word("abab")]
    group = FiniteGroup.from_relations(2, relators)
    assert group.relators == tuple(relators)
    assert [int(group.element_orders[g]) for g in group.generators] == [4, 2]


PRESENTED = {
    "C1": C(1),
    "C7": C(7),
    "C2 x C2 x C2": product(C(2), C(2), C(2)),
    "D9": D(9),
    "S4": symmetric(4),
    "A5": alternating(5),
    "Q16": dicyclic(4),
    "C7 by C3": semidirect(7, 3, 2),
    "D4 x C3": product(D(4), C(3)),
    "repeated generators": FiniteGroup.from_permutations([[1, 0, 2], [1, 0, 2], [1, 2, 0]]),
    "identity generator": FiniteGroup.from_permutations([[0, 1, 2], [1, 2, 0]]),
}


@pytest.mark.parametrize("name", PRESENTED)
def test_presentations_present_the_group(name: str) -> None:
    group = PRESENTED[name]
    generators = group.generators or (0,)
    right = group.cayley_table[:, list(generators)].T
    expected = by_sympy(len(generators), list(presentation(right)), limit=20_000)
    assert expected is not None
    np.testing.assert_array_equal(standard(expected), standard(right))


@pytest.mark.parametrize("name", PRESENTED)
def test_relators_present_the_group(name: str) -> None:
    """Also those of the families, given by formulas."""
    for group in (PRESENTED[name], renumbered(PRESENTED[name])):
        if group.generators:
            expected = by_sympy(len(group.generators), list(group.relators), limit=20_000)
            assert expected is not None
            right = np.stack([group.cayley_table[:, g] for g in group.generators])
            np.testing.assert_array_equal(standard(expected), standard(right))
        else:
            assert group.relators == ()


def test_presentations_are_short() -> None:
    # C_n needs one relator, S_n and the dihedral groups three.
    for build, limit in [(C(100), 1), (D(20), 3), (symmetric(5), 6), (presented("aa"), 1)]:
        assert len(renumbered(build).relators) <= limit
