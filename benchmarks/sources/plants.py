"""Permutation groups planted in data, in two forms, and two rings.

Orbit form: three centres of unlike weights and distinct entries, moved by random elements of G,
plus skewed noise of one law in every coordinate. Permutations keep the law of the noise, so P keeps
the law of the rows only if it keeps that of the centres: it takes the first to some rho(g) c, and
as no other permutation does that, P = rho(g).

Equivariant mixing: x = s(W z + e / 10). The columns of W are rho(g) w_k for all g of G and m random
vectors w_k; z and e are independent skewed noise of one law in every coordinate; s is a rising
function of each coordinate. By Darmois and Skitovich P keeps the law only if it permutes the
columns of W and of I / 10, and every P permutes the latter. All entries of all w_k are distinct, so
P takes w_1 to some rho(g) w_1, and then P = rho(g). That holds also where G is not 2-closed.
Covariances show a larger group there, as they do for cycles, A4 on pairs and regular groups, since
they are symmetric: third moments tell.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sources.base import Array, Ints, Maker, Random, Source, closed, moved, skewed, spaced
from sources.groups import PLANTED, Generators, copied, cycle

MOST = 40


def arranged(law: Random, generators: Generators) -> Ints:
    """All elements, on a random number of copies of the points and up to 3 fixed columns."""
    size = len(generators[0])
    copies = int(law.integers(1, MOST // size + 1))
    least = 1 if size * copies < 3 else 0
    fixed = int(law.integers(least, min(3, MOST - size * copies) + 1))
    relabelled = law.permutation(size * copies + fixed)
    elements = closed(copied(generators, copies, fixed))
    return np.asarray(relabelled[elements][:, np.argsort(relabelled)])


def orbit(law: Random, rng: Random, rows: int, name: str) -> Source:
    """Three skewed clusters of unlike weights, every row moved by a random element."""
    truth = arranged(law, PLANTED[name])
    dim = truth.shape[1]
    centres = np.stack([spaced(law, 0.0, 3.0, dim) for _ in range(3)])
    start = centres[rng.choice(3, rows, p=[0.5, 0.3, 0.2])] + 0.4 * skewed(rng, 1.0, (rows, dim))
    values = moved(truth, rng.integers(len(truth), size=rows), start)
    return Source(f"{name}, orbit", values, "permutation", truth)


def mixing_matrix(law: Random, truth: Ints) -> Array:
    """(d, m |G|): the orbits of m vectors with distinct entries of random sign, 1 to 1/12."""
    order, dim = truth.shape
    count = -(-3 * dim // (2 * order))
    entries = np.exp(spaced(law, -2.5, 0.0, dim * count)) * law.choice([-1, 1], dim * count)
    entries = entries.reshape(count, dim)
    columns = np.empty((count, order, dim))
    for g, element in enumerate(truth):
        columns[:, g, element] = entries
    return columns.reshape(count * order, dim).T


def mixing(law: Random, rng: Random, rows: int, name: str) -> Source:
    """Independent skewed noise through a random equivariant map and log(1 + exp u)."""
    truth = arranged(law, PLANTED[name])
    matrix = mixing_matrix(law, truth)
    noise = skewed(rng, 0.5, (rows, matrix.shape[1]))
    values = noise @ matrix.T + 0.1 * skewed(rng, 0.5, (rows, len(matrix)))
    return Source(f"{name}, mixing", np.logaddexp(0, values), "permutation", truth)


def ring(law: Random, rng: Random, rows: int) -> Source:
    """C6: exponential bursts, each felt by its place and the next two with 1, 0.6 and 0.2.

    The columns of the mixing matrix are the turns of one vector, and no mirror keeps a turn of it.
    """
    bursts = rng.exponential(size=(rows, 6))
    values = bursts + 0.6 * np.roll(bursts, 1, axis=1) + 0.2 * np.roll(bursts, 2, axis=1)
    place = law.permutation(6)
    truth = place[closed([cycle(6)])][:, np.argsort(place)]
    return Source("ring C6", values[:, np.argsort(place)], "permutation", truth)


SNAPSHOTS = 10


def oscillators(law: Random, rng: Random, rows: int) -> Source:
    """C_n, n = 5 to 8: FitzHugh's and Nagumo's oscillators, each driven by the one before.

    They start from independent noise of one law, so turns keep the law of the whole path at every
    time; the drive goes one way round, so mirrors do not. Skewness is about 0.4. SNAPSHOTS rows
    come from each path, which is a block.
    """
    count = int(law.integers(5, 9))
    paths = -(-rows // SNAPSHOTS)
    fast, slow = 1.5 * rng.standard_normal((2, paths, count))
    step, every, past = 0.1, 60, 200
    kept = []
    for t in range(past + SNAPSHOTS * every):
        drive = 0.6 * (np.roll(fast, 1, axis=1) - fast)
        noise = 0.4 * np.sqrt(step) * rng.standard_normal((paths, count))
        slope = fast - fast**3 / 3 - slow + drive + 0.2
        slow = slow + step * 0.3 * (fast + 0.5 - 0.6 * slow)
        fast = fast + step * slope + noise
        if t >= past and (t - past) % every == every - 1:
            kept.append(fast)
    values = np.stack(kept, axis=1).reshape(-1, count)[:rows]
    blocks = np.arange(paths).repeat(SNAPSHOTS)[:rows]
    return Source("coupled oscillators", values, "permutation", closed([cycle(count)]), blocks)


PLANTS: dict[str, Maker] = {
    "ring C6": ring,
    "coupled oscillators": oscillators,
    **{f"{name}, orbit": partial(orbit, name=name) for name in PLANTED},
    **{f"{name}, mixing": partial(mixing, name=name) for name in PLANTED},
}
