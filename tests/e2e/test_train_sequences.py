"""`grouplearn train`, `predict` and `export` on sequences with a motif on either strand."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grouplearn.domains.sequence_files import read_records
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.models import SequenceNetwork
from grouplearn.training import load
from tests.e2e.running import Run, files, run_in

STRANDS = SequenceDomain().known_actions()["reverse-complement"]
OPTIONS = ["--parameters", "3000", "--epochs", "12", "--batch-size", "16"]
GIVEN = ["--action", "reverse-complement", *OPTIONS]


def letters(rng: np.random.Generator, count: int, *, bound: bool) -> list[str]:
    """Random sequences of 40 letters; bound ones hold a motif, on a random strand."""
    found = []
    for _ in range(count):
        text = "".join(rng.choice(list("ACGT"), 40))
        place = int(rng.integers(30))
        text = text[:place] + "TGACGTTA" + text[place + 8 :] if bound else text
        found.append(STRANDS(text) if rng.random() < 0.5 else text)
    return found


def fasta(name: str, rows: list[str]) -> None:
    lines = "".join(f">{Path(name).stem}{k} x\n{row}\n" for k, row in enumerate(rows))
    Path(name).write_text(lines)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of both classes, and a network trained on them."""
    folder, rng = tmp_path_factory.mktemp("sequences"), np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        fasta("bound.fa", letters(rng, 200, bound=True))
        fasta("free.fa", letters(rng, 200, bound=False))
        new = letters(rng, 10, bound=True) + letters(rng, 10, bound=False)
        fasta("new.fa", new)
        fasta("turned.fa", [STRANDS(each) for each in new])
    made = run_in(folder)("train", "bound.fa", "free.fa", *GIVEN, "--out", "run")
    assert made.status == 0, made.err
    assert "Of bound against the rest: AUROC" in made.out
    return folder


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_run_is_whole_and_tells_the_classes_apart(trained: Path) -> None:
    assert files(trained / "run") >= {
        "config.json", "result.json", "report.html", "network.safetensors", "filters.png",
        "history.png", "log/metrics.csv",
    }  # fmt: skip
    found = json.loads((trained / "run" / "result.json").read_text())
    assert (found["group"], found["moves"]) == ("C2", ["reverse-complement"])
    assert (found["classes"], found["positive"], found["tested"]) == (
        ["bound", "free"],
        "bound",
        80,
    )
    low, high = found["auroc_interval"]
    assert 0.75 < low < found["auroc"] <= high <= 1
    assert found["auprc_interval"][0] < found["auprc"] <= found["auprc_interval"][1]
    assert found["sequences"] == {
        "alphabet": "dna", "length": 40, "ambiguous": "refuse", "resized": False,
    }  # fmt: skip
    network = load(trained / "run" / "network.safetensors")
    assert isinstance(network, SequenceNetwork)
    assert sum(each.numel() for each in network.parameters()) == found["parameters"]
    page = (trained / "run" / "report.html").read_text()
    assert "AUROC" in page
    assert "reverse-complement" in page


def test_the_class_that_is_looked_for_can_be_named(trained: Path) -> None:
    run, short = run_in(trained), [*GIVEN, "--epochs", "1", "--quiet"]
    found = []
    for name in ("bound", "free"):
        made = run("train", "bound.fa", "free.fa", *short, "--positive", name, "--out", name)
        assert made.status == 0, made.err
        found.append(json.loads((trained / name / "result.json").read_text()))
    assert [each["positive"] for each in found] == ["bound", "free"]
    # Each pair of one of both classes is in order in both views; shares of the classes swap.
    assert found[0]["auroc"] == pytest.approx(found[1]["auroc"])
    assert found[0]["auprc"] != pytest.approx(found[1]["auprc"])


