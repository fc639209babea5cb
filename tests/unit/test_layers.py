"""Layers on whole images and sequences, their refusals, and how torch's tools take them."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from grouplearn import CyclicGroup, DihedralGroup
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import EquivarianceError, InputError
from grouplearn.layers import (
    GroupBatchNorm,
    GroupConv1d,
    GroupConv2d,
    GroupDropout,
    GroupLayerNorm,
    GroupPool,
    OrbitConv1d,
    OrbitConv2d,
    OrbitLinear,
    SpacePool,
)
from grouplearn.layers.filters import input_like
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import DenseRepresentation, FixedRepresentation
from grouplearn.testing import assert_network_equivariant, network_errors
from grouplearn.training import FitOptions, Labelled, fit, load, save
from tests.unit.examples import is_helpful


def square(size: int, dtype: torch.dtype = torch.float64) -> FixedRepresentation:
    """D4 on patches."""
    known = patch_actions(size)
    moves = [known["quarter-turn"].matrix, known["flip"].matrix]
    return FixedRepresentation(DihedralGroup(4), torch.stack(moves).to(dtype))


def image_network(*between: nn.Module) -> nn.Sequential:
    """Lifts, normalises, convolves again, pools; `between` goes after the first layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        OrbitConv2d(2, 3, 5, square(5), padding=2),
        *between,
        GroupBatchNorm(3).double(),
        nn.ReLU(),
        SpacePool(2),
        GroupConv2d(3, 4, 3, square(3), padding="same"),
        GroupLayerNorm(4).double(),
        GroupDropout(0.5),
        GroupPool("max"),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).double()


def test_whole_images_move_with_the_network() -> None:
    rep = square(3)
    x = torch.rand(2, 2, 12, 12, dtype=torch.float64)
    moves = ImageDomain(3).extend(rep)
    network = image_network()
    found = network_errors(network, rep.group, x, moves)
    assert max(each.error for each in found) < 1e-12
    assert found[-1].name == ""
    assert str(found[-1]).startswith("the network (Sequential): ")
    assert_network_equivariant(network, rep.group, x, moves)
    assert network.training, "the mode is restored"


@pytest.mark.parametrize(
    ("breaker", "name"),
    [
        (
            nn.Sequential(
                nn.Flatten(1, 2), nn.Conv2d(24, 24, 3, padding=1), nn.Unflatten(1, (3, 8))
            ),
            "1.1",
        ),
        (nn.AvgPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)), "1"),
    ],
    ids=["plain convolution", "strides that do not fit"],
)
def test_the_layer_that_breaks_it_is_named(breaker: nn.Module, name: str) -> None:
    rep = square(3)
    x = torch.rand(2, 2, 12, 12, dtype=torch.float64)
    network = image_network(breaker.double())
    with pytest.raises(EquivarianceError, match=rf"^{name} \(") as problem:
        assert_network_equivariant(network, rep.group, x, ImageDomain(3).extend(rep))
    assert "equivariance error must be <= 1e-08, got " in str(problem.value)
    assert "the layers before it are equivariant under D4, it is not" in str(problem.value)


def test_reverse_complement_of_whole_sequences() -> None:
    """Letters and places jointly in the first layer, places alone after it."""
    size, letters = 5, 4
    domain = SequenceDomain("dna", window=size)
    matrix = domain.known_actions()["reverse-complement"].matrix
    # The domain is position-major, layers are channel-major.
    order = torch.arange(size * letters).view(size, letters).T.flatten()
    joint = FixedRepresentation(CyclicGroup(2), matrix[order][:, order].unsqueeze(0))
    places = FixedRepresentation(
        CyclicGroup(2), torch.eye(size, dtype=torch.float64).flip(0).unsqueeze(0)
    )
    torch.manual_seed(0)
    network = nn.Sequential(
        OrbitConv1d(letters, 3, size, joint), GroupBatchNorm(3).double(), nn.ReLU(),
        GroupConv1d(3, 2, size, places), SpacePool(2, axes=1), GroupPool("mean"),
    ).double()  # fmt: skip
    x = nn.functional.one_hot(torch.randint(4, (6, 20)), 4).mT.double()

    def reverse(y: Tensor) -> Tensor:
        return y.flip(-1)

    def reverse_complement(y: Tensor) -> Tensor:
        return y.flip(-1, -2)  # A, C, G, T against T, G, C, A

    assert_network_equivariant(
        network, CyclicGroup(2), x, [lambda y: y, reverse_complement], [lambda y: y, reverse]
    )
    with pytest.raises(EquivarianceError, match=r"^0 \(OrbitConv1d\)"):
        assert_network_equivariant(network, CyclicGroup(2), x, [lambda y: y, reverse])


