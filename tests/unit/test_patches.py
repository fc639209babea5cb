"""Known actions against NumPy and SciPy; identifiability against samples of known spectrum."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate
from sklearn.datasets import load_digits

from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import (
    Identifiability,
    PatchAction,
    identifiability,
    patch_actions,
    patch_pairs,
)
from grouplearn.domains.samples import sample_photographs
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful

BINOMIAL = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
ORACLES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "quarter-turn": lambda patch: np.rot90(patch, 1),
    "half-turn": lambda patch: np.rot90(patch, 2),
    "three-quarter-turn": lambda patch: np.rot90(patch, 3),
    "flip": np.fliplr,
    "flip-up-down": np.flipud,
    "transpose": np.transpose,
    "antitranspose": lambda patch: np.rot90(patch, 2).T,
    "shift": lambda patch: np.roll(patch, 1, axis=1),
    "blur": lambda patch: correlate(patch, BINOMIAL, mode="constant", cval=0.0),
}
ORDERS = {
    "quarter-turn": 4, "half-turn": 2, "three-quarter-turn": 4, "flip": 2, "flip-up-down": 2,
    "transpose": 2, "antitranspose": 2, "blur": None,
}  # fmt: skip
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(2, 6)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(SEEDS, SIZES)
def test_actions_equal_numpy_and_scipy(seed: int, k: int) -> None:
    patch = np.random.default_rng(seed).random((k, k))
    domain = ImageDomain(k)
    actions = domain.known_actions()
    assert list(actions) == list(ORACLES)
    for name, action in actions.items():
        moved = domain.unvectorize(action.matrix @ torch.from_numpy(patch.ravel()))
        np.testing.assert_allclose(moved.numpy(), ORACLES[name](patch), rtol=1e-14, atol=0)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_actions_have_the_order_they_name(k: int) -> None:
    for name, action in patch_actions(k).items():
        assert action.name == name
        assert action.words.endswith(".")
        assert "\n" not in action.words
        assert action.matrix.dtype == torch.float64
        assert action.order == ORDERS.get(name, k)
        power = np.eye(k * k)
        for _ in range((action.order or 100) - 1):
            power = action.matrix.numpy() @ power
            assert not np.allclose(power, np.eye(k * k))
        if action.order is not None:
            np.testing.assert_array_equal(action.matrix.numpy() @ power, np.eye(k * k))


@pytest.mark.parametrize("k", [3, 5])
def test_the_blur_is_block_toeplitz_and_invertible(k: int) -> None:
    blocks = patch_actions(k)["blur"].matrix.reshape(k, k, k, k)  # row, column, row, column
    assert torch.equal(blocks[1:, :, 1:, :], blocks[:-1, :, :-1, :])
    assert torch.equal(blocks[:, 1:, :, 1:], blocks[:, :-1, :, :-1])
    # The 1-D filter is a tridiagonal Toeplitz matrix with known eigenvalues.
    line = [(1 + math.cos(j * math.pi / (k + 1))) / 2 for j in range(1, k + 1)]
    eigenvalues = np.linalg.eigvalsh(patch_actions(k)["blur"].matrix.numpy())
    np.testing.assert_allclose(eigenvalues, np.sort(np.outer(line, line).ravel()), rtol=1e-12)


def test_actions_are_frozen_values() -> None:
    action = patch_actions(3)["flip"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        action.order = 3  # type: ignore[misc]


@given(SEEDS, SIZES, st.sampled_from(sorted(ORACLES)), st.booleans())
def test_pairs_equal_numpy_and_scipy(seed: int, k: int, name: str, double: bool) -> None:
    patches = np.random.default_rng(seed).random((7, k, k), np.float32)
    given_patches = torch.from_numpy(patches.reshape(7, k * k))
    x, y = patch_pairs(given_patches.double() if double else given_patches, patch_actions(k)[name])
    assert x.dtype == y.dtype == torch.float32
    assert torch.equal(x, given_patches)
    expected = np.stack([ORACLES[name](patch) for patch in patches]).reshape(7, k * k)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6 if name == "blur" else 0)


@given(SEEDS, st.integers(1, 12), st.data())
def test_rank_and_condition_of_known_spectra(seed: int, dim: int, data: st.DataObject) -> None:
    """Samples whose second moment is Q diag(s^2) Q^T: rank and condition follow from s."""
    rank = data.draw(st.integers(0, dim))
    spread = data.draw(st.floats(0, 3))
    scales = np.zeros(dim)
    scales[:rank] = 10.0 ** -np.linspace(0, spread, rank)
    random = np.random.default_rng(seed)
    left = np.linalg.qr(random.standard_normal((3 * dim, dim)))[0]
    right = np.linalg.qr(random.standard_normal((dim, dim)))[0]
    found = identifiability(torch.from_numpy(left * scales @ right))
    assert (found.samples, found.dim, found.rank) == (3 * dim, dim, rank)
    assert found.identified == (rank == dim)
    assert bool(found.reason) != found.identified
    expected = (scales[0] / scales[-1]) ** 2 if rank == dim else math.inf
    assert found.condition == pytest.approx(expected, rel=0.01)


def test_many_samples_are_taken_in_slices() -> None:
    """More samples than one slice holds, against NumPy's singular values."""
    patches = torch.randn(150_000, 3, generator=generator())
    singular = np.linalg.svd(patches.double().numpy(), compute_uv=False)
    assert identifiability(patches).condition == pytest.approx((singular[0] / singular[-1]) ** 2)


