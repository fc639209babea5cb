"""Moments of patches against plain patches; which actions extend to images."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from grouplearn import CyclicGroup
from grouplearn.domains import patch_moments
from grouplearn.domains.base import Extension
from grouplearn.domains.idx import load_idx_images
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.pixels import GRID_MOVES, PIXEL_MOVES
from grouplearn.domains.samples import sample_digits, sample_sky
from grouplearn.errors import InputError, MissingExtraError
from grouplearn.representations import FixedRepresentation, SkewRepresentation
from tests.unit.examples import is_helpful, matrix_of, seeded

SEEDS = st.integers(0, 2**32 - 1)


def spotted(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Images with many flat places."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, shape, np.uint8) * (random.random(shape) < 0.1)


def slices(images: NDArray[Any], k: int, stride: int) -> NDArray[np.float64]:
    """Every patch of (B, C, H, W), by plain loops."""
    batch, channels, height, width = images.shape
    return np.array(
        [
            images[b, c, i : i + k, j : j + k].ravel()
            for b in range(batch)
            for c in range(channels)
            for i in range(0, height - k + 1, stride)
            for j in range(0, width - k + 1, stride)
        ],
        dtype=np.float64,
    )


def prepared(patches: NDArray[np.float64], remove: bool, skip: bool) -> NDArray[np.float64]:
    if skip:
        patches = patches[np.ptp(patches, axis=1) > 0]
    return patches - patches.mean(1, keepdims=True) if remove else patches


def same_rows(one: NDArray[Any], other: NDArray[Any]) -> bool:
    first, second = (np.array(sorted(np.round(rows, 4).tolist())) for rows in (one, other))
    return one.shape == other.shape and np.allclose(first, second, atol=2e-4)


@given(SEEDS, st.integers(2, 4), st.integers(1, 3), st.booleans(), st.booleans(), st.data())
def test_moments_equal_those_of_all_patches(
    seed: int, k: int, stride: int, remove: bool, skip: bool, data: st.DataObject
) -> None:
    batch, channels = data.draw(st.sampled_from([1, 3, 70])), data.draw(st.integers(1, 2))
    height, width = k + data.draw(st.integers(0, 20)), k + data.draw(st.integers(0, 6))
    images = spotted(seed, batch, channels, height, width)
    images[0, 0, 0, :2] = 0, 255
    rows = prepared(slices(images / 255, k, stride), remove, skip)
    domain = ImageDomain(k, stride)
    given_images = torch.from_numpy(images / 255) if data.draw(st.booleans()) else images
    moments = domain.moments(given_images, remove_mean=remove, skip_flat=skip)
    assert moments.count == moments.samples == len(rows)
    np.testing.assert_allclose(moments.sums.sum(0), rows.sum(0), atol=1e-5 * len(rows))
    np.testing.assert_allclose(moments.products.sum(0), rows.T @ rows, atol=1e-5 * len(rows))
    np.testing.assert_allclose(moments.cubes.sum(0), (rows**2).T @ rows, atol=1e-5 * len(rows))
    sample = moments.sample()
    assert same_rows(sample.rows, rows)
    np.testing.assert_array_equal(
        np.bincount(sample.groups, minlength=moments.groups), moments.weights
    )


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("remove", [False, True])
def test_vectorize_prepares_alike(remove: bool, skip: bool) -> None:
    images = spotted(0, 2, 2, 9, 8)
    rows = prepared(slices(images / 255, 3, 2), remove, skip)
    found = ImageDomain(3, 2).vectorize(images, remove_mean=remove, skip_flat=skip)
    np.testing.assert_allclose(found.numpy(), rows, atol=1e-6)
    drawn = ImageDomain(3, 2).vectorize(
        images, count=300, rng=seeded(), remove_mean=remove, skip_flat=skip
    )
    every = prepared(slices(images / 255, 3, 1), remove, skip)
    known = {tuple(row) for row in np.round(every, 4).tolist()}
    assert drawn.shape == (300, 9)
    assert {tuple(row) for row in np.round(drawn.double().numpy(), 4).tolist()} <= known


def test_images_are_blocks() -> None:
    images = torch.rand(100, 2, 5, 5, generator=seeded())
    moments = ImageDomain(4).moments(images)
    expected = np.zeros(moments.groups)
    np.add.at(expected, moments.group_of(np.arange(100)), 2 * 4)
    np.testing.assert_array_equal(moments.weights, expected)
    other = ImageDomain(4).moments(images, seed=1)
    assert not np.array_equal(other.weights, expected)
    np.testing.assert_allclose(other.products.sum(0), moments.products.sum(0), rtol=1e-5)


def test_few_images_are_cut_into_bands() -> None:
    moments = ImageDomain(3).moments(torch.rand(2, 200, 20, generator=seeded()))
    assert (moments.weights > 0).sum() > 10
    assert moments.count == 2 * 198 * 18


def test_too_many_patches_are_thinned_fairly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place is as likely as any other, and the sums keep their means."""
    ramp = torch.arange(30.0).expand(30, 30) / 30
    images = (ramp + ramp.T / 7)[None].repeat(500, 1, 1) / 1.2
    every = ImageDomain(3).moments(images, remove_mean=False)
    monkeypatch.setattr(patch_moments, "_MOST_PATCHES", every.count / 9)
    monkeypatch.setattr(patch_moments, "_PIXELS", 9000)
    some = ImageDomain(3).moments(images, remove_mean=False)
    assert every.count / 11 < some.count < every.count / 7
    np.testing.assert_allclose(some.mean(), every.mean(), rtol=0.02)
    np.testing.assert_allclose(some.covariance(), every.covariance(), rtol=0.1, atol=1e-3)
    assert torch.equal(
        torch.from_numpy(some.sums),
        torch.from_numpy(ImageDomain(3).moments(images, remove_mean=False).sums),
    )


