"""Time and memory of matrices() and orbit(), forward plus backward, for every class.

Baselines: a plain loop of matrix powers, and one product with a dense (n, d, d) tensor; both have
a gradient to their matrices, as the trainable classes do, and `constant` is the dense product
without one, as fixed actions need it. Ratios are medians over the baseline's median in the same
interleaved run: below 1 is faster.

    python benchmarks/representations.py [--repetitions 9] [--quick] [--out benchmarks/results]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _measure import interleaved, median, publish, table
from torch import Tensor

from grouplearn import CyclicGroup
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
    TensorProduct,
    ToeplitzRepresentation,
)

ORDERS, DIMS, BATCH, SEED = (4, 8, 64), (9, 25, 81, 256), 1024, 0


def classes(n: int, d: int, rng: torch.Generator) -> dict[str, LearnedRepresentation]:
    """One representation of C_n in dimension d of every class."""
    group, side = CyclicGroup(n), int(d**0.5)
    spectral = partial(SpectralRepresentation, group, rng=rng)
    basis = torch.linalg.qr(torch.randn(d, d, generator=rng))[0]
    return {
        "Dense": DenseRepresentation(group, d, rng=rng),
        "Skew": SkewRepresentation(group, d, rng=rng),
        "Toeplitz": ToeplitzRepresentation(group, d, shape=(side, side), rng=rng),
        "MultiScale": MultiScaleRepresentation(group, d, shape=(side, side), rng=rng),
        "Spectral": spectral(d),
        "Fixed (permutation)": FixedRepresentation(group, shift(n, d)),
        "Fixed (dense)": FixedRepresentation(group, spectral(d).generators().detach()),
        "DirectSum": DirectSum([spectral(d // 2), spectral(d - d // 2)]),
        "TensorProduct": TensorProduct(spectral(side), spectral(side)),
        "ChangeOfBasis": ChangeOfBasis(DenseRepresentation(group, d, rng=rng), basis),
    }


def shift(n: int, d: int) -> Tensor:
    """(1, d, d): cyclic shifts of as many groups of n coordinates as fit, others fixed."""
    moved = torch.arange(d)
    whole = moved[: d - d % n].view(-1, n)
    moved[: d - d % n] = whole.roll(1, 1).flatten()
    return torch.eye(d)[moved].unsqueeze(0)


def orbit_by_fft(rep: SpectralRepresentation, x: Tensor) -> Tensor:
    """The orbit under C_n by one inverse Fourier transform over the turns: the road not taken."""
    n, y, start = rep.group.order, x @ torch.linalg.inv(rep.basis).mT, 0
    spectrum = []
    for frequency, count in enumerate(rep.multiplicities):
        if 2 * frequency % n == 0:
            end = start + count
            part = n * (y[:, start:end] @ rep.basis[:, start:end].mT)
            spectrum.append(torch.complex(part, torch.zeros_like(part)))
        else:
            end = start + 2 * count
            a, b = y[:, start:end:2], y[:, start + 1 : end : 2]
            p, q = rep.basis[:, start:end:2].mT, rep.basis[:, start + 1 : end : 2].mT
            spectrum.append(n / 2 * torch.complex(a @ p + b @ q, b @ p - a @ q))
        start = end
    return torch.fft.irfft(torch.stack(spectrum, -1), n=n).mT


def backward(forward: Callable[[], Tensor], upstream: Tensor) -> Callable[[], None]:
    """A task that runs forward, and backward where there is something to train."""

    def task() -> None:
        result = forward()
        if result.requires_grad:
            result.backward(upstream)

    return task


def kept_bytes(forward: Callable[[], Tensor]) -> int:
    """Bytes of the distinct tensors that autograd keeps for the backward pass."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward()
    return sum(kept.values())


