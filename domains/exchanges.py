"""Exchanges of two tokens with their translations, weighed on pairs of an input and an output."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from grouplearn._checks import refuse
from grouplearn._intervals import share_interval
from grouplearn.discovery.evidence.engine import CONFIDENCE, FamilyEvidence
from grouplearn.discovery.evidence.randomisation import rank_p_value
from grouplearn.discovery.evidence.units import UNITS
from grouplearn.discovery.result import Evidence
from grouplearn.discovery.rule import RULE
from grouplearn.domains.corpora import Corpus
from grouplearn.domains.vocabulary import TokenMove

Words: TypeAlias = tuple[str, ...]
Pair: TypeAlias = tuple[Words, Words]

MOST_SAMPLES = 200_000
"""So many different samples are compared with their images; of more, a random part."""
_PARTNERS = 64
_MOST_MOVED = 16_384
_SCREENED = 512
_EXAMPLES = 3
_VOTING = 1024
_EDGE = ""


@final
@dataclass(frozen=True)
class Exchange:
    """What samples say about the exchange of two tokens of the inputs, with their translations.

    A sample meets its image where the input of its image is that of a sample. Then both outputs
    are known, and agree where one is the image of the other.

    Attributes:
        tokens: the two.
        move: the exchange, on both sides.
        agree: pairs of a sample and its image that agree.
        disagree: pairs that do not.
        alone: (2,), samples that do not meet their image, by the token that stands first in them.
        p_value: of the hypothesis that the exchange leaves the law of the inputs as it is.
        chance: how often outputs disagree that have nothing to do with one another.
        examples: images, of samples that do not meet theirs.
    """

    tokens: tuple[str, str]
    move: TokenMove
    agree: int
    disagree: int
    alone: tuple[int, int]
    p_value: float
    chance: float
    examples: tuple[Pair, ...]

    @property
    def meet(self) -> int:
        """Pairs of a sample and its image that are both known."""
        return self.agree + self.disagree

    @property
    def effect(self) -> float:
        """The share of pairs that disagree, as a part of chance; nan where no pair meets."""
        if not self.meet or not self.chance:
            return float("nan")
        return self.disagree / self.meet / self.chance

    @property
    def effect_bound(self) -> float:
        """Its upper confidence bound (Clopper and Pearson 1934); inf where no pair meets."""
        if not self.chance:
            return float("inf")
        return share_bound(self.disagree, self.agree) / self.chance

    @property
    def evidence(self) -> Evidence:
        """Its entry of the ladder, with the verdict of the rule."""
        family = FamilyEvidence(
            "exchange", 0.0, self.p_value, self.effect, self.effect_bound, float(self.meet)
        )
        verdict = RULE.verdict_of_family(family)
        if not self.agrees:
            verdict = "undecided" if self.disagree == 0 else "rejected"
        return Evidence(
            "exchange", self.effect, self.effect_bound, self.p_value, float("inf"), verdict,
            tested=True,
        )  # fmt: skip

    @property
    def agrees(self) -> bool:
        """Is the effect small beyond doubt?"""
        return self.effect_bound <= RULE.exact

    @property
    def holds(self) -> bool:
        """Is it a symmetry of inputs and outputs, by the rule?"""
        return self.agrees and self.evidence.verdict == "exact"

    def covers(self, token: str) -> bool:
        """Does every sample with this token, if the other is not before it, meet its image?"""
        return self.alone[self.tokens.index(token)] == 0

    def __str__(self) -> str:
        one, other = self.alone
        return (
            f"{self.move.name}: {self.agree:,} pairs agree, {self.disagree:,} disagree; "
            f"{one:,} and {other:,} samples do not meet their image. {self.evidence}"
        )


@final
class PairTable:
    """Different samples of a corpus of pairs, and how often each occurs.

    Args:
        corpus: of two sides.
        seed: of the choice among very many samples.

    Raises:
        InputError: samples are sequences, which have no outputs that could disagree.
    """

    def __init__(self, corpus: Corpus, seed: int = 0) -> None:
        if corpus.sides == 1:
            refuse("TokenDomain.exchanges", "samples", "pairs of an input and an output",
                   "sequences", "build the domain with from_pairs")  # fmt: skip
        self.seed = seed
        self.counts: Counter[Pair] = Counter()
        self.cut = False
        for sample in corpus.read():
            self.counts[tuple(sample[0]), tuple(sample[1])] += 1
            if len(self.counts) > 2 * MOST_SAMPLES:
                self._thin()
        if len(self.counts) > MOST_SAMPLES:
            self._thin()
        self.outputs: dict[Words, set[Words]] = defaultdict(set)
        self.holding: dict[str, list[Pair]] = defaultdict(list)
        self.often: Counter[str] = Counter()
        for pair, number in self.counts.items():
            self.outputs[pair[0]].add(pair[1])
            for token in dict.fromkeys(pair[0]):
                self.holding[token].append(pair)
                self.often[token] += number

    def _thin(self) -> None:
        """Keep the samples of lowest hash, all copies of one or none."""
        self.cut = True
        ranked = sorted(self.counts, key=lambda pair: zlib.crc32(repr((self.seed, pair)).encode()))
        for pair in ranked[MOST_SAMPLES:]:
            del self.counts[pair]

    def partners(self) -> dict[str, Counter[str]]:
        """For each token of the inputs, others that stand in the same frame, and in how many.

        A frame is an input in which all occurrences of one token are blanked out. Of a frame that
        fits very many tokens, the 64 most frequent are partners of all.
        """
        frames: dict[Words, list[str]] = defaultdict(list)
        for words in self.outputs:
            for token in dict.fromkeys(words):
                blanked = tuple(_EDGE if word == token else word for word in words)
                frames[blanked].append(token)
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for fitting in frames.values():
            few = sorted(fitting, key=lambda token: (-self.often[token], token))[:_PARTNERS]
            for one in fitting:
                found[one].update(other for other in few if other != one)
                if one not in few:
                    for other in few:
                        found[other][one] += 1
        return found

    def exchange(self, one: str, other: str) -> Exchange:
        """Weigh an exchange of two tokens of the inputs.

        The outputs of samples that meet their image, position by position, say which tokens of the
        outputs are exchanged with them: the translations. The p-value is that of a randomisation
        test: under the hypothesis, which of a sample and its image is drawn is a fair coin, so the
        surplus of one over the other has a random sign. The statistic is the largest, over the
        contexts of the two tokens, of their studentised surplus in it.

        Args:
            one: a token.
            other: another one.

        Cost:
            Linear in the samples with one of the two, up to 16,384.
        """
        rng = np.random.default_rng((self.seed, *(zlib.crc32(t.encode()) for t in (one, other))))
        swap = {one: other, other: one}
        for most in (_SCREENED, _MOST_MOVED):
            moved = self._moved(one, other, most, rng)
            meeting = [pair for pair in moved if changed(pair[0], swap) in self.outputs]
            back = self._translations(meeting, swap)
            agree, disagree = self._agreement(meeting, swap, back)
            move = TokenMove((swap, back))
            if disagree > agree:
                return Exchange((one, other), move, agree, disagree, (0, 0), float("nan"),
                                self._chance(rng), ())  # fmt: skip
        met = set(meeting)
        left = [pair for pair in moved if pair not in met]
        first = [next(word for word in pair[0] if word in swap) for pair in left]
        left.sort(key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
        images = tuple((changed(x, swap), changed(y, back)) for x, y in left[:_EXAMPLES])
        return Exchange(
            (one, other), move, agree, disagree, (first.count(one), first.count(other)),
            self._p_value(moved, move, rng), self._chance(rng), images,
        )  # fmt: skip

    def _moved(self, one: str, other: str, most: int, rng: np.random.Generator) -> list[Pair]:
        """The samples with one of two tokens, or a random part of them."""
        every = list(dict.fromkeys([*self.holding[one], *self.holding[other]]))
        if len(every) <= most:
            return every
        return [every[k] for k in np.sort(rng.choice(len(every), most, replace=False))]

    def _translations(self, meeting: list[Pair], swap: Mapping[str, str]) -> dict[str, str]:
        """Which tokens of the outputs are exchanged, as most positions have it."""
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        for words, said in meeting[:_VOTING]:
            for image in self.outputs[changed(words, swap)]:
                if len(image) == len(said):
                    for here, there in zip(said, image, strict=True):
                        votes[here][there] += 1
        best = {token: min(found, key=lambda t: (-found[t], t)) for token, found in votes.items()}
        back = {here: there for here, there in best.items() if here != there}
        back |= {there: here for here, there in back.items() if there not in best}
        # What is no exchange disagrees with the samples, as if it were none at all.
        return back if all(back.get(there) == here for here, there in back.items()) else {}

    def _agreement(
        self, meeting: list[Pair], swap: Mapping[str, str], back: Mapping[str, str]
    ) -> tuple[int, int]:
        """How many samples agree with their images, and how many do not; each pair counts once."""
        agree = disagree = 0
        for words in {min(words, changed(words, swap)) for words, _ in meeting}:
            expected = {changed(said, back) for said in self.outputs[words]}
            image = self.outputs[changed(words, swap)]
            agree += len(expected & image)
            disagree += max(len(expected - image), len(image - expected))
        return agree, disagree

    def _chance(self, rng: np.random.Generator) -> float:
        """How often the outputs of two samples differ that were drawn at random."""
        every = list(self.counts)
        drawn = rng.integers(len(every), size=(2, _VOTING))
        return float(np.mean([every[i][1] != every[j][1] for i, j in drawn.T]))

    def _p_value(self, moved: list[Pair], move: TokenMove, rng: np.random.Generator) -> float:
        """Whether samples and their images are drawn alike, in whatever context."""
        swap, back = move.changes
        surplus: dict[Pair, int] = {}
        for pair in moved:
            image = changed(pair[0], swap), changed(pair[1], back)
            if image not in surplus:
                surplus[pair] = self.counts[pair] - self.counts.get(image, 0)
        uneven = [(pair[0], number) for pair, number in surplus.items() if number]
        if not uneven:
            return 1.0
        units = rng.permutation(len(uneven)) % UNITS
        contexts: dict[tuple[str, str], int] = {}
        entries: list[tuple[int, int, int]] = []
        for unit, (words, number) in zip(units.tolist(), uneven, strict=True):
            for context, sign in _contexts(words, swap):
                place = contexts.setdefault(context, len(contexts))
                entries.append((unit, place, sign * number))
        rows, columns, values = np.array(entries).T
        table = np.zeros((int(units.max()) + 1, len(contexts)))
        np.add.at(table, (rows, columns), values)
        return _sign_test(table, rng)


def share_bound(few: int, others: int) -> float:
    """The upper confidence bound of the share of the first of two counts; inf of none at all."""
    if not few + others:
        return float("inf")
    return share_interval(few, few + others, 2 * CONFIDENCE - 1)[1]


def _sign_test(table: NDArray[np.float64], rng: np.random.Generator) -> float:
    """The p-value of rows with random signs: the largest studentised column sum."""
    spread = np.sqrt(np.square(table).sum(0))
    scaled = table[:, spread > 0] / spread[spread > 0]
    if not scaled.size:
        return 1.0
    signs = rng.choice([-1.0, 1.0], size=(RULE.draws + 1, len(table)))
    signs[0] = 1.0
    return rank_p_value(np.abs(signs @ scaled).max(1))


def _contexts(words: Words, swap: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], int]]:
    """What stands about each of two exchanged tokens, with a sign for which of them it is."""
    one = next(iter(swap))
    last = len(words) - 1
    own, partner = "\0", "\1"
    for place, word in enumerate(words):
        if word not in swap:
            continue
        sign = 1 if word == one else -1
        names = {word: own, swap[word]: partner}
        before = words[place - 1] if place else _EDGE
        after = words[place + 1] if place < last else _EDGE
        yield ("", ""), sign
        yield ("before", names.get(before, before)), sign
        yield ("after", names.get(after, after)), sign
        for beside in set(words):
            yield ("with", names.get(beside, beside)), sign


def changed(words: Words, changes: Mapping[str, str]) -> Words:
    """Words, each replaced by what it becomes."""
    return tuple([changes.get(word, word) for word in words])
