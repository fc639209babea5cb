"""Candidates for a linear action: split, harmonics, lattice, and what the data say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from grouplearn.discovery.linear.action import Action
from grouplearn.discovery.linear.data import Whitened
from grouplearn.discovery.linear.evidence import Judge
from grouplearn.discovery.linear.harmonics import HIGHEST, Frame, Harmonic, harmonics
from grouplearn.discovery.linear.lattice import Lattice, Turns
from grouplearn.discovery.linear.refine import polished
from grouplearn.discovery.linear.reflect import reflected
from grouplearn.discovery.linear.split import split
from grouplearn.discovery.linear.tensors import Moments, group_moments
from grouplearn.discovery.result import Evidence

_CANDIDATES = 5
ASKED = 100
_LARGEST = 12
_ROUGH = 0.2
_FINE = 0.025
_NOISY = 0.3


@dataclass(frozen=True)
class Candidate:
    """An action and what the rows that did not propose it say of it."""

    action: Action
    evidence: tuple[Evidence, ...]

    @property
    def exact(self) -> bool:
        """Is nothing left of the violation but noise?"""
        return all(each.verdict == "exact" for each in self.evidence)

    @property
    def close(self) -> bool:
        """Is every violation noise, or no more than twice as long?"""
        return all(e.verdict == "exact" or e.violation <= 2 * e.noise for e in self.evidence)

    @property
    def accepted(self) -> bool:
        """Does every kind of evidence speak for it, and loudly enough?"""
        return holds(self.evidence)


@dataclass
class Search:
    """What a search has found so far.

    Attributes:
        candidates: the judged, from small groups to large ones.
        notes: sentences for the user.
        judge: of the rows held out.
        groups: moments of all groups of rows.
        frame: lines and planes, before any refinement.
        last: what all harmonics together leave.
    """

    judge: Judge
    groups: list[Moments]
    frame: Frame
    last: Turns
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def holds(evidence: tuple[Evidence, ...]) -> bool:
    """Does every kind of evidence accept, the last with little noise?"""
    clear = [each for each in evidence[-1:] if each.noise <= _NOISY]
    return bool(clear) and all(each.verdict != "rejected" for each in evidence)


def search(
    data: Whitened, judge: Judge, rng: np.random.Generator, expired: Callable[[], bool]
) -> Search:
    """Propose groups on the rows of even groups, judge them on those of odd groups.

    Harmonics that survive forbid turns. Taken in the order of their significance they leave a
    chain of smaller and smaller groups, among which the last few are refined and judged.

    Args:
        data: all rows.
        judge: of the rows of odd groups.
        rng: source of randomness.
        expired: is the time over?
    """
    proposing = data.half(0)
    groups = group_moments(data)
    blocks = split(groups[::2], rng).blocks
    frame = Frame(
        tuple(b for b in blocks if b.shape[1] == 2),
        tuple(b for b in blocks if b.shape[1] == 1),
        tuple(b for b in blocks if b.shape[1] > 2),
    )
    found = harmonics(proposing, frame)
    chain, decisive = _chain(frame, found)
    judge.harmonics = [each.exponents for each in [*decisive, *found[:ASKED]]]
    out = Search(judge, groups, frame, chain[-1])
    for turns in finite_groups(chain):
        if expired():
            out.notes.append("The time budget ended before every candidate was judged.")
            break
        action = polished(Action.of(frame, turns), groups)
        out.candidates.append(Candidate(action, judge.judge(action)))
        if turns.order > 2:
            mirrored = reflected(action, harmonics(proposing, action.frame()), _ROUGH)
            if mirrored is not None:
                mirrored = polished(mirrored, groups)
                # Phases of all rows place the axes more finely than low moments do.
                mirrored = reflected(mirrored, harmonics(data, mirrored.frame()), _FINE)
            if mirrored is not None:
                out.candidates.append(Candidate(mirrored, judge.judge(mirrored)))
    out.candidates.sort(key=lambda each: each.action.group.order)
    return out


def _chain(frame: Frame, found: list[Harmonic]) -> tuple[list[Turns], list[Harmonic]]:
    """The groups of turns that the surest harmonics leave, one by one, and those that decided."""
    planes, total = len(frame.planes), frame.components
    lattice = Lattice(total)
    for line in range(planes, total):
        lattice.add([2 * (line == c) for c in range(total)])
    chain, decisive = [lattice.turns()], []
    for each in found:
        if lattice.add(each.exponents):
            chain.append(lattice.turns())
            decisive.append(each)
    return chain, decisive


def finite_groups(chain: list[Turns]) -> list[Turns]:
    """The last few of a chain that have a finite part small enough to be told apart."""
    out: dict[object, Turns] = {}
    for turns in chain[::-1]:
        if turns.orders and turns.orders[-1] <= _LARGEST and len(turns.orders) < 4:
            out.setdefault((turns.orders, tuple(turns.angles.round(6).ravel())), turns)
    return list(out.values())[:_CANDIDATES]


def remarks(frame: Frame, turns: Turns) -> list[str]:
    """What a frame and its turns leave open."""
    notes = [
        f"Nothing tells directions apart in a subspace of dimension {block.shape[1]}: the data "
        "look round there (continuous rotation), and no finite group is claimed from it."
        for block in frame.rest
    ]
    if turns.free:
        notes.append(
            f"No harmonic up to {HIGHEST} fixes the angle in {len(turns.free)} plane(s): "
            "continuous rotation as far as these data show, and no finite group is claimed from it."
        )
    if turns.orders and turns.orders[-1] > _LARGEST:
        notes.append(f"The harmonics allow turns of order {turns.orders[-1]}, above {_LARGEST}.")
    return notes
