"""Independent rows without symmetry, for permutations and signed permutations of the columns."""

from __future__ import annotations

from itertools import product

import numpy as np

from sources.base import Array, Maker, Random, Source, nothing, skewed, spaced


def near_duplicates(law: Random, rng: Random, rows: int) -> Source:
    """None: a column and its near copy (correlation 0.99) differ by a factor of 1.3."""
    base = skewed_columns(rng, np.array([0.5, 1.0, 3.0]), rows) * law.permutation([1.0, 1.7, 2.8])
    copies = 1.3 * base + 0.15 * rng.standard_normal(base.shape)
    return nothing("near duplicates", np.hstack([base, copies]), "permutation")


def rounded(law: Random, rng: Random, rows: int) -> Source:
    """None: means rise by a third from column to column; values are rounded to halves."""
    scales = law.permutation(1.35 ** np.arange(5))
    values = rng.gamma(2.0, size=(rows, 5)) * scales
    return nothing("rounded", np.round(2 * values) / 2, "permutation")


def parity(law: Random, rng: Random, rows: int) -> Source:
    """None: two exclusive ors that share a column; the five means are all different."""
    bits = rng.random((rows, 3)) < [0.15, 0.3, 0.6]
    columns = [*bits.T, bits[:, 0] ^ bits[:, 1], bits[:, 2] ^ bits[:, 1]]
    chosen = np.stack([columns[k] for k in law.permutation(5)], axis=1)
    return nothing("parity, unequal means", chosen.astype(np.float64), "permutation")


def parity_triples(law: Random, rng: Random, rows: int) -> Source:
    """None: signs with E[x_i x_j x_k] = 0.4, 0.3, 0.2, 0.09 on four triples, uniform to order 2.

    A symmetry would keep each triple, as their weights differ; no two points lie in the same
    triples, so it would keep each point.
    """
    triples, weights = [(0, 1, 2), (0, 3, 4), (1, 3, 5), (2, 4, 5)], [0.4, 0.3, 0.2, 0.09]
    states = np.array(list(product((-1.0, 1.0), repeat=6)))
    density = np.ones(64)
    for triple, weight in zip(triples, weights, strict=True):
        density += weight * states[:, list(triple)].prod(1)
    signs = states[rng.choice(64, rows, p=density / 64)]
    return nothing("parity triples", signs[:, law.permutation(6)], "permutation")


def unequal_marginals(law: Random, rng: Random, rows: int) -> Source:
    """None: uncorrelated, variance 1, and skewness 3.7, 2, 1, 0 and -1.4."""
    columns = [
        skewed(rng, 0.3, rows), skewed(rng, 1.0, rows), skewed(rng, 4.0, rows),
        rng.uniform(-(3**0.5), 3**0.5, rows), -skewed(rng, 2.0, rows),
    ]  # fmt: skip
    chosen = np.stack([columns[k] for k in law.permutation(5)], axis=1)
    return nothing("unequal marginals", chosen, "permutation")


def gaussian(law: Random, rng: Random, rows: int) -> Source:
    """None: a random covariance, variances 0.5 to 2.5 evenly spaced."""
    factor = law.standard_normal((6, 8))
    factor *= np.sqrt(spaced(law, 0.5, 2.5, 6) / (factor**2).sum(1))[:, None]
    return nothing("Gaussian", rng.standard_normal((rows, 8)) @ factor.T, "permutation")


def magnitudes(law: Random, rng: Random, rows: int) -> Source:
    """None: normals' magnitudes shared by 1, 2 and 3 columns, each with its own odds of a sign.

    All second moments E[x_i^2] agree, and so do E[x_i^2 x_j^2] within a group.
    """
    size = np.abs(rng.standard_normal((rows, 3)))[:, [0, 1, 1, 2, 2, 2]]
    positive = rng.random((rows, 6)) < law.permutation(np.linspace(0.5, 0.95, 6))
    return nothing("magnitudes", size * np.where(positive, 1, -1), "permutation")


def student(law: Random, rng: Random, rows: int) -> Source:
    """None: independent t of 2.2, 3.2 and 12 degrees of freedom: variances 11, 2.7 and 1.2."""
    freedom = law.permutation([2.2, 3.2, 12.0])
    return nothing("Student's t", rng.standard_t(freedom, size=(rows, 3)), "permutation")


def categories(law: Random, rng: Random, rows: int) -> Source:
    """None: one-hot rows, probabilities 0.4, 0.27, 0.18, 0.1 and 0.05."""
    odds = law.permutation([0.4, 0.27, 0.18, 0.1, 0.05])
    return nothing("categories", np.eye(5)[rng.choice(5, rows, p=odds)], "permutation")


