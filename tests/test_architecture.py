"""What no single test of behaviour sees: the shape of the sources themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).resolve().parent.parent
# Not the link grouplearn/domains: each file once, under its real name.
SHIPPED = sorted(
    path
    for folder in ("grouplearn", "domains")
    for path in (ROOT / folder).rglob("*.py")
    if (ROOT / "grouplearn" / "domains") not in path.parents
)
SOURCES = [
    *SHIPPED,
    *(path for folder in ("tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))),
]
HEAVY = {"matplotlib", "escnn", "lightning", "sympy", "scipy", "typer", "rich", "sklearn"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [path for line in listing.stdout.split("\0") if (path := ROOT / line).is_file() and line]


def long_functions(path: Path, limit: int) -> Iterator[str]:
    """Functions with more lines of code than `limit`, signature and docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body and (lines := (body[-1].end_lineno or 0) - body[0].lineno + 1) > limit:
                yield f"{name(path)}:{node.lineno} {node.name}: {lines} lines"


def test_imports_point_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in SHIPPED}
    found = {".".join(folder.parts) for folder in folders}
    expected = {f"grouplearn.{each}" if each.startswith("domains") else each for each in found}
    assert set(declared) == expected
    assert len(declared) == len(expected)


def test_domains_are_linked() -> None:
    link = ROOT / "grouplearn" / "domains"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "domains"


def test_files_and_functions_are_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {file: lines for file, lines in lengths.items() if lines > 400} == {}
    assert [each for path in SOURCES for each in long_functions(path, limit=50)] == []


def test_no_two_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in SHIPPED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name(path))
    assert {each: files for each, files in homes.items() if len(files) > 1} == {}


def test_nothing_runs_code_from_data() -> None:
    # Methods such as model.eval() are meant to pass; torch's own loader is pickle underneath.
    pattern = re.compile(r"pickle\.load|torch\.load\(|(?<![\w.])(?:eval|exec)\(")
    found = {name(path): pattern.findall(path.read_text(encoding="utf-8")) for path in SHIPPED}
    assert {file: calls for file, calls in found.items() if calls} == {}


def test_import_is_light() -> None:
    program = (
        "import sys, torch, jaxtyping; before = set(sys.modules); import grouplearn;"
        "print(*{module.split('.')[0] for module in set(sys.modules) - before})"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert HEAVY & set(result.stdout.split()) == set()


def test_no_machine_path_is_named() -> None:
    pattern = re.compile(r"(?<![\w.~/-])/(?:work|tmp|root|home|opt|Users)/")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name(path)}: {line}" for line in text.splitlines() if pattern.search(line)]
    assert found == []
