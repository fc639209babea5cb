"""Linear actions held against the rows that did not propose them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.actions import Action, Matrices
from grouplearn.discovery.evidence.engine import Finding, evidence
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.units import Units
from grouplearn.discovery.linear.data import Whitened
from grouplearn.discovery.linear.spectrum import COMPATIBLE
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.rule import Rule

_ROWS = 16384


@final
@dataclass
class Jury:
    """Tests orthogonal matrices of the whitened space on the rows of odd groups.

    An estimated action carries the error of its basis, so that one half of the blocks estimates and
    the other judges: what the basis is off by shows as a small effect.

    Args:
        units: rows in whitened coordinates, not centred.
        rule: thresholds.
        max_moment: 2 looks at means and covariances alone.
        seed: of the tests.
        deadline: on the monotonic clock.
    """

    units: Units
    rule: Rule
    max_moment: int
    seed: int
    deadline: float

    @classmethod
    def of(
        cls,
        sample: Sample,
        data: Whitened,
        rule: Rule,
        *,
        max_moment: int,
        seed: int,
        deadline: float,
        coordinates: Float[np.ndarray, "k d"] | None = None,
    ) -> Jury:
        """For the rows of a sample.

        Args:
            sample: rows, with groups and, perhaps, finer units.
            data: the same, whitened.
            rule: thresholds.
            max_moment: see the class.
            seed: see the class.
            deadline: see the class.
            coordinates: in which matrices are given; None for the whitened ones.
        """
        labels = sample.labels
        constant = labels is not None and bool((labels == labels[0]).all())
        factors = label_factors("discover", None if constant else labels, len(sample.rows))
        blocks = sample.groups if sample.units is None else sample.units
        rows = sample.rows @ (data.whiten if coordinates is None else coordinates).T
        units = Units.of(rows, blocks, factors * sample.weights[:, None])
        return cls(units.thinned(_ROWS), rule, max_moment, seed, deadline)

    @property
    def expired(self) -> bool:
        """Is the time over?"""
        return time.monotonic() > self.deadline

    def finding(
        self, members: Float[np.ndarray, "n d d"], *, effects: bool = True, excess: float = 0.0
    ) -> Finding:
        """What all evidence says about a group.

        Args:
            members: its matrices in whitened coordinates, the identity first.
            effects: also measure effects?
            excess: of what the rows that proposed it say against it, in standard deviations.
        """
        found = self.asked(self.units, Matrices(members), effects=effects)
        if excess >= COMPATIBLE:
            least = 1 / (self.rule.draws + 1)
            found = replace(found, p_value=min(found.p_value, least))
        return found

    def asked(self, units: Units, action: Action, *, effects: bool = True) -> Finding:
        """What some rows say about an action.

        Args:
            units: the rows.
            action: in whitened coordinates.
            effects: also measure effects?
        """
        return evidence(
            units, action, draws=self.rule.draws, seed=self.seed, max_moment=self.max_moment,
            effects=effects,
        )  # fmt: skip
