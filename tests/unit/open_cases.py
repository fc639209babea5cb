"""What people have, made on the spot: each case is written one way and known in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Case:
    """A source, how it is opened, and what has to come out."""

    source: Any
    kind: str
    data: Any
    words: tuple[str, ...] = ()
    labels: Any = None
    classes: tuple[str, ...] = ()
    tolerance: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)


Make = Callable[[Path], Case]
CASES: dict[str, Make] = {}


def case(name: str) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        CASES[name] = make
        return make

    return keep


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
