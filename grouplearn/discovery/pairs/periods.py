"""Periods: do sequences come back after n steps?"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.pairs.estimates import FLOOR, Estimate
from grouplearn.discovery.result import Evidence, Verdict


def period_evidence(
    frames: Float[np.ndarray, "S T d"],
    fit: Estimate,
    order: int,
    *,
    level: float,
    tolerance: float,
    shared: bool,
) -> Evidence | None:
    """Compare x_{t+n} with x_t, without any matrix.

    Args:
        frames: the sequences.
        fit: the estimated step, whose misfit says how noisy they are.
        order: n.
        level: least chance, under noise alone, of an exact period.
        tolerance: largest relative excess of an approximate one.
        shared: noise sits on the frames; else every step adds its own.

    Returns:
        Relative distance ||x_{t+n} - x_t|| / ||x_t||, the part of it that noise explains, and the
        least distance at another lag; None when no sequence is longer than n.
    """
    if frames.shape[1] <= order:
        return None
    size = float((frames**2).sum(-1).mean())
    misfit = fit.residual**2 * float((frames[:, 1:] ** 2).sum(-1).mean())
    powers = [np.linalg.matrix_power(fit.matrix, k) for k in range(order)]
    gains = [float((power**2).sum()) / frames.shape[-1] for power in powers]
    expected = 2 * misfit / (1 + gains[1 % order]) if shared else sum(gains) * misfit
    here = _lag(frames, order)
    entries = frames.shape[0] * (frames.shape[1] - order) * frames.shape[2]
    # Differences at one lag share frames: their number counts for about half as many.
    score = (here / expected - 1) * math.sqrt(entries) / 3 if expected > 0 else math.inf
    p_value = 1.0 if here <= FLOOR**2 * size else 0.5 * math.erfc(score / math.sqrt(2))
    excess = math.sqrt(max(here - expected, 0.0) / size)
    verdict: Verdict = "rejected" if excess > tolerance else "approximate"
    others = [_lag(frames, n) for n in range(1, frames.shape[1]) if n % order]
    return Evidence(
        "period", math.sqrt(here / size), max(math.sqrt(expected / size), FLOOR / 10), p_value,
        math.sqrt(min(others) / size) if others else math.inf,
        "exact" if p_value >= level else verdict,
    )  # fmt: skip


def _lag(frames: Float[np.ndarray, "S T d"], lag: int) -> float:
    """E ||x_{t+lag} - x_t||^2."""
    return float(((frames[:, lag:] - frames[:, :-lag]) ** 2).sum(-1).mean())
