"""`grouplearn predict` for a run on tokens: what its network makes of new inputs."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from grouplearn._checks import refuse
from grouplearn.commands.results import TokenSides
from grouplearn.commands.train_output import NETWORK
from grouplearn.domains.corpora import inputs_of_file
from grouplearn.domains.readers.streams import kept_path
from grouplearn.domains.token_numbers import PairNumbers
from grouplearn.errors import DataError
from grouplearn.models import Translator
from grouplearn.training import load


def translations(
    who: str, run: Path, tokens: TokenSides, data: str
) -> list[tuple[list[str], list[str], bool]]:
    """The inputs in a file, the outputs that a network gives, and whether each came to its end.

    Args:
        who: asks, for the error.
        run: folder of the network.
        tokens: that it takes and gives.
        data: a text, of which each line holds an input, or a pair whose output is left out.

    Raises:
        DataError: the file is broken, or an input has tokens that the network does not know, or
            more than it takes; or the network is another.
    """
    network = load(run / NETWORK)
    sizes = len(tokens.inputs), len(tokens.outputs)
    if not isinstance(network, Translator) or (network.inputs, network.outputs) != sizes:
        refuse(who, "RUN", f"with a network of {sizes[0]} and {sizes[1]} tokens, as its result "
               "says", type(network).__name__, "train it again", DataError)  # fmt: skip

    def wrong(expected: str, got: str, remedy: str) -> NoReturn:
        refuse(who, f"DATA {data!r}", expected, got, remedy, DataError)

    lines = inputs_of_file(kept_path(who, Path(data)))
    if not lines:
        wrong("a text of inputs", "none", "write one on each line")
    known = set(tokens.inputs[1:])
    for number, words in lines:
        strange = next((word for word in words if word not in known), None)
        if strange is not None:
            wrong("of tokens that the network has learned from", f"{strange!r} on line {number}",
                  "train it on pairs with this token")  # fmt: skip
        if len(words) > tokens.longest_input:
            wrong(f"of inputs of at most {tokens.longest_input:,} tokens",
                  f"{len(words):,} on line {number}", "train it on pairs that long")  # fmt: skip
    numbers = PairNumbers(tokens.inputs, tokens.outputs)
    inputs = [list(words) for _, words in lines]
    said = numbers.translate(network, inputs, tokens.longest_output)
    return [(words, *each) for words, each in zip(inputs, said, strict=True)]
