"""How long construction and import may take: measured in fresh processes, without coverage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from math import factorial
from pathlib import Path

import pytest

from tests.unit.examples import is_one_line

ROOT = Path(__file__).resolve().parents[2]
CONSTRUCTION = """
import json, sys, time
import numpy as np
from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from tests.unit.examples import alternating, dicyclic, presented, semidirect, symmetric

def shift(n): return np.roll(np.arange(n), 1)
def on_points(*factors):
    # Each factor moves points of its own.
    degrees = [f.permutations.shape[1] for f in factors]
    rows, before = [], 0
    for f, degree in zip(factors, degrees):
        for g in f.generators:
            row = np.arange(sum(degrees))
            row[before:before + degree] = f.permutations[g] + before
            rows.append(row)
        before += degree
    return FiniteGroup.from_permutations(rows)
def cycle(n): return FiniteGroup.from_permutations([shift(n)])
def polygon(n): return FiniteGroup.from_permutations([shift(n), np.arange(n)[::-1]])

BUILD = {
    "C2000, permutations": lambda: cycle(2000),
    "D1000, permutations": lambda: polygon(1000),
    "S6": lambda: symmetric(6),
    "A5 x S4": lambda: on_points(alternating(5), symmetric(4)),
    "S3 x S3 x S3 x S3": lambda: on_points(*[symmetric(3)] * 4),
    "S5 x C2 x C2 x C2": lambda: on_points(symmetric(5), *[symmetric(2)] * 3),
    "C2 ^ 10": lambda: on_points(*[symmetric(2)] * 10),
    "D31 x D16": lambda: on_points(polygon(31), polygon(16)),
    "D10 x D10 x C5": lambda: on_points(polygon(10), polygon(10), cycle(5)),
    "D4 x C15 x C15": lambda: on_points(polygon(4), cycle(15), cycle(15)),
    "C2000, relations": lambda: FiniteGroup.from_relations(1, [((0, 2000),)]),
    "D1000, relations": lambda: presented("a" * 1000, "bb", "abab"),
    "dicyclic of order 2000": lambda: dicyclic(500),
    "C31 by C30": lambda: semidirect(31, 30, 3),
    "PSL(2, 13)": lambda: presented("a" * 13, "bb", "ab" * 3, ("aab" + "a" * 7 + "b") * 3),
    "symmetric, Coxeter": lambda: presented("aa", "bb", "cc", "ababab", "bcbcbc", "acac"),
    "A6, relations": lambda: presented("bb", "aaaa", "ba" * 5, "baa" * 5),
    "dihedral": lambda: DihedralGroup(1000),
    "product": lambda: ProductGroup(DihedralGroup(10), DihedralGroup(5), CyclicGroup(10)),
}
symmetric(3).name  # What SymPy's import takes is not counted.
def taken(build):
    start = time.process_time()
    group = build()
    described = group.order, len(group.relators), group.name, group.cayley_table.shape
    seconds = time.process_time() - start
    assert 6 <= group.order <= 2000, (name, described)
    assert group.cayley_table.shape == (group.order, group.order)
    return seconds

seconds = {}
for name, build in BUILD.items():
    for _ in range(3):  # Other work on the machine may slow one try.
        seconds[name] = min(taken(build), seconds.get(name, 60))
        if seconds[name] < 2:
            break
print(json.dumps(seconds))
"""
REFUSAL = """
import json, time
from grouplearn import CyclicGroup, FiniteGroup
from grouplearn.errors import GroupError

triangle = [((0, 2),), ((1, 3),), ((0, 1), (1, 1)) * 7]
REFUSED = {
    "integers": lambda: FiniteGroup.from_relations(1, []),
    "free group": lambda: FiniteGroup.from_relations(2, []),
    "infinite dihedral group": lambda: FiniteGroup.from_relations(2, [((0, 2),), ((1, 2),)]),
    "triangle group": lambda: FiniteGroup.from_relations(2, triangle),
    "C4097": lambda: FiniteGroup.from_relations(1, [((0, 4097),)]),
    "high power": lambda: FiniteGroup.from_relations(1, [((0, 10**12),)]),
    "large table": lambda: CyclicGroup(10**9).cayley_table,
    "S20": lambda: FiniteGroup.from_permutations([[*range(1, 20), 0], [1, 0, *range(2, 20)]]),
}
FiniteGroup.from_permutations([[1, 2, 0]])  # What SymPy's import takes is not counted.
refused = {}
for name, call in REFUSED.items():
    start = time.process_time()
    try:
        call()
    except GroupError as problem:
        refused[name] = time.process_time() - start, str(problem)
assert FiniteGroup.from_relations(1, [((0, 4096),)]).order == 4096
print(json.dumps(refused))
"""
IMPORT = """
import time, torch
start = time.perf_counter()
import grouplearn
print(time.perf_counter() - start)
"""


def fresh(program: str, memory: int | None = None) -> str:
    """Standard output of a program in a new interpreter that nothing traces."""
    if memory is not None:
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))\n"
        program = limit + program
    traced = ("COV_", "COVERAGE_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(traced)}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_orders_up_to_2000_construct_in_two_seconds() -> None:
    """With relators, name and Cayley table."""
    seconds = json.loads(fresh(CONSTRUCTION))
    assert len(seconds) == 19
    assert {name: taken for name, taken in seconds.items() if taken >= 2} == {}


@pytest.mark.slow
def test_what_is_infinite_or_too_large_is_refused_soon_and_within_memory() -> None:
    refused = json.loads(fresh(REFUSAL, memory=6 * 2**30))
    assert {name: seconds for name, (seconds, _) in refused.items() if seconds >= 2} == {}
    messages = {name: message for name, (_, message) in refused.items()}
    assert [name for name, message in messages.items() if "max_cosets=200000" in message] == [
        "integers",
        "free group",
        "infinite dihedral group",
        "triangle group",
    ]
    for name, order in {"C4097": 4097, "large table": 10**9, "S20": factorial(20)}.items():
        assert f"order must be <= 4096, got {order}; use " in messages[name]
    assert all(map(is_one_line, messages.values()))


@pytest.mark.slow
def test_import_takes_little_beyond_torchs_own() -> None:
    assert min(float(fresh(IMPORT)) for _ in range(3)) < 0.3
