"""The order of one estimated generator: which orders fit, which do not, and how both are shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.closing import permutation_near
from grouplearn.discovery.pairs.estimates import (
    FLOOR,
    Array,
    Estimate,
    Method,
    OrderTest,
    compare_order,
    estimate,
    tail,
)
from grouplearn.discovery.pairs.periods import period_evidence
from grouplearn.discovery.result import Evidence, Rung, Verdict

TOLERANCE = 0.05
"""The largest relative violation that may be called approximate."""
_SEQUENCES = 8
# An exact fit needs less: what speaks for it is also that it is exact.
_LUCK = 0.25


@final
@dataclass(frozen=True)
class SearchRequest:
    """What a search was asked for.

    Attributes:
        who: name of the caller, for errors.
        max_order: the largest order that is tried.
        method: how matrices are estimated.
        level: chance of calling an exact symmetry only approximate, and of accepting chance.
        seed: of the split and of the draws.
        shared: noise sits on the frames of sequences, so that two pairs share it.
    """

    who: str
    max_order: int
    method: Method
    level: float
    seed: int
    shared: bool = False

    def verdict(self, violation: float, p_value: float) -> Verdict:
        """Exact within noise, approximate, or rejected."""
        if p_value >= self.level:
            return "exact"
        return "approximate" if violation <= TOLERANCE else "rejected"


@final
@dataclass(frozen=True)
class Pairs:
    """Pairs of one generator.

    Attributes:
        x: (N, d) inputs.
        y: (N, d) outputs.
        frames: (S, T, d), the sequences whose neighbours the pairs are, or None.
    """

    x: Float[np.ndarray, "N d"]
    y: Float[np.ndarray, "N d"]
    frames: Float[np.ndarray, "S T d"] | None = None

    @staticmethod
    def of_frames(frames: Float[np.ndarray, "S T d"]) -> Pairs:
        """All neighbours in sequences."""
        dim = frames.shape[-1]
        return Pairs(frames[:, :-1].reshape(-1, dim), frames[:, 1:].reshape(-1, dim), frames)

    def fit(self, search: SearchRequest, stream: int = 0) -> Estimate:
        """The matrix that the pairs show, its error drawn from one of several streams."""
        rng = np.random.default_rng([search.seed, stream])
        frames = self.frames if search.shared else None
        return estimate(self.x, self.y, search.method, rng, frames)

    def split(self, seed: int) -> tuple[Pairs, Pairs] | None:
        """Three quarters and one quarter, independent; None if that leaves too few to fit."""
        rng = np.random.default_rng([seed, 9])
        if self.frames is None:
            order = rng.permutation(len(self.x))
            held, kept = np.split(order, [len(order) // 4])
            parts = Pairs(self.x[kept], self.y[kept]), Pairs(self.x[held], self.y[held])
        elif len(self.frames) >= _SEQUENCES:
            order = rng.permutation(len(self.frames))
            held, kept = np.split(order, [len(order) // 4])
            parts = Pairs.of_frames(self.frames[kept]), Pairs.of_frames(self.frames[held])
        else:
            edge = 3 * self.frames.shape[1] // 4
            if self.frames.shape[1] - edge < 2:
                return None
            parts = Pairs.of_frames(self.frames[:, :edge]), Pairs.of_frames(self.frames[:, edge:])
        dim = self.x.shape[1]
        enough = all(
            len(part.x) >= 2 * dim and np.linalg.matrix_rank(part.x, rtol=1e-4) == dim
            for part in parts
        )
        return parts if enough else None


@final
@dataclass(frozen=True)
class Generator:
    """What pairs say of one generator.

    Attributes:
        fit: its estimate.
        test: of the order that was accepted, or of the nearest one.
        accepted: was it?
        images: (d,), the permutation that the generator is, or None.
        evidence: for the accepted or nearest order.
        ladder: the accepted or nearest order first, then others at rising violation.
        notes: sentences.
    """

    fit: Estimate
    test: OrderTest
    accepted: bool
    images: Int[np.ndarray, " d"] | None
    evidence: tuple[Evidence, ...]
    ladder: tuple[Rung, ...]
    notes: tuple[str, ...]

    @property
    def chance(self) -> float:
        """How often pairs without symmetry would look as good."""
        exact = all(each.verdict == "exact" for each in self.evidence)
        return self.test.chance if exact else _doubt(self.test)

    @property
    def exact(self) -> Array:
        """The matrix, rounded."""
        return self.test.exact if self.images is None else _matrix(self.images)

    @property
    def left(self) -> Array:
        """Draws of the sampling error that rounding leaves."""
        return self.test.commuting if self.images is None else self.fit.draws


def find_order(search: SearchRequest, pairs: Pairs, name: str) -> Generator:
    """Find the order of one generator.

    Args:
        search: the settings.
        pairs: its pairs.
        name: how notes call it.

    Returns:
        The finding.
    """
    fit = pairs.fit(search)
    tests = [
        compare_order(fit, order, search.max_order) for order in range(1, search.max_order + 1)
    ]
    chosen, notes = _choose(search, tests, name)
    best = chosen or _nearest(tests)
    images = None if chosen is None else _permutation(search, fit, chosen)
    if images is not None:
        violation = fit.violation(_matrix(images))
        sizes = fit.sizes(fit.draws)
        best = replace(best, violation=violation, noise=fit.noise, p_value=tail(violation, sizes))
    others = [test for test in tests if test.order % best.order]
    outside = min((test.violation for test in others), default=math.inf)
    evidence = [_closure(search, best, outside, chosen=chosen is not None)]
    if chosen is not None:
        held, words = _held_out(search, pairs, best, others, images)
        evidence += [held] if held else []
        if pairs.frames is not None:
            period = period_evidence(
                pairs.frames, fit, best.order, level=search.level, tolerance=TOLERANCE,
                shared=search.shared,
            )  # fmt: skip
            evidence += [period] if period else []
        notes.append(words)
    # An order that fits worse than another one fits by its noise alone.
    clear = evidence[0].violation <= evidence[0].next_candidate
    accepted = chosen is not None and clear and all(each.verdict != "rejected" for each in evidence)
    if chosen is not None and not accepted:
        notes.append(f"Order {best.order} fits {name}, but not all of the evidence.")
    exact = best.exact if images is None else _matrix(images)
    ladder = [_rung(best.order, exact, tuple(evidence), accepted=accepted)]
    for test in sorted(_shown(best, others), key=lambda test: test.violation):
        entry = _closure(search, test, math.inf, chosen=False)
        ladder.append(_rung(test.order, test.exact, (entry,), accepted=False))
    return Generator(
        fit, best, accepted, images if accepted else None, tuple(evidence), tuple(ladder),
        tuple(notes),
    )  # fmt: skip


def _choose(
    search: SearchRequest, tests: list[OrderTest], name: str
) -> tuple[OrderTest | None, list[str]]:
    exact = [test for test in tests if test.p_value >= search.level]
    told = [test for test in exact if test.chance <= search.level and test.luck <= _LUCK]
    if told:
        return told[0], []
    close = [test for test in tests if test.violation <= TOLERANCE and _doubt(test) <= search.level]
    if close and not exact:
        return min(close, key=_doubt), []
    near = _nearest(tests)
    if exact:
        return None, [
            f"The pairs are too noisy or too few to tell orders apart: {name} fits order "
            f"{exact[0].order}, but so would "
            f"{max(exact[0].chance, exact[0].luck):.0%} of all matrices."
        ]
    if math.isinf(near.violation):
        return None, [f"{name} does not close: an eigenvalue is far from the unit circle."]
    return None, [
        f"{name} does not close: nearest order {near.order}, distance {near.violation:.2g}."
    ]


def _doubt(test: OrderTest) -> float:
    """Chance that a matrix of no order fits as well."""
    return max(test.chance, test.search)


def _nearest(tests: list[OrderTest]) -> OrderTest:
    """The order that comes nearest to fitting; not 1, which every matrix near I fits."""
    return min(tests[1:], key=lambda test: test.excess)


def _permutation(
    search: SearchRequest, fit: Estimate, chosen: OrderTest
) -> NDArray[np.int64] | None:
    """The permutation that the generator is, if it fits as well as the matrix of that order."""
    images = permutation_near(fit.matrix)
    order, power = 1, images
    while order <= search.max_order and (power != np.arange(len(images))).any():
        order, power = order + 1, images[power]
    violation = fit.violation(_matrix(images))
    verdict = search.verdict(violation, tail(violation, fit.sizes(fit.draws)))
    same = verdict == search.verdict(chosen.violation, chosen.p_value) or verdict == "exact"
    return images if order == chosen.order and same else None


def _held_out(
    search: SearchRequest,
    pairs: Pairs,
    best: OrderTest,
    others: list[OrderTest],
    images: NDArray[np.int64] | None,
) -> tuple[Evidence | None, str]:
    """Round what three quarters of the pairs show, and compare with the other quarter."""
    parts = pairs.split(search.seed)
    if parts is None:
        return None, f"No pairs were held out: {len(pairs.x)} are too few."
    learned, held = (part.fit(search, stream) for stream, part in enumerate(parts, 1))
    test = compare_order(learned, best.order, search.max_order)
    exact, error = test.exact, learned.draws - test.commuting
    if images is not None:
        exact, error = _matrix(images), np.zeros_like(learned.draws)
    sizes = held.sizes(held.draws - error)
    violation = held.violation(exact)
    p_value = tail(violation, sizes)
    outside = min(
        (held.violation(other.exact) for other in others if math.isfinite(other.violation)),
        default=math.inf,
    )
    x, y = parts[1].x, parts[1].y
    missed = float(np.linalg.norm(x @ exact.T - y) / np.linalg.norm(y))
    noise = max(float(np.sqrt(sizes.mean())), FLOOR / 10)
    verdict = search.verdict(violation, p_value)
    return (
        Evidence("pairs", violation, noise, p_value, outside, verdict),
        f"On {len(x)} pairs held out it misses y by {missed:.2g} of its length, a free matrix "
        f"fitted to them by {held.residual:.2g}.",
    )


def _shown(best: OrderTest, others: list[OrderTest]) -> list[OrderTest]:
    """The neighbours of the best order, its largest divisor, and the nearest other."""
    wanted = {best.order - 1, best.order + 1}
    wanted.add(max((n for n in range(2, best.order) if best.order % n == 0), default=0))
    if others:
        wanted.add(min(others, key=lambda test: test.violation).order)
    return [test for test in others if test.order in wanted and test.order > 1]


def _closure(search: SearchRequest, test: OrderTest, outside: float, *, chosen: bool) -> Evidence:
    verdict = search.verdict(test.violation, test.p_value)
    if verdict == "approximate" and not chosen:
        verdict = "rejected"
    return Evidence("closure", test.violation, test.noise, test.p_value, outside, verdict)


def _rung(order: int, exact: Array, evidence: tuple[Evidence, ...], *, accepted: bool) -> Rung:
    return Rung(f"C{order}", order, torch.as_tensor(exact[None].copy()), evidence, accepted)


def _matrix(images: NDArray[np.int64]) -> Array:
    return np.asarray(np.eye(len(images))[images].T)