def measure(n: int, d: int, repetitions: int) -> list[dict[str, Any]]:
    """Every class and baseline at one size."""
    rng = torch.Generator().manual_seed(SEED)
    x = torch.randn(BATCH, d, generator=rng, requires_grad=True)
    generator = torch.linalg.qr(torch.randn(d, d, generator=rng))[0].requires_grad_()
    stack = torch.randn(n, d, d, generator=rng, requires_grad=True)
    constant = stack.detach()

    def powers() -> Tensor:
        found = [torch.eye(d)]
        for _ in range(n - 1):
            found.append(found[-1] @ generator)
        return torch.stack(found)

    def apply(matrices: Tensor) -> Tensor:
        return (x @ matrices.flatten(0, 1).mT).unflatten(-1, (n, d))

    reps = classes(n, d, rng)
    orbits: dict[str, Callable[[], Tensor]] = {
        "loop": lambda: apply(powers()),
        "dense product": lambda: apply(stack),
        "constant": lambda: apply(constant),
    }
    orbits |= {name: partial(rep.orbit, x) for name, rep in reps.items()}
    spectral = reps["Spectral"]
    if isinstance(spectral, SpectralRepresentation):
        orbits["Spectral by FFT"] = partial(orbit_by_fft, spectral, x)
    matrices: dict[str, Callable[[], Tensor]] = {"loop": powers}
    matrices |= {name: rep.matrices for name, rep in reps.items()}
    rows: list[dict[str, Any]] = []
    for what, tasks, size in (("matrices", matrices, (n, d, d)), ("orbit", orbits, (BATCH, n, d))):
        upstream = torch.randn(size, generator=rng)
        ready = {name: backward(task, upstream) for name, task in tasks.items()}
        for name, seconds in interleaved(ready, repetitions).items():
            kept = kept_bytes(tasks[name])
            rows.append(
                {"what": what, "n": n, "d": d, "class": name, "seconds": seconds, "kept": kept}
            )
    return rows


def report(rows: list[dict[str, Any]]) -> str:
    """Two tables: ratios of medians against the baselines, and memory kept for backward."""
    time = {(r["what"], (r["n"], r["d"]), r["class"]): median(r["seconds"]) for r in rows}
    kept = {(r["what"], (r["n"], r["d"]), r["class"]): r["kept"] for r in rows}
    sizes = sorted({(r["n"], r["d"]) for r in rows})
    names = list(dict.fromkeys(r["class"] for r in rows))
    header = ["class", *(f"n={n} d={d}" for n, d in sizes)]
    sections = []
    for what, base in (
        ("matrices", "loop"),
        ("orbit", "loop"),
        ("orbit", "dense product"),
        ("orbit", "constant"),
    ):
        body = [
            [name, *(f"{time[what, s, name] / time[what, s, base]:.2f}" for s in sizes)]
            for name in names
            if (what, sizes[0], name) in time
        ]
        sections.append(f"{what}(): time over that of the {base}\n\n{table(header, body)}")
    body = [[name, *(f"{kept['orbit', s, name] / 2**20:.1f}" for s in sizes)] for name in names]
    sections.append(f"orbit(): MiB kept for the backward pass\n\n{table(header, body)}")
    gather = time["orbit", (8, 256), "constant"] / time["orbit", (8, 256), "Fixed (permutation)"]
    learned = (
        time["orbit", (8, 256), "dense product"] / time["orbit", (8, 256), "Fixed (permutation)"]
    )
    sections.append(
        f"Gather at n=8, d=256: {gather:.1f} times as fast as the constant dense product, "
        f"{learned:.1f} times as fast as the one with a gradient to its matrices; target 10: "
        f"{'met' if gather >= 10 else 'MISSED'}."
    )
    return "\n\n".join(sections)


def main() -> None:
    """Measure all sizes and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="only n=8, d=256")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    sizes = [(8, 256)] if options.quick else [(n, d) for n in ORDERS for d in DIMS]
    rows = [row for n, d in sizes for row in measure(n, d, options.repetitions)]
    settings = {"seed": SEED, "batch": BATCH, "dtype": "float32"}
    publish("representations", report(rows), {"settings": settings, "rows": rows}, options.out)


if __name__ == "__main__":
    main()
