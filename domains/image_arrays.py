"""Images as users pass them: checked once, with errors that name the place."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from grouplearn._checks import refuse

_WHO = "ImageDomain.vectorize"


def checked_pixels(
    images: Any, size: int, first: int = 0
) -> Shaped[Tensor, "batch *channels height width"]:
    """Return checked images as a tensor, uint8 or floating point, in their own shape.

    Args:
        images: what a user passed.
        size: of the patches that have to fit.
        first: the number of images that stand before these, for error messages.

    Raises:
        InputError: wrong type, shape or range, or NaN or infinite pixels.
    """
    pixels, k = _tensor(images), size
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
        _finite(pixels, first)
        low, high = (float(bound) for bound in torch.aminmax(pixels.detach()))
        if low < 0 or high > 1:
            refuse(
                _WHO,
                "images",
                "floats in [0, 1], or uint8",
                f"values from {low:g} to {high:g}",
                "rescale them",
            )
    return pixels


def sliceable(images: Any) -> bool:
    """Does `images` have a first one?"""
    return isinstance(images, (Tensor, np.ndarray)) and images.ndim > 0 and len(images) > 0


def refuse_flat(who: str) -> NoReturn:
    """Refuse images that have flat patches only."""
    refuse(
        who,
        "images",
        "images with detail",
        "patches of equal pixels alone",
        "pass skip_flat=False to keep such patches",
    )


def _finite(pixels: Tensor, first: int) -> None:
    """Refuse NaN and infinity; the error names the place, image by image."""
    good = torch.isfinite(pixels)
    if not bool(good.all()):
        place = tuple(int(i) for i in (~good).nonzero()[0])
        shown = (place[0] + first, *place[1:])
        refuse(
            _WHO, "images", "finite", f"{float(pixels[place])} at {shown}", "clean the data first"
        )


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
