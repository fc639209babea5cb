"""From approximate generators of C_n or D_n to the basis in which they act by exact rotations.

Write f for the function that sends an eigenvalue to the nearest n-th root of unity. f is locally
constant, so f(A) = sum_k w^k E_k with E_k the spectral projector of the eigenvalues near w^k: it
closes exactly, commutes with every change of basis (unitarising before or after makes no
difference) and, to first order, keeps only the part of an error that mixes different roots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from grouplearn.errors import ClosureError
from grouplearn.groups import DihedralGroup, FiniteGroup, real_irreps
from grouplearn.groups.irreps import turns

_Real = NDArray[np.float64]
_ILL = 1e3
"""Condition numbers of eigenvectors beyond which the rounding of float32 moves eigenvalues much."""


def round_generators(
    who: str, group: FiniteGroup, generators: _Real
) -> tuple[tuple[int, ...], _Real]:
    """Multiplicities of the real irreps, and a basis P, of the exact representation nearby.

    Args:
        who: name of the caller, for errors.
        group: cyclic or dihedral.
        generators: (m, d, d) approximate generators.

    Returns:
        One multiplicity per irrep of `real_irreps(group)`, and P (d, d), whose columns are ordered
        by irrep, pairs side by side.

    Raises:
        GroupError: the group is neither cyclic nor dihedral.
        ClosureError: an eigenvalue is nearer to zero than to the unit circle, or is real and lies
            between two roots of unity.

    References:
        Higham, Functions of Matrices (2008), sections 1.5 and 5.1 (matrix sign function).
    """
    n = turns(who, group)
    try:
        scale = _balance(generators)
        counts, basis = _rounded(who, group, n, generators * scale / scale[:, None])
    except np.linalg.LinAlgError as problem:
        raise ClosureError(
            f"{who}: generators must be of matrices that can be told from singular ones, got some "
            f"that cannot ({problem}); train them with invertibility_loss"
        ) from problem
    return counts, scale[:, None] * basis


def _balance(generators: _Real) -> _Real:
    """Powers of two by which coordinates are divided, so that no row outweighs its column."""
    if not len(generators):
        return np.ones(generators.shape[-1])
    _, _, _, scale, _ = scipy.linalg.lapack.dgebal(np.abs(generators).sum(0), scale=1, permute=0)
    return np.asarray(scale, dtype=np.float64)


def _rounded(
    who: str, group: FiniteGroup, n: int, generators: _Real
) -> tuple[tuple[int, ...], _Real]:
    """What `round_generators` returns, of balanced generators."""
    turn = generators[0] if n > 1 else np.eye(generators.shape[-1])
    _check_eigenvalues(who, turn, n)
    spaces = [_eigenspace(turn, n, f) for f in range(n // 2 + 1)]
    if isinstance(group, DihedralGroup):
        exact = _assemble(n, spaces)
        reflection = _involution(who, exact, generators[-1], n)
        blocks = _split_by_reflection(n, spaces, exact, reflection)
    else:
        blocks = [_as_pairs(space) for space in spaces]
    dims = [irrep.dim for irrep in real_irreps(group)]
    counts = tuple(b.shape[1] // d for b, d in zip(blocks, dims, strict=True))
    if sum(block.shape[1] for block in blocks) != generators.shape[-1]:
        condition = np.linalg.cond(np.linalg.eig(turn)[1])
        raise ClosureError(
            f"{who}: the irreps must fill all {generators.shape[-1]} dimensions, got "
            f"{sum(block.shape[1] for block in blocks)} in a basis of condition number "
            f"{condition:.2g}; take float64, or a basis nearer to orthogonal"
        )
    return counts, np.concatenate(blocks, axis=1)


def _eigenspace(turn: _Real, n: int, frequency: int) -> NDArray[Any]:
    """Orthonormal basis of the invariant subspace of eigenvalues near exp(-2 pi i frequency / n).

    Real (d, count) for frequencies 0 and n / 2, else complex (d, count).
    """
    own_conjugate = 2 * frequency % n == 0

    def belongs(value: complex) -> bool:
        return _nearest_root(value, n) == frequency and (own_conjugate or value.imag < 0)

    return _leading_schur_vectors(turn, belongs, real=own_conjugate)


def _nearest_root(value: complex, n: int) -> int:
    """The frequency of the n-th root of unity nearest in angle, up to conjugation."""
    return int(np.floor(n * abs(np.angle(value)) / (2 * np.pi) + 0.5))


def _check_eigenvalues(who: str, turn: _Real, n: int) -> None:
    for value in np.linalg.eigvals(turn):
        if abs(value) < 0.5:
            raise ClosureError(
                f"{who}: every eigenvalue must be nearer to the unit circle than to zero, got "
                f"{value:.3g}; the representation is close to singular: train it with "
                f"invertibility_loss, or lower its dimension"
            )
        if abs(value) > 2:
            condition = np.linalg.cond(np.linalg.eig(turn)[1])
            if condition > _ILL:
                raise ClosureError(
                    f"{who}: every eigenvalue must be near the unit circle, got {value:.3g} in a "
                    f"basis of condition number {condition:.2g}, where rounding moves them; take "
                    "float64, or a basis nearer to orthogonal"
                )
        # Rounding splits a double eigenvalue -1 into a pair, hardly off the axis.
        if abs(value.imag) < 1e-6 and value.real < 0 and n % 2:
            raise ClosureError(
                f"{who}: eigenvalues must lie near {n}-th roots of unity, got {value.real:.3g}, "
                f"half-way between two of them; choose an even order"
            )


def _leading_schur_vectors(
    matrix: _Real, belongs: Callable[[complex], bool], real: bool
) -> NDArray[Any]:
    """Orthonormal basis of the invariant subspace of the eigenvalues that belong."""
    # Lambdas: SciPy reads the number of arguments off the code object, which a wrapper (such as a
    # type checker's) hides. Its stubs know the signature of `sort` for real matrices only.
    arguments: dict[str, Any] = (
        {"output": "real", "sort": lambda re, im: belongs(complex(re, im))}
        if real
        else {"output": "complex", "sort": lambda value: bool(belongs(value))}
    )
    _, basis, count = scipy.linalg.schur(matrix, **arguments)
    return basis[:, :count]


def _as_pairs(space: NDArray[Any]) -> _Real:
    """Real columns: z = (v + i w) / sqrt 2 becomes the neighbours v, w."""
    if not np.iscomplexobj(space):
        return space
    pairs = np.stack([np.real(space), np.imag(space)], axis=-1) * np.sqrt(2)
    return pairs.reshape(len(space), -1)


def _assemble(n: int, spaces: list[NDArray[Any]]) -> _Real:
    """The exact turn with the given eigenspaces."""
    basis = np.concatenate([_as_pairs(space) for space in spaces], axis=1)
    blocks = []
    for frequency, space in enumerate(spaces):
        c, s = np.cos(2 * np.pi * frequency / n), np.sin(2 * np.pi * frequency / n)
        block = np.array([[c, -s], [s, c]]) if np.iscomplexobj(space) else np.array([[np.sign(c)]])
        blocks += [block] * space.shape[1]
    return basis @ scipy.linalg.block_diag(*blocks) @ np.linalg.inv(basis)


def _involution(who: str, turn: _Real, reflection: _Real, n: int) -> _Real:
    """The involution nearest to `reflection` that inverts `turn` under conjugation."""
    # The mean of r^k s r^k commutes as it must; the matrix sign, being odd, keeps that.
    total, term = np.zeros_like(turn), reflection
    for _ in range(n):
        total += term
        term = turn @ term @ turn
    mean = total / n
    smallest = np.abs(np.linalg.eigvals(mean).real).min()
    if smallest < 0.5:
        raise ClosureError(
            f"{who}: the reflection must invert the turn and be an involution, got only a part "
            f"of size {smallest:.3g} that does; train the generators with closure_loss first"
        )
    return _sign(mean)


def _sign(matrix: _Real) -> _Real:
    """The matrix sign by Newton's iteration; SciPy's prints its doubts, and loses some digits."""
    for _ in range(20):
        matrix = (matrix + np.linalg.inv(matrix)) / 2
    return matrix


def _split_by_reflection(
    n: int, spaces: list[NDArray[Any]], turn: _Real, reflection: _Real
) -> list[_Real]:
    """Columns of each real irrep of D_n within the eigenspaces of the turn."""
    blocks = []
    for frequency, space in enumerate(spaces):
        basis = _as_pairs(space)
        inside = np.linalg.lstsq(basis, reflection @ basis, rcond=None)[0]
        kept = basis @ _range((np.eye(len(inside)) + inside) / 2)
        if np.iscomplexobj(space):
            angle = 2 * np.pi * frequency / n
            partner = (turn @ kept - np.cos(angle) * kept) / np.sin(angle)
            blocks.append(np.stack([kept, partner], axis=-1).reshape(len(basis), -1))
        else:
            negated = basis @ _range((np.eye(len(inside)) - inside) / 2)
            blocks += [kept, negated]
    return blocks


def _range(projector: _Real) -> _Real:
    """Orthonormal basis of a projector's range; its rank is its trace."""
    rank = round(np.trace(projector))
    if rank == 0:
        return np.empty((len(projector), 0))
    return np.linalg.svd(projector)[0][:, :rank]
