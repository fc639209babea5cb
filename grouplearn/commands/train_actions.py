"""Where the action of a network comes from: known, discovered, learned, or chosen by short runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import isqrt
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import nn

from grouplearn import CyclicGroup
from grouplearn._checks import refuse
from grouplearn.commands.actions_in import file_with_action
from grouplearn.commands.train_data import KERNEL, TrainData
from grouplearn.commands.train_kinds import KNOWN, SOURCES, WHO, TrainOptions
from grouplearn.domains.choosing import EVIDENCE
from grouplearn.domains.images import ImageDomain
from grouplearn.domains.kernels import acting_by
from grouplearn.domains.pixels import PixelMove
from grouplearn.losses import SampleMoments, sample_moments
from grouplearn.models import LGCNN
from grouplearn.models.standardised import unwrapped
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
    as_family,
)
from grouplearn.training import Choice, Labelled, load

DOMAIN = ImageDomain(patch_size=KERNEL)
_PATCHES = 20_000


@final
@dataclass(frozen=True)
class NetworkAction:
    """The action of a network, and how it was come by.

    Attributes:
        rep: on kernels of 3 x 3.
        words: where it comes from, in a sentence.
        choice: the short runs, where there were any.
    """

    rep: LearnedRepresentation
    words: str
    choice: Choice | None = None


def chosen_action(choice: Choice) -> NetworkAction:
    """The action that short runs chose.

    Args:
        choice: as `choose_group` returned it.
    """
    moments = "" if choice.found is None else choice.found.summary()
    if not choice.tried:
        return NetworkAction(choice.rep, f"Nothing to choose from: {moments}")
    words = (
        "Chosen by short runs among the groups on the ladder of second moments, and subgroups; "
        f"moments alone say: {moments} {choice.reason}"
    )
    return NetworkAction(choice.rep, words, choice)


def action_file(source: str, known: Sequence[str]) -> Path:
    """The file that `--action` names.

    Args:
        source: as it was typed; no known name.
        known: the names there are, for the error.

    Raises:
        InputError: there is no such file.
    """
    file = file_with_action(Path(source))
    if file is None:
        near = get_close_matches(source, known, 1)
        refuse(WHO, "--action", f"one of {', '.join(known)}, a file, or a folder of "
               "grouplearn discover", repr(source),
               f"did you mean {near[0]!r}?" if near else "check the name")  # fmt: skip
    return file


def find_action(data: TrainData, options: TrainOptions) -> NetworkAction:
    """The action that the options ask for, other than by short runs.

    Args:
        data: the images, of which those to learn from are looked at.
        options: what was asked for.

    Raises:
        InputError: the source is unknown, or a file holds a representation that does not fit.
        DataError: a file is broken.
    """
    source = options.action.source
    if source in ("discovered", "trained"):
        return _discovered(data, options)
    if source in KNOWN:
        return NetworkAction(known_action(source), f"Known beforehand: {source}.")
    if source == "none":
        return NetworkAction(_trivial(), "No group.")
    return _random(options) if source == "random" else _from_file(source)


def _random(options: TrainOptions) -> NetworkAction:
    group, rng = CyclicGroup(options.action.order), torch.Generator().manual_seed(options.fit.seed)
    rep = _class(options)(group, KERNEL**2, rng=rng)
    return NetworkAction(rep, f"Learned from a random start, as {group}.")


def _class(options: TrainOptions) -> Callable[..., LearnedRepresentation]:
    exact = options.action.closure == "exact"
    return SpectralRepresentation if exact else DenseRepresentation


def _discovered(data: TrainData, options: TrainOptions) -> NetworkAction:
    found = DOMAIN.discover(data.train.x.numpy(), max_moment=EVIDENCE, seed=options.fit.seed)
    fixed = DOMAIN.on_kernels(found.representation, KERNEL)
    words = f"Discovered without labels: {found.summary()}"
    if options.action.source == "discovered" or not fixed.group.generators:
        return NetworkAction(fixed, words)
    known = as_family(fixed)  # of others the exact class says itself that it has no irreps
    rep = _class(options)(known.group, KERNEL**2, near=known.generators())
    return NetworkAction(rep, f"{words} Then trained.")


def known_action(name: str) -> FixedRepresentation:
    """A move of the pixel grid, or "square" for all eight.

    Args:
        name: one of `KNOWN`.
    """
    names = ("quarter-turn", "flip") if name == "square" else (name,)
    rows = [PixelMove(each).matrix(KERNEL).numpy().argmax(0) for each in names]
    rep = FixedRepresentation.from_permutations(np.stack(rows), torch.float32)
    if len(names) == 1:
        return FixedRepresentation(CyclicGroup(rep.group.order), rep.generators())
    return rep


def network_moments(data: Labelled, seed: int) -> SampleMoments:
    """Moments of patches of the images, for the moment loss.

    Args:
        data: the images.
        seed: of the patches drawn.
    """
    rng = torch.Generator().manual_seed(seed)
    patches = DOMAIN.vectorize(data.x.clamp(0, 1), _PATCHES, rng, remove_mean=True, skip_flat=True)
    return sample_moments(patches)


def _from_file(source: str) -> NetworkAction:
    file = action_file(source, (*SOURCES, *KNOWN))
    module = load(file)
    reps = dict.fromkeys(_representations_within(module))
    dims = [rep.dim for rep in reps]
    if len(reps) != 1 or isqrt(dims[0]) ** 2 != dims[0]:
        refuse(WHO, "--action", f"a file with one representation on R^{KERNEL**2}, or on square "
               "patches of another size",
               f"{type(module).__name__} in {os.fspath(file)!r}, dimensions {dims}",
               "train or save one")  # fmt: skip
    (rep,) = reps
    if rep.dim != KERNEL**2:
        # What is no move of the pixel grid says so itself.
        rep = ImageDomain(patch_size=isqrt(rep.dim)).on_kernels(rep, KERNEL)
    return NetworkAction(rep.float().requires_grad_(False), f"Taken from {os.fspath(source)}.")


def _representations_within(module: nn.Module) -> tuple[LearnedRepresentation, ...]:
    """The representation in a file, or those of the layers of a network."""
    if isinstance(module, LearnedRepresentation):
        return (module,)
    inner = unwrapped(module)
    return tuple(inner.layer_representations()) if isinstance(inner, LGCNN) else ()


def _trivial() -> FixedRepresentation:
    return acting_by(CyclicGroup(1), [], KERNEL**2)
