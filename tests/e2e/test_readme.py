"""The README's example does what it says, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_example_learns_an_exact_quarter_turn() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(README), "exec"), names)
    found = names["exact"].generators()[0].detach()
    pixels = torch.arange(25.0)
    turned = torch.rot90(pixels.view(5, 5), 1, (0, 1)).flatten()
    assert torch.allclose(found @ pixels, turned, atol=0.01)
    assert torch.allclose(torch.linalg.matrix_power(found, 4), torch.eye(25), atol=1e-5)
    assert names["orbits"].shape == (5000, 4, 25)
    assert names["moved"] < 0.01


def test_every_picture_and_page_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert len(targets) >= 2
    assert [target for target in targets if not (README.parent / target).exists()] == []
