"""Moving the basis of an action to where the rows keep it best, down to fine structure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

_WAVES = (512, 2048)
_PER_ENTRY = 32
_SLOTS = 6
_AT_ONCE = 1024
_ROUNDS = ((1.0, 8.0), (1.0, 8.0), (2.0, 16.0), (2.0, 16.0))
_CHECKED = (1.0, 12.0)
_HOPELESS, _DOUBTFUL = 30.0, 4.0
_LONGEST_STEP = 0.2
_NEAR = 0.05
_SPREAD = 30.0
_SURE = 0.05
_BLIND = 2.0


@dataclass(frozen=True)
class _Waves:
    """Means of exp(i w . rho(g) y), and how they change as the basis moves.

    Attributes:
        rest: what differs from the mean over g, as real numbers in units of their noise.
        slopes: (d^2, as many): its derivative as rho becomes (I - D) rho (I + D), along D.
        noise: the squared length of the rest of an exact symmetry.
        blind: the squared length that noise alone gives to a slope.
    """

    rest: Float[np.ndarray, " m"]
    slopes: Float[np.ndarray, "e m"]
    noise: float
    blind: float

    @classmethod
    def of(
        cls,
        waves: Float[np.ndarray, "K d"],
        elements: Float[np.ndarray, "K s d d"],
        rows: Float[np.ndarray, "N d"],
        factors: Float[np.ndarray, "N f"],
    ) -> _Waves:
        """Those of rows.

        Args:
            waves: w.
            elements: rho(g) for a few g beside each w.
            rows: whitened.
            factors: weights, then weights times functions of a label.
        """
        count, slots, dim = elements.shape[:3]
        turned = np.einsum("ksab,ka->ksb", elements, waves)
        axes = turned.swapaxes(0, 1).reshape(-1, dim).T.astype(np.float32)
        beside = np.c_[np.ones(len(rows), np.float32), rows]
        wide = (factors[:, :, None] * beside[:, None]).reshape(len(rows), -1)
        sums = np.zeros((wide.shape[1], slots * count), np.complex128)
        spread = np.zeros((factors.shape[1], slots * count))
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            phases = rows[part] @ axes
            for total, function in ((sums.real, np.cos), (sums.imag, np.sin)):
                values = function(phases)
                np.add(total, wide[part].T @ values, out=total)
                apart = values.reshape(-1, slots, count)
                apart -= apart.mean(1, keepdims=True)
                spread += (factors[part] ** 2).T @ np.square(values, out=values)
        sums = (sums / len(rows)).reshape(factors.shape[1], 1 + dim, slots, count).swapaxes(2, 3)
        spread = (spread / len(rows)).reshape(-1, slots, count).swapaxes(1, 2)
        first = np.moveaxis(sums[:, 1:], 1, -1)
        back = np.einsum("ksbc,fksc->fksb", elements, first)
        # Of w . rho D y - w . D rho y, times exp(i w . rho y), averaged over rows.
        moved = 1j * np.einsum("ksa,fksb->abfks", turned, first)
        moved -= 1j * np.einsum("ka,fksb->abfks", waves, back)
        rest = sums[:, 0] - sums[:, 0].mean(-1, keepdims=True)
        slopes = moved - moved.mean(-1, keepdims=True)
        noise = np.maximum(spread - np.abs(rest) ** 2, _SURE * spread.mean())
        scale = np.sqrt(noise / len(rows))
        rest, slopes = (rest / scale).ravel(), (slopes / scale).reshape(dim * dim, -1)
        return cls(
            np.concatenate([rest.real, rest.imag]),
            np.concatenate([slopes.real, slopes.imag], axis=1),
            float(rest.size),
            2 * float((waves**2).sum()) / dim * (slots - 1) * factors.shape[1],
        )

    @property
    def lost(self) -> float:
        """The squared length of the rest, in units of that of an exact symmetry."""
        return float((self.rest**2).sum()) / self.noise

    def step(self, ridge: float, away: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
        """The Gauss-Newton step, without the directions in which only noise has a slope."""
        values, vectors = np.linalg.eigh(self.slopes @ self.slopes.T)
        gain = np.clip(1 - _BLIND * self.blind / np.maximum(values, 1e-300), 0, None)
        slope = vectors.T @ (self.slopes @ self.rest + ridge * away.ravel())
        step = -(vectors @ (gain * slope / (values + ridge))).reshape(away.shape)
        return shortened(step)


def ridge_for(count: int) -> float:
    """What holds a basis near the one that moments of so many rows have placed."""
    return 1 / (_NEAR**2 + _SPREAD / count)


def shortened(step: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """A step no entry of which is larger than linear slopes can be trusted for."""
    return np.asarray(step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300)))


def sharpened(
    matrices: Float[np.ndarray, "n d d"],
    rows: Float[np.ndarray, "N d"],
    factors: Float[np.ndarray, "N f"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "d d"]:
    """A matrix L near I for which L^-1 rho(g) L keeps the law of the rows better than rho(g).

    Moments place a basis only as finely as they are smooth. Here means of exp(i w . y) are to be
    the same for w and rho(g)^T w, for random w, first longer waves and then short ones, by
    Gauss-Newton steps over all matrices L.

    Args:
        matrices: rho, orthogonal or nearly so.
        rows: about white.
        factors: weights, then weights times functions of a label.
        rng: draws waves and elements.

    Returns:
        L; I where the rows are far from keeping the action, or keep it no better so.

    Cost:
        O(6 N (500 + 20 d^2)) time, about a second for 16,000 rows.
    """
    dim = rows.shape[1]
    single, wide = rows.astype(np.float32), factors.astype(np.float32)
    out, ridge = np.eye(dim), ridge_for(len(rows))
    one = np.eye(dim)

    def waves(linear: NDArray[np.float64], lengths: tuple[float, float], seed: int) -> _Waves:
        acting = np.asarray(np.linalg.solve(linear, matrices @ linear), dtype=np.float64)
        return _Waves.of(*_drawn(acting, *lengths, np.random.default_rng(seed)), single, wide)

    check = int(rng.integers(1 << 31))
    before = waves(one, _CHECKED, check).lost
    if before > _HOPELESS:
        return one
    for lengths in _ROUNDS:
        out = out @ (one + waves(out, lengths, int(rng.integers(1 << 31))).step(ridge, out - one))
    return out if waves(out, _CHECKED, check).lost < min(before, _DOUBTFUL) else one


def _drawn(
    matrices: NDArray[np.float64], low: float, high: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "K d"], Float[np.ndarray, "K s d d"]]:
    """Random waves of lengths between two, and beside each the identity and other elements."""
    count, dim = matrices.shape[:2]
    slots = min(_SLOTS, count)
    size = int(np.clip(_PER_ENTRY * dim**2, *_WAVES)) // slots
    fixed = matrices.mean(0)
    waves = np.zeros((size, dim))
    # What moves and what stays: each by waves of its own length, however few dimensions it has.
    for part in (fixed, np.eye(dim) - fixed):
        own = rng.standard_normal((size, dim)) @ part
        lengths = rng.uniform(low, high, (size, 1))
        norms = np.linalg.norm(own, axis=1, keepdims=True)
        waves += lengths * np.divide(own, norms, out=np.zeros_like(own), where=norms > 1e-6)
    others = 1 + rng.permuted(np.tile(np.arange(count - 1), (size, 1)), axis=1)
    chosen = np.c_[np.zeros(size, np.int64), others[:, : slots - 1]]
    return waves, matrices[chosen]
