"""Harmonic moments of whitened rows, their noise, and how much of them a group keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.basis import Basis
from grouplearn.discovery.linear.radial import Radial
from grouplearn.discovery.linear.turning import PARTS, skew_basis, still_turns

_RADIAL = 4
_MOST_ROWS = 60_000
_CHUNK = 4096
_SAMPLE = 400
_TANGENT_ROWS = 3000
_STEP = 0.01
_CORE = 0.03
_SURE = 3.0
_SURPRISING = 7.0
_ROUNDS = 3
_WORSE = 0.5

COMPATIBLE = 4.0
"""Standard deviations of its noise that the energy lost by a symmetry may stand above it."""
HOPEFUL = 20.0
"""The same before the rows are shifted and sheared."""


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Whitened rows (N, d), their weights of mean 1, and a source of randomness."""

    values: Float[np.ndarray, "rows d"]
    weights: Float[np.ndarray, " rows"]
    rng: np.random.Generator

    @classmethod
    def of(
        cls,
        rows: Float[np.ndarray, "rows d"],
        rng: np.random.Generator,
        weights: Float[np.ndarray, " rows"] | None,
    ) -> Rows:
        """Rows with positive weights, or with equal ones; of more than 60,000 so many at random."""
        even = np.ones(len(rows)) if weights is None else weights
        if len(rows) > _MOST_ROWS:
            chosen = rng.choice(len(rows), _MOST_ROWS, replace=False)
            rows, even = rows[chosen], even[chosen]
        return cls(rows, even / even.mean(), rng)


def shears(dim: int) -> Float[np.ndarray, "s d d"]:
    """An orthonormal basis of the symmetric matrices of trace 0."""
    out = []
    for i in range(dim):
        for j in range(i):
            shear = np.zeros((dim, dim))
            shear[i, j] = shear[j, i] = np.sqrt(0.5)
            out.append(shear)
        if i:
            diagonal = np.r_[np.ones(i), -i, np.zeros(dim - i - 1)]
            out.append(np.diag(diagonal / np.linalg.norm(diagonal)))
    return np.array(out)


def affine(
    change: Float[np.ndarray, " s"], dim: int
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, "d d"]]:
    """The shift and the shear with the given coefficients: d of the shift, then of `shears`."""
    return change[:dim], np.tensordot(change[dim:], shears(dim), 1)


@final
@dataclass(frozen=True)
class Kept:
    """What a group keeps of the harmonic moments.

    Attributes:
        share: of their energy, noise taken off.
        excess: of the lost energy over what noise alone loses, in standard deviations of a normal
            variable as unlikely.
        change: (8,), the shift and shear of the rows, as in `affine`, that would lose least.
    """

    share: float
    excess: float
    change: Float[np.ndarray, " s"]


