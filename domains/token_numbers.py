"""Tokens of pairs as numbers, for networks, and the slots that a found group makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import factorial, prod
from typing import final

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from grouplearn._checks import refuse
from grouplearn.discovery.result import Discovery
from grouplearn.domains.text_samples import Words
from grouplearn.domains.tokens import TokenDomain
from grouplearn.models.slots import Slots
from grouplearn.models.translators import END, PAD, START, Translator, translated

_WHO = "PairNumbers"
_AT_ONCE = 512
_SPECIAL = ("", "<start>", "<end>")
_FIRST = len(_SPECIAL)
"""The number of the first token of outputs."""

Tokens = Int64[Tensor, "batch time"]


@final
@dataclass(frozen=True)
class PairNumbers:
    """The numbers of the tokens of inputs and of outputs.

    Attributes:
        inputs: the token of each number; number 0 fills up.
        outputs: alike; numbers 1 and 2 begin and end outputs, and are no tokens of the data, which
            may have such tokens of their own.

    Example:
        >>> numbers = PairNumbers.of([(["walk"], ["W"]), (["run", "walk"], ["R", "W"])])
        >>> numbers.read([["run", "walk"], ["walk"]]).tolist()
        [[1, 2], [2, 0]]
        >>> numbers.words(numbers.outputs_of([["R", "W"]]))
        [['R', 'W']]
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, pairs: Iterable[Sequence[Words]]) -> PairNumbers:
        """Number the tokens of pairs, in the order of the alphabet."""
        sides: tuple[set[str], set[str]] = (set(), set())
        for pair in pairs:
            for side, words in zip(sides, pair, strict=True):
                side.update(words)
        return cls((_SPECIAL[0], *sorted(sides[0])), (*_SPECIAL, *sorted(sides[1])))

    def read(self, inputs: Iterable[Words]) -> Tokens:
        """Return inputs as numbers, filled up at their end.

        Raises:
            InputError: a token is not known, or there are no inputs.
        """
        return _numbered("inputs", self.inputs, inputs, 1)

    def outputs_of(self, outputs: Iterable[Words]) -> Tokens:
        """Return outputs as numbers, with their begin and end, filled up.

        Raises:
            InputError: a token is not known, or there are no outputs.
        """
        return _numbered("outputs", self.outputs, outputs, _FIRST, framed=True)

    def words(self, tokens: Tokens) -> list[list[str]]:
        """Return outputs as words, from their begin, where there is one, up to their end."""
        out = []
        for given in tokens.tolist():
            row = given[1:] if given[:1] == [START] else given
            until = row.index(END) if END in row else len(row)
            out.append([self.outputs[k] for k in row[:until]])
        return out

    def translate(
        self, network: Translator, inputs: Sequence[Words], longest: int
    ) -> list[tuple[list[str], bool]]:
        """Return the outputs that a network gives to inputs, and whether each came to its end.

        Args:
            network: in evaluation mode.
            inputs: one or more.
            longest: so many tokens of an output at most.

        Raises:
            InputError: as `read`.
        """
        found: dict[int, tuple[list[str], bool]] = {}
        order = sorted(range(len(inputs)), key=lambda k: len(inputs[k]))
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            said = translated(network, self.read(inputs[k] for k in chosen), longest)
            ended = (said == END).any(1).tolist()
            found |= zip(chosen, zip(self.words(said), ended, strict=True), strict=True)
        return [found[k] for k in range(len(inputs))]

    def slots(self, domain: TokenDomain, found: Discovery) -> Slots:
        """Return which tokens a found group exchanges, for the networks of `grouplearn.models`.

        Orbits of the group whose points have the same stabilisers belong together: a verb and its
        action. They are the classes of `Slots`, and their points its slots. Of two points, either
        has the same stabiliser: those belong together that occur together more often.

        Args:
            domain: in which the group was found.
            found: a group of permutations.

        Raises:
            InputError: the group is not the product of all permutations of each class, as a cyclic
                group of order 4 is not.
        """
        members = found.members.numpy()
        classes = _aligned(members, domain.matrices()[0])
        if prod(factorial(len(each)) for each in classes) != found.group.order:
            sizes = [len(each) for each in classes]
            refuse(f"{_WHO}.slots", "found", "a group that permutes the tokens of classes at will",
                   f"{found.group.name} with classes of {sizes}",
                   "take grouplearn.models.Symmetrized for others")  # fmt: skip
        places: list[list[tuple[list[int], list[int]]]] = []
        for slots in classes:
            owned: list[tuple[list[int], list[int]]] = []
            for coordinates in slots:
                mine: tuple[list[int], list[int]] = ([], [])
                for k in coordinates:
                    side, _, word = domain.vocabulary[k].partition(":")
                    table, first = (self.inputs, 1) if side == "in" else (self.outputs, _FIRST)
                    mine[side == "out"].append(table.index(word, first))
                owned.append(mine)
            places.append(owned)
        return Slots(len(self.inputs), len(self.outputs), places)


def _aligned(members: NDArray[np.int64], together: NDArray[np.float64]) -> list[list[list[int]]]:
    """Classes of slots of coordinates: orbits, with those of the same stabilisers."""
    classes: list[list[list[int]]] = []
    seen: set[int] = set()
    for k in range(members.shape[1]):
        orbit = sorted(set(members[:, k].tolist()))
        if len(orbit) < 2 or k in seen:
            continue
        seen.update(orbit)
        for slots in classes:
            partners = _partners(members, [slot[0] for slot in slots], orbit, together)
            if partners is not None:
                for slot, mine in zip(slots, partners, strict=True):
                    slot.append(mine)
                break
        else:
            classes.append([[point] for point in orbit])
    return classes


def _partners(
    members: NDArray[np.int64],
    points: Sequence[int],
    orbit: Sequence[int],
    together: NDArray[np.float64],
) -> list[int] | None:
    """For each point the one of an orbit with its stabiliser; None where one has none."""
    still = members == np.arange(members.shape[1])
    alike = (still[:, points, None] == still[:, None, orbit]).all(0)
    if len(points) != len(orbit) or not (alike.any(0).all() and alike.any(1).all()):
        return None
    often = together[np.ix_(points, orbit)]
    _, chosen = linear_sum_assignment(np.where(alike, often, -1 - often.sum()), maximize=True)
    return [orbit[j] for j in chosen.tolist()]


def _numbered(
    side: str, known: Sequence[str], samples: Iterable[Words], first: int, *, framed: bool = False
) -> Tokens:
    """Samples as numbers, of which those from `first` on are tokens, perhaps with begin and end."""
    numbers = {word: k for k, word in enumerate(known[first:], first)}
    rows = []
    for item, words in enumerate(samples):
        unknown = next((word for word in words if word not in numbers), None)
        if unknown is not None or not words:
            got = f"no token in item {item}" if unknown is None else f"{unknown!r} in item {item}"
            refuse(_WHO, side, "of known tokens", got,
                   f"the {len(known)} known ones are those of the training samples")  # fmt: skip
        found = [numbers[word] for word in words]
        rows.append(torch.tensor([START, *found, END] if framed else found))
    if not rows:
        refuse(_WHO, side, "one or more", "none", "pass lists of tokens")
    return pad_sequence(rows, batch_first=True, padding_value=PAD)
