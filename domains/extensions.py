"""From exchanges of tokens to the group that holds, and to what may extend it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Int64
from torch import Tensor

from grouplearn.discovery.hypotheses import as_member, extended, generated_with, together
from grouplearn.discovery.result import Discovery, Hypothesis
from grouplearn.discovery.rule import RULE
from grouplearn.domains.corpora import Corpus
from grouplearn.domains.exchanges import Exchange, Pair, PairTable, changed, share_bound
from grouplearn.domains.vocabulary import TokenMove, Vocabulary
from grouplearn.groups.base import MAX_TABLE_ORDER

_TRIED = 8
_SUGGESTED = 16


@final
@dataclass(frozen=True)
class ExchangeClasses:
    """Tokens of the inputs in classes that may be exchanged, and what was weighed on the way.

    Attributes:
        classes: tokens of each class of two or more, the most frequent first.
        holding: exchanges that hold, one for each token that joined a class.
        suggested: exchanges that may hold with a member of a class, and were not shown to.
        weighed: how many exchanges were.
    """

    classes: tuple[tuple[str, ...], ...]
    holding: tuple[Exchange, ...]
    suggested: tuple[Exchange, ...]
    weighed: int


def exchange_classes(table: PairTable) -> ExchangeClasses:
    """Refine the tokens of inputs into classes that may be exchanged.

    Exchangeable is an equivalence relation, so each token, from the most frequent to the least, is
    compared with one member of each class that it shares a frame with, and not with all tokens.

    An exchange is suggested, and not shown, where samples and images agree beyond doubt, but the
    law of the inputs is not kept: combinations are missing. So it is, too, where so few samples
    meet their image that nothing is beyond doubt, but all that there are do, and agree, and the
    other token belongs to a class that is exchangeable.

    Args:
        table: the samples.

    Cost:
        At most 8 exchanges for each token.
    """
    partners = table.partners()
    classes: dict[str, list[str]] = {}
    holding: list[Exchange] = []
    unsure: list[Exchange] = []
    weighed = 0
    for token in sorted(partners, key=lambda t: (-table.often[t], t)):
        heads = [head for head in classes if partners[token][head]]
        heads.sort(key=lambda head: (-partners[token][head], head))
        for head in heads[:_TRIED]:
            exchange = table.exchange(head, token)
            weighed += 1
            if exchange.holds:
                holding.append(exchange)
                classes[head].append(token)
                break
            unsure.append(exchange)
        else:
            classes[token] = [token]
    suggested = [each for each in unsure if _is_suggested(each, classes)]
    joined = {token for each in holding for token in each.tokens[1:]}
    return ExchangeClasses(
        tuple(tuple(each) for each in classes.values() if len(each) > 1),
        tuple(holding),
        tuple(each for each in suggested if each.tokens[1] not in joined),
        weighed,
    )


def _is_suggested(exchange: Exchange, classes: dict[str, list[str]]) -> bool:
    """Agreement beyond doubt; or all that there is, with a class of exchangeable tokens."""
    if exchange.agrees:
        return True
    translated = bool(exchange.move.changes[1])
    if exchange.disagree or not exchange.agree or not translated:
        return False
    return any(
        exchange.covers(token) and len(classes.get(other, ())) > 1
        for token, other in (exchange.tokens, exchange.tokens[::-1])
    )


def with_exchanges(found: Discovery, table: PairTable, vocabulary: Vocabulary) -> Discovery:
    """A finding with what exchanges of tokens add to it: a larger claim, and hypotheses.

    Args:
        found: of permutations of the vocabulary.
        table: the samples.
        vocabulary: the tokens that have a coordinate.
    """
    known = exchange_classes(table)
    holding = [each for each in known.holding if vocabulary.numbers_of(each.move) is not None]
    moves = [_member(each, vocabulary).numpy() for each in holding]
    group = generated_with(found, moves)
    if group is None:
        note = (
            f"{len(holding)} exchanges of tokens hold, which make a group of more than "
            f"{MAX_TABLE_ORDER:,} elements, too many to be claimed: see exchanges()."
        )
        return dataclasses.replace(found, notes=(*found.notes, note))
    if group.order > found.group.order:
        words = "; ".join(str(each.move) for each in holding)
        note = f"Exchanges that hold in samples and their images: {words}."
        found = extended(
            found, group, together([each.evidence for each in holding]), note, exact=True
        )
    suggested = sorted(known.suggested, key=lambda each: -each.agree)[:_SUGGESTED]
    hypotheses = [
        one for each in suggested
        if (one := _hypothesis(each, found, table, vocabulary)) is not None
    ]  # fmt: skip
    return dataclasses.replace(found, hypotheses=tuple(hypotheses))


def _member(exchange: Exchange, vocabulary: Vocabulary) -> Int64[Tensor, " d"]:
    return as_member(len(vocabulary.tokens), vocabulary.numbers_of(exchange.move) or [])


def _hypothesis(
    exchange: Exchange, found: Discovery, table: PairTable, vocabulary: Vocabulary
) -> Hypothesis | None:
    if vocabulary.numbers_of(exchange.move) is None:
        return None
    member = _member(exchange, vocabulary)
    group = generated_with(found, [member.numpy()])
    if group is None or group.order == found.group.order:
        return None
    evidence = dataclasses.replace(exchange.evidence, verdict="undecided")
    return Hypothesis(
        move=exchange.move.name,
        member=member,
        name=group.group.name,
        order=group.order,
        evidence=evidence,
        agree=exchange.agree,
        disagree=exchange.disagree,
        predicts=sum(exchange.alone),
        examples=tuple(f"{' '.join(x)} => {' '.join(y)}" for x, y in exchange.examples),
        reason=_reason(exchange, table),
    )


def _reason(exchange: Exchange, table: PairTable) -> str:
    if exchange.agrees:
        one, other = exchange.tokens
        return (
            f"but {exchange.alone[0]:,} samples with {one} and {exchange.alone[1]:,} with {other} "
            f"have no image among the data (p = {exchange.p_value:.2g})"
        )
    rare = min(exchange.tokens, key=lambda token: len(table.holding[token]))
    number = len(table.holding[rare])
    if number == 1:
        return f"but {rare} stands in 1 sample only, whose image is among the data"
    return f"but {rare} stands in {number:,} samples only, whose images are all among the data"


def accepted_on(
    found: Discovery, table: PairTable, vocabulary: Vocabulary, held_out: Corpus
) -> Discovery:
    """Accept the hypotheses that held-out samples bear out, see `TokenDomain.accept`.

    Args:
        found: the claim and its hypotheses.
        table: the samples that the group was found in.
        vocabulary: the tokens that have a coordinate.
        held_out: pairs.
    """
    pairs = [(tuple(x), tuple(y)) for x, y in held_out.read()]
    chosen, agreeing = [], 0
    for each in found.hypotheses:
        agree, disagree = predicted(found, each, table, vocabulary, pairs)
        if share_bound(disagree, agree) <= RULE.exact:
            chosen.append(each)
            agreeing += agree
    return found.accept(*chosen, by=f"{agreeing:,} held-out samples")


def predicted(
    found: Discovery,
    hypothesis: Hypothesis,
    table: PairTable,
    vocabulary: Vocabulary,
    held_out: Iterable[Pair],
) -> tuple[int, int]:
    """How many outputs of held-out samples come out as a hypothesis predicts, and how many not.

    Args:
        found: the claim.
        hypothesis: that extends it.
        table: the samples that the group was found in.
        vocabulary: the tokens that have a coordinate.
        held_out: pairs; those whose output the claim predicts already do not count.
    """
    group = generated_with(found, [hypothesis.member.numpy()])
    inside = {row.numpy().tobytes() for row in found.members}
    elements = () if group is None else group.elements
    claimed = [vocabulary.move(each) for each in elements if each.tobytes() in inside]
    beyond = [vocabulary.move(each) for each in elements if each.tobytes() not in inside]
    agree = disagree = 0
    for pair in held_out:
        if _image_in(table, claimed, pair) is not None:
            continue
        image = _image_in(table, beyond, pair)
        if image is not None:
            agree += image[1] in table.outputs[image[0]]
            disagree += image[1] not in table.outputs[image[0]]
    return agree, disagree


def _image_in(table: PairTable, moves: Sequence[TokenMove | None], pair: Pair) -> Pair | None:
    """The first image of a sample whose input is that of a sample of the table."""
    for move in moves:
        words = None if move is None else changed(pair[0], move.changes[0])
        if move is not None and words in table.outputs:
            return words, changed(pair[1], move.changes[1])
    return None
