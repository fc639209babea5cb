"""Public checkers: is this function equivariant, is this representation one?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from grouplearn._checks import instance, last_axis, refuse
from grouplearn.defects import closure_defect, homomorphism_defect, invertibility_defect
from grouplearn.errors import EquivarianceError
from grouplearn.groups import FiniteGroup
from grouplearn.representations.base import LearnedRepresentation

_NOTHING = "nothing was tested"


@dataclass(frozen=True)
class Finding:
    """One law of a representation, measured.

    Attributes:
        law: its name.
        defect: the measured violation.
        tolerance: the largest violation that passes.
    """

    law: str
    defect: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Is the defect within the tolerance? NaN is not."""
        return self.defect <= self.tolerance

    def __str__(self) -> str:
        verdict = "holds" if self.passed else "BROKEN"
        return f"{self.law}: {verdict} (defect {self.defect:.2g}, tolerance {self.tolerance:.2g})"


def equivariance_error(
    function: Callable[[Tensor], Tensor],
    rep_in: LearnedRepresentation,
    rep_out: LearnedRepresentation,
    x: Tensor,
) -> float:
    """Largest ||f(rho_in(g) x) - rho_out(g) f(x)|| over g and x, relative to the largest ||f(x)||.

    Args:
        function: f, from (..., d_in) to (..., d_out).
        rep_in: action on the last axis of inputs.
        rep_out: action, of the same group, on the last axis of outputs.
        x: (..., d_in) inputs to try.

    Returns:
        A number: about machine precision for an equivariant function.

    Raises:
        InputError: the groups differ, x is empty or does not fit rep_in, or f(x) does not fit
            rep_out.
    """
    who = "equivariance_error"
    for name, rep in (("rep_in", rep_in), ("rep_out", rep_out)):
        instance(who, name, rep, LearnedRepresentation, "pass function, rep_in, rep_out and x")
    if rep_in.group != rep_out.group:
        refuse(
            who, "rep_out", f"a representation of rep_in's group {rep_in.group}",
            f"one of {rep_out.group}", "build both with the same group",
        )  # fmt: skip
    if last_axis(who, "x", x, rep_in.dim).numel() == 0:
        refuse(who, "x", "one input or more", tuple(x.shape), "pass inputs to try")
    with torch.no_grad():
        expected = rep_out.orbit(last_axis(who, "f(x)", function(x), rep_out.dim))
        moved = rep_in.orbit(x)
        got = torch.stack([function(part) for part in moved.unbind(-2)], -2)
        gap = torch.linalg.vector_norm(got - expected, dim=-1).max()
        scale = torch.linalg.vector_norm(expected[..., 0, :], dim=-1).max()
        return float(gap / scale) if scale > 0 else float(gap)


def assert_equivariant(
    function: Callable[[Tensor], Tensor],
    rep_in: LearnedRepresentation,
    rep_out: LearnedRepresentation,
    x: Tensor,
    tolerance: float = 1e-4,
) -> None:
    """Raise unless `equivariance_error` is at most `tolerance`, and says something.

    It says nothing of inputs that an element leaves as they are, and nothing of a function whose
    outputs do not depend on its inputs.

    Raises:
        InputError: as `equivariance_error`, or nothing was tested.
        EquivarianceError: it is larger, or not a number.
    """
    error = equivariance_error(function, rep_in, rep_out, x)
    if error <= tolerance and rep_in.group.order > 1:
        _refuse_untested(function, rep_in, x)
    if not error <= tolerance:
        name = getattr(function, "__name__", type(function).__name__)
        raise EquivarianceError(
            f"{name}: equivariance error must be <= {tolerance:.2g}, got {error:.2g}; "
            f"check that it commutes with rep_in and rep_out of {rep_in.group}"
        )


