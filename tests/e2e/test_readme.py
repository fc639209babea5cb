"""The README's example does what it says, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

README = Path(__file__).resolve().parents[2] / "README.md"


def example(number: int) -> dict[str, Any]:
    """Run one of the examples and return its variables."""
    codes = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(codes[number], str(README), "exec"), names)
    return names


@pytest.mark.slow
def test_the_example_discovers_the_group_of_the_square(capsys: pytest.CaptureFixture[str]) -> None:
    names = example(0)
    assert names["found"].group.name == "D4"
    assert names["upright"].group.name == "C1"
    printed = re.sub(r"\s+", " ", capsys.readouterr().out).strip()
    assert "identity, quarter-turn, " in printed
    shown = re.search(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    both = printed, " ".join(shown[1].split())
    words = [re.sub(r"[\d.]+", "", text) for text in both]
    assert words[0] == words[1]
    figures = [[float(each) for each in re.findall(r"\d+\.\d+", text)] for text in both]
    assert figures[0] == pytest.approx(figures[1], abs=0.02)  # last digits are the processor's


@pytest.mark.slow
def test_the_example_builds_a_network_of_the_found_group() -> None:
    assert example(1)["network"].group.name == "D4"


def test_the_example_learns_an_exact_quarter_turn() -> None:
    names = example(2)
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
