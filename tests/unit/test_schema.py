"""What is read from JSON and from our own files fits its types, or is refused by one line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
import torch
from safetensors.torch import save as pack

from grouplearn._schema import Number, misfit, parsed
from grouplearn.commands.results import read_options, read_result
from grouplearn.errors import DataError
from grouplearn.groups import CyclicGroup
from grouplearn.representations import (
    ChangeOfBasis,
    DenseRepresentation,
    DirectSum,
    FixedRepresentation,
    SpectralRepresentation,
)
from grouplearn.tensorfile import _digest, read_tensors, write_tensors
from grouplearn.training import Choice, FitEpoch, FitOptions, Tried, fit, load, save
from grouplearn.training.choices import keep_choice, kept_choice
from tests.unit.examples import is_one_line
from tests.unit.training_examples import plain, stripes


class Row(TypedDict):
    name: str
    value: Number


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, int), (1, float), (1.5, float), (True, bool), ("x", str), (None, int | None),
        ([1, 2], list[int]), ([1, 2], tuple[int, ...]), ((1, "x"), tuple[int, str]),
        ({"a": [1.0]}, dict[str, list[float]]), ("a", Literal["a", "b"]), ([{}], Any),
        ([{"name": "x", "value": "nan", "more": 1}], list[Row]), (torch.zeros(1), torch.Tensor),
    ],
)  # fmt: skip
def test_what_fits(value: object, wanted: Any) -> None:
    assert misfit(value, wanted) is None


@pytest.mark.parametrize(
    ("value", "wanted", "words"),
    [
        (True, int, "all: True in place of int"), (True, float, "True"), (1.0, int, "1.0"),
        (10**400, float, "1000"), ("1", float, "'1' in place of float"), (None, str, "None"),
        ([1, "x"], list[int], "1: 'x' in place of int"), ({"a": 1}, list[int], "dict"),
        ([1], tuple[int, int], "list in place of 2 values"), ([], dict[str, int], "list"),
        ({1: 1}, dict[str, int], "name 1: 1 in place of str"), ("c", Literal["a"], "'c'"),
        ([{"name": "x"}], list[Row], "0: nothing in place of 'value'"),
        ([{"name": 1, "value": 1}], list[Row], "0, 'name': 1 in place of str"),
        ({"a": {"b": [[]]}}, dict[str, dict[str, list[int]]], "'a', 'b', 0: list in place of int"),
    ],
)  # fmt: skip
def test_what_does_not(value: object, wanted: Any, words: str) -> None:
    found = misfit(value, wanted)
    assert found is not None
    assert words in found


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": "\\ud800"}', "", "nul", b"\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(text)


RESULT: dict[str, Any] = {
    "network": "plain CNN", "objective": "classification", "seed": 0, "score": 0.5,
    "images": [8, 8], "classes": ["0", "1"], "parameters": 9, "seconds": 1, "defects": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"score": 7.5}, {"score": -1}, {"score": "inf"}, {"score": "nan"}, {"score": None},
        {"seed": "0"}, {"seed": -1}, {"images": [8]}, {"images": [0, 8]}, {"images": [10**9] * 2},
        {"classes": []}, {"classes": "01"}, {"defects": {"closure": {}}}, {"moves": 1},
        {"seconds": 10**400}, {"parameters": 1.5},
    ],
)  # fmt: skip
def test_results_that_cannot_be(change: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(RESULT))
    assert read_result(tmp_path).score == 0.5
    file.write_text(json.dumps(RESULT | change))
    with pytest.raises(
        ValueError, match=r"score|seed|images|classes|moves|seconds|numbers|defects|parameters"
    ):
        read_result(tmp_path)


TOKENS: dict[str, Any] = {
    "inputs": ["", "a"], "outputs": ["", "<start>", "<end>", "b"], "longest_input": 4,
    "longest_output": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inputs": "a"}, "inputs"), ({"outputs": [1]}, "outputs"),
        ({"longest_input": 0}, "tokens"),
        ({"longest_output": 10**12}, "tokens"), ({"longest_input": "5"}, "longest_input"),
    ],
)  # fmt: skip
def test_results_on_tokens_are_whole_or_refused(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    held = {k: v for k, v in RESULT.items() if k != "images"} | {"classes": [], "tokens": TOKENS}
    file = tmp_path / "result.json"
    file.write_text(json.dumps(held))
    found = read_result(tmp_path)
    assert found.tokens == (("", "a"), ("", "<start>", "<end>", "b"), 4, 5)
    assert (found.images, found.sequences, found.classes) == (None, None, ())
    for wrong in (held | {"tokens": TOKENS | change}, held | {"images": [8, 8]}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=words if "images" not in wrong else "not either"):
            read_result(tmp_path)


def test_reconstructions_score_below_zero(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(
        json.dumps(RESULT | {"objective": "reconstruction", "score": -3.5})
    )
    assert read_result(tmp_path).score == -3.5


@pytest.mark.parametrize("options", [None, 1, [], "x"])
def test_options_are_named(options: object, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"options": options}))
    with pytest.raises(ValueError, match=r"config.json: 'options'"):
        read_options(tmp_path)


def turn() -> FixedRepresentation:
    return FixedRepresentation.from_permutations([[2, 0, 3, 1]])


@pytest.mark.parametrize(
    "change",
    [
        {"tried": [1]}, {"tried": {}}, {"reason": None}, {"reason": "\ud800"},
        {"row": {"held_out": 0}}, {"row": {"held_out": "9"}}, {"row": {"scores": [2.0]}},
        {"row": {"scores": 1}}, {"row": {"chosen": False}}, {"row": {"chosen": "yes"}},
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be(change: dict[str, Any], tmp_path: Path) -> None:
    rep = turn()
    keep_choice(tmp_path, Choice(rep, (Tried(rep, (0.5,), 9, 1.0),), "the best"))
    found = kept_choice(tmp_path, [rep])
    assert found is not None
    assert (found.rep, found.reason) == (rep, "the best")
    file = tmp_path / "choice.json"
    kept = json.loads(file.read_text())
    kept["tried"][0] |= change.pop("row", {})
    file.write_text(json.dumps(kept | change))
    with pytest.raises(DataError) as problem:
        kept_choice(tmp_path, [rep])
    assert is_one_line(str(problem.value))


def changed(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Our own file with another description and a checksum that is right again."""
    tensors, info = read_tensors(file)
    change(info)
    write_tensors(file, tensors, info)