def test_the_sample_is_drawn_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_moments, "_OFFERED", 1)
    monkeypatch.setattr("grouplearn.discovery.moments.KEEP", 20_000)
    monkeypatch.setattr("grouplearn.discovery.moments._ENTRIES", 0)
    monkeypatch.setattr(patch_moments, "_COLUMNS", 500)
    monkeypatch.setattr(patch_moments, "_PIXELS", 20_000)
    images = torch.arange(100.0)[:, None, None] / 100 + torch.rand(100, 22, 22) / 1e4
    rows = ImageDomain(2).moments(images.clamp(0, 1), remove_mean=False).sample().rows
    assert 17_000 < len(rows) < 23_000
    counts = np.bincount((rows.mean(1) * 100).astype(int), minlength=100)
    assert 120 < counts.min() <= counts.max() < 290


def test_memory_maps_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = spotted(0, 40, 9, 9)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    expected = ImageDomain(3).moments(images)
    monkeypatch.setattr(patch_moments, "_PIXELS", 300)
    found = ImageDomain(3).moments(mapped)
    np.testing.assert_allclose(found.products, expected.products, atol=1e-4)
    broken = images.astype(np.float32) / 255
    broken[33, 4, 5] = np.nan
    with pytest.raises(InputError) as problem:
        ImageDomain(3).moments(broken)
    assert is_helpful(problem, "images must be finite, got nan at (33, 4, 5)")


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("sign", [1, -1], ids=["plain", "negative"])
def test_grid_symmetries_extend(k: int, sign: int) -> None:
    """The name that `extend` gives is of an operation that does to patches what the matrix does."""
    quarter = matrix_of(np.rot90(np.arange(k * k).reshape(k, k)))
    flip = matrix_of(np.fliplr(np.arange(k * k).reshape(k, k)))
    images = torch.rand(2, 7, 6, generator=seeded(), dtype=torch.float64)
    names = set()
    for turns in range(4):
        for mirror in (torch.eye(k * k, dtype=torch.float64), flip):
            matrix = sign * torch.linalg.matrix_power(quarter, turns) @ mirror
            group = CyclicGroup(int(next(n for n in (1, 2, 4) if _is_one(matrix, n))))
            rep = FixedRepresentation(group, matrix[None][: len(group.generators)])
            move = ImageDomain(k).extend(rep)[len(group.generators)]
            assert isinstance(move, Extension)
            assert str(move) == move.name
            names.add(move.name)
            patches = images.unfold(1, k, 1).unfold(2, k, 1).reshape(-1, k * k)
            whole = move(images).unfold(1, k, 1).unfold(2, k, 1).reshape(-1, k * k)
            assert same_rows((patches @ matrix.T + (sign < 0)).numpy(), whole.numpy())
    assert names == {move.name for move in PIXEL_MOVES if move.negative is (sign < 0)}
    assert len(names) == len(GRID_MOVES) == 8


