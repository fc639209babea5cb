"""The reflection that extends turns of planes to a dihedral group, from the phases of harmonics."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.harmonics import Harmonic

_GRID = 180
_BEAM = 12


def reflected(
    action: WhitenedAction, found: list[Harmonic], disagreement: float
) -> WhitenedAction | None:
    """The dihedral action nearest to the phases of the harmonics, or None where they disagree.

    A reflection takes exp(i theta_j) to exp(i psi_j) times its conjugate and the line s_l to
    sigma_l s_l; it keeps the mean m of a harmonic with exponents (a, e) exactly when
    m^2 = |m|^2 exp(i a . psi) sigma^e. Planes and lines take their psi and sigma in turn, keeping
    the best few choices.

    Args:
        action: an abelian action of a cyclic group of order 3 or more.
        found: harmonics in the frame of the action.
        disagreement: the part of their energy that may be out of phase, beyond noise.
    """
    if len(action.turns.orders) != 1 or action.turns.order < 3:
        return None
    angles = action.turns.angles[0]
    kept = [h for h in found if abs(h.exponents @ angles - np.round(h.exponents @ angles)) < 1e-6]
    if not kept:
        return None
    exponents = np.array([h.exponents for h in kept])
    squares = np.array([(h.values**2).sum() for h in kept])
    sizes = np.array([(np.abs(h.values) ** 2).sum() for h in kept])
    phases = _best_phases(action.planes, exponents, squares, sizes)
    # Of |m|^2, in units of noise, noise alone takes one for each function out of agreement.
    missing = sizes.sum() - _agreement(phases[None], exponents, squares)[0]
    if missing - sum(len(h.values) for h in kept) > disagreement * sizes.sum():
        return None
    signs = tuple(1 if np.cos(each) > 0 else -1 for each in phases[action.planes :])
    return action.reflected(phases[: action.planes] / 2, signs)


def _best_phases(
    planes: int,
    exponents: NDArray[np.int64],
    squares: NDArray[np.complex128],
    sizes: NDArray[np.float64],
) -> Float[np.ndarray, " components"]:
    count = exponents.shape[1]
    # Strong harmonics may not outvote all others while the choice is coarse.
    even = squares / np.sqrt(sizes)
    own = [
        sizes[(exponents[:, c] != 0) & (np.delete(exponents, c, 1) == 0).all(1)].sum()
        for c in range(count)
    ]
    order = [*np.argsort(np.negative(own[:planes])), *range(planes, count)]
    beam = np.zeros((1, count))
    known: list[int] = []
    for component in order:
        known.append(int(component))
        grid = np.arange(_GRID) * 2 * np.pi / _GRID if component < planes else np.array([0, np.pi])
        wider = np.repeat(beam, len(grid), axis=0)
        wider[:, component] = np.tile(grid, len(beam))
        inside = (np.delete(exponents, known, axis=1) == 0).all(1)
        scores = _agreement(wider, exponents[inside], even[inside])
        beam = wider[np.argsort(-scores)[:_BEAM]]
    best = beam[0]
    for width in (2 * np.pi / _GRID, np.pi / _GRID / 8):
        for component in range(planes):
            nearby = np.tile(best, (17, 1))
            nearby[:, component] += np.linspace(-width, width, 17)
            likelihood = _agreement(nearby, exponents, squares)
            best = nearby[likelihood.argmax()]
    return best


def _agreement(
    phases: Float[np.ndarray, "c components"],
    exponents: NDArray[np.int64],
    squares: NDArray[np.complex128],
) -> Float[np.ndarray, " c"]:
    return np.asarray((np.exp(1j * phases @ exponents.T) @ squares.conj()).real)
