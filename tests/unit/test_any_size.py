"""Images of any size and any stride: flips and turns map what stays to what stays."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.signal import correlate
from torch import Tensor

from grouplearn import DihedralGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.layers import GroupConv2d, OrbitConv1d, OrbitConv2d, SpacePool
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation
from grouplearn.testing import assert_network_equivariant, network_errors


def square(size: int = 3) -> FixedRepresentation:
    known = patch_actions(size)
    moves = [known["quarter-turn"].matrix, known["flip"].matrix]
    return FixedRepresentation(DihedralGroup(4), torch.stack(moves))


def images(*shape: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(*shape, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize(
    "sizes", [(12, 12), (13, 13), (14, 15), (17, 12), (27, 51), (5, 6), (1, 3)]
)
def test_networks_take_images_of_any_size(sizes: tuple[int, int]) -> None:
    """Outputs do not change where NumPy turns or flips the image."""
    rng = torch.Generator().manual_seed(1)
    network = LGCNN(Pattern(1, 3, (2, 2, 2)), square(), rng=rng).double().eval()
    x = images(2, 1, *sizes)
    want = network(x)
    for turns, flip in product(range(4), (False, True)):
        moved = np.rot90(x.numpy(), turns, (2, 3))
        moved = moved[..., ::-1] if flip else moved
        assert torch.allclose(network(torch.tensor(moved.copy())), want, atol=1e-12)
    assert torch.allclose(network.export()(x), want, atol=1e-12)


@pytest.mark.parametrize(("size", "length"), [*product((1, 2, 3, 4, 5), range(1, 14))])
def test_blocks_stand_symmetrically(size: int, length: int) -> None:
    x = images(1, 1, 2, length)
    pool = SpacePool(size, axes=1)
    y = pool(x)
    assert y.shape[-1] == -(-length // size)
    assert torch.equal(pool(x.flip(-1)), y.flip(-1))
    if length % size == 0:
        assert torch.equal(y, x.unflatten(-1, (-1, size)).amax(-1))
    assert torch.equal(pool.export()(x), y)
    assert torch.equal(pool.plain()(x.flatten(1, 2)), y.flatten(1, 2))
    seen = torch.stack([pool(row[None, None, None]) for row in torch.eye(length).double()])
    assert bool((seen.amax(-1) == 1).all()), "every place counts"


def strided(full: np.ndarray, stride: int, axis: int) -> np.ndarray:
    """What stays of all places of an axis: those about its middle, or means of neighbours."""
    rest = (full.shape[axis] - 1) % stride
    count = (full.shape[axis] - 1) // stride + 1
    kept = [
        np.take(full, range(start, start + stride * (count - 1) + 1, stride), axis)
        for start in (rest // 2, (rest + 1) // 2)
    ]
    return np.asarray((kept[0] + kept[1]) / 2)


STRIDES = [
    (2, 1, 8),
    (2, 0, 10),
    (3, 1, 11),
    (3, 0, 10),
    (3, 2, 9),
    (4, 1, 9),
    (5, 3, 14),
    (2, 1, 9),
]


@pytest.mark.parametrize(("stride", "padding", "size"), STRIDES)
@pytest.mark.parametrize("lifting", [True, False])
def test_strides_are_symmetric_at_any_size(
    stride: int, padding: int, size: int, lifting: bool
) -> None:
    """By SciPy at every place, of which some are kept; and exactly equivariant."""
    rep, rng = square(), torch.Generator().manual_seed(2)
    kind = OrbitConv2d if lifting else GroupConv2d
    layer = kind(1, 2, 3, rep, stride=stride, padding=padding, rng=rng).double()
    shape = (1, size, size + 1) if lifting else (8, size, size + 1)
    x = images(1, *shape) if lifting else images(1, 1, *shape)
    y = layer(x)
    filters, bias = layer.filters().detach().numpy(), layer.repeated_bias()
    padded = np.pad(x.reshape(-1, size, size + 1).numpy(), [(0, 0)] + [(padding, padding)] * 2)
    full = np.stack([correlate(padded, each, "valid")[0] for each in filters])
    want = strided(strided(full, stride, 1), stride, 2)
    assert bias is not None
    want = want + bias.detach().numpy()[:, None, None]
    assert np.allclose(y.detach().flatten(1, 2)[0].numpy(), want, atol=1e-12)
    assert torch.allclose(layer.export()(x), y, atol=1e-12)
    if lifting:
        moves = ImageDomain(3).extend(rep)
        assert_network_equivariant(layer, rep.group, x, moves, tolerance=1e-12)
        errors = network_errors(layer.export(), rep.group, x, moves)
        assert errors[-1].error < 1e-12


def test_strides_along_sequences() -> None:
    rep = FixedRepresentation.from_permutations([[2, 1, 0]], torch.float64)
    for stride, length in product((2, 3, 4), range(5, 12)):
        rng = torch.Generator().manual_seed(length)
        layer = OrbitConv1d(2, 2, 3, rep, stride=stride, padding=1, rng=rng).double()
        x = images(2, 2, length)
        moved = layer(x.flip(-1)).flip(-1).flip(2)
        assert torch.allclose(moved, layer(x), atol=1e-12)
        assert torch.allclose(layer.export()(x), layer(x), atol=1e-12)
