"""Better bases for elements that nearly leave a function alone."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grouplearn.discovery.functions.probes import Ruler

_TRIMMED = 0.8
_TRIES = 400
_STEP, _LARGER, _SMALLER = 0.03, 1.6, 0.87

Array = NDArray[np.float64]


def refine(
    ruler: Ruler, generators: Float[np.ndarray, "m r r"], steps: int, seed: int = 0
) -> Float[np.ndarray, "m r r"]:
    """Change the basis of generators so that the function changes least.

    By L-BFGS on the rows that change least, then on all of them, so that rows that cross a jump of
    the function do not lead astray; by random steps where the function has no gradient.

    Args:
        ruler: the function on the rows of the search.
        generators: (m, r, r), whose orders are kept.
        steps: of the optimiser.
        seed: of the random steps.
    """
    best, least = generators, _loss(ruler, generators)
    start = torch.zeros(generators.shape[1:], dtype=torch.float64)
    if least == 0:
        return best
    for kept in (_TRIMMED, 1.0):
        change = _descend(ruler, generators, start, steps, kept)
        if change is None:
            return _wander(ruler, best, seed)
        moved = _conjugated(torch.as_tensor(generators), change).numpy()
        size = _loss(ruler, moved) if np.isfinite(moved).all() else np.inf
        if size < least:
            best, least, start = moved, size, change
    return best


def _conjugated(exact: Tensor, change: Tensor) -> Tensor:
    basis = torch.eye(len(change), dtype=torch.float64) + change
    return basis @ exact @ torch.linalg.inv(basis)


def _loss(ruler: Ruler, generators: Array) -> float:
    return float(ruler.changes(generators).mean())


def _descend(
    ruler: Ruler, generators: Array, start: Tensor, steps: int, kept: float
) -> Tensor | None:
    """The change of basis at the end; None for a function without gradients."""
    x, values = torch.as_tensor(ruler.x), torch.as_tensor(ruler.values)
    exact, back = torch.as_tensor(generators), torch.as_tensor(ruler.probe.basis)
    like = ruler.probe.tensor(ruler.x[:1])
    residuals, scale = ruler.answer.residuals(values), values.var(0).sum()
    change = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [change], max_iter=steps, line_search_fn="strong_wolfe",
        tolerance_grad=1e-12, tolerance_change=1e-14,
    )  # fmt: skip

    def changes() -> Tensor:
        moved = (x @ _conjugated(exact, change).mT).flatten(0, 1) @ back.mT
        answers = ruler.probe.call(moved.to(like)).double().cpu()
        return residuals(answers.reshape(len(exact), *values.shape)).square().sum(-1) / scale

    with torch.enable_grad():
        first = changes()
        if not first.requires_grad:
            return None
        chosen = first.detach() <= first.detach().quantile(kept, dim=1, keepdim=True)
        slopes: tuple[Tensor | None, ...] = torch.autograd.grad(
            first.sum(), change, allow_unused=True
        )
        if slopes[0] is None or not slopes[0].any():
            return None

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = (changes() * chosen).mean()
            value.backward()
            return value

        optimiser.step(closure)
    return change.detach()


def _wander(ruler: Ruler, generators: Array, seed: int) -> Array:
    """Random changes of basis, kept when they help; larger after successes (the 1/5 rule)."""
    rng = np.random.default_rng(seed)
    best, least, step = generators, _loss(ruler, generators), _STEP
    size = generators.shape[1]
    for _ in range(_TRIES):
        basis = np.eye(size) + step / size**0.5 * rng.standard_normal((size, size))
        moved = basis @ best @ np.linalg.inv(basis)
        loss = _loss(ruler, moved)
        if loss < least:
            best, least, step = moved, loss, step * _LARGER
        else:
            step *= _SMALLER
    return best
