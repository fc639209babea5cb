"""What the figures of discovered groups contain, artist by artist."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from grouplearn.errors import InputError
from grouplearn.plots import (
    Mark,
    orbits_of,
    plot_arcs,
    plot_moments,
    plot_patches,
    plot_violations,
    plot_windows,
)
from tests.unit.examples import is_one_line


def texts(figure: Figure, panel: int = 0) -> list[str]:
    return [text.get_text() for text in figure.axes[panel].texts]


def test_orbits_are_the_connected_coordinates() -> None:
    members = np.array([[0, 1, 2, 3, 4], [0, 3, 4, 1, 2]])
    assert orbits_of(members) == [[1, 3], [2, 4], [0]]
    assert orbits_of(np.arange(3)[None]) == [[0], [1], [2]]


def test_moments_are_reordered_by_orbits() -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    figure = plot_moments(matrix, [[0, 2], [1]], ["a", "b", "c"], "by orbits")
    left, right = figure.axes[:2]
    shown = np.asarray(right.images[0].get_array())
    np.testing.assert_array_equal(shown, matrix[np.ix_([0, 2, 1], [0, 2, 1])])
    np.testing.assert_array_equal(np.asarray(left.images[0].get_array()), matrix)
    assert left.images[0].get_clim() == (-7, 7)  # 8 stands on the diagonal
    assert [label.get_text() for label in right.get_yticklabels()] == ["a", "c", "b"]
    assert [float(np.asarray(line.get_ydata())[0]) for line in right.lines[::2]] == [1.5]
    assert right.get_title() == "by orbits"


def test_lines_stand_around_orbits_of_several_only() -> None:
    figure = plot_moments(np.eye(5), [[1, 3], [0], [2], [4]], list("abcde"))
    assert len(figure.axes[1].lines) == 2


def test_without_a_group_one_panel_is_enough() -> None:
    figure = plot_moments(np.eye(2), [[0], [1]], ["a", "b"], "")
    assert len(figure.axes) == 2  # the matrix and its colour bar
    assert figure.axes[0].images[0].get_clim() == (-1, 1)


def test_many_coordinates_go_without_names() -> None:
    figure = plot_moments(np.eye(40), orbits_of(np.arange(40)[None]), [str(k) for k in range(40)])
    assert figure.axes[0].get_xticklabels() == []
    assert plot_moments(np.zeros((1, 1)), [[0]], ["a"]).axes[0].images[0].get_clim() == (-1, 1)


def test_patches_are_drawn_as_they_are() -> None:
    patches = np.stack([np.eye(3), -np.eye(3), np.zeros((3, 3)), np.eye(3), np.eye(3)])
    figure = plot_patches(patches, ["a", "b", "c", "d", "a very long name of an operation"])
    assert len(figure.axes) == 5
    for axes, patch in zip(figure.axes, patches, strict=True):
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), patch)
        assert axes.images[0].get_clim() == (-1, 1)
    assert "\n" in figure.axes[4].get_title()
    assert plot_patches(np.zeros((1, 2, 2)), ["zero"]).axes[0].images[0].get_clim() == (-1, 1)


def test_windows_name_what_arrives() -> None:
    reverse_complement = np.arange(8)[::-1].copy()
    figure = plot_windows(np.stack([np.arange(8), reverse_complement]), "ACGT", ["same", "moved"])
    assert texts(figure, 0) == ["A1", "C1", "G1", "T1", "A2", "C2", "G2", "T2"]
    assert texts(figure, 1) == ["T2", "G2", "C2", "A2", "T1", "G1", "C1", "A1"]
    cells = {text: patch.get_facecolor() for text, patch in zip(
        texts(figure, 1), figure.axes[1].patches, strict=True)}  # fmt: skip
    first = dict(zip(texts(figure, 0), figure.axes[0].patches, strict=True))
    assert all(cells[name] == first[name].get_facecolor() for name in cells)


def test_a_cycle_is_read_in_the_direction_of_members() -> None:
    # Coordinate i moves to member[i]: what arrives at place 1 came from place 0.
    assert texts(plot_windows(np.array([[1, 2, 0]]), "X", ["turn"])) == ["X3", "X1", "X2"]


def test_arcs_join_what_is_exchanged() -> None:
    members = np.array([[1, 0, 2, 4, 5, 3], [0, 1, 2, 4, 5, 3]])
    figure = plot_arcs(members, list("abcdef"), ["both", "cycle"])
    assert texts(figure) == ["a", "b", "d", "e", "f"]
    assert [len(axes.lines) for axes in figure.axes] == [4, 3]
    assert [len(axes.patches) for axes in figure.axes] == [3, 3]  # heads of the cycle alone
    heights = [
        set(np.round(np.asarray(line.get_ydata())[[0, -1]], 6)) for line in figure.axes[0].lines
    ]
    assert heights == [{0, 1}, {2, 3}, {3, 4}, {2, 4}]
    assert texts(plot_arcs(np.array([[0, 1]]), ["a", "b"], ["identity"])) == ["a"]


def test_violations_stand_beside_random_permutations() -> None:
    marks = [Mark("far", 0.5, "rejected"), Mark("half turn", 0.01, "member"),
             Mark("exact", 0.0, "proposed"), Mark("other", 0.4, "rejected")]  # fmt: skip
    figure = plot_violations({"order 2": (np.full(50, 1.3), marks), "order 3": (np.ones(9), [])})
    first, second = figure.axes
    assert texts(figure) == ["exact: 0", "half turn", "other", "far"]
    assert [isinstance(p, Rectangle) and p.get_height() > 0 for p in first.patches].count(True) == 1
    low, high = first.get_xlim()
    assert low < 1e-4
    assert high > 1.3
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["order 2", "order 3"]
    places = [float(np.asarray(each.get_offsets())[0, 0]) for each in first.collections]
    assert places == [1e-4, 0.01, 0.4, 0.5]
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {
        "random permutations moving as many coordinates", "members of the group",
        "proposed, not certified", "rejected candidates",
    }  # fmt: skip
    assert plot_violations({"order 2": (np.ones(0), [])}).axes[0].get_xlim()[0] == 0.05


EMPTY = np.zeros((0, 2), dtype=int)
BAD: dict[str, Callable[[], object]] = {
    "matrix": lambda: plot_moments(np.full((2, 2), np.nan), [[0], [1]], ["a", "b"]),
    "orbits": lambda: plot_moments(np.eye(2), [[0], [0]], ["a", "b"]),
    "names": lambda: plot_moments(np.eye(2), [[0], [1]], ["a"]),
    "patches": lambda: plot_patches(np.ones((2, 2, 2)), ["one"]),
    "windows": lambda: plot_windows(EMPTY, "AB", []),
    "letters": lambda: plot_windows(np.arange(3)[None], "AB", ["one"]),
    "arcs": lambda: plot_arcs(EMPTY, ["a", "b"], []),
    "coordinates": lambda: plot_arcs(np.array([[1, 0]]), ["a"], ["one"]),
    "panels": lambda: plot_violations({}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(InputError) as caught:
        BAD[name]()
    assert is_one_line(str(caught.value))
