"""Reads thousands of broken and hostile files, and counts how each reading ends.

python -m tests.robustness.fuzz [--count 5000] [--seed 0] [--out build/fuzz]

The first inputs are crafted: files that inflate to gigabytes, that declare more than there is, or
that hold code. The others are small real files of every format that is read or written, changed at
random. Each is read in a process of limited memory, for a limited time. An input has to be read or
to be refused by an error of ours. Exit status: 1 where one is not; such inputs are kept.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, final

from tests.robustness import running
from tests.robustness.reading import chosen, every, work
from tests.robustness.samples import write_samples

LONGEST, _TO_MAKE, _EVERY, _KEPT = 20.0, 600.0, 100, 1 << 24
VERDICTS = ("read", "refused", "traceback", "hang", "memory", "code", "died")
_HEAD = ("file", "inputs", "read", "refused", "foreign traceback", f"over {LONGEST:.0f} s",
         "over 2 GiB", "ran code", "died", "longest, s", "most, MiB")  # fmt: skip


@final
class Reader:
    """A process that reads one input after the other, and is started again when it is lost."""

    def __init__(self, samples: Path, folder: Path, seed: int) -> None:
        self.samples, self.folder, self.seed = samples, folder, seed
        self._context = multiprocessing.get_context("spawn")
        self._process: BaseProcess | None = None
        self._connection: Connection

    def read(self, number: int) -> dict[str, Any]:
        """How the reading of an input ended."""
        if self._process is None:
            self._connection, other = self._context.Pipe()
            self._process = self._context.Process(
                target=work, args=(other, self.samples, self.folder, self.seed), daemon=True
            )
            self._process.start()
            other.close()
        self._connection.send(number)
        begin = time.monotonic()
        try:
            if not self._connection.poll(_TO_MAKE) or self._connection.recv() != "made":
                raise SystemExit(f"input {number} could not be made, see {self.folder}")
            begin = time.monotonic()
            if self._connection.poll(LONGEST):
                found: dict[str, Any] = self._connection.recv()
                return found
            verdict = "hang"
        except (EOFError, ConnectionError):
            verdict = "died"
        self.end()
        return {"verdict": verdict, "said": "", "seconds": time.monotonic() - begin, "mib": 0.0}

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


def rows(results: list[dict[str, Any]]) -> list[list[object]]:
    """The table, one row for each kind of file and one for all."""
    names = list(dict.fromkeys(each["row"] for each in results))
    lines = []
    for name in [*(sorted(names, key=lambda row: (row == "crafted", row.lower()))), "all"]:
        own = [each for each in results if name in ("all", each["row"])]
        verdicts = Counter(each["verdict"] for each in own)
        lines.append([
            name, len(own), *(verdicts[each] for each in VERDICTS),
            f"{max(each['seconds'] for each in own):.1f}",
            f"{max(each['mib'] for each in own):.0f}",
        ])  # fmt: skip
    return lines


def keep(found: dict[str, Any], folder: Path, out: Path) -> None:
    """Keep an input, unless it is huge, with what was said of it."""
    place = out / "kept" / f"{found['number']}-{found['verdict']}"
    shutil.rmtree(place, ignore_errors=True)
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    if size < _KEPT:
        shutil.copytree(folder, place)
    place.mkdir(parents=True, exist_ok=True)
    (place / "said.txt").write_text(f"{found['row']}: {found['input']}\n{found['said']}")


def main() -> int:
    """Read, print, and write the table."""
    given = running.options(__doc__ or "", 5000, "build/fuzz")
    out = given.out.resolve()
    samples = out / "samples"
    if not (samples / "cut" / "config.json").exists():
        shutil.rmtree(samples, ignore_errors=True)
        write_samples(samples)
    record = out / "results.jsonl"
    results = running.recorded(record, given.seed)
    reader = Reader(samples, out / "input", given.seed)
    names = [each.name for each in every(samples)[0]]
    for number in range(len(results), given.count):
        target, _ = chosen(samples, given.seed, number)
        found = {"number": number, "seed": given.seed, "row": target.row,
                 "input": names[number] if number < len(names) else getattr(target, "sample", ""),
                 **reader.read(number)}  # fmt: skip
        if found["verdict"] not in ("read", "refused"):
            keep(found, out / "input", out)
            last = found["said"].strip().rpartition("\n")[2][:200]
            running.say(f"{number}: {found['row']}, {found['input']}: {found['verdict']}: {last}")
        results.append(found)
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**found, "said": found["said"][-300:]}) + "\n")
        if (number + 1) % _EVERY == 0:
            running.say(f"{number + 1} of {given.count}")
    reader.end()
    text = running.table(_HEAD, rows(results[: given.count]))
    (given.results / "fuzz.md").write_text(text, encoding="utf-8")
    running.say(text)
    return int(any(each["verdict"] not in ("read", "refused") for each in results))


if __name__ == "__main__":
    sys.exit(main())
