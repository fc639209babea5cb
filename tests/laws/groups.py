"""The laws of finite groups; NumPy on the Cayley table and SymPy are the oracles.

A law takes a group and a random generator, so that broken groups can be put to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy.combinatorics import Permutation, PermutationGroup
from sympy.combinatorics.coset_table import coset_enumeration_r
from sympy.combinatorics.fp_groups import FpGroup
from sympy.combinatorics.free_groups import free_group

from grouplearn.groups import (
    CyclicGroup,
    DihedralGroup,
    FiniteGroup,
    Word,
    irrep_characters,
    real_irreps,
    regular_multiplicities,
)

Table = NDArray[np.int64]
GroupLaw = Callable[[FiniteGroup, np.random.Generator], None]

GROUP_LAWS: dict[str, GroupLaw] = {}


def group_law(check: GroupLaw) -> GroupLaw:
    GROUP_LAWS[check.__name__] = check
    return check


def value_of(table: Table, generators: Sequence[int], word: Word) -> int:
    """The element that a word spells, by going through the table letter by letter."""
    inverse, result = np.argmin(table, axis=1), 0
    for position, exponent in word:
        letter = generators[position] if exponent > 0 else int(inverse[generators[position]])
        for _ in range(abs(exponent)):
            result = int(table[result, letter])
    return result


def closure_of(table: Table, seeds: Sequence[int]) -> set[int]:
    members, frontier = {0}, [0]
    while frontier:
        reached = {int(table[g, s]) for g in frontier for s in seeds} - members
        members |= reached
        frontier = sorted(reached)
    return members


def as_permutations(table: Table, generators: Sequence[int]) -> Any:
    """SymPy's group of left translations, isomorphic to the group (Cayley's theorem)."""
    return PermutationGroup([Permutation(table[g].tolist()) for g in generators or [0]])


def renumbered(table: Table, generators: Sequence[int]) -> Table:
    """The table with elements in the order in which breadth-first search meets them."""
    order, seen = [0], {0}
    for element in order:
        for generator in generators:
            reached = int(table[element, generator])
            if reached not in seen:
                seen.add(reached)
                order.append(reached)
    assert len(order) == len(table), "the generators do not generate"
    number = np.argsort(order)
    return np.asarray(number[table[np.ix_(order, order)]])


def sympy_presentation(group: FiniteGroup) -> Any:
    """SymPy's finitely presented group on the same generators and relators."""
    names = ",".join(f"g{i}" for i in range(len(group.generators)))
    free, *letters = free_group(names)
    words = []
    for relator in group.relators:
        word = free.identity
        for position, exponent in relator:
            word = word * letters[position] ** exponent
        words.append(word)
    return FpGroup(free, words)


@group_law
def table_is_a_group(group: FiniteGroup, rng: np.random.Generator) -> None:
    """Associative, 0 the identity, every row and column a permutation; multiply broadcasts it."""
    table, n = np.asarray(group.cayley_table), group.order
    assert table.shape == (n, n)
    assert table.dtype == np.int64
    assert np.array_equal(table[0], np.arange(n))
    assert np.array_equal(table[:, 0], np.arange(n))
    everything = np.broadcast_to(np.arange(n), (n, n))
    assert np.array_equal(np.sort(table, axis=1), everything)
    assert np.array_equal(np.sort(table, axis=0), everything.T)
    a, b, c = rng.integers(n, size=(3, 500))
    assert np.array_equal(table[table[a, b], c], table[a, table[b, c]])
    assert np.array_equal(group.multiply(a, b), table[a, b])
    assert [int(group.multiply(a[i], b[i])) for i in range(20)] == table[a, b][:20].tolist()


@group_law
def inverses_cancel(group: FiniteGroup, rng: np.random.Generator) -> None:
    table, everything = np.asarray(group.cayley_table), np.arange(group.order)
    assert np.array_equal(table[everything, group.inverses], np.zeros(group.order))
    assert np.array_equal(table[group.inverses, everything], np.zeros(group.order))
    assert [int(group.inverse(g)) for g in range(group.order)] == list(group.inverses)


