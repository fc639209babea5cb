"""Networks for sequences in `grouplearn train`: where their action comes from, their size."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from grouplearn import CyclicGroup
from grouplearn._checks import refuse
from grouplearn.commands.train_actions import EVIDENCE, Action, ShortRuns, action_file
from grouplearn.commands.train_data import TrainData, domain_of
from grouplearn.commands.train_kinds import SEQUENCE_SOURCES, WHO, TrainOptions
from grouplearn.domains.kernels import acting_by
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.models import SequenceNetwork, SequencePattern
from grouplearn.models.sequence_pattern import on_places
from grouplearn.representations import (
    FixedRepresentation,
    LearnedRepresentation,
    TensorProduct,
    restricted,
)
from grouplearn.training import load


def find_sequence_action(data: TrainData, options: TrainOptions, runs: ShortRuns) -> Action:
    """The action on windows of sequences that the options ask for.

    Args:
        data: the sequences, of which those to learn from are looked at.
        options: what was asked for.
        runs: choose among groups.

    Raises:
        InputError: the source is unknown, or a file holds a representation that does not fit.
        DataError: a file is broken, or there are too few sequences to discover from.
    """
    source, domain = options.action.source, _domain(options)
    if source == "none":
        return Action(trivial_on_windows(options), "No group.")
    known = domain.known_actions()
    if source in known:
        moved = known[source].permutation[None]
        rep = FixedRepresentation.from_permutations(moved, torch.float32)
        return Action(rep, f"Known beforehand: {source}.")
    if source not in SEQUENCE_SOURCES:
        return _from_file(source, domain)
    if source == "discovered":
        found = domain.discover(data.letters, seed=options.fit.seed)
        return Action(_extending(domain, found.representation),
                      f"Discovered without labels: {found.summary()}")  # fmt: skip
    found = domain.discover(data.letters, max_moment=EVIDENCE, seed=options.fit.seed)
    return runs.among(
        domain.network_groups(found), found, data.train,
        lambda _: partial(build_sequence_network, options, data),
    )  # fmt: skip


def build_sequence_network(
    options: TrainOptions, data: TrainData, rep: LearnedRepresentation, rng: torch.Generator
) -> nn.Module:
    """A network of about as many parameters as were asked for.

    Args:
        options: what was asked for.
        data: the sequences.
        rep: the action, on windows.
        rng: draws the weights.
    """
    letters, positions = _domain(options).factored(rep)
    asked = options.sequences
    pattern = SequencePattern(
        letters.dim, data.train.classes or 0, blocks=asked.blocks, signs=asked.signs,
        pool=2 if asked.aligned else None,
        length=data.size[0] if asked.aligned else None,
    )  # fmt: skip
    sized = pattern.within(options.parameters, letters, positions)
    return SequenceNetwork(sized, letters, positions, rng=rng)


def trivial_on_windows(options: TrainOptions) -> FixedRepresentation:
    """No group.

    Args:
        options: what was asked for.
    """
    return acting_by(CyclicGroup(1), [], _domain(options).dim)


def _domain(options: TrainOptions) -> SequenceDomain:
    found: Any = domain_of(options)
    return found


def _extending(domain: SequenceDomain, rep: LearnedRepresentation) -> LearnedRepresentation:
    """The part of a discovered group that acts on whole sequences."""
    moves = domain.extend(rep)
    elements = [g for g, move in enumerate(moves) if move is not None]
    return rep if len(elements) == len(moves) else restricted(rep, elements)


def _from_file(source: str, domain: SequenceDomain) -> Action:
    file = action_file(source, (*SEQUENCE_SOURCES, *domain.known_actions()))
    module = load(file)
    size = len(domain.letters)
    if isinstance(module, SequenceNetwork) and module.letters.dim == size:
        letters, positions = module.letters, module.positions
    elif isinstance(module, LearnedRepresentation) and module.dim % size == 0:
        windows = SequenceDomain(domain.alphabet, window=module.dim // size)
        letters, positions = windows.factored(module)
    else:
        refuse(WHO, "--action", f"a file with a representation on windows of {size} letters, or a "
               "network for sequences of them", f"{type(module).__name__} in {str(file)!r}",
               "discover or train one")  # fmt: skip
    places = on_places(positions, domain.window)
    matrices = TensorProduct(places, letters).generators().detach()
    return Action(FixedRepresentation(letters.group, matrices), f"Taken from {source}.")
