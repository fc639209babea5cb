"""Learning the action of one generator from pairs (x, y = T x), by backpropagation.

Samples of real data are strongly correlated: the second moment C = E[x x^T] of 5 x 5 patches of
photographs has eigenvalues that differ by a factor of 10^4, and gradient descent on the mean
squared error needs a number of steps in proportion to it. What helps is a property of linear
actions: any linear combination of pairs is a pair of the same action, since
sum_i k_i y_i = T sum_i k_i x_i. With the eigenvectors v_j and eigenvalues l_j of C, the weights
k_ij = v_j . x_i / (N l_j) turn the N pairs into d pairs

    (v_j, z_j),    z_j = sum_i k_ij y_i,

whose inputs are orthonormal. The data term becomes sum_j ||A v_j - z_j||^2 = ||A - A_ls||_F^2,
where A_ls is the least-squares solution, and every direction is learned at the same rate. For a
free matrix this is as easy as least squares itself; for rotations exp(S), and for P D P^-1, it
removes the bad conditioning and leaves the non-convexity of the class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import LinAlgError  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateImportUsage]

from grouplearn._checks import float_tensor, positive_int, refuse
from grouplearn.errors import InputError, TrainingError
from grouplearn.linalg import rank_bound
from grouplearn.losses import closure_loss, invertibility_loss, singular_value_loss
from grouplearn.representations.base import LearnedRepresentation

_WHO = "fit_pairs"
_REMEDY = "lower the learning rate or the weight of that term"


@final
@dataclass(frozen=True)
class Penalties:
    """Weights of the terms beside the data term, which is a relative squared error.

    Args:
        invertibility: mu of `losses.invertibility_loss`.
        closure: mu of `losses.closure_loss`.
        singular_values: mu of `losses.singular_value_loss`.

    Raises:
        InputError: a weight is negative or not finite.
    """

    invertibility: float = 0.0
    closure: float = 0.0
    singular_values: float = 0.0

    def __post_init__(self) -> None:
        """Check the weights."""
        for name, weight in vars(self).items():
            _number("Penalties", name, weight, zero=True)


@final
@dataclass(frozen=True)
class Schedule:
    """How long and in which portions to train, by Adam with cosine decay of the learning rate to 0.

    Args:
        epochs: passes over the pairs.
        learning_rate: the first one.
        batch_size: pairs per step, in random order; None takes all at once.
        whiten: combine the pairs into d pairs with orthonormal inputs first; see the module.
        clip: largest norm of the gradient; longer ones are shortened to it.

    Raises:
        InputError: an argument is out of its range, or both `batch_size` and `whiten` are given.
    """

    epochs: int = 1000
    learning_rate: float = 0.03
    batch_size: int | None = None
    whiten: bool = True
    clip: float = 2.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        positive_int("Schedule", "epochs", self.epochs)
        _number("Schedule", "learning_rate", self.learning_rate)
        _number("Schedule", "clip", self.clip)
        if self.batch_size is not None:
            positive_int("Schedule", "batch_size", self.batch_size)
            if self.whiten:
                refuse(
                    "Schedule", "batch_size", "None when whiten is true", self.batch_size,
                    "whitening combines all pairs into d of them; pass whiten=False",
                )  # fmt: skip


@final
@dataclass(frozen=True)
class Epoch:
    """What one pass over the pairs showed, as means over its steps.

    Attributes:
        epoch: its number, from 1.
        data: sum ||A x - y||^2 / sum ||y||^2, of the combined pairs when whitened.
        invertibility: the invertibility loss, weight included; 0 without it. So are the others.
        closure: the closure loss.
        singular_values: the singular-value loss.
        gradient_norm: length of the gradient of the sum of all four, before clipping.
        learning_rate: of the epoch's first step.
    """

    epoch: int
    data: float
    invertibility: float
    closure: float
    singular_values: float
    gradient_norm: float
    learning_rate: float

    @property
    def loss(self) -> float:
        """The sum of the four terms."""
        return self.data + self.invertibility + self.closure + self.singular_values


@final
@dataclass(frozen=True)
class PairsFit:
    """Result of `fit_pairs`.

    Attributes:
        history: one record per epoch.
        loss: the last epoch's loss, by which starts can be compared.
        pair_error: `pair_error` of the trained representation on all pairs.
        rank: number of directions that the inputs span; those beyond are not learned.
    """

    history: tuple[Epoch, ...]
    loss: float
    pair_error: float
    rank: int


def fit_pairs(
    rep: LearnedRepresentation,
    x: Float[Tensor, "samples d"],
    y: Float[Tensor, "samples d"],
    *,
    penalties: Penalties | None = None,
    schedule: Schedule | None = None,
    rng: torch.Generator | None = None,
    callback: Callable[[Epoch], object] | None = None,
) -> PairsFit:
    """Train a representation, in place, to send every x to its y by the group's generator.

    Minimises sum ||rho(g) x - y||^2 / sum ||y||^2 plus the penalties by Adam. For a dense matrix
    the data term is convex, and with data that span R^d it has one minimum. Over rotations exp(S)
    and over P D P^-1 it is not convex: compare several starts by their loss.

    Args:
        rep: a representation with parameters, of a group with one generator g; dimension d.
        x: (N, d) inputs of rep's dtype and device.
        y: (N, d) outputs of rep's dtype and device.
        penalties: weights of the other terms; none when None.
        schedule: epochs, learning rate and portions; `Schedule()` when None.
        rng: orders the pairs when there are batches; torch's global generator when None.
        callback: called with each epoch's record, for progress.

    Returns:
        The history and the errors left; rep is trained.

    Raises:
        InputError: the group has another number of generators, rep has no parameters, or the pairs
            have another shape or dtype, are not finite, or are all zero.
        TrainingError: a term became infinite or not a number, or the matrix singular.

    Cost:
        Whitened: O(N d^2 + d^3) once and O(d^3) per epoch; else O(N d^2) per epoch.

    References:
        Theodosis, Helwani and Ba, Learning Linear Groups in Neural Networks, arXiv 2305.18552;
        Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, SGDR, ICLR 2017 (cosine decay).

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import DenseRepresentation
        >>> x = torch.randn(99, 3, generator=torch.Generator().manual_seed(0))
        >>> rep = DenseRepresentation(CyclicGroup(3), 3)
        >>> fit_pairs(rep, x, x.roll(1, -1)).pair_error < 0.001
        True
    """
    penalties, schedule = penalties or Penalties(), schedule or Schedule()
    x, y = _check_pairs(_WHO, rep, x, y)
    parameters = list(rep.parameters())
    if not parameters:
        refuse(_WHO, "rep", "trainable", f"{type(rep).__name__} without parameters",
               "pass a learned representation such as DenseRepresentation")  # fmt: skip
    whitened = _whiten(x, y)
    inputs, outputs = whitened if schedule.whiten else (x, y)
    optimiser = torch.optim.Adam(parameters, lr=schedule.learning_rate)
    batches = _batches(len(inputs), schedule, rng)
    steps = schedule.epochs * math.ceil(len(inputs) / (schedule.batch_size or len(inputs)))
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    scale = outputs.square().sum(-1).mean()
    history = []
    for epoch in range(1, schedule.epochs + 1):
        rate, rows = decay.get_last_lr()[0], []
        for batch in next(batches):
            optimiser.zero_grad()
            terms = _terms(rep, inputs[batch], outputs[batch], scale, penalties)
            rows.append([_finite(name, term, epoch) for name, term in terms.items()])
            torch.stack(list(terms.values())).sum().backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, schedule.clip)
            rows[-1].append(_finite("gradient", norm, epoch))
            optimiser.step()
            decay.step()
        means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
        data, invertibility, closure, singular_values, gradient = means
        history.append(
            Epoch(epoch, data, invertibility, closure, singular_values, gradient, float(rate))
        )
        if callback is not None:
            callback(history[-1])
    return PairsFit(tuple(history), history[-1].loss, pair_error(rep, x, y), len(whitened[0]))


def pair_error(
    rep: LearnedRepresentation, x: Float[Tensor, "samples d"], y: Float[Tensor, "samples d"]
) -> float:
    """Relative error on pairs: sqrt(sum ||rho(g) x - y||^2 / sum ||y||^2), g the one generator.

    Args:
        rep: representation of a group with one generator; dimension d.
        x: (N, d) inputs.
        y: (N, d) outputs.

    Returns:
        A number: 0 for a perfect fit, 1 for rho = 0.

    Raises:
        InputError: the group has another number of generators, or the pairs have another shape or
            dtype, are not finite, or are all zero.
    """
    x, y = _check_pairs("pair_error", rep, x, y)
    with torch.no_grad():
        gap = rep.act(x, rep.group.generators[0]) - y
        return float(torch.linalg.vector_norm(gap) / torch.linalg.vector_norm(y))


def _whiten(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Combine N pairs into one for each direction that x spans, with orthonormal inputs."""
    inputs, outputs = x.detach().double(), y.detach().double()
    eigenvalues, vectors = torch.linalg.eigh(inputs.mT @ inputs / len(x))
    counted = eigenvalues > rank_bound(eigenvalues)
    basis, eigenvalues = vectors[:, counted], eigenvalues[counted]
    combined = (basis / (len(x) * eigenvalues)).mT @ (inputs.mT @ outputs)
    return basis.mT.to(x.dtype), combined.to(x.dtype)


