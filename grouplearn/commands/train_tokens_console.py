"""Running `grouplearn train` on pairs of token sequences at a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.text import Text

from grouplearn.commands.folders import reserve, whole
from grouplearn.commands.marks import to_json
from grouplearn.commands.progress import told
from grouplearn.commands.terminal import print_place, terminal
from grouplearn.commands.train_kinds import WHO
from grouplearn.commands.train_token_options import TokenOptions
from grouplearn.commands.train_tokens import read_pairs, train_tokens
from grouplearn.commands.train_tokens_output import sentences_of, summary_of, write_run


def run_train_tokens(
    options: TokenOptions,
    out: Path | None,
    *,
    command: str,
    overwrite: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Train, write the run folder and print the result.

    Args:
        options: what to train.
        out: folder to write; None takes a new one below runs/.
        command: the command line, to be recorded.
        overwrite: may an earlier run at `out` be replaced?
        as_json: print the result as JSON instead of sentences.
        quiet: print neither.

    Returns:
        0.
    """
    name = f"train-{Path(options.data).resolve().name}"
    with (
        reserve(WHO, out, name, overwrite) as place,
        told(hidden=quiet or as_json) as step,
    ):
        step("reading")
        data = read_pairs(options)
        trained = train_tokens(
            options, data, step, lambda at, loss: step(f"training: step {at:,}, loss {loss:.3f}")
        )
        step("drawing")
        with whole(place) as folder:
            write_run(folder, trained, command)
    if as_json:
        sys.stdout.write(to_json({**summary_of(trained), "folder": place.shown}, indent=2) + "\n")
    elif not quiet:
        console = terminal()
        for sentence in sentences_of(trained):
            console.print(Text(sentence))
        print_place(console, place.shown)
    return 0