def test_vectors_are_lifted() -> None:
    rep = FixedRepresentation.from_permutations([[1, 2, 0]], torch.float64)
    layer = OrbitLinear(3, 2, rep, bias=False, dtype=torch.float64)
    x = torch.rand(5, 3, dtype=torch.float64)
    y = layer(x)
    assert y.shape == (5, 2, 3)
    # Responses to the filter, to the filter moved once, and twice.
    for g in range(3):
        expected = x @ rep.act(layer.weight, g).mT
        assert torch.allclose(y[..., g], expected)
    assert torch.allclose(layer.export()(x), y)
    assert layer(x[0]).shape == (2, 3)


def test_strides_and_padding_are_torchs() -> None:
    layer = OrbitConv2d(2, 3, (3, 5), FixedRepresentation.from_permutations([[*range(15)][::-1]]),
                        stride=(2, 1), padding=(1, 2))  # fmt: skip
    x = torch.rand(1, 2, 9, 9)
    plain = nn.functional.conv2d(
        x, layer.filters(), layer.repeated_bias(), stride=(2, 1), padding=(1, 2)
    )
    assert torch.equal(layer(x).flatten(1, 2), plain)
    assert torch.equal(layer.export()(x), layer(x))
    assert "stride=(2, 1)" in repr(layer)
    assert layer.positions == 15


@pytest.mark.parametrize("known", [True, False])
def test_shapes_are_inferred_without_data(known: bool) -> None:
    """On torch's device for that, as tools that count operations use it."""
    turn, learned = patch_actions(3)["quarter-turn"].matrix, DenseRepresentation(CyclicGroup(4), 9)
    rep = FixedRepresentation(CyclicGroup(4), turn.float()[None]) if known else learned
    layer = GroupConv2d(2, 3, 3, rep).to("meta")
    assert layer(torch.empty(5, 2, 4, 8, 8, device="meta")).shape == (5, 3, 4, 6, 6)


def test_torch_export_takes_layers() -> None:
    network = image_network().float().eval()
    x = torch.rand(2, 2, 12, 12)
    for module in (network, _exported(network)):
        program = torch.export.export(module, (x,), strict=False)
        assert torch.allclose(program.module()(x), network(x), atol=1e-6)


def _exported(network: nn.Sequential) -> nn.Sequential:
    parts: list[Any] = list(network)
    return nn.Sequential(*[part.export() if hasattr(part, "export") else part for part in parts])


