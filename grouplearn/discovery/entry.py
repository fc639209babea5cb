"""`discover`: the group in unlabelled data, or the statement that there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from grouplearn._checks import finite_number, positive_int, refuse
from grouplearn.discovery.arrays import (
    as_array,
    as_labels,
    assert_moderate,
    frame_column,
    frame_titles,
    is_frame,
    without_column,
)
from grouplearn.discovery.moments import LEAST_GROUPS, MomentAccumulator
from grouplearn.discovery.result import Discovery
from grouplearn.groups.base import MAX_TABLE_ORDER

if TYPE_CHECKING:
    from grouplearn.discovery.permutations.tables import ExactSymmetries

_WHO = "discover"
_WIDE = 256

Action = Literal["permutation", "signed", "linear"]


def discover(
    samples: ArrayLike | Tensor | Iterable[ArrayLike | Tensor] | MomentAccumulator,
    labels: ArrayLike | Tensor | None = None,
    action: Action = "permutation",
    max_moment: int = 3,
    level: float = 0.01,
    blocks: ArrayLike | Tensor | None = None,
    seed: int = 0,
    time_budget: float | None = None,
) -> Discovery:
    """Find the finite group that leaves a distribution unchanged, and say whether it is real.

    If x and rho(g) x have the same distribution then every moment of x is invariant under rho(g).
    Second moments propose candidates. A randomisation test of exact level decides: see
    `grouplearn.discovery.invariance_test`. A group is claimed when the test does not reject it and
    its effect is small beyond doubt in every family of features that sees well, so that data that
    could not tell show nothing; groups above the claimed one that the data do not exclude stand in
    `region`. "No symmetry found" is a result. Tables of all objects of a kind (all positions of a
    game, say) are not sampled: their symmetries are found in exact arithmetic.

    Args:
        samples: (N, d) array, tensor or data frame, whose columns name the coordinates; or an
            iterable of such batches, read once; or a `MomentAccumulator`. Memory maps are read a
            slice at a time.
        labels: (N,) classes, in numbers or words, or real values that the action keeps, with
            `samples` as an array; of a frame also the name of a column.
        action: "permutation" of the coordinates, "signed" permutation, or "linear".
        max_moment: highest order that must agree; 2 proposes only, 3 and 4 certify.
        level: of the test, in (0, 1).
        blocks: (N,) integers; samples that depend on one another share a number. None takes all
            samples as independent, which understates noise if they are not.
        seed: of every random choice.
        time_budget: seconds for search and tests, which then give their best answer so far.

    Returns:
        The group, how it acts, and the evidence.

    Raises:
        InputError: wrong shapes or types, NaN, masked values, fewer samples than dimensions, no
            variation, or nothing that could be moved.

    Cost:
        One pass, O(N d^2); then the search, O(d^3) for each of some hundreds of candidates, and
        O(R d^3) for the third moments of the R rows kept. Memory does not grow with N.

    Example:
        >>> rows = np.random.default_rng(0).exponential(size=(20000, 4))
        >>> ring = rows + 0.8 * np.roll(rows, 1, axis=1)
        >>> found = discover(ring)
        >>> found.group.name, found.exact
        ('C4', True)
    """
    if action not in ("permutation", "signed", "linear"):
        refuse(
            _WHO, "action", "'permutation', 'signed' or 'linear'", repr(action), "take one of these"
        )
    positive_int(_WHO, "max_moment", max_moment, minimum=2)
    positive_int(_WHO, "seed", seed, minimum=0)
    if not 0 < finite_number(_WHO, "level", level, positive=True) < 1:
        refuse(_WHO, "level", "between 0 and 1", level, "pass level=0.01")
    if time_budget is not None:
        finite_number(_WHO, "time_budget", time_budget, positive=True)
    if is_frame(samples):
        samples, labels = _without_labels(samples, labels)
        found = discover(
            as_array("samples", samples), labels, action, max_moment, level, blocks, seed,
            time_budget,
        )  # fmt: skip
        return replace(found, names=frame_titles(samples))
    accumulated = accumulate(samples, labels, blocks, seed)
    if action != "linear":
        table = _complete_table(accumulated, action == "signed", time_budget)
        if table is not None and table.decides and table.order <= MAX_TABLE_ORDER:
            return table.discovery()
    _check_amount(accumulated, action)
    options: dict[str, Any] = {
        "max_moment": max_moment, "level": level, "seed": seed, "time_budget": time_budget,
    }  # fmt: skip
    if action == "linear":
        from grouplearn.discovery.linear.entry import discover_linear

        if accumulated.channels > 1:
            refuse(_WHO, "samples", "of one channel for action='linear'",
                   f"{accumulated.channels} channels", "accumulate with channels=1")  # fmt: skip
        found = discover_linear(accumulated.sample(), **options)
        spread = np.sqrt(np.diag(accumulated.covariance()).clip(0))
        if not found.found and (np.abs(accumulated.mean()) > 0.1 * spread).any():
            centre = "Linear actions keep the origin, and the mean is not there: subtract the mean "
            return replace(found, notes=(*found.notes, centre + "to look for actions about it."))
        return found
    from grouplearn.discovery.permutations.degenerate import discover_on_varying

    return discover_on_varying(accumulated, signed=action == "signed", **options)


def _without_labels(frame: Any, labels: Any) -> tuple[Any, Any]:
    """The columns of the coordinates, and the labels, which may be a column."""
    if not isinstance(labels, str):
        return frame, labels
    titles = list(frame.columns)
    if titles.count(labels) != 1:
        refuse(_WHO, "labels", f"one column of the frame ({', '.join(map(str, titles))})",
               repr(labels), "name one of these")  # fmt: skip
    number = titles.index(labels)
    return without_column(frame, number), frame_column(frame, number)


def _complete_table(
    accumulated: MomentAccumulator, signed: bool, time_budget: float | None
) -> ExactSymmetries | None:
    """The exact symmetries of a table of which every row is at hand; None where none can be."""
    from grouplearn.discovery.permutations.tables import exact_symmetries, is_possibly_complete

    channels, dim = accumulated.channels, accumulated.dim
    if (channels > 1 and signed) or accumulated.has_blocks or dim < 2:
        return None
    sample = accumulated.sample()
    if accumulated.samples != len(sample.rows):
        return None
    rows = sample.rows
    if channels > 1:
        # What a coordinate holds in all channels is one value.
        cells = rows.reshape(len(rows), channels, dim).swapaxes(1, 2).reshape(-1, channels)
        codes = np.unique(cells, axis=0, return_inverse=True)[1]
        rows = codes.reshape(len(rows), dim).astype(np.float64)
    if not is_possibly_complete(rows, sample.weights, signed):
        return None
    deadline = None if time_budget is None else time.monotonic() + time_budget / 2
    return exact_symmetries(rows, sample.weights, signed, deadline, sample.labels)


def accumulate(
    samples: Any, labels: Any = None, blocks: Any = None, seed: int = 0
) -> MomentAccumulator:
    """Read samples, however they come, into an accumulator.

    Args:
        samples: as for `discover`.
        labels: as for `discover`.
        blocks: as for `discover`.
        seed: of the dealing of blocks to bootstrap groups.

    Raises:
        InputError: wrong shapes or types, no samples, or labels and blocks beside an iterable.
    """
    if isinstance(samples, MomentAccumulator):
        _only_arrays("a MomentAccumulator", labels, blocks)
        return samples
    whole = isinstance(samples, np.ndarray | Tensor | list | tuple) or is_frame(samples)
    if isinstance(samples, list | tuple) and samples:
        # A list of rows is one array, a list of matrices is batches.
        whole = any(getattr(each, "ndim", 0) != 2 for each in samples)
    if whole:
        rows = as_array("samples", samples)
        if rows.ndim != 2 or 0 in rows.shape:
            refuse(
                _WHO, "samples", "of shape (N, d), neither 0", tuple(rows.shape),
                "flatten each sample to a row, or use the domain adapter of images, sequences or "
                "tokens",
            )  # fmt: skip
        _refuse_few(rows)
        return MomentAccumulator(rows.shape[1], seed=seed).add(
            rows, labels=as_labels(labels), blocks=blocks
        )
    if not isinstance(samples, Iterable):
        refuse(_WHO, "samples", "an array, an iterable of arrays or a MomentAccumulator",
               type(samples).__name__, "convert it with numpy.asarray")  # fmt: skip
    _only_arrays("an iterable", labels, blocks)
    found: MomentAccumulator | None = None
    for batch in samples:
        rows = as_array("samples", batch)
        if found is None:
            width = rows.shape[-1] if rows.ndim == 2 else 0
            if not width:
                refuse(_WHO, "every batch", "of shape (N, d)", tuple(rows.shape), "reshape it")
            found = MomentAccumulator(width, seed=seed)
        found.add(rows)
    if found is None:
        refuse(_WHO, "samples", "at least one batch", "an empty iterable", "pass data")
    return found


def _refuse_few(rows: NDArray[Any]) -> None:
    """Refuse many columns of few rows before their moments take memory, if no table is complete."""
    from grouplearn.discovery.permutations.tables import is_possibly_complete

    count, dim = rows.shape
    if count <= dim and dim > _WIDE and np.isfinite(rows).all():
        if any(is_possibly_complete(rows, None, signed) for signed in (False, True)):
            return
        refuse(_WHO, "samples", f"more than their dimension, {dim}", f"{count:g} samples",
               "pass more samples or fewer coordinates")  # fmt: skip


def _only_arrays(what: str, labels: Any, blocks: Any) -> None:
    if labels is not None or blocks is not None:
        refuse(
            _WHO, "labels and blocks", f"None beside {what}", "values",
            "add them to a MomentAccumulator: add(samples, labels=..., blocks=...)",
        )  # fmt: skip


def _check_amount(accumulated: MomentAccumulator, action: str) -> None:
    dim, count = accumulated.size, max(accumulated.count, accumulated.samples)
    if accumulated.dim < 2 and action == "permutation":
        refuse(_WHO, "samples", "of dimension d >= 2 for action='permutation'", "d = 1",
               "one coordinate has nothing to change places with; try action='signed'")  # fmt: skip
    if count <= dim or accumulated.samples < 2:
        refuse(_WHO, "samples", f"more than their dimension, {dim}", f"{count:g} samples",
               "pass more samples or fewer coordinates")  # fmt: skip
    assert_moderate(_WHO, accumulated.sample().rows)
    used = int((accumulated.weights > 0).sum())
    if used < LEAST_GROUPS:
        remedy = "number the blocks so that only dependent samples share a number"
        refuse(
            _WHO, "blocks", f"at least {LEAST_GROUPS} independent blocks, better 30", used, remedy
        )
