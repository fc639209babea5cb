"""Coordinates that are constant or copies of others: set aside before a search."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.discovery.moments import MomentAccumulator
from grouplearn.discovery.permutations import discover_permutations
from grouplearn.discovery.reservoir import Sample
from grouplearn.discovery.result import Discovery

_SHOWN = 6


def discover_on_varying(
    accumulated: MomentAccumulator, *, signed: bool, **options: Any
) -> Discovery:
    """Discover among the coordinates that vary, each taken once.

    Constant coordinates, and coordinates equal to another one in every sample, can be exchanged
    without any change, which says nothing about the data. They are left where they are, and a note
    says so.

    Args:
        accumulated: the data.
        signed: may coordinates change sign?
        options: passed on to `discover_permutations`.

    Raises:
        InputError: no coordinate varies, or only one does and there is nothing to permute.
    """
    dim, channels = accumulated.dim, accumulated.channels
    covariance = accumulated.covariance()
    scale = np.diag(accumulated.products.sum(0)) / accumulated.count
    varies = np.diag(covariance) > 1e-12 * np.maximum(scale, np.finfo(float).tiny)
    still: NDArray[np.bool_] = np.asarray(~varies.reshape(channels, dim).any(0))
    if still.all():
        zero = not accumulated.products.any()
        what = "zeros only" if zero else "the same sample every time"
        refuse("discover", "samples", "different from one another", what, "check the file")
    copies = _copies(accumulated, still, signed=signed)
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
            "equal coordinates is an exact but meaningless symmetry, so that the copies were left "
            "where they are."
        )
    if len(kept) == dim:
        return discover_permutations(accumulated, signed=signed, **options)
    if len(kept) < 2 and not signed:
        what = " ".join([f"{len(kept)} of {dim}:", *notes])
        refuse("discover", "samples", "of two or more different columns", what, "pass more columns")
    found = discover_permutations(_restrict(accumulated, kept), signed=signed, **options)
    return _extend(found, kept, dim, tuple(notes))


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
    together[still] = together[:, still] = False
    np.fill_diagonal(together, True)
    return np.asarray(together.argmax(1))


def _restrict(accumulated: MomentAccumulator, kept: NDArray[np.int64]) -> MomentAccumulator:
    """The same moments for some of the coordinates."""
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
    part.offer(Sample(sample.rows[:, columns], sample.weights, sample.groups, sample.labels))
    return part


def _extend(found: Discovery, kept: NDArray[np.int64], dim: int, notes: tuple[str, ...]) -> Any:
    """Let the coordinates that were set aside stay in place."""
    from dataclasses import replace

    from grouplearn.representations import FixedRepresentation

    def members(small: torch.Tensor) -> torch.Tensor:
        places = torch.as_tensor(kept)
        if small.ndim == 2:
            full = torch.arange(dim).repeat(len(small), 1)
            full[:, places] = places[small]
            return full
        wide = torch.eye(dim, dtype=small.dtype).repeat(len(small), 1, 1)
        wide[:, places[:, None], places] = small
        return wide

    group, small = found.representation.group, found.members
    wide = members(small)
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
