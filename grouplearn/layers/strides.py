"""Where kernels stand: symmetrically, whatever the size of the input."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

Sizes = tuple[int, ...]


def fits(x: Tensor, kernel: Sizes, stride: Sizes, padding: Sizes) -> bool:
    """Do kernels, a stride apart, reach from one end of every axis to the other?

    Args:
        x: (B, channels, ...).
        kernel: its size along each axis of space.
        stride: along each axis of space.
        padding: at each end of each axis of space.
    """
    return all(each == 0 for each in _left_over(x, kernel, stride, padding))


def placed(x: Any, kernel: Sizes, stride: Sizes, padding: Sizes) -> Any:
    """The padded input, cut so that the stride fits and a flip maps kernels to kernels.

    Of r places that are left over at the far end of an axis, torch's convolutions leave out all
    there. Here as many are left out at both ends; of an odd number, one by taking the mean of
    neighbours along this axis. The size of the output is that of torch.

    Args:
        x: (B, channels, ...).
        kernel: its size along each axis of space.
        stride: along each axis of space.
        padding: at each end of each axis of space.
    """
    rest = _left_over(x, kernel, stride, padding)
    mean = F.avg_pool1d if len(kernel) == 1 else F.avg_pool2d
    padded = F.pad(x, [pad for pad in reversed(padding) for _ in range(2)])
    smoothed = mean(padded, [1 + each % 2 for each in rest], 1)
    return F.pad(smoothed, [-(each // 2) for each in reversed(rest) for _ in range(2)])


def _left_over(x: Any, kernel: Sizes, stride: Sizes, padding: Sizes) -> list[Any]:
    """The places behind the last kernel, along each axis of space."""
    axes = enumerate(zip(kernel, stride, padding, strict=True), 2)
    return [(x.shape[axis] + 2 * pad - k) % step for axis, (k, step, pad) in axes]


class Placing(nn.Module):
    """`placed` as a module, for export.

    Args:
        kernel: its size along each axis of space.
        stride: along each axis of space.
        padding: at each end of each axis of space.
    """

    def __init__(self, kernel: Sizes, stride: Sizes, padding: Sizes) -> None:
        super().__init__()
        self.sizes = kernel, stride, padding

    def forward(self, x: Any) -> Any:
        """The input, padded and cut."""
        return placed(x, *self.sizes)
