"""Real spherical harmonics of directions in space, and how rotations act on their coefficients."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.basis import Basis

DEGREE = 16
SIZE = (DEGREE + 1) ** 2 - 1
DEGREES = np.repeat(np.arange(1, DEGREE + 1), 2 * np.arange(1, DEGREE + 1) + 1)
ORDERS = np.concatenate([np.arange(-d, d + 1) for d in range(1, DEGREE + 1)])
PARITY = 1.0 - 2.0 * (DEGREES % 2)
OPPOSITE = np.arange(SIZE) - 2 * ORDERS
"""Where the function of order -m stands."""
_BLOCKS = [slice(d**2 - 1, (d + 1) ** 2 - 1) for d in range(1, DEGREE + 1)]


def spherical_harmonics(rows: Float[np.ndarray, "rows 3"]) -> Float[np.ndarray, "rows 288"]:
    """Real spherical harmonics Y_lm, l = 1 to 16, of the directions y / |y|.

    Entry l^2 + l + m - 1 holds cos(m phi) for m >= 0 and sin(|m| phi) for m < 0 times the
    associated Legendre function; the mean of each square over the sphere is 1. A row of length 0
    counts as the north pole.

    Args:
        rows: (N, 3), any lengths.

    Returns:
        (N, 288).

    Cost:
        O(288 N) time and memory.

    References:
        Holmes and Featherstone, A unified approach to the Clenshaw summation and the recursive
        computation of very high degree and order normalised associated Legendre functions (2002).

    Example:
        >>> spherical_harmonics(np.array([[0.0, 0.0, 2.0]]))[0, :3].round(3).tolist()
        [0.0, 1.732, 0.0]
    """
    length = np.linalg.norm(rows, axis=1)
    unit = rows.T / np.maximum(length, 1e-300)
    z = np.where(length > 0, unit[2], 1.0)
    out = np.empty((SIZE, len(rows)))
    turn, power, diagonal = unit[0] + 1j * unit[1], np.ones(len(rows), dtype=np.complex128), 1.0
    for m in range(DEGREE + 1):
        if m:
            power = power * turn
            diagonal *= np.sqrt((2 * m + 1) / (2 * m) * (2 if m == 1 else 1))
        before, here = np.zeros(len(rows)), np.full(len(rows), diagonal)
        for d in range(m, DEGREE + 1):
            if d > m:
                up = np.sqrt((4 * d**2 - 1) / (d**2 - m**2))
                down = np.sqrt(((d - 1) ** 2 - m**2) / (4 * (d - 1) ** 2 - 1))
                before, here = here, up * (z * here - down * before)
            if d:
                np.multiply(here, power.real, out=out[d**2 + d + m - 1])
            if m:
                np.multiply(here, power.imag, out=out[d**2 + d - m - 1])
    return out.T


def rotated(
    coefficients: Float[np.ndarray, "*b k 288"], rotations: Float[np.ndarray, "b 3 3"]
) -> Float[np.ndarray, "b k 288"]:
    """Means of the harmonics of F y, from those of y: D(F) a.

    With F = Rz(c) Ry(b) Rz(a) in Euler's angles, a turn about z multiplies a_lm + i a_l,-m by
    exp(i m c), and Ry(b) is Rz(b) between two fixed quarter turns, whose matrices are computed
    once.

    Args:
        coefficients: (k, 288) for all rotations, or (b, k, 288), one for each.
        rotations: (b, 3, 3) of determinant 1.

    Cost:
        O(b k 10^4) time.

    References:
        Ivanic and Ruedenberg, Rotation matrices for real spherical harmonics (1996); Pinchon and
        Hoggan, Rotation matrices for real spherical harmonics: general rotations of atomic
        orbitals in space-fixed axes (2007).

    Example:
        >>> quarter = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
        >>> y = np.array([[0.3, -1.0, 0.5]])
        >>> np.allclose(rotated(spherical_harmonics(y), quarter)[0],
        ...             spherical_harmonics(y @ quarter[0].T))
        True
    """
    first, middle, last = _euler(rotations)
    shape = (len(rotations), *coefficients.shape[-2:])
    out = _turned(np.broadcast_to(coefficients, shape), first)
    out = _turned(_quarter_turned(out, False), middle)
    return _turned(_quarter_turned(out, True), last)


@lru_cache(maxsize=1)
def sphere() -> Basis:
    """The harmonics of degree 1 to 16."""
    z = np.zeros((SIZE, SIZE))
    z[np.arange(SIZE), OPPOSITE] = -ORDERS
    quarter = np.zeros((SIZE, SIZE))
    for block, matrix in zip(_BLOCKS, _quarter(), strict=True):
        quarter[block, block] = matrix
    y = quarter.T @ z @ quarter
    turn = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    about_z = rotated(np.eye(SIZE), turn)[0].T
    about = np.stack([about_z.T @ y @ about_z, y, z])
    blocks = tuple(about[:, block, block] for block in _BLOCKS)
    return Basis(3, DEGREES, spherical_harmonics, _moved, blocks)


def _moved(coefficients: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    signs = np.sign(np.linalg.det(matrices))[:, None, None]
    out = rotated(coefficients, signs * matrices)
    return np.where(signs < 0, PARITY, 1.0) * out


def frames(axes: Float[np.ndarray, "b 3"]) -> Float[np.ndarray, "b 3 3"]:
    """Rotations F with F n = z for unit vectors n."""
    azimuth = np.arctan2(axes[:, 1], axes[:, 0])
    polar = np.arctan2(np.hypot(axes[:, 0], axes[:, 1]), axes[:, 2])
    ca, sa, cp, sp = np.cos(azimuth), np.sin(azimuth), np.cos(polar), np.sin(polar)
    rows = [[cp * ca, cp * sa, -sp], [-sa, ca, 0 * ca], [sp * ca, sp * sa, cp]]
    return np.array(rows).transpose(2, 0, 1)


def half_sphere(count: int) -> Float[np.ndarray, "count 3"]:
    """Nearly even directions on the upper half sphere (a Fibonacci lattice)."""
    z = (np.arange(count) + 0.5) / count
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    return np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], 1)


def _euler(rotations: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Angles a, b, c with F = Rz(c) Ry(b) Rz(a)."""
    sine = np.hypot(rotations[:, 2, 0], rotations[:, 2, 1])
    middle = np.arctan2(sine, rotations[:, 2, 2])
    plain = sine < 1e-12
    first = np.where(plain, 0, np.arctan2(rotations[:, 2, 1], -rotations[:, 2, 0]))
    # At the poles only the sum of both turns counts (or their difference, below).
    pole = np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1])
    last = np.where(plain, pole, np.arctan2(rotations[:, 1, 2], rotations[:, 0, 2]))
    return first, middle, last


def _turned(coefficients: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turns about z."""
    phases = angles[:, None] * ORDERS
    moved = coefficients * np.cos(phases)[:, None]
    moved -= coefficients[..., OPPOSITE] * np.sin(phases)[:, None]
    return moved


def _quarter_turned(coefficients: NDArray[np.float64], back: bool) -> NDArray[np.float64]:
    out = np.empty_like(coefficients)
    for block, matrix in zip(_BLOCKS, _quarter(), strict=True):
        out[..., block] = coefficients[..., block] @ (matrix if back else matrix.T)
    return out


@lru_cache(maxsize=1)
def _quarter() -> tuple[NDArray[np.float64], ...]:
    """The matrices of the quarter turn that takes y to z, one per degree, by least squares."""
    turn = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    points = half_sphere(700) * np.where(np.arange(700) % 2, 1.0, -1.0)[:, None]
    here, there = spherical_harmonics(points), spherical_harmonics(points @ turn.T)
    out = []
    for block in _BLOCKS:
        near = np.linalg.lstsq(here[:, block], there[:, block], rcond=None)[0].T
        left, _, right = np.linalg.svd(near)
        out.append(left @ right)
    return tuple(out)
