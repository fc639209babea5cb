"""Running `grouplearn discover` at a terminal: progress, the run folder, and what is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from rich.text import Text

from grouplearn.commands.discover import DataFinding, DiscoverOptions, run_all
from grouplearn.commands.discover_data import WHO, names_of
from grouplearn.commands.discover_output import sentences_of, summary_of, write_run
from grouplearn.commands.discover_words import ladder_of
from grouplearn.commands.folders import reserve, whole
from grouplearn.commands.marks import to_json
from grouplearn.commands.progress import told
from grouplearn.commands.terminal import print_place, terminal


def run_discover(
    options: DiscoverOptions,
    out: Path | None,
    *,
    command: str,
    overwrite: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Discover, write the run folder and print the results.

    Args:
        options: what to look at, and how.
        out: folder to write; None takes a new one below runs/.
        command: the command line, to be recorded.
        overwrite: may an earlier run at `out` be replaced?
        as_json: print the results as JSON instead of sentences and tables.
        quiet: print neither.

    Returns:
        0, also where no symmetry was found.
    """
    name = "-".join(list(names_of(options.data))[:3])
    with (
        reserve(WHO, out, f"discover-{name}", overwrite) as place,
        told(hidden=quiet or as_json) as tell,
    ):
        findings = run_all(options, lambda data, step: tell(f"{data}: {step}"))
        tell("report: drawing")
        with whole(place) as folder:
            write_run(folder, findings, options, command)
    if as_json:
        summary = {**summary_of(findings, options), "folder": place.shown}
        sys.stdout.write(to_json(summary, indent=2) + "\n")
    elif not quiet:
        _show(findings, place.shown)
    return 0


def _show(findings: tuple[DataFinding, ...], folder: Path) -> None:
    """Sentences and ladders on standard output."""
    console = terminal()
    for finding in findings:
        subject, moments = finding.subject, finding.moments
        console.print(Text(f"{subject.name}: {subject.words}", style="bold"))
        console.print(Text(
            f"{round(moments.count):,} samples of dimension {moments.dim}, {finding.seconds:.1f} s"
        ))  # fmt: skip
        for sentence in sentences_of(finding):
            console.print(Text(sentence))
        for line in _ladder_lines(finding, console.width):
            console.print(Text(line), no_wrap=True, overflow="ignore", crop=False)
        console.print()
    print_place(console, folder)


def _ladder_lines(finding: DataFinding, width: int) -> Iterator[str]:
    """The ladder as a table: a line for each group, then one for each kind of evidence."""
    steps = ladder_of(finding.found, finding.subject, finding.coordinates)
    if steps:
        yield ""
        yield f"  {'ladder':<36} {'p-value':>8} {'effect':>8} {'at most':>8}  verdict"
    for step in steps:
        added = f": {step.operations}" if step.operations else ""
        yield from wrap(
            f"{step.group}{f', {step.status}' * bool(step.status)}{added}", width,
            initial_indent="  ", subsequent_indent="      ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
        for kind, p_value, effect, bound, verdict in step.evidence:
            yield f"    {kind:<34} {p_value:>8} {effect:>8} {bound:>8}  {verdict}"
