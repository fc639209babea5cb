"""Data in linear coordinates without symmetry, and labels that only turns by 2 pi / k keep.

Windows of a linear series are not among them: x = L e with independent e of one law has the
symmetries L P L^-1 of all permutations P.
"""

from __future__ import annotations

import numpy as np

from sources.base import Array, Maker, Random, Source, conjugated, nothing, random_basis
from sources.columns import skewed_columns

NEAR = (0.4, 1.27, 2.13, 3.0)


def mixed(law: Random, rng: Random, rows: int, shapes: tuple[float, ...]) -> Array:
    """Independent gamma sources, standardised, through a random matrix.

    By Darmois and Skitovich a linear symmetry permutes the sources, up to sign and scale. Their
    skewness 2 / sqrt(shape) has one sign and no value twice, so it keeps each.
    """
    sources = skewed_columns(rng, np.array(shapes), rows)
    return sources @ random_basis(law, len(shapes)).T


def two_sources(law: Random, rng: Random, rows: int) -> Source:
    """None: independent sources of skewness 2.3 and 1.2, mixed."""
    return nothing("two mixed sources", mixed(law, rng, rows, (0.75, 3.0)), "linear")


def four_sources(law: Random, rng: Random, rows: int) -> Source:
    """None: independent sources of skewness 3.2, 1.8, 1.4 and 1.2, mixed."""
    return nothing("four mixed sources", mixed(law, rng, rows, NEAR), "linear")


def six_sources(law: Random, rng: Random, rows: int) -> Source:
    """None: independent sources of skewness 3.2, 2.3, 1.8, 1.4, 1.2 and 1.0, mixed."""
    shapes = (0.4, 0.75, 1.27, 2.13, 3.0, 4.2)
    return nothing("six mixed sources", mixed(law, rng, rows, shapes), "linear")


def rounded_sources(law: Random, rng: Random, rows: int) -> Source:
    """None: three mixed sources, rounded to fifths."""
    values = mixed(law, rng, rows, (0.4, 1.27, 4.0))
    return nothing("rounded mixed sources", np.round(5 * values) / 5, "linear")


def rare_events(law: Random, rng: Random, rows: int) -> Source:
    """None: independent 0 or 1 with probabilities 0.03, 0.07, 0.15 and 0.3: skewness all unlike."""
    odds = law.permutation([0.03, 0.07, 0.15, 0.3])
    return nothing("rare events", (rng.random((rows, 4)) < odds).astype(np.float64), "linear")


def clusters(law: Random, rng: Random, rows: int) -> Source:
    """None: five clusters in R^3 of unlike weights: each is kept, and five points fix the map."""
    centres = 2 * law.standard_normal((5, 3))
    chosen = rng.choice(5, rows, p=[0.36, 0.26, 0.19, 0.12, 0.07])
    values = centres[chosen] + 0.3 * rng.standard_normal((rows, 3))
    weights = np.array([0.36, 0.26, 0.19, 0.12, 0.07])
    return nothing("unequal clusters", values - weights @ centres, "linear")


def lognormal(law: Random, rng: Random, rows: int) -> Source:
    """None: exp(u) of correlated normals, log-variances 0.15, 0.35 and 0.7, then mixed.

    The tail of a linear function is that of its heaviest coordinate, so a symmetry is triangular in
    the coordinates, with ones on the diagonal, and uncorrelated steps make it the identity.
    """
    factor = law.standard_normal((3, 4))
    factor *= np.sqrt(np.array([0.15, 0.35, 0.7]) / (factor**2).sum(1))[:, None]
    values = np.exp(rng.standard_normal((rows, 4)) @ factor.T)
    return nothing("lognormal", values @ random_basis(law, 3).T, "linear")


def curved(law: Random, rng: Random, rows: int) -> Source:
    """None: x_2 and x_3 are curved functions of a skewed x_1, with unlike skewed noises."""
    noise = skewed_columns(rng, np.array([2.0, 0.7, 4.0]), rows)
    first = noise[:, 0]
    second = 0.5 * first**2 + 0.5 * noise[:, 1]
    third = np.tanh(first + second) + 0.5 * noise[:, 2]
    values = np.stack([first, second, third], axis=1) @ random_basis(law, 3).T
    return nothing("curved surface", values, "linear")


def near_copies(law: Random, rng: Random, rows: int) -> Source:
    """None: columns that differ by 2 %, a linear map of four unlike skewed sources."""
    sources = skewed_columns(rng, np.array([0.4, 0.9, 2.0, 5.0]), rows)
    values = sources.copy()
    values[:, 2:] = sources[:, :2] + 0.02 * sources[:, 2:]
    return nothing("near copies", values[:, law.permutation(4)], "linear")


def unlike_units(law: Random, rng: Random, rows: int) -> Source:
    """None: three mixed sources, one column in a unit 10,000 times as small."""
    values = mixed(law, rng, rows, (0.4, 1.27, 4.0))
    return nothing("mixed sources, unlike units", values * [1, 1, 10_000], "linear")


def quadratic(law: Random, rng: Random, rows: int) -> Source:
    """None: y = a.x + x.B x of normal x: a symmetry keeps a and the axes of B, on which a leans."""
    values = rng.standard_normal((rows, 3))
    slope = law.permutation([0.6, 0.9, 1.2]) * law.choice([-1, 1], 3)
    label = values @ slope + values**2 @ np.array([1.5, 0.2, -1.0])
    return nothing("labelled by a quadric", values @ random_basis(law, 3).T, "linear", labels=label)


def sawtooth(law: Random, rng: Random, rows: int) -> Source:
    """C_k, k = 2 to 16: y = x_3 / (1 + theta mod 2 pi / k) rises with theta, so no mirror."""
    order = int(law.integers(2, 17))
    return labelled_turns("sawtooth", order, np.eye(3), rng, rows)


def sawtooth_mixed(law: Random, rng: Random, rows: int) -> Source:
    """C_k, k = 2 to 16: the same sawtooth in a random basis."""
    order = int(law.integers(2, 17))
    return labelled_turns("sawtooth, mixed", order, random_basis(law, 3), rng, rows)


def labelled_turns(name: str, order: int, basis: Array, rng: Random, rows: int) -> Source:
    """Normal x and the sawtooth label: a symmetry keeps y, so it turns theta by 2 pi / k."""
    values = rng.standard_normal((rows, 3))
    angle = np.arctan2(values[:, 1], values[:, 0]) % (2 * np.pi)
    label = values[:, 2] / (1 + angle % (2 * np.pi / order))
    turns = np.tile(np.eye(3), (order, 1, 1))
    steps = 2 * np.pi * np.arange(order) / order
    turns[:, 0, 0], turns[:, 0, 1] = np.cos(steps), -np.sin(steps)
    turns[:, 1, 0], turns[:, 1, 1] = np.sin(steps), np.cos(steps)
    truth = conjugated(turns, basis)
    return Source(name, values @ basis.T, "linear", truth, labels=label, root=basis)


MIXTURES: dict[str, Maker] = {
    "two mixed sources": two_sources,
    "four mixed sources": four_sources,
    "six mixed sources": six_sources,
    "rounded mixed sources": rounded_sources,
    "rare events": rare_events,
    "unequal clusters": clusters,
    "lognormal": lognormal,
    "curved surface": curved,
    "near copies": near_copies,
    "mixed sources, unlike units": unlike_units,
    "labelled by a quadric": quadratic,
    "sawtooth": sawtooth,
    "sawtooth, mixed": sawtooth_mixed,
}
