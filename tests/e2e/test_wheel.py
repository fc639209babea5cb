"""The wheel, built from the sdist, in an environment that holds the base dependencies alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.e2e.running import SMALL, run_in
from tests.test_architecture import ROOT, tracked

packaging = pytest.importorskip("packaging.requirements")
pytestmark = pytest.mark.slow
Python = Callable[..., "subprocess.CompletedProcess[str]"]
PLAIN = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def base_dependencies() -> list[Distribution]:
    """What pip would install beside a plain grouplearn, from the packages that are here."""
    found: dict[str, Distribution] = {}
    wanted = list(distribution("grouplearn").requires or ())
    while wanted:
        need = packaging.Requirement(wanted.pop())
        if need.name.lower() in found or not (
            need.marker is None or need.marker.evaluate({"extra": ""})
        ):
            continue
        try:
            found[need.name.lower()] = distribution(need.name)
        except PackageNotFoundError:  # of another platform, or of a part that works without
            continue
        wanted += found[need.name.lower()].requires or ()
    return list(found.values())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    for file in tracked():
        target = folder / "sources" / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(
        [*command, str(folder / "sources")], env=PLAIN, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert list(folder.glob("grouplearn-*.tar.gz"))
    (made,) = folder.glob("grouplearn-*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Python:
    """Run the interpreter of an environment with the wheel, outside the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    own = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(own), "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", str(wheel)], env=PLAIN, check=True)
    (site,) = (folder / "env").rglob("site-packages")
    for held in base_dependencies():
        for part in {each.parts[0] for each in held.files or ()} - {"..", "__pycache__"}:
            if not (site / part).exists():
                (site / part).symlink_to(str(held.locate_file(part)))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(own), *arguments]
        return subprocess.run(
            command, cwd=folder, env=PLAIN, capture_output=True, text=True, check=False
        )

    return run


def test_the_wheel_holds_what_it_should(wheel: Path) -> None:
    """Nothing at the top but grouplearn; data, templates and the mark of types within."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"grouplearn"}
    files = "py.typed", "domains/data/sky.idx.gz", "domains/images.py", "report/templates/page.html"
    assert {f"grouplearn/{file}" for file in files} <= set(names)


def test_a_base_install_works(python: Python) -> None:
    gone = python("-c", "import domains")
    assert "No module named 'domains'" in gone.stderr
    home = python("-c", "import grouplearn.domains.images as found; print(found.__file__)")
    assert "site-packages" in home.stdout, home.stderr
    assert str(ROOT) not in home.stdout
    found = python("-m", "grouplearn", "discover", "sky", "--patch-size", "3", "--out", "found")
    assert found.returncode == 0, found.stderr
    assert "D4" in found.stdout


FIT = """
from grouplearn.training import Labelled, fit
from torch import arange, nn, rand
fit(nn.Linear(2, 2), Labelled(rand(8, 2), arange(8) % 2))
"""
SAMPLE = "from grouplearn.domains.samples import sample_digits; sample_digits()"
CONVERT = """
from grouplearn.interop.escnn import to_escnn
from grouplearn.representations import FixedRepresentation
to_escnn(FixedRepresentation.from_permutations([[1, 0]]))
"""
READ = """
from pathlib import Path
from grouplearn.domains.sequences import SequenceDomain
Path("a.fa").write_text(">a\\nACGT\\n")
SequenceDomain(window=1).moments("a.fa")
"""
OPEN = """
from pathlib import Path
from grouplearn.domains.tables import read_table
Path("a.parquet").write_bytes(b"PAR1" * 9)
next(iter(read_table("a.parquet")))
"""


@pytest.mark.parametrize(
    ("extra", "code"),
    [("train", FIT), ("train", SAMPLE), ("escnn", CONVERT), ("sequences", READ), ("tables", OPEN)],
)
def test_an_extra_that_is_absent_is_named(extra: str, code: str, python: Python) -> None:
    done = python("-c", code)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingExtraError" in last, done.stderr
    assert f"grouplearn[{extra}]" in last


def test_onnx_is_named_where_it_is_absent(python: Python, tmp_path: Path) -> None:
    """A run of a whole environment, exported in one without."""
    made = run_in(tmp_path)("train", "digits", "--action", "flip", *SMALL, "--out", "a")
    assert made.status == 0, made.err
    where = str(tmp_path / "a"), "--to", str(tmp_path / "a.onnx")
    done = python("-m", "grouplearn", "export", *where)
    assert done.returncode == 2
    assert "grouplearn[onnx]" in done.stderr
    assert done.stderr.count("\n") == 1
    plain = python("-m", "grouplearn", "export", where[0], "--to", str(tmp_path / "a.pt2"))
    assert plain.returncode == 0, plain.stderr
