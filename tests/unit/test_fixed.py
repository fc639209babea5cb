"""Known representations: the gather against dense algebra, and exact closure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grouplearn import CyclicGroup, FiniteGroup
from grouplearn.errors import GroupError, InputError
from grouplearn.representations import FixedRepresentation
from tests.unit.examples import (
    C,
    D,
    cyclic_shift,
    horizontal_flip,
    product,
    quarter_turn,
    seeded,
    turn,
)

PERMUTATIONS = [
    [[1, 2, 3, 4, 0]],
    [[1, 2, 3, 0], [3, 2, 1, 0]],
    [[1, 2, 0, 3], [1, 0, 2, 3], [0, 1, 3, 2]],
    [[0, 1, 2]],
]
each_permutations = pytest.mark.parametrize("rows", PERMUTATIONS, ids=["C5", "D4", "S4", "C1"])


@each_permutations
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_permutations_move_coordinates(rows: list[list[int]], dtype: torch.dtype) -> None:
    """Coordinate i moves to row[i]."""
    rep = FixedRepresentation.from_permutations(rows, dtype=dtype)
    x = torch.randn(6, rep.dim, generator=seeded(), dtype=dtype)
    assert rep.sources is not None
    for row, g in zip(rows, rep.group.generators, strict=True):
        moved = rep.act(x, g)
        assert torch.equal(moved, x[:, rep.sources[g]])
        for i, target in enumerate(row):
            assert torch.equal(moved[:, target], x[:, i])
    assert rep.dtype == dtype
    assert rep.is_permutation
    assert rep.closes_exactly


@each_permutations
def test_the_gather_equals_dense_matrices(rows: list[list[int]]) -> None:
    rep = FixedRepresentation.from_permutations(rows)
    matrices = rep.matrices()
    x = torch.randn(2, 3, rep.dim, generator=seeded())
    dense = torch.einsum("gij,...j->...gi", matrices, x)
    assert torch.equal(rep.orbit(x), dense)
    for g in range(rep.group.order):
        assert torch.equal(rep.act(x, g), dense[..., g, :])
        assert torch.equal(rep.matrix(g), matrices[g])
    assert torch.equal(matrices[list(rep.group.generators)], rep.generators())


def test_the_group_is_inferred() -> None:
    assert FixedRepresentation.from_permutations([[1, 2, 3, 0], [3, 2, 1, 0]]).group.name == "D4"
    moves = [
        np.rot90(np.arange(9).reshape(3, 3)).ravel(),
        np.fliplr(np.arange(9).reshape(3, 3)).ravel(),
    ]
    assert FixedRepresentation.from_permutations(moves).group.name == "D4"
    assert FixedRepresentation.from_permutations(torch.tensor([[1, 0]])).dtype == torch.float32


def test_dense_matrices_act_as_they_are() -> None:
    rep = FixedRepresentation(C(5), turn(2 * np.pi / 5)[None])
    assert not rep.is_permutation
    assert rep.sources is None
    x = torch.randn(4, 2, generator=seeded(), dtype=torch.float64)
    for g in range(5):
        expected = x @ turn(2 * np.pi * g / 5).mT
        torch.testing.assert_close(rep.act(x, g), expected, rtol=0, atol=1e-14)
        torch.testing.assert_close(rep.orbit(x)[:, g], expected, rtol=0, atol=1e-14)
        torch.testing.assert_close(rep.matrix(g), turn(2 * np.pi * g / 5), rtol=0, atol=1e-14)


def test_products_are_spelled_in_float64() -> None:
    """The square of a float32 matrix is the exact square, rounded once."""
    given = torch.randn(1, 6, 6, generator=seeded())
    rep = FixedRepresentation(C(8), given)
    exact = np.linalg.matrix_power(given[0].double().numpy(), 7)
    np.testing.assert_array_equal(rep.matrices()[7], exact.astype(np.float32))


SIGNED_TURN = torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])
SHEAR = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])


@pytest.mark.parametrize(
    ("group", "generators", "closes"),
    [
        (C(4), SIGNED_TURN, True),
        (C(8), SIGNED_TURN, True),
        (C(3), SIGNED_TURN, False),
        (C(3), SHEAR, False),
        (C(3), torch.zeros(1, 2, 2), False),
        (C(6), torch.tensor([[[0.0, -1.0], [1.0, 1.0]]]), True),
        (C(4), SIGNED_TURN + 1e-7, False),
        (C(5), turn(2 * np.pi / 5)[None], False),
        (C(4), cyclic_shift(4)[None], True),
        (C(3), cyclic_shift(4)[None], False),
        (D(4), torch.stack([SIGNED_TURN[0], torch.diag(torch.tensor([1.0, -1.0]))]), True),
        (D(4), torch.stack([SIGNED_TURN[0], SIGNED_TURN[0]]), False),
        (product(C(2), C(2)), torch.stack([quarter_turn(3), quarter_turn(3)]), False),
        (product(C(2), C(4)), torch.stack([torch.eye(2), SIGNED_TURN[0]]), True),
        (product(C(2), C(3)), torch.stack([SHEAR[0], SHEAR[0]]), False),
        (C(1), torch.zeros(0, 3, 3), True),
    ],
)
def test_closes_exactly_means_integers_that_obey_every_relator(
    group: FiniteGroup, generators: torch.Tensor, closes: bool
) -> None:
    assert FixedRepresentation(group, generators).closes_exactly is closes


def test_inverses_are_true_ones() -> None:
    given = torch.randn(2, 5, 5, generator=seeded(), dtype=torch.float64)
    rep = FixedRepresentation(D(3), given)
    np.testing.assert_allclose(rep.inverse_generators(), np.linalg.inv(given), atol=1e-12)
    with pytest.raises(
        InputError, match=r"generators\(\) must be invertible matrices, got a singular"
    ):
        FixedRepresentation(C(2), torch.ones(1, 2, 2)).inverse_generators()


def test_repeated_generators_must_have_equal_matrices() -> None:
    twice = FiniteGroup.from_permutations([[1, 0], [1, 0]])
    swap = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert FixedRepresentation(twice, torch.stack([swap, swap])).closes_exactly
    for second in (torch.eye(2), 2 * swap):
        with pytest.raises(InputError, match="give the group independent generators"):
            FixedRepresentation(twice, torch.stack([swap, second]))


def test_nothing_is_trained() -> None:
    for generators in (SIGNED_TURN, cyclic_shift(4)[None]):
        rep = FixedRepresentation(CyclicGroup(4), generators.clone().requires_grad_())
        assert list(rep.parameters()) == []
        assert not rep.generators().requires_grad
        x = torch.ones(rep.dim, dtype=rep.dtype, requires_grad=True)
        assert torch.equal(
            torch.autograd.grad(rep.orbit(x).sum(), x)[0], rep.matrices().sum((0, 1))
        )


@pytest.mark.parametrize("sign", [1, -1], ids=["gather", "dense"])
def test_loaded_states_act_as_their_matrices(sign: int) -> None:
    rep = FixedRepresentation(C(2), sign * horizontal_flip(3)[None])
    other = FixedRepresentation(C(2), sign * torch.eye(9, dtype=torch.float64)[None])
    other.load_state_dict(rep.state_dict())
    x = torch.randn(9, generator=seeded(), dtype=torch.float64)
    assert torch.equal(other.matrices(), rep.matrices())
    assert torch.equal(other.act(x, 1), rep.act(x, 1))
    assert torch.equal(other.orbit(x), rep.orbit(x))


@pytest.mark.parametrize("rows", [[[0, 0]], [[1, 2]], [[0, 1, 1]], [[-1, 0]]])
def test_rows_that_are_no_permutations_are_refused(rows: list[list[int]]) -> None:
    with pytest.raises(GroupError, match=r"row 0 must be a permutation of 0 to \d, got \["):
        FixedRepresentation.from_permutations(rows)
