"""What outputs tell of a name: models that tell all, something, and nothing."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor, nn

from grouplearn.domains.anonymity import orbit_anonymity
from grouplearn.errors import InputError
from grouplearn.models.slots import CanonicalNames, Slots
from tests.unit.examples import is_helpful

NAMES = ["ann", "bob", "cid", "dee"]
WORDS = ["likes", "sees", "knows", "tea", "rain", "books"]
KNOWN = ["", *NAMES, *WORDS]


def some_texts(count: int = 200) -> list[list[str]]:
    rng = random.Random(0)
    return [[rng.choice(NAMES), *rng.choices(WORDS, k=3), *rng.choices(NAMES, k=k % 2)]
            for k in range(count)]  # fmt: skip


def numbers(texts: list[list[str]]) -> Tensor:
    rows = [torch.tensor([KNOWN.index(word) for word in words]) for words in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


class Reader(nn.Module):
    """The mean of embeddings, weighted by their places."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.last = nn.Embedding(len(KNOWN), 8), nn.Linear(8, 8)

    def forward(self, tokens: Tensor) -> Tensor:
        weights = torch.arange(1, tokens.shape[1] + 1)[:, None]
        return self.last(torch.tanh((self.embedding(tokens) / weights).sum(1)))


def test_an_invariant_network_tells_nothing() -> None:
    slots = Slots(len(KNOWN), 0, [[([k], []) for k in range(1, 5)]])
    network = CanonicalNames(Reader(), slots)
    found = orbit_anonymity(lambda texts: network(numbers(texts)), some_texts(), NAMES)
    assert found.difference == 0
    assert not found.tells
    assert found.interval[0] < found.chance == 0.25 < found.interval[1]
    assert found.texts == 200
    assert str(found).startswith("The attacker sees nothing")


def test_a_plain_network_tells() -> None:
    network = Reader()
    found = orbit_anonymity(lambda texts: network(numbers(texts)), some_texts(), NAMES)
    assert found.difference > 0.1
    assert found.tells
    assert found.accuracy > 0.4
    assert str(found).startswith("The outputs tell members apart")
    text, member = found.worst
    assert text.split() in some_texts()
    assert member in NAMES
    assert member != text.split()[0]


def test_the_difference_is_that_of_the_worst_text() -> None:
    def tells_once(texts: list[list[str]]) -> Tensor:
        return torch.tensor([[5.0 * (words[:2] == ["bob", "tea"]), 1.0] for words in texts])

    texts = [["ann", "rain"]] * 30 + [["ann", "tea"]]
    found = orbit_anonymity(tells_once, texts, ["ann", "bob"])
    assert found.difference == 5
    assert found.worst == ("ann tea", "bob")


def test_words_that_change_together() -> None:
    """A name and its pronoun are one member."""

    def blind(texts: list[list[str]]) -> Tensor:
        return torch.tensor([[float((words[0] == "ann") == (words[1] == "she"))]
                             for words in texts])  # fmt: skip

    texts = [["ann", "she", "tea"], ["bob", "he", "tea"], ["bob", "she", "rain"]] * 10
    assert orbit_anonymity(blind, texts, [("ann", "she"), ("bob", "he")]).difference == 0
    assert orbit_anonymity(blind, texts, ["ann", "bob"]).difference == 1


def test_seeds_repeat() -> None:
    network = Reader()
    one, other = (
        orbit_anonymity(lambda texts: network(numbers(texts)), some_texts(60), NAMES, seed=3)
        for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize(
    ("orbit", "parts"),
    [
        (["ann"], ["two or more members"]),
        ("ann", ["two or more members", "['ann', 'bob']"]),
        ([("ann", "she"), ("bob",)], ["as many tokens each"]),
        (["ann", "ann"], ["different tokens"]),
        (["eve", "fay"], ["20 or more that have a member", "got 0"]),
    ],
)
def test_wrong_orbits_are_refused(orbit: list[str], parts: list[str]) -> None:
    with pytest.raises(InputError) as problem:
        orbit_anonymity(lambda texts: torch.zeros(len(texts), 1), some_texts(), orbit)
    assert is_helpful(problem, "orbit_anonymity:", *parts)


@pytest.mark.parametrize("wrong", [torch.zeros(1, 2), torch.full((200, 1), torch.nan)])
def test_wrong_outputs_are_refused(wrong: Tensor) -> None:
    with pytest.raises(InputError) as problem:
        orbit_anonymity(lambda _: wrong, some_texts(), NAMES)
    assert is_helpful(problem, "200 finite rows", "one row for each text")
