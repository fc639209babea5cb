"""Shuffles that keep pairs of neighbours: counts, and each possible sequence as often."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import chisquare

from grouplearn.domains.sequence_shuffles import dinucleotide_shuffle
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful


def pairs(text: str) -> Counter[str]:
    return Counter(text[k : k + 2] for k in range(len(text) - 1))


@given(st.text("ACGTN", max_size=500), st.integers(0, 2**32 - 1))
@example("", 0)
@example("A", 0)
@example("AAAA", 0)
@example("AC" * 100, 0)
def test_pairs_and_both_ends_stay(text: str, seed: int) -> None:
    found = dinucleotide_shuffle(text, np.random.default_rng(seed))
    assert pairs(found) == pairs(text)
    assert Counter(found) == Counter(text)
    assert found[:1] == text[:1]
    assert found[-1:] == text[-1:]


@given(st.text("ACGT", max_size=60), st.integers(0, 999))
def test_a_seed_gives_one_shuffle(text: str, seed: int) -> None:
    first, again = (dinucleotide_shuffle(text, np.random.default_rng(seed)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("text", ["ACACGACCA", "AACCAGAC", "CACGACTA", "TTATTAGT"])
def test_each_sequence_with_these_pairs_is_as_likely(text: str) -> None:
    """Against all arrangements of the letters, those with other pairs left out."""
    possible = {"".join(each) for each in permutations(text)}
    alike = sorted(each for each in possible if pairs(each) == pairs(text))
    alike = [each for each in alike if each[0] == text[0]]  # closed walks could begin elsewhere
    rng = np.random.default_rng(0)
    drawn = Counter(dinucleotide_shuffle(text, rng) for _ in range(500 * len(alike)))
    assert len(alike) > 2
    assert set(drawn) <= set(alike)
    assert chisquare([drawn[each] for each in alike]).pvalue > 1e-3


def test_long_sequences_come_out_otherwise() -> None:
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 300))
    found = {dinucleotide_shuffle(text, rng) for _ in range(20)}
    assert len(found) == 20
    same = np.mean([[a == b for a, b in zip(text, each, strict=True)] for each in found])
    assert same < 0.4


@pytest.mark.usefixtures("as_in_production")
def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InputError) as problem:
        dinucleotide_shuffle(b"ACGT", np.random.default_rng(0))  # type: ignore[arg-type]
    assert is_helpful(problem, "a str of letters", "bytes")


def test_long_runs_take_no_longer() -> None:
    """Where letters seldom change, few edges lead on, and all of them are found at once."""
    runs = "A" * 3000 + "C" * 3000 + "G" * 3000 + "T"
    made = dinucleotide_shuffle(runs, np.random.default_rng(0))
    assert pairs(made) == pairs(runs)
