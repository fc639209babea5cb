"""Samples that the slider of a page moves, and what a trained network's page says of its errors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from grouplearn.commands.discover_data import Reading, Subject, open_data
from grouplearn.commands.discover_orbits import orbit_of_action
from grouplearn.commands.train_page import confusion_picture, mistakes_picture, predictions
from grouplearn.groups import CyclicGroup, DihedralGroup
from grouplearn.report import Cells, Letters, Orbit, Picture, Sentence
from grouplearn.representations import FixedRepresentation
from grouplearn.training import Labelled

NO_ROWS = np.empty((0, 4))


def pixels(picture: Any) -> Any:
    assert isinstance(picture, Picture)
    with Image.open(io.BytesIO(picture.png)) as image:
        return np.asarray(image.convert("RGB"))


def orbit(subject: Subject, rep: FixedRepresentation, rows: Any = NO_ROWS) -> Orbit:
    found = orbit_of_action(subject, rep, "", rows, 0)
    assert found is not None
    return found


def images(folder: Path, values: Any) -> Subject:
    np.save(folder / "images.npy", values)
    return open_data(str(folder / "images.npy"), Reading(kind="images", patch_size=2), "images")


def test_whole_images_are_moved_where_all_elements_extend(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((30, 7, 7))
    subject = images(tmp_path, values)
    turn = FixedRepresentation.from_permutations([[2, 0, 3, 1]])  # of a patch, a quarter turn
    found = orbit(subject, turn)
    assert sorted(found.elements) == sorted(
        ["identity", "quarter turn", "half turn", "three-quarter turn"]
    )
    assert len(found.samples) == 3
    for sample in found.samples:
        number = int(sample.name.removeprefix("image "))
        before = pixels(sample.before)
        np.testing.assert_allclose(before[..., 0], np.round(255 * values[number]))
        for words, frame in found.moved(sample):
            k = ["identity", "quarter turn", "half turn", "three-quarter turn"].index(words)
            np.testing.assert_array_equal(pixels(frame), np.rot90(before, k))


def test_colours_are_kept_and_large_images_are_cut(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (4, 3, 200, 150), dtype=np.uint8)
    subject = images(tmp_path, values)
    found = orbit(subject, FixedRepresentation.from_permutations([[1, 0, 3, 2]]))
    shown = pixels(found.samples[0].before)
    assert shown.shape == (96, 96, 3)
    number = int(found.samples[0].name.removeprefix("image "))
    whole = np.moveaxis(values[number], 0, -1)
    assert any(
        np.array_equal(shown, whole[top : top + 96, left : left + 96])
        for top in (0, 96) for left in (0, 54)
    ) or np.array_equal(shown, whole[:96, :96])  # fmt: skip
    np.testing.assert_array_equal(pixels(found.samples[0].after[1]), shown[:, ::-1])


def test_patches_are_moved_where_an_element_extends_to_no_image(tmp_path: Path) -> None:
    subject = images(tmp_path, np.random.default_rng(0).random((30, 5, 5)))
    swap = FixedRepresentation.from_permutations([[1, 0, 2, 3]])
    rows = np.random.default_rng(1).normal(size=(9, 4))
    found = orbit(subject, swap, rows)
    for sample in found.samples:
        before = pixels(sample.before).reshape(4, 3)
        after = pixels(sample.after[1]).reshape(4, 3)
        np.testing.assert_array_equal(after, before[[1, 0, 2, 3]])


def test_sequences_are_moved_whole_or_by_windows(tmp_path: Path) -> None:
    file = tmp_path / "two.fa"
    file.write_text(">a\nACGTTGCAACGGT\n>b\nGGGCCCNA\n", encoding="utf-8")
    subject = open_data(str(file), Reading(window=2), "two")
    domain: Any = subject.domain
    move = domain.known_actions()["reverse-complement"]
    found = orbit(subject, FixedRepresentation.from_permutations(move.permutation[None]))
    assert [sample.name for sample in found.samples] == [
        "letters 1 to 13 of sequence 1", "letters 1 to 8 of sequence 2",
    ]  # fmt: skip
    assert found.samples[0].after[1] == Letters("ACCGTTGCAACGT", "ACGT")
    assert list(found.elements) == ["identity", "reverse complement"]
    swap = np.arange(8)
    swap[[0, 1]] = 1, 0  # A and C change places in the first position alone
    rows = np.eye(8)[[0]] + np.eye(8)[[6]]
    moved = orbit(subject, FixedRepresentation.from_permutations(swap[None]), rows)
    (sample,) = moved.samples
    assert (sample.before, sample.after[1]) == (Letters("AG", "ACGT"), Letters("CG", "ACGT"))
    mixing = np.arange(8)[[4, 1, 2, 3, 0, 5, 6, 7]]  # takes an A away and leaves two letters
    rep = FixedRepresentation.from_permutations(mixing[None])
    assert orbit_of_action(subject, rep, "", rows, 0) is None


def test_sentences_are_moved_word_by_word(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    lines = ["turn left now", "run", "walk left left", "turn right"]
    file.write_text("\n".join(lines), encoding="utf-8")
    subject = open_data(str(file), Reading(kind="tokens"), "text")
    names = subject.coordinates()
    swap = np.arange(len(names))
    left, right = names.index("left"), names.index("right")
    swap[[left, right]] = right, left
    found = orbit(subject, FixedRepresentation.from_permutations(swap[None]))
    assert found.samples[0].after[1] == Sentence(
        [("walk", False), ("right", True), ("right", True)]
    )
    assert found.samples[0].before == Sentence([("walk", False), ("left", False), ("left", False)])


def test_pairs_keep_their_sides_and_long_ones_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    lines = ["IN: left twice OUT: L L", "IN: right OUT: R", f"IN: left OUT: {'L ' * 70}"]
    file.write_text("\n".join(lines), encoding="utf-8")
    subject = open_data(str(file), Reading(), "pairs")
    names = subject.coordinates()
    swap = np.arange(len(names))
    for one, other in (("in:left", "in:right"), ("out:L", "out:R")):
        i, j = names.index(one), names.index(other)
        swap[[i, j]] = j, i
    found = orbit(subject, FixedRepresentation.from_permutations(swap[None]))
    frames = [sample.after[1] for sample in found.samples]
    shown = [[word for word, _ in f.words] for f in frames if isinstance(f, Sentence)]
    assert shown[0] == ["right", "\N{RIGHTWARDS ARROW}", *["R"] * 58, "..."]
    assert ["right", "twice", "\N{RIGHTWARDS ARROW}", "R", "R"] in shown


def test_rows_show_the_columns_that_move(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(50, 4))
    np.save(tmp_path / "rows.npy", rows)
    subject = open_data(str(tmp_path / "rows.npy"), Reading(), "rows")
    found = orbit(subject, FixedRepresentation.from_permutations([[0, 3, 2, 1]]), rows)
    for sample in found.samples:
        before, after = sample.before, sample.after[1]
        assert isinstance(before, Cells)
        assert isinstance(after, Cells)
        assert [name for name, _, _ in before.rows] == ["1", "3"]
        assert [value for _, value, _ in after.rows] == [v for _, v, _ in before.rows][::-1]
        assert [marked for _, _, marked in after.rows] == [True, True]
        assert not any(marked for _, _, marked in before.rows)


def test_large_groups_show_their_first_elements(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(5, 70))
    np.save(tmp_path / "rows.npy", rows)
    subject = open_data(str(tmp_path / "rows.npy"), Reading(), "rows")
    group = CyclicGroup(70)
    found = orbit(subject, FixedRepresentation.from_permutations(group.cayley_table[[1]]), rows)
    assert len(found.elements) == 64
    assert "the first 64 of 70 elements" in found.about
    assert max(map(len, found.elements)) <= 90
    assert all(isinstance(s.before, Cells) and len(s.before.rows) == 16 for s in found.samples)
    few = orbit_of_action(subject, FixedRepresentation.from_permutations(
        DihedralGroup(35).cayley_table[[1, 35]]), "", NO_ROWS, 0)  # fmt: skip
    assert few is None


class Fixed(nn.Module):
    """Scores that are the pixels themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 5 * x.flatten(1)[:, :3] * self.weight


