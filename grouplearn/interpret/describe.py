"""Descriptions of matrices and of actions: what they do, said and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, final, overload, runtime_checkable

import numpy as np
import torch
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn.defects import closure_defect
from grouplearn.errors import ClosureError, GroupError
from grouplearn.groups import FiniteGroup, Irrep, real_irreps
from grouplearn.interpret.operations import (
    Operation,
    OperationFamily,
    Parameters,
    nearest_permutation,
    plain_operations,
    real_numbers,
    similarity,
)
from grouplearn.interpret.structure import structure_scores
from grouplearn.nearest import nearest_exact
from grouplearn.representations import LearnedRepresentation

Array: TypeAlias = NDArray[np.float64]

_WHO = "describe"
_ORDERS = 24
_CLOSES, _FAR = 0.15, 1e6
_SINGULAR = 1e6
_LEAST, _CERTAIN = 0.6, 0.995
_LARGEST_ENTRY = 1e100
_LIKELY = 0.02
"""How much more similar a family's member has to be than a single operation, to be named."""
_DRAWS, _SEED, _QUANTILE, _MARGIN = 200, 0, 0.99, 0.05
_STARTS = 3

_Members: TypeAlias = list[tuple[Parameters, Array]]
_Known: TypeAlias = tuple[list[Operation], list[tuple[OperationFamily, _Members]]]


@runtime_checkable
class HasOperations(Protocol):
    """A domain, as far as naming goes."""

    @property
    def dim(self) -> int:
        """The length of its vectors."""
        ...

    def operations(self) -> Sequence[Operation | OperationFamily]:
        """What it knows by name."""
        ...


@final
@dataclass(frozen=True)
class Description:
    """What a matrix does.

    Attributes:
        name: of the most similar operation that is known; None where none is similar enough.
        similarity: the cosine between the matrix and that operation, as vectors.
        next: the most similar of the others, and its similarity.
        threshold: what similarity a name takes; random matrices stay below.
        order: the least n up to 24 with matrix^n near the identity, in units of its own size; None
            where none is.
        order_defect: ||(A / s)^n - I||_F / sqrt(d) for that n, s the size; of the best n where
            order is None.
        eigenvalues: (d,), by angle.
        condition: the largest singular value over the least; inf for singular matrices.
        structure: scores in [0, 1], see `structure_scores`.
    """

    name: str | None
    similarity: float
    next: tuple[str, float]
    threshold: float
    order: int | None
    order_defect: float
    eigenvalues: Complex[np.ndarray, " d"]
    condition: float
    structure: dict[str, float]

    def __str__(self) -> str:
        other, near = self.next
        if self.name is None:
            said = f"none of these: nearest is {other} ({near:.3f})"
        else:
            said = f"{self.name} ({self.similarity:.3f}; next: {other} {near:.2f})"
        parts = [said]
        if self.order is not None and self.order > 1:
            parts.append(f"order {self.order} (defect {self.order_defect:.2g})")
        if self.condition > _SINGULAR:
            parts.append("not invertible")
        return "; ".join(parts)


@final
@dataclass(frozen=True)
class ActionDescription:
    """What an action does.

    Attributes:
        group: the group.
        dim: of the space.
        generators: what each does.
        closure: the closure defect.
        parts: how often each real irrep of a cyclic or dihedral group occurs; empty for other
            groups, and where the action is too far from an exact one.
        moved: how far the nearest exact action is, relative; nan where `parts` is empty.
    """

    group: FiniteGroup
    dim: int
    generators: tuple[Description, ...]
    closure: float
    parts: tuple[tuple[Irrep, int], ...]
    moved: float

    def __str__(self) -> str:
        lines = [f"{self.group} on R^{self.dim}, closure defect {self.closure:.2g}."]
        lines += [f"Generator {k}: {each}." for k, each in enumerate(self.generators)]
        if self.parts:
            named = ((_irrep(irrep, self.parts), count) for irrep, count in self.parts if count)
            said = ", ".join(f"{count} of {name}" for name, count in named)
            lines.append(f"Irreps: {said} (the nearest exact action is {self.moved:.2g} away).")
        return "\n".join(lines)


