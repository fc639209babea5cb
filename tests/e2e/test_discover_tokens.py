"""`grouplearn discover` on pairs of token sequences that lack combinations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grouplearn import Discovery
from grouplearn.cli import main


def test_hypotheses_are_said_and_never_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word that stands alone: in the summary, in JSON and in the file that Discovery reads."""
    monkeypatch.chdir(tmp_path)
    verbs, often = ["walk", "run", "look"], ["and", "or", "twice", "thrice"]
    lines = [f"IN: {verb} OUT: {verb.upper()}" for verb in [*verbs, "jump"]]
    for one in verbs:
        for other in verbs:
            lines += [
                f"IN: {one} {word} {other} OUT: {' '.join([one.upper()] * k + [other.upper()])}"
                for k, word in enumerate(often)
            ]
    Path("commands.txt").write_text("\n".join(lines))
    assert main(["discover", "commands.txt", "--json", "--out", "tokens"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["group"] == "S3"
    (hypothesis,) = found["hypotheses"]
    assert (hypothesis["name"], hypothesis["agree"], hypothesis["disagree"]) == ("S4", 1, 0)
    assert hypothesis["evidence"]["verdict"] == "undecided"
    assert f"Suggested, not shown: S4 (order 24) by {hypothesis['move']}." in found["summary"]
    read = Discovery.load(Path("tokens/weights/representation.safetensors"))
    assert read.accept(*read.hypotheses).group.name == "S4"