@group_law
def generators_generate(group: FiniteGroup, rng: np.random.Generator) -> None:
    table = np.asarray(group.cayley_table)
    assert len(closure_of(table, group.generators)) == group.order
    assert int(as_permutations(table, group.generators).order()) == group.order


@group_law
def relators_present_the_group(group: FiniteGroup, rng: np.random.Generator) -> None:
    """They hold, and by SymPy's coset enumeration nothing else is needed."""
    table = np.asarray(group.cayley_table)
    for word in group.relators:
        assert value_of(table, group.generators, word) == 0, f"{word} is not the identity"
        assert group.element(word) == 0
    if group.generators:
        cosets = coset_enumeration_r(sympy_presentation(group), [], max_cosets=50_000)
        cosets.compress()
        assert len(cosets.table) == group.order, f"the relators present order {len(cosets.table)}"


@group_law
def presentation_gives_the_group_back(group: FiniteGroup, rng: np.random.Generator) -> None:
    """from_relations on its own relators: the very same table, elements met in the same order."""
    again = FiniteGroup.from_relations(len(group.generators), group.relators)
    table = np.asarray(group.cayley_table)
    assert again.order == group.order
    assert np.array_equal(
        renumbered(np.asarray(again.cayley_table), again.generators),
        renumbered(table, group.generators),
    )
    assert again.is_isomorphic(group)
    assert group.is_isomorphic(again)


@group_law
def element_orders_agree_with_sympy(group: FiniteGroup, rng: np.random.Generator) -> None:
    table = np.asarray(group.cayley_table)
    translations: list[Any] = [Permutation(row.tolist()) for row in table]
    orders = [int(each.order()) for each in translations]
    assert list(group.element_orders) == orders
    assert group.exponent == math.lcm(*orders)
    assert group.is_abelian == bool(as_permutations(table, group.generators).is_abelian)


@group_law
def conjugacy_classes_agree_with_sympy(group: FiniteGroup, rng: np.random.Generator) -> None:
    table = np.asarray(group.cayley_table)
    # A left translation sends the identity to its own element, which names it.
    theirs = as_permutations(table, group.generators).conjugacy_classes()
    want = sorted(sorted(int(p(0)) for p in members) for members in theirs)
    got = [c.tolist() for c in group.conjugacy_classes]
    assert sorted(got) == want
    assert got == sorted(got)


@group_law
def subgroups_agree_with_sympy(group: FiniteGroup, rng: np.random.Generator) -> None:
    table = np.asarray(group.cayley_table)
    seeds = [int(s) for s in rng.integers(group.order, size=rng.integers(0, 3))]
    members = closure_of(table, seeds)
    theirs = as_permutations(table, seeds)
    assert group.generated(seeds).tolist() == sorted(members)
    assert len(members) == int(theirs.order())
    assert group.is_subgroup(sorted(members))
    more = members | {int(rng.integers(group.order))}
    assert group.is_subgroup(sorted(more)) == (closure_of(table, sorted(more)) == more)
    whole = as_permutations(table, group.generators)
    assert group.is_normal(sorted(members)) == bool(theirs.is_normal(whole))
    small = group.subgroup(seeds)
    assert small.order == len(members)
    chosen = [s for i, s in enumerate(seeds) if s not in closure_of(table, seeds[:i])]
    inside = sorted(members)
    position = {g: i for i, g in enumerate(inside)}
    restricted = np.array([[position[int(table[a, b])] for b in inside] for a in inside])
    assert np.array_equal(
        renumbered(np.asarray(small.cayley_table), small.generators),
        renumbered(restricted, [position[s] for s in chosen]),
    )