def _batches(
    count: int, schedule: Schedule, rng: torch.Generator | None
) -> Iterator[list[Tensor | slice]]:
    """The portions of one epoch after another."""
    while True:
        if schedule.batch_size is None:
            yield [slice(None)]
        else:
            yield list(torch.randperm(count, generator=rng).split(schedule.batch_size))


def _terms(
    rep: LearnedRepresentation, x: Tensor, y: Tensor, scale: Tensor, penalties: Penalties
) -> dict[str, Tensor]:
    """The four terms of the loss, by name."""
    zero = y.new_zeros(())
    losses: dict[str, Callable[[], Tensor]] = {
        "data": lambda: (rep.act(x, rep.group.generators[0]) - y).square().sum(-1).mean() / scale,
        "invertibility": lambda: invertibility_loss(rep, penalties.invertibility),
        "closure": lambda: closure_loss(rep, penalties.closure),
        "singular_values": lambda: singular_value_loss(rep, penalties.singular_values),
    }
    terms = {}
    for name, loss in losses.items():
        try:
            terms[name] = loss() if getattr(penalties, name, 1) else zero
        except (LinAlgError, InputError) as problem:
            raise TrainingError(
                f"{_WHO}: the {name} term must stay defined, got a singular or infinite matrix; "
                f"{_REMEDY}"
            ) from problem
    return terms


