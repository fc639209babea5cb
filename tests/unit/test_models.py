"""Networks: sizes, invariance, exports, and the published unfolded network."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import convolve, correlate
from torch import nn

from grouplearn import CyclicGroup, DihedralGroup, ProductGroup
from grouplearn.defects import closure_defect
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import InputError
from grouplearn.models import LGCNN, LGN, LGNShape, Pattern, PlainCNN, Standardised
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)
from tests.laws.oracles import exact
from tests.unit.examples import is_helpful

ROOT = Path(__file__).resolve().parents[2]


def known(*names: str, dtype: torch.dtype = torch.float32) -> FixedRepresentation:
    """Turns and flips on kernels of 3 x 3."""
    moves = [patch_actions(3)[name].matrix.to(dtype) for name in names]
    groups = {
        (): CyclicGroup(1), ("flip",): CyclicGroup(2), ("quarter-turn",): CyclicGroup(4),
        ("flip", "flip-up-down"): ProductGroup(CyclicGroup(2), CyclicGroup(2)),
        ("quarter-turn", "flip"): DihedralGroup(4),
    }  # fmt: skip
    empty = torch.empty(0, 9, 9, dtype=dtype)
    return FixedRepresentation(groups[names], torch.stack(moves) if moves else empty)


def count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


GROUPS = [(), ("flip",), ("quarter-turn",), ("flip", "flip-up-down"), ("quarter-turn", "flip")]


@pytest.mark.parametrize("names", GROUPS, ids=str)
def test_parameters_are_counted_and_budgets_kept(names: tuple[str, ...]) -> None:
    rep = known(*names)
    order = rep.group.order
    for budget in (5_000, 40_000, 150_000):
        pattern = Pattern(3, 10).within(budget, order)
        network = LGCNN(pattern, rep)
        assert count(network) == pattern.parameters(order)
        assert abs(count(network) - budget) <= max(0.03 * budget, 300)
    assert count(PlainCNN(Pattern(3, 10))) == Pattern(3, 10).parameters()


@pytest.mark.parametrize("names", GROUPS[1:], ids=str)
def test_outputs_do_not_change_where_the_images_move(names: tuple[str, ...]) -> None:
    rep = known(*names, dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    network = LGCNN(Pattern(2, 5), rep, rng=rng, dtype=torch.float64)
    x = torch.rand(3, 2, 16, 16, dtype=torch.float64)
    network(x)
    for move in ImageDomain(3).extend(rep):
        assert move is not None
        assert torch.allclose(network.eval()(move(x)), network(x), atol=1e-10)
    plain = PlainCNN(Pattern(2, 5), rng=torch.Generator().manual_seed(0)).double()
    for _ in range(30):
        plain(x)
    turned = ImageDomain(3).extend(rep)[1]
    assert turned is not None
    assert not torch.allclose(plain.eval()(turned(x)), plain(x), atol=1e-3)


def test_the_trivial_group_makes_a_plain_network() -> None:
    network = LGCNN(Pattern(1, 4), known(), rng=torch.Generator().manual_seed(0)).eval()
    plain = PlainCNN(Pattern(1, 4)).eval()
    weights = list(network.state_dict(keep_vars=True).values())
    shapes = [p.shape for p in plain.parameters()]
    own = [p for p in weights if isinstance(p, nn.Parameter)]
    assert len(own) == len(shapes)
    with torch.no_grad():
        for target, source in zip(plain.parameters(), own, strict=True):
            target.copy_(source.reshape(target.shape))
    x = torch.rand(2, 1, 8, 8)
    assert torch.allclose(plain(x), network(x), atol=1e-6)


def test_exports_are_plain_and_equal() -> None:
    network = LGCNN(Pattern(2, 5, dropout=0.3), known("quarter-turn", "flip"))
    x = torch.rand(3, 2, 16, 16)
    network(x)
    exported = network.eval().export()
    assert torch.allclose(exported(x), network(x), atol=1e-6)
    assert not any(type(m).__module__.startswith("grouplearn") for m in exported.modules())
    whole = Standardised.of(network, x)
    assert torch.allclose(whole.export()(x), whole(x), atol=1e-5)
    assert torch.allclose(whole(x), network((x - whole.mean) / whole.deviation))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`isinstance.treespec:FutureWarning")  # torch's own
@pytest.mark.parametrize("exported", [True, False])
def test_onnx_gives_the_same_outputs(exported: bool, tmp_path: Path) -> None:
    """Of exported networks, and of the layers of a fixed representation as they are."""
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    network = LGCNN(Pattern(1, 3, (2, 3, 4)), known("quarter-turn")).eval()
    x, file = torch.rand(2, 1, 12, 12), tmp_path / "network.onnx"
    program = torch.onnx.export(
        network.export() if exported else network, (x,), dynamo=True, verbose=False
    )
    assert program is not None
    program.save(str(file))
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(found, exact(network(x)), atol=1e-5)


COMPILED = """
import torch
from grouplearn import CyclicGroup
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import DenseRepresentation
rep = DenseRepresentation(CyclicGroup(3), 9, rng=torch.Generator().manual_seed(0))
net = LGCNN(Pattern(1, 3, (2, 2, 2)), rep, rng=torch.Generator().manual_seed(0))
x = torch.rand(2, 1, 8, 8)
for module in (net, net.export()):
    fast = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(fast(x), module(x))
    loss = fast(x).square().sum()
    loss.backward()
