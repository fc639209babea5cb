"""Networks for sequences: invariance at every length, sizes, exports, and the groups offered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from grouplearn import CyclicGroup, discover
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import DataError, InputError
from grouplearn.models import SequenceNetwork, SequencePattern
from grouplearn.representations import FixedRepresentation
from grouplearn.training import load, save
from tests.laws.oracles import exact
from tests.unit.examples import is_helpful, seeded

DOMAIN = SequenceDomain(window=3)
SMALL = SequencePattern(4, 3, width=12, first=5, kernel_size=3, blocks=2, pool=2)
ACTIONS = [
    (), ("reverse",), ("complement",), ("reverse-complement",), ("reverse", "complement"),
]  # fmt: skip


def acting(*names: str) -> FixedRepresentation:
    """Known moves of DNA on windows of three letters."""
    if not names:
        return FixedRepresentation(CyclicGroup(1), torch.empty(0, 12, 12))
    moves = [DOMAIN.known_actions()[name].permutation for name in names]
    return FixedRepresentation.from_permutations(torch.stack(moves), torch.float32)


def network_of(
    names: tuple[str, ...],
    pattern: SequencePattern = SMALL,
    dtype: torch.dtype = torch.float64,
    length: int = 20,
) -> SequenceNetwork:
    network = SequenceNetwork(pattern, *DOMAIN.factored(acting(*names)), rng=seeded(), dtype=dtype)
    torch.manual_seed(0)
    for _ in range(3):
        network(one_hot(np.random.default_rng(1), 8, length).to(dtype))
    return network.eval()


def one_hot(rng: np.random.Generator, count: int, length: int) -> Tensor:
    return torch.eye(4)[torch.as_tensor(rng.integers(4, size=(count, length)))].mT


@given(
    st.sampled_from(ACTIONS), st.sampled_from([0.0, 0.25, 0.6]), st.integers(1, 80),
    st.sampled_from([1, 2, 3, 5, None]), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_outputs_stay_where_the_group_moves_a_sequence(
    names: tuple[str, ...], share: float, length: int, pool: int | None, deep: bool, seed: int
) -> None:
    pattern = SequencePattern(
        4, 2, width=9, first=5, kernel_size=3, blocks=2 * deep, pool=pool, signs=share
    )
    network = network_of(names, pattern)
    x = one_hot(np.random.default_rng(seed), 2, length).double()
    for move in DOMAIN.extend(acting(*names)):
        assert move is not None
        torch.testing.assert_close(network(move(x)), network(x), atol=1e-12, rtol=0)


@given(
    st.sampled_from(ACTIONS), st.integers(1, 40), st.integers(1, 5), st.integers(0, 99),
)  # fmt: skip
def test_places_told_apart_keep_the_outputs(
    names: tuple[str, ...], length: int, pool: int, seed: int
) -> None:
    pattern = SequencePattern(
        4, 3, width=9, first=5, kernel_size=3, blocks=1, pool=pool, length=length
    )
    letters, positions = DOMAIN.factored(acting(*names))
    network = SequenceNetwork(pattern, letters, positions, rng=seeded(), dtype=torch.float64)
    assert sum(e.numel() for e in network.parameters()) == pattern.parameters(letters, positions)
    x = one_hot(np.random.default_rng(seed), 2, length).double()
    network.eval()
    assert network(x).shape == (2, 3)
    for move in DOMAIN.extend(acting(*names)):
        assert move is not None
        torch.testing.assert_close(network(move(x)), network(x), atol=1e-12, rtol=0)


def test_places_are_told_apart_only_where_asked_for() -> None:
    """A motif that is moved along by whole blocks changes the outputs, or does not."""
    x = one_hot(np.random.default_rng(0), 1, 32).double()
    x = torch.cat([torch.zeros_like(x), x, torch.zeros_like(x)], 2)
    moved = x.roll(8, 2)
    for length in (None, 96):
        pattern = SequencePattern(4, 2, width=8, first=5, pool=4, length=length)
        network = network_of((), pattern, length=96)
        assert torch.allclose(network(moved), network(x), atol=1e-9) == (length is None)


def test_other_moves_and_the_trivial_group_change_outputs() -> None:
    x = one_hot(np.random.default_rng(0), 4, 30).double()
    turned = DOMAIN.known_actions()["reverse-complement"](x)
    for names in ((), ("reverse",), ("complement",)):
        network = network_of(names)
        assert not torch.allclose(network(turned), network(x), atol=1e-3), names


@pytest.mark.parametrize("names", ACTIONS, ids=str)
def test_parameters_are_counted_and_budgets_kept(names: tuple[str, ...]) -> None:
    letters, positions = DOMAIN.factored(acting(*names))
    for share in (0.0, 0.25):
        for budget in (5_000, 40_000):
            pattern = SequencePattern(4, 2, signs=share).within(budget, letters, positions)
            network = SequenceNetwork(pattern, letters, positions)
            count = sum(each.numel() for each in network.parameters())
            assert count == pattern.parameters(letters, positions)
            assert abs(count - budget) <= (0.04 if budget > 10_000 else 0.07) * budget, count


def test_three_channels_stay_to_one_that_changes_sign() -> None:
    letters, _ = DOMAIN.factored(acting("reverse-complement"))
    _, inner, last = SequencePattern(4, 2, width=64).fields(letters)
    assert [(rep.dim, count) for rep, count in inner.kinds] == [(2, 24), (1, 16)]
    assert [(rep.dim, count) for rep, count in last.kinds] == [(2, 32)]
    assert SequencePattern(4, 2, width=64, signs=0).fields(letters)[1].sizes == (64,)


def test_a_block_sees_twice_as_far_as_the_one_before() -> None:
    """The output at a place depends on letters within the kernels' reach, and on no others."""
    pattern = SequencePattern(4, 2, width=8, first=3, kernel_size=3, blocks=3, pool=1, dropout=0)
    network = network_of((), pattern)
    x = torch.zeros(1, 4, 101, dtype=torch.float64, requires_grad=True)
    network.body(x)[0, :, 50].sum().backward()
    assert x.grad is not None
    seen = np.flatnonzero(exact(x.grad).any((0, 1)))
    assert (seen.min(), seen.max()) == (50 - 8, 50 + 8)  # 1 + 1 + 2 + 4 places