@overload
def describe(
    what: LearnedRepresentation, domain: HasOperations | None = None
) -> ActionDescription: ...
@overload
def describe(
    what: ArrayLike | Float[Tensor, "d d"], domain: HasOperations | None = None
) -> Description: ...
def describe(what: Any, domain: HasOperations | None = None) -> Description | ActionDescription:
    """Say what a matrix or an action does, in words of the domain.

    A matrix gets the name of the operation that it is most similar to: one of the domain's, single
    ones such as a quarter turn, and families, such as turns by any angle, of which the nearest
    member is found; one that has a name in every space; or the nearest permutation, with its
    cycles. Similarity is the cosine between matrices as vectors. It has to exceed 0.6, and what 99
    of 100 random matrices reach, by 0.05.

    Args:
        what: a representation; or a (d, d) matrix on columns, for example
            `found.representation.generators()[0]`.
        domain: whose operations are known; None knows those of any space.

    Returns:
        Its `str` is a sentence; for an action, a line for each generator.

    Raises:
        InputError: not a square matrix of finite numbers, 0, or of another dimension than the
            domain's.

    Cost:
        O(operations d^2) time and memory for each matrix, and O(d^3).

    Example:
        >>> turn = np.roll(np.eye(5), 1, axis=0)
        >>> print(describe(turn))
        a cyclic shift by 1 (1.000; next: the mean of all coordinates 0.45); order 5 (defect 0)
    """
    if isinstance(what, LearnedRepresentation):
        return _of_action(what, domain)
    (found,) = _of_matrices([_checked(what, domain)], domain)
    return found


def _of_matrices(matrices: Sequence[Array], domain: HasOperations | None) -> list[Description]:
    """Matrices of one dimension; what is known is built once for all of them."""
    if not matrices:
        return []
    operations = _known(len(matrices[0]), domain)
    threshold = _threshold(len(matrices[0]), operations)
    return [_of_matrix(matrix, operations, threshold) for matrix in matrices]


def _of_matrix(matrix: Array, operations: _Known, threshold: float) -> Description:
    names = _named(matrix, operations)
    (name, best), runner_up = names[0], names[1]
    known = best >= threshold
    order, defect = _order(matrix)
    values = np.linalg.svd(matrix, compute_uv=False)
    eigenvalues = np.linalg.eigvals(matrix).astype(np.complex128)
    return Description(
        name if known else None, best, runner_up if known else (name, best), threshold, order,
        defect, eigenvalues[np.argsort(np.angle(eigenvalues))],
        float(values[0] / values[-1]) if values[-1] > 0 else float("inf"),
        structure_scores(matrix),
    )  # fmt: skip


def _of_action(rep: LearnedRepresentation, domain: HasOperations | None) -> ActionDescription:
    with torch.no_grad():
        generators = rep.generators().detach().double().cpu().numpy()
        closure = float(closure_defect(rep))
    parts: tuple[tuple[Irrep, int], ...] = ()
    moved = float("nan")
    try:
        exact = nearest_exact(rep)
    except (ClosureError, GroupError):
        pass
    else:
        irreps = real_irreps(exact.representation.group)
        parts = tuple(zip(irreps, exact.representation.multiplicities, strict=True))
        moved = exact.distance
    said = _of_matrices([_checked(matrix, domain) for matrix in generators], domain)
    return ActionDescription(rep.group, rep.dim, tuple(said), closure, parts, moved)


def _irrep(irrep: Irrep, parts: Sequence[tuple[Irrep, int]]) -> str:
    """Its frequency, and what the reflection does where another has that frequency, too."""
    alone = sum(other.frequency == irrep.frequency for other, _ in parts) == 1
    told = "" if alone else f" (reflection {irrep.reflection:+d})"
    return f"frequency {irrep.frequency}{told}"


def _checked(what: Any, domain: HasOperations | None) -> Array:
    matrix = real_numbers(_WHO, "what", what, "a matrix of real numbers, or a representation")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        refuse(_WHO, "what", "a square matrix", matrix.shape, "pass one (d, d) matrix")
    if not np.isfinite(matrix).all() or not matrix.any():
        refuse(_WHO, "what", "of finite numbers, not all 0", "another", "look where it comes from")
    if np.abs(matrix).max() > _LARGEST_ENTRY:
        refuse(_WHO, "what", f"of numbers up to {_LARGEST_ENTRY:g}", f"{np.abs(matrix).max():g}",
               "divide it by its size")  # fmt: skip
    if domain is not None and domain.dim != len(matrix):
        refuse(_WHO, "domain", f"of dimension {len(matrix)}, as the matrix", domain.dim,
               "build the domain for this size")  # fmt: skip
    return matrix


