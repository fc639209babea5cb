"""What a search hands to the judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.elements import TriedElement
from grouplearn.discovery.functions.probes import EXACT, LEAST_GAP
from grouplearn.groups import CyclicGroup
from grouplearn.representations import FixedRepresentation, LearnedRepresentation


@final
@dataclass(frozen=True)
class Invariance:
    """What a search found.

    Attributes:
        representation: of the group; of C1 when nothing was found.
        outside: candidates outside the group, best first.
        tried: how many candidates there were.
        notes: sentences.
        turns: (k, d, d), generators of continuous turns.
        free: (d, r), orthonormal in the samples, the directions that a group might move; all when
            None.
    """

    representation: LearnedRepresentation
    outside: tuple[TriedElement, ...]
    tried: int
    notes: tuple[str, ...]
    turns: Float[np.ndarray, "k d d"] | None = None
    free: Float[np.ndarray, "d r"] | None = None


def trivial(dim: int) -> LearnedRepresentation:
    """The representation of C1."""
    return FixedRepresentation(CyclicGroup(1), torch.empty(0, dim, dim, dtype=torch.float64))


def other_levels(groups: Sequence[tuple[str, int, float]]) -> tuple[str, ...]:
    """Sentences on groups beside the first that hold better, or that are larger and hold less well.

    Args:
        groups: name, order and violation of groups that stand apart, the chosen one first.
    """
    _, order, worst = groups[0]
    level = max(worst, EXACT)
    better = [each for each in groups[1:] if max(each[2], EXACT) * LEAST_GAP <= level]
    larger = [each for each in groups[1:] if each[1] > order and each[2] >= LEAST_GAP * level]
    notes = []
    for words, chosen in (("Closer still", better), ("Less closely", larger)):
        if chosen:
            name, size, violation = max(chosen, key=lambda each: (each[1], -each[2]))
            notes.append(f"{words}: {name} (order {size}), violation {violation:.2g}.")
    return tuple(notes)


def random_basis(found: Invariance, rng: np.random.Generator, action: str) -> NDArray[np.float64]:
    """A random change of basis that a group of this action might as well have had."""
    dim = found.representation.dim
    free = np.eye(dim) if found.free is None else found.free
    size = free.shape[1]
    if action == "permutation":
        inside = np.eye(size)[rng.permutation(size)]
    else:
        inside, _ = np.linalg.qr(rng.standard_normal((size, size)))
    back = np.linalg.pinv(free)
    return np.asarray(np.eye(dim) + free @ (inside - np.eye(size)) @ back)
