"""Images as samples of R^d: square patches, vectorised row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32, Shaped
from torch import Tensor

from grouplearn._checks import finite, last_axis, optional_import, positive_int, refuse
from grouplearn.domains.base import Domain
from grouplearn.domains.patches import PatchAction, patch_actions

_WHO = "ImageDomain.vectorize"


@final
@dataclass(frozen=True)
class ImageDomain(Domain):
    """Grey or multi-channel images, seen through square patches.

    A patch of k x k pixels is a vector of d = k * k, row-major: pixel (i, j) is entry k * i + j.

    Args:
        patch_size: k >= 2.
        stride: the step between neighbouring patches, in pixels, when all are taken.

    Raises:
        InputError: an argument is not an integer in its range.

    Example:
        >>> domain = ImageDomain(patch_size=5)
        >>> domain.vectorize(torch.zeros(2, 28, 28)).shape
        torch.Size([1152, 25])
    """

    patch_size: int = 5
    stride: int = 1

    def __post_init__(self) -> None:
        """Check the arguments."""
        positive_int("ImageDomain", "patch_size", self.patch_size, minimum=2)
        positive_int("ImageDomain", "stride", self.stride)

    @property
    def dim(self) -> int:
        """The dimension d = patch_size**2 of the vectors."""
        return self.patch_size**2

    def vectorize(
        self,
        images: Shaped[Tensor, "batch *channels height width"] | npt.NDArray[Any],
        count: int | None = None,
        rng: torch.Generator | None = None,
    ) -> Float32[Tensor, "samples d"]:
        """Cut images into patches and return each as a vector.

        Each channel counts as an image of its own. Without `count`, every patch that fits is
        taken, `stride` pixels apart, ordered by image, channel, row, column. With `count`, every
        patch that fits is equally likely each time (drawn with replacement, at stride 1).

        Args:
            images: (B, H, W) or (B, C, H, W), tensor or array; floats in [0, 1], or uint8, which
                is divided by 255.
            count: how many patches to draw; None takes all.
            rng: draws them; None uses torch's global generator. Not used when all are taken.

        Returns:
            (N, d), float32, in [0, 1], on the device of `images`.

        Raises:
            InputError: wrong type, shape or range, NaN or infinite pixels, images smaller than a
                patch, `count` below 1, or an `rng` that is no generator.

        Cost:
            O(N d) time and memory, and one pass over float images to check their range. All
            patches of N images at stride 1 take d times the memory of the images in float32.

        Example:
            >>> rng = torch.Generator().manual_seed(0)
            >>> ImageDomain(3).vectorize(torch.rand(2, 3, 8, 8), count=7, rng=rng).shape
            torch.Size([7, 9])
        """
        pixels = self._pixels(images)
        if count is None:
            k, step = self.patch_size, self.stride
            patches = pixels.unfold(1, k, step).unfold(2, k, step).reshape(-1, self.dim)
        else:
            patches = self._draw(pixels, positive_int(_WHO, "count", count), rng)
        return patches.float() / 255 if patches.dtype == torch.uint8 else patches.float()

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
        """Return quarter-turn, half-turn, flip, shift and blur of a patch, by name.

        Returns:
            As `patch_actions(patch_size)`.

        Example:
            >>> list(ImageDomain(3).known_actions())
            ['quarter-turn', 'half-turn', 'flip', 'shift', 'blur']
        """
        return patch_actions(self.patch_size)

    def _pixels(self, images: Any) -> Tensor:
        """Return checked images as (images * channels, H, W), uint8 or floating point."""
        pixels = _tensor(images)
        k = self.patch_size
        if pixels.ndim not in (3, 4) or 0 in pixels.shape:
            refuse(
                _WHO,
                "images",
                "of shape (B, H, W) or (B, C, H, W), no axis empty",
                tuple(pixels.shape),
                "pass images[None] for a single image",
            )
        if min(pixels.shape[-2:]) < k:
            refuse(
                _WHO,
                "images",
                f"at least {k} x {k} pixels, the size of a patch",
                f"shape {tuple(pixels.shape)}",
                "pass a smaller patch_size, or move the channels to axis 1",
            )
        if pixels.is_floating_point():
            finite(_WHO, "images", pixels)
            low, high = (float(bound) for bound in torch.aminmax(pixels.detach()))
            if low < 0 or high > 1:
                refuse(
                    _WHO,
                    "images",
                    "floats in [0, 1], or uint8",
                    f"values from {low:g} to {high:g}",
                    "rescale them",
                )
        return pixels.flatten(0, -3)

    def _draw(self, pixels: Tensor, count: int, rng: torch.Generator | None) -> Tensor:
        """Return `count` patches at uniformly random places, (count, d)."""
        if rng is not None and not isinstance(rng, torch.Generator):
            refuse(_WHO, "rng", "a torch.Generator", repr(rng), "pass torch.Generator()")
        images, height, width = pixels.shape
        rows, columns = height - self.patch_size + 1, width - self.patch_size + 1
        device = "cpu" if rng is None else rng.device
        place = torch.randint(
            images * rows * columns, (count, 1, 1), generator=rng, device=device
        ).to(pixels.device)
        offset = torch.arange(self.patch_size, device=pixels.device)
        row = place // columns % rows + offset[:, None]
        column = place % columns + offset
        return pixels[place // (rows * columns), row, column].reshape(count, self.dim)


def sample_photographs() -> Float32[Tensor, "2 427 640"]:
    """Return scikit-learn's two sample photographs in grey.

    Grey is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B. No network is needed: the
    photographs are part of scikit-learn. Their 5 x 5 patches span all 25 dimensions.

    Returns:
        (2, 427, 640), float32, in [0, 1].

    Raises:
        MissingExtraError: scikit-learn or Pillow is absent; the extra `train` brings both.

    Cost:
        Reads two JPEG files.

    Example:
        >>> sample_photographs().shape
        torch.Size([2, 427, 640])
    """
    optional_import("PIL.Image", "train")
    colour = np.stack(optional_import("sklearn.datasets", "train").load_sample_images().images)
    grey = colour @ np.array([0.299, 0.587, 0.114]) / 255
    return torch.from_numpy(grey).float()


def _tensor(images: Any) -> Tensor:
    """Return images as a tensor, arrays copied; neither floats nor uint8 are refused."""
    pixels = images
    if isinstance(images, np.ndarray):
        # A copy in native layout: torch takes no foreign byte order and no negative strides.
        if images.dtype == np.uint8:
            pixels = torch.from_numpy(images.astype(np.uint8, order="C"))
        elif np.issubdtype(images.dtype, np.floating):
            pixels = torch.from_numpy(images.astype(np.float32, order="C"))
    if not isinstance(pixels, Tensor) or not (
        pixels.is_floating_point() or pixels.dtype == torch.uint8
    ):
        refuse(
            _WHO,
            "images",
            "a tensor or array of floats or uint8",
            f"{type(images).__name__} of {getattr(images, 'dtype', 'no dtype')}",
            "convert it, for example with torch.as_tensor(images, dtype=torch.uint8)",
        )
    return pixels
