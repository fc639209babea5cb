"""`grouplearn discover`: find the group that acts on data, and say whether it is real."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from grouplearn._checks import refuse
from grouplearn.commands.discover_data import WHO, Reading, Subject, names_of, open_data
from grouplearn.commands.discover_words import describe
from grouplearn.commands.options import between, known_name
from grouplearn.discovery import Discovery, MomentAccumulator, discover
from grouplearn.domains.tokens import TokenDomain

ACTIONS = ("permutation", "signed", "linear")

_MAX_SEED = 2**32 - 1

Watch = Callable[[str, str], object]
"""Told what is being done: name of the data, what is done with them."""


@final
@dataclass(frozen=True)
class DiscoverOptions:
    """What `grouplearn discover` was asked for; see its help for the meaning.

    Raises:
        InputError: an option is out of its range.
    """

    data: tuple[str, ...]
    reading: Reading = field(default_factory=Reading)
    action: str = "permutation"
    max_moment: int = 3
    level: float = 0.01
    seed: int = 0
    time_budget: float | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        self.reading.check(WHO)
        known_name(WHO, "--action", self.action, ACTIONS)
        between(WHO, "--max-moment", self.max_moment, 2, 4)
        between(WHO, "--seed", self.seed, 0, _MAX_SEED)
        if not 0 < self.level < 1:
            refuse(WHO, "--level", "between 0 and 1", self.level, "pass 0.01, for example")
        if self.time_budget is not None and not 0 < self.time_budget < float("inf"):
            refuse(WHO, "--time-budget", "a positive number of seconds", self.time_budget,
                   "pass 60, for example")  # fmt: skip


@final
@dataclass(frozen=True)
class DataFinding:
    """What was found in one data set.

    Attributes:
        subject: the data.
        moments: of the data.
        coordinates: their names.
        found: the answer.
        proposal: where higher moments left nothing: what second moments alone propose.
        generators: those of the group found, in words.
        seconds: taken by reading and searching.
    """

    subject: Subject
    moments: MomentAccumulator
    coordinates: tuple[str, ...]
    found: Discovery
    proposal: Discovery | None
    generators: tuple[str, ...]
    seconds: float

    @property
    def shown(self) -> Discovery:
        """The finding whose group is drawn: the answer, or else the proposal."""
        return self.proposal if self.proposal is not None and not self.found.found else self.found


def run_all(options: DiscoverOptions, watch: Watch | None = None) -> tuple[DataFinding, ...]:
    """Open all data, then read and search each.

    Args:
        options: what to do.
        watch: told of every step.

    Raises:
        InputError: the data cannot be read or searched, or an option does not fit them.
    """
    names = names_of(options.data)
    opened = [open_data(d, options.reading, n) for d, n in zip(options.data, names, strict=True)]
    options.reading.check_kinds(WHO, (each.kind for each in opened))
    return tuple(_find(each, options, watch or (lambda _name, _step: None)) for each in opened)


def _find(subject: Subject, options: DiscoverOptions, watch: Watch) -> DataFinding:
    begin = time.perf_counter()
    watch(subject.name, "reading")
    moments = subject.moments(options.seed)
    settings: dict[str, Any] = {
        "action": options.action, "level": options.level, "seed": options.seed,
        "time_budget": options.time_budget,
    }  # fmt: skip
    watch(subject.name, "searching")
    found = discover(moments, max_moment=options.max_moment, **settings)
    if isinstance(subject.domain, TokenDomain):
        watch(subject.name, "exchanging tokens")
        found = subject.domain.with_exchanges(found, seed=options.seed)
    proposal = None
    if not found.found and options.max_moment > 2 and options.action != "linear":
        watch(subject.name, "asking second moments alone")
        second = discover(moments, max_moment=2, **settings)
        proposal = second if second.found else None
    seconds = time.perf_counter() - begin
    coordinates = subject.coordinates()
    words = describe(found, subject, coordinates)
    return DataFinding(subject, moments, coordinates, found, proposal, words, seconds)
