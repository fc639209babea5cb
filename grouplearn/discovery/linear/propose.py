"""Proposing finite orthogonal groups for whitened rows of any number of coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear import plane_groups, point_groups
from grouplearn.discovery.linear.nearly import closed
from grouplearn.discovery.linear.placed import Ideal, Placed
from grouplearn.discovery.linear.polynomials import polynomials
from grouplearn.discovery.linear.proposals import Proposal, abstract_group, contains, subgroups
from grouplearn.discovery.linear.registration import registered
from grouplearn.discovery.linear.sifting import FAIR, sift
from grouplearn.discovery.linear.spectrum import Rows, Spectrum, still

_SEEDS = 8
_CLOSINGS = 24
_SAME = (0.12, 0.25)
_NEAR = 0.3
_BELOW = 8
_LARGEST = 768
_RANKED = 60
_MOVED = 0.1


def propose(
    rows: Float[np.ndarray, "rows d"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> list[Proposal]:
    """Finite groups that whitened rows may have as a symmetry, the most likely first.

    Any symmetry that keeps the covariance is orthogonal once the rows are whitened. In the plane
    and in space the harmonics of the direction show every group (`plane_groups`, `point_groups`).
    In more dimensions single elements are found by registering moment tensors of degree 1 to 4
    with themselves, ranked by harmonics of higher degree too, and closed to groups, which are then
    fitted as wholes. Subgroups are looked at besides, since a larger group may agree through
    degree 4. Where some turns are continuous symmetries, the directions that they move are left
    out, and the groups act on the others.

    Args:
        rows: (N, d), centred, of covariance I, d >= 2.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.

    Returns:
        At most 30 proposals of order 768 at most.

    Cost:
        O(d^5) time for each of 200 starts and O(d^8) once for d > 3: seconds up to d = 8, 20 s at
        d = 10; memory O(N d + d^8).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.exponential(size=(4000, 4)) - 1
        >>> propose(rows, rng)[0].group.name
        'S4'
    """
    dim = rows.shape[1]
    if dim == 2:
        return plane_groups.propose(rows, rng, weights)
    if dim == 3:
        return point_groups.propose(rows, rng, weights)
    own = Rows.of(rows, rng, weights)
    spectrum = Spectrum.of(own, polynomials(dim))
    turning = still(spectrum, own)
    if len(turning):
        return _beside(turning, own)
    elements = _ranked(registered(spectrum, own.rng), spectrum)
    groups = _closed_groups(elements, spectrum)
    for group in groups[:]:
        for members in subgroups(group.ideal.matrices)[:_BELOW]:
            matrices = group.ideal.matrices[members]
            alike = [g for g in groups if len(g.ideal.matrices) == len(matrices)]
            if not any(contains(g.ideal.matrices, matrices) < _NEAR for g in alike):
                groups.append(_placed(matrices, spectrum))
    return sift(groups, spectrum, own)


def continuous(
    rows: Float[np.ndarray, "rows d"],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " rows"] | None = None,
) -> Float[np.ndarray, "k d d"]:
    """The Lie algebra of the turns exp(t X) under which the moments change by no more than noise.

    Args:
        rows: (N, d), centred, of covariance I, d >= 2.
        rng: source of randomness.
        weights: (N,) positive; None for equal ones.

    Returns:
        Skew matrices X of norm sqrt 2, none a combination of the others: all d (d - 1) / 2 for
        round data, none where nothing turns.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> len(continuous(rng.standard_normal((2000, 4)), rng))
        6
    """
    dim = rows.shape[1]
    if dim == 2:
        return plane_groups.continuous(rows, rng, weights)
    if dim == 3:
        return point_groups.continuous(rows, rng, weights)
    own = Rows.of(rows, rng, weights)
    return still(Spectrum.of(own, polynomials(dim)), own)


def _beside(turning: NDArray[np.float64], rows: Rows) -> list[Proposal]:
    """Groups on the directions that no continuous turn moves."""
    values, vectors = np.linalg.eigh((turning.swapaxes(1, 2) @ turning).sum(0))
    fixed = vectors[:, values < _MOVED * values[-1]]
    count = fixed.shape[1]
    if count < 2:
        return []
    rest = np.eye(len(values)) - fixed @ fixed.T
    return [
        replace(
            each,
            matrices=fixed @ each.matrices @ fixed.T + rest,
            stretch=fixed @ each.stretch @ fixed.T + rest,
            centre=fixed @ each.centre,
        )
        for each in propose(rows.values @ fixed, rows.rng, rows.weights)
    ]


def _ranked(elements: NDArray[np.float64], spectrum: Spectrum) -> NDArray[np.float64]:
    """Those that move the moments of all degrees little, the stillest first.

    A shift and a shear of the rows within the noise of centring and whitening are taken off.
    """
    basis, tangents = spectrum.basis, spectrum.tangents
    both = np.concatenate([spectrum.mean, tangents.reshape(-1, tangents.shape[-1])])
    lost = []
    for element in elements[:_RANKED]:
        moved = (both - basis.rotate(both, element[None])[0]).reshape(len(tangents) + 1, -1)
        rest, slopes = moved[0], moved[1:]
        change = np.linalg.solve(slopes @ slopes.T + np.diag(2 * spectrum.ridge), slopes @ rest)
        lost.append(float(((rest - change @ slopes) ** 2).sum()))
    share = 1 - (np.array(lost) / 2 - spectrum.noise.sum()) / max(spectrum.energy, 1e-300)
    order = np.argsort(-share, kind="stable")
    return elements[: len(lost)][order[share[order] > FAIR]]


def _closed_groups(elements: NDArray[np.float64], spectrum: Spectrum) -> list[Placed]:
    """Groups that the elements generate, each from one of the best and whatever may join it."""
    out: list[Placed] = []
    tried = 0
    for seed in range(min(_SEEDS, len(elements))):
        if any(contains(g.ideal.matrices, elements[seed : seed + 1]) < _NEAR for g in out):
            continue
        chosen: list[NDArray[np.float64]] = []
        best: Placed | None = None
        for each in [elements[seed], *elements]:
            if best is not None and contains(best.ideal.matrices, each[None]) < _NEAR:
                continue
            if tried == _CLOSINGS:
                break
            tried += 1
            matrices = _closed([*chosen, each])
            wider = None if matrices is None else _placed(matrices, spectrum)
            if wider is not None and wider.share > FAIR:
                chosen, best = [*chosen, each], wider
                out.append(wider)
    return out


def _closed(generators: list[NDArray[np.float64]]) -> NDArray[np.float64] | None:
    for tolerance in _SAME:
        matrices = closed(generators, tolerance, _LARGEST)
        if matrices is not None and len(matrices) > 1:
            return matrices
    return None


def _placed(matrices: NDArray[np.float64], spectrum: Spectrum) -> Placed:
    """A group as it was found, with the share of the energy that it keeps."""
    group, order = abstract_group(matrices)
    generators = tuple(matrices[order[list(group.generators)]])
    ideal = Ideal(spectrum.basis, f"order {len(matrices)}", generators, known=matrices)
    share = spectrum.kept(ideal.invariants).share
    return Placed(ideal, np.eye(matrices.shape[1]), share)
