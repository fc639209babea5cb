"""The benchmarks' sources have the symmetry that they say they have, and no other."""

# pyright: reportMissingImports=false
# The benchmarks are no package; pyright looks for imports without running the line below.
from __future__ import annotations

import sys
from functools import partial
from itertools import permutations
from pathlib import Path

import igraph
import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from _claims import hausdorff, same_action, wasserstein
from _runs import interval
from sources.base import Source, as_matrices, closed, drawn, moved, spaced
from sources.columns import COLUMNS
from sources.given import LEVELS, normal, rearrangements, represented, rotations
from sources.groups import ABOVE, PLANTED, POINT, plane
from sources.mixtures import MIXTURES
from sources.objects import OBJECTS
from sources.overgroups import OVERGROUPS, chiral_point, coupled, twisted
from sources.plants import PLANTS, mixing_matrix
from sources.series import SERIES
from sources.tables import TABLES, same_rows

Array = NDArray[np.float64]

NONE = {**COLUMNS, **SERIES, **MIXTURES}
SYMMETRIC = {**OVERGROUPS, **PLANTS, **OBJECTS, **LEVELS}
EVERY = {**NONE, **SYMMETRIC}
ORDERS = {
    **{f"C{n}": n for n in range(2, 13)}, **{f"D{n}": 2 * n for n in range(3, 7)}, "S3": 6,
    "S4": 24, "A4 on pairs": 12, "A4 on ordered pairs": 12, "S4 on pairs": 24, "Q8": 8,
    "C2 x C4": 8, "C3 x C3": 9, "C2 wr C2": 8, "C3 wr C2": 18, "C2 wr C3": 24, "S3 wr C2": 72,
}  # fmt: skip
SMALL = [name for name, generators in PLANTED.items() if len(generators[0]) <= 7]
FAR = 5.5


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scores(first: Source, second: Source, count: int = 60) -> Array:
    """Standardised differences of the means of random waves over the rows of two sources.

    With labels, also of the waves times the label; rows of a block count as one.
    """
    rng = seeded()
    spread = first.rows.std(0)
    scale = np.diag(1 / spread) if first.root is None else np.linalg.inv(first.root)
    directions = rng.standard_normal((first.dim, count)) / first.dim**0.5 * 2
    phases = rng.uniform(0, 2 * np.pi, count)
    means = []
    for source in (first, second):
        waves = np.cos(source.rows @ scale.T @ directions + phases)
        if source.labels is not None:
            waves = np.hstack([waves, waves * np.tanh(source.labels)[:, None]])
        if source.blocks is not None:
            starts = np.flatnonzero(np.diff(source.blocks, prepend=-1))
            sizes = np.diff(starts, append=len(waves))
            waves = np.add.reduceat(waves, starts) / sizes.mean()
        means.append((waves.mean(0), waves.var(0) / len(waves)))
    (a, u), (b, v) = means
    return np.asarray((a - b) / np.sqrt(u + v))


def acted(source: Source, element: int) -> Source:
    chosen = np.full(len(source.rows), element)
    rows = moved(source.truth, chosen, source.rows)
    return Source(
        source.name, rows, source.action, source.truth, source.blocks, source.labels,
        root=source.root,
    )  # fmt: skip


@pytest.mark.parametrize("kind", EVERY)
def test_rows_are_sound_and_repeat(kind: str) -> None:
    for count in (200, 603):
        source = drawn(EVERY, kind, 3, count)
        assert source.rows.shape == (count, source.dim)
        assert np.isfinite(source.rows).all()
        assert (source.rows.std(0) > 0).all()
        for beside in (source.blocks, source.labels):
            assert beside is None or beside.shape == (count,)
        assert source.action in ("permutation", "signed", "linear")
        again, fresh = drawn(EVERY, kind, 3, count), drawn(EVERY, kind, 3, 50, again=1)
        np.testing.assert_array_equal(again.rows, source.rows)
        np.testing.assert_array_equal(fresh.truth, source.truth)
        assert not np.array_equal(fresh.rows, source.rows[:50])
    if kind in NONE and not kind.startswith("sawtooth"):
        assert len(source.truth) == 1


@pytest.mark.parametrize("kind", EVERY)
def test_fresh_rows_have_the_same_law(kind: str) -> None:
    first, second = (drawn(EVERY, kind, 4, 4000, again=k) for k in (0, 1))
    assert np.abs(scores(first, second)).max() < FAR


@pytest.mark.parametrize("kind", EVERY)
def test_truth_is_a_group(kind: str) -> None:
    source = drawn(EVERY, kind, 5, 60)
    elements = as_matrices(source.truth)
    np.testing.assert_array_equal(elements[0], np.eye(source.dim))
    flat = elements.reshape(len(elements), -1)
    for element in elements[:6]:
        products = (element @ elements).reshape(len(elements), -1)
        nearest = np.abs(products[:, None] - flat).max(2)
        assert nearest.min(1).max() < 1e-6 * np.abs(flat).max()
    if source.over is not None:
        over = as_matrices(source.over).reshape(len(source.over), -1)
        assert np.abs(flat[:, None] - over).max(2).min(1).max() < 1e-6 * np.abs(flat).max()
        assert len(source.over) > len(source.truth)


