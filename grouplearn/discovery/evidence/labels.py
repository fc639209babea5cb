"""Functions of labels, which features are multiplied with where an action keeps labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from grouplearn._checks import refuse

CLASSES = 12
"""Labels of up to so many values are classes; others are numbers, seen through their ranks."""
_DEGREE = 4


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
