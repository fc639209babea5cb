"""What is measured on a learned action, and what it means in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn.defects import (
    closure_defect,
    condition_number,
    distance,
    homomorphism_defect,
    invertibility_defect,
    isotypic_multiplicities,
    orthogonality_defect,
)
from grouplearn.domains.base import KnownAction
from grouplearn.errors import ClosureError, MissingExtraError
from grouplearn.nearest import nearest_exact
from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    SkewRepresentation,
    SpectralRepresentation,
)
from grouplearn.training import pair_error

FOUND = 0.01
"""Largest distance, relative to the truth, at which a learned action counts as found."""

LAW = 2e-6
"""Largest homomorphism defect of a class that closes by construction."""

_CLOSES, _SAME = 0.05, 1.05
_TURNS = {"quarter-turn": 4, "half-turn": 2}


@final
@dataclass(frozen=True)
class Measures:
    """How near a learned action is to the truth and to a group.

    Attributes:
        distance: ||A - T||_F / ||T||_F.
        escnn_distance: the same to escnn's rotation matrix; None where there is none.
        closure: closure defect.
        homomorphism: homomorphism defect.
        invertibility: invertibility defect, with the inverse that the class has or learned.
        orthogonality: orthogonality defect.
        condition: condition number of A.
        exact_moved: distance that `nearest_exact` moved A; None where it refused.
        exact_distance: distance of its result to T; None where it refused.
        exact_refusal: why it refused; empty otherwise.
        pair_error: relative error on pairs that were held out.
    """

    distance: float
    escnn_distance: float | None
    closure: float
    homomorphism: float
    invertibility: float
    orthogonality: float
    condition: float
    exact_moved: float | None
    exact_distance: float | None
    exact_refusal: str
    pair_error: float


def escnn_rotation(action: KnownAction, patch_size: int) -> tuple[Tensor | None, str]:
    """escnn's matrix of a turn, or None and why there is none."""
    if action.name not in _TURNS:
        return None, ""
    try:
        from grouplearn.interop.escnn import rotation_matrix

        return rotation_matrix(patch_size, _TURNS[action.name]), ""
    except MissingExtraError:
        return None, "escnn not installed: no distance to its rotation matrix."


def measure(
    rep: LearnedRepresentation,
    truth: FixedRepresentation,
    rotation: Float[Tensor, "d d"] | None,
    held_out: tuple[Float[Tensor, "pairs d"], Float[Tensor, "pairs d"]],
) -> Measures:
    """Measure a learned action.

    Args:
        rep: the learned one.
        truth: the same group acting by T.
        rotation: escnn's matrix, if any.
        held_out: pairs x and T x that took no part in training.
    """
    moved, exact_distance, refusal = None, None, ""
    with torch.no_grad():
        try:
            exact, moved = nearest_exact(rep)
            exact_distance = float(distance(exact, truth))
        except ClosureError as problem:
            refusal = str(problem)
        escnn_distance = None
        if rotation is not None:
            theirs = FixedRepresentation(rep.group, rotation.to(truth.dtype).unsqueeze(0))
            escnn_distance = float(distance(rep, theirs))
        return Measures(
            distance=float(distance(rep, truth)),
            escnn_distance=escnn_distance,
            closure=float(closure_defect(rep)),
            homomorphism=float(homomorphism_defect(rep)),
            invertibility=float(invertibility_defect(rep)),
            orthogonality=float(orthogonality_defect(rep)),
            condition=float(condition_number(rep)),
            exact_moved=moved,
            exact_distance=exact_distance,
            exact_refusal=refusal,
            pair_error=pair_error(rep, *held_out),
        )


def breaks_its_law(rep: LearnedRepresentation, measures: Measures) -> bool:
    """Does a class that closes by construction not close?"""
    return rep.closes_exactly and not measures.homomorphism <= LAW


def verdict(
    rep: LearnedRepresentation,
    measures: Measures,
    action: KnownAction,
    losses: Sequence[float],
    identified: bool,
) -> str:
    """What was learned, in one or two plain sentences.

    Args:
        rep: the learned representation.
        measures: of it.
        action: the truth.
        losses: the data term that each start ended with.
        identified: do the data determine the action?
    """
    name, group = f"a {action.name.replace('-', ' ')}", rep.group.name
    near = f"{measures.distance:.2g} from the truth"
    closes = measures.closure <= _CLOSES
    if measures.distance <= FOUND:
        if closes:
            return f"Closes as {group} within {measures.closure:.1g}: {name}, {near}."
        why = "no power of it is the identity" if action.order is None else "its order is another"
        return (
            f"{name.capitalize()}, {near}; {why}, so it does not close as {group} "
            f"(defect {measures.closure:.2g})."
        )
    ending = "closes" if closes else "does not close"
    return (
        f"Not {name}: {near}, and {ending} as {group} (defect {measures.closure:.2g}). "
        f"{_reason(rep, measures, action, losses, identified)}"
    )


def _reason(
    rep: LearnedRepresentation,
    measures: Measures,
    action: KnownAction,
    losses: Sequence[float],
    identified: bool,
) -> str:
    """Why the action was not found, as far as the numbers tell."""
    if not identified:
        fits = "It fits the pairs, but they" if measures.pair_error <= FOUND else "The pairs"
        return f"{fits} do not identify the action."
    if isinstance(rep, SkewRepresentation) and float(torch.linalg.det(action.matrix)) < 0:
        return "exp(S) has determinant +1 and the action -1: this class cannot express it."
    if isinstance(rep, SpectralRepresentation) and action.order is not None:
        truth = FixedRepresentation(rep.group, action.matrix.unsqueeze(0).to(rep.dtype))
        if float(closure_defect(truth)) <= LAW:
            true = tuple(int(m) for m in isotypic_multiplicities(truth).round())
            if true != rep.multiplicities:
                return f"It was given the multiplicities {rep.multiplicities}, not {true}."
    if len(losses) > 1 and max(losses) <= _SAME * min(losses):
        return (
            f"All {len(losses)} starts ended near the same loss, {min(losses):.2g}: "
            "the class itself is the likely limit."
        )
    return (
        f"The best of {len(losses)} starts ended at a loss of {min(losses):.2g}: "
        "more epochs or restarts may help."
    )
