"""The laws of a representation as terms beside an objective."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grouplearn._checks import finite_number, refuse
from grouplearn.linalg import full_precision
from grouplearn.losses import SampleMoments, closure_loss, invertibility_loss, moment_loss
from grouplearn.models.lgn import LGN
from grouplearn.representations import LearnedRepresentation
from grouplearn.training.labelled import Batch
from grouplearn.training.objectives import Objective, Terms


@final
class WithLaws(Objective):
    """An objective, and terms that hold learned representations to their laws.

    Args:
        objective: what the network is trained for.
        invertibility: mu of `losses.invertibility_loss`; published: 1e-4 for classification, 1e-2
            for reconstruction.
        closure: mu of `losses.closure_loss`.
        moments: mu of `losses.moment_loss`.
        samples: for the moment loss: moments of patches, in the dimension of the representations.

    Raises:
        InputError: a weight is negative, or moments are wanted without samples.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        invertibility: float = 0.0,
        closure: float = 0.0,
        moments: float = 0.0,
        samples: SampleMoments | None = None,
    ) -> None:
        who = type(self).__name__
        self.objective = objective
        self.invertibility = finite_number(who, "invertibility", invertibility)
        self.closure = finite_number(who, "closure", closure)
        self.moments = finite_number(who, "moments", moments)
        if self.moments and samples is None:
            refuse(who, "samples", "the moments of samples, for moments > 0", None,
                   "pass losses.sample_moments(patches)")  # fmt: skip
        self.samples = samples

    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        """The objective's terms, and those of the laws."""
        found = dict(self.objective.terms(model, batch))
        reps, unfolded = trained_representations(model), _unfolded(model)
        with full_precision(batch[0].device):
            if self.invertibility and (reps or unfolded):
                found["invertibility"] = sum_of(
                    [invertibility_loss(rep, self.invertibility) for rep in reps]
                    + [network.invertibility_loss(self.invertibility) for network in unfolded]
                )
            if self.closure and reps:
                found["closure"] = sum_of([closure_loss(rep, self.closure) for rep in reps])
            if self.moments and reps and self.samples is not None:
                self.samples = samples = self.samples.like(reps[0].generators())
                found["moments"] = sum_of([moment_loss(rep, samples, self.moments) for rep in reps])
        return found

    def score(self, model: nn.Module, batch: Batch) -> Float[Tensor, " batch"]:
        """The objective's score."""
        return self.objective.score(model, batch)

    def chance(self, labels: Tensor) -> float | None:
        """That of the objective."""
        return self.objective.chance(labels)


def trained_representations(model: nn.Module) -> list[LearnedRepresentation]:
    """The representations within a network that training moves, those inside others left out."""
    found: list[LearnedRepresentation] = []
    inner: set[int] = set()
    for module in model.modules():
        if isinstance(module, LearnedRepresentation) and id(module) not in inner:
            inner |= {id(each) for each in module.modules()}
            if any(each.requires_grad for each in module.parameters()):
                found.append(module)
    return found


def sum_of(terms: list[Tensor]) -> Tensor:
    """The sum of scalars."""
    return torch.stack(terms).sum()


def _unfolded(model: nn.Module) -> list[LGN]:
    return [module for module in model.modules() if isinstance(module, LGN)]
