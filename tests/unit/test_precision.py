"""Known numbers that come back from their definition, short dtypes, and derivatives."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from grouplearn import FiniteGroup
from grouplearn.defects import (
    closure_defect,
    condition_number,
    distance,
    homomorphism_defect,
    invertibility_defect,
    orthogonality_defect,
)
from grouplearn.losses import closure_loss, invertibility_loss, singular_value_loss
from grouplearn.models import LGN, LGNShape
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from grouplearn.testing import check_representation
from tests.cases import CASES, Case
from tests.laws.trials import make_group
from tests.unit.examples import C, D, seeded

GROUPS = {
    "cyclic": (4,), "dihedral": (3,), "product": (2, -3), "permutation": ((1, 2, 0), (1, 0, 2)),
}  # fmt: skip
GOLDEN = (1 + math.sqrt(5)) / 2


def rotation(n: int, times: int = 1) -> Tensor:
    angle = 2 * math.pi * times / n
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def icosahedral() -> tuple[FiniteGroup, Tensor]:
    """A5 by a half turn and a fifth of a turn whose product is a third: (2, 3, 5)."""
    a, b, c = GOLDEN / 2, 1 / (2 * GOLDEN), 0.5
    half = torch.diag(torch.tensor([-1.0, -1.0, 1.0], dtype=torch.float64))
    fifth = torch.tensor([[b, -a, c], [a, c, b], [-c, b, a]], dtype=torch.float64)
    group = FiniteGroup.from_relations(2, [((0, 2),), ((1, 5),), ((0, 1), (1, 1)) * 3])
    return group, torch.stack([half, fifth])


def actions() -> dict[str, tuple[FiniteGroup, Tensor]]:
    mirror = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    shear = torch.tensor([[1.0, 0.3], [0.0, 0.7]], dtype=torch.float64)
    inverse = torch.linalg.inv(shear)
    return {
        "C3": (C(3), rotation(3)[None]),
        "C7, twice round": (C(7), rotation(7, 2)[None]),
        "D5": (D(5), torch.stack([rotation(5), mirror])),
        "D3 in a skewed basis": (D(3), shear @ torch.stack([rotation(3), mirror]) @ inverse),
        "A5": icosahedral(),
    }


def defect(rep: LearnedRepresentation) -> float:
    """The largest miss of the multiplication table, by NumPy in float64."""
    matrices = rep.matrices().detach().double().numpy()
    products = np.einsum("gij,hjk->ghik", matrices, matrices)
    return float(np.abs(products - matrices[rep.group.cayley_table]).max())


@pytest.mark.parametrize("name", list(actions()))
def test_known_matrices_come_back_from_their_definition(name: str) -> None:
    group, truth = actions()[name]
    given = truth.float()
    rep = FixedRepresentation(group, given)
    before = rep.matrices()
    for short in (torch.float16, torch.bfloat16):
        rep.to(short)
        assert (rep.generators().double() - truth).abs().max() <= 2 * torch.finfo(short).eps
        assert torch.equal(rep.float().matrices(), before)
    rep.double()
    assert defect(rep) < 1e-14
    assert all(finding.passed for finding in check_representation(rep))
    assert (rep.generators() - truth).abs().max() < 2e-7
    assert torch.equal(rep.float().generators(), given)
    wide = FixedRepresentation(group, truth)
    assert torch.equal(copy.deepcopy(wide).half().double().matrices(), wide.matrices())


@pytest.mark.parametrize("name", list(actions()))
def test_states_of_short_numbers_close_in_longer_ones(name: str) -> None:
    group, truth = actions()[name]
    other = FixedRepresentation(group, truth.flip(-1, -2).float())
    half = FixedRepresentation(group, truth).half()
    other.load_state_dict(half.state_dict())
    assert other.dtype == torch.float32
    assert defect(other) < 2e-6
    assert (other.generators().double() - truth).abs().max() < 2e-3
    same = FixedRepresentation(group, truth.float())
    same.load_state_dict(half.state_dict())
    assert torch.equal(same.generators(), truth.float()), "what is known better stays"


def test_matrices_that_miss_the_relations_stay_as_given() -> None:
    near = rotation(3).float()[None] + 0.01
    rep = FixedRepresentation(C(3), near)
    assert torch.equal(rep.double().generators(), near.double())


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (7,)])
def test_bases_come_back_from_their_definition(shape: tuple[int, ...]) -> None:
    dim = math.prod(shape)
    rep = MultiScaleRepresentation(
        C(4), dim, shape=shape, child=SkewRepresentation, rng=seeded(), dtype=torch.float32
    )
    for dtype, limit in ((torch.float16, 0.02), (torch.float32, 1e-6), (torch.float64, 1e-14)):
        basis = rep.to(dtype).scaled.basis.double().numpy()
        assert np.abs(basis @ basis.T - np.eye(dim)).max() < limit
    other = torch.randn(3, 3, generator=seeded(), dtype=torch.float64)
    seen = ChangeOfBasis(DenseRepresentation(C(2), 3, rng=seeded(), dtype=torch.float64), other)
    assert torch.equal(seen.half().double().basis, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_representation_computes_in_short_numbers(case: Case, dtype: torch.dtype) -> None:
    """The same results as in float64, to the digits there are; defects and losses, too."""
    group = make_group(case.families[0], GROUPS[case.families[0]])
    dim = 6 if 6 in case.dims else max(case.dims)
    rep = case.build(group, dim, seeded(), torch.float64)
    x = torch.randn(3, dim, generator=seeded(1), dtype=torch.float64)
    with torch.no_grad():
        want = [rep.matrices(), rep.dual_matrices(), rep.orbit(x), rep.act(x, 1)]
        rep.to(dtype)
        short = x.to(dtype)
        got = [rep.matrices(), rep.dual_matrices(), rep.orbit(short), rep.act(short, 1)]
        scale = float(want[0].abs().max()) ** 2 * (1 + float(x.abs().max()))
        for one, other in zip(got, want, strict=True):
            assert one.dtype == dtype
            assert float((one.double() - other).abs().max()) < 10 * torch.finfo(dtype).eps * scale
        measured = [
            closure_defect(rep), homomorphism_defect(rep), orthogonality_defect(rep),
            invertibility_defect(rep, true_inverse=True), condition_number(rep),
            distance(rep, rep), closure_loss(rep, 1.0), invertibility_loss(rep, 1.0),
            singular_value_loss(rep, 1.0),
        ]  # fmt: skip
    assert all(each.dtype == dtype and bool(each.isfinite()) for each in measured)


def second_derivatives(rep: DenseRepresentation) -> Tensor:
    """Of the closure loss, a square matrix."""
    loss = closure_loss(rep, 1.0)
    (first,) = torch.autograd.grad(loss, rep.weight, create_graph=True)
    rows = [torch.autograd.grad(each, rep.weight, retain_graph=True)[0] for each in first.flatten()]
    return torch.stack([row.flatten() for row in rows])


@pytest.mark.parametrize("name", ["C3", "C7, twice round", "D3 in a skewed basis", "D5"])
def test_the_closure_loss_has_second_derivatives_at_exact_actions(name: str) -> None:
    """There, they are 2 J^T J / d, J the derivative of the relators: by finite differences."""
    group, truth = actions()[name]
    rep = DenseRepresentation(group, 2, near=truth, dtype=torch.float64)

    def relators(values: np.ndarray) -> np.ndarray:
        matrices, found = values.reshape(truth.shape), []
        for word in group.relators:
            product = np.eye(2)
            for generator, exponent in word:
                # Exponents below zero take the learned inverses, which stay as they are.
                factor = matrices[generator] if exponent > 0 else np.linalg.inv(truth[generator])
                product = product @ np.linalg.matrix_power(factor, abs(exponent))
            found.append(product)
        return np.concatenate(found).ravel()

    start, step = truth.numpy().ravel(), 1e-6
    columns = [
        (relators(start + step * unit) - relators(start - step * unit)) / (2 * step)
        for unit in np.eye(start.size)
    ]
    jacobian = np.stack(columns, 1)
    got = second_derivatives(rep).numpy()
    assert np.allclose(got, 2 * jacobian.T @ jacobian / 2, atol=1e-6)


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_unfolded_networks_follow_the_default_dtype(float64_by_default: None) -> None:
    network = LGN(LGNShape(1, 3, layers=2, kernel_size=3), rng=seeded())
    output = network(torch.rand(2, 1, 8, 8, generator=seeded()))
    assert {each.dtype for each in output} == {torch.float64}
    assert {each.dtype for each in network.parameters()} == {torch.float64}
    assert network.float().invertibility_loss(1.0).dtype == torch.float32
    assert network.representations()[0].dtype == torch.float32


def test_unfolded_networks_give_actions_in_their_own_dtype() -> None:
    network = LGN(LGNShape(1, 3, layers=1, kernel_size=3), rng=seeded()).double()
    action = network.representations()[0]
    assert action.dtype == torch.float64
    assert torch.equal(action.weight[0], network.action[0, 0, 0])


def test_long_turns_are_exact_at_quarters() -> None:
    rep = SpectralRepresentation.from_basis(C(12), (1, 0, 0, 1, 0, 0, 1), torch.eye(4).double())
    quarter = rep.matrix(1)[1:3, 1:3]
    assert quarter.abs().tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert set(rep.matrices().detach().flatten().abs().tolist()) == {0.0, 1.0}
