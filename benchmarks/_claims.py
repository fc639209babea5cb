"""A found group beside the planted one: as sets of matrices, not by name."""

from __future__ import annotations

import math
import time
from typing import Any, cast

import numpy as np
from scipy.optimize import linear_sum_assignment
from sources.base import Array, Source, as_matrices

from grouplearn.discovery import Discovery, discover
from grouplearn.discovery.entry import Action

NEAR = 0.1


def root(source: Source) -> Array:
    """A matrix in which the action is orthogonal: the planted one, or one of the covariance."""
    if source.action == "signed":
        return np.eye(source.dim)
    if source.root is not None:
        return source.root
    values, vectors = np.linalg.eigh(np.cov(source.rows.T))
    return np.asarray(vectors * np.sqrt(values.clip(1e-12 * values.max())))


def distances(first: Array, second: Array, frame: Array) -> Array:
    """(n, m): ||A - B||_F / sqrt(d) of all pairs, both seen in a frame."""
    inverse = np.linalg.inv(frame)
    dim = len(frame)
    a, b = ((inverse @ each @ frame).reshape(len(each), -1) for each in (first, second))
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(squares.clip(0) / dim)


def compared(found: Discovery, source: Source) -> dict[str, Any]:
    """Is every member that was found planted (`within`), and every planted one found (`whole`)?

    Permutations are compared exactly; other matrices are the same within NEAR.
    """
    members = found.members.numpy()
    if source.action == "permutation":
        ours, theirs = ({tuple(row) for row in each.tolist()} for each in (members, source.truth))
        within, whole, far = ours <= theirs, theirs <= ours, 0.0
    else:
        apart = distances(as_matrices(members), as_matrices(source.truth), root(source))
        within, whole = bool((apart.min(1) < NEAR).all()), bool((apart.min(0) < NEAR).all())
        far = float(max(apart.min(0).max(), apart.min(1).max()))
    continuous = 0 if found.lie_algebra is None else len(found.lie_algebra)
    return {
        "found": found.group.name, "order": found.group.order, "true_order": len(source.truth),
        "continuous": continuous, "exact": found.found and found.exact,
        "claim": found.found or continuous > 0, "within": within and continuous == 0,
        "right": within and whole and continuous == 0, "distance": far,
    }  # fmt: skip


def claimed(source: Source, seed: int = 0, **options: Any) -> tuple[Discovery, dict[str, Any]]:
    """What `discover` says of a source, and how that compares with the truth."""
    start = time.perf_counter()
    found = discover(
        source.rows, source.labels, action=cast("Action", source.action), blocks=source.blocks,
        seed=seed, **options,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    result = compared(found, source)
    numbers = {"p_value": found.p_value, "effect": found.effect, "effect_bound": found.effect_bound}
    words = f"{result['found']}{' exact' if result['exact'] else ''}"
    return found, {
        **result, **{key: _plain(value) for key, value in numbers.items()},
        "region": list(found.region), "name": source.name, "dim": source.dim,
        "seconds": seconds, "summary": found.summary(),
        "says": f"{words}, {'right' if result['right'] else 'not the planted group'}",
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def hausdorff(first: Array, second: Array, frame: Array) -> float:
    """The farthest that a member of one set is from the other set."""
    apart = distances(first, second, frame)
    return float(max(apart.min(0).max(), apart.min(1).max()))


def wasserstein(first: Array, second: Array, frame: Array) -> float:
    """The mean distance over which one uniform distribution over matrices is carried to another."""
    whole = math.lcm(len(first), len(second))
    apart = distances(first, second, frame)
    apart = apart.repeat(whole // len(first), 0).repeat(whole // len(second), 1)
    rows, columns = linear_sum_assignment(apart)
    return float(apart[rows, columns].mean())


def same_action(first: Array, second: Array) -> bool:
    """Do the members have the same characteristic polynomials, to a millionth, each as often?

    That is how finite groups of turns and mirrors of the plane and of space are told apart,
    whatever the basis.
    """
    if first.shape != second.shape:
        return False
    a, b = (np.stack([np.poly(matrix) for matrix in each]).real for each in (first, second))
    apart = np.abs(a[:, None] - b).max(2)
    rows, columns = linear_sum_assignment(apart)
    return bool(apart[rows, columns].max() < 1e-6)
