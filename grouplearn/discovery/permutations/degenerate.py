"""Coordinates that are constant or copies of others: set aside before a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.permutations.entry import discover_permutations
from grouplearn.discovery.result import Discovery
from grouplearn.representations import FixedRepresentation

_SHOWN = 6


def discover_on_varying(
    accumulated: MomentAccumulator, *, signed: bool, **options: Any
) -> Discovery:
    """Discover among the coordinates that vary, each taken once.

    Constant coordinates, and coordinates equal to another one in every sample, can be exchanged
    without any change, which says nothing about the data. Constant ones are left where they are,
    copies go with the coordinate they copy, and a note says so.

    Args:
        accumulated: the data.
        signed: may coordinates change sign?
        options: passed on to `discover_permutations`.

    Raises:
        InputError: no coordinate varies, or only one does and there is nothing to permute.
    """
    dim = accumulated.dim
    still, copies = still_and_copies(accumulated, signed=signed)
    if still.all():
        zero = not accumulated.products.any()
        what = "zeros only" if zero else "the same sample every time"
        refuse("discover", "samples", "different from one another", what, "check the file")
    kept = np.flatnonzero(~still & (copies == np.arange(dim)))
    notes = []
    if still.any():
        notes.append(f"{_columns(np.flatnonzero(still))} constant, left in place.")
    doubled = np.flatnonzero(copies != np.arange(dim))
    if doubled.size:
        sign = "+-" if signed else ""
        pairs = ", ".join(f"{i} = {sign}{copies[i]}" for i in doubled[:_SHOWN])
        notes.append(
            f"Equal in every sample: {pairs}{', ...' if doubled.size > _SHOWN else ''}; exchanging "
            "equal coordinates is an exact but meaningless symmetry, so that copies only follow "
            "the coordinate they copy."
        )
    if len(kept) == dim:
        return discover_permutations(accumulated, signed=signed, **options)
    if len(kept) < 2 and not signed:
        what = " ".join([f"{len(kept)} of {dim}:", *notes])
        refuse("discover", "samples", "of two or more different columns", what, "pass more columns")
    counts = tuple(int((copies[~still] == i).sum()) for i in kept)
    part = restrict(accumulated, kept)
    found = discover_permutations(part, signed=signed, copies=counts, **options)
    signs = np.sign(np.diag(accumulated.products.sum(0)[:dim, :dim][:, copies]))
    followers = {i: np.flatnonzero(~still & (copies == i)) for i in kept.tolist()}
    return _extend(found, followers, np.where(signs == 0, 1.0, signs), tuple(notes))


def still_and_copies(
    accumulated: MomentAccumulator, *, signed: bool
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which coordinates are constant, and which each one is a copy of: itself, if of none.

    Args:
        accumulated: the data.
        signed: is the negative of a coordinate a copy too?

    Returns:
        (d,) truth values, and (d,) indices.

    Raises:
        InputError: a mean is so large that squares lose what varies.
    """
    covariance = accumulated.covariance()
    rows = accumulated.sample().rows
    scale = np.diag(accumulated.products.sum(0)) / accumulated.count
    varies = np.diag(covariance) > 1e-12 * np.maximum(scale, np.finfo(float).tiny)
    varies |= np.ptp(rows, axis=0) > 0 if len(rows) else False
    _check_offset(np.diag(covariance), accumulated.mean(), varies)
    shape = (accumulated.channels, accumulated.dim)
    still: NDArray[np.bool_] = np.asarray(~varies.reshape(shape).any(0))
    return still, _copies(accumulated, still, signed=signed)


def _check_offset(
    variance: NDArray[np.float64], mean: NDArray[np.float64], varies: NDArray[np.bool_]
) -> None:
    """Refuse means so large that squares lose what varies."""
    lost = varies & (mean**2 > 1e10 * np.maximum(variance, 0))
    if lost.any():
        column = int(np.flatnonzero(lost)[0])
        refuse("discover", "samples", "spread over more than 1e-5 of their mean",
               f"mean {mean[column]:.3g} in column {column}",
               "subtract the mean of each column first")  # fmt: skip


