"""Moments per bootstrap group, as tensors that an action moves, and how far it moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

_FLIPS = 1999

Array = NDArray[np.float64]


class Measure(NamedTuple):
    """How far one element moves one moment.

    Attributes:
        violation: ||g M - M|| / ||M||.
        noise: what sampling noise alone would leave of it, were g a symmetry.
        p_value: how often that noise exceeds the violation, by random signs of the groups.
    """

    violation: float
    noise: float
    p_value: float


@final
@dataclass(frozen=True)
class Move:
    """A permutation of D coordinates, perhaps with signs: (g x)[i] = signs[i] * x[sources[i]]."""

    sources: Int[np.ndarray, " D"]
    signs: Float[np.ndarray, " D"]

    @staticmethod
    def of(points: Int[np.ndarray, " points"], dim: int, channels: int = 1) -> Move:
        """The action of a permutation of d points, or of the 2 d points +i and -i, on all channels.

        Args:
            points: images; of the first d points where signs are to be read off, -i being i + d.
            dim: d.
            channels: c; D = c d.
        """
        images = points[:dim]
        sources = np.argsort(images % dim)
        signs = np.where(images[sources] < dim, 1.0, -1.0)
        shifts = dim * np.repeat(np.arange(channels), dim)
        return Move(np.tile(sources, channels) + shifts, np.tile(signs, channels))


@final
@dataclass(frozen=True)
class Moment:
    """One moment, estimated in each of B bootstrap groups of independent blocks.

    Args:
        kind: what it is evidence of, such as "order 3".
        tensors: (B, ..., D, ..., D); the action moves the last `rank` axes.
        weights: (B,), summing to 1.
        rank: how many axes move.
        metric: (D, D), applied on both sides of a second moment before norms are taken.
        mask: (D, ..., D), which entries count.
        unit: what violations are relative to; the norm of the moment when None.
        even: which of the moving axes, counted from the last, hold squares, blind to signs.
        decisive: can it speak for a symmetry, and not only against one?
    """

    kind: str
    tensors: Float[np.ndarray, "B *axes"]  # noqa: UP037
    weights: Float[np.ndarray, " B"]
    rank: int
    metric: Float[np.ndarray, "D D"] | None = None
    mask: Bool[np.ndarray, "*axes"] | None = None
    unit: float | None = None
    even: tuple[int, ...] = ()
    decisive: bool = True

    @cached_property
    def scale(self) -> float:
        """What violations are relative to."""
        if self.unit is not None:
            return self.unit
        return float(np.linalg.norm(self._flat(self.tensors).sum(0)))

    @cached_property
    def vanishes(self) -> bool:
        """Is the moment itself no more than sampling noise, so that it shows nothing?"""
        parts = self._flat(self.tensors)
        return not parts.any() or _sign_flip_p(parts @ parts.T) >= EXACT_LEVEL

    def measure(self, move: Move) -> Measure:
        """How far a move changes the moment, and how far sampling noise would."""
        parts = self._flat(self._moved(self.tensors, move) - self.tensors)
        total = parts.sum(0)
        size, scale = float(np.linalg.norm(total)), self._local_scale(move)
        if scale == 0 or size <= 1e-10 * self.scale:
            return Measure(0.0, 0.0, 1.0)
        noise = _spread(parts, total, self.weights)
        return Measure(size / scale, noise / scale, _sign_flip_p(parts @ parts.T))

    def distance(self, move: Move) -> float:
        """The violation alone, from all groups together: quicker than `measure`."""
        scale = self._local_scale(move)
        change = self._moved(self._total, move) - self._total
        size = float(np.linalg.norm(self._seen(change[None])))
        return size / scale if scale and size > 1e-10 * self.scale else 0.0

    def _moved(self, tensors: Array, move: Move) -> Array:
        for axis in range(-self.rank, 0):
            tensors = np.take(tensors, move.sources, axis=axis)
            if axis not in self.even and (move.signs < 0).any():
                tensors = tensors * move.signs.reshape(-1, *[1] * (-axis - 1))
        return tensors

    def _local_scale(self, move: Move) -> float:
        """The part of the norm that a move can change at all: entries at coordinates it moves."""
        stays = (move.sources == np.arange(len(move.sources))) & (move.signs > 0)
        if self.metric is not None or self.unit is not None:
            return self.scale * math.sqrt(1 - stays.mean())
        total = self._total if self.mask is None else self._total * self.mask
        rest = total
        for axis in range(-self.rank, 0):
            rest = np.compress(stays, rest, axis=axis)
        return math.sqrt(max(self.scale**2 - float(np.square(rest).sum()), 0.0))

    @cached_property
    def _total(self) -> Array:
        return np.asarray(np.tensordot(self.weights, self.tensors, 1))

    def _seen(self, tensors: Array) -> Array:
        if self.mask is not None:
            tensors = tensors * self.mask
        return tensors if self.metric is None else self.metric @ tensors @ self.metric

    def _flat(self, tensors: Array) -> Array:
        seen = self._seen(tensors)
        return np.asarray(seen.reshape(len(seen), -1) * self.weights[:, None])


EXACT_LEVEL = 0.05
"""A violation is called exact unless noise alone exceeds it more rarely than this."""


def _spread(parts: Array, total: Array, weights: Array) -> float:
    """Root of the trace of the covariance of a weighted mean, from its (B, K) weighted parts."""
    groups = len(parts)
    squares = np.square(parts).sum(1) - 2 * weights * (parts @ total)
    variance = float((squares + weights**2 * (total @ total)).sum())
    return math.sqrt(max(variance, 0.0) * groups / (groups - 1))


def _sign_flip_p(gram: Array) -> float:
    """How often random signs of the groups make a sum as long as the one that was seen."""
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(_FLIPS, len(gram)))
    null = ((signs @ gram) * signs).sum(1)
    return float(1 + np.count_nonzero(null >= gram.sum() * (1 - 1e-9))) / (_FLIPS + 1)