@group_law
def words_spell_elements(group: FiniteGroup, rng: np.random.Generator) -> None:
    """Random words through the table; the word plan reaches every element once, shortest first."""
    table, m = np.asarray(group.cayley_table), len(group.generators)
    if m:
        for _ in range(5):
            length = int(rng.integers(0, 6))
            word = tuple((int(rng.integers(m)), int(e)) for e in rng.integers(-7, 8, size=length))
            assert group.element(word) == value_of(table, group.generators, word)
    plan = group.word_plan
    assert sorted(plan.elements.tolist()) == list(range(group.order))
    assert np.array_equal(plan.elements[plan.rank], np.arange(group.order))
    spelled = [0, *(group.generators[k] for k in plan.first)]
    for left, right in plan.stages:
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        spelled += [int(table[spelled[a], spelled[b]]) for a, b in pairs]
    assert spelled == plan.elements.tolist()


@group_law
def names_do_not_depend_on_numbering(group: FiniteGroup, rng: np.random.Generator) -> None:
    """Left translations with points and generators mixed up give an isomorphic group."""
    table, n = np.asarray(group.cayley_table), group.order
    relabelled = rng.permutation(n)
    moved = np.empty((n, n), dtype=np.int64)
    moved[:, relabelled] = relabelled[table]
    seeds = list(group.generators) + [int(g) for g in rng.integers(n, size=2)]
    other = FiniteGroup.from_permutations(moved[rng.permutation(seeds)])
    assert other.order == n
    assert other.is_isomorphic(group)
    assert group.is_isomorphic(other)
    again = FiniteGroup.from_permutations(moved[rng.permutation(seeds)])
    assert again.name == other.name
    assert np.array_equal(np.sort(again.element_orders), np.sort(group.element_orders))
    assert not other.is_isomorphic(FiniteGroup.from_relations(1, [((0, n + 1),)]))


@group_law
def permutations_compose(group: FiniteGroup, rng: np.random.Generator) -> None:
    """Groups that came from permutations: p q sends i to p[q[i]], and no permutation is missing."""
    images = getattr(group, "permutations", None)
    if images is None:
        return
    table = np.asarray(group.cayley_table)
    composed = np.stack([row[images] for row in images])
    assert np.array_equal(images[table], composed)
    assert len(np.unique(images, axis=0)) == group.order
    given = PermutationGroup([Permutation(images[g].tolist()) for g in group.generators])
    assert group.order == int(given.order())


@group_law
def irreps_are_complete(group: FiniteGroup, rng: np.random.Generator) -> None:
    """Real irreps of C_n and D_n: orthogonal characters, one per real class; regular counts."""
    if not isinstance(group, CyclicGroup | DihedralGroup):
        return
    table, n = np.asarray(group.cayley_table), group.order
    irreps, characters = real_irreps(group), irrep_characters(group)
    assert characters.shape == (len(irreps), n)
    kinds = np.diag([float(irrep.endomorphisms) for irrep in irreps])
    assert np.abs(characters @ characters.T / n - kinds).max() < 1e-12
    assert [round(c) for c in characters[:, 0]] == [irrep.dim for irrep in irreps]
    inverse = np.argmin(table, axis=1)
    for h in range(n):
        assert np.abs(characters[:, table[table[h], inverse[h]]] - characters).max() < 1e-12
    real_classes = {
        frozenset(int(table[table[h, g], inverse[h]]) for h in range(n) for g in (x, inverse[x]))
        for x in range(n)
    }
    assert len(irreps) == len(real_classes)
    regular = [irrep.dim // irrep.endomorphisms for irrep in irreps]
    assert list(regular_multiplicities(group, n)) == regular
    dim = int(rng.integers(1, 40))
    counts = regular_multiplicities(group, dim)
    assert sum(c * irrep.dim for c, irrep in zip(counts, irreps, strict=True)) == dim
    copies = dim // n
    limits = [(copies * r, (copies + 1) * r) for r in regular]
    limits[0] = (limits[0][0], limits[0][1] + 1)
    for count, (low, high) in zip(counts, limits, strict=True):
        assert low <= count <= high
