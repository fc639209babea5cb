"""What has to be the same for a training run to go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import refuse
from grouplearn.representations import LearnedRepresentation
from grouplearn.training.fitting import FitOptions
from grouplearn.training.labelled import Augmentation, Labelled
from grouplearn.training.objectives import Objective

MAY_CHANGE = frozenset({"processes", "accelerator", "patience"})
"""Options that a run may go on with others of: where it runs, and how long it waits."""
_DEPTH = 6


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
        refuse("fit", ".".join(name), f"{before}, as the run in this folder has it", given,
               "choose another folder, or what the run began with")  # fmt: skip


def _difference(name: tuple[str, ...], earlier: Any, now: Any) -> tuple[tuple[str, ...], Any, Any]:
    """Where two descriptions that are not the same first differ."""
    if isinstance(earlier, Mapping) and isinstance(now, Mapping):
        for key in {**earlier, **now}:
            if earlier.get(key) != now.get(key):
                return _difference((*name, key), earlier.get(key), now.get(key))
    return name, earlier, now


def _samples(data: Labelled) -> list[Any]:
    return [*data.x.shape, _digest([data.x, data.y])]


def _network(model: nn.Module) -> dict[str, Any]:
    """Its kind and size, how it is built, and what of it training leaves as it is.

    The weights to train do not count: those of the checkpoint take their place.
    """
    parameters = dict(model.named_parameters())
    design = [repr(model), *(f"{name} {list(p.shape)}" for name, p in parameters.items())]
    frozen = {name: each for name, each in parameters.items() if not each.requires_grad}
    with torch.no_grad():
        fixed = [
            each.generators() for each in model.modules()
            if isinstance(each, LearnedRepresentation)
            and not any(part.requires_grad for part in each.parameters())
        ]  # fmt: skip
    return {
        "kind": type(model).__name__,
        "parameters": sum(each.numel() for each in parameters.values()),
        "layers": sha256("\n".join([*design, *frozen]).encode()).hexdigest()[:16],
        "frozen": _digest([*frozen.values(), *fixed]),
    }


def _settings(value: Any, depth: int = _DEPTH) -> Any:
    """What an objective or an augmentation was given, however deep within."""
    found: Any = value
    if isinstance(value, Tensor | np.ndarray):
        found = _digest([torch.as_tensor(value)])
    elif isinstance(value, nn.Module):
        found = _network(value)
    elif isinstance(value, list | tuple) and depth:
        found = [_settings(each, depth - 1) for each in value]
    elif isinstance(value, Mapping) and depth:
        found = {str(name): _settings(each, depth - 1) for name, each in value.items()}
    elif value is not None and not isinstance(value, bool | int | float | str):
        kind = getattr(value, "__qualname__", type(value).__name__)
        inner = {} if isinstance(value, type) or not depth else getattr(value, "__dict__", {})
        found = {"kind": kind, **{name: _settings(each, depth - 1) for name, each in inner.items()}}
    return found


def _digest(tensors: Iterable[Tensor]) -> str:
    """A digest of the numbers, floats in single precision."""
    content = sha256()
    for tensor in tensors:
        plain = tensor.detach().cpu()
        values: Any = (plain.float() if plain.is_floating_point() else plain).contiguous().numpy()
        content.update(values)
    return content.hexdigest()[:16]
