"""Lines and planes of a given orthogonal action of a cyclic or dihedral group."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.action import WhitenedAction
from grouplearn.discovery.linear.lattice import Turns
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup


def fitted(group: FiniteGroup, matrices: Float[np.ndarray, "m d d"]) -> WhitenedAction | None:
    """The given action as turns of planes and signs of lines.

    Args:
        group: any; only cyclic groups and dihedral groups of order above 2 are fitted.
        matrices: of its generators, in whitened coordinates; those of an action that does not keep
            the covariance are replaced by the nearest orthogonal ones.

    Returns:
        The action, or None for other groups.
    """
    if not isinstance(group, CyclicGroup | DihedralGroup) or (
        group.order < 3 and len(matrices) != 1
    ):
        return None
    dihedral = isinstance(group, DihedralGroup)
    if dihedral and len(matrices) != 2:
        return None
    n = group.order // 2 if dihedral else group.order
    turn = nearest_orthogonal(matrices[0])
    mirror = nearest_orthogonal(matrices[1]) if dihedral else None
    values, vectors = np.linalg.eigh((turn + turn.T) / 2)
    frequencies = np.round(np.arccos(np.clip(values, -1, 1)) * n / (2 * np.pi)).astype(int)
    planes: list[tuple[NDArray[np.float64], int]] = []
    lines: list[tuple[NDArray[np.float64], int, int]] = []
    for k in np.unique(frequencies):
        space = vectors[:, frequencies == k]
        if 2 * k % n == 0:
            lines += _lines(space, int(k), mirror)
        elif space.shape[1] % 2:
            return None
        else:
            planes += [(pair, int(k)) for pair in _planes(space, turn, mirror)]
    basis = np.linalg.qr(
        np.concatenate([*(p for p, _ in planes), *(v for v, _, _ in lines)], axis=1)
    )
    aligned = basis[0] * np.sign(np.diagonal(basis[1]))
    angles = np.array([[*(k / n for _, k in planes), *(k / n for _, k, _ in lines)]])
    signs = tuple(s for _, _, s in lines) if dihedral else None
    return WhitenedAction(aligned, len(planes), len(lines), Turns((n,), angles, ()), signs)


def nearest_orthogonal(matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """The polar factor."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def _lines(
    space: NDArray[np.float64], frequency: int, mirror: NDArray[np.float64] | None
) -> list[tuple[NDArray[np.float64], int, int]]:
    """Lines on which the mirror is a sign."""
    signs = np.ones(space.shape[1])
    if mirror is not None:
        inner = space.T @ mirror @ space
        signs, own = np.linalg.eigh((inner + inner.T) / 2)
        space = space @ own
    return [(space[:, j : j + 1], frequency, 1 if sign > 0 else -1) for j, sign in enumerate(signs)]


def _planes(
    space: NDArray[np.float64], turn: NDArray[np.float64], mirror: NDArray[np.float64] | None
) -> list[NDArray[np.float64]]:
    """Pairs v, J v, J being the sense of the turn; the mirror keeps v."""
    inner = space.T @ turn @ space
    sense = nearest_orthogonal(inner - inner.T)
    start = np.eye(len(sense))
    if mirror is not None:
        reflection = space.T @ mirror @ space
        start = np.linalg.eigh((reflection + reflection.T) / 2)[1][:, ::-1]
    out: list[NDArray[np.float64]] = []
    used = np.zeros((len(sense), 0))
    for _ in range(len(sense) // 2):
        rest = start - used @ (used.T @ start)
        # Mirrored vectors come first; any vector will do without a mirror.
        candidates = rest[:, : len(sense) // 2] if mirror is not None else rest
        v = candidates[:, np.argmax(np.linalg.norm(candidates, axis=0))]
        v = v / np.linalg.norm(v)
        used = np.concatenate([used, v[:, None], (sense @ v)[:, None]], axis=1)
        out.append(space @ used[:, -2:])
    return out
