"""The laws of measurements: defects, losses and checkers against NumPy."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch.nn.functional import linear

from grouplearn import defects, losses, testing
from grouplearn.errors import EquivarianceError
from grouplearn.groups import CyclicGroup, DihedralGroup
from grouplearn.representations import LearnedRepresentation, SpectralRepresentation
from tests.cases import Case
from tests.laws.algebra import scale_of
from tests.laws.modules import assert_refused
from tests.laws.oracles import (
    Array,
    assert_near,
    conditioning,
    exact,
    frobenius,
    homomorphism_gaps,
    inverses_in,
    largest,
    multiplicities_by_eigenvalues,
    number,
    spell_relator,
    table_of,
)
from tests.laws.trials import Trial, closes, law


def has_irreps(case: Case) -> bool:
    return case.closes and "cyclic" in case.families


def relator_products(rep: LearnedRepresentation) -> tuple[Array, float]:
    """(r, d, d) by NumPy, with the representation's own inverses, and how far rounding may grow."""
    generators, inverses = exact(rep.generators()), exact(rep.inverse_generators())
    words = rep.group.relators
    products = [spell_relator(generators, inverses, word) for word in words]
    longest = max((sum(abs(e) for _, e in word) for word in words), default=0)
    norm = max(largest(generators), largest(inverses))
    return np.array(products).reshape(-1, rep.dim, rep.dim), norm**longest * max(1, longest)


@law()
def closure_is_measured(rep: LearnedRepresentation, trial: Trial) -> None:
    """closure_defect, the defect of each relator, and the two losses made of them."""
    products, growth = relator_products(rep)
    gaps = np.linalg.norm(products - np.eye(rep.dim), axis=(1, 2)) / rep.dim**0.5
    tolerance = trial.tolerance * growth
    assert_near(defects.relator_defects(rep), gaps, tolerance)
    assert_near(defects.closure_defect(rep), gaps.max(initial=0), tolerance)
    square = 0.5 * float((gaps**2).sum())
    loss = number(losses.closure_loss(rep, mu=0.5))
    assert abs(loss - square) <= tolerance * (1 + 10 * gaps.sum())


@law()
def homomorphism_is_measured(rep: LearnedRepresentation, trial: Trial) -> None:
    matrices = exact(rep.matrices())
    want = frobenius(homomorphism_gaps(matrices, table_of(trial.group)))
    tolerance = trial.tolerance * largest(matrices) ** 2
    assert_near(defects.homomorphism_defect(rep), want, tolerance)


@law()
def invertibility_is_measured(rep: LearnedRepresentation, trial: Trial) -> None:
    generators, inverses = exact(rep.generators()), exact(rep.inverse_generators())
    gaps = generators @ inverses - np.eye(rep.dim)
    norms = np.linalg.norm(gaps, axis=(1, 2))
    tolerance = trial.tolerance * largest(generators) * largest(inverses) * (1 + len(norms))
    assert_near(defects.invertibility_defect(rep), frobenius(gaps), tolerance)
    assert_near(losses.invertibility_loss(rep, mu=1e-2), 1e-2 * norms.sum(), tolerance)
    left = number(defects.invertibility_defect(rep, true_inverse=True))
    assert left <= trial.tolerance * conditioning(generators) ** 2
    if trial.case.learned_inverse and trial.shake and rep.dim > 3 and len(generators):
        assert frobenius(gaps) > 1e-6, "a learned inverse should not follow the generator"


@law()
def orthogonality_is_measured(rep: LearnedRepresentation, trial: Trial) -> None:
    generators = exact(rep.generators())
    gaps = generators.swapaxes(-1, -2) @ generators - np.eye(rep.dim)
    tolerance = trial.tolerance * largest(generators) ** 2
    assert_near(defects.orthogonality_defect(rep), frobenius(gaps), tolerance)
    if trial.case.orthogonal:
        assert_near(gaps, np.zeros_like(gaps), tolerance)
    values = np.linalg.svd(generators, compute_uv=False)
    want = 0.1 * np.abs(1 - values).sum()
    assert_near(losses.singular_value_loss(rep, mu=0.1), want, tolerance * (1 + values.size))
    scale = conditioning(generators) ** 2
    assert_near(defects.condition_number(rep), conditioning(generators), trial.tolerance * scale)


