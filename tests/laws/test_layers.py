"""Every law over every layer, Hypothesis choosing group, representation, seed and dtype."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import grouplearn.layers
from grouplearn.groups import FiniteGroup
from grouplearn.layers import (
    FieldActivation,
    FieldConv1d,
    FieldPool,
    Fields,
    FilterBank,
    GroupLinear,
    convolution,
    filters,
    pooling,
)
from grouplearn.layers.pooling import GroupPool
from grouplearn.representations import FixedRepresentation
from tests.counting import count_example
from tests.laws.layers import LAYER_LAWS, LayerTrial, field, modules_of
from tests.laws.oracles import assert_near, assert_same
from tests.laws.trials import make_group, recipes
from tests.layer_cases import FIELDS, MOVING, FieldCase, Moving, MovingCase, left_multiplied, shaken

FAMILIES = ("cyclic", "dihedral", "product", "permutation")
GROUPS = st.sampled_from(FAMILIES).flatmap(lambda family: recipes(family, 8))
SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("rule", LAYER_LAWS, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("case", MOVING, ids=str)
def test_law(case: MovingCase, rule: Callable[[Moving, LayerTrial], None]) -> None:
    trials = st.builds(
        LayerTrial, case=st.just(case), recipe=GROUPS, builder=st.integers(0, 2), seed=SEEDS,
        dtype=st.sampled_from([torch.float32, torch.float64]),
    )  # fmt: skip

    @settings(max_examples=max(2, settings().max_examples // 3))
    @given(trial=trials)
    def holds(trial: LayerTrial) -> None:
        count_example()
        rule(trial.layer(), trial)

    holds()


@pytest.mark.parametrize("case", FIELDS, ids=str)
def test_left_multiplication_commutes(case: FieldCase) -> None:
    @settings(max_examples=max(4, settings().max_examples // 3))
    @given(recipe=GROUPS, seed=SEEDS, training=st.booleans(), axes=st.sampled_from(case.axes))
    def holds(recipe: Any, seed: int, training: bool, axes: int) -> None:
        count_example()
        group = make_group(*recipe)
        space = (4, 6)[:axes]
        x = field(group, 3, space, seed)
        rng = torch.Generator().manual_seed(seed)
        layer = shaken(case.build(3, group).double(), rng).train(training)
        for h in range(group.order):
            results = []
            for given_field in (x, left_multiplied(x, group, h)):
                torch.manual_seed(seed)
                results.append(layer(given_field))
            was, got = results
            want = was if case.invariant else left_multiplied(was, group, h)
            assert_near(got, want, 1e-12 * (1 + float(x.abs().max()) ** 3))

    holds()


@pytest.mark.parametrize("case", FIELDS, ids=str)
def test_exports_are_equal(case: FieldCase) -> None:
    group = make_group("dihedral", (3,))
    layer: Any = shaken(case.build(3, group).double(), torch.Generator().manual_seed(0)).eval()
    x = field(group, 3, (4, 6)[: max(case.axes)], 0)
    exported: Any = layer.export()
    assert_near(exported(x), layer(x), 1e-12)
    assert_same(pickle.loads(pickle.dumps(exported))(x), exported(x))
    assert not any(name.startswith("grouplearn") for name in modules_of(exported))


def test_every_layer_is_registered() -> None:
    public = {getattr(grouplearn.layers, name) for name in grouplearn.layers.__all__}
    group = make_group("cyclic", (2,))
    listed = {case.kind for case in MOVING} | {type(case.build(1, group)) for case in FIELDS}
    # Maps between any representations have laws of their own: test_group_linear and test_fields.
    own = {GroupLinear, Fields, FieldConv1d, FieldActivation, FieldPool}
    assert listed == public - {FilterBank, *own}


PERMUTATIONS, ROTATED = 0, 2  # among BUILDERS
MUTANTS = {
    "moved by rho, not its dual": (
        ROTATED, filters.MovingFilters, "duals", lambda layer: layer.rep.matrices(),
        "responses_permute",
    ),
    "permutations the wrong way round": (
        PERMUTATIONS, FixedRepresentation, "sources",
        property(lambda rep: rep._sources.argsort(-1)), "responses_permute",
    ),
    "elements in another order": (
        ROTATED, convolution, "regular_blocks",
        lambda group, into: torch.arange(into * group.order).repeat(group.order, 1),
        "responses_permute",
    ),
    "a bias of its own for each element": (
        ROTATED, filters.MovingFilters, "repeated_bias",
        lambda layer: torch.arange(len(layer.bias) * layer.rep.group.order).to(layer.weight),
        "responses_permute",
    ),
    "an export of zeros": (
        ROTATED, convolution.FilterBank, "plain", lambda layer: _wrong(layer),
        "exports_are_plain_and_equal",
    ),
}  # fmt: skip


def _wrong(layer: Any) -> Any:
    plain = torch.nn.Conv2d(layer.in_channels * layer.rep.group.order, 1, layer.kernel_size)
    plain.weight = torch.nn.Parameter(layer.filters().detach() * 0)
    plain.bias = layer.bias
    return plain.to(layer.weight.dtype)


@pytest.mark.parametrize("name", MUTANTS)
def test_laws_catch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    builder, owner, attribute, broken, rule_name = MUTANTS[name]
    rule = next(each for each in LAYER_LAWS if each.__name__ == rule_name)
    case = next(each for each in MOVING if each.name == "regular-2d")
    trial = LayerTrial(case, ("dihedral", (3,)), builder, 5, torch.float64)
    rule(trial.layer(), trial)
    monkeypatch.setattr(owner, attribute, broken)
    with pytest.raises((AssertionError, RuntimeError)):
        rule(trial.layer(), trial)


def test_a_normalisation_of_merged_axes_breaks_the_law() -> None:
    """torch's own layer has numbers of its own for each element, which do not move with them."""
    group = make_group("cyclic", (4,))
    x = field(group, 3, (4, 6), 0)
    layer = shaken(FIELDS[0].build(3, group).double(), torch.Generator().manual_seed(0)).eval()
    merged = shaken(torch.nn.BatchNorm2d(12).double(), torch.Generator().manual_seed(0)).eval()

    def gap(normalise: Callable[[torch.Tensor], torch.Tensor]) -> float:
        moved = normalise(left_multiplied(x, group, 1))
        return float((moved - left_multiplied(normalise(x), group, 1)).abs().max().detach())

    assert gap(layer) < 1e-12
    assert gap(lambda f: merged(f.flatten(1, 2)).view(f.shape)) > 0.1


