"""The run-time check of shape annotations, which each test makes in its first calls."""

from __future__ import annotations

import jaxtyping
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from grouplearn.discovery.permutations.violations import Move
from tests import typecheck


def test_wrong_shapes_are_seen_until_a_test_has_had_its_share() -> None:
    square = np.eye(2, dtype=int)
    for _ in range(2):
        with pytest.raises(TypeCheckError, match="points"):
            Move.of(square, 2)
    typecheck.checks = typecheck.CHECKS_OF_A_TEST
    Move.of(np.arange(2), 2)
    assert jaxtyping.config.jaxtyping_disable
    Move.of(square, 2)


def test_the_next_test_has_its_own_share() -> None:
    assert typecheck.checks == 0
    with pytest.raises(TypeCheckError):
        Move.of(np.eye(2, dtype=int), 2)
