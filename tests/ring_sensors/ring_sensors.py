"""Sensors at equal distances round a ring: a domain of a package of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from grouplearn.discovery import MomentAccumulator
from grouplearn.domains.base import Domain, permutations_of
from grouplearn.domains.registered import Recognised
from grouplearn.domains.wholes import Wholes


@final
@dataclass(frozen=True)
class RingMove:
    """A turn of the ring by some places, after a mirror image where one is wanted."""

    count: int
    places: int
    mirrored: bool = False

    @property
    def images(self) -> np.ndarray[Any, Any]:
        """Where each sensor goes."""
        numbers = np.arange(self.count)
        return ((-numbers if self.mirrored else numbers) + self.places) % self.count

    @property
    def name(self) -> str:
        """The operation's name."""
        if not self.mirrored:
            return f"turn-by-{self.places}" if self.places else "identity"
        return f"mirror-{self.places}"

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        """The operation in one sentence."""
        return f"Sensor 0 goes where sensor {self.places} was{', mirrored' * self.mirrored}."

    @property
    def matrix(self) -> Tensor:
        """The operation on columns."""
        return torch.eye(self.count)[:, self.images]

    @property
    def order(self) -> int:
        """How often it has to be done to change nothing."""
        return 2 if self.mirrored else self.count // int(np.gcd(self.places, self.count))

    def __call__(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Move rows of readings."""
        moved = np.empty_like(rows)
        moved[..., self.images] = rows
        return moved


@final
@dataclass(frozen=True)
class RingDomain(Domain):
    """Readings of d sensors round a ring: a row for each moment, (N, d)."""

    sensors: int

    @property
    def dim(self) -> int:
        """As many numbers as there are sensors."""
        return self.sensors

    def vectorize(
        self, raw: Any, /, count: int | None = None, rng: torch.Generator | None = None
    ) -> Tensor:
        """Return the rows: all of them, or some drawn at random."""
        rows = torch.as_tensor(raw, dtype=torch.float32)
        return rows if count is None else rows[torch.randint(len(rows), (count,), generator=rng)]

    def unvectorize(self, vectors: Tensor) -> Tensor:
        """Return rows as they are."""
        return vectors

    def known_actions(self) -> dict[str, RingMove]:
        """Return the turns and mirror images of the ring."""
        moves = [RingMove(self.dim, k, m) for m in (False, True) for k in range(self.dim)]
        return {move.name: move for move in moves[1:]}

    def moments(self, source: Any, /, *, seed: int = 0) -> MomentAccumulator:
        """Gather the moments; a hundred rows in a row depend on one another."""
        blocks = np.arange(len(source)) // 100
        return MomentAccumulator(self.dim, seed=seed).add(source, blocks=blocks)

    def wholes(self, raw: Any, /, *, seed: int = 0, apart: bool = False) -> Wholes:
        """Return a hundred rows as one object, which moves as a whole."""
        objects = np.arange(len(raw)) // 100

        def cut(which: Any, move: Any) -> tuple[Any, Any]:
            places = np.flatnonzero(np.isin(objects, which))
            return move(raw[places]), objects[places]

        return Wholes(np.arange(objects[-1] + 1), int(objects[-1]) + 1, cut)

    def extend(self, representation: Any, /) -> tuple[RingMove | None, ...]:
        """Say which elements turn or mirror the ring."""
        known = [RingMove(self.dim, 0), *self.known_actions().values()]
        return tuple(
            next((m for m in known if found is not None and np.array_equal(m.images, found)), None)
            for found in permutations_of("RingDomain.extend", representation, self.dim)
        )


def draw(members: np.ndarray[Any, Any], titles: Sequence[str]) -> Figure:
    """Draw the ring once for each member: a colour stays with its sensor."""
    figure = Figure(figsize=(2 * len(members), 2.2), layout="constrained")
    angles = 2 * np.pi * np.arange(members.shape[1]) / members.shape[1]
    for axes, member, title in zip(
        figure.subplots(1, len(members), squeeze=False)[0], members, titles, strict=True
    ):
        axes.scatter(np.cos(angles), np.sin(angles), c=member @ angles, cmap="twilight", s=90)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
        axes.set_aspect("equal")
    return figure


def recognise(path: Path) -> Recognised | None:
    """Open a file of readings, one row for each moment: *.ring.csv."""
    if not path.name.endswith(".ring.csv"):
        return None
    rows = np.loadtxt(path, delimiter=",", ndmin=2)
    count = rows.shape[1]
    said = f"{len(rows):,} readings of {count} sensors round a ring"
    return Recognised(RingDomain(count), rows, said, tuple(map(str, range(count))), draw)