@torch.no_grad()
def _refuse_untested(
    function: Callable[[Tensor], Tensor], rep_in: LearnedRepresentation, x: Tensor
) -> None:
    """Refuse vectors, or a function, of which an error of zero says nothing."""
    who, other = "assert_equivariant", _others(x)
    orbit, others = (rep_in.orbit(each).unbind(-2) for each in (x, other))
    for h, (moved, shown) in enumerate(zip(orbit, others, strict=True)):
        _refuse_still(who, h, moved, x, shown, other)
    if not any(_differ(function(x), function(each)) for each in (other, *orbit, *others)):
        refuse(who, "function", "one whose outputs depend on its inputs",
               "the same outputs for other inputs", f"{_NOTHING}: give it weights")  # fmt: skip


def _others(x: Tensor) -> Tensor:
    """Random numbers in the place of others."""
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(x.shape, generator=rng, dtype=torch.float64).to(x)
    return noise * (x.abs().max() + (x == 0).all())


def _refuse_still(
    who: str, h: int, moved: Tensor, x: Tensor, others_moved: Tensor, others: Tensor
) -> None:
    """Refuse inputs that an element leaves alone, though it moves others."""
    if not _differ(moved, x) and _differ(others_moved, others):
        refuse(who, "x", "inputs that every element moves", f"ones that element {h} leaves as they "
               "are", f"{_NOTHING} of it: pass torch.rand of this shape, for example")  # fmt: skip


def _differ(one: Tensor, other: Tensor) -> bool:
    """Are two results different beyond rounding?"""
    if one.shape != other.shape:
        return True
    eps = torch.finfo(one.dtype).eps if one.is_floating_point() else 0.0
    a, b = one.double(), other.double()
    scale = float(a.abs().max()) if a.numel() else 0.0
    return not bool(((a - b).abs() <= 100 * eps * scale).all())


@dataclass(frozen=True)
class LayerError:
    """How far the output of one module within a network is from moving as it should.

    Attributes:
        name: of the module, as `named_modules` has it; "" for the whole network.
        kind: its class.
        error: the largest deviation over the group, relative to the largest output.
    """

    name: str
    kind: str
    error: float

    def __str__(self) -> str:
        return f"{self.name or 'the network'} ({self.kind}): {self.error:.2g}"