@final
@dataclass(frozen=True, eq=False)
class Spectrum:
    """Moments a_rk = E[R_r(|y|) Y_k(y / |y|)] over radial functions R and harmonics Y.

    A group that keeps the law of y keeps a. Where a block of one degree and one function R is but
    noise, it is shrunk away. A shift or a shear of y, as the noise of centring and whitening
    brings in, moves a along the tangents.

    Attributes:
        basis: the harmonics Y.
        mean: (R, K) a, each block scaled by a weight from 0 to 1.
        parts: (P, R, K), the same for random parts of the rows; a is their mean.
        noise: (R, K), the variance of each entry, averaged over its block.
        sample: (n, R, K), a few single rows' contributions, centred and scaled alike.
        tangents: (s, R, K), the derivatives of a along the coordinates of `affine`.
        ridge: (s,), the noise of an entry over the variance of each coordinate.
        count: effective number of rows.
        surprise: minus the logarithm of the probability that noise alone makes the surest block.
        radial: the functions R.
        scale: (R, K), the weights of the blocks.
    """

    basis: Basis
    mean: Float[np.ndarray, "r k"]
    parts: Float[np.ndarray, "p r k"]
    noise: Float[np.ndarray, "r k"]
    sample: Float[np.ndarray, "n r k"]
    tangents: Float[np.ndarray, "s r k"]
    ridge: Float[np.ndarray, " s"]
    count: float
    surprise: float
    radial: Radial
    scale: Float[np.ndarray, "r k"]

    @classmethod
    def of(cls, rows: Rows, basis: Basis, like: Spectrum | None = None) -> Spectrum:
        """The spectrum of whitened rows.

        Args:
            rows: with weights, and the randomness that deals them into parts.
            basis: the harmonics.
            like: whose radial functions and weights of blocks are taken, for rows moved a little.
        """
        order = rows.rng.permutation(len(rows.values))
        y, weights = rows.values[order], rows.weights[order]
        radial = Radial.of(y, weights, _RADIAL) if like is None else like.radial
        dealt = np.array_split(np.arange(len(y)), min(PARTS, len(y)))
        moments = [_moments(y[each], weights[each], radial, basis) for each in dealt]
        # Their sizes differ by one row at most.
        sizes = np.array([len(each) for each in dealt]) * len(dealt) / len(y)
        parts = np.stack([mean for mean, _ in moments]) * sizes[:, None, None]
        mean, square = parts.mean(0), np.mean([square for _, square in moments], 0)
        count = float(len(y) / np.mean(weights**2))
        block = basis.by_degree(square - mean**2) / count
        scale, surprise = _shrinkage(basis, basis.by_degree(mean**2), block)
        scale = scale if like is None else like.scale
        sample = _features(y[:_SAMPLE], radial, basis) - mean
        sample *= scale * np.sqrt(weights[:_SAMPLE])[:, None, None]
        tangents = scale * _tangents(y[:_TANGENT_ROWS], weights[:_TANGENT_ROWS], radial, basis)
        quadratic = np.einsum("ni,sij,nj->ns", y, shears(basis.dim), y, optimize=True)
        spread = float(np.average(quadratic**2, axis=0, weights=weights).mean())
        few = quadratic.shape[1]
        ridge = np.r_[np.ones(basis.dim), np.full(few, 4 / max(spread, 1e-300))]
        noise = scale**2 * basis.spread(block / basis.sizes)
        return cls(
            basis, scale * mean, scale * parts, noise, sample, tangents, ridge, count, surprise,
            radial, scale,
        )  # fmt: skip

    @property
    def energy(self) -> float:
        """The energy of the moments, noise taken off."""
        return float((self.mean**2).sum() - self.noise.sum())

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        """Inner products of the single rows' contributions."""
        flat = self.sample.reshape(len(self.sample), -1)
        return np.asarray(flat @ flat.T)

    def compressed(self) -> Float[np.ndarray, "q k"]:
        """Fewer rows of coefficients with the same inner products after any turn."""
        _, singular, right = np.linalg.svd(self.mean, full_matrices=False)
        return np.asarray(singular[:, None] * right)[singular > 1e-3 * singular[0]]

    def kept(
        self, invariants: Float[np.ndarray, "k p"], before: Float[np.ndarray, " s"] | None = None
    ) -> Kept:
        """What a group keeps.

        Args:
            invariants: orthonormal columns, the coefficients that the group keeps.
            before: by how much the rows have been shifted and sheared already.
        """

        def lose(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
            rest = coefficients - coefficients @ invariants @ invariants.T
            return np.asarray(rest.reshape(*rest.shape[:-2], -1))

        rest, slopes = lose(self.mean), lose(self.tangents)
        turns = lose(self.basis.turned(self.mean))
        both = np.concatenate([slopes, turns])
        # The prior of shift and shear is their own noise; turns are free.
        penalty = np.r_[self.ridge, np.full(len(turns), 1e-9)]
        total = np.zeros(len(penalty))
        total[: len(slopes)] = 0.0 if before is None else before
        change = -np.linalg.solve(both @ both.T + np.diag(penalty), both @ rest + penalty * total)
        lost = float(((rest + change @ both) ** 2).sum())
        own = (self.sample @ invariants).reshape(len(self.sample), -1)
        products = self._gram - own @ own.T
        expected = float(np.trace(products)) / len(own) / self.count
        np.fill_diagonal(products, 0)
        pairs = len(own) * (len(own) - 1)
        deviation = np.sqrt(2 * (products**2).sum() / max(pairs, 1)) / self.count
        excess = _normal_score(lost, expected, deviation)
        share = 1 - max(0.0, lost - expected) / max(self.energy, 1e-300)
        return Kept(float(share), float(excess), change[: len(slopes)])


def straightened(
    kept: Kept, rows: Rows, like: Spectrum, invariants: Callable[[Spectrum], NDArray[np.float64]]
) -> tuple[Kept, Float[np.ndarray, "d d"], Float[np.ndarray, " d"]]:
    """Shift and shear the rows, within the noise of centring and whitening, so that more is kept.

    Args:
        kept: of the rows as they are.
        rows: whitened.
        like: their spectrum.
        invariants: of the group, fitted anew to the spectrum it is given.

    Returns:
        What is kept of linear @ y + shift, and both; steps that help no more are left out.
    """
    dim = like.basis.dim
    linear, shift, before = np.eye(dim), np.zeros(dim), np.zeros(len(like.ridge))
    best = kept, linear, shift
    for _ in range(_ROUNDS):
        step, shear = affine(kept.change, dim)
        linear, shift = (np.eye(dim) + shear) @ linear, shift + shear @ shift + step
        before = before + kept.change
        moved = Rows(rows.values @ linear.T + shift, rows.weights, rows.rng)
        spectrum = Spectrum.of(moved, like.basis, like)
        kept = spectrum.kept(invariants(spectrum), before)
        if kept.excess > best[0].excess + _WORSE:
            break
        best = kept, linear, shift
    return best


def polar(
    linear: Float[np.ndarray, "d d"],
) -> tuple[Float[np.ndarray, "d d"], Float[np.ndarray, "d d"]]:
    """The orthogonal U and the symmetric positive S with linear = U S."""
    left, values, right = np.linalg.svd(linear)
    return left @ right, right.T * values @ right


def still(spectrum: Spectrum, rows: Rows) -> Float[np.ndarray, "j d d"]:
    """Skew matrices whose turns move the moments by no more than noise, as a Lie algebra.

    Args:
        spectrum: of the rows.
        rows: whitened.
    """
    basis = spectrum.basis
    turns = skew_basis(basis.dim)
    if spectrum.surprise < _SURPRISING or _is_round(spectrum, rows):
        return turns

    def moved(each: NDArray[np.float64]) -> NDArray[np.float64]:
        out = basis.turned(each).swapaxes(0, 1)
        return np.asarray(out.reshape(len(each), len(turns), -1))

    nuisance = moved(spectrum.tangents).swapaxes(0, 1)
    return still_turns(moved(spectrum.parts), nuisance, spectrum.ridge, turns, rows.rng)


def _normal_score(value: float, mean: float, deviation: float) -> float:
    """How far a sum of squares is out, as if it were normal (Wilson and Hilferty, 1931)."""
    if mean <= 0 or deviation <= 0:
        return 0.0 if value <= 0 else np.inf
    spread = deviation**2 / (9 * mean**2)
    return float((np.cbrt(value / mean) - 1 + spread) / np.sqrt(spread))


def _is_round(spectrum: Spectrum, rows: Rows) -> bool:
    """Is every harmonic no more than noise, that of centring and whitening included?"""
    nothing = np.zeros((len(spectrum.basis.degrees), 0))
    kept = spectrum.kept(nothing)
    if kept.excess < HOPEFUL:
        kept = straightened(kept, rows, spectrum, lambda _: nothing)[0]
    return kept.excess < COMPATIBLE


def _shrinkage(
    basis: Basis, energy: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """What each coefficient is multiplied by, from the energy and noise of its block."""
    from scipy.stats import chi2

    floor = noise * (1 + _SURE * np.sqrt(2 / basis.sizes))
    keep = np.clip(1 - floor / np.maximum(energy, 1e-300), 0, 1)
    ratio = energy * basis.sizes / np.maximum(noise, 1e-300)
    # Beyond the range of the tail probability, its leading term.
    surprise = np.minimum(-chi2.logsf(ratio, basis.sizes), ratio / 2).max()
    return basis.spread(np.sqrt(keep)), float(surprise - np.log(ratio.size))


def _features(rows: NDArray[np.float64], radial: Radial, basis: Basis) -> NDArray[np.float64]:
    return np.asarray(radial(rows)[:, :, None] * basis.evaluate(rows)[:, None])


def _moments(
    rows: NDArray[np.float64], weights: NDArray[np.float64], radial: Radial, basis: Basis
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted means of the features and of their squares."""
    shape = (radial.mixing.shape[1], len(basis.degrees))
    mean, square = np.zeros(shape), np.zeros(shape)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        harmonics, functions = basis.evaluate(rows[part]), radial(rows[part])
        mean += (functions * weights[part, None]).T @ harmonics
        square += (functions**2 * weights[part, None] ** 2).T @ harmonics**2
    return mean / len(rows), square / (weights**2).sum()


def _tangents(
    rows: NDArray[np.float64], weights: NDArray[np.float64], radial: Radial, basis: Basis
) -> NDArray[np.float64]:
    """The derivatives along the coordinates of `affine`.

    A displacement v of y lengthens it by dr and turns it by w_j = <X_j y, v> / |y|^2, which
    changes Y by the sum of w_j L_j Y; so means of R' dr Y and of R w Y are enough, and these are
    sums of means with one coordinate of y, for a shift, or two, for a shear.
    """
    dim, turns = basis.dim, skew_basis(basis.dim)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.maximum(length, 1e-300)
    # Near the origin the direction says little: its derivative is bounded.
    inverse = length / (length**2 + _CORE**2)
    functions = radial(rows) * weights[:, None]
    slopes = radial(rows * (1 + _STEP)) - radial(rows * (1 - _STEP))
    slopes = slopes * weights[:, None] / (2 * _STEP)
    harmonics = basis.evaluate(rows)

    def means(factors: NDArray[np.float64], radials: NDArray[np.float64]) -> NDArray[np.float64]:
        """(columns of the factors, R, K)."""
        both = factors[:, :, None] * radials[:, None]
        out = both.reshape(len(rows), -1).T @ harmonics
        return out.reshape(factors.shape[1], radials.shape[1], -1)

    pairs = (unit[:, :, None] * unit[:, None]).reshape(len(rows), -1)
    shape = (dim, dim, functions.shape[1], harmonics.shape[1])
    along, around = (means(pairs, each).reshape(shape) for each in (slopes, functions))
    longer, turned = means(unit * inverse, slopes), means(unit * inverse, functions)
    symmetric = shears(dim)
    swung = np.concatenate([
        np.tensordot(turns, turned, 1),
        np.einsum("jba,sbc,acrk->jsrk", turns, symmetric, around, optimize=True),
    ], axis=1)  # fmt: skip
    out = np.concatenate([longer, np.tensordot(symmetric, along, 2)]) + basis.turned_each(swung)
    return np.asarray(out / weights.sum())