assert rep.weight.grad.any()
program = torch.export.export(net.eval(), (x,))
torch.testing.assert_close(program.module()(x), net(x))
from grouplearn.models import SequenceNetwork, SequencePattern
from grouplearn.representations import FixedRepresentation
moved = [FixedRepresentation(CyclicGroup(2), torch.eye(size).flip(0)[None]) for size in (4, 2)]
net = SequenceNetwork(SequencePattern(4, 2, 12, 5, 3, 2), *moved, rng=torch.Generator())
for letters in (torch.rand(3, 4, 21), torch.rand(3, 4, 30)):
    torch.compiler.reset()
    for module in (net.train(), net.eval(), net.export()):
        fast = torch.compile(module, fullgraph=True, backend="aot_eager")
        if not module.training:  # dropout draws
            torch.testing.assert_close(fast(letters), module(letters))
        fast(letters).square().sum().backward()
program = torch.export.export(net.eval(), (letters,))
torch.testing.assert_close(program.module()(letters), net(letters))
from grouplearn.models import LGN, LGNShape
from tests.layer_cases import FIELDS, MOVING
group, space = CyclicGroup(3), (6, 6)
layers = [(LGN(LGNShape(1, 3, layers=1, kernel_size=3)).eval(), torch.rand(2, 1, 6, 6))]
for case in MOVING:
    layer = case.build(DenseRepresentation(group, case.dim), torch.Generator())
    layers.append((layer, torch.rand(2, *case.shape(group, space[: len(case.kernel)]))))
for case in FIELDS:
    layers.append((case.build(2, group).eval(), torch.rand(2, 2, 3, *space[: max(case.axes)])))
for layer, x in layers:
    torch.compiler.reset()
    fast = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(fast(x), layer(x))
"""


SIZES = """
import torch
from grouplearn import CyclicGroup
from grouplearn.layers import GroupConv2d
from grouplearn.representations import DenseRepresentation
rng = torch.Generator().manual_seed(0)
for padding in ("same", 0):
    torch.compiler.reset()
    rep = DenseRepresentation(CyclicGroup(3), 9, rng=rng)
    layer = GroupConv2d(2, 3, 3, rep, padding=padding, rng=rng)
    fast = torch.compile(layer, fullgraph=True)
    for batch, height, width in ((2, 11, 11), (2, 14, 14), (3, 9, 17)):
        x = torch.rand(batch, 2, 3, height, width, generator=rng)
        results = []
        for module in (layer, fast):
            layer.zero_grad()
            y = module(x)
            y.square().sum().backward()
            results.append((y, layer.weight.grad.clone(), rep.weight.grad.clone()))
        for got, want in zip(*results):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
