"""Candidates for a linear action: split, harmonics, lattice, and what the data say of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from grouplearn.discovery.evidence.engine import JointEvidence
from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.continuous import FEW_DIMENSIONS, Continuous, continuous, moves
from grouplearn.discovery.linear.data import Whitened
from grouplearn.discovery.linear.harmonics import HIGHEST, Frame, Harmonic, harmonics
from grouplearn.discovery.linear.jury import LinearJury
from grouplearn.discovery.linear.lattice import Lattice, Turns
from grouplearn.discovery.linear.proposed import Proposed
from grouplearn.discovery.linear.refine import polished
from grouplearn.discovery.linear.reflect import reflected
from grouplearn.discovery.linear.spectrum import COMPATIBLE
from grouplearn.discovery.linear.split import split
from grouplearn.discovery.linear.tensors import WeightedMoments, group_moments
from grouplearn.discovery.result import Verdict

_CANDIDATES = 5
_LARGEST = 12
_ROUGH = 0.2
_FINE = 0.025
_PROPOSALS = 10
_STRAYED = 2.0


@dataclass(frozen=True)
class Candidate:
    """An action and what the rows say of it.

    Attributes:
        action: in whitened coordinates.
        finding: of the jury.
        verdict: by the rule.
    """

    action: WhitenedAction | Proposed
    finding: JointEvidence
    verdict: Verdict

    @property
    def accepted(self) -> bool:
        """Is it a symmetry, exact or nearly so?"""
        return self.verdict in ("exact", "approximate")


@dataclass
class LinearSearch:
    """What a search has found so far.

    Attributes:
        jury: of all rows.
        frame: lines and planes, before any refinement.
        last: what all harmonics together leave.
        turning: what turns continuously; finite groups act on the other directions.
        candidates: the judged, from small groups to large ones.
        notes: sentences for the user.
    """

    jury: LinearJury
    frame: Frame
    last: Turns
    turning: Continuous
    candidates: list[Candidate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, action: WhitenedAction | Proposed, *, effects: bool = True) -> Candidate:
        """Hold an action against the rows."""
        found = self.jury.finding(action.members(), effects=effects, rejected=_is_rejected(action))
        return Candidate(action, found, self.jury.rule.verdict(found))


def search(data: Whitened, jury: LinearJury, rng: np.random.Generator) -> LinearSearch:
    """Propose groups on the rows of even groups, place and judge them on all rows.

    Harmonics that survive forbid turns. Taken in the order of their significance they leave a
    chain of smaller and smaller groups, among which the last few are refined and judged. In few
    dimensions any finite group is proposed besides, by registering moments with themselves.

    Args:
        data: all rows.
        jury: of all rows.
        rng: source of randomness.
    """
    proposing = data.half(0)
    groups = group_moments(data)
    blocks = split(groups[::2], rng).blocks
    frame = Frame(
        tuple(b for b in blocks if b.shape[1] == 2),
        tuple(b for b in blocks if b.shape[1] == 1),
        tuple(b for b in blocks if b.shape[1] > 2),
    )
    chain = _chain(frame, harmonics(proposing, frame))
    out = LinearSearch(jury, frame, chain[-1], continuous(proposing, frame, chain[-1], jury, rng))
    actions: Iterator[WhitenedAction | Proposed] = itertools.chain(
        _turned(data, frame, chain, groups), _proposed(proposing, rng)
    )
    for action in actions:
        if jury.expired:
            out.notes.append("The time budget ended before every candidate was judged.")
            break
        if not out.turning.touched_by(action.members()):
            out.candidates.append(out.judge(sharp(action, jury)))
    out.candidates.sort(key=lambda each: each.action.group.order)
    return out


def sharp(action: WhitenedAction | Proposed, jury: LinearJury) -> WhitenedAction | Proposed:
    """An action in the basis in which the rows keep it best; as it is where they reject it."""
    if _is_rejected(action):
        return action
    return action.moved(jury.sharper(action.members()))


def _is_rejected(action: WhitenedAction | Proposed) -> bool:
    """Do the rows that proposed an action reject it?"""
    return isinstance(action, Proposed) and action.excess >= COMPATIBLE


def _turned(
    data: Whitened, frame: Frame, chain: list[Turns], groups: list[WeightedMoments]
) -> Iterator[WhitenedAction]:
    """Turns that the harmonics allow, refined, and with a reflection where there is one."""
    proposing = data.half(0)
    for turns in finite_groups(chain):
        proposed = WhitenedAction.of(frame, turns)
        action = polished(proposed, groups)
        if _strays(action, proposed):
            continue
        yield action
        if turns.order > 2:
            mirrored = reflected(action, harmonics(proposing, action.frame()), _ROUGH)
            if mirrored is not None:
                mirrored = polished(mirrored, groups)
                # Phases of all rows place the axes more finely than low moments do.
                mirrored = reflected(mirrored, harmonics(data, mirrored.frame()), _FINE)
            if mirrored is not None:
                yield mirrored


def _strays(action: WhitenedAction, proposed: WhitenedAction) -> bool:
    """Does it act on other directions than those for which it was proposed?"""
    apart = np.linalg.norm(action.members() - proposed.members(), axis=(1, 2))
    return bool(apart.max(initial=0.0) > _STRAYED)


def _proposed(data: Whitened, rng: np.random.Generator) -> Iterator[Proposed]:
    """Groups of any kind, in few dimensions and without labels."""
    if not 2 <= data.dim <= FEW_DIMENSIONS or data.labels.size:
        return
    from grouplearn.discovery.linear.propose import propose

    yield from map(Proposed.of, propose(data.centred(), rng, data.weights)[:_PROPOSALS])


def _chain(frame: Frame, found: list[Harmonic]) -> list[Turns]:
    """The groups of turns that the surest harmonics leave, one by one."""
    planes, total = len(frame.planes), frame.components
    lattice = Lattice(total)
    for line in range(planes, total):
        lattice.add([2 * (line == c) for c in range(total)])
    chain = [lattice.turns()]
    for each in found:
        if lattice.add(each.exponents):
            chain += [lattice.turns()]
    return chain


def finite_groups(chain: list[Turns]) -> list[Turns]:
    """The last few of a chain that have a finite part small enough to be told apart."""
    out: dict[object, Turns] = {}
    for turns in chain[::-1]:
        if turns.orders and turns.orders[-1] <= _LARGEST and len(turns.orders) < 4:
            out.setdefault((turns.orders, tuple(turns.angles.round(6).ravel())), turns)
    return list(out.values())[:_CANDIDATES]


def remarks(
    frame: Frame, turns: Turns, turning: Continuous, members: Float[np.ndarray, "n d d"]
) -> list[str]:
    """What turns continuously, and what a frame and its turns leave open.

    Args:
        frame: lines and planes, and the subspaces in which nothing tells directions apart.
        turns: of the claimed group, or those that all harmonics leave.
        turning: what turns continuously.
        members: what is claimed; of the subspaces that it moves a finite group is known.
    """
    notes = turning.notes + [
        f"Nothing tells directions apart in a subspace of dimension {block.shape[1]}: the data "
        "look round there (continuous rotation), and no finite group is claimed from it."
        for block in frame.rest
        if not turning.covers(block) and not moves(members, block)
    ]
    planes = [frame.planes[c] for c in turns.free if c < len(frame.planes)]
    free = sum(not turning.covers(plane) and not moves(members, plane) for plane in planes)
    if free:
        notes.append(
            f"No harmonic up to {HIGHEST} fixes the angle in {free} plane(s): "
            "continuous rotation as far as these data show, and no finite group is claimed from it."
        )
    if turns.orders and turns.orders[-1] > _LARGEST:
        notes.append(f"The harmonics allow turns of order {turns.orders[-1]}, above {_LARGEST}.")
    return notes
