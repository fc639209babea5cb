"""Kills every command at random moments, starts it again, and looks at what is left.

python -m tests.robustness.kill [--count 200] [--seed 0] [--out build/kill]

Each trial runs a command where an earlier run stands (or, one in three, where nothing does), kills
it at a moment drawn evenly from the time that it takes, or from the last quarter, in which it
writes, and starts again in the same place. Then the earlier run has to be there, byte for byte, or
the new one, equal to one that was not disturbed; no part of a file may be left; and a training has
to go on to the same weights, bit for bit. Exit status: 1 where that does not hold; the folder of
such a trial is kept.
"""

from __future__ import annotations

import importlib
import json
import random
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from grouplearn.cli import main as grouplearn
from tests.robustness import running
from tests.robustness.leftovers import same_content, same_result, stray

LONGEST = 300.0
_FRESH, _AGAIN = 1 / 3, 1 / 2
_MOMENTS = (0, 1.05), (0.75, 1.05)  # as parts of the time that the command takes
_MODULES = (
    "console", "discover_console", "invariance_console", "train_console", "predict", "compare",
    "export", "train_output", "discover_output", "invariance_output",
)  # fmt: skip
_TRAIN = ("train", "digits", "--classes", "0,1", "--parameters", "1500", "--epochs", "4",
          "--batch-size", "64", "--quiet")  # fmt: skip
_HEAD = ("command", "kills", "earlier run stands", "new run stands", "nothing to go on with",
         "went on to equal weights", "lost", "half-written", "left behind")  # fmt: skip


@final
@dataclass(frozen=True)
class Command:
    """A command in two variants, of which the first stands in its place when the second runs.

    Attributes:
        name: in the table.
        line: what is typed.
        variants: what is added, for the earlier and for the new run.
        place: the folder or file that it writes.
        trains: can it go on?
        resumes: is it `--resume` that is killed?
    """

    name: str
    line: tuple[str, ...]
    variants: tuple[tuple[str, ...], tuple[str, ...]]
    place: str
    trains: bool = False
    resumes: bool = False

    def typed(self, variant: int, *more: str) -> tuple[str, ...]:
        """The whole line."""
        option = "--to" if self.name.startswith("export") else "--out"
        return (*self.line, *self.variants[variant], option, self.place, *more)

    @property
    def is_file(self) -> bool:
        """Does it write one file?"""
        return bool(Path(self.place).suffix)


_SEEDS = ("--seed", "3"), ("--seed", "4")
_RUNS = ("../runs/a",), ("../runs/b",)
COMMANDS = (
    Command("discover", ("discover", "box-drawings", "--quiet"), _SEEDS, "out"),
    Command("test", ("test", "digits", "--action", "flip", "--patch-size", "3", "--quiet"),
            _SEEDS, "out"),
    Command("learn", ("learn", "--patches", "256", "--patch-size", "3", "--epochs", "20",
                      "--restarts", "0", "--quiet"), _SEEDS, "out"),
    Command("train", (*_TRAIN, "--network", "plain"), _SEEDS, "out", trains=True),
    Command("train, a group chosen", _TRAIN, _SEEDS, "out", trains=True),
    Command("train --resume", (*_TRAIN, "--action", "quarter-turn"), _SEEDS, "out", trains=True,
            resumes=True),
    Command("predict", ("predict",), (("../runs/a", "digits"), ("../runs/b", "digits")),
            "out.csv"),
    Command("compare", ("compare",), _RUNS, "out.html"),
    Command("export, .pt2", ("export",), _RUNS, "out.pt2"),
    Command("export, .onnx", ("export",), _RUNS, "out.onnx"),
)  # fmt: skip


@final
@dataclass
class Prepared:
    """Undisturbed runs, and how long they take.

    Attributes:
        folder: holds `<number>/<variant>/<place>`, and of a training to resume `<number>/cut`.
        seconds: of the new run, by number of the command.
    """

    folder: Path
    seconds: dict[int, float] = field(default_factory=dict)

    def of(self, number: int, variant: int) -> Path:
        """The earlier (0) or the new (1) run of a command."""
        return self.folder / str(number) / str(variant) / COMMANDS[number].place