def _is_one(matrix: torch.Tensor, power: int) -> bool:
    return torch.equal(torch.linalg.matrix_power(matrix, power), torch.eye(len(matrix)).double())


def test_other_actions_do_not_extend() -> None:
    shift = ImageDomain(3).known_actions()["shift"].matrix
    rep = FixedRepresentation(CyclicGroup(3), shift[None])
    assert [str(move) for move in ImageDomain(3).extend(rep)] == ["identity", "None", "None"]
    dense = SkewRepresentation(CyclicGroup(4), dim=9, rng=seeded())
    assert ImageDomain(3).extend(dense)[1:] == (None, None, None)


def test_negatives_of_pictures() -> None:
    negative = next(move for move in PIXEL_MOVES if move.name == "negative identity")
    assert negative(torch.tensor([[0, 255, 55]], dtype=torch.uint8)).tolist() == [[255, 0, 200]]
    assert negative(torch.tensor([[0.0, 1.0]])).tolist() == [[1.0, 0.0]]


def test_known_actions_hold_the_whole_grid() -> None:
    actions = ImageDomain(3).known_actions()
    for name in GRID_MOVES.keys() - {"identity"}:
        move = next(each for each in PIXEL_MOVES if each.name == name)
        assert torch.equal(move.matrix(3), actions[name].matrix)