def test_predictions_are_those_of_the_network_on_both_strands(trained: Path) -> None:
    run = run_in(trained)
    for name in ("new", "turned"):
        made = run("predict", "run", f"{name}.fa", "--out", f"{name}.csv", "--overwrite")
        assert (made.status, made.out) == (0, f"20 sequences, written to {name}.csv.\n")
    rows, turned = table(trained / "new.csv"), table(trained / "turned.csv")
    assert [row["sequence"] for row in rows] == [f"new{k}" for k in range(20)]
    network = load(trained / "run" / "network.safetensors")
    x = SequenceDomain().one_hot([each.letters for each in read_records(trained / "new.fa")])
    with torch.no_grad():
        chances = network(x).softmax(1)[:, 0].tolist()
    for row, other, chance in zip(rows, turned, chances, strict=True):
        assert float(row["bound"]) == pytest.approx(chance, abs=2e-6)
        assert float(row["bound"]) == pytest.approx(float(other["bound"]), abs=2e-6)
        assert row["class"] == ("bound" if chance > 0.5 else "free")
    right = [row["class"] == ("bound" if k < 10 else "free") for k, row in enumerate(rows)]
    assert sum(right) >= 15
    listed = run("predict", "run", "new.fa", "--json").json
    assert listed[3]["sequence"] == "new3"
    assert set(listed[3]["probabilities"]) == {"bound", "free"}


