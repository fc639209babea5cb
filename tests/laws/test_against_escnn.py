"""Our groups, irreps, representations and filter orbits against escnn's, the independent oracle."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup
from grouplearn.defects import character, isotypic_multiplicities
from grouplearn.groups import irrep_characters, real_irreps, regular_multiplicities
from grouplearn.interop.escnn import from_escnn, load_escnn, rotation_matrix, to_escnn
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)
from tests.counting import count_example

if importlib.util.find_spec("escnn") is None:
    pytest.skip("escnn is not installed", allow_module_level=True)

GROUPS: list[FiniteGroup] = [
    *(CyclicGroup(n) for n in range(1, 13)),
    *(DihedralGroup(n) for n in range(1, 7)),
]
MAX_DIM = 24
groups = st.sampled_from(GROUPS)
seeds = st.integers(0, 2**32 - 1)


def escnn_group(group: FiniteGroup) -> Any:
    library = load_escnn().group
    if isinstance(group, DihedralGroup):
        return library.dihedral_group(group.n)
    return library.cyclic_group(group.order)


def escnn_irreps(group: FiniteGroup) -> list[Any]:
    """In the order of `real_irreps`, by escnn's documentation rather than by our conversion."""
    theirs = escnn_group(group)
    if isinstance(group, CyclicGroup):
        return [theirs.irrep(k) for k in range(group.order // 2 + 1)]
    irreps = []
    for k in range(theirs.rotation_order // 2 + 1):
        one_dimensional = 2 * k % theirs.rotation_order == 0
        irreps += [theirs.irrep(j, k) for j in ((0, 1) if one_dimensional else (1,))]
    return irreps


def escnn_matrices(theirs: Any) -> Tensor:
    return torch.as_tensor(
        np.stack([np.asarray(theirs(g), np.float64) for g in theirs.group.elements])
    )


def assert_equal(ours: Tensor, theirs: Tensor, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)


def regular(group: FiniteGroup) -> FixedRepresentation:
    """rho(g) e_h = e_gh."""
    images = group.multiply(np.array(group.generators, dtype=np.int64)[:, None], range(group.order))
    generators = torch.eye(group.order, dtype=torch.float64)[torch.as_tensor(images)].mT
    return FixedRepresentation(group, generators=generators)


@dataclass(frozen=True)
class Recipe:
    """What Hypothesis draws; built outside its strategies, as type checks draw random numbers."""

    group: FiniteGroup
    picks: list[int]
    condition: float
    seed: int

    def build(self) -> SpectralRepresentation:
        """Irreps as picked, as far as they fit, in a basis of the given condition number."""
        irreps = real_irreps(self.group)
        counts, dim = [0] * len(irreps), 0
        for i in (pick % len(irreps) for pick in self.picks):
            if dim + irreps[i].dim <= MAX_DIM:
                counts[i] += 1
                dim += irreps[i].dim
        rng = np.random.default_rng(self.seed)
        left, right = (np.linalg.qr(rng.normal(size=(dim, dim)))[0] for _ in range(2))
        basis = torch.as_tensor(left * np.geomspace(1, self.condition, dim) @ right)
        return SpectralRepresentation.from_basis(self.group, counts, basis)


def recipes(condition: float) -> st.SearchStrategy[Recipe]:
    """Of every group and multiplicities, orthogonal or with the given condition number."""
    picks = st.lists(st.integers(0, 99), min_size=1, max_size=MAX_DIM)
    return st.builds(Recipe, groups, picks, st.sampled_from([1.0, condition]), seeds)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_elements_are_numbered_alike(group: FiniteGroup) -> None:
    theirs = escnn_group(group)
    index = {g: i for i, g in enumerate(theirs.elements)}
    table = [[index[a @ b] for b in theirs.elements] for a in theirs.elements]
    assert np.array_equal(group.cayley_table, table)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_irreps_have_the_same_characters(group: FiniteGroup) -> None:
    theirs = escnn_irreps(group)
    assert len(theirs) == len(escnn_group(group).irreps())
    values = [[irrep.character(g) for g in irrep.group.elements] for irrep in theirs]
    np.testing.assert_allclose(irrep_characters(group), values, rtol=0, atol=1e-12)
    for ours, irrep in zip(real_irreps(group), theirs, strict=True):
        assert (ours.dim, ours.endomorphisms) == (irrep.size, irrep.sum_of_squares_constituents)


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_regular_representation_is_the_same(group: FiniteGroup) -> None:
    ours, theirs = regular(group), escnn_group(group).regular_representation
    assert_equal(ours.matrices(), escnn_matrices(theirs))
    counts = tuple(theirs.multiplicity(irrep.id) for irrep in escnn_irreps(group))
    assert regular_multiplicities(group, group.order) == counts
    assert_equal(isotypic_multiplicities(ours), torch.tensor(counts, dtype=torch.float64))
    assert from_escnn(theirs).multiplicities == counts
    assert to_escnn(ours).supported_nonlinearities >= {"pointwise", "norm", "gated"}


@pytest.mark.parametrize("group", [g for g in GROUPS if g.exponent > 2], ids=str)
def test_rotation_representation_is_the_same(group: FiniteGroup) -> None:
    n = int(group.element_orders[1])
    c, s = np.cos(2 * np.pi / n), np.sin(2 * np.pi / n)
    matrices = [[[c, -s], [s, c]], [[1, 0], [0, -1]]][: len(group.generators)]
    ours = FixedRepresentation(group, generators=torch.tensor(matrices, dtype=torch.float64))
    dihedral = isinstance(group, DihedralGroup)
    theirs = escnn_group(group).irrep(1, 1) if dihedral else escnn_group(group).irrep(1)
    assert_equal(ours.matrices(), escnn_matrices(theirs))
    assert_equal(from_escnn(theirs).matrices(), ours.matrices())


@given(recipe=recipes(condition=100))
def test_spectral_makes_the_round_trip(recipe: Recipe) -> None:
    count_example()
    rep = recipe.build()
    theirs = to_escnn(rep)
    assert_equal(rep.matrices(), escnn_matrices(theirs))
    back = from_escnn(theirs)
    assert back.multiplicities == rep.multiplicities
    assert_equal(back.basis, rep.basis)
    assert_equal(back.matrices(), rep.matrices())


@given(recipe=recipes(condition=10))
def test_plain_matrices_make_the_round_trip(recipe: Recipe) -> None:
    count_example()
    rep = recipe.build()
    start = rep.generators().detach()
    plain = DenseRepresentation(rep.group, rep.dim, near=start, dtype=torch.float64)
    theirs = to_escnn(plain)
    assert_equal(plain.matrices(), escnn_matrices(theirs))
    assert_equal(from_escnn(theirs).matrices(), plain.matrices())
    characters = [float(theirs.character(g)) for g in theirs.group.elements]
    assert_equal(character(plain), torch.tensor(characters, dtype=torch.float64))
    counts = [theirs.multiplicity(irrep.id) for irrep in escnn_irreps(rep.group)]
    assert tuple(counts) == rep.multiplicities
    assert_equal(isotypic_multiplicities(plain), torch.tensor(counts).double())


@given(group=groups, picks=st.lists(st.integers(0, 100), min_size=1, max_size=4), seed=seeds)
def test_escnn_sums_and_changes_of_basis_arrive(
    group: FiniteGroup, picks: list[int], seed: int
) -> None:
    count_example()
    library, irreps = load_escnn().group, escnn_irreps(group)
    summed = library.directsum([irreps[pick % len(irreps)] for pick in picks], name="sum")
    basis = np.random.default_rng(seed).normal(size=(summed.size, summed.size))
    basis += 3 * summed.size**0.5 * np.eye(summed.size)
    moved = library.change_basis(summed, basis, "moved")
    ours = from_escnn(moved)
    assert_equal(ours.matrices(), escnn_matrices(moved))


def expanded_filters(kernel_size: int, seed: int) -> tuple[Any, Tensor]:
    """An R2Conv from 2 scalar fields to 3 regular ones, and its filters (out, n, in, k^2)."""
    escnn = load_escnn()
    space = escnn.gspaces.rot2dOnR2(4)
    conv = escnn.nn.R2Conv(
        escnn.nn.FieldType(space, [space.trivial_repr] * 2),
        escnn.nn.FieldType(space, [space.regular_repr] * 3),
        kernel_size=kernel_size,
        bias=False,
        initialize=False,
    )
    with torch.no_grad():
        rng = torch.Generator().manual_seed(seed)
        conv.weights.copy_(torch.randn(conv.weights.shape, generator=rng))
    filters, _ = conv.expand_parameters()
    return conv, filters.detach().reshape(3, 4, 2, kernel_size**2)


def orbit_of_filters(rep: LearnedRepresentation, first: Tensor) -> Tensor:
    return torch.einsum("gpq,ocq->ogcp", rep.dual_matrices(), first)


def quarter_turn(size: int) -> FixedRepresentation:
    grid = torch.arange(size**2, dtype=torch.float32).reshape(size, size)
    sources = torch.rot90(grid, 1, (0, 1)).flatten().long()
    turn = torch.eye(size**2)[sources]
    return FixedRepresentation(CyclicGroup(4), generators=turn.unsqueeze(0))


@pytest.mark.parametrize("size", [3, 5])
@given(seed=seeds)
def test_filter_orbits_are_the_filters_of_a_steerable_convolution(size: int, seed: int) -> None:
    count_example()
    conv, filters = expanded_filters(size, seed)
    orbit = orbit_of_filters(quarter_turn(size), filters[:, 0])
    assert_equal(orbit, filters, 1e-5)
    images = torch.randn(2, 2, 9, 9, generator=torch.Generator().manual_seed(seed))
    theirs = conv(load_escnn().nn.GeometricTensor(images, conv.in_type)).tensor
    ours = torch.nn.functional.conv2d(images, orbit.reshape(12, 2, size, size))
    assert_equal(ours, theirs.detach(), 1e-5 * size**2)


def test_wrong_filter_orbits_are_told_apart() -> None:
    _, filters = expanded_filters(3, seed=0)
    turn = quarter_turn(3).generators()
    backwards = FixedRepresentation(CyclicGroup(4), generators=turn.mT.contiguous())
    assert (orbit_of_filters(backwards, filters[:, 0]) - filters).abs().max() > 0.1
    skewed = torch.eye(9) + torch.triu(torch.ones(9, 9), 1)
    oblique = FixedRepresentation(
        CyclicGroup(4), generators=skewed @ turn @ torch.linalg.inv(skewed)
    )
    dual = orbit_of_filters(oblique, filters[:, 0])
    direct = torch.einsum("gpq,ocq->ogcp", oblique.matrices(), filters[:, 0])
    assert (dual - direct).abs().max() > 0.1


@pytest.mark.parametrize("size", range(1, 9))
def test_the_grid_turns_as_in_torch(size: int) -> None:
    assert torch.equal(rotation_matrix(size), quarter_turn(size).generators()[0].double())
    assert torch.equal(rotation_matrix(size, 2), rotation_matrix(size) @ rotation_matrix(size))
    assert torch.equal(rotation_matrix(size, 1), torch.eye(size**2, dtype=torch.float64))


@given(seed=seeds, dihedral=st.booleans(), condition=st.sampled_from([1.0, 10.0]))
def test_steerable_layers_respect_what_we_convert(
    seed: int, dihedral: bool, condition: float
) -> None:
    """Convolution to a converted field: turning the image turns the field by our rho."""
    count_example()
    escnn = load_escnn()
    group = DihedralGroup(4) if dihedral else CyclicGroup(4)
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(7, 7)))[0] for _ in range(2))
    basis = torch.as_tensor(left * np.geomspace(1, condition, 7) @ right)
    counts = (1, 1, 2, 1, 0) if dihedral else (1, 2, 2)
    rep = SpectralRepresentation.from_basis(group, counts, basis)
    space = (escnn.gspaces.flipRot2dOnR2 if dihedral else escnn.gspaces.rot2dOnR2)(4)
    scalars = escnn.nn.FieldType(space, [space.trivial_repr])
    conv = escnn.nn.R2Conv(scalars, escnn.nn.FieldType(space, [to_escnn(rep)]), kernel_size=5)
    images = torch.as_tensor(rng.normal(size=(2, 1, 9, 9)), dtype=torch.float32)
    turned = escnn.nn.GeometricTensor(torch.rot90(images, 1, (2, 3)), scalars)
    expected = torch.rot90(conv(escnn.nn.GeometricTensor(images, scalars)).tensor, 1, (2, 3))
    expected = torch.einsum("ij,bjhw->bihw", rep.matrix(1).float(), expected)
    scale = float(expected.detach().abs().max())
    assert_equal(conv(turned).tensor.detach(), expected.detach(), 1e-5 * max(scale, 1))
