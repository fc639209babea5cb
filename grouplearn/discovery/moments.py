"""Moments of a stream, with a bounded sample of it for everything that sums cannot tell."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from jaxtyping import Float, Int, Integer
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import positive_int, refuse
from grouplearn.discovery.arrays import as_array, assert_moderate
from grouplearn.discovery.reservoir import Reservoir, Sample

GROUPS = 32
LEAST_GROUPS = 8
_FINER = 4
KEEP = 1 << 16
_ENTRIES = 1 << 22
_CHUNK = 1 << 15
_WHO = "MomentAccumulator"


@final
class MomentAccumulator:
    """Moments of samples that come in batches, in one pass and in bounded memory.

    Blocks of dependent samples (the patches of one image, the windows of one sequence) are dealt
    at random to B groups. For each group the weight, the sum of x, the sum of x x^T and that of
    x^2 x^T (squares of the coordinates times coordinates, the third moments of pairs) are kept, in
    float64; the spread between the groups measures sampling noise. Third moments of triples,
    fourth moments and kernel tests use a uniform sample of at most `keep` rows.

    Accumulators of one seed merge: the sums add, and the samples unite to the rows of lowest
    random key, so that the order of merging changes nothing but rounding.

    Args:
        dim: d, the number of coordinates that a group acts on.
        channels: c; a sample has c * d entries, channel-major, and the group moves the coordinates
            of every channel alike.
        groups: B >= 8; fewer cannot tell noise from a violation.
        keep: the most rows kept; None takes 65,536, or more where that is no more than four million
            numbers.
        seed: of the dealing and of the sample.

    Raises:
        InputError: an argument is out of its range.

    Cost:
        O(D^2) time per sample with D = c d; O(B D^2 + keep D) memory.

    References:
        Chan, Golub, LeVeque, 1983, Algorithms for computing the sample variance.
        Cohen, Kaplan, 2007, Summarizing data using bottom-k sketches.

    Example:
        >>> moments = MomentAccumulator(2).add([[1.0, 2.0], [3.0, 6.0]])
        >>> moments.count, moments.mean().tolist()
        (2.0, [2.0, 4.0])
    """

    def __init__(
        self,
        dim: int,
        *,
        channels: int = 1,
        groups: int = GROUPS,
        keep: int | None = None,
        seed: int = 0,
    ) -> None:
        self.dim = positive_int(_WHO, "dim", dim)
        self.channels = positive_int(_WHO, "channels", channels)
        self.groups = positive_int(_WHO, "groups", groups, minimum=LEAST_GROUPS)
        most = max(KEEP, _ENTRIES // (self.dim * self.channels)) if keep is None else keep
        self.keep = positive_int(_WHO, "keep", most)
        self.seed = positive_int(_WHO, "seed", seed, minimum=0)
        self.samples = 0
        size = self.dim * self.channels
        self.weights = np.zeros(self.groups)
        self.sums = np.zeros((self.groups, size))
        self.products = np.zeros((self.groups, size, size))
        self.cubes = np.zeros((self.groups, size, size))
        self.triples: Float[np.ndarray, "B D D D"] | None = None
        self.has_blocks = False
        self._labelled: bool | None = None
        self._reservoir = Reservoir(self.keep, size, self.groups)

    @property
    def size(self) -> int:
        """D = channels * dim, the entries of a sample."""
        return self.channels * self.dim

    @property
    def count(self) -> float:
        """The total weight of the samples."""
        return float(self.weights.sum())

    def add(
        self,
        samples: ArrayLike | Tensor,
        *,
        weights: ArrayLike | Tensor | None = None,
        blocks: ArrayLike | Tensor | None = None,
        labels: ArrayLike | Tensor | None = None,
    ) -> MomentAccumulator:
        """Take in a batch.

        Args:
            samples: (N, D), numbers; a memory map is read a slice at a time.
            weights: (N,), >= 0, how often each row counts; None counts each once.
            blocks: (N,), integers that name the block of each row, the same over all batches;
                None makes each row a block of its own.
            labels: (N,), numbers that the wanted action keeps.

        Returns:
            This accumulator.

        Raises:
            InputError: wrong shape or type, NaN or infinite entries (the position is named).
        """
        rows = as_array("samples", samples)
        if rows.ndim != 2 or rows.shape[1] != self.size:
            refuse(_WHO, "samples", f"of shape (N, {self.size})", tuple(rows.shape), "reshape them")
        count = len(rows)
        beside = (
            _beside("weights", weights, count),
            _beside("blocks", blocks, count),
            _beside("labels", labels, count),
        )
        if beside[0] is not None and beside[0].min(initial=0.0) < 0:
            refuse(_WHO, "weights", ">= 0", float(beside[0].min()), "pass counts")
        if self._labelled not in (None, labels is not None):
            refuse(_WHO, "labels", "given with every batch or with none", "a mixture", "pass all")
        self._labelled = labels is not None
        self.has_blocks |= blocks is not None
        for start in range(0, count, _CHUNK):
            part = slice(start, start + _CHUNK)
            self._take(
                _finite_rows(rows[part], start), *(b if b is None else b[part] for b in beside)
            )
        return self

    def add_moments(
        self,
        group: int,
        weight: float,
        total: Float[np.ndarray, " D"],
        products: Float[np.ndarray, "D D"],
        cubes: Float[np.ndarray, "D D"],
    ) -> MomentAccumulator:
        """Take in sums that a domain has computed faster than row by row; the sample is not fed.

        Args:
            group: the bootstrap group, see `group_of`.
            weight: the number of samples.
            total: (D,), their sum.
            products: (D, D), the sum of x x^T.
            cubes: (D, D), the sum of (x * x) x^T.

        Returns:
            This accumulator.
        """
        self.weights[group] += weight
        self.sums[group] += total
        self.products[group] += products
        self.cubes[group] += cubes
        self.samples += round(weight)
        return self

    def add_triples(self, triples: Float[np.ndarray, "B D D D"]) -> MomentAccumulator:
        """Take in the third moments of all samples seen so far, where a domain can count them.

        They then stand in for those of the sample kept, until samples are added.

        Args:
            triples: (B, D, D, D), for each bootstrap group the sum of x_i x_j x_k.

        Returns:
            This accumulator.
        """
        self.triples = triples
        return self

    def keep_rows(
        self,
        rows: Float[np.ndarray, "rows D"],
        blocks: Int[np.ndarray, " rows"],
        first: int = 0,
    ) -> MomentAccumulator:
        """Offer rows to the sample alone; goes with `add_moments`.

        Args:
            rows: (R, D), drawn uniformly from the samples of their batch.
            blocks: (R,), the block of each row.
            first: the number of rows offered before; it goes into the random keys.

        Returns:
            This accumulator.
        """
        index = np.arange(first, first + len(rows), dtype=np.uint64)
        ones = np.ones(len(rows))
        units = self._unit_of(blocks)
        self._reservoir.offer(_keys(index, rows, self.seed), rows, ones, units, None)
        return self

    def offer(self, kept: Sample) -> MomentAccumulator:
        """Offer the rows of another accumulator's sample to this one's.

        Args:
            kept: rows of D entries, with their groups.

        Returns:
            This accumulator.
        """
        index = np.arange(len(kept.rows), dtype=np.uint64)
        keys = _keys(index, kept.rows, self.seed)
        units = kept.groups if kept.units is None else kept.units
        self._reservoir.offer(keys, kept.rows, kept.weights, units, kept.labels)
        return self

    def group_of(self, blocks: Integer[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
        """The bootstrap group that each block is dealt to.

        Args:
            blocks: integers that name blocks.

        Returns:
            Integers from 0 to groups - 1, of the same shape.
        """
        return self._unit_of(blocks) % self.groups

    def _unit_of(self, blocks: Integer[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
        """The units of the finer division, in which the rows kept are tested."""
        mixed = _mix(np.asarray(blocks).astype(np.int64).view(np.uint64), self.seed + 1)
        return (mixed % np.uint64(_FINER * self.groups)).astype(np.int64)

    def _take(
        self,
        rows: NDArray[np.float64],
        weights: NDArray[np.float64] | None,
        blocks: NDArray[np.int64] | None,
        labels: NDArray[np.float64] | None,
    ) -> None:
        index = np.arange(self.samples, self.samples + len(rows), dtype=np.uint64)
        self.samples += len(rows)
        self.triples = None
        units = self._unit_of(np.asarray(index if blocks is None else blocks))
        groups = units % self.groups
        counts = np.ones(len(rows)) if weights is None else weights
        order = np.argsort(groups, kind="stable")
        edges = np.searchsorted(groups[order], np.arange(self.groups + 1))
        for group in np.flatnonzero(np.diff(edges)):
            members = order[edges[group] : edges[group + 1]]
            x, w = rows[members], counts[members]
            weighted = x if weights is None else x * w[:, None]
            self.weights[group] += w.sum()
            self.sums[group] += weighted.sum(0)
            self.products[group] += weighted.T @ x
            self.cubes[group] += (weighted * x).T @ x
        real = slice(None) if weights is None else np.flatnonzero(counts)
        keys = _keys(index[real], rows[real], self.seed)
        self._reservoir.offer(keys, rows[real], counts[real], units[real], _at(labels, real))

    def merge(self, other: MomentAccumulator) -> MomentAccumulator:
        """Take in all that another accumulator has seen.

        Args:
            other: with the same dim, channels, groups, keep and seed.

        Returns:
            This accumulator.

        Raises:
            InputError: the two differ in an argument of their construction.
        """
        mine = (self.dim, self.channels, self.groups, self.keep, self.seed)
        theirs = (other.dim, other.channels, other.groups, other.keep, other.seed)
        if mine != theirs:
            refuse(
                "MomentAccumulator.merge", "other", f"built with {mine}", theirs,
                "give both the same dim, channels, groups, keep and seed",
            )  # fmt: skip
        self.samples += other.samples
        self.has_blocks |= other.has_blocks
        self.weights += other.weights
        self.sums += other.sums
        self.products += other.products
        self.cubes += other.cubes
        if self.triples is not None:
            self.triples = None if other.triples is None else self.triples + other.triples
        self._reservoir.unite(other._reservoir)
        return self

    def mean(self) -> Float[np.ndarray, " D"]:
        """The mean of the samples, (D,)."""
        return np.asarray(self.sums.sum(0) / self._positive_count())

    def covariance(self) -> Float[np.ndarray, "D D"]:
        """The covariance of the samples, (D, D), with weight 1 / N."""
        mean = self.mean()
        return np.asarray(self.products.sum(0) / self._positive_count() - np.outer(mean, mean))

    def sample(self) -> Sample:
        """The rows kept, in an order that does not depend on the order of merging."""
        return self._reservoir.sample()

    def _positive_count(self) -> float:
        if self.count <= 0:
            refuse(_WHO, "samples", "at least one", "none", "call add first")
        return self.count


def _beside(argument: str, value: Any, count: int) -> NDArray[Any] | None:
    if value is None:
        return None
    array = as_array(argument, value)
    if array.shape != (count,):
        refuse(_WHO, argument, f"of shape ({count},), one per sample", array.shape, "reshape it")
    if argument == "blocks":
        if array.dtype.kind not in "iu":
            refuse(_WHO, argument, "integers", f"dtype {array.dtype}", "number the blocks")
        return array.astype(np.int64)
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        position = int(np.flatnonzero(~np.isfinite(array))[0])
        refuse(_WHO, argument, "finite", f"{array[position]} at {position}", "clean the data first")
    return array


def _finite_rows(rows: NDArray[Any], start: int) -> NDArray[np.float64]:
    values = np.ascontiguousarray(rows, dtype=np.float64)
    if not np.isfinite(values).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        refuse(
            _WHO, "samples", "finite", f"{values[row, column]} at ({start + row}, {column})",
            "clean the data first",
        )  # fmt: skip
    assert_moderate(_WHO, values, all_rows=False)
    return values


def _mix(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: a bijection of 64-bit words that looks random."""
    z = values + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _keys(index: NDArray[np.uint64], rows: NDArray[np.float64], seed: int) -> NDArray[np.uint64]:
    """Random keys that depend on the row's number and content, so that merging sees no ties."""
    bits = (rows + 0.0).view(np.uint64)
    content = np.zeros(len(rows), dtype=np.uint64)
    for column in bits.T:
        content = content * np.uint64(0x9E3779B97F4A7C15) + column
    return _mix(_mix(index, seed) ^ _mix(content, seed), seed)


def _at(values: NDArray[Any] | None, where: Any) -> NDArray[Any] | None:
    return None if values is None else values[where]
