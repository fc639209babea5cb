"""Dense, skew and Toeplitz representations, and what all classes inherit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from grouplearn import FiniteGroup
from grouplearn.defects import distance
from grouplearn.errors import GroupError, InputError
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)
from grouplearn.representations.base import relator_matrices
from tests.unit.examples import C, D, cyclic_shift, quarter_turn, seeded, symmetric, turn

LEARNED: list[Callable[..., LearnedRepresentation]] = [
    DenseRepresentation,
    SkewRepresentation,
    ToeplitzRepresentation,
    MultiScaleRepresentation,
    SpectralRepresentation,
]
each_class = pytest.mark.parametrize("build", LEARNED)


@pytest.fixture
def float64_by_default() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def dense_matrices(rep: LearnedRepresentation) -> Tensor:
    """Each element's word in the generators, letter by letter, in float64."""
    matrices = [torch.eye(rep.dim, dtype=torch.float64)] * rep.group.order
    found, frontier = {0}, [0]
    while frontier:
        reached = []
        for g in frontier:
            for s, matrix in zip(rep.group.generators, rep.generators().double(), strict=True):
                h = int(rep.group.multiply(g, s))
                if h not in found:
                    found.add(h)
                    reached.append(h)
                    matrices[h] = matrices[g] @ matrix
        frontier = reached
    return torch.stack(matrices)


@each_class
@pytest.mark.parametrize("group", [C(1), C(2), C(7), C(16), D(1), D(4)], ids=str)
def test_everything_follows_from_the_generators(
    build: Callable[..., LearnedRepresentation], group: FiniteGroup
) -> None:
    rep = build(group, 4, rng=seeded(1), dtype=torch.float64)
    close = partial(torch.testing.assert_close, rtol=1e-9, atol=1e-9)
    with torch.no_grad():
        expected, x = dense_matrices(rep), torch.randn(3, 2, 4, generator=seeded(2)).double()
        close(rep.matrices(), expected)
        assert torch.equal(rep.matrices()[0], torch.eye(4, dtype=torch.float64))
        if rep.closes_exactly:
            dual = torch.linalg.inv(expected).mT
            close(rep.dual_matrices(), dual)
        close(rep(x), torch.einsum("gij,...j->...gi", expected, x))
        for g in range(group.order):
            close(rep.matrix(g), expected[g])
            close(rep.act(x, g), x @ expected[g].mT)
            close(rep.dual_matrices()[g], expected[int(group.inverse(g))].mT)


def test_words_of_a_group_without_structure() -> None:
    rep = DenseRepresentation(symmetric(4), 3, rng=seeded(), dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(rep.matrices(), dense_matrices(rep), rtol=1e-10, atol=1e-10)
        for g in range(24):
            torch.testing.assert_close(rep.matrix(g), rep.matrices()[g], rtol=1e-10, atol=1e-10)


def test_relator_matrices_are_products_along_the_relator() -> None:
    group = FiniteGroup.from_relations(2, [((0, 3),), ((1, 2),), ((0, 1), (1, -1), (0, -2))])
    given = torch.randn(2, 3, 3, generator=seeded(), dtype=torch.float64)
    inverses = torch.randn(2, 3, 3, generator=seeded(1), dtype=torch.float64)
    a, b = given
    expected = torch.stack([a @ a @ a, b @ b, a @ inverses[1] @ inverses[0] @ inverses[0]])
    torch.testing.assert_close(relator_matrices(group, given, inverses), expected)
    assert relator_matrices(C(1), given[:0], given[:0]).shape == (0, 3, 3)


@each_class
def test_the_generator_of_random_numbers_decides(
    build: Callable[..., LearnedRepresentation],
) -> None:
    def start(seed: int) -> Tensor:
        return build(D(4), 8, rng=seeded(seed)).generators()

    assert torch.equal(start(0), start(0))
    assert not torch.equal(start(0), start(1))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = build(D(4), 8).generators()
        torch.manual_seed(0)
        assert torch.equal(first, build(D(4), 8).generators())


@each_class
def test_dtypes(build: Callable[..., LearnedRepresentation], float64_by_default: None) -> None:
    for asked, expected in ((None, torch.float64), (torch.float32, torch.float32)):
        rep = build(C(4), 4, dtype=asked)
        assert rep.dtype == expected
        assert rep.device == torch.device("cpu")
        produced = [rep.generators(), rep.inverse_generators(), rep.matrices(), rep.dual_matrices()]
        produced += [rep.orbit(torch.ones(4, dtype=expected)), rep.matrix(1), rep.matrix(0)]
        assert {each.dtype for each in [*produced, *rep.parameters()]} == {expected}
    x = torch.ones(4, dtype=torch.float64)
    assert rep.to(torch.float64).orbit(x).dtype == torch.float64
    assert rep.matrices().dtype == rep.dtype == torch.float64


TURN6 = torch.block_diag(turn(np.pi / 3), turn(-2 * np.pi / 3))


@pytest.mark.parametrize(
    ("build", "truth"),
    [
        (DenseRepresentation, TURN6),
        (DenseRepresentation, torch.diag(torch.tensor([1.0, -2, 3, 4]))),
        (SkewRepresentation, TURN6),
        (SpectralRepresentation, TURN6),
        (ToeplitzRepresentation, cyclic_shift(6)),
        (lambda *a, **k: ToeplitzRepresentation(*a, shape=(2, 3), **k), torch.eye(6)),
        (MultiScaleRepresentation, torch.eye(6).flip(0)),
        (
            lambda *a, **k: MultiScaleRepresentation(*a, child=SpectralRepresentation, **k),
            torch.eye(6).flip(0),
        ),
    ],
)
def test_starts_near_a_known_action(
    build: Callable[..., LearnedRepresentation], truth: Tensor
) -> None:
    dim = len(truth)
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-12)):
        for near in (truth.to(dtype), truth[None].double()):
            exact = build(C(6), dim, near=near, dtype=dtype)
            torch.testing.assert_close(
                exact.generators()[0], truth.to(dtype), rtol=0, atol=tolerance
            )