def test_dropout_drops_whole_channels_in_training_alone() -> None:
    torch.manual_seed(0)
    layer, x = GroupDropout(0.5), torch.ones(64, 8, 4, 3, 3)
    dropped = layer(x).flatten(2)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(dropped.amin(2), dropped.amax(2))
    assert torch.equal(layer.eval()(x), x)
    assert isinstance(layer.export(), nn.Identity)
    assert torch.equal(GroupDropout(0.0)(x), x)


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, None], ids=str)
def test_layers_have_their_own_dtype(dtype: torch.dtype | None, learned: bool) -> None:
    """A discovery's representation is in float64, images are in float32."""
    rng = torch.Generator().manual_seed(0)
    rep = DenseRepresentation(CyclicGroup(4), 9, rng=rng, dtype=torch.float64)
    given = rep if learned else FixedRepresentation(CyclicGroup(4), rep.generators().detach())
    wanted = torch.float32 if dtype is None else dtype
    x = torch.rand(2, 1, 8, 8, generator=rng)
    kinds: list[Any] = [OrbitConv2d, GroupConv2d]
    for kind in kinds:
        layer = kind(1, 2, 3, given, rng=rng, dtype=dtype)
        shaped = (
            x.to(wanted) if kind is OrbitConv2d else x.to(wanted)[:, :, None].repeat(1, 1, 4, 1, 1)
        )
        y = layer(shaped)
        assert (y.dtype, layer.weight.dtype, given.dtype) == (wanted, wanted, torch.float64)
        filters = layer.filters().detach().double()
        dual = torch.linalg.matrix_power(given.generators()[0].detach(), 3).mT
        first = layer.weight.detach().double().unflatten(1, (-1, 1))[0, 0, 0].flatten()
        size = 1e-6 if wanted == torch.float32 else 1e-12
        if kind is OrbitConv2d:
            assert torch.allclose(filters[1].flatten(), dual @ first, atol=size)
        y.sum().backward()
        assert torch.equal(layer.export()(shaped), y)
    assert OrbitLinear(9, 2, given)(torch.rand(9)).dtype == torch.float32
    network = LGCNN(Pattern(1, 3, (2, 2, 2)), given, dtype=dtype)
    assert network(x.to(wanted)).dtype == wanted
    assert input_like(network) is not None
    with pytest.raises(InputError, match="dtype must be a floating-point type of torch"):
        OrbitConv2d(1, 2, 3, given, dtype=torch.int64)
    with pytest.raises(
        InputError, match=r"kernel_size\*\*2 = 25, got 9; .* ImageDomain.on_kernels"
    ):
        OrbitConv2d(1, 2, 5, given)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_networks_of_two_dtypes_train_and_are_saved(dtype: torch.dtype, tmp_path: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    rep = DenseRepresentation(CyclicGroup(2), 9, rng=rng, dtype=torch.float64)
    network = LGCNN(Pattern(1, 2, (2, 2, 2)), rep, rng=rng, dtype=dtype)
    data = Labelled(torch.rand(12, 1, 8, 8, generator=rng), torch.arange(12) % 2)
    before = rep.weight.detach().clone()
    fit(network, data, data, options=FitOptions(epochs=1, batch_size=6))
    assert not torch.equal(rep.weight, before)
    save(network, tmp_path / "network")
    loaded, x = load(tmp_path / "network"), data.x.to(dtype)
    assert torch.equal(loaded(x), network.eval()(x))
    assert [each.dtype for each in loaded.parameters()] == [
        each.dtype for each in network.parameters()
    ]


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_refused() -> None:
    rep: Any = square(3, torch.float32)
    kinds: Any = (OrbitConv2d, GroupConv2d)
    for kind in kinds:
        refusals: list[tuple[Any, dict[str, Any], str]] = [
            ((2, 3, 5, rep), {}, "rep.dim must be equal to kernel_size**2 = 25"),
            ((0, 3, 3, rep), {}, "in_channels must be an integer >= 1"),
            ((2, 3, (3, 3, 3), rep), {}, "kernel_size must be one number or 2"),
            ((2, 3, 3, None), {}, "rep must be a LearnedRepresentation, got NoneType"),
            ((2, 3, 3, rep), {"padding": "valid"}, "padding must be a number"),
            ((2, 3, 3, rep), {"padding": "same", "stride": 2}, "stride must be 1"),
            ((2, 3, 3, rep), {"stride": 0}, "stride must be an integer >= 1"),
            ((2, 3, 3, rep), {"rng": 0}, "rng must be a torch.Generator"),
            ((2, 3, (1, 9), rep), {"padding": -1}, "padding must be an integer >= 0"),
        ]
        for given, options, part in refusals:
            with pytest.raises(InputError) as problem:
                kind(*given, **options)
            assert is_helpful(problem, kind.__name__, part)
    even = FixedRepresentation.from_permutations([[3, 2, 1, 0]])
    with pytest.raises(InputError, match="kernel_size must be odd for padding='same'"):
        OrbitConv2d(1, 1, 2, even, padding="same")
    with pytest.raises(InputError, match=r"equal to kernel_size = 3, or in_channels times that"):
        OrbitConv1d(2, 1, 3, even)
    with pytest.raises(InputError, match=r"the product of kernel_size = 6"):
        OrbitConv2d(1, 1, (2, 3), even)
    with pytest.raises(InputError, match=r"rep.dim must be equal to in_features = 3"):
        OrbitLinear(3, 2, even)
    pool: Any = GroupPool
    calls: list[tuple[Any, str]] = [
        (lambda: GroupPool("sum"), "reduction must be one of max, mean"),  # type: ignore[arg-type]
        (lambda: GroupPool("triple-correlation"), "group must be the FiniteGroup"),
        (lambda: pool("max", 4), "group must be the FiniteGroup whose elements"),
        (lambda: GroupDropout(1.0), "probability must be below 1"),
        (lambda: GroupBatchNorm(0), "channels must be an integer >= 1"),
        (lambda: GroupLayerNorm(2, eps=0.0), "eps must be a finite number > 0"),
        (lambda: SpacePool(0), "size must be an integer >= 1"),
        (lambda: SpacePool(2, axes=3), "axes must be 1 or 2"),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)


@pytest.mark.usefixtures("as_in_production")
def test_wrong_inputs_are_refused() -> None:
    rep = square(3, torch.float32)
    lift, regular = OrbitConv2d(2, 3, 3, rep), GroupConv2d(2, 3, 3, rep)
    calls: list[tuple[Any, Any, str]] = [
        (lift, torch.zeros(2, 9, 9), "x must be of shape (batch, 2, H, W)"),
        (lift, torch.zeros(5, 3, 9, 9), "x must be of shape (batch, 2, H, W)"),
        (lift, None, "got NoneType"),
        (lift, torch.zeros(5, 2, 9, 9).double(), "x must be of the layer's dtype torch.float32"),
        (lift, torch.zeros(5, 2, 9, 9).byte(), "got torch.uint8; call x.to(torch.float32)"),
        (OrbitLinear(9, 1, rep), torch.zeros(9).double(), "of the layer's dtype torch.float32"),
        (GroupPool("max"), None, "got NoneType"),
        (SpacePool(2), None, "got NoneType"),
        (regular, torch.zeros(5, 2, 4, 9, 9), "x must be of shape (batch, 2, 8, H, W)"),
        (regular, torch.zeros(5, 16, 9, 9), "x must be of shape (batch, 2, 8, H, W)"),
        (GroupBatchNorm(3), torch.zeros(5, 2, 8), "x must be of shape (batch, 3, n, ...)"),
        (GroupBatchNorm(3), None, "got NoneType"),
        (GroupLayerNorm(3), torch.zeros(5, 3), "x must be of shape (batch, 3, n, ...)"),
        (GroupPool("max"), torch.zeros(5, 3), "x must be of shape (batch, channels, n, ...)"),
        (GroupPool("triple-correlation", CyclicGroup(3)), torch.zeros(5, 3, 4), "channels, 3, ..."),
        (SpacePool(2), torch.zeros(1, 1, 4), "x must be of shape"),
        (SpacePool(2), torch.zeros(1, 1, 8, 8), "x must be of shape"),
    ]
    for layer, given, part in calls:
        with pytest.raises(InputError) as problem:
            layer(given)
        assert is_helpful(problem, part)


@pytest.mark.usefixtures("as_in_production")
def test_networks_are_looked_at_with_fitting_moves_only() -> None:
    network, rep = image_network(), square(3)
    x = torch.rand(2, 2, 12, 12, dtype=torch.float64)
    moves: list[Any] = list(ImageDomain(3).extend(rep))
    for given, part in ((moves[:4], "moves must be a function"), ([None, *moves[1:]], "1 of them")):
        with pytest.raises(InputError) as problem:
            network_errors(network, rep.group, x, given)
        assert is_helpful(problem, part)
    with pytest.raises(InputError, match="x must be of shape"):
        network_errors(network, rep.group, x[0, 0], moves)


class Alive(TorchFunctionMode):
    """Counts the results of operations that are held at once."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[weakref.ref[Tensor]] = []
        self.most = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.is_floating_point():
            self.results.append(weakref.ref(out))
            self.most = max(self.most, sum(each() is not None for each in self.results))
        return out


def test_triple_correlations_hold_one_product_at_a_time() -> None:
    pool, x = GroupPool("triple-correlation", DihedralGroup(12)), torch.rand(1, 1, 24, 3, 3)
    with Alive() as alive:
        pool.reduce(x)
    assert len(alive.results) > 24 * 3
    assert alive.most < 8