def network_errors(
    network: nn.Module,
    group: FiniteGroup,
    x: Tensor,
    moves: Sequence[Callable[[Tensor], Tensor] | None],
    space_moves: Sequence[Callable[[Tensor], Tensor] | None] | None = None,
) -> list[LayerError]:
    """Move the input of a network by every element, and see how the output of each module moves.

    With s axes of space in the input, (B, C, ...), an output of s + 3 axes is a function on group
    and space, (B, C, n, ...): its entry g has to be entry h^-1 g, moved over the space by h. One of
    three axes, (B, C, n), has to be permuted, another one of s + 2 axes to move over the space, and
    one of two not to change; where the sizes do not tell the second from the third, either will do.
    Modules with other outputs have no entry, nor have those that make weights (parametrizations)
    or whose outputs do not depend on the input: nothing of these was tested.

    Args:
        network: any module of one tensor; put into evaluation mode while it is looked at.
        group: of order n.
        x: inputs (B, C, ...) to try, with one or two axes of space.
        moves: what each element does to x, as `ImageDomain.extend` returns it.
        space_moves: what it does to outputs of layers, where that differs: a reverse complement
            exchanges letters of the input, but only reverses what comes after. `moves` when None.

    Returns:
        One entry for each module of a known kind of output, inner ones before outer ones, in the
        order in which they ran; infinite errors where an output is not finite.

    Raises:
        InputError: not one move for each element, an element without one, x is empty, not finite,
            without space or left as it is by an element that moves others (so that nothing would be
            tested), or the network's own output is of no known kind or does not depend on x.
    """
    who, over = "network_errors", moves if space_moves is None else space_moves
    instance(who, "group", group, FiniteGroup, "pass rep.group")
    if not len(moves) == len(over) == group.order or None in moves or None in over:
        refuse(who, "moves", f"a function for each of {group.order} elements",
               f"{len(moves)}, {sum(move is None for move in moves)} of them None",
               "take a group that extends to whole objects")  # fmt: skip
    if x.ndim not in (3, 4):
        refuse(who, "x", "of shape (batch, channels, length) or (batch, channels, H, W)",
               tuple(x.shape), "pass a batch")  # fmt: skip
    if not x.numel() or not bool(torch.isfinite(x).all()):
        refuse(who, "x", "finite, and not empty", f"{x.numel()} numbers", "pass a batch of samples")
    axes, others = x.ndim - 2, _others(x)
    plain, random = _outputs(network, x), _outputs(network, others)
    if not plain or plain[-1][0] or not _kinds(plain[-1][1], axes, group.order):
        refuse(who, "network", "a module that returns features (B, C), with axes of elements and "
               "space or without", "another output", "pass the part that does")  # fmt: skip
    judged = [
        _kinds(was, axes, group.order) if _differ(was, now) else ()
        for (_, was), (_, now) in _paired(who, plain, random)
    ]
    if not judged[-1]:
        refuse(who, "network", "one whose outputs depend on its input", "the same for other inputs",
               f"{_NOTHING}: give it weights")  # fmt: skip
    errors = [dict.fromkeys(kinds, 0.0) for kinds in judged]
    elements = np.arange(group.order)
    for h, (move, along) in enumerate(zip(moves, over, strict=True)):
        if move is None or along is None:
            continue
        moved = move(x)
        _refuse_still(who, h, moved, x, move(others), others)
        sources = torch.as_tensor(group.multiply(group.inverse(h), elements), device=x.device)
        for found, ((_, was), (_, now)) in zip(
            errors, _paired(who, plain, _outputs(network, moved)), strict=True
        ):
            for kind in found:
                expected = _expected(was, kind, sources, along)
                gap = float((now - expected).abs().max()) if now.shape == expected.shape else inf
                error = gap / (float(was.abs().max()) or 1.0)
                found[kind] = max(found[kind], error) if isfinite(error) else inf
    classes = {name: type(module).__name__ for name, module in network.named_modules()}
    return [
        LayerError(name, classes[name], min(found.values()))
        for (name, _), found in zip(plain, errors, strict=True)
        if found
    ]


def assert_network_equivariant(
    network: nn.Module,
    group: FiniteGroup,
    x: Tensor,
    moves: Sequence[Callable[[Tensor], Tensor] | None],
    space_moves: Sequence[Callable[[Tensor], Tensor] | None] | None = None,
    tolerance: float | None = None,
) -> None:
    """Raise unless every output within a network moves as it should; name the first that does not.

    Args:
        network: as for `network_errors`.
        group: as for `network_errors`.
        x: as for `network_errors`.
        moves: as for `network_errors`.
        space_moves: as for `network_errors`.
        tolerance: of the relative error; when None, 1e-8 in float64, 1e-4 in float32, and what few
            digits leave in float16 and bfloat16, 0.01 and 0.05.

    Raises:
        InputError: as `network_errors`.
        EquivarianceError: a module breaks the equivariance; the first one that ran is named.
    """
    if tolerance is None:
        usual = {torch.float64: 1e-8, torch.float32: 1e-4, torch.float16: 0.01}
        tolerance = usual.get(x.dtype, 0.05)
    for found in network_errors(network, group, x, moves, space_moves):
        if not found.error <= tolerance:
            raise EquivarianceError(
                f"{found.name or type(network).__name__} ({found.kind}): equivariance error must "
                f"be <= {tolerance:.2g}, got {found.error:.2g}; the layers before it are "
                f"equivariant under {group}, it is not"
            )


_Outputs = list[tuple[str, Tensor]]


