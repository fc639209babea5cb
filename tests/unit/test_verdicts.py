"""One sentence for every outcome of `grouplearn learn`."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest
import torch

from grouplearn.commands import output, page
from grouplearn.commands.measure import Measures, breaks_its_law, verdict
from grouplearn.domains.patches import patch_actions
from grouplearn.representations import (
    DenseRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from tests.unit.examples import C, seeded

GOOD = Measures(
    distance=1e-4,
    escnn_distance=None,
    closure=2e-4,
    homomorphism=2e-4,
    invertibility=0.0,
    orthogonality=0.0,
    condition=1.0,
    exact_moved=None,
    exact_distance=None,
    exact_refusal="",
    pair_error=1e-4,
)
FAR = replace(GOOD, distance=0.5, closure=0.7, pair_error=0.3)
DENSE = DenseRepresentation(C(4), 9, rng=seeded())
SKEW = SkewRepresentation(C(2), 9, rng=seeded())
SPECTRAL = SpectralRepresentation(C(2), 9)
Case = tuple[LearnedRepresentation, Measures, str, list[float], bool, str]
CASES: dict[str, Case] = {
    "found": (
        DENSE, GOOD, "quarter-turn", [0.0], True,
        "Closes as C4 within 0.0002: a quarter turn, 0.0001 from the truth.",
    ),
    "another order": (
        DENSE, replace(GOOD, closure=1.4), "shift", [0.0], True,
        "A shift, 0.0001 from the truth; its order is another, so it does not close as C4 "
        "(defect 1.4).",
    ),
    "no order": (
        DENSE, replace(GOOD, closure=0.9), "blur", [0.0], True,
        "A blur, 0.0001 from the truth; no power of it is the identity, so it does not close as "
        "C4 (defect 0.9).",
    ),
    "fits, not identified": (
        DENSE, replace(FAR, pair_error=1e-3), "flip", [0.0], False,
        "Not a flip: 0.5 from the truth, and does not close as C4 (defect 0.7). It fits the "
        "pairs, but they do not identify the action.",
    ),
    "neither": (DENSE, FAR, "flip", [0.3], False, "The pairs do not identify the action."),
    "determinant": (
        SKEW, FAR, "flip", [0.3, 0.3], True,
        "exp(S) has determinant +1 and the action -1: this class cannot express it.",
    ),
    "multiplicities": (
        SPECTRAL, replace(FAR, closure=0.0), "flip", [0.3], True,
        "closes as C2 (defect 0). It was given the multiplicities (5, 4), not (6, 3).",
    ),
    "right multiplicities": (
        SPECTRAL, FAR, "half-turn", [0.3], True, "The best of 1 starts ended at a loss of 0.3",
    ),
    "multiplicities of no group": (
        SPECTRAL, FAR, "quarter-turn", [0.3], True, "The best of 1 starts ended at a loss of 0.3",
    ),
    "same loss": (
        DENSE, FAR, "flip", [0.3, 0.301], True,
        "All 2 starts ended near the same loss, 0.3: the class itself is the likely limit.",
    ),
    "different losses": (
        DENSE, FAR, "flip", [0.3, 0.2], True,
        "The best of 2 starts ended at a loss of 0.2: more epochs or restarts may help.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_verdicts_say_what_the_numbers_mean(case: str) -> None:
    rep, measures, name, losses, identified, expected = CASES[case]
    sentence = verdict(rep, measures, patch_actions(3)[name], losses, identified)
    assert expected in sentence
    assert sentence.endswith(".")


def test_only_classes_that_promise_to_close_can_break_that_law() -> None:
    broken = replace(GOOD, homomorphism=float("nan"))
    assert breaks_its_law(SPECTRAL, broken)
    assert breaks_its_law(SPECTRAL, GOOD)
    assert not breaks_its_law(SPECTRAL, replace(GOOD, homomorphism=1e-6))
    assert not breaks_its_law(DENSE, broken)


def test_absent_packages_are_recorded_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        if package == "escnn":
            raise PackageNotFoundError(package)
        return "1.2"

    monkeypatch.setattr(page, "version", absent)
    found = page.versions()
    assert found["escnn"] == "not installed"
    assert found["torch"] == "1.2"


def test_numbers_have_two_digits() -> None:
    shown = [output.number(value) for value in (None, 0.0, 1.23e-5, 0.123, 12.3, 12345.0)]
    assert shown == ["-", "0", "1.2e-05", "0.12", "12", "1.2e+04"]
    assert output.number(float(torch.inf)) == "inf"
