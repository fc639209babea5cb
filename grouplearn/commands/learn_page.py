"""The report page of `grouplearn learn`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from grouplearn.commands.learn import Learned, LearnResult
from grouplearn.commands.page import repeat_section
from grouplearn.plots import pixels_png
from grouplearn.report import (
    Alert,
    Column,
    Headline,
    MovedSample,
    Orbit,
    Page,
    Picture,
    Section,
    Table,
)

_ELEMENTS, _SAMPLES = 64, 3
_MEANINGS = {
    "distance to T": "How far the learned matrix is from the true one, relative. 0 is perfect.",
    "distance to escnn": "The same from the rotation matrix of that library.",
    "closure defect": "How far the n-th power of the matrix is from the identity.",
    "homomorphism defect": "How far products of two elements are from the element they should be.",
    "invertibility defect": "How far the learned inverse is from an inverse.",
    "orthogonality defect": "How far the matrix is from an orthogonal one.",
    "condition number": "How much the matrix may enlarge errors. 1 is perfect.",
    "exact: moved by": "How far rounding to a matrix that closes exactly moved it.",
    "exact: distance to T": "How far the rounded matrix is from the true one.",
    "held-out pair error": "The error on pairs from other images, relative.",
}
_HELP = Section(
    "What the rows mean", folded=True,
    table=Table(["row", Column("meaning", is_text=True)], list(_MEANINGS.items()), sortable=False),
)  # fmt: skip
_FIRST = "generator"


def page_of(
    result: LearnResult,
    table: Table,
    pictures: Mapping[str, Mapping[str, Picture]],
    curves: Picture,
    command: str,
) -> Page:
    """The page of a run.

    Args:
        result: what was learned.
        table: the measurements, a row for each and a column for each representation.
        pictures: of each representation, by its name and their kind.
        curves: the course of the training.
        command: the command line that made it.
    """
    action, options, size = result.action, result.options, result.options.patch_size
    lead = [
        f"From {options.patches:,} pairs (x, T x) of {size} x {size} patches of "
        f"{result.pairs.source}, a matrix A was learned by backpropagation so that A x = T x, as "
        f"the generator of {result.group.name}. The learner saw the pairs only; T serves to score "
        f"it. T: {action.words}",
        *(result.remarks if result.pairs.found.identified else result.remarks[1:]),
    ]
    best = min(result.learned, key=lambda each: each.measures.distance)
    verdicts = [f"{each.name}: {each.verdict}" for each in result.learned]
    sections = [
        Section("Move held-out patches", orbit=_orbit(best, result)),
        Section("Result", verdicts if len(verdicts) > 1 else [], table, sections=[_HELP]),
        *(_details(each, pictures[each.name], best) for each in result.learned),
        Section("Training", _starts(result), pictures=[curves]),
        repeat_section(command, options.seed),
    ]
    return Page(
        f"A {action.name.replace('-', ' ')}, learned from pairs of patches", lead, sections,
        _answer(best, pictures[best.name][_FIRST]), _alerts(result),
        program="grouplearn learn",
    )  # fmt: skip


def notes_of(each: Learned) -> list[str]:
    """What there is to say about one representation beside its verdict.

    Args:
        each: the representation.
    """
    refusal = each.measures.exact_refusal.removeprefix("nearest_exact: ")
    return [
        *([f"Learned with {each.note}."] if each.note else []),
        *([f"No nearest exact representation: {refusal}."] if refusal else []),
    ]


def _answer(best: Learned, picture: Picture) -> Headline:
    is_found = not best.verdict.startswith("Not ")
    status = f"Found by {best.name}" if is_found else "Not found"
    return Headline(f"{best.name}: {best.verdict}", status, "good" if is_found else "open", picture)


def _alerts(result: LearnResult) -> list[Alert]:
    alerts = []
    if not result.pairs.found.identified:
        alerts.append(Alert("The pairs do not determine the action", result.remarks[0]))
    alerts += [
        Alert(f"{each.name} breaks its own law", "It closes by construction, and does not here.")
        for each in result.learned
        if not each.lawful
    ]
    return alerts


def _details(each: Learned, pictures: Mapping[str, Picture], best: Learned) -> Section:
    shown = [drawn for kind, drawn in pictures.items() if each is not best or kind != _FIRST]
    return Section(each.name, notes_of(each), pictures=shown)


def _starts(result: LearnResult) -> list[str]:
    return [
        f"{each.name}: {len(each.losses)} start{'s' * (len(each.losses) > 1)}, "
        f"{each.seconds:.1f} s, final training error {each.fit.history[-1].data:.2g}."
        for each in result.learned
    ]


@torch.no_grad()
def _orbit(best: Learned, result: LearnResult) -> Orbit:
    """The held-out patches of the most contrast, under the powers of the learned matrix."""
    x, size = result.pairs.held_out[0], result.options.patch_size
    kept = x[x.std(-1).argsort(descending=True, stable=True)[:_SAMPLES]]
    count = min(result.group.order, _ELEMENTS)
    orbits = best.rep.orbit(kept)[:, :count].reshape(len(kept), count, size, size).numpy()
    titles = ["identity", "A", *(f"A to the power {k}" for k in range(2, count))][:count]
    samples = [
        MovedSample(f"patch {n + 1}", _pixels(orbit[0]), [_pixels(each) for each in orbit])
        for n, orbit in enumerate(orbits)
    ]
    about = (
        f"Move the slider to see what the powers of A, as learned by {best.name}, make of patches "
        "that it has not learned from."
    )
    return Orbit(f"Element of {result.group.name}", titles, samples, about)


def _pixels(patch: np.ndarray) -> Picture:
    return Picture(pixels_png(patch.astype(np.float64)), "a patch of an image")