@torch.no_grad()
def _outputs(network: nn.Module, x: Tensor) -> _Outputs:
    """The name and the output of every module that returns a tensor, as they end."""
    found: _Outputs = []

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, _: object, output: object) -> None:
            # What only changes shapes moves with what it is given.
            if isinstance(output, Tensor) and not isinstance(module, nn.Flatten | nn.Unflatten):
                found.append((name, output.clone()))

        return hook

    training = {module: module.training for module in network.modules()}
    makers = [each for each in network.modules() if isinstance(each, ParametrizationList)]
    weights = {part for maker in makers for part in maker.modules()}
    handles = [
        module.register_forward_hook(keep(name))
        for name, module in network.named_modules()
        if module not in weights
    ]
    try:
        network.eval()(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in training.items():
            module.training = mode
    return found


def _paired(
    who: str, one: _Outputs, other: _Outputs
) -> list[tuple[tuple[str, Tensor], tuple[str, Tensor]]]:
    """Outputs for two inputs, side by side."""
    if [name for name, _ in one] != [name for name, _ in other]:
        refuse(who, "network", "one that runs the same modules for every input",
               f"{len(one)} of them for one input and {len(other)} for another",
               "look at its parts one by one")  # fmt: skip
    return list(zip(one, other, strict=True))


def _kinds(output: Tensor, axes: int, order: int) -> tuple[str, ...]:
    """How an output may have to move; none where that is not clear."""
    if not output.numel() or not output.is_floating_point():
        return ()
    elements = output.ndim in (3, axes + 3) and output.shape[2] == order
    if elements and output.ndim == axes + 3:
        return ("elements and space",)
    found: tuple[str, ...] = ("elements",) if elements else ()
    if output.ndim == axes + 2:
        found += ("space",)
    return (*found, "still") if output.ndim == 2 else found


def _expected(
    output: Tensor, kind: str, sources: Tensor, move: Callable[[Tensor], Tensor]
) -> Tensor:
    """What an output has to become."""
    if kind.startswith("elements"):
        output = output.index_select(2, sources)
    return move(output) if kind.endswith("space") else output


def check_representation(
    rep: LearnedRepresentation, tolerance: float | None = None
) -> tuple[Finding, ...]:
    """Measure the laws of a representation.

    Args:
        rep: the representation.
        tolerance: largest defect that passes; when None, 1,000 times the machine precision of
            rep's dtype.

    Returns:
        Findings for identity, homomorphism, closure, invertibility (with the class's inverse), dual
        pairing and action; print them, or test `all(finding.passed for finding in ...)`.

    Example:
        >>> from grouplearn import CyclicGroup
        >>> from grouplearn.representations import SpectralRepresentation
        >>> for finding in check_representation(SpectralRepresentation(CyclicGroup(4), 8), 1e-4):
        ...     print(finding.law, finding.passed)
        identity True
        homomorphism True
        closure True
        invertibility True
        dual pairing True
        action True
    """
    instance("check_representation", "rep", rep, LearnedRepresentation, "build one of the matrices")
    limit = 1000 * torch.finfo(rep.dtype).eps if tolerance is None else tolerance
    with torch.no_grad():
        matrices, eye = rep.matrices(), torch.eye(rep.dim, dtype=rep.dtype, device=rep.device)
        pairing = rep.dual_matrices().mT @ matrices
        acted = torch.stack([rep.act(eye, g).mT for g in range(rep.group.order)])
        orbit = rep.orbit(eye).permute(1, 2, 0)
        measured = {
            "identity": (matrices[0] - eye).abs().max(),
            "homomorphism": homomorphism_defect(rep),
            "closure": closure_defect(rep),
            "invertibility": invertibility_defect(rep),
            "dual pairing": torch.linalg.matrix_norm(pairing - eye).max() / rep.dim**0.5,
            "action": torch.maximum((acted - matrices).abs().max(), (orbit - matrices).abs().max()),
        }
    return tuple(Finding(law, float(defect), limit) for law, defect in measured.items())