"""


@pytest.mark.slow
def test_compiled_layers_take_a_second_size() -> None:
    """Of images and of batches, with torch's usual backend."""
    command = [sys.executable, "-W", "ignore", "-c", SIZES]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_compile_and_export_take_networks_and_every_layer() -> None:
    """In a process of its own: the import hook that checks shapes cannot be compiled."""
    command = [sys.executable, "-W", "error", "-c", COMPILED]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_networks_can_be_copied_and_pickled() -> None:
    rep = SpectralRepresentation(CyclicGroup(4), 9)
    network = LGCNN(Pattern(1, 3, (2, 2, 2)), rep).eval()
    x = torch.rand(2, 1, 8, 8)
    for copied in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(copied(x), network(x))
        assert len(set(copied.layer_representations())) == 1, "the layers share it still"


def test_channels_last_changes_neither_outputs_nor_gradients() -> None:
    rep = DenseRepresentation(
        CyclicGroup(3), 9, dtype=torch.float64, rng=torch.Generator().manual_seed(1)
    )
    network = LGCNN(Pattern(3, 10, (4, 8, 8)), rep, rng=torch.Generator().manual_seed(0)).double()
    twin: Any = copy.deepcopy(network)
    twin = twin.to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    last = x.to(memory_format=torch.channels_last)
    network(x).square().sum().backward()
    twin(last).square().sum().backward()
    for name, weight in network.named_parameters():
        if not name.endswith("rep.inverse"):
            assert weight.grad is not None
            other = twin.get_parameter(name).grad
            assert torch.allclose(weight.grad, other, rtol=1e-9, atol=1e-9), name
    exported: Any = network.export()
    exported = exported.to(memory_format=torch.channels_last)
    assert exported[:-5](last).is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(exported(last), network.eval()(x))


def test_layers_share_a_representation_or_have_their_own() -> None:
    pattern = Pattern(1, 3, (2, 2, 2))
    shared = LGCNN(pattern, DenseRepresentation(CyclicGroup(4), 9))
    assert len(set(shared.layer_representations())) == 1
    own = [DenseRepresentation(CyclicGroup(4), 9) for _ in range(7)]
    assert LGCNN(pattern, own).layer_representations() == own


def test_construction_is_quick_and_follows_its_generator() -> None:
    networks = [
        LGCNN(Pattern(1, 3), known("quarter-turn"), rng=torch.Generator().manual_seed(5))
        for _ in range(2)
    ]
    states = [network.state_dict() for network in networks]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    again = PlainCNN(Pattern(1, 3), rng=torch.Generator().manual_seed(5)).state_dict()
    other = PlainCNN(Pattern(1, 3), rng=torch.Generator().manual_seed(5)).state_dict()
    assert all(torch.equal(value, other[name]) for name, value in again.items())


@pytest.mark.usefixtures("as_in_production")
def test_wrong_arguments_are_refused() -> None:
    rep: Any = known("quarter-turn")
    double: Any = known("quarter-turn", dtype=torch.float64)
    big: Any = FixedRepresentation.from_permutations([[*range(1, 25), 0]])
    build: Any = LGCNN
    calls: list[tuple[Any, str]] = [
        (lambda: Pattern(1, 10, (8, 16)), "widths must be three numbers"),  # type: ignore[arg-type]
        (lambda: Pattern(1, 10, (8, 0, 16)), "widths must be an integer >= 1"),
        (lambda: Pattern(1, 10, kernel_size=4), "kernel_size must be odd"),
        (lambda: Pattern(1, 10, dropout=1), "dropout must be below 1"),
        (lambda: Pattern(1, 10).within(50, 8), "a group of order 8, got 50"),
        (lambda: build(Pattern(1, 10), [rep] * 3), "one representation, or 7 of them, got 3"),
        (lambda: build(Pattern(1, 10), big), "a representation on R^9, kernel_size**2, got 25"),
        (lambda: build(Pattern(1, 10), [None] * 7), "got NoneType"),
        (lambda: build(Pattern(1, 10), [*[rep] * 6, double]), "all of C4 and torch.float32"),
        (lambda: LGNShape(1, 10, step=0.0), "step must be a finite number > 0"),
        (lambda: LGNShape(1, 0), "classes must be an integer >= 1"),
        (lambda: LGN(LGNShape(1, 10))(torch.zeros(2, 3, 9, 9)), "of shape (batch, 1, H, W)"),
        (lambda: LGN(LGNShape(1, 10))(torch.zeros(2, 1, 5, 9)), "6 x 6 pixels or more"),
        (lambda: Standardised.of(nn.Identity(), torch.zeros(2, 1, 4, 4)), "deviation must be pos"),
        (lambda: Standardised(nn.Identity(), torch.zeros(1), torch.ones(2)), "of shape (1,)"),
    ]
    for call, part in calls:
        with pytest.raises(InputError) as problem:
            call()
        assert is_helpful(problem, part)


