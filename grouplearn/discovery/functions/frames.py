"""Coordinates in which what leaves a function alone is a sum of planes and singles.

If f(g x) = f(x) then grad f(x) = g^T grad f(g x). Where the inputs' distribution is invariant, in
coordinates in which g is orthogonal, g commutes with E[u u^T], with E[w(f) u u^T], with
E[w(f) x u^T] and its transpose, and with E[w(f) x x^T], u = grad f(x), w any weight. All matrices
that commute with these form an algebra that contains every g. A random skew element of it turns
each plane at a speed that tells planes of different irreps apart; a random symmetric one splits the
rest into singles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.functions.answers import Answer, Unmoved
from grouplearn.discovery.functions.probes import Probe, few_outputs

_INPUTS = 1 << 15
_ENTRIES = 1 << 22
_LEAST_INPUTS = 1 << 12
_SLICES = 5
_LARGEST = 40
AUDIBLE = 3.0
"""By how much a matrix must exceed its noise."""
_MODEL = 0.01
_FLOOR, _UNRELATED = 2e-3, 0.5
_SIZES, _DRAWS, _MORE_DRAWS, _MOST = 3, 2, 6, 40
_TURNING = 0.5
_KERNEL = 0.1
_QUANTILES = (0.05, 0.15, 0.4)
_PLANES, _SINGLES = 3, 6
_ROUNDS, _SMALL, _NARROW = 8, 1e-3, 1e-2

Array = NDArray[np.float64]
Groups = tuple[tuple[int, ...], ...]


@final
@dataclass(frozen=True)
class PlaneFrame:
    """Coordinates in which a commuting action would be a sum of planes and singles.

    Attributes:
        columns: (r, r), the new basis: pairs of columns for the planes first, then singles, then
            what stays in place.
        planes: how many pairs there are.
        turning: numbers of planes that turn by the same angle; each by itself when empty.
        flipping: columns of singles that change sign together; each by itself when empty.
        fixed: how many columns stay in place.
    """

    columns: Float[np.ndarray, "r r"]
    planes: int
    turning: Groups = ()
    flipping: Groups = ()
    fixed: int = 0

    def __post_init__(self) -> None:
        if not self.turning:
            object.__setattr__(self, "turning", tuple((k,) for k in range(self.planes)))
        if not self.flipping:
            singles = range(2 * self.planes, len(self.columns) - self.fixed)
            object.__setattr__(self, "flipping", tuple((k,) for k in singles))

    def matrix(self, inside: Float[np.ndarray, "r r"]) -> Float[np.ndarray, "r r"]:
        """A matrix of these coordinates in the original ones."""
        return np.asarray(self.columns @ inside @ np.linalg.inv(self.columns))


@final
@dataclass(frozen=True)
class Seen:
    """Inputs, in coordinates in which actions are to be orthogonal, and what a function does there.

    Attributes:
        z: (N, r) inputs.
        gradients: (N, m, r) of outputs in which the answers are orthogonal.
        scalars: (N, s), numbers that no action changes.
        slopes: (N, t, r), gradients of the first t scalars.
    """

    z: Float[np.ndarray, "N r"]
    gradients: Float[np.ndarray, "N m r"]
    scalars: Float[np.ndarray, "N s"]
    slopes: Float[np.ndarray, "N t r"]


def frames(
    probe: Probe, x: Float[np.ndarray, "N r"], seed: int, answer: Answer, free: int
) -> Iterator[list[PlaneFrame]]:
    """Propose frames: from Gaussian inputs and from the samples, as they are and whitened.

    First come Gaussian inputs of the covariance that the function itself suggests, so that neither
    the coordinates nor the samples need suit the action.

    Args:
        probe: the function.
        x: (N, r) samples.
        seed: of the Gaussian inputs and of the sums.
        answer: what the values may do.
        free: how many of the first coordinates may move.

    Yields:
        For each kind of inputs, frames, each one set of planes and singles.
    """
    rng = np.random.default_rng(seed)
    rank = x.shape[1]
    width = rank * max(probe.values(x[:1]).shape[1], 1)
    count = min(_INPUTS, max(_LEAST_INPUTS, _ENTRIES // width))
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    gaussian = rng.standard_normal((count, rank)) * np.sqrt(values.mean())
    settings = [(gaussian, np.eye(free)), (x[:count], np.eye(free))]
    if values[0] > 1e-8 * values[-1]:
        root = vectors * np.sqrt(values) @ vectors.T
        spread, axes = np.linalg.eigh(x[:, :free].T @ x[:, :free] / len(x))
        inner = axes * np.sqrt(spread) @ axes.T
        settings += [(x[:count], inner), (rng.standard_normal((count, rank)) @ root, inner)]
    settings.insert(0, _own_inputs(probe, gaussian, free, answer, seed))
    for rows, back in settings:
        seen = look(probe, rows, back, answer, seed)
        split = _by_algebra if free <= _LARGEST else _by_eigenvalues
        yield [_widened(frame, rank) for frame in split(seen, back, rng)]


def _own_inputs(
    probe: Probe, gaussian: Array, free: int, answer: Answer, seed: int
) -> tuple[Array, Array]:
    """Inputs of the covariance S under which E[u u^T / u^T S u] = S^-1 / r, u the gradients.

    That equation keeps its form in every basis, so that S is invariant under all that leaves the
    function alone. The mean of S and its right side is the next S.
    """
    root = np.eye(free)
    for _ in range(_ROUNDS):
        rows = np.concatenate([gaussian[:, :free] @ root, gaussian[:, free:]], 1)
        slopes = look(probe, rows, root, answer, seed).gradients
        lengths = (slopes**2).sum((1, 2))
        weights = 1 / (lengths + _SMALL * np.median(lengths))
        spread = np.einsum("n,nki,nkj->ij", weights, slopes, slopes)
        values, vectors = np.linalg.eigh(spread)
        values = np.maximum(values / values.mean(), _NARROW) ** -0.5
        squares, axes = np.linalg.eigh(root @ (vectors * values @ vectors.T) @ root)
        root = axes * np.sqrt(squares / squares.mean()) @ axes.T
    return np.concatenate([gaussian[:, :free] @ root, gaussian[:, free:]], 1), root


def _widened(frame: PlaneFrame, rank: int) -> PlaneFrame:
    size = len(frame.columns)
    columns = np.eye(rank)
    columns[:size, :size] = frame.columns
    return PlaneFrame(columns, frame.planes, frame.turning, frame.flipping, rank - size)


def look(
    probe: Probe,
    rows: Float[np.ndarray, "N r"],
    back: Float[np.ndarray, "s s"],
    answer: Answer,
    seed: int,
) -> Seen:
    """What a function does at inputs whose distribution actions are to keep.

    Args:
        probe: the function.
        rows: (N, r) inputs.
        back: (s, s): actions are orthogonal in coordinates y of the first s coordinates, back y.
        answer: what the values may do.
        seed: of combinations of outputs.
    """
    size = len(back)
    values = probe.values(rows)
    z = np.linalg.solve(back, rows[:, :size].T).T
    if isinstance(answer, Unmoved):
        mix = few_outputs(values.shape[1], seed)
        gradients = probe.gradients(rows, seed, mix)[:, :, :size] @ back
        return Seen(z, gradients, values @ mix, gradients)
    # In whitened values an answer is orthogonal, so that lengths are what it does not change.
    spread, axes = np.linalg.eigh(values.T @ values / len(values))
    mix = axes[:, spread > 1e-8 * spread[-1]] / np.sqrt(spread[spread > 1e-8 * spread[-1]])
    gradients = probe.gradients(rows, seed, mix)[:, :, :size] @ back
    white = values @ mix
    length = (white**2).sum(1)
    slope = np.einsum("nk,nki->ni", white, gradients) / (1 + length)[:, None]
    turned = (np.einsum("nki,ni->nk", gradients, z) ** 2).sum(1)
    return Seen(
        z,
        gradients,
        np.stack([length, (gradients**2).sum((1, 2)), turned], 1),
        slope[:, None],
    )


def commuting(seen: Seen) -> list[tuple[Float[np.ndarray, "s s"], float]]:
    """Traceless matrices with which every action commutes, and the noise of each.

    Args:
        seen: what the function does.
    """
    lengths = (seen.gradients**2).sum((1, 2))
    # Lengths are kept by an orthogonal action; dividing by them tames heavy tails.
    u = seen.gradients / np.sqrt(lengths + np.median(lengths))[:, None, None]
    x = seen.z / np.sqrt((seen.z**2).sum(1) + seen.z.shape[1])[:, None]
    sizes = (seen.slopes**2).sum(2)
    slopes = seen.slopes / np.sqrt(sizes + np.median(sizes, 0))[:, :, None]
    pairs: list[tuple[Array, Array]] = [(u.reshape(-1, u.shape[2]), u.reshape(-1, u.shape[2]))]
    ranks = seen.scalars.argsort(0).argsort(0) / len(x)
    for k in range(ranks.shape[1]):
        for part in range(_SLICES):
            inside = (np.floor(ranks[:, k] * _SLICES) == part)[:, None]
            pairs.append((inside * x, x))
            if part % 2 == 0:
                pairs.append(((inside[:, None] * u).reshape(-1, u.shape[2]), pairs[0][1]))
    for k in range(slopes.shape[1]):
        weights = (np.ones(len(x)), np.cos(2 * np.pi * ranks[:, k]), np.cos(np.pi * ranks[:, k]))
        pairs += [(weight[:, None] * x, slopes[:, k]) for weight in weights]
    found = []
    for left, right in pairs:
        halves = [2 * left[k::2].T @ right[k::2] / len(left) for k in range(2)]
        for sign in (1, -1):
            first, second = ((half + sign * half.T) / 2 for half in halves)
            mean = (first + second) / 2
            mean = mean - np.eye(len(mean)) * np.trace(mean) / len(mean)
            found.append((mean, float(np.linalg.norm(first - second)) / 2))
    return found


def _algebra(seen: Seen) -> tuple[Array, Array]:
    """How far matrices are from commuting, from least to most, and those matrices."""
    size = seen.z.shape[1]
    matrices = []
    for matrix, noise in commuting(seen):
        norm = float(np.linalg.norm(matrix))
        if norm > AUDIBLE * noise:
            matrices.append(matrix / np.hypot(noise, _MODEL * norm))
    stack = np.array(matrices).reshape(-1, size, size)
    squares = np.einsum("mji,mjk->ik", stack, stack)
    eye = np.eye(size)
    gram = np.kron(squares, eye) + np.kron(eye, squares)
    gram -= 2 * np.einsum("mij,mkl->ikjl", stack, stack).reshape(size**2, size**2)
    total = max(float((stack**2).sum()), 1e-300)
    values, vectors = np.linalg.eigh(gram / total)
    return np.sqrt(np.maximum(values, 0)), vectors.T.reshape(-1, size, size)


def _by_algebra(seen: Seen, back: Array, rng: np.random.Generator) -> Iterator[PlaneFrame]:
    """Frames of random elements of the algebra, for the sizes that it most likely has."""
    if len(back) < 2:
        yield PlaneFrame(back, 0)
        return
    sizes, matrices = _algebra(seen)
    level = np.append(sizes + _FLOOR, _UNRELATED)
    jumps = (level[1:] / level[:-1])[1:_MOST]
    likely = np.argsort(-jumps)[:_SIZES] + 2
    for count in likely:
        skew = (matrices[:count] - matrices[:count].transpose(0, 2, 1)).reshape(count, -1)
        turns = int((np.linalg.svd(skew, compute_uv=False) > _TURNING).sum())
        # Irreps of dimension 3 and more turn about many axes.
        for _ in range(_MORE_DRAWS if turns > 2 and count == likely[0] else _DRAWS):
            frame = _split(matrices[:count], rng)
            yield PlaneFrame(back @ frame.columns, frame.planes, frame.turning, frame.flipping)


def _split(algebra: Array, rng: np.random.Generator) -> PlaneFrame:
    draws = rng.standard_normal((2, len(algebra)))
    skew, even = (np.einsum("k,kij->ij", draw, algebra) for draw in draws)
    skew, even = skew - skew.T, even + even.T
    speeds, vectors = np.linalg.eigh(skew.T @ skew)
    speeds = np.sqrt(np.maximum(speeds, 0))
    slow = _KERNEL * max(float(speeds[-1]), 1 / len(skew) ** 0.5)
    still = int((speeds <= slow).sum())
    still += (len(skew) - still) % 2
    columns, turning = [], []
    for chosen in _clusters(speeds[still::2], _PLANES):
        part = vectors[:, still:].reshape(len(skew), -1, 2)[:, list(chosen)].reshape(len(skew), -1)
        columns.append(part @ _paired(part.T @ skew @ part, part.T @ even @ part))
        turning.append(tuple(chosen))
    rest = vectors[:, :still]
    values, singles = np.linalg.eigh(rest.T @ even @ rest)
    first = len(skew) - still
    flipping = tuple(tuple(first + k for k in chosen) for chosen in _clusters(values, _SINGLES))
    return PlaneFrame(
        np.concatenate([*columns, rest @ singles], 1), first // 2, tuple(turning), flipping
    )


def _paired(skew: Array, even: Array) -> Array:
    """Basis e1, J e1, e2, J e2, ... in which mirrors of all planes have the same axis."""
    left, _, right = np.linalg.svd(skew)
    turn = left @ right
    turn = (turn - turn.T) / 2
    # The part that anticommutes with J is a mirror, or noise.
    mirror = even + turn @ even @ turn
    axes = np.linalg.eigh(mirror)[1][:, len(skew) // 2 :]
    return np.stack([axes, turn @ axes], 2).reshape(len(skew), -1)


def _clusters(values: Array, most: int) -> list[list[int]]:
    """Sorted numbers in so many clusters at most, cut at the widest gaps."""
    cuts = np.sort(np.argsort(-np.diff(values))[: most - 1]) + 1
    return [each.tolist() for each in np.split(np.arange(len(values)), cuts) if len(each)]


def _by_eigenvalues(seen: Seen, back: Array, rng: np.random.Generator) -> Iterator[PlaneFrame]:
    """Eigenvectors of a random sum of commuting matrices, paired where eigenvalues agree."""
    found = [(matrix, noise) for matrix, noise in commuting(seen) if (matrix == matrix.T).all()]
    factors = rng.uniform(0.5, 1.5, len(found))
    total = sum(
        c * matrix / np.linalg.norm(matrix) for c, (matrix, _) in zip(factors, found, strict=True)
    )
    eigenvalues, vectors = np.linalg.eigh(total)
    apart = np.diff(eigenvalues)
    yielded: list[list[int]] = []
    for pairs in [_disjoint(apart, float(limit)) for limit in np.quantile(apart, _QUANTILES)]:
        if pairs not in yielded:
            yielded.append(pairs)
            paired = [column for k in pairs for column in (k, k + 1)]
            singles = [k for k in range(len(eigenvalues)) if k not in paired]
            turning = _clusters(eigenvalues[pairs], _PLANES)
            flipping = _clusters(eigenvalues[singles], _SINGLES)
            yield PlaneFrame(
                back @ vectors[:, paired + singles],
                len(pairs),
                tuple(map(tuple, turning)),
                tuple(tuple(len(paired) + k for k in chosen) for chosen in flipping),
            )


def _disjoint(apart: Array, limit: float) -> list[int]:
    """Neighbours that agree, the best first, each column used once."""
    chosen: list[int] = []
    for k in np.argsort(apart).tolist():
        if apart[k] < limit and not {k - 1, k, k + 1} & set(chosen):
            chosen.append(k)
    return sorted(chosen)
