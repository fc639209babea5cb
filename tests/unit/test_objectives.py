"""What training is fed and measures: batches, augmentation, objectives, laws as terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import InputError
from grouplearn.losses import closure_loss, invertibility_loss, moment_loss, sample_moments
from grouplearn.models import LGCNN, LGN, Codes, LGNShape
from grouplearn.representations import DenseRepresentation, FixedRepresentation
from grouplearn.training import (
    Classification,
    RandomElement,
    RandomShift,
    Reconstruction,
    Several,
    Similarity,
    WithLaws,
    as_labelled,
)
from grouplearn.training.labelled import Batches, EachOnce
from tests.unit.training_examples import SMALL, stripes


def test_batches_follow_seed_and_epoch_alone() -> None:
    data = stripes(50)
    batches = Batches(data, 12, seed=3, augment=RandomShift(1))
    first = [x.clone() for x, _ in batches]
    assert len(first) == len(batches) == 4
    assert all(torch.equal(a, b) for a, b in zip(first, [x for x, _ in batches], strict=True))
    batches.set_epoch(1)
    assert not torch.equal(first[0], next(iter(batches))[0])
    other = Batches(data, 12, seed=4, augment=RandomShift(1))
    assert not torch.equal(first[0], next(iter(other))[0])
    assert len(Batches(data, 500)) == 1, "fewer samples than a batch make one"


def test_processes_share_what_one_would_see() -> None:
    data = stripes(50)
    whole = list(Batches(data, 12, seed=3, augment=RandomShift(1)))
    parts = [
        list(Batches(data, 12, seed=3, augment=RandomShift(1), rank=rank, world=3))
        for rank in range(3)
    ]
    for number, (x, y) in enumerate(whole):
        assert torch.equal(torch.cat([part[number][0] for part in parts]), x)
        assert torch.equal(torch.cat([part[number][1] for part in parts]), y)


def test_samples_are_taken_split_and_renumbered() -> None:
    data = stripes(30)
    rest, held = data.split(10, seed=1)
    assert (len(rest), len(held), held.classes) == (20, 10, 3)
    rows = torch.cat([rest.x, held.x]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 30
    half = data.only([2, 0])
    assert half.classes == 2
    assert torch.equal(half.x[half.y == 0], data.x[data.y == 2])
    parts = list(EachOnce(data, 8))
    assert len(parts) == len(EachOnce(data, 8)) == 4
    seen = torch.cat([x for x, _ in parts])
    assert not torch.equal(seen, data.x)
    assert torch.equal(seen.flatten(1).sum(1).sort().values, data.x.flatten(1).sum(1).sort().values)
    grey = as_labelled(np.full((2, 4, 4), 255, np.uint8), np.array([0, 1]))
    assert grey.x.shape == (2, 1, 4, 4)
    assert float(grey.x.max()) == 1
    assert as_labelled(np.zeros((2, 3, 4, 4)), np.array([0, 1])).x.dtype == torch.float32


def test_shifts_move_and_elements_act() -> None:
    images = torch.zeros(200, 2, 7, 7)
    images[:, :, 3, 3] = 1
    rng = torch.Generator().manual_seed(0)
    moved = RandomShift(2)(images, rng)
    places = moved[:, 0].flatten(1).argmax(1)
    rows, columns = places // 7 - 3, places % 7 - 3
    assert set(rows.tolist()) == set(columns.tolist()) == {-2, -1, 0, 1, 2}
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert float(moved.sum()) == 400
    grey = images[:, :1].contiguous()
    assert RandomShift(2)(grey, rng).stride() == grey.stride(), "channels first in memory, too"
    turn = FixedRepresentation(
        CyclicGroup(4), patch_actions(3)["quarter-turn"].matrix.float().unsqueeze(0)
    )
    picture = torch.rand(1, 1, 4, 4).expand(400, -1, -1, -1)
    moves = ImageDomain(3).extend(turn)
    seen = RandomElement(moves)(picture, rng)
    for move in moves:
        assert move is not None
        share = (seen == move(picture)).flatten(1).all(1).double().mean()
        assert 0.15 < float(share) < 0.35
    assert Several([RandomShift(1), RandomElement(moves)])(picture, rng).shape == picture.shape


def test_objectives_are_their_formulas() -> None:
    x, y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 3])
    network = nn.Identity()
    smooth = Classification(0.1).terms(network, (x, y))["cross-entropy"]
    chances = torch.log_softmax(x, 1)
    wanted = -(0.9 * chances[torch.arange(6), y] + 0.1 * chances.mean(1)).mean()
    assert torch.allclose(smooth, wanted)
    right = Classification().score(network, (x, y))
    assert torch.equal(right, (x.argmax(1) == y).float())

    unit = x / x.norm(dim=1, keepdim=True)
    losses = []
    for i in range(6):
        others = [j for j in range(6) if j != i]
        partners = [j for j in others if y[j] == y[i]]
        logits = unit[i] @ unit[others].T / 0.5
        if partners:
            each = torch.stack([unit[i] @ unit[j] / 0.5 for j in partners])
            losses.append((torch.logsumexp(logits, 0) - each).mean())
    found = Similarity(0.5).terms(network, (x, y))["similarity"]
    assert torch.allclose(found, torch.stack(losses).mean(), atol=1e-5)
    alone = Similarity().terms(network, (x[:2], y[:2]))["similarity"]
    assert float(alone) == 0
    score = Similarity().score(network, (torch.eye(2)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 1])))
    assert score.tolist() == [1, 1, 1, 1]


class _Decoder(nn.Module):
    def forward(self, x: Tensor) -> Codes:
        return Codes(x.flatten(1), 2 * x, 0.5 * x)


def test_reconstruction_measures_error_and_codes() -> None:
    x, y = torch.rand(3, 1, 4, 4), torch.zeros(3, dtype=torch.long)
    terms = Reconstruction(0.1).terms(_Decoder(), (x, y))
    assert torch.allclose(terms["reconstruction"], (0.5 * x).square().mean() / 2)
    assert torch.allclose(terms["sparsity"], 0.1 * 2 * x.mean())
    x[1] = 0
    squares = x.square().sum((1, 2, 3))
    expected = -0.25 * squares / squares.mean()
    assert torch.allclose(Reconstruction().score(_Decoder(), (x, y)), expected)
    with pytest.raises(InputError, match="a network that returns Codes"):
        Reconstruction().terms(nn.Identity(), (x, y))


def test_laws_are_terms_of_trained_representations_alone() -> None:
    rep = DenseRepresentation(CyclicGroup(3), 9, rng=torch.Generator().manual_seed(0))
    with torch.no_grad():
        rep.weight.add_(0.1)
    network = LGCNN(SMALL, rep).eval()
    batch = stripes(6).x, stripes(6).y
    moments = sample_moments(torch.randn(50, 9))
    objective = WithLaws(
        Classification(), invertibility=0.5, closure=2.0, moments=3.0, samples=moments
    )
    terms = objective.terms(network, batch)
    assert torch.allclose(terms["invertibility"], invertibility_loss(rep, 0.5))
    assert torch.allclose(terms["closure"], closure_loss(rep, 2.0))
    assert torch.allclose(terms["moments"], moment_loss(rep, moments, 3.0))
    assert torch.equal(objective.score(network, batch), Classification().score(network, batch))
    double = objective.terms(network.double(), (batch[0].double(), batch[1]))
    assert torch.allclose(double["moments"].float(), terms["moments"], rtol=1e-3)
    network.float()
    rep.requires_grad_(False)
    assert set(objective.terms(network, batch)) == {"cross-entropy"}
    unfolded = LGN(LGNShape(1, 3, layers=1, kernel_size=3))
    assert "invertibility" in objective.terms(unfolded, batch)
