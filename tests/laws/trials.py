"""One random example of a representation, and how Hypothesis draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.representations import LearnedRepresentation
from tests.cases import Case

BOTH_DTYPES = (torch.float32, torch.float64)
Recipe = tuple[str, tuple[Any, ...]]
PRODUCTS = ((2, 2), (2, 3), (1, 4), (4, 2), (-3, 2), (2, 2, 2), (3, -2), (-3, -1))
"""Products of C_n, and of D_n for negative entries."""

Mutation = Callable[[LearnedRepresentation], LearnedRepresentation]


@lru_cache(maxsize=4096)
def make_group(family: str, numbers: tuple[Any, ...]) -> FiniteGroup:
    """The group of a recipe; not built by Hypothesis, since SymPy uses global randomness."""
    if family == "permutation":
        return FiniteGroup.from_permutations(np.array(numbers))
    parts = [DihedralGroup(-n) if n < 0 else CyclicGroup(n) for n in numbers]
    if family == "product":
        return ProductGroup(*parts)
    return parts[0] if family == "cyclic" else DihedralGroup(*numbers)


def rng_for(seed: int, salt: int = 0) -> torch.Generator:
    """Randomness for one purpose; torch heeds only 32 bits of a seed."""
    mixed = np.random.SeedSequence((seed, salt)).generate_state(1)
    return torch.Generator().manual_seed(int(mixed[0]))


@dataclass(frozen=True)
class Trial:
    """What a law is tried on: a case, and everything random about the example.

    Attributes:
        case: the registered representation.
        recipe: the group represented: its family, and numbers.
        dim: the dimension.
        dtype: the floating-point type.
        batch: batch shape of vectors.
        seed: of everything else.
        shake: relative size of the noise added to parameters, so that laws are judged not only
            where training starts.
        mutate: breaks the representation; the identity except in tests of the laws themselves.
    """

    case: Case
    recipe: Recipe
    dim: int
    dtype: torch.dtype
    batch: tuple[int, ...]
    seed: int
    shake: float
    mutate: Mutation | None = None

    @property
    def group(self) -> FiniteGroup:
        return make_group(*self.recipe)

    def rng(self, salt: int = 0) -> torch.Generator:
        return rng_for(self.seed, salt)

    def build(self, salt: int = 0) -> LearnedRepresentation:
        rng = self.rng(salt)
        rep = self.case.build(self.group, self.dim, rng, self.dtype)
        with torch.no_grad():
            for parameter in rep.parameters():
                noise = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
                parameter.add_(self.shake / self.dim**0.5 * noise)
        return rep if self.mutate is None else self.mutate(rep)

    def normal(self, *shape: int, salt: int = 1) -> Tensor:
        """Gaussian tensor of the trial's dtype."""
        values = torch.randn(shape, generator=self.rng(salt), dtype=torch.float64)
        return values.to(self.dtype)

    def vectors(self, salt: int = 1) -> Tensor:
        """(*batch, dim) Gaussian vectors."""
        return self.normal(*self.batch, self.dim, salt=salt)

    def element(self, salt: int = 2) -> int:
        return int(torch.randint(self.group.order, (), generator=self.rng(salt)))

    @property
    def tolerance(self) -> float:
        return self.case.tolerance(self.dtype)


Check = Callable[[LearnedRepresentation, Trial], None]


@dataclass(frozen=True)
class Law:
    """A law of representations, and where it applies.

    Attributes:
        check: asserts it.
        applies: to which cases.
        dtypes: the floating-point types to try.
        max_order: largest group order to try.
        max_dim: largest dimension to try.
        share: part of the profile's number of examples to run.
    """

    check: Check
    applies: Callable[[Case], bool]
    dtypes: tuple[torch.dtype, ...]
    max_order: int
    max_dim: int
    share: float

    @property
    def name(self) -> str:
        return self.check.__name__

    @property
    def examples(self) -> int:
        return max(2, int(settings().max_examples * self.share))


LAWS: dict[str, Law] = {}


def law(
    applies: Callable[[Case], bool] = lambda case: True,
    *,
    dtypes: tuple[torch.dtype, ...] = BOTH_DTYPES,
    max_order: int = 24,
    max_dim: int = 9,
    share: float = 0.4,
) -> Callable[[Check], Check]:
    """Register a law."""

    def register(check: Check) -> Check:
        LAWS[check.__name__] = Law(check, applies, dtypes, max_order, max_dim, share)
        return check

    return register


def closes(case: Case) -> bool:
    return case.closes


def as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(values)


def recipes(family: str, max_order: int) -> st.SearchStrategy[Recipe]:
    """Small groups of one family: C_n to 12, D_n to 6, products, and groups of permutations."""
    numbers: st.SearchStrategy[Any]
    if family == "cyclic":
        numbers = st.tuples(st.integers(1, min(12, max_order)))
    elif family == "dihedral":
        numbers = st.tuples(st.integers(1, min(6, max_order // 2)))
    elif family == "product":
        numbers = st.sampled_from([p for p in PRODUCTS if make_group(family, p).order <= max_order])
    else:
        row = st.permutations(range(4 if max_order >= 24 else 3)).map(as_tuple)
        numbers = st.lists(row, min_size=1, max_size=2).map(as_tuple)
    return st.tuples(st.just(family), numbers)


BATCHES = st.one_of(
    st.sampled_from([(), (1,), (3,), (0,)]), st.lists(st.integers(0, 3), max_size=3).map(tuple)
)


def trials(case: Case, rule: Law) -> st.SearchStrategy[Trial]:
    """Examples of a case on which a law can be judged."""
    groups = st.sampled_from(case.families).flatmap(lambda f: recipes(f, rule.max_order))
    return st.builds(
        Trial,
        case=st.just(case),
        recipe=groups,
        dim=st.sampled_from([d for d in case.dims if d <= rule.max_dim]),
        dtype=st.sampled_from(rule.dtypes),
        batch=BATCHES,
        seed=st.integers(0, 2**32 - 1),
        shake=st.sampled_from([0.0, 0.1]),
    )


def drawn_by(seed: int, case: Case, rule: Law, **changes: Any) -> Trial:
    """The trial that a seed stands for, without Hypothesis: for mutants and compilers."""
    rng = np.random.default_rng(seed)
    numbers: dict[str, list[tuple[Any, ...]]] = {
        "cyclic": [(2,), (3,), (4,), (6,)],
        "dihedral": [(2,), (3,), (4,)],
        "product": [(2, 3), (-3, 2)],
        "permutation": [((1, 2, 0), (1, 0, 2))],
    }
    every = [(family, each) for family in case.families for each in numbers[family]]
    fitting = [recipe for recipe in every if make_group(*recipe).order <= rule.max_order]
    dims = [d for d in case.dims if 3 <= d <= rule.max_dim] or [max(case.dims)]
    chosen: dict[str, Any] = {
        "case": case,
        "recipe": fitting[rng.integers(len(fitting))],
        "dim": int(rng.choice(dims)),
        "dtype": rule.dtypes[rng.integers(len(rule.dtypes))],
        "batch": (2, 3)[: rng.integers(3)],
        "seed": int(rng.integers(2**32)),
        "shake": 0.1,
    }
    return Trial(**(chosen | changes))
