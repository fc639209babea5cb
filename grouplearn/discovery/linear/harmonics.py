"""Harmonics of the angles in planes and of the signs along lines, and how surely they survive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
from jaxtyping import Complex
from numpy.typing import NDArray

from grouplearn.discovery.linear.data import Whitened, rank_cosines

HIGHEST = 14
_Features: TypeAlias = list[dict[int, NDArray[np.complex128]]]
_PAIRED = 6
_TRIPLED = 2
_FUNCTIONS = 40
_PLAIN = 9
_INDEPENDENT = 0.1
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
            mean = block.T @ data.centres.mean(0) * np.sqrt(size)
            key = _unit(frame.components, {index: 1})
            value = mean[0] + 1j * mean[1] if len(mean) == 2 else mean[0] + 0j
            found[key] = np.append(found[key], value / np.sqrt(len(mean)))
    keys = list(found)
    real = np.array([not any(key[: len(frame.planes)]) for key in keys], dtype=bool)
    energy = np.array([(np.abs(found[key]) ** 2).sum() for key in keys])
    parts = np.where(real, 1, 2)
    freedom = np.array([len(found[key]) for key in keys]) * parts
    # Beyond the range of the tail probability, its leading term.
    surprise = np.minimum(-chi2.logsf(energy * parts, freedom), energy * parts / 2)
    sure = np.flatnonzero(surprise > -np.log(_CHANCE / max(1, len(found))))
    out = [Harmonic(keys[i], found[keys[i]], float(surprise[i])) for i in sure]
    return sorted(out, key=lambda each: -each.surprise)


def group_harmonics(
    data: Whitened, frame: Frame, keys: list[tuple[int, ...]]
) -> Complex[np.ndarray, "groups keys functions"]:
    """The means of given harmonics over each group of rows.

    Args:
        data: whitened rows.
        frame: whose angles and signs are meant.
        keys: exponents.
    """
    features = _features(data, frame)
    weighted = _kept_functions(data, frame) * data.weights[:, None]
    starts = data.starts
    out = np.empty((data.count, len(keys), weighted.shape[1]), dtype=np.complex128)
    for position, key in enumerate(keys):
        product = np.ones(len(weighted), dtype=np.complex128)
        for component, exponent in enumerate(key):
            if exponent:
                power = features[component][abs(exponent)]
                product = product * (power if exponent > 0 else power.conj())
        sums = np.add.reduceat(weighted * product[:, None], starts[:-1], axis=0)
        out[:, position] = sums / np.diff(starts)[:, None]
    return out


def _features(data: Whitened, frame: Frame) -> _Features:
    """For each component the powers exp(i a theta), a = 1 to 14, or one bounded odd function."""
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
    labelled = np.concatenate([ones, data.labels], axis=1)
    blocks = (*frame.planes, *frame.lines, *frame.rest)
    most, degree = (_FUNCTIONS, 2) if data.labels.size else (_PLAIN, max(1, 6 // len(blocks)))
    products = []
    for block in blocks[:most]:
        size = rank_cosines(((data.rows @ block) ** 2).sum(1), degree)
        products.append((labelled[:, :, None] * size[:, None, :]).reshape(len(radius), -1))
    columns = np.concatenate([labelled, radius, *products], axis=1)[:, :most]
    orthonormal, triangle = np.linalg.qr(columns)
    orthonormal *= np.sign(np.diagonal(triangle))
    clear = np.abs(np.diagonal(triangle)) > _INDEPENDENT * np.sqrt(len(radius))
    return np.asarray(orthonormal[:, clear] * np.sqrt(len(radius)))


def _design_effect(data: Whitened, features: _Features) -> float:
    """How much more the means of the groups vary than those of independent rows would."""
    if not features:
        return 1.0
    columns = np.stack([powers[1] for powers in features], axis=1) * data.weights[:, None]
    starts = data.starts
    counts = np.diff(starts)
    means = np.add.reduceat(columns, starts[:-1], axis=0) / counts[:, None]
    spread = np.abs(means - columns.mean(0)) ** 2 * counts[:, None]
    size = np.maximum((np.abs(columns) ** 2).mean(0), 1e-300)
    ratio = spread.sum(0) / (data.count - 1) / size
    return max(1.0, float(ratio.mean()))


def _unit(size: int, entries: dict[int, int]) -> tuple[int, ...]:
    return tuple(entries.get(i, 0) for i in range(size))


def _means(
    features: _Features, weighted: NDArray[np.float64], frame: Frame
) -> Iterator[tuple[tuple[int, ...], NDArray[np.complex128]]]:
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


def _triples(
    columns: NDArray[np.complex128],
    names: list[tuple[int, int]],
    weighted: NDArray[np.float64],
    frame: Frame,
) -> Iterator[tuple[tuple[int, ...], NDArray[np.complex128]]]:
    """Harmonics of three components, with low exponents."""
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
