"""Images whose channels come last are told, or refused, and never read as rows of colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grouplearn.domains.images import ImageDomain
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful

RNG = np.random.default_rng(0)


@given(st.sampled_from([1, 3, 4]), st.sampled_from(["uint8", "float32"]), st.booleans())
def test_channels_last_are_the_same_images(channels: int, dtype: str, tensor: bool) -> None:
    first: Any = RNG.integers(0, 256, (70, channels, 7, 9)).astype(dtype)
    first = first if dtype == "uint8" else first / np.float32(255)
    last = np.ascontiguousarray(np.moveaxis(first, 1, -1))
    given_images = torch.from_numpy(last) if tensor else last
    domain, other = ImageDomain(3), ImageDomain(3, axes="NHWC")
    assert torch.equal(domain.vectorize(first), other.vectorize(given_images))
    expected, found = domain.moments(first), other.moments(given_images)
    np.testing.assert_allclose(found.products, expected.products)
    objects = np.arange(5)
    np.testing.assert_array_equal(
        domain.wholes(first).rows(objects), other.wholes(given_images).rows(objects)
    )


@pytest.mark.parametrize("shape", [(70, 8, 9, 3), (70, 8, 9, 1), (70, 8, 9, 4), (40, 30, 3)])
@pytest.mark.parametrize("verb", ["vectorize", "moments", "wholes", "discover"])
def test_what_seems_to_have_channels_last_is_refused(shape: tuple[int, ...], verb: str) -> None:
    with pytest.raises(InputError) as problem:
        getattr(ImageDomain(3), verb)(np.zeros(shape, np.uint8))
    assert is_helpful(problem, f"{shape}, whose channels seem to come last", "axes='NHWC'")
    assert ("images[None]" in str(problem.value)) == (len(shape) == 3)


@pytest.mark.parametrize(
    "shape", [(7, 3, 8, 9), (7, 16, 4, 4), (70, 3, 3), (2, 9, 4), (7, 2, 9, 3)]
)
def test_channels_first_are_taken(shape: tuple[int, ...]) -> None:
    assert len(ImageDomain(3).vectorize(np.zeros(shape, np.uint8)))


def test_narrow_images_are_taken_when_told() -> None:
    images = RNG.random((6, 8, 3), dtype=np.float32)
    assert ImageDomain(3, axes="NCHW").vectorize(images).shape == (6 * 6, 9)


@pytest.mark.usefixtures("as_in_production")
def test_wrong_axes_are_refused() -> None:
    wrong: Any = "HWC"
    with pytest.raises(InputError, match="axes must be 'NCHW' or 'NHWC', got 'HWC'"):
        ImageDomain(3, axes=wrong)
    for images in (np.zeros((8, 9, 3), np.uint8), torch.ones(1, 1)):
        with pytest.raises(InputError, match=r"shape \(N, H, W, C\), as axes='NHWC' says"):
            ImageDomain(3, axes="NHWC").vectorize(images)
    with pytest.raises(InputError, match="an array without a mask"):
        ImageDomain(3).vectorize(np.ma.masked_array(np.zeros((2, 8, 8), np.uint8)))
