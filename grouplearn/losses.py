"""Training terms made of defects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import float_tensor, positive_int, refuse
from grouplearn.defects import relator_gaps
from grouplearn.linalg import wide
from grouplearn.representations.base import LearnedRepresentation

Scalar = Float[Tensor, ""]
_FULL = 64**3
_PROJECTIONS = 64
_CHUNK = 1 << 22


def invertibility_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over generators of ||A A~ - I||_F, the source's invertibility loss.

    A~ is the learned inverse of a `DenseRepresentation`; for classes without one it is the true
    inverse and the loss is zero up to rounding.

    Args:
        rep: a representation.
        mu: weight; the source takes 1e-4 for classification, 1e-2 for reconstruction.

    Returns:
        Scalar tensor.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.
    """
    product = rep.generators() @ rep.inverse_generators()
    eye = torch.eye(rep.dim, dtype=product.dtype, device=product.device)
    return mu * torch.linalg.matrix_norm(product - eye).sum()


def singular_value_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over generators and singular values of abs(1 - sigma_i): pulls A to orthogonal.

    Args:
        rep: a representation.
        mu: weight.

    Returns:
        Scalar tensor.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552.
    """
    generators = rep.generators().to(wide(rep.dtype))
    return mu * (1 - torch.linalg.svdvals(generators)).abs().sum().to(rep.dtype)


def closure_loss(rep: LearnedRepresentation, mu: float) -> Scalar:
    """mu * sum over relators w of ||rho(w) - I||_F^2 / d: pulls towards the group's relations.

    Args:
        rep: representation of dimension d.
        mu: weight.

    Returns:
        Scalar tensor; zero exactly for representations.
    """
    # Squares, not norms: a norm has no second derivative where it vanishes.
    return mu * (relator_gaps(rep).square().sum() / rep.dim)


@final
@dataclass(frozen=True)
class SampleMoments:
    """Moments of samples about zero, made once for many calls of `moment_loss`.

    Attributes:
        full: order k to M_k = E[x (x) ... (x) x], of k axes of length d.
        directions: (64, d) fixed unit vectors a_i, for the orders that are too large to hold.
        projected: order k to E[(a_i . x)^k], (64,).
        samples: (N, d), for the projected orders; (0, d) when there are none.
    """

    full: Mapping[int, Tensor]
    directions: Float[Tensor, "projections d"]
    projected: Mapping[int, Tensor]
    samples: Float[Tensor, "samples d"]

    def like(self, tensor: Tensor) -> SampleMoments:
        """The same of the dtype and on the device of a tensor."""
        if tensor.dtype == self.samples.dtype and tensor.device == self.samples.device:
            return self
        return SampleMoments(
            {order: value.to(tensor) for order, value in self.full.items()},
            self.directions.to(tensor),
            {order: value.to(tensor) for order, value in self.projected.items()},
            self.samples.to(tensor),
        )


def sample_moments(
    samples: Float[Tensor, "samples d"], orders: Sequence[int] = (2, 3), *, seed: int = 0
) -> SampleMoments:
    """Moments of samples about zero, of several orders.

    Order k is held in full where d^k <= 64^3 (so order 3 up to d = 64), and always for k <= 2; else
    it is seen along 64 random directions.

    Args:
        samples: (N, d), N >= 1.
        orders: from 1 to 4.
        seed: of the directions.

    Returns:
        The moments, of the samples' dtype.

    Raises:
        InputError: wrong shape, NaN, no samples, samples that are all zero, or an order out of
            range.

    Cost:
        O(N d^k) time and O(d^k) memory for an order held in full.

    Example:
        >>> sample_moments(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).full[2].tolist()
        [[0.5, 0.0], [0.0, 0.5]]
    """
    who = "moment_loss"
    x = float_tensor(who, "samples", samples, (None, None)).detach()
    if not bool(x.any()):
        refuse(who, "samples", "at least one other than zero", f"shape {tuple(x.shape)}, no entry "
               "but 0", "zeros have every symmetry")  # fmt: skip
    chosen = [positive_int(who, "order", order) for order in orders]
    if not chosen or max(chosen) > 4:
        refuse(who, "orders", "one or more numbers from 1 to 4", orders, "pass orders=(2, 3)")
    dim = x.shape[1]
    rng = torch.Generator().manual_seed(positive_int(who, "seed", seed, minimum=0))
    gaussian = torch.randn(_PROJECTIONS, dim, generator=rng, dtype=torch.float64, device="cpu")
    directions = torch.nn.functional.normalize(gaussian).to(x)
    held = {order for order in chosen if order <= 2 or dim**order <= _FULL}
    full = {order: _moment(x, order) for order in sorted(held)}
    beyond = sorted(set(chosen) - held)
    projected = {order: (x @ directions.mT).pow(order).mean(0) for order in beyond}
    return SampleMoments(full, directions, projected, x if beyond else x[:0])


def moment_loss(
    rep: LearnedRepresentation,
    samples: Float[Tensor, "samples d"] | SampleMoments,
    mu: float = 1.0,
    *,
    orders: Sequence[int] = (2, 3),
    seed: int = 0,
) -> Scalar:
    """mu * sum over generators g and orders k of ||rho(g) M_k - M_k||_F^2 / ||M_k||_F^2.

    M_k = E[x (x) ... (x) x] is the samples' k-th moment about zero, and rho(g) acts on each of its
    axes: rho M_1 = rho(g) m, rho M_2 = rho(g) M_2 rho(g)^T, and so on. If x and rho(g) x have the
    same distribution, every term vanishes up to sampling noise. The converse needs all orders: a
    rotation of Gaussian data leaves every moment alone. The identity is always a minimum: use this
    loss to refine a start, not to search for one.

    An order that `sample_moments` does not hold in full enters through E[(a_i . x)^k] along fixed
    random directions a_i. An order whose moment is zero adds nothing; one whose moment is small
    beside its sampling noise adds noise: leave odd orders out on data symmetric about zero.

    Args:
        rep: representation of dimension d.
        samples: (N, d), or what `sample_moments` made of them, which saves time in a loop.
        mu: weight.
        orders: from 1 to 4; not used with `SampleMoments`.
        seed: of the directions; not used with `SampleMoments`.

    Returns:
        Scalar tensor, differentiable in the parameters of rep; 0 for the trivial group.

    Raises:
        InputError: as `sample_moments`, or samples of another dimension or dtype than rep.

    Cost:
        O(d^(k+1)) time per generator and order held in full, beside that of `sample_moments`.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import FixedRepresentation
        >>> swap = FixedRepresentation(CyclicGroup(2), torch.eye(2).flip(0).unsqueeze(0))
        >>> moment_loss(swap, torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
        tensor(0.)
    """
    target = samples if isinstance(samples, SampleMoments) else None
    if target is None:
        target = sample_moments(samples, orders, seed=seed)  # type: ignore[arg-type]
    generators = rep.generators()
    like = target.directions
    if like.shape[1] != rep.dim or like.dtype != generators.dtype:
        refuse(
            "moment_loss", "samples", f"of dimension {rep.dim} and dtype {generators.dtype}",
            f"dimension {like.shape[1]} and dtype {like.dtype}", "convert them with .to(dtype)",
        )  # fmt: skip
    total = generators.new_zeros(())
    for generator in generators:
        for order, moment in target.full.items():
            total = total + _relative(_moved(generator, moment, order), moment)
        for order, moment in target.projected.items():
            along = target.samples @ (target.directions @ generator).mT
            total = total + _relative(along.pow(order).mean(0), moment)
    return mu * total


def _relative(moved: Tensor, moment: Tensor) -> Tensor:
    """Squared distance over squared norm, 0 where the moment is."""
    size = moment.square().sum()
    return (moved - moment).square().sum() / torch.where(size > 0, size, 1.0)


def _moved(generator: Tensor, moment: Tensor, order: int) -> Tensor:
    """The generator along every axis; each step moves the first axis to the end."""
    for _ in range(order):
        rest = moment.shape[1:]
        moment = (moment.reshape(len(generator), -1).mT @ generator.mT).reshape(*rest, -1)
    return moment


def _moment(samples: Tensor, order: int) -> Tensor:
    dim = samples.shape[1]
    total = samples.new_zeros(dim ** (order - 1), dim)
    for rows in samples.split(max(1, _CHUNK // dim ** (order - 1))):
        powers = rows.new_ones(len(rows), 1)
        for _ in range(order - 1):
            powers = (powers.unsqueeze(2) * rows.unsqueeze(1)).flatten(1)
        total += powers.mT @ rows
    return (total / len(samples)).reshape([dim] * order)
