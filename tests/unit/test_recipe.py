"""`choose_group`: one call that gives what `grouplearn train` gives, on images and on sequences."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn.commands import network_lines
from grouplearn.commands.train_data import load_data
from grouplearn.commands.train_kinds import ActionOptions, SequenceOptions, TrainOptions
from grouplearn.domains.choosing import NetworkDomain
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.rebuilt import rotated
from grouplearn.domains.samples import sample_labelled_digits
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.errors import DataError, InputError
from grouplearn.models import LGCNN, SequenceNetwork
from grouplearn.training import (
    Classification,
    FitOptions,
    Labelled,
    as_labelled,
    choosing,
    fit,
    load,
)
from tests.e2e.running import run_in

OPTIONS = ["--epochs", "1", "--batch-size", "16", "--parameters", "1500", "--seed", "3"]
FIT = FitOptions(epochs=1, batch_size=16, seed=3)


def turned_digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sixty zeros and ones, each turned by an angle of its own."""
    digits = sample_labelled_digits()
    some = np.flatnonzero(digits.labels < 2)[:60]
    return rotated(digits.images[some, 0], seed=0), digits.labels[some]


def write_digits() -> str:
    """Fifty of them, and ten to test."""
    images, labels = turned_digits()
    np.savez(
        "digits.npz", x_train=images[:50], y_train=labels[:50], x_test=images[50:],
        y_test=labels[50:],
    )  # fmt: skip
    return "digits.npz"


def write_letters() -> str:
    """A hundred random sequences on either strand, half of them with a motif."""
    rng, turn = np.random.default_rng(0), SequenceDomain().known_actions()["reverse-complement"]
    lines = []
    for k in range(100):
        text = "".join(rng.choice(list("ACGT"), 30, p=[0.5, 0.2, 0.05, 0.25]))
        text = text[:20] + "TGACGT" * (k % 2) + text[20:][: 10 - 6 * (k % 2)]
        text = turn(text) if rng.random() < 0.5 else text
        text = text if k > 3 else f"{text[:5]}N{text[6:]}"
        lines.append(f"{text}\t{'with' if k % 2 else 'free'}")
    Path("letters.tsv").write_text("sequence\tclass\n" + "\n".join(lines) + "\n")
    return "letters.tsv"


@pytest.mark.parametrize(
    ("write", "domain", "more", "network"),
    [
        (write_digits, ImageDomain(3), [], LGCNN),
        (write_letters, SequenceDomain(window=4),
         ["--labels", "class", "--ambiguous", "blank"], SequenceNetwork),
    ],
)  # fmt: skip
def test_the_call_gives_what_the_command_gives(
    write: Any,
    domain: NetworkDomain,
    more: list[str],
    network: type[torch.nn.Module],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same runs, choice and, trained on, weights; what the folder keeps is not run again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(choosing, "_MOST_RUNS", 1)
    made = run_in(tmp_path)("train", write(), *more, *OPTIONS, "--out", "a", "--json")
    assert made.status == 0, made.err
    config = json.loads(Path("a/config.json").read_text())["options"]
    sequences = {**config["sequences"], "others": ()}
    data = load_data(TrainOptions(config["data"], config["kind"], fit=FIT,
                                  sequences=SequenceOptions(**sequences))).train  # fmt: skip
    build = partial(domain.network, parameters=1500)
    choice = domain.choose_group(data, build, options=FIT, folder="b")
    rows = made.json["choice"]
    assert len(rows) > 1, "a choice was to be made"
    assert [[row["group"], row["score"], row["runs"], row["chosen"]] for row in rows] == [
        [str(each.rep.group), each.score, len(each.scores), each.rep is choice.rep]
        for each in choice.tried
    ]
    assert choice.found is not None
    assert choice.found.summary() in made.json["action"]
    assert choice.reason in made.json["action"]
    kept = json.loads(Path("b/choice.json").read_text())
    seconds = [row.pop("seconds") for row in kept["tried"]]
    assert min(second for second in seconds if second) > 0
    told: list[Any] = []
    again = domain.choose_group(data, build, options=FIT, folder="b", watch=told.append)
    assert told == []
    assert again.summary() == choice.summary()

    trained = build(data, choice.rep, torch.Generator().manual_seed(3))
    fit(trained, data, options=FIT)
    loaded = load("a/network.safetensors")
    assert any(isinstance(part, network) for part in loaded.modules())
    state = loaded.state_dict()
    assert state.keys() == trained.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in trained.state_dict().items())


def test_defaults_are_the_same_everywhere() -> None:
    """What the command line shows, what its options hold, and what the library takes."""
    typed = {
        name: given.default
        for name, given in inspect.signature(network_lines.train).parameters.items()
        if given.default is not inspect.Parameter.empty
    }
    held: dict[str, Any] = {}
    for kind in (TrainOptions, ActionOptions, SequenceOptions, FitOptions):
        held |= {each.name: each.default for each in fields(kind)}
    held["action"] = held["source"]
    # None at the command line: what is found, or what this kind of data takes.
    shared = {name for name in set(typed) & set(held) if name not in ("kind", "seed")}
    shared -= {"epochs", "batch_size", "learning_rate"}
    assert len(shared) > 20
    assert {name: typed[name] for name in shared} == {name: held[name] for name in shared}
    for domain in (ImageDomain, SequenceDomain):
        given = inspect.signature(domain.network).parameters["parameters"]
        assert given.default == typed["parameters"]
    assert Classification().smoothing == held["smoothing"]


@pytest.mark.parametrize(
    ("name", "rows"),
    [("dna", ["ACGT", "A-TG"]), ("rna", ["ACGU", "--AA"]), ("protein", ["WY-A", "NNNN"])],
)
def test_sequences_come_back_from_their_tensors(name: Any, rows: list[str]) -> None:
    domain = SequenceDomain(name)
    x = domain.one_hot([row.lower() for row in rows], ambiguous="blank")
    assert domain.unlabelled(Labelled(x, torch.tensor([0, 1]))) == rows


def test_where_nothing_is_proposed_nothing_runs() -> None:
    """Pictures with edges at steps of two sizes, which no flip and no turn of them has."""
    rng = np.random.default_rng(0)
    images = rng.exponential(size=(80, 8, 8)) @ np.triu(0.6 ** np.arange(8) * np.ones((8, 8)))
    images = np.tril(np.ones((8, 8))) @ images
    data = as_labelled(images / images.max(), np.arange(80) % 2)
    told: list[Any] = []
    choice = ImageDomain(3).choose_group(data, watch=told.append)
    assert choice.rep.group.order == 1, choice.summary()
    assert (told, choice.tried) == ([], ())
    assert choice.summary() == "There was nothing to choose from."


@pytest.mark.usefixtures("as_in_production")
def test_what_is_no_recipe_is_refused(tmp_path: Path) -> None:
    domain, data = ImageDomain(3), as_labelled(*turned_digits())
    wrong: Any = data.x
    with pytest.raises(InputError, match=r"ImageDomain\.choose_group: data must be a Labelled"):
        domain.choose_group(wrong)
    with pytest.raises(InputError, match="choose_group: options must be a FitOptions"):
        domain.choose_group(data, options=wrong)
    with pytest.raises(InputError, match="a channel for each letter"):
        SequenceDomain().choose_group(data)
    (tmp_path / "choice.json").write_text('{"reason": "", "tried": []}')
    with pytest.raises(DataError, match="choose_group: folder must be that of a run"):
        domain.choose_group(data, folder=tmp_path)
