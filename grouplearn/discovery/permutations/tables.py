"""Complete tables: permutations of columns that leave the rows the same, in exact arithmetic."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike, NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.arrays import as_array, as_labels
from grouplearn.discovery.permutations.coding import Columns, classes, encode
from grouplearn.discovery.permutations.coincidence import (
    Element,
    prime_elements,
    rearrangement_chance,
    repeats_chance,
    shuffle_chance,
)
from grouplearn.discovery.permutations.coloured import row_automorphisms
from grouplearn.discovery.permutations.proven import proven_discovery
from grouplearn.discovery.result import Discovery
from grouplearn.groups import FiniteGroup

CHANCE = 1e-4
"""An exact symmetry that chance makes more often than this is no evidence of a complete table."""

EQUAL = 1e-12
_CLOSE = 1e-9
_ROUNDS = 2
_WHO = "exact_symmetries"

Points = NDArray[np.int64]
Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class ExactSymmetries:
    """The group of all permutations of coordinates that leave a multiset of rows unchanged.

    Attributes:
        generators: (m, d), int64: coordinate i moves to generators[k, i]. With signs (m, 2 d),
            where d + i stands for the negative of coordinate i.
        order: of the group they generate.
        complete: False when time ran out, and nothing was found.
        chance: a bound on the probability that rows without symmetry show this one by accident;
            1 where nothing was found.
        dim: d.
        notes: columns that were set aside, in words.
    """

    generators: Int[np.ndarray, "m points"]
    order: int
    complete: bool
    chance: float
    dim: int
    notes: tuple[str, ...] = field(default=())

    @property
    def decides(self) -> bool:
        """Is there a symmetry, and is it no accident?"""
        return self.complete and self.order > 1 and self.chance < CHANCE

    @property
    def group(self) -> FiniteGroup:
        """The group itself.

        Raises:
            GroupError: it has more than 4,096 elements.
        """
        return FiniteGroup.from_permutations(self.generators)

    def discovery(self) -> Discovery:
        """The finding for `discover`: exact, without noise."""
        words = "The rows are a complete table: the same rows after every element, exactly."
        notes = (words, *self.notes) if self.order > 1 else self.notes
        return proven_discovery(
            list(self.generators), self.order, self.dim, p_value=self.chance, notes=notes
        )


def exact_symmetries(
    rows: ArrayLike,
    counts: ArrayLike | None = None,
    signed: bool = False,
    deadline: float | None = None,
    labels: ArrayLike | None = None,
) -> ExactSymmetries:
    """Find all permutations of coordinates, perhaps with signs, that leave the rows the same.

    Equal rows are one row that occurs more often; a permutation is a symmetry if every row occurs
    as often as its image. Floats are equal within 1e-12 of the largest of their column. Constant
    columns stay, and copies of a column, or of its negative with signs, go where that column goes.

    **Chance.** A table that lists all there is has its symmetries for certain; rows drawn at
    random may have some by accident. `chance` bounds that, for the weakest element of prime order,
    times the number of elements like it on as many coordinates.

    - Rows drawn independently from any law whatever: given how many fall into each cycle of rows,
      the numbers in it are multinomial, and all equal with at most the probability of equally
      likely rows. Two of three coins may show the same numbers of everything in 200 throws; that
      is chance, and not believed.
    - If all rows occur equally often, once for example, draws are no good model, and the bound is
      the smaller of the former and this one. Take the table for rows drawn at random, without
      repetition, from all that arise from its rows by exchanging entries of columns of equal
      marginal distribution: how likely is such a set closed? That is 1 where all of them are there,
      as in a full factorial design, which has symmetries enough and is evidence of none.
    - If weights are no whole numbers: the smaller of the latter, and of the probability that
      weights dealt to the same rows at random are as symmetric.

    Rows without repetition that are nearly all there are cannot be told from a complete table, nor
    can a sample whose repetitions were removed: the answer is about the table that is given.

    Args:
        rows: (N, d), finite.
        counts: (N,), >= 0, how often each row counts; None counts each once.
        signed: may coordinates change sign?
        deadline: on the clock of `time.monotonic`; None for none.
        labels: (N,), that a symmetry must keep.

    Returns:
        The group, and how likely chance is to show one.

    Raises:
        InputError: wrong shapes, NaN, or no rows.

    Cost:
        O(N d log(N d)), more where BLISS has much to search; O(N d) memory.

    Example:
        >>> squares = [[1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3]]
        >>> exact_symmetries(squares).order
        4
    """
    values, weights, marks = _checked(rows, counts, labels)
    codes, _ = encode(values, EQUAL)
    columns = Columns.of(codes, signed=signed)
    kept = columns.kept
    if len(kept) < (1 if signed else 2):
        return _answer((), 1, 1.0, columns, signed=signed)
    table, inverse = np.unique(
        np.column_stack([marks, codes[:, kept]]), axis=0, return_inverse=True
    )
    times = np.bincount(inverse.ravel(), weights=weights).astype(np.float64)
    marks, distinct = table[:, 0], np.ascontiguousarray(table[:, 1:])
    copies = np.array([len(each) for each in columns.followers])
    found = row_automorphisms(
        distinct, classes(marks, _equal(times)), copies, signed=signed, deadline=deadline
    )
    if found is None:
        return _answer((), 1, 1.0, columns, signed=signed, complete=False)
    elements = prime_elements(found.generators, found.order, len(kept))
    chance = _chance(elements, distinct, times, marks)
    return _answer(found.generators, found.order, chance, columns, signed=signed)


def _equal(times: Array) -> Points:
    """Numbers of the weights that occur."""
    return classes(encode(times[:, None], EQUAL)[0].ravel())


def _chance(elements: list[Element], rows: Points, times: Array, marks: Points) -> float:
    """The chance of the likeliest element."""
    often = _equal(times)
    whole = np.array_equal(times, np.rint(times))
    logs = []
    for element in elements:
        here = [0.0]
        if whole:
            here.append(repeats_chance(element, rows, times))
        else:
            here.append(shuffle_chance(element, rows, often))
        if not whole or np.ptp(often) == 0:
            here.append(rearrangement_chance(element, rows, marks))
        logs.append(min(here))
    return max(math.exp(max(logs, default=0.0)), sys.float_info.min)


def _answer(
    generators: tuple[Points, ...],
    order: int,
    chance: float,
    columns: Columns,
    *,
    signed: bool,
    complete: bool = True,
) -> ExactSymmetries:
    dim = len(columns.copies)
    wide = [columns.widen(images) for images in generators]
    images = np.array(wide, dtype=np.int64).reshape(-1, 2 * dim if signed else dim)
    return ExactSymmetries(images, order, complete, chance, dim, columns.notes())


def _checked(
    rows: ArrayLike, counts: ArrayLike | None, labels: ArrayLike | None = None
) -> tuple[Array, Array, Points]:
    """Rows that count, how often, and numbers of their labels."""
    values = as_array("rows", rows).astype(np.float64)
    if values.ndim != 2 or 0 in values.shape:
        refuse(_WHO, "rows", "of shape (N, d), neither 0", values.shape, "pass a table")
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        refuse(_WHO, "rows", "finite", f"{values[place]} at {place}", "clean the data first")
    beside = [np.ones(len(values)) if counts is None else as_array("counts", counts)]
    beside.append(
        np.zeros(len(values)) if labels is None else as_array("labels", as_labels(labels))
    )
    for name, each in zip(("counts", "labels"), beside, strict=True):
        if each.shape != (len(values),):
            refuse(_WHO, name, f"of shape ({len(values)},), one per row", each.shape, "reshape it")
    weights = beside[0].astype(np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        refuse(_WHO, "counts", "finite, >= 0 and not all 0", weights, "pass how often rows count")
    marks = np.unique(beside[1], return_inverse=True)[1].astype(np.int64)
    used = weights > 0
    return values[used], weights[used], marks[used]


def is_possibly_complete(
    rows: ArrayLike, counts: ArrayLike | None = None, signed: bool = False
) -> bool:
    """Tell quickly whether the rows can have an exact symmetry at all.

    An exact symmetry leaves sums over all rows unchanged: two columns that change places have the
    same sums of sizes and of squares, also weighted with sums over the rows of such numbers, and a
    column that changes sign has sums 0. Samples of continuous variables fail at once, those of
    discrete ones nearly always.

    Args:
        rows: (N, d), finite.
        counts: (N,), >= 0, how often each row counts; None counts each once.
        signed: may coordinates change sign?

    Returns:
        False only if no permutation of different columns leaves the rows the same.

    Cost:
        O(N d) time and memory.

    Example:
        >>> is_possibly_complete(np.random.default_rng(0).standard_normal((1000, 5)))
        False
    """
    values, weights, _ = _checked(rows, counts)
    values = values[:, np.ptp(values, axis=0) > 0]
    scales = np.abs(values).max(axis=0)
    values, share = values / scales, weights / weights.sum()
    squares = values**2
    even, odd = [np.log(scales), share @ squares], [share @ values]
    for _ in range(_ROUNDS):
        # The same for a row and its image: a sum over the columns, of marks that they share.
        beside = share * np.cos(squares @ (1 + even[-1]))
        even.append(beside @ squares)
        odd.append(beside @ values)
    if signed and (np.abs(odd).max(axis=0) < _CLOSE).any():
        return True
    marks = np.array([*even, *(np.abs(odd) if signed else odd)])
    near = (np.abs(marks[:, :, None] - marks[:, None]) < _CLOSE).all(axis=0)
    pairs = np.argwhere(np.triu(near, 1))
    return any(not _is_copy(values[:, i], values[:, j], signed=signed) for i, j in pairs)


def _is_copy(one: Array, other: Array, *, signed: bool) -> bool:
    return np.array_equal(one, other) or (signed and np.array_equal(one, -other))
