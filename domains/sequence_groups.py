"""From actions found on windows to the groups of a network for sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.discovery.result import Discovery
from grouplearn.domains.kernels import groups_of_moves
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
    return _fixed(rep, on_letters, letters), _fixed(rep, on_places, 2)


def sequence_groups(
    found: Discovery, moves_of: Callable[[LearnedRepresentation], Moves], dim: int
) -> list[FixedRepresentation]:
    """See `SequenceDomain.network_groups`.

    Args:
        found: on windows.
        moves_of: what the elements of a representation on windows do to whole sequences.
        dim: of the windows.
    """
    if found.action != "permutation":
        refuse("SequenceDomain.network_groups", "found", "of permutations",
               f"of action {found.action!r}", "discover with action='permutation'")  # fmt: skip
    generators: Iterable[Any] = (rung.generators for rung in found.ladder)
    reps = [found.representation, *map(FixedRepresentation.from_permutations, generators)]
    moves = {move.name: move for rep in reps for move in moves_of(rep) if move is not None}
    moves.pop("identity", None)
    claimed = [move.name for move in moves_of(found.representation) if move is not None]
    return groups_of_moves(
        [moves[name].matrix.float() for name in sorted(moves)],
        [moves[name].matrix.float() for name in claimed if name in moves], dim,
    )  # fmt: skip


def _fixed(
    rep: LearnedRepresentation, matrices: Sequence[Tensor], size: int
) -> FixedRepresentation:
    empty = torch.empty(0, size, size)
    return FixedRepresentation(rep.group, torch.stack(list(matrices)) if matrices else empty)
