"""The rule by which every claim is judged, whatever acts and on whatever it acts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from grouplearn.discovery.evidence.engine import FamilyEvidence, Finding
from grouplearn.discovery.result import Verdict


@final
@dataclass(frozen=True)
class Rule:
    """Every threshold, once.

    A p-value says whether what is left of a deviation is more than sampling noise; an effect says
    how large the deviation is, as a part of what an action of the same kind that is no symmetry
    shows. Neither replaces the other: a test that does not reject says nothing where it could not
    have seen a deviation, and that is what the upper confidence bound of the effect tells.

    Attributes:
        level: p-values up to here reject.
        draws: of the randomisation, which allow p-values down to 1 / (draws + 1).
        exact: the largest bound of the effect of an exact symmetry, whitened where that can be.
        approximate: the largest bound of the effect of an approximate one.
        coarse: the largest bound of either before whitening.
        screening: p-values up to here set an element aside before groups are tried.
    """

    level: float = 0.01
    draws: int = 999
    exact: float = 0.3
    approximate: float = 0.1
    coarse: float = 0.5
    screening: float = 0.001

    def verdict(self, finding: Finding) -> Verdict:
        """Exact, approximate, undecided or rejected.

        Exact: not rejected, and the effect's bound is small in every view. Approximate: rejected,
        but the effect is small beyond doubt. Undecided: not rejected, by data that could not tell.
        """
        coarse = max(effect.bound for effect in finding.effects)
        bound = finding.effect_bound if coarse <= self.coarse else math.inf
        return self._judged(finding.p_value, bound)

    def verdict_of_family(self, family: FamilyEvidence) -> Verdict:
        """What one family would say if it were asked alone."""
        return self._judged(family.p_value, family.effect_bound)

    def _judged(self, p_value: float, bound: float) -> Verdict:
        if p_value > self.level:
            return "exact" if bound <= self.exact else "undecided"
        return "approximate" if bound <= self.approximate else "rejected"

    def rows_needed(self, finding: Finding, rows: int) -> int | None:
        """About how many rows would decide an undecided case; None where no number can be told.

        The bound of an effect that is 0 falls with the fourth root of the rows' number squared:
        energies of sampling noise fall as 1 / N, and the effect is the root of a ratio of energies.
        """
        bound = finding.effect_bound
        if not math.isfinite(bound) or finding.p_value <= self.level or bound <= self.exact:
            return None
        return math.ceil(rows * (bound / self.exact) ** 2)


RULE = Rule()
