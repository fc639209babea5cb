"""`grouplearn train` on pairs of token sequences: the group, the network, and how good it is."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch

from grouplearn._checks import refuse
from grouplearn._intervals import share_interval
from grouplearn.commands.options import assert_batch
from grouplearn.commands.train_kinds import WHO
from grouplearn.commands.train_token_options import ALL, TokenOptions
from grouplearn.discovery import Discovery, Hypothesis
from grouplearn.domains.exchanges import Pair
from grouplearn.domains.readers.sources import SourceOptions, open_source
from grouplearn.domains.readers.streams import STANDARD_INPUT
from grouplearn.domains.token_numbers import PairNumbers
from grouplearn.domains.tokens import TokenDomain
from grouplearn.errors import DataError, InputError, TrainingError
from grouplearn.models import (
    RecurrentTranslator,
    Slots,
    SlotTranslator,
    TransformerTranslator,
    Translator,
)
from grouplearn.training import fit_translation

_HELD_OUT, _LEVEL = 0.2, 0.95
_LONGEST = 1_000
_HEADS = 4
_WIDEST = 4_096


@final
@dataclass(frozen=True)
class TokenPairs:
    """What a network learns from and is tested with.

    Attributes:
        train: pairs to learn from.
        test: others to judge it by.
        words: what they are, in words.
    """

    train: tuple[Pair, ...]
    test: tuple[Pair, ...]
    words: str

    @property
    def longest(self) -> tuple[int, int]:
        """The most tokens of an input, and of an output."""
        every = [*self.train, *self.test]
        return max(len(x) for x, _ in every), max(len(y) for _, y in every)


@final
@dataclass(frozen=True)
class Exchanges:
    """Which tokens may be exchanged.

    Attributes:
        domain: whose vocabulary the group permutes.
        claimed: what the training pairs show.
        found: the same with the hypotheses that were accepted.
        accepted: these.
    """

    domain: TokenDomain
    claimed: Discovery
    found: Discovery
    accepted: tuple[Hypothesis, ...]

    @property
    def moves(self) -> list[str]:
        """The generators, in words."""
        moves = self.domain.extend(self.found.representation)
        return [str(moves[g]) for g in self.found.group.generators]


class Translation(NamedTuple):
    """What a network makes of a test pair.

    Attributes:
        pair: the input, and what was wanted.
        said: the output; None where the network does not know a token of the input.
        ended: did it come to its end, or was it cut off?
    """

    pair: Pair
    said: tuple[str, ...] | None
    ended: bool

    @property
    def is_right(self) -> bool:
        """Is it the whole output, token by token?"""
        return self.ended and self.said == self.pair[1]


@final
@dataclass(frozen=True)
class TrainedTokens:
    """A trained network and how good it is.

    Attributes:
        options: what was asked for.
        data: what it learned from.
        network: the network.
        numbers: of the tokens.
        exchanges: None of a plain network.
        losses: the mean of each hundred steps.
        answers: to the test pairs.
        longest: the most tokens of an input and of an output that it takes.
        seconds: from the search for the group to testing.
    """

    options: TokenOptions
    data: TokenPairs
    network: Translator
    numbers: PairNumbers
    exchanges: Exchanges | None
    losses: tuple[float, ...]
    answers: tuple[Translation, ...]
    longest: tuple[int, int]
    seconds: float

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(each.is_right for each in self.answers)

    @property
    def score(self) -> float:
        """The share of right answers."""
        return self.right / len(self.answers)

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of the score, of 95 %."""
        return share_interval(self.right, len(self.answers), _LEVEL)

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return _size(self.network)

    @property
    def unknown(self) -> int:
        """How many test inputs hold a token that no training input does."""
        return sum(each.said is None for each in self.answers)

    @property
    def repeated(self) -> int:
        """How many test inputs are among those that the network learned from."""
        known = {x for x, _ in self.data.train}
        return sum(each.pair[0] in known for each in self.answers)


