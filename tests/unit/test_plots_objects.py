"""Pictures of objects: what is drawn, where, and that nothing lies on something else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from grouplearn.discovery import Discovery, Evidence, Rung, discover, invariance_test
from grouplearn.discovery.result import Verdict
from grouplearn.domains.patches import patch_actions
from grouplearn.errors import InputError
from grouplearn.groups import CyclicGroup, DihedralGroup, FiniteGroup, ProductGroup
from grouplearn.plots import (
    Bar,
    draw_bars,
    draw_cayley,
    draw_choice,
    draw_confusion,
    draw_displacement,
    draw_evidence,
    draw_lattice,
    draw_scores,
    draw_spectrum,
    pixels_png,
    plot_orbit,
    plot_samples,
)
from grouplearn.plots.drawing import MEMBER, PROPOSED, REJECTED, UNDECIDED
from grouplearn.representations import FixedRepresentation, SpectralRepresentation
from grouplearn.training import Choice, Tried
from tests.unit.examples import is_one_line


def regular(group: FiniteGroup) -> FixedRepresentation:
    """A group on its own elements, as permutations."""
    return FixedRepresentation.from_permutations(group.cayley_table[list(group.generators)])


def evidence(verdict: Verdict, effect: float, bound: float = math.inf) -> Evidence:
    return Evidence("all", effect, bound, 0.5, math.inf, verdict, tested=True)


def finding(group: FiniteGroup, *rungs: Rung, region: tuple[str, ...] = ()) -> Discovery:
    rep = regular(group) if group.order > 1 else None
    if rep is None:
        rep = FixedRepresentation(group, torch.zeros(0, 4, 4, dtype=torch.float64))
        members = torch.arange(4)[None]
    else:
        members = torch.as_tensor(rep.matrices().argmax(1))
    zeros = torch.zeros(len(members), dtype=torch.float64)
    own = Rung(group.name, group.order, members[list(rep.group.generators)],
               (evidence("exact", 0.1, 0.2),), accepted=True)  # fmt: skip
    ladder = (own, *rungs) if group.order > 1 else rungs
    return Discovery(rep, members, zeros, zeros, 1.0, 0.5, ladder, True, "permutation",
                     region=region)  # fmt: skip


def renderer_of(figure: Figure) -> Any:
    """The renderer of a figure that has been drawn."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def drawn(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    renderer_of(figure)
    return figure


def boxes(axes: Axes) -> list[Any]:
    """Where texts stand, with their frames; labels of ticks too."""
    figure = drawn(axes)
    renderer = renderer_of(figure)
    texts = [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]
    return [
        (text.get_bbox_patch() or text).get_window_extent(renderer)
        for text in texts
        if text.get_text() and text.get_visible()
    ]


def assert_apart(axes: Axes) -> None:
    found = boxes(axes)
    assert found
    overlapping = [
        (a.bounds, b.bounds) for a, b in itertools.combinations(found, 2) if a.overlaps(b)
    ]
    assert overlapping == []


LONG = "quadruple-and-dotted <-> triple-and-dashed"
GROUPS = [
    CyclicGroup(64), DihedralGroup(32), ProductGroup(CyclicGroup(8), CyclicGroup(8)),
    ProductGroup(CyclicGroup(2), ProductGroup(CyclicGroup(4), CyclicGroup(8))), DihedralGroup(6),
]  # fmt: skip


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_a_lattice_has_no_overlap_up_to_order_64(group: FiniteGroup) -> None:
    axes = draw_lattice(finding(group), [LONG])
    assert_apart(axes)
    texts = [text.get_text() for text in axes.texts]
    assert any(f"({group.order})" in text.splitlines()[0] for text in texts)
    assert any(text.startswith("C1 (1)") for text in texts)


def test_a_lattice_is_that_of_the_subgroups() -> None:
    axes = draw_lattice(finding(DihedralGroup(4)))
    names = sorted(text.get_text() for text in axes.texts)
    expected = ["C1 (1)", *["C2 (2)"] * 5, *["C2 x C2 (4)"] * 2, "C4 (4)", "D4 (8)"]
    assert names == sorted(expected)
    lines = [line for line in axes.lines if len(np.asarray(line.get_xdata()))]
    assert len(lines) == 5 + 4 + 4 - 1 + 3  # covers in the lattice of D4: 15
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["C1 (1)"] < heights["C2 (2)"] < heights["C4 (4)"] < heights["D4 (8)"]


