"""Many sets in one or two processes, with a checkpoint from which a stopped run goes on."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

Job = dict[str, Any]
Result = dict[str, Any]
Task = Callable[[Job], Result]

ROOT = Path(__file__).resolve().parent.parent


def parser(
    about: str | None, kinds: Iterable[str], sets: int, rows: Sequence[int] = ()
) -> argparse.ArgumentParser:
    """The options that these commands share."""
    options = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--kinds", nargs="+", choices=list(kinds), metavar="KIND")
    options.add_argument("--sets", type=int, default=sets, help="sets of each kind and size")
    options.add_argument(
        "--first-seed", type=int, default=1000, help="seeds below 100 are for building"
    )
    if rows:
        options.add_argument("--rows", type=int, nargs="+", default=list(rows))
    options.add_argument("--workers", type=int, default=1, choices=(1, 2))
    options.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options.add_argument("--checkpoints", type=Path, default=Path("runs/benchmarks"))
    options.add_argument(
        "--no-more", action="store_true", help="publish what the checkpoint has, and run nothing"
    )
    return options


def run(name: str, task: Task, jobs: Sequence[Job], options: argparse.Namespace) -> list[Result]:
    """The result of every job, in their order.

    Results are kept in a file as they come. A later run takes them from there, unless the library
    or the sources have changed since. With `--no-more` what is not there is left out.

    Args:
        name: of the benchmark.
        task: gets a job and returns what it measured; a function of a module.
        jobs: what JSON can hold.
        options: of `parser`.
    """
    path = options.checkpoints / f"{name}.jsonl"
    done = _restored(path)
    left = [job for job in jobs if _key(job) not in done and not options.no_more]
    start = time.perf_counter()
    with path.open("a", encoding="utf-8") as file:
        for count, (job, result) in enumerate(_results(task, left, options.workers), 1):
            done[_key(job)] = result
            file.write(json.dumps([job, result]) + "\n")
            file.flush()
            passed = time.perf_counter() - start
            words = f"{job} {result.get('says', '')}"
            print(f"[{count}/{len(left)}, {passed:.0f} s] {words}", flush=True)
    return [{**job, **done[_key(job)]} for job in jobs if _key(job) in done]


def _results(task: Task, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Result]]:
    if not jobs:
        return
    # Before the workers start: numerical libraries read them once, when they are loaded.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    torch.set_num_threads(1)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_Guarded(task), jobs, chunksize=1)


class _Guarded:
    """A task with its time, whose errors are results."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __call__(self, job: Job) -> tuple[Job, Result]:
        torch.set_num_threads(1)
        start = time.perf_counter()
        try:
            result = self.task(job)
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}", "says": repr(error)}
        return job, {"seconds": time.perf_counter() - start, **result}


def _restored(path: Path) -> dict[str, Result]:
    """Results of a run of the same code; a file of other code is set aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = _stamp()
    if path.is_file():
        first, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
        if first == json.dumps({"code": stamp}):
            whole = [line for line in lines if line.endswith("]")]
            return {_key(job): result for job, result in map(json.loads, whole)}
        path.replace(path.with_suffix(".old.jsonl"))
    path.write_text(json.dumps({"code": stamp}) + "\n", encoding="utf-8")
    return {}


def _stamp() -> str:
    digest = hashlib.sha256()
    for folder in ("grouplearn", "benchmarks/sources"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    digest.update((ROOT / "benchmarks" / "_claims.py").read_bytes())
    return digest.hexdigest()


def _key(job: Job) -> str:
    return json.dumps(job, sort_keys=True)


def interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a rate."""
    if total == 0:
        return 0.0, 1.0
    z = 1.959964
    rate = count / total
    middle = (rate + z**2 / (2 * total)) / (1 + z**2 / total)
    reach = z / (1 + z**2 / total) * (rate * (1 - rate) / total + z**2 / (4 * total**2)) ** 0.5
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def percent(count: int, total: int) -> str:
    """A rate with its interval."""
    if total == 0:
        return "-"
    low, high = interval(count, total)
    return f"{100 * count / total:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
