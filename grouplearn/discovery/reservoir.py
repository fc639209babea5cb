"""A uniform sample of a stream that does not depend on how the stream was cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

_Part: TypeAlias = tuple[
    NDArray[np.uint64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.float64] | None,
]


@final
@dataclass(frozen=True)
class Sample:
    """Rows kept from a stream, every row equally likely.

    Attributes:
        rows: (R, D), float64.
        weights: (R,), float64, how often each row counts.
        groups: (R,), int64, the bootstrap group of each row; rows of one block share it.
        labels: (R,), float64, or None.
        units: (R,), int64, a finer division, of which every part lies in one group; or None.
    """

    rows: Float[np.ndarray, "rows D"]
    weights: Float[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    labels: Float[np.ndarray, " rows"] | None
    units: Int[np.ndarray, " rows"] | None = None


@final
class Reservoir:
    """The rows of lowest key among all that were offered."""

    def __init__(self, keep: int, size: int, groups: int) -> None:
        self._keep, self._groups = keep, groups
        self._bound: np.uint64 | None = None
        self._parts: list[_Part] = []
        self._held = 0
        self._settled = True
        self._empty = (
            np.empty(0, dtype=np.uint64), np.empty((0, size)), np.empty(0),
            np.empty(0, dtype=np.int64), None,
        )  # fmt: skip

    def offer(
        self,
        keys: NDArray[np.uint64],
        rows: NDArray[np.float64],
        weights: NDArray[np.float64],
        units: NDArray[np.int64],
        labels: NDArray[np.float64] | None,
    ) -> None:
        """Take in rows with their random keys; drop what cannot be among the lowest."""
        low = np.arange(len(keys))
        if self._bound is not None:
            low = np.flatnonzero(keys <= self._bound)
        # Fancy indexing copies: the caller may use its buffer again.
        part = (keys[low], rows[low], weights[low], units[low], _at(labels, low))
        self._parts.append(part)
        self._held += len(part[0])
        self._settled = False
        if self._held > 2 * self._keep:
            self._shrink()

    def unite(self, other: Reservoir) -> None:
        """Take in what another reservoir holds."""
        for part in tuple(other._parts):
            self.offer(*part)

    def sample(self) -> Sample:
        """The rows of lowest key, in the order of their keys."""
        self._shrink()
        _, rows, weights, units, labels = self._parts[0] if self._parts else self._empty
        return Sample(rows, weights, units % self._groups, labels, units)

    def _shrink(self) -> None:
        """Unite the parts, sorted by key, and drop all but the lowest `keep`."""
        if self._settled:
            return
        self._settled = True
        labels = None
        if self._parts[0][4] is not None:
            labels = np.concatenate([part[4] for part in self._parts if part[4] is not None])
        keys = np.concatenate([part[0] for part in self._parts])
        low = np.argsort(keys, kind="stable")[: self._keep]
        rows = np.concatenate([part[1] for part in self._parts])[low]
        weights = np.concatenate([part[2] for part in self._parts])[low]
        units = np.concatenate([part[3] for part in self._parts])[low]
        self._parts = [(keys[low], rows, weights, units, _at(labels, low))]
        self._held = len(low)
        if self._held == self._keep:
            self._bound = keys[low][-1]


def _at(values: NDArray[Any] | None, where: Any) -> NDArray[Any] | None:
    return None if values is None else values[where]
