"""Where the point groups may stand: axes on a grid, turns about them, and cubes and icosahedra."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.placed import Ideal, Placed, fitted_frames
from grouplearn.discovery.linear.point_templates import (
    LONGEST,
    THREEFOLD,
    axial,
    polyhedral,
    tetrahedral_upright,
    turn,
)
from grouplearn.discovery.linear.sifting import FAIR
from grouplearn.discovery.linear.spectrum import Spectrum
from grouplearn.discovery.linear.spherical import (
    DEGREE,
    DEGREES,
    OPPOSITE,
    ORDERS,
    frames,
    half_sphere,
    rotated,
)

_AXES = 2400
_NEIGHBOURS = 9
_COARSE = 0.45
_PHASES = 128
_MOST_AXES = 16
_SAME_AXIS = 0.08
_CUBES = 4
_TURNS = 40


@final
@dataclass(frozen=True)
class Axis:
    """A line about which a turn of order n keeps much of the energy; n = 1: a mirror across it.

    Attributes:
        n: the order.
        frame: (3, 3) rotation that takes the line to z.
        share: of the energy that is kept.
    """

    n: int
    frame: Float[np.ndarray, "3 3"]
    share: float


def find_axes(spectrum: Spectrum) -> list[Axis]:
    """Axes of every order, each fitted, those of the highest order first.

    In a frame with z along the axis the turn by 2 pi / n keeps the coefficients whose m is a
    multiple of n, so that one rotation of the spectrum to each direction of a grid tells all
    orders.

    Args:
        spectrum: of whitened rows.
    """
    directions = half_sphere(_AXES)
    coefficients = spectrum.compressed()
    at = frames(directions)
    power = np.concatenate([
        (rotated(coefficients, part) ** 2).sum(1) for part in np.array_split(at, 8)
    ])  # fmt: skip
    out: list[Axis] = []
    for n in [*range(LONGEST, 1, -1), 1]:
        mask = _mask(n, n == 1)
        share = _share(spectrum, power @ ~mask, mask.astype(float))
        peaks = [i for i in _peaks(share) if share[i] > _COARSE][:_MOST_AXES]
        if not peaks:
            continue
        ideal = axial(n)["Ch" if n == 1 else "C"]
        fitted, lost = fitted_frames(coefficients, at[peaks], ideal)
        shares = _share(spectrum, lost, mask.astype(float))
        found: list[Axis] = []
        for i in np.argsort(-shares):
            apart = [1 - abs(float(fitted[i, 2] @ each.frame[2])) for each in found]
            if shares[i] > FAIR and min(apart, default=1.0) > _SAME_AXIS**2 / 2:
                own = (rotated(coefficients, fitted[i : i + 1])[0] ** 2).sum(0)
                # What stands still under every turn speaks for none.
                if n == 1 or own @ (mask & (ORDERS != 0)) > own @ ~mask:
                    found.append(Axis(n, fitted[i], float(shares[i])))
        out += found
    return out


def about(spectrum: Spectrum, axis: Axis) -> list[Placed]:
    """The groups whose main axis is the given one.

    Args:
        spectrum: of whitened rows.
        axis: of order n; mirrors and twofold axes are turned about it to where they keep most.
    """
    n, made = axis.n, axial(axis.n)
    moved = rotated(spectrum.compressed(), axis.frame[None])[0]
    if n == 1:
        return [Placed(made["Ch"], axis.frame, axis.share)]
    out = [Placed(made["C"], axis.frame, axis.share)]
    power = (moved**2).sum(0)
    level, alternate = _mask(n, True), _mask(n, False) & _alternating(n)
    for key, mask in (("Ch", level), ("S", alternate)):
        share = float(_share(spectrum, (power @ ~mask)[None], mask.astype(float))[0])
        out.append(Placed(made[key], axis.frame, share))
    parity = np.where((DEGREES + ORDERS) % 2 == 0, 1.0, -1.0)
    ones = np.ones(len(parity))
    for key, mask, signs in (
        ("Cv", _mask(n, False), ones), ("D", _mask(n, False), parity),
        ("Dh", level, ones), ("Dd", alternate, parity),
    ):  # fmt: skip
        angle, kept = _best_phase(moved * mask, signs)
        lost = np.array([float(power.sum() - kept)])
        # Half of what turns about the axis keep is kept by chance alone.
        half = mask & (np.where(ORDERS < 0, -1, 1) * signs > 0)
        share = float(_share(spectrum, lost, half.astype(float))[0])
        out.append(Placed(made[key], turn(angle) @ axis.frame, share))
    return out


def cubes(spectrum: Spectrum, axes: list[Axis]) -> list[Placed]:
    """Tetrahedral, octahedral and icosahedral groups with a threefold axis among the axes.

    All of them hold a tetrahedral group, which is sought by turns about the axis and then fitted;
    its frame is theirs, for icosahedral ones also after a quarter turn.

    Args:
        spectrum: of whitened rows.
        axes: found before.
    """
    upright, ideals = tetrahedral_upright(), polyhedral()
    coefficients = spectrum.compressed()
    least = _COARSE * float((coefficients**2).sum())
    starts = []
    for axis in (each for each in axes if each.n == 3):
        angles = np.arange(_TURNS) * (2 * np.pi / 3 / _TURNS)
        turned = np.stack([turn(angle) @ axis.frame for angle in angles])
        kept = ((rotated(coefficients, turned) @ upright.invariants) ** 2).sum((1, 2))
        top = (kept >= np.roll(kept, 1)) & (kept >= np.roll(kept, -1)) & (kept > least)
        starts += [(kept[i], THREEFOLD.T @ turned[i]) for i in np.flatnonzero(top)]
    if not starts:
        return []
    starts.sort(key=lambda each: -each[0])
    best = np.stack([frame for _, frame in starts[: 4 * _CUBES]])
    fitted, lost = fitted_frames(coefficients, best, ideals["T"])
    seen: list[NDArray[np.float64]] = []
    for i in np.argsort(lost):
        if len(seen) < _CUBES and not any(_same_cube(fitted[i], each) for each in seen):
            seen.append(fitted[i])
    quarters = [turn(np.pi / 2) @ frame for frame in seen]
    pairs = [(ideal, frame) for ideal in ideals.values() for frame in seen]
    pairs += [(ideals[label], frame) for label in ("I", "I_h") for frame in quarters]
    return [Placed(*pair, _kept_share(spectrum, *pair)) for pair in pairs]


def _same_cube(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool((np.abs(one @ other.T).max(1) > 1 - _SAME_AXIS**2 / 2).all())


def _kept_share(spectrum: Spectrum, ideal: Ideal, frame: NDArray[np.float64]) -> float:
    moved = rotated(spectrum.compressed(), frame[None])[0]
    lost = float((moved**2).sum() - ((moved @ ideal.invariants) ** 2).sum())
    return float(_share(spectrum, np.array([lost]), (ideal.invariants**2).sum(1))[0])


@lru_cache(maxsize=2 * LONGEST)
def _mask(n: int, level: bool) -> Bool[np.ndarray, " 288"]:
    """Coefficients that the turn by 2 pi / n keeps, and the mirror across its axis if `level`."""
    kept = ORDERS % n == 0
    return kept & ((DEGREES + ORDERS) % 2 == 0) if level else kept


def _alternating(n: int) -> Bool[np.ndarray, " 288"]:
    return (np.abs(ORDERS) // n + DEGREES + ORDERS) % 2 == 0


def _share(
    spectrum: Spectrum, lost: Float[np.ndarray, " a"], kept: Float[np.ndarray, " 288"]
) -> Float[np.ndarray, " a"]:
    """The share of the energy that is kept, if so much is lost, noise taken off.

    Args:
        spectrum: of the rows.
        lost: energies.
        kept: by how much each coefficient is kept, 0 to 1; the noise of a degree is even.
    """
    mean = np.bincount(DEGREES, kept)[1:] / (2 * np.arange(1, DEGREE + 1) + 1)
    noise = float((spectrum.noise @ (1 - mean[DEGREES - 1])).sum())
    return np.asarray(1 - np.maximum(0, lost - noise) / max(spectrum.energy, 1e-300))


def _best_phase(moved: NDArray[np.float64], signs: NDArray[np.float64]) -> tuple[float, float]:
    """The turn about z before which a mirror or half turn keeps most, and how much it keeps."""
    cosine = np.where(ORDERS > 0, moved, 0.0)
    sine = np.where(ORDERS > 0, moved[:, OPPOSITE], 0.0)
    square = (cosine + 1j * sine) ** 2
    series = np.zeros(DEGREE + 1, dtype=np.complex128)
    np.add.at(series, np.abs(ORDERS), (square * signs).sum(0))
    angles = np.arange(4 * _PHASES) * (np.pi / (4 * _PHASES))
    phases = np.exp(2j * angles[:, None] * np.arange(DEGREE + 1))
    half = (phases @ series).real
    best = int(half.argmax())
    level = float((moved**2 * ((ORDERS == 0) & (signs > 0))).sum())
    kept = level + 0.5 * float((moved**2 * (ORDERS != 0)).sum()) + 0.5 * float(half[best])
    return float(angles[best]), kept


def _peaks(share: Float[np.ndarray, " a"]) -> NDArray[np.int64]:
    """Grid points that none of their neighbours surpasses, the best first."""
    top = share >= share[_neighbours()].max(1)
    peaks = np.flatnonzero(top)
    return np.asarray(peaks[np.argsort(-share[peaks], kind="stable")])


@lru_cache(maxsize=1)
def _neighbours() -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    points = half_sphere(_AXES)
    near = cKDTree(np.concatenate([points, -points])).query(points, _NEIGHBOURS)[1]
    return np.asarray(near % len(points), dtype=np.int64)
