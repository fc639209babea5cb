"""The published linear group network: sparse coding, unfolded, with an action for every filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grouplearn._checks import finite_number, generator, instance, positive_int, refuse
from grouplearn.groups import CyclicGroup
from grouplearn.linalg import random_orthogonal
from grouplearn.models.heads import linear_head
from grouplearn.representations import DenseRepresentation
from grouplearn.representations.parallel import joined
from grouplearn.representations.tables import on_default_device

_POOLED = 4


@final
@dataclass(frozen=True)
class LGNShape:
    """Sizes of an unfolded network; the defaults are the published ones.

    Args:
        in_channels: C of the images.
        classes: numbers that the classifying head returns.
        layers: unfolded steps.
        filters: p base filters in each layer.
        kernel_size: k of the filters.
        order: n; each base filter makes n of them.
        step: eta of the proximal step.

    Raises:
        InputError: an argument is out of its range.
    """

    in_channels: int
    classes: int
    layers: int = 4
    filters: int = 5
    kernel_size: int = 6
    order: int = 4
    step: float = 0.01

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name in ("in_channels", "classes", "layers", "filters", "kernel_size", "order"):
            positive_int("LGNShape", name, getattr(self, name))
        finite_number("LGNShape", "step", self.step, positive=True)

    @property
    def channels(self) -> int:
        """Filters of a layer with all their copies, p n."""
        return self.filters * self.order


class Codes(NamedTuple):
    """What an unfolded network makes of images.

    Attributes:
        scores: (B, classes).
        codes: (B, p n, H - k + 1, W - k + 1), sparse and not negative.
        images: (B, C, H, W), what the decoding dictionary makes of the codes.
    """

    scores: Float[Tensor, "batch classes"]
    codes: Float[Tensor, "batch coded h w"]
    images: Float[Tensor, "batch into H W"]


@final
class LGN(nn.Module):
    """Accelerated proximal steps of convolutional sparse coding, each with filters of its own.

    A layer holds p base filters of k x k for each input channel, and for each of these a matrix A
    and a second one, A~, that learns to be its inverse. The filter bank B is their orbits X, A X,
    ..., A^(n-1) X. With images y and codes z, a layer computes

        u' = ReLU(z + eta B^T (y - B z) - eta lambda),   z' = u' + (t - 1) / t' (u' - u),

    with learned thresholds lambda, t' = (1 + sqrt(1 + 4 t^2)) / 2, and batch normalisation of z'.
    B z is a transposed convolution. Nothing makes A^n = I: `representations` has the matrices for
    `grouplearn.defects` to measure.

    Args:
        shape: the sizes.
        rng: draws the weights; torch's global generator when None.

    Attributes:
        weight: (layers, p, C, k k), the base filters X.
        action: (layers, p, C, k k, k k), the matrices A.
        inverse: of the same shape, the matrices A~.
        threshold: (layers, p n), lambda.

    Raises:
        InputError: images of another number of channels, or smaller than the kernel.

    References:
        Theodosis, Helwani and Ba, 2023, Learning Linear Groups in Neural Networks.
        Beck and Teboulle, 2009, A fast iterative shrinkage-thresholding algorithm.

    Example:
        >>> LGN(LGNShape(1, 10))(torch.zeros(2, 1, 28, 28)).codes.shape
        torch.Size([2, 20, 23, 23])
    """

    @on_default_device
    def __init__(self, shape: LGNShape, *, rng: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape = instance("LGN", "shape", shape, LGNShape, "pass its sizes")
        generator("LGN", rng)
        count = shape.layers * shape.filters * shape.in_channels
        places = shape.kernel_size**2
        sizes = (shape.layers, shape.filters, shape.in_channels)
        self.weight = nn.Parameter(torch.randn(*sizes, places, generator=rng))
        start = random_orthogonal(count, places, rng, torch.get_default_dtype())
        start = start.unflatten(0, sizes)
        self.action = nn.Parameter(start)
        self.inverse = nn.Parameter(start.mT.clone())
        self.threshold = nn.Parameter(torch.full((shape.layers, shape.channels), 0.1))
        self.norms = nn.ModuleList(nn.BatchNorm2d(shape.channels) for _ in range(shape.layers))
        self.head = linear_head(shape.channels * _POOLED**2, shape.classes, rng)
        kernel = (shape.kernel_size,) * 2
        decoder = torch.randn(shape.channels, shape.in_channels, *kernel, generator=rng)
        self.decoder = nn.Parameter(decoder / shape.kernel_size)
        self.after_step()

    def dictionary(self, layer: int) -> Float[Tensor, "coded into k k"]:
        """The filter bank B of a layer: base filter by base filter, its copies in a row."""
        moved = [self.weight[layer]]
        for _ in range(self.shape.order - 1):
            moved.append((self.action[layer] @ moved[-1].unsqueeze(-1)).squeeze(-1))
        bank = torch.stack(moved, 1).flatten(0, 1)
        return bank.unflatten(-1, (self.shape.kernel_size, self.shape.kernel_size))

    def forward(self, images: Float[Tensor, "batch into H W"]) -> Codes:
        """Code, classify and decode."""
        self._check(images)
        shape = self.shape
        rows, columns = (size - shape.kernel_size + 1 for size in images.shape[-2:])
        z = before = images.new_zeros(len(images), shape.channels, rows, columns)
        momentum = 1.0
        for layer, norm in enumerate(self.norms):
            bank = self.dictionary(layer)
            rest = images - F.conv_transpose2d(z, bank) if layer else images
            threshold = shape.step * self.threshold[layer, :, None, None]
            u = F.relu(z + shape.step * F.conv2d(rest, bank) - threshold)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            z = norm(u + (momentum - 1) / following * (u - before))
            before, momentum = u, following
        scores = self.head(F.adaptive_avg_pool2d(z, _POOLED).flatten(1))
        decoded = F.conv_transpose2d(z, self.decoder)
        # A loss may leave out what makes the scores, or the images, and the learned inverses.
        scores = joined(scores, self.inverse, self.decoder)
        return Codes(scores, z, joined(decoded, self.inverse, *self.head.parameters()))

    @torch.no_grad()
    def after_step(self) -> None:
        """Scale base filters and matrices back to the norms that the published network keeps.

        Filters have norm 1 for each channel. The matrices have the norm sqrt(d) of an orthogonal
        one: with norm 1, as published, A A~ could not come near I.
        """
        self.weight.div_(self.weight.norm(dim=-1, keepdim=True))
        size = self.action.shape[-1] ** 0.5
        self.action.mul_(size / torch.linalg.matrix_norm(self.action, keepdim=True))

    def invertibility_loss(self, mu: float) -> Float[Tensor, ""]:
        """mu times the sum of ||A A~ - I||_F over all matrices."""
        eye = torch.eye(self.action.shape[-1], dtype=self.action.dtype, device=self.action.device)
        return mu * torch.linalg.matrix_norm(self.action @ self.inverse - eye).sum()

    def representations(self) -> tuple[DenseRepresentation, ...]:
        """Copies of the learned actions with their inverses, by layer, base filter and channel."""
        group, places = CyclicGroup(self.shape.order), self.shape.kernel_size**2
        found = []
        pairs = zip(self.action.flatten(0, 2), self.inverse.flatten(0, 2), strict=True)
        for matrix, inverse in pairs:
            rep = DenseRepresentation(group, places, near=matrix.detach(), dtype=torch.float64)
            rep.to(matrix)
            rep.weight.data.copy_(matrix.detach())
            rep.inverse.data.copy_(inverse.detach())
            found.append(rep)
        return tuple(found)

    def extra_repr(self) -> str:
        """The sizes, for print()."""
        return f"{self.shape}"

    def _check(self, images: Tensor) -> None:
        small = min(images.shape[-2:], default=0) < self.shape.kernel_size
        if images.ndim != 4 or images.shape[1] != self.shape.in_channels or small:
            k = self.shape.kernel_size
            refuse("LGN", "images", f"of shape (batch, {self.shape.in_channels}, H, W), {k} x {k} "
                   "pixels or more", tuple(images.shape), "check the data")  # fmt: skip
