"""Patches of images against plain NumPy slices; the embedded photographs."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images

from grouplearn.domains.base import Domain, KnownAction
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import (
    patch_actions,
)
from grouplearn.domains.samples import sample_photographs
from grouplearn.errors import InputError, MissingExtraError
from tests.unit.examples import is_helpful

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(2, 6)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slices(images: npt.NDArray[Any], k: int, stride: int = 1) -> npt.NDArray[Any]:
    """Every patch of (B, C, H, W), by plain loops."""
    batch, channels, height, width = images.shape
    return np.stack(
        [
            images[b, c, i : i + k, j : j + k].ravel()
            for b in range(batch)
            for c in range(channels)
            for i in range(0, height - k + 1, stride)
            for j in range(0, width - k + 1, stride)
        ]
    )


@given(st.data())
def test_all_patches_equal_slices(data: st.DataObject) -> None:
    k, stride = data.draw(SIZES), data.draw(st.integers(1, 4))
    batch, channels = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    height, width = k + data.draw(st.integers(0, 5)), k + data.draw(st.integers(0, 5))
    random = np.random.default_rng(data.draw(SEEDS))
    images: npt.NDArray[Any] = random.integers(0, 256, (batch, channels, height, width), np.uint8)
    expected = slices(images / np.float32(255), k, stride)
    if data.draw(st.booleans()):
        images = images / np.float32(255)
    if channels == 1 and data.draw(st.booleans()):
        images = images[:, 0]
    domain = ImageDomain(patch_size=k, stride=stride)
    patches = domain.vectorize(torch.from_numpy(images) if data.draw(st.booleans()) else images)
    assert patches.dtype == torch.float32
    assert patches.shape == (len(expected), domain.dim)
    np.testing.assert_allclose(patches.numpy(), expected, rtol=2e-7)


@given(SEEDS, SIZES, st.integers(1, 40))
def test_random_patches_are_patches(seed: int, k: int, count: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (3, 2, k + 3, k + 1), np.uint8)
    domain = ImageDomain(patch_size=k, stride=3)
    drawn = domain.vectorize(images, count=count, rng=generator(seed))
    assert drawn.shape == (count, k * k)
    assert drawn.dtype == torch.float32
    known = {tuple(patch) for patch in slices(images, k)}
    assert {tuple(patch) for patch in (drawn * 255).round().int().tolist()} <= known
    assert torch.equal(drawn, domain.vectorize(images, count=count, rng=generator(seed)))


def test_random_patches_come_from_everywhere_alike() -> None:
    places = 2 * 2 * 4  # rows and columns share a factor: a wrong decoding cannot hide
    images = torch.arange(2 * 3 * 5, dtype=torch.uint8).reshape(2, 3, 5)
    drawn = ImageDomain(2).vectorize(images, count=1000 * places, rng=generator())
    _, counts = np.unique(drawn.numpy(), axis=0, return_counts=True)
    assert len(counts) == places
    assert 800 < counts.min() <= counts.max() < 1200


def test_random_patches_without_rng_follow_the_global_one() -> None:
    images = torch.rand(1, 9, 9, generator=generator())
    torch.manual_seed(3)
    first = ImageDomain(3).vectorize(images, count=20)
    torch.manual_seed(3)
    assert torch.equal(first, ImageDomain(3).vectorize(images, count=20))
    assert not torch.equal(first, ImageDomain(3).vectorize(images, count=20))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_float_tensors_become_float32(dtype: torch.dtype) -> None:
    images = torch.rand(2, 6, 6, generator=generator()).to(dtype)
    patches = ImageDomain(6).vectorize(images)
    assert patches.dtype == torch.float32
    assert torch.equal(patches.to(dtype).reshape(2, 6, 6), images)


def test_arrays_of_any_layout() -> None:
    plain = np.random.default_rng(0).random((2, 7, 7))
    expected = ImageDomain(3).vectorize(plain)
    for images in (plain.astype(">f4"), plain[::-1, :, :][::-1], np.asfortranarray(plain)):
        assert torch.equal(ImageDomain(3).vectorize(images), expected)
    fixed = (plain * 255).astype(np.uint8)
    fixed.flags.writeable = False
    expected = ImageDomain(3).vectorize(fixed.copy())
    assert torch.equal(ImageDomain(3).vectorize(fixed), expected)
    assert torch.equal(
        ImageDomain(3).vectorize(fixed[::-1]), expected.reshape(2, 25, 9).flip(0).reshape(50, 9)
    )


@given(SEEDS, SIZES, st.lists(st.integers(0, 3), max_size=3))
def test_unvectorize_inverts_ravel(seed: int, k: int, batch: list[int]) -> None:
    patches = np.random.default_rng(seed).random((*batch, k, k))
    vectors = torch.from_numpy(patches.reshape(*batch, k * k))
    np.testing.assert_array_equal(ImageDomain(k).unvectorize(vectors).numpy(), patches)


def test_image_domain_is_a_domain() -> None:
    domain = ImageDomain()
    assert isinstance(domain, Domain)
    assert all(isinstance(action, KnownAction) for action in domain.known_actions().values())
    assert (domain.patch_size, domain.stride, domain.dim) == (5, 1, 25)
    assert domain == ImageDomain(patch_size=5, stride=1)
    assert domain != ImageDomain(patch_size=4)


def test_photographs_are_grey_pictures_of_the_colours() -> None:
    grey = sample_photographs()
    assert grey.shape == (2, 427, 640)
    assert grey.dtype == torch.float32
    colour = np.stack(load_sample_images().images).astype(np.float64) / 255
    red, green, blue = np.moveaxis(colour, -1, 0)
    np.testing.assert_allclose(grey.numpy(), 0.299 * red + 0.587 * green + 0.114 * blue, atol=1e-6)
    assert 0 <= float(grey.min()) < float(grey.max()) <= 1


@pytest.mark.parametrize("package", ["scikit-learn", "Pillow"])
def test_photographs_name_the_extra(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    module = {"scikit-learn": "sklearn.datasets", "Pillow": "PIL.Image"}[package]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is .*grouplearn\[train\]"):
        sample_photographs()


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("argument", ["patch_size", "stride"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, None, "5"])
def test_refuses_bad_domains(argument: str, value: Any) -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(**{argument: value})
    assert is_helpful(problem, f"ImageDomain: {argument} must be an integer >=", repr(value))


@pytest.mark.usefixtures("as_in_production")
def test_refuses_single_pixels() -> None:
    for build in (ImageDomain, patch_actions):
        with pytest.raises(InputError) as problem:
            build(1)
        assert is_helpful(problem, "patch_size must be an integer >= 2, got 1")


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("images", "parts"),
    [
        (torch.zeros(1, 9, 9, dtype=torch.int64), ["got Tensor of torch.int64"]),
        (torch.zeros(1, 9, 9, dtype=torch.bool), ["got Tensor of torch.bool"]),
        (np.zeros((1, 9, 9), np.int32), ["got ndarray of int32"]),
        (torch.zeros(9, 9), ["of shape (B, H, W) or (B, C, H, W)", "(9, 9)", "images[None]"]),
        (torch.zeros(1, 1, 1, 9, 9), ["of shape (B, H, W)", "(1, 1, 1, 9, 9)"]),
        (torch.zeros(0, 9, 9), ["no axis empty", "(0, 9, 9)"]),
        (torch.zeros(2, 0, 9, 9), ["no axis empty", "(2, 0, 9, 9)"]),
        (torch.zeros(2, 9, 4), ["at least 5 x 5 pixels", "(2, 9, 4)", "smaller patch_size"]),
        (torch.zeros(2, 427, 640, 3), ["channels seem to come last", "axes='NHWC'"]),
        (torch.full((1, 9, 9), 255.0), ["floats in [0, 1]", "from 255 to 255", "rescale"]),
        (torch.full((1, 9, 9), -0.5), ["floats in [0, 1]", "from -0.5 to -0.5"]),
        (torch.full((1, 9, 9), math.nan), ["finite", "nan at (0, 0, 0)"]),
        (np.full((1, 9, 9), math.inf), ["finite", "inf at (0, 0, 0)"]),
    ],
)
def test_refuses_bad_images(images: Any, parts: list[str]) -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(5).vectorize(images)
    assert is_helpful(problem, "ImageDomain.vectorize: images must be", *parts)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("count", [0, -3, 1.5, True, "all"])
def test_refuses_bad_counts(count: Any) -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(5).vectorize(torch.zeros(1, 9, 9), count=count)
    assert is_helpful(problem, "ImageDomain.vectorize: count must be an integer >= 1", repr(count))


@pytest.mark.usefixtures("as_in_production")
def test_refuses_bad_rng() -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(5).vectorize(torch.zeros(1, 9, 9), count=2, rng=np.random.default_rng())  # type: ignore[arg-type]
    assert is_helpful(problem, "rng must be a torch.Generator", "pass torch.Generator()")


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("vectors", [torch.zeros(2, 24), torch.zeros(25, dtype=torch.int64), "x"])
def test_refuses_bad_vectors(vectors: Any) -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(5).unvectorize(vectors)
    assert is_helpful(problem, "ImageDomain.unvectorize: vectors must be")