def read_pairs(options: TokenOptions) -> TokenPairs:
    """Read the pairs, and hold a fifth of the inputs out where there is no second file.

    Args:
        options: what was asked for.

    Raises:
        DataError: a file is missing or broken, or holds no pairs.
        InputError: the batch is larger than the data.
    """
    train, said = _pairs_in("DATA", options.data)
    if options.test is not None:
        test, _ = _pairs_in("--test", options.test)
        told = f"{len(test):,} of {options.test} to test it"
    else:
        train, test = _split(train, options.seed)
        told = f"{len(test):,} others to test it"
    usual = TokenOptions.batch_size
    assert_batch(WHO, options.batch_size, usual, len(train), "training pairs")
    words = f"{options.data}: {said}, {len(train):,} to learn from and {told}"
    return TokenPairs(tuple(train), tuple(test), words)


def _pairs_in(argument: str, name: str) -> tuple[list[Pair], str]:
    if name != STANDARD_INPUT and not Path(name).is_file():
        refuse(WHO, argument, "a file of pairs of token sequences", repr(name), "check the name",
               DataError)  # fmt: skip
    opened = open_source(WHO, Path(name), SourceOptions("tokens"))
    corpus: Any = opened.raw
    pairs = [(tuple(each[0]), tuple(each[-1])) for each in corpus.read()]
    if corpus.sides == 1 or not pairs:
        got = opened.said if corpus.sides == 1 else "none"
        refuse(WHO, f"{argument} {name!r}", "pairs of an input and an output", got,
               "write IN: ... OUT: ..., or a tab between, or JSON", DataError)  # fmt: skip
    return pairs, opened.said


def _split(pairs: Sequence[Pair], seed: int) -> tuple[list[Pair], list[Pair]]:
    """Pairs of a fifth of the inputs apart, each once."""
    inputs = list(dict.fromkeys(x for x, _ in pairs))
    if len(inputs) < 1 / _HELD_OUT:
        refuse(WHO, "DATA", "at least 5 different inputs, as a fifth is held out for testing",
               len(inputs), "add pairs, or pass --test")  # fmt: skip
    drawn = np.random.default_rng(seed).permutation(len(inputs))
    held_out = {inputs[k] for k in drawn[: int(_HELD_OUT * len(inputs))]}
    learned = [pair for pair in pairs if pair[0] not in held_out]
    return learned, list(dict.fromkeys(pair for pair in pairs if pair[0] in held_out))


def find_exchanges(pairs: Sequence[Pair], options: TokenOptions) -> Exchanges:
    """Find the group of pairs, and accept the hypotheses that were asked for.

    Args:
        pairs: to learn from.
        options: what was asked for.

    Raises:
        InputError: there are too few pairs, or no such hypothesis.
    """
    domain = TokenDomain.from_pairs([x for x, _ in pairs], [y for _, y in pairs])
    claimed = domain.discover(seed=options.seed)
    chosen = list(claimed.hypotheses) if ALL in options.accept else [
        _named(name, claimed, domain) for name in options.accept
    ]  # fmt: skip
    accepted = tuple({each.move: each for each in chosen}.values())
    return Exchanges(domain, claimed, claimed.accept(*accepted), accepted)


def _named(name: str, claimed: Discovery, domain: TokenDomain) -> Hypothesis:
    """The hypothesis of these words, or the only one that moves a token of this name."""
    names = {name, f"in:{name}", f"out:{name}"}
    fitting = [
        each for each in claimed.hypotheses
        if each.move == name
        or names & {domain.vocabulary[k] for k, to in enumerate(each.member.tolist()) if k != to}
    ]  # fmt: skip
    if len(fitting) != 1:
        known = "; ".join(each.move for each in claimed.hypotheses) or "none, as there are none"
        refuse(WHO, "--accept", f"all, or one of the hypotheses ({known})",
               f"{name!r}, which {len(fitting) or 'none'} of them move",
               "name a token that one alone moves, or give all of its words")  # fmt: skip
    return fitting[0]


def train_tokens(
    options: TokenOptions,
    data: TokenPairs,
    step: Callable[[str], object],
    watch: Callable[[int, float], object],
) -> TrainedTokens:
    """Find the group, train and test.

    Args:
        options: what was asked for.
        data: what `read_pairs` found.
        step: told what is being done.
        watch: told the step of the training and the loss, every hundredth.

    Raises:
        InputError: an option does not fit the data.
        TrainingError: the loss left the numbers.
    """
    start = time.perf_counter()
    exchanges, numbers = None, PairNumbers.of(data.train)
    if options.network != "plain":
        step("looking for the group")
        exchanges = find_exchanges(data.train, options)
    slots = None if exchanges is None else _slots_of(exchanges, numbers)
    longest_input, longest_output = data.longest
    longest = max(_LONGEST, longest_input), 2 * longest_output
    if options.translator == "transformer":
        places = max(longest_input, longest_output + 1)  # outputs begin with START
        longest = places, places
    network = _network(options, numbers, slots, longest[0])
    step("training")
    losses = _fitted(network, numbers, data.train, options, watch)
    step("testing")
    answers = _answers(network, numbers, data.test, longest[1])
    seconds = time.perf_counter() - start
    return TrainedTokens(
        options, data, network, numbers, exchanges, tuple(losses), answers, longest, seconds
    )


