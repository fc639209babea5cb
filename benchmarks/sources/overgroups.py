"""Plants whose low moments have more symmetry than their law: traps for the word exact."""

from __future__ import annotations

from functools import partial

import numpy as np

from sources.base import (
    Array,
    Maker,
    Random,
    Source,
    closed,
    conjugated,
    moved,
    random_basis,
    skewed,
    spaced,
)
from sources.groups import ABOVE, POINT, alternating, cycle, plane, swap


def chiral_point(law: Random, name: str) -> Array:
    """A unit vector far from its images under every group above, and from those under its own.

    The best of 200 random ones.
    """
    inside = POINT[name]()
    extra = [m for above in ABOVE[name] for m in POINT[above]() if not _holds(inside, m)]
    others = np.concatenate([np.stack(extra), inside[1:]])
    points = law.standard_normal((200, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    images = np.einsum("kij,nj->nki", others, points)
    nearest = np.linalg.norm(images - points[:, None], axis=2).min(1)
    return np.asarray(points[nearest.argmax()])


def _holds(group: Array, matrix: Array) -> bool:
    return bool((np.abs(group - matrix).max((1, 2)) < 1e-6).any())


def chiral(law: Random, rng: Random, rows: int, name: str) -> Source:
    """T, O or I on one point with normal noise of 0.05 to 0.15, in a random basis.

    The law is kept by what keeps the orbit, since the noise is round. The first invariant that a
    mirror changes has degree 6 for T in Th and Td, 9 for O in Oh, 15 for I in Ih; T differs from O
    by x y z.
    """
    group, point, noise = POINT[name](), chiral_point(law, name), law.uniform(0.05, 0.15)
    values = group[rng.integers(len(group), size=rows)] @ point
    values = values + noise * rng.standard_normal((rows, 3))
    basis = random_basis(law, 3)
    above = POINT[ABOVE[name][-1]]()
    return Source(
        f"chiral {name}", values @ basis.T, "linear", conjugated(group, basis),
        over=conjugated(above, basis), root=basis,
    )  # fmt: skip


def chiral_signed(law: Random, rng: Random, rows: int) -> Source:
    """O as signed permutations, noise 0.15: half of all 48, first told from them at degree 9."""
    group, point = POINT["O"](), chiral_point(law, "O")
    values = group[rng.integers(len(group), size=rows)] @ point
    values = values + 0.15 * rng.standard_normal((rows, 3))
    truth, above = np.round(group) + 0.0, np.round(POINT["Oh"]()) + 0.0
    return Source("chiral O, signed", values, "signed", truth, over=above, root=np.eye(3))


def twisted(law: Random, rng: Random, rows: int, n: int) -> Array:
    """Points of the plane with the symmetry C_n, which agree with D_n through order n + 1.

    Two rings of n points, one turned forth from the first axis and one as far back. The radii make
    E[r^n sin(n theta)] = 0: the moments of order n have that axis as a mirror, those of order n + 2
    do not. A mirror of the law would be one of both rings, but theirs lie far apart.
    """
    odds, angle = 6 / 7, law.uniform(0.2, 0.3) * np.pi / n
    outer = rng.random(rows) >= odds
    radius = np.where(outer, (odds / (1 - odds)) ** (1 / n), 1.0)
    theta = np.where(outer, -angle, angle) + 2 * np.pi * rng.integers(n, size=rows) / n
    points = radius[:, None] * np.stack([np.cos(theta), np.sin(theta)], axis=1)
    return np.asarray(points + 0.08 * rng.standard_normal((rows, 2)))


def turned(law: Random, rng: Random, rows: int) -> Source:
    """C_n within D_n, n = 3 to 8, in the plane or beside an independent skewed column."""
    n, beside = int(law.integers(3, 9)), int(law.integers(2))
    values = np.hstack([twisted(law, rng, rows, n), skewed(rng, 1.0, (rows, beside))])
    basis = random_basis(law, 2 + beside)
    truth, above = (_beside(plane(n, mirrors), beside) for mirrors in (False, True))
    return Source(
        "C_n in D_n", values @ basis.T, "linear", conjugated(truth, basis),
        over=conjugated(above, basis), root=basis,
    )  # fmt: skip


def _beside(group: Array, extra: int) -> Array:
    """The same matrices, with coordinates that do not move."""
    size = group.shape[1]
    out = np.tile(np.eye(size + extra), (len(group), 1, 1))
    out[:, :size, :size] = group
    return out


def turned_lifted(law: Random, rng: Random, rows: int) -> Source:
    """C_n within D_n, n = 3 to 8, seen along n directions, with round noise.

    A permutation that keeps the plane of the directions is in D_n.
    """
    n = int(law.integers(3, 9))
    angles = 2 * np.pi * np.arange(n) / n
    frame = np.stack([np.cos(angles), np.sin(angles)])
    values = twisted(law, rng, rows, n) @ frame + 0.05 * rng.standard_normal((rows, n))
    truth, above = closed([cycle(n)]), closed([cycle(n), [-k % n for k in range(n)]])
    return Source("C_n in D_n, lifted", values, "permutation", truth, over=above)


def coupled(rng: Random, rows: int) -> Array:
    """Pairs in [-1, 1]^2 of density (1 + P_3(x) P_3(y)) / 4, P_3 Legendre's polynomial.

    Both signs may change together. All moments through order 5 let each change alone.
    """
    out = np.empty((0, 2))
    while len(out) < rows:
        pairs = rng.uniform(-1, 1, (2 * rows + 100, 2))
        cubics = (5 * pairs**3 - 3 * pairs) / 2
        kept = 2 * rng.random(len(pairs)) < 1 + cubics.prod(1)
        out = np.concatenate([out, pairs[kept]])
    return out[:rows]


def half_of_four(law: Random, rng: Random, rows: int) -> Source:
    """C2 within V4 on four columns, x_g = sum over the characters of V4 of chi(g) u_chi.

    An element changes the signs of two of u_a, u_b and u_ab: of u_b and u_ab together that keeps
    the law, of u_ab with u_a it does not. Their variances are unlike, so nothing else comes near.
    """
    signs = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    parts = np.hstack([
        skewed(rng, 1.0, (rows, 1)), rng.uniform(-1, 1, (rows, 1)), coupled(rng, rows),
    ])  # fmt: skip
    values = parts * [0.5, *law.permutation([1.5, 1.0, 0.6])] @ signs
    truth, above = closed([[1, 0, 3, 2]]), closed([[1, 0, 3, 2], [2, 3, 0, 1]])
    return Source("C2 in V4", values, "permutation", truth, over=above)


def half_of_four_signed(law: Random, rng: Random, rows: int) -> Source:
    """C2 within V4: the signs of two columns change together, beside a skewed third one."""
    parts = np.hstack(
        [coupled(rng, rows) * law.permutation([1.0, 0.6]), skewed(rng, 1.0, (rows, 1))]
    )
    flips = [np.diag([a, b, 1.0]) for a in (1.0, -1.0) for b in (1.0, -1.0)]
    truth, above = np.stack([flips[0], flips[3]]), np.stack(flips)
    return Source("C2 in V4, signed", parts, "signed", truth, over=above, root=np.eye(3))


def even(law: Random, rng: Random, rows: int) -> Source:
    """A_n within S_n, n = 3 to 5: even rearrangements of a vector of unlike entries, with noise.

    The first invariant that tells them apart has degree n (n - 1) / 2.
    """
    n = int(law.integers(3, 6))
    truth, above = closed(alternating(n)), closed([cycle(n), swap(n)])
    start = np.tile(spaced(law, 0.0, n - 1.0, n), (rows, 1))
    values = moved(truth, rng.integers(len(truth), size=rows), start)
    values = values + 0.2 * rng.standard_normal((rows, n))
    return Source("A_n in S_n", values, "permutation", truth, over=above)


OVERGROUPS: dict[str, Maker] = {
    **{f"chiral {name}": partial(chiral, name=name) for name in ABOVE},
    "chiral O, signed": chiral_signed,
    "C_n in D_n": turned,
    "C_n in D_n, lifted": turned_lifted,
    "C2 in V4": half_of_four,
    "C2 in V4, signed": half_of_four_signed,
    "A_n in S_n": even,
}
