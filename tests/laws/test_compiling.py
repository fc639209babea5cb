"""torch.compile on every case, in a process without the import hook that checks shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cases import CASES
from tests.counting import count_example
from tests.laws.compiling import COMPILE_LAWS
from tests.laws.mutants import COMPILE_MUTANTS

ROOT = Path(__file__).resolve().parents[2]


Verdicts = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    command = [sys.executable, "-W", "error", "-m", "tests.laws.compiling", "0"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {(verdict["law"], verdict["name"]): verdict for verdict in found}


# One test for all: each worker of a parallel run would compile everything again.
@pytest.mark.slow
def test_cases_compile_and_mutants_do_not(verdicts: Verdicts) -> None:
    problems = {}
    for law in COMPILE_LAWS:
        for case in CASES:
            count_example()
            if verdicts[law, case.name]["problem"]:
                problems[law, case.name] = verdicts[law, case.name]
    assert problems == {}
    for mutant in COMPILE_MUTANTS:
        for law in mutant.laws:
            assert verdicts[law, mutant.name]["problem"] != "", f"{mutant} passes {law}"


def test_every_compile_law_is_seen_to_fail() -> None:
    assert set(COMPILE_LAWS) == {law for mutant in COMPILE_MUTANTS for law in mutant.laws}
