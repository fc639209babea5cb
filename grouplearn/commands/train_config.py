"""The options of `grouplearn train` in a file: config.json of a run, or one like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from grouplearn._checks import refuse
from grouplearn._schema import misfit, parsed
from grouplearn.commands.options import typed_beside
from grouplearn.commands.train_kinds import (
    WHO,
    ActionOptions,
    SequenceOptions,
    TrainOptions,
    fit_options,
)
from grouplearn.commands.train_token_options import TokenOptions
from grouplearn.errors import DataError
from grouplearn.training import FitOptions

_BESIDE_CONFIG = ("--config", "--seed", "--resume", "--out", "--overwrite", "--json", "--quiet")


def read_config(
    line: str, file: Path, data: Sequence[str], seed: int | None = None
) -> TrainOptions | TokenOptions:
    """The options in a file: config.json of a run, or the part of it that is called options.

    Args:
        line: what was typed; options beside the file are refused.
        file: JSON; what it leaves out has its default.
        data: takes the place of that in the file; further ones are a class each.
        seed: takes the place of that in the file, where it is not None.

    Raises:
        DataError: the file is missing, or no JSON.
        InputError: an option is unknown, or out of its range.
    """
    others = typed_beside(line, _BESIDE_CONFIG)
    if others:
        refuse(WHO, "--config", "without the options that it holds", ", ".join(others),
               "leave these out, or change the file")  # fmt: skip
    try:
        found = parsed(file.read_bytes())
    except (OSError, ValueError) as problem:
        refuse(WHO, f"--config {str(file)!r}", "a JSON file", str(problem), "check it", DataError)
    known = found.get("options", found) if isinstance(found, dict) else found
    if isinstance(known, dict) and known.get("kind") == "tokens":
        return _token_options(known, data, seed)
    _assert_types(TrainOptions, known, "--config")
    known = dict(known)
    _assert_types(ActionOptions, known.get("action", {}), "--config: action")
    _assert_types(FitOptions, known.get("fit", {}), "--config: fit")
    sequences = _sequence_options(known.pop("sequences", {}), data[1:])
    try:
        action = known.pop("action", {})
        usual = {"schedule": "one-cycle", "precision": "float32", "accelerator": "cpu"}
        fit = {**usual, **known.pop("fit", {}), **({} if seed is None else {"seed": seed})}
        classes = known.pop("classes", None)
        if misfit(classes, list[int] | None) is not None:
            refuse(WHO, "--config: classes", "a list of integers", repr(classes),
                   "see config.json of a run")  # fmt: skip
        options = {"classes": None if classes is None else tuple(classes), **known, "data": data[0]}
        return TrainOptions(
            action=ActionOptions(**action), fit=fit_options(**fit), sequences=sequences, **options
        )
    except TypeError as problem:
        return refuse(WHO, "--config", "of this command's options", str(problem),
                      "see config.json of a run")  # fmt: skip


def _sequence_options(known: Any, others: Sequence[str]) -> SequenceOptions:
    """Options of sequences, as JSON has them, with the files of further classes."""
    _assert_types(SequenceOptions, known, "--config: sequences")
    usual = {"negatives": str, "labels": str, "positive": str, "length": int}
    if any(not isinstance(known.get(name), kind | None) for name, kind in usual.items()):
        refuse(WHO, "--config: sequences", "options of sequences", repr(known),
               "see config.json of a run")  # fmt: skip
    try:
        return SequenceOptions(**{**known, "others": tuple(others)})
    except TypeError as problem:
        return refuse(WHO, "--config: sequences", "of this command's options", str(problem),
                      "see config.json of a run")  # fmt: skip


def _token_options(known: dict[str, Any], data: Sequence[str], seed: int | None) -> TokenOptions:
    """Options of pairs of token sequences, as JSON has them."""
    given = {**known, "data": data[0], **({} if seed is None else {"seed": seed})}
    wrong = misfit(given, TokenOptions)
    if wrong is None:
        try:
            return TokenOptions(**{**given, "accept": tuple(given.get("accept", ()))})
        except TypeError as problem:
            wrong = str(problem)
    return refuse(WHO, "--config", "of the options for tokens", wrong, "see config.json of a run")


def _assert_types(kind: type[Any], values: Any, where: str) -> None:
    """Refuse values of other types than those of the options of a class."""
    if not isinstance(values, dict):
        refuse(WHO, where, "an object of options", repr(values), "see config.json of a run")
    for option in fields(kind):
        value, usual = values.get(option.name), option.default
        if option.name not in values or usual is MISSING or usual is None:
            continue
        listed = type(usual) is tuple and type(value) is list  # JSON has no tuples
        if (
            type(value) is not type(usual)
            and not listed
            and not (type(usual) is float and type(value) is int)
        ):
            refuse(WHO, f"{where}: {option.name}", f"of type {type(usual).__name__}",
                   repr(value), "see config.json of a run")  # fmt: skip
