"""The command line: its commands, and how errors become one line and an exit status.

Exit status: 0 success; 1 a law or check failed, such as a loss that is not finite, or a symmetry
that `test` rejects; 2 bad usage or input; 130 interrupted. torch, matplotlib and scikit-learn are
imported by the commands, so that help comes at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from grouplearn.commands import lines, network_lines
from grouplearn.errors import GrouplearnError, TrainingError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_INTERRUPTED = 130
# Typer brings click or, newer, a copy of it; this is the base of all usage errors in either.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: arguments after the program's name; those of the process when None.

    Returns:
        0, 1, 2 or 130, see the module.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    line = shlex.join(["grouplearn", *arguments])
    command = typer.main.get_command(app)
    try:
        # A command only parses and returns what to do; help and --version return a status.
        outcome: Callable[[str], int] | int | None = command.main(
            arguments or ["--help"], "grouplearn", standalone_mode=False
        )
        status = outcome(line) if callable(outcome) else outcome or 0
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except _USAGE_ERROR as problem:
        return _fail(_usage(problem, arguments), 2)
    except TrainingError as problem:
        return _fail(str(problem), 1)
    except GrouplearnError as problem:
        return _fail(str(problem), 2)
    except OSError as problem:
        return _fail(f"cannot read or write {problem.filename!r}: {problem.strerror}", 2)
    return _fail("interrupted", status) if status == _INTERRUPTED else status


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return status


def _usage(problem: Any, arguments: Sequence[str]) -> str:
    """One line for a usage error: what was wrong, what was given, and which names are known."""
    context, message = problem.ctx, problem.format_message().rstrip(".")
    options = getattr(getattr(problem, "param", None), "opts", ())
    for given, value in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, attached = given.partition("=")
        if name in options:
            message += f", got {attached or value!r}"
    command = getattr(context, "command", None)
    if hasattr(problem, "option_name") and command is not None:
        known = sorted(max(each.opts, key=len) for each in command.params)
    else:
        known = sorted(getattr(command, "commands", ()))
    path = getattr(context, "command_path", "grouplearn")
    remedy = f"known: {', '.join(known)}" if known else f"see {path} --help"
    return f"{path}: {message}; {remedy}"


def _show_version(wanted: bool) -> bool:
    if wanted:
        from grouplearn import __version__

        typer.echo(f"grouplearn {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find the symmetry group of data, learn how it acts, and check that it is a group."""


_COMMANDS: dict[str, Callable[..., Callable[[str], int]]] = {
    "learn": lines.learn,
    "discover": lines.discover,
    "test": lines.invariance,
    "train": network_lines.train,
    "compare": network_lines.compare,
    "export": network_lines.export,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