def test_discovery_takes_prepared_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of the domain go to the moments, all others to `discover`."""
    seen: dict[str, Any] = {}

    def spy(moments: Any, **options: Any) -> Any:
        seen.update(options, count=moments.count, mean=abs(moments.mean().mean()))
        return "found"

    monkeypatch.setattr("grouplearn.domains.images.discovered", spy)
    # Beneath the check of types, as what the spy returns is no Discovery.
    discover: Any = getattr(ImageDomain.discover, "__wrapped__", ImageDomain.discover)
    images = spotted(0, 80, 6, 6)
    assert discover(ImageDomain(3), images, max_moment=2, seed=3) == "found"
    assert seen == {"max_moment": 2, "seed": 3, "count": seen["count"], "mean": seen["mean"]}
    assert seen["mean"] < 1e-7
    detailed = seen["count"]
    discover(ImageDomain(3), images, remove_mean=False, skip_flat=False)
    assert detailed < seen["count"] == 80 * 16
    assert seen["mean"] > 0.01


@pytest.mark.slow
def test_rotated_digits_have_the_group_of_the_square() -> None:
    digits = torch.cat([torch.rot90(sample_digits(), turns, (1, 2)) for turns in range(4)])
    images = torch.cat([digits, digits.mT])
    found = ImageDomain(3).discover(images, max_moment=2)
    assert (found.group.name, found.group.order) == ("D4", 8)
    assert {str(move) for move in ImageDomain(3).extend(found.representation)} == set(GRID_MOVES)


@pytest.mark.parametrize("size", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_the_sky_has_no_preferred_direction(size: int) -> None:
    domain = ImageDomain(size)
    found = domain.discover(sample_sky())
    assert found.group.name == "D4", found.summary()
    assert found.exact
    assert {str(move) for move in domain.extend(found.representation)} == set(GRID_MOVES)


def test_the_sky_is_whole() -> None:
    sky = sample_sky()
    assert sky.dtype == torch.float32
    assert round(float(sky.double().sum()) * 255) == 16_606_630
    assert torch.equal(sky, (sky * 255).round() / 255)


def test_digits_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = sample_digits()
    assert digits.dtype == torch.float32
    assert (float(digits.min()), float(digits.max())) == (0, 1)
    np.testing.assert_array_equal((digits[0, 0] * 16).tolist(), [0, 0, 5, 13, 9, 1, 0, 0])
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r"grouplearn\[train\]"):
        sample_digits()


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("images", "part"),
    [
        (torch.zeros(3, 9, 9), "images with detail, got patches of equal pixels alone"),
        (torch.zeros(0, 9, 9), "no axis empty"),
        (torch.zeros(3, 2, 9), "at least 3 x 3 pixels"),
        (torch.tensor(0.0), "of shape (B, H, W)"),
    ],
)
def test_refuses_bad_images(images: Any, part: str) -> None:
    domain: Any = ImageDomain(3)
    for use in (domain.moments, domain.discover, lambda x: domain.vectorize(x, skip_flat=True)):
        with pytest.raises(InputError) as problem:
            use(images)
        assert is_helpful(problem, "ImageDomain.", "images must be", part)


BYTES = np.random.default_rng(0).integers(0, 256, (70, 9, 8), dtype=np.uint8)
FLOATS = np.where(BYTES > 99, 1.0, 0.0)
HOLDERS: dict[str, tuple[Callable[[], Any], Any]] = {
    "list": (lambda: list(BYTES), BYTES),
    "tuple of tensors": (lambda: tuple(map(torch.tensor, BYTES)), BYTES),
    "generator": (lambda: (each for each in BYTES), BYTES),
    "pictures": (lambda: [Image.fromarray(each) for each in BYTES], BYTES),
    "generator of pictures": (lambda: map(Image.fromarray, BYTES), BYTES),
    "data set": (lambda: TensorDataset(torch.tensor(BYTES), torch.arange(70)), BYTES),
    "loader": (lambda: DataLoader(TensorDataset(torch.tensor(BYTES)), batch_size=9), BYTES),
    "bool": (lambda: BYTES > 99, FLOATS),
    "uint16": (lambda: BYTES.astype(np.uint16) * 257, BYTES),
    "int64": (lambda: torch.tensor(BYTES).long(), BYTES),
    "floats to 255": (lambda: BYTES.astype(np.float64), BYTES),
    "standardised": (lambda: torch.tensor((BYTES - 100.0) / 50), (BYTES - BYTES.min()) /
                     np.ptp(BYTES).astype(np.float64)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOLDERS)
def test_whatever_holds_images_is_read(name: str) -> None:
    make, pixels = HOLDERS[name]
    domain = ImageDomain(2)
    got, want = domain.moments(make()), domain.moments(pixels)
    assert got.count == want.count
    np.testing.assert_allclose(got.products, want.products, rtol=1e-4, atol=1e-3)
    one, other = (each.rows(np.arange(5)) for each in map(domain.wholes, (make(), pixels)))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_pictures_in_a_folder_are_read(tmp_path: Path) -> None:
    for number, each in enumerate(BYTES[:9]):
        Image.fromarray(each).save(tmp_path / f"{number}.png")
    patches = ImageDomain(3).vectorize(tmp_path)
    assert torch.equal(patches, ImageDomain(3).vectorize(BYTES[:9]))


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(("images", "part"), [
    ([[0.0]], "images (N, H, W) or (N, C, H, W), got shape (1, 1)"),
    ([np.zeros((9, 9)), np.zeros((9, 8))], "a list of arrays of several shapes"),
    (7, "got int"),
    ("none.png", "a file or a folder that exists"),
    (np.ma.masked_equal(BYTES, 7), "without a mask"),
])  # fmt: skip
def test_what_holds_no_images_is_refused(images: Any, part: str) -> None:
    with pytest.raises(InputError) as problem:
        ImageDomain(3).discover(images)
    assert is_helpful(problem, "ImageDomain.", part)


@pytest.mark.usefixtures("as_in_production")
def test_refuses_other_representations() -> None:
    domain: Any = ImageDomain(3)
    for given_rep, part in (
        (None, "representation must be a LearnedRepresentation, got NoneType"),
        (FixedRepresentation.from_permutations([[1, 0]]), "representation.dim must be 9"),
    ):
        with pytest.raises(InputError) as problem:
            domain.extend(given_rep)
        assert is_helpful(problem, part)
    with pytest.raises(InputError, match="seed must be an integer >= 0"):
        domain.moments(torch.rand(2, 9, 9), seed=-1)


@pytest.mark.slow
@pytest.mark.data
def test_second_moments_of_digits_propose_the_half_turn(data_dir: Path) -> None:
    images = load_idx_images(data_dir / "mnist")[:5000]
    found = ImageDomain(5).discover(images, max_moment=2)
    assert [str(move) for move in ImageDomain(5).extend(found.representation)] == [
        "identity", "half-turn",
    ]  # fmt: skip
