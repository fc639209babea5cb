"""Refining an action by gradient: the samples' moments and the laws of a group as terms."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import LinAlgError  # type: ignore[attr-defined]  # pyright: ignore[reportPrivateImportUsage]

from grouplearn._checks import finite_number, float_tensor, generator, positive_int, refuse
from grouplearn.discovery.result import Discovery
from grouplearn.errors import InputError, TrainingError
from grouplearn.losses import (
    SampleMoments,
    closure_loss,
    moment_loss,
    sample_moments,
)
from grouplearn.representations import ChangeOfBasis, DenseRepresentation, LearnedRepresentation

_WHO = "refine"
_REMEDY = "lower the learning rate or the weight of that term"


@final
@dataclass(frozen=True)
class RefineTerms:
    """The terms that `refine` adds up.

    Args:
        moments: mu of `losses.moment_loss`.
        closure: mu of `losses.closure_loss`.
        invertibility: weight of sum ||A A~ - I||_F^2 / d over the generators. Squared, unlike
            `losses.invertibility_loss`, whose kink at zero, where every start stands, stops L-BFGS.
        anchor: weight of ||rho(s) - start(s)||_F^2 / ||start(s)||_F^2 over the generators, which
            holds what the moments leave free near where it started.
        orders: of the moments, see `losses.moment_loss`.
        whiten: measure all terms in coordinates in which E[x x^T] = I. There the wanted action is
            orthogonal, and directions of small variance count as much as any.

    Raises:
        InputError: a weight is negative or not finite, or all are zero.
    """

    moments: float = 1.0
    closure: float = 1.0
    invertibility: float = 1.0
    anchor: float = 0.0
    orders: Sequence[int] = (2, 3)
    whiten: bool = True

    def __post_init__(self) -> None:
        """Check the weights."""
        weights = [
            finite_number("RefineTerms", name, getattr(self, name))
            for name in ("moments", "closure", "invertibility", "anchor")
        ]
        if not any(weights):
            refuse("RefineTerms", "weights", "> 0 at least once", "only zeros", "pass moments=1")


@final
@dataclass(frozen=True)
class RefineStep:
    """The terms of the loss, weights included, after one step.

    Attributes:
        step: its number; 0 is the start.
        moments: the moment loss.
        closure: the closure loss.
        invertibility: the misfit of the learned inverses.
        anchor: the pull towards the start.
    """

    step: int
    moments: float
    closure: float
    invertibility: float
    anchor: float

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return self.moments + self.closure + self.invertibility + self.anchor


@final
@dataclass(frozen=True)
class Refined:
    """Result of `refine`.

    Attributes:
        representation: the refined one; the start is left as it was.
        history: the start and the state after every step.
        moved: Frobenius distance of the generators from the start's, relative to the start's norm.
    """

    representation: LearnedRepresentation
    history: tuple[RefineStep, ...]
    moved: float


def refine(
    start: LearnedRepresentation | Discovery,
    samples: Float[Tensor, "samples d"],
    *,
    into: Callable[..., LearnedRepresentation] | None = None,
    terms: RefineTerms | None = None,
    steps: int = 100,
    learning_rate: float | None = None,
    rng: torch.Generator | None = None,
) -> Refined:
    """Move an approximate action towards one that leaves the samples' moments alone.

    Minimises terms.moments * sum_k ||rho M_k - M_k||^2 / ||M_k||^2 plus the laws, over the
    parameters of a copy of `start`, by L-BFGS with a strong-Wolfe line search, or by Adam when a
    learning rate is given. The loss is not convex, and the identity always solves it: the result is
    the minimum near the start, which has to be closer to the wanted action than to any other.

    Args:
        start: a representation, or a discovery whose representation is taken; dimension d.
        samples: (N, d), whose distribution the group should keep, of the start's dtype.
        into: class to refine within, built as into(group, dim, near=generators, dtype=dtype), such
            as DenseRepresentation, SkewRepresentation or SpectralRepresentation; None keeps a start
            that has parameters, and takes DenseRepresentation for one that has none.
        terms: what is minimised; `RefineTerms()` when None.
        steps: of the optimiser.
        learning_rate: of Adam; None chooses L-BFGS.
        rng: draws the directions along which moments too large to hold are seen.

    Returns:
        The refined representation, on the start's device, and the history.

    Raises:
        InputError: an argument has the wrong type, shape or range, the samples are not finite, or
            the group is trivial.
        ClosureError: `into` cannot stand near the start.
        TrainingError: a term became infinite or not a number, or the matrix singular.

    Cost:
        O(N d^k) once for the largest order k, then O(m d^(k+1)) per evaluation, about 1.3
        evaluations per step of L-BFGS.

    References:
        Nocedal and Wright, Numerical Optimization (2006), chapter 7.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> x = torch.tensor([[2.0, 1.0], [-1.0, 2.0], [-2.0, -1.0], [1.0, -2.0]])
        >>> near = torch.tensor([[0.1, -1.0], [1.0, 0.1]])
        >>> start = DenseRepresentation(CyclicGroup(4), 2, near=near)
        >>> fit = refine(start, x, terms=RefineTerms(orders=(2, 4)))
        >>> fit.representation.generators().detach().round().int().tolist()
        [[[0, -1], [1, 0]]]
    """
    rep, terms = _trainable(start, into), terms or RefineTerms()
    positive_int(_WHO, "steps", steps)
    rng = generator(_WHO, rng)
    float_tensor(_WHO, "samples", samples, (None, rep.dim))
    if samples.dtype != rep.dtype or not bool(samples.any()):
        refuse(
            _WHO, "samples", f"of dtype {rep.dtype}, as the start is, and not all zero",
            f"{samples.dtype}, shape {tuple(samples.shape)}", "convert them with .to(dtype)",
        )  # fmt: skip
    seed = 0 if rng is None else int(torch.randint(2**31, (), generator=rng))
    samples = samples.detach().to(rep.device)
    whitening = _whitening(samples) if terms.whiten else torch.eye(rep.dim).to(samples)
    moments = sample_moments(samples @ whitening.mT, terms.orders, seed=seed)
    seen = ChangeOfBasis(rep, whitening, measured=False)
    before = seen.generators().detach().clone()
    first = rep.generators().detach().clone()
    parameters = list(rep.parameters())
    optimiser: torch.optim.Optimizer
    if learning_rate is None:
        optimiser = torch.optim.LBFGS(
            parameters, max_iter=1, max_eval=25, history_size=20, line_search_fn="strong_wolfe",
            tolerance_grad=0, tolerance_change=0,
        )  # fmt: skip
    else:
        rate = finite_number(_WHO, "learning_rate", learning_rate, positive=True)
        optimiser = torch.optim.Adam(parameters, lr=rate)
    history = [_record(0, _terms(seen, moments, before, terms, 0))]
    for step in range(1, steps + 1):

        def closure(step: int = step) -> Tensor:
            optimiser.zero_grad()
            loss = torch.stack(list(_terms(seen, moments, before, terms, step).values())).sum()
            loss.backward()
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        history.append(_record(step, _terms(seen, moments, before, terms, step)))
    optimiser.zero_grad()
    moved = torch.linalg.vector_norm(rep.generators().detach() - first)
    return Refined(rep, tuple(history), float(moved / torch.linalg.vector_norm(first)))


def _trainable(
    start: Any, into: Callable[..., LearnedRepresentation] | None
) -> LearnedRepresentation:
    """A copy of the start that has parameters."""
    given = start.representation if isinstance(start, Discovery) else start
    if not isinstance(given, LearnedRepresentation):
        refuse(_WHO, "start", "a representation or a Discovery", repr(start),
               "pass what discover returned")  # fmt: skip
    if not given.group.generators:
        refuse(_WHO, "start", "of a group with generators", "the trivial group",
               "there is nothing to refine")  # fmt: skip
    if into is None and any(True for _ in given.parameters()):
        return copy.deepcopy(given).requires_grad_()
    rep = (DenseRepresentation if into is None else into)(
        given.group, given.dim, near=given.generators().detach(), dtype=given.dtype
    ).to(given.device)
    if not any(True for _ in rep.parameters()):
        refuse(_WHO, "into", "a class with parameters", type(rep).__name__,
               "pass DenseRepresentation or another trainable class")  # fmt: skip
    return rep


def _whitening(samples: Tensor) -> Tensor:
    """E[x x^T]^(-1/2); variances below 1e-6 of the largest are taken as that."""
    eigenvalues, vectors = torch.linalg.eigh(samples.mT @ samples / len(samples))
    return vectors / eigenvalues.clamp(min=1e-6 * eigenvalues[-1]).sqrt() @ vectors.mT


def _terms(
    rep: LearnedRepresentation,
    moments: SampleMoments,
    before: Tensor,
    terms: RefineTerms,
    step: int,
) -> dict[str, Tensor]:
    """The terms of the loss by name, every one finite."""
    losses: dict[str, Callable[[], Tensor]] = {
        "moments": lambda: moment_loss(rep, moments, terms.moments),
        "closure": lambda: closure_loss(rep, terms.closure),
        "invertibility": lambda: terms.invertibility * _invertibility(rep),
        "anchor": lambda: (
            terms.anchor * ((rep.generators() - before).square().sum() / before.square().sum())
        ),
    }
    values = {}
    for name, loss in losses.items():
        try:
            term = loss() if getattr(terms, name) else before.new_zeros(())
        except (LinAlgError, InputError) as problem:
            if step == 0:
                raise
            raise TrainingError(
                f"{_WHO}: the {name} term must stay defined, got a singular or infinite matrix in "
                f"step {step}; {_REMEDY}"
            ) from problem
        if not math.isfinite(float(term.detach())):
            raise TrainingError(
                f"{_WHO}: the {name} term must stay finite, got {float(term.detach())} in step "
                f"{step}; {_REMEDY}"
            )
        values[name] = term
    return values


def _invertibility(rep: LearnedRepresentation) -> Tensor:
    generators = rep.generators()
    gap = generators @ rep.inverse_generators() - torch.eye(rep.dim).to(generators)
    return gap.square().sum() / rep.dim


def _record(step: int, values: dict[str, Tensor]) -> RefineStep:
    return RefineStep(step, **{name: float(term.detach()) for name, term in values.items()})
