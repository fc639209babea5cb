"""Actions of finite groups by turns of planes and signs of lines; they close in any basis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.harmonics import Frame
from grouplearn.discovery.linear.lattice import Turns
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup


@dataclass(frozen=True)
class WhitenedAction:
    """An action in whitened space, orthogonal or nearly so.

    Attributes:
        basis: (d, d), orthogonal until it is moved: two columns per plane, then one per line, then
            the rest, on which the group acts trivially.
        planes: number of planes.
        lines: number of lines.
        turns: the abelian part.
        signs: of the lines under the reflection, which acts on every plane by diag(1, -1); None for
            an abelian group.
    """

    basis: Float[np.ndarray, "d d"]
    planes: int
    lines: int
    turns: Turns
    signs: tuple[int, ...] | None = None

    @classmethod
    def of(cls, frame: Frame, turns: Turns) -> WhitenedAction:
        """The abelian action of the turns on the lines and planes of a frame."""
        basis = np.concatenate([*frame.planes, *frame.lines, *frame.rest], axis=1)
        return cls(basis, len(frame.planes), len(frame.lines), turns)

    @cached_property
    def group(self) -> FiniteGroup:
        """The group that acts."""
        orders = self.turns.orders
        if self.signs is not None:
            return DihedralGroup(orders[0])
        if len(orders) > 1:
            return ProductGroup(*map(CyclicGroup, orders))
        return CyclicGroup(orders[0] if orders else 1)

    def frame(self) -> Frame:
        """The lines and planes."""
        cut = 2 * self.planes
        planes = tuple(self.basis[:, 2 * j : 2 * j + 2] for j in range(self.planes))
        lines = tuple(self.basis[:, cut + j : cut + j + 1] for j in range(self.lines))
        rest = self.basis[:, cut + self.lines :]
        return Frame(planes, lines, (rest,) if rest.shape[1] else ())

    def reflected(
        self, axes: Float[np.ndarray, " planes"], signs: tuple[int, ...]
    ) -> WhitenedAction:
        """The dihedral action whose reflection keeps the given axes of the planes."""
        basis = self.basis.copy()
        for j, angle in enumerate(axes):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            basis[:, 2 * j : 2 * j + 2] = basis[:, 2 * j : 2 * j + 2] @ turn
        return replace(self, basis=basis, signs=signs)

    def moved(self, linear: Float[np.ndarray, "d d"]) -> WhitenedAction:
        """L^-1 rho(g) L for the given L."""
        return replace(self, basis=np.linalg.solve(linear, self.basis))

    def generators(self) -> Float[np.ndarray, "m d d"]:
        """Matrices of the group's generators."""
        dim, cut = len(self.basis), 2 * self.planes
        out = []
        for angles in self.turns.angles:
            matrix = np.eye(dim)
            for j, angle in enumerate(2 * np.pi * angles):
                if j < self.planes:
                    c, s = np.cos(angle), np.sin(angle)
                    matrix[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, -s], [s, c]]
                else:
                    matrix[cut + j - self.planes, cut + j - self.planes] = np.round(np.cos(angle))
            out.append(matrix)
        if self.signs is not None:
            diagonal = np.ones(dim)
            diagonal[1:cut:2] = -1
            diagonal[cut : cut + self.lines] = self.signs
            out.append(np.diag(diagonal))
        back = np.linalg.inv(self.basis)
        return np.array([self.basis @ m @ back for m in out]).reshape(-1, dim, dim)

    def members(self) -> Float[np.ndarray, "n d d"]:
        """The matrices of all elements, in the order of the group."""
        out = [np.eye(len(self.basis))]
        for position, matrix in enumerate(self.generators()):
            size = self.turns.orders[position] if position < len(self.turns.orders) else 2
            powers = [np.linalg.matrix_power(matrix, k) for k in range(size)]
            # A reflection r^k s^f counts f slowest, a product its last factor fastest.
            pairs = (
                [(a, b) for b in powers for a in out]
                if self.signs is not None
                else [(a, b) for a in out for b in powers]
            )
            out = [a @ b for a, b in pairs]
        return np.array(out)

    @property
    def complex_rows(self) -> Complex[np.ndarray, "d d"]:
        """(d, d) unitary: a pair z, conj z per plane, real coordinates else."""
        rows = np.eye(len(self.basis), dtype=np.complex128)
        for j in range(self.planes):
            rows[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = np.array([[1, 1j], [1, -1j]]) / np.sqrt(2)
        return rows

    def charges(self) -> Float[np.ndarray, "factors d"]:
        """Fractions of a turn by which each complex coordinate moves under each factor."""
        out = np.zeros((len(self.turns.orders), len(self.basis)))
        cut = 2 * self.planes
        angles = self.turns.angles
        out[:, 0:cut:2], out[:, 1:cut:2] = angles[:, : self.planes], -angles[:, : self.planes]
        out[:, cut : cut + self.lines] = angles[:, self.planes :]
        return out

    def parities(self) -> NDArray[np.int64]:
        """(d,) signs of the lines under the reflection; +1 for the coordinates of planes."""
        out = np.ones(len(self.basis), dtype=np.int64)
        cut = 2 * self.planes
        out[cut : cut + self.lines] = self.signs if self.signs is not None else 1
        return out