def distinct(group: FiniteGroup, values: list[float]) -> list[list[float]]:
    """All left multiplications of a function on a group."""
    table = np.asarray(group.cayley_table)
    return [[values[g] for g in table[h]] for h in range(group.order)]


@pytest.mark.parametrize("recipe", [("cyclic", (4,)), ("dihedral", (3,))], ids=str)
def test_triple_correlations_are_complete_and_the_maximum_is_not(recipe: Any) -> None:
    """Two functions that no left multiplication takes into one another differ in them."""
    group = make_group(*recipe)
    pool = GroupPool("triple-correlation", group)
    rng = np.random.default_rng(0)
    values = rng.normal(size=group.order)
    orbit = distinct(group, values.tolist())
    others = [rng.permutation(values).tolist() for _ in range(40)]
    invariants = pool(torch.as_tensor(values).view(1, 1, -1))
    for other in [*orbit, *others]:
        function = torch.tensor(other, dtype=torch.float64).view(1, 1, -1)
        assert torch.allclose(pool(function), invariants) == (other in orbit)
        assert float(GroupPool("max")(function)) == values.max()
    assert pool.numbers == invariants.shape[1]
    assert pooling.GroupPool("mean").numbers == 1


def test_a_representation_is_shared_and_trained() -> None:
    from grouplearn.groups import CyclicGroup
    from grouplearn.layers import GroupConv2d, OrbitConv2d
    from grouplearn.representations import DenseRepresentation

    rep = DenseRepresentation(CyclicGroup(3), 9, rng=torch.Generator().manual_seed(0))
    net: Any = torch.nn.Sequential(OrbitConv2d(1, 2, 3, rep), GroupConv2d(2, 2, 3, rep))
    assert sum(p.numel() for p in net.parameters()) == sum(
        p.numel() for p in [*net[0].parameters(), net[1].weight, net[1].bias]
    )
    net(torch.ones(1, 1, 8, 8)).square().sum().backward()
    assert rep.weight.grad is not None
    assert bool(rep.weight.grad.any())
    before = net[0].filters().clone()
    with torch.no_grad():
        rep.weight.mul_(2)
    assert not torch.equal(net[0].filters(), before)
    frozen = OrbitConv2d(1, 2, 3, rep.requires_grad_(False))
    assert_same(frozen(torch.ones(1, 1, 3, 3)), frozen(torch.ones(1, 1, 3, 3)))
