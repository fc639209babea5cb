"""Groups from sequences x, g x, g^2 x, ... of unknown order."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import float_tensor, positive_int, refuse
from grouplearn.discovery.pairs.entry import check_level, check_span, conclude
from grouplearn.discovery.pairs.estimates import Method
from grouplearn.discovery.pairs.orders import Pairs, SearchRequest
from grouplearn.discovery.result import Discovery


def discover_from_sequences(
    sequences: Float[Tensor, "sequences steps d"],
    *,
    max_order: int = 24,
    orthogonal: bool = False,
    noise: Literal["frames", "steps"] = "frames",
    level: float = 0.01,
    seed: int = 0,
) -> Discovery:
    """Find the cyclic group that steps through sequences x, g x, g^2 x, ...

    All neighbours are pairs of `discover_from_pairs`: the step g is estimated from them, rounded to
    the least order that fits, and checked on sequences held out (on their ends, when there are
    fewer than 8). Where sequences are longer than the order n, x_{t+n} = x_t is evidence of its
    own, called "period".

    Args:
        sequences: (S, T, d), T >= 2, whose vectors span R^d.
        max_order: the largest order that is tried.
        orthogonal: the action is orthogonal: estimate by Procrustes.
        noise: "frames" for noise of measurement, the same in every frame (estimated by total least
            squares); "steps" for noise that enters the dynamics (by least squares).
        level: chance of calling an exact symmetry only approximate, and of accepting by chance.
        seed: of what is held out and of the draws of the sampling error.

    Returns:
        The group and the evidence; C1 with a note when no order fits.

    Raises:
        InputError: wrong shape, values that are not finite, or vectors that do not span R^d.

    Cost:
        O(S T d^2 + max_order d^3) time.

    Example:
        >>> import torch
        >>> start = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
        >>> films = torch.stack([start, start.roll(1, 1), start.roll(2, 1), start], 1)
        >>> discover_from_sequences(films).group.name
        'C3'
    """
    who = "discover_from_sequences"
    float_tensor(who, "sequences", sequences, (None, None, None))
    if sequences.shape[1] < 2:
        refuse(who, "sequences", "of shape (S, T, d) with T >= 2", tuple(sequences.shape),
               "one frame shows no step")  # fmt: skip
    if noise not in ("frames", "steps"):
        refuse(who, "noise", '"frames" or "steps"', repr(noise), "pass one of the two")
    method: Method = "least squares" if noise == "steps" else "total least squares"
    search = SearchRequest(
        who, positive_int(who, "max_order", max_order, minimum=2),
        "procrustes" if orthogonal else method, check_level(who, level),
        positive_int(who, "seed", seed, minimum=0), shared=noise == "frames",
    )  # fmt: skip
    check_span(who, "sequences", sequences[:, :-1])
    return conclude(search, [Pairs.of_frames(sequences.detach().cpu().double().numpy())])
