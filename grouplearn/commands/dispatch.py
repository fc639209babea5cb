"""The parser of the command line, and how errors become one line and an exit status."""

from __future__ import annotations

import errno
import shlex
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from grouplearn.commands import lines, network_lines
from grouplearn.commands.interrupts import INTERRUPTED, leaving_at_once
from grouplearn.commands.streams import fail, standard_streams
from grouplearn.errors import GrouplearnError, TrainingError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
# Typer brings click or, newer, a copy of it; this is the base of all usage errors in either.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[2]


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit status.

    Args:
        arguments: after the program's name.

    Returns:
        0, 1 or 2, see `grouplearn.cli`.

    Raises:
        KeyboardInterrupt: the run was interrupted.
    """
    line = shlex.join(["grouplearn", *arguments])
    command = typer.main.get_command(app)
    try:
        with standard_streams():
            # A command only parses, imports and returns what to do; help and --version return a
            # status, and so does Typer where it was interrupted.
            with leaving_at_once():
                outcome: Callable[[str], int] | int | None = command.main(
                    list(arguments) or ["--help"], "grouplearn", standalone_mode=False
                )
            if outcome == INTERRUPTED:
                raise KeyboardInterrupt
            return outcome(line) if callable(outcome) else outcome or 0
    except typer.Abort:
        raise KeyboardInterrupt from None
    except _USAGE_ERROR as problem:
        return fail(_usage(problem, arguments), 2)
    except TrainingError as problem:
        return fail(str(problem), 1)
    except GrouplearnError as problem:
        return fail(str(problem), 2)
    except OSError as problem:
        return fail(_failure(problem), 2)


def _failure(problem: OSError) -> str:
    """What the operating system refused, with the name of the file."""
    act = "write" if problem.errno in _FULL else "read or write"
    name = "a file" if problem.filename is None else repr(problem.filename)
    return f"cannot {act} {name}: {problem.strerror or problem}"


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
    "predict": network_lines.predict,
    "inspect": lines.inspect,
    "compare": network_lines.compare,
    "export": network_lines.export,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
