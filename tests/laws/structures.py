"""What the matrices of each class must look like, whatever its parameters; used by the registry."""

from __future__ import annotations

from math import prod

import numpy as np
import torch

from grouplearn.representations import LearnedRepresentation
from tests.laws.oracles import (
    assert_near,
    conditioning,
    exact,
    frobenius,
    homomorphism_gaps,
    largest,
    scale_projectors,
    table_of,
)


def _rounding(rep: LearnedRepresentation) -> float:
    return 200 * torch.finfo(rep.dtype).eps


def part(rep: LearnedRepresentation, name: str) -> LearnedRepresentation:
    """A child of a composite."""
    value = getattr(rep, name, None)
    assert isinstance(value, LearnedRepresentation), f"{name} is {value}"
    return value


def anything(rep: LearnedRepresentation) -> None:
    assert bool(torch.isfinite(rep.generators()).all())


def rotations(rep: LearnedRepresentation) -> None:
    generators = exact(rep.generators())
    eye = np.broadcast_to(np.eye(rep.dim), generators.shape)
    assert_near(generators @ generators.swapaxes(-1, -2), eye, _rounding(rep))
    assert_near(np.linalg.det(generators), np.ones(len(generators)), rep.dim * _rounding(rep))


def constant_diagonals(rep: LearnedRepresentation) -> None:
    """Entries equal, bitwise, where both positions move by one along an axis."""
    shape = getattr(rep, "shape", (rep.dim,))
    assert prod(shape) == rep.dim
    generators = rep.generators()
    grid = generators.reshape(-1, *shape, *shape)
    for axis in range(1, len(shape) + 1):
        length = grid.shape[axis]
        columns = axis + len(shape)
        here = grid.narrow(axis, 0, length - 1).narrow(columns, 0, length - 1)
        next_one = grid.narrow(axis, 1, length - 1).narrow(columns, 1, length - 1)
        assert torch.equal(here, next_one), f"not constant along axis {axis - 1}"


def separate_scales(rep: LearnedRepresentation) -> None:
    """No scale of the signal leaks into another, and each child's own structure is kept."""
    shape = getattr(rep, "shape", (rep.dim,))
    generators = exact(rep.generators())
    projectors = scale_projectors(shape)
    tolerance = _rounding(rep) * largest(generators)
    for i, into in enumerate(projectors):
        for j, out in enumerate(projectors):
            if i != j:
                assert_near(into @ generators @ out, np.zeros_like(generators), tolerance)
    assert [round(np.trace(p)) for p in projectors] == list(getattr(rep, "scales", ()))
    changed_basis(part(rep, "scaled"))


def closed(rep: LearnedRepresentation) -> None:
    matrices = exact(rep.matrices())
    scale = largest(matrices) ** 2 * conditioning(matrices)
    gap = frobenius(homomorphism_gaps(matrices, table_of(rep.group)))
    assert gap <= 5 * scale * _rounding(rep), f"relations broken by {gap:.3g}"


def block_diagonal(rep: LearnedRepresentation) -> None:
    matrices = exact(rep.matrices())
    summands = getattr(rep, "summands", ())
    children = [child for child in summands if isinstance(child, LearnedRepresentation)]
    block = np.repeat(np.arange(len(children)), [child.dim for child in children])
    outside = block[:, None] != block[None, :]
    assert not matrices[:, outside].any(), "blocks mix"
    for child in children:
        structure_of(child)


def kronecker(rep: LearnedRepresentation) -> None:
    """Rearranged by factors, every matrix has rank one."""
    left, right = part(rep, "left"), part(rep, "right")
    matrices = exact(rep.matrices())
    grid = matrices.reshape(-1, left.dim, right.dim, left.dim, right.dim)
    rows = grid.transpose(0, 1, 3, 2, 4).reshape(len(matrices), left.dim**2, right.dim**2)
    values = np.linalg.svd(rows, compute_uv=False)
    assert_near(values[:, 1:] / values[:, :1], np.zeros_like(values[:, 1:]), _rounding(rep))
    structure_of(left)
    structure_of(right)


def changed_basis(rep: LearnedRepresentation) -> None:
    """In the basis's own coordinates the child is seen again, with its structure."""
    child = part(rep, "child")
    basis = getattr(rep, "basis", None)
    assert isinstance(basis, torch.Tensor)
    b, generators = exact(basis), exact(rep.generators())
    own = np.linalg.inv(b) @ generators @ b
    tolerance = _rounding(rep) * largest(generators) * conditioning(b[None]) ** 2
    assert_near(own, child.generators(), tolerance)
    structure_of(child)


def nothing_learned(rep: LearnedRepresentation) -> None:
    assert not list(rep.parameters())
    assert not any(buffer.requires_grad for buffer in rep.buffers())


def structure_of(rep: LearnedRepresentation) -> None:
    """The structure that the registry states for the class of a child."""
    from tests.cases import CASES

    next(case for case in CASES if type(rep) is case.kind).structure(rep)
