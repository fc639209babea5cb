"""Run folders under kills, in a crowd, and where `--out` is no place for a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grouplearn._files import lock
from grouplearn.commands.folders import growing, reserve, whole
from grouplearn.errors import InputError
from tests.e2e.running import Run, earlier_run, files

FORKS = """
import json, os, signal, sys, time
from pathlib import Path
from types import SimpleNamespace
from grouplearn.cli import main
from grouplearn.commands import folders

def fork(act):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = act()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status or 0)
    return child

def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
"""A process that has imported once, and forks others, which is faster than starting them."""


def forked(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS + program],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


KILLED = """
import shutil
WORDS = ("open", "os.", "shutil.", "fcntl.")

def content(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}

def prepare(name):
    folder = Path(name)
    folder.mkdir()
    mark = {"command": "", "options": {}, "versions": {"grouplearn": "0"}, "files": ["old", "*"]}
    (folder / "config.json").write_text(json.dumps(mark))
    (folder / "old").write_text("old")
    return content(folder)

def run(kind):
    with folders.reserve("who", Path("a"), "a", overwrite=True) as place:
        inner = folders.whole if kind == "whole" else folders.growing
        with inner(place) as folder:
            (folder / "last.safetensors").write_text("new")
            (folder / "result.json").write_text("{}")

def killed_at(kind, k):
    count = 0
    def hook(event, _):
        nonlocal count
        if event.startswith(WORDS):
            count += 1
            if count == k:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    run(kind)

for kind in ("whole", "growing"):
    replaced, ends = 0, []
    for k in range(1, 500):
        old = prepare("a")
        status = wait(fork(lambda: killed_at(kind, k)))
        folders.sweep(Path())
        found = content(Path("a"))
        is_new = {"last.safetensors", "result.json"} <= found.keys() and "old" not in found
        assert is_new or found == old, (kind, k, found)
        assert is_new or not replaced, (kind, k)
        replaced += is_new
        left = content(Path()).keys() - {str(Path("a", name)) for name in found}
        can_go_on = {".a.part/begun/last.safetensors"} if kind == "growing" and not is_new else ()
        assert left <= set(can_go_on), (kind, k, left)
        assert left or not Path(".a.part").exists(), (kind, k)
        shutil.rmtree("a")
        shutil.rmtree(".a.part", ignore_errors=True)
        if status == 0:
            break
    assert status == 0 and k > 20 and replaced > 5, (kind, status, k, replaced)
    print(kind, "survives", k)
"""


