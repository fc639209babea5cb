"""Proposing groups of the plane: cyclic and dihedral, in any position."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.basis import Basis
from grouplearn.discovery.linear.placed import Ideal, Placed
from grouplearn.discovery.linear.proposals import Proposal
from grouplearn.discovery.linear.sifting import FAIR, sift
from grouplearn.discovery.linear.spectrum import Rows, Spectrum, still

DEGREE = 30
LONGEST = 24
_PHASES = 2048
_MIRROR = np.diag([1.0, -1.0])


def propose(
    rows: Float[np.ndarray, "rows 2"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> list[Proposal]:
    """Groups of turns and mirrors that whitened rows in the plane may have as a symmetry.

    The moments E[R(|y|) exp(i k theta)], k = 1 to 30, that survive tell the order n: a turn by
    2 pi / n keeps those whose k it divides. Their phases tell the mirrors.

    Args:
        rows: (N, 2), centred, of covariance I.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.

    Returns:
        C_n for n = 2 to 24 and D_n for n = 1 to 24, at most 30, the most likely first; none where
        nothing tells directions apart.

    Cost:
        O(60 N) time and O(N) memory.
    """
    own = Rows.of(rows, rng, weights)
    spectrum = Spectrum.of(own, circle())
    if len(still(spectrum, own)):
        return []
    coefficients = spectrum.compressed()
    waves = coefficients[:, 0::2] + 1j * coefficients[:, 1::2]
    power = (np.abs(waves) ** 2).sum(0)
    noise = spectrum.noise[:, 0::2].sum(0)
    placed = []
    for n in range(LONGEST, 0, -1):
        inside = np.arange(1, DEGREE + 1) % n == 0
        share = _share(spectrum, power[~inside].sum() - 2 * noise[~inside].sum())
        if share < FAIR or power[inside].sum() < power[~inside].sum():
            continue
        if n > 1:
            placed.append(Placed(_ideal(n, False), np.eye(2), share))
        angle, kept = _best_mirror(waves[:, inside], np.flatnonzero(inside) + 1)
        lost = power.sum() - kept - 2 * noise.sum() + noise[inside].sum()
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        placed.append(Placed(_ideal(n, True), turn, _share(spectrum, lost)))
    return sift(placed, spectrum, own, label)


def continuous(
    rows: Float[np.ndarray, "rows 2"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> Float[np.ndarray, "k 2 2"]:
    """The generator of all turns, if no harmonic of the angle is more than noise; else nothing.

    Args:
        rows: (N, 2), centred, of covariance I.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.
    """
    own = Rows.of(rows, rng, weights)
    return still(Spectrum.of(own, circle()), own)


def label(matrices: Float[np.ndarray, "n 2 2"]) -> str:
    """C_n for turns alone, D_n with mirrors: D_1 is a single mirror, C_2 the half turn."""
    mirrored = bool((np.linalg.det(matrices) < 0).any())
    return f"D_{len(matrices) // 2}" if mirrored else f"C_{len(matrices)}"


@lru_cache(maxsize=1)
def circle() -> Basis:
    """sqrt 2 cos(k theta) and sqrt 2 sin(k theta), k = 1 to 30."""
    blocks = tuple(np.array([[[0.0, -k], [k, 0.0]]]) for k in range(1, DEGREE + 1))
    return Basis(2, np.repeat(np.arange(1, DEGREE + 1), 2), _waves, _rotated, blocks)


def _waves(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    unit = rows @ np.array([1, 1j])
    unit = unit / np.maximum(np.abs(unit), 1e-300)
    powers = np.cumprod(np.repeat(unit[:, None], DEGREE, axis=1), axis=1)
    waves = np.stack([powers.real, powers.imag], axis=2).reshape(len(rows), -1)
    return np.asarray(np.sqrt(2) * waves)


def _rotated(
    coefficients: NDArray[np.float64], matrices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A turn by c takes wave z_k to exp(i k c) z_k; diag(1, -1) before it, to that of conj z_k."""
    waves = coefficients[..., 0::2] + 1j * coefficients[..., 1::2]
    waves = np.broadcast_to(waves, (len(matrices), *waves.shape[-2:]))
    flipped = (np.linalg.det(matrices) < 0)[:, None, None]
    unit = matrices[:, 0, 0] + 1j * matrices[:, 1, 0]
    phases = unit[:, None, None] ** np.arange(1, DEGREE + 1)
    moved = phases * np.where(flipped, waves.conj(), waves)
    pairs = np.stack([moved.real, moved.imag], axis=-1)
    return np.asarray(pairs.reshape(*moved.shape[:-1], -1), dtype=np.float64)


@lru_cache(maxsize=2 * LONGEST)
def _ideal(n: int, mirrored: bool) -> Ideal:
    c, s = np.cos(2 * np.pi / n), np.sin(2 * np.pi / n)
    turn = np.array([[c, -s], [s, c]])
    turns = (turn,) if n > 1 else ()
    mirrors = (_MIRROR,) if mirrored else ()
    return Ideal(circle(), f"{'D' if mirrored else 'C'}{n}", (*turns, *mirrors))


def _share(spectrum: Spectrum, lost: float) -> float:
    return float(1 - max(0.0, lost) / max(spectrum.energy, 1e-300))


def _best_mirror(waves: NDArray[np.complex128], orders: NDArray[np.int64]) -> tuple[float, float]:
    """The angle of the mirror that keeps most of some waves, and how much that is."""
    angles = np.arange(_PHASES) * (np.pi / _PHASES)
    along = (np.exp(-2j * angles[:, None] * orders) @ (waves**2).sum(0)).real
    best = int(along.argmax())
    return float(angles[best]), float((np.abs(waves) ** 2).sum() + along[best]) / 2
