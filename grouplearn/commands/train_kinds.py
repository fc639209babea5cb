"""What `grouplearn train` can be asked for, and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, final, get_args

from grouplearn._checks import finite_number, refuse
from grouplearn.commands.options import between, known_name
from grouplearn.domains.choosing import PARAMETERS
from grouplearn.domains.labelled_sequences import SHUFFLED
from grouplearn.domains.pixels import GRID_MOVES
from grouplearn.training import FitOptions
from grouplearn.training.fitting import Accelerator, Precision, Schedule
from grouplearn.training.objectives import SMOOTHING

WHO = "grouplearn train"
SOURCES = ("auto", "discovered", "trained", "random", "none")
"""Where the action comes from; besides these a known move of the pixel grid, or a file."""
KNOWN = ("square", *(name for name in GRID_MOVES if name != "identity"))
NETWORKS = ("lgcnn", "plain", "lgn")
SEQUENCE_SOURCES = ("auto", "discovered", "none")
"""Where the action on sequences comes from; besides these a known move of sequences, or a file."""
KINDS = ("images", "sequence", "tokens")
OBJECTIVES = ("classification", "similarity", "reconstruction")
CLOSURES = ("exact", "soft", "none")


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
class SequenceOptions:
    """What concerns sequences alone; see the help of `grouplearn train` for the meaning.

    Raises:
        InputError: an option is out of its range, or two do not go together.
    """

    others: tuple[str, ...] = ()
    negatives: str | None = None
    labels: str | None = None
    positive: str | None = None
    alphabet: str = "dna"
    length: int | None = None
    ambiguous: str = "refuse"
    blocks: int = 0
    signs: float = 0.25
    aligned: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        known_name(WHO, "--alphabet", self.alphabet, ("dna", "rna", "protein"))
        known_name(WHO, "--ambiguous", self.ambiguous, ("refuse", "blank", "drop"))
        between(WHO, "--blocks", self.blocks, 0, 16)
        if finite_number(WHO, "--signs", self.signs) >= 1:
            refuse(WHO, "--signs", "below 1", self.signs, "0.25, for example")
        if self.length is not None:
            between(WHO, "--length", self.length, 1, 1_000_000)
        if self.negatives is not None:
            known_name(WHO, "--negatives", self.negatives, (SHUFFLED,))
            if self.others or self.labels is not None:
                refuse(WHO, "--negatives", "left out where there are classes",
                       "it beside " + ("several files" if self.others else "--labels"),
                       "leave it out")  # fmt: skip

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are typed."""
        usual = SequenceOptions()
        names = [each.name for each in fields(self)]
        typed = [name for name in names if getattr(self, name) != getattr(usual, name)]
        return ["a second DATA" if name == "others" else f"--{name}" for name in typed]


@final
@dataclass(frozen=True)
class TrainOptions:
    """What `grouplearn train` was asked for; see its help for the meaning.

    Raises:
        InputError: an option is out of its range, or two do not go together.
    """

    data: str
    kind: str = "images"
    network: str = "lgcnn"
    objective: str = "classification"
    action: ActionOptions = field(default_factory=ActionOptions)
    parameters: int = PARAMETERS
    rotated: bool = False
    classes: tuple[int, ...] | None = None
    shift: int = 0
    smoothing: float = SMOOTHING
    sequences: SequenceOptions = field(default_factory=SequenceOptions)
    fit: FitOptions = field(default_factory=FitOptions)

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        known_name(WHO, "--kind", self.kind, KINDS)
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

        self._check_kind()
        learned = self.network == "lgn" or self.action.source == "random"
        if self.action.order != ActionOptions.order and not learned:
            refuse(WHO, "--order", "left out, unless the action is random or the network lgn",
                   f"{self.action.order} for {self.action.source}", "leave it out")  # fmt: skip

    def _check_kind(self) -> None:
        """Refuse options of data of the other kind."""
        if self.kind == "images":
            if self.sequences.given:
                refuse(WHO, self.sequences.given[0], "left out, as it is for sequences",
                       "it for images", "leave it out, or pass --kind sequence")  # fmt: skip
            return
        typed = {
            "--rotated": self.rotated, "--shift": self.shift, "--classes": self.classes,
            "--moments": self.action.moments, "--network": self.network == "lgn",
            "--closure": self.action.closure != "none",
            "--action": self.action.source in ("trained", "random"),
        }  # fmt: skip
        for option, is_given in typed.items():
            if is_given:
                got = {"--network": self.network, "--action": self.action.source}
                refuse(WHO, option, "left out, as it is for images", got.get(option, "it"),
                       "leave it out")  # fmt: skip

    @property
    def noun(self) -> str:
        """What the samples are."""
        return "sequences" if self.kind == "sequence" else "images"

    @property
    def network_words(self) -> str:
        """The network and its action in a few words, the seed left out."""
        if self.kind == "sequence":
            acting = f", {self.action.source}" if self.network == "lgcnn" else ", plain"
            return f"sequence network{acting}"
        if self.network != "lgcnn":
            return {"plain": "plain CNN", "lgn": "LGN, unfolded"}[self.network]
        words = f"LGCNN, {self.action.source}"
        return words if self.action.closure == "none" else f"{words}, {self.action.closure} closure"

    def plain(self) -> dict[str, Any]:
        """The data that JSON has and `read_config` takes."""
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
