"""The laws of nearest_exact on C_n and D_n, up to dimension 64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.counting import count_example
from tests.laws.rounding import NEAREST_LAWS, Truth

DIMS = st.one_of(st.integers(1, 12), st.sampled_from([24, 64]))
TRUTHS = st.builds(
    Truth,
    dihedral=st.booleans(),
    n=st.integers(1, 12),
    dim=DIMS,
    noise=st.floats(-9, -2).map(lambda e: 10**e),
    concentrated=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 2**32 - 1),
)


@pytest.mark.parametrize("name", sorted(NEAREST_LAWS))
def test_nearest_law(name: str) -> None:
    @settings(max_examples=settings().max_examples)
    @given(truth=TRUTHS, seed=st.integers(0, 2**32 - 1))
    def holds(truth: Truth, seed: int) -> None:
        count_example()
        NEAREST_LAWS[name](truth, np.random.default_rng(seed))

    holds()
