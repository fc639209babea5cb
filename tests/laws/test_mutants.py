"""Each law has been seen to fail: broken things are put to the laws, and must be caught."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases import CASES, Case
from tests.laws.broken import Wrapped
from tests.laws.every import LAWS
from tests.laws.mutants import MUTANTS, Mutant
from tests.laws.trials import Law, drawn_by

TRIALS = 8


def judge(rule: Law, case: Case, **changes: Any) -> None:
    for seed in range(TRIALS):
        trial = drawn_by(seed, case, rule, **changes)
        rule.check(trial.build(), trial)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_laws_catch(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in mutant.laws:
        rule = LAWS[name]
        assert rule.applies(mutant.case), f"{name} does not apply to {mutant.case}"
        judge(rule, mutant.case, **mutant.changes)
        with monkeypatch.context() as patched:
            for target, replacement in mutant.patches:
                patched.setattr(target, replacement)
            with pytest.raises(mutant.error):
                judge(rule, mutant.case, mutate=mutant.wrap, **mutant.changes)


def test_every_law_is_seen_to_fail() -> None:
    assert set(LAWS) == {name for mutant in MUTANTS for name in mutant.laws}


PAIRS = [
    pytest.param(case, rule, id=f"{case}-{rule.name}")
    for case in CASES
    for rule in LAWS.values()
    if rule.applies(case) and case.name in ("dense", "spectral", "sum", "product-exact")
]


@pytest.mark.parametrize(("case", "rule"), PAIRS)
def test_wrapping_alone_breaks_nothing(case: Case, rule: Law) -> None:
    """Else mutants would be caught for being wrapped."""
    trial = drawn_by(0, case, rule, mutate=Wrapped)
    rule.check(trial.build(), trial)
