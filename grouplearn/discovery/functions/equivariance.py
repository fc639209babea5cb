"""Groups from a trained function that answers them: f(g x) = rho'(g) f(x)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grouplearn._checks import positive_int, refuse
from grouplearn.discovery.functions.answers import Answer, Given, Linear
from grouplearn.discovery.functions.entry import split_rows
from grouplearn.discovery.functions.judgement import conclude
from grouplearn.discovery.functions.linear import search_linear
from grouplearn.discovery.functions.permutations import search_permutations
from grouplearn.discovery.functions.probes import EXACT, Probe, Ruler, check_samples
from grouplearn.discovery.pairs.entry import check_level
from grouplearn.discovery.result import Discovery
from grouplearn.groups import FiniteGroup
from grouplearn.representations import FixedRepresentation, LearnedRepresentation

_WHO = "discover_equivariance"
_PER_OUTPUT = 16
_ROUNDS = 8
_INTEGER = 0.05

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Equivariance:
    """A group that acts on the input of a function and on its output.

    Attributes:
        input: the group, how it acts on the input, and why it is believed; see `Discovery`.
        output: how the same group acts on the output; it closes exactly. Permutations where it
            permutes outputs.
        violation: the largest relative violation of f(g x) = output(g) f(x) on held-out samples.
    """

    input: Discovery
    output: LearnedRepresentation
    violation: float

    @property
    def group(self) -> FiniteGroup:
        """The group; C1, of order 1, when nothing was found."""
        return self.input.group

    @property
    def found(self) -> bool:
        """Is there more than the identity?"""
        return self.input.found

    def summary(self) -> str:
        """The finding in plain sentences."""
        return self.input.summary()

    def __str__(self) -> str:
        return self.summary()


def discover_equivariance(
    function: Callable[[Tensor], Tensor],
    samples: Float[Tensor, "samples d"],
    *,
    output: LearnedRepresentation | None = None,
    action: Literal["linear", "permutation"] = "linear",
    level: float = 0.01,
    seed: int = 0,
) -> Equivariance:
    """Find actions on the input of a function that its output answers by an action of its own.

    Looks for the finite group of g with f(g x) = rho'(g) f(x), where rho'(g) is a matrix: the
    regression of f(g x) on f(x), or the best matrix of a given representation. The violation of g
    is what that leaves unexplained, as a part of what it leaves unexplained when the part of x that
    g moves is taken from another sample: 0 for a symmetry, about 1 for an action unrelated to f.

    Candidates come from the Jacobian J of f, with outputs whitened so that rho' is orthogonal: then
    E[J^T J], E[w J^T J], E[w x x^T] commute with an orthogonal g for every weight w that depends on
    |f| alone. The search is that of `discover_from_function`, which see, and so is the verdict.
    Invariance is the case rho' = 1 and is found as well.

    A function has more symmetries of this kind than meet the eye. A layer f(x) = tanh(C x) with
    invertible C answers every signed permutation P, by C^-1 P C on the input; a linear function
    answers every matrix, which is reported as a continuous rotation, not as a group. Ask for
    action="permutation", or pass an output, where such actions are not meant.

    Args:
        function: tensors (N, d) of the samples' dtype to (N, k); deterministic.
        samples: (N, d) inputs, N >= max(32, 4 d, 16 k), of the distribution on which f matters.
        output: a representation of dimension k whose matrices alone are allowed as answers; the
            group found may be a subgroup of its group, or larger where it is not faithful. None for
            any matrix.
        action: on the input; "linear" for matrices up to order 23, "permutation" for permuted
            coordinates.
        level: of the p-value.
        seed: of the random inputs and of the samples held out.

    Returns:
        The group with its actions on input and output; C1 when nothing was found.

    Raises:
        InputError: an argument has the wrong type or shape, too few samples, values that are not
            finite, or a function that does not depend on x.

    Cost:
        Some 10^4 to 10^6 evaluations of f, and k gradients of it at 4,096 to 32,768 inputs.

    Example:
        >>> x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
        >>> found = discover_equivariance(lambda x: x * x.roll(1, 1) ** 2, x, action="permutation")
        >>> found.group.name, found.output.is_permutation
        ('C3', True)
    """
    x = check_samples(samples, _WHO)
    level = check_level(_WHO, level)
    seed = positive_int(_WHO, "seed", seed, minimum=0)
    if not callable(function):
        refuse(_WHO, "function", "callable", repr(function), "pass a network or a function")
    if action not in ("linear", "permutation"):
        refuse(_WHO, "action", '"linear" or "permutation"', repr(action), "pass one of the two")
    probe = Probe(function, samples.detach(), who=_WHO)
    probe.check_varies(x)
    outputs = probe.values(x[:1]).shape[1]
    if len(x) < _PER_OUTPUT * outputs:
        refuse(_WHO, "samples", f"at least {_PER_OUTPUT * outputs} rows, 16 for each output",
               tuple(x.shape), "draw more inputs")  # fmt: skip
    answer = _answer(output, outputs)
    learned, held = split_rows(x, seed)
    search = search_linear if action == "linear" else search_permutations
    ruler = Ruler(probe, held, seed + 1, answer)
    found = conclude(search(probe, learned, seed, answer), ruler, level, action)
    return Equivariance(found, *_output_of(found.representation, ruler))


def _answer(output: LearnedRepresentation | None, outputs: int) -> Answer:
    if output is None:
        return Linear()
    if not isinstance(output, LearnedRepresentation):
        refuse(_WHO, "output", "a representation or None", type(output).__name__,
               "pass a FixedRepresentation")  # fmt: skip
    if output.dim != outputs:
        refuse(_WHO, "output", f"of dim {outputs}, as many as the function has outputs",
               output.dim, "build it with that dim")  # fmt: skip
    return Given(output.matrices().detach().double().cpu())


def _output_of(rep: LearnedRepresentation, ruler: Ruler) -> tuple[LearnedRepresentation, float]:
    """The action on the output that belongs to one on the input, and its violation."""
    values = torch.as_tensor(ruler.values)
    answers = [
        ruler.answer.matrix(values, _moved(ruler, each))
        for each in rep.generators().detach().numpy()
    ]
    size = values.shape[1]
    near = torch.stack(answers) if answers else torch.empty(0, size, size, dtype=torch.float64)
    output = _closed(rep.group, near)
    violation = _violation(rep, output, ruler)
    whole = FixedRepresentation(rep.group, output.generators().round())
    if bool((whole.generators() - output.generators()).abs().max() < _INTEGER if answers else 0):
        rounded = _violation(rep, whole, ruler)
        if whole.closes_exactly and rounded <= max(EXACT, 1.1 * violation):
            return whole, rounded
    return output, violation


def _moved(ruler: Ruler, matrix: Array) -> Float[Tensor, "N k"]:
    return torch.as_tensor(ruler.probe.values(ruler.x @ matrix.T))


def _closed(group: FiniteGroup, near: Float[Tensor, "m k k"]) -> FixedRepresentation:
    """Nearly a representation, made one: rho(s) = 1/|G| sum_h rho(s h) rho(h)^-1, repeated."""
    everything = np.arange(group.order)
    for _ in range(_ROUNDS if len(near) else 0):
        matrices = FixedRepresentation(group, near).matrices()
        inverses = torch.linalg.inv(matrices)
        near = torch.stack(
            [(matrices[group.multiply(s, everything)] @ inverses).mean(0) for s in group.generators]
        )
    return FixedRepresentation(group, near)


def _violation(rep: LearnedRepresentation, output: LearnedRepresentation, ruler: Ruler) -> float:
    values = torch.as_tensor(ruler.values)
    worst = 0.0
    pairs = zip(rep.matrices().detach().numpy(), output.matrices(), strict=True)
    for matrix, answer in pairs:
        left = (_moved(ruler, matrix) - values @ answer.mT).square().sum(1).mean()
        worst = max(worst, (float(left) / ruler.by_row(matrix)[1].mean()) ** 0.5)
    return worst