def test_predict_refuses_what_does_not_fit(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    run = run_in(trained)
    Path("short.fa").write_text(">s\nACGT\n")
    Path("n.fa").write_text(">s\n" + "ACGN" * 10 + "\n")
    Path("cut.fa.gz").write_bytes(gzip.compress(Path("new.fa").read_bytes())[:-9])
    for name, part in (
        ("short.fa", "of one length, here 40, got 4 letters in record 's'"),
        ("n.fa", "'N' at position 3 of record 's'"),
        ("cut.fa.gz", "an intact gzip file"),
        ("gone.fa", "a file of sequences, as those of the run are, got 'gone.fa'"),
    ):
        made = run("predict", "run", name, "--out", "not.csv")
        assert made.status == 2
        assert part in made.err
        assert made.err.count("\n") == 1
        assert not Path("not.csv").exists()


def test_the_network_is_exported_for_the_runs_length_and_others(trained: Path) -> None:
    run = run_in(trained)
    made = run("export", "run", "--to", "network.pt2", "--overwrite", "--json")
    assert made.status == 0, made.err
    assert made.json["largest_difference"] < 1e-5
    other = run("export", "run", "--to", "longer.pt2", "--overwrite", "--size", "61")
    assert other.status == 0, other.err
    x = torch.rand(3, 4, 61, generator=torch.Generator().manual_seed(0))
    exported: Any = torch.export.load(trained / "longer.pt2").module()
    network = load(trained / "run" / "network.safetensors")
    torch.testing.assert_close(exported(x), network(x), atol=1e-5, rtol=1e-5)
    assert "--size must be one length" in run(
        "export", "run", "--to", "x.pt2", "--size", "8x8"
    ).err  # fmt: skip


@pytest.mark.slow
def test_names_tables_and_configurations_train_alike(trained: Path) -> None:
    """Of the same sequences, whichever way their classes are told."""
    run = run_in(trained)
    before = json.loads((trained / "run" / "result.json").read_text())
    again = run("train", "bound.fa", "free.fa", "--config", "run/config.json", "--out", "again",
                "--overwrite", "--json")  # fmt: skip
    assert again.status == 0, again.err
    assert again.json["auroc"] == before["auroc"]
    records = [
        (each.name, each.letters, kind)
        for kind in ("bound", "free") for each in read_records(trained / f"{kind}.fa")
    ]  # fmt: skip
    (trained / "all.fa").write_text("".join(f">{name}\n{text}\n" for name, text, _ in records))
    (trained / "classes.csv").write_text("".join(f"{name},{kind}\n" for name, _, kind in records))
    (trained / "table.csv").write_text(
        "name,sequence,class\n" + "".join(f"{n},{text},{kind}\n" for n, text, kind in records)
    )
    for data in (["all.fa", "--labels", "classes.csv"], ["table.csv", "--kind", "sequence"]):
        made = run("train", *data, *GIVEN, "--out", "named", "--overwrite", "--json")
        assert made.status == 0, made.err
        assert made.json["score"] == before["score"]
        assert made.json["positive"] == "free"
        assert made.json["auroc"] == pytest.approx(before["auroc"], abs=1e-9)


@pytest.mark.parametrize("source", ["run/network.safetensors", "found", "discovered", "none"])
def test_actions_come_from_networks_discoveries_and_the_data(source: str, trained: Path) -> None:
    run = run_in(trained)
    if source == "found" and not (trained / "found").exists():
        made = run("discover", "bound.fa", "--window", "3", "--out", "found")
        assert made.status == 0, made.err
    made = run("train", "bound.fa", "--negatives", "shuffled", "--action", source, "--parameters",
               "2000", "--epochs", "1", "--out", "acting", "--overwrite", "--json")  # fmt: skip
    assert made.status == 0, made.err
    assert made.json["classes"] == ["bound", "shuffled"]
    assert made.json["moves"] == ([] if source == "none" else ["reverse-complement"])


@pytest.mark.slow
def test_runs_on_the_same_sequences_are_compared(trained: Path) -> None:
    run = run_in(trained)
    options = ["--parameters", "2000", "--epochs", "1", "--overwrite", "--out"]
    for name, line in {
        "plain": ["bound.fa", "free.fa", "--network", "plain"],
        "acting": ["bound.fa", "free.fa", "--action", "reverse"],
        "other": ["bound.fa", "--negatives", "shuffled", "--action", "none"],
    }.items():
        assert run("train", *line, *options, name).status == 0
    made = run("compare", "plain", "acting")
    assert made.status == 0, made.err
    assert "sequence network, plain" in made.out
    assert "reverse" in made.out
    refused = run("compare", "plain", "other")
    assert (refused.status, "runs on the same data" in refused.err) == (2, True)


def test_lengths_and_ambiguous_letters_are_made_to_fit(trained: Path) -> None:
    run, rng = run_in(trained), np.random.default_rng(1)
    rows = letters(rng, 40, bound=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(trained)
        fasta("odd.fa", [row[: int(rng.integers(30, 40))] + "N" for row in rows])
    options = ["--length", "36", "--ambiguous", "blank", "--parameters", "2000", "--epochs", "1"]
    made = run("train", "odd.fa", "free.fa", *options, "--network", "plain", "--out", "fitted",
               "--overwrite", "--json")  # fmt: skip
    assert made.status == 0, made.err
    assert "padded to 36 letters" in made.json["data"]
    assert "40 have blanks in place of ambiguous letters" in made.json["data"]
    assert made.json["network"] == "sequence network, plain"
    assert run("predict", "fitted", "new.fa").status == 0


@pytest.mark.slow
def test_the_group_is_chosen_by_short_runs(trained: Path) -> None:
    run = run_in(trained)
    made = run("train", "bound.fa", "free.fa", *OPTIONS, "--out", "chosen", "--overwrite", "--json")
    assert made.status == 0, made.err
    assert sum(each["chosen"] for each in made.json["choice"]) == 1
    assert {"reverse-complement"} in [set(each["moves"]) for each in made.json["choice"]]
    page = (trained / "chosen" / "report.html").read_text()
    assert "The choice of the group" in page


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on(trained: Path, run: Run) -> None:
    """As on images: the same line with --resume ends where it would have."""
    del run
    own = run_in(trained)
    line = ["train", "bound.fa", "free.fa", *GIVEN, "--out", "resumed"]
    assert own(*line, "--overwrite").status == 0
    (trained / "resumed" / "result.json").unlink()
    made = own(*line, "--resume", "--json")
    assert made.status == 0, made.err
    assert made.json["auroc"] == json.loads((trained / "run/result.json").read_text())["auroc"]
