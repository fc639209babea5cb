"""Descriptions of matrices and actions: names, numbers, and errors."""

# pyright: reportMissingImports=false
# The benchmarks are no package; pyright looks for imports without running the line below.
from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import circulant, toeplitz

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from sources.named import KINDS, named

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import InputError
from grouplearn.interpret import describe, structure_scores
from grouplearn.representations import DenseRepresentation, FixedRepresentation
from tests.unit.examples import is_helpful


def test_operations_are_named_and_random_matrices_are_not() -> None:
    """Matrices by SciPy's image operations, seeds of their own; the benchmark has many more."""
    wrong = []
    for number, kind in enumerate([*KINDS, "none"]):
        for k in range(8):
            given = named(kind, (0.0, 0.05)[k % 2], k % 4 > 1, 50_000 + 100 * number + k)
            found = describe(given.matrix, ImageDomain(given.size))
            right = found.name is None if kind == "none" else str(found).startswith(given.words)
            wrong += [] if right else [(kind, str(found))]
    assert len(wrong) <= 2, wrong


def test_a_sentence_says_name_order_and_what_is_next() -> None:
    domain = ImageDomain(5)
    said = str(describe(domain.known_actions()["quarter-turn"].matrix, domain))
    assert said.startswith("a quarter turn (1.000; next: ")
    assert said.endswith("order 4 (defect 0)")
    blur = str(describe(np.full((25, 25), 1 / 25), domain))
    assert blur.startswith("the mean of the patch (1.000")
    assert blur.endswith("not invertible")


def test_sequences_and_plain_spaces_have_names_too() -> None:
    domain = SequenceDomain(window=4)
    swap = domain.known_actions()["reverse-complement"]
    assert str(describe(swap.matrix, domain)).startswith("reverse-complement (1.000")
    shift = np.roll(np.eye(7), 2, axis=0)
    assert describe(shift).name == "a cyclic shift by 2"
    assert describe(shift.T).name == "a cyclic shift by -2"
    three = np.eye(5)[[1, 2, 0, 3, 4]]
    found = describe(three)
    assert (found.name, found.order) == ("coordinates 0 -> 2 -> 1 -> 0", 3)
    flipped = np.eye(5)[[1, 0, 2, 3, 4]] * [1, 1, -1, 1, 1]
    assert describe(flipped).name == "coordinates 0 -> 1 -> 0, 2 -> -2"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_size_does_not_count(scale: float) -> None:
    turn = ImageDomain(3).known_actions()["quarter-turn"].matrix * scale
    found = describe(turn, ImageDomain(3))
    assert (found.name, found.order) == ("a quarter turn", 4)
    assert found.structure["permutation"] == pytest.approx(1)


def test_numbers_agree_with_their_definitions() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((6, 6))
    found = describe(matrix)
    assert found.condition == pytest.approx(np.linalg.cond(matrix))
    np.testing.assert_allclose(
        np.sort_complex(found.eigenvalues), np.sort_complex(np.linalg.eigvals(matrix))
    )
    assert found.name is None
    assert found.next[1] == pytest.approx(found.similarity)
    assert found.similarity < found.threshold


STRUCTURES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "permutation": lambda r: np.eye(8)[r.permutation(8)],
    "signed permutation": lambda r: np.eye(8)[r.permutation(8)] * r.choice([-1, 1], 8),
    "orthogonal": lambda r: np.linalg.qr(r.standard_normal((8, 8)))[0],
    "symmetric": lambda r: (m := r.standard_normal((8, 8))) + m.T,
    "skew": lambda r: (m := r.standard_normal((8, 8))) - m.T,
    "Toeplitz": lambda r: toeplitz(r.standard_normal(8), r.standard_normal(8)),
    "circulant": lambda r: circulant(r.standard_normal(8)),
    "low rank": lambda r: np.outer(r.standard_normal(8), r.standard_normal(8)),
    "averaging": lambda r: np.tile(r.standard_normal(8), (8, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_score_one_and_random_matrices_about_nothing(name: str) -> None:
    rng = np.random.default_rng(3)
    matrix = STRUCTURES[name](rng)
    assert structure_scores(matrix)[name] == pytest.approx(1, abs=1e-6)
    noisy = matrix + 0.3 * np.linalg.norm(matrix) / 8 * rng.standard_normal((8, 8))
    assert 0.3 < structure_scores(noisy)[name] < 1
    plain = [structure_scores(rng.standard_normal((8, 8)))[name] for _ in range(20)]
    assert np.mean(plain) < 0.15


def test_actions_have_irreps_and_generators() -> None:
    domain = ImageDomain(3)
    known = domain.known_actions()
    rows = np.stack([known[name].matrix.numpy().argmax(0) for name in ("quarter-turn", "flip")])
    square = FixedRepresentation.from_permutations(rows)
    found = describe(square, domain)
    assert [each.name for each in found.generators] == ["a quarter turn", "a left-right flip"]
    # Of the nine pixels: the centre, four edges, four corners.
    assert sum(irrep.dim * count for irrep, count in found.parts) == 9
    assert [count for _, count in found.parts] == [3, 0, 2, 1, 1]
    assert "3 of frequency 0 (reflection +1), 2 of frequency 1" in str(found)
    assert found.moved == pytest.approx(0, abs=1e-6)
    text = str(found)
    assert "D4 on R^9, closure defect 0." in text
    assert "Generator 0: a quarter turn" in text
    rough = DenseRepresentation(CyclicGroup(3), 4, rng=torch.Generator().manual_seed(1))
    assert describe(rough).closure > 0.01
    assert isinstance(str(describe(rough)), str)
    assert describe(FixedRepresentation(DihedralGroup(1), -torch.eye(2)[None])).dim == 2


@pytest.mark.usefixtures("as_in_production")
def test_what_is_no_matrix_is_explained() -> None:
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: describe(np.zeros((2, 3))), "a square matrix", "(2, 3)"),
        (lambda: describe(np.zeros((2, 2))), "not all 0", "another"),
        (lambda: describe([[1.0, np.nan], [0.0, 1.0]]), "finite numbers", "another"),
        (lambda: describe("turn"), "a matrix of real numbers", "str"),
        (lambda: describe(np.diag([1.0, 1j])), "a matrix of real numbers", "ndarray"),
        (lambda: describe(np.eye(4), ImageDomain(3)), "of dimension 4", "9"),
    ]
    for call, expected, got in cases:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, expected, got)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_what_is_certain_is_named_in_few_dimensions_too(dim: int) -> None:
    """Random matrices of few dimensions are near to some operation, but not the operation."""
    assert describe(np.eye(dim)).name == "the identity"


def test_numbers_beyond_all_measure_are_refused() -> None:
    with pytest.raises(InputError, match="up to 1e"):
        describe(1e300 * np.eye(3))
