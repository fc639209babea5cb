"""A separate representation on every scale of a signal or patch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from grouplearn.defects import closure_defect, distance
from grouplearn.errors import InputError
from grouplearn.linalg import haar_basis
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    ToeplitzRepresentation,
)
from tests.unit.examples import C, D, cyclic_shift, horizontal_flip, quarter_turn, seeded

SIDES = [3, 4, 5, 6, 7]


@torch.no_grad()
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("child", [DenseRepresentation, SpectralRepresentation])
def test_flips_and_quarter_turns_are_expressed_exactly(
    side: int, child: Callable[..., LearnedRepresentation]
) -> None:
    for group, truth in [
        (C(4), quarter_turn(side)[None]),
        (C(2), horizontal_flip(side)[None]),
        (C(2), quarter_turn(side) @ quarter_turn(side)[None]),
        (D(4), torch.stack([quarter_turn(side), horizontal_flip(side)])),
    ]:
        rep = MultiScaleRepresentation(
            group, side**2, shape=(side, side), child=child, near=truth, dtype=torch.float64
        )
        torch.testing.assert_close(rep.generators(), truth, rtol=0, atol=1e-12)
        assert float(closure_defect(rep)) < 1e-12


@torch.no_grad()
@pytest.mark.parametrize("side", SIDES)
def test_shifts_are_expressed_only_where_nothing_but_the_mean_is_a_scale_of_its_own(
    side: int,
) -> None:
    truth = cyclic_shift(side**2)
    rep = MultiScaleRepresentation(
        C(side**2),
        side**2,
        shape=(side, side),
        near=truth,
        noise=1e-3,
        rng=seeded(),
        dtype=torch.float64,
    )
    error = float(distance(rep, FixedRepresentation(rep.group, truth[None])))
    assert error < 2e-3 if len(rep.scales) == 2 else error > 0.3


@torch.no_grad()
@pytest.mark.parametrize("shape", [(8,), (7,), (4, 4), (5, 5), (2, 4), (3, 5), (1, 6)])
def test_no_scale_mixes_with_another(shape: tuple[int, ...]) -> None:
    dim = int(np.prod(shape))
    rep = MultiScaleRepresentation(C(4), dim, shape=shape, rng=seeded(), dtype=torch.float64)
    basis, scales = haar_basis(shape)
    assert rep.scales == scales
    assert rep.shape == shape
    label = np.repeat(np.arange(len(scales)), scales)
    for matrix in rep.matrices():
        mixed = basis @ matrix.numpy() @ basis.T
        assert np.abs(mixed[label[:, None] != label]).max(initial=0) < 1e-12


@torch.no_grad()
def test_starts_at_the_diagonal_blocks_of_another_action() -> None:
    near = torch.randn(1, 16, 16, generator=seeded(), dtype=torch.float64)
    rep = MultiScaleRepresentation(C(4), 16, shape=(4, 4), near=near, dtype=torch.float64)
    basis, scales = haar_basis((4, 4))
    blocks = basis @ near[0].numpy() @ basis.T
    label = np.repeat(np.arange(len(scales)), scales)
    expected = basis.T @ np.where(label[:, None] == label, blocks, 0) @ basis
    np.testing.assert_allclose(rep.generators()[0], expected, atol=1e-12)


@torch.no_grad()
def test_noise_reaches_every_scale_once() -> None:
    truth = quarter_turn(4)
    fixed = FixedRepresentation(C(4), truth[None])
    moved = []
    for seed in range(10):
        rep = MultiScaleRepresentation(
            C(4), 16, shape=(4, 4), near=truth, noise=0.01, rng=seeded(seed), dtype=torch.float64
        )
        moved.append(float(distance(rep, fixed)))
    # Blocks of 12, 3 and 1 of 16 coordinates hold a part of 154 / 256 of the noise's square.
    assert np.mean(moved) == pytest.approx(0.01 * np.sqrt(154 / 256), rel=0.1)


@pytest.mark.parametrize("child", [SkewRepresentation, ToeplitzRepresentation])
def test_children_may_be_of_any_class(child: Callable[..., LearnedRepresentation]) -> None:
    rep = MultiScaleRepresentation(C(4), 16, shape=(4, 4), child=child, rng=seeded())
    found = [each for each in rep.modules() if type(each) is child]
    assert [each.dim for each in found] == [12, 3, 1]
    assert {each.group for each in found} == {C(4)}


def test_learned_inverses_pass_through() -> None:
    rep = MultiScaleRepresentation(C(4), 8, rng=seeded(), dtype=torch.float64)
    assert rep.shape == (8,)
    with torch.no_grad():
        for child in rep.modules():
            if isinstance(child, DenseRepresentation):
                child.inverse.mul_(3)
        product = rep.generators() @ rep.inverse_generators()
    np.testing.assert_allclose(product, 3 * np.eye(8)[None], atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 5), (4, 4, 1), (), (15,)])
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    for build in (MultiScaleRepresentation, ToeplitzRepresentation):
        with pytest.raises(InputError, match="one or two sizes whose product is dim = 16, got"):
            build(C(4), 16, shape=shape)