def _fitted(
    network: Translator,
    numbers: PairNumbers,
    pairs: Sequence[Pair],
    options: TokenOptions,
    watch: Callable[[int, float], object],
) -> list[float]:
    """The losses of the training; kinds of inputs that are rare are drawn as often as others."""

    def watched(at: int, loss: float) -> None:
        watch(at, loss)
        if not math.isfinite(loss):
            raise TrainingError(f"{WHO}: the loss must be a finite number, got {loss} by step "
                                f"{at:,}; pass a smaller --learning-rate")  # fmt: skip

    inputs, outputs = numbers.read(x for x, _ in pairs), numbers.outputs_of(y for _, y in pairs)
    balance = network.slots.balance(inputs) if isinstance(network, SlotTranslator) else None
    return fit_translation(
        network, inputs, outputs, options.fit(len(pairs)), watch=watched, weights=balance
    )


def _slots_of(exchanges: Exchanges, numbers: PairNumbers) -> Slots | None:
    """What a network may exchange; None where that is nothing."""
    found = exchanges.found
    if not found.found:
        return None
    try:
        return numbers.slots(exchanges.domain, found)
    except InputError:
        return refuse(WHO, "--network", "plain for a group that does not permute the tokens of "
                      "each class at will", f"{found.group.name}, generated by "
                      f"{'; '.join(exchanges.moves)}",
                      "pass --network plain, or other hypotheses to --accept")  # fmt: skip


def _network(
    options: TokenOptions, numbers: PairNumbers, slots: Slots | None, places: int
) -> Translator:
    """A network of about as many parameters as were asked for."""
    recurrent = options.translator == "recurrent"
    step = 2 if recurrent else _HEADS
    build = partial(RecurrentTranslator if recurrent else TransformerTranslator,
                    len(numbers.inputs), len(numbers.outputs))  # fmt: skip
    if not recurrent:
        build = partial(build, longest=places, heads=_HEADS)

    def wide(width: int) -> Translator:
        network: Translator = build(width=width * step)
        return network if slots is None else SlotTranslator(network, slots)

    with torch.random.fork_rng(devices=[]):
        best = _nearest([_size(wide(width)) for width in (1, 2, 3)], options.parameters)
        torch.manual_seed(options.seed)
        return wide(best)


def _size(network: Translator) -> int:
    """How many numbers are trained."""
    return sum(each.numel() for each in network.parameters())


def _nearest(sizes: Sequence[int], budget: int) -> int:
    """The width whose size comes nearest to a budget, of sizes that are quadratic in the width.

    Args:
        sizes: of the widths 1, 2 and 3.
        budget: wanted size.
    """
    first, second, third = sizes

    def size(width: int) -> int:
        pairs = (width - 1) * (width - 2) // 2
        return first + (width - 1) * (second - first) + pairs * (third - 2 * second + first)

    if 2 * first > 3 * budget:
        refuse(WHO, "--parameters", f"at least {first:,}, as the narrowest network has",
               f"{budget:,}", "pass more")  # fmt: skip
    above = bisect_left(range(_WIDEST), budget, lo=1, key=size)
    return min((max(above - 1, 1), above), key=lambda width: abs(size(width) - budget))


def _answers(
    network: Translator, numbers: PairNumbers, pairs: Sequence[Pair], longest: int
) -> tuple[Translation, ...]:
    """What a network makes of test pairs."""
    known = set(numbers.inputs)
    asked = [k for k, (x, _) in enumerate(pairs) if known.issuperset(x)]
    said = numbers.translate(network, [pairs[k][0] for k in asked], longest)
    found = {k: (tuple(words), ended) for k, (words, ended) in zip(asked, said, strict=True)}
    return tuple(Translation(pair, *found.get(k, (None, False))) for k, pair in enumerate(pairs))
