"""The laws of the algebra: what makes matrices a representation, and actions its actions."""

from __future__ import annotations

import numpy as np
import torch

from grouplearn import defects
from grouplearn.representations import LearnedRepresentation
from tests.laws.oracles import (
    assert_near,
    assert_same,
    conditioning,
    exact,
    homomorphism_gaps,
    inverses_in,
    largest,
    number,
    shortlex_words,
    spell,
    spell_relator,
    table_of,
)
from tests.laws.trials import Trial, closes, law


def scale_of(matrices: np.ndarray) -> float:
    """How much larger than the machine precision a product of two matrices may err."""
    return largest(matrices) ** 2 * conditioning(matrices)


@law()
def identity_is_exact(rep: LearnedRepresentation, trial: Trial) -> None:
    eye = torch.eye(rep.dim, dtype=trial.dtype)
    assert_same(rep.matrices()[0], eye)
    assert_same(rep.matrix(0), eye)
    assert_same(rep.dual_matrices()[0], eye)
    x = trial.vectors()
    assert_same(rep.act(x, 0), x)


@law()
def matrices_are_words_in_the_generators(rep: LearnedRepresentation, trial: Trial) -> None:
    generators, matrices = exact(rep.generators()), exact(rep.matrices())
    words = shortlex_words(trial.group)
    assert matrices.shape == (len(words), rep.dim, rep.dim)
    norm = largest(generators)
    for element, word in enumerate(words):
        scale = norm ** len(word) * max(1, len(word))
        if trial.case.closes:
            scale *= conditioning(matrices) ** 2
        want = spell(generators, word)
        assert_near(matrices[element], want, trial.tolerance * scale)
        assert_near(rep.matrix(element), want, trial.tolerance * scale)


@law(closes)
def products_are_products(rep: LearnedRepresentation, trial: Trial) -> None:
    matrices = exact(rep.matrices())
    gaps = homomorphism_gaps(matrices, table_of(trial.group))
    assert_near(gaps, np.zeros_like(gaps), trial.tolerance * scale_of(matrices))
    homomorphism = number(defects.homomorphism_defect(rep))
    assert homomorphism <= trial.tolerance * scale_of(matrices) * rep.dim**0.5


@law(closes)
def relations_hold(rep: LearnedRepresentation, trial: Trial) -> None:
    assert rep.closes_exactly or not trial.case.closes_exactly
    generators = exact(rep.generators())
    inverses = np.linalg.inv(generators)
    eye = np.eye(rep.dim)
    for word in trial.group.relators:
        length = sum(abs(e) for _, e in word)
        tolerance = trial.tolerance * scale_of(generators) ** 2 * max(1, length)
        assert_near(spell_relator(generators, inverses, word), eye, tolerance)
    assert number(defects.closure_defect(rep)) <= 100 * trial.tolerance * scale_of(generators) ** 2


@law()
def only_closing_classes_claim_closure(rep: LearnedRepresentation, trial: Trial) -> None:
    if rep.closes_exactly:
        matrices = exact(rep.matrices())
        gaps = homomorphism_gaps(matrices, table_of(trial.group))
        assert_near(gaps, np.zeros_like(gaps), trial.tolerance * scale_of(matrices))
    else:
        assert not trial.case.closes_exactly


@law(closes)
def inverses_are_inverse(rep: LearnedRepresentation, trial: Trial) -> None:
    matrices = exact(rep.matrices())
    moved_back = matrices[inverses_in(table_of(trial.group))]
    eye = np.broadcast_to(np.eye(rep.dim), matrices.shape)
    assert_near(moved_back @ matrices, eye, trial.tolerance * scale_of(matrices))
    assert_near(moved_back, np.linalg.inv(matrices), trial.tolerance * scale_of(matrices) ** 2)


@law()
def inverse_generators_invert(rep: LearnedRepresentation, trial: Trial) -> None:
    if trial.case.learned_inverse and trial.shake:
        return
    generators = exact(rep.generators())
    scale = conditioning(generators) ** 2
    assert_near(rep.inverse_generators(), np.linalg.inv(generators), trial.tolerance * scale)