@pytest.mark.parametrize("kind", [*SYMMETRIC, "sawtooth", "sawtooth, mixed"])
def test_planted_elements_keep_the_law(kind: str) -> None:
    for seed in (6, 7):
        still, other = (drawn(EVERY, kind, seed, 4000, again=k) for k in (0, 1))
        order = len(still.truth)
        for element in {1, order // 2, order - 1}:
            assert np.abs(scores(still, acted(other, element))).max() < FAR


def test_the_comparison_sees_what_is_no_symmetry() -> None:
    for kind in ("ring C6", "Q8, mixing", "T on an object", "strands"):
        still, other = (drawn(EVERY, kind, 6, 20_000, again=k) for k in (0, 1))
        wrong = np.roll(other.rows, 1, axis=1)[:, [1, 0, *range(2, still.dim)]]
        changed = Source(
            kind, wrong, still.action, still.truth, other.blocks, root=still.root
        )  # fmt: skip
        assert np.abs(scores(still, changed)).max() > FAR


@pytest.mark.parametrize("name", PLANTED)
def test_planted_groups_have_their_order(name: str) -> None:
    assert len(closed(PLANTED[name])) == ORDERS[name]


@pytest.mark.parametrize("name", SMALL)
def test_no_other_permutation_keeps_a_plant(name: str) -> None:
    """The centres of the orbit form and the columns of the mixing, against all d! permutations."""
    truth = closed(PLANTED[name])
    dim = truth.shape[1]
    planted = {tuple(row) for row in truth.tolist()}
    centre = spaced(seeded(), 0.0, 3.0, dim)
    orbit = moved(truth, np.arange(len(truth)), np.tile(centre, (len(truth), 1)))
    columns = mixing_matrix(seeded(1), truth).T
    for vectors in (orbit, columns):
        kept = {p for p in permutations(range(dim)) if same_vectors(vectors, np.array(p))}
        assert kept == planted


def same_vectors(vectors: Array, images: NDArray[np.int64]) -> bool:
    """Does a permutation of the coordinates keep a set of vectors?"""
    changed = np.empty_like(vectors)
    changed[:, images] = vectors
    first = {row.tobytes() for row in vectors}
    return all(row.tobytes() in first for row in changed)


@pytest.mark.parametrize(
    ("name", "order", "determinant"),
    [("T", 12, 1), ("O", 24, 1), ("I", 60, 1), ("Td", 24, 0), ("Th", 24, 0), ("Oh", 48, 0),
     ("Ih", 120, 0)],
)  # fmt: skip
def test_point_groups(name: str, order: int, determinant: int) -> None:
    group = POINT[name]()
    assert len(group) == order
    assert np.abs(group @ group.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(group).mean() == pytest.approx(determinant, abs=1e-12)
    assert (np.abs(group + np.eye(3)).max((1, 2)) < 1e-9).any() == (name in ("Th", "Oh", "Ih"))


@pytest.mark.parametrize("name", TABLES)
def test_complete_tables_have_exactly_their_group(name: str) -> None:
    source = TABLES[name]()
    assert len({row.tobytes() for row in source.rows}) == len(source.rows)
    for element in source.truth[:: max(len(source.truth) // 100, 1)]:
        assert same_rows(source.rows, element)
    assert len(source.truth) == automorphisms(source.rows)


def automorphisms(rows: Array) -> int:
    """How many permutations of the columns keep the set of rows, by BLISS on a coloured graph.

    A vertex for every row, every column and every pair of a column and a value; as the rows are
    distinct, what the columns do settles the rest.
    """
    count, dim = rows.shape
    values = np.unique(rows)
    place = np.searchsorted(values, rows)
    start = count + dim
    edges = [(count + k, start + v * dim + k) for v in range(len(values)) for k in range(dim)]
    edges += [(r, start + place[r, k] * dim + k) for r in range(count) for k in range(dim)]
    colours = [0] * count + [1] * dim + [2 + v for v in range(len(values)) for _ in range(dim)]
    graph = igraph.Graph(n=len(colours), edges=edges)
    return int(graph.count_automorphisms(color=colours))


def test_tic_tac_toe_against_all_permutations() -> None:
    source = TABLES["tic-tac-toe"]()
    rows = source.rows.astype(np.int64)
    squares = rows.T @ rows
    every = np.array(list(permutations(range(9))))
    same = np.ones(len(every), dtype=bool)
    for i in range(9):
        for j in range(i + 1):
            same &= squares[every[:, i], every[:, j]] == squares[i, j]
    kept = {tuple(p) for p in every[same].tolist() if same_rows(source.rows, np.array(p))}
    assert kept == {tuple(row) for row in source.truth.tolist()}


@pytest.mark.parametrize(("name", "least"), [("T", 0.4), ("O", 0.3), ("I", 0.2)])
def test_chiral_points_lie_far_from_every_mirror(name: str, least: float) -> None:
    group, point = POINT[name](), chiral_point(seeded(), name)
    orbit = group @ point
    for above in ABOVE[name]:
        images = POINT[above]() @ point
        nearest = np.linalg.norm(images[:, None] - orbit, axis=2).min(1)
        assert (nearest < 1e-9).sum() == len(group)
        assert nearest[nearest > 1e-9].min() > least


def test_the_drive_of_the_oscillators_goes_one_way() -> None:
    source = drawn(PLANTS, "coupled oscillators", 9, 20_000)
    rows = source.rows - source.rows.mean()
    after = np.roll(rows, -1, axis=1)
    hand = (rows**3 * after - rows * after**3).mean(1).reshape(-1, 10).mean(1)
    assert abs(hand.mean()) > 10 * hand.std() / len(hand) ** 0.5


@pytest.mark.parametrize("n", range(3, 9))
def test_twisted_rings_have_a_mirror_only_through_order_n_plus_one(n: int) -> None:
    points = twisted(seeded(n), seeded(n + 1), 200_000, n)
    number = points @ [1, 1j]
    low = (number**n).imag
    high = low * np.abs(number) ** 2
    assert abs(low.mean()) < 4 * low.std() / len(low) ** 0.5
    assert abs(high.mean()) > 20 * high.std() / len(high) ** 0.5


def test_coupled_signs_show_at_order_six() -> None:
    x, y = coupled(seeded(), 400_000).T
    for i, j in ((1, 1), (1, 3), (3, 1)):
        product = x**i * y**j
        assert abs(product.mean()) < 4 * product.std() / len(x) ** 0.5
    cubics = [(5 * each**3 - 3 * each) / 2 for each in (x, y)]
    assert np.mean(cubics[0] * cubics[1]) == pytest.approx(1 / 49, rel=0.05)


def test_the_skewed_series_violates_the_third_moment_by_a_tenth() -> None:
    steps = np.eye(5, 6, k=1) + 0.87 * np.eye(5, 6)
    third = np.einsum("ia,ja,ka->ijk", steps, steps, steps)
    reversed_third = third[::-1, ::-1, ::-1]
    covariance = steps @ steps.T
    np.testing.assert_allclose(covariance[::-1, ::-1], covariance)
    violation = np.linalg.norm(reversed_third - third) / np.linalg.norm(third)
    assert violation == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("kind", LEVELS)
def test_representations_are_those_of_the_truth(kind: str) -> None:
    truth = as_matrices(drawn(LEVELS, kind, 8, 60).truth)
    matrices = represented(truth).matrices().numpy()
    apart = np.abs(matrices[:, None] - truth).max((2, 3))
    assert apart.shape == (len(truth), len(truth))
    assert max(apart.min(0).max(), apart.min(1).max()) < 1e-8


def test_random_elements() -> None:
    turned = rotations(seeded(), 20_000)
    np.testing.assert_allclose(np.linalg.det(turned), 1)
    assert np.abs(turned @ turned.transpose(0, 2, 1) - np.eye(4)).max() < 1e-12
    # Haar measure on SO(4): mean 0, and E[trace^2] = 1 as the representation is irreducible.
    assert np.abs(turned.mean(0)).max() < 0.02
    assert np.mean(np.trace(turned, axis1=1, axis2=2) ** 2) == pytest.approx(1, abs=0.05)
    changed = rearrangements(seeded(), 20_000)
    assert np.trace(changed, axis1=1, axis2=2).mean() == pytest.approx(1, abs=0.05)


def test_given_tasks_have_their_covariances() -> None:
    covariance = partial(np.cov, rowvar=False)
    rows = {key: normal(seeded(), 100_000, *key) for key in
            (("rotation", True), ("rotation", False), ("exchangeability", True))}  # fmt: skip
    np.testing.assert_allclose(covariance(rows["rotation", True]), np.eye(4), atol=0.02)
    np.testing.assert_allclose(
        covariance(rows["rotation", False]), 0.5 * (np.eye(4) + 1), atol=0.02
    )
    expected = 0.9 * np.eye(10) + 0.1
    np.testing.assert_allclose(covariance(rows["exchangeability", True]), expected, atol=0.02)


def test_distances_between_groups() -> None:
    frame = np.eye(2)
    four, eight = plane(4), plane(8)
    assert hausdorff(four, four[::-1], frame) == pytest.approx(0, abs=1e-7)
    assert wasserstein(four, four[::-1], frame) == pytest.approx(0, abs=1e-7)
    # The nearest quarter turn is 45 degrees away: |1 - exp(i pi / 4)|.
    step = 2 * np.sin(np.pi / 8)
    assert hausdorff(four, eight, frame) == pytest.approx(step)
    assert wasserstein(four, eight, frame) == pytest.approx(step / 2)
    assert same_action(four, four)
    assert not same_action(four, plane(2, mirrors=True))


def test_interval_of_a_rate() -> None:
    # Newcombe, 1998, Two-sided confidence intervals for the single proportion, table I.
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
