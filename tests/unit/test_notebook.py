"""What notebooks show: whole, escaped, and without a script."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn import _frames
from grouplearn.discovery import Discovery, Evidence, Hypothesis, Rung, discover
from grouplearn.groups import CyclicGroup, DihedralGroup
from grouplearn.report.notebook import cycles_of, html_of
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import Choice, Tried
from tests.unit.test_report import NASTY, Reader


def ring(**options: Any) -> Discovery:
    rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
    return discover(rows + 0.5 * np.roll(rows, 1, axis=1), **options)


def shown(what: Any) -> Reader:
    html = what._repr_html_()
    page = Reader(html)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe"} == set()
    return page


def test_a_finding_shows_members_evidence_alerts_and_a_picture() -> None:
    found = ring(max_moment=2)
    page = shown(found)
    assert page.of("strong") == ["Finding", "Second moments only."]
    assert page.of("caption") == ["Members", "Evidence"]
    cells = page.of("td")
    assert found.group.name == "D4"
    assert {cell for cell in cells if cell.startswith("(")} == {
        "(0 1 2 3)", "(0 2)(1 3)", "(0 3 2 1)", "(0 2)", "(1 3)", "(0 1)(2 3)", "(0 3)(1 2)",
    }  # fmt: skip
    assert cells[:2] == ["0", "identity"]
    measured = [each.measured() for rung in found.ladder for each in rung.shown()]
    assert [cell for cell in cells if cell in measured] == measured
    (picture,) = (each for tag, each in page.tags if tag == "img")
    assert str(picture["src"]).startswith("data:image/png;base64,")


def test_many_members_are_not_all_listed() -> None:
    group = DihedralGroup(8)
    rep = FixedRepresentation.from_permutations(group.cayley_table[list(group.generators)])
    members = torch.as_tensor(rep.matrices().argmax(1))
    zeros = torch.zeros(16, dtype=torch.float64)
    page = shown(Discovery(rep, members, zeros, zeros, 1.0, 1.0, (), True, "permutation"))
    assert page.of("caption") == ["Members, 12 of 16"]
    assert len(page.of("td")) == 2 * 12


def test_names_are_escaped() -> None:
    zeros = torch.zeros(2, dtype=torch.float64)
    rep = FixedRepresentation.from_permutations([[1, 0]])
    rung = Rung(NASTY, 2, torch.tensor([[1, 0]]), (), False)
    said = Evidence("all", 0.1, 0.2, 0.5, 1.0, "undecided", tested=True)
    guess = Hypothesis(NASTY, torch.tensor([1, 0]), NASTY, 2, said, 1, 0, 1, (NASTY,), NASTY)
    found = Discovery(rep, torch.tensor([[0, 1], [1, 0]]), zeros, zeros, 1.0, 1.0, (rung,), True,
                      "permutation", notes=(NASTY,), region=(NASTY,),
                      hypotheses=(guess,))  # fmt: skip
    page = shown(found)
    assert f" {NASTY}" in page.of("p")


def test_nothing_found_is_said() -> None:
    rows = np.random.default_rng(0).exponential(size=(500, 3)) * [1.0, 5.0, 25.0]
    page = shown(discover(rows))
    assert any("No symmetry found." in text for text in page.of("p"))
    assert "Members" not in page.of("caption")


def test_a_group_shows_its_table_and_a_large_one_its_order() -> None:
    page = shown(DihedralGroup(3))
    assert page.of("strong") == ["D3"]
    assert page.of("td") == ["1", "1", "2", "3", "3", "2"]
    assert [tag for tag, _ in page.tags].count("img") == 1
    large = shown(CyclicGroup(65))
    assert "img" not in {tag for tag, _ in large.tags}
    assert any("order 65" in text for text in large.of("p"))


def test_a_representation_shows_its_laws() -> None:
    page = shown(SpectralRepresentation(CyclicGroup(4), 9))
    assert page.of("strong") == ["SpectralRepresentation"]
    assert any("C4 on R^9; closes exactly" in text for text in page.of("p"))
    assert [c for c in page.of("td") if c in ("closure", "orthogonality")] == [
        "closure", "orthogonality",
    ]  # fmt: skip
    trivial = shown(FixedRepresentation(CyclicGroup(1), torch.empty(0, 3, 3)))
    assert "img" not in {tag for tag, _ in trivial.tags}


def test_a_choice_shows_what_was_tried() -> None:
    reps = [SpectralRepresentation(CyclicGroup(n), 9) for n in (1, 2)]
    tried = (Tried(reps[0], (0.8,), 100, 1.0), Tried(reps[1], (), 100, 0.0))
    page = shown(Choice(reps[0], tried, "C1 is the best."))
    assert page.of("strong") == ["Choice of C1"]
    assert page.of("td") == ["C1", tried[0].words, "chosen", "C2", tried[1].words]
    untried = shown(Choice(reps[0], tried[1:]))
    assert "img" not in {tag for tag, _ in untried.tags}


def test_other_objects_are_shown_as_text() -> None:
    assert Reader(html_of(NASTY)).of("p") == [f": {NASTY}"]


def test_cycles_are_shortened() -> None:
    swaps = torch.arange(40).view(20, 2).flip(1).flatten()
    assert cycles_of(swaps).endswith("(14 15) and 12 more")
    assert cycles_of(torch.arange(3)) == "identity"
    assert cycles_of(torch.eye(2)) == "a matrix of trace 2"


def test_a_notebook_shows_text_where_nothing_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_frames, "_drawn_by", [])
    assert _frames.frame_of(CyclicGroup(2)) is None


@pytest.mark.slow
def test_pictures_are_imported_when_they_are_asked_for() -> None:
    program = (
        "import sys; from grouplearn import CyclicGroup; group = CyclicGroup(2);"
        "print('matplotlib' in sys.modules); group._repr_html_();"
        "print('matplotlib' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["False", "True"]
