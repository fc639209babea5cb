"""The laws of nearest_exact: what it must do with noise, with exact input and with bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

import grouplearn
from grouplearn.errors import ClosureError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, real_irreps
from grouplearn.representations import DenseRepresentation, LearnedRepresentation
from tests.laws.modules import assert_refused
from tests.laws.oracles import (
    Array,
    assert_near,
    conditioning,
    exact,
    frobenius,
    homomorphism_gaps,
    largest,
    multiplicities_by_eigenvalues,
    table_of,
)

NearestLaw = Callable[["Truth", np.random.Generator], None]
NEAREST_LAWS: dict[str, NearestLaw] = {}


def nearest_law(check: NearestLaw) -> NearestLaw:
    NEAREST_LAWS[check.__name__] = check
    return check


@dataclass(frozen=True)
class Truth:
    """An exact orthogonal representation of C_n or D_n, built by SciPy-free block algebra.

    Attributes:
        dihedral: D_n rather than C_n.
        n: number of turns.
        dim: dimension.
        noise: size of the noise to add, relative to the generators' Frobenius norm.
        concentrated: the noise has rank one rather than being Gaussian.
        dtype: of the representation given to `nearest_exact`.
        seed: of the multiplicities, the basis and the noise.
    """

    dihedral: bool
    n: int
    dim: int
    noise: float
    concentrated: bool
    dtype: torch.dtype
    seed: int

    @property
    def group(self) -> FiniteGroup:
        return DihedralGroup(self.n) if self.dihedral else CyclicGroup(self.n)

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def blocks(self) -> list[tuple[Array, Array]]:
        """(turn, reflection) of irreps drawn until the dimension is full."""
        rng, irreps, left = self.rng(), real_irreps(self.group), self.dim
        chosen = []
        while left:
            irrep = irreps[rng.integers(len(irreps))]
            if irrep.dim <= left:
                angle = 2 * np.pi * irrep.frequency / self.n
                c, s = np.cos(angle), np.sin(angle)
                if irrep.dim == 2:
                    turn, flip = np.array([[c, -s], [s, c]]), np.diag([1.0, -1.0])
                else:
                    turn, flip = np.array([[np.round(c)]]), np.array([[float(irrep.reflection)]])
                chosen.append((turn, flip))
                left -= irrep.dim
        return chosen

    def generators(self) -> Array:
        """(m, d, d), orthogonal, float64."""
        rotation, _ = np.linalg.qr(self.rng().standard_normal((self.dim, self.dim)))
        pairs = [
            np.stack([block_diagonal(column) for column in zip(*self.blocks(), strict=True)])[k]
            for k in range(2)
        ]
        wanted = ([pairs[0]] if self.n > 1 else []) + ([pairs[1]] if self.dihedral else [])
        return np.array([rotation @ g @ rotation.T for g in wanted]).reshape(-1, self.dim, self.dim)

    def noisy(self, rng: np.random.Generator) -> Array:
        """The generators with noise, whose size is exactly `noise` for all of them together."""
        truth = self.generators()
        if self.concentrated:
            u, v = rng.standard_normal((2, *truth.shape[:2]))
            errors = u[:, :, None] * v[:, None, :]
        else:
            errors = rng.standard_normal(truth.shape)
        size = np.linalg.norm(truth) * self.noise / max(float(np.linalg.norm(errors)), 1e-300)
        return np.asarray(truth + size * errors)

    def represent(self, generators: Array) -> LearnedRepresentation:
        near = torch.tensor(generators).to(self.dtype)
        return DenseRepresentation(self.group, self.dim, near=near, dtype=self.dtype)

    @property
    def rounding(self) -> float:
        return 500 * self.dim * float(torch.finfo(self.dtype).eps)


def block_diagonal(blocks: tuple[Array, ...]) -> Array:
    sizes = [len(block) for block in blocks]
    matrix, start = np.zeros((sum(sizes), sum(sizes))), 0
    for block, size in zip(blocks, sizes, strict=True):
        matrix[start : start + size, start : start + size] = block
        start += size
    return matrix


def relative(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-300)) if b.size else 0.0


@nearest_law
def exact_input_stays(truth: Truth, rng: np.random.Generator) -> None:
    """In any basis: where the input closes, it comes back, with its multiplicities."""
    basis = np.eye(truth.dim) + 0.2 / truth.dim**0.5 * rng.standard_normal((truth.dim, truth.dim))
    generators = basis @ truth.generators() @ np.linalg.inv(basis)
    rep = truth.represent(generators)
    found = grouplearn.nearest_exact(rep)
    assert found.distance <= truth.rounding
    assert_near(found.representation.generators(), rep.generators(), truth.rounding)
    counts = multiplicities_by_eigenvalues(truth.n, truth.dihedral, truth.generators())
    assert list(found.representation.multiplicities) == counts


@nearest_law
def rounding_twice_changes_nothing(truth: Truth, rng: np.random.Generator) -> None:
    once = grouplearn.nearest_exact(truth.represent(truth.noisy(rng)))
    twice = grouplearn.nearest_exact(once.representation)
    generators = exact(once.representation.generators())
    scale = conditioning(exact(once.representation.basis)[None])
    assert twice.distance <= truth.rounding * scale
    assert_near(twice.representation.generators(), generators, truth.rounding * scale)


@nearest_law
def result_closes_and_says_how_far_it_moved(truth: Truth, rng: np.random.Generator) -> None:
    rep = truth.represent(truth.noisy(rng))
    given = exact(rep.generators()).copy()
    found = grouplearn.nearest_exact(rep)
    assert found.representation.closes_exactly
    assert found.representation.group == truth.group
    assert (found.representation.dim, found.representation.dtype) == (truth.dim, truth.dtype)
    matrices = exact(found.representation.matrices())
    gap = frobenius(homomorphism_gaps(matrices, table_of(truth.group)))
    scale = largest(matrices) ** 2 * conditioning(exact(found.representation.basis)[None])
    assert gap <= truth.rounding * scale
    generators = exact(found.representation.generators())
    assert abs(found.distance - relative(generators, given)) <= truth.rounding * scale
    assert_near(rep.generators(), given, 0.0)


@nearest_law
def noise_is_amplified_at_most_fivefold(truth: Truth, rng: np.random.Generator) -> None:
    noisy = truth.noisy(rng)
    found = grouplearn.nearest_exact(truth.represent(noisy))
    generators = exact(found.representation.generators())
    allowed = 5 * truth.noise + truth.rounding
    assert relative(generators, truth.generators()) <= allowed
    assert found.distance <= allowed + truth.noise


@nearest_law
def change_of_basis_commutes(truth: Truth, rng: np.random.Generator) -> None:
    """Unitarising before or after makes no difference: B f(A) B^-1 = f(B A B^-1)."""
    noisy = truth.noisy(rng)
    basis = np.eye(truth.dim) + 0.2 / truth.dim**0.5 * rng.standard_normal((truth.dim, truth.dim))
    inverse = np.linalg.inv(basis)
    plain = grouplearn.nearest_exact(truth.represent(noisy)).representation
    moved = grouplearn.nearest_exact(truth.represent(basis @ noisy @ inverse)).representation
    want = basis @ exact(plain.generators()) @ inverse
    scale = conditioning(exact(plain.basis)[None]) * conditioning(basis[None]) ** 2
    assert_near(moved.generators(), want, truth.rounding * scale)


@nearest_law
def nearly_singular_input_is_refused(truth: Truth, rng: np.random.Generator) -> None:
    """An eigenvalue nearer to zero than to the unit circle is refused; a shrunk one is not."""
    turn = truth.generators()[:1]
    if truth.n == 1:
        return
    values, vectors = np.linalg.eigh(turn[0] + turn[0].T)
    plane = vectors[:, np.abs(values - values[rng.integers(len(values))]) < 1e-6]
    shrink = np.eye(truth.dim) - plane @ plane.T
    rest = truth.generators()[1:]
    for size, refused in ((rng.uniform(0, 0.45), True), (rng.uniform(0.6, 1.6), False)):
        changed = turn @ (shrink + size * plane @ plane.T)
        generators = np.concatenate([changed, rest])
        if size < 1e-3:
            continue
        rep = truth.represent(generators)
        if refused:
            assert_refused(partial(grouplearn.nearest_exact, rep), ClosureError, "eigenvalue")
        else:
            found = exact(grouplearn.nearest_exact(rep).representation.generators())
            assert_near(found, truth.generators(), 10 * truth.rounding)
