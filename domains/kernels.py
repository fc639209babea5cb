"""From actions found on patches to actions on the kernels of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import positive_int, refuse
from grouplearn.discovery.result import Discovery
from grouplearn.domains.pixels import PixelMove
from grouplearn.groups import CyclicGroup, FiniteGroup, subgroups_up_to_conjugacy
from grouplearn.representations import FixedRepresentation, LearnedRepresentation, restricted

Moves = Sequence[PixelMove | None]
_Move = TypeVar("_Move")


def on_kernels(rep: LearnedRepresentation, moves: Moves, kernel_size: int) -> FixedRepresentation:
    """See `ImageDomain.on_kernels`.

    Args:
        rep: on patches.
        moves: what each of its elements does to whole images.
        kernel_size: k.
    """
    who = "ImageDomain.on_kernels"
    k = positive_int(who, "kernel_size", kernel_size)
    chosen = [moves[g] for g in rep.group.generators]
    grids = [move for move in chosen if move is not None and not move.negative]
    if len(grids) < len(chosen):
        refuse(who, "representation", "one whose elements extend to whole images, contrast kept",
               ", ".join("no extension" if m is None else m.name for m in chosen),
               "ImageDomain.network_groups has the part that does")  # fmt: skip
    return acting_by(rep.group, [move.matrix(k).float() for move in grids], k * k)


def acting_by(
    group: FiniteGroup, matrices: Sequence[Float[Tensor, "d d"]], dim: int
) -> FixedRepresentation:
    """The representation in which generators act by matrices; the trivial group has none.

    Args:
        group: the group.
        matrices: one for each generator.
        dim: d.
    """
    empty = torch.empty(0, dim, dim)
    return FixedRepresentation(group, torch.stack(list(matrices)) if matrices else empty)


def network_groups(
    found: Discovery, moves_of: Callable[[LearnedRepresentation], Moves], kernel_size: int
) -> list[FixedRepresentation]:
    """See `ImageDomain.network_groups`.

    Args:
        found: on patches.
        moves_of: what the elements of a representation on patches do to whole images.
        kernel_size: k.
    """
    who = "ImageDomain.network_groups"
    k = positive_int(who, "kernel_size", kernel_size, minimum=2)
    names = {move.grid for move in moves_on_ladder(who, found, moves_of)}
    claimed = {str(move) for move in moves_of(found.representation)}
    return groups_of_moves(
        [PixelMove(name).matrix(k).float() for name in sorted(names - {"identity"})],
        [PixelMove(name).matrix(k).float() for name in claimed & names], k * k,
    )  # fmt: skip


def moves_on_ladder(
    who: str, found: Discovery, moves_of: Callable[[LearnedRepresentation], Sequence[_Move | None]]
) -> list[_Move]:
    """What elements of all groups on the ladder of a discovery do to whole objects.

    Args:
        who: asks, for the error.
        found: of permutations.
        moves_of: what the elements of a representation do, None where one has no extension.
    """
    if found.action != "permutation":
        refuse(who, "found", "of permutations", f"of action {found.action!r}",
               "discover with action='permutation'")  # fmt: skip
    generators: Iterable[Any] = (rung.generators for rung in found.ladder)
    reps = [found.representation, *map(FixedRepresentation.from_permutations, generators)]
    return [move for rep in reps for move in moves_of(rep) if move is not None]


def groups_of_moves(
    moves: Sequence[Float[Tensor, "d d"]], claimed: Sequence[Float[Tensor, "d d"]], dim: int
) -> list[FixedRepresentation]:
    """The subgroups of what some permutations generate, the trivial one first, by order.

    Args:
        moves: matrices of permutations.
        claimed: those that are believed: two subgroups that one of them conjugates into one another
            count once.
        dim: d.

    Returns:
        On R^d, float32.
    """
    if not moves:
        return [acting_by(CyclicGroup(1), [], dim)]
    images = np.stack([np.argmax(matrix.numpy(), 0) for matrix in moves])
    largest = FixedRepresentation.from_permutations(images, torch.float32)
    by = [g for g, each in enumerate(largest.matrices()) if any(map(each.equal, claimed))]
    subgroups = subgroups_up_to_conjugacy(largest.group, by)
    return [restricted(largest, members) for members in subgroups]
