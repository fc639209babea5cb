"""The recipe: discover what labelled data propose, and choose among it by short runs."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import nn

from grouplearn._checks import folder_to_write, instance
from grouplearn.discovery.result import Discovery
from grouplearn.domains.base import Domain
from grouplearn.representations import FixedRepresentation, LearnedRepresentation, restricted
from grouplearn.training import (
    Augmentation,
    Choice,
    FitOptions,
    Labelled,
    Objective,
    Tried,
    choose,
    short_runs,
)
from grouplearn.training.choices import keep_choice, kept_choice

PARAMETERS = 40_000
"""About so many a network has, where no other number is asked for."""
EVIDENCE = 2
"""Moments that propose groups; labels choose among them."""
NetworkBuilder: TypeAlias = Callable[[Labelled, LearnedRepresentation, torch.Generator], nn.Module]
"""Makes a network for labelled samples and a representation, its weights drawn by the generator."""


class NetworkDomain(Domain):
    """A domain for whose data the library has networks."""

    @abstractmethod
    def unlabelled(self, data: Labelled, /) -> Any:
        """Return the samples in labelled data, as `discover` takes them."""

    @abstractmethod
    def network_groups(self, found: Discovery, /) -> list[FixedRepresentation]:
        """Return the groups that a network could have, the trivial one first."""

    @abstractmethod
    def network(
        self,
        data: Labelled,
        representation: LearnedRepresentation,
        rng: torch.Generator | None = None,
        /,
        *,
        parameters: int = PARAMETERS,
    ) -> nn.Module:
        """Return an untrained network for labelled samples, which a representation acts on."""

    def choose_group(
        self,
        data: Labelled,
        build: NetworkBuilder | None = None,
        *,
        options: FitOptions | None = None,
        objective: Objective | None = None,
        augment: Augmentation | None = None,
        folder: str | os.PathLike[str] | None = None,
        watch: Callable[[Tried], object] | None = None,
    ) -> Choice:
        """Choose the group that a network for labelled data should have.

        Means and covariances of the samples propose groups: the whole evidence would refuse some
        that a network profits from, and here labels judge. `network_groups` lists the subgroups,
        and short runs, see `grouplearn.training.short_runs` and `choose`, decide among them.
        `grouplearn train` does the same.

        Args:
            data: samples to learn from; none of the final test.
            build: makes the networks; `network` when None.
            options: of the training that will follow, which `short_runs` cuts down; `FitOptions()`
                when None. Its seed is also that of the discovery.
            objective: as for `grouplearn.training.fit`.
            augment: as for `grouplearn.training.fit`.
            folder: keeps the choice, so that a run which was cut off does not choose again; made
                where absent. None writes nothing.
            watch: told of every candidate, and again when it has run again.

        Returns:
            The choice, with its discovery; nothing was run where that proposed the trivial group
            alone.

        Raises:
            InputError: an argument does not fit, there are fewer than eight samples, or what
                `discover` refuses.
            DataError: what the folder holds is broken, or a choice among other groups.
            MissingExtraError: Lightning is absent; the extra `train` brings it.

        Cost:
            The discovery, and one short run for each candidate at most, three where they are not
            told apart.
        """
        who = f"{type(self).__name__}.choose_group"
        instance(who, "data", data, Labelled, "pass Labelled(x, y)")
        options = FitOptions() if options is None else options
        instance(who, "options", options, FitOptions, "pass those of the training")
        place = None if folder is None else folder_to_write(who, folder)
        found = self.discover(self.unlabelled(data), max_moment=EVIDENCE, seed=options.seed)
        candidates = self.network_groups(found)
        if len(candidates) == 1:
            return Choice(candidates[0], (), "There was nothing to choose from.", found)
        choice = None if place is None else kept_choice(place, candidates)
        if choice is None:
            train, held_out, short = short_runs(data, options)
            made = self.network if build is None else build
            choice = choose(
                candidates, lambda rep, rng: made(train, rep, rng), train, held_out,
                options=short, objective=objective, augment=augment, watch=watch,
            )  # fmt: skip
            if place is not None:
                keep_choice(place, choice)
        return replace(choice, found=found)


def extending_part(domain: Domain, representation: LearnedRepresentation) -> LearnedRepresentation:
    """Return the part of a representation whose elements act on whole objects.

    Args:
        domain: of the objects.
        representation: on vectors.
    """
    moves = domain.extend(representation)
    elements = [g for g, move in enumerate(moves) if move is not None]
    return representation if len(elements) == len(moves) else restricted(representation, elements)
