"""What is read from JSON and from our own files, compared with types once, where it comes in."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import (
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from grouplearn._checks import refuse
from grouplearn.errors import DataError

Number: TypeAlias = float | Literal["nan", "inf", "-inf"]
"""A float in JSON, which has no word of its own for what is not finite."""


def parsed(text: str | bytes) -> Any:
    """Parse JSON.

    Args:
        text: bytes are UTF-8.

    Raises:
        ValueError: it is no JSON, nested too deeply to be read, or holds half a character.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if (b"\\u" if isinstance(text, bytes) else "\\u") in text:  # type: ignore[operator]
        json.dumps(value, ensure_ascii=False).encode()
    return value


def misfit(value: Any, wanted: Any, place: str = "") -> str | None:
    """Say where a value is not of a type, if it is not.

    Args:
        value: of containers, numbers and texts.
        wanted: a type, such as `dict[str, float]` or a TypedDict; of a dataclass what its
            constructor takes, in a dict. An int is a float and a list a tuple, but
            a truth value is no number.
        place: of the value, for the answer.

    Returns:
        What is wrong, in words; None where all fits.

    Example:
        >>> misfit({"a": [1, "x"]}, dict[str, list[int]])
        "'a', 1: 'x' in place of int"
    """
    if wanted is Any:
        return None
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        fits = any(misfit(value, one) is None for one in parts)
        return None if fits else _told(value, wanted, place)
    if origin is Literal:
        fits = isinstance(value, str) and value in parts
        return None if fits else _told(value, wanted, place)
    if is_typeddict(wanted) or (is_dataclass(wanted) and isinstance(value, dict)):
        return _fields_misfit(value, wanted, place)
    if origin in (list, tuple, dict):
        return _items_misfit(value, origin, parts, place)
    return None if _is_of(value, wanted) else _told(value, wanted, place)


def _is_of(value: Any, wanted: Any) -> bool:
    """Is it of a plain type?"""
    if wanted is None:
        return value is None
    if wanted is float and type(value) is int:
        return abs(value) < 1 << 1023
    return type(value) is wanted if wanted in (int, float, bool) else isinstance(value, wanted)


def _items_misfit(value: Any, origin: Any, parts: tuple[Any, ...], place: str) -> str | None:
    if origin is dict and isinstance(value, dict):
        keys = [(f"name {key!r}", key, parts[0]) for key in value]
        return _first([*keys, *((repr(k), each, parts[1]) for k, each in value.items())], place)
    if origin is dict or not isinstance(value, list | tuple):
        return _told(value, origin, place)
    if origin is list or parts[1:] == (...,):
        return _first([(str(k), each, parts[0]) for k, each in enumerate(value)], place)
    if len(value) != len(parts):
        return _told(value, f"{len(parts)} values", place)
    return _first([(str(k), *pair) for k, pair in enumerate(zip(value, parts, strict=True))], place)


def _fields_misfit(value: Any, wanted: Any, place: str) -> str | None:
    if not isinstance(value, dict):
        return _told(value, dict, place)
    hints = get_type_hints(wanted)
    needed: frozenset[str] = getattr(wanted, "__required_keys__", frozenset())
    lacking = sorted(needed - value.keys())
    if lacking:
        return f"{place or 'all'}: nothing in place of {lacking[0]!r}"
    return _first([(repr(k), value[k], hint) for k, hint in hints.items() if k in value], place)


def _first(items: Iterable[tuple[str, Any, Any]], place: str) -> str | None:
    before = f"{place}, " if place else ""
    found = (misfit(value, wanted, f"{before}{name}") for name, value, wanted in items)
    return next((words for words in found if words is not None), None)


def _told(value: Any, wanted: Any, place: str) -> str:
    name = wanted.__name__ if isinstance(wanted, type) else str(wanted).replace("typing.", "")
    shown = repr(value) if isinstance(value, str | int | float | None) else type(value).__name__
    return f"{place or 'all'}: {shown[:60]} in place of {name}"


@contextmanager
def rebuilding(
    who: str, file: Path, remedy: str, got: str = "one whose parts do not fit"
) -> Iterator[None]:
    """Turn whatever fails while the parts of a file are put together into a DataError.

    Args:
        who: asks, for the error.
        file: that held the parts, and has passed its checksum.
        remedy: what to do.
        got: what such a file is, in words.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as problem:  # constructors and loaders fail in as many ways as Python does
        said = f"{type(problem).__name__}: {problem}"
        refuse(who, f"path {str(file)!r}", "whole", f"{got} ({said})", remedy, DataError)
