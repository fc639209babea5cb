"""Slots against plain Python, and laws of the networks made of them, under random exchanges."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from grouplearn.errors import InputError
from grouplearn.models.slots import CanonicalNames, Slots
from grouplearn.models.translators import (
    END,
    PAD,
    START,
    RecurrentTranslator,
    SlotTranslator,
    TransformerTranslator,
    Translator,
    translated,
)
from tests.unit.examples import is_helpful

INPUTS, OUTPUTS = 9, 12


def some_slots() -> Slots:
    """Three slots of an input and two outputs each, and two of an input alone; others are fixed."""
    return Slots(INPUTS, OUTPUTS, [
        [([1], [4, 7]), ([5], [3, 9]), ([2], [6, 8])],
        [([7], []), ([3], [])],
    ])  # fmt: skip


@dataclass(frozen=True)
class Example:
    """Tokens of both sides, and elements of the group."""

    inputs: Tensor
    outputs: Tensor
    names: Tensor


SIZES = st.tuples(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
"""A seed, a batch, and the lengths of inputs and outputs."""


def example_of(sizes: tuple[int, int, int, int]) -> Example:
    """Inputs that PAD fills up, outputs that START begins, and elements."""
    seed, batch, left, right = sizes
    rng = torch.Generator().manual_seed(seed)
    inputs = torch.randint(1, INPUTS, (batch, left), generator=rng)
    filled = torch.randint(1, left + 1, (batch, 1), generator=rng) <= torch.arange(left)
    outputs = torch.randint(3, OUTPUTS, (batch, right), generator=rng)
    outputs[:, 0] = START
    return Example(inputs.masked_fill(filled, PAD), outputs, some_slots().draw(batch, rng))


def plain_names(rows: list[list[tuple[int, int]]]) -> list[list[int]]:
    """Names by first occurrence, by hand: classes of 3 and 2 slots."""
    out = []
    for row in rows:
        names: dict[int, int] = {}
        for start, size in ((0, 3), (3, 2)):
            mine = [s for s, _ in row if start <= s < start + size]
            order = list(dict.fromkeys([*mine, *range(start, start + size)]))
            names |= {slot: start + place for place, slot in enumerate(order)}
        out.append([names[s] for s in range(5)])
    return out


OWNERS = ({1: 0, 5: 1, 2: 2, 7: 3, 3: 4}, {4: 0, 7: 0, 3: 1, 9: 1, 6: 2, 8: 2})


def test_tables_come_back_and_states_of_other_slots_are_refused() -> None:
    x = torch.tensor([[0, 5, 2, 1, 3, 7, 5]])
    want = some_slots().names(x)
    emptied = some_slots().to("meta").to_empty(device="cpu")
    with torch.device("meta"):
        hollow = some_slots()
    for each in (emptied, hollow.to_empty(device="cpu")):
        each.load_state_dict(some_slots().state_dict())
        assert torch.equal(each.names(x), want)
    others = Slots(INPUTS, OUTPUTS, [[([1], [4]), ([5], [3])]])
    with pytest.raises(RuntimeError, match="the state must be of these slots"):
        others.load_state_dict(some_slots().state_dict())


@settings(max_examples=50)
@given(SIZES)
def test_names_are_those_of_first_occurrence(sizes: tuple[int, int, int, int]) -> None:
    example = example_of(sizes)
    slots = some_slots()
    rows = [
        [(OWNERS[side][t], t) for side, row in enumerate(pair) for t in row if t in OWNERS[side]]
        for pair in zip(example.inputs.tolist(), example.outputs.tolist(), strict=True)
    ]
    assert slots.names(example.inputs, example.outputs).tolist() == plain_names(rows)


@settings(max_examples=50)
@given(SIZES)
def test_canonical_sequences_are_those_of_the_orbit(sizes: tuple[int, int, int, int]) -> None:
    example = example_of(sizes)
    slots = some_slots()
    moved = [slots.renamed(example.names, example.inputs),
             slots.renamed(example.names, example.outputs, "outputs")]  # fmt: skip
    back = slots.inverse(example.names)
    assert torch.equal(slots.renamed(back, moved[0]), example.inputs)
    assert torch.equal(slots.renamed(back, moved[1], "outputs"), example.outputs)
    for one, other in (((example.inputs,), moved[:1]), ((example.inputs, example.outputs), moved)):
        names, others = slots.names(*one), slots.names(*other)
        for side, before, after in zip(("inputs", "outputs"), one, other, strict=False):
            assert torch.equal(
                slots.renamed(names, before, side), slots.renamed(others, after, side)
            )


def plain_nexts(row: list[int]) -> list[list[int]]:
    """For each place the slot of each class that occurs there or later, by hand."""
    owned = [OWNERS[1].get(t, -1) for t in row]
    return [
        [next((s for s in owned[k:] if start <= s < start + size), -1)
         for start, size in ((0, 3), (3, 2))]
        for k in range(len(row))
    ]  # fmt: skip


@settings(max_examples=50)
@given(SIZES)
def test_upcoming_slots_are_the_next_of_their_class(sizes: tuple[int, int, int, int]) -> None:
    outputs = example_of(sizes).outputs
    said = some_slots().upcoming(outputs, "outputs").tolist()
    assert said == [plain_nexts(row) for row in outputs.tolist()]


@settings(max_examples=50)
@given(SIZES)
def test_balanced_weights_make_kinds_alike(sizes: tuple[int, int, int, int]) -> None:
    rows = example_of(sizes).inputs.repeat(2, 1)
    weights = some_slots().balance(rows)
    share: dict[tuple[int, ...], float] = {}
    for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
        owned = tuple(-2 - (OWNERS[0][t] > 2) if t in OWNERS[0] else t for t in row)
        share[owned] = share.get(owned, 0.0) + weight
    assert list(share.values()) == pytest.approx([1 / len(share)] * len(share))


def network(kind: str, seed: int = 0) -> SlotTranslator:
    torch.manual_seed(seed)
    inner: Translator = (
        TransformerTranslator(INPUTS, OUTPUTS, width=8, layers=1, heads=2)
        if kind == "transformer"
        else RecurrentTranslator(INPUTS, OUTPUTS, width=8)
    )
    return SlotTranslator(inner, some_slots(), tells_apart=kind == "tells apart").eval()


KINDS = pytest.mark.parametrize("kind", ["recurrent", "transformer", "tells apart"])


@KINDS
@settings(max_examples=40)
@given(sizes=SIZES)
def test_networks_commute_with_exchanges(kind: str, sizes: tuple[int, int, int, int]) -> None:
    """F(h x, h y) = h F(x, y) up to the order of sums, and probabilities sum to 1."""
    example = example_of(sizes)
    slots, net = some_slots(), network(kind)
    scores = net(example.inputs, example.outputs)
    x = slots.renamed(example.names, example.inputs)
    y = slots.renamed(example.names, example.outputs, "outputs")
    tokens = torch.arange(OUTPUTS).expand(len(x), -1)
    where = slots.renamed(example.names, tokens, "outputs")
    moved = net(x, y)
    taken = moved.gather(2, where[:, None].expand_as(moved))
    torch.testing.assert_close(taken, scores, rtol=0, atol=1e-6)
    torch.testing.assert_close(scores.exp().sum(2), torch.ones(scores.shape[:2]))


@KINDS
@settings(max_examples=20)
@given(sizes=SIZES)
def test_scores_depend_on_what_stands_before_alone(
    kind: str, sizes: tuple[int, int, int, int]
) -> None:
    example = example_of(sizes)
    net = network(kind)
    whole = net(example.inputs, example.outputs)
    for time in range(1, example.outputs.shape[1] + 1):
        part = net(example.inputs, example.outputs[:, :time])
        torch.testing.assert_close(part, whole[:, :time], rtol=0, atol=1e-5)


@KINDS
def test_steps_are_the_whole(kind: str) -> None:
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randint(1, INPUTS, (4, 5), generator=rng)
    outputs = torch.randint(3, OUTPUTS, (4, 6), generator=rng)
    for net in (network(kind), network(kind).network):
        memory, state, out = net.encode(inputs), None, []
        for time in range(outputs.shape[1]):
            features, state = net.advance(memory, state, outputs[:, time : time + 1])
            out.append(net.judge(memory, features))
        torch.testing.assert_close(torch.cat(out, 1), net(inputs, outputs), rtol=0, atol=1e-5)


@KINDS
def test_the_loss_asks_for_the_next_member_of_every_class(kind: str) -> None:
    """It is the cross entropy, and 0.3 of one more for each class, of its tokens alone."""
    net, rng = network(kind), torch.Generator().manual_seed(1)
    x = torch.randint(1, INPUTS, (3, 4), generator=rng)
    y = torch.randint(3, OUTPUTS, (3, 7), generator=rng)
    y[:, 0], y[1, 5:] = START, PAD
    scores, following = net(x, y[:, :-1]), y[:, 1:]
    expected = nn.functional.cross_entropy(scores.mT, following, ignore_index=PAD)
    # Slots 0, 1 and 2 own outputs 4, 3 and 6; the other class owns none.
    inside = scores[..., [4, 3, 6]].log_softmax(2)
    nexts = [(b, k, n[0]) for b, row in enumerate(following.tolist())
             for k, n in enumerate(plain_nexts(row)) if n[0] >= 0]  # fmt: skip
    expected = expected - 0.3 * torch.stack([inside[each] for each in nexts]).mean()
    torch.testing.assert_close(net.loss(x, y), expected)
    torch.testing.assert_close(
        net.network.loss(x, y),
        nn.functional.cross_entropy(net.network(x, y[:, :-1]).mT, following, ignore_index=PAD),
    )


def test_losses_of_certain_networks_are_finite() -> None:
    net = network("recurrent").train()
    with torch.no_grad():
        for each in (net.pointer, net.keys):
            each.weight.mul_(1e4)
    loss = net.loss(torch.tensor([[1, 5]]), torch.tensor([[START, 8, 3]]))
    loss.backward()
    assert bool(loss.isfinite())
    assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)


def test_slots_that_have_not_occurred_are_tied() -> None:
    net = network("recurrent")
    with torch.no_grad():
        scores = net(torch.tensor([[1, 4]]), torch.tensor([[START]]))[0, 0]
    # Slot 0 is in the input, slots 1 and 2 are not.
    assert float(scores[3] - scores[6]) == 0
    assert float(scores[9] - scores[8]) == 0
    assert float(scores[4] - scores[3]) != 0
    assert float(scores[3] - scores[9]) != 0


def test_only_canonical_names_tell_members_apart() -> None:
    """Kinds alone do not say which places hold the same member."""
    prefix = torch.tensor([[START]])
    for kind, differs in (("recurrent", False), ("tells apart", True)):
        net = network(kind)
        with torch.no_grad():
            once, twice = (net.encode(torch.tensor([x]))[0] for x in ([1, 5], [1, 1]))
            assert (not torch.equal(once, twice)) == differs
            scores = net(torch.tensor([[1, 5]]), prefix) - net(torch.tensor([[1, 1]]), prefix)
        assert float(scores.abs().max()) > 0


def test_a_plain_network_does_not_commute() -> None:
    """The laws above can fail."""
    slots, net = some_slots(), network("recurrent").network
    x, y = torch.tensor([[1, 2, 5]]), torch.tensor([[START, 4]])
    names = torch.tensor([[1, 2, 0, 3, 4]])
    where = slots.renamed(names, torch.arange(OUTPUTS)[None], "outputs")
    moved = net(slots.renamed(names, x), slots.renamed(names, y, "outputs"))
    taken = moved.gather(2, where[:, None].expand_as(moved))
    assert float((taken - net(x, y)).abs().max().detach()) > 1e-3


@given(sizes=SIZES)
def test_canonical_names_make_any_network_invariant(sizes: tuple[int, int, int, int]) -> None:
    example = example_of(sizes)
    torch.manual_seed(0)
    net = CanonicalNames(nn.Sequential(nn.Embedding(INPUTS, 3), nn.Flatten()), some_slots())
    moved = some_slots().renamed(example.names, example.inputs)
    assert torch.equal(net(moved), net(example.inputs))


@KINDS
def test_translations_move_with_the_tokens(kind: str) -> None:
    """Where nothing is tied; and they end."""
    slots, net = some_slots(), network(kind, seed=2)
    x = torch.tensor([[1, 2, 5, 7], [5, 1, 2, 4]])
    names = torch.tensor([[2, 0, 1, 4, 3]]).expand(2, -1)
    said = translated(net, x, 7)
    moved = translated(net, slots.renamed(names, x), 7)
    assert torch.equal(slots.renamed(names, said, "outputs"), moved)
    ends = (said == END).int().cumsum(1)
    assert bool((said[ends.cumsum(1) > 1] == PAD).all())


def test_networks_are_copied_with_their_slots() -> None:
    net = network("recurrent")
    other = copy.deepcopy(net)
    other.load_state_dict(net.state_dict())
    x, y = torch.tensor([[1, 5]]), torch.tensor([[START, 7]])
    assert torch.equal(net(x, y), other(x, y))
    assert [name for name in net.state_dict() if "slots" in name] == ["slots._mark"]


def test_gradients_flow() -> None:
    net = network("transformer").train()
    net(torch.tensor([[1, 5]]), torch.tensor([[START, 7]])).logsumexp(2).sum().backward()
    missing = [name for name, p in net.named_parameters() if p.grad is None]
    assert missing == []
    assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)


def test_drawn_elements_keep_classes() -> None:
    names = some_slots().draw(200, torch.Generator().manual_seed(0))
    assert names[:, :3].sort(1).values.tolist() == [[0, 1, 2]] * 200
    assert names[:, 3:].sort(1).values.tolist() == [[3, 4]] * 200
    assert len({tuple(row) for row in names.tolist()}) == 12


def test_no_classes_change_nothing() -> None:
    slots = Slots(4, 5, [])
    x = torch.tensor([[1, 3]])
    assert torch.equal(slots.renamed(slots.names(x), x), x)
    net = RecurrentTranslator(4, 5, width=4).eval()
    y = torch.tensor([[START, 3]])
    assert torch.equal(SlotTranslator(net, slots)(x, y), net(x, y).log_softmax(2))


@pytest.mark.parametrize(
    ("classes", "parts"),
    [
        ([[([1], [3]), ([2], [])]], ["slots that own the same number", "a token of each kind"]),
        ([[([1], []), ([1], [])]], ["different tokens below 4", "got 1"]),
        ([[([1], []), ([9], [])]], ["different tokens below 4", "got 9"]),
        ([[]], ["slots that own"]),
    ],
)
def test_wrong_classes_are_refused(classes: list, parts: list[str]) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError) as problem:
        Slots(4, 5, classes)
    assert is_helpful(problem, "Slots: classes must be", *parts)


def test_long_sequences_are_refused() -> None:
    net = TransformerTranslator(4, 5, width=4, layers=1, heads=1, longest=3)
    with pytest.raises(InputError) as problem:
        net(torch.ones(1, 4, dtype=torch.int64), torch.ones(1, 1, dtype=torch.int64))
    assert is_helpful(problem, "at most 3 places, got 4", "longest=4")


@KINDS
def test_rows_of_filling_alone_have_scores(kind: str) -> None:
    """And more of it changes nothing."""
    prefix = torch.tensor([[START, 4]])
    for net in (network(kind), network(kind).network):
        one, more = (net(torch.full((1, time), PAD), prefix) for time in (1, 3))
        assert bool(one.exp().isfinite().all())
        torch.testing.assert_close(one, more, rtol=0, atol=1e-6)


def test_a_translator_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Translator(4, 5, 6)  # type: ignore[abstract]


@pytest.mark.parametrize(
    "slots",
    [
        Slots(5, 5, []),
        Slots(4, 6, []),
        Slots(4, 5, [[([PAD], []), ([1], [])]]),
        Slots(4, 5, [[([], [END]), ([], [3])]]),
        Slots(4, 5, [[([], [3]), ([], [START])]]),
    ],
)
def test_slots_of_other_tokens_are_refused(slots: Slots) -> None:
    with pytest.raises(InputError) as problem:
        SlotTranslator(RecurrentTranslator(4, 5, width=4), slots)
    assert is_helpful(problem, "SlotTranslator: slots must be of", "in a slot, got")


def test_wrong_sizes_of_networks_are_refused() -> None:
    with pytest.raises(InputError) as problem:
        TransformerTranslator(4, 5, width=6, heads=4)
    assert is_helpful(problem, "width must be a multiple of heads = 4, got 6", "width=8")
    for kind in (RecurrentTranslator, TransformerTranslator):
        for dropout in (1.0, -0.1, float("nan")):
            with pytest.raises(InputError, match="dropout must be"):
                kind(4, 5, width=4, dropout=dropout)
