"""The choice of a group, kept in the run folder: a run that goes on does not search again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from grouplearn._checks import refuse
from grouplearn._files import write_whole
from grouplearn._schema import Number, misfit, parsed
from grouplearn.commands.marks import CHOICE, to_json
from grouplearn.commands.train_kinds import WHO
from grouplearn.errors import DataError
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import Choice, Tried


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
    write_whole(folder / CHOICE, to_json({"reason": choice.reason, "tried": rows}, indent=2) + "\n")


def kept_choice(folder: Path, candidates: Sequence[LearnedRepresentation]) -> Choice | None:
    """The choice that an earlier part of the run made; None where it did not come so far.

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
        refuse(WHO, "--out", f"the folder of a run, with a whole {CHOICE}", str(problem),
               "start a new run", DataError)  # fmt: skip
    rows = kept["tried"]
    names = [(row["group"], row["kernel"]) for row in rows]
    runs = [
        (tuple(map(float, row["scores"])), row["held_out"], float(row["seconds"])) for row in rows
    ]
    chosen = [row["chosen"] for row in rows].index(True)
    if names != [_name(rep) for rep in ordered]:
        refuse(WHO, "--out", f"the folder of a run that chose among what these images propose, "
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
        raise ValueError("scores above 1, or of no images")
    return kept


def _is_possible(row: _Row) -> bool:
    return row["held_out"] > 0 and all(float(score) <= 1 for score in row["scores"])


def _name(rep: LearnedRepresentation) -> tuple[str, Any]:
    return str(rep.group), rep.generators().tolist()
