"""Whole objects that are moved and then cut, against vectors that are cut and then moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from grouplearn.discovery import InvarianceTest
from grouplearn.domains import patch_wholes, sequence_pieces, wholes
from grouplearn.domains.base import Domain
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.pixels import GRID_MOVES, PixelMove
from grouplearn.domains.samples import sample_box_drawings
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.domains.tokens import TokenDomain
from grouplearn.errors import DataError, GrouplearnError, InputError
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import is_helpful

SEEDS = st.integers(0, 2**32 - 1)
FAST: dict[str, Any] = {"draws": 99}


def same_rows(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """The same rows, in any order."""
    first, second = (
        np.array(sorted(np.round(rows, 5).tolist())) for rows in (one + 0.0, other + 0.0)
    )
    return one.shape == other.shape and np.allclose(first, second, atol=2e-5)


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def pattern(seed: int, count: int) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """One image without symmetry, flipped or not, with noise; and which of them are flipped."""
    one = noise(0, 8, 8)
    flipped = np.arange(count) % 2
    images = torch.stack([one.flip(-1) if k else one for k in flipped])
    return (images + 0.05 * noise(seed, count, 8, 8)).clamp(0, 1), flipped


def words_of(letters: str, rows: int, length: int, weights: list[float] | None = None) -> list[str]:
    rng = np.random.default_rng(1)
    return ["".join(rng.choice(list(letters), length, p=weights)) for _ in range(rows)]


@pytest.mark.parametrize("name", GRID_MOVES)
@pytest.mark.parametrize("shape", [(9, 2, 7, 7), (9, 1, 6, 9), (2, 1, 30, 26)])
@pytest.mark.parametrize("stride", [1, 2])
def test_turned_images_are_cut_into_turned_patches(
    name: str, shape: tuple[int, ...], stride: int
) -> None:
    domain = ImageDomain(3, stride)
    cut = domain.wholes(noise(0, *shape), remove_mean=False)
    objects = np.arange(cut.count)
    moved = cut.rows(objects, PixelMove(name))
    assert same_rows(moved, cut.rows(objects) @ PixelMove(name).matrix(3).numpy().T)


@pytest.mark.parametrize("shape", [(70, 1, 12, 12), (70, 2, 9, 14)])
def test_drawn_places_are_closed_under_moves(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wholes, "_ROWS", 70 * 2 * 16)
    cut = ImageDomain(3).wholes(noise(0, *shape), seed=3)
    one = cut.rows(np.arange(4))
    assert len(one) < 4 * shape[1] * 100
    assert not same_rows(one[: len(one) // 4], cut.rows(np.array([3])))
    for name in GRID_MOVES:
        moved = cut.rows(np.arange(4), PixelMove(name))
        assert same_rows(moved, one @ PixelMove(name).matrix(3).numpy().T)


def test_every_patch_is_taken_where_they_are_few() -> None:
    images = noise(1, 70, 2, 6, 7)
    images[5] = 0.5  # flat patches are left out
    domain = ImageDomain(3)
    cut = domain.wholes(images)
    expected = domain.vectorize(images, remove_mean=True, skip_flat=True).double().numpy()
    assert same_rows(cut.rows(np.arange(70)), expected)
    assert cut.items == cut.count == 70
    dots = (images * 255).to(torch.uint8).numpy()
    expected = domain.vectorize(dots).double().numpy()
    found = domain.wholes(dots, remove_mean=False, skip_flat=False).rows(np.arange(70))
    np.testing.assert_allclose(np.sort(found, 0), np.sort(expected, 0), atol=1e-6)


def test_few_images_become_tiles() -> None:
    cut = ImageDomain(3).wholes(noise(0, 2, 100, 130))
    assert 32 <= cut.count <= 64
    assert cut.parents.tolist() == sorted(cut.parents.tolist())
    assert set(cut.parents) == {0, 1}
    assert ImageDomain(3).wholes(noise(0, 2, 8, 8)).count == 2


def test_of_very_many_images_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wholes, "_ROWS", 800)
    monkeypatch.setattr(patch_wholes, "_AT_ONCE", 64 * 7)
    images = noise(0, 300, 8, 8)
    cut = ImageDomain(3).wholes(images)
    assert (cut.count, cut.items) == (100, 300)
    whole = ImageDomain(3).vectorize(images, remove_mean=True).double().numpy().reshape(300, 36, 9)
    for k in (0, 57, 99):
        mine = {tuple(row) for row in np.round(whole[cut.parents[k]], 4)}
        assert {tuple(row) for row in np.round(cut.rows(np.array([k])), 4)} <= mine
    images[288, 3, 4] = float("nan")
    with pytest.raises(InputError, match=r"nan at \(288, 3, 4\)"):
        ImageDomain(3).wholes(images)


def test_vectors_apart_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.arange(70 * 11 * 13).reshape(70, 11, 13) / 11_000
    domain = ImageDomain(3, stride=1)
    rows = domain.wholes(pixels, apart=True, remove_mean=False).rows(np.arange(70))
    assert len(rows) == 70 * 3 * 4
    assert len(np.unique(rows)) == rows.size
    starts = rows.reshape(70, -1).min(1)
    assert len(np.unique(np.round(np.diff(starts), 6))) > 1  # not from the same place on
    monkeypatch.setattr(wholes, "_ROWS", 64 * 5)
    assert len(domain.wholes(pixels, apart=True).rows(np.arange(64))) == 64 * 5
    text = words_of("ACGT", 1, 1000)[0]
    sequences = SequenceDomain(window=4, stretch=50)
    found = sequences.wholes([text], apart=True)
    words = found.rows(np.arange(found.count))
    assert len(words) < 1000 / 4 + 20
    monkeypatch.setattr(wholes, "_ROWS", 40)
    assert len(sequences.wholes([text], apart=True).rows(np.arange(found.count))) <= 40
    tokens = TokenDomain.from_sequences([["a"], ["b"]])
    assert len(tokens.wholes(apart=True).rows(np.arange(2))) == 2


@given(st.lists(st.text("ACGTN", min_size=1, max_size=40), min_size=1, max_size=5), SEEDS)
def test_moved_pieces_are_cut_into_moved_windows(texts: list[str], seed: int) -> None:
    domain = SequenceDomain(window=3, stretch=7)
    try:
        windows = domain.vectorize(texts).double().numpy()
    except DataError:
        return
    cut = domain.wholes(texts, seed=seed)
    objects = np.arange(cut.count)
    assert same_rows(cut.rows(objects), windows)
    assert cut.items == len(texts)
    for move in domain.known_actions().values():
        assert same_rows(cut.rows(objects, move), windows @ move.matrix.numpy().T)


def test_drawn_windows_are_closed_under_reversal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wholes, "_ROWS", 400)
    text = words_of("ACGT", 1, 3000)[0]
    domain = SequenceDomain(window=4, stretch=100)
    cut = domain.wholes(text)
    rows = cut.rows(np.arange(cut.count))
    assert (cut.count, len(rows)) == (30, 30 * 12)
    for move in domain.known_actions().values():
        assert same_rows(cut.rows(np.arange(30), move), rows @ move.matrix.numpy().T)


def test_of_very_many_pieces_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_pieces, "_PIECES", 20)
    cut = SequenceDomain(window=2).wholes(words_of("ACGT", 90, 30))
    assert (cut.count, cut.items) == (20, 90)
    assert len(set(cut.parents.tolist())) == 20
    assert max(cut.parents) > 60


def test_tokens_are_renamed_as_coordinates_move(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = TokenDomain.from_sequences(sample_box_drawings())
    images = np.random.default_rng(0).permutation(domain.dim)
    (_, move, *_) = domain.extend(FixedRepresentation.from_permutations([images]))
    assert move is not None
    cut = domain.wholes()
    rows = cut.rows(np.arange(128)).reshape(128, 2, -1)
    np.testing.assert_allclose(rows.reshape(128, -1), domain.vectorize().numpy(), atol=1e-6)
    moved = cut.rows(np.arange(128), move).reshape(128, 2, -1)
    np.testing.assert_array_equal(moved[..., images], rows)
    monkeypatch.setattr(wholes, "_ROWS", 10)
    few = domain.wholes()
    assert (few.count, few.items) == (10, 128)
    pairs = TokenDomain.from_pairs([["a", "b"]] * 9, [["X"]] * 9)
    swapped = pairs.wholes().rows(np.arange(9), lambda pair: (pair[0][::-1], pair[1]))
    assert not np.array_equal(swapped, pairs.wholes().rows(np.arange(9)))


def test_an_image_is_one_block() -> None:
    """All patches of an image are flipped, or none: so many rows are no evidence."""
    images, flipped = pattern(1, 45)
    domain = ImageDomain(3)
    result = domain.invariance_test(images, "flip", **FAST)
    assert result.blocks == 45
    assert not result.rejected
    assert domain.invariance_test(images[flipped == 0], "flip", **FAST).rejected
    assert domain.invariance_test(images, "flip", labels=flipped, **FAST).rejected


def test_a_function_says_what_its_name_says() -> None:
    images, _ = pattern(1, 40)
    domain = ImageDomain(3)
    named, action = (
        domain.invariance_test(images, each, **FAST)
        for each in ("quarter-turn", domain.known_actions()["quarter-turn"])
    )
    function = domain.invariance_test(images, lambda x: torch.rot90(x, 1, (-2, -1)), **FAST)
    assert named == action
    assert (named.name, function.name) == ("quarter-turn", "the function")
    assert named.p_value == function.p_value <= 0.05
    assert np.isnan(function.effect)
    assert function.effect_bound == np.inf
    moves = domain.extend(FixedRepresentation.from_permutations([np.arange(9)[::-1].copy()]))
    assert domain.invariance_test(images, moves[1] or str, **FAST).name == "half-turn"


def test_vectors_move_where_whole_objects_cannot() -> None:
    domain = ImageDomain(3)
    assert not domain.invariance_test(noise(2, 40, 6, 6), "shift", **FAST).rejected
    smooth = (noise(2, 40, 6, 6).cumsum(-1) / 6).clamp(0, 1)
    assert domain.invariance_test(smooth, "shift", **FAST).rejected


def result_for_letters(weights: list[float]) -> InvarianceTest:
    domain = SequenceDomain(window=2)
    swap, turn = ([*row, *(k + 4 for k in row)] for row in ([1, 0, 2, 3], [1, 2, 3, 0]))
    rep = FixedRepresentation.from_permutations([swap, turn])
    assert rep.group.order == 24  # more than are gone through one by one
    return domain.invariance_test(words_of("ACGT", 60, 40, weights), rep, **FAST)


def test_large_groups_are_drawn_from() -> None:
    assert not result_for_letters([0.25] * 4).rejected
    rejected = result_for_letters([0.4, 0.2, 0.2, 0.2])
    assert rejected.rejected
    assert rejected.effect > 0.5


def test_matrices_that_are_no_permutations_act_on_whole_images_too() -> None:
    domain, negative = ImageDomain(3), -torch.eye(9, dtype=torch.float64)[None]
    rep = FixedRepresentation(FixedRepresentation.from_permutations([[1, 0]]).group, negative)
    assert not domain.invariance_test(noise(4, 40, 6, 6), rep, **FAST).rejected
    dark = noise(4, 40, 6, 6) ** 4
    assert domain.invariance_test(dark, rep, **FAST).rejected


def test_sentences_read_backwards() -> None:
    words = [list(text) for text in words_of("ab", 60, 9)]
    both = TokenDomain.from_sequences(words)
    assert not both.invariance_test(None, lambda sample: sample[::-1], **FAST).rejected
    ending = TokenDomain.from_sequences([[*sample, "c"] for sample in words])
    assert ending.invariance_test(None, lambda sample: sample[::-1], **FAST).rejected
    swap = FixedRepresentation.from_permutations([[1, 0]])
    assert not both.invariance_test(None, swap, **FAST).rejected
    assert both.invariance_test([["a"], ["a", "a"]] * 20, swap, **FAST).rejected


def nothing_changes(whole: Any) -> Any:
    return whole


IMAGES, DNA, TOKENS = ImageDomain(3), SequenceDomain(window=3), TokenDomain.from_sequences([["a"]])
TEN = noise(0, 10, 6, 6)
GENES = words_of("ACGT", 10, 30)
BAD: dict[str, tuple[Domain, Any, Any, dict[str, Any]]] = {
    "one of quarter-turn, half-turn": (IMAGES, TEN, "flop", {}),
    "one of reverse, complement": (DNA, GENES, "flip", {}),
    "action must be a representation": (TOKENS, None, "flip", {}),
    "finite order.*'blur'": (IMAGES, TEN, "blur", {}),
    "got the identity": (IMAGES, TEN, nothing_changes, {}),
    "none up to the 24th": (IMAGES, TEN, lambda x: x**2, {}),
    "keeps their shape": (IMAGES, TEN, lambda x: x[..., 1:], {}),
    "keeps their length": (DNA, GENES, lambda text: text[1:], {}),
    "returns tokens": (TOKENS, [["a"], ["a", "a"]] * 5, lambda _: "a", {}),
    r"R\^9": (IMAGES, TEN, FixedRepresentation.from_permutations([[1, 0]]), {}),
    "trivial group": (IMAGES, TEN, FixedRepresentation.from_permutations([range(9)]), {}),
    "8 independent blocks.*got 7": (IMAGES, TEN[:7], "flip", {}),
    "got no vector": (IMAGES, TEN * 0, "flip", {}),
    "the same vector": (DNA, ["AAAA"] * 9, "reverse", {}),
    "at least two values": (IMAGES, TEN, "flip", {"labels": [1] * 10}),
    r"of shape \(10,\)": (IMAGES, TEN, "flip", {"labels": [1, 2]}),
    "nan at 1": (IMAGES, TEN, "flip", {"labels": [1, np.nan] * 5}),
    "level must be below 1": (IMAGES, TEN, "flip", {"level": 1}),
    "draws must be at least 19": (IMAGES, TEN, "flip", {"draws": 18}),
    "draws must be at most": (IMAGES, TEN, "flip", {"draws": 10**6}),
    "seed must be": (IMAGES, TEN, "flip", {"seed": -1}),
    r"'X' at position 1 of a sequence \(9 before": (DNA, [*GENES[:9], "AXA"], "reverse", {}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message: str) -> None:
    domain, raw, action, options = BAD[message]
    with pytest.raises(GrouplearnError, match=message) as caught:
        domain.invariance_test(raw, action, **options)
    assert is_helpful(caught)


@pytest.mark.slow
def test_the_level_is_exact_for_whole_objects() -> None:
    rejected = []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        images, _ = pattern(seed, 40)
        turns = [PixelMove(str(rng.choice(list(GRID_MOVES)))) for _ in images]
        turned = torch.stack([move(image) for move, image in zip(turns, images, strict=True)])
        result = ImageDomain(3).invariance_test(turned, "quarter-turn", seed=seed, **FAST)
        rejected.append(result.rejected)
    assert 0.02 <= np.mean(rejected) <= 0.085


@pytest.mark.slow
def test_the_level_is_exact_for_vectors_alone() -> None:
    domain = ImageDomain(3)
    rejected = [
        domain.invariance_test(noise(seed, 40, 6, 6), "shift", seed=seed, **FAST).rejected
        for seed in range(250)
    ]
    assert 0.02 <= np.mean(rejected) <= 0.085
