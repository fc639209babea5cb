"""The linear group that a function does not see: elements found, closed and refined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.closing import close_matrices
from grouplearn.discovery.functions.answers import Answer
from grouplearn.discovery.functions.continuous import find_turns
from grouplearn.discovery.functions.found import Invariance, trivial
from grouplearn.discovery.functions.frames import frames
from grouplearn.discovery.functions.probes import EXACT, Probe, Ruler
from grouplearn.discovery.functions.search import FrameSearch
from grouplearn.representations import LearnedRepresentation

_ROWS = 512
_IGNORED, _FLAT = 1e-6, 1e-10
_SAME = 1e-4

Array = NDArray[np.float64]


def search_linear(
    probe: Probe, x: Float[np.ndarray, "N d"], seed: int, answer: Answer
) -> Invariance:
    """Find the linear group that a function does not see.

    Args:
        probe: the function.
        x: (N, d) samples to learn from.
        seed: of the random inputs.
        answer: what the values may do.

    Returns:
        The group and what else was tried.
    """
    span = _span(x)
    dim, width = span.shape
    seen = span @ _seen(probe.within(span), x @ span, seed)
    rank = seen.shape[1]
    notes = []
    if width < dim:
        notes.append(f"The samples span {width} of {dim} directions; the others are kept fixed.")
    if rank < width:
        ignored = width - rank
        notes.append(f"The function ignores {ignored} of {width} directions; they are kept fixed.")
    turns = find_turns(Ruler(probe.within(seen), (x @ seen)[:_ROWS], seed, answer), seed)
    notes += turns.notes
    # Coordinates that no continuous turn moves, then the others; nearly continuous ones are weighed
    # against finite groups.
    exact = turns.violation <= EXACT
    basis = seen @ (turns.basis if exact else np.eye(rank))
    still = turns.still if exact else rank
    back = np.linalg.pinv(basis).astype(np.float64)
    inner = probe.within(basis)
    z = x @ back.T
    # More rows than unknowns, or a basis would fit the rows alone.
    search = FrameSearch(Ruler(inner, z[: max(_ROWS, 2 * rank**2)], seed, answer))
    if not exact:
        search.add_circle(turns.basis[:, turns.still :], turns.violation)
    for number, family in enumerate(frames(inner, z, seed, answer, still) if still else ()):
        search.look(family)
        # A part of the group may show in one kind of inputs and all of it in the next.
        if search.done and number > 0:
            break
    if search.circles and not len(turns.generators):
        notes.append(_roundness_in_words(min(size for _, size in search.circles)))
    best = search.best()
    notes += best.notes
    rep = _lifted(best.representation, basis, back)
    outside = [
        replace(each, matrix=_lift(each.matrix, basis, back), moved=np.ones(dim, dtype=bool))
        for each in best.outside
    ]
    generators = [seen @ each @ seen.T for each in turns.generators]
    algebra = np.array(generators).reshape(-1, dim, dim)
    spread, axes = np.linalg.eigh(z[:, :still].T @ z[:, :still] / len(z))
    free = basis[:, :still] @ (axes * np.sqrt(spread) @ axes.T)
    return Invariance(rep, tuple(outside), search.tried, tuple(notes), algebra, free)


def _roundness_in_words(violation: float) -> str:
    if violation <= EXACT:
        return (
            "The function does not change under any turn of a plane: a continuous rotation, which "
            "is reported as no finite group."
        )
    return (
        f"Turns of a plane change the function little, violation {violation:.2g}: nearly a "
        "continuous rotation, which is reported as no finite group."
    )


def _span(x: Array) -> Array:
    """Orthonormal basis of the directions in which the samples lie."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    return np.asarray(vectors[:, values > _FLAT * values[-1]])


def _seen(probe: Probe, x: Array, seed: int) -> Array:
    """Orthonormal basis of the directions along which the function varies."""
    gradients = probe.gradients(x, seed).reshape(-1, x.shape[1])
    values, vectors = np.linalg.eigh(gradients.T @ gradients / len(gradients))
    return np.asarray(vectors[:, values > _IGNORED * values[-1]])


def _lift(matrix: Array, basis: Array, back: Array) -> Array:
    return np.asarray(basis @ matrix @ back + np.eye(len(basis)) - basis @ back)


def _lifted(rep: LearnedRepresentation, basis: Array, back: Array) -> LearnedRepresentation:
    generators = [_lift(each, basis, back) for each in rep.generators().detach().numpy()]
    lifted = close_matrices(generators, np.eye(len(basis)), _SAME) if generators else None
    return trivial(len(basis)) if lifted is None else lifted
