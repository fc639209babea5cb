"""Any network made invariant or equivariant, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.pixels import PixelMove
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import InputError
from grouplearn.models import Symmetrized
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import FitOptions, Labelled, RandomElement, fit
from tests.unit.examples import is_helpful

GRID = [
    PixelMove(name)
    for name in ("identity", "quarter-turn", "half-turn", "three-quarter-turn",
                 "flip", "transpose", "flip-up-down", "antitranspose")
]  # fmt: skip


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def convolutions(out: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 5, 3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(out)
    )  # fmt: skip


@pytest.mark.parametrize("how", ["mean", "max", "logits"])
def test_images_of_one_orbit_have_one_output(how: Any) -> None:
    network = Symmetrized(convolutions(), GRID, how)
    x = drawn(4, 2, 7, 7)
    y = network(x)
    for move in GRID:
        torch.testing.assert_close(network(move(x)), y, atol=1e-6, rtol=0)
    plain = network.network(x)
    assert not torch.allclose(network.network(GRID[1](x)), plain, atol=1e-2)
    one_by_one = torch.stack([network.network(move(x)) for move in GRID])
    expected: dict[str, Callable[[], Tensor]] = {
        "mean": lambda: one_by_one.mean(0),
        "max": lambda: one_by_one.max(0).values,
        "logits": lambda: one_by_one.softmax(-1).mean(0).log(),
    }
    torch.testing.assert_close(y, expected[how]())


def test_the_logit_of_one_class() -> None:
    network = Symmetrized(convolutions(1), GRID, "logits")
    x = drawn(4, 2, 7, 7)
    chances = torch.stack([network.network(move(x)) for move in GRID]).sigmoid().mean(0)
    torch.testing.assert_close(network(x).sigmoid(), chances)


def test_images_that_are_not_square() -> None:
    """A quarter turn changes their shape: each goes through the network by itself."""
    pooled = nn.Sequential(nn.Conv2d(2, 5, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    network = Symmetrized(pooled, GRID)
    x = drawn(3, 2, 6, 9)
    torch.testing.assert_close(network(GRID[1](x)), network(x), atol=1e-6, rtol=0)


def test_reverse_complements_have_one_output() -> None:
    domain = SequenceDomain(window=4)
    swap = domain.known_actions()["reverse-complement"].permutation
    moves = domain.extend(FixedRepresentation.from_permutations(swap[None].numpy()))
    torch.manual_seed(0)
    network = Symmetrized(nn.Sequential(nn.Conv1d(4, 6, 5), nn.ReLU(), nn.Flatten()), moves)
    letters = "ACGTTTGACCA"
    codes = torch.tensor(["ACGT".index(letter) for letter in letters])
    x = nn.functional.one_hot(codes, 4).T[None].float()
    other = moves[1](letters)  # type: ignore[misc]
    codes = torch.tensor(["ACGT".index(letter) for letter in other])
    torch.testing.assert_close(moves[1](x), nn.functional.one_hot(codes, 4).T[None].float())  # type: ignore[misc]
    torch.testing.assert_close(network(moves[1](x)), network(x), atol=1e-6, rtol=0)  # type: ignore[misc]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_outputs_move_as_asked(n: int) -> None:
    """Any network from one representation to another of the same group."""
    rng = torch.Generator().manual_seed(n)
    group = DihedralGroup(n)
    first, second = (SpectralRepresentation(group, dim, rng=rng) for dim in (4, 3))
    torch.manual_seed(n)
    inner = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    network = Symmetrized(inner, first, output=second)
    x = drawn(6, 4)
    for g in range(group.order):
        torch.testing.assert_close(network(first.act(x, g)), second.act(network(x), g),
                                   atol=1e-5, rtol=1e-5)  # fmt: skip


def test_pictures_for_pictures() -> None:
    group = CyclicGroup(4)
    network = Symmetrized(
        nn.Conv2d(2, 1, 3, padding=1), GRID[:4], output=GRID[:4], group=group, how="max"
    )
    x = drawn(2, 2, 6, 6)
    for move in GRID[:4]:
        torch.testing.assert_close(network(move(x)), move(network(x)), atol=1e-6, rtol=0)


def test_it_trains_compiles_and_exports() -> None:
    domain = ImageDomain(3)
    turn = FixedRepresentation.from_permutations(
        [domain.known_actions()["quarter-turn"].matrix.argmax(0).tolist()]
    )
    network = Symmetrized(convolutions(2), domain.extend(turn))
    x = drawn(40, 2, 7, 7)
    network(x)
    y = (network(x)[:, 0] > network(x)[:, 0].median()).long()
    before = next(network.parameters()).detach().clone()
    fit(network, Labelled(x, y), options=FitOptions(epochs=2, batch_size=20))
    assert not torch.equal(next(network.parameters()), before)
    with torch.no_grad():
        wanted = network(x)
        program = torch.export.export(network, (x,), strict=False)
        torch.testing.assert_close(program.module()(x), wanted)
        torch.testing.assert_close(network(domain.extend(turn)[1](x)), wanted, atol=1e-5, rtol=0)  # type: ignore[misc]


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_explained() -> None:
    turn = FixedRepresentation.from_permutations([[1, 2, 0]])
    cases: list[tuple[Callable[[], object], str, str]] = [
        (lambda: Symmetrized(nn.Linear(3, 2), [*GRID[:2], None]), "for each element", "2 of 3"),
        (lambda: Symmetrized(nn.Linear(3, 2), []), "for each element", "0 of 0"),
        (lambda: Symmetrized(nn.Linear(3, 2), 3), "a representation, or a function", "int"),  # type: ignore[arg-type]
        (lambda: Symmetrized(nn.Linear(3, 2), turn, "sum"), "one of mean, max, logits", "sum"),  # type: ignore[arg-type]
        (lambda: Symmetrized("net", turn), "network", "str"),  # type: ignore[arg-type]
        (lambda: Symmetrized(nn.Linear(3, 2), GRID, output=GRID), "group must be given", "None"),
        (lambda: Symmetrized(nn.Linear(3, 2), turn, output=GRID), "of the 3 elements", "8"),
        (lambda: Symmetrized(nn.Linear(3, 2), turn)(torch.zeros(2, 4)), "x", "4"),
        (
            lambda: Symmetrized(nn.Linear(3, 2), turn, "max",
                                output=SpectralRepresentation(CyclicGroup(3), 3)),
            "'mean', where the output moves", "max",
        ),
    ]  # fmt: skip
    for call, expected, got in cases:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, expected, got)


def test_a_random_element_of_a_representation() -> None:
    turn = FixedRepresentation.from_permutations([[1, 2, 0]])
    rows = torch.arange(3.0).repeat(300, 1)
    moved = RandomElement(turn)(rows, torch.Generator().manual_seed(0))
    kinds, counts = np.unique(moved.numpy(), axis=0, return_counts=True)
    assert len(kinds) == 3
    assert counts.min() > 70
