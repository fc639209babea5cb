"""Samples made ready for linear actions: checked, centred, whitened."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.reservoir import Sample

_CLASSES = 12
_CLIP = 5.0
_SINGULAR = 1e-10
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Whitened:
    """Rows in coordinates in which every action that keeps the covariance is orthogonal.

    Each group of rows is centred and whitened by itself, so that the noise of whitening shows
    between the groups; where the covariance is isotropic, it is only centred. Where columns depend
    on one another, or are constant, the coordinates are those of the r < d directions in which
    something varies.

    Attributes:
        rows: (R, r), sorted by group.
        plain: (R, r), the same whitened as a whole, and not centred.
        weights: (R,), of mean 1 in every group.
        groups: (R,), 0 to B - 1.
        labels: (R, L), bounded functions of the label, of mean 0; L = 0 without labels.
        centres: (B, r), the mean of each group before it was centred, in whitened coordinates.
        spreads: (B, r, r), the covariance of each group before it was whitened by itself.
        whiten: (r, d) W, of the whole sample; 0 in the directions in which nothing varies.
        colour: (d, r), with W colour = I; the inverse of W where r = d.
        unvaried: (d, d - r), orthonormal: the directions in which nothing varies.
        isotropic: was the covariance a multiple of I within noise, and taken for one?
    """

    rows: Float[np.ndarray, "rows r"]
    plain: Float[np.ndarray, "rows r"]
    weights: Float[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    labels: Float[np.ndarray, "rows labels"]
    centres: Float[np.ndarray, "groups r"]
    spreads: Float[np.ndarray, "groups r r"]
    whiten: Float[np.ndarray, "r d"]
    colour: Float[np.ndarray, "d r"]
    unvaried: Float[np.ndarray, "d s"]
    isotropic: bool

    @property
    def dim(self) -> int:
        """r, the number of directions in which something varies."""
        return self.rows.shape[1]

    @property
    def space(self) -> int:
        """d, the number of columns of the data."""
        return len(self.colour)

    @property
    def completed(self) -> Float[np.ndarray, "d d"]:
        """Coordinates of the whole space: those of W, then those in which nothing varies."""
        return np.concatenate([self.whiten, self.unvaried.T])

    def centred(self) -> Float[np.ndarray, "rows r"]:
        """Rows whitened as a whole: whitening each group by itself blurs what is fine."""
        return np.asarray(self.plain - np.average(self.plain, axis=0, weights=self.weights))

    def given(self, matrices: Float[np.ndarray, "n r r"]) -> Float[np.ndarray, "n d d"]:
        """Matrices in the basis of the data, the identity where nothing varies."""
        still = self.unvaried @ self.unvaried.T
        return np.asarray(self.colour @ matrices @ self.whiten + still)

    def generators(self, skew: Float[np.ndarray, "k r r"]) -> Float[np.ndarray, "k d d"]:
        """Infinitesimal turns in the basis of the data, 0 where nothing varies."""
        return np.asarray(self.colour @ skew @ self.whiten)

    @property
    def count(self) -> int:
        """B, the number of bootstrap groups."""
        return len(self.centres)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(B + 1,) where the rows of each group begin, and the end."""
        return np.searchsorted(self.groups, np.arange(self.count + 1))

    def half(self, odd: int) -> Whitened:
        """The rows of the groups of even (0) or odd (1) number, numbered anew."""
        keep = self.groups % 2 == odd
        return replace(
            self, rows=self.rows[keep], plain=self.plain[keep], weights=self.weights[keep],
            labels=self.labels[keep], groups=self.groups[keep] // 2,
            centres=self.centres[odd::2], spreads=self.spreads[odd::2],
        )  # fmt: skip


def whitened(who: str, sample: Sample, level: float) -> Whitened:
    """Check and whiten a sample; where the covariance is isotropic, only scale it.

    Args:
        who: the caller, for errors.
        sample: raw data.
        level: of the test whether the covariance is isotropic.

    Raises:
        InputError: fewer than two coordinates, not more samples than coordinates, or nothing that
            varies.
    """
    rows, weights = _checked(who, sample)
    mean = np.average(rows, axis=0, weights=weights)
    centred = rows - mean
    groups = np.unique(sample.groups, return_inverse=True)[1]
    frame = _Varying.of(who, rows, centred, weights)
    scale = float(np.trace(frame.covariance) / len(mean))
    isotropic = not frame.unvaried.size and _is_isotropic(centred, frame.covariance, groups, level)
    if isotropic:
        whiten = np.eye(len(mean)) / np.sqrt(scale)
        colour = np.eye(len(mean)) * np.sqrt(scale)
    else:
        whiten, colour = frame.whiten, frame.colour
    order = np.argsort(groups, kind="stable")
    labels = label_functions(sample.labels, len(rows))[order]
    plain = (rows @ whiten.T)[order]
    count, dim = groups.max() + 1, len(whiten)
    out = Whitened(
        plain.copy(), plain, weights[order], groups[order], labels,
        np.empty((count, dim)), np.empty((count, dim, dim)),
        whiten, colour, frame.unvaried, isotropic,
    )  # fmt: skip
    for group, (start, end) in enumerate(zip(out.starts[:-1], out.starts[1:], strict=True)):
        _whiten_group(out, group, slice(start, end))
    return out


