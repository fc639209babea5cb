"""How large a deviation is, as a part of what an action of the same kind that is none shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

RESAMPLES = 400
COUNTS, COUNTS_IN_FULL = 3.0, 25.0
"""A family counts where all are pooled, or counts in full, from such a power on."""


@final
@dataclass(frozen=True)
class Effect:
    """An effect with its upper confidence bound.

    Attributes:
        size: square root of the ratio of two energies of deviation, each without its sampling
            noise: that of the action over that of actions of the same kind elsewhere.
        bound: the upper limit of the bootstrap over units.
        power: the energy elsewhere over what the energy here varies by for sampling noise alone:
            how well the family can see.
    """

    size: float
    bound: float
    power: float


NOT_MEASURED = Effect(float("nan"), float("inf"), 0.0)


@final
@dataclass(frozen=True)
class Grams:
    """Inner products between units of deviations, here and elsewhere.

    Attributes:
        here: (U, U), meaned over elements of the action.
        elsewhere: (U, U), meaned over actions of the same kind that are no symmetry.
        shared: (U, U) each, of what all elements outside a subgroup of index 2 share.
    """

    here: Float[np.ndarray, "U U"]
    elsewhere: Float[np.ndarray, "U U"]
    shared: tuple[Float[np.ndarray, "U U"], ...] = ()

    @classmethod
    def of(
        cls,
        here: Float[np.ndarray, "k U m"],
        elsewhere: Float[np.ndarray, "l U m"],
        shared: Iterable[Float[np.ndarray, "U m"]] = (),
    ) -> Grams:
        """From the sums of each unit, less those when moved: (elements, U, features)."""
        return cls(_gram(here), _gram(elsewhere), tuple(each @ each.T for each in shared))

    def beside(self, elsewhere: Float[np.ndarray, "l U m"]) -> Grams:
        """The same beside other deviations elsewhere."""
        return replace(self, elsewhere=_gram(elsewhere))

    @property
    def away(self) -> float:
        """The energy elsewhere."""
        return float(_energies(self.elsewhere, np.ones((1, len(self.elsewhere))))[0])

    @property
    def power(self) -> float:
        """That over what the energy here varies by for sampling noise alone."""
        away = max(self.away, 0.0)
        return away / max(self.noise, 1e-9 * away, 1e-300)

    @property
    def noise(self) -> float:
        """What the energy here varies by when there is nothing but sampling noise."""
        units = len(self.here)
        if units < 2:
            return float("inf")
        rows = self.here - self.here.mean(0)
        centred = rows - rows.mean(1, keepdims=True)
        apart = np.square(centred).sum() - np.square(np.diagonal(centred)).sum()
        return float(np.sqrt(2 * apart) / (units * (units - 1)))


def pooled(families: Sequence[Grams]) -> Grams:
    """All families as one: the weighted mean of what they show, as a part of what is elsewhere.

    Families that see well count alike, others by the square of their power, as their noise asks.
    So one that sees much better than the rest does not drown them, and many that hardly see help
    each other and do not blur what the others see.
    """
    seeing = [each for each in families if each.power >= COUNTS]
    if not seeing:
        return Grams(np.zeros((2, 2)), np.zeros((2, 2)))
    weights = np.array([min(1.0, each.power / COUNTS_IN_FULL) ** 2 for each in seeing])
    weights /= weights.sum()

    def mean(grams: Sequence[Array]) -> Array:
        parts = zip(weights, grams, seeing, strict=True)
        return np.asarray(sum(weight / each.away * gram for weight, gram, each in parts))

    here = mean([each.here for each in seeing])
    shared = zip(*(each.shared for each in seeing), strict=True)
    return Grams(here, np.ones_like(here), tuple(mean(own) for own in shared))


def effect_of(grams: Grams, rng: np.random.Generator, confidence: float) -> Effect:
    """Compare the energies of two sets of deviations.

    The energy of a deviation is the squared norm of its mean over units, less what sampling noise
    adds: the mean over pairs of different units of their inner products.

    Args:
        grams: of the deviations here and elsewhere.
        rng: of the bootstrap over units.
        confidence: one-sided, of the bound.

    References:
        Efron, Tibshirani, 1993, An introduction to the bootstrap, chapter 13.
    """
    units = len(grams.here)
    weights = np.concatenate(
        [np.ones((1, units)), rng.multinomial(units, np.full(units, 1 / units), RESAMPLES)]
    )
    other = _energies(grams.elsewhere, weights)
    sizes, bounds = [], []
    for gram in (grams.here, *grams.shared):
        ratios = np.full(len(weights), np.inf)
        mine = _energies(gram, weights).clip(0)
        ratios = np.sqrt(np.divide(mine, other, out=ratios, where=other > 0))
        sizes.append(float(ratios[0]))
        bounds.append(float(np.quantile(ratios[1:], confidence, method="higher")))
    bound = max(*sizes, *bounds)
    # Without a bound there is a resample in which nothing is seen elsewhere.
    return Effect(max(sizes), bound, grams.power if np.isfinite(bound) else 0.0)


def _gram(deviations: Array) -> Float[np.ndarray, "U U"]:
    """Inner products of units, meaned over elements."""
    units = deviations.shape[1]
    total = np.zeros((units, units))
    for each in deviations:
        total += each @ each.T
    return total / max(len(deviations), 1)


def _energies(gram: Array, weights: Float[np.ndarray, "R U"]) -> Float[np.ndarray, " R"]:
    """Mean inner product of two different units, for every resample of the units."""
    square = np.square(weights)
    total = weights.sum(1)
    pairs = np.einsum("ru,ru->r", weights @ gram, weights) - square @ np.diagonal(gram)
    count = total**2 - square.sum(1)
    return np.divide(pairs, count, out=np.zeros_like(pairs), where=count > 0)
