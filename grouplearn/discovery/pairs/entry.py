"""Groups from pairs (x, g x): estimate the matrices, find their orders, close the group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from grouplearn._checks import finite_number, float_tensor, positive_int, refuse
from grouplearn.discovery.closing import close_matrices
from grouplearn.discovery.pairs.estimates import FLOOR, Array, Estimate, Method
from grouplearn.discovery.pairs.orders import TOLERANCE, Generator, Pairs, SearchRequest, find_order
from grouplearn.discovery.result import Discovery, Evidence, Rung
from grouplearn.groups import CyclicGroup
from grouplearn.groups.table import TableGroup
from grouplearn.linalg import rank_bound
from grouplearn.representations import (
    DenseRepresentation,
    FixedRepresentation,
    LearnedRepresentation,
    SpectralRepresentation,
)

_NOISE_DRAWS = 12


def discover_from_pairs(
    x: Float[Tensor, "samples d"],
    y: Float[Tensor, "samples d"] | Sequence[Float[Tensor, "samples d"]],
    *,
    max_order: int = 24,
    orthogonal: bool = False,
    noisy_inputs: bool = False,
    level: float = 0.01,
    seed: int = 0,
) -> Discovery:
    """Find the group of an action from examples of what its generators do.

    The matrix A of y = A x is estimated by least squares. For every order n the exact A_n with
    A_n^n = I next to it is compared with what the sampling error of the estimate leaves; the least
    n that passes is taken, if matrices with random eigenvalues would not pass as well. The answer
    is then checked on pairs held out: A_n from three quarters of them against the matrix that the
    last quarter shows. Errors are relative: ||(A - A_n) M^(1/2)||_F / ||A M^(1/2)||_F with
    M = E[x x^T]. A violation below 0.05 that noise does not explain is called approximate.

    Several generators are estimated one by one, and the group they generate is found by spelling
    their products. Permutation matrices are recognised and returned as such.

    Args:
        x: (N, d) vectors that span R^d, in any floating-point type.
        y: (N, d), what one generator makes of them, or a list of such, one per generator.
        max_order: the largest order of one generator that is tried.
        orthogonal: the action is orthogonal: estimate by Procrustes.
        noisy_inputs: x is as noisy as y: estimate by total least squares.
        level: chance of calling an exact symmetry only approximate, and of accepting by chance.
        seed: of the pairs held out and of the draws of the sampling error.

    Returns:
        The group, and the evidence for and against orders ("closure": the estimate against A_n;
        "pairs": A_n against pairs held out). C1 with a note when nothing closes.

    Raises:
        InputError: shapes differ, values are not finite, or x does not span R^d.

    Cost:
        O(N d^2 + max_order d^3) per generator.

    References:
        Higham, Functions of Matrices (2008), section 1.5 (rounding of eigenvalues).

    Example:
        >>> x = torch.randn(99, 3, generator=torch.Generator().manual_seed(0))
        >>> found = discover_from_pairs(x, x.roll(1, -1))
        >>> found.group.name, found.members.tolist()
        ('C3', [[0, 1, 2], [1, 2, 0], [2, 0, 1]])
    """
    who = "discover_from_pairs"
    outputs: list[Any] = list(y) if isinstance(y, list | tuple) else [y]
    float_tensor(who, "x", x, (None, None))
    if not outputs:
        refuse(who, "y", "a tensor or a list of at least one", "an empty list", "pass g x")
    for each in outputs:
        float_tensor(who, "y", each, tuple(x.shape))
    if orthogonal and noisy_inputs:
        refuse(who, "noisy_inputs", "False when orthogonal is true", True, "pass one of the two")
    method: Method = "procrustes" if orthogonal else "least squares"
    search = SearchRequest(
        who, positive_int(who, "max_order", max_order, minimum=2),
        "total least squares" if noisy_inputs else method, check_level(who, level),
        positive_int(who, "seed", seed, minimum=0),
    )  # fmt: skip
    inputs = check_span(who, "x", x)
    return conclude(search, [Pairs(inputs, _numpy(each)) for each in outputs])


def conclude(search: SearchRequest, pairs: Sequence[Pairs]) -> Discovery:
    """Find the order of every generator, close the group and put the finding together.

    Args:
        search: the settings.
        pairs: those of each generator.

    Returns:
        The finding.
    """
    many = len(pairs) > 1
    found = [
        find_order(search, each, f"generator {k}" if many else "A")
        for k, each in enumerate(pairs, 1)
    ]
    notes = [_sentence(note) for each in found for note in each.notes]
    kept = [each for each in found if each.accepted and each.test.order > 1]
    for k, each in enumerate(found, 1):
        if each.accepted and each.test.order == 1:
            notes.append(f"Generator {k} is the identity, within noise." if many else
                         "The pairs show the identity: y = x within noise.")  # fmt: skip
    rep = _close(kept)
    if kept and rep is None:
        notes.append("Each generator closes, but not the group they generate.")
    if rep is None:
        rep, kept = _trivial(found[0].fit), []
    ladder = [rung for each in found for rung in each.ladder]
    finding = _finding(rep, kept, tuple(ladder), tuple(notes))
    if len(rep.group.generators) < 2:
        return finding
    evidence = tuple(each for generator in kept for each in generator.evidence)
    whole = Rung(
        rep.group.name, rep.group.order, rep.generators().detach(), evidence, accepted=True
    )
    return replace(finding, ladder=(whole, *ladder))


def check_level(who: str, level: float) -> float:
    """Return the level if it lies strictly between 0 and 1."""
    level = finite_number(who, "level", level, positive=True)
    if level >= 1:
        refuse(who, "level", "below 1", level, "pass level=0.01")
    return level


def check_span(who: str, argument: str, x: Tensor) -> Array:
    """Return vectors (N, d) as an array if they span R^d, by the rule of `linalg.rank_bound`."""
    rows = x.detach().double().reshape(-1, x.shape[-1])
    dim = rows.shape[1]
    rank = 0
    if rows.numel():
        eigenvalues = torch.linalg.eigvalsh(rows.mT @ rows / len(rows))
        rank = int((eigenvalues > rank_bound(eigenvalues)).sum())
    if dim == 0 or rank < dim:
        refuse(
            who, argument, f"vectors that span R^{dim}",
            f"{len(rows)} that span {rank} of {dim} directions",
            "the action is unknown on the others: pass more varied vectors, or drop constant and "
            "dependent coordinates",
        )  # fmt: skip
    return _numpy(rows)


def _close(kept: Sequence[Generator]) -> LearnedRepresentation | None:
    """The representation of the group that generators generate; None when it does not close."""
    if not kept:
        return None
    if all(each.images is not None for each in kept):
        images = np.stack([each.images for each in kept if each.images is not None])
        distinct = np.unique(images, axis=0, return_index=True)[1]
        return FixedRepresentation.from_permutations(images[np.sort(distinct)], torch.float64)
    if len(kept) == 1:
        test = kept[0].test
        return SpectralRepresentation.from_basis(
            CyclicGroup(test.order), test.counts, torch.as_tensor(test.basis)
        )
    root = kept[0].fit.root
    noise = max(each.fit.noise for each in kept)
    # Too large a tolerance takes different elements for one: the least that closes is right.
    for tolerance in (max(1e-4, 8 * noise), 2 * TOLERANCE, 4 * TOLERANCE):
        rep = close_matrices([each.exact for each in kept], root, tolerance)
        if rep is not None and _keeps(rep, kept):
            return rep
    return None


def _keeps(rep: LearnedRepresentation, kept: Sequence[Generator]) -> bool:
    """Are all generators still among the elements, as near as noise or the tolerance allows?"""
    elements = rep.matrices().detach().numpy()
    return all(
        min(each.fit.violation(element) for element in elements)
        <= max(TOLERANCE, 4 * each.fit.noise)
        for each in kept
    )


def _trivial(fit: Estimate) -> FixedRepresentation:
    dim = len(fit.matrix)
    return FixedRepresentation(CyclicGroup(1), torch.empty(0, dim, dim, dtype=torch.float64))


def _finding(
    rep: LearnedRepresentation,
    kept: Sequence[Generator],
    ladder: tuple[Rung, ...],
    notes: tuple[str, ...],
) -> Discovery:
    matrices = rep.matrices().detach()
    permuted = isinstance(rep, FixedRepresentation) and rep.is_permutation and bool(kept)
    members = matrices
    if permuted and isinstance(rep.group, TableGroup) and rep.group.permutations is not None:
        members = torch.as_tensor(rep.group.permutations)
    evidence: list[Evidence] = [each for generator in kept for each in generator.evidence]
    violations, noise = _spelled(rep, kept) if kept else (torch.zeros(1).double(),) * 2
    return Discovery(
        rep, members, violations, noise,
        gap=min((each.gap for each in evidence), default=math.inf),
        p_value=max((each.chance for each in kept), default=1.0),
        ladder=ladder,
        exact=all(each.verdict == "exact" for each in evidence),
        action="permutation" if permuted else "linear",
        notes=notes,
    )  # fmt: skip


def _spelled(rep: LearnedRepresentation, kept: Sequence[Generator]) -> tuple[Tensor, Tensor]:
    """How far every element spelled by the estimates is from the exact one, and from noise alone.

    Returns:
        Violations and noise, (n,) each, float64.
    """
    exact = rep.generators().detach()
    own = [min(kept, key=lambda each: each.fit.violation(a)) for a in exact.numpy()]
    root = torch.as_tensor(kept[0].fit.root)
    truth = rep.matrices().detach()
    size = torch.linalg.matrix_norm(truth @ root)
    free = DenseRepresentation(rep.group, rep.dim, near=exact, dtype=torch.float64)

    def apart(generators: Sequence[Array]) -> Tensor:
        with torch.no_grad():
            free.weight.copy_(torch.as_tensor(np.stack(generators)))
            return torch.linalg.matrix_norm((free.matrices() - truth) @ root) / size

    violations = apart([each.fit.matrix for each in own])
    noise = torch.stack(
        [
            apart([a + each.left[k] for a, each in zip(exact.numpy(), own, strict=True)])
            for k in range(_NOISE_DRAWS)
        ]
    )
    return violations, noise.square().mean(0).sqrt().clamp(min=FLOOR / 10)


def _numpy(x: Tensor) -> Array:
    return np.asarray(x.detach().cpu().double().numpy())


def _sentence(note: str) -> str:
    return note[0].upper() + note[1:]
