"""Samples made ready for linear actions: checked, centred, whitened, with functions that every action keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.moments import Sample

_CLASSES = 12
_SINGULAR = 1e-10
_CHUNK = 1 << 13


@dataclass(frozen=True)
class Whitened:
    """Rows in coordinates in which every action that keeps the covariance is orthogonal.

    Attributes:
        rows: (R, d), centred, of covariance I up to noise.
        weights: (R,), of mean 1.
        groups: (R,), 0 to B - 1.
        labels: (R, L), bounded functions of the label, of mean 0; L = 0 without labels.
        mean: (d,), of the data, whitened.
        whiten: (d, d) W, rows = (x - mean) W^T.
        colour: (d, d), the inverse of W.
        isotropic: was the covariance a multiple of I within noise, and taken for one?
    """

    rows: Float[np.ndarray, "rows d"]
    weights: Float[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    labels: Float[np.ndarray, "rows labels"]
    mean: Float[np.ndarray, " d"]
    whiten: Float[np.ndarray, "d d"]
    colour: Float[np.ndarray, "d d"]
    isotropic: bool

    @property
    def dim(self) -> int:
        """d."""
        return self.rows.shape[1]

    @property
    def count(self) -> int:
        """B, the number of bootstrap groups."""
        return int(self.groups.max()) + 1

    def part(self, keep: NDArray[np.bool_]) -> Whitened:
        """The rows where `keep` holds, their groups numbered anew."""
        numbers = np.unique(self.groups[keep], return_inverse=True)[1]
        weights = self.weights[keep] / self.weights[keep].mean()
        return Whitened(
            self.rows[keep], weights, numbers, self.labels[keep],
            self.mean, self.whiten, self.colour, self.isotropic,
        )  # fmt: skip


def whitened(who: str, sample: Sample, level: float) -> Whitened:
    """Check and whiten a sample; where the covariance is isotropic within noise, only scale it.

    Args:
        who: the caller, for errors.
        sample: raw data.
        level: of the test whether the covariance is isotropic.

    Raises:
        InputError: fewer than two coordinates, not more samples than coordinates, or columns that
            are constant or linearly dependent.
    """
    rows, weights = _checked(who, sample)
    mean = np.average(rows, axis=0, weights=weights)
    centred = rows - mean
    covariance = (centred * weights[:, None]).T @ centred / len(rows)
    deviation = np.sqrt(np.diagonal(covariance))
    size = np.abs(rows).max(0)
    if (deviation <= 1e-12 * size).any():
        column = int(np.argmax(deviation <= 1e-12 * size))
        refuse(who, "samples", "varying in every column", f"column {column} constant", "drop it")
    values, vectors = np.linalg.eigh(covariance / np.outer(deviation, deviation))
    if values[0] < _SINGULAR * values[-1]:
        refuse(
            who, "samples", "of linearly independent columns",
            f"{int((values < _SINGULAR * values[-1]).sum())} linear relations between them",
            "drop dependent columns or project on principal components",
        )  # fmt: skip
    groups = np.unique(sample.groups, return_inverse=True)[1]
    scale = float(np.trace(covariance) / len(mean))
    isotropic = _is_isotropic(centred, covariance, groups, level)
    if isotropic:
        whiten = np.eye(len(mean)) / np.sqrt(scale)
        colour = np.eye(len(mean)) * np.sqrt(scale)
    else:
        whiten = (vectors / np.sqrt(values)).T / deviation
        colour = deviation[:, None] * (vectors * np.sqrt(values))
    labels = label_functions(sample.labels, len(rows))
    return Whitened(
        centred @ whiten.T, weights, groups, labels, whiten @ mean, whiten, colour, isotropic
    )


def _checked(who: str, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    used = sample.weights > 0
    if not used.all():
        refuse(who, "weights", "> 0 for every row kept", "0", "leave out rows that do not count")
    count, dim = sample.rows.shape
    if dim < 2:
        refuse(
            who, "samples", "of at least 2 coordinates", dim, "a linear action needs a plane to turn"
        )
    if count <= dim:
        refuse(
            who, "samples", f"more than their {dim} coordinates", count,
            "give more samples or project on principal components",
        )  # fmt: skip
    if not np.isfinite(sample.rows).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(sample.rows))[0])
        refuse(who, "samples", "finite", f"{sample.rows[row, column]} at ({row}, {column})", "clean it")
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
    """Bounded functions of the label: indicators of classes, or cosines of its rank."""
    if labels is None:
        return np.empty((count, 0))
    values = np.unique(labels)
    if len(values) <= _CLASSES:
        indicators = (labels[:, None] == values[:-1]).astype(np.float64)
        return indicators - indicators.mean(0)
    return rank_cosines(labels, 4)


def rank_cosines(values: Float[np.ndarray, " rows"], degree: int) -> Float[np.ndarray, "rows degree"]:
    """sqrt 2 cos(pi k q), k = 1 to degree, q the rank of each value in (0, 1): orthonormal."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return np.asarray(np.sqrt(2) * np.cos(np.pi * rank[:, None] * np.arange(1, degree + 1)))


def group_means(
    functions: Float[np.ndarray, "rows m"],
    moments: Float[np.ndarray, "rows q"],
    groups: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, "groups m q"]:
    """For each group b the sum over its rows of f h^T, times B / R, so that the mean over b is the mean."""
    count = int(groups.max()) + 1
    scale = count / len(groups)
    out = np.zeros((count, functions.shape[1], moments.shape[1]))
    for group in range(count):
        members = np.flatnonzero(groups == group)
        out[group] = functions[members].T @ moments[members] * scale
    return out
