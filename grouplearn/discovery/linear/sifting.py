"""From groups that may stand somewhere to a few proposals, fitted, straightened and ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from grouplearn.discovery.linear.placed import Ideal, Placed
from grouplearn.discovery.linear.proposals import (
    MOST,
    Proposal,
    abstract_group,
    contains,
    subgroups,
)
from grouplearn.discovery.linear.spectrum import (
    COMPATIBLE,
    HOPEFUL,
    Kept,
    Rows,
    Spectrum,
    polar,
    straightened,
)

FAIR = 0.6
"""The share of the energy that a candidate is to keep before it is fitted."""
_GOOD = 0.75
_LIKELY = 0.93
_DOUBTFUL = 1.5
_REFITTED = 10
_CLEARLY = 1.0
_ALIKE = 2
_NEAR = 0.25
_TRIED = 50
_TRIED_HIGH = 14
_STRAIGHTENED = 5
_OUTSIDE = 8
_LARGER = 4
_FIRST = 4


@final
@dataclass(frozen=True)
class _FittedGroup:
    """A fitted group, in the coordinates stretch @ (y - centre)."""

    placed: Placed
    kept: Kept
    stretch: Float[np.ndarray, "d d"]
    centre: Float[np.ndarray, " d"]

    @property
    def compatible(self) -> bool:
        """Is what is lost little, and no more than noise?"""
        return self.kept.share > _GOOD and self.kept.excess < COMPATIBLE


def sift(
    placed: Sequence[Placed],
    spectrum: Spectrum,
    rows: Rows,
    label: Callable[[NDArray[np.float64]], str] | None = None,
) -> list[Proposal]:
    """The largest groups that lose no more than noise, some that keep much, and subgroups.

    Args:
        placed: candidates, in any order.
        spectrum: of the rows.
        rows: whitened.
        label: the symbol of a group of matrices; by default the name of the abstract group.

    Returns:
        At most 30: the likely ones, their largest subgroups, then groups that keep less, then the
        other subgroups. Larger groups than the likely ones are listed however little they keep, if
        they were among the candidates: they are what a test should reject.
    """
    inside: list[_FittedGroup] = []
    outside: list[_FittedGroup] = []
    straight = 0
    likely = [each for each in placed if each.share > FAIR]
    # In more dimensions fitting takes its time, and shares are known better beforehand.
    high = spectrum.basis.dim > 3
    least = _LIKELY if high else FAIR
    ordered = sorted(likely, key=lambda p: (-len(p.ideal.matrices) * (p.share > least), -p.share))
    tried = 0
    for each in ordered:
        same = [f for f in outside if f.placed.ideal.label == each.ideal.label]
        if any(contains(f.placed.matrices, each.generators) < _NEAR for f in [*inside, *same]):
            continue
        tried += 1
        if tried > (_TRIED_HIGH if high else _TRIED):
            break
        found = _fit(each, spectrum)
        hopeful = found.kept.share > _GOOD and found.kept.excess < HOPEFUL
        if hopeful and straight < _STRAIGHTENED:
            straight += 1
            found = _straight(found, rows, spectrum)
        (inside if found.compatible else outside).append(found)
    inside = _largest(inside)
    outside = _best_outside(outside, inside)
    larger: list[_FittedGroup] = []
    for each in sorted(placed, key=lambda p: -p.share):
        known = {f.placed.ideal.label for f in [*outside, *larger]}
        if each.share > FAIR or each.ideal.label in known or len(larger) == _LARGER:
            continue
        if any(_above(each, f) for f in inside):
            larger.append(_fit(each, spectrum))
    below = [g for f in inside for g in _below(f, rows, spectrum)]
    ranked = [*inside, *below[:_FIRST], *outside, *larger, *below[_FIRST:]]
    return [_proposal(f, f.placed.matrices, label) for f in ranked[:MOST]]


def _below(found: _FittedGroup, rows: Rows, spectrum: Spectrum) -> list[_FittedGroup]:
    """Subgroups; those first, and fitted by themselves, that keep more than a doubtful group."""
    ideal = found.placed.ideal
    placed = []
    for members in subgroups(ideal.matrices)[:MOST]:
        matrices = ideal.matrices[members]
        group, order = abstract_group(matrices)
        generators = tuple(matrices[order[list(group.generators)]])
        below = Ideal(ideal.basis, ideal.label, generators, known=matrices)
        placed.append(Placed(below, found.placed.frame, found.placed.share))
    alike = [replace(found, placed=each) for each in placed]
    if found.kept.excess < _DOUBTFUL:
        return alike
    fitted = [_fit(each, spectrum) for each in placed[:_REFITTED]]
    clearly = found.kept.excess - _CLEARLY
    better = [i for i, each in enumerate(fitted) if each.kept.excess < clearly][:_FIRST]
    others = [each for i, each in enumerate(alike) if i not in better]
    return [*(_straight(fitted[i], rows, spectrum) for i in better), *others]


def _largest(inside: list[_FittedGroup]) -> list[_FittedGroup]:
    """Those that are no part of another."""
    out: list[_FittedGroup] = []
    for f in sorted(inside, key=lambda f: -len(f.placed.ideal.matrices)):
        if all(contains(g.placed.matrices, f.placed.generators) > _NEAR for g in out):
            out.append(f)
    return out


def _best_outside(outside: list[_FittedGroup], inside: list[_FittedGroup]) -> list[_FittedGroup]:
    """Those that keep much or are larger than a compatible one; few of each kind."""
    above = {id(f): any(_above(f.placed, g) for g in inside) for f in outside}
    out: list[_FittedGroup] = []
    for f in sorted(outside, key=lambda f: (not above[id(f)], -f.kept.share)):
        alike = [g for g in out if g.placed.ideal.label == f.placed.ideal.label]
        if len(alike) < _ALIKE and (above[id(f)] or f.kept.share > _GOOD):
            out.append(f)
    return out[:_OUTSIDE]


def _above(placed: Placed, found: _FittedGroup) -> bool:
    larger = len(placed.ideal.matrices) > len(found.placed.ideal.matrices)
    return larger and contains(placed.matrices, found.placed.generators) < _NEAR


def _fit(placed: Placed, spectrum: Spectrum) -> _FittedGroup:
    fitted = placed.fitted(spectrum)
    kept = spectrum.kept(fitted.invariants)
    dim = spectrum.basis.dim
    return _FittedGroup(replace(fitted, share=kept.share), kept, np.eye(dim), np.zeros(dim))


def _straight(found: _FittedGroup, rows: Rows, like: Spectrum) -> _FittedGroup:
    placed = found.placed

    def refitted(spectrum: Spectrum) -> NDArray[np.float64]:
        nonlocal placed
        placed = placed.fitted(spectrum)
        return placed.invariants

    kept, linear, shift = straightened(found.kept, rows, like, refitted)
    # linear = turn @ stretch, and the turn goes to the frame.
    turn, stretch = polar(linear)
    placed = replace(placed, frame=placed.frame @ turn, share=kept.share)
    return _FittedGroup(placed, kept, stretch, -np.linalg.solve(linear, shift))


def _proposal(
    f: _FittedGroup,
    matrices: NDArray[np.float64],
    label: Callable[[NDArray[np.float64]], str] | None,
) -> Proposal:
    group, order = abstract_group(matrices)
    name = group.name if label is None else label(matrices)
    return Proposal(group, matrices[order], f.kept.share, f.kept.excess, f.stretch, f.centre, name)