def test_no_line_of_a_lattice_runs_behind_a_group() -> None:
    swaps = [torch.tensor([[1, 0, 2, 3, 4, 5]]), torch.tensor([[2, 1, 0, 3, 4, 5]])]
    rungs = [Rung("C2", 2, swap, (evidence("rejected", 0.9),), False) for swap in swaps]
    for found in (finding(CyclicGroup(6), *rungs), finding(DihedralGroup(6))):
        axes = draw_lattice(found)
        middles = np.array([text.get_position() for text in axes.texts])
        courses = [np.stack(line.get_data(), axis=1) for line in axes.lines]
        drawn_lines = [course for course in courses if len(course)]  # not those of the legend
        assert len(drawn_lines) > len(middles) - 2
        for course in drawn_lines:
            apart = np.abs(course[:, None] - middles)
            assert (apart < [0.3, 0.18]).all(-1).any(0).sum() == 2  # its ends


def test_what_is_claimed_left_open_and_rejected_looks_different() -> None:
    swap = torch.tensor([[1, 0, 2, 3]])
    turn = torch.tensor([[1, 2, 3, 0]])
    flip = torch.tensor([[0, 3, 2, 1]])
    found = finding(
        CyclicGroup(4),
        Rung("D4", 8, torch.cat([turn, flip]), (evidence("undecided", 0.3),), False),
        Rung("C2", 2, swap, (evidence("rejected", 0.9, 1.0),), False),
        Rung("C2", 2, torch.tensor([[2, 1, 0, 3]]), (evidence("undecided", 0.4),), False),
        Rung("C2", 2, flip, (evidence("exact", 0.0, 0.1),), False),
        region=("D4",),
    )
    axes = draw_lattice(found)
    looks: dict[str, list[Any]] = {}
    for text in axes.texts:
        box: Any = text.get_bbox_patch()
        looks.setdefault(text.get_text(), []).append(
            (to_rgb(box.get_edgecolor()), box.get_linestyle(), box.get_linewidth())
        )
    assert looks["C4 (4)"] == [(to_rgb(MEMBER), "-", 2.6)]
    assert looks["D4 (8)"] == [(to_rgb(UNDECIDED), "--", 1.8)]
    assert looks["\N{MULTIPLICATION SIGN} C2 (2)"] == [(to_rgb(REJECTED), "-", 1.0)]
    others = {
        (to_rgb(MEMBER), "-", 1.0),
        (to_rgb(UNDECIDED), ":", 1.6),
        (to_rgb(PROPOSED), "-.", 1.4),
    }
    assert set(looks["C2 (2)"]) == others
    (legend,) = drawn(axes).legends
    assert {text.get_text() for text in legend.get_texts()} == {
        "claimed", "part of the claim", "larger, and not excluded", "fits, and not claimed",
        "undecided", "rejected",
    }  # fmt: skip
    assert_apart(axes)


def test_groups_too_large_to_list_have_no_lines() -> None:
    generators = torch.tensor([[1, 2, 3, 4, 0], [1, 0, 2, 3, 4]])
    large = Rung("S5", 120, generators, (evidence("undecided", 0.2),), False)
    axes = draw_lattice(finding(CyclicGroup(1), large))
    assert sorted(text.get_text() for text in axes.texts) == ["C1 (1)", "S5 (120)"]
    assert not [line for line in axes.lines if len(np.asarray(line.get_xdata()))]


def test_a_lattice_of_matrices() -> None:
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    rep = FixedRepresentation(CyclicGroup(4), turn[None])
    zeros = torch.zeros(4, dtype=torch.float64)
    half = Rung("C2", 2, -torch.eye(2, dtype=torch.float64)[None], (), False)
    found = Discovery(rep, rep.matrices(), zeros, zeros, 1.0, 1.0, (half,), True, "linear")
    texts = [text.get_text() for text in draw_lattice(found).texts]
    assert sorted(texts) == ["C1 (1)", "C2 (2)", "C4 (4)"]


def test_evidence_is_drawn_with_its_bound() -> None:
    swap = torch.tensor([[1, 0, 2, 3]])
    found = finding(
        CyclicGroup(4),
        Rung("C2", 2, swap, (evidence("rejected", 0.9, 1.3),), False),
        Rung("C2", 2, swap, (evidence("undecided", math.nan),), False),
        Rung("kernel", 2, swap, (Evidence("kernel", 0.1, 0.1, 0.5, 1.0, "exact"),), False),
    )
    axes = draw_evidence(found, ["a turn", "swap $x", "c", "d"])
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["C4 (4), claimed: a turn", r"C2 (2): swap \$x", "C2 (2): c"]
    bars = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
    assert [0.1, 0.2] in bars
    assert [0.9, 1.3] in bars
    assert axes.get_xlim()[1] > 1.3
    assert "these data could not show one" in [text.get_text() for text in axes.texts]
    forms = {str(line.get_marker()) for line in axes.lines} - {"None", "|"}
    assert forms == {"o", "X"}
    assert_apart(axes)


