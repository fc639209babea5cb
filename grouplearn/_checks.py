"""Checks of user input, shared by every public edge.

Each check either returns its argument in the form the caller needs or raises an error of
`grouplearn.errors` whose single line names the caller, the argument, what it must be, what it was,
and the remedy.
"""

from __future__ import annotations

import importlib
import math
import operator
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch import Tensor

from grouplearn.errors import InputError, MissingExtraError

_LONGEST = 200
_PACKAGES = {"Bio": "Biopython", "PIL": "Pillow", "sklearn": "scikit-learn"}


def refuse(
    who: str,
    argument: str,
    expected: str,
    got: object,
    remedy: str,
    error: type[InputError] = InputError,
) -> NoReturn:
    """Raise `error` with the library's message: one line, however long or tall `got` is."""
    shown = " ".join(str(got).split())
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}..."
    raise error(f"{who}: {argument} must be {expected}, got {shown}; {remedy}")


def positive_int(
    who: str,
    argument: str,
    value: Any,
    minimum: int = 1,
    error: type[InputError] = InputError,
) -> int:
    """Return `value` as an int of at least `minimum`; booleans and floats are refused."""
    try:
        # Truth values of Python, NumPy and torch are integers to operator.index.
        kind = str(getattr(value, "dtype", type(value).__name__))
        number = None if kind.endswith("bool") else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < minimum:
        refuse(
            who,
            argument,
            f"an integer >= {minimum}",
            repr(value),
            f"pass {argument}={minimum} or more",
            error,
        )
    return number


def finite_number(who: str, argument: str, value: Any, *, positive: bool = False) -> float:
    """Return `value` as a finite float >= 0, or > 0."""
    least = "> 0" if positive else ">= 0"
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        refuse(who, argument, f"a finite number {least}", repr(value), f"pass {argument} {least}")
    return number


def generator(who: str, rng: Any) -> torch.Generator | None:
    """Return `rng` if it is a torch.Generator or None."""
    if rng is not None and not isinstance(rng, torch.Generator):
        refuse(who, "rng", "a torch.Generator", repr(rng), "pass torch.Generator().manual_seed(0)")
    return rng


def float_tensor(
    who: str, argument: str, value: Any, shape: Sequence[int | None] | None = None
) -> Tensor:
    """Return `value` if it is a finite floating-point tensor of the given sizes, None for any."""
    if not isinstance(value, Tensor):
        refuse(
            who, argument, "a torch tensor", type(value).__name__, "convert it with torch.as_tensor"
        )
    if not value.is_floating_point():
        refuse(
            who, argument, "a floating-point tensor", str(value.dtype), f"call {argument}.float()"
        )
    if shape is not None:
        matches = value.ndim == len(shape) and all(
            want is None or want == have for want, have in zip(shape, value.shape, strict=True)
        )
        if not matches:
            wanted = "(" + ", ".join("any" if want is None else str(want) for want in shape) + ")"
            refuse(who, argument, f"of shape {wanted}", tuple(value.shape), "reshape it")
    return finite(who, argument, value)


def finite(who: str, argument: str, value: Tensor) -> Tensor:
    """Return `value` if it has neither NaN nor infinity; the error names the first bad position."""
    if value.is_meta:
        refuse(who, argument, "a tensor that holds numbers", "one on the device 'meta'",
               "build it on the CPU, then move the module with .to('meta')")  # fmt: skip
    good = torch.isfinite(value)
    if not bool(good.all()):
        position = tuple(int(i) for i in (~good).nonzero()[0])
        refuse(
            who,
            argument,
            "finite",
            f"{float(value[position])} at {position}",
            "clean the data first",
        )
    return value


def last_axis(who: str, argument: str, value: Any, size: int) -> Tensor:
    """Return `value` if it is a floating-point tensor whose last axis has `size` entries.

    Values are not inspected: this check stands on hot paths and inside compiled graphs.
    """
    if not isinstance(value, Tensor):
        refuse(
            who, argument, "a torch tensor", type(value).__name__, "convert it with torch.as_tensor"
        )
    if not value.is_floating_point():
        refuse(
            who, argument, "a floating-point tensor", str(value.dtype), f"call {argument}.float()"
        )
    if value.ndim == 0 or value.shape[-1] != size:
        refuse(
            who,
            argument,
            f"of shape (..., {size})",
            tuple(value.shape),
            f"its last axis must have dim = {size} entries",
        )
    return value


def shape_of(value: Any) -> object:
    """What to say of an argument that should have been a tensor of another shape."""
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__


def instance(who: str, argument: str, value: Any, kind: type, remedy: str) -> Any:
    """Return `value` if it is an instance of `kind`."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        refuse(who, argument, f"{article} {kind.__name__}", type(value).__name__, remedy)
    return value


def optional_import(module: str, extra: str) -> ModuleType:
    """Import an optional package, or name the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as problem:
        package = module.partition(".")[0]
        package = _PACKAGES.get(package, package)
        raise MissingExtraError(
            f"{package} is needed here and could not be imported ({problem}); "
            f"install it with: pip install 'grouplearn[{extra}]'"
        ) from problem


def folder_to_write(who: str, folder: str | os.PathLike[str]) -> Path:
    """Return the path of a folder, which need not be there yet.

    Args:
        who: asks, for errors.
        folder: its name.

    Raises:
        InputError: a file has that name.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        refuse(who, "folder", "a folder", f"{str(path)!r}, a file", "choose another name")
    return path
