"""Images as users pass them: checked once, with errors that name the place."""

from __future__ import annotations

from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from grouplearn._checks import generator, refuse

Axes: TypeAlias = Literal["NCHW", "NHWC"]
AXES = ("NCHW", "NHWC")
_WHO = "ImageDomain.vectorize"
_MOST_CHANNELS = 4


def channels_first(images: Any, axes: Axes | None) -> Any:
    """Return images with their channels before rows and columns, as a view.

    Args:
        images: what a user passed.
        axes: "NHWC" where channels come last; None takes "NCHW", and refuses images whose last
            axis is as short as channels are, while both axes before it are longer.

    Raises:
        InputError: the channels seem to come last, or `axes` is "NHWC" and there are not four axes.
    """
    shape: Any = tuple(getattr(images, "shape", ()))
    if axes == "NHWC":
        if len(shape) != 4:
            refuse(_WHO, "images", "of shape (N, H, W, C), as axes='NHWC' says",
                   shape or type(images).__name__, "add the axis that lacks")  # fmt: skip
        last = (0, 3, 1, 2)
        return images.permute(last) if isinstance(images, Tensor) else images.transpose(last)
    seems = len(shape) in (3, 4) and 0 < shape[-1] <= _MOST_CHANNELS < min(shape[-3:-1])
    if axes is None and seems:
        one = "images[None] and " if len(shape) == 3 else ""
        refuse(_WHO, "images", "of shape (N, C, H, W)",
               f"{shape}, whose channels seem to come last",
               f"pass {one}axes='NHWC' (--axes NHWC), or 'NCHW' if images are "
               f"{shape[-1]} wide")  # fmt: skip
    return images


def taken(images: Any, axes: Axes | None, *, rescaled: bool) -> Any:
    """Return images, whatever holds them, as an array or a tensor with channels first.

    Args:
        images: what a user passed; what is no array or tensor is read by `open_source`.
        axes: as for `channels_first`.
        rescaled: may other numbers than bytes and floats in [0, 1] be moved and scaled into it?

    Raises:
        InputError: as `channels_first`, or they are no images.
        DataError: they cannot be read.
    """
    held = isinstance(images, (Tensor, np.ndarray))
    if held and not (rescaled and _is_out_of_range(images)):
        return channels_first(images, axes)
    from grouplearn.domains.readers.sources import SourceOptions, open_source

    opened: Any = open_source(_WHO, images, SourceOptions("images", axes)).raw
    return opened.images


def _is_out_of_range(images: Any) -> bool:
    """Are these neither bytes nor floats in [0, 1]? NaN are refused later, with their place."""
    if images.dtype in (np.uint8, torch.uint8):
        return False
    floating = images.is_floating_point() if isinstance(images, Tensor) else (
        images.dtype.kind == "f"
    )  # fmt: skip
    if not floating:
        return True
    return bool(0 not in images.shape and (images.min() < 0 or images.max() > 1))


def drawn_patches(
    pixels: Shaped[Tensor, "images height width"],
    size: int,
    count: int,
    rng: torch.Generator | None,
    places: Int[Tensor, "places 3"] | None,
) -> Shaped[Tensor, "count d"]:
    """Return patches at random places.

    Args:
        pixels: grey images.
        size: of the patches.
        count: how many.
        rng: draws them; None uses torch's global generator.
        places: (image, row, column) of those to draw from; None takes all that fit.

    Raises:
        InputError: `rng` is no generator.
    """
    generator(_WHO, rng)
    images, height, width = pixels.shape
    rows, columns = height - size + 1, width - size + 1
    device = "cpu" if rng is None else rng.device
    room = images * rows * columns if places is None else len(places)
    place = torch.randint(room, (count, 1, 1), generator=rng, device=device).to(pixels.device)
    if places is not None:
        image, down, across = places[place].unbind(-1)
        place = (image * rows + down) * columns + across
    offset = torch.arange(size, device=pixels.device)
    row = place // columns % rows + offset[:, None]
    column = place % columns + offset
    return pixels[place // (rows * columns), row, column].reshape(count, size * size)


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
            "pass a smaller patch_size",
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
    if isinstance(images, np.ma.MaskedArray):
        refuse(_WHO, "images", "an array without a mask", "a masked array",
               "fill it in, or pass the images that are whole")  # fmt: skip
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
