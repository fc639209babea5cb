"""Groups from a trained function: actions g with f(g x) = f(x)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import positive_int, refuse
from grouplearn.discovery.functions.invariance import Candidate
from grouplearn.discovery.functions.linear import Invariance, search_linear
from grouplearn.discovery.functions.permutations import search_permutations
from grouplearn.discovery.functions.probes import (
    EXACT,
    LEAST_GAP,
    TOLERANCE,
    WHO,
    Probe,
    Ruler,
    check_samples,
)
from grouplearn.discovery.pairs.entry import check_level
from grouplearn.discovery.result import Discovery, Evidence, Rung, Verdict
from grouplearn.groups import CyclicGroup
from grouplearn.groups.table import TableGroup
from grouplearn.representations import FixedRepresentation

_HELD = 2048
_SHOWN = 3


def discover_from_function(
    function: Callable[[Tensor], Tensor],
    samples: Float[Tensor, "samples d"],
    *,
    action: Literal["linear", "permutation"] = "linear",
    level: float = 0.01,
    seed: int = 0,
) -> Discovery:
    """Read off a function, such as a trained network, which actions it does not see.

    Looks for the finite group of g with f(g x) = f(x). The violation of g is
    sqrt(E ||f(g x) - f(x)||^2 / E ||f(x') - f(x)||^2), x' being x with the part that g moves taken
    from another sample: 0 for a symmetry, about 1 for an action unrelated to f.

    Candidates come from the gradients u = grad f(x), since f(g x) = f(x) implies that E[u u^T],
    E[x u^T] and their like commute with an orthogonal g. They are taken over the samples, as they
    are and whitened, and over random inputs whose distribution every such g keeps, so that the
    samples need not be symmetric themselves. Linear candidates turn the common planes and flip the
    common singles; permutations are automorphisms of those matrices. Survivors are refined by
    gradient, where f has one, and measured on samples held out. Below 0.001 they are called exact,
    below 0.15 approximate if what is no member does three times worse.

    A plane in which every turn leaves f alone is reported as a continuous rotation, and directions
    that f ignores are left where they are: both have every order.

    Args:
        function: tensors (N, d) of the samples' dtype to (N,) or (N, k); deterministic. Gradients
            are taken by automatic differentiation, else by differences.
        samples: (N, d) inputs, N >= max(32, 4 d), of the distribution on which f matters.
        action: "linear" for matrices up to order 23, "permutation" for permuted coordinates.
        level: of the p-value.
        seed: of the random inputs and of the samples held out.

    Returns:
        The group with evidence "function"; the p-value takes the logarithms of the violations of
        all candidates as normal. C1 when nothing was found.

    Raises:
        InputError: an argument has the wrong type or shape, too few samples, values that are not
            finite, or a function that does not depend on x.

    Cost:
        Some 10^4 to 10^6 evaluations of f, and O(d^3) each.

    Example:
        >>> x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> def f(x):
        ...     u, v = x.T
        ...     return u**4 + v**4 + u * v * (u**2 - v**2)
        >>> discover_from_function(f, x).group.name
        'D4'
    """
    x = check_samples(samples)
    level = check_level(WHO, level)
    seed = positive_int(WHO, "seed", seed, minimum=0)
    if not callable(function):
        refuse(WHO, "function", "callable", repr(function), "pass a network or a function")
    if action not in ("linear", "permutation"):
        refuse(WHO, "action", '"linear" or "permutation"', repr(action), "pass one of the two")
    probe = Probe(function, samples.detach())
    probe.check_varies(x)
    order = np.random.default_rng(seed).permutation(len(x))
    learned, held = x[order[len(x) // 2 :]], x[order[: len(x) // 2]][:_HELD]
    search = search_linear if action == "linear" else search_permutations
    found = search(probe, learned, seed)
    return _conclude(found, Ruler(probe, held, seed + 1), level, action)


def _conclude(found: Invariance, ruler: Ruler, level: float, action: str) -> Discovery:
    rep = found.representation
    matrices = rep.matrices().detach()
    violations = np.array([ruler.violation(each) for each in matrices.double().numpy()])
    worst = float(violations.max())
    outside = found.outside[0].violation if found.outside else math.inf
    p_value = _p_value(worst, found.outside, found.tried)
    verdict: Verdict = "exact" if worst <= EXACT else "approximate"
    gap = outside / max(worst, EXACT)
    if rep.group.order > 1 and (
        p_value > level or (verdict == "approximate" and (worst > TOLERANCE or gap < LEAST_GAP))
    ):
        verdict = "rejected"
    accepted = verdict != "rejected" and rep.group.order > 1
    ladder = [_rung_of(each) for each in found.outside[:_SHOWN]]
    if rep.group.order > 1:
        entry = Evidence("function", worst, EXACT, p_value, outside, verdict)
        moves = rep.generators().detach()
        ladder.insert(0, Rung(rep.group.name, rep.group.order, moves, (entry,), accepted))
    if not accepted:
        dim = rep.dim
        rep = FixedRepresentation(CyclicGroup(1), torch.empty(0, dim, dim, dtype=torch.float64))
        matrices, violations, gap, p_value = rep.matrices(), np.zeros(1), math.inf, 1.0
    permuted = action == "permutation" and accepted and isinstance(rep.group, TableGroup)
    members = rep.group.permutations if permuted and isinstance(rep.group, TableGroup) else None
    return Discovery(
        rep, matrices if members is None else torch.as_tensor(members),
        torch.as_tensor(violations), torch.full((rep.group.order,), EXACT, dtype=torch.float64),
        gap=gap, p_value=p_value, ladder=tuple(ladder), exact=verdict == "exact" or not accepted,
        action=action, notes=found.notes,
    )  # fmt: skip


def _rung_of(candidate: Candidate) -> Rung:
    entry = Evidence("function", candidate.violation, EXACT, 0.0, math.inf, "rejected")
    matrix = torch.as_tensor(candidate.matrix[None].copy())
    return Rung(f"C{candidate.order}", candidate.order, matrix, (entry,), accepted=False)


def _p_value(violation: float, outside: Sequence[Candidate], tried: int) -> float:
    """Chance that the best of all candidates comes that low, their logarithms being normal."""
    if len(outside) < 2:
        return 0.0
    logs = np.log([max(each.violation, EXACT) for each in outside])
    spread = max(float(logs.std(ddof=1)), 0.1)
    score = (float(logs.mean()) - math.log(max(violation, EXACT))) / spread
    return min(1.0, tried * 0.5 * math.erfc(score / math.sqrt(2)))
