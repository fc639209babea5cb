"""Domains of other packages: how they register, and recognise data that the commands are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from grouplearn._checks import refuse
from grouplearn.domains.base import Domain
from grouplearn.domains.readers.kinds import KINDS
from grouplearn.errors import DataError, GrouplearnError

ENTRY_POINTS = "grouplearn.domains"
"""The group of entry points under which packages register."""
Draw: TypeAlias = Callable[[Float[np.ndarray, "members d d"], Sequence[str]], Figure]
"""Makes a picture of members of a group and their names."""


@final
@dataclass(frozen=True)
class Recognised:
    """Data that a registered domain knows what to do with.

    Attributes:
        domain: the adapter.
        raw: the data, as the methods of the domain take them.
        said: what the data are, in a few words.
        coordinates: a name for each of the d coordinates.
        draw: draws members of a group; None draws arcs between coordinates.
    """

    domain: Domain
    raw: Any
    said: str
    coordinates: tuple[str, ...]
    draw: Draw | None = None


Recogniser: TypeAlias = Callable[[Path], Recognised | None]
"""What an entry point names: looks at a file or folder; None where it is not of its kind."""


def registered() -> dict[str, EntryPoint]:
    """The entry points of installed packages; their names are kinds of data.

    Raises:
        DataError: a name is a kind of the library's own, or of two packages.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name in (*KINDS, *found):
            refuse(ENTRY_POINTS, f"the domain {entry.name!r}", "a kind that has no domain yet",
                   f"one of {', '.join((*KINDS, *found))}", "uninstall one of the packages",
                   DataError)  # fmt: skip
        found[entry.name] = entry
    return found


def recognised(who: str, path: Path, kind: str | None) -> tuple[str, Recognised] | None:
    """Ask the registered domains whether data are of their kind.

    Args:
        who: asks, for errors.
        path: that exists.
        kind: of the data, where it is known; one of the registered is then asked alone, and of
            other kinds none.

    Returns:
        The kind and what was recognised, or None.

    Raises:
        DataError: a domain cannot be imported or fails, or the kind that was named is not
            recognised.
    """
    for name, entry in registered().items():
        if kind not in (None, name):
            continue
        try:
            found = entry.load()(path)
            if not isinstance(found, Recognised | None):
                raise TypeError(f"it returned {type(found).__name__}")
        except GrouplearnError:
            raise
        except Exception as problem:  # whatever code of others raises
            package = "an installed package" if entry.dist is None else entry.dist.name
            refuse(who, f"the domain {name!r} of {package}", "one that opens data",
                   f"{type(problem).__name__} ({problem})", "mend or uninstall it",
                   DataError)  # fmt: skip
        if found is not None:
            return name, found
        if kind == name:
            refuse(who, f"DATA {str(path)!r}", f"of the kind {name!r}", "something else",
                   "leave --kind out", DataError)  # fmt: skip
    return None
