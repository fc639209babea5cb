"""Measured violations against the formulas, written out in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from grouplearn import FiniteGroup
from grouplearn.defects import (
    character,
    closure_defect,
    condition_number,
    distance,
    homomorphism_defect,
    invertibility_defect,
    isotypic_multiplicities,
    orthogonality_defect,
)
from grouplearn.errors import GroupError, InputError
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from tests.unit.examples import (
    C,
    D,
    dicyclic,
    presented,
    product,
    quarter_turn,
    seeded,
    symmetric,
    turn,
    value,
)

Array = npt.NDArray[np.float64]
GROUPS = [C(4), C(7), D(3), product(C(2), C(3)), symmetric(3), dicyclic(2)]
each_group = pytest.mark.parametrize("group", GROUPS, ids=repr)
MEASURES: list[Callable[[LearnedRepresentation], Tensor]] = [
    closure_defect,
    homomorphism_defect,
    orthogonality_defect,
    invertibility_defect,
    condition_number,
]


def approximate(group: FiniteGroup, dim: int = 3) -> DenseRepresentation:
    """Neither orthogonal nor a representation, with an inverse that is not one."""
    rep = DenseRepresentation(group, dim, rng=seeded(), dtype=torch.float64)
    with torch.no_grad():
        rep.weight.add_(0.3 * torch.randn(rep.weight.shape, generator=seeded(1)))
        rep.inverse.add_(0.3 * torch.randn(rep.weight.shape, generator=seeded(2)))
    return rep


def norm(matrix: Array) -> float:
    """Frobenius norm over the root of the dimension, entry by entry."""
    return float(np.sqrt(sum(entry**2 for entry in matrix.ravel()) / len(matrix)))


@each_group
def test_closure_is_the_worst_relator(group: FiniteGroup) -> None:
    rep = approximate(group)
    a, b = rep.weight.detach().numpy(), rep.inverse.detach().numpy()
    worst = 0.0
    for relator in group.relators:
        spelled = np.eye(3)
        for g, e in relator:
            for _ in range(abs(e)):
                spelled = spelled @ (a if e > 0 else b)[g]
        worst = max(worst, norm(spelled - np.eye(3)))
    assert value(closure_defect(rep)) == pytest.approx(worst, rel=1e-12)


@each_group
def test_homomorphism_is_the_worst_pair(group: FiniteGroup) -> None:
    rep = approximate(group)
    matrices, table = rep.matrices().detach().numpy(), group.cayley_table
    gaps = [
        norm(matrices[g] @ matrices[h] - matrices[table[g, h]])
        for g in range(group.order)
        for h in range(group.order)
    ]
    assert value(homomorphism_defect(rep)) == pytest.approx(max(gaps), rel=1e-12)


@each_group
def test_defects_of_the_generators(group: FiniteGroup) -> None:
    rep = approximate(group)
    a, b, eye = rep.weight.detach().numpy(), rep.inverse.detach().numpy(), np.eye(3)
    expected = {
        orthogonality_defect: max(norm(m.T @ m - eye) for m in a),
        invertibility_defect: max(norm(m @ w - eye) for m, w in zip(a, b, strict=True)),
        condition_number: max(np.linalg.cond(m) for m in a),
    }
    for measure, wanted in expected.items():
        assert value(measure(rep)) == pytest.approx(wanted, rel=1e-10)
    assert value(invertibility_defect(rep, true_inverse=True)) < 1e-12


@each_group
def test_characters_are_traces(group: FiniteGroup) -> None:
    rep = approximate(group)
    expected = [np.trace(matrix) for matrix in rep.matrices().detach().numpy()]
    np.testing.assert_allclose(character(rep).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("group", [C(1), C(5), C(6), D(1), D(2), D(5), D(6)], ids=str)
def test_multiplicities_are_read_off(group: FiniteGroup) -> None:
    dim = 2 * group.order + 3
    rep = SpectralRepresentation(group, dim, rng=seeded(), dtype=torch.float64)
    basis = torch.randn(dim, dim, generator=seeded(1), dtype=torch.float64)
    for each in (rep, ChangeOfBasis(rep, basis)):
        measured = isotypic_multiplicities(each).detach()
        np.testing.assert_allclose(measured, rep.multiplicities, atol=1e-8)
    assert isotypic_multiplicities(rep.float()).dtype == torch.float32


def test_multiplicities_of_the_patch_under_quarter_turns() -> None:
    """Of 25 pixels one is fixed and 24 move in six cycles of four."""
    rep = FixedRepresentation(C(4), quarter_turn(5)[None])
    assert isotypic_multiplicities(rep).tolist() == [7, 6, 6]
    with pytest.raises(GroupError, match="must be a CyclicGroup or DihedralGroup"):
        isotypic_multiplicities(approximate(symmetric(3)))


def test_multiplicities_of_an_approximation_are_not_whole() -> None:
    measured = isotypic_multiplicities(approximate(C(4))).detach().numpy()
    assert np.abs(measured - measured.round()).max() > 0.01


def test_defects_of_a_wrong_rotation_are_known() -> None:
    """||R(a)^n - I||_F / sqrt 2 = 2 |sin(n a / 2)| sqrt 2 / sqrt 2."""
    rep = SkewRepresentation(C(4), 2, near=turn(np.pi / 2 + 0.1), dtype=torch.float64)
    assert value(closure_defect(rep)) == pytest.approx(2 * np.sin(0.2))
    assert value(orthogonality_defect(rep)) < 1e-14
    assert value(condition_number(rep)) == pytest.approx(1)
    scaled = DenseRepresentation(C(4), 2, near=2 * turn(np.pi / 2), dtype=torch.float64)
    assert value(closure_defect(scaled)) == pytest.approx(15)
    assert value(orthogonality_defect(scaled)) == pytest.approx(3)


def test_exact_representations_have_no_defects() -> None:
    for rep in (
        SpectralRepresentation(D(6), 9, rng=seeded(), dtype=torch.float64),
        FixedRepresentation.from_permutations([[1, 2, 0, 3], [1, 0, 2, 3], [0, 1, 3, 2]]),
    ):
        defects = [closure_defect, homomorphism_defect, orthogonality_defect, invertibility_defect]
        assert all(value(measure(rep)) < 1e-13 for measure in defects)


@pytest.mark.parametrize("measure", MEASURES)
@each_group
def test_defects_can_be_differentiated(
    measure: Callable[[LearnedRepresentation], Tensor], group: FiniteGroup
) -> None:
    """Against central differences along a random direction."""
    rep = approximate(group)
    direction = torch.randn(rep.weight.shape, generator=seeded(7), dtype=torch.float64)
    (gradient,) = torch.autograd.grad(measure(rep), rep.weight)
    values = []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            rep.weight.add_(direction, alpha=step)
            values.append(value(measure(rep)))
    slope = value((gradient * direction).sum())
    assert slope == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)
    assert abs(slope) > 1e-3


def test_the_trivial_group_obeys_everything() -> None:
    for group in (C(1), FiniteGroup.from_relations(0, [])):
        rep = DenseRepresentation(group, 3)
        expected = dict.fromkeys(MEASURES, 0.0) | {condition_number: 1.0}
        assert {measure: value(measure(rep)) for measure in MEASURES} == expected
        assert value(invertibility_defect(rep, true_inverse=True)) == 0
        assert value(distance(rep, DenseRepresentation(group, 3))) == 0
    assert isotypic_multiplicities(DenseRepresentation(C(1), 3)).tolist() == [3]


@pytest.mark.parametrize(
    "singular", [torch.ones(3, 3), torch.diag(torch.tensor([1.0, 1, 0])), torch.zeros(3, 3)]
)
def test_singular_generators(singular: Tensor) -> None:
    rep = DenseRepresentation(C(4), 3)
    with torch.no_grad():
        rep.weight.copy_(singular)
        assert value(condition_number(rep)) > 1e6
        assert value(invertibility_defect(rep)) > 0.1
        assert value(closure_defect(rep)) > 0.1
        with pytest.raises(
            InputError, match=r"generators\(\) must be invertible matrices, got a sing"
        ):
            invertibility_defect(rep, true_inverse=True)


def test_relators_with_inverses_need_invertible_generators() -> None:
    group = presented("aaa", "bbb", "abAB")
    singular = torch.ones(2, 3, 3)
    with pytest.raises(InputError, match=r"generators\(\) must be invertible matrices"):
        closure_defect(FixedRepresentation(group, singular))
    toeplitz = ToeplitzRepresentation(C(2), 3, near=torch.ones(3, 3))
    # Without inverses in the relators none are taken.
    assert value(closure_defect(toeplitz)) > 1


def test_distance_is_relative_to_the_truth() -> None:
    rep, truth = (
        approximate(D(3)),
        FixedRepresentation(D(3), 2 * torch.eye(3).double().expand(2, 3, 3)),
    )
    expected = np.linalg.norm(rep.weight.detach().numpy() - 2 * np.eye(3)) / np.linalg.norm(
        [2 * np.eye(3)] * 2
    )
    assert value(distance(rep, truth)) == pytest.approx(expected)
    assert value(distance(truth, truth)) == 0
    for other in (approximate(D(3), 4), approximate(C(4))):
        with pytest.raises(
            InputError, match="truth must be a representation of D3 in dimension 3, got"
        ):
            distance(rep, other)
