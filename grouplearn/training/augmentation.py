"""Random changes of samples in training, from a generator of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from grouplearn._checks import positive_int
from grouplearn.models.symmetrized import checked_action, elements_in, moved_by_one
from grouplearn.representations import LearnedRepresentation

Images = Float[Tensor, "batch channels H W"]


@final
class RandomShift:
    """Moves every image by up to some pixels each way; what enters is zero.

    Args:
        pixels: the largest shift, 1 or more.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = positive_int("RandomShift", "pixels", pixels)

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Shift each image of a batch."""
        count, channels, height, width = images.shape
        padded = F.pad(images, (self.pixels,) * 4)
        most = 2 * self.pixels + 1
        down = torch.randint(most, (count, 1), generator=rng) + torch.arange(height)
        across = torch.randint(most, (count, 1), generator=rng) + torch.arange(width)
        batch = torch.arange(count)[:, None, None, None]
        # A slice for the channels would put them last in memory. With one channel, contiguous()
        # does not undo that, and escnn's batch norm is several times slower on such images.
        channel = torch.arange(channels)[:, None, None]
        return padded[batch, channel, down[:, None, :, None], across[:, None, None, :]]


@final
class RandomElement:
    """Moves every sample by an element of a group, each as likely.

    Args:
        moves: one function of batches for each element, as `extend` of a domain returns them; or a
            representation on R^d, which acts on the last axis.

    Raises:
        InputError: an element does not act on whole samples, or there is none.
    """

    def __init__(
        self, moves: LearnedRepresentation | Sequence[Callable[[Tensor], Tensor] | None]
    ) -> None:
        self.moves = checked_action("RandomElement", "moves", moves)

    def __call__(self, samples: Tensor, rng: torch.Generator) -> Tensor:
        """Move each sample of a batch."""
        chosen = torch.randint(elements_in(self.moves), (len(samples),), generator=rng)
        moved = samples.clone()
        for number in chosen.unique().tolist():
            mine = chosen == number
            moved[mine] = moved_by_one(self.moves, number, samples[mine])
        return moved


@final
class Several:
    """One augmentation after another.

    Args:
        parts: in the order in which they act.
    """

    def __init__(self, parts: Sequence[Callable[[Tensor, torch.Generator], Tensor]]) -> None:
        self.parts = tuple(parts)

    def __call__(self, images: Images, rng: torch.Generator) -> Images:
        """Apply all."""
        for part in self.parts:
            images = part(images, rng)
        return images
