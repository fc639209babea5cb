"""A matrix estimated from pairs, its sampling error, and which orders it may have.

Model: y = A x + noise. Least squares, total least squares (noise in x and y alike) and orthogonal
Procrustes all give an estimate whose sampling error dA is nearly Gaussian; it is kept as a set of
draws. If A^n = I, the estimate differs from the exact A_n that `representations.rounding` finds
nearby by L(dA), to first order, where L(dA) = (1/n) sum_j A^j dA A^-j is the part of dA that
commutes with A: the rest only moves eigenvectors, and A_n moves with it. So the distance from the
estimate to A_n is compared with the norms of L(dA) over the draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.errors import ClosureError
from grouplearn.groups import CyclicGroup, real_irreps
from grouplearn.representations.rounding import round_generators

FLOOR = 1e-5
"""Relative violations below this are rounding of float32."""
DRAWS = 64
_CONDITION = 1e8

Array = NDArray[np.float64]
Method = Literal["least squares", "total least squares", "procrustes"]


@final
@dataclass(frozen=True)
class Estimate:
    """A matrix read off pairs.

    Attributes:
        matrix: (d, d), the estimate of A.
        draws: (R, d, d), draws of its sampling error.
        root: (d, d), M^(1/2), M the second moment of the inputs: errors weigh as they move data.
        residual: ||A x - y|| / ||y|| over the pairs.
        method: how it was estimated.
    """

    matrix: Float[np.ndarray, "d d"]
    draws: Float[np.ndarray, "R d d"]
    root: Float[np.ndarray, "d d"]
    residual: float
    method: Method

    @cached_property
    def scale(self) -> float:
        """||A M^(1/2)||_F, the size of a typical y."""
        return float(np.linalg.norm(self.matrix @ self.root))

    @cached_property
    def noise(self) -> float:
        """Root mean square of the relative sampling error."""
        return max(float(np.sqrt(self.sizes(self.draws).mean())), FLOOR / 10)

    def violation(self, exact: Float[np.ndarray, "d d"]) -> float:
        """||(A - exact) M^(1/2)||_F / ||A M^(1/2)||_F."""
        return float(np.linalg.norm((self.matrix - exact) @ self.root)) / self.scale

    def sizes(self, deviations: Float[np.ndarray, "R d d"]) -> Float[np.ndarray, " R"]:
        """Squared relative sizes of deviations, as `violation` measures them."""
        return np.asarray(((deviations @ self.root) ** 2).sum((-2, -1))) / self.scale**2


def estimate(
    x: Float[np.ndarray, "N d"],
    y: Float[np.ndarray, "N d"],
    method: Method,
    rng: np.random.Generator,
    frames: Float[np.ndarray, "S T d"] | None = None,
) -> Estimate:
    """Estimate A from pairs (x, A x) whose inputs span R^d.

    Args:
        x: inputs, N >= d.
        y: outputs.
        method: total least squares assumes the same noise in all entries of x and y.
        rng: draws the sampling error.
        frames: sequences whose neighbours the pairs are; their noise is then shared by pairs.

    Returns:
        The estimate.

    References:
        Golub, Van Loan, 1980, An analysis of the total least squares problem;
        Schoenemann, 1966, A generalized solution of the orthogonal Procrustes problem.
    """
    count, dim = x.shape
    moment = x.T @ x / count
    if method == "procrustes":
        matrix = _polar(y.T @ x)
    elif method == "total least squares":
        matrix, variance = _total(x, y)
        moment = _positive(moment - variance * np.eye(dim), 1e-3 * np.linalg.eigvalsh(moment)[0])
    else:
        matrix = np.linalg.lstsq(x, y, rcond=None)[0].T
    misfit = y - x @ matrix.T
    root = _power(moment, 0.5)
    spread = misfit.T @ misfit / max(count - dim, 1)
    if frames is None:
        normal = rng.standard_normal((DRAWS, dim, dim))
        cross = _power(spread, 0.5) @ normal @ root / math.sqrt(count)
    else:
        cross = _shared(frames, x, matrix, math.sqrt(np.trace(spread) / _gain(matrix)), rng)
    if method == "procrustes":
        draws = _polar(matrix @ moment + cross) - matrix
    else:
        draws = cross @ np.linalg.inv(moment)
    return Estimate(matrix, draws, root, float(np.linalg.norm(misfit) / np.linalg.norm(y)), method)


@final
@dataclass(frozen=True)
class OrderTest:
    """Whether an estimate may have A^n = I.

    Attributes:
        order: n.
        counts: multiplicities of the real irreps of C_n; empty when no rounding exists.
        basis: (d, d), in which the exact matrix turns planes; empty when no rounding exists.
        exact: (d, d), the exact matrix of order dividing n nearby; the estimate itself when none.
        commuting: (R, d, d), draws of what sampling noise leaves between the two.
        violation: relative distance of the two; inf when no exact matrix is nearby.
        noise: root mean square of that distance under noise alone.
        p_value: how often noise alone leaves more.
        chance: how often some order up to n fits a matrix with random eigenvalues that well.
        luck: the same when only the angles of planes are random, which alone tell orders apart.
        search: luck over all orders that are tried.
    """

    order: int
    counts: tuple[int, ...]
    basis: Float[np.ndarray, "p q"]
    exact: Float[np.ndarray, "d d"]
    commuting: Float[np.ndarray, "R d d"]
    violation: float
    noise: float
    p_value: float
    chance: float
    luck: float
    search: float

    @property
    def excess(self) -> float:
        """Violation in units of what a matrix of no order at all shows, about 1 / n."""
        return self.violation * self.order


def compare_order(fit: Estimate, order: int, tried: int) -> OrderTest:
    """Compare an estimate with the exact matrix of a given order nearby.

    Args:
        fit: the estimate.
        order: n >= 1.
        tried: the largest order of the search.

    Returns:
        The comparison.
    """
    basis, counts = _rounded(fit.matrix, order)
    if basis is None:
        return OrderTest(
            order, (), np.empty((0, 0)), fit.matrix, fit.draws, math.inf, fit.noise, 0.0,
            1.0, 1.0, 1.0,
        )  # fmt: skip
    quarter, angle = _columns(order, counts)
    inverse = np.linalg.inv(basis)
    exact = basis @ (np.diag(np.cos(angle)) + quarter * np.sin(angle)) @ inverse
    inside = inverse @ fit.draws @ basis
    # Quarter turns are 0 on singles, where everything commutes.
    turned = np.where(np.abs(quarter).sum(0) > 0, -quarter @ inside @ quarter, inside)
    kept = np.where(np.isclose(angle[:, None], angle), (inside + turned) / 2, 0.0)
    commuting = basis @ kept @ inverse
    violation, sizes = fit.violation(exact), fit.sizes(commuting)
    return OrderTest(
        order, counts, basis, exact, commuting, violation,
        max(float(np.sqrt(sizes.mean())), FLOOR / 10), tail(violation, sizes),
        *_chances(fit, (order, tried), angle, kept),
    )  # fmt: skip


def _rounded(matrix: Array, order: int) -> tuple[Array | None, tuple[int, ...]]:
    """The basis and the multiplicities of the exact matrix nearby; None when there is none."""
    if order == 1:
        return np.eye(len(matrix)), (len(matrix),)
    try:
        counts, basis = round_generators("discover", CyclicGroup(order), matrix[None])
    except (ClosureError, np.linalg.LinAlgError):
        return None, ()
    # Eigenvalues half-way between roots, up to rounding, may be lost or counted twice.
    good = basis.shape == matrix.shape and np.linalg.cond(basis) < _CONDITION
    return (basis if good else None), counts


def tail(violation: float, sizes: Float[np.ndarray, " R"]) -> float:
    """Chance that noise exceeds a violation, from draws of its square fitted by a scaled chi^2.

    References:
        Satterthwaite, 1946, An approximate distribution of estimates of variance components.
    """
    if violation <= FLOOR:
        return 1.0
    mean, variance = float(sizes.mean()), float(sizes.var(ddof=1))
    if mean <= 0 or variance <= 0:
        return 0.0
    from scipy.special import gammaincc

    # Half the degrees of freedom, and half the statistic in units of the scale.
    return float(gammaincc(mean**2 / variance, violation**2 * mean / variance))


def _chances(
    fit: Estimate, limits: tuple[int, int], angle: Array, kept: Array
) -> tuple[float, float, float]:
    """Sums over orders up to n of the share of matrices with eigenvalues that near to roots.

    Eigenvalues are taken as uniform on the ring 1/2 < |z| < 2, on its real part for the real ones,
    and on the circle for orthogonal matrices; for the second number only distinct angles are
    random, and for the third all orders tried count. Near means twice the standard error, or the
    distance seen if that is more.
    """
    values = np.linalg.eigvals(fit.matrix)
    own = np.abs(np.exp(1j * np.abs(np.angle(values)))[:, None] - np.exp(1j * angle)).argmin(1)
    circle = fit.method == "procrustes"
    order, tried = limits
    orders = np.arange(1, max(limits) + 1)
    total, turned = np.ones(len(orders)), np.ones(len(orders))
    planes = 0
    for each in np.unique(angle.round(9)):
        columns = np.flatnonzero(np.isclose(angle, each))
        spread = math.sqrt((kept[:, columns][:, :, columns] ** 2).sum((1, 2)).mean() / len(columns))
        near = values[np.isclose(angle[own], each)]
        apart = np.abs(near.real + 1j * np.abs(near.imag) - np.exp(1j * each)).max(initial=0.0)
        radius = max(float(apart), 2 * spread, FLOOR)
        turns = np.minimum(1.0, orders * radius / math.pi)
        if 0 < each < 3.14159:
            planes += 1
            ring = turns if circle else np.minimum(1.0, orders * radius**2 / 3.75)
            total *= ring ** (len(columns) // 2)
            turned *= turns
        else:
            line = np.minimum(1.0, np.where(orders % 2, 2, 4) * radius / 3)
            total *= (np.where(orders % 2, 0.5, 1.0) if circle else line) ** len(columns)
    if not planes:
        turned = np.zeros(len(orders))
    sums = (total[:order].sum(), turned[:order].sum(), turned[:tried].sum())
    chance, luck, search = (min(1.0, float(each)) for each in sums)
    return chance, luck, search


def _columns(order: int, counts: tuple[int, ...]) -> tuple[Array, Array]:
    """The quarter turn of every plane of a basis (0 on singles), and every column's angle."""
    angle: list[float] = []
    dim = sum(i.dim * c for i, c in zip(real_irreps(CyclicGroup(order)), counts, strict=True))
    quarter = np.zeros((dim, dim))
    for irrep, count in zip(real_irreps(CyclicGroup(order)), counts, strict=True):
        for _ in range(count):
            if irrep.dim == 2:
                start = len(angle)
                quarter[start + 1, start], quarter[start, start + 1] = 1.0, -1.0
            angle += [2 * math.pi * irrep.frequency / order] * irrep.dim
    return quarter, np.array(angle)


