"""What `grouplearn train` can be asked for on pairs of token sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import final

from grouplearn._checks import refuse
from grouplearn.commands.options import between, known_name, typed_beside
from grouplearn.commands.train_kinds import WHO
from grouplearn.training import TranslationOptions

NETWORKS = ("lgcnn", "plain")
TRANSLATORS = ("recurrent", "transformer")
ALL = "all"
_STEPS = 2_000
_ALONE = ("--translator", "--accept", "--test")
_APPLYING = (
    *_ALONE, "--config", "--kind", "--network", "--parameters", "--epochs", "--batch-size",
    "--learning-rate", "--weight-decay", "--seed", "--out", "--overwrite", "--json", "--quiet",
)  # fmt: skip
_MAX_SEED = 2**32 - 1


@final
@dataclass(frozen=True)
class TokenOptions:
    """What was asked for; see the help of `grouplearn train` for the meaning.

    Raises:
        InputError: an option is out of its range, or two do not go together.
    """

    data: str
    kind: str = "tokens"
    network: str = "lgcnn"
    translator: str = "recurrent"
    accept: tuple[str, ...] = ()
    test: str | None = None
    parameters: int = 40_000
    epochs: int | None = None
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what can be checked without the data."""
        known_name(WHO, "--network", self.network, NETWORKS)
        known_name(WHO, "--translator", self.translator, TRANSLATORS)
        between(WHO, "--parameters", self.parameters, 100, 100_000_000)
        between(WHO, "--seed", self.seed, 0, _MAX_SEED)
        if self.epochs is not None:
            between(WHO, "--epochs", self.epochs, 1, 1_000_000)
        self.fit(1)
        if self.network == "plain" and self.accept:
            refuse(WHO, "--accept", "left out, as a plain network has no group", self.accept[0],
                   "leave it out")  # fmt: skip

    def fit(self, pairs: int) -> TranslationOptions:
        """How a network is trained on so many pairs."""
        epochs, each = self.epochs, ceil(pairs / max(self.batch_size, 1))
        return TranslationOptions(
            _STEPS if epochs is None else epochs * each, self.batch_size, self.learning_rate,
            self.weight_decay, seed=self.seed,
        )  # fmt: skip


def check_line(line: str, kind: str, data: Sequence[str]) -> None:
    """Refuse what was typed and does not apply to data of a kind.

    Args:
        line: as it was typed.
        kind: of the data.
        data: as they were typed.

    Raises:
        InputError: an option would be ignored, or there are several files of tokens.
    """
    typed = typed_beside(line, ())
    if kind != "tokens":
        for option in (each for each in typed if each in _ALONE):
            refuse(WHO, option, "left out, as it is for tokens", f"it for {kind}", "leave it out")
        return
    for option in (each for each in typed if each not in _APPLYING):
        why = "a training on tokens keeps no checkpoint" if option == "--resume" else (
            "it is not for tokens"
        )  # fmt: skip
        refuse(WHO, option, f"left out, as {why}", "it", "leave it out")
    if len(data) > 1:
        refuse(WHO, "DATA", "one file of pairs", f"{len(data)} of them",
               "pass one, and another to test with as --test")  # fmt: skip