def counts(law: Random, rng: Random, rows: int) -> Source:
    """None: Poisson counts of means 1.5, 2, 2.8, 3.9 and 5.5, with a common part."""
    rates = law.permutation([1.0, 1.5, 2.3, 3.4, 5.0])
    common = rng.poisson(0.5, size=(rows, 1))
    return nothing(
        "counts", (rng.poisson(rates, size=(rows, 5)) + common).astype(np.float64), "permutation"
    )


def odd_ring(law: Random, rng: Random, rows: int) -> Source:
    """None: a directed ring of 6, and one edge weighs 0.1 where the others weigh 0.6.

    The odd edge stops the turns, its direction the mirror through it.
    """
    bursts = rng.exponential(size=(rows, 6))
    weights = np.where(np.arange(6) == law.integers(6), 0.1, 0.6)
    ring = bursts + weights * np.roll(bursts, 1, axis=1) + 0.2 * np.roll(bursts, 2, axis=1)
    return nothing("ring with an odd edge", ring, "permutation")


def tree(law: Random, rng: Random, rows: int) -> Source:
    """None: a random tree; each column is its parent times a factor of its own, plus skewed noise.

    Factors and noises are evenly spaced, so that no two leaves of one parent are alike.
    """
    dim = 7
    factors, noises = spaced(law, 0.4, 1.4, dim), spaced(law, 0.3, 1.2, dim)
    values = np.empty((rows, dim))
    for k in range(dim):
        parent = values[:, law.integers(k)] if k else 0.0
        values[:, k] = factors[k] * parent + noises[k] * skewed(rng, 1.0, rows)
    return nothing("random tree", values, "permutation")


def labelled(law: Random, rng: Random, rows: int) -> Source:
    """None: exchangeable columns, but the label weighs them 1.5, 0.9, 0.4, 0 and -0.6."""
    values = rng.exponential(size=(rows, 5))
    score = values @ law.permutation([1.5, 0.9, 0.4, 0.0, -0.6])
    label = (score + 0.2 * rng.standard_normal(rows) > 2.0).astype(np.float64)
    return nothing("labelled columns", values, "permutation", labels=label)


def units(law: Random, rng: Random, rows: int) -> Source:
    """None: correlated gamma columns in units of 1, 10, 100 and 10,000."""
    shared = rng.gamma(1.0, size=(rows, 1))
    values = (rng.gamma(2.0, size=(rows, 4)) + shared) * law.permutation([1, 10, 100, 10_000])
    return nothing("unlike units", values, "permutation")


def claims(law: Random, rng: Random, rows: int) -> Source:
    """None: zero but for 10, 20, 35 and 55 % of the rows, with lognormal amounts."""
    odds = law.permutation([0.1, 0.2, 0.35, 0.55])
    amounts = rng.lognormal(0.0, 0.7, size=(rows, 4))
    return nothing("mostly zero", amounts * (rng.random((rows, 4)) < odds), "permutation")


def transect(law: Random, rng: Random, rows: int) -> Source:
    """None: a lognormal field at places on a line; the gaps between them are all different."""
    places = np.cumsum(spaced(law, 0.3, 1.5, 6))
    covariance = np.exp(-np.abs(places[:, None] - places))
    field = rng.standard_normal((rows, 6)) @ np.linalg.cholesky(covariance).T
    return nothing("irregular transect", np.exp(0.6 * field), "permutation")


def signed_columns(law: Random, rng: Random, rows: int) -> Source:
    """None: variance 1, skewness 3.7, 2.2, 1.4 and 0.8: no two alike, none like its negative."""
    shapes = law.permutation([0.3, 0.8, 2.0, 6.0])
    return nothing("skewed columns", skewed_columns(rng, shapes, rows), "signed")


def signed_ring(law: Random, rng: Random, rows: int) -> Source:
    """None: the ring with an odd edge; all its columns are skewed to one side."""
    ring = odd_ring(law, rng, rows).rows
    return nothing("ring with an odd edge, signed", ring - ring.mean(0), "signed")


def skewed_columns(rng: Random, shapes: Array, rows: int) -> Array:
    """Independent gamma columns of mean 0 and variance 1."""
    return (rng.gamma(shapes, size=(rows, len(shapes))) - shapes) / np.sqrt(shapes)


COLUMNS: dict[str, Maker] = {
    "near duplicates": near_duplicates,
    "rounded": rounded,
    "parity, unequal means": parity,
    "parity triples": parity_triples,
    "unequal marginals": unequal_marginals,
    "Gaussian": gaussian,
    "magnitudes": magnitudes,
    "Student's t": student,
    "categories": categories,
    "counts": counts,
    "ring with an odd edge": odd_ring,
    "random tree": tree,
    "labelled columns": labelled,
    "unlike units": units,
    "mostly zero": claims,
    "irregular transect": transect,
    "skewed columns": signed_columns,
    "ring with an odd edge, signed": signed_ring,
}
