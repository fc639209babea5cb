"""A process that reads inputs under limits, and says how each of them ended."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import sys
import time
import traceback
import warnings
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from grouplearn.errors import GrouplearnError
from tests.robustness.bombs import GIB, RAN
from tests.robustness.targets import Crafted, Target, crafted, targets

MOST = 2 * GIB
_EVENTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen",
           "pickle.find_class", "socket.connect")  # fmt: skip
_ALLOWED = {"result.json": {"pickle.find_class"}}
"""What `export` does with the file that it has just written itself."""
_NO_MEMORY = ("allocate", "out of memory", "MemoryError")


@cache
def every(samples: Path) -> tuple[list[Crafted], list[Target]]:
    """The crafted inputs, which come first, and those to change at random."""
    return crafted(), targets(samples)


def chosen(samples: Path, seed: int, number: int) -> tuple[Crafted | Target, random.Random]:
    """The input of a number, and what draws its changes."""
    rng = random.Random(f"{seed} {number}")
    first, rest = every(samples)
    return (first[number] if number < len(first) else rng.choice(rest)), rng


def work(connection: Connection, samples: Path, folder: Path, seed: int) -> None:
    """Read the inputs whose numbers come, each in an empty folder, and send how it ended.

    Args:
        connection: numbers come, dictionaries go.
        samples: what is changed.
        folder: for the input.
        seed: of the changes.
    """
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    events: list[str] = []
    sys.addaudithook(lambda event, _: events.append(event) if event in _EVENTS else None)
    with contextlib.suppress(Exception):  # imports what the first input would import under limits
        target, rng = chosen(samples, seed, 10**6)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        target.make(samples, folder, rng)
        target.read(folder, rng)
    _limit()
    while True:
        number = connection.recv()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        os.chdir(folder.parent)
        target, rng = chosen(samples, seed, number)
        target.make(samples, folder, rng)
        connection.send("made")
        events.clear()
        connection.send(_outcome(target, folder, rng, events))


def _outcome(
    target: Crafted | Target, folder: Path, rng: random.Random, events: list[str]
) -> dict[str, Any]:
    before = _reset_peak()
    begin = time.monotonic()
    verdict, said = _read(target, folder, rng)
    seconds, peak = time.monotonic() - begin, _kib("VmHWM") - before
    ran = set(events) - _ALLOWED.get(target.row, set())
    if ran or list(folder.parent.rglob(RAN)):
        verdict, said = "code", f"{', '.join(sorted(ran))}\n{said}"
    return {"verdict": verdict, "said": said, "seconds": seconds, "mib": peak / 1024}


def _read(target: Crafted | Target, folder: Path, rng: random.Random) -> tuple[str, str]:
    try:
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            target.read(folder, rng)
    except GrouplearnError as problem:
        return ("memory" if _lacked_memory(problem) else "refused"), _told(problem)
    except BaseException as problem:  # whatever else comes is a fault
        return ("memory" if _lacked_memory(problem) else "traceback"), _told(problem)
    return "read", ""


def _told(problem: BaseException) -> str:
    return "".join(traceback.format_exception(problem))[-6000:]


def _lacked_memory(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, MemoryError) or any(word in str(problem) for word in _NO_MEMORY):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _limit() -> None:
    """At most so much more address space than the modules take."""
    most = _kib("VmSize") * 1024 + MOST
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _reset_peak() -> int:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _kib("VmRSS")


def _kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
