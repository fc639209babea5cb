"""The pictures of a finding: its moment matrix, its members, and the null distribution."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import torch

from grouplearn.commands.discover import DataFinding
from grouplearn.commands.discover_null import Points, distinct, points_of, random_points
from grouplearn.commands.discover_words import arrows, as_matrix, ladder_of, name_of
from grouplearn.discovery import Discovery, MomentAccumulator
from grouplearn.discovery.permutations.judgement import Judge
from grouplearn.discovery.permutations.tensors import moments_of
from grouplearn.discovery.permutations.violations import Moment
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.plots import (
    Mark,
    draw_evidence,
    draw_lattice,
    letter_f,
    orbits_of,
    plot_arcs,
    plot_generator,
    plot_moments,
    plot_patches,
    plot_violations,
    plot_windows,
    png,
)
from grouplearn.report import Picture

_MEMBERS, _RANDOM, _MARKS, _CANDIDATES, _SHORT = 12, 200, 7, 10, 48
_GLANCE = 4  # members can be read at a glance
_ROWS = 96  # of names, in all pictures of arcs together


def pictures_of(finding: DataFinding, max_moment: int, seed: int) -> dict[str, Picture]:
    """All pictures that make sense for a finding, by name of file.

    Args:
        finding: what was found.
        max_moment: up to which moments were asked.
        seed: of the random permutations.
    """
    drawn = {}
    if finding.shown.found:
        drawn["members"] = _member_picture(finding)
        if finding.subject.kind != "images" and finding.shown.group.order > _GLANCE:
            drawn |= _generator_picture(finding)
    steps = ladder_of(finding.found, finding.subject, finding.coordinates)
    words = [arrows(textwrap.shorten(step.operations, _SHORT, placeholder="...")) for step in steps]
    if finding.found.found or steps:
        drawn["lattice"] = _lattice_picture(finding, words)
    if any(rung.is_tested for rung in finding.found.ladder):
        drawn["evidence"] = _evidence_picture(finding, words)
    drawn["moments"] = _moment_picture(finding)
    action = finding.shown.action
    if action != "linear":
        moments, kept = distinct(finding.moments, signed=action == "signed")
        if len(kept) > 1:
            drawn["violations"] = _violation_picture(finding, moments, kept, max_moment, seed)
    return drawn


def _lattice_picture(finding: DataFinding, words: Sequence[str]) -> Picture:
    axes = draw_lattice(finding.found, words)
    names = ", ".join(rung.name for rung in finding.found.ladder) or finding.found.group.name
    return Picture(
        png(axes.figure), f"the lattice of the groups that were tested: {names}",
        "The groups that were tested, and the subgroups of the one that is claimed, from small to "
        "large; a line joins a group to those that contain it. Numbers of elements stand in "
        "brackets.",
    )  # fmt: skip


def _evidence_picture(finding: DataFinding, words: Sequence[str]) -> Picture:
    axes = draw_evidence(finding.found, words)
    told = "; ".join(rung.brief() for rung in finding.found.ladder if rung.is_tested)
    return Picture(
        png(axes.figure), f"effects of the groups that were tested: {told}",
        "How far the data are from each symmetry that was tested, as a part of what no symmetry of "
        "the same kind shows.",
    )  # fmt: skip


def _moment_picture(finding: DataFinding) -> Picture:
    moments, dim = finding.moments, finding.moments.dim
    covariance = moments.covariance()[:dim, :dim]
    scale = np.sqrt(np.diag(covariance).clip(0))
    scale[scale == 0] = 1.0
    matrix = covariance / np.outer(scale, scale)
    exclusive = moments_of(moments, 2, signed=False).exclusive
    if exclusive is not None:
        matrix *= ~exclusive | np.eye(dim, dtype=bool)
    members, name = _ordering(finding)
    points = [p for p in map(_images, members) if p is not None]
    orbits = orbits_of(np.stack([np.arange(dim), *points]))
    title = f"by orbits of {name}" if points else ""
    figure = plot_moments(matrix, orbits, finding.coordinates, title)
    caption = "Correlations of the coordinates" + (
        f"; lines separate the orbits of {name}." if points else "."
    )
    if exclusive is not None:
        caption += " Those between letters of one position, which holds one only, are left out."
    if moments.channels > 1:
        caption += " Of several channels the first is shown."
    return Picture(png(figure), f"heat maps of the correlations of {finding.subject.name}", caption)


def _ordering(finding: DataFinding) -> tuple[Sequence[torch.Tensor], str]:
    """The operations whose orbits order the coordinates: those found, or proposed, or nearest."""
    shown = finding.shown
    if shown.found:
        status = "found" if finding.found.found else "proposed, not certified"
        return list(shown.members[:512]), f"{shown.group.name} ({status})"
    if shown.ladder:
        nearest = shown.ladder[0]
        return list(nearest.generators), f"{nearest.name} (nearest, rejected)"
    return [], ""


def _images(member: torch.Tensor) -> Points | None:
    """Where a member moves the coordinates, signs left aside; None for other matrices."""
    if member.ndim == 1:
        return member.numpy()
    values = np.abs(member.numpy())
    images = values.argmax(0)
    exact = np.zeros_like(values)
    exact[images, np.arange(len(values))] = 1.0
    return images if np.allclose(values, exact, rtol=0, atol=1e-6) else None


def _member_picture(finding: DataFinding) -> Picture:
    shown, subject, coordinates = finding.shown, finding.subject, finding.coordinates
    members = _simplest(shown)[:_MEMBERS]
    titles = [arrows(name_of(each, subject, coordinates)) for each in members]
    more = f" Of {shown.group.order} members {_MEMBERS} are shown."
    beyond = more if shown.group.order > _MEMBERS else ""
    alt = f"the members of {shown.group.name}: {', '.join(titles)}"
    if subject.draw is not None:
        matrices = np.stack([as_matrix(each).numpy() for each in members])
        return Picture(png(subject.draw(matrices, titles)), alt,
                       f"What each member of {shown.group.name} does.{beyond}")  # fmt: skip
    if subject.kind == "images":
        size = round(len(coordinates) ** 0.5)
        motif = torch.from_numpy(letter_f(size)).flatten()
        patches = np.stack([(as_matrix(m) @ motif).reshape(size, size).numpy() for m in members])
        return Picture(png(plot_patches(patches, titles)), alt, f"What each member of "
                       f"{shown.group.name} makes of one test patch.{beyond}")  # fmt: skip
    points = [each for each in members if each.ndim == 1]
    if len(points) == len(members) and isinstance(subject.domain, SequenceDomain):
        drawn = plot_windows(torch.stack(points).numpy(), subject.domain.letters, titles)
        return Picture(png(drawn), alt, f"Where the members of {shown.group.name} move the letters "
                       f"of a window: each cell names what arrives in it.{beyond}")  # fmt: skip
    if len(points) == len(members):
        return _arcs_picture(shown, points[1:], coordinates, titles[1:])
    few = {f"member {k}": as_matrix(each) for k, each in enumerate(members[1:5], 1)}
    return Picture(png(plot_generator(few)), alt, f"Members of {shown.group.name} as matrices.")


def _generator_picture(finding: DataFinding) -> dict[str, Picture]:
    """The generators alone, where the members are too many for a glance and permute coordinates."""
    shown, subject = finding.shown, finding.subject
    chosen = [shown.members[g] for g in shown.group.generators]
    if chosen[0].ndim != 1:
        return {}
    titles = [arrows(name_of(each, subject, finding.coordinates)) for each in chosen]
    members = torch.stack(chosen).numpy()
    if isinstance(subject.domain, SequenceDomain):
        figure = plot_windows(members, subject.domain.letters, titles)
    else:
        figure = plot_arcs(members, finding.coordinates, titles)
    name = shown.group.name
    alt = f"generators of {name}: {', '.join(titles)}"
    return {"generators": Picture(png(figure), alt, f"What the generators of {name} do.")}


def _arcs_picture(
    shown: Discovery, points: Sequence[torch.Tensor], names: Sequence[str], titles: Sequence[str]
) -> Picture:
    """Some members as arcs: the fewer, the more coordinates they move."""
    members = torch.stack(list(points)).numpy()
    moved = int((members != np.arange(members.shape[1])).any(0).sum())
    few = max(2, _ROWS // max(moved, 1))
    order = shown.group.order
    more = f" Of {order:,} members {min(few, len(points))} are shown." * (
        len(points[:few]) < order - 1
    )
    return Picture(
        png(plot_arcs(members[:few], names, titles[:few])),
        f"members of {shown.group.name}: {', '.join(titles[:few])}",
        f"What the members of {shown.group.name}, the identity left out, exchange.{more}",
    )  # fmt: skip


def _simplest(found: Discovery) -> list[torch.Tensor]:
    """The members, those that move the fewest coordinates first: the identity leads."""
    eye = torch.arange(found.representation.dim)

    def moved(member: torch.Tensor) -> int:
        if member.ndim == 1:
            return int((member != eye).sum())
        return int((member.abs().argmax(0) != eye).sum() + (member.diagonal() < 0).sum())

    return sorted(found.members, key=moved)


def _violation_picture(
    finding: DataFinding, moments: MomentAccumulator, kept: Points, max_moment: int, seed: int
) -> Picture:
    signed = finding.shown.action == "signed"
    judge = Judge(moments_of(moments, max_moment, signed=signed), signed)
    marks = _candidates(finding, kept, signed)
    rng = np.random.default_rng(seed)
    known = {points.tobytes() for _, points, _ in marks}
    drawn = random_points(judge, [points for _, points, _ in marks], _RANDOM, rng)
    null = [points for points in drawn if points.tobytes() not in known]
    panels = {}
    for moment in _shown_moments(judge):
        entries = [Mark(n, moment.distance(judge.move(p)), role) for n, p, role in marks]
        random = np.array([moment.distance(judge.move(p)) for p in null])
        panels[_heading(moment.kind)] = (random, entries)
    caption = (
        "Each dot is a candidate, the grey columns are random permutations that move as many "
        "coordinates. A symmetry lies far to the left of them in every panel. Moments propose; a "
        "test decides."
    )
    figure = plot_violations(panels)
    alt = f"violations of candidates and of random permutations of {finding.subject.name}"
    return Picture(png(figure), alt, caption)


def _heading(kind: str) -> str:
    order = kind.partition(",")[0].removeprefix("order ")
    words = {"2": "second moments", "3": "third moments", "4": "fourth moments"}
    return words.get(order, kind)


def _shown_moments(judge: Judge) -> list[Moment]:
    """One moment for each order: second, and of the higher ones the decisive that do not vanish."""
    second = next(m for m in judge.moments.propose if m.kind == "order 2")
    higher = (m for m in judge.moments.certify if m.decisive and not m.vanishes)
    return [second, *(m for m in higher if m.kind in ("order 3", "order 4"))]


def _candidates(finding: DataFinding, kept: Points, signed: bool) -> list[tuple[str, Points, str]]:
    """Members, what was proposed, and the generators of rungs that are not claimed."""
    role = "member" if finding.found.found else "proposed"
    members = _simplest(finding.shown)
    listed = [(m, role) for m in members[1:_MARKS]]
    others = [
        (g, "rejected" if rung.verdict == "rejected" else "undecided")
        for rung in finding.found.ladder for g in rung.generators
    ]  # fmt: skip
    marks = []
    seen = {points_of(m, kept, signed=signed).tobytes() for m in members[:1] + members[_MARKS:]}
    for member, each in listed + others:
        points = points_of(member, kept, signed=signed)
        if points.tobytes() in seen:
            continue
        seen.add(points.tobytes())
        name = name_of(member, finding.subject, finding.coordinates)
        marks.append((arrows(name if len(name) <= 40 else f"{name[:37]}..."), points, each))
    return marks[:_CANDIDATES]
