"""`grouplearn train`, `predict` and the others on commands of verbs, of which one stands alone."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from grouplearn import Discovery
from grouplearn.commands import progress
from grouplearn.commands.train_tokens import Translation
from grouplearn.domains.token_numbers import PairNumbers
from grouplearn.models import RecurrentTranslator, SlotTranslator, TransformerTranslator
from grouplearn.tensorfile import read_tensors, write_tensors
from grouplearn.training import exact_match, load
from tests.e2e.running import Outcome, files, run_in

VERBS, ALONE = ("walk", "run", "look", "jump"), "jump"
TIMES = {"and": 1, "twice-and": 2, "thrice-and": 3}
Pair = tuple[list[str], list[str]]
OPTIONS = ["--test", "test.txt", "--epochs", "50", "--batch-size", "16", "--learning-rate", "0.02",
           "--parameters", "6000"]  # fmt: skip
SHORT = ["--epochs", "2", "--parameters", "2000", "--overwrite", "--json"]


def obeyed(command: list[str]) -> list[str]:
    """What a command asks for, word by word."""
    if len(command) == 1:
        return [command[0].upper()]
    first, second = [command[0].upper()] * TIMES[command[1]], [command[-1].upper()]
    return second + first if "after" in command else first + second


def language() -> list[Pair]:
    """Commands of one verb or of two."""
    commands = [[verb] for verb in VERBS]
    for one, words, other in itertools.product(VERBS, TIMES, VERBS):
        commands += [[one, words, other], [one, words, "after", other]]
    return [(command, obeyed(command)) for command in commands]


def marked(pairs: list[Pair]) -> str:
    return "".join(f"IN: {' '.join(x)} OUT: {' '.join(y)}\n" for x, y in pairs)


def parts() -> tuple[list[Pair], list[Pair]]:
    """Pairs in which one verb stands alone, and those in which it meets others."""
    every = language()
    meets = [pair for pair in every if ALONE in pair[0] and len(pair[0]) > 1]
    return [pair for pair in every if pair not in meets], meets


def ok(outcome: Outcome) -> Outcome:
    assert outcome.status == 0, outcome.err
    return outcome


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the language, a run that accepts the hypothesis, and one that does not."""
    folder = tmp_path_factory.mktemp("tokens")
    train, test = parts()
    (folder / "train.txt").write_text(marked(train))
    (folder / "test.txt").write_text(marked(test))
    run = run_in(folder)
    said = ok(run("train", "train.txt", *OPTIONS, "--accept", ALONE, "--out", "accepted")).out
    assert "Accepted by the user" in " ".join(said.split())
    said = ok(run("train", "train.txt", *OPTIONS, "--out", "claimed")).out
    assert "Suggested, not shown: S4" in " ".join(said.split())
    return folder


def result(folder: Path) -> dict:  # type: ignore[type-arg]
    found: dict = json.loads((folder / "result.json").read_text())  # type: ignore[type-arg]
    return found


def test_the_verb_is_obeyed_only_where_the_hypothesis_is_accepted(trained: Path) -> None:
    whole, part = (result(trained / name) for name in ("accepted", "claimed"))
    assert (whole["claimed"], whole["group"], part["group"]) == ("S3", "S4", "S3")
    assert (whole["score"], whole["tested"]) == (1.0, len(parts()[1]))
    assert part["score"] < 0.1
    (low, high), (_, least) = whole["score_interval"], part["score_interval"]
    assert low == pytest.approx(0.025 ** (1 / 42))  # Clopper and Pearson, of no mistake
    assert (high, least) == (1.0, pytest.approx(1 - 0.025 ** (1 / 42)))
    (hypothesis,), (other,) = whole["hypotheses"], part["hypotheses"]
    assert (hypothesis["accepted"], other["accepted"]) == (True, False)
    assert {"in:jump", "out:JUMP"} <= set(hypothesis["move"].replace(",", "").split())
    assert whole["repeated"] == whole["unknown"] == 0


