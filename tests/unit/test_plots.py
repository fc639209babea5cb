"""What the figures contain, artist by artist."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from grouplearn.errors import InputError
from grouplearn.plots import plot_generator, plot_history, plot_orbit, plot_spectrum, png
from tests.unit.examples import cyclic_shift, is_one_line, quarter_turn


def test_generators_share_a_scale_that_is_symmetric_about_zero() -> None:
    learned = -3 * torch.eye(4, dtype=torch.float64, requires_grad=True)
    figure = plot_generator({"learned": learned, "true": np.eye(4)})
    left, right, bar = figure.axes
    for axes, expected in ((left, -3 * np.eye(4)), (right, np.eye(4))):
        (image,) = axes.images
        np.testing.assert_array_equal(np.asarray(image.get_array()), expected)
        assert image.get_clim() == (-3, 3)
        assert axes.get_aspect() == 1
    assert [left.get_title(), right.get_title()] == ["learned", "true"]
    assert [left.get_xlabel(), left.get_ylabel()] == ["from coordinate", "to coordinate"]
    assert bar.get_ylim() == (-3, 3)


def test_a_zero_matrix_can_be_drawn() -> None:
    assert plot_generator({"zero": np.zeros((2, 2))}).axes[0].images[0].get_clim() == (-1, 1)


def test_spectrum_marks_eigenvalues_and_roots_of_unity() -> None:
    figure = plot_spectrum(quarter_turn(3), 4, "nine pixels")
    (axes,) = figure.axes
    roots, eigenvalues = (np.asarray(each.get_offsets()) for each in axes.collections)
    np.testing.assert_allclose(roots, [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-12)
    expected = np.linalg.eigvals(quarter_turn(3).numpy())
    found = eigenvalues[:, 0] + 1j * eigenvalues[:, 1]
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected))
    # The centre and two orbits of four pixels: three trivial parts and two of every other kind.
    assert [text.get_text()[1:] for text in axes.texts] == ["3", "2", "2", "2"]
    assert axes.get_aspect() == 1
    assert axes.get_title() == "nine pixels"
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["4 roots of unity", "9 eigenvalues"]


def test_spectrum_shows_large_eigenvalues_and_spares_labels_of_long_groups() -> None:
    (axes,) = plot_spectrum(5 * torch.eye(2), 13).axes
    assert axes.get_xlim()[1] > 5
    assert axes.get_ylim() == axes.get_xlim()
    assert len(axes.texts) == 0


def test_orbits_are_a_grid_of_patches() -> None:
    orbit = torch.rand(2, 3, 4, 5)
    figure = plot_orbit(orbit)
    assert len(figure.axes) == 6
    for position, axes in enumerate(figure.axes):
        row, column = divmod(position, 3)
        (image,) = axes.images
        patch = orbit[row, column].double().numpy()
        np.testing.assert_array_equal(np.asarray(image.get_array()), patch)
        low, high = image.get_clim()
        assert (low, high) == (float(orbit[row].min()), float(orbit[row].max()))
    assert [axes.get_title() for axes in figure.axes[:3]] == ["x", "A x", "A$^{2}$ x"]
    assert [axes.get_title() for axes in plot_orbit(orbit, ["a", "b", "c"]).axes[:3]] == [*"abc"]
    assert plot_orbit(orbit[:, :1]).axes[0].get_title() == "x"


def test_history_is_logarithmic_and_leaves_out_zeros() -> None:
    figure = plot_history({"dense": [1.0, 0.1, 0.0], "skew": [2.0]}, "error")
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert [axes.get_xlabel(), axes.get_ylabel()] == ["epoch", "error"]
    dense, skew = axes.lines
    np.testing.assert_array_equal(np.asarray(dense.get_ydata()), [1.0, 0.1, np.nan])
    np.testing.assert_array_equal(np.asarray(skew.get_xdata()), [1])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dense", "skew"]


def test_one_epoch_is_seen_and_numbered() -> None:
    (axes,) = plot_history({"dense": [1.0]}).axes
    assert axes.lines[0].get_marker() == "o"
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


def test_a_history_without_epochs_is_an_empty_panel() -> None:
    (axes,) = plot_history({"dense": []}).axes
    assert np.asarray(axes.lines[0].get_ydata()).size == 0


def test_png_has_the_size_of_the_figure() -> None:
    figure = plot_generator({"A": cyclic_shift(3)})
    with Image.open(io.BytesIO(png(figure))) as image:
        assert image.format == "PNG"
        expected = [round(150 * inches) for inches in figure.get_size_inches()]
        np.testing.assert_allclose(image.size, expected, atol=1)


@pytest.mark.slow
def test_no_global_state_is_touched() -> None:
    program = (
        "import sys, numpy; from grouplearn.plots import *;"
        "png(plot_generator({'A': numpy.eye(2)})); print('matplotlib.pyplot' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


BAD: dict[str, Callable[[], Any]] = {
    "no matrix": lambda: plot_generator({}),
    "not square": lambda: plot_generator({"A": np.zeros((2, 3))}),
    "two sizes": lambda: plot_generator({"A": np.eye(2), "B": np.eye(3)}),
    "NaN": lambda: plot_generator({"A": np.full((2, 2), np.nan)}),
    "no numbers": lambda: plot_generator({"A": np.array([["a"]])}),
    "empty": lambda: plot_spectrum(np.zeros((0, 0)), 4),
    "spectrum not square": lambda: plot_spectrum(np.zeros((2, 3)), 4),
    "no order": lambda: plot_spectrum(np.eye(2), 0),
    "three axes": lambda: plot_orbit(np.zeros((2, 3, 4))),
    "labels": lambda: plot_orbit(np.zeros((1, 2, 3, 3)), ["x"]),
    "no curve": lambda: plot_history({}),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    with pytest.raises(InputError) as problem:
        BAD[case]()
    assert is_one_line(str(problem.value))
