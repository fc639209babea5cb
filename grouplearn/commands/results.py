"""The results of `grouplearn train` as they stand in its run folder, checked when they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from grouplearn._schema import Number, misfit, parsed
from grouplearn.commands.marks import CONFIG, RESULT

_MOST_PIXELS = 1 << 24


class _Held(TypedDict):
    network: str
    objective: str
    seed: int
    score: Number
    images: tuple[int, int]
    classes: list[str]
    parameters: int
    seconds: Number
    defects: dict[str, Number]


class _Acting(_Held, total=False):
    """The rest is there where the network has an action."""

    group: str
    moves: list[str]


class Result(NamedTuple):
    """What a run came to.

    Attributes:
        network: what was trained, in words.
        objective: what was minimised.
        seed: of the run.
        score: on the test images.
        images: their height and width.
        classes: their names.
        parameters: how many were trained.
        seconds: how long it took.
        defects: of the laws of the action, by name.
        group: its name; empty where there is no action.
        moves: what its elements do to whole images.
    """

    network: str
    objective: str
    seed: int
    score: float
    images: tuple[int, int]
    classes: tuple[str, ...]
    parameters: int
    seconds: float
    defects: dict[str, float]
    group: str = ""
    moves: tuple[str, ...] = ()


class _Config(TypedDict):
    options: dict[str, Any]


def read_result(folder: Path) -> Result:
    """Read what a run came to.

    Args:
        folder: of the run.

    Raises:
        OSError: the file cannot be read, for example since the run is not finished.
        ValueError: it holds something else.
    """
    held = _read(folder / RESULT, _Acting)
    found = Result(
        held["network"], held["objective"], held["seed"], float(held["score"]),
        tuple(held["images"]), tuple(held["classes"]), held["parameters"], float(held["seconds"]),
        {law: float(value) for law, value in held["defects"].items()},
        held.get("group", ""), tuple(held.get("moves", ())),
    )  # fmt: skip
    least = -math.inf if found.objective == "reconstruction" else 0
    if not least <= found.score <= 1:
        raise ValueError(f"a score of {found.score}")
    if min(found.images) < 1 or not is_possible(*found.images):
        raise ValueError(f"images of {found.images} pixels")
    if min(found.seed, found.parameters) < 0 or not found.classes:
        raise ValueError("numbers below 0, or no classes")
    return found


def read_options(folder: Path) -> dict[str, Any]:
    """Read what a run was asked for.

    Args:
        folder: of the run.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    found: dict[str, Any] = _read(folder / CONFIG, _Config)["options"]
    return found


def is_possible(height: int, width: int) -> bool:
    """Are images of such a size small enough for a network to take two of them?"""
    return height * width <= _MOST_PIXELS


def _read(file: Path, wanted: Any) -> Any:
    found = parsed(file.read_bytes())
    if (wrong := misfit(found, wanted)) is not None:
        raise ValueError(f"{file.name}: {wrong}")
    return found
