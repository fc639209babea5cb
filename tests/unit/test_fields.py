"""Convolutions between fields: their kernels, against a null space; and what goes between them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import null_space
from scipy.signal import correlate
from torch import Tensor

from grouplearn import CyclicGroup, FiniteGroup, ProductGroup
from grouplearn.errors import InputError
from grouplearn.layers import FieldActivation, FieldConv1d, FieldPool, Fields, SpacePool
from grouplearn.models.sequence_pattern import on_places
from grouplearn.representations import (
    ChangeOfBasis,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
    regular,
    signs,
    trivial,
)
from tests.laws.oracles import exact
from tests.unit.examples import alternating, dicyclic, is_helpful, seeded, symmetric

PAIR = ProductGroup(CyclicGroup(2), CyclicGroup(2))
GROUPS = [CyclicGroup(1), CyclicGroup(2), PAIR, CyclicGroup(4), symmetric(3)]


def reversing(group: FiniteGroup, which: int = 0) -> FixedRepresentation:
    """On two places, which the elements of a sign other than 1 exchange; all stay without signs."""
    known = signs(group)
    values = known[which % len(known)] if known else trivial(group)
    swap = torch.eye(2).flip(0)
    gens = [torch.eye(2) if float(m) == 1 else swap for m in values.generators().flatten()]
    return FixedRepresentation(group, torch.stack(gens) if gens else torch.empty(0, 2, 2))


def mixed(group: FiniteGroup) -> Fields:
    """Functions, values that stay, and those that change sign."""
    kinds = [(regular(group), 2), (trivial(group), 1), *((rep, 2) for rep in signs(group))]
    return Fields(tuple(kinds))


def moved(x: Tensor, rep: LearnedRepresentation, places: LearnedRepresentation, g: int) -> Tensor:
    """Channels by rep, the sequence kept or reversed."""
    y = torch.einsum("ij,bjl->bil", rep.matrices()[g].to(x), x)
    return y if torch.equal(places.matrices()[g], torch.eye(2)) else y.flip(-1)


def layer_of(group: FiniteGroup, k: int, which: int = 0, dilation: int = 1) -> FieldConv1d:
    places = on_places(reversing(group, which), k)
    rng = seeded()
    return FieldConv1d(
        mixed(group), mixed(group), places, rng=rng, dtype=torch.float64, dilation=dilation
    )


@pytest.mark.parametrize(
    ("group", "count"),
    [(CyclicGroup(1), 0), (CyclicGroup(2), 1), (CyclicGroup(3), 0), (CyclicGroup(4), 1), (PAIR, 3),
     (symmetric(4), 1), (alternating(4), 0), (dicyclic(2), 3)],
    ids=str,
)  # fmt: skip
def test_signs_are_all_homomorphisms_to_signs(group: FiniteGroup, count: int) -> None:
    """As many as the quotient by squares and commutators has elements, but one."""
    values = [each.matrices().flatten().numpy() for each in signs(group)]
    assert len(values) == count
    assert len({tuple(row) for row in values}) == count
    table = group.cayley_table
    for row in values:
        np.testing.assert_array_equal(row[table], np.outer(row, row))
        assert set(row) == {1.0, -1.0}


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_the_regular_representation_multiplies_from_the_left(group: FiniteGroup) -> None:
    for g, matrix in enumerate(regular(group).matrices().numpy()):
        np.testing.assert_array_equal(matrix.argmax(0), group.cayley_table[g])


@pytest.mark.parametrize("group", GROUPS[1:], ids=str)
@pytest.mark.parametrize("k", [1, 3])
def test_kernels_are_all_that_commute(group: FiniteGroup, k: int) -> None:
    """As many free numbers as the null space of the condition has, on whole kernels."""
    fields, places = mixed(group), on_places(reversing(group), k)
    layer = FieldConv1d(fields, fields, places, bias=False)
    rho = fields.representation()
    rows = []
    for g in group.generators:
        m, s = rho.matrices()[g].numpy(), places.matrices()[g].numpy()
        # kernel[i, j, p] as a vector: m kernel = kernel (m (x) s).
        rows.append(np.kron(m, np.eye(rho.dim * k)) - np.kron(np.eye(rho.dim), np.kron(m, s).T))
    free = null_space(np.concatenate(rows)).shape[1]
    assert sum(each.numel() for each in layer.parameters()) == free


@given(
    st.sampled_from(GROUPS), st.integers(0, 2), st.sampled_from([1, 3, 7]), st.integers(1, 3),
    st.integers(1, 40), st.integers(0, 99),
)  # fmt: skip
def test_the_layer_commutes_with_the_group(
    group: FiniteGroup, which: int, k: int, dilation: int, length: int, seed: int
) -> None:
    layer = layer_of(group, k, which, dilation=dilation)
    places, rho = reversing(group, which), layer.into.representation()
    x = torch.randn(2, layer.into.dim, length, dtype=torch.float64, generator=seeded(seed))
    for g in range(group.order):
        torch.testing.assert_close(
            layer(moved(x, rho, places, g)), moved(layer(x), rho, places, g), atol=1e-12, rtol=0
        )


def test_fields_of_any_representation_in_any_basis() -> None:
    group = CyclicGroup(5)
    turning = SpectralRepresentation(group, 4, rng=seeded()).double()
    basis = torch.eye(4, dtype=torch.float64) + 0.1 * torch.randn(
        4, 4, generator=seeded(), dtype=torch.float64
    )
    oblique = ChangeOfBasis(turning, basis)
    function = FixedRepresentation(group, regular(group).generators().double())
    places = FixedRepresentation(group, torch.eye(3, dtype=torch.float64)[None])
    into, out = Fields(((oblique, 2),)), Fields(((function, 1), (oblique, 1)))
    layer = FieldConv1d(into, out, places, dtype=torch.float64, rng=seeded())
    x = torch.randn(2, into.dim, 11, dtype=torch.float64, generator=seeded(1))
    stay = FixedRepresentation(group, torch.eye(2)[None])
    for g in range(5):
        before = layer(moved(x, into.representation(), stay, g))
        after = moved(layer(x), out.representation(), stay, g)
        torch.testing.assert_close(before, after, atol=1e-9, rtol=0)


def test_it_is_a_correlation_with_its_kernel() -> None:
    layer = layer_of(PAIR, 5)
    x = torch.randn(1, layer.into.dim, 20, dtype=torch.float64, generator=seeded())
    padded = np.pad(exact(x[0]), ((0, 0), (2, 2)))
    offset = layer.offset()
    assert offset is not None
    for row, (kernel, shift) in enumerate(zip(exact(layer.kernel()), exact(offset), strict=True)):
        expected = correlate(padded, kernel, "valid")[0] + shift
        np.testing.assert_allclose(exact(layer(x))[0, row], expected, atol=1e-12)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_export_pickle_and_states_keep_outputs(group: FiniteGroup) -> None:
    layer = layer_of(group, 3, dilation=2)
    x = torch.randn(2, layer.into.dim, 9, dtype=torch.float64, generator=seeded())
    torch.testing.assert_close(layer.export()(x), layer(x))
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), layer(x))
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))
    other = layer_of(group, 3, dilation=2)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(1)
    assert not torch.equal(other(x), layer(x))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))
    torch.testing.assert_close(layer.float().double()(x), other(x), atol=1e-6, rtol=1e-6)


def test_gradients_are_right_and_weights_start_as_those_of_a_plain_layer() -> None:
    layer = layer_of(CyclicGroup(2), 3)
    x = torch.randn(1, layer.into.dim, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    function = regular(CyclicGroup(2))
    many, places = Fields(((function, 32),)), on_places(reversing(CyclicGroup(2)), 5)
    wide = FieldConv1d(many, many, places, rng=seeded())
    assert float(wide.kernel().detach().std()) == pytest.approx(1 / (3 * 64 * 5) ** 0.5, rel=0.05)


@pytest.mark.parametrize("group", GROUPS, ids=str)
@pytest.mark.parametrize("length", [1, 7, 8, 9, 10])
def test_activations_and_pools_commute_in_training_and_after(
    group: FiniteGroup, length: int
) -> None:
    fields, places = mixed(group), reversing(group)
    rho = fields.representation()
    bend = FieldActivation(fields).double()
    with torch.no_grad():
        for weight in bend.parameters():
            weight.add_(torch.rand(weight.shape, generator=seeded(), dtype=torch.float64))
    x = torch.randn(3, fields.dim, length, dtype=torch.float64, generator=seeded())
    for training in (True, False):
        bend.train(training)
        for g in range(group.order):
            after = moved(bend(x), rho, places, g)
            torch.testing.assert_close(bend(moved(x, rho, places, g)), after, atol=1e-12, rtol=0)
    for size in (2, 3, 4, None):
        pool = FieldPool(fields, size)
        assert pool(x).shape[2] == (1 if size is None else -(-length // size))
        for g in range(group.order):
            after = moved(pool(x), rho, places, g)
            assert torch.allclose(pool(moved(x, rho, places, g)), after, atol=1e-12)
    for layer in (bend, pool):
        torch.testing.assert_close(layer.export()(x), layer(x))


def test_what_turns_is_shortened_by_its_length() -> None:
    """Numbers that change sign become their hyperbolic tangents; of pairs, the length does."""
    group = CyclicGroup(5)
    turns = SpectralRepresentation(group, 2, multiplicities=(0, 1, 0)).double()
    fields = Fields(((turns, 1),))
    bend = FieldActivation(fields).double().eval()
    x = torch.tensor([[[0.3, 2.0], [0.4, 0.0]]], dtype=torch.float64)
    lengths = exact(bend(x)).__pow__(2).sum(1) ** 0.5
    np.testing.assert_allclose(lengths[0], np.tanh([0.5, 2.0]), atol=1e-4)
    for g in range(5):
        stay = FixedRepresentation(group, torch.eye(2)[None])
        turned = moved(x, turns, stay, g)
        assert torch.allclose(bend(turned), moved(bend(x), turns, stay, g), atol=1e-9)
    changes = Fields(((signs(CyclicGroup(2))[0], 1),))
    one = FieldActivation(changes).double().eval()(x[:, :1])
    torch.testing.assert_close(one, x[:, :1].tanh(), atol=1e-4, rtol=0)


def test_means_of_blocks_are_those_of_places_within() -> None:
    pool = SpacePool(2, axes=1, reduction="mean")
    x = torch.tensor([1.0, 2, 4, 8, 16]).view(1, 1, 1, 5)
    # Blocks of three, a stride of two, the outer two reach over the ends.
    torch.testing.assert_close(pool(x).flatten(), torch.tensor([1.5, 14 / 3, 12]))
    torch.testing.assert_close(pool(-x), -pool(x))


def test_dropout_drops_whole_fields() -> None:
    fields = Fields(((regular(CyclicGroup(2)), 200),))
    bend = FieldActivation(fields, dropout=0.5)
    torch.manual_seed(0)
    y = bend(1 + torch.rand(4, 400, 6)).unflatten(1, (200, 2)).flatten(2).abs().sum(2)
    assert 0.3 < float((y == 0).float().mean()) < 0.7


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_explained() -> None:
    pair = CyclicGroup(2)
    one, change, function = trivial(pair), signs(pair)[0], regular(pair)
    swap = on_places(reversing(pair), 3)
    even = FixedRepresentation(pair, torch.eye(2).flip(0)[None])
    stays = on_places(FixedRepresentation(pair, torch.eye(2)[None]), 3)
    kept, changed = Fields(((one, 1),)), Fields(((change, 1),))
    oblique = ChangeOfBasis(function, torch.tensor([[1.0, 1.0], [0.0, 1.0]]))
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: Fields(()), "one or more", "none"),
        (lambda: Fields(((one, 0),)), "an integer >= 1", "0"),
        (lambda: Fields(((one, 1), (trivial(CyclicGroup(3)), 1))), "of one group", "3"),
        (lambda: FieldConv1d(kept, kept, even), "positions.dim must be odd", "2"),
        (lambda: FieldConv1d(kept, changed, stays), "a map other than 0", "no irreducible part"),
        (lambda: FieldConv1d(kept, one, swap), "out must be Fields", "FixedRepresentation"),  # type: ignore[arg-type]
        (lambda: FieldConv1d(kept, kept, swap)(torch.zeros(1, 2, 5)), "(batch, 1, length)", "2"),
        (lambda: FieldConv1d(kept, kept, swap)(torch.zeros(1, 1, 5).double()), "dtype", "float64"),
        (lambda: FieldActivation(Fields(((oblique, 1),))), "of orthogonal matrices", "others"),
        (lambda: FieldActivation(kept)(torch.zeros(1, 2, 5)), "(batch, 1, ...)", "2"),
        (lambda: FieldPool(kept)(torch.zeros(1, 2, 5)), "(batch, 1, ...)", "2"),
        (lambda: SpacePool(2, reduction="least"), "max or mean", "least"),  # type: ignore[arg-type]
    ]  # fmt: skip
    for call, expected, got in cases:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, expected, got)
