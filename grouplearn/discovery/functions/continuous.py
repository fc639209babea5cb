"""Continuous turns that a function does not see: a Lie algebra, by linear least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.answers import Unmoved
from grouplearn.discovery.functions.probes import EXACT, Ruler, few_outputs

ROUND = 0.1
"""The largest violation of a turn that is called continuous."""
_LARGEST, _LARGEST_SKEW = 32, 48
_EQUATIONS = 4
_NEAR, _FLOOR = 0.1, 1e-4
_SIZES = 4
_STEP, _STEEPEST = 1e-4, 10
_SPEEDS, _AVERAGES = 6, 60
_SKEW = 0.1
_ANGLES = (0.4, 1.0, 1.7, 2.3, 2.9)
_MIXTURES = 3

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class ContinuousTurns:
    """Continuous turns, and what they leave in place.

    Attributes:
        generators: (k, r, r), X with f(exp(t X) x) = f(x), orthonormal.
        basis: (r, r), first columns that no turn moves, then those that they move.
        still: how many columns no turn moves.
        violation: the largest of whole turns.
        notes: sentences.
    """

    generators: Float[np.ndarray, "k r r"]
    basis: Float[np.ndarray, "r r"]
    still: int
    violation: float = 0.0
    notes: tuple[str, ...] = ()


def find_turns(ruler: Ruler, seed: int) -> ContinuousTurns:
    """Find all X with grad f(x)^T X x = 0 whose turns exp(t X) stay bounded.

    The equation is linear in X, so that its solutions are the null space of a least-squares
    problem, over all matrices of size 32 or less and over skew ones of size 48 or less. Among them
    are those of groups that are not compact, such as x -> t x, y -> y / t for f = x y. Kept are
    the solutions that are skew for one inner product: one that all of them leave alone, where there
    is one, else that of the samples or of the coordinates, whichever keeps more. With another
    answer than invariance, what that answer explains is left out of the equation.

    Args:
        ruler: the function, on rows of the search.
        seed: of the mixtures that are tried.

    Returns:
        The generators that pass as whole turns, by angles up to 2.9.

    Cost:
        O(r^6) time, O(r^4) memory; for r = 10 some milliseconds, for r = 32 seconds.
    """
    size = ruler.x.shape[1]
    eye = np.eye(size)
    nothing = ContinuousTurns(np.zeros((0, size, size)), eye, size)
    values, vectors = np.linalg.eigh(ruler.x.T @ ruler.x / len(ruler.x))
    if size < 2 or size > _LARGEST_SKEW or values[0] <= 1e-8 * values[-1]:
        return nothing
    root, back = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
    frames = [(root, back)] if size <= _LARGEST else [(root, back), (eye, eye)]
    found = [_turns(ruler, forth, undo, seed) for forth, undo in frames]
    turns, violation = max(found, key=lambda each: len(each[0]))
    if not len(turns):
        return nothing
    return _placed(turns, violation, isinstance(ruler.answer, Unmoved))


def _turns(ruler: Ruler, root: Array, back: Array, seed: int) -> tuple[Array, float]:
    """Generators whose whole turns pass, from the equation in coordinates y of x = root y."""
    size = len(root)
    sizes, solutions = _solutions(ruler, root, back, seed)
    near = int((sizes < _NEAR).sum())
    level = np.append(sizes, 1.0) + _FLOOR
    for count in np.argsort(-level[1 : near + 1] / level[:near])[:_SIZES] + 1:
        found = _compact(solutions[:count], root)
        turns = np.array([root @ each @ back for each in found]).reshape(-1, size, size)
        violation = _worst_turn(ruler, turns, seed) if len(turns) else np.inf
        if violation < ROUND:
            return turns, violation
    return np.zeros((0, size, size)), 0.0


def _placed(turns: Array, violation: float, invariant: bool) -> ContinuousTurns:
    count, size = turns.shape[:2]
    generators = np.linalg.svd(turns.reshape(count, -1), full_matrices=False)[2]
    generators = generators.reshape(turns.shape)
    moved, sizes, _ = np.linalg.svd(np.concatenate(list(generators), 1))
    rank = int((sizes > 1e-6 * sizes[0]).sum())
    still = np.linalg.svd(np.concatenate(list(generators)))[2][rank:].T
    many = f"{count} generator{'s' if count > 1 else ''}"
    does = "does not change under" if invariant else "answers"
    nearly = "" if violation <= EXACT else f", violation {violation:.2g}"
    note = (
        f"The function {does} a continuous rotation ({many}, in lie_algebra{nearly}), "
        "which is reported as no finite group."
    )
    basis = np.concatenate([still, moved[:, :rank]], 1)
    return ContinuousTurns(generators, basis, size - rank, violation, (note,))


def _solutions(ruler: Ruler, root: Array, back: Array, seed: int) -> tuple[Array, Array]:
    """How far generators, in whitened coordinates, are from solving the equation; least first."""
    size = len(root)
    unknown = np.eye(size**2).reshape(-1, size, size)
    if size > _LARGEST:
        first, second = np.triu_indices(size, 1)
        unknown = (unknown[first * size + second] - unknown[second * size + first]) / 2**0.5
    values = ruler.values
    outputs = values.shape[1]
    mix = few_outputs(outputs, seed) if isinstance(ruler.answer, Unmoved) else np.eye(outputs)
    count = max(_EQUATIONS * len(unknown) // mix.shape[1], 8 * outputs, 64)
    x = _rows(ruler.x, count, seed)
    gradients = ruler.probe.gradients(x, seed, mix) @ root
    values, z = ruler.probe.values(x) @ mix, x @ back
    speeds = np.einsum("nki,cij,nj->cnk", gradients, unknown, z, optimize=True)
    step = _STEP * np.abs(values).max() / max(float(np.abs(speeds).max()), 1e-300)
    residuals = ruler.answer.residuals(torch.as_tensor(values))
    left = residuals(torch.as_tensor(values + step * speeds)).numpy() / step
    # No row counts for much more than usual, however steep the function is there.
    scale = np.linalg.norm(gradients, axis=(1, 2)) * np.linalg.norm(z, axis=1)
    most = _STEEPEST * np.median(scale) + 1e-300
    kept = np.minimum(scale, most)
    weights = kept / np.maximum(scale, 1e-300) / np.sqrt((kept**2).mean())
    weighted = left * weights[:, None]
    weighted = weighted.reshape(len(unknown), -1)
    squares, directions = np.linalg.eigh(weighted @ weighted.T / len(x))
    relative = np.sqrt(np.maximum(squares, 0)) * size
    return relative, np.einsum("ck,cij->kij", directions, unknown)


def _rows(x: Array, count: int, seed: int) -> Array:
    """So many rows: the given ones first, then mixtures of two."""
    if len(x) >= count:
        return x
    rng = np.random.default_rng(seed)
    first, second = rng.integers(len(x), size=(2, count - len(x)))
    return np.concatenate([x, (x[first] + x[second]) / 2**0.5])


def _compact(solutions: Array, root: Array) -> Array:
    """A basis of those that are skew for one inner product, made exactly so."""
    form = _common_form(solutions)
    if form is not None:
        skew, _ = _skew_for(solutions, form)
        if len(skew) == len(solutions):
            return skew
    # Whitened samples have one inner product, the coordinates another.
    choices = [_skew_for(solutions, each) for each in (np.eye(len(root)), root @ root)]
    return max(choices, key=lambda each: (len(each[0]), -each[1]))[0]


def _common_form(solutions: Array) -> Array | None:
    """The inner product that all turns leave alone: any one, averaged over random turns."""
    from scipy.linalg import expm

    rng = np.random.default_rng(len(solutions))
    size = solutions.shape[1]
    mixtures = rng.standard_normal((_SPEEDS, len(solutions))) * size**0.5
    turns = np.stack([expm(np.einsum("k,kij->ij", each, solutions)) for each in mixtures])
    form = np.eye(size)
    for _ in range(_AVERAGES):
        form = (turns.transpose(0, 2, 1) @ form @ turns).mean(0)
        if not np.isfinite(form).all():
            return None
        form = size * form / np.trace(form)
    least = float(np.linalg.eigvalsh(form)[0])
    return form if least > 1e-4 else None


def _skew_for(solutions: Array, form: Array) -> tuple[Array, float]:
    """Solutions that are skew, or nearly, and the largest symmetric part that they lost."""
    values, vectors = np.linalg.eigh(form)
    root, back = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
    inside = np.array([root @ each @ back for each in solutions])
    orthonormal = np.linalg.svd(inside.reshape(len(inside), -1), full_matrices=False)[2]
    basis = orthonormal.reshape(inside.shape)
    even = (basis + basis.transpose(0, 2, 1)) / 2
    mixtures, sizes, _ = np.linalg.svd(even.reshape(len(even), -1))
    # As many left singular vectors as solutions, some of no length.
    sizes = np.append(sizes, np.zeros(len(even) - len(sizes)))
    kept = mixtures.T[sizes < _SKEW]
    skew = np.einsum("kc,cij->kij", kept, (basis - basis.transpose(0, 2, 1)) / 2)
    found = np.array([back @ each @ root for each in skew]).reshape(-1, *form.shape)
    return found, float(sizes[sizes < _SKEW].max(initial=0.0))


def _worst_turn(ruler: Ruler, turns: Array, seed: int) -> float:
    """The largest violation of whole turns of each generator, and of some mixtures."""
    from scipy.linalg import expm

    rng = np.random.default_rng(seed)
    mixtures = np.einsum("mk,kij->mij", rng.standard_normal((_MIXTURES, len(turns))), turns)
    worst = 0.0
    for each in [*turns, *mixtures]:
        fastest = float(np.abs(np.linalg.eigvals(each)).max())
        for angle in _ANGLES:
            worst = max(worst, ruler.violation(expm(angle / fastest * each)))
        if worst >= ROUND:
            break
    return worst
