"""Operations on patches that extend to whole images: the symmetries of the pixel grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64, Shaped
from torch import Tensor

GRID_MOVES: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda images: images,
    "quarter-turn": lambda images: torch.rot90(images, 1, (-2, -1)),
    "half-turn": lambda images: torch.rot90(images, 2, (-2, -1)),
    "three-quarter-turn": lambda images: torch.rot90(images, 3, (-2, -1)),
    "flip": lambda images: torch.flip(images, (-1,)),
    "flip-up-down": lambda images: torch.flip(images, (-2,)),
    "transpose": lambda images: images.transpose(-2, -1),
    "antitranspose": lambda images: torch.rot90(images, 2, (-2, -1)).transpose(-2, -1),
}


@final
@dataclass(frozen=True)
class PixelMove:
    """A symmetry of the pixel grid, with or without reversed contrast.

    Args:
        grid: one of the eight symmetries of the square, as `GRID_MOVES` names them.
        negative: is the contrast reversed?

    Example:
        >>> PixelMove("quarter-turn")(torch.tensor([[0.0, 1.0], [0.5, 0.0]])).tolist()
        [[1.0, 0.0], [0.0, 0.5]]
    """

    grid: str
    negative: bool = False

    @property
    def name(self) -> str:
        """Such as "quarter-turn", or "negative half-turn" where the contrast is reversed."""
        return f"negative {self.grid}" if self.negative else self.grid

    def __call__(self, images: Shaped[Tensor, "*batch h w"]) -> Shaped[Tensor, "*batch h2 w2"]:
        """Move the pixels of images (..., H, W), floats in [0, 1] or uint8."""
        moved = GRID_MOVES[self.grid](images)
        if not self.negative:
            return moved
        return (255 if moved.dtype == torch.uint8 else 1) - moved

    def __str__(self) -> str:
        return self.name

    def matrix(self, patch_size: int) -> Float64[Tensor, "d d"]:
        """The operation on k x k patches, row-major, as a matrix on columns."""
        k = patch_size
        basis = torch.eye(k * k, dtype=torch.float64).reshape(k * k, k, k)
        matrix = GRID_MOVES[self.grid](basis).reshape(k * k, k * k).T
        return -matrix if self.negative else matrix


PIXEL_MOVES = tuple(PixelMove(grid, sign) for sign in (False, True) for grid in GRID_MOVES)
