"""From data and an action to a p-value and an effect, the same for actions of any kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.evidence.actions import Action
from grouplearn.discovery.evidence.comparison import compared
from grouplearn.discovery.evidence.effect import NOT_MEASURED, Effect, effect_of, pooled
from grouplearn.discovery.evidence.randomisation import (
    Deviations,
    choices,
    rank_p_value,
    scores,
    sign_statistics,
    statistics,
)
from grouplearn.discovery.evidence.units import Slot, Units, mixed, slots, typical
from grouplearn.discovery.evidence.views import View, views_for

Array: TypeAlias = NDArray[np.float64]

CONFIDENCE = 0.95
FEW_MOVED = 3
"""What moves up to so many dimensions is looked at there besides."""
LEAST_UNITS = 8
"""Fewer independent units show nothing."""
SEES, SEES_WELL_ENOUGH, SEES_WELL = 6.0, 25.0, 40.0
"""A family sees, or sees well, where what it sees elsewhere is so many times the noise."""


@final
@dataclass(frozen=True)
class FamilyEvidence:
    """What one family of features says about an action.

    Attributes:
        name: of the family.
        score: how far its statistic stands out from its own draws, in standard deviations.
        p_value: of this family alone.
        effect: deviation as a part of what it sees elsewhere.
        effect_bound: the upper confidence bound of that.
        power: what it sees elsewhere, over the noise.
    """

    name: str
    score: float
    p_value: float
    effect: float
    effect_bound: float
    power: float

    @property
    def sees(self) -> bool:
        """Could this family see a deviation at all?"""
        return self.power >= SEES


@final
@dataclass(frozen=True)
class JointEvidence:
    """What all families together say.

    Families are not averaged: a deviation may show in one of them alone.

    Attributes:
        p_value: exact over all families.
        families: what each said.
        moved: the dimension of what the action moves: how many equalities a symmetry needs.
        pooled: the effect in all families together.
    """

    p_value: float
    families: tuple[FamilyEvidence, ...]
    moved: int = 0
    pooled: Effect = NOT_MEASURED

    @property
    def effect(self) -> float:
        """The largest effect of a family that sees well; nan where none does."""
        seeing = [family.effect for family in self.families if family.power >= self._well]
        return max(seeing, default=float("nan"))

    @property
    def effect_bound(self) -> float:
        """The largest upper confidence bound of these; inf where none sees well."""
        return self._bound(self._well)

    @property
    def widest_bound(self) -> float:
        """The largest bound of all families that see at all; inf where none does."""
        return self._bound(SEES)

    @property
    def _well(self) -> float:
        """What counts as seeing well: less where the best family hardly reaches it."""
        best = max((family.power for family in self.families), default=0.0)
        return min(SEES_WELL, max(SEES_WELL_ENOUGH, best / 1.5))

    def _bound(self, power: float) -> float:
        seeing = [family.effect_bound for family in self.families if family.power >= power]
        return max(seeing, default=float("inf"))


def evidence(
    units: Units,
    action: Action,
    *,
    draws: int,
    seed: int,
    effects: bool = True,
    max_moment: int = 3,
    others: Sequence[Units] = (),
) -> JointEvidence:
    """Test an action, and measure its effect.

    Args:
        units: the data.
        action: compact.
        draws: of the randomisation.
        seed: of all that is random.
        effects: also measure effects, if anything is moved? The p-value alone takes half the time.
        max_moment: 2 looks at means and covariances alone.
        others: the same units cut out of whole objects that elements have moved: with `units`, the
            slots of the test. The action then serves effects alone, as what acts elsewhere.
    """
    rng = np.random.default_rng(seed)
    if units.labelled and not others:
        units = units.less_explained(units.rows @ action.kept(rng))
    given = [Slot(each, np.full(units.count, -1)) for each in (units, *others)] if others else []
    usual = mixed([units, *others], rng) if others else typical(units, action, rng)
    moved = max(0, round(action.dim - action.character(rng)))
    effects = effects and moved > 0
    few = action.moved(rng) if 0 < moved <= FEW_MOVED else None
    views = views_for(usual.rows, rng, max_moment, few)
    sums, elements = _sums(given or slots(units, action, rng), views)
    characters = (
        action.signs()[:, elements]
        if (elements >= 0).all()
        else np.empty((0, len(elements), units.count))
    )
    taken = choices(units.count, len(elements), draws, rng)
    best: list[Array] = []
    found: list[FamilyEvidence] = []
    grams = compared(units, action, views, sums, characters, rng) if effects else []
    for v, (view, parts) in enumerate(zip(views, sums, strict=True)):
        for k, (family, part) in enumerate(zip(view.families, parts, strict=True)):
            deviations = Deviations.of(part)
            columns = [statistics(deviations, taken)]
            columns += [sign_statistics(deviations, signs, taken) for signs in characters]
            own = np.max([scores(column) for column in np.hstack(columns).T], axis=0)
            best.append(own)
            e = effect_of(grams[v][k], rng, CONFIDENCE) if effects else NOT_MEASURED
            found.append(
                FamilyEvidence(
                    view.named(family),
                    float(own[0]),
                    rank_p_value(own),
                    e.size,
                    e.bound,
                    e.power,
                )
            )
    together = [each for own in grams for each in own]
    whole = effect_of(pooled(together), rng, CONFIDENCE) if effects else NOT_MEASURED
    return JointEvidence(rank_p_value(np.max(best, axis=0)), tuple(found), moved, whole)


def _sums(
    given: Iterable[Slot], views: Sequence[View]
) -> tuple[list[list[Float[np.ndarray, "U n m"]]], Int[np.ndarray, "n U"]]:
    """The sums of all features over units, for every slot, by view and family; and the elements."""
    parts: list[list[list[Array]]] = [[[] for _ in view.families] for view in views]
    elements = []
    for slot in given:
        elements.append(slot.elements)
        for view, own in zip(views, parts, strict=True):
            rows = view(slot.units.rows)
            for part, family in zip(own, view.families, strict=True):
                part.append(slot.units.sums(family.features(rows)))
    sums = [[np.stack(part, axis=1) for part in own] for own in parts]
    return sums, np.stack(elements)
