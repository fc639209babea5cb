"""Confidence intervals of shares."""

from __future__ import annotations


def share_interval(hits: int, trials: int, level: float) -> tuple[float, float]:
    """The exact interval of a share.

    Args:
        hits: trials that came out so.
        trials: how many there were.
        level: of confidence, such as 0.95; both ends miss with equal probability.

    References:
        Clopper, Pearson, 1934, The use of confidence or fiducial limits illustrated in the case of
        the binomial.

    Example:
        >>> low, high = share_interval(0, 20, 0.95)
        >>> f"{low:.3f} to {high:.3f}"
        '0.000 to 0.168'
    """
    from scipy.stats import beta

    miss = (1 - level) / 2
    low = float(beta.ppf(miss, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - miss, hits + 1, trials - hits)) if hits < trials else 1.0
    return low, high
