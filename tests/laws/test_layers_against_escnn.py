"""Layers and a whole network against escnn's, with its weights copied.

escnn computes its filters in float32, so that agreement ends near 1e-6.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.domains.patches import patch_actions
from grouplearn.interop.escnn import load_escnn
from grouplearn.interop.escnn_network import EscnnCNN, escnn_pattern
from grouplearn.layers import GroupConv2d, OrbitConv2d
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation

pytest.importorskip("escnn", reason="escnn is not installed")


def action(size: int, *, flips: bool) -> FixedRepresentation:
    """What escnn's groups do to filters: turns counterclockwise, and its own reflection."""
    known = patch_actions(size)
    turn = known["quarter-turn"].matrix.float()
    if not flips:
        return FixedRepresentation(CyclicGroup(4), turn[None])
    return FixedRepresentation(DihedralGroup(4), torch.stack([turn, known["flip"].matrix.float()]))


def expanded(layer: Any) -> Tensor:
    """The filters of an R2Conv, (out n, into n or into, k, k)."""
    return layer.expand_parameters()[0].detach()


def copied(conv: OrbitConv2d | GroupConv2d, theirs: Tensor) -> None:
    """Take the filters of the identity from expanded ones."""
    n = conv.rep.group.order
    identity = theirs.unflatten(0, (conv.out_channels, n))[:, 0]
    with torch.no_grad():
        conv.weight.copy_(identity.reshape(conv.weight.shape))


def assert_agree(got: Tensor, want: Tensor) -> None:
    gap = (got - want).detach().abs().max()
    assert float(gap) <= 1e-5 * float(want.detach().abs().max())


@pytest.mark.parametrize("flips", [False, True], ids=["C4", "D4"])
@pytest.mark.parametrize("size", [3, 5])
def test_layers_equal_r2conv(size: int, flips: bool) -> None:
    escnn = load_escnn()
    space = escnn.gspaces.flipRot2dOnR2(4) if flips else escnn.gspaces.rot2dOnR2(4)
    plain = escnn.nn.FieldType(space, 2 * [space.trivial_repr])
    fields = escnn.nn.FieldType(space, 3 * [space.regular_repr])
    rep = action(size, flips=flips)
    torch.manual_seed(0)
    pairs: list[tuple[OrbitConv2d | GroupConv2d, Any]] = [
        (OrbitConv2d(2, 3, size, rep, padding="same", bias=False), plain),
        (GroupConv2d(3, 3, size, rep, padding="same", bias=False), fields),
    ]
    for ours, into in pairs:
        theirs = escnn.nn.R2Conv(into, fields, size, padding=size // 2, bias=False)
        copied(ours, expanded(theirs))
        assert torch.allclose(ours.filters(), expanded(theirs), atol=1e-5)
        x = torch.randn(2, into.size, 12, 12)
        want = theirs(escnn.nn.GeometricTensor(x, into)).tensor
        got = ours(x if into is plain else x.unflatten(1, (3, rep.group.order))).flatten(1, 2)
        assert_agree(got, want)


@pytest.mark.parametrize("flips", [False, True], ids=["C4", "D4"])
def test_whole_networks_agree(flips: bool) -> None:
    pattern = Pattern(2, 5, (2, 3, 4))
    torch.manual_seed(0)
    theirs = EscnnCNN(pattern, flips=flips)
    ours = LGCNN(pattern, action(3, flips=flips))
    x = torch.randn(4, 2, 12, 12)
    theirs(x)  # Statistics of normalisation that differ from their start.
    convolutions = [m for m in ours.body if isinstance(m, OrbitConv2d | GroupConv2d)]
    normalisations: list[Any] = [m for name, m in ours.body.named_children() if "norm" in name]
    layers: list[Any] = list(theirs.body)
    for conv, other in zip(
        convolutions, [m for m in layers if hasattr(m, "expand_parameters")], strict=True
    ):
        copied(conv, expanded(other))
    others = [m for m in theirs.modules() if isinstance(m, nn.BatchNorm3d | nn.BatchNorm1d)]
    assert len(others) == len(normalisations)
    for norm, other in zip(normalisations, others, strict=True):
        norm.norm.load_state_dict(other.state_dict())
    ours.head.load_state_dict(theirs.head.state_dict())
    want, got = theirs.eval()(x), ours.eval()(x)
    assert_agree(got, want)
    assert theirs.order == ours.group.order


def test_budgets_are_kept() -> None:
    pattern = escnn_pattern(Pattern(1, 10), 20_000)
    count = sum(each.numel() for each in EscnnCNN(pattern).parameters())
    assert abs(count - 20_000) < 400