def test_scores_stand_in_order_of_loudness() -> None:
    rng = np.random.default_rng(0)
    rows = rng.exponential(size=(300, 3)) * [1.0, 1.0, 3.0]
    test = invariance_test(rows, FixedRepresentation.from_permutations([[0, 2, 1]]), draws=99)
    axes = draw_scores(test)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    ordered = sorted(test.families, key=lambda family: -family.score)
    assert labels == [f"{family.name}, p = {family.p_value:.2g}" for family in ordered]
    dots = [line for line in axes.lines if line.get_marker() in ("o", "X")]
    assert [float(np.asarray(dot.get_xdata())[0]) for dot in dots] == [f.score for f in ordered]
    crosses = [dot.get_marker() == "X" for dot in dots]
    assert crosses == [family.p_value <= test.level for family in ordered]
    assert any(crosses)
    few = [text.get_text() for text in draw_scores(test, 3).get_yticklabels()]
    assert few == labels[:3]


@pytest.mark.parametrize("name", ["quarter-turn", "flip", "transpose"])
def test_arrows_lead_where_pixels_move(name: str) -> None:
    size = 4
    matrix = patch_actions(size)[name].matrix
    axes = draw_displacement(matrix, (size, size))
    moved = {}
    for arrow in axes.patches:
        assert isinstance(arrow, FancyArrowPatch)
        (x, y), (u, v) = arrow._posA_posB  # type: ignore[attr-defined]
        moved[round(y) * size + round(x)] = round(v) * size + round(u)
        assert arrow.get_linestyle() == "-"
    targets = matrix.argmax(0).tolist()
    assert moved == {j: i for j, i in enumerate(targets) if i != j}
    assert len(np.asarray(axes.collections[0].get_offsets())) == size * size - len(moved)


def test_a_blur_is_seen_to_smear() -> None:
    axes = draw_displacement(patch_actions(5)["blur"].matrix, (5, 5))
    assert {arrow.get_linestyle() for arrow in axes.patches} == {"--"}
    assert len(axes.patches) == 16  # the border leans inwards, the inner nine stay


def test_a_spectrum_of_a_representation_marks_its_order() -> None:
    rep = SpectralRepresentation(CyclicGroup(64), 81)
    axes = draw_spectrum(rep, 2)
    roots, eigenvalues = axes.collections[:2]
    assert len(np.asarray(roots.get_offsets())) == 32
    expected = np.linalg.eigvals(rep.matrix(2).detach().numpy())
    points = np.asarray(eigenvalues.get_offsets())
    found = points[:, 0] + 1j * points[:, 1]
    np.testing.assert_allclose(np.sort(np.angle(found)), np.sort(np.angle(expected)), atol=1e-5)
    assert draw_spectrum(rep).get_title() == "element 1 of C64, of order 64"
    figure = drawn(draw_spectrum(rep))
    rings: Any = figure.axes[0].collections[0]
    centres = figure.axes[0].transData.transform(np.asarray(rings.get_offsets()))
    apart = np.linalg.norm(np.diff(centres, axis=0), axis=1).min() * 72 / figure.dpi
    assert apart > math.sqrt(np.asarray(rings.get_sizes())[0])


def test_all_64_elements_of_an_orbit_have_room() -> None:
    figure = plot_orbit(torch.rand(2, 64, 3, 3), [f"element {k}" for k in range(64)])
    renderer = renderer_of(figure)
    assert len(figure.axes) == 128
    assert max(figure.get_size_inches()) < 20
    titles = [axes.title.get_window_extent(renderer) for axes in figure.axes]
    assert not [1 for a, b in itertools.combinations(titles, 2) if a.overlaps(b)]
    assert len(plot_orbit(torch.rand(1, 17, 2, 2)).axes) == 17


def test_bars_have_intervals_and_the_chosen_one_stands_out() -> None:
    bars = [Bar("C4 $", 97.0, 0.5, True), Bar("trivial", 95.0), Bar("D4", 96.0, 1.5)]
    axes = draw_bars(bars, "score, %")
    assert [text.get_text() for text in axes.texts] == ["97.00", "95.00", "96.00"]
    low, high = axes.get_xlim()
    assert low < 94.5
    assert high > 97.5
    markers = [line.get_marker() for line in axes.lines if line.get_marker() in ("o", "s")]
    assert markers == ["o", "s", "s"]
    ends = [np.asarray(c.get_segments())[0, :, 0].tolist() for c in axes.collections]  # type: ignore[attr-defined]
    assert ends == [[96.5, 97.5], [94.5, 97.5]]
    assert_apart(axes)


