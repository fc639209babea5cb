"""Public checkers: is this function equivariant, is this representation one?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import torch
from torch import Tensor, nn

from grouplearn._checks import last_axis, refuse
from grouplearn.defects import closure_defect, homomorphism_defect, invertibility_defect
from grouplearn.errors import EquivarianceError
from grouplearn.groups import FiniteGroup
from grouplearn.representations.base import LearnedRepresentation


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
    """Raise unless `equivariance_error` is at most `tolerance`.

    Raises:
        EquivarianceError: it is larger, or not a number.
    """
    error = equivariance_error(function, rep_in, rep_out, x)
    if not error <= tolerance:
        name = getattr(function, "__name__", type(function).__name__)
        raise EquivarianceError(
            f"{name}: equivariance error must be <= {tolerance:.2g}, got {error:.2g}; "
            f"check that it commutes with rep_in and rep_out of {rep_in.group}"
        )


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
    one of two not to change. Modules with other outputs have no entry.

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
        InputError: not one move for each element, an element without one, x is empty, not finite or
            without space, or the network's own output is of no known kind.
    """
    who, over = "network_errors", moves if space_moves is None else space_moves
    if not len(moves) == len(over) == group.order or None in moves or None in over:
        refuse(who, "moves", f"a function for each of {group.order} elements",
               f"{len(moves)}, {sum(move is None for move in moves)} of them None",
               "take a group that extends to whole objects")  # fmt: skip
    if x.ndim not in (3, 4):
        refuse(who, "x", "of shape (batch, channels, length) or (batch, channels, H, W)",
               tuple(x.shape), "pass a batch")  # fmt: skip
    if not x.numel() or not bool(torch.isfinite(x).all()):
        refuse(who, "x", "finite, and not empty", f"{x.numel()} numbers", "pass a batch of samples")
    plain = _outputs(network, x)
    axes = x.ndim - 2
    if not plain or plain[-1][0] or not _is_known(plain[-1][1], axes, group.order):
        refuse(who, "network", "a module that returns features (B, C), with axes of elements and "
               "space or without", "another output", "pass the part that does")  # fmt: skip
    errors = [0.0] * len(plain)
    elements = np.arange(group.order)
    for h, (move, along) in enumerate(zip(moves, over, strict=True)):
        if move is None or along is None:
            continue
        sources = torch.as_tensor(group.multiply(group.inverse(h), elements), device=x.device)
        for k, ((_, was), (_, now)) in enumerate(
            zip(plain, _outputs(network, move(x)), strict=True)
        ):
            if _is_known(was, axes, group.order):
                expected = _expected(was, axes, group.order, sources, along)
                gap = float((now - expected).abs().max()) if now.shape == expected.shape else inf
                error = gap / (float(was.abs().max()) or 1.0)
                errors[k] = max(errors[k], error) if isfinite(error) else inf
    kinds = {name: type(module).__name__ for name, module in network.named_modules()}
    return [
        LayerError(name, kinds[name], error)
        for (name, was), error in zip(plain, errors, strict=True)
        if _is_known(was, axes, group.order)
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
        group: likewise.
        x: likewise.
        moves: likewise.
        space_moves: likewise.
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


@torch.no_grad()
def _outputs(network: nn.Module, x: Tensor) -> list[tuple[str, Tensor]]:
    """The name and the output of every module that returns a tensor, as they end."""
    found: list[tuple[str, Tensor]] = []

    def keep(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, _: object, output: object) -> None:
            # What only changes shapes moves with what it is given.
            if isinstance(output, Tensor) and not isinstance(module, nn.Flatten | nn.Unflatten):
                found.append((name, output.clone()))

        return hook

    training = {module: module.training for module in network.modules()}
    handles = [m.register_forward_hook(keep(name)) for name, m in network.named_modules()]
    try:
        network.eval()(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in training.items():
            module.training = mode
    return found


def _is_known(output: Tensor, axes: int, order: int) -> bool:
    """Is it clear how an output has to move?"""
    elements = output.ndim in (3, axes + 3) and output.shape[2] == order
    return output.numel() > 0 and (elements or output.ndim in (2, axes + 2))


def _expected(
    output: Tensor, axes: int, order: int, sources: Tensor, move: Callable[[Tensor], Tensor]
) -> Tensor:
    """What an output of a known kind has to become."""
    if output.ndim == axes + 3:
        return move(output.index_select(2, sources))
    if output.ndim == 3 and output.shape[2] == order:
        return output.index_select(2, sources)
    return move(output) if output.ndim == axes + 2 else output


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