def run(folder: Path, line: tuple[str, ...], seconds: float = LONGEST) -> int:
    """A command line in a forked process, which is killed after so many seconds."""
    return running.ended(
        running.fork(lambda: grouplearn(line), folder, folder.parent / "log"), seconds
    )


def prepare(out: Path) -> Prepared:
    """Run everything once without kills."""
    shutil.rmtree(out / "whole", ignore_errors=True)
    found = Prepared(out / "whole")
    runs = found.folder / "runs"
    runs.mkdir(parents=True)
    for name, seed in (("a", "0"), ("b", "1")):
        _expect_success(runs, (*_TRAIN, "--action", "flip", "--seed", seed, "--out", name))
    for number, command in enumerate(COMMANDS):
        for variant in (0, 1):
            folder = found.of(number, variant).parent
            folder.mkdir(parents=True)
            _link(folder.parent / "runs", runs)
            begin = time.monotonic()
            _expect_success(folder, command.typed(variant))
            found.seconds[number] = time.monotonic() - begin
        if command.resumes:
            _cut_off(found, number)
        running.say(f"{command.name}: {found.seconds[number]:.1f} s undisturbed")
    return found


def _link(place: Path, target: Path) -> None:
    if not place.is_symlink():
        place.symlink_to(target)


def _expect_success(folder: Path, line: tuple[str, ...]) -> None:
    if (status := run(folder, line)) not in (0, 1):  # 1: a symmetry is rejected
        raise SystemExit(f"{' '.join(line)} ended with {status}, see {folder.parent / 'log'}")


def _cut_off(found: Prepared, number: int) -> None:
    """A training that was killed after its first checkpoint, over an earlier run."""
    command, folder = COMMANDS[number], found.folder / str(number) / "cut"
    folder.mkdir()
    shutil.copytree(found.of(number, 0), folder / command.place)
    line = command.typed(1, "--overwrite")
    checkpoint = folder / f".{command.place}.part" / "begun" / "last.safetensors"
    child = running.fork(lambda: grouplearn(line), folder, folder.parent / "log")
    while not checkpoint.exists():
        time.sleep(0.002)
    running.ended(child, 0.0)


def trial(prepared: Prepared, number: int, rng: random.Random, folder: Path) -> dict[str, Any]:
    """Kill a command once, start again, and say what was found."""
    command = COMMANDS[number]
    shutil.rmtree(folder, ignore_errors=True)
    fresh = not command.resumes and rng.random() < _FRESH
    if command.resumes:
        shutil.copytree(prepared.folder / str(number) / "cut", folder, symlinks=True)
    else:
        folder.mkdir()
    _link(folder.parent / "runs", prepared.folder.resolve() / "runs")
    place = folder / command.place
    if not fresh and not command.resumes:
        copy = shutil.copyfile if command.is_file else shutil.copytree
        copy(prepared.of(number, 0), place)
    how = "--resume" if command.resumes else "--overwrite"
    first = command.typed(1, *([] if fresh else [how]))
    moment = rng.uniform(*rng.choice(_MOMENTS)) * prepared.seconds[number]
    found: dict[str, Any] = {"command": number, "moment": moment, "fresh": fresh, "wrong": []}
    found["killed"] = run(folder, first, moment) == -9
    _start_again(prepared, number, folder, found)
    if command.trains and found["state"] != "new":
        _go_on(prepared, number, folder, found, rng)
    if left := stray(folder, {command.place}):
        found["wrong"].append(f"left behind: {', '.join(left)}")
    return found


