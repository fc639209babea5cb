"""Numbers of tokens, slots of found groups, and training: what knowing a group is worth."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from grouplearn import Discovery
from grouplearn.domains.token_numbers import PairNumbers
from grouplearn.domains.tokens import TokenDomain
from grouplearn.errors import InputError
from grouplearn.models.slots import Slots
from grouplearn.models.translators import (
    END,
    PAD,
    START,
    RecurrentTranslator,
    SlotTranslator,
    Translator,
    translated,
)
from grouplearn.representations import FixedRepresentation
from grouplearn.training.translation import TranslationOptions, exact_match, fit_translation
from tests.unit.examples import is_helpful

Pairs = list[tuple[list[str], list[str]]]
VERBS = ("walk", "run", "jump", "look")


def language() -> Pairs:
    """One verb or two, of which the second may come first."""
    pairs: Pairs = [([verb], [verb.upper()]) for verb in VERBS]
    for one, other in itertools.product(VERBS, VERBS):
        for word, times in (("and", 1), ("twice-and", 2)):
            pairs.append(([one, word, other], [one.upper()] * times + [other.upper()]))
            pairs.append(([one, f"{word}-after", other], [other.upper()] + [one.upper()] * times))
    return pairs


def parts() -> tuple[Pairs, Pairs]:
    """`jump` alone, and `jump` in combination."""
    alone = [pair for pair in language() if "jump" not in pair[0] or len(pair[0]) == 1]
    return alone, [pair for pair in language() if pair not in alone]


def test_numbers_and_words() -> None:
    pairs = [(["go", "left"], ["L", "G"]), (["go"], ["G"])]
    numbers = PairNumbers.of(pairs)
    assert numbers.inputs == ("", "go", "left")
    assert numbers.outputs == ("", "<start>", "<end>", "G", "L")
    assert numbers.read(x for x, _ in pairs).tolist() == [[1, 2], [1, PAD]]
    outputs = numbers.outputs_of(y for _, y in pairs)
    assert outputs.tolist() == [[START, 4, 3, END], [START, 3, END, PAD]]
    assert numbers.words(outputs) == [["L", "G"], ["G"]]
    for samples, parts in (([["go"], ["up"]], ["inputs must be", "'up' in item 1"]),
                           ([["go"], []], ["no token in item 1"]), ([], ["got none"])):  # fmt: skip
        with pytest.raises(InputError) as problem:
            numbers.read(samples)
        assert is_helpful(problem, *parts)


def test_slots_of_a_finding_pair_verbs_with_actions() -> None:
    train, _ = parts()
    domain = TokenDomain.from_pairs([x for x, _ in train], [y for _, y in train])
    found = domain.discover()
    numbers = PairNumbers.of(train)
    for whole, size in ((found, 3), (found.accept(*found.hypotheses), 4)):
        slots = numbers.slots(domain, whole)
        assert slots.sizes == (size,)
        for verb in VERBS[: 2 if size == 3 else 4]:
            one = slots.inputs_slot[numbers.inputs.index(verb)]
            assert one == slots.outputs_slot[numbers.outputs.index(verb.upper())]
            assert one >= 0
    assert slots.inputs_slot[numbers.inputs.index("and")] == -1


def finding(generators: list[list[int]]) -> Discovery:
    """A group of permutations, as if it had been found."""
    rep = FixedRepresentation.from_permutations(generators)
    members = rep.matrices().argmax(-2)
    zeros = torch.zeros(len(members), dtype=torch.float64)
    return Discovery(rep, members, zeros, zeros, 1.0, 1.0, (), exact=True, action="permutation")


def test_inputs_are_translated_one_by_one_or_together() -> None:
    """In their own order, with whether each output ended; as `translated` does it alone."""
    numbers = PairNumbers.of(language())
    torch.manual_seed(1)
    network = RecurrentTranslator(len(numbers.inputs), len(numbers.outputs), width=8).eval()
    with torch.no_grad():
        network.scores.bias[END] += 0.2
    inputs = [x for x, _ in language()][::3]
    found = numbers.translate(network, inputs, 5)
    for x, (words, ended) in zip(inputs, found, strict=True):
        said = translated(network, numbers.read([x]), 5)
        assert (words, ended) == (numbers.words(said)[0], END in said)
    assert {ended for _, ended in found} == {False, True}
    assert numbers.translate(network, [], 5) == []


def test_two_kinds_of_words_are_two_classes() -> None:
    """Left and right have an action each, and so are two slots, not four."""
    pairs = [(["go", "left", "run"], ["G", "L", "R"]), (["right"], ["S"])]
    domain = TokenDomain.from_pairs([x for x, _ in pairs], [y for _, y in pairs])
    assert domain.vocabulary == (
        "in:go", "in:left", "in:right", "in:run", "out:G", "out:L", "out:R", "out:S",
    )  # fmt: skip
    sides, verbs = [0, 2, 1, 3, 4, 7, 6, 5], [3, 1, 2, 0, 6, 5, 4, 7]
    slots = PairNumbers.of(pairs).slots(domain, finding([sides, verbs]))
    assert slots.sizes == (2, 2)
    assert slots.inputs_slot.tolist() == [-1, 0, 2, 3, 1]
    assert slots.outputs_slot.tolist() == [-1, -1, -1, 0, 2, 1, 3]


def test_other_groups_have_no_slots() -> None:
    domain = TokenDomain.from_pairs([["a", "b"], ["c", "d"]], [["x"], ["x"]])
    with pytest.raises(InputError) as problem:
        PairNumbers(("", "a", "b", "c", "d"), ("", "<start>", "<end>", "x")).slots(
            domain, finding([[1, 2, 3, 0, 4]])
        )
    assert is_helpful(problem, "classes at will, got C4 with classes of [4]", "Symmetrized")


def trained(kind: str, seed: int = 0) -> tuple[float, float]:
    """Accuracy on what was seen and on `jump` in combination."""
    train, test = parts()
    domain = TokenDomain.from_pairs([x for x, _ in train], [y for _, y in train])
    found = domain.discover()
    numbers = PairNumbers.of(language())
    slots = numbers.slots(domain, found.accept(*found.hypotheses))
    torch.manual_seed(seed)
    network: Translator = RecurrentTranslator(len(numbers.inputs), len(numbers.outputs), width=24)
    if kind == "symmetric":
        network = SlotTranslator(network, slots)
    data = [(numbers.read(x for x, _ in some), numbers.outputs_of(y for _, y in some))
            for some in (train, test)]  # fmt: skip
    options = TranslationOptions(steps=400, batch_size=16, learning_rate=0.01, seed=seed)
    fit_translation(network, *data[0], options, augmentation=slots if kind == "augmented" else None)
    seen, unseen = (exact_match(network, *each) for each in data)
    return seen, unseen


@pytest.mark.parametrize("kind", ["symmetric", pytest.param("augmented", marks=pytest.mark.slow)])
def test_a_network_with_the_group_knows_what_it_has_not_seen(kind: str) -> None:
    assert min(trained(kind)) > 0.95


@pytest.mark.slow
def test_a_plain_network_does_not() -> None:
    seen, unseen = trained("plain")
    assert seen > 0.9
    assert unseen < 0.5


def test_training_is_repeatable_and_told() -> None:
    numbers = PairNumbers.of(language())
    x = numbers.read(x for x, _ in language())
    y = numbers.outputs_of(y for _, y in language())
    told: list[tuple[int, float]] = []
    found = []
    state = torch.random.get_rng_state()
    for _ in range(2):
        network = RecurrentTranslator(len(numbers.inputs), len(numbers.outputs), width=8)
        with torch.no_grad():
            for each in network.parameters():
                each.fill_(0.05)
        losses = fit_translation(
            network, x, y, TranslationOptions(steps=100, batch_size=4, seed=3),
            watch=lambda step, loss: told.append((step, loss)),
        )  # fmt: skip
        found.append((losses, [each.detach().clone() for each in network.parameters()]))
        assert not network.training
        torch.random.set_rng_state(state)
    assert found[0][0] == found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))
    assert told == [(100, found[0][0][0])] * 2


def test_steps_that_are_left_have_a_mean_loss_too() -> None:
    """It is that of the same steps alone."""
    numbers = PairNumbers.of(language())
    data = (numbers.read(x for x, _ in language()), numbers.outputs_of(y for _, y in language()))
    told: list[tuple[int, float]] = []
    torch.manual_seed(0)
    network = RecurrentTranslator(len(numbers.inputs), len(numbers.outputs), 4, dropout=0.0)
    options = TranslationOptions(steps=102, batch_size=len(language()), learning_rate=1e-12)
    losses = fit_translation(
        network, *data, options, watch=lambda step, loss: told.append((step, loss))
    )
    assert told == [(100, losses[0]), (102, losses[1])]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)  # nothing has been learned


def test_pairs_of_weight_0_are_never_drawn() -> None:
    """So training is that without them."""
    x, y = torch.tensor([[1, 2], [3, 1]]), torch.tensor([[START, 3, END], [START, 4, END]])
    found = []
    for count, weights in ((2, torch.tensor([0.0, 2.0])), (1, None)):
        torch.manual_seed(0)
        network = RecurrentTranslator(4, 5, width=4)
        options = TranslationOptions(steps=100, batch_size=1)
        found.append(fit_translation(network, x[-count:], y[-count:], options, weights=weights))
    assert found[0] == found[1]


def test_tokens_may_be_called_what_begins_and_ends_outputs() -> None:
    """Numbers frame an output, whatever the words of the data are."""
    pairs = [(["<start>", "go"], ["<end>", "GO"]), (["stop"], ["<start>"])]
    numbers = PairNumbers.of(pairs)
    outputs = numbers.outputs_of(y for _, y in pairs)
    assert outputs[:, 0].tolist() == [START, START]
    assert (outputs == END).sum(1).tolist() == [1, 1]
    assert numbers.words(outputs) == [y for _, y in pairs]
    assert numbers.words(outputs[:, 1:]) == [y for _, y in pairs]


def test_wrong_pairs_and_options_are_refused() -> None:
    network = RecurrentTranslator(4, 5, width=4)
    with pytest.raises(InputError) as problem:
        fit_translation(network, torch.ones(2, 3).long(), torch.ones(1, 3).long())
    assert is_helpful(problem, "outputs must be as many as the inputs, 2, got 1")
    two = torch.ones(2, 3).long()
    with pytest.raises(InputError) as problem:
        fit_translation(network, two, two, weights=torch.ones(3))
    assert is_helpful(problem, "weights must be", "(3,)")
    for weights in ([0.5, -1.0], [0.0, 0.0], [float("nan"), 1.0]):
        with pytest.raises(InputError, match="weights must be"):
            fit_translation(network, two, two, weights=torch.tensor(weights))
    with pytest.raises(InputError) as problem:
        exact_match(network, torch.ones(2, 3).long(), torch.ones(1, 3).long())
    assert is_helpful(problem, "exact_match: outputs must be as many as the inputs, 2, got 1")
    with pytest.raises(InputError) as problem:
        exact_match(network, torch.ones(0, 3).long(), torch.ones(0, 3).long())
    assert is_helpful(problem, "exact_match: inputs must be at least one, got none")
    wrongs: list[dict[str, Any]] = [
        {"steps": 0}, {"learning_rate": -1.0}, {"seed": -1}, {"weight_decay": -0.1},
        {"weight_decay": float("nan")},
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(InputError, match=next(iter(wrong))):
            TranslationOptions(**wrong)
    with pytest.raises(InputError, match="outputs"):
        RecurrentTranslator(4, 3)


def test_augmentation_keeps_pairs_together() -> None:
    """The same element moves both sides of a pair."""
    slots = Slots(4, 6, [[([1], [3]), ([2], [4]), ([3], [5])]])
    names = slots.draw(50, torch.Generator().manual_seed(0))
    x, y = torch.tensor([[1, 2, 3]]).expand(50, -1), torch.tensor([[3, 4, 5]]).expand(50, -1)
    moved = slots.renamed(names, x)
    assert torch.equal(slots.renamed(names, y, "outputs"), moved + 2)
    assert len({tuple(row) for row in moved.tolist()}) == 6


@pytest.mark.parametrize("steps", [1, 2, 3, 18, 19, 20, 39, 40])
def test_any_number_of_steps_trains(steps: int) -> None:
    """The schedule has no phase without steps; a row of PAD alone is an input, too."""
    network = RecurrentTranslator(4, 5, width=4)
    before = [each.detach().clone() for each in network.parameters()]
    x, y = torch.tensor([[1, 2], [PAD, PAD]]), torch.tensor([[START, 3, END]]).expand(2, -1)
    fit_translation(network, x, y, TranslationOptions(steps=steps, batch_size=1))
    assert all(bool(each.isfinite().all()) for each in network.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
