"""Files of encoder-decoders of tokens: what comes back is the same to the last bit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from grouplearn.errors import DataError, InputError
from grouplearn.models import (
    RecurrentTranslator,
    Slots,
    SlotTranslator,
    TransformerTranslator,
    Translator,
    translated,
)
from grouplearn.models.translators import START
from grouplearn.tensorfile import read_tensors, write_tensors
from grouplearn.training import load, save
from tests.unit.examples import is_helpful

INPUTS, OUTPUTS = 9, 12
CLASSES: list[list[tuple[list[int], list[int]]]] = [
    [([1], [4, 7]), ([5], [3, 9]), ([2], [6, 8])],
    [([7], []), ([3], [])],
]
"""Of two kinds of slots: with an input and two outputs in no order, and with an input alone."""
X = torch.tensor([[1, 5, 4, 2], [7, 3, 8, 0]])
Y = torch.tensor([[START, 4, 9, 10], [START, 11, 6, 7]])


def slotted(network: Translator, *, tells_apart: bool = False) -> SlotTranslator:
    return SlotTranslator(network, Slots(INPUTS, OUTPUTS, CLASSES), tells_apart=tells_apart)


def transformer() -> TransformerTranslator:
    return TransformerTranslator(INPUTS, OUTPUTS, 12, layers=3, heads=6, dropout=0.3, longest=7)


NETWORKS: dict[str, Callable[[], Translator]] = {
    "recurrent": lambda: RecurrentTranslator(INPUTS, OUTPUTS, width=6, dropout=0.2),
    "transformer": transformer,
    "wide": lambda: TransformerTranslator(INPUTS, OUTPUTS, 128, layers=1),
    "slots": lambda: slotted(RecurrentTranslator(INPUTS, OUTPUTS, width=8)),
    "slots that are told apart": lambda: slotted(transformer(), tells_apart=True),
    "no slots": lambda: SlotTranslator(transformer(), Slots(INPUTS, OUTPUTS, [])),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_translators_come_back_whole(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]().to(dtype).eval()
    next(network.parameters()).requires_grad_(False)
    save(network, tmp_path / "network")
    loaded = load(tmp_path / "network")
    assert isinstance(loaded, type(network))
    assert not loaded.training
    assert torch.equal(loaded(X, Y), network(X, Y))
    assert torch.equal(translated(loaded, X, 6), translated(network, X, 6))
    assert repr(loaded) == repr(network)  # dropouts, heads, sizes of classes
    for one, other in zip(network.parameters(), loaded.parameters(), strict=True):
        assert (one.dtype, one.requires_grad) == (other.dtype, other.requires_grad)
    for each in (network, loaded):
        torch.manual_seed(1)
        each.train()
    torch.manual_seed(1)
    drawn = network(X, Y)
    torch.manual_seed(1)
    assert torch.equal(loaded(X, Y), drawn)  # names and dropout are drawn alike


def test_slots_say_what_they_were_built_of() -> None:
    assert Slots(INPUTS, OUTPUTS, CLASSES).members() == CLASSES
    assert Slots(4, 0, []).members() == []


@pytest.mark.parametrize("kind", [RecurrentTranslator, TransformerTranslator])
def test_every_argument_is_in_the_file(kind: type[Translator], tmp_path: Path) -> None:
    network = kind(INPUTS, OUTPUTS, 8)
    save(network, tmp_path / "network")
    told = read_tensors(tmp_path / "network").info["module"]["sizes"]
    given = {"inputs": INPUTS, "outputs": OUTPUTS, "width": 8}
    usual = {name: each.default for name, each in inspect.signature(kind).parameters.items()}
    assert told == usual | given


@pytest.mark.parametrize("size", ["inputs", "outputs", "width", "layers", "longest"])
def test_sizes_that_are_not_there_take_no_memory(size: str, tmp_path: Path) -> None:
    """A file of a few kilobytes cannot ask for gigabytes."""
    file = tmp_path / "network"
    save(slotted(transformer()), file)
    found = read_tensors(file)
    found.info["module"]["network"]["sizes"][size] *= 10**6
    write_tensors(file, found.tensors, found.info)
    with pytest.raises(DataError) as problem:
        load(file)
    assert is_helpful(problem, "load: path", "does not fit its tensors", "numbers, as a")


@pytest.mark.parametrize(
    "classes", [[[[[1], [4]], [[1], [3]]]], [[[[1], [40]], [[2], [3]]]], [[1]], 5]
)
def test_slots_that_cannot_be_are_refused(classes: object, tmp_path: Path) -> None:
    file = tmp_path / "network"
    save(slotted(transformer()), file)
    found = read_tensors(file)
    found.info["module"]["slots"] = classes
    write_tensors(file, found.tensors, found.info)
    with pytest.raises(DataError, match="does not fit its tensors"):
        load(file)


def test_translators_of_other_classes_are_refused(tmp_path: Path) -> None:
    class Own(Translator):
        encode = advance = judge = None  # type: ignore[assignment]

    for network in (Own(INPUTS, OUTPUTS, 8), slotted(Own(INPUTS, OUTPUTS, 8))):
        with pytest.raises(InputError) as problem:
            save(network, tmp_path / "network")
        assert is_helpful(problem, "save: module must be a network of this library, got Own")
    assert list(tmp_path.iterdir()) == []
