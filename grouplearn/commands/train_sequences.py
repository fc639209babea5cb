"""Networks for sequences in `grouplearn train`: where their action comes from, their size."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from grouplearn import CyclicGroup
from grouplearn._checks import refuse
from grouplearn.commands.train_actions import NetworkAction, action_file
from grouplearn.commands.train_data import TrainData, domain_of
from grouplearn.commands.train_kinds import SEQUENCE_SOURCES, WHO, TrainOptions
from grouplearn.domains.choosing import NetworkBuilder, extending_part
from grouplearn.domains.kernels import acting_by
from grouplearn.domains.sequences import SequenceDomain
from grouplearn.models import SequenceNetwork, SequencePattern
from grouplearn.models.sequence_pattern import on_places
from grouplearn.representations import FixedRepresentation, LearnedRepresentation, TensorProduct
from grouplearn.training import load


def find_sequence_action(data: TrainData, options: TrainOptions) -> NetworkAction:
    """The action on windows of sequences that the options ask for, other than by short runs.

    Args:
        data: the sequences, of which those to learn from are looked at.
        options: what was asked for.

    Raises:
        InputError: the source is unknown, or a file holds a representation that does not fit.
        DataError: a file is broken, or there are too few sequences to discover from.
    """
    source, domain = options.action.source, _domain(options)
    if source == "none":
        return NetworkAction(trivial_on_windows(options), "No group.")
    known = domain.known_actions()
    if source in known:
        moved = known[source].permutation[None]
        rep = FixedRepresentation.from_permutations(moved, torch.float32)
        return NetworkAction(rep, f"Known beforehand: {source}.")
    if source not in SEQUENCE_SOURCES:
        return _from_file(source, domain)
    found = domain.discover(domain.unlabelled(data.train), seed=options.fit.seed)
    return NetworkAction(extending_part(domain, found.representation),
                  f"Discovered without labels: {found.summary()}")  # fmt: skip


def sequence_networks(options: TrainOptions, data: TrainData) -> NetworkBuilder:
    """What makes networks of the sizes that were asked for.

    Args:
        options: what was asked for.
        data: the sequences.
    """
    domain, asked = _domain(options), options.sequences
    pattern = SequencePattern(
        len(domain.letters), data.train.classes or 0, blocks=asked.blocks, signs=asked.signs,
        pool=2 if asked.aligned else None,
        length=data.size[0] if asked.aligned else None,
    )  # fmt: skip
    return partial(domain.network, parameters=options.parameters, pattern=pattern)


def trivial_on_windows(options: TrainOptions) -> FixedRepresentation:
    """No group.

    Args:
        options: what was asked for.
    """
    return acting_by(CyclicGroup(1), [], _domain(options).dim)


def _domain(options: TrainOptions) -> SequenceDomain:
    found: Any = domain_of(options)
    return found


def _from_file(source: str, domain: SequenceDomain) -> NetworkAction:
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
    return NetworkAction(FixedRepresentation(letters.group, matrices), f"Taken from {source}.")