def test_a_run_is_whole(trained: Path) -> None:
    folder = trained / "accepted"
    named = json.loads((folder / "config.json").read_text())
    assert files(folder) == set(named["files"]) == {
        "config.json", "history.png", "log/metrics.csv", "network.safetensors", "report.html",
        "result.json", "weights/representation.safetensors",
    }  # fmt: skip
    assert named["options"]["accept"] == [ALONE]
    rows = list(csv.DictReader((folder / "log" / "metrics.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [100, 200]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    assert Discovery.load(folder / "weights" / "representation.safetensors").group.name == "S4"
    page = (folder / "report.html").read_text()
    assert "It rests on a hypothesis" in page
    assert "Where it is right" in page
    assert "Where it errs" not in page
    errs = (trained / "claimed" / "report.html").read_text()
    assert "Where it errs" in errs
    assert "It rests on a hypothesis" not in errs
    # Inputs, and outputs as they should be.
    assert all(" ".join(parts()[1][0][side]) in each for each in (page, errs) for side in (0, 1))


def test_the_score_is_that_of_the_saved_network(trained: Path) -> None:
    for name in ("accepted", "claimed"):
        found, network = result(trained / name), load(trained / name / "network.safetensors")
        assert isinstance(network, SlotTranslator)
        assert sum(each.numel() for each in network.parameters()) == found["parameters"]
        numbers = PairNumbers(*(tuple(found["tokens"][side]) for side in ("inputs", "outputs")))
        x, y = zip(*parts()[1], strict=True)
        assert exact_match(network, numbers.read(x), numbers.outputs_of(y)) == found["score"]


def test_new_commands_are_translated(trained: Path) -> None:
    run, new = run_in(trained), [x for x, _ in parts()[1][::5]]
    (trained / "new.txt").write_text("\n".join(" ".join(x) for x in new))
    said = ok(run("predict", "accepted", "new.txt", "--out", "new.csv", "--overwrite")).out
    assert said == f"{len(new)} outputs, written to new.csv.\n"
    rows = list(csv.DictReader((trained / "new.csv").read_text().splitlines()))
    assert rows == [
        {"input": " ".join(x), "output": " ".join(obeyed(x)), "ended": "yes"} for x in new
    ]
    listed = ok(run("predict", "accepted", "new.txt", "--json")).json
    assert listed[1] == {"input": new[1], "output": obeyed(new[1]), "ended": True}
    pairs = ok(run("predict", "accepted", "test.txt")).out.splitlines()
    assert len(pairs) == 1 + len(parts()[1])


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("walk\n\njump and fly\n", "tokens that the network has learned from, got 'fly' on line 3"),
        ("walk\n" + "and " * 1001, "inputs of at most 1,000 tokens, got 1,001 on line 2"),
        ("", "a text file with tokens, got none"),
        ("input\toutput\n", "a text of inputs, got none"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(content: str, part: str, trained: Path) -> None:
    (trained / "odd.txt").write_text(content)
    made = run_in(trained)("predict", "accepted", "odd.txt", "--out", "odd.csv")
    assert (made.status, made.err.count("\n")) == (2, 1)
    assert part in made.err
    assert "'odd.txt'" in made.err
    assert not (trained / "odd.csv").exists()


def test_a_network_of_other_tokens_is_refused(trained: Path) -> None:
    folder = trained / "changed"
    folder.mkdir(exist_ok=True)
    found = result(trained / "accepted")
    found["tokens"]["inputs"].append("fly")
    (folder / "result.json").write_text(json.dumps(found))
    held = read_tensors(trained / "accepted" / "network.safetensors")
    write_tensors(folder / "network.safetensors", held.tensors, held.info)
    made = run_in(trained)("predict", "changed", "test.txt")
    assert made.status == 2
    assert "with a network of 10 and 7 tokens, as its result says" in made.err


def test_other_commands_read_the_run(trained: Path) -> None:
    run = run_in(trained)
    (seen,) = ok(run("inspect", "claimed", "--json")).json
    names = {matrix["name"] for matrix in seen["matrices"]}
    assert "in:run <-> in:walk, out:RUN <-> out:WALK" in names
    (again,) = ok(run("inspect", "claimed/weights/representation.safetensors", "--json")).json
    assert again["matrices"] == seen["matrices"]
    assert "S4" in ok(run("inspect", "accepted", "--out", "page.html")).out
    assert "in:jump" in (trained / "page.html").read_text()
    rows = ok(run("compare", "accepted", "claimed", "--json")).json
    assert [each["mean"][0] for each in rows] == [1.0, result(trained / "claimed")["score"]]
    assert [each["groups"] for each in rows] == [["S4"], ["S3"]]
    made = run("export", "accepted", "--to", "network.onnx")
    assert (made.status, "a run on images or sequences, got one on tokens" in made.err) == (2, True)


def test_discoveries_are_told_in_tokens(trained: Path) -> None:
    run = run_in(trained)
    ok(run("discover", "train.txt", "--out", "found", "--quiet"))
    (seen,) = ok(run("inspect", "found", "--json")).json
    assert {m["name"] for m in seen["matrices"]} == {
        "in:look -> in:walk -> in:run -> in:look, out:LOOK -> out:WALK -> out:RUN -> out:LOOK",
        "in:run <-> in:walk, out:RUN <-> out:WALK",
    }


@pytest.mark.parametrize("form", ["json", "tsv"])
def test_forms_of_pairs_and_options_in_a_file_train_alike(form: str, trained: Path) -> None:
    run, train = run_in(trained), parts()[0]
    lines = [
        json.dumps({"input": x, "output": y}) if form == "json" else f"{' '.join(x)}\t{' '.join(y)}"
        for x, y in train
    ]
    (trained / f"pairs.{form}").write_text("\n".join(lines))
    (trained / "short.json").write_text(json.dumps({
        "kind": "tokens", "epochs": 2, "parameters": 2000, "accept": ["all"], "test": "test.txt",
    }))  # fmt: skip
    outcomes = [
        ok(run("train", f"pairs.{form}", *options, "--out", "form")).json
        for options in (
            ["--config", "short.json", "--overwrite", "--json"],
            [*SHORT, "--accept", "all", "--test", "test.txt", "--kind", "tokens"],
        )
    ]
    first, second = (
        {k: v for k, v in each.items() if k not in ("seconds", "folder")} for each in outcomes
    )
    assert first == second
    assert (first["group"], first["steps"]) == ("S4", 2)


def test_a_plain_transformer_is_tested_on_inputs_held_out(trained: Path) -> None:
    """Each input on one side alone, each pair once in the test, a token unknown now and then."""
    run, every = run_in(trained), language()
    (trained / "every.txt").write_text(marked([*every, *every, (["skip"], ["SKIP"])]))
    line = ["train", "every.txt", "--network", "plain", "--translator", "transformer", *SHORT]
    seeds = [ok(run(*line, "--seed", str(seed), "--out", "plain")).json for seed in (0, 1)]
    assert {each["tested"] for each in seeds} == {(len(every) + 1) // 5}
    assert {each["repeated"] for each in seeds} == {0}
    # A token is unknown where its only input is held out.
    unknown = [each["unknown"] for each in seeds]
    assert unknown == [int("skip" not in each["tokens"]["inputs"]) for each in seeds]
    assert set(unknown) == {0, 1}
    found = result(trained / "plain")
    network = load(trained / "plain" / "network.safetensors")
    assert isinstance(network, TransformerTranslator)
    assert "group" not in found
    assert found["tokens"]["longest_input"] == network.places.num_embeddings == 5
    sizes = [
        sum(p.numel() for p in TransformerTranslator(*known, width, longest=5).parameters())
        for known in [(network.inputs, network.outputs)] for width in (4, 8, 12)
    ]  # fmt: skip
    assert found["parameters"] == min(sizes, key=lambda size: abs(size - 2000))
    made = run("inspect", "plain")
    assert (made.status, "something with an action" in made.err) == (2, True)
    (trained / "long.txt").write_text("walk and walk and walk and walk\n")
    made = run("predict", "plain", "long.txt")
    assert "inputs of at most 5 tokens, got 7 on line 1" in made.err


def test_where_nothing_is_found_the_network_is_plain(trained: Path) -> None:
    run, rng = run_in(trained), torch.Generator().manual_seed(0)
    words = ["a", "b", "c", "d"]
    pairs = []
    for k in range(60):  # in which each token has a rhythm of its own
        chosen = torch.multinomial(torch.tensor([8.0, 4, 2, 1]), 1 + k % 4, True, generator=rng)
        pairs.append(([words[c] for c in chosen], ["x"] * (1 + int(chosen.sum()) % 3)))
    (trained / "none.txt").write_text(marked(pairs))
    found = ok(run("train", "none.txt", *SHORT, "--accept", "all", "--out", "none")).json
    assert (found["group"], found["hypotheses"]) == ("C1", [])
    assert found["network"] == "recurrent encoder-decoder, no group found"
    assert isinstance(load(trained / "none" / "network.safetensors"), RecurrentTranslator)


def test_a_loss_that_is_no_number_ends_the_run(trained: Path) -> None:
    run = run_in(trained)
    made = run("train", "train.txt", *SHORT, "--network", "plain", "--learning-rate", "1e9",
               "--epochs", "50", "--out", "lost")  # fmt: skip
    assert made.status == 1
    assert "pass a smaller --learning-rate" in made.err
    assert not (trained / "lost").exists()


def test_progress_is_told_at_a_terminal(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def console(**options: Any) -> Any:
        return Console(**options, force_terminal=True)

    monkeypatch.setattr(progress, "Console", console)
    line = ["train", "train.txt", "--network", "plain", "--epochs", "1", "--overwrite"]
    made = ok(run_in(trained)(*line, "--out", "told"))
    assert "drawing" in made.err
    assert "Recurrent encoder-decoder, plain" in made.out
    assert "drawing" not in ok(run_in(trained)(*line, "--out", "told", "--quiet")).err


def test_what_is_cut_off_is_not_right() -> None:
    """Whatever the last word is: three dots, which the page shows, may be a token of the data."""
    pair = (("go",), ("GO", "..."))
    assert Translation(pair, ("GO", "..."), ended=True).is_right
    assert not Translation(pair, ("GO", "..."), ended=False).is_right
    assert not Translation(pair, ("GO",), ended=True).is_right
    assert not Translation(pair, None, ended=False).is_right