@dataclass(frozen=True)
class _Varying:
    """The directions in which rows vary: coordinates of covariance I there, and the others."""

    covariance: Float[np.ndarray, "d d"]
    whiten: Float[np.ndarray, "r d"]
    colour: Float[np.ndarray, "d r"]
    unvaried: Float[np.ndarray, "d s"]

    @classmethod
    def of(
        cls,
        who: str,
        rows: NDArray[np.float64],
        centred: NDArray[np.float64],
        weights: NDArray[np.float64],
    ) -> _Varying:
        """What varies in rows, in units of the columns' own, so that none hides another."""
        covariance = (centred * weights[:, None]).T @ centred / len(rows)
        deviation = np.sqrt(np.diagonal(covariance))
        varies = deviation > _ROUNDING * np.abs(rows).max(0)
        if not varies.any():
            refuse(who, "samples", "different from one another", "the same row every time",
                   "check the file")  # fmt: skip
        unit = np.where(varies, deviation, 1.0)
        correlation = np.where(np.outer(varies, varies), covariance / np.outer(unit, unit), 0.0)
        values, vectors = np.linalg.eigh(correlation)
        # The same signs whatever the units of columns.
        vectors *= np.sign(vectors[np.abs(vectors).argmax(0), np.arange(len(vectors))])
        seen = values > _SINGULAR * values[-1]
        span, roots = vectors[:, seen], np.sqrt(values[seen])
        # By the triangle, as the reflections of Q would drown small entries in rounding.
        still = vectors[:, ~seen] / unit[:, None]
        unvaried = still @ np.linalg.inv(np.linalg.qr(still, mode="r"))
        whiten = (span / roots).T / unit
        whiten -= whiten @ unvaried @ unvaried.T
        return cls(covariance, whiten, unit[:, None] * (span * roots), unvaried)


def _whiten_group(data: Whitened, group: int, own: slice) -> None:
    """Centre and whiten the rows of one group, in place."""
    data.weights[own] /= data.weights[own].mean()
    weights, rows = data.weights[own, None], data.rows[own]
    data.centres[group] = (weights * rows).mean(0)
    rows -= data.centres[group]
    data.spreads[group] = (rows * weights).T @ rows / len(rows)
    values, vectors = np.linalg.eigh(data.spreads[group])
    if not data.isotropic and values[0] > _SINGULAR * values[-1]:
        rows[:] = rows @ (vectors / np.sqrt(values)) @ vectors.T


def _checked(who: str, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    used = sample.weights > 0
    if not used.all():
        refuse(who, "weights", "> 0 for every row kept", "0", "leave out rows that do not count")
    count, dim = sample.rows.shape
    if dim < 2:
        refuse(
            who,
            "samples",
            "of at least 2 coordinates",
            dim,
            "a linear action needs a plane to turn",
        )
    if count <= dim:
        refuse(
            who, "samples", f"more than their {dim} coordinates", count,
            "give more samples or project on principal components",
        )  # fmt: skip
    if not np.isfinite(sample.rows).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(sample.rows))[0])
        refuse(
            who, "samples", "finite", f"{sample.rows[row, column]} at ({row}, {column})", "clean it"
        )
    return sample.rows, sample.weights / sample.weights.mean()


def _is_isotropic(
    centred: NDArray[np.float64],
    covariance: NDArray[np.float64],
    groups: NDArray[np.int64],
    level: float,
) -> bool:
    """Does a wild bootstrap over the groups leave the covariance a multiple of I?"""
    dim = len(covariance)
    scale = np.trace(covariance) / dim
    parts = []
    for group in range(int(groups.max()) + 1):
        x = centred[groups == group]
        moment = x.T @ x / scale
        parts.append((moment - np.eye(dim) * np.trace(moment) / dim).ravel())
    return wild_p_value(np.array(parts), np.random.default_rng(0)) > level


def wild_p_value(
    differences: Float[np.ndarray, "groups size"], rng: np.random.Generator, flips: int = 999
) -> float:
    """How often random signs of the groups' differences leave a longer sum than the true one.

    Args:
        differences: (B, M), independent, of mean zero under the hypothesis.
        rng: source of the signs.
        flips: number of random signs.
    """
    gram = differences @ differences.T
    signs = rng.integers(0, 2, (flips, len(gram))) * 2.0 - 1
    null = ((signs @ gram) * signs).sum(1)
    return float((1 + (null >= gram.sum() * (1 - 1e-9)).sum()) / (1 + flips))


def label_functions(labels: NDArray[np.float64] | None, count: int) -> NDArray[np.float64]:
    """Bounded functions of the label: indicators of classes, or itself and cosines of its rank."""
    if labels is None or np.ptp(labels) == 0:
        return np.empty((count, 0))
    values = np.unique(labels)
    if len(values) <= _CLASSES:
        indicators = (labels[:, None] == values[:-1]).astype(np.float64)
        return indicators - indicators.mean(0)
    plain = (labels - labels.mean()) / labels.std()
    return np.concatenate([np.clip(plain, -_CLIP, _CLIP)[:, None], rank_cosines(labels, 4)], axis=1)


def rank_cosines(
    values: Float[np.ndarray, " rows"], degree: int
) -> Float[np.ndarray, "rows degree"]:
    """sqrt 2 cos(pi k q), k = 1 to degree, q the rank of each value in (0, 1): orthonormal."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return np.asarray(np.sqrt(2) * np.cos(np.pi * rank[:, None] * np.arange(1, degree + 1)))
