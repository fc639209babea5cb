"""`grouplearn learn` through `main`: what it prints, writes, refuses and leaves behind."""

from __future__ import annotations

import gzip
import json
import re
import runpy
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.datasets import load_digits

from grouplearn.cli import main
from grouplearn.commands import measure, output
from grouplearn.commands.learn import LearnOptions
from grouplearn.commands.marks import to_json
from grouplearn.errors import MissingExtraError
from grouplearn.interop import escnn
from grouplearn.plots import plot_history, png
from grouplearn.representations import DenseRepresentation, SpectralRepresentation
from grouplearn.training import Schedule
from tests.unit.examples import C, idx, quarter_turn

SMALL = ["learn", "--patch-size", "3", "--patches", "400", "--epochs", "60"]
CLASSES = ("dense", "multiscale", "toeplitz", "skew", "spectral")
PICTURES = ("generator", "spectrum", "orbit")


@dataclass
class Run:
    """What a command line left behind."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without --out go below the test's own folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def dot() -> bytes:
    return png(plot_history({"one": [1.0]}))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, dot: bytes) -> Any:
    """Call `main`; drawing takes most of a short run, so that only `learned` has real pictures."""
    monkeypatch.setattr(output, "png", lambda _: dot)

    def call(*arguments: str) -> Run:
        status = main(arguments)
        captured = capsys.readouterr()
        return Run(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run with every representation, for the tests that only read."""
    folder = tmp_path_factory.mktemp("learned") / "run"
    line = [*SMALL, "--representation", "all", "--restarts", "1", "--out", str(folder)]
    assert main([*line, "--epochs", "150", "--learning-rate", "0.1", "--quiet"]) == 0
    return folder


def final(folder: Path) -> dict[str, Any]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(lines[-1])["final"]
    return found


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.slow
def test_every_class_is_scored_against_the_truth(learned: Path) -> None:
    results = final(learned)["results"]
    assert tuple(results) == CLASSES
    for name in ("dense", "multiscale", "skew", "spectral"):
        assert results[name]["distance"] < 0.01
        assert results[name]["escnn_distance"] == pytest.approx(results[name]["distance"])
        assert results[name]["exact_distance"] < 0.01
        assert results[name]["pair_error"] < 0.01
        assert results[name]["verdict"].startswith("Closes as C4 within ")
    assert results["spectral"]["homomorphism"] < 2e-6
    assert results["dense"]["invertibility"] < 1e-3
    assert results["skew"]["orthogonality"] < 1e-12
    toeplitz = results["toeplitz"]
    assert toeplitz["distance"] > 0.5
    assert toeplitz["closure"] > 0.5
    assert len(toeplitz["starts"]) == 2
    assert "the class itself is the likely limit" in toeplitz["verdict"]
    assert toeplitz["exact_moved"] is None
    assert "nearer to the unit circle" in toeplitz["exact_refusal"]


