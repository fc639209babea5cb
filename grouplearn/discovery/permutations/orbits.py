"""Discovery from rows that come in whole orbits."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.arrays import as_array
from grouplearn.discovery.permutations.coding import Columns, encode
from grouplearn.discovery.permutations.coincidence import (
    prime_elements,
    rearrangement_chance,
    shuffle_chance,
)
from grouplearn.discovery.permutations.coloured import RowChecker, RowGroup, row_automorphisms
from grouplearn.discovery.permutations.proven import closure_rung, group_of, proven_discovery
from grouplearn.discovery.result import Discovery, Rung

_WHO = "discover_from_orbits"
_TRIED = 4
_SHOWN = 6
_UNEQUAL = 1000
_ALIKE = 3

Points = NDArray[np.int64]


def discover_from_orbits(
    samples: ArrayLike | Tensor,
    orbits: ArrayLike | Tensor,
    *,
    tolerance: float = 1e-9,
    seed: int = 0,
    time_budget: float | None = None,
) -> Discovery:
    """Find the largest group of permutations of coordinates under which given orbits are closed.

    Rows of one orbit share a number, and every orbit is complete: with x it holds rho(g) x for all
    g of the group, in any order, perhaps more than once. The group is then the one that keeps the
    set of rows of each orbit, and finding it is no matter of statistics: the finding is exact,
    with violation, noise and effect 0, and holds for the rows as they are given. An orbit may also
    be a union of orbits. The p-value is a bound on the probability that the same rows with
    shuffled orbit numbers would be closed under an element as good (for a single orbit, that as
    many other arrangements of its values would be).

    One missing row, or one wrong number, breaks the symmetry. Where some orbits alone are closed
    under more than all are, the ladder holds the group of those, and a note says how many orbits
    it leaves open, and which.

    Constant coordinates stay, and copies of a coordinate go where it goes.

    Args:
        samples: (N, d), finite.
        orbits: (N,), integers.
        tolerance: of rounding, relative to the largest entry of a column; it must be far smaller
            than the distance of unequal entries.
        seed: of the choice of orbits that are asked alone.
        time_budget: seconds, after which nothing is claimed; None for no limit.

    Returns:
        The group, how it acts, and in the ladder the nearest that is not claimed.

    Raises:
        InputError: wrong shapes or types, NaN, no orbit of two different rows, or a tolerance that
            cannot tell values apart.

    Cost:
        O(N d log(N d)) for each generator and round; O(N d) memory.

    Example:
        >>> patches = np.random.default_rng(0).standard_normal((20, 5))
        >>> shifts = np.concatenate([np.roll(patches, k, axis=1) for k in range(5)])
        >>> discover_from_orbits(shifts, np.tile(np.arange(20), 5)).group.name
        'C5'
    """
    start = time.monotonic()
    values, names, numbers = _checked(samples, orbits)
    room = finite_number(_WHO, "tolerance", tolerance)
    rng = np.random.default_rng(positive_int(_WHO, "seed", seed, minimum=0))
    deadline = None
    if time_budget is not None:
        deadline = start + finite_number(_WHO, "time_budget", time_budget, positive=True)
    codes, blurred = encode(values, room)
    if blurred:
        refuse(_WHO, "tolerance", "smaller than the distance of unequal entries", tolerance,
               "pass a smaller one")  # fmt: skip
    columns = Columns.of(codes, signed=False)
    if len(columns.kept) < 2:
        what = " ".join([f"{len(columns.kept)} of {values.shape[1]}:", *columns.notes()])
        refuse(_WHO, "samples", "of two or more different columns", what, "pass more columns")
    rows = _Orbits.of(codes, numbers, names, columns)
    if (np.bincount(rows.numbers) < 2).all():
        refuse(_WHO, "orbits", "of two or more different rows, at least one of them",
               "orbits of one row each", "give rows of one orbit the same number")  # fmt: skip
    found = rows.group(deadline=deadline)
    if found is None:
        note = "The time budget ended the search: nothing was found, and nothing excluded."
        return proven_discovery((), 1, len(columns.copies), notes=(note, *columns.notes()))
    scales = np.abs(values[:, columns.kept]).max(axis=0)
    if scales.max() < _UNEQUAL * scales.min():
        # Where rows are missing, columns may differ in their largest entry.
        codes = encode(values, room, common=True)[0]
    near = _Orbits.of(codes, numbers, names, columns).nearest(found, rng, deadline)
    return _finding(rows, found, near)


def _checked(
    samples: ArrayLike | Tensor, orbits: ArrayLike | Tensor
) -> tuple[Float[np.ndarray, "N d"], Int[np.ndarray, " orbits"], Int[np.ndarray, " N"]]:
    """The rows, the names of the orbits, and the position of each row's among them."""
    values = as_array("samples", samples)
    if values.ndim != 2 or 0 in values.shape or values.shape[1] < 2:
        refuse(_WHO, "samples", "of shape (N, d) with N >= 1 and d >= 2", tuple(values.shape),
               "flatten each sample to a row")  # fmt: skip
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        refuse(_WHO, "samples", "finite", f"{values[row, column]} at ({row}, {column})",
               "clean the data first")  # fmt: skip
    numbers = as_array("orbits", orbits)
    if numbers.shape != (len(values),):
        refuse(_WHO, "orbits", f"of shape ({len(values)},), one per row", tuple(numbers.shape),
               "number the orbit of each row")  # fmt: skip
    if numbers.dtype.kind not in "iu":
        refuse(_WHO, "orbits", "integers", f"dtype {numbers.dtype}", "number the orbits")
    names, positions = np.unique(numbers, return_inverse=True)
    return values, names, positions.astype(np.int64)


