"""Groups from pairs, against planted matrices built with NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.defects import closure_defect, homomorphism_defect
from grouplearn.discovery.closing import close_matrices, permutation_near
from grouplearn.discovery.pairs.entry import discover_from_pairs
from grouplearn.discovery.pairs.estimates import compare_order, estimate, tail
from grouplearn.discovery.result import Discovery
from grouplearn.errors import InputError
from grouplearn.groups import CyclicGroup, DihedralGroup, ProductGroup
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from tests.unit.examples import is_helpful

Array = NDArray[np.float64]


def turn(angle: float) -> Array:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def planted(order: int, steps: Sequence[int], signs: Sequence[float], seed: int = 0) -> Array:
    """Planes turned by 2 pi k / n and singles, in a random basis that is not orthogonal."""
    blocks = [turn(2 * math.pi * k / order) for k in steps] + [np.diag(signs)] * bool(signs)
    inside = scipy.linalg.block_diag(*blocks)
    return in_basis(inside, seed)


def in_basis(inside: Array, seed: int = 0) -> Array:
    normal = np.random.default_rng(seed).standard_normal(inside.shape)
    basis = np.eye(len(inside)) + 0.3 * normal
    return np.asarray(basis @ inside @ np.linalg.inv(basis))


def pairs(
    matrices: Sequence[Array], count: int = 400, noise: float = 0.0, seed: int = 1
) -> tuple[Tensor, list[Tensor]]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, len(matrices[0])))
    outputs = [x @ a.T + noise * rng.standard_normal(x.shape) for a in matrices]
    return torch.as_tensor(x), [torch.as_tensor(y) for y in outputs]


def relative(found: Discovery, truth: Array, generator: int = 0) -> float:
    matrix = found.representation.generators().detach().numpy()[generator]
    return float(np.linalg.norm(matrix - truth) / np.linalg.norm(truth))


@pytest.mark.parametrize(
    ("order", "steps", "signs"),
    [
        (2, [], [1.0, -1.0, -1.0]),
        (3, [1, 0], [1.0]),
        (4, [1], [1.0, -1.0]),
        (5, [1, 2], []),
        (7, [1, 3], [1.0]),
        (12, [1, 5, 4], []),
        (24, [1, 7], [-1.0]),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_planted_orders_are_found(
    order: int, steps: list[int], signs: list[float], noise: float
) -> None:
    truth = planted(order, steps, signs)
    x, (y,) = pairs([truth], 2000, noise)
    found = discover_from_pairs(x, y)
    assert found.group == CyclicGroup(order)
    assert isinstance(found.representation, SpectralRepresentation)
    assert relative(found, truth) < (0.01 if noise else 1e-10)
    powers = np.stack([np.linalg.matrix_power(truth, k) for k in range(order)])
    assert np.abs(found.members.numpy() - powers).max() < (0.1 if noise else 1e-9)
    assert found.action == "linear"
    assert found.found
    assert found.p_value < 0.01
    assert [each.kind for each in found.ladder[0].evidence] == ["closure", "pairs"]
    assert found.ladder[0].accepted
    assert found.violations.shape == found.noise.shape == (order,)
    assert "held out" in found.summary()
    for rung in found.ladder[1:]:
        assert rung.order % order
        assert not rung.accepted
        assert rung.evidence[0].verdict == "rejected"


@pytest.mark.parametrize("method", ["least squares", "total least squares", "procrustes"])
def test_noise_alone_is_rejected_as_often_as_promised(method: Any) -> None:
    p_values, other, ratios = [], [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = planted(5, [1, 2], [1.0])
        if method == "procrustes":
            truth = scipy.linalg.block_diag(turn(2 * math.pi / 5), turn(4 * math.pi / 5), np.eye(1))
        x = rng.standard_normal((300, 5))
        y = x @ truth.T + 0.1 * rng.standard_normal(x.shape)
        seen = x + 0.1 * rng.standard_normal(x.shape) * (method == "total least squares")
        fit = estimate(seen, y, method, rng)
        right = compare_order(fit, 5, 24)
        p_values.append(right.p_value)
        ratios.append(right.violation / right.noise)
        other.append(compare_order(fit, 6, 24).p_value)
    assert np.mean(np.array(p_values) < 0.1) < 0.25
    assert np.mean(np.array(p_values) < 0.5) > 0.25
    assert 0.8 < np.sqrt(np.mean(np.square(ratios))) < 1.25
    assert max(other) < 0.01


def test_float32_and_orthogonal_actions() -> None:
    truth = np.roll(np.eye(6), 2, axis=0) @ np.diag([1, 1, -1, 1, 1, 1.0])
    x, (y,) = pairs([truth], 200)
    found = discover_from_pairs(x.float(), y.float())
    assert found.group.order == 6
    assert found.exact
    noisy = y + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0)).double()
    found = discover_from_pairs(x, noisy, orthogonal=True)
    assert found.group.order == 6
    generator = found.representation.generators().detach().numpy()[0]
    assert np.abs(generator.T @ generator - np.eye(6)).max() < 1e-6
    blurred = x + 0.1 * torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).double()
    total = discover_from_pairs(blurred, noisy, noisy_inputs=True)
    assert total.group.order == 6
    assert relative(total, truth) < 0.1


def test_orders_that_do_not_fit_are_named() -> None:
    truth = planted(7, [1, 3], [1.0, 1.0])
    x, (y,) = pairs([truth], noise=0.01)
    found = discover_from_pairs(x, y, max_order=5)
    assert not found.found
    assert isinstance(found.representation, FixedRepresentation)
    assert found.notes[0].startswith("A does not close: nearest order ")
    assert "distance" in found.summary()
    assert found.p_value == 1
    assert not any(rung.accepted for rung in found.ladder)
    many = discover_from_pairs(x, [y, x], max_order=5)
    assert many.notes[0].startswith("Generator 1 does not close")
    assert many.notes[-1] == "Generator 2 is the identity, within noise."


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.diag([2.0, 3.0, 0.1]), "an eigenvalue is far from the unit circle"),
        (np.eye(3), "The pairs show the identity"),
        (scipy.linalg.block_diag(turn(1.0), np.eye(1)), "A does not close: nearest order"),
    ],
)
def test_matrices_without_order_give_the_trivial_group(matrix: Array, words: str) -> None:
    x, (y,) = pairs([matrix])
    found = discover_from_pairs(x, y)
    assert found.group.order == 1
    assert words in found.summary()
    assert found.members.shape == (1, 3, 3)


def test_pairs_too_noisy_or_too_few_say_so() -> None:
    truth = planted(7, [1, 3], [1.0])
    x, (y,) = pairs([truth], 40, noise=1.0)
    assert "too noisy or too few" in discover_from_pairs(x, y).summary()
    x, (y,) = pairs([truth], 9)
    found = discover_from_pairs(x, y)
    assert found.group.order == 7
    assert "No pairs were held out: 9 are too few." in found.notes


def test_an_order_may_be_approximate() -> None:
    inside = scipy.linalg.block_diag(*(turn(2 * math.pi * k / 7 + 1e-3 * k) for k in (1, 2, 3)))
    x, (y,) = pairs([in_basis(inside)], noise=1e-5)
    found = discover_from_pairs(x, y)
    assert found.group.order == 7
    assert not found.exact
    assert "approximate" in found.summary()
    # One plane alone says little: some fraction is always near.
    x, (y,) = pairs([turn(2 * math.pi / 7 + 1e-2)], noise=1e-5)
    assert not discover_from_pairs(x, y).found


def test_maps_that_are_not_linear_have_no_order_up_to_the_noise_they_make() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 4))
    y = x @ planted(4, [1], [1.0, -1.0]).T
    bent = y + 0.3 * np.abs(x) * rng.standard_normal(x.shape) ** 3
    found = discover_from_pairs(torch.as_tensor(x), torch.as_tensor(bent))
    assert found.group.order in (1, 4)
    squares = discover_from_pairs(torch.as_tensor(x), torch.as_tensor(x**2))
    assert not squares.found


def test_dihedral_groups_in_either_order() -> None:
    r, s = planted(7, [1, 3], [1.0, 1.0]), in_basis(np.diag([1, -1, 1, -1, 1, -1.0]))
    for given in ([r, s], [s, r]):
        x, y = pairs(given, noise=0.01)
        found = discover_from_pairs(x, y)
        assert found.group == DihedralGroup(7)
        assert relative(found, r, 0) < 0.02
        assert relative(found, s, 1) < 0.02
        assert float(closure_defect(found.representation).detach()) < 1e-10
        assert found.ladder[0].name == "D7"
        assert len(found.ladder[0].evidence) == 4


@pytest.mark.slow
def test_products_quaternions_and_redundant_generators() -> None:
    one = np.eye(2)
    third, fourth = turn(2 * math.pi / 3), turn(math.pi / 2)
    p = in_basis(scipy.linalg.block_diag(third, one))
    q = in_basis(scipy.linalg.block_diag(one, fourth))
    x, y = pairs([p, q], noise=0.01)
    found = discover_from_pairs(x, y)
    assert found.group == ProductGroup(CyclicGroup(3), CyclicGroup(4))
    assert relative(found, p) < 0.02
    i, j = (
        np.asarray(np.kron(*each), dtype=np.float64)
        for each in ((one, fourth), (fourth, np.diag([1.0, -1.0])))
    )
    x, y = pairs([in_basis(i), in_basis(j)], noise=0.01)
    quaternions = discover_from_pairs(x, y)
    assert quaternions.group.name == "Q8"
    assert float(homomorphism_defect(quaternions.representation).detach()) < 1e-12
    x, y = pairs([p, p @ p], noise=0.01)
    again = discover_from_pairs(x, y)
    assert again.group == CyclicGroup(3)


def test_generators_that_do_not_close_together() -> None:
    x, y = pairs([turn(math.pi / 2), in_basis(np.diag([1.0, -1.0]), 3)], noise=0.0)
    found = discover_from_pairs(x, y)
    assert not found.found
    assert found.notes[-1] == "Each generator closes, but not the group they generate."
    assert [rung.accepted for rung in found.ladder].count(True) == 2


def test_permutations_are_returned_as_such() -> None:
    shift, flip = np.roll(np.arange(6), -1), np.arange(6)[::-1]
    matrices = [np.eye(6)[:, move].T for move in (np.argsort(shift), flip)]
    x, y = pairs([np.asarray(m) for m in matrices], noise=0.05)
    found = discover_from_pairs(x, y)
    assert found.group.name == "D6"
    assert found.action == "permutation"
    assert isinstance(found.representation, FixedRepresentation)
    assert found.representation.is_permutation
    assert found.representation.closes_exactly
    members = found.members.numpy()
    sample = torch.randn(6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for g, images in enumerate(members):
        assert torch.equal(found.representation.act(sample, g)[images], sample)
    twice = discover_from_pairs(x, [y[0], y[0]])
    assert twice.group.name == "C6"
    assert (permutation_near(matrices[0] + 0.1) == np.argmax(matrices[0], 0)).all()


def test_nearly_permutations_are_not_rounded_to_them() -> None:
    truth = in_basis(np.roll(np.eye(4), 1, axis=0), 5)
    shear = np.eye(4) + 0.01 * np.random.default_rng(0).standard_normal((4, 4))
    near = shear @ np.roll(np.eye(4), 1, axis=0) @ np.linalg.inv(shear)
    for matrix in (truth, near):
        x, (y,) = pairs([matrix], noise=1e-4)
        found = discover_from_pairs(x, y)
        assert found.group.order == 4
        assert found.action == "linear"
        assert found.exact


def test_closing_gives_up_on_what_is_no_group() -> None:
    eye = np.eye(2)
    assert close_matrices([turn(1.0)], eye, 1e-6) is None
    trivial = close_matrices([eye], eye, 1e-6)
    assert trivial is not None
    assert trivial.group.order == 1
    assert close_matrices([np.diag([0.4, 0.4]), eye], eye, 0.5) is None
    assert close_matrices([np.diag([3.0, 0.5])], eye, 0.1) is None
    # Its products look like three elements, but it shrinks: nothing exact is near.
    assert close_matrices([np.array([[0.0, -0.5], [-0.6, -0.7]])], eye, 0.69) is None
    assert tail(1.0, np.zeros(8)) == 0
    assert tail(1e-6, np.zeros(8)) == 1


def test_one_seed_gives_one_answer() -> None:
    x, (y,) = pairs([planted(4, [1], [1.0, -1.0])], noise=0.05)
    first, again, other = (discover_from_pairs(x, y, seed=seed) for seed in (3, 3, 4))
    assert first.summary() == again.summary()
    assert torch.equal(first.violations, again.violations)
    assert first.summary() != other.summary()


X = torch.randn(60, 3, generator=torch.Generator().manual_seed(2))


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"x": [1.0]}, ["x", "a torch tensor"]),
        ({"x": X[0]}, ["x", "(any, any)"]),
        ({"y": X[:5]}, ["y", "(60, 3)"]),
        ({"y": []}, ["y", "an empty list"]),
        ({"y": [X, X.int()]}, ["y", "floating-point"]),
        ({"x": X.clone().fill_(torch.nan)}, ["finite", "(0, 0)"]),
        ({"x": X[:2], "y": X[:2]}, ["span R^3", "2 that span 2 of 3"]),
        ({"x": X[:0], "y": X[:0]}, ["span R^3", "0 that span 0 of 3"]),
        ({"x": X * torch.tensor([1.0, 1.0, 0.0])}, ["span R^3", "2 of 3", "drop constant"]),
        ({"x": torch.zeros(60, 3)}, ["span R^3", "0 of 3"]),
        ({"max_order": 1}, ["max_order"]),
        ({"level": 0.0}, ["level"]),
        ({"level": 1.0}, ["level", "below 1"]),
        ({"seed": -1}, ["seed"]),
        ({"orthogonal": True, "noisy_inputs": True}, ["noisy_inputs", "one of the two"]),
    ],
)
def test_bad_pairs_are_refused(arguments: dict[str, Any], parts: list[str]) -> None:
    given = {"x": X, "y": X, **arguments}
    with pytest.raises(InputError) as problem:
        discover_from_pairs(given.pop("x"), given.pop("y"), **given)
    assert is_helpful(problem, "discover_from_pairs", *parts)