@law()
def distance_is_measured(rep: LearnedRepresentation, trial: Trial) -> None:
    if not trial.group.generators:
        return
    other = trial.build(salt=1)
    a, b = exact(rep.generators()), exact(other.generators())
    want = float(np.linalg.norm(a - b) / np.linalg.norm(b))
    assert_near(defects.distance(rep, other), want, trial.tolerance * (1 + want))
    assert number(defects.distance(rep, rep)) == 0.0


@law(has_irreps)
def multiplicities_count_irreps(rep: LearnedRepresentation, trial: Trial) -> None:
    group = trial.group
    if not isinstance(group, CyclicGroup | DihedralGroup):
        return
    n = group.n if isinstance(group, DihedralGroup) else group.order
    dihedral = isinstance(group, DihedralGroup)
    want = multiplicities_by_eigenvalues(n, dihedral, exact(rep.generators()))
    matrices = exact(rep.matrices())
    tolerance = rep.dim * trial.tolerance * scale_of(matrices)
    assert_near(defects.isotypic_multiplicities(rep), np.array(want, dtype=float), tolerance)
    if isinstance(rep, SpectralRepresentation):
        assert list(rep.multiplicities) == want


def average(rep: LearnedRepresentation, trial: Trial) -> tuple[Array, Array]:
    """A random map, and its average over the group, which commutes with the action."""
    matrices = exact(rep.matrices())
    inverses = matrices[inverses_in(table_of(trial.group))]
    random = exact(trial.normal(rep.dim, rep.dim, salt=4))
    return random, np.mean(inverses @ random @ matrices, axis=0)


@law(closes)
def equivariance_is_recognised(rep: LearnedRepresentation, trial: Trial) -> None:
    """Group averages pass; a random map fails by as much as NumPy says."""
    matrices = exact(rep.matrices())
    random, averaged = average(rep, trial)
    x = trial.normal(3, rep.dim)
    for matrix in (averaged, random, averaged + 1e-2 * random):
        function = partial(linear, weight=torch.tensor(matrix).to(trial.dtype))
        moved = np.einsum("gij,bj->bgi", matrices, exact(x))
        still = exact(x) @ matrix.T
        want_moved = np.einsum("gij,bj->bgi", matrices, still)
        gap = np.linalg.norm(moved @ matrix.T - want_moved, axis=-1).max()
        size = np.linalg.norm(still, axis=-1).max()
        if size < 1e-3:
            continue
        got = testing.equivariance_error(function, rep, rep, x)
        rounding = trial.tolerance * scale_of(matrices) ** 2
        rounding *= (1 + np.abs(matrix).sum()) * (1 + np.abs(exact(x)).sum()) / size
        assert_near(got, gap / size, rounding)
        if gap / size > 2 * rounding:
            judge = partial(testing.assert_equivariant, function, rep, rep, x, rounding)
            assert_refused(judge, EquivarianceError)
        else:
            testing.assert_equivariant(function, rep, rep, x, 3 * rounding)


@law()
def checking_finds_what_numpy_finds(rep: LearnedRepresentation, trial: Trial) -> None:
    """check_representation passes what closes, and names homomorphism where it does not."""
    matrices = exact(rep.matrices())
    products, growth = relator_products(rep)
    inverses = exact(rep.inverse_generators())
    gap = frobenius(homomorphism_gaps(matrices, table_of(trial.group)))
    tolerance = 100 * trial.tolerance * scale_of(matrices) ** 2 * max(growth, largest(inverses))
    findings = {f.law: f for f in testing.check_representation(rep, tolerance)}
    assert len(findings) == 6
    assert findings["identity"].defect == 0.0
    assert findings["action"].passed, findings["action"]
    assert abs(findings["homomorphism"].defect - gap) <= tolerance
    assert abs(findings["closure"].defect - frobenius(products - np.eye(rep.dim))) <= tolerance
    if trial.case.closes:
        assert all(f.passed for f in findings.values()), [str(f) for f in findings.values()]
    if gap > 2 * tolerance:
        assert not findings["homomorphism"].passed
        assert "BROKEN" in str(findings["homomorphism"])
