"""The rule by which candidates are believed, and groups are chosen among them."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from grouplearn.discovery.permutations.tensors import Moments
from grouplearn.discovery.permutations.violations import EXACT_LEVEL, Measure, Moment, Move
from grouplearn.discovery.result import Evidence, Verdict

TOLERANCE = {"order 1": 0.15, "order 2": 0.15, "labels": 0.15}
"""The largest violation, noise subtracted, of an approximate symmetry; 0.08 for higher orders."""
HIGHER_TOLERANCE = 0.08
HIGHER_NOISE = 0.12
"""The largest noise with which higher orders can speak for a symmetry; as TOLERANCE for others."""
LEAST_GAP = 3.0
CLEAR_GAP = 4.0
FARTHEST = 0.75
"""Groups of a violation up to here stand in the ladder; unrelated moments differ by about 1.4."""
_FLOORS = {"order 1": 0.05}
_FLOOR = 0.01
_DRAWS = 100
_DOUBT_LEVEL = 0.01
_HOPELESS = 0.0005
_CLEAR = 10.0

Points = NDArray[np.int64]


def tolerance_of(kind: str) -> float:
    """How large a violation, noise subtracted, may be for a kind of evidence."""
    return TOLERANCE.get(kind, HIGHER_TOLERANCE)


def excess(measure: Measure) -> float:
    """The violation with the mean effect of noise subtracted."""
    return math.sqrt(max(measure.violation**2 - measure.noise**2, 0.0))


def fails(kind: str, measure: Measure) -> bool:
    """Is this a violation that is too large to tolerate, beyond doubt?"""
    return excess(measure) > tolerance_of(kind) and measure.p_value < _DOUBT_LEVEL


def is_silent(kind: str, measure: Measure) -> bool:
    """Is the noise too large for this kind of evidence to speak for a symmetry?"""
    return measure.noise > TOLERANCE.get(kind, HIGHER_NOISE)


@final
@dataclass
class Judge:
    """Measures candidates against the moments of a data set, each one once.

    Args:
        moments: of the data.
        signed: are points 0 to d - 1 the coordinates and d to 2 d - 1 their negatives?
        copies: how many copies of each coordinate there are, which a candidate has to keep.
    """

    moments: Moments
    signed: bool
    copies: tuple[int, ...] = ()
    _proposed: dict[bytes, tuple[Measure, ...]] = field(default_factory=dict)
    _certified: dict[bytes, tuple[Measure, ...]] = field(default_factory=dict)
    _complete: bool = False

    def move(self, points: Points) -> Move:
        """What a permutation of the points does to samples."""
        return Move.of(points, self.moments.dim, self.moments.channels)

    def is_candidate(self, points: Points) -> bool:
        """Does it commute with the change of all signs, and keep one-hot blocks?"""
        dim, exclusive = self.moments.dim, self.moments.exclusive
        if self.signed and not np.array_equal(points[dim:], (points[:dim] + dim) % (2 * dim)):
            return False
        images = points[:dim] % dim
        if self.copies and any(self.copies[i] != self.copies[j] for i, j in enumerate(images)):
            return False
        if exclusive is None:
            return True
        sources = self.move(points).sources
        return np.array_equal(exclusive[np.ix_(sources, sources)], exclusive)

    def distance(self, points: Points) -> float:
        """Violation of the moments that propose, inf for what is no candidate."""
        if not self.is_candidate(points):
            return math.inf
        move = self.move(points)
        return max(moment.distance(move) for moment in self.moments.propose)

    def doubt(self, points: Points) -> float:
        """Violation, less noise, of the moments that certify; where none does, of the others."""
        pairs = zip(self.moments.certify, self.certified(points), strict=True)
        found = [(m.kind, measure) for m, measure in pairs if self._counts(m)]
        loud = [m for kind, m in found if fails(kind, m) or not is_silent(kind, m)]
        loud = loud or sorted((m for _, m in found), key=lambda m: m.noise)[:1]
        return max(map(excess, loud), default=self.distance(points))

    def proposed(self, points: Points) -> tuple[Measure, ...]:
        """One measure for each moment that proposes."""
        return self._measure(self._proposed, self.moments.propose, points)

    def certified(self, points: Points) -> tuple[Measure, ...]:
        """One measure for each moment that certifies."""
        return self._measure(self._certified, self.moments.certify, points)

    def _measure(
        self, known: dict[bytes, tuple[Measure, ...]], moments: Sequence[Moment], points: Points
    ) -> tuple[Measure, ...]:
        key = points.tobytes()
        if key not in known:
            move = self.move(points)
            known[key] = tuple(moment.measure(move) for moment in moments)
        return known[key]

    def is_proposed(self, points: Points) -> bool:
        """Do first and second moments, and those within classes, allow it?"""
        pairs = list(zip(self.moments.propose, self.proposed(points), strict=True))
        return not any(fails(m.kind, found) or is_silent(m.kind, found) for m, found in pairs)

    def is_hopeless(self, points: Points) -> bool:
        """Do means and covariances, over all rows, differ by far more than noise?"""
        pairs = zip(self.moments.propose, self.proposed(points), strict=True)
        return any(
            m.p_value <= _HOPELESS and excess(m) > tolerance_of(moment.kind) for moment, m in pairs
        )

    def is_certified(self, points: Points) -> bool:
        """Do higher moments speak for it, and none against?

        In one-hot codes third moments may vanish, and with them all that could speak.
        """
        counted = [moment for moment in self.moments.certify if self._counts(moment)]
        spoke = not counted and self.moments.exclusive is not None
        for moment, found in zip(self.moments.certify, self.certified(points), strict=True):
            if not self._counts(moment):
                continue
            if fails(moment.kind, found):
                return False
            spoke = spoke or (moment.decisive and not is_silent(moment.kind, found))
        return spoke or not self.moments.certify

    def _counts(self, moment: Moment) -> bool:
        """Fourth moments count where they were asked for, or where third moments vanish."""
        if moment.kind == "order 4, where order 3 is silent":
            return all(m.vanishes for m in self.moments.certify if m.kind == "order 3")
        return not (moment.kind == "order 3" and moment.vanishes)

    @property
    def relies_on_fourth(self) -> bool:
        """Did fourth moments stand in for third moments that vanish?"""
        return any(m.kind.startswith("order 4,") and self._counts(m) for m in self.moments.certify)

    def is_exact(self, members: Sequence[Points]) -> bool:
        """Is no violation more than noise, over all members and kinds of evidence (Bonferroni)?"""
        p_values = [
            measure.p_value
            for points in members
            for moment, measure in zip(
                self._all(), (*self.proposed(points), *self.certified(points)), strict=True
            )
            if self._counts(moment)
        ]
        return min(p_values, default=1.0) * len(p_values) >= EXACT_LEVEL

    def worst(self, points: Points) -> Measure:
        """The measure that speaks most against an element, relative to what is tolerated."""
        pairs = zip(self._all(), (*self.proposed(points), *self.certified(points)), strict=True)
        spoken = [(moment.kind, m) for moment, m in pairs if self._counts(moment)]
        loud = [(kind, m) for kind, m in spoken if not is_silent(kind, m)] or spoken
        return max(loud, key=lambda each: each[1].violation / tolerance_of(each[0]))[1]

    def _all(self) -> tuple[Moment, ...]:
        return (*self.moments.propose, *self.moments.certify)

    def gap(self, members: Sequence[Points], outside: Sequence[Points]) -> float:
        """How well some kind of evidence tells the members from every other candidate.

        For each candidate outside, the largest over the moments of its violation relative to the
        larger of violation and noise of the worst member; the least over the candidates. What is
        no larger than noise tells nothing apart, unless the members are symmetries to the last
        digit, as in complete tables of counts.
        """
        bases, self._complete = [], True
        for k, moment in enumerate(self._all()):
            found = [(*self.proposed(p), *self.certified(p))[k] for p in members]
            worst = max((max(m.violation, m.noise) for m in found), default=0.0)
            self._complete = self._complete and worst == 0
            bases.append((moment, max(worst, _FLOORS.get(moment.kind, _FLOOR))))
        return min((self._separation(points, bases) for points in outside), default=math.inf)

    def _separation(self, points: Points, bases: Sequence[tuple[Moment, float]]) -> float:
        """How far a candidate stands out from the members in the moment that tells it best."""
        largest = 0.0
        for k, (moment, base) in enumerate(bases):
            if k < len(self.moments.propose):
                measure = self.proposed(points)[k]
            elif largest < _CLEAR:
                measure = self.certified(points)[k - len(self.moments.propose)]
            else:
                break
            if self._counts(moment) and (self._complete or measure.p_value < EXACT_LEVEL):
                largest = max(largest, measure.violation / base)
        return largest

    def evidence(
        self, members: Sequence[Points], outside: Sequence[Points]
    ) -> tuple[Evidence, ...]:
        """The case for and against a group, one entry for each kind of evidence."""
        entries: dict[str, tuple[tuple[int, float], Evidence]] = {}
        for k, moment in enumerate(self._all()):
            if not self._counts(moment) or not members:
                continue
            found = [(*self.proposed(p), *self.certified(p))[k] for p in members]
            other = [moment.distance(self.move(p)) for p in outside]
            worst = max(found, key=lambda m: m.violation)
            if moment.kind == "order 1" and worst.violation < _FLOOR:
                continue
            entry = Evidence(
                moment.kind.partition(",")[0],
                worst.violation,
                worst.noise,
                min(m.p_value for m in found),
                min(other, default=math.inf),
                _verdict(moment.kind, found),
            )
            said = _speaks(entry, decisive=moment.decisive)
            if entry.kind not in entries or said > entries[entry.kind][0]:
                entries[entry.kind] = said, entry
        return tuple(entry for _, entry in entries.values())


def _speaks(entry: Evidence, *, decisive: bool) -> tuple[int, float]:
    """What is against a group is said first, then what can speak for it, then what is silent."""
    if entry.verdict in ("loose", "rejected"):
        return 3, entry.violation
    if not decisive:
        return 0, entry.violation
    return (1, -entry.noise) if entry.verdict == "undecided" else (2, entry.violation)


def _verdict(kind: str, found: Sequence[Measure]) -> Verdict:
    if any(fails(kind, m) for m in found):
        nearer = all(excess(m) <= FARTHEST for m in found)
        return "loose" if nearer and kind.startswith("order 3") else "rejected"
    if any(is_silent(kind, m) for m in found):
        return "undecided"
    return "exact" if min(m.p_value for m in found) * len(found) >= EXACT_LEVEL else "approximate"


def search_p_value(
    judge: Judge,
    members: Sequence[Points],
    group: Container[bytes],
    tried: int,
    level: float,
    seed: int,
) -> float:
    """How likely chance alone is to make one of the tried permutations as near a symmetry.

    Each member is compared with random permutations of the same cycle type outside the group, which
    move as many coordinates: log violation is taken as normal among them, with the spread of their
    median absolute deviation, and violations below 0.01 as 0.01. The largest p-value of the members
    is multiplied by the number of candidates that were tried.

    Args:
        judge: measures.
        members: generators of the group.
        group: all its elements, as bytes.
        tried: the number of candidates.
        level: that the p-value is to reach.
        seed: of the random permutations.

    Returns:
        The p-value; nan where no member has 1 / level permutations of its type to be compared
        with, so that none could reach the level.

    References:
        Mantel, 1967, The detection of disease clustering and a generalized regression approach.
    """
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    second = next(m for m in judge.moments.propose if m.kind == "order 2")
    dim, worst = judge.moments.dim, math.nan
    for points in members:
        if _conjugates(points[:dim] % dim) * level < 1:
            continue
        others = [relabelled(points, rng.permutation(dim)) for _ in range(_DRAWS)]
        null = [second.distance(judge.move(p)) for p in others if p.tobytes() not in group]
        if not null:
            continue
        here = max(second.distance(judge.move(points)), _FLOOR)
        logs = np.log([max(size, _FLOOR) for size in null if size > here] or [here])
        spread = max(1.4826 * float(np.median(np.abs(logs - np.median(logs)))), 1e-3)
        share = sum(size <= here for size in null) / len(null)
        tail = float(norm.cdf((math.log(here) - float(np.median(logs))) / spread))
        worst = np.fmax(worst, max(tail, share if share > 1 / dim else 0.0))
    return min(1.0, float(worst) * max(tried, 1)) if not math.isnan(worst) else math.nan


def relabelled(points: Points, relabel: Points) -> Points:
    """The permutation of the same cycle type that moves other coordinates alike.

    Args:
        points: of d points, or of the 2 d points +i and -i.
        relabel: (d,), what each coordinate becomes.
    """
    if len(points) > len(relabel):
        relabel = np.concatenate([relabel, relabel + len(relabel)])
    other = np.empty_like(points)
    other[relabel] = relabel[points]
    return other


def _conjugates(points: Int[np.ndarray, " d"]) -> float:
    """Number of permutations of the same cycle type."""
    lengths, seen = [], set()
    for start in range(len(points)):
        length, point = 0, start
        while point not in seen:
            seen.add(point)
            point, length = int(points[point]), length + 1
        if length:
            lengths.append(length)
    log = math.lgamma(len(points) + 1) - sum(math.log(length) for length in lengths)
    log -= sum(math.lgamma(lengths.count(length) + 1) for length in set(lengths))
    return math.exp(min(log, 700))