@final
@dataclass(frozen=True, eq=False)
class _Orbits:
    """Different rows with the orbit of each, without the columns that were set aside."""

    rows: Int[np.ndarray, "N k"]
    numbers: Int[np.ndarray, " N"]
    names: Int[np.ndarray, " orbits"]
    columns: Columns

    @staticmethod
    def of(codes: Points, numbers: Points, names: Points, columns: Columns) -> _Orbits:
        """Each row once."""
        table = np.unique(np.column_stack([numbers, codes[:, columns.kept]]), axis=0)
        return _Orbits(np.ascontiguousarray(table[:, 1:]), table[:, 0], names, columns)

    @property
    def dim(self) -> int:
        return len(self.columns.copies)

    def group(self, among: Points | None = None, deadline: float | None = None) -> RowGroup | None:
        """The group that keeps the orbits, all or some; None when time ran out."""
        here = slice(None) if among is None else np.isin(self.numbers, among)
        copies = np.array([len(each) for each in self.columns.followers])
        return row_automorphisms(self.rows[here], self.numbers[here], copies, deadline=deadline)

    def alone(self, among: Points) -> RowGroup | None:
        """The group that keeps some orbits, without exchanges that change none of their rows.

        It acts on all columns; those that are constant in these orbits stay.
        """
        here = np.isin(self.numbers, among)
        columns = Columns.of(self.rows[here], signed=False)
        copies = [len(each) for each in self.columns.followers]
        kinds: dict[tuple[int, ...], int] = {}
        alike = [tuple(copies[i] for i in each) for each in columns.followers]
        colours = np.array([kinds.setdefault(each, len(kinds)) for each in alike], dtype=np.int64)
        rows = np.ascontiguousarray(self.rows[here][:, columns.kept])
        found = None
        if len(colours) > 1:
            found = row_automorphisms(rows, self.numbers[here], colours)
        if found is None:
            return None
        wide = (self.columns.widen(columns.widen(images)) for images in found.generators)
        return RowGroup(tuple(wide), found.order)

    def nearest(
        self, found: RowGroup, rng: np.random.Generator, deadline: float | None
    ) -> tuple[RowGroup, Points] | None:
        """A larger group, on all columns, and the positions of the few orbits it does not keep.

        If the largest orbits alone have no more symmetry than all, there is none. Else random
        halves, quarters and so on, down to single orbits, are asked for their groups: a part
        without a wrong orbit has the larger one. The generator that keeps most orbits then tells
        which are wrong.
        """
        sizes = np.bincount(self.numbers)
        every, order = np.arange(len(sizes)), rng.permutation(len(sizes))
        largest = order[np.argsort(-sizes[order], kind="stable")][:_ALIKE]
        single = [self.alone(orbit) for orbit in largest[:, None]]
        if found.order > 1 and all(g is not None and g.order == found.order for g in single):
            return None
        checker, wrong = RowChecker(self.rows, self.numbers), every
        parts = 2
        while len(wrong) == len(every) and parts < 2 * len(every):
            for part in np.array_split(order, min(parts, len(every)))[:_TRIED]:
                if deadline is not None and time.monotonic() > deadline:
                    return None
                group = self.group(part)
                for images in () if group is None else group.generators:
                    moved = checker.moved_by(images)
                    if 0 < len(moved) < len(wrong) and self._speak_for(images, moved, found):
                        wrong = moved
            parts *= 2
        right = np.setdiff1d(every, wrong)
        larger = self.alone(right) if len(right) else None
        return (larger, wrong) if larger is not None and larger.order > found.order else None

    def _speak_for(self, images: Points, moved: Points, found: RowGroup) -> bool:
        """Do at least two orbits speak for a permutation, and more than against a known group?"""
        changed = (self.rows[:, images] != self.rows).any(axis=1)
        kept = np.setdiff1d(self.numbers[changed], moved)
        return len(kept) >= 2 and (found.order == 1 or len(kept) > len(moved))

    def p_value(self, found: RowGroup) -> float:
        """The chance that orbits without symmetry are closed under its weakest element."""
        logs = [0.0] if found.order == 1 else []
        for element in prime_elements(found.generators, found.order, self.rows.shape[1]):
            chance = rearrangement_chance if len(self.names) == 1 else shuffle_chance
            logs.append(min(0.0, chance(element, self.rows, self.numbers)))
        return max(math.exp(max(logs)), sys.float_info.min)


