"""Checks of what was typed on the command line, shared by the commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from grouplearn._checks import refuse


def known_name(who: str, option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a name that is not known, listing those that are."""
    if value not in known:
        near = get_close_matches(value, known, 1)
        remedy = f"did you mean {near[0]!r}?" if near else "take one of these"
        refuse(who, option, f"one of {', '.join(known)}", repr(value), remedy)


def numbers(
    who: str, option: str, text: str, *, separator: str = ",", count: int | None = None
) -> tuple[int, ...]:
    """Numbers that are not negative, as typed on the command line, or a refusal."""
    parts = text.split(separator)
    if not all(part.strip().isdecimal() for part in parts) or count not in (None, len(parts)):
        example = separator.join(["28"] * count) if count else separator.join("012")
        refuse(who, option, f"numbers such as {example}", repr(text), "type them like that")
    return tuple(int(part) for part in parts)


def typed_beside(line: str, allowed: Sequence[str]) -> list[str]:
    """The options on a command line, but for those that are allowed.

    Args:
        line: as it was typed.
        allowed: options such as --out.
    """
    typed = (part.partition("=")[0] for part in shlex.split(line) if part.startswith("--"))
    return [option for option in typed if option not in allowed]


def between(who: str, option: str, value: int, least: int, most: int) -> None:
    """Refuse a number out of its range."""
    if not least <= value <= most:
        refuse(who, option, f"from {least} to {most}", value, "choose one in that range")


def assert_batch(who: str, size: int, usual: int, count: int, noun: str) -> None:
    """Refuse a batch that is larger than the samples, unless nobody asked for it.

    Args:
        who: the command.
        size: of the batch.
        usual: size where nobody asks for another.
        count: how many samples there are.
        noun: what they are, in the plural.
    """
    if size > max(count, usual):
        refuse(who, "--batch-size", f"at most {count:,}, as many as there are {noun}",
               f"{size:,}", "pass a smaller one")  # fmt: skip


def assert_new(who: str, option: str, file: Path | None, *, overwrite: bool) -> None:
    """Refuse a file that is in the way."""
    if file is not None and file.exists() and not overwrite:
        refuse(who, option, "a new file", repr(str(file)), "pass --overwrite to replace it")


def assert_page(who: str, out: Path | None, *, overwrite: bool) -> None:
    """Refuse to write a page under a name that is none, or over a file."""
    if out is not None and out.suffix != ".html":
        refuse(who, "--out", "a file that ends in .html", repr(str(out)), "choose another name")
    assert_new(who, "--out", out, overwrite=overwrite)