def test_a_kill_at_any_moment_leaves_one_of_two_runs_whole(tmp_path: Path) -> None:
    """At every system call that Python tells of, by `kill -9`; the next start tidies up."""
    result = forked(KILLED, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("survives") == 2


LEARN = """
from grouplearn.commands import console

def learn(options, watch):
    time.sleep(0.3)
    return SimpleNamespace(options=options, learned=[])

def write(folder, result, command):
    mark = {"command": command, "options": {"seed": result.options.seed},
            "versions": {"grouplearn": "0"}}
    (folder / "config.json").write_text(json.dumps(mark))
    (folder / "weights").write_bytes(bytes(5000))

console.learn, console.write_run = learn, write
LEARN = ["learn", "--quiet"]
"""
"""A command that learns nothing, and that fast; its run folder is as that of the real one."""

CROWD = """
for extra in ([], ["--out", "one"], ["--out", "one", "--overwrite"]):
    children = [fork(lambda: main([*LEARN, "--seed", str(seed), *extra])) for seed in range(4)]
    print(*(wait(child) for child in children))
"""


@pytest.mark.slow
def test_runs_side_by_side_each_keep_their_result(tmp_path: Path) -> None:
    result = forked(LEARN + CROWD, tmp_path)
    free, one, again = ([int(n) for n in line.split()] for line in result.stdout.splitlines())
    assert free == [0, 0, 0, 0], result.stderr
    configs = [json.loads(p.read_text()) for p in (tmp_path / "runs").glob("*/config.json")]
    assert sorted(config["options"]["seed"] for config in configs) == [0, 1, 2, 3]
    assert sorted(one) == [0, 2, 2, 2]
    assert 0 in again
    assert set(again) <= {0, 2}
    refused = one.count(2) + again.count(2)
    assert len(result.stderr.splitlines()) == refused
    assert result.stderr.count("no other run is writing, got 'one'") > 2
    folder = tmp_path / "one"
    assert files(folder) == set(json.loads((folder / "config.json").read_text())["files"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one", "runs"]


TRAINED = """
from grouplearn.commands import train_output
from grouplearn.training import objectives
train_output.png = lambda _: b"\\x89PNG\\r\\n\\x1a\\n"
TRAIN = ["train", "digits", "--network", "plain", "--parameters", "1500", "--epochs", "2",
         "--batch-size", "64", "--classes", "0,1", "--quiet", "--out", "a"]

def killed():
    score = objectives.Classification.terms
    def terms(self, model, batch):
        if Path(".a.part/begun/last.safetensors").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return score(self, model, batch)
    objectives.Classification.terms = terms
    return main([*TRAIN, "--seed", "1", "--overwrite"])

before = {p: p.read_bytes() for p in Path("a").rglob("*") if p.is_file()}
print(wait(fork(killed)))
print({p: p.read_bytes() for p in Path("a").rglob("*") if p.is_file()} == before)
print(wait(fork(lambda: main([*TRAIN, "--seed", "1"]))))
print(wait(fork(lambda: main([*TRAIN, "--seed", "1", "--resume"]))))
"""


@pytest.mark.slow
def test_a_training_that_replaces_another_goes_on_after_a_kill(tmp_path: Path) -> None:
    earlier_run(tmp_path / "a")
    result = forked(TRAINED, tmp_path)
    assert result.stdout.split() == ["-9", "True", "2", "0"], result.stderr
    assert "'a', an earlier run; pass --overwrite" in result.stderr
    assert json.loads((tmp_path / "a/result.json").read_text())["seed"] == 1
    rows = (tmp_path / "a/log/metrics.csv").read_text().splitlines()
    assert len(rows) == 3, "a head and two epochs"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


FULL = """
import resource

def full():
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    return main([*LEARN, "--out", "new/a"])
print(wait(fork(full)))
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit to the size of files stands for the disk; it takes no rights to set."""
    pytest.importorskip("resource")
    result = forked(LEARN + FULL, tmp_path)
    assert result.stdout.split() == ["2"], result.stderr
    assert result.stderr == "error: cannot write 'new/a': File too large\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (None, "new, empty or an earlier run"),
        ({"model_type": "bert", "architectures": ["BertModel"]}, "new, empty or an earlier run"),
        ({"command": "npm", "options": {}, "versions": {"node": "20"}, "files": []}, "new, empty"),
        ({"command": 1, "options": 1, "versions": {"grouplearn": 1}, "files": [1]}, "new, empty"),
        ({}, "which holds 'sub/thesis.txt' as well"),
    ],
)
def test_only_runs_of_ours_are_replaced(
    config: dict[str, object] | None, part: str, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    earlier_run(folder)
    if config is None:
        (folder / "config.json").write_text("[" * 100_000)
    elif config:
        (folder / "config.json").write_text(json.dumps(config))
    (folder / "sub").mkdir()
    (folder / "sub" / "thesis.txt").write_text("five years")
    before = {name: (folder / name).read_text() for name in files(folder)}
    with pytest.raises(InputError, match=part), reserve("who", folder, "a", overwrite=True):
        pass
    assert {name: (folder / name).read_text() for name in files(folder)} == before
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_what_comes_into_a_run_while_it_is_replaced_stays(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    earlier_run(folder)

    def add() -> None:
        with reserve("who", folder, "a", overwrite=True) as place, whole(place):
            (folder / "thesis.txt").touch()

    with pytest.raises(InputError, match=r"which holds 'thesis.txt' as well"):
        add()
    assert files(folder) == {"config.json", "thesis.txt"}


def test_parts_of_our_files_are_no_strangers(tmp_path: Path) -> None:
    earlier_run(tmp_path / "a")
    (tmp_path / "a" / ".config.json-0123abcd.part").touch()
    with reserve("who", tmp_path / "a", "a", overwrite=True) as place, whole(place) as new:
        (new / "new").touch()
    assert files(tmp_path) == {"a/new"}


def test_parts_of_killed_writers_go_at_the_next_start(tmp_path: Path) -> None:
    """Beside a run that can go on, and in one; what a living process writes stays."""
    earlier_run(tmp_path / "a")
    begun = tmp_path / ".a.part" / "begun"
    begun.mkdir(parents=True)
    (tmp_path / ".a.part" / "lock").touch()
    (begun / "last.safetensors").touch()
    dead, living = ".network.safetensors-0123abcd.part", ".result.json-0123abcd.part"
    for folder in (begun, tmp_path / "a"):
        (folder / dead).touch()
    with lock(begun / living) or pytest.fail("nobody else holds it"):
        with (
            pytest.raises(InputError, match="an earlier run"),
            reserve("who", tmp_path / "a", "a", overwrite=False),
        ):
            pass
        assert files(begun) == {"last.safetensors", living}
        assert files(tmp_path / "a") == {"config.json"}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / dead).touch()
    with pytest.raises(InputError), reserve("who", tmp_path / "b", "b", overwrite=True):
        pass
    assert files(tmp_path / "b") == {dead}, "no run of ours"


def test_a_link_given_as_out_stays_one(tmp_path: Path) -> None:
    earlier_run(tmp_path / "real" / "a")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "a")
    with reserve("who", link, "a", overwrite=True) as place, whole(place) as folder:
        (folder / "new").touch()
    assert link.is_symlink()
    assert files(tmp_path / "real") == {"a/new"}


@pytest.mark.parametrize("out", [".", "..", "/", "", "sub/.."])
def test_the_current_folder_is_no_run(out: str, run: Run) -> None:
    result = run("learn", "--out", out, "--overwrite")
    assert result.status == 2
    assert "--out must be a folder with a name of its own" in result.err
    assert list(Path().iterdir()) == []


def test_a_place_where_a_file_system_is_mounted_is_no_run() -> None:
    with (
        pytest.raises(InputError, match="where a file system is mounted"),
        reserve("who", Path("/proc"), "a", overwrite=True),
    ):
        pass


def test_a_training_that_fails_early_leaves_the_earlier_run(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    earlier_run(folder)

    def fail() -> None:
        with reserve("who", folder, "a", overwrite=True) as place, growing(place) as new:
            (new / "log").mkdir()
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail()
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert files(folder) == {"config.json"}