def _total(x: Array, y: Array) -> tuple[Array, float]:
    """Total least squares, and the variance of the noise."""
    count, dim = x.shape
    triangle = np.linalg.qr(np.concatenate([x, y], 1), mode="r")
    _, values, rows = np.linalg.svd(triangle, full_matrices=True)
    null = rows[dim:]
    matrix = -np.linalg.solve(null[:, dim:], null[:, :dim])
    small = values[dim:]
    return matrix, float((small**2).sum() / max(count - dim, 1) / dim)


def _shared(
    frames: Array, x: Array, matrix: Array, deviation: float, rng: np.random.Generator
) -> Array:
    """Draws of E[misfit x^T] when each frame's noise enters two pairs."""
    count = len(x)
    draws = []
    for _ in range(DRAWS):
        noise = deviation * rng.standard_normal(frames.shape)
        misfit = noise[:, 1:] - noise[:, :-1] @ matrix.T
        draws.append(misfit.reshape(count, -1).T @ x / count)
    return np.stack(draws)


def _gain(matrix: Array) -> float:
    """Trace of I + A A^T: the variance of a misfit per variance of a frame's noise."""
    return len(matrix) + float((matrix**2).sum())


def _polar(matrices: Array) -> Array:
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right)


def _positive(symmetric: Array, least: float) -> Array:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray(vectors * np.maximum(values, least) @ vectors.T)


def _power(symmetric: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray(vectors * np.maximum(values, 0.0) ** exponent @ vectors.T)