@law()
def dual_moves_filters_by_inverse_elements(rep: LearnedRepresentation, trial: Trial) -> None:
    matrices = exact(rep.matrices())
    moved = matrices[inverses_in(table_of(trial.group))].swapaxes(-1, -2)
    assert_near(rep.dual_matrices(), moved, trial.tolerance * largest(matrices))


@law(closes)
def dual_pairing_is_invariant(rep: LearnedRepresentation, trial: Trial) -> None:
    """<rho*(g) w, rho(g) x> = <w, x>, hence rho*(g) is the inverse transpose of rho(g)."""
    matrices, dual = exact(rep.matrices()), exact(rep.dual_matrices())
    x, w = exact(trial.normal(rep.dim)), exact(trial.normal(rep.dim, salt=3))
    moved = np.einsum("gij,j,gik,k->g", dual, w, matrices, x)
    size = float(np.linalg.norm(x) * np.linalg.norm(w)) + 1
    tolerance = trial.tolerance * scale_of(matrices) ** 2
    assert_near(moved, np.full(len(moved), w @ x), size * tolerance)
    assert_near(dual, np.linalg.inv(matrices).swapaxes(-1, -2), tolerance)


@law()
def acting_is_multiplying(rep: LearnedRepresentation, trial: Trial) -> None:
    """act, orbit, matrix, matrices and the call itself agree on any batch shape."""
    matrices, x, g = exact(rep.matrices()), trial.vectors(), trial.element()
    want = np.einsum("gij,...j->...gi", matrices, exact(x))
    size = largest(matrices) * conditioning(matrices[1:]) * (1 + float(np.abs(exact(x)).sum()))
    tolerance = trial.tolerance * size
    orbit = rep.orbit(x)
    assert orbit.dtype == trial.dtype
    assert_near(orbit, want, tolerance)
    assert_near(rep.act(x, g), want[..., g, :], tolerance)
    assert_near(rep.matrix(g), matrices[g], tolerance)
    assert_same(rep(x), orbit)


@law(closes)
def moving_permutes_the_orbit(rep: LearnedRepresentation, trial: Trial) -> None:
    """Entry g of the orbit of rho(h) x is entry g h of the orbit of x."""
    x, h = trial.vectors(), trial.element()
    orbit = exact(rep.orbit(x))
    moved = rep.orbit(rep.act(x, h))
    scale = scale_of(exact(rep.matrices())) * (1 + np.abs(orbit).max(initial=0) * rep.dim)
    assert_near(moved, orbit[..., table_of(trial.group)[:, h], :], trial.tolerance * scale)


@law()
def actions_are_linear(rep: LearnedRepresentation, trial: Trial) -> None:
    x, y, g = trial.vectors(), trial.vectors(salt=3), trial.element()
    a, b = 2.5, -0.75
    size = (1 + float(x.abs().sum() + y.abs().sum())) * largest(exact(rep.matrices()))
    tolerance = 4 * trial.tolerance * size * conditioning(exact(rep.generators()))
    assert_near(rep.orbit(a * x + b * y), a * rep.orbit(x) + b * rep.orbit(y), tolerance)
    assert_near(rep.act(a * x + b * y, g), a * rep.act(x, g) + b * rep.act(y, g), tolerance)


@law()
def batches_are_independent(rep: LearnedRepresentation, trial: Trial) -> None:
    """A vector's orbit does not depend on what it is batched with."""
    x = trial.vectors()
    flat = x.reshape(-1, rep.dim)
    orbit = rep.orbit(x).reshape(-1, trial.group.order, rep.dim)
    size = largest(exact(rep.matrices())) * conditioning(exact(rep.generators()))
    for i in range(len(flat)):
        tolerance = trial.tolerance * size * (1 + float(flat[i].abs().sum()))
        assert_near(orbit[i], rep.orbit(flat[i]), tolerance)


@law(closes)
def characters_are_class_functions(rep: LearnedRepresentation, trial: Trial) -> None:
    table, matrices = table_of(trial.group), exact(rep.matrices())
    character = exact(defects.character(rep))
    tolerance = rep.dim * trial.tolerance * scale_of(matrices)
    assert_near(character, np.trace(matrices, axis1=1, axis2=2), tolerance)
    inverses = inverses_in(table)
    for h in range(len(table)):
        assert_near(character[table[table[h], inverses[h]]], character, tolerance)
    assert_near(character[inverses], character, tolerance)
