"""Broken groups and broken roundings, and the laws that catch them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from grouplearn import NearestExact, nearest_exact
from grouplearn.errors import ClosureError
from grouplearn.groups import (
    CyclicGroup,
    DihedralGroup,
    FiniteGroup,
    ProductGroup,
    Word,
    WordPlan,
    irrep_characters,
    regular_multiplicities,
)
from grouplearn.groups.base import Elements
from grouplearn.representations import LearnedRepresentation, SpectralRepresentation


class SameGroup(FiniteGroup):
    """Behaves like another group; what is broken derives from it."""

    def __init__(self, inner: FiniteGroup) -> None:
        self.inner = inner

    @property
    def order(self) -> int:
        return self.inner.order

    @property
    def generators(self) -> tuple[int, ...]:
        return self.inner.generators

    @property
    def relators(self) -> tuple[Word, ...]:
        return self.inner.relators

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def permutations(self) -> Any:
        return getattr(self.inner, "permutations", None)

    def multiply(self, a: ArrayLike, b: ArrayLike) -> Elements:
        return self.inner.multiply(a, b)

    def inverse(self, a: ArrayLike) -> Elements:
        return self.inner.inverse(a)


LOOP = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
"""A Latin square with an identity that is not associative."""


class ProductIsNotAssociative(SameGroup):
    def multiply(self, a: ArrayLike, b: ArrayLike) -> Elements:
        return np.array(LOOP)[np.asarray(a), np.asarray(b)]


class ProductIsNotBroadcast(SameGroup):
    def multiply(self, a: ArrayLike, b: ArrayLike) -> Elements:
        return self.inner.multiply(a, b) if np.ndim(a) == np.ndim(b) == 2 else np.add(a, b)


class InverseIsTheElement(SameGroup):
    def inverse(self, a: ArrayLike) -> Elements:
        return np.asarray(a)


class LastGeneratorIsMissing(SameGroup):
    @property
    def generators(self) -> tuple[int, ...]:
        return self.inner.generators[:-1]


class RelatorIsFalse(SameGroup):
    @property
    def relators(self) -> tuple[Word, ...]:
        return (*self.inner.relators[:-1], ((0, 1), (1, 1)))


class RelatorsPresentMore(SameGroup):
    """True relators of D3 that present S4."""

    @property
    def relators(self) -> tuple[Word, ...]:
        return (*self.inner.relators[:-1], ((0, 1), (1, 1)) * 4)


class OrdersAreCyclic(SameGroup):
    @cached_property
    def element_orders(self) -> Elements:
        return self.order // np.gcd(np.arange(self.order), self.order)


class ClassesAreSingle(SameGroup):
    @cached_property
    def conjugacy_classes(self) -> tuple[Elements, ...]:
        return tuple(np.arange(self.order)[:, None])


class GeneratesPowersOnly(SameGroup):
    def generated(self, elements: Sequence[int]) -> Elements:
        parts = [self.inner.generated([e]) for e in elements] or [np.zeros(1, dtype=np.int64)]
        return np.unique(np.concatenate(parts))


class EverySubgroupIsNormal(SameGroup):
    def is_normal(self, elements: Sequence[int]) -> bool:
        return True


class EverySetIsASubgroup(SameGroup):
    def is_subgroup(self, elements: Sequence[int]) -> bool:
        return True


class WordsAreReadBackwards(SameGroup):
    def element(self, word: Word) -> int:
        return self.inner.element(tuple(reversed(word)))


class PlanIsSwapped(SameGroup):
    @cached_property
    def word_plan(self) -> WordPlan:
        plan = self.inner.word_plan
        stages = tuple((right, left) for left, right in plan.stages)
        return WordPlan(plan.elements, plan.first, stages, plan.rank)


class PermutationsAreInverted(SameGroup):
    @property
    def permutations(self) -> Any:
        return np.argsort(self.inner.permutations, axis=1)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class GroupMutant:
    """A broken group, or a broken function, and the laws that must notice."""

    name: str
    laws: tuple[str, ...]
    group: FiniteGroup
    patches: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.name


def breaks(kind: type[SameGroup], group: FiniteGroup, *laws: str) -> GroupMutant:
    return GroupMutant(kind.__name__, laws, kind(group))


def replaces(target: str, by: Any, group: FiniteGroup, *laws: str) -> GroupMutant:
    return GroupMutant(by.__name__, laws, group, ((target, by),))


def named_after_generators(group: FiniteGroup) -> str:
    return f"{group.order} {group.generators}"


def always_isomorphic(a: FiniteGroup, b: FiniteGroup) -> bool:
    return True


def never_isomorphic(a: FiniteGroup, b: FiniteGroup) -> bool:
    return False


def without_flips(group: FiniteGroup) -> Any:
    return np.where(np.arange(group.order) < group.order // 2, irrep_characters(group), 1.0)


def one_too_many(group: FiniteGroup, dim: int) -> tuple[int, ...]:
    first, *others = regular_multiplicities(group, dim)
    return (first + 1, *others)


STRUCTURE = "grouplearn.groups.structure"
NAMES = "names_do_not_depend_on_numbering"
D3, D4, C6 = DihedralGroup(3), DihedralGroup(4), CyclicGroup(6)
S4 = FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])

GROUP_MUTANTS = (
    breaks(ProductIsNotAssociative, CyclicGroup(5), "table_is_a_group"),
    breaks(ProductIsNotBroadcast, C6, "table_is_a_group"),
    breaks(InverseIsTheElement, C6, "inverses_cancel"),
    breaks(LastGeneratorIsMissing, D4, "generators_generate"),
    breaks(RelatorIsFalse, D4, "relators_present_the_group", "presentation_gives_the_group_back"),
    breaks(
        RelatorsPresentMore, D3, "relators_present_the_group", "presentation_gives_the_group_back"
    ),
    breaks(OrdersAreCyclic, D4, "element_orders_agree_with_sympy"),
    breaks(ClassesAreSingle, D4, "conjugacy_classes_agree_with_sympy"),
    breaks(GeneratesPowersOnly, D4, "subgroups_agree_with_sympy"),
    breaks(EverySubgroupIsNormal, S4, "subgroups_agree_with_sympy"),
    breaks(EverySetIsASubgroup, C6, "subgroups_agree_with_sympy"),
    breaks(WordsAreReadBackwards, D4, "words_spell_elements"),
    breaks(PlanIsSwapped, S4, "words_spell_elements"),
    breaks(PermutationsAreInverted, S4, "permutations_compose"),
    replaces(f"{STRUCTURE}.structure_name", named_after_generators, D4, NAMES),
    replaces(f"{STRUCTURE}.are_isomorphic", always_isomorphic, D4, NAMES),
    replaces(
        f"{STRUCTURE}.are_isomorphic", never_isomorphic, ProductGroup(C6, CyclicGroup(2)), NAMES,
        "presentation_gives_the_group_back",
    ),
    replaces("tests.laws.groups.irrep_characters", without_flips, D4, "irreps_are_complete"),
    replaces("tests.laws.groups.regular_multiplicities", one_too_many, C6, "irreps_are_complete"),
)  # fmt: skip

Nearest = Callable[[LearnedRepresentation], NearestExact]


def rebuilt(found: NearestExact, basis: torch.Tensor) -> NearestExact:
    rep = found.representation
    return NearestExact(
        SpectralRepresentation.from_basis(rep.group, rep.multiplicities, basis), found.distance
    )


def made_orthogonal(rep: LearnedRepresentation) -> NearestExact:
    found = nearest_exact(rep)
    u, _, vh = torch.linalg.svd(found.representation.basis.detach())
    return rebuilt(found, u @ vh)


def always_moves(rep: LearnedRepresentation) -> NearestExact:
    found = nearest_exact(rep)
    basis = found.representation.basis.detach().clone()
    basis[0] += 0.01 * basis[-1].roll(1)
    return rebuilt(found, basis)


def gives_the_input_back(rep: LearnedRepresentation) -> Any:
    return NearestExact(rep, 0.0)  # type: ignore[arg-type]


def hides_the_distance(rep: LearnedRepresentation) -> NearestExact:
    return nearest_exact(rep)._replace(distance=0.0)


def amplifies_noise(rep: LearnedRepresentation) -> NearestExact:
    found = nearest_exact(rep)
    gap = (rep.generators() - found.representation.generators()).detach().sum(0)
    basis = found.representation.basis.detach()
    return rebuilt(found, basis + 30 * gap @ basis)


def changes_the_input(rep: LearnedRepresentation) -> NearestExact:
    found = nearest_exact(rep)
    with torch.no_grad():
        for parameter in rep.parameters():
            parameter.add_(1e-3)
    return found


def never_refuses(rep: LearnedRepresentation) -> NearestExact:
    try:
        return nearest_exact(rep)
    except ClosureError:
        return NearestExact(SpectralRepresentation(rep.group, rep.dim), 1.0)


def refuses_what_is_shrunk(rep: LearnedRepresentation) -> NearestExact:
    if float(torch.linalg.svdvals(rep.generators().detach()).min()) < 0.9:
        raise ClosureError("eigenvalue must be near 1, got less; train")
    return nearest_exact(rep)


NEAREST_MUTANTS: tuple[tuple[Nearest, tuple[str, ...]], ...] = (
    (made_orthogonal, ("exact_input_stays", "change_of_basis_commutes")),
    (always_moves, ("rounding_twice_changes_nothing", "exact_input_stays")),
    (gives_the_input_back, ("result_closes_and_says_how_far_it_moved",)),
    (hides_the_distance, ("result_closes_and_says_how_far_it_moved",)),
    (changes_the_input, ("result_closes_and_says_how_far_it_moved",)),
    (amplifies_noise, ("noise_is_amplified_at_most_fivefold",)),
    (never_refuses, ("nearly_singular_input_is_refused",)),
    (refuses_what_is_shrunk, ("nearly_singular_input_is_refused",)),
)
