"""Which moments of a data set an action is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from grouplearn.discovery.moments import LEAST_GROUPS, MomentAccumulator
from grouplearn.discovery.permutations.violations import Array, Moment

RIDGE = 0.1
_SHIFT = 0.15
_MIXED, _GAP = 3.0, 1.5
_MAX_TRIPLES = 64
_CHUNK = 1 << 22
_CLASSES = 8


@final
@dataclass(frozen=True)
class Moments:
    """All the moments of a data set that an action is judged by.

    Attributes:
        dim: d.
        channels: c.
        propose: moments of first and second order, and those within classes.
        certify: moments of higher order.
        exclusive: (D, D), pairs of coordinates of which one at most is 1, as in one-hot codes;
            an action has to keep them. None where there are none.
        search: (d, d) matrices among whose automorphisms the candidates are.
    """

    dim: int
    channels: int
    propose: tuple[Moment, ...]
    certify: tuple[Moment, ...]
    exclusive: Bool[np.ndarray, "D D"] | None
    search: tuple[Float[np.ndarray, "d d"], ...]


def moments_of(accumulated: MomentAccumulator, max_moment: int, *, signed: bool) -> Moments:
    """Assemble the moments up to an order.

    The second moment is seen through the metric (Sigma + ridge)^(-1/2), with ridge a tenth of the
    largest eigenvalue: directions of small variance, which tell neighbouring coordinates apart,
    count nearly as much as the others. In one-hot codes, where most of the second moment says only
    that a position holds one letter, those entries are left out.

    Higher moments are taken about a centre that every candidate keeps, the mean over all
    coordinates (0 where signs may change), unless the coordinates have means of their own that
    differ by more than 0.15 standard deviations: those would drown what the moments say, and are
    subtracted.

    Where standard deviations differ more than threefold, columns are of different units: first
    moments and those above the second are taken in units of each column's own, and the second
    moment is judged in them too.

    Third moments come twice: those of pairs, E[x_i^2 x_j], from all samples, and those of triples
    from the sample kept, each row divided by its norm, which a permutation does not change and
    which tames heavy tails. The latter decide; the former can only speak against a candidate,
    except where there are too many coordinates for triples.

    Args:
        accumulated: the data.
        max_moment: 2, 3, or 4 and above.
        signed: are there signs among the candidates? Means then cannot guide the search.
    """
    used = accumulated.weights > 0
    weights = accumulated.weights[used] / accumulated.count
    per = accumulated.weights[used, None, None]
    sums, products = accumulated.sums[used] / per[:, 0], accumulated.products[used] / per
    mean = accumulated.mean()
    centred = products - _both(sums[:, :, None] * mean) + np.outer(mean, mean)
    covariance = np.tensordot(weights, centred, 1)
    exclusive = _exclusive(accumulated, mean)
    deviations = np.sqrt(np.diag(covariance).clip(0))
    typical = float(np.sqrt(np.mean(deviations**2)))
    if exclusive is None:
        second = Moment("order 2", centred, weights, 2, _whitener(covariance))
    else:
        scales = np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        second = Moment("order 2", centred, weights, 2, np.diag(scales), ~exclusive)
    units, common = _units(deviations, mean) if exclusive is None else _same(typical, mean)
    common = np.zeros_like(mean) if signed else common
    own: tuple[Moment, ...] = ()
    if np.ptp(units):
        own = (Moment("order 2", centred, weights, 2, np.diag(1 / units)),)
    first = Moment("order 1", (sums - common) / units, weights, 1, unit=len(mean) ** 0.5)
    centre = _centre(mean, units, common)
    certify: list[Moment] = []
    if max_moment >= 3:
        cubes = _central(accumulated.cubes[used] / per, products, sums, centre)
        spans = len(np.unique(accumulated.sample().groups)) >= LEAST_GROUPS
        if exclusive is None:
            alone = len(mean) > _MAX_TRIPLES or not spans
            scaled = cubes / (units[:, None] ** 2 * units)
            certify.append(Moment("order 3", scaled, weights, 2, even=(-2,), decisive=alone))
        if exclusive is not None and accumulated.triples is not None:
            triples = _central_triples(
                accumulated.triples[used] / per[..., None], products, sums, mean
            )
            mask = _apart(exclusive)
            certify.append(Moment("order 3", triples, weights, 3, mask=mask))
        elif spans:
            certify += _sampled(accumulated, centre, units, exclusive, max_moment)
    likeness = covariance / np.outer(units, units)
    search = _search(likeness, exclusive, None if signed else (mean - common) / units)
    if own:
        search.append(np.diag(np.log(units / typical)) / len(mean) ** 0.5)
    dim, channels = accumulated.dim, accumulated.channels
    blocks = _by_channels(search, channels, dim)
    propose = (first, second, *own, *_within_classes(accumulated, mean))
    return Moments(dim, channels, propose, tuple(certify), exclusive, tuple(blocks))


def _by_channels(matrices: list[Array], channels: int, dim: int) -> list[Array]:
    """The (d, d) blocks of (c d, c d) matrices, those that are 0 left out."""
    found = []
    for matrix in matrices:
        parts = matrix.reshape(channels, dim, channels, dim).swapaxes(1, 2)
        found += [part for part in parts.reshape(-1, dim, dim) if part.any()]
    return found


def _centre(mean: Array, units: Array, common: Array) -> Array:
    """Where higher moments are taken about: a point that every candidate keeps, if that will do."""
    apart = np.sqrt(np.mean(((mean - common) / units) ** 2))
    return mean if apart > _SHIFT else common


def _units(deviations: Array, mean: Array) -> tuple[Array, Array]:
    """Units of columns, and what the means of columns of one unit have in common.

    Columns share a unit unless their deviations fall into classes with wide gaps between them: the
    error of a unit of its own would make a large mean that two columns share look like two. A class
    that is wide without gaps has units of its own.
    """
    varying = np.flatnonzero(deviations > 0)
    order = varying[np.argsort(deviations[varying])]
    ordered = deviations[order]
    units = np.full_like(deviations, np.sqrt(np.mean(deviations**2)) or 1.0)
    common = np.zeros_like(deviations)
    if not order.size:
        return units, common
    cuts = np.flatnonzero(ordered[1:] > _GAP * ordered[:-1]) + 1
    if ordered[-1] <= _MIXED * ordered[0]:
        cuts = cuts[:0]
    for own in np.split(order, cuts):
        wide = deviations[own].max() > _MIXED * deviations[own].min()
        units[own] = deviations[own] if wide else np.sqrt(np.mean(deviations[own] ** 2))
        common[own] = mean[own].mean()
    return units, common


def _same(typical: float, mean: Array) -> tuple[Array, Array]:
    """One unit for all columns."""
    return np.full_like(mean, typical), np.full_like(mean, mean.mean())


def _both(matrices: Array) -> Array:
    return matrices + matrices.swapaxes(-1, -2)


def _exclusive(accumulated: MomentAccumulator, mean: Array) -> NDArray[np.bool_] | None:
    """Pairs of coordinates that share a one-hot block, or None where there are no such blocks."""
    products, sums = accumulated.products.sum(0), accumulated.sums.sum(0)
    same = np.eye(len(mean), dtype=bool)
    if not np.array_equal(np.diag(products), sums) or (sums < 0).any():
        return None
    together = same | (products == 0)
    sizes = together.sum(1)
    closed = np.array_equal(together @ together, together)
    if not closed or sizes.max() == 1 or not np.allclose(together @ mean, 1, atol=1e-9):
        return None
    return together


def _whitener(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors / np.sqrt(values.clip(0) + RIDGE * values[-1])) @ vectors.T)


def _search(
    covariance: Array, exclusive: NDArray[np.bool_] | None, mean: Array | None
) -> list[Array]:
    """Matrices that an automorphism keeps, of comparable norms."""
    deviations = np.sqrt(np.diag(covariance).clip(0))
    if exclusive is None:
        matrices = [covariance]
    else:
        scales = np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        matrices = [
            covariance * np.outer(scales, scales) * ~exclusive,
            exclusive.astype(np.float64),
        ]
    matrices = [matrix / np.linalg.norm(matrix) for matrix in matrices if matrix.any()]
    if mean is not None:
        matrices.append(np.diag(mean - mean.mean()) / len(mean) ** 0.5)
    return matrices


def _central(cubes: Array, products: Array, sums: Array, mean: Array) -> Array:
    """E[(x_i - m_i)^2 (x_j - m_j)] from moments about 0, in each group, about a given m."""
    squares = np.einsum("bii->bi", products)
    return (
        cubes
        - 2 * mean[:, None] * products
        + (mean**2)[:, None] * sums[:, None, :]
        - squares[:, :, None] * mean
        + 2 * (mean * sums)[:, :, None] * mean
        - np.outer(mean**2, mean)
    )


def _central_triples(triples: Array, products: Array, sums: Array, mean: Array) -> Array:
    """E[(x_i - m_i)(x_j - m_j)(x_k - m_k)] from moments about 0, in each group, about a given m."""
    pairs = np.einsum("bij,k->bijk", products, mean)
    lines = np.einsum("bi,j,k->bijk", sums, mean, mean)
    return (
        triples
        - pairs
        - pairs.transpose(0, 1, 3, 2)
        - pairs.transpose(0, 3, 1, 2)
        + lines
        + lines.transpose(0, 2, 1, 3)
        + lines.transpose(0, 2, 3, 1)
        - np.einsum("i,j,k->ijk", mean, mean, mean)
    )


def _sampled(
    accumulated: MomentAccumulator,
    centre: Array,
    units: Array,
    exclusive: NDArray[np.bool_] | None,
    max_moment: int,
) -> list[Moment]:
    """Third moments of triples, and fourth moments of pairs, from the sample kept."""
    sample = accumulated.sample()
    rows = sample.rows - centre
    if exclusive is None:
        rows = rows / units
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    groups, counts = np.unique(sample.groups, return_inverse=True)
    size = len(centre)
    totals = np.bincount(counts, sample.weights)
    triples = np.zeros((len(groups), size, size, size)) if size <= _MAX_TRIPLES else None
    pairs = np.zeros((len(groups), size, size))
    step = max(_CHUNK // size**2, 1)
    for k in range(len(groups)):
        members = np.flatnonzero(counts == k)
        for start in range(0, len(members), step):
            some = members[start : start + step]
            x, w = rows[some], sample.weights[some, None]
            pairs[k] += (w * x**3).T @ x
            if triples is not None:
                outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
                triples[k] += ((w * x).T @ outer).reshape(size, size, size)
    pairs /= totals[:, None, None]
    weights = totals / totals.sum()
    found = []
    if triples is not None:
        triples /= totals[:, None, None, None]
        mask = None if exclusive is None else _apart(exclusive)
        found.append(Moment("order 3", triples, weights, 3, mask=mask))
    if exclusive is None:
        kind = "order 4" if max_moment >= 4 else "order 4, where order 3 is silent"
        found.append(Moment(kind, pairs, weights, 2))
    return found


def _apart(exclusive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Triples of coordinates of which no two are exclusive or equal."""
    apart = ~exclusive
    return np.asarray(apart[:, :, None] & apart[:, None, :] & apart[None, :, :])


