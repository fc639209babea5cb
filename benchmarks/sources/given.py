"""Sets that have a given symmetry exactly, for the level of a test, and two tasks for its power."""

from __future__ import annotations

import numpy as np
import torch

from grouplearn.groups import FiniteGroup
from grouplearn.representations import FixedRepresentation
from sources.base import (
    Array,
    Ints,
    Maker,
    Members,
    Random,
    Source,
    as_matrices,
    closed,
    closed_matrices,
    conjugated,
    moved,
    random_basis,
    skewed,
    spaced,
)
from sources.groups import POINT, copied, cycle, plane, quaternions, regular, swap

# An equicorrelation at which a plain randomisation test by the maximum mean discrepancy, with one
# Gaussian kernel, has a power of about 0.5 at n = 50 and 1.0 at n = 200.
CORRELATION = 0.5


def represented(truth: Members) -> FixedRepresentation:
    """The representation whose matrices are those of a `truth`."""
    matrices = torch.as_tensor(as_matrices(truth))
    if len(truth) == 1:
        from grouplearn.groups import CyclicGroup

        return FixedRepresentation(CyclicGroup(1), matrices[:0])
    table = multiplication(truth)
    kept: list[int] = []
    reached = {0}
    for g in range(1, len(truth)):
        if g not in reached:
            kept.append(g)
            reached = {int(e) for e in closed(table[kept])[:, 0]}
    return FixedRepresentation(FiniteGroup.from_permutations(table[kept]), matrices[kept])


def multiplication(truth: Members) -> Ints:
    """(n, n): the number of the product of element g with element h."""
    flat = as_matrices(truth).reshape(len(truth), -1)
    dim = truth.shape[1]
    rows = []
    for matrix in as_matrices(truth):
        products = (matrix @ flat.reshape(-1, dim, dim)).reshape(len(flat), -1)
        squares = (products**2).sum(1)[:, None] + (flat**2).sum(1) - 2 * products @ flat.T
        rows.append(squares.argmin(1))
    return np.stack(rows)


def acted(
    name: str,
    action: str,
    truth: Members,
    rng: Random,
    start: Array,
    blocks: Ints | None = None,
) -> Source:
    """Rows moved by random elements, all rows of a block by the same one."""
    which = np.arange(len(start)) if blocks is None else blocks
    chosen = rng.integers(len(truth), size=which.max() + 1)[which]
    return Source(name, moved(truth, chosen, start), action, truth, blocks)  # fmt: skip


def cyclic(law: Random, rng: Random, rows: int) -> Source:
    """C_n, n = 3 to 8, beside a fixed column: skewed columns of unlike means."""
    n = int(law.integers(3, 9))
    start = spaced(law, 0, 2, n + 1) + skewed(rng, 0.7, (rows, n + 1))
    return acted("C_n", "permutation", closed(copied([cycle(n)], 1, 1)), rng, start)


def symmetric(law: Random, rng: Random, rows: int) -> Source:
    """S3 on two copies of three columns: t of 2.5 degrees of freedom, unlike scales."""
    start = spaced(law, 0.5, 2, 6) * rng.standard_t(2.5, size=(rows, 6))
    truth = closed(copied([cycle(3), swap(3)], 2, 0))
    return acted("S3, heavy tails", "permutation", truth, rng, start)


def quaternion(law: Random, rng: Random, rows: int) -> Source:
    """Q8 on its own elements: counts, with many ties."""
    start = rng.poisson(spaced(law, 0.3, 4, 8), size=(rows, 8)).astype(np.float64)
    return acted("Q8, counts", "permutation", closed(quaternions()), rng, start)


def large(law: Random, rng: Random, rows: int) -> Source:
    """S4 on its own 24 elements, more than a test goes through."""
    start = spaced(law, 0, 2, 24) + skewed(rng, 1.0, (rows, 24))
    return acted("S4 regular", "permutation", closed(regular([cycle(4), swap(4)])), rng, start)


def signs(law: Random, rng: Random, rows: int) -> Source:
    """All four signs at once, a cycle of four with one sign, or two free signs."""
    turned = np.roll(np.eye(4), 1, axis=0)
    turned[0] *= -1
    flips = [np.diag([-1.0, 1, 1, 1]), np.diag([1.0, 1, -1, 1])]
    kinds = [[-np.eye(4)], [turned], flips]
    truth = closed_matrices(kinds[law.integers(3)])
    start = spaced(law, -1, 1, 4) + skewed(rng, 0.7, (rows, 4))
    return acted("signs", "signed", truth, rng, start)


def turns(law: Random, rng: Random, rows: int) -> Source:
    """C_n, D_n or T in a random basis of R^2 or R^3."""
    n = int(law.integers(3, 9))
    group = [plane(n), plane(n, mirrors=True), POINT["T"]()][law.integers(3)]
    dim = group.shape[1]
    basis = random_basis(law, dim)
    start = (spaced(law, -1, 1, dim) + skewed(rng, 1.0, (rows, dim))) @ basis.T
    truth = conjugated(group, basis)
    return acted("turns", "linear", truth, rng, start)