def _named(matrix: Array, known: _Known) -> list[tuple[str, float]]:
    """Names of what is similar, most similar first; of two that are one map, the first."""
    single, families = known
    found = [(each.name, similarity(matrix, each.matrix), each.matrix) for each in single]
    fitted = []
    for family, members in families:
        near = sorted(members, key=lambda each: -similarity(matrix, each[1]))[:_STARTS]
        refined = [family.refined(start, matrix) for start, _ in near]
        best, size = max(refined, key=lambda each: each[1])
        fitted.append((best.name, size - _LIKELY, best.matrix))
    for signed in (False, True):
        nearest = nearest_permutation(matrix, signed=signed)
        size = similarity(matrix, nearest.matrix)
        fitted.append((nearest.name, size - _LIKELY, nearest.matrix))
    ranked = sorted([*found, *fitted], key=lambda each: -each[1])
    kept: list[tuple[str, float, Array]] = []
    for name, _, own in ranked:
        if all(similarity(own, other) < 1 - _LIKELY for _, _, other in kept):
            kept.append((name, similarity(matrix, own), own))
    kept.append(("nothing else", 0.0, matrix))
    return [(name, size) for name, size, _ in kept]


def _known(dim: int, domain: HasOperations | None) -> _Known:
    """Single operations, the domain's first, and families with the members on their grids."""
    given = [] if domain is None else list(domain.operations())
    single = [each for each in given if isinstance(each, Operation)] + plain_operations(dim)
    families = [each for each in given if isinstance(each, OperationFamily)]
    return single, [(each, [(at, each.matrix(at)) for at in each.grid]) for each in families]


def _threshold(dim: int, known: _Known) -> float:
    """What similarity a name takes."""
    single, families = known
    every = [each.matrix for each in single] + [m for _, members in families for _, m in members]
    bank = np.stack([each.ravel() / np.linalg.norm(each) for each in every])
    return min(max(_LEAST, _by_chance(dim, bank) + _MARGIN), _CERTAIN)


def _by_chance(dim: int, bank: Float[np.ndarray, "operations entries"]) -> float:
    """What random matrices reach: the quantile over draws of the largest similarity."""
    drawn = _random(dim)
    flat = drawn.reshape(_DRAWS, -1) / np.linalg.norm(drawn, axis=(1, 2))[:, None]
    reached = (flat @ bank.T).max(1)
    return float(np.quantile(np.maximum(reached, _permuted_by_chance(dim)), _QUANTILE))


@lru_cache(maxsize=32)
def _permuted_by_chance(dim: int) -> Float[np.ndarray, " draws"]:
    """How similar the same random matrices are to the nearest permutation, signed or not."""
    return np.array([
        max(similarity(each, nearest_permutation(each, signed=signed).matrix)
            for signed in (False, True))
        for each in _random(dim)
    ])  # fmt: skip


def _random(dim: int) -> Float[np.ndarray, "draws d d"]:
    """Half of independent normal entries, half orthogonal."""
    drawn = np.random.default_rng(_SEED).standard_normal((_DRAWS, dim, dim))
    drawn[::2] = np.linalg.qr(drawn[::2])[0]
    return drawn


def _order(matrix: Array) -> tuple[int | None, float]:
    """The least power that is near the identity, after dividing by the size of eigenvalues."""
    dim = len(matrix)
    sign, logarithm = np.linalg.slogdet(matrix)
    if sign == 0:
        return None, float("inf")
    unit = matrix / np.exp(logarithm / dim)
    power, least = np.eye(dim), float("inf")
    for n in range(1, _ORDERS + 1):
        power = power @ unit
        defect = float(np.linalg.norm(power - np.eye(dim)) / np.sqrt(dim))
        if defect < _CLOSES:
            return n, defect
        least = min(least, defect)
        if defect > _FAR:  # powers of what is not near any order grow without end
            break
    return None, least