@pytest.mark.parametrize("names", ACTIONS, ids=str)
def test_exports_and_files_give_the_same_outputs(names: tuple[str, ...], tmp_path: object) -> None:
    aligned = SequencePattern(4, 3, width=12, first=5, pool=2, length=20)
    for pattern, length in ((SMALL, 20), (SMALL, 33), (aligned, 20)):
        network = network_of(names, pattern, torch.float32)
        x = one_hot(np.random.default_rng(0), 2, length)
        plain = network.export()
        torch.testing.assert_close(plain(x), network(x))
    assert not any(type(each).__module__.startswith("grouplearn") for each in plain.modules())
    file = f"{tmp_path}/network"
    save(network, file)
    loaded = load(file)
    assert torch.equal(loaded(x), network(x))
    assert [p.shape for p in loaded.parameters()] == [p.shape for p in network.parameters()]


def test_the_group_of_a_genome_is_offered_with_its_subgroups() -> None:
    rng = np.random.default_rng(0)
    half = ["".join(rng.choice(list("ACGT"), 60, p=[0.4, 0.3, 0.2, 0.1])) for _ in range(400)]
    move = DOMAIN.known_actions()["reverse-complement"]
    found = DOMAIN.discover([*half, *map(move, half)], max_moment=2)
    offered = DOMAIN.network_groups(found)
    moves = [{str(each) for each in DOMAIN.extend(rep)} for rep in offered]
    assert moves[0] == {"identity"}
    assert {"identity", "reverse-complement"} in moves
    letters, positions = DOMAIN.factored(offered[moves.index({"identity", "reverse-complement"})])
    assert letters.matrices()[1].argmax(0).tolist() == [3, 2, 1, 0]
    assert positions.matrices()[1].argmax(0).tolist() == [1, 0]


def test_sequences_become_channels() -> None:
    found = DOMAIN.one_hot(["ACGT", "acnT"], ambiguous="blank")
    assert found.shape == (2, 4, 4)
    assert found[0].argmax(0).tolist() == [0, 1, 2, 3]
    assert found[1].sum(0).tolist() == [1, 1, 0, 1]
    move = DOMAIN.known_actions()["reverse-complement"]
    assert torch.equal(move(found), DOMAIN.one_hot([move("ACGT"), move("acnT")], ambiguous="blank"))


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_explained() -> None:
    letters, positions = DOMAIN.factored(acting("reverse-complement"))
    pattern = SequencePattern(4, 2)
    shift = FixedRepresentation(letters.group, torch.eye(4).roll(2, 0)[None])
    other = FixedRepresentation(CyclicGroup(1), torch.empty(0, 2, 2))
    rows = np.random.default_rng(0).exponential(size=(500, 3)) * [1, 5, 25]
    signed = discover(rows, action="signed")
    cyclic = FixedRepresentation.from_permutations([[*range(1, 12), 0]])
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: SequencePattern(4, 0), "classes must be an integer >= 1", "0"),
        (lambda: SequencePattern(4, 2, first=4), "first must be odd", "4"),
        (lambda: SequencePattern(4, 2, kernel_size=1001), "at most 255", "1001"),
        (lambda: SequencePattern(4, 2, blocks=17), "at most 16", "17"),
        (lambda: SequencePattern(4, 2, signs=1), "signs must be below 1", "1"),
        (lambda: pattern.within(10, letters, positions), "or more for", "10"),
        (lambda: SequenceNetwork(SequencePattern(20, 2), letters, positions), "on R^20", "4"),
        (lambda: SequenceNetwork(pattern, letters, other), "of the group of the letters", "1"),
        (lambda: SequenceNetwork(pattern, letters, shift), "keep or reverse the order", "4"),
        (lambda: network_of(())(torch.zeros(1, 5, 9)), "(batch, 4, length)", "5"),
        (lambda: SequencePattern(4, 2, length=5000), "at most 1000", "5000"),
        (lambda: SequenceNetwork(SequencePattern(4, 2, length=9), letters, positions)(
            torch.zeros(1, 4, 8)), "(batch, 4, 9)", "8"),
        (lambda: DOMAIN.factored(cyclic), "extend to whole sequences", "no extension"),
        (lambda: DOMAIN.network_groups(signed), "of permutations", "signed"),
        (lambda: DOMAIN.one_hot([]), "one or more", "none"),
        (lambda: DOMAIN.one_hot(["A"], ambiguous="drop"), "refuse or blank", "drop"),  # type: ignore[arg-type]
        (lambda: DOMAIN.one_hot(["AC", "A"]), "of one length", "1 letters in sequence 1"),
        (lambda: DOMAIN.one_hot(["AC", "AN"]), "of the letters ACGT", "'N' at position 1 of sequ"),
        (lambda: DOMAIN.one_hot(["AC", "AL"]), "dna letters", "'L'"),
    ]  # fmt: skip
    for call, expected, got in cases:
        with pytest.raises((InputError, DataError)) as problem:
            call()
        assert is_helpful(problem, expected, got)
