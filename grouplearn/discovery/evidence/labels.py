"""Functions of labels, which features are multiplied with where an action keeps labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from grouplearn._checks import refuse

CLASSES = 12
"""Labels of up to so many values are classes; others are numbers, seen through their ranks."""
_DEGREE = 4
_CENTRES, _ROWS_EACH, _WIDTH, _RIDGE = 40, 20, 0.5, 1e-5


def label_factors(
    who: str, labels: Float[np.ndarray, " N"] | None, count: int
) -> Float[np.ndarray, "N k"]:
    """1, and functions of the label that are uncorrelated with it.

    Args:
        who: names the function in errors.
        labels: (N,), or None.
        count: N.

    Returns:
        (N, 1 + k): indicators of all classes but one, or cosines of ranks.

    Raises:
        InputError: all labels are equal.
    """
    ones = np.ones((count, 1))
    if labels is None:
        return ones
    values, classes = np.unique(labels, return_inverse=True)
    if len(values) < 2:
        refuse(who, "labels", "of at least two values", f"{values[0]:g} throughout",
               "leave constant labels out")  # fmt: skip
    if len(values) <= CLASSES:
        indicators = np.eye(len(values))[classes][:, :-1]
        return np.concatenate([ones, indicators - indicators.mean(0)], axis=1)
    rank = np.empty(count)
    rank[np.argsort(labels, kind="stable")] = (np.arange(count) + 0.5) / count
    cosines = np.sqrt(2) * np.cos(np.pi * rank[:, None] * np.arange(1, _DEGREE + 1))
    return np.concatenate([ones, cosines], axis=1)


def unexplained(
    factors: Float[np.ndarray, "N k"], kept: Float[np.ndarray, "N m"]
) -> tuple[Float[np.ndarray, "N k"], Callable[[], Float[np.ndarray, "N k m"]]]:
    """Functions of the label, less what coordinates tell of them that an action keeps.

    An action that keeps a label and some coordinates keeps every function of both. What those
    coordinates tell of the label is noise where the rest of the row is asked about: of
    y = x_3 / (1 + theta) the third coordinate tells nearly all, and what it does not tell is the
    angle.

    Args:
        factors: (N, k), functions of the label.
        kept: (N, m), coordinates that the action keeps.

    Returns:
        What a smooth regression leaves; and a function that says how what it takes off changes with
        each of these coordinates, which takes m times as long.
    """
    spread = kept.std(0)
    varies = np.flatnonzero(spread > 0)
    if not len(varies) or not factors.size:
        return factors, lambda: np.zeros((*factors.shape, kept.shape[1]))
    z = (kept[:, varies] - kept[:, varies].mean(0)) / spread[varies]
    centres = z[:: max(1, len(z) // _CENTRES, _ROWS_EACH)]
    apart = cdist(z, centres)
    width = _WIDTH * (float(np.median(apart)) or 1.0)
    bumps = np.exp(-np.square(apart / width) / 2)
    design = np.concatenate([np.ones((len(z), 1)), z, bumps], axis=1)
    squares = design.T @ design
    squares += _RIDGE * len(z) * np.eye(len(squares))
    told = np.linalg.solve(squares, design.T @ factors)

    def slopes() -> Float[np.ndarray, "N k m"]:
        _, straight, bent = np.split(told, [1, 1 + len(varies)])
        away = (centres - z[:, None]) / width**2
        steep = straight.T + np.einsum("nc,nci,ck->nki", bumps, away, bent)
        out = np.zeros((*factors.shape, kept.shape[1]))
        out[:, :, varies] = steep / spread[varies]
        return out

    return factors - design @ told, slopes
