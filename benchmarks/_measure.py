"""What every benchmark shares: interleaved timing, the machine's description, table and JSON."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch


def interleaved(tasks: dict[str, Callable[[], Any]], repetitions: int) -> dict[str, list[float]]:
    """Seconds of every repetition of every task, run in turns after one warm-up each.

    Each round has an order of its own: what ran before decides which memory a task finds free.
    """
    for task in tasks.values():
        task()
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    order = random.Random(0)
    for _ in range(repetitions):
        for name in order.sample(list(tasks), len(tasks)):
            start = time.perf_counter()
            tasks[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def median(values: Sequence[float]) -> float:
    """Median of the repetitions."""
    return statistics.median(values)


def machine() -> dict[str, Any]:
    """Processor, threads and versions, for the record."""
    return {
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def publish(name: str, text: str, measurements: Any, out: Path) -> None:
    """Print the table, and write it with every repetition to out/name.{md,json}."""
    print(text)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(text + "\n")
    record = {"machine": machine(), "measurements": measurements}
    (out / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
