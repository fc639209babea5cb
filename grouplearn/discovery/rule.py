"""The rule by which every claim is judged, whatever acts and on whatever it acts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from grouplearn.discovery.evidence.engine import FamilyEvidence, JointEvidence
from grouplearn.discovery.result import Evidence, Verdict

_LOUDEST = 3


@final
@dataclass(frozen=True)
class Rule:
    """Every threshold, once.

    A p-value says whether what is left of a deviation is more than sampling noise; an effect says
    how large the deviation is, as a part of what an action of the same kind that is no symmetry
    shows. Neither replaces the other: a test that does not reject says nothing where it could not
    have seen a deviation, and that is what the upper confidence bound of the effect tells.

    A deviation may show in one family of features alone, so there is a bound for the worst of
    those that see well. It may also be spread thin over many that hardly see, so there is one for
    all together.

    One equality may nearly hold by accident, as where two columns are nearly alike; that many hold
    at once is unlikely. So an action that moves few dimensions has to show a smaller bound.

    Attributes:
        level: p-values up to here reject.
        draws: of the randomisation, which allow p-values down to 1 / (draws + 1).
        exact: the largest bound of the effect of an exact symmetry in the worst family.
        pooled: the same in all families together.
        pooled_base: that, for an action that moves nothing.
        pooled_each: what it may be more for every dimension that the action moves.
        power: the least, of all families together, with which a symmetry is called exact.
        doubt: p-values up to here leave doubt, which smaller bounds have to outweigh.
        exact_in_doubt: the largest of these.
        approximate: the largest bound of an approximate symmetry, over all families that see.
        screening: p-values up to here set an element aside before groups are tried.
    """

    level: float = 0.01
    draws: int = 999
    exact: float = 0.45
    pooled: float = 0.4
    pooled_base: float = 0.05
    pooled_each: float = 0.15
    power: float = 25.0
    doubt: float = 0.03
    exact_in_doubt: float = 0.25
    approximate: float = 0.15
    screening: float = 0.001

    def excess(self, finding: JointEvidence) -> float:
        """How many times too large the bounds are for an exact symmetry, or the noise is."""
        sure = finding.p_value > self.doubt
        worst = self.exact if sure else self.exact_in_doubt
        most = self.pooled if sure else self.exact_in_doubt
        together = min(most, self.pooled_base + self.pooled_each * finding.moved)
        seen = finding.pooled.power / self.power
        return max(
            finding.effect_bound / worst,
            finding.pooled.bound / together,
            1 / math.sqrt(seen) if seen > 0 else math.inf,
        )

    def verdict(self, finding: JointEvidence) -> Verdict:
        """Exact, approximate, undecided or rejected.

        Exact: not rejected, and the effect is small beyond doubt. Approximate: rejected, but the
        effect is small beyond doubt in whatever family. Undecided: not rejected, by data that could
        not tell.
        """
        if finding.p_value > self.level:
            return "exact" if self.excess(finding) <= 1 else "undecided"
        return "approximate" if finding.widest_bound <= self.approximate else "rejected"

    def verdict_of_family(self, family: FamilyEvidence) -> Verdict:
        """What one family would say if it were asked alone."""
        if family.p_value > self.level:
            return "exact" if family.effect_bound <= self.exact else "undecided"
        return "approximate" if family.effect_bound <= self.approximate else "rejected"

    def evidence(self, finding: JointEvidence) -> tuple[Evidence, ...]:
        """All evidence put together, then what the loudest families say, for a rung of the ladder.

        Args:
            finding: of the engine.
        """
        whole = Evidence(
            "all", finding.effect, finding.effect_bound, finding.p_value, math.inf,
            self.verdict(finding), tested=True,
        )  # fmt: skip
        loudest = sorted(finding.families, key=lambda family: -family.score)[:_LOUDEST]
        return whole, *(
            Evidence(
                family.name, family.effect, family.effect_bound, family.p_value, math.inf,
                self.verdict_of_family(family), tested=True,
            )
            for family in loudest
        )  # fmt: skip

    def rows_needed(self, finding: JointEvidence, rows: int) -> int | None:
        """About how many rows would decide an undecided case; None where no number can be told.

        The bound of an effect that is 0 falls as the root of the number of rows: energies of
        sampling noise fall as 1 / N, and the effect is the root of a ratio of energies.
        """
        excess = self.excess(finding)
        if not math.isfinite(excess) or finding.p_value <= self.level or excess <= 1:
            return None
        return math.ceil(rows * excess**2)


RULE = Rule()
