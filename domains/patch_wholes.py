"""Images as whole objects that are moved first, and only then cut into patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.domains.image_arrays import checked_pixels, sliceable
from grouplearn.domains.wholes import WholeMove, Wholes, most_rows

_FEW = 64
_THICK = 4
_HELD = 1 << 27
_AT_ONCE = 1 << 23


def some_images(
    images: Any, size: int, rng: np.random.Generator
) -> tuple[Shaped[Tensor, "B C H W"], Int[np.ndarray, " B"]]:
    """Check all images, and keep some at random where there are very many.

    Args:
        images: (N, H, W) or (N, C, H, W), as a user passed them.
        size: of the patches.
        rng: draws them.

    Returns:
        The images kept, and their numbers. They are as many as can each have an orbit of places.

    Raises:
        InputError: wrong type, shape or range, or NaN or infinite pixels.
    """
    checked_pixels(images[:1] if sliceable(images) else images, size)
    shape = (math.prod(images.shape[1:-2]), *images.shape[-2:])
    count, pixels = len(images), math.prod(shape)
    most = max(_FEW, min(most_rows(size**2) // (8 * shape[0]), _HELD // pixels))
    which = np.arange(count) if count <= most else np.sort(rng.choice(count, most, replace=False))
    kept, step = [], max(1, _AT_ONCE // pixels)
    for start in range(0, count, step):
        part = checked_pixels(images[start : start + step], size, start)
        mine = which[(which >= start) & (which < start + step)] - start
        kept.append(part[torch.from_numpy(mine)].detach().cpu())
    return torch.cat(kept).reshape(len(which), *shape), which


def tiled(
    pixels: Shaped[Tensor, "B C H W"], size: int
) -> tuple[Shaped[Tensor, "T C h w"], Int[np.ndarray, " T"]]:
    """Fewer than 64 images in tiles of equal size, which are then whole objects of their own.

    Args:
        pixels: the images.
        size: of the patches; tiles have four times that side or more.

    Returns:
        The tiles, at least 64 where the images are large enough, and the image of each.
    """
    images, _, height, width = pixels.shape
    if images >= _FEW:
        return pixels, np.arange(images)
    side = max(_THICK * size, math.isqrt(images * height * width // _FEW))
    down, across = max(1, height // side), max(1, width // side)
    h, w = height // down, width // across
    views = pixels.unfold(2, h, h).unfold(3, w, w).permute(0, 2, 3, 1, 4, 5)
    return views.flatten(0, 2), np.repeat(np.arange(images), views.shape[1] * views.shape[2])


@final
@dataclass(frozen=True)
class PatchCut:
    """Cuts moved images into patches, at places of each image that are drawn beforehand.

    The places of an image are closed under the symmetries of its outline, so that a turned image is
    cut into the turned patches, at other places.

    Attributes:
        pixels: (B, C, H, W), uint8 or floats in [0, 1].
        size: k.
        places: (B, P, 2), the upper left corners of the patches.
        remove_mean: is each patch's mean subtracted?
        skip_flat: are patches left out whose pixels are all equal?
    """

    pixels: Shaped[Tensor, "B C H W"]
    size: int
    places: Int[np.ndarray, "B P 2"]
    remove_mean: bool
    skip_flat: bool

    def __call__(
        self, objects: NDArray[np.int64], move: WholeMove
    ) -> tuple[Float[np.ndarray, "N d"], Int[np.ndarray, " N"]]:
        """The patches of some images after a move, with the image of each."""
        batch = self.pixels[torch.from_numpy(objects)]
        moved = move(batch.float() / 255 if batch.dtype == torch.uint8 else batch.float())
        down, across = torch.from_numpy(self._places(objects, moved, batch)).unbind(-1)
        k = self.size
        views = moved.unfold(2, k, 1).unfold(3, k, 1)
        found = views[torch.arange(len(batch))[:, None], :, down, across]
        owners = np.repeat(objects, found.shape[1] * found.shape[2])
        patches = found.reshape(-1, k * k).double().numpy()
        if self.skip_flat:
            kept = (patches != patches[:, :1]).any(1)
            patches, owners = patches[kept], owners[kept]
        return patches - self.remove_mean * patches.mean(1, keepdims=True), owners

    def _places(
        self, objects: NDArray[np.int64], moved: object, batch: Tensor
    ) -> NDArray[np.int64]:
        """The corners in moved images, which may stand where they lay before."""
        shape = tuple(moved.shape) if isinstance(moved, Tensor) else type(moved).__name__
        b, c, height, width = batch.shape
        if shape not in ((b, c, height, width), (b, c, width, height)):
            refuse("ImageDomain.invariance_test", "action",
                   f"a move of images that keeps their shape, {tuple(batch.shape)}", shape,
                   "pad or crop what it returns")  # fmt: skip
        kept = self.places[objects]
        return kept.copy() if shape == (b, c, height, width) else kept[..., ::-1].copy()


def wholes_of_images(
    pixels: Shaped[Tensor, "B C H W"],
    size: int,
    stride: int,
    rng: np.random.Generator,
    *,
    remove_mean: bool,
    skip_flat: bool,
    apart: bool,
) -> Wholes:
    """Images, or tiles of a few, as whole objects.

    All places are taken where they are not too many; of more, each image gets some of its own.

    Args:
        pixels: the images.
        size: k.
        stride: the step between patches; places mirrored to these count too.
        rng: draws places.
        remove_mean: is each patch's mean subtracted?
        skip_flat: are patches left out whose pixels are all equal?
        apart: must patches not overlap?
    """
    tiles, parents = tiled(pixels, size)
    room = most_rows(size**2) // (len(tiles) * tiles.shape[1])
    if apart:
        places = _apart((len(tiles), *tiles.shape[2:]), max(size, stride), size, room, rng)
    else:
        height, width = (n - size + 1 for n in tiles.shape[2:])
        places = _places((len(tiles), height, width), stride, room, rng)
    return Wholes(parents, len(pixels), PatchCut(tiles, size, places, remove_mean, skip_flat))


def _apart(
    shape: tuple[int, ...], step: int, size: int, room: int, rng: np.random.Generator
) -> Int[np.ndarray, "B P 2"]:
    """For each of B images a grid of places that lie so far apart, or some of them."""
    images, *sides = shape
    counts = [(side - size) // step + 1 for side in sides]
    down, across = np.indices(counts).reshape(2, -1) * step
    spare = [side - size - (count - 1) * step for side, count in zip(sides, counts, strict=True)]
    first = np.stack([rng.integers(0, each + 1, images) for each in spare], -1)
    grid = first[:, None] + np.stack([down, across], -1)
    room = max(1, room)
    return grid if len(down) <= room else np.stack([rng.permutation(each)[:room] for each in grid])


def _places(
    field: tuple[int, int, int], stride: int, room: int, rng: np.random.Generator
) -> Int[np.ndarray, "B P 2"]:
    """Places for each of B images: all, or orbits of some that are drawn for each."""
    images, height, width = field
    down, across = np.arange(0, height, stride), np.arange(0, width, stride)
    if len(down) * len(across) <= room:
        grid = np.stack(np.meshgrid(down, across, indexing="ij"), -1).reshape(-1, 2)
        every = np.unique(_orbit(grid, height, width), axis=0)
        if len(every) <= room:
            return np.broadcast_to(every, (images, *every.shape))
    number = (images, max(1, room // (8 if height == width else 4)))
    drawn = np.stack([rng.choice(down, number), rng.choice(across, number)], -1)
    return np.stack([_orbit(some, height, width) for some in drawn])


def _orbit(places: Int[np.ndarray, "P 2"], height: int, width: int) -> Int[np.ndarray, "m 2"]:
    """Places under the flips of a field of places and, where it is square, its transpose."""
    last = np.array([height - 1, width - 1])
    signs = np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)])[:, None]
    found = np.where(signs > 0, places, last - places).reshape(-1, 2)
    return np.concatenate([found, found[:, ::-1]]) if height == width else found
