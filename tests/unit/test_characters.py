"""Homomorphisms onto {1, -1}, against multiplication tables and counts from textbooks."""

from __future__ import annotations

import numpy as np
import pytest

from grouplearn import FiniteGroup
from grouplearn.discovery.evidence.actions import Action, Matrices, Permutations
from grouplearn.discovery.evidence.characters import sign_characters
from tests.unit.examples import C, D, alternating, dicyclic, elements_of, product, symmetric

# By the abelian quotient: 2^r - 1 for r factors of even order.
COUNTS: list[tuple[str, FiniteGroup, int]] = [
    ("C3", C(3), 0),
    ("C4", C(4), 1),
    ("C2 x C2", product(C(2), C(2)), 3),
    ("C2 x C4", product(C(2), C(4)), 3),
    ("C2 x C2 x C2", product(product(C(2), C(2)), C(2)), 7),
    ("D5", D(5), 1),
    ("D6", D(6), 3),
    ("S4", symmetric(4), 1),
    ("A4", alternating(4), 0),
    ("Q8", dicyclic(2), 3),
    ("A5", alternating(5), 0),
]


@pytest.mark.parametrize(("name", "group", "count"), COUNTS, ids=[each[0] for each in COUNTS])
def test_characters_are_all_homomorphisms(name: str, group: FiniteGroup, count: int) -> None:
    table = np.asarray(group.cayley_table)
    found = sign_characters(group.order, lambda k: table[:, k])
    assert found.shape == (count, group.order), name
    for character in found:
        assert set(character) == {1.0, -1.0}
        np.testing.assert_array_equal(character[table], np.outer(character, character))
    assert len(np.unique(found, axis=0)) == count


def test_large_groups_and_many_characters_are_left_out() -> None:
    assert sign_characters(1, lambda k: np.array([k])).shape == (0, 1)
    assert sign_characters(300, lambda k: (np.arange(300) + k) % 300).shape == (0, 300)
    assert sign_characters(32, lambda k: np.arange(32) ^ k).shape == (0, 32)
    assert sign_characters(16, lambda k: np.arange(16) ^ k).shape == (15, 16)


def test_matrices_that_do_not_close_have_no_characters() -> None:
    """Two turns by 0.3 and 1 radians, one of them twice: products are near to wrong members."""
    angles = [0.0, 0.3, 1.0, 1.0]
    turns = np.array([[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in angles])
    assert Matrices(turns).signs().shape == (0, 4)


MIRROR, TURN = [5, 4, 3, 2, 1, 0], [1, 2, 3, 4, 5, 0]


@pytest.mark.parametrize("kind", ["permutations", "matrices", "signed"])
def test_actions_know_their_characters(kind: str) -> None:
    """Of the turns and mirrors of a hexagon: three, one of them the determinant in the plane."""
    points = elements_of([TURN, MIRROR])
    action: Action = Permutations(points)
    if kind == "matrices":
        action = Matrices(np.eye(6)[:, points].transpose(1, 0, 2))
    if kind == "signed":
        action = Permutations(points, np.ones(points.shape))
    turns = {tuple(row) for row in elements_of([TURN]).tolist()}
    wanted = np.array([1.0 if tuple(row) in turns else -1.0 for row in points.tolist()])
    found = action.signs()
    assert len(found) == 3
    assert (found == wanted).all(1).any()


def test_signs_alone_make_a_group() -> None:
    """Two columns, each of which may change sign: three homomorphisms."""
    signs = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    found = Permutations(np.tile(np.arange(2), (4, 1)), signs).signs()
    assert {tuple(row) for row in found} == {(1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1)}


def test_what_is_moved() -> None:
    rng = np.random.default_rng(0)
    hexagon = Permutations(elements_of([TURN, MIRROR]))
    assert hexagon.character(rng) == 1
    assert hexagon.moved(rng).shape == (6, 5)
    swap = Permutations(elements_of([[1, 0, 2]]))
    assert swap.character(rng) == 2
    moved = swap.moved(rng)[:, 0]
    np.testing.assert_allclose(moved * np.sign(moved[0]), [0.5**0.5, -(0.5**0.5), 0], atol=1e-12)
    flip = Permutations(np.array([[0, 1], [0, 1]]), np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert flip.character(rng) == 1
    assert Permutations(elements_of([[1, 0]]), channels=3).character(rng) == 3
