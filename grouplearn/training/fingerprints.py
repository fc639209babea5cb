"""What has to be the same for a training run to go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cached_property, partial
from hashlib import sha256
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.groups import FiniteGroup
from grouplearn.models import Standardised
from grouplearn.representations import LearnedRepresentation
from grouplearn.representations.tables import MARK
from grouplearn.training.fitting import FitOptions
from grouplearn.training.labelled import Augmentation, Labelled
from grouplearn.training.objectives import Objective

MAY_CHANGE = frozenset({"processes", "accelerator", "patience"})
"""Options that a run may go on with others of: where it runs, and how long it waits."""
_DEPTH, _LONGEST = 6, 200


def fingerprint(
    model: nn.Module,
    train: Labelled,
    validation: Labelled | None,
    objective: Objective,
    augment: Augmentation | None,
    options: FitOptions,
) -> dict[str, Any]:
    """All but where a run runs, how long it waits, and the weights that it starts from.

    Args:
        model: the network.
        train: the samples.
        validation: those to judge by.
        objective: what is minimised.
        augment: of the samples.
        options: of the run.

    Returns:
        Numbers, words, and digests of what is long, as JSON has them.
    """
    same = {name: value for name, value in asdict(options).items() if name not in MAY_CHANGE}
    return {
        **same, "samples": _samples(train), "network": _network(model),
        "validation": None if validation is None else _samples(validation),
        "objective": _settings(objective), "augment": _settings(augment),
    }  # fmt: skip


def same_run(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with another run.

    Args:
        earlier: the fingerprint of the run in the folder.
        now: that of the call.

    Raises:
        InputError: they differ; the error names in what.
    """
    if earlier != now:
        name, before, given = _difference((), earlier, now)
        shown = before if len(str(before)) < _LONGEST else f"{str(before)[:_LONGEST]}..."
        refuse("fit", ".".join(name), f"{shown}, as the run in this folder has it", given,
               "choose another folder, or what the run began with")  # fmt: skip


def _difference(name: tuple[str, ...], earlier: Any, now: Any) -> tuple[tuple[str, ...], Any, Any]:
    """Where two descriptions that are not the same first differ."""
    if isinstance(earlier, list) and isinstance(now, list) and len(earlier) == len(now):
        return _difference(name, dict(enumerate(earlier)), dict(enumerate(now)))
    if isinstance(earlier, dict) and isinstance(now, dict):
        for key in {**earlier, **now}:
            before, given = earlier.get(key, "absent"), now.get(key, "absent")
            if before != given:
                return _difference((*name, str(key)), before, given)
    return name, earlier, now


def _samples(data: Labelled) -> dict[str, Any]:
    return {"shape": list(data.x.shape), "content": _digest([data.x, data.y])}


def _network(model: nn.Module) -> dict[str, Any]:
    """Its kind and size, how it is built, and the numbers in it that are set and not trained.

    These are frozen weights, and what representations and `Standardised` hold in buffers. The
    weights to train do not count: those of the checkpoint take their place.
    """
    parameters = dict(model.named_parameters())
    listed = nn.ParameterList | nn.ParameterDict  # these print dtypes and devices
    design = [
        f"{name} {type(each).__name__} {'' if isinstance(each, listed) else each.extra_repr()}"
        for name, each in model.named_modules()
    ]
    design += [f"{name} {list(p.shape)} {p.requires_grad}" for name, p in parameters.items()]
    held = [
        buffer
        for each in model.modules()
        if isinstance(each, LearnedRepresentation | Standardised)
        for name, buffer in each.named_buffers(recurse=False)
        if name != MARK  # it follows from the others, and runs of older versions go on
    ]
    return {
        "class": type(model).__name__,
        "parameters": sum(each.numel() for each in parameters.values()),
        "layers": sha256("\n".join(design).encode()).hexdigest()[:16],
        "frozen": _digest([*(p for p in parameters.values() if not p.requires_grad), *held]),
    }


def _settings(value: Any, depth: int = _DEPTH) -> Any:
    """What an objective or an augmentation was given, however deep within."""

    def each(values: Mapping[Any, Any]) -> dict[str, Any]:
        return {str(name): _settings(part, depth - 1) for name, part in values.items()}

    found: Any = value
    if isinstance(value, Tensor | np.ndarray):
        found = _digest([value])
    elif isinstance(value, nn.Module):
        found = {**_network(value), "weights": _digest(value.state_dict().values())}
    elif isinstance(value, Mapping) and depth:
        found = each(value)
    elif isinstance(value, list | tuple) and depth:
        found = [*each(dict(enumerate(value))).values()]
    elif isinstance(value, np.generic):
        found = value.item()
    elif isinstance(value, FiniteGroup | bytes | complex | torch.dtype):
        found = str(value)
    elif value is not None and not isinstance(value, bool | int | float | str):
        name = getattr(value, "__qualname__", type(value).__qualname__)
        found = {"class": name, **(each(_attributes(value)) if depth else {})}
    return found


def _attributes(value: Any) -> dict[str, Any]:
    """What an object was given; what it has computed of that and keeps does not count."""
    if isinstance(value, partial):
        return {"func": value.func, "args": value.args, "keywords": value.keywords}
    if isinstance(value, type | ModuleType):
        return {}
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    own = {"self": value.__self__} if hasattr(value, "__self__") else {}
    kept: dict[str, Any] = getattr(value, "__dict__", {})
    cached = {
        name for name in kept if isinstance(getattr(type(value), name, None), cached_property)
    }
    return own | {name: part for name, part in kept.items() if name not in cached}


def _digest(values: Iterable[Tensor | np.ndarray]) -> str:
    """A digest of the numbers, floats in single precision."""
    content = sha256()
    for value in values:
        array: Any = value
        if isinstance(value, Tensor):
            plain = value.detach().cpu().to_dense()
            array = (plain.float() if plain.is_floating_point() else plain).numpy()
        if array.dtype.kind == "f":
            array = array.astype(np.float32, copy=False)
        content.update(str(array.shape).encode())
        numbers: Any = np.ascontiguousarray(array)
        content.update(numbers if array.dtype.kind in "biufc" else str(array.tolist()).encode())
    return content.hexdigest()[:16]
