"""What `grouplearn train` can be asked for, and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, final, get_args

from grouplearn._checks import finite_number, refuse
from grouplearn._schema import misfit, parsed
from grouplearn.commands.options import between, known_name, typed_beside
from grouplearn.domains.pixels import GRID_MOVES
from grouplearn.errors import DataError
from grouplearn.training import FitOptions
from grouplearn.training.fitting import Accelerator, Precision, Schedule

WHO = "grouplearn train"
SOURCES = ("auto", "discovered", "trained", "random", "none")
"""Where the action comes from; besides these a known move of the pixel grid, or a file."""
KNOWN = ("square", *(name for name in GRID_MOVES if name != "identity"))
NETWORKS = ("lgcnn", "plain", "lgn")
OBJECTIVES = ("classification", "similarity", "reconstruction")
CLOSURES = ("exact", "soft", "none")
_BESIDE_CONFIG = ("--config", "--seed", "--resume", "--out", "--overwrite", "--json", "--quiet")


@final
@dataclass(frozen=True)
class ActionOptions:
    """Where the action comes from, and what holds it to its laws.

    Args:
        source: one of `SOURCES`, of `KNOWN`, or a file of a representation.
        order: n of C_n, for "random" and the unfolded network.
        closure: "exact" trains a class that closes, "soft" adds the closure loss, "none" neither;
            for "trained" and "random".
        invertibility: weight of the invertibility loss.
        moments: weight of the moment loss, on patches of the training images.

    Raises:
        InputError: an option is out of its range.
    """

    source: str = "auto"
    order: int = 4
    closure: str = "none"
    invertibility: float = 1e-4
    moments: float = 0.0

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        between(WHO, "--order", self.order, 1, 64)
        known_name(WHO, "--closure", self.closure, CLOSURES)
        finite_number(WHO, "--invertibility", self.invertibility)
        finite_number(WHO, "--moments", self.moments)
        if self.closure != "none" and self.source not in ("trained", "random"):
            refuse(WHO, "--closure", "left out, unless the action is trained or random",
                   f"it for {self.source}", "leave it out")  # fmt: skip


@final
@dataclass(frozen=True)
class TrainOptions:
    """What `grouplearn train` was asked for; see its help for the meaning.

    Raises:
        InputError: an option is out of its range, or two do not go together.
    """

    data: str
    network: str = "lgcnn"
    objective: str = "classification"
    action: ActionOptions = field(default_factory=ActionOptions)
    parameters: int = 40_000
    rotated: bool = False
    classes: tuple[int, ...] | None = None
    shift: int = 0
    smoothing: float = 0.05
    fit: FitOptions = field(default_factory=FitOptions)

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        known_name(WHO, "--network", self.network, NETWORKS)
        known_name(WHO, "--objective", self.objective, OBJECTIVES)
        between(WHO, "--parameters", self.parameters, 100, 100_000_000)
        between(WHO, "--shift", self.shift, 0, 16)
        if self.objective == "reconstruction" and self.network != "lgn":
            refuse(WHO, "--objective", "reconstruction for --network lgn alone", self.network,
                   "pass --network lgn")  # fmt: skip
        if self.network == "lgn" and self.parameters != TrainOptions.parameters:
            refuse(WHO, "--parameters", "left out, as --network lgn has a size of its own",
                   f"{self.parameters:,} for lgn", "leave it out")  # fmt: skip
        if self.network != "lgcnn" and self.action.moments:
            refuse(WHO, "--moments", "left out, as --network lgcnn alone takes it",
                   f"it for {self.network}", "leave it out")  # fmt: skip
        if self.network != "lgcnn" and self.action.source not in ("auto", "none"):
            refuse(WHO, "--action", "left out, as --network lgcnn alone takes one",
                   f"{self.action.source!r} for {self.network}", "leave it out")  # fmt: skip

        learned = self.network == "lgn" or self.action.source == "random"
        if self.action.order != ActionOptions.order and not learned:
            refuse(WHO, "--order", "left out, unless the action is random or the network lgn",
                   f"{self.action.order} for {self.action.source}", "leave it out")  # fmt: skip

    @property
    def kind(self) -> str:
        """The network and its action in a few words, the seed left out."""
        if self.network != "lgcnn":
            return {"plain": "plain CNN", "lgn": "LGN, unfolded"}[self.network]
        words = f"LGCNN, {self.action.source}"
        return words if self.action.closure == "none" else f"{words}, {self.action.closure} closure"

    def plain(self) -> dict[str, Any]:
        """As JSON has it, and `read_config` takes it."""
        return asdict(self)


def fit_options(*, schedule: str, precision: str, accelerator: str, **others: Any) -> FitOptions:
    """Options of the training loop, as typed on the command line or read from a file.

    Args:
        schedule: of the learning rate.
        precision: of the computation.
        accelerator: where it runs.
        others: the other options of `FitOptions`.

    Raises:
        InputError: an option is out of its range.
        TypeError: an option is unknown.
    """
    known_name(WHO, "--schedule", schedule, get_args(Schedule))
    known_name(WHO, "--precision", precision, get_args(Precision))
    known_name(WHO, "--accelerator", accelerator, get_args(Accelerator))
    names: dict[str, Any] = {
        "schedule": schedule, "precision": precision, "accelerator": accelerator,
    }  # fmt: skip
    return FitOptions(**names, **others)


def read_config(line: str, file: Path, data: str, seed: int | None = None) -> TrainOptions:
    """The options in a file: config.json of a run, or the part of it that is called options.

    Args:
        line: what was typed; options beside the file are refused.
        file: JSON; what it leaves out has its default.
        data: takes the place of that in the file.
        seed: likewise, where it is not None.

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
    _assert_types(TrainOptions, known, "--config")
    known = dict(known)
    _assert_types(ActionOptions, known.get("action", {}), "--config: action")
    _assert_types(FitOptions, known.get("fit", {}), "--config: fit")
    try:
        action = known.pop("action", {})
        usual = {"schedule": "one-cycle", "precision": "float32", "accelerator": "cpu"}
        fit = {**usual, **known.pop("fit", {}), **({} if seed is None else {"seed": seed})}
        classes = known.pop("classes", None)
        if misfit(classes, list[int] | None) is not None:
            refuse(WHO, "--config: classes", "a list of integers", repr(classes),
                   "see config.json of a run")  # fmt: skip
        options = {"classes": None if classes is None else tuple(classes), **known, "data": data}
        return TrainOptions(action=ActionOptions(**action), fit=fit_options(**fit), **options)
    except TypeError as problem:
        return refuse(WHO, "--config", "of this command's options", str(problem),
                      "see config.json of a run")  # fmt: skip


def flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as plain data, those within `action` and `fit` beside the others, by their names.

    Args:
        options: as in config.json.
    """
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= {"action" if key == "source" else key: each for key, each in value.items()}
        else:
            found[name] = value
    return found


def _assert_types(kind: type[Any], values: Any, where: str) -> None:
    """Refuse values of other types than those of the options of a class."""
    if not isinstance(values, dict):
        refuse(WHO, where, "an object of options", repr(values), "see config.json of a run")
    for option in fields(kind):
        value, usual = values.get(option.name), option.default
        if option.name not in values or usual is MISSING or usual is None:
            continue
        if type(value) is not type(usual) and not (type(usual) is float and type(value) is int):
            refuse(WHO, f"{where}: {option.name}", f"of type {type(usual).__name__}",
                   repr(value), "see config.json of a run")  # fmt: skip
