"""Moments of the patches of many images, by products of large matrices in float32."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from grouplearn.discovery.moments import MomentAccumulator

_PIXELS = 1 << 23
_COLUMNS = 1 << 18
_MOST_PATCHES = 1 << 24
_FEW_BLOCKS = 64
_OFFERED = 4
Cut: TypeAlias = Callable[[slice, slice], Tensor]


@final
@dataclass(frozen=True)
class PatchSums:
    """Sums over the k x k patches of images.

    Args:
        size: k.
        stride: the step between patches.
        remove_mean: is each patch's mean subtracted?
        skip_flat: are patches left out whose pixels are all equal?
    """

    size: int
    stride: int
    remove_mean: bool
    skip_flat: bool

    def accumulate(
        self, cut: Cut, shape: tuple[int, int, int, int], seed: int
    ) -> MomentAccumulator:
        """Accumulate the moments of patches, images as blocks.

        Where there are more than 16 million patches, every t-th along both axes is taken, from
        random places on, so that each is as likely as any other. Fewer than 64 images are cut into
        bands, each a block of its own.

        Args:
            cut: gives, for a slice of images and one of pixel rows, the pixels as (images *
                channels, rows, columns), uint8 or floats in [0, 1].
            shape: images, channels, height, width.
            seed: deals the blocks to bootstrap groups, draws places and the sample.

        Returns:
            The moments, of dimension k * k; their sample holds uniformly drawn patches.

        Cost:
            O(k^4) multiplications for each patch taken; memory of some 16 million numbers.
        """
        images, channels, height, width = shape
        moments = MomentAccumulator(self.size**2, seed=seed)
        steps = self._steps(height) * self._steps(width)
        every = math.ceil(math.sqrt(images * channels * steps / _MOST_PATCHES))
        rate = min(1.0, _OFFERED * moments.keep * every**2 / (images * channels * steps))
        rng, offered = np.random.default_rng(seed), 0
        bands = list(self._bands(images, height, width))
        for band, rows in enumerate(bands):
            step = max(1, _PIXELS // (channels * (rows.stop - rows.start) * width))
            for first in range(0, images, step):
                pixels = cut(slice(first, first + step), rows).cpu().numpy()
                own = np.arange(first, min(first + step, images)) * len(bands) + band
                blocks = np.repeat(own, channels)
                groups = moments.group_of(blocks)
                for mine in self._shares(groups, pixels.shape):
                    patches, kept = self._columns(pixels[mine], every, rng)
                    self._add(moments, int(groups[mine[0]]), patches, kept)
                    drawn = np.flatnonzero(kept & (rng.random(len(kept)) < rate))
                    sample = patches[:, drawn].T.astype(np.float64)
                    owners = np.repeat(blocks[mine], len(kept) // len(mine))[drawn]
                    moments.keep_rows(sample, owners, first=offered)
                    offered += len(drawn)
        return moments

    def _steps(self, pixels: int) -> int:
        """How many patches fit along an axis."""
        return (pixels - self.size) // self.stride + 1

    def _bands(self, images: int, height: int, width: int) -> Iterator[slice]:
        """The pixel rows of each band; every patch lies in one band, by its upper edge."""
        steps = self._steps(height)
        wanted = 1 if images >= _FEW_BLOCKS else math.ceil(_FEW_BLOCKS / images)
        thick = max(1, steps * self.stride // (4 * self.size))
        needed = math.ceil(steps * self._steps(width) / _COLUMNS)
        count = min(steps, max(min(wanted, thick), needed))
        edges = np.linspace(0, steps, count + 1).round().astype(int).tolist()
        for start, stop in itertools.pairwise(edges):
            yield slice(start * self.stride, (stop - 1) * self.stride + self.size)

    def _shares(
        self, groups: Int[np.ndarray, " images"], shape: tuple[int, ...]
    ) -> Iterator[Int[np.ndarray, " share"]]:
        """The images of each bootstrap group, not too many at once."""
        most = max(1, _COLUMNS // (self._steps(shape[1]) * self._steps(shape[2])))
        for group in np.unique(groups):
            mine = np.flatnonzero(groups == group)
            yield from (mine[start : start + most] for start in range(0, len(mine), most))

    def _columns(
        self,
        pixels: Shaped[np.ndarray, "images height width"],
        every: int,
        rng: np.random.Generator,
    ) -> tuple[Float[np.ndarray, "d columns"], Bool[np.ndarray, " columns"]]:
        """Patches as columns, and which of them count."""
        k, step = self.size, self.stride * every
        down, across = (int(at) * self.stride for at in rng.integers(every, size=2))
        height, width = (self._steps(size) * self.stride for size in pixels.shape[1:])
        taken = np.stack(
            [
                pixels[:, i + down : i + height : step, j + across : j + width : step]
                for i in range(k)
                for j in range(k)
            ]
        ).reshape(k * k, -1)
        kept = np.ones(taken.shape[1], dtype=bool)
        if self.skip_flat:
            kept = (taken != taken[0]).any(0)
        patches = taken.astype(np.float32)
        if taken.dtype == np.uint8:
            patches /= np.float32(255)
        if self.remove_mean:
            patches -= patches.mean(0)
        return patches, kept

    def _add(
        self,
        moments: MomentAccumulator,
        group: int,
        patches: Float[np.ndarray, "d columns"],
        kept: Bool[np.ndarray, " columns"],
    ) -> None:
        counted = patches if kept.all() else patches * kept
        products, cubes = counted @ counted.T, np.square(counted) @ counted.T
        total = counted.sum(1, dtype=np.float64)
        moments.add_moments(
            group,
            float(kept.sum()),
            total,
            products.astype(np.float64),
            cubes.astype(np.float64),
        )