@torch.no_grad()
def test_noise_is_relative() -> None:
    truth, noise = quarter_turn(5), 1e-2
    fixed = FixedRepresentation(C(4), truth[None])

    def moved(build: Callable[..., LearnedRepresentation], seed: int) -> float:
        start = build(C(4), 25, near=truth, noise=noise, rng=seeded(seed), dtype=torch.float64)
        return float(distance(start, fixed))

    dense = [moved(DenseRepresentation, seed) for seed in range(10)]
    assert np.mean(dense) == pytest.approx(noise, rel=0.05)
    # Projections onto the orthogonal or the closing matrices keep only a part of the noise.
    for build in (SkewRepresentation, SpectralRepresentation):
        assert 0.3 * noise < moved(build, 0) < noise


def test_dense_learns_its_own_inverse() -> None:
    rep = DenseRepresentation(D(4), 6, rng=seeded(), dtype=torch.float64)
    weights = dict(rep.named_parameters())
    assert {name: tuple(w.shape) for name, w in weights.items()} == {
        "weight": (2, 6, 6),
        "inverse": (2, 6, 6),
    }
    a, b = rep.generators(), rep.inverse_generators()
    np.testing.assert_allclose(b.detach(), np.linalg.inv(a.detach()), atol=1e-12)
    # Then they are free of one another.
    with torch.no_grad():
        rep.weight.mul_(2)
    assert rep.inverse_generators() is rep.inverse
    np.testing.assert_allclose((a @ b).detach(), 2 * np.eye(6)[None].repeat(2, 0), atol=1e-12)
    gram = a.detach() / 2
    np.testing.assert_allclose(gram.mT @ gram, np.eye(6)[None].repeat(2, 0), atol=1e-12)
    assert not rep.closes_exactly


def test_dense_refuses_singular_starts() -> None:
    with pytest.raises(InputError, match="must be invertible matrices, got a singular one; start"):
        DenseRepresentation(C(4), 2, near=torch.tensor([[1.0, 2.0], [2.0, 4.0]]))


def test_skew_is_an_exponential() -> None:
    rep = SkewRepresentation(D(4), 7, rng=seeded(), dtype=torch.float64)
    assert [tuple(p.shape) for p in rep.parameters()] == [(2, 21)]
    skew = rep.skew_matrices().detach()
    assert torch.equal(skew, -skew.mT)
    expected = np.stack([scipy.linalg.expm(s) for s in skew.numpy()])
    np.testing.assert_allclose(rep.generators().detach(), expected, atol=1e-12)
    assert torch.equal(rep.inverse_generators(), rep.generators().mT)
    np.testing.assert_allclose(np.linalg.det(expected), 1, atol=1e-12)
    assert not rep.closes_exactly


def test_skew_starts_at_angles_of_order_one() -> None:
    rep = SkewRepresentation(C(4), 40, rng=seeded(), dtype=torch.float64)
    angles = np.abs(np.angle(np.linalg.eigvals(rep.generators().detach()[0].numpy())))
    assert 0.5 < angles.mean() < 2


def test_skew_starts_at_the_nearest_rotation_and_refuses_reflections() -> None:
    given = 2 * turn(0.4) + 0.1
    rep = SkewRepresentation(C(4), 2, near=given, dtype=torch.float64)
    polar = scipy.linalg.polar(given.numpy())[0]
    np.testing.assert_allclose(rep.generators().detach()[0], polar, atol=1e-12)
    for reflection in (
        torch.diag(torch.tensor([1.0, -1.0])),
        torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
    ):
        with pytest.raises(
            InputError, match=r"must be a rotation \(determinant \+1\), got determinant"
        ):
            SkewRepresentation(C(2), 2, near=reflection)


