"""The results of `grouplearn train` as they stand in its run folder, checked when they are read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, get_args

from grouplearn._schema import Number, misfit, parsed
from grouplearn.commands.marks import CONFIG, RESULT
from grouplearn.domains.labelled_sequences import Policy
from grouplearn.domains.letters import ALPHABETS

_MOST_PIXELS = 1 << 24


class _Held(TypedDict):
    network: str
    objective: str
    seed: int
    score: Number
    classes: list[str]
    parameters: int
    seconds: Number
    defects: dict[str, Number]


class _Sequences(TypedDict):
    alphabet: str
    length: int
    ambiguous: str
    resized: bool


class _Tokens(TypedDict):
    inputs: list[str]
    outputs: list[str]
    longest_input: int
    longest_output: int


class _Acting(_Held, total=False):
    """The rest is there where the network takes such samples, or has an action."""

    images: tuple[int, int]
    sequences: _Sequences
    tokens: _Tokens
    group: str
    moves: list[str]
    coordinates: list[str]


class Sequences(NamedTuple):
    """What sequences a network takes.

    Attributes:
        alphabet: "dna", "rna" or "protein".
        length: of each.
        ambiguous: what became of letters such as N.
        resized: were they cut or padded to the length?
    """

    alphabet: str
    length: int
    ambiguous: str
    resized: bool


class TokenSides(NamedTuple):
    """What tokens a network takes and gives.

    Attributes:
        inputs: the token of each number.
        outputs: the token of each number of these.
        longest_input: the most tokens of an input.
        longest_output: the most tokens of an output.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    longest_input: int
    longest_output: int


class Result(NamedTuple):
    """What a run came to.

    Attributes:
        network: what was trained, in words.
        objective: what was minimised.
        seed: of the run.
        score: on the test samples.
        images: their height and width; None where there are none.
        sequences: what they are; None where there are none.
        tokens: likewise.
        classes: their names; none of tokens.
        parameters: how many were trained.
        seconds: how long it took.
        defects: of the laws of the action, by name.
        group: its name; empty where there is no action.
        moves: what its elements do to whole images, its generators to tokens.
        coordinates: the tokens that it moves.
    """

    network: str
    objective: str
    seed: int
    score: float
    images: tuple[int, int] | None
    sequences: Sequences | None
    tokens: TokenSides | None
    classes: tuple[str, ...]
    parameters: int
    seconds: float
    defects: dict[str, float]
    group: str = ""
    moves: tuple[str, ...] = ()
    coordinates: tuple[str, ...] = ()


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
        *_input_of(held), tuple(held["classes"]), held["parameters"], float(held["seconds"]),
        {law: float(value) for law, value in held["defects"].items()},
        held.get("group", ""), tuple(held.get("moves", ())), tuple(held.get("coordinates", ())),
    )  # fmt: skip
    least = -math.inf if found.objective == "reconstruction" else 0
    if not least <= found.score <= 1:
        raise ValueError(f"a score of {found.score}")
    if min(found.seed, found.parameters) < 0 or not (found.classes or found.tokens):
        raise ValueError("numbers below 0, or no classes")
    return found


def _input_of(held: _Acting) -> tuple[tuple[int, int] | None, Sequences | None, TokenSides | None]:
    """The size of images, or what sequences or tokens there are."""
    if sum(name in held for name in ("images", "sequences", "tokens")) != 1:
        raise ValueError("not either images, sequences or tokens")
    if "tokens" in held:
        asked = held["tokens"]
        longest = asked["longest_input"], asked["longest_output"]
        if min(longest) < 1 or max(longest) > _MOST_PIXELS:
            raise ValueError(f"sequences of up to {max(longest)} tokens")
        return None, None, TokenSides(tuple(asked["inputs"]), tuple(asked["outputs"]), *longest)
    if "images" in held:
        height, width = held["images"]
        if min(height, width) < 1 or not is_possible(height, width):
            raise ValueError(f"images of {(height, width)} pixels")
        return (height, width), None, None
    given: Any = held.get("sequences")
    found = Sequences(**given)
    known = found.alphabet in ALPHABETS and found.ambiguous in get_args(Policy)
    if not known or not 1 <= found.length <= _MOST_PIXELS:
        raise ValueError(f"sequences of {found.length} {found.alphabet} letters")
    return None, found, None


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