def _start_again(prepared: Prepared, number: int, folder: Path, found: dict[str, Any]) -> None:
    """The next start in the same place: one that is refused where a run stands, or a file anew."""
    command = COMMANDS[number]
    place, fresh = folder / command.place, found["fresh"]
    if command.is_file:
        found["state"] = _state(prepared, number, place)
        if found["state"] == "other":
            found["wrong"].append("half-written")
        elif found["state"] == "none" and not fresh:
            found["wrong"].append("lost")
        if run(folder, command.typed(1, "--overwrite")) != 0:
            found["wrong"].append("half-written: the next start fails")
        return
    status = run(folder, command.typed(1))
    found["state"] = state = _state(prepared, number, place)
    if not fresh and state == "none":
        found["wrong"].append("lost")
    elif state == "other" and not (fresh and command.trains):
        found["wrong"].append("half-written")
    if status not in (0, 1, 2):
        found["wrong"].append(f"half-written: the next start ends with {status}")
    allowed = {command.place, f".{command.place}.part"} if command.trains else {command.place}
    if left := stray(folder, allowed):
        found["wrong"].append(f"left behind: {', '.join(left)}")


def _go_on(
    prepared: Prepared, number: int, folder: Path, found: dict[str, Any], rng: random.Random
) -> None:
    """Resume a training, perhaps killed once more; or begin anew where nothing was kept."""
    command = COMMANDS[number]
    resume = command.typed(1, "--resume")
    if rng.random() < _AGAIN:
        run(folder, resume, rng.uniform(0, 1) * prepared.seconds[number])
    status = run(folder, resume)
    new = same_result(folder / command.place, prepared.of(number, 1))
    found["resumed"] = status == 0 or new
    if not found["resumed"]:  # it was killed before there was anything to go on with
        status = run(folder, command.typed(1, "--overwrite"))
        new = same_result(folder / command.place, prepared.of(number, 1))
    if not new:
        found["wrong"].append(f"half-written: other results, status {status}")


def _state(prepared: Prepared, number: int, place: Path) -> str:
    if not place.exists():
        return "none"
    if same_content(place, prepared.of(number, 0)):
        return "old"
    return "new" if same_result(place, prepared.of(number, 1)) else "other"


def rows(trials: list[dict[str, Any]]) -> list[list[object]]:
    """The table, one row for each command and one for all."""
    lines = []
    for number, name in [*enumerate(each.name for each in COMMANDS), (None, "all")]:
        own = [each for each in trials if number in (None, each["command"])]
        states = Counter(each["state"] for each in own)
        wrong = Counter(word.partition(":")[0] for each in own for word in each["wrong"])
        went_on = [each.get("resumed") for each in own]
        lines.append([
            name, len(own), states["old"], states["new"],
            states["none"] + went_on.count(False), went_on.count(True),
            wrong["lost"], wrong["half-written"], wrong["left behind"],
        ])  # fmt: skip
    return lines


def main() -> int:
    """Kill, print, and write the table."""
    given = running.options(__doc__ or "", 200, "build/kill")
    for module in _MODULES:
        importlib.import_module(f"grouplearn.commands.{module}")
    importlib.import_module("grouplearn.training.running")
    record = given.out / "trials.jsonl"
    trials = running.recorded(record, given.seed)
    prepared = prepare(given.out.resolve())
    for k in range(len(trials), given.count):
        number, rng = k % len(COMMANDS), random.Random(f"{given.seed} {k}")
        found = trial(prepared, number, rng, given.out.resolve() / "trial")
        while not found["killed"] and not found["wrong"]:  # it had ended before
            found = trial(prepared, number, rng, given.out.resolve() / "trial")
        found["seed"] = given.seed
        trials.append(found)
        if found["wrong"]:
            shutil.copytree(given.out / "trial", given.out / f"failed-{k}", symlinks=True)
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        said = "; ".join(found["wrong"]) or "well"
        running.say(f"{k + 1} of {given.count}: {COMMANDS[number].name}, killed after "
                    f"{found['moment']:.2f} s, {found['state']}: {said}")  # fmt: skip
    text = running.table(_HEAD, rows(trials[: given.count]))
    (given.results / "kill.md").write_text(text, encoding="utf-8")
    running.say(text)
    return int(any(each["wrong"] for each in trials))


if __name__ == "__main__":
    sys.exit(main())
