"""Minutes that the trainings of the accuracy tables take, from short pieces of them.

python benchmarks/training_time.py [--precision bfloat16] [--repetitions 5]
    [--out benchmarks/results]

Pieces of ten steps, each with its set-up, run in turns on random images of the data set's size, on
two threads; their medians stand for all steps of a recipe. Rotated MNIST has the pieces of MNIST,
random shifts included. Tests and searches for a group come on top.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import _networks as nets
import torch
from _measure import interleaved, median, publish, table
from accuracy import SETS
from torch import nn

from grouplearn.models import Standardised
from grouplearn.training import as_labelled
from grouplearn.training.fitting import Precision

THREADS = 2
LIMIT = 15
STEPS = 10
OPTIONS = nets.options(1, seed=0)
TRAINED_ON = {"rotated-mnist": 12_000, "fashion-mnist": 60_000, "mnist": 60_000, "cifar10": 20_000}
SHAPES = {(1, 28, 28): ("rotated-mnist", "fashion-mnist", "mnist"), (3, 32, 32): ("cifar10",)}


def pieces(
    shape: tuple[int, ...], recipe: nets.Recipe, precision: Precision
) -> dict[str, Callable[[], Any]]:
    """A piece of training for every network."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(STEPS * OPTIONS.batch_size, *shape, generator=rng)
    options = replace(OPTIONS, precision=precision)
    data = as_labelled(images, torch.arange(len(images)) % 10, 10)
    task = nets.Task("", data, data, recipe)

    def piece(build: Callable[[torch.Generator], nn.Module]) -> Callable[[], Any]:
        network = Standardised.of(build(rng), data.x)
        return partial(nets.train, task, network, options)

    flip = partial(nets.lgcnn, task, nets.turns(("flip",)))
    networks = nets.networks(task) | {"LGCNN, flip": flip}
    return {name: piece(build) for name, build in networks.items()}


def report(record: dict[str, dict[str, list[float]]], precision: Precision) -> str:
    """Minutes of whole trainings."""
    lines = []
    for row in next(iter(record.values())):
        minutes = {}
        for shape, names in SHAPES.items():
            each = median(record[str(shape)][row]) / STEPS / 60
            for name in names:
                steps = SETS[name][1].epochs * (TRAINED_ON[name] // OPTIONS.batch_size)
                minutes[name] = each * steps
        lines.append([row, *(f"{t:.1f}{' **miss**' * (t > LIMIT)}" for t in minutes.values())])
    text = table(["minutes for", *itertools.chain(*SHAPES.values())], lines)
    return f"Convolutions in {precision}; limit {LIMIT} minutes.\n\n{text}"


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default=nets.precision())
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    record = {
        str(shape): interleaved(
            pieces(shape, SETS[names[-1]][1], given.precision), given.repetitions
        )
        for shape, names in SHAPES.items()
    }
    name = f"training_time-{given.precision}"
    publish(name, report(record, given.precision), record, given.out)


if __name__ == "__main__":
    main()
