"""Distances of actions, whether labels tell them apart, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from grouplearn.interpret import spectral_distance

Array = NDArray[np.float64]
Names = NDArray[np.str_]
DRAWS = 9_999
CLAIMS = {"consistent": "between starts", "sets": "between sets", "tasks": "between tasks"}


def by_matrix(first: Array, second: Array) -> float:
    """How far matrices are apart, in units of their norm."""
    return float(np.linalg.norm(first - second)) / len(first) ** 0.5


DISTANCES: dict[str, Callable[[Array, Array], float]] = {
    "matrix": by_matrix, "spectrum": spectral_distance,
}  # fmt: skip


def all_apart(actions: Sequence[Array], delta: Callable[[Array, Array], float]) -> Array:
    """The distances of all pairs, whichever of A and A^-1 is called the generator."""
    sides = [(each, scaled(np.asarray(np.linalg.inv(each), dtype=np.float64))) for each in actions]
    found = np.zeros((len(actions), len(actions)))
    for i, j in zip(*np.triu_indices(len(actions), 1), strict=True):
        found[i, j] = found[j, i] = min(delta(a, b) for a in sides[i] for b in sides[j])
    return found


def scaled(matrix: Array) -> Array:
    """Of norm sqrt(d)."""
    return np.asarray(matrix * len(matrix) ** 0.5 / np.linalg.norm(matrix))


@dataclass(frozen=True)
class Measured:
    """Distances of the networks of one structure and start, after training and before."""

    after: Array
    before: Array
    sets: Names
    tasks: Names

    def part(self, kept: NDArray[np.int64]) -> Measured:
        """Of some networks."""
        pairs = np.ix_(kept, kept)
        return Measured(self.after[pairs], self.before[pairs], self.sets[kept], self.tasks[kept])

    def means(self) -> dict[str, float]:
        """The mean distances, by name."""
        set_, task = (same(names) for names in (self.sets, self.tasks))
        cell = set_ & task & ~np.eye(len(set_), dtype=bool)
        return {
            "between starts": float(self.before[cell].mean()),
            "within": float(self.after[cell].mean()),
            "between sets": float(self.after[task & ~set_].mean()),
            "between tasks": float(self.after[set_ & ~task].mean()),
        }

    def gap(self, claim: str) -> float:
        """What the claim says is positive."""
        means = self.means()
        return means[CLAIMS[claim]] - means["within"]

    def half(self, claim: str) -> float:
        """Half the width of the gap's interval, by the jackknife."""
        cells = self.cells()
        every, variance, freedom = np.arange(len(self.sets)), 0.0, 0
        for cell in cells:
            left = np.array([self.part(np.delete(every, k)).gap(claim) for k in cell])
            variance += (len(cell) - 1) / len(cell) * float(np.square(left - left.mean()).sum())
            freedom += len(cell) - 1
        return float(t.ppf(0.975, freedom)) * variance**0.5

    def cells(self) -> list[NDArray[np.int64]]:
        """The networks of each set and task."""
        pairs = sorted(set(zip(self.sets.tolist(), self.tasks.tolist(), strict=True)))
        return [np.flatnonzero((self.sets == s) & (self.tasks == task)) for s, task in pairs]

    def p_value(self, claim: str) -> float:
        """Of no such gap."""
        if claim == "consistent":
            return flipped([self.part(cell) for cell in self.cells()])
        labels, strata = (self.sets, self.tasks) if claim == "sets" else (self.tasks, self.sets)
        return permuted(self.after, labels, strata)


def same(names: Names) -> NDArray[np.bool_]:
    """Which pairs have one name."""
    return np.asarray(names[:, None] == names)


def flipped(cells: Sequence[Measured]) -> float:
    """How often flips of the cells' differences reach their mean: before minus after, all flips."""
    pairs = [np.triu_indices(len(cell.sets), 1) for cell in cells]
    gaps = np.array([
        cell.before[pair].mean() - cell.after[pair].mean()
        for cell, pair in zip(cells, pairs, strict=True)
    ])  # fmt: skip
    flips = np.arange(2 ** len(gaps))[:, None] >> np.arange(len(gaps)) & 1
    return float(((1 - 2 * flips) @ gaps >= gaps.sum() - 1e-12).mean())


def permuted(apart: Array, labels: Names, strata: Names, draws: int = DRAWS) -> float:
    """How often labels permuted within strata bring those of one label as near together."""
    rng = np.random.default_rng(0)
    within = np.zeros(draws + 1)  # where it is small, the rest, between, is large
    for stratum in sorted(set(strata)):
        rows = np.flatnonzero(strata == stratum)
        others = rng.permuted(np.tile(labels[rows], (draws, 1)), axis=1)
        dealt = np.vstack([labels[rows], others])
        for label in sorted(set(labels)):
            own = (dealt == label).astype(float)
            within += np.einsum("ri,ri->r", own @ apart[np.ix_(rows, rows)], own)
    return float((within <= within[0] + 1e-9).mean())


def holm(values: Sequence[float]) -> list[float]:
    """P-values corrected for their number."""
    order = np.argsort(values)
    steps = np.asarray(values)[order] * np.arange(len(values), 0, -1)
    corrected = np.ones(len(values), dtype=np.float64)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return list(map(float, corrected))