def _within_classes(accumulated: MomentAccumulator, mean: Array) -> tuple[Moment, ...]:
    """First and second moments of every class of labels, which a symmetry of the classes keeps."""
    sample = accumulated.sample()
    if sample.labels is None:
        return ()
    classes = label_classes(sample.labels)
    groups, which = np.unique(sample.groups, return_inverse=True)
    count, size = int(classes.max()) + 1, len(mean)
    rows = np.column_stack([sample.rows - mean, np.ones(len(sample.rows))])
    tensors = np.zeros((len(groups), count, size + 1, size + 1))
    for k in range(len(groups)):
        for c in range(count):
            some = (which == k) & (classes == c)
            tensors[k, c] = (sample.weights[some, None] * rows[some]).T @ rows[some]
    totals = np.bincount(which, sample.weights)
    tensors /= totals[:, None, None, None]
    weights = totals / totals.sum()
    spread = float(np.sqrt(np.mean((sample.rows - mean) ** 2) * size))
    return (
        Moment("labels", tensors[..., :-1, :-1], weights, 2),
        Moment("labels", tensors[..., :-1, -1], weights, 1, unit=spread),
    )


def label_classes(labels: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """Number classes from 0; real values become eight classes of equal size."""
    values, classes = np.unique(labels, return_inverse=True)
    if len(values) <= 4 * _CLASSES:
        return np.asarray(classes)
    edges = np.quantile(labels, np.arange(1, _CLASSES) / _CLASSES)
    return np.asarray(np.searchsorted(edges, labels))
