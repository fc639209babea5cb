"""What the check of a whole network refuses to call equivariant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import InputError
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation
from grouplearn.testing import network_errors
from tests.unit.examples import is_helpful


def turn() -> FixedRepresentation:
    return FixedRepresentation(
        CyclicGroup(4), patch_actions(3)["quarter-turn"].matrix.float()[None]
    )


class _Spoiled(nn.Module):
    """A turn-invariant network whose output is spoiled."""

    def __init__(self, spoil: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.inner, self.spoil = LGCNN(Pattern(1, 3, (2, 2, 2)), turn()), spoil

    def forward(self, x: Tensor) -> Any:
        return self.spoil(self.inner(x))


def test_what_cannot_be_compared_is_no_success() -> None:
    x, group = torch.rand(2, 1, 8, 8), CyclicGroup(4)
    moves = [move for move in ImageDomain(3).extend(turn()) if move is not None]
    errors = network_errors(_Spoiled(lambda y: y * float("nan")), group, x, moves)
    assert errors[-1].error == float("inf")
    for network, given, part in (
        (_Spoiled(lambda y: (y, y)), x, "network must be"),
        (_Spoiled(lambda y: y), x[:0], "x must be finite, and not empty"),
        (_Spoiled(lambda y: y), x * float("inf"), "x must be finite, and not empty"),
    ):
        with pytest.raises(InputError, match=part) as problem:
            network_errors(network, group, given, moves)
        assert is_helpful(problem, "network_errors")
