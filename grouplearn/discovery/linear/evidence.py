"""How far data are from being kept by given matrices, and what sampling noise alone would do."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.data import Whitened, wild_p_value
from grouplearn.discovery.linear.fit import nearest_orthogonal
from grouplearn.discovery.linear.harmonics import group_harmonics
from grouplearn.discovery.linear.tensors import group_moments, mean_moments, turn
from grouplearn.discovery.result import Evidence, Verdict

SMALL = 0.1
GAP = 3.0
_FREQUENCIES = 192
_LEAST = 0.25
_SCALES = (1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Differences:
    """One kind of evidence against a set of generators.

    Attributes:
        parts: per generator (B, M): rho M_b - M_b.
        size: the length of the part of the mean of M_b that touches what moves.
    """

    parts: list[NDArray[np.float64]]
    size: float

    def merged(self, other: Differences) -> Differences:
        """Both, relative to their sizes."""
        mine = 1 / max(self.size, 1e-300) if self.size else 0.0
        theirs = 1 / max(other.size, 1e-300) if other.size else 0.0
        parts = [
            np.concatenate([a * mine, b * theirs], axis=1)
            for a, b in zip(self.parts, other.parts, strict=True)
        ]
        return Differences(parts, math.sqrt(2.0))


class LinearJudge:
    """Holds data against which actions are judged.

    Each kind of evidence is a vector M_b of means over each group b of rows; a matrix acts on it.
    The differences D_b = rho M_b - M_b have mean zero for a symmetry; random signs of them tell how
    long their sum would then be. The violation is |mean D| / |M - M'|, M' being the part of M that
    does not touch the directions that rho moves: what moves little is not thereby a symmetry.

    Args:
        data: whitened rows; those of one group may depend on one another.
        max_moment: 2, 3 or 4: the orders of moments to look at; from 3 on also, as kind "kernel",
            the characteristic function at random frequencies and the harmonics that are known.
        level: of the sign-flip test, over all kinds together.
        seed: of signs and frequencies.
    """

    def __init__(self, data: Whitened, max_moment: int, level: float, seed: int) -> None:
        self._data, self._seed = data, seed
        self.kinds = [f"order {k}" for k in range(2, min(max_moment, 4) + 1)]
        self.kinds += ["kernel"] if max_moment > 2 else []
        self.level = level / len(self.kinds)
        self.harmonics: list[tuple[int, ...]] = []
        scales = np.repeat(_SCALES, _FREQUENCIES // len(_SCALES)) / np.sqrt(data.dim)
        rng = np.random.default_rng(seed)
        self._frequencies = rng.standard_normal((data.dim, len(scales))) * scales
        self._groups = group_moments(data)
        self._mean = mean_moments(self._groups)
        self._plain = self._characteristic(np.eye(data.dim)) if max_moment > 2 else np.empty(0)

    def judge(self, action: WhitenedAction) -> tuple[Evidence, ...]:
        """One entry per kind for an action, with no candidate outside."""
        return self.evidence(action.generators(), action.members().mean(0), action)

    def member(
        self, kind: str, matrix: Float[np.ndarray, "d d"], fixed: Float[np.ndarray, "d d"]
    ) -> Evidence:
        """One kind of evidence on one element of a group."""
        return self._weigh(kind, self._of(kind, matrix[None], fixed))

    def evidence(
        self,
        matrices: Float[np.ndarray, "m d d"],
        fixed: Float[np.ndarray, "d d"],
        action: WhitenedAction | None = None,
    ) -> tuple[Evidence, ...]:
        """One entry per kind, with no candidate outside.

        Args:
            matrices: rho of the generators, in whitened coordinates.
            fixed: the projection on the vectors that all of them fix.
            action: the same as turns and signs, so that harmonics can be asked.
        """
        out = []
        for kind in self.kinds:
            found = self._of(kind, matrices, fixed)
            if kind == "kernel" and action is not None and self.harmonics:
                found = found.merged(self._of_harmonics(action))
            out.append(self._weigh(kind, found))
        return tuple(out)

    def verdict(self, evidence: Evidence) -> Verdict:
        """Exact within the noise, approximate, or rejected."""
        if not evidence.p_value <= self.level:
            return "exact"
        return "approximate" if evidence.violation <= SMALL and evidence.gap >= GAP else "rejected"

    def _weigh(self, kind: str, found: Differences) -> Evidence:
        if not found.parts or found.size == 0:
            return Evidence(kind, 0.0, 0.0, math.nan, math.inf, "exact")
        lengths = [float(np.linalg.norm(part.mean(0))) / found.size for part in found.parts]
        noises = [math.sqrt(float((p**2).sum())) / len(p) / found.size for p in found.parts]
        p = wild_p_value(np.concatenate(found.parts, axis=1), np.random.default_rng(self._seed))
        out = Evidence(kind, max(lengths), max(noises), p, math.inf, "rejected")
        return replace(out, verdict=self.verdict(out))

    def _of(
        self, kind: str, matrices: NDArray[np.float64], fixed: NDArray[np.float64]
    ) -> Differences:
        if kind == "kernel":
            return self._of_characteristic(matrices, fixed)
        return self._of_moments(kind, matrices, fixed)

    def _of_moments(
        self, kind: str, matrices: NDArray[np.float64], fixed: NDArray[np.float64]
    ) -> Differences:
        parts = []
        for matrix in matrices:
            o = nearest_orthogonal(matrix)
            rows = []
            for moments, spread in zip(self._groups, self._data.spreads, strict=True):
                if kind == "order 2":
                    moved = turn(moments.first, o)
                    moved[0] = matrix @ moments.first[0]
                    wide = matrix @ spread @ matrix.T - spread
                    second = turn(moments.second, o) - moments.second
                    each = [moved - moments.first, second, wide]
                else:
                    tensor = moments.third if kind == "order 3" else moments.fourth
                    each = [turn(tensor, o) - tensor]
                rows.append(np.concatenate([part.ravel() for part in each]))
            parts.append(np.array(rows))
        mean = self._mean
        tensors = {
            "order 2": [mean.first, mean.second], "order 3": [mean.third], "order 4": [mean.fourth]
        }[kind]  # fmt: skip
        square = sum(float(((t - turn(t, fixed)) ** 2).sum()) for t in tensors)
        return Differences(parts, math.sqrt(square))

    def _of_characteristic(
        self, matrices: NDArray[np.float64], fixed: NDArray[np.float64]
    ) -> Differences:
        parts = [
            self._characteristic(nearest_orthogonal(matrix)) - self._plain for matrix in matrices
        ]
        size = float(np.linalg.norm((self._plain - self._characteristic(fixed)).mean(0)))
        return Differences(parts, size)

    def _characteristic(self, matrix: NDArray[np.float64]) -> Float[np.ndarray, "groups size"]:
        """Means of f cos and f sin of w . (matrix y), f = 1 and the functions of the label."""
        data, starts = self._data, self._data.starts
        frequencies = (matrix.T @ self._frequencies).astype(np.float32)
        factors = np.concatenate([np.ones((len(data.rows), 1)), data.labels], axis=1)
        factors *= data.weights[:, None]
        out = []
        for start, end in pairwise(starts):
            # Single precision: its rounding is far below the noise of sampling.
            angle = data.rows[start:end].astype(np.float32) @ frequencies
            f = (factors[start:end].T / (end - start)).astype(np.float32)
            out.append(np.concatenate([f @ np.cos(angle), f @ np.sin(angle)]).ravel())
        return np.array(out, dtype=np.float64)

    def _of_harmonics(self, action: WhitenedAction) -> Differences:
        keys = np.array(self.harmonics)
        values = group_harmonics(self._data, action.frame(), self.harmonics)
        lengths = np.linalg.norm(values.mean(0), axis=1)
        moves = (action.turns.angles != 0).any(0)
        if action.signs is not None:
            moves |= np.array([*[-1] * action.planes, *action.signs]) < 0
        touched = (keys[:, moves] != 0).any(1)
        # Where all that moves is odd nothing would be left to compare with.
        least = _LEAST * float(np.linalg.norm(lengths))
        size = max(float(np.linalg.norm(lengths[touched])), least)
        moved = [values * np.exp(2j * np.pi * (keys @ a))[:, None] for a in action.turns.angles]
        if action.signs is not None:
            signs = np.array(action.signs)
            parity = np.where(keys[:, action.planes :], signs, 1).prod(1)
            moved.append(values.conj() * parity[:, None])
        parts = [_real(each - values) for each in moved]
        return Differences(parts, size)


def _real(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    flat = values.reshape(len(values), -1)
    return np.concatenate([flat.real, flat.imag], axis=1)
