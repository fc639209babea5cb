"""From actions found on windows to the groups of a network for sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from grouplearn._checks import refuse
from grouplearn.discovery.result import Discovery
from grouplearn.domains.kernels import acting_by, groups_of_moves, moves_on_ladder
from grouplearn.domains.letters import SequenceMove
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

Moves = Sequence[SequenceMove | None]


def factored(
    rep: LearnedRepresentation, moves: Moves, letters: int
) -> tuple[FixedRepresentation, FixedRepresentation]:
    """See `SequenceDomain.factored`.

    Args:
        rep: on windows.
        moves: what each of its elements does to whole sequences.
        letters: of the alphabet.
    """
    chosen = [moves[g] for g in rep.group.generators]
    known = [move for move in chosen if move is not None]
    if len(known) < len(chosen):
        refuse("SequenceDomain.factored", "representation",
               "one whose elements extend to whole sequences",
               ", ".join("no extension" if move is None else move.name for move in chosen),
               "SequenceDomain.network_groups has the part that does")  # fmt: skip
    on_letters = [torch.eye(letters)[torch.tensor(move.letters)].mT for move in known]
    on_places = [torch.eye(2).flip(0) if move.reversed else torch.eye(2) for move in known]
    return acting_by(rep.group, on_letters, letters), acting_by(rep.group, on_places, 2)


def sequence_groups(
    found: Discovery, moves_of: Callable[[LearnedRepresentation], Moves], dim: int
) -> list[FixedRepresentation]:
    """See `SequenceDomain.network_groups`.

    Args:
        found: on windows.
        moves_of: what the elements of a representation on windows do to whole sequences.
        dim: of the windows.
    """
    every = moves_on_ladder("SequenceDomain.network_groups", found, moves_of)
    moves = {move.name: move for move in every}
    moves.pop("identity", None)
    claimed = [move.name for move in moves_of(found.representation) if move is not None]
    return groups_of_moves(
        [moves[name].matrix.float() for name in sorted(moves)],
        [moves[name].matrix.float() for name in claimed if name in moves], dim,
    )  # fmt: skip