def _columns(which: NDArray[np.int64]) -> str:
    shown = ", ".join(map(str, which[:_SHOWN])) + (", ..." if len(which) > _SHOWN else "")
    return f"Column {shown} is" if len(which) == 1 else f"Columns {shown} ({len(which)} in all) are"


def _copies(
    accumulated: MomentAccumulator, still: NDArray[np.bool_], *, signed: bool
) -> NDArray[np.int64]:
    """For each coordinate the first that equals it, or its negative, in every sample."""
    dim, channels = accumulated.dim, accumulated.channels
    products = accumulated.products.sum(0)
    squares = np.diag(products)
    shared = np.abs(products) if signed else products
    apart = squares[:, None] + squares - 2 * shared
    equal = apart <= 1e-12 * (squares[:, None] + squares)
    blocks = equal.reshape(channels, dim, channels, dim)
    together = np.all([blocks[c, :, c] for c in range(channels)], axis=0)
    rows = accumulated.sample().rows.reshape(-1, channels, dim)
    for i, j in np.argwhere(together):
        same = np.array_equal(rows[..., i], rows[..., j])
        together[i, j] = same or (signed and np.array_equal(rows[..., i], -rows[..., j]))
    together[still] = together[:, still] = False
    np.fill_diagonal(together, True)
    return np.asarray(together.argmax(1))


def restrict(accumulated: MomentAccumulator, kept: NDArray[np.int64]) -> MomentAccumulator:
    """The same moments for some of the coordinates.

    Args:
        accumulated: the data.
        kept: indices of the coordinates.
    """
    columns = np.concatenate([kept + c * accumulated.dim for c in range(accumulated.channels)])
    part = MomentAccumulator(
        len(kept), channels=accumulated.channels, groups=accumulated.groups,
        keep=accumulated.keep, seed=accumulated.seed,
    )  # fmt: skip
    grid = np.ix_(np.arange(accumulated.groups), columns, columns)
    part.samples, part.weights = accumulated.samples, accumulated.weights
    part.sums = accumulated.sums[:, columns]
    part.products, part.cubes = accumulated.products[grid], accumulated.cubes[grid]
    if accumulated.triples is not None:
        every = np.arange(accumulated.groups)
        part.triples = accumulated.triples[np.ix_(every, columns, columns, columns)]
    sample = accumulated.sample()
    part.offer(replace(sample, rows=sample.rows[:, columns]))
    return part


def _extend(
    found: Discovery,
    followers: dict[int, NDArray[np.int64]],
    signs: NDArray[np.float64],
    notes: tuple[str, ...],
) -> Discovery:
    """Let constant coordinates stay, and copies go where the coordinate goes that they copy."""
    dim, kept = len(signs), list(followers)

    def points(small: NDArray[np.int64]) -> NDArray[np.int64]:
        full = np.arange(dim)
        for i, j in zip(kept, small, strict=True):
            full[followers[i]] = followers[kept[j]]
        return full

    def matrix(small: NDArray[np.float64]) -> NDArray[np.float64]:
        full = points(np.abs(small).argmax(0))
        wide = np.zeros((dim, dim))
        wide[full, np.arange(dim)] = signs * signs[full]
        for i, column in zip(kept, small.T, strict=True):
            wide[:, followers[i]] *= column.sum()
        return wide

    def members(small: torch.Tensor) -> torch.Tensor:
        act = points if small.ndim == 2 else matrix
        return torch.as_tensor(np.stack([act(each) for each in small.numpy()]))

    group, wide = found.representation.group, members(found.members)
    generators = wide[list(group.generators)]
    if wide.ndim == 2:
        generators = torch.eye(dim, dtype=torch.float64)[generators].mT
    return replace(
        found,
        representation=FixedRepresentation(group, generators=generators),
        members=wide,
        ladder=tuple(replace(r, generators=members(r.generators)) for r in found.ladder),
        notes=(*found.notes, *notes),
    )
