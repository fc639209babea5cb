"""Groups from a trained function: actions g with f(g x) = f(x)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import positive_int, refuse
from grouplearn.discovery.functions.answers import Unmoved
from grouplearn.discovery.functions.judgement import conclude
from grouplearn.discovery.functions.linear import search_linear
from grouplearn.discovery.functions.permutations import search_permutations
from grouplearn.discovery.functions.probes import WHO, Probe, Ruler, check_samples
from grouplearn.discovery.pairs.entry import check_level
from grouplearn.discovery.result import Discovery

_HELD = 2048


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
    are and whitened, and over random inputs whose distribution every such g keeps, one of them of
    the covariance that f itself suggests, so that neither the samples nor the coordinates need suit
    the action. Linear candidates have prime-power orders and lie in the algebra of matrices that
    commute with all of these; permutations are automorphisms of them. Survivors are refined by
    gradient, in spite of jumps, or by random steps where f has no gradient; they are closed to
    groups and measured on samples held out. Below 0.001 they are called exact, below 0.15
    approximate if what is no member does three times worse. An exact group is claimed before a
    larger approximate one, and a larger before a smaller; the notes name the others.

    Continuous turns exp(t X) that leave f alone solve grad f(x)^T X x = 0, which is linear in X.
    `lie_algebra` has an orthonormal basis of all X that are skew for one inner product, any one, so
    that their turns stay bounded: of f = x y, which is kept by x -> t x, y -> y / t, it has none.
    They and directions that f ignores have every order and are no part of the finite group, unless
    that is exact and they only nearly.

    Args:
        function: tensors (N, d) of the samples' dtype to (N,) or (N, k); deterministic. Gradients
            are taken by automatic differentiation, else by differences.
        samples: (N, d) inputs, N >= max(32, 4 d), of the distribution on which f matters.
        action: "linear" for matrices up to order 23, "permutation" for permuted coordinates.
        level: of the p-value.
        seed: of the random inputs and of the samples held out.

    Returns:
        The group with evidence "function"; C1 when nothing was found. The effect is its violation
        relative to the median violation of members in random bases, with a 95 % bound by bootstrap
        over rows; the p-value takes the logarithms of those violations as normal.

    Raises:
        InputError: an argument has the wrong type or shape, too few samples, values that are not
            finite, or a function that does not depend on x.

    Cost:
        Some 10^5 to 10^7 evaluations of f, and O(d^6) for the linear algebra up to d = 40.

    Example:
        >>> import torch
        >>> x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
        >>> discover_from_function(lambda x: x.pow(4).sum(1), x).group.name
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
    learned, held = split_rows(x, seed)
    search = search_linear if action == "linear" else search_permutations
    found = search(probe, learned, seed, Unmoved())
    return conclude(found, Ruler(probe, held, seed + 1), level, action)


def split_rows(
    x: Float[np.ndarray, "N d"], seed: int
) -> tuple[Float[np.ndarray, "L d"], Float[np.ndarray, "H d"]]:
    """Half of the rows to learn from, and 2,048 of the other half to judge by.

    Args:
        x: (N, d) samples.
        seed: of the halves.
    """
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order[len(x) // 2 :]], x[order[: len(x) // 2]][:_HELD]
