"""What was found, in words: names of generators, the ladder as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.commands.discover_data import Subject
from grouplearn.commands.output import number
from grouplearn.discovery import Discovery
from grouplearn.domains.naming import in_words
from grouplearn.groups import CyclicGroup
from grouplearn.groups.cycles import cycles
from grouplearn.representations import FixedRepresentation

_HIGHEST_ORDER = 60
_MOST_CYCLES = 8
_LONGEST = 90


def describe(found: Discovery, subject: Subject, coordinates: Sequence[str]) -> tuple[str, ...]:
    """The generators of a discovered group, in words.

    Args:
        found: the answer.
        subject: the data, whose domain knows names.
        coordinates: their names, for operations that have none.
    """
    if not found.found:
        return ()
    chosen = [found.members[g] for g in found.group.generators]
    return tuple(name_of(each, subject, coordinates) for each in chosen)


def name_of(member: Tensor, subject: Subject, coordinates: Sequence[str]) -> str:
    """One operation in words: the domain's name, or its cycles, or what kind of matrix it is.

    Args:
        member: int64 (d,), a permutation as in `Discovery.members`, or a (d, d) matrix.
        subject: the data.
        coordinates: a name for each coordinate.
    """
    matrix = as_matrix(member)
    order = _order(matrix)
    if subject.domain is not None and order is not None:
        rep = FixedRepresentation(CyclicGroup(order), matrix[None]) if order > 1 else None
        known = None if rep is None else subject.domain.extend(rep)[rep.group.generators[0]]
        if order == 1:
            return "identity"
        if known is not None:
            return in_words(known.name)
    signs, images = _monomial(matrix)
    if images is None:
        shown = "of no small order" if order is None else f"of order {order}"
        trace, det = float(matrix.trace()), float(torch.linalg.det(matrix))
        return f"a matrix {shown}, trace {trace:.3g}, determinant {det:.3g}"
    return _cycles(signs, images, coordinates) or "identity"


def as_matrix(member: Tensor) -> Float64[Tensor, "d d"]:
    """A member as a matrix on columns."""
    if member.ndim == 2:
        return member.detach().cpu().double()
    matrix = torch.zeros(len(member), len(member), dtype=torch.float64)
    matrix[member, torch.arange(len(member))] = 1.0
    return matrix


def _order(matrix: Float64[Tensor, "d d"]) -> int | None:
    power, eye = matrix, torch.eye(len(matrix), dtype=matrix.dtype)
    for order in range(1, _HIGHEST_ORDER + 1):
        if torch.allclose(power, eye, rtol=0, atol=1e-6):
            return order
        power = power @ matrix
    return None


def _monomial(
    matrix: Float64[Tensor, "d d"],
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Signs and images of a signed permutation; None where the matrix is none."""
    values = matrix.numpy()
    images = np.abs(values).argmax(0)
    signs = np.sign(values[images, np.arange(len(values))])
    exact = np.zeros_like(values)
    exact[images, np.arange(len(values))] = signs
    same = np.allclose(values, exact, rtol=0, atol=1e-6)
    return signs, images if same and len(set(images.tolist())) == len(images) else None


def _cycles(signs: NDArray[np.float64], images: NDArray[np.int64], names: Sequence[str]) -> str:
    """Cycles such as (a b)(c d); with signs, arrows such as a -> -b."""
    if (signs < 0).any():
        arrows = [
            f"{names[i]} -> {'-' if signs[i] < 0 else ''}{names[j]}"
            for i, j in enumerate(images.tolist())
            if i != j or signs[i] < 0
        ]
        return _shortened(arrows, ", ")
    moved = (cycle for cycle in cycles(dict(enumerate(images.tolist()))) if len(cycle) > 1)
    parts = [f"({' '.join(names[i] for i in cycle)})" for cycle in moved]
    return _shortened(parts, "")


def _shortened(parts: Sequence[str], between: str) -> str:
    more = f"{between} and {len(parts) - _MOST_CYCLES} more" if len(parts) > _MOST_CYCLES else ""
    return between.join(parts[:_MOST_CYCLES]) + more


@final
@dataclass(frozen=True)
class Step:
    """One rung of the ladder in words.

    Attributes:
        group: its name and order.
        operations: the generators that the rung before has not.
        status: "accepted" for the group that was found, "within it" for its parts, or empty.
        evidence: for each kind: its name, p-value, effect, its bound and verdict.
    """

    group: str
    operations: str
    status: str
    evidence: tuple[tuple[str, str, str, str, str], ...]


def ladder_of(found: Discovery, subject: Subject, coordinates: Sequence[str]) -> list[Step]:
    """The ladder in words.

    Args:
        found: the answer.
        subject: the data, whose domain knows names.
        coordinates: a name for each coordinate.
    """
    steps, before = [], set[str]()
    members = {each.numpy().tobytes() for each in found.members}
    for rung in found.ladder:
        words = [name_of(each, subject, coordinates) for each in rung.generators]
        new = [each for each in words if each not in before] or words
        before |= set(words)
        evidence = tuple(
            (
                each.kind, _told(each.p_value), _told(each.violation), _told(each.noise),
                each.verdict,
            )
            for each in rung.evidence
        )  # fmt: skip
        named = f"group of order {rung.order:,}"
        group = named if "order" in rung.name else f"{rung.name} (order {rung.order})"
        part = all(each.numpy().tobytes() in members for each in rung.generators)
        status = "accepted" if rung.accepted else "within it" if found.found and part else ""
        steps.append(Step(group, _brief("; ".join(new)), status, evidence))
    return steps


def _told(value: float) -> str:
    return number(value) if math.isfinite(value) else "unknown"


def _brief(text: str) -> str:
    return (
        text
        if len(text) <= _LONGEST
        else (f"{text[: _LONGEST - 3].rpartition(' ')[0].rstrip(',; ')}...")
    )


def arrows(text: str) -> str:
    """Text for the page, where arrows are one character that no line break cuts."""
    return text.replace("<->", "\N{LEFT RIGHT ARROW}").replace("->", "\N{RIGHTWARDS ARROW}")
