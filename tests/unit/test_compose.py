"""Sums, products and changes of basis against block-diagonal, Kronecker and conjugated matrices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import torch

from grouplearn import FiniteGroup
from grouplearn.errors import InputError
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    TensorProduct,
)
from tests.unit.examples import C, D, cyclic_shift, seeded, symmetric

Array = npt.NDArray[np.float64]
BASIS = torch.randn(3, 3, generator=seeded(5), dtype=torch.float64)


def dense(dim: int, group: FiniteGroup, seed: int = 0) -> DenseRepresentation:
    """With an inverse that is not the inverse."""
    rep = DenseRepresentation(group, dim, rng=seeded(seed), dtype=torch.float64)
    with torch.no_grad():
        rep.inverse.mul_(2)
    return rep


def check(rep: LearnedRepresentation, expected: list[Array], inverses: list[Array]) -> None:
    """Everything a representation offers, against its matrices and its generators' inverses."""
    x = np.random.default_rng(0).normal(size=(2, 5, rep.dim))
    with torch.no_grad():
        np.testing.assert_allclose(rep.matrices(), np.stack(expected), atol=1e-12)
        generators = [expected[g] for g in rep.group.generators]
        for got, wanted in ((rep.generators(), generators), (rep.inverse_generators(), inverses)):
            shape = (len(wanted), rep.dim, rep.dim)
            np.testing.assert_allclose(got, np.reshape(wanted, shape), atol=1e-12)
        orbit = np.stack([x @ matrix.T for matrix in expected], axis=-2)
        np.testing.assert_allclose(rep.orbit(torch.as_tensor(x)), orbit, atol=1e-12)
        for g, matrix in enumerate(expected):
            np.testing.assert_allclose(rep.matrix(g), matrix, atol=1e-12)
            np.testing.assert_allclose(rep.act(torch.as_tensor(x), g), x @ matrix.T, atol=1e-12)


GROUPS = [C(1), C(5), D(3), symmetric(3)]


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_sums_are_block_diagonal(group: FiniteGroup) -> None:
    children = [dense(2, group), dense(3, group, 1), dense(1, group, 2)]
    with torch.no_grad():
        tables = [child.matrices().numpy() for child in children]
        inverses = [child.inverse_generators().numpy() for child in children]
    rep = DirectSum(children)
    assert rep.dim == 6
    blocks = [scipy.linalg.block_diag(*parts) for parts in zip(*tables, strict=True)]
    inverse_blocks = [scipy.linalg.block_diag(*parts) for parts in zip(*inverses, strict=True)]
    check(rep, blocks, inverse_blocks)


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_products_are_kronecker_products(group: FiniteGroup) -> None:
    left, right = dense(2, group), dense(3, group, 1)
    rep = TensorProduct(left, right)
    assert rep.dim == 6
    with torch.no_grad():
        tables = zip(left.matrices().numpy(), right.matrices().numpy(), strict=True)
        inverses = zip(left.inverse.numpy(), right.inverse.numpy(), strict=True)
        check(rep, [np.kron(a, b) for a, b in tables], [np.kron(a, b) for a, b in inverses])


@pytest.mark.parametrize("group", GROUPS, ids=repr)
def test_changes_of_basis_conjugate(group: FiniteGroup) -> None:
    child, basis = dense(3, group), BASIS.numpy()
    inverse = np.linalg.inv(basis)
    rep = ChangeOfBasis(child, BASIS)
    with torch.no_grad():
        expected = [basis @ matrix @ inverse for matrix in child.matrices().numpy()]
        inverses = [basis @ matrix @ inverse for matrix in child.inverse.numpy()]
    check(rep, expected, inverses)


def test_a_product_moves_matrices_from_both_sides() -> None:
    left, right = dense(2, C(3)), dense(4, C(3), 1)
    x = torch.randn(2, 4, generator=seeded(), dtype=torch.float64)
    moved = TensorProduct(left, right).act(x.flatten(), 2).reshape(2, 4)
    torch.testing.assert_close(moved, left.matrix(2) @ x @ right.matrix(2).mT)


def test_parameters_are_the_childrens() -> None:
    child = dense(3, C(3))
    assert len(list(DirectSum([child, child]).parameters())) == 2
    assert (
        len(
            list(
                TensorProduct(child, SkewRepresentation(C(3), 2, dtype=torch.float64)).parameters()
            )
        )
        == 3
    )
    changed = ChangeOfBasis(child, BASIS)
    assert [name for name, _ in changed.named_parameters()] == ["child.weight", "child.inverse"]
    assert torch.equal(dict(changed.named_buffers())["basis"], BASIS)
    rep = ChangeOfBasis(DirectSum([child]), BASIS).float()
    assert rep.orbit(torch.ones(3)).dtype == rep.dtype == torch.float32


@pytest.mark.parametrize(
    "basis", [torch.ones(2, 2), torch.zeros(2, 2), torch.tensor([[1.0, 2], [3, 6]])]
)
def test_singular_bases_are_refused(basis: torch.Tensor) -> None:
    child = FixedRepresentation(C(2), cyclic_shift(2)[None].float())
    with pytest.raises(InputError, match="ChangeOfBasis: basis must be invertible, got a singular"):
        ChangeOfBasis(child, basis)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_bases_of_another_dtype_are_refused(dtype: torch.dtype) -> None:
    child = FixedRepresentation(C(2), cyclic_shift(2)[None].float())
    with pytest.raises(InputError, match=r"basis must be .*float32.*, got torch\.float"):
        ChangeOfBasis(child, torch.eye(2, dtype=dtype))


def test_children_that_do_not_match_are_refused() -> None:
    single, other_group = DenseRepresentation(C(2), 2), DenseRepresentation(C(3), 2)
    other_dtype = DenseRepresentation(C(2), 2, dtype=torch.float64)
    for build in (lambda a, b: DirectSum([a, b]), TensorProduct):
        with pytest.raises(
            InputError, match="representations of one group, here C2, got C3; build"
        ):
            build(single, other_group)
        with pytest.raises(
            InputError, match=r"of one dtype, here torch\.float32, got torch\.float64"
        ):
            build(single, other_dtype)
    with pytest.raises(
        InputError, match=r"children must be representations, got \[\]; pass a list of at"
    ):
        DirectSum([])