def put(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda info: info["module"].update({name: value})


@pytest.mark.parametrize(
    "change",
    [
        put("dtype", "load"), put("dtype", "int64"), put("dtype", 1),
        lambda info: info["module"]["parts"][1].update(dim="x"),
        lambda info: info["module"]["parts"][1].update(dim=1.5),
        put("class", []), put("class", "x"), put("parts", 3), put("parts", [{}]),
        put("group", 0.5), put("group", {"class": "TableGroup", "right": "x"}),
        put("group", {"class": "CyclicGroup", "n": None}), lambda info: info.update(module=3),
        lambda info: info.update(frozen=7), lambda info: info.pop("module"),
    ],
)  # fmt: skip
def test_descriptions_that_fit_no_module(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    file = tmp_path / "saved"
    save(DirectSum([turn(), turn()]), file)
    changed(file, change)
    with pytest.raises(DataError) as problem:
        load(file)
    assert is_one_line(str(problem.value))


def test_a_description_that_is_no_object_of_names(tmp_path: Path) -> None:
    file = tmp_path / "saved"
    save(turn(), file)
    tensors, _ = read_tensors(file)
    for info in ("[1]", "3", "null", "{", "[" * 100_000):
        digest = _digest(tensors, info)
        file.write_bytes(pack(tensors, {"format": "grouplearn", "version": "1", "info": info,
                                        "sha256": digest}))  # fmt: skip
        with pytest.raises(DataError, match=r"a description (by names|in JSON)"):
            load(file)


@pytest.mark.parametrize("kind", ["based", "spectral"])
@pytest.mark.parametrize(
    "change",
    [
        lambda value: value * 0, lambda value: value * math.nan,
        lambda value: value.long(), lambda value: value[None],
    ],
)  # fmt: skip
def test_tensors_that_fit_no_module(
    kind: str, change: Callable[[torch.Tensor], torch.Tensor], tmp_path: Path
) -> None:
    file, group = tmp_path / "saved", CyclicGroup(4)
    based = ChangeOfBasis(DenseRepresentation(group, 4), torch.eye(4))
    save(based if kind == "based" else SpectralRepresentation(group, 4), file)
    tensors, info = read_tensors(file)
    write_tensors(file, {**tensors, "basis": change(tensors["basis"])}, info)
    with pytest.raises(DataError) as problem:
        load(file)
    assert is_one_line(str(problem.value))


@pytest.mark.parametrize("index", [2**62, -1, 1])
def test_indices_that_are_not_those_of_the_action(index: int, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    rep = turn()
    save(rep, file)
    tensors, info = read_tensors(file)
    sources = tensors["_sources"].clone()
    sources[next(g for g in range(4) if g not in (0, *rep.group.generators)), 0] = index
    write_tensors(file, {**tensors, "_sources": sources}, info)
    if not torch.equal(sources, tensors["_sources"]):
        with pytest.raises(DataError, match="indices as described"):
            load(file)


def entry(info: dict[str, Any], *names: str) -> Any:
    """What is packed under these names, one within the other."""
    held = info["checkpoint"]
    for name in names:
        held = next(value for key, value in held["map"] if key == name)
    return held


def emptied(*names: str) -> Callable[[dict[str, Any]], object]:
    return lambda info: entry(info, *names)["map"].clear()


def replaced(*names: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(info: dict[str, Any]) -> None:
        for pair in entry(info, *names[:-1])["map"]:
            if pair[0] == names[-1]:
                pair[1] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        emptied(), emptied("state_dict"), emptied("callbacks"), emptied("callbacks", "history"),
        emptied("loops"), replaced("callbacks", "history", "epochs", value={"list": [3]}),
        replaced("callbacks", "history", "known", value="[[["),
        replaced("pytorch-lightning_version", value="x"), replaced("optimizer_states", value=1),
        replaced("state_dict", value={"tensor": "x"}),
        lambda info: info.update(checkpoint=3), lambda info: info.update(checkpoint={"map": [1]}),
        lambda info: info.update(checkpoint={"pickle": 1}),
    ],
)  # fmt: skip
def test_checkpoints_that_fit_no_training(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    once = FitOptions(epochs=2, batch_size=24)
    fit(plain(), stripes(24), options=once, folder=tmp_path)
    changed(tmp_path / "last.safetensors", change)
    with pytest.raises(DataError) as problem:
        fit(plain(), stripes(24), options=once, folder=tmp_path)
    assert is_one_line(str(problem.value))


def test_momenta_of_other_shapes(tmp_path: Path) -> None:
    options = FitOptions(epochs=2, batch_size=24)

    def end(epoch: FitEpoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(plain(), stripes(24), options=options, folder=tmp_path, watch=end)
    file = tmp_path / "last.safetensors"
    tensors, info = read_tensors(file)
    name = next(each for each in tensors if tensors[each].ndim == 4 and "state_dict" not in each)
    write_tensors(file, {**tensors, name: torch.zeros(3)}, info)
    with pytest.raises(DataError, match="start the run anew"):
        fit(plain(), stripes(24), options=options, folder=tmp_path)
