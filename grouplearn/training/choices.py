"""The choice of a group: its evidence, and the file that keeps it for a run that goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, TypedDict, final

from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import refuse
from grouplearn._files import write_whole
from grouplearn._frames import frame_of
from grouplearn._schema import Number, misfit, parsed
from grouplearn.discovery.result import Discovery
from grouplearn.errors import DataError
from grouplearn.representations import LearnedRepresentation

CHOICE = "choice.json"
"""The file in a run's folder."""


@final
@dataclass(frozen=True)
class Tried:
    """One candidate and how its short runs went.

    Attributes:
        rep: the representation.
        scores: of its runs, each with another seed, on the samples held out; none where a smaller
            group had failed already.
        held_out: number of these samples.
        seconds: of all its runs.
        samples: (held_out,), the mean score of each sample over the runs; None where there was no
            run, or where it was read from a file.
    """

    rep: LearnedRepresentation
    scores: tuple[float, ...]
    held_out: int
    seconds: float
    samples: Float[Tensor, " held_out"] | None = field(default=None, compare=False, repr=False)

    @property
    def score(self) -> float | None:
        """Mean of the scores; None where there was no run."""
        return fmean(self.scores) if self.scores else None

    @property
    def error(self) -> float:
        """Standard error of the score from the number of samples held out alone.

        Other seeds of the short runs may move the score by more. Of scores that are no shares of
        samples, such as those of a reconstruction, it is 0.
        """
        if self.score is None:
            return math.nan
        return math.sqrt(max(self.score * (1 - self.score), 0.0) / self.held_out)

    @property
    def words(self) -> str:
        """The score, its error and the number of runs."""
        if self.score is None:
            return "not run: its subgroups fail"
        runs = f" in {len(self.scores)} runs" if len(self.scores) > 1 else ""
        return f"{100 * self.score:.1f} +- {100 * self.error:.1f} %{runs}"


@final
@dataclass(frozen=True)
class Choice:
    """Result of `choose`.

    Attributes:
        rep: the chosen representation.
        tried: all candidates, in the order in which they were considered; none where there was
            nothing to choose from.
        reason: why this one, in a sentence.
        found: the discovery that proposed the candidates; None where they were given.
    """

    rep: LearnedRepresentation
    tried: tuple[Tried, ...]
    reason: str = ""
    found: Discovery | None = field(default=None, compare=False, repr=False)

    def summary(self) -> str:
        """The choice and its evidence in words."""
        lines = []
        for number, each in enumerate(self.tried):
            mark = " <- chosen" if each.rep is self.rep else ""
            lines.append(f"{number + 1}. {each.rep.group}: {each.words}{mark}")
        runs = f"{'; '.join(lines)}." if lines else ""
        return " ".join(part for part in (runs, self.reason) if part)

    def _repr_html_(self) -> str | None:
        return frame_of(self)


class _Row(TypedDict):
    group: str
    kernel: Any
    scores: list[Number]
    held_out: int
    seconds: Number
    chosen: bool


class _Kept(TypedDict):
    reason: str
    tried: list[_Row]


def keep_choice(folder: Path, choice: Choice) -> None:
    """Write the short runs to the folder.

    Args:
        folder: of the run.
        choice: what was tried.
    """
    rows = [
        {"group": group, "kernel": kernel, "scores": each.scores, "held_out": each.held_out,
         "seconds": each.seconds, "chosen": each.rep is choice.rep}
        for each in choice.tried for group, kernel in [_name(each.rep)]
    ]  # fmt: skip
    text = json.dumps({"reason": choice.reason, "tried": rows}, indent=2, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / CHOICE, text + "\n")


def kept_choice(folder: Path, candidates: Sequence[LearnedRepresentation]) -> Choice | None:
    """The choice that an earlier part of a run made; None where it did not come so far.

    Args:
        folder: of the run.
        candidates: as they were offered then.

    Raises:
        DataError: the file is broken, or of other candidates.
    """
    file = folder / CHOICE
    if not file.is_file():
        return None
    ordered = sorted(candidates, key=lambda rep: rep.group.order)
    try:
        kept = _read(file)
    except ValueError as problem:
        refuse("choose_group", "folder", f"that of a run, with a whole {CHOICE}", str(problem),
               "start a new run", DataError)  # fmt: skip
    rows = kept["tried"]
    names = [(row["group"], row["kernel"]) for row in rows]
    runs = [
        (tuple(map(float, row["scores"])), row["held_out"], float(row["seconds"])) for row in rows
    ]
    chosen = [row["chosen"] for row in rows].index(True)
    if names != [_name(rep) for rep in ordered]:
        refuse("choose_group", "folder", "that of a run that chose among these candidates, "
               f"{', '.join(str(rep.group) for rep in ordered)}", f"others in {CHOICE}",
               "start a new run", DataError)  # fmt: skip
    tried = [Tried(rep, *run) for rep, run in zip(ordered, runs, strict=True)]
    return Choice(ordered[chosen], tuple(tried), kept["reason"])


def _read(file: Path) -> _Kept:
    """What `keep_choice` wrote; a ValueError where it is something else."""
    kept: _Kept = parsed(file.read_bytes())
    if (wrong := misfit(kept, _Kept)) is not None:
        raise ValueError(wrong)
    if sum(row["chosen"] for row in kept["tried"]) != 1:
        raise ValueError("not one that is chosen")
    if not all(map(_is_possible, kept["tried"])):
        raise ValueError("scores above 1, or of no samples")
    return kept


def _is_possible(row: _Row) -> bool:
    return row["held_out"] > 0 and all(float(score) <= 1 for score in row["scores"])


def _name(rep: LearnedRepresentation) -> tuple[str, Any]:
    return str(rep.group), rep.generators().tolist()
