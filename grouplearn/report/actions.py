"""Sections about a representation or a finding alone, without the data that it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isqrt

import numpy as np
import torch
from jaxtyping import Float

from grouplearn.defects import (
    closure_defect,
    condition_number,
    invertibility_defect,
    orthogonality_defect,
)
from grouplearn.discovery import Discovery
from grouplearn.plots import (
    draw_displacement,
    draw_evidence,
    draw_lattice,
    draw_spectrum,
    letter_f,
    pixels_png,
    plot_generator,
    png,
)
from grouplearn.report.alerts import alerts_of
from grouplearn.report.orbits import Cells, Frame, MovedSample, Orbit
from grouplearn.report.page import Column, Headline, Section, Table
from grouplearn.report.pictures import Picture
from grouplearn.representations import LearnedRepresentation

_ELEMENTS, _CELLS, _DRAWN, _GRID = 64, 16, 64, 12
_SAME = 1e-9
_LAWS: tuple[tuple[str, Callable[[LearnedRepresentation], object], str], ...] = (
    ("closure", closure_defect, "How far relators of the group are from the identity."),
    ("invertibility", invertibility_defect, "How far the inverse is from one."),
    ("orthogonality", orthogonality_defect, "How far generators are from orthogonal ones."),
    ("condition", condition_number, "How much a generator may enlarge errors; 1 is perfect."),
)


def section_of_representation(
    name: str, rep: LearnedRepresentation, sentences: Sequence[str], *, is_grid: bool = False
) -> Section:
    """What a representation does: slider, defects, matrix, eigenvalues, displacement.

    Args:
        name: the heading.
        rep: the representation.
        sentences: what is said of it, such as a `Description`; the first is the answer.
        is_grid: does it act on square patches of pixels, row by row?

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import SpectralRepresentation
        >>> rep = SpectralRepresentation(CyclicGroup(4), 9)
        >>> section = section_of_representation("turns", rep, ["Turns."], is_grid=True)
        >>> len(section.orbit.elements), section.answer.sentence
        (4, 'Turns.')
    """
    side = isqrt(rep.dim)
    grid = is_grid and side * side == rep.dim and side > 1
    said = list(sentences) or [f"{rep.group} on R^{rep.dim}."]
    pictures = _pictures(name, rep, side if grid else 0)
    orbit = _orbit(rep, side if grid else 0)
    return Section(
        name, said[1:], defects_of(rep), pictures[1:], answer=Headline(said[0], str(rep.group),
        picture=pictures[0] if pictures else None), orbit=orbit, is_part=True,
    )  # fmt: skip


def section_of_finding(name: str, found: Discovery, *, is_grid: bool = False) -> Section:
    """A finding without its data: claim, alerts, lattice, evidence, and what its group does.

    Args:
        name: the heading.
        found: the finding.
        is_grid: does it act on square patches of pixels, row by row?
    """
    status = "Found" if found.found else "None found"
    pictures = []
    if found.found or found.ladder:
        drawn = png(draw_lattice(found).figure)
        pictures.append(Picture(drawn, f"lattice of the groups around {found.group.name}"))
    if any(rung.is_tested for rung in found.ladder):
        told = "; ".join(rung.brief() for rung in found.ladder)
        pictures.append(Picture(png(draw_evidence(found).figure), told, "Effects, with bounds."))
    acts = [f"{found.group} on R^{found.representation.dim}."]
    inner = section_of_representation("What it does", found.representation, acts, is_grid=is_grid)
    return Section(
        name, pictures=pictures, alerts=alerts_of(found), is_part=True,
        answer=Headline(found.summary(), status, "good" if found.found and found.exact else "none"),
        sections=[replace(inner, is_part=False)] if found.found else [],
    )  # fmt: skip


def _pictures(name: str, rep: LearnedRepresentation, side: int) -> list[Picture]:
    """Heat map, eigenvalues and displacement of the first generator, unless it is too large."""
    if not rep.group.generators:
        return []
    pictures = []
    matrix = rep.generators()[0].detach().double().cpu()
    if 1 < side <= _GRID:
        axes = draw_displacement(matrix, (side, side))
        pictures.append(Picture(
            png(axes.figure), f"where the first generator of {name} moves pixels",
            "Where the first generator moves each pixel; broken arrows smear.",
        ))  # fmt: skip
    if rep.dim <= _DRAWN:
        heat = png(plot_generator({"first generator": matrix}))
        pictures.append(Picture(heat, f"the first generator of {name} as a heat map", "Entries."))
    pictures.append(Picture(
        png(draw_spectrum(rep).figure), f"eigenvalues of the first generator of {name}",
        "Its eigenvalues lie in the rings where it closes.",
    ))  # fmt: skip
    return pictures


@torch.no_grad()
def defects_of(rep: LearnedRepresentation) -> Table:
    """How well a representation keeps its laws.

    Args:
        rep: the representation.
    """
    head: list[str | Column] = ["law", Column("measured", "0 is perfect, for the condition 1."),
            Column("meaning", is_text=True)]  # fmt: skip
    rows = [[name, f"{float(np.max(_array(law(rep)))):.2g}", words] for name, law, words in _LAWS]
    return Table(head, rows, sortable=False)


def _array(value: object) -> Float[np.ndarray, ...]:
    return torch.as_tensor(value, dtype=torch.float64).cpu().numpy()


@torch.no_grad()
def _orbit(rep: LearnedRepresentation, side: int) -> Orbit | None:
    """A test pattern under the elements; None for the trivial group."""
    count = min(rep.group.order, _ELEMENTS)
    if count < 2:
        return None
    pattern = letter_f(side).flatten() if side else np.arange(1.0, rep.dim + 1)
    x = torch.as_tensor(pattern, dtype=rep.dtype, device=rep.device)
    moved = torch.stack([rep.act(x, g) for g in range(count)]).double().cpu().numpy()
    changes = np.flatnonzero(np.abs(moved - pattern).max(0) > _SAME)[:_CELLS]

    def frame(values: Float[np.ndarray, " d"]) -> Frame:
        if side:
            return Picture(pixels_png(1 - values.reshape(side, side)), "a test pattern")
        return Cells([
            (f"coordinate {i}", f"{values[i]:.4g}", bool(abs(values[i] - pattern[i]) > _SAME))
            for i in changes.tolist()
        ])  # fmt: skip

    orders = rep.group.element_orders
    titles = [f"element {g}, of order {int(orders[g])}" for g in range(count)]
    sample = MovedSample("a test pattern", frame(pattern), [frame(each) for each in moved])
    about = "Move the slider to see what each element makes of a test pattern."
    return Orbit(f"Element of {rep.group.name}", ["identity", *titles[1:]], [sample], about)
