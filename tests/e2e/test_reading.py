"""How `grouplearn discover` reads what it is pointed at: options, notes and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grouplearn.commands.discover_data import Reading, open_data
from grouplearn.errors import InputError
from tests.unit.examples import is_helpful


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_axes_of_images_are_told() -> None:
    first = np.random.default_rng(0).integers(0, 256, (70, 3, 7, 8), dtype=np.uint8)
    np.save("last.npy", np.moveaxis(first, 1, -1))
    np.save("first.npy", first)
    with pytest.raises(InputError) as problem:
        open_data("last.npy", Reading(patch_size=3), "x").moments(0)
    assert is_helpful(problem, "channels seem to come last", "axes='NHWC'")
    moments = [
        open_data(name, Reading(patch_size=3, axes=axes), "x").moments(0)
        for name, axes in (("last.npy", "NHWC"), ("first.npy", None))
    ]
    np.testing.assert_allclose(moments[0].products, moments[1].products)
    with pytest.raises(InputError, match="--axes must be one of NCHW, NHWC, got 'HWC'"):
        Reading(axes="HWC").check("grouplearn discover")
