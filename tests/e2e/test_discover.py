"""`grouplearn discover` through `main`: what it finds, prints, writes and leaves behind."""

from __future__ import annotations

import dataclasses
import gzip
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from grouplearn import Discovery
from grouplearn.cli import main
from grouplearn.commands import discover_output, discover_pictures
from grouplearn.commands.discover_data import Reading, open_data
from grouplearn.commands.discover_words import name_of
from grouplearn.plots import plot_history, plot_violations, png

PICTURES = {f"{n}.png" for n in ("moments", "members", "violations", "lattice", "evidence")}


@dataclass
class Run:
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out)["results"]
        return found


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def dot() -> bytes:
    return png(plot_history({"one": [1.0]}))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, dot: bytes) -> Any:
    """Call `main`; drawing takes most of a short run, so that only `ring_run` has real pictures."""
    monkeypatch.setattr(discover_pictures, "png", lambda _: dot)

    def call(*arguments: str) -> Run:
        status = main(["discover", *arguments])
        captured = capsys.readouterr()
        return Run(status, captured.out, captured.err)

    return call


def ring(rows: int = 4000, d: int = 4) -> NDArray[np.float64]:
    """Skewed sources, each mixed with its neighbour on a ring of d: the group is C_d."""
    x = np.random.default_rng(0).exponential(size=(rows, d))
    return np.asarray(x + 0.8 * np.roll(x, 1, axis=1))


def mixed(rows: int = 4000, d: int = 4) -> NDArray[np.float64]:
    """Skewed sources mixed at random: no symmetry."""
    rng = np.random.default_rng(1)
    return np.asarray(rng.exponential(size=(rows, d)) @ rng.normal(size=(d, d)))


def csv(columns: dict[str, NDArray[Any]]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)])


