"""Files that appear whole or not at all, with writers that are killed, living or out of disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grouplearn._files import naming, whole_name, write_whole

WRITER = """
import os, signal, sys, time
from pathlib import Path
from grouplearn._files import write_whole

def stop(_):
    print("writing", flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()

os.fsync = stop
write_whole(Path(sys.argv[1]), "theirs")
"""


def writer(file: Path, fate: str) -> subprocess.Popen[str]:
    """Another process that has begun to write a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), fate],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_parts_of_the_dead_are_swept_and_those_of_the_living_stay(tmp_path: Path) -> None:
    file, mine = tmp_path / "file", tmp_path / ".file-20261128"
    mine.write_text("a user's file")
    with writer(file, "killed") as dead, writer(file, "living") as living:
        dead.wait()
        assert len(list(tmp_path.iterdir())) == 3
        write_whole(file, "ours")
        assert file.read_text() == "ours"
        assert len(list(tmp_path.iterdir())) == 3, "file, the user's, and the living part"
        living.communicate()
    assert file.read_text() == "theirs"
    assert sorted(tmp_path.iterdir()) == [mine, file]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for content in ("one", b"two"):
        write_whole(tmp_path / "link", content)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"two"


def test_a_full_disk_is_named_and_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "file"
    file.write_text("earlier")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as problem:
        write_whole(file, "new")
    assert problem.value.filename == str(file)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["earlier"]


def test_errors_that_name_a_file_of_others_keep_its_name(tmp_path: Path) -> None:
    for named, expected in ((None, "shown"), (str(tmp_path / "a/b"), "shown"), ("c", "c"), (3, 3)):
        with pytest.raises(OSError, match="no") as problem, naming("shown", tmp_path / "a"):
            raise OSError(28, "no", named)
        assert problem.value.filename == expected
    with pytest.raises(OSError, match="no numbers"), naming("shown"):
        raise OSError("no numbers")


def test_parts_have_the_name_of_their_file() -> None:
    assert [whole_name(name) for name in (".a.b-0123abcd.part", ".a-20261128", "a")] == [
        "a.b", ".a-20261128", "a",
    ]  # fmt: skip