def test_a_choice_is_drawn_without_what_was_not_run() -> None:
    reps = [SpectralRepresentation(CyclicGroup(n), 9) for n in (1, 2, 4)]
    tried = (Tried(reps[0], (0.8,), 100, 1.0), Tried(reps[1], (0.9, 0.94), 100, 1.0),
             Tried(reps[2], (), 100, 0.0))  # fmt: skip
    choice = Choice(reps[1], tried, "C2 is the best.")
    axes = draw_choice(choice)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["C1", "C2"]
    assert [text.get_text() for text in axes.texts] == ["80.00", "92.00"]
    named = draw_choice(choice, ["none", "half turn", "quarter turn"])
    assert [text.get_text() for text in named.get_yticklabels()] == ["none", "half turn"]


def test_confusion_shows_counts_and_shares() -> None:
    counts = np.array([[3, 1], [0, 0]])
    axes = draw_confusion(counts, ["a", "$"])
    assert [text.get_text() for text in axes.texts] == ["3", "1"]
    np.testing.assert_allclose(
        np.asarray(axes.images[0].get_array()), np.array([[0.75, 0.25], [0.0, 0.0]])
    )
    many = draw_confusion(np.eye(20, dtype=int), [f"class {k}" for k in range(20)])
    assert not many.texts


def test_a_cayley_table_is_the_groups() -> None:
    group = DihedralGroup(3)
    image = draw_cayley(group).images[0]
    np.testing.assert_array_equal(np.asarray(image.get_array()), group.cayley_table)


def test_samples_are_grey_or_in_colours() -> None:
    grey = plot_samples(np.random.default_rng(0).random((7, 1, 4, 4)), ["$a"] * 7)
    assert len(grey.axes) == 7
    assert np.asarray(grey.axes[0].images[0].get_array()).shape == (4, 4)
    coloured = plot_samples(np.full((1, 3, 4, 5), 2.0), ["red"])
    np.testing.assert_array_equal(
        np.asarray(coloured.axes[0].images[0].get_array()), np.ones((4, 5, 3))
    )
    renderer_of(grey)  # the dollar sign is no mathematics


def test_pixels_are_kept_one_by_one() -> None:
    from io import BytesIO

    from PIL import Image

    pixels = np.array([[0.0, 0.5, 1.0], [2.0, -1.0, 0.25]])
    with Image.open(BytesIO(pixels_png(pixels))) as image:
        np.testing.assert_array_equal(np.asarray(image.convert("L")), [[0, 128, 255], [255, 0, 64]])
    with Image.open(BytesIO(pixels_png(np.ones((2, 2, 3)) * [1, 0, 0]))) as image:
        assert image.convert("RGB").getpixel((1, 1)) == (255, 0, 0)


def test_axes_of_ones_own_are_drawn_into() -> None:
    figure = Figure()
    panels = figure.subplots(1, 3)
    found = finding(CyclicGroup(4))
    assert draw_lattice(found, axes=panels[0]) is panels[0]
    assert draw_evidence(found, axes=panels[1]) is panels[1]
    assert draw_spectrum(found.representation, axes=panels[2]) is panels[2]


NOTHING = discover(np.random.default_rng(0).exponential(size=(400, 2)) * [1.0, 9.0])
SCORES = invariance_test(
    np.random.default_rng(0).normal(size=(40, 2)),
    FixedRepresentation.from_permutations([[1, 0]]), draws=19,
)  # fmt: skip
BAD: dict[str, Callable[[], Any]] = {
    "no finding": lambda: draw_lattice(None),  # type: ignore[arg-type]
    "words": lambda: draw_lattice(finding(CyclicGroup(4)), ["a", "b"]),
    "evidence words": lambda: draw_evidence(finding(CyclicGroup(4)), ["a", "b"]),
    "no test": lambda: draw_evidence(NOTHING),
    "no scores": lambda: draw_scores(NOTHING),  # type: ignore[arg-type]
    "none of them": lambda: draw_scores(SCORES, 0),
    "grid": lambda: draw_displacement(np.eye(6), (2, 2)),
    "no representation": lambda: draw_spectrum(np.eye(2)),  # type: ignore[arg-type]
    "no element": lambda: draw_spectrum(regular(CyclicGroup(3)), 3),
    "no bar": lambda: draw_bars([], "x"),
    "nan": lambda: draw_bars([Bar("a", math.nan)], "x"),
    "no choice": lambda: draw_choice(None),  # type: ignore[arg-type]
    "names": lambda: draw_choice(Choice(regular(CyclicGroup(2)), ()), ["a"]),
    "counts": lambda: draw_confusion(np.zeros((2, 3), dtype=int), ["a", "b"]),
    "no group": lambda: draw_cayley(4),  # type: ignore[arg-type]
    "large group": lambda: draw_cayley(CyclicGroup(65)),
    "titles": lambda: plot_samples(np.zeros((1, 1, 2, 2)), []),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str) -> None:
    with pytest.raises(InputError) as problem:
        BAD[case]()
    assert is_one_line(str(problem.value))
