"""Images as samples of R^d: square patches, vectorised row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from grouplearn._checks import last_axis, positive_int, refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.domains.base import discovered, matrices_of
from grouplearn.domains.choosing import PARAMETERS, NetworkDomain
from grouplearn.domains.image_arrays import (
    AXES,
    Axes,
    checked_pixels,
    drawn_patches,
    refuse_flat,
    sliceable,
    taken,
)
from grouplearn.domains.kernels import network_groups, on_kernels
from grouplearn.domains.operations import patch_operations
from grouplearn.domains.patch_moments import PatchSums
from grouplearn.domains.patch_wholes import some_images, wholes_of_images
from grouplearn.domains.patches import PatchAction, patch_actions
from grouplearn.domains.pixels import PIXEL_MOVES, PixelMove
from grouplearn.domains.wholes import Wholes
from grouplearn.interpret.operations import Operation, OperationFamily
from grouplearn.models import LGCNN, Pattern, Standardised
from grouplearn.representations import FixedRepresentation, LearnedRepresentation
from grouplearn.training import Labelled

_WHO = "ImageDomain.vectorize"
Images: TypeAlias = Any
"""Whatever holds images: arrays, tensors, lists, pictures, data sets and loaders, paths."""


@final
@dataclass(frozen=True)
class ImageDomain(NetworkDomain):
    """Grey or multi-channel images, seen through square patches.

    A patch of k x k pixels is a vector of d = k * k, row-major: pixel (i, j) is entry k * i + j.

    Args:
        patch_size: k >= 2.
        stride: the step between neighbouring patches, in pixels, when all are taken.
        axes: "NHWC" where the channels of images come last, as those of Pillow and TensorFlow do;
            None takes "NCHW", and refuses images whose channels seem to come last.

    Raises:
        InputError: an argument is out of its range.

    Example:
        >>> domain = ImageDomain(patch_size=5)
        >>> domain.vectorize(torch.zeros(2, 28, 28)).shape
        torch.Size([1152, 25])
    """

    patch_size: int = 5
    stride: int = 1
    axes: Axes | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        positive_int("ImageDomain", "patch_size", self.patch_size, minimum=2)
        positive_int("ImageDomain", "stride", self.stride)
        if self.axes not in (None, *AXES):
            refuse("ImageDomain", "axes", "'NCHW' or 'NHWC'", repr(self.axes), "pass one of these")

    @property
    def dim(self) -> int:
        """The dimension d = patch_size**2 of the vectors."""
        return self.patch_size**2

    def vectorize(
        self,
        images: Images,
        count: int | None = None,
        rng: torch.Generator | None = None,
        *,
        remove_mean: bool = False,
        skip_flat: bool = False,
    ) -> Float32[Tensor, "samples d"]:
        """Cut images into patches and return each as a vector.

        Each channel counts as an image of its own. Without `count`, every patch that fits is
        taken, `stride` pixels apart, ordered by image, channel, row, column. With `count`, every
        patch that fits is equally likely each time (drawn with replacement, at stride 1).

        Args:
            images: (B, H, W), or (B, C, H, W) unless `axes` says otherwise, tensor or array; floats
                in [0, 1], or uint8, which is divided by 255. Whatever else holds images is read as
                by `open_data`: lists, pictures of Pillow, data sets and loaders of torch, paths.
            count: how many patches to draw; None takes all.
            rng: draws them; None uses torch's global generator. Not used when all are taken.
            remove_mean: subtract each patch's mean.
            skip_flat: leave out patches whose pixels are all equal; `count` are drawn from the
                others.

        Returns:
            (N, d), float32, in [0, 1] unless the mean is removed, on the device of `images`.

        Raises:
            InputError: wrong type, shape or range, NaN or infinite pixels, images smaller than a
                patch, `count` below 1, an `rng` that is no generator, or all patches are flat.

        Cost:
            O(N d) time and memory, and one pass over float images to check their range. All
            patches of N images at stride 1 take d times the memory of the images in float32.

        Example:
            >>> rng = torch.Generator().manual_seed(0)
            >>> ImageDomain(3).vectorize(torch.rand(2, 3, 8, 8), count=7, rng=rng).shape
            torch.Size([7, 9])
        """
        images = taken(images, self.axes, rescaled=False)
        pixels = checked_pixels(images, self.patch_size).flatten(0, -3)
        k, step = self.patch_size, self.stride if count is None else 1
        views = pixels.unfold(1, k, step).unfold(2, k, step)
        places = (views.amax((-2, -1)) != views.amin((-2, -1))).nonzero() if skip_flat else None
        if places is not None and not len(places):
            refuse_flat(_WHO)
        if count is not None:
            number = positive_int(_WHO, "count", count)
            patches = drawn_patches(pixels, k, number, rng, places)
        elif places is not None:
            patches = views[tuple(places.T)].reshape(-1, self.dim)
        else:
            patches = views.reshape(-1, self.dim)
        values = patches.float() / 255 if patches.dtype == torch.uint8 else patches.float()
        return values - values.mean(-1, keepdim=True) if remove_mean else values

    def unvectorize(self, vectors: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch k k"]:
        """Fold vectors back into patches.

        Args:
            vectors: (..., d), floating point.

        Returns:
            (..., k, k), a view where torch can give one.

        Raises:
            InputError: not a floating-point tensor whose last axis has d entries.

        Example:
            >>> ImageDomain(2).unvectorize(torch.tensor([0.0, 1.0, 2.0, 3.0])).tolist()
            [[0.0, 1.0], [2.0, 3.0]]
        """
        last_axis("ImageDomain.unvectorize", "vectors", vectors, self.dim)
        return vectors.reshape(*vectors.shape[:-1], self.patch_size, self.patch_size)

    def known_actions(self) -> dict[str, PatchAction]:
        """Return the turns and flips of a patch, shift and blur, by name.

        Returns:
            As `patch_actions(patch_size)`.

        Example:
            >>> list(ImageDomain(3).known_actions())
            ['quarter-turn', 'half-turn', 'three-quarter-turn', 'flip', 'flip-up-down', 'transpose',
             'antitranspose', 'shift', 'blur']
        """
        return patch_actions(self.patch_size)

    def operations(self) -> Sequence[Operation | OperationFamily]:
        """Return what has a name for patches, see `patch_operations`, for `interpret.describe`."""
        return patch_operations(self.patch_size)

    def moments(
        self,
        images: Images,
        *,
        seed: int = 0,
        remove_mean: bool = True,
        skip_flat: bool = True,
    ) -> MomentAccumulator:
        """Accumulate the moments of the patches, `stride` pixels apart.

        An image with its channels is one block. Fewer than 64 images are cut into horizontal
        bands, each a block: the noise of few photographs can then be measured too. Where there
        are more than 16 million patches, every t-th along both axes is taken, with t as small as
        that bound allows, from random places on.

        Args:
            images: as for `vectorize`, and arrays of any numbers, standardised ones too, which are
                moved and scaled as a whole into [0, 1]; a memory map is read a slice at a time.
            seed: deals the blocks to bootstrap groups and draws the sample.
            remove_mean: subtract each patch's mean, so that brightness does not count.
            skip_flat: leave out patches whose pixels are all equal.

        Returns:
            The moments; their sample holds patches drawn uniformly.

        Raises:
            InputError: as `vectorize`.

        Cost:
            O(d^2) multiplications for each patch, in float32; memory of some 16 million numbers
            beside the images.

        Example:
            >>> ImageDomain(2).moments(torch.eye(4)[None]).count
            7.0
        """
        who = "ImageDomain.moments"
        images = taken(images, self.axes, rescaled=True)
        checked_pixels(images[:1] if sliceable(images) else images, self.patch_size)
        sums = PatchSums(self.patch_size, self.stride, remove_mean, skip_flat)
        height, width = images.shape[-2:]
        shape = (len(images), math.prod(images.shape[1:-2]), height, width)

        def cut(which: slice, rows: slice) -> Tensor:
            pixels = checked_pixels(images[which], self.patch_size, which.start)
            return pixels.flatten(0, -3)[:, rows]

        moments = sums.accumulate(cut, shape, positive_int(who, "seed", seed, minimum=0))
        if not moments.count:
            refuse_flat(who)
        return moments

    def wholes(
        self,
        images: Images,
        /,
        *,
        seed: int = 0,
        apart: bool = False,
        remove_mean: bool = True,
        skip_flat: bool = True,
    ) -> Wholes:
        """Return images, each one whole object; fewer than 64 are cut into tiles.

        Patches are cut `stride` pixels apart, or at places that are drawn for each image and that
        are closed under the flips of the image. A move is called on (B, C, H, W) floats in [0, 1].

        Args:
            images: as for `moments`.
            seed: draws images, where there are very many, and places.
            apart: cut patches that do not overlap.
            remove_mean: as for `moments`.
            skip_flat: as for `moments`.

        Raises:
            InputError: as `vectorize`.

        Example:
            >>> ImageDomain(2).wholes(torch.rand(70, 4, 4)).rows(np.arange(3)).shape
            (27, 4)
        """
        rng = np.random.default_rng(seed)
        images = taken(images, self.axes, rescaled=True)
        kept, which = some_images(images, self.patch_size, rng)
        found = wholes_of_images(
            kept, self.patch_size, self.stride, rng,
            remove_mean=remove_mean, skip_flat=skip_flat, apart=apart,
        )  # fmt: skip
        return replace(found, parents=which[found.parents], items=len(images))

    def discover(
        self,
        images: Images,
        /,
        *,
        remove_mean: bool = True,
        skip_flat: bool = True,
        **options: Any,
    ) -> Discovery:
        """Find the group that acts on the patches of images.

        Args:
            images: as for `moments`.
            remove_mean: as for `moments`.
            skip_flat: as for `moments`.
            options: of `grouplearn.discover`.

        Returns:
            As `grouplearn.discover`.

        Raises:
            InputError: as `moments` and `grouplearn.discover`.
        """
        seed = options.get("seed", 0)
        found = self.moments(images, seed=seed, remove_mean=remove_mean, skip_flat=skip_flat)
        return discovered(found, **options)

    def extend(self, representation: LearnedRepresentation) -> tuple[PixelMove | None, ...]:
        """Say which elements of a representation on patches act on whole images.

        The eight symmetries of the pixel grid do, also with reversed contrast.

        Args:
            representation: on R^d.

        Returns:
            For each group element the operation, which is called on images, or None.

        Raises:
            InputError: `representation` is not one on R^d.

        Cost:
            O(n d^2).

        Example:
            >>> from grouplearn.representations import FixedRepresentation
            >>> rep = FixedRepresentation.from_permutations([[1, 0, 3, 2], [0, 2, 1, 3]])
            >>> sorted(str(move) for move in ImageDomain(2).extend(rep))[:4]
            ['antitranspose', 'flip', 'flip-up-down', 'half-turn']
        """
        matrices = matrices_of("ImageDomain.extend", representation, self.dim)
        known = [(move, move.matrix(self.patch_size)) for move in PIXEL_MOVES]
        return tuple(
            next((move for move, image in known if torch.allclose(matrix, image, 0, 1e-6)), None)
            for matrix in matrices
        )

    def on_kernels(
        self, representation: LearnedRepresentation, kernel_size: int
    ) -> FixedRepresentation:
        """Return the same operations on the kernels of a network, of any size.

        Args:
            representation: on R^d, of flips and turns.
            kernel_size: k.

        Returns:
            Of the same group, on R^(k * k), float32: for `OrbitConv2d`, `GroupConv2d`, `LGCNN`.

        Raises:
            InputError: an element does not extend to whole images, or reverses the contrast.
        """
        return on_kernels(representation, self.extend(representation), kernel_size)

    def network_groups(self, found: Discovery, kernel_size: int = 3) -> list[FixedRepresentation]:
        """Return the groups that a network could have, for `grouplearn.training.choose`.

        Args:
            found: a discovery of permutations on R^d, for example with `max_moment=2`.
            kernel_size: k >= 2.

        Returns:
            On R^(k * k): the subgroups of what in the groups of the ladder extends to whole images,
            the trivial group first, by order. Two that an element of the claimed group conjugates
            into one another, and that the data therefore treat alike, count once.

        Raises:
            InputError: signed or linear actions, or a kernel of one place.
        """
        return network_groups(found, self.extend, kernel_size)

    def unlabelled(self, data: Labelled) -> Float[Tensor, "batch *channels height width"]:
        """Return the images in labelled data, as `discover` takes them."""
        return data.x

    def network(
        self,
        data: Labelled,
        representation: LearnedRepresentation,
        rng: torch.Generator | None = None,
        *,
        parameters: int = PARAMETERS,
    ) -> Standardised:
        """Return an untrained `LGCNN` that standardises its input.

        Args:
            data: (N, C, H, W), which say how many channels and classes there are, and by which
                mean and deviation the input is standardised.
            representation: on kernels, R^(k * k), for example of `network_groups`.
            rng: draws the weights; None uses torch's global generator.
            parameters: about how many it has.

        Raises:
            InputError: kernels are not square, or fewer parameters than one channel takes.
        """
        k = math.isqrt(representation.dim)
        pattern = Pattern(data.x.shape[1], data.classes or 0, kernel_size=k)
        sized = pattern.within(parameters, representation.group.order)
        return Standardised.of(LGCNN(sized, representation, rng=rng), data.x)
