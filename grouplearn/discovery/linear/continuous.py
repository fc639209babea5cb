"""Continuous turns of whitened rows: proposed, judged, and said in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.evidence.actions import Action, Move, random_orthogonal
from grouplearn.discovery.evidence.engine import JointEvidence
from grouplearn.discovery.linear.data import Whitened
from grouplearn.discovery.linear.harmonics import Frame
from grouplearn.discovery.linear.jury import LinearJury
from grouplearn.discovery.linear.lattice import Turns
from grouplearn.discovery.linear.turning import skew_basis

FEW_DIMENSIONS = 6
"""Up to so many coordinates, groups and turns of any kind are proposed."""
_FACTORS = 6
_FASTEST = 2 * np.pi
_MOVED = 0.1
_INSIDE = 0.9
_KEPT = 0.1
_EQUALITIES = 24


@final
class Turning(Action):
    """The connected group that skew matrices generate.

    Every turn of round rows by other axes is a turn again, and shows nothing. What is no symmetry
    is therefore a move that bends directions: it makes a normal law about log-normal along random
    axes of the subspace that turns, and keeps all lengths.

    Args:
        algebra: (k, d, d), skew, none a combination of others, closed under the bracket.
    """

    def __init__(self, algebra: Float[np.ndarray, "k d d"]) -> None:
        self.algebra, self.dim = algebra, algebra.shape[-1]
        self.space = moved_by(algebra)

    def drawn(self, rng: np.random.Generator) -> Float[np.ndarray, "d d"]:
        """A uniformly random element: a product of turns far longer than a full one."""
        speeds = _FASTEST * rng.standard_normal((_FACTORS, len(self.algebra)))
        values, vectors = np.linalg.eigh(-1j * np.tensordot(speeds, self.algebra, 1))
        whole = (vectors * np.exp(1j * values)[:, None]) @ vectors.conj().swapaxes(1, 2)
        return np.asarray(np.linalg.multi_dot(list(np.real(whole))))

    def draw(self, rng: np.random.Generator) -> Move:
        """A uniformly random element."""
        matrix = self.drawn(rng)
        return lambda rows: np.asarray(rows @ matrix.T)

    def character(self, rng: np.random.Generator) -> float:  # noqa: ARG002
        """The dimension of what stays."""
        return float(self.dim - self.space.shape[1])

    def draw_other(self, rng: np.random.Generator) -> Move:
        """A move that bends directions."""
        return self.elsewhere(rng)

    def elsewhere(self, rng: np.random.Generator) -> Move:
        """A move that bends directions."""
        axes = self.space @ random_orthogonal(self.space.shape[1], rng)

        def move(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            own = rows @ axes
            length = np.linalg.norm(own, axis=1, keepdims=True)
            unit = np.divide(own, length, out=np.zeros_like(own), where=length > 0)
            bent = np.expm1(unit * np.sqrt(own.shape[1]))
            size = np.linalg.norm(bent, axis=1, keepdims=True)
            bent = np.divide(bent, size, out=np.zeros_like(bent), where=size > 0)
            return np.asarray(rows + (length * bent - own) @ axes.T)

        return move


@dataclass
class Continuous:
    """The continuous turns of rows that were accepted.

    Attributes:
        algebra: (k, d, d), skew matrices of norm sqrt 2 in whitened coordinates.
        findings: what the evidence said of each part of it.
        exact: is no part of it only approximate?
        notes: a sentence for each part.
    """

    algebra: Float[np.ndarray, "k d d"]
    findings: list[JointEvidence] = field(default_factory=list)
    exact: bool = True
    notes: list[str] = field(default_factory=list)

    @property
    def space(self) -> Float[np.ndarray, "d m"]:
        """Orthonormal: the subspace that turns."""
        return moved_by(self.algebra)

    def covers(self, block: Float[np.ndarray, "d m"]) -> bool:
        """Does all of a subspace turn?"""
        return bool(((self.space.T @ block) ** 2).sum() > _INSIDE * block.shape[1])

    def touched_by(self, members: Float[np.ndarray, "n d d"]) -> bool:
        """Do matrices move what turns?"""
        return moves(members, self.space)


def moves(members: Float[np.ndarray, "n d d"], block: Float[np.ndarray, "d m"]) -> bool:
    """Does a matrix move a vector of a subspace?"""
    moved = (members - np.eye(members.shape[-1])) @ block
    return bool(np.abs(moved).max(initial=0.0) > _KEPT)


def moved_by(algebra: Float[np.ndarray, "k d d"]) -> Float[np.ndarray, "d m"]:
    """An orthonormal basis of the directions that skew matrices move."""
    values, vectors = np.linalg.eigh((algebra.swapaxes(1, 2) @ algebra).sum(0))
    return np.asarray(vectors[:, values > _MOVED * max(float(values[-1]), 1e-300)])


def continuous(
    data: Whitened, frame: Frame, turns: Turns, jury: LinearJury, rng: np.random.Generator
) -> Continuous:
    """Continuous turns that the rows of even groups propose and that the evidence accepts.

    Args:
        data: the rows that propose.
        frame: lines, planes, and blocks in which nothing tells directions apart.
        turns: what harmonics leave; planes that they leave free may turn continuously.
        jury: accepts or rejects.
        rng: source of randomness.
    """
    out = Continuous(np.zeros((0, data.dim, data.dim)))
    tried: list[NDArray[np.float64]] = []
    for algebra in _proposed(data, frame, turns, rng):
        again = any(_same(algebra, each) for each in tried)
        if again or jury.expired or np.linalg.norm(out.space.T @ moved_by(algebra)) > _KEPT:
            continue
        tried.append(algebra)
        # A symmetry under turns by every angle is no accident of a few equalities.
        finding = replace(jury.asked(jury.units, Turning(algebra)), moved=_EQUALITIES)
        verdict = jury.rule.verdict(finding)
        if verdict in ("exact", "approximate"):
            out.algebra = np.concatenate([out.algebra, algebra])
            out.findings.append(finding)
            out.exact &= verdict == "exact"
            out.notes.append(_said(algebra, finding, verdict == "exact"))
    return out


def _proposed(
    data: Whitened, frame: Frame, turns: Turns, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Algebras of all turns that keep moments, then of those of single blocks and planes."""
    if 2 <= data.dim <= FEW_DIMENSIONS and not data.labels.size:
        from grouplearn.discovery.linear import propose

        found = propose.continuous(data.centred(), rng, data.weights)
        if len(found):
            yield found
    free = [frame.planes[c] for c in turns.free if c < len(frame.planes)]
    for block in [*frame.rest, *free]:
        yield block @ skew_basis(block.shape[1]) @ block.T


def _same(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Are two algebras the same, nearly?"""
    if len(first) != len(second):
        return False
    one, other = (np.linalg.qr(each.reshape(len(each), -1).T)[0] for each in (first, second))
    return bool(((one.T @ other) ** 2).sum() > _INSIDE * len(first))


def _said(algebra: NDArray[np.float64], finding: JointEvidence, exact: bool) -> str:
    count, size = len(algebra), moved_by(algebra).shape[1]
    where = "A plane turns" if size == 2 else f"A subspace of dimension {size} turns"
    how = "within noise" if exact else "approximately"
    return (
        f"{where} continuously, {how} (continuous rotation, {count} "
        f"generator{'s' if count > 1 else ''} in lie_algebra: p = {finding.p_value:.2g}, effect at "
        f"most {finding.effect_bound:.2g}); no finite group is claimed from it."
    )