def test_toeplitz_is_a_filter_with_zero_padding() -> None:
    rep = ToeplitzRepresentation(C(4), 20, shape=(4, 5), rng=seeded(), dtype=torch.float64)
    image = torch.randn(4, 5, generator=seeded(1), dtype=torch.float64)
    # Entry (p, q) weighs shift p - q: true convolution, so correlate with the flipped kernel.
    kernel = rep.weight.detach().reshape(1, 1, 7, 9).flip(2, 3)
    expected = torch.nn.functional.conv2d(image[None, None], kernel, padding=(3, 4))[0, 0]
    torch.testing.assert_close(rep.act(image.flatten(), 1).detach(), expected.flatten())
    line = ToeplitzRepresentation(C(4), 6, rng=seeded(), dtype=torch.float64)
    weights = line.weight.detach().numpy()[0]
    np.testing.assert_array_equal(
        line.generators().detach()[0], scipy.linalg.toeplitz(weights[5:], weights[5::-1])
    )


@torch.no_grad()
def test_toeplitz_expresses_shifts_and_blurs_exactly_and_no_rotation() -> None:
    kernel = torch.tensor([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]], dtype=torch.float64) / 8
    basis = torch.eye(25, dtype=torch.float64).reshape(25, 1, 5, 5)
    blur = torch.nn.functional.conv2d(basis, kernel[None, None], padding=1).reshape(25, 25).mT
    down = torch.kron(torch.diag(torch.ones(4, dtype=torch.float64), -1), torch.eye(5).double())
    for shape, truth in [
        ((5, 5), blur),
        ((5, 5), down),
        ((25,), cyclic_shift(25)),
        ((9,), torch.eye(9)),
    ]:
        near = truth.double()
        rep = ToeplitzRepresentation(C(4), len(near), shape=shape, near=near, dtype=torch.float64)
        torch.testing.assert_close(rep.generators()[0].detach(), near, rtol=0, atol=1e-14)
    for size in (3, 5):
        quarter = quarter_turn(size)
        rep = ToeplitzRepresentation(
            C(4), size**2, shape=(size, size), near=quarter, dtype=torch.float64
        )
        assert float(distance(rep, FixedRepresentation(C(4), quarter[None]))) > 0.5


def test_toeplitz_starts_at_the_nearest_filter() -> None:
    """The mean along each diagonal is the least-squares projection."""
    given = torch.randn(6, 6, generator=seeded(), dtype=torch.float64)
    rep = ToeplitzRepresentation(C(2), 6, near=given, dtype=torch.float64)
    means = [np.diagonal(given.numpy(), -k).mean() for k in range(-5, 6)]
    np.testing.assert_allclose(rep.weight.detach()[0], means, atol=1e-14)


EXACT = SpectralRepresentation(C(4), 2, rng=seeded())
DENSE = DenseRepresentation(C(4), 2, rng=seeded())


@pytest.mark.parametrize(
    ("rep", "closes"),
    [
        (EXACT, True),
        (DENSE, False),
        (SkewRepresentation(C(4), 2), False),
        (ToeplitzRepresentation(C(4), 2), False),
        (MultiScaleRepresentation(C(4), 2), False),
        (MultiScaleRepresentation(C(4), 2, child=SpectralRepresentation), True),
        (DirectSum([EXACT, EXACT]), True),
        (DirectSum([EXACT, DENSE]), False),
        (TensorProduct(EXACT, EXACT), True),
        (TensorProduct(EXACT, DENSE), False),
        (TensorProduct(DENSE, EXACT), False),
        (ChangeOfBasis(EXACT, 2 * torch.eye(2)), True),
        (ChangeOfBasis(DENSE, 2 * torch.eye(2)), False),
    ],
)
def test_which_classes_close_exactly(rep: LearnedRepresentation, closes: bool) -> None:
    assert rep.closes_exactly is closes


def test_texts_name_group_and_dimension() -> None:
    assert repr(EXACT) == "SpectralRepresentation(C4, dim=2)"


def test_vectors_of_another_type_are_refused_unless_autocast_converts_them() -> None:
    x = torch.ones(3, 2, dtype=torch.float64)
    message = (
        "x must be of the representation's dtype torch.float32, got torch.float64; convert one"
    )
    with pytest.raises(InputError, match=message):
        DENSE.orbit(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert DENSE.orbit(torch.ones(3, 2).bfloat16()).shape == (3, 4, 2)


@pytest.mark.parametrize("g", [4, -1, 2**40])
def test_unknown_elements_are_refused(g: int) -> None:
    calls: list[Callable[[], Any]] = [lambda: DENSE.act(torch.ones(2), g), lambda: DENSE.matrix(g)]
    for call in calls:
        with pytest.raises(GroupError, match=r"CyclicGroup: element must be an .* got "):
            call()


@pytest.mark.parametrize("kind", [DenseRepresentation, SpectralRepresentation])
def test_parameters_are_contiguous(kind: type[DenseRepresentation]) -> None:
    """As L-BFGS and safetensors demand."""
    for rep in (kind(C(3), 4, rng=seeded()), kind(C(4), 4, near=cyclic_shift(4).mT)):
        assert all(parameter.is_contiguous() for parameter in rep.parameters())