def _finding(rows: _Orbits, found: RowGroup, near: tuple[RowGroup, Points] | None) -> Discovery:
    """The claim, with the nearest group that some orbits deny."""
    notes = [f"Every orbit ({len(rows.names)} in all) is closed under every element, exactly."]
    if found.order == 1:
        notes = ["No permutation of the coordinates keeps every orbit."]
    rung = None
    if near is not None:
        wider, left = near
        group = group_of(wider.generators, wider.order)
        part = len(left) / len(rows.names)
        rung = closure_rung(group, wider.order, wider.generators, rows.dim, violation=part)
        notes.append(_left_open(rung, rows.names, left))
    elif found.order == 1:
        seen = "No permutation was seen that keeps even two of them; "
        notes.append(f"{seen}if equal entries differ by rounding, pass a larger tolerance.")
    return proven_discovery(
        [rows.columns.widen(images) for images in found.generators],
        found.order,
        rows.dim,
        nearest=rung,
        p_value=rows.p_value(found),
        notes=(*notes, *rows.columns.notes()),
    )


def _left_open(rung: Rung, names: Points, left: Points) -> str:
    words = [str(name) for name in names[left[:_SHOWN]]]
    shown = ", ".join([*words, "..."] if len(left) > _SHOWN else words)
    orbits = f"orbit {shown}" if len(left) == 1 else f"orbits {shown}"
    return (
        f"{rung.name} (order {rung.order}) keeps all but {len(left)} of {len(names)} orbits and "
        f"leaves open {orbits}: look there for missing rows or wrong numbers."
    )