def test_photographs_identify() -> None:
    patches = ImageDomain(5).vectorize(sample_photographs())
    found = identifiability(patches)
    assert found.identified
    assert 1 < found.condition < 1e5
    assert found.reason == ""
    assert "span all 25 directions" in found.summary()
    assert f"condition number {found.condition:.3g}" in found.summary()


def test_identified_pairs_give_back_the_action() -> None:
    patches = ImageDomain(5).vectorize(sample_photographs(), count=2000, rng=generator())
    assert identifiability(patches).identified
    for action in ImageDomain(5).known_actions().values():
        x, y = patch_pairs(patches, action)
        solved = np.linalg.lstsq(x.double().numpy(), y.double().numpy(), rcond=None)[0].T
        assert np.abs(solved - action.matrix.numpy()).max() < 1e-4


def test_digits_do_not_identify() -> None:
    images = (cast(Any, load_digits()).images / 16).astype(np.float32)
    found = identifiability(ImageDomain(8).vectorize(images))
    rank = np.linalg.matrix_rank(images.reshape(-1, 64))
    never = int((images == images[0]).all(axis=0).sum())
    assert (found.rank, never) == (rank, 3)
    assert found.condition == math.inf
    assert found.reason == f"{never} of 64 pixels never vary ({never} of them are always 0)"
    assert found.summary() == (
        f"The 1797 samples span {rank} of 64 directions, so the pairs do not identify A: "
        f"{found.reason}."
    )


@given(SEEDS, st.floats(0.05, 1))
def test_patches_without_mean_lose_one_direction(seed: int, contrast: float) -> None:
    patches = ImageDomain(5).vectorize(sample_photographs(), count=500, rng=generator(seed))
    patches = 0.5 + contrast * (patches - 0.5)
    found = identifiability(patches - patches.mean(dim=1, keepdim=True))
    assert found.rank == 24
    assert found.reason == "every sample has mean zero"


def test_reasons() -> None:
    few = torch.rand(5, 9, generator=generator())
    assert identifiability(few).reason == "5 samples cannot span 9 dimensions"
    assert identifiability(few[:1]).reason == (
        "1 samples cannot span 9 dimensions; 9 of 9 pixels never vary (0 of them are always 0)"
    )
    assert identifiability(torch.zeros(1, 1)).reason == (
        "1 of 1 pixels never vary (1 of them are always 0)"
    )
    many = torch.rand(50, 9, generator=generator())
    repeated = torch.cat([many, many[:, :1]], dim=1)
    assert identifiability(repeated).reason == (
        "some weighted sums of the pixels are almost 0 in every sample"
    )
    assert identifiability(torch.cat([repeated, torch.zeros(50, 1)], dim=1)).reason == (
        "1 of 11 pixels never vary (1 of them are always 0); "
        "some weighted sums of the pixels are almost 0 in every sample"
    )
    two_still = torch.cat([many, torch.ones(50, 1), torch.full((50, 1), 0.5)], dim=1)
    assert identifiability(two_still).reason == (
        "2 of 11 pixels never vary (0 of them are always 0)"
    )
    assert identifiability(torch.zeros(20, 4)).reason == (
        "4 of 4 pixels never vary (4 of them are always 0)"
    )
    both = torch.cat([many - many.mean(dim=1, keepdim=True), torch.zeros(50, 1)], dim=1)
    found = identifiability(both)
    assert found.rank == 8
    assert found.reason == (
        "1 of 10 pixels never vary (1 of them are always 0); every sample has mean zero"
    )


