"""Is an action on whole objects a symmetry of raw data? What `Domain.invariance_test` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.arrays import as_array, as_labels
from grouplearn.discovery.evidence.actions import Action, Matrices, Permutations
from grouplearn.discovery.evidence.engine import LEAST_UNITS, evidence
from grouplearn.discovery.evidence.given import InvarianceTest, checked_options, colour_of
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.units import FEW, UNITS, Units
from grouplearn.domains.base import Domain, KnownAction
from grouplearn.domains.wholes import WholeMove, Wholes, unmoved
from grouplearn.groups import CyclicGroup
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

Given: TypeAlias = str | KnownAction | LearnedRepresentation | Callable[[Any], Any]

_HIGHEST_ORDER = 24
_TRIED = 64


def tested(
    domain: Domain,
    raw: Any,
    action: Given,
    *,
    level: float,
    draws: int,
    seed: int,
    labels: ArrayLike | Tensor | None,
) -> InvarianceTest:
    """Test an action on the whole objects of a domain; see `Domain.invariance_test`."""
    who = f"{type(domain).__name__}.invariance_test"
    level, draws, seed = checked_options(who, level, draws, seed)
    name, rep = _named(who, domain, action)
    extended = [] if rep is None else domain.extend(rep)
    moves = [move for move in extended if move is not None]
    alone = len(moves) < len(extended)
    wholes = domain.wholes(raw, seed=seed, apart=alone)
    if wholes.count < LEAST_UNITS:
        refuse(who, "raw", f"at least {LEAST_UNITS} independent blocks, better 30", wholes.count,
               "pass more images, sequences or samples")  # fmt: skip
    deal = _Deal.of(who, wholes, labels, np.random.default_rng(seed))
    units = deal.units([unmoved] * deal.count)
    _check_rows(who, units.rows)
    acting: Action = Permutations(np.arange(units.rows.shape[1])[None])
    if rep is None:
        others = deal.others(_powers(who, action, wholes))
    else:
        acting, others = _on_rows(rep, wholes, units), [] if alone else deal.others(moves)
    found = evidence(units, acting, draws=draws, seed=seed, effects=rep is not None, others=others)
    # Nothing is known that would be like a function, for its effect to be compared with.
    size, bound = (np.nan, np.inf) if rep is None else (found.effect, found.effect_bound)
    rejected = found.p_value <= level
    return InvarianceTest(
        name, found.p_value, size, bound, rejected, level, found.families, units.count
    )


@final
@dataclass(frozen=True)
class _Deal:
    """Whole objects, dealt to units.

    Attributes:
        wholes: the objects.
        members: for each unit its objects.
        factors: (count, 1 + k), for each object 1 and functions of its label.
        rng: draws moves.
    """

    wholes: Wholes
    members: list[NDArray[np.int64]]
    factors: Float[np.ndarray, "count k"]
    rng: np.random.Generator

    @classmethod
    def of(
        cls, who: str, wholes: Wholes, labels: ArrayLike | Tensor | None, rng: np.random.Generator
    ) -> _Deal:
        """Deal objects at random to at most 128 units."""
        order, units = rng.permutation(wholes.count), min(wholes.count, UNITS)
        members = [np.sort(some) for some in np.array_split(order, units)]
        beside = None if labels is None else _labels(who, labels, wholes)
        return cls(wholes, members, label_factors(who, beside, wholes.count), rng)

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(self.members)

    def units(self, moves: Sequence[WholeMove]) -> Units:
        """Vectors of all objects, those of each unit after a move of its own."""
        parts = [self.wholes.cut(*each) for each in zip(self.members, moves, strict=True)]
        owners = np.concatenate([owner for _, owner in parts])
        starts = np.concatenate([[0], np.cumsum([len(owner) for _, owner in parts])])
        return Units(np.concatenate([rows for rows, _ in parts]), starts, self.factors[owners])

    def others(self, moves: Sequence[WholeMove]) -> list[Units]:
        """The slots beside the data: all elements, or so many for each unit drawn at random.

        Args:
            moves: of all elements, the identity first.
        """
        if len(moves) <= FEW:
            return [self.units([move] * self.count) for move in moves[1:]]
        drawn = self.rng.integers(0, len(moves), (FEW - 1, self.count))
        return [self.units([moves[g] for g in row]) for row in drawn]


def _named(who: str, domain: Domain, action: Given) -> tuple[str, LearnedRepresentation | None]:
    """The name of an action, and the representation on vectors where it is known."""
    if isinstance(action, LearnedRepresentation):
        if action.dim != domain.dim:
            refuse(who, "action", f"a representation on R^{domain.dim}, the domain's vectors",
                   f"one on R^{action.dim}", "pass one of the domain's dimension")  # fmt: skip
        if action.group.order < 2:
            refuse(who, "action", "of a group of order 2 or more", "the trivial group",
                   "the identity is a symmetry of all data: test another action")  # fmt: skip
        return action.group.name, action
    known = domain.known_actions()
    named = known.get(action) if isinstance(action, str) else action
    if not isinstance(named, KnownAction) and not callable(named):
        finite = [each for each, move in known.items() if move.order is not None]
        names = f"one of {', '.join(finite)}, " if finite else ""
        refuse(who, "action", f"{names}a representation, or a function of whole objects",
               repr(action), "take one of these")  # fmt: skip
    if not isinstance(named, KnownAction):
        return str(getattr(named, "name", "the function")), None
    if named.order is None or named.order < 2:
        refuse(who, "action", "of finite order, 2 or more", repr(named.name),
               "no power of it is the identity: take another")  # fmt: skip
    return named.name, FixedRepresentation(CyclicGroup(named.order), named.matrix[None])


def _on_rows(rep: LearnedRepresentation, wholes: Wholes, units: Units) -> Action:
    """The same group on vectors."""
    sources = rep.sources if isinstance(rep, FixedRepresentation) else None
    if sources is not None:
        points = np.argsort(np.asarray(sources.cpu()), axis=1)
        return Permutations(points, channels=wholes.channels, letters=wholes.letters)
    matrices = rep.matrices().detach().double().cpu().numpy()
    wide = np.stack([np.kron(np.eye(wholes.channels), each) for each in matrices])
    return Matrices(wide, colour_of(units.rows))


def _powers(who: str, action: Any, wholes: Wholes) -> list[WholeMove]:
    """The powers of a function of whole objects, the identity first."""
    some = np.arange(min(wholes.count, _TRIED))
    before = wholes.rows(some)
    for order in range(1, _HIGHEST_ORDER + 1):
        after = wholes.rows(some, _power(action, order))
        if after.shape == before.shape and np.allclose(after, before, rtol=0, atol=1e-5):
            break
    else:
        order = 0
    if order < 2:
        got = f"one with none up to the {_HIGHEST_ORDER}th" if order == 0 else "the identity"
        refuse(who, "action", "a function of whole objects, a power of which is the identity", got,
               "pass one of finite order")  # fmt: skip
    return [_power(action, k) for k in range(order)]


def _power(action: Callable[[Any], Any], exponent: int) -> WholeMove:
    def move(whole: Any) -> Any:
        for _ in range(exponent):
            whole = action(whole)
        return whole

    return move


def _labels(who: str, labels: Any, wholes: Wholes) -> Float[np.ndarray, " count"]:
    """The label of each object, which is that of the item it is a part of."""
    given = as_array("labels", as_labels(labels))
    if given.shape != (wholes.items,):
        refuse(who, "labels", f"of shape ({wholes.items},), one for each image, sequence or sample",
               given.shape, "reshape them")  # fmt: skip
    values = given.astype(np.float64)
    if not np.isfinite(values).all():
        position = int(np.flatnonzero(~np.isfinite(values))[0])
        refuse(who, "labels", "finite", f"{values[position]} at {position}", "clean the data first")
    return values[wholes.parents]


def _check_rows(who: str, rows: Float[np.ndarray, "N D"]) -> None:
    if not len(rows) or (rows == rows[0]).all():
        refuse(who, "raw", "data with vectors that differ",
               "the same vector every time" if len(rows) else "no vector",
               "flat patches and windows with ambiguous letters do not count")  # fmt: skip
