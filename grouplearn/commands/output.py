"""What `grouplearn learn` leaves behind: table, JSON, weights, pictures and the report page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from grouplearn.commands.learn import Learned, LearnResult
from grouplearn.commands.learn_page import page_of
from grouplearn.commands.marks import CONFIG, to_json
from grouplearn.commands.page import versions
from grouplearn.plots import plot_generator, plot_history, plot_orbit, plot_spectrum, png
from grouplearn.report import Picture, Table, render_page
from grouplearn.training import save

_ROWS = {
    "distance to T": "distance",
    "distance to escnn": "escnn_distance",
    "closure defect": "closure",
    "homomorphism defect": "homomorphism",
    "invertibility defect": "invertibility",
    "orthogonality defect": "orthogonality",
    "condition number": "condition",
    "exact: moved by": "exact_moved",
    "exact: distance to T": "exact_distance",
    "held-out pair error": "pair_error",
}
_CAPTION = (
    "Distances and the pair error are relative. T is the true action, escnn is that library's "
    "rotation matrix, exact is what nearest_exact makes of A. Defects are 0 for an orthogonal "
    "representation."
)
_COLUMNS = 8
_PATCHES = 4


def number(value: float | None) -> str:
    """Two digits, or a dash where there is no number."""
    if value is None:
        return "-"
    return f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.2g}"


def table_of(result: LearnResult) -> Table:
    """The measurements, one column for each representation."""
    rows = []
    for title, name in _ROWS.items():
        values = [getattr(each.measures, name) for each in result.learned]
        if name == "escnn_distance" and not any(value is not None for value in values):
            continue
        rows.append([title, *map(number, values)])
    head = ["", *(each.name for each in result.learned)]
    return Table(head, rows, _CAPTION, sortable=False)


def summary_of(result: LearnResult) -> dict[str, object]:
    """The results as plain data."""
    found = result.pairs.found
    return {
        "transform": result.action.name,
        "group": result.group.name,
        "seed": result.options.seed,
        "data": {
            "source": result.pairs.source,
            **asdict(found),
            "identified": found.identified,
        },
        "remarks": list(result.remarks),
        "lawful": all(each.lawful for each in result.learned),
        "results": {
            each.name: {
                **asdict(each.measures),
                "loss": each.fit.loss,
                "starts": list(each.losses),
                "seconds": each.seconds,
                "note": each.note,
                "lawful": each.lawful,
                "verdict": each.verdict,
            }
            for each in result.learned
        },
    }


def write_run(folder: Path, result: LearnResult, command: str) -> None:
    """Write a run into an empty folder.

    Args:
        folder: where.
        result: what.
        command: the command line that made it.
    """
    used = versions()
    config = {"command": command, "options": asdict(result.options), "versions": used}
    _write(folder / CONFIG, to_json(config, indent=2) + "\n")
    lines = [
        to_json({"representation": each.name, **asdict(epoch), "loss": epoch.loss})
        for each in result.learned
        for epoch in each.fit.history
    ]
    lines.append(to_json({"final": summary_of(result)}))
    _write(folder / "metrics.jsonl", "\n".join(lines) + "\n")
    (folder / "weights").mkdir()
    for each in result.learned:
        save(each.rep, folder / "weights" / f"{each.name}.safetensors")
    pictures = {each.name: _pictures(each, result) for each in result.learned}
    history = {each.name: [epoch.data for epoch in each.fit.history] for each in result.learned}
    curves = png(plot_history(history, "relative squared error, training pairs"))
    (folder / "history.png").write_bytes(curves)
    for name, kinds in pictures.items():
        for kind, picture in kinds.items():
            (folder / f"{name}-{kind}.png").write_bytes(picture.png)
    curve = Picture(curves, "training error against the epoch", "The best start of each.")
    page = page_of(result, table_of(result), pictures, curve, command)
    _write(folder / "report.html", render_page(page))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _pictures(each: Learned, result: LearnResult) -> dict[str, Picture]:
    learned, order = each.rep.generators()[0], result.group.order
    title = result.action.name.replace("-", " ")
    generator = plot_generator(
        {f"learned A ({each.name})": learned, f"T ({title})": result.action.matrix}
    )
    spectrum = plot_spectrum(learned, order, f"spectrum of A ({each.name})")
    return {
        "generator": Picture(
            png(generator), f"heat maps of A as learned by {each.name}, and of T",
            "The learned matrix beside the true one.",
        ),
        "spectrum": Picture(
            png(spectrum), f"eigenvalues of A as learned by {each.name}, in the complex plane",
            f"A closes as {result.group.name} when every eigenvalue lies in a ring; the numbers "
            "count those that do within 0.05.",
        ),
        "orbit": Picture(
            png(plot_orbit(_orbit(each, result))),
            f"orbits of {_PATCHES} patches under A as learned by {each.name}",
            "What powers of A make of held-out patches.",
        ),
    }  # fmt: skip


def _orbit(each: Learned, result: LearnResult) -> Tensor:
    """x, A x, ..., A^n x of the held-out patches with the most contrast, at most eight powers."""
    x, _ = result.pairs.held_out
    x = x[x.std(-1).argsort(descending=True, stable=True)[:_PATCHES]]
    generator = result.group.generators[0]
    powers = [x]
    with torch.no_grad():
        while len(powers) <= min(result.group.order, _COLUMNS - 1):
            powers.append(each.rep.act(powers[-1], generator))
    k = result.options.patch_size
    return torch.stack(powers, 1).reshape(len(x), len(powers), k, k)