def block_numbers(rng: Random, rows: int, low: int, high: int) -> Ints:
    """Blocks of random sizes low to high, in order."""
    sizes = rng.integers(low, high + 1, size=rows // low + 1)
    return np.arange(len(sizes)).repeat(sizes)[:rows]


def paths(law: Random, rng: Random, rows: int, low: int = 2, high: int = 9) -> Source:
    """C4 on four columns: a block is a path of 2 to 9 rows that depend on the row before."""
    blocks = block_numbers(rng, rows, low, high)
    kept = spaced(law, 0.3, 0.95, 4)
    noise = skewed(rng, 0.7, (rows, 4))
    start = noise.copy()
    for t in range(1, rows):
        if blocks[t] == blocks[t - 1]:
            start[t] = kept * start[t - 1] + noise[t]
    return acted("paths in blocks", "permutation", closed([cycle(4)]), rng, start, blocks)


def few_blocks(law: Random, rng: Random, rows: int) -> Source:
    """The same in blocks of a twentieth of the rows."""
    return paths(law, rng, rows, max(rows // 22, 1), max(rows // 18, 1))


def turned_paths(law: Random, rng: Random, rows: int) -> Source:
    """D_n in a random basis of the plane: every block repeats one point with noise."""
    blocks = block_numbers(rng, rows, 2, 9)
    group = plane(int(law.integers(3, 7)), mirrors=True)
    basis = random_basis(law, 2)
    centre = skewed(rng, 1.0, (int(blocks.max()) + 1, 2))
    start = ([0.5, -0.3] + centre[blocks] + 0.2 * skewed(rng, 1.0, (rows, 2))) @ basis.T
    truth = conjugated(group, basis)
    return acted("turned blocks", "linear", truth, rng, start, blocks)


def strands(law: Random, rng: Random, rows: int) -> Source:
    """Reverse complement of one-hot windows of 3 letters; a block is a sequence of 10 letters."""
    count = -(-rows // 8)
    chain = law.dirichlet(np.full(4, 0.7), size=4).cumsum(1)
    state = rng.integers(4, size=count)
    sequence = np.empty((count, 10), dtype=np.int64)
    for t in range(10):
        state = np.minimum((rng.random((count, 1)) > chain[state]).sum(1), 3)
        sequence[:, t] = state
    cut = np.lib.stride_tricks.sliding_window_view(sequence, 3, axis=1).reshape(-1, 3)
    start = np.eye(4)[cut].reshape(-1, 12)[:rows]
    truth = closed([list(range(12))[::-1]])
    return acted("strands", "permutation", truth, rng, start, np.arange(count).repeat(8)[:rows])


def labelled(law: Random, rng: Random, rows: int) -> Source:
    """C4 with a label of each row, taken before the row is moved: a class or a value."""
    start = spaced(law, 0, 2, 4) + skewed(rng, 0.7, (rows, 4))
    label = start @ law.standard_normal(4) + rng.standard_normal(rows)
    if law.integers(2):
        label = (label > np.median(label)).astype(np.float64)
    values = acted("labelled C4", "permutation", closed([cycle(4)]), rng, start)
    return Source(values.name, values.rows, values.action, values.truth, labels=label)


LEVELS: dict[str, Maker] = {
    "C_n": cyclic,
    "S3, heavy tails": symmetric,
    "Q8, counts": quaternion,
    "S4 regular": large,
    "signs": signs,
    "turns": turns,
    "paths in blocks": paths,
    "few blocks": few_blocks,
    "turned blocks": turned_paths,
    "strands": strands,
    "labelled C4": labelled,
}


def rotations(rng: Random, count: int, dim: int = 4) -> Array:
    """Uniformly random rotations (Mezzadri, 2007)."""
    factor, triangle = np.linalg.qr(rng.standard_normal((count, dim, dim)))
    factor *= np.sign(np.diagonal(triangle, axis1=1, axis2=2))[:, None]
    factor[:, :, 0] *= np.sign(np.linalg.det(factor))[:, None]
    return np.asarray(factor)


def rearrangements(rng: Random, count: int, dim: int = 10) -> Array:
    """Uniformly random permutation matrices."""
    return np.eye(dim)[rng.permuted(np.tile(np.arange(dim), (count, 1)), axis=1)]


def normal(rng: Random, rows: int, task: str, symmetric: bool) -> Array:
    """Rows of Chiu and Bloem-Reddy's tasks.

    Rotation in d = 4: N(0, I), and against it equal correlations of CORRELATION, which is ours:
    theirs is not known here. Exchangeability in d = 10: N(0, I (1 - 1 / d) + J / d), and against it
    N(0, W W^T), W of independent standard normal entries, new in every set.
    """
    dim = 4 if task == "rotation" else 10
    if task == "rotation":
        shared = 0.0 if symmetric else CORRELATION
    else:
        shared = 1 / dim
        if not symmetric:
            return rng.standard_normal((rows, dim)) @ rng.standard_normal((dim, dim)).T
    own = np.sqrt(1 - shared) * rng.standard_normal((rows, dim))
    return np.asarray(own + np.sqrt(shared) * rng.standard_normal((rows, 1)))
