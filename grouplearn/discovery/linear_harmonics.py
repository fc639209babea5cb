"""Harmonics of the angles in planes and of the signs along lines, and how surely they survive."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from grouplearn.discovery.linear_data import Whitened, rank_cosines

HIGHEST = 12
_PAIRED = 6
_TRIPLED = 2
_FUNCTIONS = 24
_CHANCE = 1e-4


@dataclass(frozen=True)
class Frame:
    """Lines and planes of whitened space.

    Attributes:
        planes: (d, 2) orthonormal columns each.
        lines: (d, 1) columns each.
        rest: (d, k), k > 2: blocks in which no direction stands out.
    """

    planes: tuple[NDArray[np.float64], ...]
    lines: tuple[NDArray[np.float64], ...]
    rest: tuple[NDArray[np.float64], ...]

    @property
    def components(self) -> int:
        """Planes and lines, in this order."""
        return len(self.planes) + len(self.lines)


@dataclass(frozen=True)
class Harmonic:
    """The mean of a product of exponentials exp(i a theta) and of signs.

    Attributes:
        exponents: one integer per plane, then 0 or 1 per line.
        values: complex, one per function that every action keeps, in units of its standard error.
        surprise: minus the logarithm of the probability that noise alone is as large.
    """

    exponents: tuple[int, ...]
    values: NDArray[np.complex128]
    surprise: float


def harmonics(data: Whitened, frame: Frame) -> list[Harmonic]:
    """The harmonics that are surely not zero, the surest first."""
    from scipy.stats import chi2

    features = _features(data, frame)
    kept = _kept_functions(data, frame)
    weighted = kept * data.weights[:, None]
    size = len(data.weights) / (np.mean(data.weights**2) * _design_effect(data, features))
    found: dict[tuple[int, ...], NDArray[np.complex128]] = {}
    for key, values in _means(features, weighted, frame):
        found[key] = np.asarray(values) * np.sqrt(size)
    if frame.components:
        for index, block in enumerate((*frame.planes, *frame.lines)):
            mean = block.T @ data.mean * np.sqrt(size)
            key = _unit(frame.components, {index: 1})
            value = mean[0] + 1j * mean[1] if len(mean) == 2 else mean[0] + 0j
            found[key] = np.append(found[key], value / np.sqrt(len(mean)))
    limit = -np.log(_CHANCE / max(1, len(found)))
    out = []
    for key, values in found.items():
        real = not any(key[: len(frame.planes)])
        energy = (np.abs(values) ** 2).sum() * (1 if real else 2)
        # Beyond the range of the tail probability, its leading term.
        surprise = min(-float(chi2.logsf(energy, len(values) * (1 if real else 2))), energy / 2)
        if surprise > limit:
            out.append(Harmonic(key, values, surprise))
    return sorted(out, key=lambda each: -each.surprise)


def _features(
    data: Whitened, frame: Frame
) -> list[dict[int, NDArray[np.complex128]]]:
    """For each component the powers exp(i a theta), a = 1 to 12, or one bounded odd function."""
    out = []
    for plane in frame.planes:
        z = (data.rows @ plane) @ np.array([1, 1j])
        u = z / np.maximum(np.abs(z), 1e-300)
        powers = {1: u}
        for a in range(2, HIGHEST + 1):
            powers[a] = powers[a - 1] * u
        out.append(powers)
    for line in frame.lines:
        s = (data.rows @ line)[:, 0]
        odd = s / np.sqrt(0.25 + s**2)
        out.append({1: (odd / np.sqrt(np.mean(odd**2))).astype(np.complex128)})
    return out


def _kept_functions(data: Whitened, frame: Frame) -> NDArray[np.float64]:
    """Functions that every action keeps: of the radii, the sizes along lines, and the label."""
    radius = rank_cosines(np.sqrt((data.rows**2).sum(1)), 2)
    ones = np.ones((len(radius), 1))
    if not data.labels.shape[1]:
        return np.concatenate([ones, radius], axis=1)
    blocks = (*frame.planes, *frame.lines, *frame.rest)
    sizes = [rank_cosines(((data.rows @ b) ** 2).sum(1), 2) for b in blocks]
    labelled = np.concatenate([ones, data.labels], axis=1)
    functions = np.concatenate([labelled[:, :, None] * each[:, None, :] for each in (ones, *sizes)], 2)
    flat = functions.reshape(len(radius), -1)
    order = np.argsort(np.concatenate([np.zeros(labelled.shape[1]), np.ones(flat.shape[1])]))
    flat = np.concatenate([labelled, flat[:, 1:]], axis=1)[:, order[:-1]]
    independent = np.linalg.qr(flat[:, : 2 * _FUNCTIONS])[0] * np.sqrt(len(radius))
    scale = np.abs(independent).max(0)
    return independent[:, scale < 30][:, :_FUNCTIONS]


def _design_effect(data: Whitened, features: list[dict[int, NDArray[np.complex128]]]) -> float:
    """How much more the means of the groups vary than those of independent rows would; at least 1."""
    if not features:
        return 1.0
    columns = np.stack([powers[1] for powers in features], axis=1) * data.weights[:, None]
    counts = np.bincount(data.groups)
    means = np.stack([columns[data.groups == g].mean(0) for g in range(data.count)])
    spread = np.abs(means - columns.mean(0)) ** 2 * counts[:, None]
    ratio = spread.sum(0) / (data.count - 1) / (np.abs(columns) ** 2).mean(0)
    return max(1.0, float(ratio.mean()))


def _unit(size: int, entries: dict[int, int]) -> tuple[int, ...]:
    return tuple(entries.get(i, 0) for i in range(size))


def _means(features, weighted, frame):
    """Every harmonic of one, two or three components with its means, one per weight."""
    count, total = len(weighted), frame.components
    names = [(c, a) for c, powers in enumerate(features) for a in powers]
    if not names:
        return
    columns = np.stack([features[c][a] for c, a in names], axis=1)
    single = columns.T @ weighted / count
    for (c, a), values in zip(names, single, strict=True):
        yield _unit(total, {c: a}), values
    low = [i for i, (_, a) in enumerate(names) if a <= _PAIRED]
    some = np.ascontiguousarray(columns[:, low])
    plain = np.empty((weighted.shape[1], len(low), len(low)), dtype=np.complex128)
    mixed = np.empty_like(plain)
    for h in range(weighted.shape[1]):
        left = (some * weighted[:, h : h + 1]).T
        plain[h] = left @ some / count
        mixed[h] = left @ some.conj() / count
    for i, j in combinations(range(len(low)), 2):
        (c, a), (e, b) = names[low[i]], names[low[j]]
        if c != e:
            yield _unit(total, {c: a, e: b}), plain[:, i, j]
            if e < len(frame.planes):
                yield _unit(total, {c: a, e: -b}), mixed[:, i, j]
    yield from _triples(columns, names, weighted[:, :2], frame)


def _triples(columns, names, weighted, frame):
    count, total, planes = len(weighted), frame.components, len(frame.planes)
    signed = []
    for i, (c, a) in enumerate(names):
        if a <= _TRIPLED:
            signed.append((c, a, columns[:, i]))
            if c < planes:
                signed.append((c, -a, columns[:, i].conj()))
    for middle in range(1, total - 1):
        first = [(c, a, f) for c, a, f in signed if c < middle and a > 0]
        second = [(c, a, f) for c, a, f in signed if c == middle]
        third = [(c, a, f) for c, a, f in signed if c > middle]
        right = np.stack([f for _, _, f in third], axis=1)
        start = np.stack([f for _, _, f in first], axis=1)
        for _, b, f in second:
            values = [
                (start * (f * weighted[:, h])[:, None]).T @ right / count
                for h in range(weighted.shape[1])
            ]
            for i, (c, a, _) in enumerate(first):
                for j, (e, g, _) in enumerate(third):
                    key = _unit(total, {c: a, middle: b, e: g})
                    yield key, np.array([v[i, j] for v in values])
