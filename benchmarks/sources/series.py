"""Windows of series and patches of images without symmetry."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from sources.base import Array, Ints, Maker, Random, Source, nothing, skewed

BLOCK = 8


def returns(law: Random, rng: Random, series: int, length: int, noise_shape: float | None) -> Array:
    """Returns of which a loss raises tomorrow's variance by about 0.35 r^2, a gain by 0.05 r^2.

    Noise is normal, or minus a standardised gamma of the given shape.
    """
    leverage = law.uniform(0.25, 0.35)
    past = 100
    size = (past + length, series)
    noise = rng.standard_normal(size) if noise_shape is None else -skewed(rng, noise_shape, size)
    out = np.empty(size)
    variance = np.ones(series)
    for t in range(past + length):
        out[t] = np.sqrt(variance) * noise[t]
        variance = 0.2 + 0.6 * variance + (0.05 + leverage * (out[t] < 0)) * out[t] ** 2
    return out[past:].T


def windows(series: Array, width: int, rows: int) -> tuple[Array, Ints]:
    """Overlapping windows, BLOCK from each series, and the number of their series."""
    cut = np.lib.stride_tricks.sliding_window_view(series, width, axis=1)[:, :BLOCK]
    blocks = np.arange(len(series)).repeat(BLOCK)
    return cut.reshape(-1, width)[:rows].copy(), blocks[:rows]


def independent(rows: int) -> int:
    """How many series give so many windows."""
    return -(-rows // BLOCK)


def volatility(law: Random, rng: Random, rows: int) -> Source:
    """None: squares correlate the less the farther apart, and losses come before variance."""
    series = returns(law, rng, independent(rows), BLOCK + 4, None)
    values, blocks = windows(series, 5, rows)
    return nothing("volatility clustering", values, "permutation", blocks)


def volatility_signed(law: Random, rng: Random, rows: int) -> Source:
    """None: the same with skewed noise; with normal noise the last return has a free sign."""
    series = returns(law, rng, independent(rows), BLOCK + 4, 8.0)
    values, blocks = windows(series, 5, rows)
    return nothing("volatility clustering, signed", values, "signed", blocks)


def skewed_series(law: Random, rng: Random, rows: int) -> Source:
    """None: x_t = e_t + 0.87 e_(t-1), e gamma: reversal keeps all moments to order 2.

    It violates the third by 0.10, since E[x_t^2 x_(t+1)] / E[x_t x_(t+1)^2] = 1 / 0.87.
    """
    noise = skewed(rng, float(law.uniform(0.4, 1.0)), (rows, 6))
    return nothing("skewed series", noise[:, 1:] + 0.87 * noise[:, :-1], "permutation")


def autoregression(law: Random, rng: Random, rows: int, action: str = "permutation") -> Source:
    """None: x_t = 1.2 x_(t-1) - 0.5 x_(t-2) + e_t, e gamma: only Gaussian ones are reversible."""
    past, length = 60, BLOCK + 5
    noise = skewed(rng, float(law.uniform(0.5, 1.5)), (past + length, independent(rows)))
    series = np.zeros_like(noise)
    for t in range(2, past + length):
        series[t] = 1.2 * series[t - 1] - 0.5 * series[t - 2] + noise[t]
    values, blocks = windows(series[past:].T, 6, rows)
    return nothing(f"skewed autoregression, {action}", values, action, blocks)


def autoregression_signed(law: Random, rng: Random, rows: int) -> Source:
    """None: the same; skewness is positive everywhere, so no sign may change either."""
    return autoregression(law, rng, rows, "signed")


def letters(law: Random, rng: Random, rows: int) -> Source:
    """None: one-hot windows of 3 letters of a chain that prefers one way round.

    A symmetry would be a renaming, with or without reversal; half of each transition is random.
    """
    chain = 0.5 * law.dirichlet(np.full(4, 0.6), size=4) + 0.5 * np.roll(np.eye(4), 1, axis=1)
    steps = chain.cumsum(1)
    state = rng.integers(4, size=independent(rows))
    series = np.empty((len(state), BLOCK + 2), dtype=np.int64)
    for t in range(-30, BLOCK + 2):
        state = np.minimum((rng.random((len(state), 1)) > steps[state]).sum(1), 3)
        if t >= 0:
            series[:, t] = state
    cut, blocks = windows(series.astype(np.float64), 3, rows)
    one_hot = np.eye(4)[cut.astype(np.int64)].reshape(rows, 12)
    return nothing("letters", one_hot, "permutation", blocks)


def chirp(law: Random, rng: Random, rows: int) -> Source:
    """None: a sine of random phase whose frequency rises, so that all gaps of phase differ."""
    t = np.arange(8)
    angle = law.uniform(0.2, 0.4) * t + law.uniform(0.1, 0.14) * t**2
    size = rng.gamma(4.0, size=(rows, 1)) / 4
    waves = size * np.sin(rng.uniform(0, 2 * np.pi, (rows, 1)) + angle)
    return nothing("chirps", waves + 0.1 * rng.standard_normal((rows, 8)), "permutation")


def relaxation(law: Random, rng: Random, rows: int) -> Source:
    """None: a slow rise and a sudden fall at a random phase; reversed it rises suddenly."""
    period = law.uniform(9, 13)
    phase = rng.random((rows, 1)) + np.arange(6) / period
    values = phase % 1 + 0.1 * rng.standard_normal((rows, 6))
    return nothing("relaxation oscillator", values, "permutation")


def patches(law: Random, rng: Random, rows: int) -> Source:
    """None: brighter above than below, in a slanted and skewed texture; BLOCK patches an image.

    The slant stops the mirror that gravity would leave.
    """
    kernel = np.array([[1, 0.2, 0], [0.9, 0.5, 0], [0.3, -0.5, 0.4]])
    kernel = kernel * law.uniform(0.9, 1.1, (3, 3))
    noise = skewed(rng, 0.7, (independent(rows), 14, 14))
    images = fftconvolve(noise, kernel[None], "valid", axes=(1, 2))
    images += np.linspace(1.5, -1.5, 12)[:, None]
    cut = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    corners = rng.integers(cut.shape[1], size=(2, len(images), BLOCK))
    chosen = cut[np.arange(len(images))[:, None], corners[0], corners[1]]
    blocks = np.arange(len(images)).repeat(BLOCK)
    return nothing("patches", chosen.reshape(-1, 9)[:rows], "permutation", blocks[:rows])


SERIES: dict[str, Maker] = {
    "volatility clustering": volatility,
    "volatility clustering, signed": volatility_signed,
    "skewed series": skewed_series,
    "skewed autoregression": autoregression,
    "skewed autoregression, signed": autoregression_signed,
    "letters": letters,
    "chirps": chirp,
    "relaxation oscillator": relaxation,
    "patches": patches,
}