def _finite(name: str, value: Tensor, epoch: int) -> float:
    number = float(value.detach())
    if not math.isfinite(number):
        raise TrainingError(
            f"{_WHO}: the {name} term must stay finite, got {number} in epoch {epoch}; {_REMEDY}"
        )
    return number


def _check_pairs(who: str, rep: Any, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(rep, LearnedRepresentation) or len(rep.group.generators) != 1:
        refuse(
            who, "rep", "a representation of a group with one generator",
            f"one of {rep.group}" if isinstance(rep, LearnedRepresentation) else repr(rep),
            "build it with CyclicGroup(n), n >= 2",
        )  # fmt: skip
    for name, value in (("x", x), ("y", y)):
        float_tensor(who, name, value, (None, rep.dim))
        if value.dtype != rep.dtype:
            refuse(who, name, f"of the representation's dtype {rep.dtype}", value.dtype,
                   "convert one with .to(dtype)")  # fmt: skip
        if not bool(value.any()):
            refuse(who, name, "other than all zero", f"{len(value)} rows of zeros",
                   "such pairs say nothing about the action")  # fmt: skip
    if len(x) != len(y):
        refuse(who, "y", f"of {len(x)} rows, as x is", len(y), "pass one y for every x")
    return x, y


def _number(who: str, name: str, value: float, *, zero: bool = False) -> None:
    least = ">= 0" if zero else "> 0"
    if not (math.isfinite(value) and (value > 0 or (zero and value == 0))):
        refuse(who, name, f"a finite number {least}", value, f"pass {name} {least}")
