"""`grouplearn inspect`: what an action does, in words and numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from grouplearn._files import write_whole
from grouplearn.commands.folders import sweep
from grouplearn.commands.inspected import WHO, Inspected, things_in
from grouplearn.commands.marks import to_json
from grouplearn.commands.options import assert_page
from grouplearn.commands.output import number
from grouplearn.commands.page import repeat_section
from grouplearn.commands.terminal import print_table
from grouplearn.defects import closure_defect
from grouplearn.domains.images import ImageDomain
from grouplearn.interpret import ActionDescription, Description, describe
from grouplearn.plots import plot_generator, plot_spectrum, png
from grouplearn.report import (
    Column,
    Page,
    Picture,
    Section,
    Table,
    render_page,
    section_of_representation,
)
from grouplearn.representations import LearnedRepresentation

_LARGEST, _ROOTS, _SENTENCES = 256, 12, 2
_SHOWN, _SAME = 0.5, 0.02
_CAPTION = (
    "Similarity is the cosine between matrices, 1 for the operation itself. A structure scores 1 "
    f"where it holds, and 0 as far from it as random matrices are; above {_SHOWN} are shown."
)
_IMPLIED = {
    "permutation": ("signed permutation", "orthogonal"),
    "signed permutation": ("orthogonal",),
    "circulant": ("Toeplitz",),
}


class Inspection(NamedTuple):
    """What was inspected, and what is said of it; no description where it is too large for that."""

    thing: Inspected
    description: ActionDescription | Description | None
    sentences: list[str]


def inspect(path: Path, patch_size: int | None = None) -> list[Inspection]:
    """Describe every action in a run or a file; those of more than 256 dimensions by group alone.

    Args:
        path: see `things_in`.
        patch_size: k where d = k * k pixels; None takes what the run says.

    Raises:
        InputError: the path is missing, or holds no action.
        DataError: a file is broken.
    """
    seen = []
    for thing in things_in(path, patch_size):
        dim = thing.what.dim if isinstance(thing.what, LearnedRepresentation) else len(thing.what)
        description = describe(thing.what, thing.domain) if dim <= _LARGEST else None
        seen.append(Inspection(thing, description, _sentences(thing, description)))
    return seen


def run_inspect(
    path: Path,
    out: Path | None,
    *,
    command: str,
    patch_size: int | None = None,
    overwrite: bool = False,
    as_json: bool = False,
) -> int:
    """Describe what a run or a file holds, and write a page where asked to.

    Args:
        path: see `things_in`.
        out: an HTML file to write, or None.
        command: the command line.
        patch_size: k where d = k * k pixels; None takes what the run says.
        overwrite: may the file be replaced?
        as_json: print JSON instead of sentences.

    Returns:
        0.

    Raises:
        InputError: a file is in the way, or there is nothing to describe.
        DataError: a file is broken.
    """
    assert_page(WHO, out, overwrite=overwrite)
    sweep(path.parent)
    seen = inspect(path, patch_size)
    if out is not None:
        write_whole(out, render_page(_page(path, seen, command)))
    if as_json:
        sys.stdout.write(to_json([_plain(each) for each in seen], indent=2) + "\n")
        return 0
    console = Console(highlight=False)
    if len(seen) > _SENTENCES:
        table = _table(seen)
        print_table(console, Table(table.head[:-1], [row[:-1] for row in table.rows]))
        return 0
    for each in seen:
        console.print(Text(each.thing.name, style="bold"))
        for line in [*each.sentences, *_structures(each)]:
            console.print(Padding(Text(line), (0, 0, 0, 2)))
    return 0


def _sentences(thing: Inspected, description: ActionDescription | Description | None) -> list[str]:
    said = [thing.said] if thing.said else []
    if description is not None:
        return [*said, *str(description).splitlines()]
    if isinstance(thing.what, LearnedRepresentation):
        with torch.no_grad():
            closure = float(closure_defect(thing.what))
        said.append(f"{thing.what.group} on R^{thing.what.dim}, closure defect {closure:.2g}.")
    return [*said, f"Above {_LARGEST} dimensions, matrices are not compared with operations."]


def _matrices(seen: Inspection) -> Iterator[tuple[str, Description, Float[np.ndarray, "d d"]]]:
    """Each matrix that was described, with its name."""
    thing, description, _ = seen
    if isinstance(description, Description):
        yield thing.name, description, cast("Float[np.ndarray, 'd d']", thing.what)
    elif description is not None:
        with torch.no_grad():
            matrices = cast("LearnedRepresentation", thing.what).generators().double().numpy()
        for k, (own, matrix) in enumerate(zip(description.generators, matrices, strict=True)):
            yield f"{thing.name}, generator {k}", own, matrix


def _structures(seen: Inspection) -> list[str]:
    """A line for each matrix that has some structure."""
    found = [(name, _structure(own)) for name, own, _ in _matrices(seen)]
    return [f"Structure of {name}: {words}." for name, words in found if words]


def _structure(own: Description) -> str:
    """Scores that say something, without those that follow from others."""
    high = {kind: score for kind, score in own.structure.items() if score > _SHOWN}
    follows = {other for kind, score in high.items() for other in _IMPLIED.get(kind, ())
               if score > high.get(other, 0) - _SAME}  # fmt: skip
    return ", ".join(f"{kind} {score:.2f}" for kind, score in high.items() if kind not in follows)


def _table(seen: Sequence[Inspection]) -> Table:
    """One row for each matrix."""
    rows = []
    for name, own, _ in (matrix for each in seen for matrix in _matrices(each)):
        rows.append([
            name, own.name or "none of these", f"{own.similarity:.3f}",
            "-" if own.order is None else str(own.order), number(own.order_defect),
            number(own.condition), _structure(own) or "-",
        ])  # fmt: skip
    head: list[str | Column] = [
        "matrix", Column("nearest operation", is_text=True), "similarity", "order", "defect",
        "condition", Column("structure", is_text=True),
    ]  # fmt: skip
    return Table(head, rows, _CAPTION)


def _page(path: Path, seen: Sequence[Inspection], command: str) -> Page:
    several = [Section("All matrices", table=_table(seen))] if len(seen) > 1 else []
    sections = [*several, *map(_section, seen), repeat_section(command, None)]
    count = f"{len(seen)} actions or matrices" if len(seen) > 1 else "What acts"
    return Page(f"{count} in {path.name}", [], sections, program=WHO)


def _section(seen: Inspection) -> Section:
    thing, table = seen.thing, _table([seen])
    if isinstance(thing.what, LearnedRepresentation):
        is_grid = isinstance(thing.domain, ImageDomain)
        whole = section_of_representation(thing.name, thing.what, seen.sentences, is_grid=is_grid)
        return replace(whole, sections=[*whole.sections, Section("Its generators", table=table)])
    pictures = [each for matrix in _matrices(seen) for each in _pictures(*matrix)]
    return Section(thing.name, seen.sentences, table, pictures)


def _pictures(name: str, own: Description, matrix: Float[np.ndarray, "d d"]) -> list[Picture]:
    order = own.order or _ROOTS
    return [
        Picture(png(plot_generator({name: matrix})), f"{name} as a heat map", "Entries."),
        Picture(png(plot_spectrum(matrix, order, name)), f"eigenvalues of {name}",
                f"Eigenvalues, and the roots of unity of order {order}."),
    ]  # fmt: skip


def _plain(seen: Inspection) -> dict[str, Any]:
    """Data of JSON, with eigenvalues as pairs."""
    thing, description, _ = seen
    plain: dict[str, Any] = {"name": thing.name, "said": seen.sentences}
    if isinstance(thing.what, LearnedRepresentation):
        plain |= {"group": thing.what.group.name, "order": thing.what.group.order,
                  "dimension": thing.what.dim}  # fmt: skip
    if isinstance(description, ActionDescription):
        plain |= {"closure": description.closure, "moved": description.moved}
    plain["matrices"] = [
        asdict(own) | {
            "name": own.name, "eigenvalues": [[z.real, z.imag] for z in own.eigenvalues.tolist()],
        }
        for _, own, _ in _matrices(seen)
    ]  # fmt: skip
    return plain
