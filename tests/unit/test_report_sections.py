"""Alerts, and sections about findings and representations without their data."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from grouplearn.discovery import Discovery, Evidence, Hypothesis, discover
from grouplearn.groups import CyclicGroup
from grouplearn.plots import letter_f
from grouplearn.report import (
    Cells,
    Picture,
    alerts_of,
    section_of_finding,
    section_of_representation,
)
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from tests.unit.examples import quarter_turn


def found() -> Discovery:
    rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
    return discover(rows + 0.5 * np.roll(rows, 1, axis=1))


FOUND = found()


def titles(**changes: object) -> list[tuple[str, str]]:
    changed = dataclasses.replace(FOUND, **changes)  # type: ignore[arg-type]
    return [(alert.title, alert.kind) for alert in alerts_of(changed)]


def test_a_clear_finding_raises_no_alert() -> None:
    assert (FOUND.group.name, FOUND.notes, FOUND.region) == ("C4", (), ())
    assert alerts_of(FOUND) == []


def test_alerts_say_what_the_finding_says() -> None:
    assert titles(exact=False) == [("Approximate", "caution")]
    assert titles(region=("D4",)) == [("A larger group is not excluded", "caution")]
    said = Evidence("all", 0.1, 0.9, 0.5, 1.0, "undecided", tested=True)
    guess = Hypothesis("a <-> b", torch.tensor([1, 0, 2, 3]), "D4", 8, said, 1, 0, 3, (), "few")
    assert titles(hypotheses=(guess,)) == [("Suggested, not shown", "caution")]
    notes = (
        "Anything else.", "Column 3 is constant, left in place.",
        "The time budget ended the search early.", "Equal in every sample: 1 = 0; exchanging ...",
        "Means and covariances alone were asked: this is a proposal.",
        "Nothing speaks against C2 (order 2), but these data could hardly show it.",
        "The 9 most frequent tokens were looked at, 1 left out (max_vocabulary=9).",
    )  # fmt: skip
    assert titles(notes=notes) == [
        ("The search ended early", "caution"), ("Copies among the columns", "caution"),
        ("Second moments only", "caution"), ("Too few data to decide", "caution"),
        ("Rare tokens were left out", "caution"), ("Note", "note"), ("Constant columns", "note"),
    ]  # fmt: skip


def test_regions_are_named_up_to_three() -> None:
    (alert,) = alerts_of(dataclasses.replace(FOUND, region=("A", "B", "C", "D", "E")))
    assert "A, B, C and 2 more" in alert.text


def test_notes_of_real_searches_have_titles() -> None:
    rng = np.random.default_rng(0)
    rows = rng.exponential(size=(2000, 3)) * [1.0, 4.0, 9.0]
    wide = np.column_stack([rows, rows[:, 0], np.ones(2000)])
    named = {alert.title for alert in alerts_of(discover(wide, max_moment=2))}
    assert named == {"Second moments only", "Copies among the columns", "Constant columns"}


def test_a_grid_is_drawn_as_pixels_and_moved_by_the_action() -> None:
    rep = FixedRepresentation(CyclicGroup(4), quarter_turn(5)[None])
    section = section_of_representation("turns", rep, ["A quarter turn.", "More."], is_grid=True)
    assert section.answer is not None
    assert (section.answer.sentence, list(section.paragraphs)) == ("A quarter turn.", ["More."])
    assert section.orbit is not None
    assert list(section.orbit.elements) == [
        "identity", "element 1, of order 4", "element 2, of order 2", "element 3, of order 4",
    ]  # fmt: skip
    (sample,) = section.orbit.samples
    frames = [frame for frame in sample.after if isinstance(frame, Picture)]
    assert frames[0] == sample.before
    assert len({frame.png for frame in frames}) == 4
    turned = torch.rot90(torch.as_tensor(letter_f(5).copy()), 2)
    moved = quarter_turn(5) @ quarter_turn(5) @ torch.as_tensor(letter_f(5)).flatten()
    torch.testing.assert_close(moved.reshape(5, 5), turned)


def test_other_spaces_are_drawn_as_the_coordinates_that_move() -> None:
    rep = FixedRepresentation.from_permutations([[0, 2, 1, 3]])
    section = section_of_representation("swap", rep, [])
    assert section.orbit is not None
    (sample,) = section.orbit.samples
    assert sample.after[1] == Cells([("coordinate 1", "3", True), ("coordinate 2", "2", True)])
    assert section.table is not None
    assert [row[:2] for row in section.table.rows] == [
        ["closure", "0"], ["invertibility", "0"], ["orthogonality", "0"], ["condition", "1"],
    ]  # fmt: skip


def test_a_trivial_group_has_nothing_to_move() -> None:
    rep = FixedRepresentation(CyclicGroup(1), torch.empty(0, 4, 4))
    section = section_of_representation("nothing", rep, [], is_grid=True)
    assert (section.orbit, list(section.pictures)) == (None, [])


def test_a_large_space_goes_without_a_heat_map() -> None:
    rep = SpectralRepresentation(CyclicGroup(2), 81)
    section = section_of_representation("large", rep, [])
    assert section.answer is not None
    assert section.answer.picture is not None
    assert "eigenvalues" in section.answer.picture.alt
    assert list(section.pictures) == []


def test_a_finding_brings_lattice_evidence_and_what_its_group_does() -> None:
    section = section_of_finding("ring", FOUND)
    assert section.answer is not None
    assert section.answer.sentence == FOUND.summary()
    assert len(section.pictures) == 2
    assert [inner.heading for inner in section.sections] == ["What it does"]
    rows = np.random.default_rng(0).exponential(size=(500, 3)) * [1.0, 5.0, 25.0]
    nothing = section_of_finding("nothing", discover(rows))
    assert nothing.answer is not None
    assert (nothing.answer.status, list(nothing.sections)) == ("None found", [])
