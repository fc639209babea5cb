"""The maps between two representations, against a null space; and the layer made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import null_space

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.errors import InputError
from grouplearn.layers import GroupLinear
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
    intertwiners,
    signs,
)
from tests.unit.examples import is_helpful


def regular(group: FiniteGroup) -> FixedRepresentation:
    eye = torch.eye(group.order, dtype=torch.float64)
    rows = np.array([group.multiply(s, np.arange(group.order)) for s in group.generators])
    return FixedRepresentation(group, eye[rows.reshape(-1, group.order)].mT)


def mixed(group: FiniteGroup, seed: int) -> LearnedRepresentation:
    """Functions on the group and values that stay, in a random basis."""
    one = torch.ones(len(group.generators), 1, 1, dtype=torch.float64)
    whole = DirectSum([regular(group), FixedRepresentation(group, one)])
    rng = torch.Generator().manual_seed(seed)
    basis = torch.eye(whole.dim) + 0.2 * torch.randn(whole.dim, whole.dim, generator=rng)
    return ChangeOfBasis(whole, basis.double())


GROUPS = [
    CyclicGroup(2), CyclicGroup(5), DihedralGroup(3), DihedralGroup(4),
    ProductGroup(CyclicGroup(2), CyclicGroup(3)),
    FiniteGroup.from_permutations([[1, 2, 0, 3], [1, 0, 3, 2]]),  # A4
]  # fmt: skip


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_the_maps_span_the_null_space(group: FiniteGroup) -> None:
    first, second = mixed(group, 0), regular(group)
    maps = intertwiners(first, second)
    blocks = [
        np.kron(b, np.eye(first.dim)) - np.kron(np.eye(second.dim), a.T)
        for a, b in zip(first.generators().detach().numpy(), second.generators().numpy(),
                        strict=True)
    ]  # fmt: skip
    expected = null_space(np.concatenate(blocks))
    assert len(maps) == expected.shape[1]
    flat = maps.reshape(len(maps), -1).numpy()
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(maps)), atol=1e-10)
    np.testing.assert_allclose(expected @ (expected.T @ flat.T), flat.T, atol=1e-9)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_maps_of_permutations_and_signs_are_exact(group: FiniteGroup) -> None:
    """Without rounding they commute, and span the same space as the null space does."""
    parts = [regular(group), *(each.double() for each in signs(group))]
    first, second = DirectSum([*parts, *parts[1:]]), DirectSum(parts)
    maps = intertwiners(first, second)
    for before, after in zip(first.matrices(), second.matrices(), strict=True):
        assert torch.equal(after @ maps, maps @ before)
    blocks = [
        np.kron(b, np.eye(first.dim)) - np.kron(np.eye(second.dim), a.T)
        for a, b in zip(first.generators().numpy(), second.generators().numpy(), strict=True)
    ]
    expected, flat = null_space(np.concatenate(blocks)), maps.reshape(len(maps), -1).numpy()
    assert len(maps) == expected.shape[1]
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(maps)), atol=1e-12)
    np.testing.assert_allclose(expected @ (expected.T @ flat.T), flat.T, atol=1e-9)


@given(st.integers(1, 6), st.booleans(), st.integers(0, 100))
def test_the_layer_is_equivariant(n: int, dihedral: bool, seed: int) -> None:
    group = DihedralGroup(n) if dihedral else CyclicGroup(n)
    rng = torch.Generator().manual_seed(seed)
    first = DirectSum([regular(group), SpectralRepresentation(group, 3, rng=rng).double()])
    second = SpectralRepresentation(group, 5, rng=rng).double()
    if not len(intertwiners(first, second)):
        return
    layer = GroupLinear(first, second, rng=rng, dtype=torch.float64)
    x = torch.randn(4, first.dim, generator=rng, dtype=torch.float64)
    for g in range(group.order):
        torch.testing.assert_close(layer(first.act(x, g)), second.act(layer(x), g),
                                   atol=1e-7, rtol=1e-7)  # fmt: skip


def test_it_trains_to_a_known_map_and_exports() -> None:
    """A circular convolution is the layer of shifts: its kernel is learned from examples."""
    group = CyclicGroup(6)
    shifts = regular(group)
    kernel = torch.tensor([0.5, -1.0, 0.0, 2.0, 0.0, 0.25])
    circulant = torch.stack([kernel.roll(k) for k in range(6)], 1)
    rng = torch.Generator().manual_seed(0)
    layer = GroupLinear(shifts, shifts, rng=rng)
    x = torch.randn(64, 6, generator=rng)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=100)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = (layer(x) - x @ circulant.T).square().mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    torch.testing.assert_close(layer.matrix(), circulant, atol=1e-3, rtol=0)
    assert [each.numel() for each in layer.parameters()] == [6, 1]
    torch.testing.assert_close(layer.export()(x), layer(x))
    other = GroupLinear(shifts, shifts)
    other.load_state_dict(layer.state_dict())
    torch.testing.assert_close(other(x), layer(x))
    torch.testing.assert_close(layer.double().half().double().matrix(), layer.matrix())


def test_weights_start_as_those_of_a_plain_layer() -> None:
    rep = regular(CyclicGroup(64))
    layer = GroupLinear(rep, rep, rng=torch.Generator().manual_seed(0))
    assert float(layer.matrix().detach().std()) == pytest.approx(1 / (3 * 64) ** 0.5, rel=0.3)


def test_wrong_arguments_are_explained() -> None:
    swap = regular(CyclicGroup(2))
    sign = FixedRepresentation(CyclicGroup(2), torch.tensor([[[-1.0]]]))
    one = FixedRepresentation(CyclicGroup(2), torch.tensor([[[1.0]]]))
    loose = DenseRepresentation(CyclicGroup(3), 4, rng=torch.Generator().manual_seed(0))
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: GroupLinear(swap, regular(CyclicGroup(3))), "of the group of the first", "(3)"),
        (lambda: GroupLinear(one, sign), "a map other than 0", "no irreducible part"),
        (lambda: GroupLinear(loose, loose), "representations that close", "maps in place"),
        (lambda: GroupLinear(swap, swap)(torch.zeros(2, 3)), "x", "3"),
        (lambda: GroupLinear(swap, swap)(torch.zeros(2, 2).double()), "dtype", "float64"),
    ]
    for call, expected, got in cases:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, expected, got)
