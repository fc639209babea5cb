"""`grouplearn test`: is an action that is named a symmetry of data?"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn.commands.discover_data import Reading, Subject, TableRows, names_of, open_data
from grouplearn.commands.invariance_actions import WHO, read_representation
from grouplearn.commands.options import between
from grouplearn.discovery import InvarianceTest, invariance_test
from grouplearn.domains.base import Domain
from grouplearn.domains.wholes import most_rows
from grouplearn.representations import LearnedRepresentation

_MAX_SEED = 2**32 - 1
_MOST_DRAWS = 200_000

Watch = Callable[[str], object]
"""Told what is being done."""


@final
@dataclass(frozen=True)
class InvarianceOptions:
    """What `grouplearn test` was asked for; see its help for the meaning.

    Raises:
        InputError: an option is out of its range.
    """

    data: str
    action: str
    reading: Reading = field(default_factory=Reading)
    level: float = 0.05
    draws: int = 999
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        self.reading.check(WHO)
        if not 0 < self.level < 1:
            refuse(WHO, "--level", "between 0 and 1", self.level, "pass 0.05, for example")
        between(WHO, "--draws", self.draws, 1, _MOST_DRAWS)
        if (self.draws + 1) * self.level < 1:
            refuse(WHO, "--draws", f"at least {round(1 / self.level) - 1} for a level of "
                   f"{self.level:g}", self.draws, "pass more, or a larger --level")  # fmt: skip
        between(WHO, "--seed", self.seed, 0, _MAX_SEED)


@final
@dataclass(frozen=True)
class Tested:
    """What the test of one action on one data set says.

    Attributes:
        subject: the data.
        order: of the group that was tested.
        result: the answer.
        seconds: taken by reading and testing.
    """

    subject: Subject
    order: int
    result: InvarianceTest
    seconds: float


def run(options: InvarianceOptions, watch: Watch | None = None) -> Tested:
    """Open the data, then test the action.

    Args:
        options: what to do.
        watch: told of every step.

    Raises:
        InputError: the data cannot be read, or an option does not fit them.
        DataError: a file is missing or broken.
    """
    told = watch or (lambda _: None)
    begin = time.perf_counter()
    (name,) = names_of((options.data,))
    told("reading")
    subject = open_data(options.data, options.reading, name, WHO)
    options.reading.check_kinds(WHO, (subject.kind,))
    domain = subject.domain
    order, result = (
        _on_rows(subject, options, told)
        if domain is None
        else _on_wholes(subject.raw, domain, options, told)
    )
    return Tested(subject, order, result, time.perf_counter() - begin)


def _on_wholes(
    raw: Any, domain: Domain, options: InvarianceOptions, watch: Watch
) -> tuple[int, InvarianceTest]:
    """The order of the group, and the test on whole objects."""
    known = {
        name: action.order
        for name, action in domain.known_actions().items()
        if action.order is not None
    }
    action: str | LearnedRepresentation = options.action
    order = known.get(options.action, 0)
    if not order:
        action = read_representation(options.action, domain.dim, list(known))
        order = action.group.order
    watch("testing")
    result = domain.invariance_test(
        raw, action, level=options.level, draws=options.draws, seed=options.seed
    )
    return order, result


def _on_rows(
    subject: Subject, options: InvarianceOptions, watch: Watch
) -> tuple[int, InvarianceTest]:
    """The order of the group, and the test on the rows of a table."""
    rep = read_representation(options.action, len(subject.coordinates()), ())
    rows = _rows_of(subject.raw, options.seed)
    watch("testing")
    result = invariance_test(
        rows.samples, rep, labels=rows.labels, blocks=rows.blocks,
        level=options.level, draws=options.draws, seed=options.seed,
    )  # fmt: skip
    return rep.group.order, result


@final
@dataclass(frozen=True)
class _Rows:
    """Rows of a table, with labels and blocks if there are any."""

    samples: NDArray[np.float64]
    labels: NDArray[np.float64] | None
    blocks: NDArray[np.int64] | None


def _rows_of(table: TableRows, seed: int) -> _Rows:
    """The rows of a table; of very many, some at random."""
    rng, dim = np.random.default_rng(seed), len(table.names)
    most = most_rows(dim)
    has_labels, has_blocks = table.has_labels, table.blocks is not None
    held, keys = np.empty((0, dim + has_labels + has_blocks)), np.empty(0)
    for rows, labels, blocks in table:
        beside = [each for each in (labels, blocks) if each is not None]
        wide = np.column_stack([rows, *beside]).astype(np.float64)
        held = np.concatenate([held, wide])
        keys = np.concatenate([keys, rng.random(len(rows))])
        if len(held) > most:
            low = np.argpartition(keys, most)[:most]
            held, keys = held[low], keys[low]
    return _Rows(
        held[:, :dim],
        held[:, dim] if has_labels else None,
        held[:, -1].astype(np.int64) if has_blocks else None,
    )
