"""The randomisation test over a group: its level is exact at every sample size.

Let the law of every unit be unchanged when one element of G acts on all its rows (H0). Draw for
each unit, independently, which of its slots is taken for the data: under H0 the data so made have
the law of the data, for any statistic T. So the rank of T among such draws is a p-value.

References:
    Hoeffding, 1952, The large-sample power of tests based on permutations of observations.
    Hemerik, Goeman, 2018, Exact testing with random permutations.
    Chiu, Bloem-Reddy, 2023, Non-parametric hypothesis tests for distributional group symmetry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

_CHUNK = 1 << 24
_TIE = 1e-5
_ROUNDING = 1e-7


@final
@dataclass(frozen=True)
class Deviations:
    """How far every unit, under every element, is from its mean over the elements.

    Attributes:
        values: (U, n, m), in units of the spread of each feature.
        floor: (m,), what rounding may leave of a deviation, in the same units.
    """

    values: Float[np.ndarray, "U n m"]
    floor: Float[np.ndarray, " m"]

    @classmethod
    def of(cls, sums: Float[np.ndarray, "U n m"]) -> Deviations:
        """From the sums of features over units."""
        values = sums - sums.mean(1, keepdims=True)
        spread = np.sqrt(np.square(values).mean((0, 1)))
        size = np.abs(sums).max((0, 1), initial=0.0)
        # What rounding leaves of features that no element changes is no deviation.
        scale = _inverse(spread, _ROUNDING * size)
        return cls(values * scale, _ROUNDING * size * scale)


def statistics(
    deviations: Deviations, choices: Int[np.ndarray, "R U"]
) -> Float[np.ndarray, "R two"]:
    """The squared norm of the sum over units, and its largest entry, for every draw of slots.

    Args:
        deviations: of one family.
        choices: (R, U), the slot that is taken of each unit; the first row is the data, 0.
    """
    units, count, size = deviations.values.shape
    flat = deviations.values.reshape(units * count, size).astype(np.float32)
    taken = np.arange(units) * count + choices
    square, largest = np.zeros(len(choices)), np.zeros(len(choices))
    one_hot = np.zeros((len(choices), units * count), dtype=np.float32)
    np.put_along_axis(one_hot, taken, 1.0, axis=1)
    step = max(1, _CHUNK // len(choices))
    for start in range(0, size, step):
        totals = np.square(one_hot @ flat[:, start : start + step])
        square += totals.sum(1, dtype=np.float64)
        largest = np.maximum(largest, totals.max(1, initial=0.0))
    return np.stack([square, largest], axis=1)


def sign_statistics(
    deviations: Deviations,
    signs: Float[np.ndarray, "n U"],
    choices: Int[np.ndarray, "R U"],
) -> Float[np.ndarray, "R two"]:
    """The same of what all elements outside a subgroup of index 2 share.

    For a homomorphism onto {1, -1} the mean of sign times deviation over the slots of a unit only
    changes sign when another slot is taken for the data. It is free of the noise within the
    subgroup, and so shows best where the subgroup is a symmetry and the whole is not.

    Args:
        deviations: of one family.
        signs: of the element of each slot and unit.
        choices: as for `statistics`.
    """
    means = np.einsum("su,usm->um", signs, deviations.values) / len(signs)
    spread = np.sqrt(np.square(means).mean(0))
    means *= _inverse(spread, deviations.floor)
    flips = signs[choices, np.arange(choices.shape[1])]
    totals = np.square(flips.astype(np.float32) @ means.astype(np.float32))
    return np.stack([totals.sum(1, dtype=np.float64), totals.max(1, initial=0.0)], axis=1)


def _inverse(spread: Float[np.ndarray, " m"], floor: Float[np.ndarray, " m"]) -> Array:
    """One over a spread; 0 where it may be rounding."""
    return np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > floor)


def choices(units: int, count: int, draws: int, rng: np.random.Generator) -> Int[np.ndarray, "R U"]:
    """Random slots for every unit, the data as they are first."""
    out = rng.integers(0, count, (draws + 1, units))
    out[0] = 0
    return out


def scores(values: Float[np.ndarray, " R"]) -> Float[np.ndarray, " R"]:
    """Statistics in standard deviations over all draws, the data among them: so the level is exact.

    The cube root makes sums of squares nearly normal.

    References:
        Wilson, Hilferty, 1931, The distribution of chi-square.
    """
    roots = np.cbrt(values)
    spread = roots.std()
    if spread <= 1e-6 * max(float(np.abs(roots).max()), 1e-300):
        return np.zeros_like(roots)
    return np.asarray((roots - roots.mean()) / spread)


def rank_p_value(values: Float[np.ndarray, " R"]) -> float:
    """The share of draws, the data counted, that reach the value of the data.

    What single precision leaves of a tie counts as a tie.
    """
    least = values[0] - _TIE * max(abs(float(values[0])), 1.0)
    return float(np.count_nonzero(values >= least)) / len(values)
