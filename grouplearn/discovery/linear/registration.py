"""Registering moment tensors with themselves: orthogonal matrices that nearly keep them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.polynomials import LOW, harmonic, tensor_places
from grouplearn.discovery.linear.spectrum import Spectrum
from grouplearn.discovery.linear.turning import skew_basis

_STARTS = 768
_COSTLY_STARTS = 192
_FEW = 5
_STEPS = 15
_NEWTON_STEPS = 12
_RIDGE = 1e-3
_PULL = 0.05
_PROMISING = 0.5
_GOOD = 0.75
_APART = 0.1
_ELEMENTS = 80
_RANK = 0.1
_FINE_RANK = 0.03


def registered(spectrum: Spectrum, rng: np.random.Generator) -> Float[np.ndarray, "e d d"]:
    """Orthogonal matrices g, of both determinants, near local maxima of <T, g T>.

    T are the moments of degree 1 to 4 as symmetric tensors. Each step replaces g by the polar
    factor of the slope of the overlap at g; every element of a symmetry group draws as many random
    starts as the identity does. Half of the starts keep sums of eigenspaces of matrices that
    commute with the group.

    Args:
        spectrum: over `polynomials`.
        rng: of the starts.

    Returns:
        At most 80 matrices whose overlap is more than 3/4 of the energy of T, no two of them
        near; the largest overlap first, the identity left out.

    Cost:
        A step takes O(d^5) time for each of 200 to 800 starts, and O(d^4) for 800 others.

    References:
        Kolda, Mayo, Shifted power method for computing tensor eigenpairs (2011); Absil and others,
        Optimization algorithms on matrix manifolds (2008).
    """
    basis = spectrum.basis
    rough, fine = tensors(spectrum, _RANK), tensors(spectrum, _FINE_RANK)
    if not rough:
        return np.empty((0, basis.dim, basis.dim))
    low = basis.degrees <= LOW
    energy = sum(float((each**2).sum()) for each in fine) - float(spectrum.noise[:, low].sum())
    # Degree 4 costs most, and without it other elements are found: some starts climb with it, and
    # more of them where nothing of degree 3 is there, as wherever -I is an element.
    light = [each for each in rough if each.ndim <= LOW]
    third = any(each.ndim == LOW for each in rough)
    costly = _STARTS if basis.dim <= _FEW else _COSTLY_STARTS if third else 2 * _COSTLY_STARTS
    found = _climbed(rough, _starts(rough, rng, costly), _STEPS)
    if third:
        lightly = _climbed(light, _starts(rough, rng, _STARTS), _STEPS)
        found = np.concatenate([found, lightly])
    found, reached = _distinct(found, _overlaps(rough, found)[0])
    found = found[reached > _PROMISING * reached.max()][: 2 * _ELEMENTS]
    found = _newton(fine, found, spectrum)
    found, reached = _distinct(found, _overlaps(fine, found)[0] / max(energy, 1e-300))
    moving = np.linalg.norm(found - np.eye(found.shape[1]), axis=(1, 2)) > _APART
    good = (reached > _GOOD) & moving
    return found[good][:_ELEMENTS]


def tensors(spectrum: Spectrum, rank: float) -> list[NDArray[np.float64]]:
    """The moments of degree 1 to 4 as symmetric tensors (q, d, ..., d), norms kept.

    Args:
        spectrum: over `polynomials`.
        rank: combinations of the radial functions whose singular value is a smaller part of the
            largest are left out.
    """
    basis = spectrum.basis
    out = []
    for degree in range(1, LOW + 1):
        own = spectrum.mean[:, basis.slices[degree - 1]]
        if own.any():
            _, singular, right = np.linalg.svd(own, full_matrices=False)
            few = (singular[:, None] * right)[singular > rank * singular[0]]
            where, factor = tensor_places(basis.dim, degree)
            full = (few @ harmonic(basis.dim, degree).T)[:, where] * factor
            out.append(full.reshape(len(few), *[basis.dim] * degree))
    return out


def _starts(
    moments: list[NDArray[np.float64]], rng: np.random.Generator, count: int
) -> Float[np.ndarray, "b d d"]:
    dim = moments[0].shape[1]
    flat = [t.reshape(dim, -1) for full in moments for t in full if full.ndim > 2]
    commuting = [t if t.shape[1] == dim else t @ t.T for t in flat] or [np.eye(dim)]
    family = np.stack([each / np.linalg.norm(each) for each in commuting])
    out = []
    for start in range(count):
        mixed = np.tensordot(rng.standard_normal(len(family)), family, 1)
        values, vectors = np.linalg.eigh(mixed)
        pieces = int(rng.integers(dim)) if start % 2 else 0
        cuts = np.sort(np.argsort(-np.diff(values))[:pieces] + 1)
        matrix = np.zeros((dim, dim))
        for block in np.split(np.arange(dim), cuts):
            part = np.linalg.qr(rng.standard_normal((len(block), len(block))))[0]
            matrix[np.ix_(block, block)] = part * rng.choice([-1.0, 1.0], len(block))
        out.append(vectors @ matrix @ vectors.T)
    return np.array(out)


def _climbed(
    moments: list[NDArray[np.float64]], matrices: NDArray[np.float64], steps: int
) -> NDArray[np.float64]:
    energy = sum(float((each**2).sum()) for each in moments)
    for _ in range(steps):
        slope = _overlaps(moments, matrices)[1]
        left, _, right = np.linalg.svd(slope + _PULL * energy * matrices)
        matrices = left @ right
    return matrices


def _newton(
    moments: list[NDArray[np.float64]], matrices: NDArray[np.float64], spectrum: Spectrum
) -> NDArray[np.float64]:
    """Steps with the curvature that the overlap has at a symmetry, a polar step where they fail."""
    from scipy.linalg import expm

    basis = spectrum.basis
    low = spectrum.mean * (basis.degrees <= LOW)
    moved = basis.turned(low).reshape(len(basis.blocks[0]), -1)
    curvature = moved @ moved.T
    ridge = _RIDGE * np.trace(curvature) / len(moved) * np.eye(len(moved))
    inverse = np.linalg.inv(curvature + ridge)
    turns = skew_basis(basis.dim)
    value, slope = _overlaps(moments, matrices)
    for _ in range(_NEWTON_STEPS):
        gradient = np.einsum("bij,kil,blj->bk", slope, turns, matrices, optimize=True)
        tried = expm(np.tensordot(gradient @ inverse, turns, 1)) @ matrices
        new_value, new_slope = _overlaps(moments, tried)
        worse = new_value < value
        if worse.any():
            tried[worse] = _climbed(moments, matrices[worse], 1)
            new_value[worse], new_slope[worse] = _overlaps(moments, tried[worse])
        matrices, value, slope = tried, new_value, new_slope
    return matrices


def _overlaps(
    moments: list[NDArray[np.float64]], matrices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sum of <T, g T> for each g, and its slope in g."""
    count, dim, _ = matrices.shape
    turned = matrices.swapaxes(1, 2)
    value, slope = np.zeros(count), np.zeros_like(matrices)
    for full in moments:
        degree = full.ndim - 1
        for each in full:
            # All axes but the first are moved, the last of them each time.
            moved = np.broadcast_to(each, (count, *each.shape))
            for _ in range(degree - 1):
                moved = moved.reshape(count, -1, dim) @ turned
                moved = np.moveaxis(moved.reshape(count, *each.shape), -1, 2)
            part = each.reshape(dim, -1) @ moved.reshape(count, dim, -1).swapaxes(1, 2)
            value += (part * matrices).sum((1, 2))
            slope += degree * part
    return value, slope


def _distinct(
    matrices: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best of each heap of near matrices, the best first."""
    least = _APART * np.sqrt(matrices.shape[1])
    kept: list[int] = []
    for i in np.argsort(-values, kind="stable"):
        apart = np.linalg.norm(matrices[kept] - matrices[i], axis=(1, 2))
        if not kept or apart.min() > least:
            kept.append(int(i))
    return matrices[kept], values[kept]
