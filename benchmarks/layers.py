"""Time and memory of layers, beside torch's plain convolution and escnn's, and how long they take
to build.

python benchmarks/layers.py [--device cuda] [--out benchmarks/results]

Forward and backward of one training step, inference of exports, construction, and the peak of the
memory that a step allocates. Ratios of medians, runs interleaved in random order, two threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _measure import interleaved, median, publish, table
from torch import Tensor, nn

from grouplearn import CyclicGroup
from grouplearn.domains.patches import patch_actions
from grouplearn.interop.escnn import load_escnn
from grouplearn.interop.escnn_network import EscnnCNN
from grouplearn.layers import GroupConv2d, OrbitConv2d
from grouplearn.models import LGCNN, Pattern
from grouplearn.representations import FixedRepresentation, SpectralRepresentation

SHAPES = [(8, 8, 3, 28, 32), (16, 16, 5, 28, 16), (32, 32, 3, 16, 32)]
REPETITIONS = 100
THREADS = 2
LIMITS = {"plain": 1.10, "escnn": 1.00, "export": 1.03, "memory": 1.15}


def action(order: int, size: int) -> FixedRepresentation:
    """The quarter turn; of order 8 some exact action, as no grid maps to itself at 45 degrees."""
    group = CyclicGroup(order)
    if order == 4:
        return FixedRepresentation(group, patch_actions(size)["quarter-turn"].matrix.float()[None])
    rng = torch.Generator().manual_seed(0)
    exact = SpectralRepresentation(group, size**2, rng=rng)
    return FixedRepresentation(group, exact.generators().detach())


def step(
    module: nn.Module, x: Tensor, wrap: Callable[[Tensor], Any] | None = None
) -> Callable[[], None]:
    """Forward and backward, with gradients for the input as inside a network."""

    def run() -> None:
        given = x.clone().requires_grad_()
        y = module(given if wrap is None else wrap(given))
        y = y if isinstance(y, Tensor) else y.tensor
        y.backward(torch.ones_like(y))
        if x.is_cuda:
            torch.cuda.synchronize()

    return run


def inference(module: nn.Module, x: Tensor) -> Callable[[], None]:
    def run() -> None:
        with torch.inference_mode():
            module(x)
        if x.is_cuda:
            torch.cuda.synchronize()

    return run


def peak_bytes(task: Callable[[], None]) -> int:
    """The most memory that a task holds at once, from the allocations that torch records."""
    task()
    activity = torch.profiler.ProfilerActivity.CPU
    with torch.profiler.profile(activities=[activity], profile_memory=True) as record:
        task()
    results: Any = record.profiler
    events = [e for e in results.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def measure(order: int, shape: tuple[int, ...], device: str) -> dict[str, Any]:
    into, out, size, side, batch = shape
    rep, rng = action(order, size), torch.Generator().manual_seed(0)
    enn, space = load_escnn().nn, load_escnn().gspaces.rot2dOnR2(order)
    plain_field = enn.FieldType(space, into * [space.trivial_repr])
    in_field = enn.FieldType(space, into * [space.regular_repr])
    out_field = enn.FieldType(space, out * [space.regular_repr])
    pad = size // 2
    orbit = OrbitConv2d(into, out, size, rep, padding="same", rng=rng).to(device)
    group = GroupConv2d(into, out, size, rep, padding="same", rng=rng).to(device)
    lift_plain = nn.Conv2d(into, out * order, size, padding=pad).to(device)
    group_plain = nn.Conv2d(into * order, out * order, size, padding=pad).to(device)
    lift_escnn = enn.R2Conv(plain_field, out_field, size, padding=pad).to(device)
    group_escnn = enn.R2Conv(in_field, out_field, size, padding=pad).to(device)
    x = torch.randn(batch, into, side, side, device=device)
    xs = torch.randn(batch, into, order, side, side, device=device)
    flat = xs.flatten(1, 2)

    def lifted(y: Tensor) -> Any:
        return enn.GeometricTensor(y, plain_field)

    def regular(y: Tensor) -> Any:
        return enn.GeometricTensor(y, in_field)

    tasks = {
        "orbit": step(orbit, x), "orbit, plain": step(lift_plain, x),
        "orbit, escnn": step(lift_escnn, x, lifted),
        "group": step(group, xs), "group, plain": step(group_plain, flat),
        "group, escnn": step(group_escnn, flat, regular),
    }  # fmt: skip
    exports = {
        "orbit": inference(orbit.export().eval(), x),
        "orbit, plain": inference(lift_plain.eval(), x),
        "group": inference(group.export().eval(), xs),
        "group, plain": inference(group_plain.eval(), flat),
    }
    record: dict[str, Any] = {
        "seconds": interleaved(tasks, REPETITIONS),
        "exported": interleaved(exports, REPETITIONS),
    }
    if device == "cpu":
        record["peak"] = {name: peak_bytes(task) for name, task in tasks.items()}
    return record


def lines_of(order: int, shape: tuple[int, ...], record: dict[str, Any]) -> list[list[str]]:
    into, out, size, side, batch = shape
    words = f"{into} to {out}, {size} x {size}, {side} x {side}, batch {batch}"
    seconds = {name: median(each) for name, each in record["seconds"].items()}
    exported = {name: median(each) for name, each in record["exported"].items()}
    lines = []
    for name in ("orbit", "group"):
        ratios = {
            "plain": seconds[name] / seconds[f"{name}, plain"],
            "escnn": seconds[name] / seconds[f"{name}, escnn"],
            "export": exported[name] / exported[f"{name}, plain"],
        }
        if "peak" in record:
            ratios["memory"] = record["peak"][name] / record["peak"][f"{name}, plain"]
        shown = [f"{value:.3f}{' **miss**' * (value > LIMITS[k])}" for k, value in ratios.items()]
        milliseconds = f"{1000 * seconds[name]:.1f}"
        lines.append([f"{name.title()}Conv2d, C{order}", words, milliseconds, *shown])
    return lines


def construction() -> list[list[str]]:
    """Seconds to build whole networks, in turns."""
    rep, pattern = action(4, 3), Pattern(1, 10)
    rows = []
    for sized in (pattern, pattern.within(150_000, 4)):
        tasks: dict[str, Callable[[], Any]] = {
            "ours": partial(LGCNN, sized, rep),
            "escnn": partial(EscnnCNN, sized),
        }
        seconds = interleaved(tasks, 5)
        ours, theirs = median(seconds["ours"]), median(seconds["escnn"])
        miss = " **miss**" * (ours > 0.1)
        rows.append([f"{sized.parameters(4):,}", f"{ours:.3f}{miss}", f"{theirs:.3f}"])
    return rows


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    record: dict[str, Any] = {}
    lines = []
    for order in (4, 8):
        for shape in SHAPES:
            found = measure(order, shape, options.device)
            record[f"C{order} {shape}"] = found
            lines += lines_of(order, shape, found)
            print(*lines[-2:], sep="\n", flush=True)
    head = ["layer", "channels, kernel, image", "ms", "/ plain", "/ escnn", "export / plain"]
    head += ["peak memory / plain"] if options.device == "cpu" else []
    text = table(head, lines)
    built = table(["parameters", "LGCNN, s", "escnn, s"], construction())
    limits = ", ".join(f"{name} {limit:.2f}" for name, limit in LIMITS.items())
    text += f"\n\nLimits: {limits}.\n\n{built}"
    publish("layers" if options.device == "cpu" else f"layers_{options.device}", text, record,
            options.out)  # fmt: skip


if __name__ == "__main__":
    main()
