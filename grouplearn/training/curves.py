"""How well scores put positives before negatives: areas under two curves, with their intervals."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from grouplearn._checks import refuse
from grouplearn._intervals import share_interval

_WHO = "ranking"


@final
class Ranking(NamedTuple):
    """How well scores rank.

    Attributes:
        auroc: area under the receiver operating characteristic: the probability that a positive
            scores above a negative, ties counting half.
        auroc_interval: its confidence interval.
        auprc: area under the curve of precision by recall, as average precision.
        auprc_interval: its confidence interval.
    """

    auroc: float
    auroc_interval: tuple[float, float]
    auprc: float
    auprc_interval: tuple[float, float]


def ranking(scores: ArrayLike, labels: ArrayLike, *, level: float = 0.95) -> Ranking:
    """Measure how well scores put positives before negatives.

    The interval of the AUROC is DeLong's: its variance comes from how often each positive is above
    negatives, and each negative below positives. That of the AUPRC is Boyd's, symmetric about its
    logit. Neither leaves [0, 1]; where all positives are above all negatives, nothing varies, and
    the first is that of as many trials that all succeeded, by Clopper and Pearson.

    Args:
        scores: (N,), larger where a sample is more likely to be a positive.
        labels: (N,), 1 or True for positives, 0 or False for negatives.
        level: of the intervals.

    Returns:
        Both areas.

    Raises:
        InputError: sizes differ, there are no two samples of each class, a score is not finite, or
            the level is not between 0 and 1.

    Cost:
        O(N log N).

    References:
        DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver
        operating characteristic curves (1988). Sun and Xu, Fast implementation of DeLong's
        algorithm (2014). Boyd, Eng and Page, Area under the precision-recall curve: point estimates
        and confidence intervals (2013), section 3.

    Example:
        >>> found = ranking([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        >>> found.auroc, round(found.auprc, 3)
        (0.75, 0.833)
    """
    values, positive = _checked(scores, labels)
    if not 0 < level < 1:
        refuse(_WHO, "level", "between 0 and 1", level, "0.95, for example")
    area, interval = _roc(values[positive], values[~positive], level)
    average = _average_precision(values, positive)
    return Ranking(area, interval, average, _logit_interval(average, int(positive.sum()), level))


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    values, given = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if values.ndim != 1 or values.shape != given.shape:
        refuse(_WHO, "labels", f"one for each score, of shape {values.shape}", given.shape,
               "pass two lists of one length")  # fmt: skip
    if not np.isfinite(values).all():
        refuse(_WHO, "scores", "finite", values[~np.isfinite(values)][0], "look for NaN in them")
    if not np.isin(given, (0, 1)).all():
        refuse(_WHO, "labels", "0 or 1", given[~np.isin(given, (0, 1))][0], "renumber them")
    positive = given.astype(bool)
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        refuse(_WHO, "labels", "of two positives and two negatives or more",
               f"{int(positive.sum())} and {int((~positive).sum())}",
               "pass more samples")  # fmt: skip
    return values, positive


def _roc(
    above: Float[np.ndarray, " m"], below: Float[np.ndarray, " n"], level: float
) -> tuple[float, tuple[float, float]]:
    """The area and DeLong's interval, by ranks within and among both classes."""
    from scipy.stats import norm, rankdata

    m, n = len(above), len(below)
    together = rankdata(np.concatenate([above, below]))
    share_above = (together[:m] - rankdata(above)) / n
    share_below = 1 - (together[m:] - rankdata(below)) / m
    area = float(share_above.mean())
    error = math.sqrt(share_above.var(ddof=1) / m + share_below.var(ddof=1) / n)
    if error == 0 and area in (0.0, 1.0):
        edge, _ = share_interval(min(m, n), min(m, n), level)
        return area, (edge, 1.0) if area else (0.0, 1 - edge)
    reach = float(norm.ppf((1 + level) / 2)) * error
    return area, (max(area - reach, 0.0), min(area + reach, 1.0))


def _average_precision(
    scores: Float[np.ndarray, " N"], positive: Int[np.ndarray, " N"] | NDArray[np.bool_]
) -> float:
    """The mean precision at the positives; samples of one score come together."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
    precision = hits[last] / (last + 1)
    return float((np.diff(hits[last], prepend=0) * precision).sum() / hits[-1])


def _logit_interval(share: float, count: int, level: float) -> tuple[float, float]:
    from scipy.special import expit
    from scipy.stats import norm

    if share >= 1:
        return share_interval(count, count, level)
    reach = float(norm.ppf((1 + level) / 2)) / math.sqrt(count * share * (1 - share))
    middle = math.log(share / (1 - share))
    low, high = expit([middle - reach, middle + reach]).tolist()
    return low, high
