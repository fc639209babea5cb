"""Groups of permutations held against the rows of a data set, each once."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from grouplearn.discovery.evidence.actions import Permutations
from grouplearn.discovery.evidence.engine import JointEvidence, evidence
from grouplearn.discovery.evidence.families.choice import alphabet_of
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.units import Units
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.rule import Rule
from grouplearn.groups.base import MAX_TABLE_ORDER
from grouplearn.groups.cycles import cycles

_ROWS, _WINDOWS = 16384, 65536
_SCREENS = (2048, 8192)

Points = NDArray[np.int64]


@final
@dataclass
class Jury:
    """Tests groups of permutations of d points, or of the 2 d points +i and -i, on kept rows.

    Args:
        units: the rows kept, in the bootstrap groups of their blocks.
        rule: thresholds.
        signed: are the points coordinates and their negatives?
        channels: of the rows.
        max_moment: 2 looks at means and covariances alone.
        seed: of the tests.
        deadline: on the monotonic clock; past it nothing new is tested.
    """

    units: Units
    rule: Rule
    signed: bool
    channels: int
    max_moment: int
    seed: int
    deadline: float
    _screened: dict[bytes, float] = field(default_factory=dict)
    _found: dict[frozenset[bytes], JointEvidence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._few = [self.units.thinned(rows) for rows in _SCREENS]
        if len(self._few[0].rows) == len(self._few[1].rows):
            self._few.pop()
        self._letters = alphabet_of(self.units.rows) if self.channels == 1 else 0

    @classmethod
    def of(
        cls,
        accumulated: MomentAccumulator,
        rule: Rule,
        *,
        signed: bool,
        max_moment: int,
        seed: int,
        deadline: float,
    ) -> Jury:
        """For the rows that an accumulator has kept."""
        sample = accumulated.sample()
        labels = sample.labels
        constant = labels is not None and bool((labels == labels[0]).all())
        factors = label_factors("discover", None if constant else labels, len(sample.rows))
        blocks = sample.groups if sample.units is None else sample.units
        units = Units.of(sample.rows, blocks, factors * sample.weights[:, None])
        # Words of windows cost little, and are seldom.
        most = _WINDOWS if alphabet_of(sample.rows) else _ROWS
        return cls(
            units.thinned(most), rule, signed, accumulated.channels, max_moment, seed, deadline
        )

    @property
    def rows(self) -> int:
        """Number of rows that groups are tested on."""
        return len(self.units.rows)

    @property
    def expired(self) -> bool:
        """Is the time over?"""
        return time.monotonic() > self.deadline

    def passes(self, points: Points) -> bool:
        """Might the group that one permutation generates be a symmetry?

        Past the deadline nothing passes that has not passed before. A cyclic group too large to
        list is one where its parts of prime-power orders are, which make it up.
        """
        order = order_of(points)
        if order > MAX_TABLE_ORDER:
            return all(map(self.passes, primary_parts(points, order)))
        key = points.tobytes()
        if key not in self._screened:
            if self.expired:
                return False
            powers, p_value = cyclic(points), 1.0
            for units in self._few:
                p_value = self._test(powers, units, effects=False).p_value
                if p_value <= self.rule.screening:
                    break
            self._screened.update(dict.fromkeys(generating(powers), p_value))
        return self._screened[key] > self.rule.screening

    def finding(self, elements: Sequence[Points]) -> JointEvidence:
        """What all evidence says about a group.

        Args:
            elements: all of them, the identity first.
        """
        key = frozenset(each.tobytes() for each in elements)
        if key not in self._found:
            self._found[key] = self._test(elements, self.units, effects=True)
        return self._found[key]

    def _test(self, elements: Sequence[Points], units: Units, *, effects: bool) -> JointEvidence:
        return evidence(
            units,
            self.action(elements),
            draws=self.rule.draws,
            seed=self.seed,
            effects=effects,
            max_moment=self.max_moment,
        )

    def action(self, elements: Iterable[Points]) -> Permutations:
        """The action of a group on rows."""
        points = np.stack(list(elements))
        if not self.signed:
            return Permutations(points, None, self.channels, self._letters)
        dim = points.shape[1] // 2
        signs = np.where(points[:, :dim] < dim, 1.0, -1.0)
        return Permutations(points[:, :dim] % dim, signs, self.channels)


def cyclic(points: Points) -> list[Points]:
    """All powers of a permutation, the identity first."""
    powers = [np.arange(len(points))]
    while not np.array_equal(following := points[powers[-1]], powers[0]):
        powers.append(following)
    return powers


def order_of(points: Points) -> int:
    """The order of a permutation, which of 100 points may be 232,792,560."""
    return math.lcm(*map(len, cycles(dict(enumerate(points.tolist())))))


def primary_parts(points: Points, order: int) -> list[Points]:
    """The powers of a permutation of which it is a product, each of the power of one prime.

    Args:
        points: where each point goes.
        order: of the permutation.
    """
    parts, rest, prime = [], order, 2
    while rest > 1:
        whole = 1
        while rest % prime == 0:
            rest, whole = rest // prime, whole * prime
        if whole > 1:
            parts.append(_power(points, order // whole))
        prime += 1
    return parts


def _power(points: Points, exponent: int) -> Points:
    found, square = np.arange(len(points)), points
    while exponent:
        found, square = square[found] if exponent % 2 else found, square[square]
        exponent //= 2
    return found


def generating(powers: Sequence[Points]) -> list[bytes]:
    """Those of all powers of a permutation that generate the same cyclic group, as bytes."""
    order = len(powers)
    return [powers[k].tobytes() for k in range(1, order) if np.gcd(k, order) == 1]
