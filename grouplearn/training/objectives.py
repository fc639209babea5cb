"""What a network is trained for: terms of a loss, and a score to judge it by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import finite_number, refuse
from grouplearn.linalg import full_precision
from grouplearn.models.lgn import Codes
from grouplearn.training.labelled import Batch

SMOOTHING = 0.05
"""Share of the target that is spread over all classes, where no other is asked for."""
Terms = dict[str, Float[Tensor, ""]]


class Objective(ABC):
    """The terms of a loss on a batch, and a score where larger is better."""

    @abstractmethod
    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        """The terms by name, weights included; what is minimised is their sum.

        Args:
            model: the network.
            batch: samples and labels.
        """

    @abstractmethod
    def score(self, model: nn.Module, batch: Batch) -> Float[Tensor, " batch"]:
        """One number for each sample; their mean judges the network.

        Args:
            model: the network, in evaluation mode.
            batch: samples and labels.
        """

    def chance(self, labels: Tensor) -> float | None:  # noqa: ARG002
        """The mean score of a network that has learned nothing; None where none can be told.

        Args:
            labels: of the samples that judge.
        """
        return None


@final
class Classification(Objective):
    """Cross-entropy; the score is 1 where the largest output is that of the class, else 0.

    For half of the classes, as the published experiments have it, train on `Labelled.only`.

    Args:
        smoothing: share of the target that is spread evenly over all classes.

    Raises:
        InputError: the share is out of [0, 1).
    """

    def __init__(self, smoothing: float = SMOOTHING) -> None:
        self.smoothing = finite_number("Classification", "smoothing", smoothing)
        if self.smoothing >= 1:
            refuse("Classification", "smoothing", "below 1", smoothing, "0.05, for example")

    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        """The cross-entropy."""
        scores = scores_in(model(batch[0]))
        try:
            loss = F.cross_entropy(scores, batch[1], label_smoothing=self.smoothing)
        except IndexError:
            _refuse_labels(batch[1], scores)
        return {"cross-entropy": loss}

    def score(self, model: nn.Module, batch: Batch) -> Float[Tensor, " batch"]:
        """Is the class right?"""
        scores = scores_in(model(batch[0]))
        if bool((batch[1] >= scores.shape[1]).any()):
            _refuse_labels(batch[1], scores)
        return (scores.argmax(1) == batch[1]).to(batch[0].dtype)

    def chance(self, labels: Tensor) -> float:
        """The share of the largest class."""
        return float(labels.unique(return_counts=True)[1].max()) / len(labels)


@final
class Reconstruction(Objective):
    """Half the mean squared error of decoded images, and the mean absolute value of codes.

    The network returns `Codes`, as `LGN` does. The score is minus the squared error of an image,
    relative to the mean sum of squares of the images of the batch: one image may be black.

    Args:
        sparsity: weight of the codes.
    """

    def __init__(self, sparsity: float = 1e-3) -> None:
        self.sparsity = finite_number("Reconstruction", "sparsity", sparsity)

    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        """The error and the codes."""
        found = _codes(model(batch[0]))
        return {
            "reconstruction": F.mse_loss(found.images, batch[0]) / 2,
            "sparsity": self.sparsity * found.codes.abs().mean(),
        }

    def score(self, model: nn.Module, batch: Batch) -> Float[Tensor, " batch"]:
        """Minus the relative error."""
        error = (_codes(model(batch[0])).images - batch[0]).flatten(1).square().sum(1)
        return -error / batch[0].flatten(1).square().sum(1).mean()


@final
class Similarity(Objective):
    """Outputs of one class near one another, of two classes apart: a contrastive loss.

    Outputs are normalised. All pairs of a batch count, each sample's own class against the rest;
    samples that are alone with their class add nothing. The score is the share of samples whose
    nearest neighbour in the batch is of their class.

    Args:
        temperature: divides the cosines.

    References:
        Khosla et al., 2020, Supervised contrastive learning, equation 2.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        self.temperature = finite_number("Similarity", "temperature", temperature, positive=True)

    def terms(self, model: nn.Module, batch: Batch) -> Terms:
        """The contrastive loss."""
        cosines, same, own = _cosines(model(batch[0]), batch[1])
        logits = (cosines / self.temperature).masked_fill(own, -torch.inf)
        chances = torch.log_softmax(logits, 1).masked_fill(own, 0)
        partners = same.sum(1)
        each = -(chances * same).sum(1) / partners.clamp(min=1)
        return {"similarity": each[partners > 0].mean() if bool(partners.any()) else each.sum()}

    def score(self, model: nn.Module, batch: Batch) -> Float[Tensor, " batch"]:
        """Is the nearest neighbour of the same class?"""
        cosines, same, own = _cosines(model(batch[0]), batch[1])
        nearest = cosines.masked_fill(own, -torch.inf).argmax(1, keepdim=True)
        return same.gather(1, nearest)[:, 0].to(cosines.dtype)


def _refuse_labels(labels: Tensor, scores: Tensor) -> NoReturn:
    refuse("Classification", "y", f"below {scores.shape[1]}, the network's outputs",
           int(labels.max()), "build the network with as many classes")  # fmt: skip


def scores_in(output: Any) -> Tensor:
    """Scores of classes, at least in float32.

    Args:
        output: of a network: scores, or `Codes` that have them.
    """
    scores: Tensor = output.scores if isinstance(output, Codes) else output
    return scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores


def _codes(output: Any) -> Codes:
    if not isinstance(output, Codes):
        refuse("Reconstruction", "model", "a network that returns Codes", type(output).__name__,
               "train an LGN")  # fmt: skip
    return output


def _cosines(output: Any, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cosines of all pairs; whether they are of one class; whether a sample meets itself."""
    points = F.normalize(scores_in(output), dim=1)
    own = torch.eye(len(points), dtype=torch.bool, device=points.device)
    with full_precision(points.device):
        return points @ points.mT, (labels[:, None] == labels) & ~own, own