def test_a_run_folder_is_complete(learned: Path) -> None:
    pictures = {f"{name}-{kind}.png" for name in CLASSES for kind in PICTURES}
    weights = {f"weights/{name}.safetensors" for name in CLASSES}
    expected = {"config.json", "metrics.jsonl", "report.html", "history.png", "weights"}
    assert names(learned) == expected | pictures | weights
    for picture in pictures:
        with Image.open(learned / picture) as image:
            assert image.format == "PNG"
            assert np.ptp(np.asarray(image.convert("L"))) > 100
    config = json.loads((learned / "config.json").read_text(encoding="utf-8"))
    assert config["options"]["patch_size"] == 3
    assert config["options"]["schedule"]["epochs"] == 150
    assert config["versions"]["torch"] == torch.__version__
    assert config["command"].startswith("grouplearn learn --patch-size 3 ")
    lines = (learned / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [json.loads(line) for line in lines[:-1]]
    assert [each["epoch"] for each in epochs if each["representation"] == "skew"] == [
        *range(1, 151)
    ]
    assert all(each["loss"] >= each["data"] for each in epochs)


def test_saved_weights_reproduce_the_reported_numbers(learned: Path) -> None:
    results = final(learned)["results"]
    dense = DenseRepresentation(C(4), 9, dtype=torch.float64)
    dense.load_state_dict(load_file(learned / "weights" / "dense.safetensors"))
    spectral = SpectralRepresentation(C(4), 9, dtype=torch.float64)
    spectral.load_state_dict(load_file(learned / "weights" / "spectral.safetensors"))
    truth, eye = quarter_turn(3).numpy(), np.eye(9)
    for rep, reported in ((dense, results["dense"]), (spectral, results["spectral"])):
        a = rep.generators()[0].detach().numpy()
        inverse = rep.inverse_generators()[0].detach().numpy()
        expected = {
            "distance": np.linalg.norm(a - truth) / 3,
            "closure": np.linalg.norm(np.linalg.matrix_power(a, 4) - eye) / 3,
            "orthogonality": np.linalg.norm(a.T @ a - eye) / 3,
            "invertibility": np.linalg.norm(a @ inverse - eye) / 3,
            "condition": np.linalg.cond(a),
        }
        found = {name: reported[name] for name in expected}
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_report_shows_the_numbers(learned: Path) -> None:
    page = (learned / "report.html").read_text(encoding="utf-8")
    results = final(learned)["results"]
    for name in ("distance", "closure", "orthogonality"):
        for each in results.values():
            shown = f"{each[name]:.1e}" if each[name] < 0.01 else f"{each[name]:.2g}"
            assert f">{shown}</td>" in page
    frames = 3 * (1 + 4)  # of the slider: three patches, before and under four elements
    assert page.count('src="data:image/png;base64,') == 16 + frames
    for part in ("the pairs identify A", "Seed 0", "grouplearn learn --patch-size 3", "torch 2"):
        assert part in page
    assert results["toeplitz"]["verdict"] in page
    assert "multiplicities (3, 2, 2), counted on the dense fit" in page


def test_the_table_and_the_verdicts_are_printed(run: Any) -> None:
    result = run(*SMALL, "--representation", "dense", "--transform", "half-turn")
    assert result.status == 0
    assert result.err == ""
    rows = [line.split() for line in result.out.splitlines()]
    assert ["dense"] in rows
    shown = final(Path("runs/learn-half-turn"))["results"]["dense"]
    (closure,) = (row[-1] for row in rows if row[:2] == ["closure", "defect"])
    assert float(closure) == pytest.approx(shown["closure"], rel=0.1)
    assert any(row[:3] == ["distance", "to", "escnn"] for row in rows)
    assert f"dense: {shown['verdict']}" in result.out
    assert "Written to runs/learn-half-turn" in result.out
    config = json.loads(Path("runs/learn-half-turn/config.json").read_text(encoding="utf-8"))
    options = LearnOptions(
        transform="half-turn", patch_size=3, patches=400, schedule=Schedule(epochs=60)
    )
    assert config["options"] == json.loads(to_json(asdict(options)))
    assert run(*SMALL, "--transform", "half-turn", "--quiet") == Run(0, "", "")
    assert Path("runs/learn-half-turn-2/report.html").is_file()


@pytest.mark.slow
def test_json_is_the_only_output_and_a_seed_fixes_it(run: Any) -> None:
    line = [*SMALL, "--representation", "dense", "--json", "--seed"]
    printed = {}
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        result = run(*line, seed, "--out", out)
        assert (result.status, result.err) == (0, "")
        found = json.loads(result.out)
        assert found.pop("folder") == out
        assert found == final(Path(out))
        for each in found["results"].values():
            assert each.pop("seconds") > 0
        printed[out] = found
    assert printed["a"] == printed["b"]
    assert printed["a"]["results"] != printed["c"]["results"]
    for name in sorted(names(Path("a"))):
        same = {"config.json", "metrics.jsonl", "report.html"}
        if name not in same and Path("a", name).is_file():
            assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_batches_of_raw_pairs_can_be_chosen(run: Any) -> None:
    line = [*SMALL, "--batch-size", "100", "--epochs", "3", "--closure", "0.1"]
    result = run(*line, "--singular-values", "0.01", "--restarts", "0", "--json")
    found = json.loads(result.out)["results"]["dense"]
    assert len(found["starts"]) == 1
    assert found["verdict"].endswith("more epochs or restarts may help.")
    config = json.loads(Path("runs/learn-quarter-turn/config.json").read_text(encoding="utf-8"))
    assert config["options"]["schedule"]["batch_size"] == 100
    assert config["options"]["schedule"]["whiten"] is False
    assert config["options"]["penalties"]["closure"] == 0.1


def test_data_that_cannot_identify_the_action_are_reported(run: Any) -> None:
    bundle: Any = load_digits()
    digits = (bundle.images * 15).astype(np.uint8)[:600]
    Path("digits").mkdir()
    file = Path("digits/train-images-idx3-ubyte.gz")
    file.write_bytes(gzip.compress(idx(digits)))
    line = ["learn", "--patch-size", "8", "--patches", "2000", "--epochs", "60", "--data", "digits"]
    both = ["--representation", "dense", "--representation", "spectral"]
    result = run(*line, *both, "--restarts", "0", "--out", "out")
    assert result.status == 0
    assert "of 64 directions, so the pairs do not identify A" in result.out
    assert "pixels never vary" in result.out
    assert "do not identify the action." in result.out
    assert "the regular multiplicities, as the pairs leave the spectrum open" in result.out
    data = final(Path("out"))["data"]
    assert data["identified"] is False
    assert data["rank"] < data["dim"] == 64
    assert data["source"] == "digits"
    assert "do not identify A" in Path("out/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_blur_closes_as_no_group(run: Any) -> None:
    result = run(
        *SMALL, "--transform", "blur", "--representation", "toeplitz", "--epochs", "200",
        "--representation", "spectral", "--restarts", "0",
    )  # fmt: skip
    assert result.status == 0
    assert "No power of a blur is the identity: no group closes" in result.out
    assert "toeplitz: A blur," in result.out
    assert "so it does not close as C4" in result.out
    assert "the regular multiplicities, as the dense fit is near no group" in result.out
    assert "escnn" not in result.out


@pytest.mark.slow
def test_a_flip_shows_what_a_class_cannot_express(run: Any) -> None:
    line = [*SMALL, "--transform", "flip", "--restarts", "0", "--epochs", "200"]
    both = ["--representation", "skew", "--representation", "spectral"]
    counted = run(*line, *both)
    assert "exp(S) has determinant +1 and the action -1" in counted.out
    assert "multiplicities (6, 3), counted on the dense fit's eigenvalues" in counted.out
    assert "spectral: Closes as C2 within" in counted.out
    regular = run(*line, *both[2:], "--multiplicities", "regular")
    assert "It was given the multiplicities (5, 4), not (6, 3)." in regular.out
    given = run(*line, *both[2:], "--multiplicities", "6,3")
    assert "Learned with multiplicities (6, 3), as given." in given.out
    assert "spectral: Closes as C2 within" in given.out


def test_another_order_than_the_transforms_does_not_close(run: Any) -> None:
    result = run(*SMALL, "--order", "3", "--epochs", "200")
    assert "its order is another, so it does not close as C3" in result.out


def test_few_images_are_split_by_their_columns(run: Any) -> None:
    rng = np.random.default_rng(0)
    Path("few").write_bytes(idx(rng.integers(0, 256, (2, 6, 6), dtype=np.uint8)))
    assert run(*SMALL, "--data", "few", "--quiet").status == 0
    result = run("learn", "--patch-size", "4", "--data", "few")
    assert result.status == 2
    assert "--patch-size must be at most 3, half of the images' width, got 4;" in result.err


def test_a_missing_escnn_is_said_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise MissingExtraError("escnn is needed here")

    monkeypatch.setattr(escnn, "rotation_matrix", absent)
    result = run(*SMALL)
    assert result.status == 0
    assert "escnn not installed" in result.out
    assert "distance to escnn" not in result.out


def test_a_broken_law_gives_status_one(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "homomorphism_defect", lambda _: torch.tensor(torch.nan))
    result = run(*SMALL, "--representation", "spectral", "--multiplicities", "regular")
    assert result.status == 1
    assert result.err == "grouplearn learn: spectral must close by construction, and does not\n"
    assert final(Path("runs/learn-quarter-turn"))["results"]["spectral"]["homomorphism"] == "nan"


@pytest.mark.slow
def test_a_terminal_sees_progress(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run(*SMALL, "--representation", "toeplitz", "--restarts", "1")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.err)
    assert "toeplitz, start 2" in plain
    assert re.search(r"error \d\.\de-\d\d", plain)
    assert run(*SMALL, "--json").err == ""


def test_version_and_help(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"grouplearn \S+.*\n", run("--version").out)
    assert "learn" in run().out
    text = " ".join(run("learn", "--help").out.split())
    for option in ("--transform", "--closure", "--overwrite", "--json", "--multiplicities"):
        assert option in text
    monkeypatch.setattr(sys, "argv", ["grouplearn", "--version"])
    with pytest.raises(SystemExit) as leaving:
        runpy.run_module("grouplearn", run_name="__main__")
    assert leaving.value.code == 0


@pytest.mark.slow
@pytest.mark.data
def test_mnist_identifies_a_quarter_turn(run: Any, data_dir: Path) -> None:
    result = run("learn", "--data", str(data_dir / "mnist"), "--json")
    assert json.loads(result.out)["results"]["dense"]["distance"] < 0.01
