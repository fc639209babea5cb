"""`invariance_test`: is this given action a symmetry of the data?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.arrays import as_array, as_labels, assert_moderate
from grouplearn.discovery.evidence.actions import Action, action_of
from grouplearn.discovery.evidence.engine import (
    LEAST_UNITS,
    FamilyEvidence,
    JointEvidence,
    evidence,
)
from grouplearn.discovery.evidence.labels import label_factors
from grouplearn.discovery.evidence.units import FEW, UNITS, Units
from grouplearn.representations import LearnedRepresentation

_WHO = "invariance_test"
_MEMORY = 1 << 28


@final
@dataclass(frozen=True)
class InvarianceTest:
    """What the test of a given action says.

    Attributes:
        name: of the group that was tested.
        p_value: exact: at most `level` of the data sets with that symmetry have one up to `level`.
        effect: deviation as a part of what an action of the same kind that is no symmetry shows;
            nan where the data cannot show one.
        effect_bound: its upper confidence bound; inf where the data cannot show one.
        rejected: is the p-value at most the level?
        level: of the test.
        families: what each family of features said.
        blocks: how many independent units there were.
    """

    name: str
    p_value: float
    effect: float
    effect_bound: float
    rejected: bool
    level: float
    families: tuple[FamilyEvidence, ...]
    blocks: int

    def summary(self) -> str:
        """The result in plain sentences."""
        said = f"p = {self.p_value:.2g}"
        if not self.rejected:
            return f"Nothing speaks against {self.name} ({said}). {self._measured()}"
        worst = max(self.families, key=lambda family: family.score)
        return (
            f"{self.name[0].upper()}{self.name[1:]} is no exact symmetry of these data ({said}): "
            f"the evidence of {worst.name} stands out by {worst.score:.1f} standard deviations. "
            f"{self._measured()}"
        )

    def _measured(self) -> str:
        if not any(family.power for family in self.families):
            return "How large a deviation is was not measured."
        if not np.isfinite(self.effect_bound):
            return "The data can hardly show how large a deviation is: more of them would."
        small = f"The deviation is {self.effect:.2g}" if np.isfinite(self.effect) else "It is"
        return (
            f"{small} of what an action of the same kind that is no symmetry shows, at most "
            f"{self.effect_bound:.2g}."
        )

    def __str__(self) -> str:
        return self.summary()


def invariance_test(
    samples: ArrayLike | Tensor,
    representation: LearnedRepresentation | Action,
    *,
    blocks: ArrayLike | Tensor | None = None,
    labels: ArrayLike | Tensor | None = None,
    level: float = 0.05,
    draws: int = 999,
    seed: int = 0,
) -> InvarianceTest:
    """Test whether a given action leaves the distribution of data unchanged.

    If it does then the data in which each independent block has been moved by a random element have
    the law of the data, so that the rank of any statistic among such draws is a p-value, exact at
    every number of samples. The statistic is the largest of several, each in standard deviations of
    its own draws: deviations of distribution functions, covariances, pairs of squares, triples, and
    characteristic functions at five bandwidths, of the rows as they are and whitened; of one-hot
    windows the counts of words; with labels, all of these times functions of the label.

    Args:
        samples: (N, d) rows.
        representation: of any finite group on R^d, or an `Action` such as
            `evidence.actions.RandomElements` for a compact group.
        blocks: (N,) integers; rows that depend on one another share a number. None takes rows as
            independent of one another.
        labels: (N,) classes, in numbers or words, or real values that the action keeps.
        level: of the test, in (0, 1).
        draws: of the randomisation, >= 1 / level - 1.
        seed: of every random choice.

    Returns:
        p-value, effect with its bound, what each family said, and a sentence.

    Raises:
        InputError: wrong shapes or types, NaN, too few blocks or draws, more draws than memory
            allows, or labels that are constant.

    Cost:
        O(min(n, 8) N F) time with n the order of the group and F, the number of features, at most
        some 3,000; O(N d + draws) memory.

    References:
        Chiu, Bloem-Reddy, 2023, Non-parametric hypothesis tests for distributional group symmetry.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import FixedRepresentation
        >>> rows = np.random.default_rng(0).exponential(size=(500, 3))
        >>> shift = FixedRepresentation.from_permutations([[1, 2, 0]])
        >>> invariance_test(rows, shift).rejected
        False
        >>> invariance_test(rows * [1, 2, 3], shift).rejected
        True
    """
    level, draws, seed = checked_options(_WHO, level, draws, seed)
    rows = checked_rows(_WHO, samples)
    action, name = _checked_action(representation, rows)
    which = _beside("blocks", blocks, len(rows))
    beside = _beside("labels", labels, len(rows))
    numbers = None if beside is None else np.asarray(beside, dtype=np.float64)
    factors = label_factors(_WHO, numbers, len(rows))
    units = Units.of(rows, which, factors, np.random.default_rng(seed))
    if units.count < LEAST_UNITS:
        refuse(_WHO, "blocks", f"at least {LEAST_UNITS} independent ones, better 30", units.count,
               "number the blocks so that only dependent rows share a number")  # fmt: skip
    found = evidence(units, action, draws=draws, seed=seed)
    return _result(found, name, level, units.count)


def checked_options(who: str, level: float, draws: int, seed: int) -> tuple[float, int, int]:
    """Level, draws and seed of a test, if they make sense together.

    Args:
        who: names the function in errors.
        level: in (0, 1).
        draws: at least 1 / level - 1, and no more than memory allows.
        seed: 0 or more.
    """
    level = finite_number(who, "level", level, positive=True)
    if level >= 1:
        refuse(who, "level", "below 1", level, "pass level=0.05")
    draws, least = positive_int(who, "draws", draws), math.ceil(1 / level - 1e-9) - 1
    if draws < least:
        refuse(who, "draws", f"at least {least} for level={level:g}", draws,
               "pass draws=999, or a larger level")  # fmt: skip
    if (draws + 1) * UNITS * FEW > _MEMORY:
        refuse(who, "draws", f"at most {_MEMORY // UNITS // FEW - 1}", draws,
               "they would not fit into memory: pass draws=9999")  # fmt: skip
    return level, draws, positive_int(who, "seed", seed, minimum=0)


def _result(found: JointEvidence, name: str, level: float, blocks: int) -> InvarianceTest:
    return InvarianceTest(
        name, found.p_value, found.effect, found.effect_bound, found.p_value <= level, level,
        found.families, blocks,
    )  # fmt: skip


def checked_rows(who: str, samples: Any) -> np.ndarray:
    """Samples as (N, d) finite float64 rows."""
    rows = as_array("samples", samples)
    if rows.ndim != 2 or 0 in rows.shape:
        refuse(who, "samples", "of shape (N, d), neither 0", tuple(rows.shape),
               "flatten each sample to a row")  # fmt: skip
    rows = rows.astype(np.float64)
    if not np.isfinite(rows).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(rows))[0])
        refuse(who, "samples", "finite", f"{rows[row, column]} at ({row}, {column})",
               "clean the data first")  # fmt: skip
    assert_moderate(who, rows)
    if (rows == rows[0]).all():
        refuse(who, "samples", "different from one another", "the same row every time",
               "check the file")  # fmt: skip
    return rows


def _checked_action(representation: Any, rows: np.ndarray) -> tuple[Action, str]:
    dim = rows.shape[1]
    if isinstance(representation, Action):
        if representation.dim != dim:
            refuse(_WHO, "representation.dim", f"the samples' {dim}", representation.dim,
                   "pass an action on the coordinates of the samples")  # fmt: skip
        elements = representation.elements()
        if elements is not None and len(elements) < 2:
            refuse(_WHO, "representation", "of a group of order 2 or more", "the trivial group",
                   "the identity leaves every distribution as it is: test another one")  # fmt: skip
        return representation, "the group"
    if not isinstance(representation, LearnedRepresentation):
        refuse(_WHO, "representation", "a representation of the library",
               type(representation).__name__, "build one, such as FixedRepresentation")  # fmt: skip
    if representation.dim != dim:
        refuse(_WHO, "representation.dim", f"the samples' {dim}", representation.dim,
               "pass an action on the coordinates of the samples")  # fmt: skip
    if representation.group.order < 2:
        refuse(_WHO, "representation", "of a group of order 2 or more", "the trivial group",
               "the identity leaves every distribution unchanged: test another action")  # fmt: skip
    return action_of(representation, colour_of(rows)), representation.group.name


def colour_of(rows: np.ndarray) -> np.ndarray:
    """A square root of the covariance of the rows, of full rank."""
    values, vectors = np.linalg.eigh(np.cov(rows.T, ddof=0).reshape(rows.shape[1], -1))
    least = 1e-9 * max(values[-1], 1e-300)
    return np.asarray(vectors * np.sqrt(np.maximum(values, least)) @ vectors.T)


def _beside(argument: str, value: Any, count: int) -> np.ndarray | None:
    if value is None:
        return None
    array = as_array(argument, as_labels(value) if argument == "labels" else value)
    if array.shape != (count,):
        refuse(_WHO, argument, f"of shape ({count},), one per sample", array.shape, "reshape it")
    if argument == "blocks" and array.dtype.kind not in "iub":
        refuse(_WHO, argument, "integers", f"dtype {array.dtype}", "number the blocks")
    if not np.isfinite(array.astype(np.float64)).all():
        position = int(np.flatnonzero(~np.isfinite(array.astype(np.float64)))[0])
        refuse(_WHO, argument, "finite", f"{array[position]} at {position}", "clean the data first")
    return array
