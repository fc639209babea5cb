"""Linear actions held against the rows that did not propose them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.actions import Action, Matrices
from grouplearn.discovery.evidence.engine import JointEvidence, evidence
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.units import Units
from grouplearn.discovery.linear.data import Whitened
from grouplearn.discovery.linear.plane_sharpen import plane_sharpened
from grouplearn.discovery.linear.sharpen import sharpened
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.rule import Rule

_ROWS = 16384


@final
@dataclass
class LinearJury:
    """Tests matrices that act on the whitened space.

    The rows of even groups propose; the basis of what they propose is fitted to all rows, and all
    rows judge it. The fit takes up no more than d^2 of the deviations, so that a symmetry is
    rejected no oftener than the level says. What was proposed because it fitted half of the rows by
    accident has the other half against it; what even the proposing rows reject is not claimed.

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
    ) -> LinearJury:
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

    def sharper(self, members: Float[np.ndarray, "n d d"]) -> Float[np.ndarray, "d d"]:
        """L for which L^-1 rho(g) L is where the rows keep it best.

        Args:
            members: the matrices of a group in whitened coordinates, the identity first.
        """
        rng = np.random.default_rng(self.seed)
        rows, factors = self.units.rows, self.units.factors
        basis = sharpened(members, rows, factors, rng)
        return basis @ plane_sharpened(np.linalg.solve(basis, members @ basis), rows, factors)

    def finding(
        self, members: Float[np.ndarray, "n d d"], *, effects: bool = True, rejected: bool = False
    ) -> JointEvidence:
        """What all evidence says about a group.

        Args:
            members: its matrices in whitened coordinates, the identity first.
            effects: also measure effects?
            rejected: do the rows that proposed it reject it? Then so does the evidence.
        """
        found = self.asked(self.units, Matrices(members), effects=effects)
        if rejected:
            least = 1 / (self.rule.draws + 1)
            found = replace(found, p_value=min(found.p_value, least))
        return found

    def asked(self, units: Units, action: Action, *, effects: bool = True) -> JointEvidence:
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
