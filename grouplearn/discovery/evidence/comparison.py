"""Deviations beside those of actions of the same kind that are no symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.evidence.actions import Action, Move
from grouplearn.discovery.evidence.effect import Grams
from grouplearn.discovery.evidence.units import Units
from grouplearn.discovery.evidence.views import View

Array: TypeAlias = NDArray[np.float64]

ELSEWHERE = 12
"""How many actions of the same kind an effect is compared with."""
_ROWS = 4096
_TELLING = 3.0


def compared(
    units: Units,
    action: Action,
    views: Sequence[View],
    sums: Sequence[Sequence[Array]],
    characters: Float[np.ndarray, "c n U"],
    rng: np.random.Generator,
) -> list[list[Grams]]:
    """For every view and family, deviations here and elsewhere.

    Actions elsewhere are on other coordinates, or turned in the whitened space. The latter break
    what no permutation of the coordinates could, as where all columns have one law; the former
    break covariances, which whitened rows do not have. So in the whitened view the less telling of
    the two counts. Where there is no action on other coordinates that is not an element, turned
    ones count alone. Where there are, and no family sees that they are no symmetries, nothing is
    known of this action that is not known of them: there is nothing to compare with.

    Args:
        units: the data.
        action: whose elements are taken elsewhere.
        views: with the families.
        sums: (U, n, m) each, of features over units for every slot, by view and family.
        characters: signs of the elements of slots and units.
        rng: draws actions.
    """
    some = units.thinned(_ROWS)
    more = len(units.rows) / len(some.rows)
    moves = [move for _ in range(ELSEWHERE) if (move := action.elsewhere(rng)) is not None]
    here = [
        _Here.of(view, own, characters, some, more) for view, own in zip(views, sums, strict=True)
    ]
    beside = [each.compared(moves) for each in here]
    if moves and not any(each.power >= _TELLING for own in beside for each in own):
        return [own.grams for own in here]
    out = []
    for own, other in zip(here, beside, strict=True):
        view = own.view
        turns = [move for _ in range(ELSEWHERE) if (move := view.turned(action, rng)) is not None]
        if not turns or (moves and not view.white):
            out.append(other)
            continue
        turned = own.compared(turns)
        if moves:
            turned = [
                min(pair, key=lambda each: each.away) for pair in zip(turned, other, strict=True)
            ]
        out.append(turned)
    return out


@final
@dataclass(frozen=True)
class _Here:
    """Deviations in one view, to be set beside those of other actions.

    Attributes:
        view: with the families.
        some: rows that are moved elsewhere.
        before: sums of features over these, by family.
        scales: what deviations elsewhere are multiplied with, by family.
        grams: of deviations here, with nothing elsewhere yet, by family.
    """

    view: View
    some: Units
    before: list[Array]
    scales: list[Array]
    grams: list[Grams]

    @classmethod
    def of(
        cls,
        view: View,
        sums: Sequence[Array],
        characters: Float[np.ndarray, "c n U"],
        some: Units,
        more: float,
    ) -> _Here:
        """From sums over all rows, `more` times as many as are moved elsewhere."""
        rows = view(some.rows)
        before = [some.sums(family.features(rows)) for family in view.families]
        scales, grams = [], []
        for own in sums:
            spread = own[:, 0].std(0)
            scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
            here = np.moveaxis(own[:, 1:] - own[:, :1], 1, 0) * scale
            # Twice the mean: what elements on one side differ by from those on the other.
            centred = own - own.mean(1, keepdims=True)
            shared = 2 * np.einsum("cnu,unm->cum", characters, centred) / own.shape[1] * scale
            scales.append(scale * more)
            grams.append(Grams.of(here, here[:0], shared))
        return cls(view, some, before, scales, grams)

    def compared(self, moves: Sequence[Move]) -> list[Grams]:
        """For every family, beside what moves do elsewhere."""
        away: list[list[Array]] = [[] for _ in self.before]
        for move in moves:
            rows = self.view(move(self.some.rows))
            for part, family, own in zip(away, self.view.families, self.before, strict=True):
                part.append(self.some.sums(family.features(rows)) - own)
        return [
            own.beside(np.stack(part) * scale) if part else own
            for own, part, scale in zip(self.grams, away, self.scales, strict=True)
        ]
