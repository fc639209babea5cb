"""At order 360 and dimension 64, classes that close exactly keep all digits, for every pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import scipy.linalg
import torch

from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SpectralRepresentation,
    TensorProduct,
)
from tests.unit.examples import C, D, cyclic_shift, seeded

ORDER, DIM = 360, 64
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-13}
CLASSES = ["spectral cyclic", "spectral dihedral", "multiscale", "tensor product"]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small matrices wait for one another's threads longer than they take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def build(name: str, dtype: torch.dtype) -> LearnedRepresentation:
    """Multiscale is a sum in another basis, so that it stands for those two classes as well."""
    rng = seeded()
    if name == "spectral cyclic":
        return SpectralRepresentation(C(ORDER), DIM, rng=rng, dtype=dtype)
    if name == "spectral dihedral":
        return SpectralRepresentation(D(ORDER // 2), DIM, rng=rng, dtype=dtype)
    if name == "multiscale":
        return MultiScaleRepresentation(
            C(ORDER), DIM, shape=(8, 8), child=SpectralRepresentation, rng=rng, dtype=dtype
        )
    sides = [SpectralRepresentation(C(ORDER), 8, rng=rng, dtype=dtype) for _ in range(2)]
    return TensorProduct(*sides)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])
@pytest.mark.parametrize("name", CLASSES)
def test_products_of_all_pairs_are_exact(name: str, dtype: torch.dtype, one_thread: None) -> None:
    rep = build(name, dtype)
    assert rep.closes_exactly
    assert (rep.group.order, rep.dim, rep.dtype) == (ORDER, DIM, dtype)
    matrices, table = rep.matrices(), torch.tensor(rep.group.cayley_table)
    worst = 0.0
    for g in range(ORDER):
        row = matrices[g].expand_as(matrices)
        gap = torch.baddbmm(matrices[table[g]], row, matrices, beta=-1)
        worst = max(worst, float(gap.square_().sum((1, 2)).max()))
    assert (worst / DIM) ** 0.5 <= TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])
def test_permutations_of_all_pairs_compose(dtype: torch.dtype) -> None:
    """Entries are zeros and ones, whose products are exact in both types."""
    cycles = scipy.linalg.block_diag(*(cyclic_shift(k).numpy() for k in (5, 8, 9, 20, 10, 12)))
    rep = FixedRepresentation(C(ORDER), torch.as_tensor(cycles)[None].to(dtype))
    assert rep.closes_exactly
    matrices = rep.matrices()
    images = matrices.argmax(-2).numpy()
    assert torch.equal(matrices, torch.eye(DIM, dtype=dtype)[images].mT)
    for g in range(ORDER):
        np.testing.assert_array_equal(images[g][images], images[rep.group.cayley_table[g]])
