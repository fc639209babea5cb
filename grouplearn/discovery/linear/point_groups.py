"""Proposing point groups: finite groups of orthogonal matrices in space, in any position."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.placed import Placed
from grouplearn.discovery.linear.point_search import about, cubes, find_axes
from grouplearn.discovery.linear.point_templates import LONGEST, axial, polyhedral
from grouplearn.discovery.linear.proposals import Proposal
from grouplearn.discovery.linear.sifting import sift
from grouplearn.discovery.linear.spectrum import Rows, Spectrum, still
from grouplearn.discovery.linear.spherical import frames, sphere
from grouplearn.discovery.linear.turning import skew_basis


def propose(
    rows: Float[np.ndarray, "rows 3"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> list[Proposal]:
    """Point groups that whitened rows in space may have as a symmetry, the most likely first.

    The moments E[R(|y|) Y_lm(y / |y|)] of degree 1 to 16 are turned with z to each direction of a
    grid; there a turn by 2 pi / n keeps the orders m that n divides, which shows every axis of
    every order up to 12. Mirrors, twofold axes, cubes and icosahedra are sought about the axes
    found. Each group is then fitted as a whole: its one rotation, and a shift and shear of the rows
    within the noise of centring and whitening, by least squares on the energy it loses. So its
    matrices close exactly.

    First come the largest groups that lose no more than noise and their largest subgroups, then
    such as keep much but not all, then other subgroups. Nothing is proposed where the moments are
    but noise; where they turn about an axis continuously, only the mirror across it.

    Args:
        rows: (N, 3), centred, of covariance I.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.

    Returns:
        At most 30 proposals.

    Cost:
        O(289 N) time, about 2 s for 20,000 rows; O(N) memory.

    References:
        Kazhdan, Funkhouser and Rusinkiewicz, Symmetry descriptors and 3D shape matching (2004);
        Kostelec and Rockmore, FFTs on the rotation group (2008).
    """
    own = Rows.of(rows, rng, weights)
    spectrum = Spectrum.of(own, sphere())
    turning = still(spectrum, own)
    if len(turning) == 3:
        return []
    if len(turning):
        main = np.tensordot(skew_basis(3), turning[0], 2)
        placed = [Placed(axial(1)["Ch"], frames(main[None])[0], 1.0)]
    else:
        axes = find_axes(spectrum)
        placed = [*cubes(spectrum, axes), Placed(axial(1)["S"], np.eye(3), 1.0)]
        for axis in axes:
            placed += about(spectrum, axis)
    return sift(placed, spectrum, own, label)


def continuous(
    rows: Float[np.ndarray, "rows 3"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> Float[np.ndarray, "k 3 3"]:
    """Skew matrices X such that the turns exp(t X) move the moments by no more than noise.

    Args:
        rows: (N, 3), centred, of covariance I.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.

    Returns:
        None, one, or all three dimensions of turns; each of norm sqrt 2.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> len(continuous(rng.standard_normal((2000, 3)), rng))
        3
    """
    own = Rows.of(rows, rng, weights)
    return still(Spectrum.of(own, sphere()), own)


def label(matrices: Float[np.ndarray, "n 3 3"]) -> str:
    """Schoenflies' symbol of a finite group of orthogonal matrices in space."""
    return _labels().get(_signature(matrices), f"order {len(matrices)}")


def _signature(matrices: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Determinants and traces, which tell point groups apart."""
    pairs = zip(np.linalg.det(matrices), np.trace(matrices, axis1=1, axis2=2), strict=True)
    return tuple(sorted((round(float(d)), round(float(t), 3) + 0.0) for d, t in pairs))


@lru_cache(maxsize=1)
def _labels() -> dict[tuple[tuple[float, float], ...], str]:
    groups = [
        *polyhedral().values(), *(g for n in range(LONGEST, 1, -1) for g in axial(n).values()),
        *(axial(1)[key] for key in ("C", "Ch", "S")),
    ]  # fmt: skip
    # Small groups have several names (C_2 is D_1): the first counts.
    return {_signature(g.matrices): g.label for g in groups[::-1]}
