"""States that hold all of an action, or are refused; modules built on a device without numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.errors import InputError
from grouplearn.layers import (
    FieldConv1d,
    Fields,
    GroupBatchNorm,
    GroupConv2d,
    GroupLinear,
    GroupPool,
    OrbitConv2d,
    OrbitLinear,
)
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern, PlainCNN
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
    intertwiners,
    regular,
    trivial,
)
from tests.cases import CASES, Case
from tests.laws.trials import make_group

THREE, SWAP = [1, 2, 0], [1, 0, 2]
TURN, FLIP = [6, 3, 0, 7, 4, 1, 8, 5, 2], [2, 1, 0, 5, 4, 3, 8, 7, 6]
GROUPS = {
    "cyclic": (4,), "dihedral": (3,), "product": (2, -3), "permutation": ((1, 2, 0), (1, 0, 2)),
}  # fmt: skip
KLEIN = ProductGroup(CyclicGroup(2), CyclicGroup(2))
META = torch.device("meta")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def vectors(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeded(5))


def points(*rows: list[int]) -> FixedRepresentation:
    return FixedRepresentation.from_permutations([*rows])


def network(*rows: list[int], seed: int = 0) -> nn.Sequential:
    rep, rng = points(*rows), seeded(seed)
    return nn.Sequential(
        OrbitConv2d(1, 2, 3, rep, rng=rng), GroupBatchNorm(2),
        GroupConv2d(2, 2, 3, rep, rng=rng), GroupPool("max"),
    ).eval()  # fmt: skip


def dense(group: FiniteGroup, dim: int = 4) -> DenseRepresentation:
    return DenseRepresentation(group, dim, rng=seeded(int(group.order)))


def spectral(*counts: int) -> SpectralRepresentation:
    return SpectralRepresentation(CyclicGroup(6), 6, multiplicities=counts, rng=seeded())


def fields(*rows: list[int]) -> FieldConv1d:
    with torch.device("cpu"):  # whose maps are computed from numbers
        rep = points(*rows)
    return FieldConv1d(Fields(((rep, 1),)), Fields(((regular(rep.group), 2),)), trivial(rep.group))


def toeplitz(*shape: int) -> ToeplitzRepresentation:
    return ToeplitzRepresentation(CyclicGroup(2), 16, shape=shape, rng=seeded())


STRANGERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "generators in another order": (lambda: points(THREE, SWAP), lambda: points(SWAP, THREE)),
    "the same group by other generators": (
        lambda: points([1, 2, 0, 4, 3]), lambda: points([1, 2, 0, 3, 4], [0, 1, 2, 4, 3]),
    ),
    "another order": (lambda: dense(CyclicGroup(4)), lambda: dense(CyclicGroup(5))),
    "another group of this order": (
        lambda: SkewRepresentation(DihedralGroup(3), 4, rng=seeded()),
        lambda: SkewRepresentation(ProductGroup(CyclicGroup(3), CyclicGroup(2)), 4, rng=seeded()),
    ),
    "other multiplicities": (lambda: spectral(2, 1, 1, 0), lambda: spectral(0, 1, 1, 2)),
    "another shape": (lambda: toeplitz(2, 8), lambda: toeplitz(8, 2)),
    "layers": (
        lambda: OrbitLinear(3, 2, points(THREE, SWAP)),
        lambda: OrbitLinear(3, 2, points(SWAP, THREE)),
    ),
    "networks": (lambda: network(TURN, FLIP), lambda: network(FLIP, TURN)),
    "sums": (
        lambda: DirectSum([dense(CyclicGroup(2)), dense(CyclicGroup(2))]),
        lambda: DirectSum([dense(CyclicGroup(3)), dense(CyclicGroup(3))]),
    ),
    "networks with learned actions": (
        lambda: LGCNN(Pattern(1, 2, (2, 2, 2)), dense(DihedralGroup(3), 9)),
        lambda: LGCNN(Pattern(1, 2, (2, 2, 2)),
                      dense(ProductGroup(CyclicGroup(2), CyclicGroup(3)), 9)),
    ),
    "maps between representations": (
        lambda: GroupLinear(regular(CyclicGroup(4)), regular(CyclicGroup(4))),
        lambda: GroupLinear(regular(KLEIN), regular(KLEIN)),
    ),
    "convolutions of fields": (lambda: fields(THREE, SWAP), lambda: fields(SWAP, THREE)),
}  # fmt: skip


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", STRANGERS)
def test_states_of_another_action_are_refused_in_words(name: str, strict: bool) -> None:
    one, other = (build() for build in STRANGERS[name])
    with pytest.raises(RuntimeError, match=r"the state must be of an action of .* got (one|an)"):
        other.load_state_dict(one.state_dict(), strict=strict)


def test_equal_multiplications_have_equal_states() -> None:
    """A group found in data and one of the families are the same to a state."""
    found = FixedRepresentation.from_permutations([[1, 2, 3, 0]])
    family = FixedRepresentation(CyclicGroup(4), torch.eye(4)[None])
    family.load_state_dict(found.state_dict())
    assert torch.equal(family.matrices(), found.matrices())


def test_states_without_a_mark_load_as_before() -> None:
    one, other = network(TURN, FLIP), network(TURN, FLIP, seed=1)
    x = torch.rand(2, 1, 9, 9, generator=seeded())
    state = {name: value for name, value in one.state_dict().items() if "_mark" not in name}
    assert len(state) == len(one.state_dict()) - 2
    other.load_state_dict(state)
    assert torch.equal(other(x), one(x))


def test_averaged_states_keep_their_mark() -> None:
    reps = [DenseRepresentation(DihedralGroup(5), 3, rng=seeded(k)) for k in range(3)]
    states = [rep.state_dict() for rep in reps]
    mean = {name: torch.stack([s[name].float() for s in states]).mean(0) for name in states[0]}
    reps[0].load_state_dict(mean)
    assert torch.equal(reps[0].weight, mean["weight"])


def test_what_closes_is_judged_again_when_a_state_is_loaded() -> None:
    sign = FixedRepresentation(CyclicGroup(2), -torch.eye(2)[None])
    near = FixedRepresentation(CyclicGroup(2), -torch.eye(2)[None] * 1.01)
    assert sign.closes_exactly
    sign.load_state_dict(near.state_dict())
    assert not sign.closes_exactly


@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_is_lost_where_memory_is_given_anew(case: Case) -> None:
    """`to_empty` and a load, and a load that puts its tensors in the place of those on "meta"."""
    for family in case.families:
        group = make_group(family, GROUPS[family])
        dim = 6 if 6 in case.dims else max(case.dims)
        rep = case.build(group, dim, seeded(), torch.float32)
        x = vectors(3, dim)
        emptied = case.build(group, dim, seeded(1), torch.float32)
        if set(emptied.state_dict()) != set(rep.state_dict()):
            continue  # of known matrices, some are permutations
        emptied.to(META).to_empty(device="cpu").load_state_dict(rep.state_dict())
        wide = copy.deepcopy(rep).double()
        # The states of permutations are indices, which say nothing of a dtype.
        own = any(isinstance(each, FixedRepresentation) for each in rep.modules())
        dtype = torch.float64 if own else torch.float32
        assigned = case.build(group, dim, seeded(1), dtype).to(META)
        assigned.load_state_dict(copy.deepcopy(wide.state_dict()), assign=True)
        for found, wanted in ((emptied, rep), (assigned, wide)):
            assert found.dtype == wanted.dtype
            given = x.to(wanted.dtype)
            assert torch.equal(found.orbit(given), wanted.orbit(given))
            assert torch.equal(found.act(given, 1), wanted.act(given, 1))
            assert torch.equal(found.dual_matrices(), wanted.dual_matrices())


BUILDS: dict[str, Callable[[], nn.Module]] = {
    "network": lambda: LGCNN(Pattern(1, 3, (2, 2, 2)), points(TURN, FLIP)),
    "learned": lambda: LGCNN(Pattern(1, 3, (2, 2, 2)), dense(CyclicGroup(3), 9)),
    "plain": lambda: PlainCNN(Pattern(1, 3, (2, 2, 2)), rng=seeded()),
    "fields": lambda: fields(THREE, SWAP),
    "unfolded": lambda: LGN(LGNShape(1, 3, layers=2), rng=seeded()),
    "triples": lambda: nn.Sequential(
        GroupConv2d(1, 1, 3, points(TURN), rng=seeded()),
        GroupPool("triple-correlation", CyclicGroup(4)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILDS)
def test_networks_are_built_without_numbers_and_filled(name: str) -> None:
    rng = torch.get_rng_state()
    whole = BUILDS[name]()
    torch.set_rng_state(rng)
    with META:
        hollow = BUILDS[name]()
    assert all(each.is_meta for each in (*hollow.parameters(), *hollow.buffers()))
    shapes = {"triples": (2, 1, 4, 8, 8), "fields": (2, 3, 9)}
    x = torch.rand(shapes.get(name, (2, 1, 12, 12)), generator=seeded())
    hollow.to_empty(device="cpu").load_state_dict(whole.state_dict())
    got, want = (each.eval()(x) for each in (hollow, whole))
    assert torch.equal(getattr(got, "scores", got), getattr(want, "scores", want))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_representations_work_under_another_default_device(case: Case) -> None:
    """What was built on the CPU gives its results there, whatever the default is."""
    group = make_group(case.families[0], GROUPS[case.families[0]])
    dim = 6 if 6 in case.dims else max(case.dims)
    rep = case.build(group, dim, seeded(), torch.float64)
    x = vectors(2, dim).double()

    def everything() -> list[Tensor]:
        return [
            rep.generators(), rep.inverse_generators(), rep.matrices(), rep.dual_matrices(),
            rep.matrix(1), rep.orbit(x), rep.act(x, 1), *rep.state_dict().values(),
        ]  # fmt: skip

    want = everything()
    with META:
        got = everything()
        copied = rep.double()
    assert copied.device.type == "cpu"
    for one, other in zip(got, want, strict=True):
        assert torch.equal(one, other)


def test_compositions_are_where_their_parts_are() -> None:
    parts = [dense(CyclicGroup(2), 2).to(META), dense(CyclicGroup(2), 3).to(META)]
    made: list[LearnedRepresentation] = [
        DirectSum(parts), TensorProduct(*parts), ChangeOfBasis(parts[0], torch.eye(2, device=META)),
    ]  # fmt: skip
    for rep in made:
        assert rep.device == META
        assert rep.matrices().shape == (2, rep.dim, rep.dim)
        assert all(each.is_meta for each in rep.buffers())


def test_matrices_without_numbers_are_refused() -> None:
    hollow: Any = torch.empty(1, 2, 2, device=META)
    builds: list[Callable[[], Any]] = [
        lambda: FixedRepresentation(CyclicGroup(2), hollow),
        lambda: DenseRepresentation(CyclicGroup(2), 2, near=hollow),
        lambda: FixedRepresentation.from_permutations(hollow[0].long()),
        lambda: intertwiners(points(THREE).to(META), points(THREE)),
    ]
    for build in builds:
        with pytest.raises(
            InputError, match=r"that holds numbers, got one on the device|without numbers"
        ):
            build()
