"""ENCODE's ten factors, and networks trained on them: one recipe for all arms."""

from __future__ import annotations

import csv
import gzip
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn import CyclicGroup
from grouplearn.domains.choosing import extending_part
from grouplearn.domains.sequence_shuffles import dinucleotide_shuffle
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.models import SequenceNetwork, SequencePattern, Symmetrized
from grouplearn.representations import FixedRepresentation, LearnedRepresentation
from grouplearn.training import Classification, FitOptions, Labelled, RandomElement, fit, ranking

FOLDER = "dna-tfbs-encode101"
DOMAIN = SequenceDomain(window=4)
STRANDS = "reverse-complement"
HELD_OUT = 0.2
Record = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How all arms are trained, for a number of training sequences.

    Attributes:
        epochs: passes over them.
        batch_size: sequences in a step.
        learning_rate: the largest.
        parameters: of each network, about.
        dropout: of whole fields.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 0.01
    parameters: int = 20_000
    dropout: float = 0.1
    blocks: int = 0
    pool: int = 101
    first: int = 15
    weight_decay: float = 0.01


def recipe_for(count: int) -> Recipe:
    """The recipe for so many training sequences: as many steps as some thousand at most."""
    return Recipe(10, 32) if count <= 2_000 else Recipe(10, 128)


def factors(data: Path) -> list[str]:
    """The names of the ten factors."""
    return sorted({file.name.split("_")[0] for file in (data / FOLDER).glob("*_AC.seq.gz")})


@lru_cache(2)
def rows(data: Path, factor: str, part: str) -> list[tuple[str, int]]:
    """Sequences of a factor, and whether it binds them; part "AC" holds bound ones alone."""
    (file,) = (data / FOLDER).glob(f"{factor}_*_{part}.seq.gz")
    with gzip.open(file, "rt") as text:
        found = csv.DictReader(text, delimiter="\t")
        return [(row["seq"].upper(), int(row["Bound"])) for row in found]


