"""Exchanges of tokens against plain counting; hypotheses against data where the answer is known."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grouplearn import Discovery, discover
from grouplearn.discovery.result import Hypothesis
from grouplearn.domains.corpora import corpus_of_pairs
from grouplearn.domains.exchanges import PairTable, share_bound
from grouplearn.domains.tokens import TokenDomain
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful

Pairs = list[tuple[list[str], list[str]]]
VERBS = ("walk", "run", "jump", "look")
TIMES: dict[tuple[str, ...], int] = {(): 1, ("twice",): 2, ("thrice",): 3}
TOKENS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)


def language(verbs: tuple[str, ...] = VERBS) -> Pairs:
    """One command or two, and the actions that obey."""
    parts = [([verb, *often], [verb.upper()] * times)
             for verb in verbs for often, times in TIMES.items()]  # fmt: skip
    pairs = list(parts)
    for (one, does), (other, then) in itertools.product(parts, parts):
        pairs.append(([*one, "and", *other], does + then))
        pairs.append(([*one, "after", *other], then + does))
    return pairs


def domain_of(pairs: Pairs) -> TokenDomain:
    return TokenDomain.from_pairs([x for x, _ in pairs], [y for _, y in pairs])


def with_jump_alone() -> Pairs:
    return [pair for pair in language() if "jump" not in pair[0] or pair[0] == ["jump"]]


def test_a_random_part_shows_the_group() -> None:
    """Of one sample in five missing, no table is complete: the exchanges show what is left."""
    pairs = language()
    part = random.Random(0).sample(pairs, round(0.8 * len(pairs)))
    found = domain_of(part).discover()
    assert (found.group.name, found.exact, found.hypotheses) == ("S4", True, ())
    assert found.p_value > 0.01
    assert found.effect == 0 < found.effect_bound < 0.05
    assert "Exchanges that hold in samples and their images: in:" in found.summary()


def test_a_word_that_stands_alone_is_a_hypothesis() -> None:
    domain = domain_of(with_jump_alone())
    found = domain.discover()
    assert found.group.name == "S3"
    (one,) = found.hypotheses
    assert (one.name, one.order, one.agree, one.disagree) == ("S4", 24, 1, 0)
    assert one.evidence.verdict == "undecided"
    assert one.evidence.noise > 0.9
    assert "jump stands in 1 sample only, whose image is among the data" in str(one)
    verb = one.move.split(" <-> ")[0].removeprefix("in:")
    missing = {tuple("jump" if word == verb else word for word in x)
               for x, _ in with_jump_alone() if verb in x and x != [verb]}  # fmt: skip
    assert one.predicts == len(missing)
    command, action = one.examples[0].split(" => ")
    assert (command.split(), action.split()) in language()
    assert str(one) in found.summary()


def test_accepting_makes_the_group_larger_and_says_so() -> None:
    domain = domain_of(with_jump_alone())
    found = domain.discover()
    whole = found.accept(*found.hypotheses)
    assert (whole.group.name, whole.exact, whole.hypotheses) == ("S4", False, ())
    assert found.group.name == "S3"
    before = {tuple(row) for row in found.members.tolist()}
    after = {tuple(row) for row in whole.members.tolist()}
    assert before < after
    assert len(after) == 24
    assert "Accepted by the user, where these data alone show S3 (order 6): in:" in whole.summary()
    assert whole.summary().startswith("S4 (order 24), accepted and not shown")
    for move in domain.extend(whole.representation):
        assert move is not None
        assert all(tuple(move(pair)) in [tuple(each) for each in language()]
                   for pair in with_jump_alone()[:9])  # fmt: skip
    assert found.accept() is found
    with pytest.raises(InputError) as problem:
        whole.accept(*found.hypotheses)
    assert is_helpful(problem, "hypotheses must be of found.hypotheses", "none, as there are none")


def test_held_out_samples_decide() -> None:
    domain = domain_of(with_jump_alone())
    found = domain.discover()
    rest = [pair for pair in language() if "jump" in pair[0] and pair[0] != ["jump"]]
    few = random.Random(0).sample(rest, 20)
    whole = domain.accept(found, few)
    assert whole.group.name == "S4"
    assert "Accepted by 20 held-out samples" in whole.summary()
    wrong = [(x, [*y, "WALK"]) for x, y in few]
    assert domain.accept(found, wrong) is found
    silent = [pair for pair in language() if "jump" not in pair[0]]
    assert domain.accept(found, silent[:20]) is found
    assert domain.accept(found, few[:2]) is found


def test_a_combination_that_is_missing_is_a_hypothesis() -> None:
    """Whatever agrees beyond doubt is no claim where the law of the inputs is not kept."""
    pairs = [pair for pair in language() if "jump twice" not in " ".join(pair[0])]
    found = domain_of(pairs).discover()
    assert found.group.name == "S3"
    (one,) = found.hypotheses
    assert one.name == "S4"
    assert one.evidence.p_value <= 0.01
    assert one.evidence.noise < 0.1
    assert one.disagree == 0 < one.agree
    assert "have no image among the data" in one.reason


def test_nothing_is_suggested_where_there_is_nothing() -> None:
    pairs = language()
    outputs = [y for _, y in pairs]
    random.Random(0).shuffle(outputs)
    shuffled = [(x, y) for (x, _), y in zip(pairs, outputs, strict=True)]
    found = domain_of(shuffled).discover()
    assert (found.found, found.hypotheses) == (False, ())
    assert domain_of(shuffled).exchanges().weighed > 5


def test_a_label_of_two_is_no_evidence_for_rare_words() -> None:
    """Where outputs agree by chance, samples that are few suggest nothing."""
    rng = random.Random(0)
    words = [f"w{k}" for k in range(60)]
    pairs = [([rng.choice(words)], [rng.choice(["good", "bad"])]) for _ in range(80)]
    known = domain_of(pairs).exchanges()
    assert (known.holding, known.suggested) == ((), ())
    assert known.weighed > 50


@settings(max_examples=30)
@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=30))
def test_counts_are_those_of_plain_counting(samples: Pairs) -> None:
    table = PairTable(corpus_of_pairs([x for x, _ in samples], [y for _, y in samples]))
    exchange = table.exchange("a", "b")
    back = exchange.move.changes[1]
    assert all(back[back[word]] == word for word in back)
    known = {(tuple(x), tuple(y)) for x, y in samples}
    inputs = {x for x, _ in known}

    def swapped(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple({"a": "b", "b": "a"}.get(word, word) for word in words)

    agree = {
        frozenset({(x, y), (swapped(x), tuple(back.get(word, word) for word in y))})
        for x, y in known
        if swapped(x) != x and (swapped(x), tuple(back.get(word, word) for word in y)) in known
    }
    assert exchange.agree == len(agree)
    clash = {frozenset({x, swapped(x)}) for x in inputs if swapped(x) != x and swapped(x) in inputs}
    assert (exchange.meet > 0) == bool(clash)
    alone = sum(swapped(x) != x and swapped(x) not in inputs for x, _ in known)
    assert sum(exchange.alone) == (alone if exchange.disagree <= exchange.agree else 0)


@settings(max_examples=10)
@given(st.permutations(range(len(VERBS))), st.integers(0, 99))
def test_names_and_order_do_not_matter(order: list[int], seed: int) -> None:
    """Renaming tokens and shuffling samples renames the classes."""
    pairs = with_jump_alone()
    new = {verb: VERBS[k] + "x" for verb, k in zip(VERBS, order, strict=True)}
    renamed = [([new.get(word, word) for word in x], y) for x, y in pairs]
    random.Random(seed).shuffle(renamed)
    (before,) = domain_of(pairs).exchanges().classes
    (after,) = domain_of(renamed).exchanges().classes
    assert sorted(new[word] for word in before) == sorted(after)


def test_bounds_of_shares() -> None:
    assert share_bound(0, 0) == float("inf")
    assert share_bound(3, 0) == 1
    np.testing.assert_allclose(share_bound(0, 10), 1 - 0.05**0.1)


def test_sequences_have_no_exchanges() -> None:
    domain = TokenDomain.from_sequences([["a", "b"], ["b", "a"]])
    with pytest.raises(InputError) as problem:
        domain.exchanges()
    assert is_helpful(problem, "samples must be pairs", "from_pairs")


def test_hypotheses_are_saved(tmp_path: Path) -> None:
    found = domain_of(with_jump_alone()).discover()
    found.save(tmp_path / "found")
    read = Discovery.load(tmp_path / "found")
    assert read.summary() == found.summary()
    (one,), (other,) = read.hypotheses, found.hypotheses
    assert isinstance(one, Hypothesis)
    assert torch.equal(one.member, other.member)
    assert (one.examples, one.evidence) == (other.examples, other.evidence)
    assert read.accept(one).group.name == "S4"


def test_large_groups_are_a_note() -> None:
    verbs = tuple(f"verb{k}" for k in range(8))
    pairs = language(verbs)
    domain = domain_of(random.Random(0).sample(pairs, round(0.8 * len(pairs))))
    found = domain.discover()
    assert any("more than 4,096 elements, too many to be claimed" in note for note in found.notes)
    assert [sorted(each) for each in domain.exchanges().classes] == [sorted(verbs)]


def test_other_findings_have_no_hypotheses() -> None:
    rows = np.random.default_rng(0).exponential(size=(2000, 3))
    assert discover(rows).hypotheses == ()


SCAN = {
    "simple_split/tasks_train_simple.txt.gz": ("S4 x C2", []),
    "add_prim_split/tasks_train_addprim_jump.txt.gz": ("D6", ["jump"]),
    "add_prim_split/tasks_train_addprim_turn_left.txt.gz": ("S4", ["left right"]),
    "template_split/tasks_train_template_around_right.txt.gz": ("S4", ["left right"]),
}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("file", list(SCAN))
def test_splits_of_scan(data_dir: Path, file: str) -> None:
    """D6 is S3 x C2: three verbs, left and right."""
    group, suggested = SCAN[file]
    found = TokenDomain.from_file(data_dir / "scan" / file).discover()
    assert found.group.name == group
    assert len(found.hypotheses) == len(suggested)
    for one, words in zip(found.hypotheses, suggested, strict=True):
        assert all(f"in:{word}" in one.move for word in words.split())
        assert (one.name, one.disagree) == ("S4 x C2", 0)
    assert found.accept(*found.hypotheses).group.name == "S4 x C2"