def files(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


@pytest.fixture(scope="module")
def ring_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run with real pictures, for the tests that only read."""
    folder = tmp_path_factory.mktemp("ring")
    np.save(folder / "ring.npy", ring())
    line = ["discover", str(folder / "ring.npy"), "--out", str(folder / "run"), "--quiet"]
    assert main(line) == 0
    return folder / "run"


def test_a_run_folder_is_complete(ring_run: Path) -> None:
    expected = {"config.json", "found.json", "report.html", "weights"}
    assert files(ring_run) == expected | PICTURES | {"weights/representation.safetensors"}
    for picture in PICTURES:
        with Image.open(ring_run / picture) as image:
            assert image.format == "PNG"
            assert np.ptp(np.asarray(image.convert("L"))) > 100
    config = json.loads((ring_run / "config.json").read_text(encoding="utf-8"))
    assert config["options"]["action"] == "permutation"
    assert config["options"]["reading"]["patch_size"] == 5
    assert config["command"].startswith("grouplearn discover ")


def test_the_planted_group_is_found_and_saved(ring_run: Path) -> None:
    (found,) = json.loads((ring_run / "found.json").read_text(encoding="utf-8"))["results"]
    assert (found["group"], found["order"], found["exact"]) == ("C4", 4, True)
    assert (found["samples"], found["dimension"], found["kind"]) == (4000, 4, "table")
    turns = {tuple((np.arange(4) + k) % 4) for k in range(4)}
    assert {tuple(member) for member in found["members"]} == turns
    assert found["generators"] in (["(0 1 2 3)"], ["(0 3 2 1)"])
    assert len(found["violations"]) == len(found["noise"]) == 4
    assert max(found["violations"]) < 0.15 < found["gap"]
    assert 0.01 < found["p_value"] <= 1
    assert found["effect"] <= found["effect_bound"] < 0.4
    assert found["region"] == []
    assert [rung["accepted"] for rung in found["ladder"] if rung["group"] == "C4"] == [True]
    assert found["proposal"] is None
    kept = Discovery.load(ring_run / "weights" / "representation.safetensors")
    assert kept.members.tolist() == found["members"]
    assert kept.summary() == found["summary"]
    eye = np.eye(4)
    generators = kept.representation.generators()
    for matrix, member in zip(generators, found["generator_members"], strict=True):
        np.testing.assert_array_equal(matrix.numpy() @ eye, eye[np.argsort(member)])


def test_the_report_shows_what_was_found(ring_run: Path) -> None:
    page = (ring_run / "report.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == len(PICTURES)
    (found,) = json.loads((ring_run / "found.json").read_text(encoding="utf-8"))["results"]
    for part in (
        "The symmetry of ring",
        "Found, exact within noise",
        ">accepted</td>",
        ">at most</abbr>",
        "Move your own data",
        "Use it",
    ):
        assert part in page
    assert "ring has the symmetry group C4, of order 4, generated by (0 " in page
    assert found["summary"] in page
    assert page.count("data-frame=") == 3 * 4  # three rows under four elements
    assert "4,000 samples of dimension 4" in page


def test_the_finding_is_printed_with_its_ladder(run: Any) -> None:
    np.savez("rows.npz", a=ring(), b=mixed())
    found = run("rows.npz", "--array", "a")
    assert (found.status, found.err) == (0, "")
    assert "C4 (order 4), exact within noise" in found.out
    assert "Generated by: (0 " in found.out
    assert "C4 (order 4), accepted: (0 " in found.out
    assert "Written to runs/discover-rows: open runs/discover-rows/report.html" in found.out
    nothing = run("rows.npz", "--array", "b")
    assert (nothing.status, nothing.err) == (0, "")
    assert "No symmetry found." in nothing.out
    assert "Generated by" not in nothing.out
    assert Path("runs/discover-rows-2/moments.png").is_file()
    assert run("rows.npz", "--array", "a", "--quiet") == Run(0, "", "")


@pytest.mark.slow
def test_json_is_the_only_output_and_a_seed_fixes_it(run: Any) -> None:
    np.save("rows.npy", ring())
    printed = []
    for out in ("a", "b"):
        result = run("rows.npy", "--json", "--seed", "3", "--out", out)
        assert (result.status, result.err) == (0, "")
        shown = json.loads(result.out)
        assert shown.pop("folder") == out
        assert shown == json.loads(Path(out, "found.json").read_text(encoding="utf-8"))
        assert shown["versions"]["grouplearn"]
        assert shown["seed"] == 3
        assert shown["results"][0].pop("seconds") > 0
        printed.append(shown)
    assert printed[0] == printed[1]
    assert run("rows.npy", "--json", "--out", "a", "--overwrite").status == 0


def test_tables_name_their_columns(run: Any) -> None:
    x = ring()
    names = ("north", "east", "south", "west")
    table: dict[str, NDArray[Any]] = {name: x[:, k].round(6) for k, name in enumerate(names)}
    rows = np.arange(len(x))
    table |= {"station": rows // 20, "class": rows % 2}
    Path("wind.csv").write_text(csv(table), encoding="utf-8")
    (found,) = run("wind.csv", "--blocks", "station", "--labels", "5", "--json").results
    assert found["group"] == "C4"
    assert found["coordinates"] == list(names)
    assert found["generators"][0] in ("(north east south west)", "(north west south east)")
    kinds = {each["kind"] for rung in found["ladder"] for each in rung["evidence"]}
    assert "all" in kinds


def test_labels_can_break_a_symmetry(run: Any) -> None:
    x = ring()
    np.save("rows.npy", x)
    np.save("labels.npy", (x[:, 0] > np.median(x[:, 0])).astype(float)[:, None])
    (found,) = run("rows.npy", "--labels", "labels.npy", "--json").results
    assert found["group"] == "C1"
    assert run("rows.npy", "--json").results[0]["group"] == "C4"


def test_parquet_is_read(run: Any) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {f"c{k}": column for k, column in enumerate(ring().T)}
    parquet.write_table(arrow.table(columns), "rows.parquet")
    (found,) = run("rows.parquet", "--json", "--time-budget", "60").results
    assert (found["group"], found["coordinates"]) == ("C4", ["c0", "c1", "c2", "c3"])


def turned(count: int = 250, size: int = 12) -> NDArray[np.uint8]:
    """Random strokes, each in all four quarter turns and their mirror images: the group is D4."""
    rng = np.random.default_rng(0)
    plain = np.zeros((count, size, size))
    for image in plain:
        for _ in range(3):
            row, column = rng.integers(0, size - 4, 2)
            image[row : row + 4, column : column + 2] = rng.uniform(100, 255)
            image[row, column : column + 4] = 255
    images = [np.rot90(each, k, (1, 2)) for each in (plain, plain[:, :, ::-1]) for k in range(4)]
    return np.concatenate(images).astype(np.uint8)


def test_images_of_every_form_are_read(run: Any) -> None:
    images = turned()
    head = struct.pack(">HBBIII", 0, 8, 3, *images.shape)
    Path("set").mkdir()
    Path("set/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + images.tobytes()))
    Path("plain").write_bytes(head + images.tobytes())
    np.save("images.npy", images)
    counts = {
        open_data(data, Reading(patch_size=3), "images").moments(0).count
        for data in ("set", "plain", "images.npy")
    }
    assert len(counts) == 1
    (found,) = run("set", "--patch-size", "3", "--json").results
    assert (found["kind"], found["dimension"], found["group"]) == ("images", 9, "D4")
    known = {"quarter turn", "three-quarter turn", "half turn", "left-right flip"}
    known |= {"up-down flip", "transpose", "antitranspose"}
    assert set(found["generators"]) <= known


@pytest.mark.slow
def test_sequences_of_every_form_are_read(run: Any) -> None:
    rng = np.random.default_rng(0)
    # A chain that favours some steps, then the same read from the other strand.
    steps = rng.dirichlet(np.full(4, 0.7), 4)
    letters = [0]
    for _ in range(30_000):
        letters.append(int(rng.choice(4, p=steps[letters[-1]])))
    forward = "".join("ACGT"[code] for code in letters)
    backward = forward.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    fasta = f">one\n{forward}\n>two\n{backward}\n"
    Path("both.fa").write_text(fasta, encoding="ascii")
    Path("both.fa.gz").write_bytes(gzip.compress(fasta.encode()))
    (found,) = run("both.fa.gz", "--window", "3", "--json").results
    assert (found["kind"], found["dimension"]) == ("sequence", 12)
    assert found["generators"] == ["reverse complement"]
    assert open_data("both.fa", Reading(window=3), "s").moments(0).count == found["samples"]
    Path("rna.fa").write_text(fasta.replace("T", "U"), encoding="ascii")
    rna = open_data("rna.fa", Reading(window=2, alphabet="rna"), "s")
    assert rna.coordinates()[:4] == ("A1", "C1", "G1", "U1")


@pytest.mark.slow
def test_token_files_are_read(run: Any) -> None:
    rng = np.random.default_rng(0)
    verbs, ends = ["walk", "run", "look"], ["left", "right"]
    lines = []
    for _ in range(600):
        verb, end = verbs[rng.integers(3)], ends[rng.integers(2)]
        lines.append(f"IN: {verb} {end} OUT: TURN_{end.upper()} {verb.upper()}")
    Path("pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    (found,) = run("pairs.txt", "--json").results
    assert (found["kind"], found["channels"]) == ("tokens", 2)
    assert "in:left" in found["coordinates"]
    Path("plain.txt").write_text("a b c\nc b a\na c b b\n" * 20, encoding="utf-8")
    (found,) = run("plain.txt", "--json").results
    assert found["coordinates"] == ["a", "b", "c"]


@pytest.mark.parametrize("action", ["signed", "linear"])
def test_other_actions(run: Any, action: str) -> None:
    rng = np.random.default_rng(0)
    sides = rng.exponential(size=20_000) * rng.choice([-1.0, 1.0], size=20_000)
    np.save("rows.npy", np.stack([sides, rng.exponential(size=20_000)], axis=1))
    (found,) = run("rows.npy", "--action", action, "--json", "--out", "out").results
    assert (found["action"], found["group"]) == (action, "C2")
    pictures = {each.name for each in Path("out").glob("*.png")}
    if action == "signed":
        assert found["generators"] == ["0 -> -0"]
        assert pictures == PICTURES
    else:
        assert found["generators"][0].startswith("a matrix of order 2, trace ")
        assert pictures == PICTURES - {"violations.png"}
    np.testing.assert_allclose(found["members"][1], [[-1, 0], [0, 1]], atol=0.1)


@pytest.mark.slow
def test_built_in_data_make_one_page(run: Any) -> None:
    data = ["sky", "digits", "box-drawings", "chloroplast"]
    line = [*data, "--patch-size", "3", "--window", "2", "--out", "demo"]
    result = run(*line, "--json")
    assert result.status == 0
    assert [each["data"] for each in result.results] == data
    page = Path("demo/report.html").read_text(encoding="utf-8")
    for each in result.results:
        assert f"<h2>{each['data']}</h2>" in page
        assert Path("demo", f"{each['data']}-moments.png").is_file()
        assert Path("demo/weights", f"{each['data']}.safetensors").is_file()
        assert all(rung["evidence"] for rung in each["ladder"])
    groups = {each["data"]: each["group"] for each in result.results}
    assert groups == {"sky": "D4", "digits": "C1", "box-drawings": "C2", "chloroplast": "C2"}
    digits = result.results[1]
    assert digits["proposal"]["generators"] == ["half turn"]
    assert "Second moments alone propose C2 (half turn)" in page
    again = run("digits", "--patch-size", "3", "--max-moment", "2", "--json").results[0]
    assert again["members"] == digits["proposal"]["members"]


def test_two_files_of_one_name_keep_apart(run: Any) -> None:
    for folder in ("a", "b"):
        Path(folder).mkdir()
        np.save(f"{folder}/rows.npy", ring(500))
    result = run("a/rows.npy", "b/rows.npy", "--json", "--out", "c")
    assert [each["data"] for each in result.results] == ["rows", "rows-2"]
    assert {"rows-moments.png", "rows-2-moments.png"} <= files(Path("c"))


def test_members_are_left_out_where_there_are_many(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discover_output, "_MEMBERS", 3)
    np.save("rows.npy", ring())
    (found,) = run("rows.npy", "--json", "--out", "out").results
    assert (found["order"], found["members"]) == (4, None)
    assert Discovery.load("out/weights/representation.safetensors").members.shape == (4, 4)


def test_data_without_any_candidate(run: Any) -> None:
    rng = np.random.default_rng(0)
    np.save("rows.npy", rng.exponential(size=(30_000, 2)) * [1.0, 100.0])
    result = run("rows.npy", "--out", "out")
    assert "No symmetry found." in result.out
    assert "ladder" not in result.out
    (found,) = json.loads(Path("out/found.json").read_text(encoding="utf-8"))["results"]
    assert (found["group"], found["ladder"], found["generators"]) == ("C1", [], [])
    assert {each.name for each in Path("out").glob("*.png")} == {"moments.png", "violations.png"}
    assert "<p>rows: no symmetry found.</p>" in Path("out/report.html").read_text(encoding="utf-8")


def test_operations_are_put_into_words() -> None:
    subject = open_data("digits", Reading(patch_size=2), "digits")
    names = subject.coordinates()
    assert names == ("0,0", "0,1", "1,0", "1,1")
    assert name_of(torch.arange(4), subject, names) == "identity"
    assert name_of(torch.tensor([1, 0, 3, 2]), subject, names) == "left-right flip"
    assert name_of(torch.tensor([1, 0, 2, 3]), subject, names) == "(0,0 0,1)"
    negative = -torch.eye(4, dtype=torch.float64).flip(0)
    assert name_of(negative, subject, names) == "half turn with reversed contrast"
    angle = torch.tensor(1.0, dtype=torch.float64)
    turn = torch.eye(4, dtype=torch.float64)
    turn[:2, :2] = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
    assert name_of(turn, subject, names).startswith("a matrix of no small order, trace 3.08")
    swaps = torch.arange(40).view(20, 2).flip(1).flatten()
    numbers = [str(k) for k in range(40)]
    table = dataclasses.replace(subject, domain=None)
    words = name_of(swaps, table, numbers)
    assert words.startswith("(0 1)(2 3)")
    assert words.endswith("(14 15) and 12 more")


def test_constant_and_equal_columns_are_set_aside(run: Any, monkeypatch: Any) -> None:
    x = ring()
    np.save("rows.npy", np.column_stack([np.ones(len(x)), x, x]))
    drawn: dict[str, Any] = {}

    def keep(panels: Any) -> Any:
        drawn.update(panels)
        return plot_violations(panels)

    monkeypatch.setattr(discover_pictures, "plot_violations", keep)
    (found,) = run("rows.npy", "--json").results
    assert found["group"] == "C4"
    assert {member[0] for member in found["members"]} == {0}
    assert all(member[5:] == [4 + image for image in member[1:5]] for member in found["members"])
    assert any("constant" in note for note in found["notes"])
    random, marks = drawn["second moments"]
    members = [mark.violation for mark in marks if mark.role == "member"]
    assert len(members) == 3
    assert max(members) < 0.1
    assert random.max() > 1