@lru_cache(2)
def training_set(
    data: Path, factor: str, count: int | None, seed: int, hold_out: bool
) -> tuple[list[str], Labelled, Labelled]:
    """Bound sequences to learn from, these with their shuffles, and what judges.

    Of `count` sequences, half are bound, drawn from AC by the seed, and half are their shuffles.
    The judge is B, or, to choose a recipe, the fifth of AC that is held out.
    """
    rng = np.random.default_rng(seed)
    bound = [letters for letters, _ in rows(data, factor, "AC")]
    order = rng.permutation(len(bound))
    held = order[: int(HELD_OUT * len(bound))] if hold_out else order[:0]
    learned = order[len(held) :][: None if count is None else count // 2]
    chosen = [bound[k] for k in learned]
    train = labelled(*with_shuffles(chosen, rng))
    if hold_out:
        return chosen, train, labelled(*with_shuffles([bound[k] for k in held[:1000]], rng))
    letters, labels = zip(*rows(data, factor, "B"), strict=True)
    return chosen, train, labelled(list(letters), list(labels))


def with_shuffles(bound: list[str], rng: np.random.Generator) -> tuple[list[str], list[int]]:
    """Sequences with one shuffle of each, and their labels."""
    made = [dinucleotide_shuffle(each, rng) for each in bound]
    return [*bound, *made], [1] * len(bound) + [0] * len(made)


def labelled(letters: list[str], labels: list[int]) -> Labelled:
    """Sequences as a network takes them."""
    return Labelled(DOMAIN.one_hot(letters, ambiguous="blank"), torch.tensor(labels), 2)


def known_strands() -> FixedRepresentation:
    """The reverse complement, given."""
    return FixedRepresentation.from_permutations(
        DOMAIN.known_actions()[STRANDS].permutation[None], torch.float32
    )


def trivial() -> FixedRepresentation:
    """No group."""
    return FixedRepresentation(CyclicGroup(1), torch.empty(0, DOMAIN.dim, DOMAIN.dim))


def moves_of(rep: LearnedRepresentation) -> list[str]:
    """What the elements do, the identity left out."""
    return [str(move) for move in DOMAIN.extend(rep)[1:]]


def trained(
    train: Labelled, rep: LearnedRepresentation, signs: float, recipe: Recipe, seed: int,
    *, augmented: bool = False,
) -> tuple[SequenceNetwork, float]:  # fmt: skip
    """A network of the recipe's size with a group, and the processor's seconds that it took."""
    pattern = SequencePattern(
        4, 2, signs=signs, dropout=recipe.dropout, blocks=recipe.blocks, pool=recipe.pool,
        first=recipe.first,
    )  # fmt: skip
    rng = torch.Generator().manual_seed(seed)
    network = DOMAIN.network(train, rep, rng, parameters=recipe.parameters, pattern=pattern)
    augment = RandomElement(DOMAIN.extend(known_strands())) if augmented else None
    options = FitOptions(
        epochs=recipe.epochs, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate,
        seed=seed, weight_decay=recipe.weight_decay,
    )  # fmt: skip
    start = time.process_time()
    fit(network, train, objective=Classification(0.0), augment=augment, options=options)
    return network.eval(), time.process_time() - start


def judged(network: nn.Module, judge: Labelled) -> Record:
    """Areas under curves with their intervals, and how far outputs of both strands are apart."""
    x = judge.x
    scores = outputs(network, x)
    turned = outputs(network, DOMAIN.known_actions()[STRANDS](x))
    found = ranking(margins(scores), judge.y.numpy())
    return {
        "auroc": found.auroc, "auroc_interval": found.auroc_interval, "auprc": found.auprc,
        "auprc_interval": found.auprc_interval,
        "strand_gap": float((scores.softmax(1) - turned.softmax(1)).abs().max()),
    }  # fmt: skip


@torch.no_grad()
def outputs(network: nn.Module, x: Tensor) -> Tensor:
    """What a network says of sequences."""
    return torch.cat([network(part) for part in x.split(500)])


def margins(scores: Tensor) -> np.ndarray[Any, Any]:
    """How much more a network believes in a bound sequence than in another."""
    return (scores[:, 1] - scores[:, 0]).numpy()


def run_arm(data: Path, job: Record) -> Record:
    """One network of one arm."""
    count, seed = job["training"], job["seed"]
    bound, train, judge = training_set(data, job["factor"], count, seed, job["judge"] == "AC")
    recipe = Recipe(**{**vars(recipe_for(len(train))), **job.get("recipe", {})})
    arms = {
        "plain": partial(trained, train, trivial(), 0.0),
        "augmented": partial(trained, train, trivial(), 0.0, augmented=True),
        "given": partial(trained, train, known_strands(), 0.0),
    }
    found: Record = {"train": len(train)}
    rep: LearnedRepresentation = trivial()
    if job["arm"] in ("regular", "mixed"):
        discovered = DOMAIN.discover(bound, seed=seed)
        rep = extending_part(DOMAIN, discovered.representation)
        found |= {"moves": moves_of(rep), "discovery": discovered.summary()}
        share = 0.0 if job["arm"] == "regular" else SequencePattern.signs
        arms[job["arm"]] = partial(trained, train, rep, share)
    network, seconds = arms[job["arm"]](recipe, seed)
    found |= judged(network, judge) | {
        "cpu_seconds": seconds, "recipe": vars(recipe), "width": network.pattern.width,
        "parameters": sum(each.numel() for each in network.parameters()),
    }  # fmt: skip
    if job["arm"] == "augmented":
        both = Symmetrized(network, DOMAIN.extend(known_strands()))
        found["conjoined"] = judged(both, judge)
    return found | {"says": f"AUROC {found['auroc']:.4f} in {seconds:.0f} s"}