def test_one_still_pixel_is_no_loss() -> None:
    patches = torch.cat([torch.rand(50, 4, generator=generator()), torch.ones(50, 1)], dim=1)
    assert identifiability(patches).identified


def test_identifiability_is_a_value() -> None:
    patches = torch.rand(50, 4, generator=generator())
    assert identifiability(patches) == identifiability(patches.clone().requires_grad_())
    assert isinstance(identifiability(patches), Identifiability)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("matrix", "order", "part"),
    [
        (torch.zeros(2, 3).double(), 1, "matrix must be square, got (2, 3)"),
        (torch.zeros(2, 2), 1, "matrix must be float64, got torch.float32"),
        (torch.full((2, 2), math.nan).double(), 1, "matrix must be finite, got nan"),
        (torch.eye(2).double(), 0, "order must be an integer >= 1, got 0"),
    ],
)
def test_refuses_bad_actions(matrix: torch.Tensor, order: int, part: str) -> None:
    with pytest.raises(InputError) as problem:
        PatchAction("name", matrix, order, "Words.")
    assert is_helpful(problem, f"PatchAction: {part}")


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("patches", "part"),
    [
        (np.zeros((2, 4)), "a torch tensor, got ndarray"),
        (torch.zeros(2, 4, dtype=torch.uint8), "a floating-point tensor, got torch.uint8"),
        (torch.zeros(4), "of shape (any, any), got (4,)"),
        (torch.full((2, 4), math.nan), "finite, got nan at (0, 0)"),
        (torch.full((2, 4), 1e300, dtype=torch.float64), "finite, got inf at (0, 0)"),
    ],
)
def test_refuses_bad_patches(patches: Any, part: str) -> None:
    with pytest.raises(InputError) as problem:
        patch_pairs(patches, patch_actions(2)["flip"])
    assert is_helpful(problem, f"patch_pairs: patches must be {part}")
    with pytest.raises(InputError) as problem:
        identifiability(patches)
    assert is_helpful(problem, f"identifiability: patches must be {part}")


@pytest.mark.usefixtures("as_in_production")
def test_refuses_an_action_of_another_size_or_by_name() -> None:
    with pytest.raises(InputError) as problem:
        patch_pairs(torch.zeros(3, 25), patch_actions(4)["flip"])
    assert is_helpful(problem, "of shape (samples, 16)", "'flip' acts on R^16", "got (3, 25)")
    with pytest.raises(InputError) as problem:
        patch_pairs(torch.zeros(3, 25), "flip")  # type: ignore[arg-type]
    assert is_helpful(problem, "action must be a PatchAction, got 'flip'; take one")


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_refuses_to_judge_nothing(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError) as problem:
        identifiability(torch.zeros(shape))
    assert is_helpful(problem, "both >= 1", str(shape), "at least one sample")


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_patches_of_real_data_identify(data_dir: Path, name: str) -> None:
    images = load_idx_images(data_dir / name)
    patches = ImageDomain(5).vectorize(images, count=20_000, rng=generator())
    found = identifiability(patches)
    singular = np.linalg.svd(patches.double().numpy(), compute_uv=False)
    assert found.identified
    assert found.condition == pytest.approx((singular[0] / singular[-1]) ** 2, rel=1e-6)
    border = identifiability(ImageDomain(28).vectorize(images[:2000]))
    assert not border.identified
    assert "pixels never vary" in border.reason
