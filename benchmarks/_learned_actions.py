"""Small linear group networks, each with one learned action, and the images they learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from grouplearn import CyclicGroup
from grouplearn.defects import closure_defect, condition_number
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.labelled_images import load_labelled_images
from grouplearn.domains.rebuilt import rotated
from grouplearn.interpret import describe
from grouplearn.models import LGN, LGNShape
from grouplearn.models.lgn import Codes
from grouplearn.representations import (
    DenseRepresentation,
    LearnedRepresentation,
    MultiScaleRepresentation,
    SkewRepresentation,
    ToeplitzRepresentation,
)
from grouplearn.training import (
    Classification,
    FitOptions,
    Labelled,
    Objective,
    Reconstruction,
    Similarity,
    as_labelled,
    evaluate,
    fit,
)
from grouplearn.training.labelled import Batch, mixed
from grouplearn.training.objectives import Terms

Array = NDArray[np.float64]
Job = dict[str, Any]

SETS = {"MNIST": "mnist", "rotated MNIST": "mnist", "Fashion-MNIST": "fashion-mnist",
        "CIFAR10": "cifar10"}  # fmt: skip
KERNEL, ORDER, SIDE = 5, 4, 20
SHAPE = (KERNEL, KERNEL)
DIM = KERNEL**2
STRUCTURES: dict[str, Callable[..., LearnedRepresentation]] = {
    "dense": DenseRepresentation,
    "skew": SkewRepresentation,
    "Toeplitz": partial(ToeplitzRepresentation, shape=SHAPE),
    "multi-scale": partial(MultiScaleRepresentation, shape=SHAPE),
}
MU = {"classification": 1e-4, "half": 1e-4, "similarity": 1e-4, "reconstruction": 1e-2}
STARTS = ("random", "identity")
DRAWN_FROM, JUDGES = 10_000, 2_000
RIDGE = 0.1
"""Of the whitening: a part of the mean eigenvalue."""


class OneAction(nn.Module):
    """The unfolded network, with one action of any structure for all of its filters.

    Args:
        shape: its sizes.
        rep: the action, of a cyclic group, on kernels.
        rng: draws the weights.
    """

    def __init__(self, shape: LGNShape, rep: LearnedRepresentation, rng: torch.Generator) -> None:
        super().__init__()
        self.network, self.rep = LGN(shape, rng=rng), rep
        for unused in (self.network.action, self.network.inverse):
            unused.requires_grad_(False)
        self.inverse = nn.Parameter(torch.linalg.inv(rep.generators()[0].detach()))

    def forward(self, images: Tensor) -> Codes:
        matrix = self.rep.generators()[0].expand_as(self.network.action)
        found: Codes = functional_call(self.network, {"action": matrix}, (images,))
        return found

    def invertibility_loss(self, mu: float) -> Tensor:
        """Of the source: mu ||A A~ - I||_F."""
        product = self.rep.generators()[0] @ self.inverse
        return mu * torch.linalg.matrix_norm(product - torch.eye(DIM))

    @torch.no_grad()
    def after_step(self) -> None:
        """Base filters of norm 1, a matrix of norm sqrt(d)."""
        self.network.after_step()
        scale = DIM**0.5 / torch.linalg.matrix_norm(self.rep.generators()[0])
        for module in self.rep.modules():
            if isinstance(module, DenseRepresentation | ToeplitzRepresentation):
                module.weight.mul_(scale)


class WithInverse(Objective):
    """An objective and the invertibility loss."""

    def __init__(self, objective: Objective, mu: float) -> None:
        self.objective, self.mu = objective, mu

    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        assert isinstance(model, OneAction)
        found = dict(self.objective.terms(model, batch))
        return {**found, "invertibility": model.invertibility_loss(self.mu)}

    def score(self, model: nn.Module, batch: Batch) -> Tensor:
        return self.objective.score(model, batch)


def stream(job: Job) -> int:
    """A seed of its own for every network, which draws its start, weights, images and order."""
    keys: dict[str, Iterable[str]] = {
        "set": SETS,
        "structure": STRUCTURES,
        "task": MU,
        "start": STARTS,
    }
    places = [list(names).index(job[key]) for key, names in keys.items()]
    return mixed(job["seed"], *places)


def action_at_start(job: Job) -> LearnedRepresentation:
    """The action before training: a random one as its class draws it, or the identity."""
    near = torch.eye(DIM, dtype=torch.float64)[None] if job["start"] == "identity" else None
    rng = torch.Generator().manual_seed(stream(job))
    return STRUCTURES[job["structure"]](CyclicGroup(ORDER), DIM, near=near, rng=rng)


def matrix_of(rep: LearnedRepresentation) -> Array:
    """The generator, of norm sqrt(d)."""
    matrix = rep.generators()[0].detach().double().numpy()
    return np.asarray(matrix * DIM**0.5 / np.linalg.norm(matrix))


def learned(job: Job) -> dict[str, Any]:
    """One network: what it learned, and how well."""
    seed = stream(job)
    pool, judge = images_for(Path(job["data"]), job["set"], job["task"])
    drawn = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))
    train = pool.take(drawn[: job["images"]])
    rep = action_at_start(job)
    start = matrix_of(rep)
    shape = LGNShape(1, train.classes or 0, layers=job["layers"], kernel_size=KERNEL, order=ORDER)
    network = OneAction(shape, rep, torch.Generator().manual_seed(seed + 1))
    kinds = {"similarity": Similarity, "reconstruction": Reconstruction}
    goal: Objective = kinds.get(job["task"], Classification)()
    options = FitOptions(
        epochs=job["epochs"], batch_size=job["batch"], learning_rate=0.01, weight_decay=0.0,
        schedule="halving", clip=2.0, seed=seed,
    )  # fmt: skip
    fit(network, train, objective=WithInverse(goal, MU[job["task"]]), options=options)
    matrix = matrix_of(rep)
    said = describe(matrix, ImageDomain(KERNEL))
    score = evaluate(network, judge, goal)
    return {
        "action": matrix.round(5).tolist(), "score": score, "name": said.name,
        "nearest": said.next[0] if said.name is None else said.name, "sentence": str(said),
        "similarity": said.similarity, "structure_scores": said.structure,
        "moved": float(np.linalg.norm(matrix - start)) / DIM**0.5,
        "closure": float(closure_defect(rep).detach()),
        "condition": float(condition_number(rep).detach()),
        "says": f"score {score:.3f}, {said}",
    }  # fmt: skip


def images_for(data: Path, name: str, task: str) -> tuple[Labelled, Labelled]:
    """Images to draw from, and those that judge; for the task "half", of five classes."""
    every = whitened(data, name)
    if task == "half":
        every = every.only(range(5))
    judges = len(every) * JUDGES // (DRAWN_FROM + JUDGES)
    return every.take(slice(0, -judges)), every.take(slice(-judges, None))


@lru_cache
def whitened(data: Path, name: str) -> Labelled:
    """The middle of 12,000 images, 20 x 20 pixels in grey, whitened as the source's were (ZCA).

    Rotated MNIST has other digits than MNIST.
    """
    some = slice(0, DRAWN_FROM + JUDGES)
    if name == "rotated MNIST":
        some = slice(some.stop, 2 * some.stop)
    sets = load_labelled_images(data / SETS[name]).train
    images, labels = np.asarray(sets.images[some]).mean(1), sets.labels[some]
    if name == "rotated MNIST":
        images = rotated(images.astype(np.uint8))
    edge = (images.shape[-1] - SIDE) // 2
    images = images[:, edge : edge + SIDE, edge : edge + SIDE].reshape(len(images), -1) / 255
    images = images - images.mean(0)
    values, vectors = np.linalg.eigh(images.T @ images / len(images))
    white = images @ (vectors / np.sqrt(values.clip(0) + RIDGE * values.mean())) @ vectors.T
    white = (white / white.std()).astype(np.float32).reshape(-1, 1, SIDE, SIDE)
    return as_labelled(white, labels, len(sets.names))
