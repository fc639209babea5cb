"""The lattice of the groups that discovery looked at: what is claimed, left open and rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import instance, refuse
from grouplearn.discovery import Discovery, Rung
from grouplearn.errors import GroupError
from grouplearn.groups import subgroups_up_to_conjugacy
from grouplearn.plots.drawing import (
    INK,
    MEMBER,
    PROPOSED,
    REJECTED,
    SOFT,
    UNDECIDED,
    new_axes,
    plain,
    wrapped,
)

_LARGEST, _MOST, _ACROSS = 96, 24, 8
_WIDTH, _HEIGHT = 1.75, 1.15
_BENDS, _POINTS = (0.0, 0.12, -0.12, 0.2, -0.2, 0.3, -0.3, 0.42, -0.42, 0.55, -0.55), 41
_NODE = 0.3, 0.18  # half of what a group takes, in columns and levels
_Keys = frozenset[bytes]
_Place = tuple[float, float]


@final
@dataclass(frozen=True)
class _Role:
    """How a node looks: each differs from the others in its frame, not only in its colour."""

    words: str
    colour: str
    fill: str
    line: str
    width: float


_ROLES = {
    "claimed": _Role("claimed", MEMBER, "#dbe6ff", "-", 2.6),
    "within": _Role("part of the claim", MEMBER, "white", "-", 1.0),
    "open": _Role("larger, and not excluded", UNDECIDED, "#fdf3d8", "--", 1.8),
    "fits": _Role("fits, and not claimed", PROPOSED, "white", "-.", 1.4),
    "undecided": _Role("undecided", UNDECIDED, "white", ":", 1.6),
    "rejected": _Role("rejected", REJECTED, "#ececec", "-", 1.0),
}


@dataclass
class _Node:
    name: str
    order: int
    role: str
    keys: _Keys | None
    words: str = ""


def draw_lattice(
    found: Discovery, words: Sequence[str] | None = None, axes: Axes | None = None
) -> Axes:
    """The groups of a finding by order, with lines from each to those that contain it.

    Shown are the groups that were tested and the subgroups of the group that is claimed, these up
    to conjugacy where it has more than 24 elements. A group of more than 96 elements has no lines.

    Args:
        found: the finding.
        words: what each group of `found.ladder` does; None writes names alone.
        axes: where; None takes those of a new figure, wide enough for all names.

    Returns:
        The axes.

    Raises:
        InputError: `found` is no finding, or words are not as many as the groups of the ladder.

    Example:
        >>> rows = np.random.default_rng(0).exponential(size=(2000, 4)) ** 2
        >>> from grouplearn import discover
        >>> axes = draw_lattice(discover(rows + 0.5 * np.roll(rows, 1, axis=1)))
        >>> sorted(text.get_text() for text in axes.texts if "C" == text.get_text()[0])
        ['C1 (1)', 'C2 (2)', 'C4 (4)']
    """
    instance("draw_lattice", "found", found, Discovery, "pass what discover returns")
    if words is not None and len(words) != len(found.ladder):
        refuse("draw_lattice", "words", f"one for each of the {len(found.ladder)} groups",
               len(words), "pass one for each")  # fmt: skip
    nodes = _nodes(found, words)
    orders = sorted({node.order for node in nodes})
    levels = [[node for node in nodes if node.order == order] for order in orders]
    across = max(len(level) for level in levels)
    size = (max(4.4, _WIDTH * across + 0.4), _HEIGHT * len(levels) + 0.9)
    axes = new_axes(size) if axes is None else axes
    lines = _covers(nodes)
    places = {
        id(node): (number - (len(level) - 1) / 2, float(height))
        for height, level in enumerate(levels)
        for number, node in enumerate(level)
    }
    _draw_lines(axes, lines, places)
    for node in nodes:
        _draw_node(axes, node, places[id(node)])
    _explain(axes, {node.role for node in nodes})
    half = max(across / 2, 1.0) + 0.1
    axes.set(xlim=(-half, half), ylim=(-0.6, len(levels) - 0.4))
    axes.axis("off")
    return axes


def _nodes(found: Discovery, words: Sequence[str] | None) -> list[_Node]:
    """What was tested and what is within the claim, each group once."""
    key = _key_of(found.members)
    claimed = frozenset(key(member) for member in found.members)
    nodes = [_Node(found.group.name, found.group.order, "claimed" if found.found else "within",
                   claimed)]  # fmt: skip
    for rung, told in zip(found.ladder, words or [""] * len(found.ladder), strict=True):
        keys = _closed(rung, key, found.members.ndim == 2)
        is_claim = rung.accepted and rung.order == found.group.order
        same = nodes[:1] if is_claim else [n for n in nodes if keys is not None and n.keys == keys]
        if same:
            same[0].words = same[0].words or told
            continue
        nodes.append(_Node(rung.name, rung.order, _role(rung, keys, claimed, found), keys, told))
    known = {node.keys for node in nodes}
    for part in _parts(found):
        inner = frozenset(key(found.members[g]) for g in part)
        if inner not in known:
            name = found.group.subgroup(part.tolist()).name
            nodes.append(_Node(name, len(part), "within", inner))
    return _few(nodes)


def _few(nodes: Sequence[_Node]) -> list[_Node]:
    """At most so many of one order, those that were tested first."""
    kept: list[_Node] = []
    for node in sorted(nodes, key=lambda each: (each.order, each.role == "within")):
        if sum(each.order == node.order for each in kept) < _ACROSS:
            kept.append(node)
    return kept


def _key_of(members: Tensor) -> Callable[[Any], bytes]:
    """Two operations have one key if they are the same, matrices to four digits."""
    if members.ndim == 2:
        return lambda member: np.asarray(member, dtype=np.int64).tobytes()
    return lambda member: (np.round(np.asarray(member, dtype=np.float64), 4) + 0.0).tobytes()


def _closed(rung: Rung, key: Callable[[Any], bytes], permutes: bool) -> _Keys | None:
    """The elements that the generators of a group make; None for large groups."""
    if rung.order > _LARGEST:
        return None
    generators = [np.asarray(each) for each in rung.generators]
    size = rung.generators.shape[-1]
    eye: NDArray[Any] = np.arange(size) if permutes else np.eye(size)
    seen, frontier = {key(eye): eye}, [eye]
    while frontier and len(seen) <= _LARGEST:
        made = [_times(a, b, permutes) for a in frontier for b in generators]
        fresh = {key(each): each for each in made if key(each) not in seen}
        seen |= fresh
        frontier = list(fresh.values())
    return frozenset(seen)


def _times(a: NDArray[Any], b: NDArray[Any], permutes: bool) -> NDArray[Any]:
    return np.asarray(a[b] if permutes else a @ b)


def _parts(found: Discovery) -> tuple[NDArray[np.int64], ...]:
    """Subgroups of the claimed group; none of one that has too many."""
    group = found.group
    if group.order > _LARGEST:
        return ()
    try:
        return subgroups_up_to_conjugacy(group, by=[] if group.order <= _MOST else None)
    except GroupError:
        return ()


def _role(rung: Rung, keys: _Keys | None, claimed: _Keys, found: Discovery) -> str:
    if keys is not None and keys <= claimed:
        return "within"
    larger = keys is None or claimed < keys
    if found.found and larger and rung.name in found.region:
        return "open"
    if rung.verdict in ("exact", "approximate"):
        return "fits"
    return "undecided" if rung.verdict == "undecided" else "rejected"


def _covers(nodes: Sequence[_Node]) -> list[tuple[_Node, _Node]]:
    """Pairs of groups, one within the other, with none between them."""
    listed = [node for node in nodes if node.keys is not None]
    return [
        (low, high)
        for low in listed
        for high in listed
        if _below(low, high)
        and not any(_below(low, each) and _below(each, high) for each in listed)
    ]


def _course(start: _Place, end: _Place, others: Sequence[_Place]) -> NDArray[np.float64]:
    """Points of a line that runs behind no other group, (points, 2): straight, or else bent."""
    ends, along = np.array([start, end]), np.linspace(0, 1, _POINTS)[:, None]
    across = np.array([1.0, 0.0]) * (ends[1, 1] - ends[0, 1])
    courses = [
        (1 - along) * ends[0] + along * ends[1] + 4 * bend * along * (1 - along) * across
        for bend in _BENDS
    ]
    places = np.array(others).reshape(-1, 1, 2)

    def hidden(course: NDArray[np.float64]) -> int:
        near = (np.abs(course - places) < _NODE).all(axis=-1)
        return int(np.count_nonzero(near.sum(axis=1)))

    return min(courses, key=hidden)


def _draw_lines(
    axes: Axes, lines: Sequence[tuple[_Node, _Node]], places: dict[int, _Place]
) -> None:
    for low, high in lines:
        start, end = places[id(low)], places[id(high)]
        others = [place for place in places.values() if place not in (start, end)]
        open_ = {low.role, high.role} <= {"claimed", "open"}
        axes.plot(*_course(start, end, others).T, color=INK if open_ else "0.75",
                  linewidth=2.0 if open_ else 0.9, zorder=1)  # fmt: skip


def _below(low: _Node, high: _Node) -> bool:
    return low.keys is not None and high.keys is not None and low.keys < high.keys


def _draw_node(axes: Axes, node: _Node, place: tuple[float, float]) -> None:
    role = _ROLES[node.role]
    words = f"\n{plain(wrapped(node.words, 22))}" if node.words else ""
    crossed = "\N{MULTIPLICATION SIGN} " if node.role == "rejected" else ""
    size = 8.5 if len(node.name) < 14 else 7
    axes.text(
        *place, f"{crossed}{plain(wrapped(node.name, 20))} ({node.order:,}){words}", ha="center",
        va="center", fontsize=size, color=role.colour if node.role != "within" else INK, zorder=3,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": role.fill, "edgecolor": role.colour,
              "linestyle": role.line, "linewidth": role.width},
    )  # fmt: skip


def _explain(axes: Axes, roles: set[str]) -> None:
    """A legend of the frames that are there."""
    for name, role in _ROLES.items():
        if name in roles:
            axes.plot([], [], color=role.colour, linestyle=role.line, linewidth=role.width,
                      label=role.words)  # fmt: skip
    axes.figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False,
        fontsize=8, labelcolor=SOFT, handlelength=3.2,
    )  # fmt: skip