def test_unfolded_steps_are_the_formula() -> None:
    """One image through every layer, with loops, SciPy's correlation and the published steps."""
    shape = LGNShape(2, 3, layers=3, filters=2, kernel_size=3, order=3, step=0.1)
    network = LGN(shape, rng=torch.Generator().manual_seed(0)).double().eval()
    y = torch.rand(1, 2, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    image, size = exact(y)[0], 5
    z = before = np.zeros((6, size, size))
    momentum = 1.0
    for layer in range(3):
        bank = np.zeros((6, 2, 3, 3))
        for p in range(2):
            for c in range(2):
                vector = exact(network.weight[layer, p, c])
                for k in range(3):
                    bank[3 * p + k, c] = vector.reshape(3, 3)
                    vector = exact(network.action[layer, p, c]) @ vector
        np.testing.assert_allclose(exact(network.dictionary(layer)), bank, atol=1e-12)
        coded = [sum(convolve(z[m], bank[m, c], "full") for m in range(6)) for c in range(2)]
        rest = image - np.array(coded)
        gradient = np.array([
            sum(correlate(rest[c], bank[m, c], "valid") for c in range(2)) for m in range(6)
        ])  # fmt: skip
        threshold = exact(network.threshold[layer])[:, None, None]
        u = np.maximum(z + 0.1 * gradient - 0.1 * threshold, 0)
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        z = u + (momentum - 1) / following * (u - before)
        z = z / np.sqrt(1 + 1e-5)  # batch normalisation with its first statistics
        before, momentum = u, following
    found = network(y)
    np.testing.assert_allclose(exact(found.codes)[0], z, atol=1e-10)
    decoder = exact(network.decoder)
    decoded = [sum(convolve(z[m], decoder[m, c], "full") for m in range(6)) for c in range(2)]
    np.testing.assert_allclose(exact(found.images)[0], np.array(decoded), atol=1e-10)
    pooled = nn.functional.adaptive_avg_pool2d(found.codes, 4).flatten(1)
    assert torch.allclose(found.scores, network.head(pooled))


def test_norms_are_put_right_and_actions_can_be_measured() -> None:
    network = LGN(LGNShape(1, 4, layers=2, filters=2, kernel_size=4))
    with torch.no_grad():
        network.weight.mul_(3)
        network.action.mul_(0.2)
    network.after_step()
    assert torch.allclose(network.weight.norm(dim=-1), torch.ones(2, 2, 1))
    assert torch.allclose(torch.linalg.matrix_norm(network.action), torch.full((2, 2, 1), 4.0))
    assert float(network.invertibility_loss(1.0).detach()) < 1e-3
    reps = network.representations()
    assert len(reps) == 4
    assert all(isinstance(rep, LearnedRepresentation) for rep in reps)
    assert float(closure_defect(reps[0]).detach()) > 0.1


def test_standardised_networks_export_where_torch_can() -> None:
    x = torch.rand(4, 3, 8, 8)
    network = Standardised.of(PlainCNN(Pattern(3, 2, (2, 2, 2))), x)
    network.train()
    exported = network.export()
    assert network.training, "the network itself stays as it was"
    assert torch.allclose(exported(x), network.eval()(x), atol=1e-5)
    sequences = torch.rand(4, 3, 8)
    flat = Standardised.of(nn.Flatten(), sequences)
    assert torch.allclose(flat.export()(sequences), flat(sequences), atol=1e-5)
    whole = Standardised(nn.Flatten(), torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    whole.mean = torch.zeros(1)
    with pytest.raises(InputError, match="mean must be of shape"):
        whole.export()
