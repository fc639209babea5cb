"""Finite groups of orthogonal matrices in a standard position, and where they are placed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.basis import Basis
from grouplearn.discovery.linear.proposals import closure
from grouplearn.discovery.linear.spectrum import Spectrum
from grouplearn.discovery.linear.turning import skew_basis

_LARGEST = 768
_STEPS = 8
_SETTLED = 1e-5


@final
@dataclass(frozen=True, eq=False)
class Ideal:
    """A finite group of orthogonal matrices, exact to rounding.

    Attributes:
        basis: the harmonics in which its invariants are counted.
        label: its symbol.
        generators: matrices that generate it.
        about: the frame is sought by turns about the first so many axes; 2 for groups of turns
            about z, all by default.
        known: all elements, where they are known already.
    """

    basis: Basis
    label: str
    generators: tuple[NDArray[np.float64], ...]
    about: int | None = None
    known: NDArray[np.float64] | None = None

    @cached_property
    def matrices(self) -> Float[np.ndarray, "n d d"]:
        """All elements, the identity first."""
        return closure(self.generators, _LARGEST) if self.known is None else self.known

    @cached_property
    def invariants(self) -> Float[np.ndarray, "k p"]:
        """Orthonormal columns: the coefficients that the group keeps."""
        size = len(self.basis.degrees)
        total = np.zeros((size, size))
        for matrix in self.generators:
            total += self.basis.rotate(np.eye(size), matrix[None])[0] / len(self.generators)
        columns = []
        for own in self.basis.slices:
            part = total[own, own]
            values, vectors = np.linalg.eigh((part + part.T) / 2)
            fixed = np.zeros((size, int((values > 1 - 1e-7).sum())))
            fixed[own] = vectors[:, values > 1 - 1e-7]
            columns.append(fixed)
        return np.concatenate(columns, axis=1)


@final
@dataclass(frozen=True, eq=False)
class Placed:
    """A group and where it stands.

    Attributes:
        ideal: the group in its standard position.
        frame: (d, d) rotation F; the group acts as F^T g F.
        share: of the energy, as far as the search knows it.
    """

    ideal: Ideal
    frame: Float[np.ndarray, "d d"]
    share: float

    @property
    def matrices(self) -> Float[np.ndarray, "n d d"]:
        """All elements."""
        return np.asarray(self.frame.T @ self.ideal.matrices @ self.frame)

    @property
    def generators(self) -> Float[np.ndarray, "m d d"]:
        """A few that generate them."""
        return np.asarray(self.frame.T @ np.stack(self.ideal.generators) @ self.frame)

    @property
    def invariants(self) -> Float[np.ndarray, "k p"]:
        """Orthonormal columns: the coefficients that the group keeps where it stands."""
        rows = self.ideal.invariants.T
        return self.ideal.basis.rotate(rows, self.frame.T[None])[0].T

    def fitted(self, spectrum: Spectrum) -> Placed:
        """The group where it loses least of the energy nearby."""
        start = self.frame[None]
        frame = fitted_frames(spectrum.compressed(), start, self.ideal)[0][0]
        return replace(self, frame=frame)


def fitted_frames(
    coefficients: Float[np.ndarray, "q k"], rotations: Float[np.ndarray, "b d d"], ideal: Ideal
) -> tuple[Float[np.ndarray, "b d d"], Float[np.ndarray, " b"]]:
    """Frames in which a group loses as little energy as it can.

    Damped Gauss-Newton steps F <- exp(X) F over turns X.

    Args:
        coefficients: whose energy counts.
        rotations: (b, d, d), where to start.
        ideal: the group.

    Returns:
        The frames, and the energy each loses.
    """
    from scipy.linalg import expm

    basis, invariants = ideal.basis, ideal.invariants

    def lose(moved: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(moved - moved @ invariants @ invariants.T)

    turns = skew_basis(basis.dim)[: ideal.about]
    best, moved = rotations, basis.rotate(coefficients, rotations)
    rest = lose(moved)
    lost = (rest**2).sum((1, 2))
    damping = np.full(len(best), 1e-3)
    for _ in range(_STEPS):
        slopes = lose(basis.turned(moved)[: len(turns)].swapaxes(0, 1))
        flat = slopes.reshape(len(best), len(turns), -1)
        gradient = flat @ rest.reshape(len(best), -1, 1)
        gram = flat @ flat.swapaxes(1, 2)
        size = np.trace(gram, axis1=1, axis2=2) / len(turns)
        ridge = (damping * size + 1e-300)[:, None, None] * np.eye(len(turns))
        steps = -np.linalg.solve(gram + ridge, gradient)[..., 0]
        tried = expm(np.tensordot(steps, turns, 1)) @ best
        tried_moved = basis.rotate(coefficients, tried)
        tried_rest = lose(tried_moved)
        tried_lost = (tried_rest**2).sum((1, 2))
        better = tried_lost < lost
        damping = np.where(better, damping / 10, damping * 10)
        wide = better[:, None, None]
        settled = bool((tried_lost > (1 - _SETTLED) * lost).all())
        best, moved = np.where(wide, tried, best), np.where(wide, tried_moved, moved)
        rest, lost = np.where(wide, tried_rest, rest), np.where(better, tried_lost, lost)
        if settled:
            break
    return best, lost
