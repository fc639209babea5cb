"""The choice of a group, kept in the run folder: a run that goes on does not search again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grouplearn._checks import refuse
from grouplearn.commands.folders import to_json, write_whole
from grouplearn.commands.train_kinds import WHO
from grouplearn.errors import DataError
from grouplearn.representations import LearnedRepresentation
from grouplearn.training import Choice, Tried

CHOICE = "choice.json"


def keep_choice(folder: Path, choice: Choice) -> None:
    """Write the short runs to the folder.

    Args:
        folder: of the run.
        choice: what was tried.
    """
    rows = [
        {**_name(each.rep), "scores": each.scores, "held_out": each.held_out,
         "seconds": each.seconds, "chosen": each.rep is choice.rep}
        for each in choice.tried
    ]  # fmt: skip
    write_whole(folder / CHOICE, to_json(rows, indent=2) + "\n")


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
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        tried = [
            Tried(rep, tuple(row["scores"]), row["held_out"], row["seconds"])
            for rep, row in zip(ordered, rows, strict=True)
            if _name(rep) == {name: row[name] for name in _name(rep)}
        ]
        (chosen,) = (rep for rep, row in zip(ordered, rows, strict=True) if row["chosen"])
    except (ValueError, KeyError, TypeError) as problem:
        refuse(WHO, "--out", f"the folder of a run, with a whole {CHOICE}", f"{problem!r}",
               "start a new run", DataError)  # fmt: skip
    if len(tried) < len(ordered):
        refuse(WHO, "--out", f"the folder of a run on these images, as {CHOICE} has them",
               f"groups {[str(rep.group) for rep in ordered]}", "start a new run")  # fmt: skip
    return Choice(chosen, tuple(tried))


def _name(rep: LearnedRepresentation) -> dict[str, Any]:
    return {"group": str(rep.group), "kernel": rep.generators().tolist()}