def sorted_images(*taken: int) -> Labelled:
    """An image for each class that it is taken for, the true class being 0, 1, 2, 0, ..."""
    x = torch.zeros(len(taken), 1, 2, 2)
    for number, (image, k) in enumerate(zip(x, taken, strict=True)):
        image.view(-1)[k] = 1.0 - 0.01 * number
    return Labelled(x, torch.arange(len(taken)) % 3, 3)


def test_confusion_counts_what_test_images_were_taken_for() -> None:
    test = sorted_images(0, 1, 2, 1, 1, 0)
    network = Fixed().train()
    made = predictions(network, test, 0)
    assert network.training
    assert made.taken_for.tolist() == [0, 1, 2, 1, 1, 0]
    picture = confusion_picture(made, ["a", "b", "c"], "images")
    assert picture.alt == "confusion of 3 classes: 2 of 6 test images wrong"
    assert picture.caption == "What test images were taken for."
    mistakes = mistakes_picture(made, ["a", "b", "c"])
    assert mistakes is not None
    assert mistakes.alt.startswith("mistakes: a, taken for b (")
    assert "; c, taken for a (" in mistakes.alt
    assert mistakes.caption.startswith("Of 2 mistakes on 6 test images")


def test_without_mistakes_there_is_no_picture_of_them() -> None:
    made = predictions(Fixed(), sorted_images(0, 1, 2), 0)
    assert mistakes_picture(made, ["a", "b", "c"]) is None


def test_of_many_images_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grouplearn.commands.train_page._LOOKED_AT", 4)
    test = sorted_images(*[0, 1, 2] * 3)
    made = predictions(Fixed(), test, 0)
    assert (len(made.samples), made.total) == (4, 9)
    assert "4 of 9, drawn at random" in confusion_picture(made, ["a", "b", "c"], "images").caption
